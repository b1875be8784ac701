/* SPDX-License-Identifier: Apache-2.0 */
/* NULL where something is needed: JZSE_INVALID with the parameter's name, from every call; and nothing else happens. */
#include "check.h"

static int no_namespace(void *context, const jzse_namespace_info *info) {
  (void)context, (void)info;
  return 0;
}
static int no_change(void *context, const jzse_change *change) {
  (void)context, (void)change;
  return 0;
}
static void *no_place(void *context, uint64_t size) {
  (void)context, (void)size;
  return NULL;
}

#define REFUSED(call, name) CHECK_CODE(call, JZSE_INVALID, "parameter " name " is NULL")

TEST(store_calls) {
  jzse_stats stats = JZSE_STATS_INIT;
  jzse_store *none = (jzse_store *)&stats;
  REFUSED(jzse_store_open(NULL, NULL, &none, &error), "path");
  CHECK(none == NULL);
  REFUSED(jzse_store_open("x", NULL, NULL, &error), "store");
  CHECK(jzse_store_open(NULL, NULL, NULL, NULL) == JZSE_INVALID);
  CHECK_OK(jzse_store_close(NULL, &error));
  REFUSED(jzse_store_stats(NULL, &stats, &error), "store");
  CHECK_STRING(jzse_store_region(NULL), "");
  REFUSED(jzse_namespace_create(NULL, "n", NULL, &error), "store");
  REFUSED(jzse_namespace_list(NULL, no_namespace, NULL, &error), "store");
  open_store();
  REFUSED(jzse_store_stats(store, NULL, &error), "stats");
  REFUSED(jzse_namespace_create(store, NULL, NULL, &error), "name");
  REFUSED(jzse_namespace_configure(store, NULL, NULL, &error), "name");
  REFUSED(jzse_namespace_configure(store, "default", NULL, &error), "config");
  REFUSED(jzse_namespace_get(store, NULL, NULL, NULL, &error), "name");
  REFUSED(jzse_namespace_list(store, NULL, NULL, &error), "each");
  REFUSED(jzse_namespace_drop(store, NULL, &error), "name");
  REFUSED(jzse_namespace_drop(NULL, "n", &error), "store");
  REFUSED(jzse_namespace_get(NULL, "n", NULL, NULL, &error), "store");
}

TEST(put_and_get) {
  jzse_writer *writer = NULL;
  jzse_reader *reader = NULL;
  jzse_metadata *metadata = NULL;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_extent extent;
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  const void *span;
  void *data;
  size_t size;
  char byte;
  open_store();
  REFUSED(jzse_put(NULL, "default", "a", "x", 1, NULL, NULL, &error), "store");
  REFUSED(jzse_put(store, NULL, "a", "x", 1, NULL, NULL, &error), "ns");
  REFUSED(jzse_put(store, "default", NULL, "x", 1, NULL, NULL, &error), "path");
  CHECK_CODE(jzse_put(store, "default", "a", NULL, 1, NULL, NULL, &error), JZSE_INVALID, "data is NULL");
  check_absent("a");
  options.metadata_count = 1;
  REFUSED(jzse_put(store, "default", "a", "x", 1, &options, NULL, &error), "jzse_put_options.metadata");
  CHECK_OK(jzse_put(store, "default", "a", NULL, 0, NULL, NULL, &error));
  REFUSED(jzse_put_fd(NULL, "default", "a", 0, NULL, NULL, &error), "store");
  REFUSED(jzse_put_fd(store, NULL, "a", 0, NULL, NULL, &error), "ns");
  REFUSED(jzse_put_fd(store, "default", NULL, 0, NULL, NULL, &error), "path");
  REFUSED(jzse_writer_open(NULL, "default", "a", NULL, &writer, &error), "store");
  REFUSED(jzse_writer_open(store, NULL, "a", NULL, &writer, &error), "ns");
  REFUSED(jzse_writer_open(store, "default", NULL, NULL, &writer, &error), "path");
  REFUSED(jzse_writer_open(store, "default", "a", NULL, NULL, &error), "writer");
  REFUSED(jzse_writer_write(NULL, "x", 1, &error), "writer");
  REFUSED(jzse_writer_commit(NULL, NULL, &error), "writer");
  jzse_writer_abort(NULL);
  CHECK_OK(jzse_writer_open(store, "default", "w", NULL, &writer, &error));
  CHECK_CODE(jzse_writer_write(writer, NULL, 1, &error), JZSE_INVALID, "data is NULL");
  jzse_writer_abort(writer);

  REFUSED(jzse_get(NULL, "default", "a", NULL, &data, &size, NULL, &error), "store");
  REFUSED(jzse_get(store, NULL, "a", NULL, &data, &size, NULL, &error), "ns");
  REFUSED(jzse_get(store, "default", NULL, NULL, &data, &size, NULL, &error), "path");
  REFUSED(jzse_get(store, "default", "a", NULL, NULL, &size, NULL, &error), "data");
  REFUSED(jzse_get(store, "default", "a", NULL, &data, NULL, NULL, &error), "size");
  REFUSED(jzse_get_into(NULL, "default", "a", NULL, no_place, NULL, NULL, &error), "store");
  REFUSED(jzse_get_into(store, NULL, "a", NULL, no_place, NULL, NULL, &error), "ns");
  REFUSED(jzse_get_into(store, "default", NULL, NULL, no_place, NULL, NULL, &error), "path");
  REFUSED(jzse_get_into(store, "default", "a", NULL, NULL, NULL, NULL, &error), "place");
  REFUSED(jzse_get_range(store, NULL, "a", NULL, 0, &byte, 1, &size, &error), "ns");
  REFUSED(jzse_get_range(store, "default", NULL, NULL, 0, &byte, 1, &size, &error), "path");
  REFUSED(jzse_get_range(store, "default", "a", NULL, 0, NULL, 1, &size, &error), "buffer");
  REFUSED(jzse_get_range(store, "default", "a", NULL, 0, &byte, 1, NULL, &error), "count");
  REFUSED(jzse_stat(store, NULL, "a", NULL, &info, &error), "ns");
  REFUSED(jzse_stat(store, "default", NULL, NULL, &info, &error), "path");
  REFUSED(jzse_stat(store, "default", "a", NULL, NULL, &error), "info");
  REFUSED(jzse_metadata_open(store, NULL, "a", NULL, &metadata, &error), "ns");
  REFUSED(jzse_metadata_open(store, "default", NULL, NULL, &metadata, &error), "path");
  REFUSED(jzse_metadata_open(store, "default", "a", NULL, NULL, &error), "metadata");
  CHECK_STRING(jzse_metadata_content_type(NULL), "");
  CHECK_NUMBER(jzse_metadata_count(NULL), 0);
  CHECK(jzse_metadata_pair(NULL, 0).key == NULL);
  jzse_metadata_close(NULL);
  REFUSED(jzse_metadata_set(store, NULL, "a", NULL, NULL, &error), "ns");
  REFUSED(jzse_metadata_set(store, "default", NULL, NULL, NULL, &error), "path");
  REFUSED(jzse_reader_open(store, NULL, "a", NULL, &reader, NULL, &error), "ns");
  REFUSED(jzse_reader_open(store, "default", NULL, NULL, &reader, NULL, &error), "path");
  REFUSED(jzse_reader_open(store, "default", "a", NULL, NULL, NULL, &error), "reader");
  REFUSED(jzse_reader_read(NULL, &byte, 1, &size, &error), "reader");
  REFUSED(jzse_reader_read_at(NULL, 0, &byte, 1, &size, &error), "reader");
  REFUSED(jzse_reader_extents(NULL, 0, &extent, 1, &size, &error), "reader");
  REFUSED(jzse_reader_span(NULL, 0, 0, &span, &size, &error), "reader");
  REFUSED(jzse_reader_metadata(NULL, &metadata, &error), "reader");
  CHECK_OK(jzse_reader_open(store, "default", "a", NULL, &reader, NULL, &error));
  REFUSED(jzse_reader_read(reader, NULL, 1, &size, &error), "buffer");
  REFUSED(jzse_reader_read(reader, &byte, 1, NULL, &error), "count");
  REFUSED(jzse_reader_read_at(reader, 0, NULL, 1, &size, &error), "buffer");
  REFUSED(jzse_reader_read_at(reader, 0, &byte, 1, NULL, &error), "count");
  REFUSED(jzse_reader_span(reader, 0, 0, NULL, &size, &error), "data");
  REFUSED(jzse_reader_span(reader, 0, 0, &span, NULL, &error), "size");
  REFUSED(jzse_reader_metadata(reader, NULL, &error), "metadata");
  REFUSED(jzse_reader_extents(reader, 0, NULL, 1, &size, &error), "extents");
  REFUSED(jzse_reader_extents(reader, 0, &extent, 1, NULL, &error), "count");
  jzse_reader_close(reader);
  jzse_reader_close(NULL);
}

TEST(lists_and_changes) {
  jzse_list *list = NULL;
  const jzse_list_entry *entry;
  open_store();
  put("a", "x");
  REFUSED(jzse_list_open(NULL, "default", NULL, &list, &error), "store");
  REFUSED(jzse_list_open(store, NULL, NULL, &list, &error), "ns");
  REFUSED(jzse_list_open(store, "default", NULL, NULL, &error), "list");
  REFUSED(jzse_list_next(NULL, &entry, &error), "list");
  CHECK_OK(jzse_list_open(store, "default", NULL, &list, &error));
  REFUSED(jzse_list_next(list, NULL, &error), "entry");
  jzse_list_close(list);
  jzse_list_close(NULL);
  REFUSED(jzse_versions_open(store, NULL, "a", NULL, &list, &error), "ns");
  REFUSED(jzse_versions_open(store, "default", NULL, NULL, &list, &error), "path");
  REFUSED(jzse_versions_open(store, "default", "a", NULL, NULL, &error), "list");
  REFUSED(jzse_version_restore(store, NULL, "a", 1, NULL, &error), "ns");
  REFUSED(jzse_version_restore(store, "default", NULL, 1, NULL, &error), "path");
  REFUSED(jzse_version_delete(store, NULL, "a", 1, &error), "ns");
  REFUSED(jzse_version_delete(store, "default", NULL, 1, &error), "path");
  REFUSED(jzse_delete(NULL, "default", "a", NULL, &error), "store");
  REFUSED(jzse_delete(store, NULL, "a", NULL, &error), "ns");
  REFUSED(jzse_delete(store, "default", NULL, NULL, &error), "path");
  REFUSED(jzse_copy(store, NULL, "a", "default", "b", NULL, NULL, &error), "ns");
  REFUSED(jzse_copy(store, "default", NULL, "default", "b", NULL, NULL, &error), "path");
  REFUSED(jzse_copy(store, "default", "a", NULL, "b", NULL, NULL, &error), "to_ns");
  REFUSED(jzse_copy(store, "default", "a", "default", NULL, NULL, NULL, &error), "to_path");
  REFUSED(jzse_move(store, NULL, "a", "b", NULL, &error), "ns");
  REFUSED(jzse_move(store, "default", NULL, "b", NULL, &error), "path");
  REFUSED(jzse_move(store, "default", "a", NULL, NULL, &error), "to_path");
  REFUSED(jzse_mkdir(store, NULL, "d", NULL, &error), "ns");
  REFUSED(jzse_mkdir(store, "default", NULL, NULL, &error), "path");
  check_content("a", "x");
}

TEST(groups_feeds_snapshots) {
  jzse_group *group = NULL;
  jzse_writer *writer = NULL;
  jzse_feed *feed = NULL;
  jzse_watch *watch = NULL;
  jzse_snapshot *snapshot = NULL;
  const jzse_change *change;
  open_store();
  REFUSED(jzse_group_begin(NULL, &group, &error), "store");
  REFUSED(jzse_group_begin(store, NULL, &error), "group");
  REFUSED(jzse_group_put(NULL, "default", "a", "x", 1, NULL, &error), "group");
  REFUSED(jzse_group_add_writer(NULL, NULL, &error), "group");
  CHECK_OK(jzse_writer_open(store, "default", "a", NULL, &writer, &error));
  REFUSED(jzse_group_add_writer(NULL, writer, &error), "group"); /* and the writer is gone */
  REFUSED(jzse_group_delete(NULL, "default", "a", NULL, &error), "group");
  REFUSED(jzse_group_move(NULL, "default", "a", "b", NULL, &error), "group");
  REFUSED(jzse_group_copy(NULL, "default", "a", "default", "b", NULL, &error), "group");
  REFUSED(jzse_group_mkdir(NULL, "default", "a", NULL, &error), "group");
  REFUSED(jzse_group_commit(NULL, &error), "group");
  CHECK_OK(jzse_group_begin(store, &group, &error));
  REFUSED(jzse_group_put(group, NULL, "a", "x", 1, NULL, &error), "ns");
  REFUSED(jzse_group_put(group, "default", NULL, "x", 1, NULL, &error), "path");
  REFUSED(jzse_group_add_writer(group, NULL, &error), "writer");
  REFUSED(jzse_group_delete(group, NULL, "a", NULL, &error), "ns");
  REFUSED(jzse_group_delete(group, "default", NULL, NULL, &error), "path");
  REFUSED(jzse_group_move(group, "default", "a", NULL, NULL, &error), "to_path");
  REFUSED(jzse_group_copy(group, "default", "a", NULL, "b", NULL, &error), "to_ns");
  REFUSED(jzse_group_mkdir(group, "default", NULL, NULL, &error), "path");
  CHECK_OK(jzse_group_commit(group, &error));
  REFUSED(jzse_feed_open(NULL, NULL, &feed, &error), "store");
  REFUSED(jzse_feed_open(store, NULL, NULL, &error), "feed");
  REFUSED(jzse_feed_next(NULL, 0, &change, &error), "feed");
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  REFUSED(jzse_feed_next(feed, 0, NULL, &error), "change");
  jzse_feed_close(feed);
  jzse_feed_close(NULL);
  REFUSED(jzse_watch_start(NULL, NULL, no_change, NULL, &watch, &error), "store");
  REFUSED(jzse_watch_start(store, NULL, NULL, NULL, &watch, &error), "each");
  REFUSED(jzse_watch_start(store, NULL, no_change, NULL, NULL, &error), "watch");
  REFUSED(jzse_snapshot_open(NULL, &snapshot, &error), "store");
  REFUSED(jzse_snapshot_open(store, NULL, &error), "snapshot");
  CHECK_NUMBER(jzse_snapshot_sequence(NULL), 0);
}

TEST(upkeep_and_queues) {
  jzse_queue *queue = NULL;
  jzse_completion completion;
  size_t count;
  open_store();
  REFUSED(jzse_verify(NULL, NULL, NULL, &error), "store");
  REFUSED(jzse_compact(NULL, NULL, NULL, &error), "store");
  REFUSED(jzse_archive_export(NULL, "default", 1, NULL, NULL, &error), "store");
  REFUSED(jzse_archive_export(store, NULL, 1, NULL, NULL, &error), "ns");
  REFUSED(jzse_archive_import(NULL, "default", 0, NULL, NULL, &error), "store");
  REFUSED(jzse_archive_import(store, NULL, 0, NULL, NULL, &error), "ns");
  REFUSED(jzse_queue_open(NULL, 4, &queue, &error), "store");
  REFUSED(jzse_queue_open(store, 4, NULL, &error), "queue");
  CHECK(jzse_queue_fd(NULL) == -1);
  CHECK(jzse_feed_fd(NULL) == -1);
  REFUSED(jzse_queue_reap(NULL, &completion, 1, 0, &count, &error), "queue");
  REFUSED(jzse_put_async(NULL, 0, "default", "a", "x", 1, NULL, &error), "queue");
  REFUSED(jzse_get_async(NULL, 0, "default", "a", NULL, &error), "queue");
  REFUSED(jzse_stat_async(NULL, 0, "default", "a", NULL, &error), "queue");
  REFUSED(jzse_delete_async(NULL, 0, "default", "a", NULL, &error), "queue");
  REFUSED(jzse_copy_async(NULL, 0, "default", "a", "default", "b", NULL, &error), "queue");
  REFUSED(jzse_move_async(NULL, 0, "default", "a", "b", NULL, &error), "queue");
  REFUSED(jzse_mkdir_async(NULL, 0, "default", "a", NULL, &error), "queue");
  REFUSED(jzse_metadata_set_async(NULL, 0, "default", "a", NULL, &error), "queue");
  REFUSED(jzse_version_restore_async(NULL, 0, "default", "a", 1, &error), "queue");
  REFUSED(jzse_writer_commit_async(NULL, 0, NULL, &error), "queue");
  REFUSED(jzse_group_commit_async(NULL, 0, NULL, &error), "queue");
  CHECK_OK(jzse_queue_open(store, 4, &queue, &error));
  REFUSED(jzse_queue_reap(queue, NULL, 1, 0, &count, &error), "completions");
  REFUSED(jzse_queue_reap(queue, &completion, 1, 0, NULL, &error), "count");
  REFUSED(jzse_put_async(queue, 0, NULL, "a", "x", 1, NULL, &error), "ns");
  REFUSED(jzse_get_async(queue, 0, "default", NULL, NULL, &error), "path");
  REFUSED(jzse_stat_async(queue, 0, NULL, "a", NULL, &error), "ns");
  REFUSED(jzse_delete_async(queue, 0, "default", NULL, NULL, &error), "path");
  REFUSED(jzse_copy_async(queue, 0, "default", "a", NULL, "b", NULL, &error), "to_ns");
  REFUSED(jzse_move_async(queue, 0, "default", "a", NULL, NULL, &error), "to_path");
  REFUSED(jzse_mkdir_async(queue, 0, NULL, "a", NULL, &error), "ns");
  REFUSED(jzse_metadata_set_async(queue, 0, "default", NULL, NULL, &error), "path");
  REFUSED(jzse_version_restore_async(queue, 0, NULL, "a", 1, &error), "ns");
  REFUSED(jzse_writer_commit_async(queue, 0, NULL, &error), "writer");
  REFUSED(jzse_group_commit_async(queue, 0, NULL, &error), "group");
  CHECK_OK(jzse_queue_reap(queue, &completion, 1, 0, &count, &error));
  CHECK_NUMBER(count, 0);
  jzse_queue_close(queue);
}

int main(void) {
  RUN(store_calls);
  RUN(put_and_get);
  RUN(lists_and_changes);
  RUN(groups_feeds_snapshots);
  RUN(upkeep_and_queues);
  return summary();
}
