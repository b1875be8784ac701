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
'''
# Initial values that are not zero are macros in jzse.h; cffi sees functions only. jzse_py_get reads a small content into
# the room itself, which costs neither an allocation nor a way through the interpreter; a large one where Python says.
# It gives the size, or a code.
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
