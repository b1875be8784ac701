#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the C source of jzse._cffi from jzse.h itself, so that the two cannot drift:  make_native.py JZSE_H OUT.c

cffi needs declarations without a preprocessor. jzse.h has few directives, so taking them out is simple and checked:
what is left must hold no '#', and every JZSE_API function must have come through."""
import re
import sys

import cffi

CALLBACKS = '''
extern "Python" {
  void jzse_py_log(void *context, int level, const char *line);
  int jzse_py_namespace(void *context, const jzse_namespace_info *info);
  int jzse_py_progress(void *context, uint64_t done, uint64_t total);
  void jzse_py_problem(void *context, const char *ns, const char *path, uint64_t version, const char *problem);
  void *jzse_py_large(void *context, uint64_t size);
}
typedef struct {
  void *large;
  uint64_t size;
  char small[65536];
} jzse_py_room;
int64_t jzse_py_get(jzse_store *store, const char *ns, const char *path, const jzse_get_options *options,
                    jzse_py_room *room, jzse_error *error);
void jzse_py_namespace_config_init(jzse_namespace_config *config);
void jzse_py_reader_close(jzse_reader **slot);
void jzse_py_writer_abort(jzse_writer **slot);
void jzse_py_group_abort(jzse_group **slot);
void jzse_py_list_close(jzse_list **slot);
void jzse_py_metadata_close(jzse_metadata **slot);
void jzse_py_feed_close(jzse_feed **slot);
void jzse_py_snapshot_close(jzse_snapshot **slot);
void jzse_py_queue_close(jzse_queue **slot);
int jzse_py_store_close(jzse_store **slot, jzse_error *error);
int jzse_py_writer_commit(jzse_writer **slot, jzse_file_info *info, jzse_error *error);
int jzse_py_group_commit(jzse_group **slot, jzse_error *error);
int jzse_py_group_commit_async(jzse_queue *queue, uint64_t tag, jzse_group **slot, jzse_error *error);
'''
# Initial values that are not zero are macros in jzse.h; cffi sees functions only. jzse_py_get reads a small content into
# the room itself, which costs neither an allocation nor a way through the interpreter; a large one where Python says.
# It gives the size, or a code. Handles are released where they lie (rule 3 of _native.py): in one step, as Python sees it.
SOURCE = '''
#include <jzse/jzse.h>
static void jzse_py_namespace_config_init(jzse_namespace_config *config) {
  const jzse_namespace_config initial = JZSE_NAMESPACE_CONFIG_INIT;
  *config = initial;
}
typedef struct {
  void *large;
  uint64_t size;
  char small[65536];
} jzse_py_room;
static void *jzse_py_large(void *context, uint64_t size);
static void *place(void *context, uint64_t size) {
  jzse_py_room *room = context;
  room->size = size;
  return size <= sizeof room->small ? room->small : jzse_py_large(room->large, size);
}
static int64_t jzse_py_get(jzse_store *store, const char *ns, const char *path, const jzse_get_options *options,
                           jzse_py_room *room, jzse_error *error) {
  const int code = jzse_get_into(store, ns, path, options, place, room, NULL, error);
  return code != JZSE_OK ? code : (int64_t)room->size;
}
#define RELEASE(kind, how) \\
  static jzse_##kind *kind##_of(jzse_##kind **slot) { \\
    jzse_##kind *const handle = *slot; \\
    *slot = NULL; \\
    return handle; \\
  } \\
  static void jzse_py_##kind##_##how(jzse_##kind **slot) { jzse_##kind##_##how(kind##_of(slot)); }
RELEASE(reader, close)
RELEASE(writer, abort)
RELEASE(group, abort)
RELEASE(list, close)
RELEASE(metadata, close)
RELEASE(feed, close)
RELEASE(snapshot, close)
RELEASE(queue, close)
static int gone(jzse_error *error) {
  *error = (jzse_error){.struct_size = sizeof *error, .code = JZSE_CLOSED, .message = "the handle is closed"};
  return JZSE_CLOSED;
}
static int jzse_py_store_close(jzse_store **slot, jzse_error *error) {
  const int code = jzse_store_close(*slot, error);
  if (code != JZSE_BUSY) *slot = NULL;
  return code;
}
static int jzse_py_writer_commit(jzse_writer **slot, jzse_file_info *info, jzse_error *error) {
  return *slot == NULL ? gone(error) : jzse_writer_commit(writer_of(slot), info, error);
}
static int jzse_py_group_commit(jzse_group **slot, jzse_error *error) {
  return *slot == NULL ? gone(error) : jzse_group_commit(group_of(slot), error);
}
static int jzse_py_group_commit_async(jzse_queue *queue, uint64_t tag, jzse_group **slot, jzse_error *error) {
  if (*slot == NULL) return gone(error);
  const int code = jzse_group_commit_async(queue, tag, *slot, error);
  if (code == JZSE_OK) *slot = NULL;
  return code;
}
'''


def declarations(header):
    text = re.sub(r'/\*.*?\*/', '', header, flags=re.S).replace('\\\n', ' ')
    text = re.sub(r'^#ifdef __cplusplus\n.*?^#endif\n', '', text, flags=re.S | re.M)
    text = re.sub(r'^#.*\n', '', text, flags=re.M)
    text, functions = re.subn(r'^JZSE_API\s+', '', text, flags=re.M)
    text = re.sub(r'\b1u << (\d+)', lambda shift: str(1 << int(shift[1])), text)
    assert '#' not in text and 'JZSE_API' not in text, 'a directive that this script does not know'
    assert functions == len(re.findall(r'^JZSE_API', header, flags=re.M)) > 50, functions
    return text


def main():
    header, out = sys.argv[1:]
    with open(header, encoding='utf-8') as file:
        text = declarations(file.read())
    builder = cffi.FFI()
    builder.cdef(text + CALLBACKS)
    builder.set_source('jzse._cffi', SOURCE)
    builder.emit_c_code(out)


main()
