/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of callers compiled against an older or newer jzse.h, or not initialised at all. */
#include "check.h"

#define SPACE 8192  /* room for structs of any claimed size */

static unsigned char space[SPACE];
static jzse_writer *writer;
static jzse_reader *reader;
static jzse_list *list;
static jzse_feed *feed;
static jzse_metadata *metadata;
static jzse_watch *watch;
static jzse_queue *queue;

static int no_change(void *context, const jzse_change *change) {
  (void)context, (void)change;
  return 0;
}

/* One call for every options struct of every function that takes one; whatever it makes is released. */
static int open_with(const void *options) {
  jzse_store *second = NULL;
  const int code = jzse_store_open(in_dir("second"), options, &second, &error);
  jzse_store_close(second, NULL);
  return code;
}
static int create_namespace(const void *config) {
  const int code = jzse_namespace_create(store, "n", config, &error);
  if (code == JZSE_OK) jzse_namespace_drop(store, "n", NULL);
  return code;
}
static int configure(const void *config) { return jzse_namespace_configure(store, "default", config, &error); }
static int put_with(const void *options) {
  return jzse_put(store, "default", "p", "x", 1, options, NULL, &error);
}
static int put_fd_with(const void *options) {
  FILE *empty = tmpfile();
  int code;
  CHECK(empty != NULL);
  code = jzse_put_fd(store, "default", "p", fileno(empty), options, NULL, &error);
  fclose(empty);
  return code;
}
static int writer_with(const void *options) {
  const int code = jzse_writer_open(store, "default", "w", options, &writer, &error);
  jzse_writer_abort(writer);
  return code;
}
static int set_metadata_with(const void *options) {
  return jzse_metadata_set(store, "default", "a", options, NULL, &error);
}
static int mkdir_with(const void *options) {
  const int code = jzse_mkdir(store, "default", "d", options, &error);
  if (code == JZSE_OK) jzse_delete(store, "default", "d", NULL, NULL);
  return code;
}
static int get_with(const void *options) {
  void *data;
  size_t size;
  const int code = jzse_get(store, "default", "a", options, &data, &size, NULL, &error);
  jzse_free(data);
  return code;
}
static void *place_here(void *context, uint64_t size) { return size <= 64 ? context : NULL; }
static int get_into_with(const void *options) {
  char here[64];
  return jzse_get_into(store, "default", "a", options, place_here, here, NULL, &error);
}
static int versions_with(const void *options) {
  const int code = jzse_versions_open(store, "default", "a", options, &list, &error);
  jzse_list_close(list);
  return code;
}
static int get_range_with(const void *options) {
  char byte;
  size_t count;
  return jzse_get_range(store, "default", "a", options, 0, &byte, 1, &count, &error);
}
static int stat_with(const void *options) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  return jzse_stat(store, "default", "a", options, &info, &error);
}
static int metadata_with(const void *options) {
  const int code = jzse_metadata_open(store, "default", "a", options, &metadata, &error);
  jzse_metadata_close(metadata);
  return code;
}
static int reader_with(const void *options) {
  const int code = jzse_reader_open(store, "default", "a", options, &reader, NULL, &error);
  jzse_reader_close(reader);
  return code;
}
static int list_with(const void *options) {
  const int code = jzse_list_open(store, "default", options, &list, &error);
  jzse_list_close(list);
  return code;
}
static int delete_with(const void *options) {
  put("gone", "x");
  reset_error_();
  return jzse_delete(store, "default", "gone", options, &error);
}
static int copy_with(const void *options) {
  return jzse_copy(store, "default", "a", "default", "copy", options, NULL, &error);
}
static int move_with(const void *options) {
  put("from", "x");
  reset_error_();
  return jzse_move(store, "default", "from", "to", options, &error);
}
static int feed_with(const void *options) {
  const int code = jzse_feed_open(store, options, &feed, &error);
  jzse_feed_close(feed);
  return code;
}
static int watch_with(const void *options) {
  const int code = jzse_watch_start(store, options, no_change, NULL, &watch, &error);
  jzse_watch_stop(watch);
  return code;
}
static int verify_with(const void *options) { return jzse_verify(store, options, NULL, &error); }
static int compact_with(const void *options) { return jzse_compact(store, options, NULL, &error); }
static int export_with(const void *options) {
  FILE *file = tmpfile();
  int code;
  CHECK(file != NULL);
  code = jzse_archive_export(store, "default", fileno(file), options, NULL, &error);
  fclose(file);
  return code;
}
static int import_with(const void *options) {
  FILE *file = tmpfile();
  int code;
  CHECK(file != NULL);
  CHECK(jzse_archive_export(store, "default", fileno(file), NULL, NULL, NULL) == JZSE_OK);
  rewind(file);
  code = jzse_archive_import(store, "default", fileno(file), options, NULL, &error);
  fclose(file);
  return code;
}
static int group_with(const void *put_options, const void *change_options) {
  jzse_group *group = NULL;
  int code = jzse_group_begin(store, &group, &error);
  if (code == JZSE_OK) code = jzse_group_put(group, "default", "g", "x", 1, put_options, &error);
  if (code == JZSE_OK) code = jzse_group_mkdir(group, "default", "gd", put_options, &error);
  if (code == JZSE_OK) code = jzse_group_copy(group, "default", "g", "default", "h", change_options, &error);
  if (code == JZSE_OK) code = jzse_group_move(group, "default", "h", "i", change_options, &error);
  if (code == JZSE_OK) code = jzse_group_delete(group, "default", "i", change_options, &error);
  jzse_group_abort(group);
  return code;
}
static int group_put_with(const void *options) { return group_with(options, NULL); }
static int group_change_with(const void *options) { return group_with(NULL, options); }
static int reap(int code) {
  jzse_completion completion;
  size_t count = 0;
  if (code != JZSE_OK) return code;
  CHECK(jzse_queue_reap(queue, &completion, 1, -1, &count, NULL) == JZSE_OK && count == 1);
  jzse_free(completion.data);
  return completion.code;
}
static int put_async_with(const void *options) {
  return reap(jzse_put_async(queue, 1, "default", "p", "x", 1, options, &error));
}
static int get_async_with(const void *options) {
  return reap(jzse_get_async(queue, 1, "default", "a", options, &error));
}
static int stat_async_with(const void *options) {
  return reap(jzse_stat_async(queue, 1, "default", "a", options, &error));
}
static int delete_async_with(const void *options) {
  put("gone", "x");
  reset_error_();
  return reap(jzse_delete_async(queue, 1, "default", "gone", options, &error));
}
static int copy_async_with(const void *options) {
  return reap(jzse_copy_async(queue, 1, "default", "a", "default", "copy", options, &error));
}
static int move_async_with(const void *options) {
  put("from", "x");
  reset_error_();
  return reap(jzse_move_async(queue, 1, "default", "from", "to", options, &error));
}
static int mkdir_async_with(const void *options) {
  const int code = reap(jzse_mkdir_async(queue, 1, "default", "d", options, &error));
  if (code == JZSE_OK) jzse_delete(store, "default", "d", NULL, NULL);
  return code;
}
static int metadata_async_with(const void *options) {
  return reap(jzse_metadata_set_async(queue, 1, "default", "a", options, &error));
}

static void set_size(uint32_t size) { memcpy(space, &size, sizeof size); }

/* `initial` is the struct of this version; `name` must be in the message. */
static void check_input(int (*call)(const void *), const void *initial, size_t size, const char *name) {
  uint32_t wrong[] = {0, 3, 4, 0, 4097, 0x7fffffff, 0xffffffff};
  size_t i;
  wrong[3] = (uint32_t)size - 1;
  memset(space, 0, sizeof space);
  memcpy(space, initial, size);
  for (i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    set_size(wrong[i]);
    CHECK_CODE(call(space), JZSE_INVALID, name);
    CHECK(strstr(error.message, "struct_size") != NULL);
  }
  set_size((uint32_t)size);
  CHECK_OK(call(space));
  memset(space + size, 0xff, SPACE - size);  /* behind the struct: not looked at */
  CHECK_OK(call(space));
  memset(space + size, 0, SPACE - size);
  set_size((uint32_t)size + 24);             /* a newer caller that sets nothing new */
  CHECK_OK(call(space));
  space[size + 9] = 1;                       /* and one that does */
  CHECK_CODE(call(space), JZSE_UNSUPPORTED, name);
  set_size((uint32_t)size + 8);
  CHECK_OK(call(space));
  set_size(4096);
  CHECK_CODE(call(space), JZSE_UNSUPPORTED, name);
}

TEST(options_of_any_size) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_put_options put_options = JZSE_PUT_OPTIONS_INIT;
  jzse_get_options get = JZSE_GET_OPTIONS_INIT;
  jzse_list_options listing = JZSE_LIST_OPTIONS_INIT;
  jzse_change_options change = JZSE_CHANGE_OPTIONS_INIT;
  jzse_feed_options feeding = JZSE_FEED_OPTIONS_INIT;
  jzse_verify_options verify = JZSE_VERIFY_OPTIONS_INIT;
  jzse_compact_options compact = JZSE_COMPACT_OPTIONS_INIT;
  jzse_archive_options archive = JZSE_ARCHIVE_OPTIONS_INIT;
  open_store();
  put("a", "content");
  CHECK_OK(jzse_queue_open(store, 8, &queue, &error));
  options.flags = JZSE_OPEN_CREATE;
  check_input(open_with, &options, sizeof options, "jzse_options");
  check_input(create_namespace, &config, sizeof config, "jzse_namespace_config");
  check_input(configure, &config, sizeof config, "jzse_namespace_config");
  check_input(put_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(put_fd_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(writer_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(set_metadata_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(mkdir_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(group_put_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(put_async_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(mkdir_async_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(metadata_async_with, &put_options, sizeof put_options, "jzse_put_options");
  check_input(get_with, &get, sizeof get, "jzse_get_options");
  check_input(get_into_with, &get, sizeof get, "jzse_get_options");
  check_input(versions_with, &get, sizeof get, "jzse_get_options");
  check_input(get_range_with, &get, sizeof get, "jzse_get_options");
  check_input(stat_with, &get, sizeof get, "jzse_get_options");
  check_input(metadata_with, &get, sizeof get, "jzse_get_options");
  check_input(reader_with, &get, sizeof get, "jzse_get_options");
  check_input(get_async_with, &get, sizeof get, "jzse_get_options");
  check_input(stat_async_with, &get, sizeof get, "jzse_get_options");
  check_input(list_with, &listing, sizeof listing, "jzse_list_options");
  check_input(delete_with, &change, sizeof change, "jzse_change_options");
  check_input(copy_with, &change, sizeof change, "jzse_change_options");
  check_input(move_with, &change, sizeof change, "jzse_change_options");
  check_input(group_change_with, &change, sizeof change, "jzse_change_options");
  check_input(delete_async_with, &change, sizeof change, "jzse_change_options");
  check_input(copy_async_with, &change, sizeof change, "jzse_change_options");
  check_input(move_async_with, &change, sizeof change, "jzse_change_options");
  check_input(feed_with, &feeding, sizeof feeding, "jzse_feed_options");
  check_input(watch_with, &feeding, sizeof feeding, "jzse_feed_options");
  check_input(verify_with, &verify, sizeof verify, "jzse_verify_options");
  check_input(compact_with, &compact, sizeof compact, "jzse_compact_options");
  check_input(export_with, &archive, sizeof archive, "jzse_archive_options");
  check_input(import_with, &archive, sizeof archive, "jzse_archive_options");
  jzse_queue_close(queue);
}

/* ---- results */

static int stats_into(void *result) { return jzse_store_stats(store, result, &error); }
static int config_into(void *result) { return jzse_namespace_get(store, "default", result, NULL, &error); }
static int namespace_info_into(void *result) { return jzse_namespace_get(store, "default", NULL, result, &error); }
static int put_into(void *result) { return jzse_put(store, "default", "a", "x", 1, NULL, result, &error); }
static int put_fd_into(void *result) {
  FILE *empty = tmpfile();
  int code;
  CHECK(empty != NULL);
  code = jzse_put_fd(store, "default", "a", fileno(empty), NULL, result, &error);
  fclose(empty);
  return code;
}
static int commit_into(void *result) {
  CHECK(jzse_writer_open(store, "default", "a", NULL, &writer, NULL) == JZSE_OK);
  return jzse_writer_commit(writer, result, &error);
}
static int get_into(void *result) {
  void *data;
  size_t size;
  const int code = jzse_get(store, "default", "a", NULL, &data, &size, result, &error);
  jzse_free(data);
  return code;
}
static int placed_into(void *result) {
  char here[64];
  return jzse_get_into(store, "default", "a", NULL, place_here, here, result, &error);
}
static int stat_into(void *result) { return jzse_stat(store, "default", "a", NULL, result, &error); }
static int reader_into(void *result) {
  const int code = jzse_reader_open(store, "default", "a", NULL, &reader, result, &error);
  jzse_reader_close(reader);
  return code;
}
static int set_metadata_into(void *result) {
  return jzse_metadata_set(store, "default", "a", NULL, result, &error);
}
static int copy_into(void *result) {
  return jzse_copy(store, "default", "a", "default", "b", NULL, result, &error);
}
static int restore_into(void *result) {
  const jzse_list_entry *entry;
  uint64_t version;
  CHECK(jzse_versions_open(store, "default", "a", NULL, &list, NULL) == JZSE_OK);
  CHECK(jzse_list_next(list, &entry, NULL) == JZSE_OK && entry != NULL);
  CHECK(jzse_list_next(list, &entry, NULL) == JZSE_OK && entry != NULL);
  version = entry->info.sequence;
  jzse_list_close(list);
  return jzse_version_restore(store, "default", "a", version, result, &error);
}
static int verify_into(void *result) { return jzse_verify(store, NULL, result, &error); }
static int compact_into(void *result) { return jzse_compact(store, NULL, result, &error); }
static int export_into(void *result) {
  FILE *file = tmpfile();
  int code;
  CHECK(file != NULL);
  code = jzse_archive_export(store, "default", fileno(file), NULL, result, &error);
  fclose(file);
  return code;
}
static int import_into(void *result) {
  FILE *file = tmpfile();
  int code;
  CHECK(file != NULL);
  CHECK(jzse_archive_export(store, "default", fileno(file), NULL, NULL, NULL) == JZSE_OK);
  rewind(file);
  code = jzse_archive_import(store, "default", fileno(file), NULL, result, &error);
  fclose(file);
  return code;
}

static void check_result(int (*call)(void *), size_t size, const char *name) {
  const uint32_t wrong[] = {0, 4, (uint32_t)size - 1, 4097, 0xffffffff};
  uint32_t kept;
  size_t i;
  for (i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    memset(space, 0xee, sizeof space);
    set_size(wrong[i]);
    CHECK_CODE(call(space), JZSE_INVALID, name);
    CHECK(space[4] == 0xee && space[size] == 0xee);
  }
  for (i = 0; i <= 40; i += 8) {
    memset(space, 0xee, sizeof space);
    set_size((uint32_t)(size + i));
    CHECK_OK(call(space));
    memcpy(&kept, space, sizeof kept);
    CHECK_NUMBER(kept, size + i);
    if (i > 0) CHECK(space[size] == 0 && space[size + i - 1] == 0);  /* unknown here: zero */
    CHECK(space[size + i] == 0xee);                                  /* and nothing behind it */
  }
}

TEST(results_of_any_size) {
  open_store();
  put("a", "1");
  put("a", "2");
  check_result(stats_into, sizeof(jzse_stats), "jzse_stats");
  check_result(config_into, sizeof(jzse_namespace_config), "jzse_namespace_config");
  check_result(namespace_info_into, sizeof(jzse_namespace_info), "jzse_namespace_info");
  check_result(put_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(put_fd_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(commit_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(get_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(placed_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(stat_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(reader_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(set_metadata_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(copy_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(restore_into, sizeof(jzse_file_info), "jzse_file_info");
  check_result(verify_into, sizeof(jzse_verify_report), "jzse_verify_report");
  check_result(compact_into, sizeof(jzse_compact_report), "jzse_compact_report");
  check_result(export_into, sizeof(jzse_archive_report), "jzse_archive_report");
  check_result(import_into, sizeof(jzse_archive_report), "jzse_archive_report");
}

TEST(a_refused_result_changes_nothing) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  open_store();
  put("a", "kept");
  info.struct_size = 12;
  CHECK_CODE(jzse_put(store, "default", "a", "new", 3, NULL, &info, &error), JZSE_INVALID, "jzse_file_info");
  check_content("a", "kept");
  CHECK_CODE(jzse_copy(store, "default", "a", "default", "b", NULL, &info, &error), JZSE_INVALID, "jzse_file_info");
  check_absent("b");
}

TEST(errors_of_any_size) {
  union {
    jzse_error error;
    unsigned char bytes[1024];
  } small;
  jzse_error untouched = JZSE_ERROR_INIT;
  open_store();
  memset(&small, 0xee, sizeof small);
  small.error.struct_size = 20;  /* 12 bytes of message */
  CHECK(jzse_delete(store, "default", "missing-file", NULL, &small.error) == JZSE_NOT_FOUND);
  CHECK_NUMBER(-small.error.code, -JZSE_NOT_FOUND);
  CHECK_NUMBER(strlen(small.error.message), 11);
  CHECK(small.bytes[20] == 0xee);

  memset(&small, 0xee, sizeof small);
  small.error.struct_size = 1000;  /* a newer, larger one */
  CHECK(jzse_delete(store, "default", "missing-file", NULL, &small.error) == JZSE_NOT_FOUND);
  CHECK(strstr(small.error.message, "missing-file") != NULL);

  memset(&small, 0xee, sizeof small);
  small.error.struct_size = 0;  /* not initialised: not written */
  CHECK(jzse_delete(store, "default", "missing-file", NULL, &small.error) == JZSE_NOT_FOUND);
  CHECK(small.bytes[4] == 0xee && small.bytes[8] == 0xee);

  CHECK(jzse_delete(store, "default", "missing-file", NULL, NULL) == JZSE_NOT_FOUND);
  untouched.code = 77;
  CHECK(jzse_put(store, "default", "a", "x", 1, NULL, NULL, &untouched) == JZSE_OK);
  CHECK(untouched.code == 77 && untouched.message[0] == '\0');
}

TEST(long_messages_are_cut_between_characters) {
  char path[4001];
  size_t i;
  open_store();
  for (i = 0; i < 4000; i += 2) memcpy(path + i, "\xc3\xa9", 2);
  for (i = 198; i < 4000; i += 200) path[i] = '/', path[i + 1] = 'x';
  path[4000] = '\0';
  CHECK_CODE(jzse_delete(store, "default", path, NULL, &error), JZSE_NOT_FOUND, "\xc3\xa9");
  i = strlen(error.message);
  CHECK(i <= sizeof error.message - 1);
  while (i > 0 && ((unsigned char)error.message[i - 1] & 0xc0) == 0x80) --i;
  CHECK(i > 0);
  if ((unsigned char)error.message[i - 1] >= 0xc0) CHECK(error.message[i] != '\0');
}

int main(void) {
  RUN(options_of_any_size);
  RUN(results_of_any_size);
  RUN(a_refused_result_changes_nothing);
  RUN(errors_of_any_size);
  RUN(long_messages_are_cut_between_characters);
  return summary();
}
