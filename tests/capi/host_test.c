/* SPDX-License-Identifier: Apache-2.0 */
/* What bindings and hosts with a loop of their own need: contents in memory of theirs, a feed that can be polled, counts
 * without a listing, versions in a snapshot, and a close that says what is left. */
#include "check.h"

#include <poll.h>
#include <pthread.h>

/* ---- jzse_get_into */

struct place {
  unsigned char *bytes;
  uint64_t size;
  int asked, refuses;
};

static void *place(void *context, uint64_t size) {
  struct place *to = context;
  ++to->asked;
  to->size = size;
  if (to->refuses) return NULL;
  to->bytes = malloc(size == 0 ? 1 : size);
  return to->bytes;
}

static void check_placed(const char *path, const jzse_get_options *options, const void *expected, size_t size) {
  struct place to = {NULL, 0, 0, 0};
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  CHECK_OK(jzse_get_into(store, "default", path, options, place, &to, &info, &error));
  CHECK_NUMBER(to.asked, 1);
  CHECK_NUMBER(to.size, size);
  CHECK_NUMBER(info.size, size);
  CHECK(size == 0 || memcmp(to.bytes, expected, size) == 0);
  free(to.bytes);
}

TEST(contents_go_where_the_host_wants_them) {
  const size_t large = 3u << 20;
  unsigned char *bytes = noise(large, 7);
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_snapshot *snapshot = NULL;
  jzse_get_options then = JZSE_GET_OPTIONS_INIT;
  open_store();
  config.compression = 3;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  put("empty", "");
  put("small", "small content");
  CHECK_OK(jzse_put(store, "default", "large", bytes, large, NULL, NULL, &error));
  CHECK_OK(jzse_snapshot_open(store, &snapshot, &error));
  check_placed("empty", NULL, "", 0);
  check_placed("small", NULL, "small content", 13);
  check_placed("small", NULL, "small content", 13);  /* from the place that was remembered */
  check_placed("large", NULL, bytes, large);
  put("large", "another");
  then.snapshot = snapshot;
  check_placed("large", &then, bytes, large);
  jzse_snapshot_close(snapshot);
  free(bytes);
}

TEST(a_host_that_gives_no_memory_ends_the_read) {
  struct place to = {NULL, 0, 0, 1};
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  open_store();
  put("a", "content");
  put("empty", "");
  CHECK_OK(jzse_mkdir(store, "default", "d", NULL, &error));
  CHECK_CODE(jzse_get_into(store, "default", "a", NULL, place, &to, &info, &error), JZSE_CLOSED, "7 bytes");
  CHECK_NUMBER(to.asked, 1);
  CHECK_OK(jzse_get_into(store, "default", "empty", NULL, place, &to, &info, &error));
  to.asked = 0;
  CHECK_CODE(jzse_get_into(store, "default", "none", NULL, place, &to, &info, &error), JZSE_NOT_FOUND, "none");
  CHECK_CODE(jzse_get_into(store, "default", "d", NULL, place, &to, &info, &error), JZSE_EXISTS, "directory");
  CHECK_NUMBER(to.asked, 0);
}

/* ---- jzse_feed_fd */

static int readable(int fd, int timeout_ms) {
  struct pollfd entry = {-1, POLLIN, 0};
  int count;
  entry.fd = fd;
  count = poll(&entry, 1, timeout_ms);
  CHECK(count >= 0);
  return count == 1 && (entry.revents & POLLIN) != 0;
}

/* Takes what the feed has; how many changes that were. */
static int drain(jzse_feed *feed) {
  const jzse_change *change;
  int count = -1;
  do {
    CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
    ++count;
  } while (change != NULL);
  return count;
}

TEST(a_feed_is_readable_while_changes_wait) {
  jzse_feed *feed = NULL;
  const jzse_change *change;
  int fd;
  open_store();
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  fd = jzse_feed_fd(feed);
  CHECK(fd >= 0 && fd == jzse_feed_fd(feed));
  CHECK_NUMBER(drain(feed), 0);  /* what a new store has written is no change */
  CHECK(!readable(fd, 0));
  put("a", "1");
  put("b", "2");
  CHECK(readable(fd, 0));
  CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
  CHECK_STRING(change->path, "a");
  CHECK(readable(fd, 0));  /* b waits */
  CHECK_NUMBER(drain(feed), 1);
  CHECK(!readable(fd, 0));
  CHECK_OK(jzse_feed_next(feed, 1, &change, &error));
  CHECK(change == NULL && !readable(fd, 0));
  put("c", "3");
  CHECK(readable(fd, 0));
  jzse_feed_cancel(feed);
  CHECK(readable(fd, 0));
  CHECK_CODE(jzse_feed_next(feed, 0, &change, &error), JZSE_CLOSED, "cancelled");
  CHECK(readable(fd, 0));
  jzse_feed_close(feed);
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  CHECK(readable(jzse_feed_fd(feed), 0));  /* from the beginning: they wait already */
  CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
  jzse_feed_close(feed);
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
  CHECK(readable(jzse_feed_fd(feed), 0));  /* asked for in the middle */
  CHECK_NUMBER(drain(feed), 2);
  CHECK(!readable(jzse_feed_fd(feed), 0));
  put("d", "4");                           /* nobody reads any more */
  jzse_feed_close(feed);
  put("e", "5");
}

TEST(a_feed_that_passes_changes_over_falls_silent_again) {
  jzse_feed *feed = NULL;
  jzse_feed_options options = JZSE_FEED_OPTIONS_INIT;
  options.ns = "default";
  options.prefix = "mine/";
  open_store();
  CHECK_OK(jzse_feed_open(store, &options, &feed, &error));
  drain(feed);
  put("others/a", "x");
  CHECK_NUMBER(drain(feed), 0);
  CHECK(!readable(jzse_feed_fd(feed), 0));
  put("mine/a", "x");
  CHECK(readable(jzse_feed_fd(feed), 0));
  CHECK_NUMBER(drain(feed), 1);
  jzse_feed_close(feed);
}

#define WRITERS 3
#define PUTS 150

static void *put_some(void *argument) {
  char path[32];
  int i;
  for (i = 0; i < PUTS; ++i) {
    snprintf(path, sizeof path, "%s/%d", (const char *)argument, i);
    if (jzse_put(store, "default", path, "x", 1, NULL, NULL, NULL) != JZSE_OK) return argument;
  }
  return NULL;
}

/* No change may be slept over: a poll that is never woken again would hang here. */
TEST(a_loop_of_polls_misses_nothing) {
  static char names[WRITERS][2] = {"a", "b", "c"};
  pthread_t threads[WRITERS];
  jzse_feed *feeds[2] = {NULL, NULL};
  int seen[2] = {0, 0};
  void *failed = NULL;
  int i, all_ok = 1;
  open_store();
  for (i = 0; i < 2; ++i) {
    CHECK_OK(jzse_feed_open(store, NULL, &feeds[i], &error));
    CHECK(jzse_feed_fd(feeds[i]) >= 0);
  }
  for (i = 0; i < WRITERS; ++i) CHECK(pthread_create(&threads[i], NULL, put_some, names[i]) == 0);
  while (seen[0] < WRITERS * PUTS || seen[1] < WRITERS * PUTS) {
    struct pollfd entries[2];
    for (i = 0; i < 2; ++i) {
      entries[i].fd = seen[i] < WRITERS * PUTS ? jzse_feed_fd(feeds[i]) : -1;
      entries[i].events = POLLIN;
      entries[i].revents = 0;
    }
    CHECK(poll(entries, 2, -1) > 0);
    for (i = 0; i < 2; ++i)
      if (entries[i].revents != 0) seen[i] += drain(feeds[i]);
  }
  for (i = 0; i < WRITERS; ++i) {
    CHECK(pthread_join(threads[i], &failed) == 0);
    all_ok &= failed == NULL;
  }
  CHECK(all_ok);
  for (i = 0; i < 2; ++i) {
    CHECK_NUMBER(seen[i], WRITERS * PUTS);
    jzse_feed_close(feeds[i]);
  }
}

/* ---- the rest */

static void check_counts(uint64_t files, uint64_t directories) {
  jzse_namespace_info info = JZSE_NAMESPACE_INFO_INIT;
  CHECK_OK(jzse_namespace_get(store, "default", NULL, &info, &error));
  CHECK_NUMBER(info.file_count, files);
  CHECK_NUMBER(info.directory_count, directories);
}

TEST(directories_are_counted) {
  jzse_change_options recursive = JZSE_CHANGE_OPTIONS_INIT;
  jzse_options rebuilding = JZSE_OPTIONS_INIT;
  recursive.flags = JZSE_RECURSIVE;
  open_store();
  check_counts(0, 0);
  put("implied/a", "x");
  check_counts(1, 0);
  CHECK_OK(jzse_mkdir(store, "default", "d", NULL, &error));
  CHECK_OK(jzse_mkdir(store, "default", "d/e", NULL, &error));
  CHECK_OK(jzse_mkdir(store, "default", "f", NULL, &error));
  put("d/e/b", "x");
  check_counts(5, 3);
  CHECK_OK(jzse_move(store, "default", "d", "moved", NULL, &error));
  check_counts(5, 3);
  CHECK_OK(jzse_metadata_set(store, "default", "f", NULL, NULL, &error));
  CHECK_OK(jzse_delete(store, "default", "f", NULL, &error));
  check_counts(4, 2);
  reopen_store();
  check_counts(4, 2);
  close_store();
  rebuilding.flags = JZSE_OPEN_REBUILD_INDEX;
  open_store_with(&rebuilding);
  check_counts(4, 2);
  CHECK_OK(jzse_delete(store, "default", "moved", &recursive, &error));
  check_counts(1, 0);
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
}

TEST(a_snapshot_lists_the_versions_that_it_saw) {
  jzse_snapshot *snapshot = NULL;
  jzse_get_options options = JZSE_GET_OPTIONS_INIT;
  jzse_list *list = NULL;
  open_store();
  put("a", "1");
  put("a", "2");
  put("b", "1");
  CHECK_OK(jzse_delete(store, "default", "b", NULL, &error));
  CHECK_OK(jzse_snapshot_open(store, &snapshot, &error));
  put("a", "3");
  put("b", "2");
  put("c", "1");
  options.snapshot = snapshot;
  CHECK_OK(jzse_versions_open(store, "default", "a", &options, &list, &error));
  CHECK_STRING(names_of(list), "a a ");
  CHECK_OK(jzse_versions_open(store, "default", "b", &options, &list, &error));
  CHECK_STRING(names_of(list), "b b ");
  CHECK_CODE(jzse_versions_open(store, "default", "c", &options, &list, &error), JZSE_NOT_FOUND, "c");
  CHECK_OK(jzse_versions_open(store, "default", "a", NULL, &list, &error));
  CHECK_STRING(names_of(list), "a a a ");
  options.version = 1;
  CHECK_CODE(jzse_versions_open(store, "default", "a", &options, &list, &error), JZSE_INVALID, "version");
  jzse_snapshot_close(snapshot);
}

TEST(close_says_what_is_left) {
  jzse_feed *feeds[2];
  jzse_list *list = NULL;
  jzse_writer *writer = NULL;
  jzse_metadata *metadata = NULL;
  open_store();
  put("a", "x");
  CHECK_OK(jzse_feed_open(store, NULL, &feeds[0], &error));
  CHECK_OK(jzse_feed_open(store, NULL, &feeds[1], &error));
  CHECK_OK(jzse_list_open(store, "default", NULL, &list, &error));
  CHECK_OK(jzse_writer_open(store, "default", "w", NULL, &writer, &error));
  CHECK_OK(jzse_metadata_open(store, "default", "a", NULL, &metadata, &error));
  CHECK_CODE(jzse_store_close(store, &error), JZSE_BUSY, "5 open handles: 1 writer, 1 list, 1 metadata, 2 feeds");
  jzse_feed_close(feeds[0]);
  jzse_feed_close(feeds[1]);
  jzse_writer_abort(writer);
  jzse_metadata_close(metadata);
  CHECK_CODE(jzse_store_close(store, &error), JZSE_BUSY, "1 open handle: 1 list");
  jzse_list_close(list);
}

int main(void) {
  RUN(contents_go_where_the_host_wants_them);
  RUN(a_host_that_gives_no_memory_ends_the_read);
  RUN(a_feed_is_readable_while_changes_wait);
  RUN(a_feed_that_passes_changes_over_falls_silent_again);
  RUN(a_loop_of_polls_misses_nothing);
  RUN(directories_are_counted);
  RUN(a_snapshot_lists_the_versions_that_it_saw);
  RUN(close_says_what_is_left);
  return summary();
}
