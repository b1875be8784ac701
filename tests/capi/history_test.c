/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, the change feed, watches, snapshots. */
#include "check.h"

#include <pthread.h>
#include <signal.h>

/* The sequences and kinds of a version list, newest first. */
static size_t versions_of(const char *path, uint64_t *sequences, uint32_t *kinds, size_t max) {
  const jzse_list_entry *entry;
  jzse_list *list = NULL;
  size_t count = 0;
  CHECK_OK(jzse_versions_open(store, "default", path, NULL, &list, &error));
  for (;;) {
    CHECK_OK(jzse_list_next(list, &entry, &error));
    if (entry == NULL) break;
    CHECK(count < max);
    sequences[count] = entry->info.sequence;
    if (kinds != NULL) kinds[count] = entry->info.kind;
    if (count > 0) CHECK(sequences[count] < sequences[count - 1]);
    ++count;
  }
  jzse_list_close(list);
  return count;
}

static void check_version(const char *path, uint64_t version, const char *text) {
  jzse_get_options options = JZSE_GET_OPTIONS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  options.version = version;
  check_content_in("default", path, &options, text, strlen(text));
  CHECK_OK(jzse_stat(store, "default", path, &options, &info, &error));
  CHECK_NUMBER(info.sequence, version);
  CHECK_NUMBER(info.size, strlen(text));
}

TEST(versions_are_kept_and_read) {
  uint64_t sequences[8];
  uint32_t kinds[8];
  open_store();
  put("a", "one");
  put("a", "two!");
  put("a", "three");
  CHECK_NUMBER(versions_of("a", sequences, NULL, 8), 3);
  check_version("a", sequences[0], "three");
  check_version("a", sequences[1], "two!");
  check_version("a", sequences[2], "one");
  CHECK_OK(jzse_delete(store, "default", "a", NULL, &error));
  CHECK_NUMBER(versions_of("a", sequences, kinds, 8), 4);
  CHECK_NUMBER(kinds[0], JZSE_KIND_DELETED);
  CHECK_NUMBER(kinds[1], JZSE_KIND_FILE);
  reopen_store();
  check_version("a", sequences[3], "one");
  check_version("a", sequences[1], "three");
  {
    jzse_get_options options = JZSE_GET_OPTIONS_INIT;
    jzse_list *list = NULL;
    void *data;
    size_t size;
    options.version = sequences[0] + 1000;
    CHECK_CODE(jzse_get(store, "default", "a", &options, &data, &size, NULL, &error), JZSE_NOT_FOUND, "a");
    options.version = sequences[0];  /* the tombstone has no content */
    CHECK_CODE(jzse_get(store, "default", "a", &options, &data, &size, NULL, &error), JZSE_NOT_FOUND, "a");
    CHECK_CODE(jzse_versions_open(store, "default", "never", NULL, &list, &error), JZSE_NOT_FOUND, "never");
    CHECK_CODE(jzse_versions_open(store, "none", "a", NULL, &list, &error), JZSE_NOT_FOUND, "none");
    CHECK(list == NULL);
  }
}

TEST(versions_are_restored) {
  uint64_t sequences[8];
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  open_store();
  put("a", "one");
  put("a", "two");
  CHECK_NUMBER(versions_of("a", sequences, NULL, 8), 2);
  CHECK_OK(jzse_version_restore(store, "default", "a", sequences[1], &info, &error));
  CHECK(info.sequence > sequences[0]);
  check_content("a", "one");
  CHECK_NUMBER(versions_of("a", sequences, NULL, 8), 3);
  check_version("a", sequences[1], "two");
  CHECK_OK(jzse_delete(store, "default", "a", NULL, &error));
  CHECK_OK(jzse_version_restore(store, "default", "a", sequences[1], &info, &error));  /* undeletes */
  check_content("a", "two");
  CHECK_CODE(jzse_version_restore(store, "default", "a", 999999, NULL, &error), JZSE_NOT_FOUND, "a");
  CHECK_CODE(jzse_version_restore(store, "default", "never", 1, NULL, &error), JZSE_NOT_FOUND, "never");
  reopen_store();
  check_content("a", "two");
}

TEST(versions_are_forgotten) {
  uint64_t sequences[8], after[8];
  jzse_get_options options = JZSE_GET_OPTIONS_INIT;
  void *data;
  size_t size;
  open_store();
  put("a", "one");
  put("a", "two");
  put("a", "three");
  CHECK_NUMBER(versions_of("a", sequences, NULL, 8), 3);
  CHECK_CODE(jzse_version_delete(store, "default", "a", sequences[0], &error), JZSE_INVALID, "a");
  CHECK_OK(jzse_version_delete(store, "default", "a", sequences[1], &error));
  CHECK_CODE(jzse_version_delete(store, "default", "a", sequences[1], &error), JZSE_NOT_FOUND, "a");
  CHECK_NUMBER(versions_of("a", after, NULL, 8), 2);
  CHECK_NUMBER(after[1], sequences[2]);
  options.version = sequences[1];
  CHECK_CODE(jzse_get(store, "default", "a", &options, &data, &size, NULL, &error), JZSE_NOT_FOUND, "a");
  reopen_store();
  CHECK_NUMBER(versions_of("a", after, NULL, 8), 2);
  check_content("a", "three");
  check_version("a", sequences[2], "one");
}

TEST(as_many_versions_as_the_namespace_keeps) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_namespace_info info = JZSE_NAMESPACE_INFO_INIT;
  uint64_t sequences[16];
  char text[16];
  int i;
  open_store();
  config.versions_max = 3;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  for (i = 0; i < 10; ++i) {
    snprintf(text, sizeof text, "text %d", i);
    put("a", text);
  }
  CHECK_NUMBER(versions_of("a", sequences, NULL, 16), 4);
  check_version("a", sequences[3], "text 6");
  config.versions_max = 0;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  put("a", "last");
  CHECK_NUMBER(versions_of("a", sequences, NULL, 16), 1);
  CHECK_OK(jzse_namespace_get(store, "default", NULL, &info, &error));
  CHECK_NUMBER(info.version_count, 0);
  CHECK_NUMBER(info.version_bytes, 0);
  reopen_store();
  CHECK_NUMBER(versions_of("a", sequences, NULL, 16), 1);
}

TEST(versions_follow_a_move) {
  const jzse_list_entry *entry;
  jzse_list *list = NULL;
  open_store();
  put("old", "one");
  CHECK_OK(jzse_move(store, "default", "old", "new", NULL, &error));
  put("new", "two");
  CHECK_OK(jzse_versions_open(store, "default", "new", NULL, &list, &error));
  CHECK_OK(jzse_list_next(list, &entry, &error));
  CHECK_STRING(entry->path, "new");
  CHECK_OK(jzse_list_next(list, &entry, &error));
  CHECK(entry != NULL);
  jzse_list_close(list);
}

static uint64_t version_at(const char *path, size_t place) {
  uint64_t sequences[8];
  uint32_t kinds[8];
  CHECK(versions_of(path, sequences, kinds, 8) > place);
  return sequences[place];
}

/* ---- feed */

static const char *describe(const jzse_change *change) {
  static const char *const types[] = {"?", "put", "delete", "move", "mkdir", "metadata"};
  static char text[512];
  snprintf(text, sizeof text, "%s %s/%s%s%s%s", types[change->type], change->ns, change->path,
           change->old_path != NULL ? " from " : "", change->old_path != NULL ? change->old_path : "",
           change->more ? " +" : "");
  return text;
}

static void check_next(jzse_feed *feed, const char *expected) {
  const jzse_change *change;
  CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
  CHECK_STRING(change == NULL ? "nothing" : describe(change), expected);
}

TEST(the_feed_tells_every_change) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  jzse_feed_options feeding = JZSE_FEED_OPTIONS_INIT;
  const jzse_change *change;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_feed *feed = NULL;
  jzse_group *group = NULL;
  uint64_t last = 0;
  open_store();
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  check_next(feed, "nothing");
  put("a", "1");
  check_next(feed, "put default/a");
  check_next(feed, "nothing");
  options.mode = 0600;
  CHECK_OK(jzse_metadata_set(store, "default", "a", &options, NULL, &error));
  CHECK_OK(jzse_move(store, "default", "a", "b", NULL, &error));
  CHECK_OK(jzse_mkdir(store, "default", "d", NULL, &error));
  CHECK_OK(jzse_copy(store, "default", "b", "default", "c", NULL, &info, &error));
  CHECK_OK(jzse_delete(store, "default", "b", NULL, &error));
  check_next(feed, "metadata default/a");
  check_next(feed, "move default/b from a");
  check_next(feed, "mkdir default/d");
  CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
  CHECK_STRING(describe(change), "put default/c");
  CHECK(change->sequence == info.sequence && memcmp(&change->info, &info, sizeof info) == 0);
  check_next(feed, "delete default/b");
  CHECK_OK(jzse_group_begin(store, &group, &error));
  CHECK_OK(jzse_group_put(group, "default", "g1", "1", 1, NULL, &error));
  CHECK_OK(jzse_group_put(group, "default", "g2", "2", 1, NULL, &error));
  CHECK_OK(jzse_group_commit(group, &error));
  check_next(feed, "put default/g1 +");
  check_next(feed, "put default/g2");
  check_next(feed, "nothing");
  jzse_feed_close(feed);

  reopen_store();
  CHECK_OK(jzse_feed_open(store, &feeding, &feed, &error));  /* from the beginning again, in order */
  for (;;) {
    CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
    if (change == NULL) break;
    CHECK(change->sequence > last);
    last = change->sequence;
    if (change->type == JZSE_CHANGE_MKDIR) feeding.after = change->sequence;
  }
  jzse_feed_close(feed);
  CHECK(last > 0 && feeding.after > 0);
  CHECK_OK(jzse_feed_open(store, &feeding, &feed, &error));  /* from a cursor */
  check_next(feed, "put default/c");
  jzse_feed_close(feed);
  feeding.after = UINT64_MAX;
  CHECK_OK(jzse_feed_open(store, &feeding, &feed, &error));
  check_next(feed, "nothing");
  jzse_feed_close(feed);
}

TEST(feeds_by_namespace_and_prefix) {
  jzse_feed_options options = JZSE_FEED_OPTIONS_INIT;
  jzse_feed *all = NULL, *other = NULL, *below = NULL, *decomposed = NULL;
  open_store();
  CHECK_OK(jzse_namespace_create(store, "other", NULL, &error));
  CHECK_OK(jzse_feed_open(store, NULL, &all, &error));
  options.ns = "other";
  CHECK_OK(jzse_feed_open(store, &options, &other, &error));
  options.ns = "default";
  options.prefix = "d/";
  CHECK_OK(jzse_feed_open(store, &options, &below, &error));
  put("a", "1");
  put("d/b", "2");
  CHECK_OK(jzse_put(store, "other", "d/c", "3", 1, NULL, NULL, &error));
  check_next(all, "put default/a");
  check_next(all, "put default/d/b");
  check_next(all, "put other/d/c");
  check_next(all, "nothing");
  check_next(other, "put other/d/c");
  check_next(other, "nothing");
  check_next(below, "put default/d/b");
  check_next(below, "nothing");
  put("caf\xc3\xa9/x", "4");
  options.ns = NULL;
  options.prefix = "cafe\xcc\x81";
  CHECK_OK(jzse_feed_open(store, &options, &decomposed, &error));
  check_next(decomposed, "put default/caf\xc3\xa9/x");
  jzse_feed_close(decomposed);
  jzse_feed_close(all);
  jzse_feed_close(other);
  jzse_feed_close(below);
  options.ns = "none";
  CHECK_CODE(jzse_feed_open(store, &options, &all, &error), JZSE_NOT_FOUND, "none");
  CHECK(all == NULL);
  options.ns = NULL;
  options.reserved = 1;
  CHECK_CODE(jzse_feed_open(store, &options, &all, &error), JZSE_INVALID, "reserved");
}

/* A group goes on only if what goes on is told: not after compaction, not beside a filter, not in a namespace that is gone. */
TEST(a_group_ends_where_the_feed_ends_it) {
  jzse_feed_options options = JZSE_FEED_OPTIONS_INIT;
  jzse_compact_options compact = JZSE_COMPACT_OPTIONS_INIT;
  jzse_feed *feed = NULL;
  jzse_group *group = NULL;
  int i;
  open_store();
  CHECK_OK(jzse_namespace_create(store, "other", NULL, &error));
  put("old", "1");
  CHECK_OK(jzse_group_begin(store, &group, &error));
  CHECK_OK(jzse_group_put(group, "default", "a", "2", 1, NULL, &error));
  CHECK_OK(jzse_group_put(group, "other", "x", "3", 1, NULL, &error));
  CHECK_OK(jzse_group_put(group, "default", "b", "4", 1, NULL, &error));
  CHECK_OK(jzse_group_put(group, "other", "y", "5", 1, NULL, &error));
  CHECK_OK(jzse_group_commit(group, &error));
  for (i = 0; i < 3; ++i) {
    options.ns = i == 0 ? "default" : NULL;
    if (i == 1) CHECK_OK(jzse_namespace_drop(store, "other", &error));
    if (i == 2) put("b", "6");
    if (i == 2) CHECK_OK(jzse_delete(store, "default", "b", NULL, &error));
    if (i == 2) CHECK_OK(jzse_version_delete(store, "default", "b", version_at("b", 2), &error));
    if (i == 2) CHECK_OK(jzse_version_delete(store, "default", "b", version_at("b", 1), &error));
    compact.full = 1;
    if (i == 2) CHECK_OK(jzse_compact(store, &compact, NULL, &error));
    CHECK_OK(jzse_feed_open(store, &options, &feed, &error));
    check_next(feed, "put default/old");
    check_next(feed, i < 2 ? "put default/a +" : "put default/a");
    check_next(feed, i < 2 ? "put default/b" : "nothing");
    check_next(feed, "nothing");
    jzse_feed_close(feed);
  }
}

struct waiter {
  jzse_feed *feed;
  int timeout_ms;
  int code;
  char text[256];
};
static void *wait_for_change(void *argument) {
  struct waiter *waiter = argument;
  const jzse_change *change = NULL;
  waiter->code = jzse_feed_next(waiter->feed, waiter->timeout_ms, &change, NULL);
  snprintf(waiter->text, sizeof waiter->text, "%s", change == NULL ? "nothing" : change->path);
  return NULL;
}

TEST(a_feed_waits) {
  struct waiter waiter;
  const jzse_change *change;
  pthread_t thread;
  memset(&waiter, 0, sizeof waiter);
  open_store();
  CHECK_OK(jzse_feed_open(store, NULL, &waiter.feed, &error));
  CHECK_OK(jzse_feed_next(waiter.feed, 20, &change, &error));  /* the time is over */
  CHECK(change == NULL);
  waiter.timeout_ms = -1;
  CHECK(pthread_create(&thread, NULL, wait_for_change, &waiter) == 0);
  usleep(20000);
  put("woken", "x");
  pthread_join(thread, NULL);
  CHECK_NUMBER(waiter.code, JZSE_OK);
  CHECK_STRING(waiter.text, "woken");

  CHECK(pthread_create(&thread, NULL, wait_for_change, &waiter) == 0);
  usleep(20000);
  jzse_feed_cancel(waiter.feed);
  pthread_join(thread, NULL);
  CHECK_NUMBER(-waiter.code, -JZSE_CLOSED);
  CHECK_CODE(jzse_feed_next(waiter.feed, -1, &change, &error), JZSE_CLOSED, "");  /* later too */
  CHECK_CODE(jzse_feed_next(waiter.feed, -2, &change, &error), JZSE_INVALID, "timeout");
  jzse_feed_close(waiter.feed);
  jzse_feed_cancel(NULL);
}

static void *put_hundred(void *argument) {
  const int number = *(const int *)argument;
  char path[32];
  int i;
  for (i = 0; i < 100; ++i) {
    snprintf(path, sizeof path, "t%d-%d", number, i);
    if (jzse_put(store, "default", path, "x", 1, NULL, NULL, NULL) != JZSE_OK) abort();
  }
  return NULL;
}

TEST(a_feed_misses_nothing_under_load) {
  int numbers[6], seen[6], i;
  pthread_t threads[6];
  const jzse_change *change;
  jzse_feed *feed = NULL;
  uint64_t last = 0;
  int count;
  open_store();
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  for (i = 0; i < 6; ++i) {
    numbers[i] = i;
    seen[i] = 0;
    CHECK(pthread_create(&threads[i], NULL, put_hundred, &numbers[i]) == 0);
  }
  for (count = 0; count < 600; ++count) {
    int thread, number;
    CHECK_OK(jzse_feed_next(feed, -1, &change, &error));
    CHECK(change != NULL && change->sequence > last);
    last = change->sequence;
    CHECK(sscanf(change->path, "t%d-%d", &thread, &number) == 2);
    CHECK_NUMBER(number, seen[thread]);  /* each writer's changes in its order */
    ++seen[thread];
  }
  for (i = 0; i < 6; ++i) pthread_join(threads[i], NULL);
  check_next(feed, "nothing");
  jzse_feed_close(feed);
}

TEST(an_old_cursor_still_works_after_compaction) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_compact_options compact = JZSE_COMPACT_OPTIONS_INIT;
  const jzse_change *change;
  jzse_feed *feed = NULL;
  char path[16];
  int i, seen[20];
  open_store();
  memset(seen, 0, sizeof seen);
  config.versions_max = 0;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  for (i = 0; i < 400; ++i) {
    snprintf(path, sizeof path, "f%d", i % 20);
    put(path, path);
  }
  CHECK_OK(jzse_delete(store, "default", "f7", NULL, &error));
  reopen_store();
  compact.full = 1;
  CHECK_OK(jzse_compact(store, &compact, NULL, &error));
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  for (;;) {
    CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
    if (change == NULL) break;
    CHECK(sscanf(change->path, "f%d", &i) == 1);
    seen[i] = change->type == JZSE_CHANGE_DELETE ? 2 : 1;
  }
  for (i = 0; i < 20; ++i) CHECK(i == 7 || seen[i] == 1);
  CHECK(seen[7] == 2 || seen[7] == 0);
  jzse_feed_close(feed);
}

/* A set of paths that does what the feed says, from the beginning on. */
static void check_followed(int count, const char *const *paths) {
  char live[8][16];
  int live_count = 0, i;
  const jzse_change *change;
  jzse_feed *feed = NULL;
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  for (;;) {
    const char *gone;
    CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
    if (change == NULL) break;
    gone = change->type == JZSE_CHANGE_MOVE ? change->old_path : change->path;
    for (i = live_count - 1; i >= 0; --i)
      if (strcmp(live[i], gone) == 0 || strcmp(live[i], change->path) == 0) memmove(live[i], live[--live_count], sizeof live[0]);
    CHECK(live_count < 8);
    if (change->type != JZSE_CHANGE_DELETE) snprintf(live[live_count++], sizeof live[0], "%s", change->path);
  }
  jzse_feed_close(feed);
  CHECK_NUMBER(live_count, count);
  for (i = 0; i < live_count; ++i) {
    int j;
    for (j = 0; j < count && strcmp(live[i], paths[j]) != 0; ++j) {
    }
    CHECK(j < count);
  }
}

TEST(the_feed_leads_to_what_there_is) {
  static const char *const paths[] = {"c", "copy", "e"};
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_compact_options compact = JZSE_COMPACT_OPTIONS_INIT;
  int i;
  open_store();
  config.versions_max = 0;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  put("a", "its first change stays for its content");
  CHECK_OK(jzse_move(store, "default", "a", "b", NULL, &error));
  CHECK_OK(jzse_move(store, "default", "b", "c", NULL, &error));
  put("d", "this one for the content of a copy");
  CHECK_OK(jzse_copy(store, "default", "d", "default", "copy", NULL, NULL, &error));
  CHECK_OK(jzse_move(store, "default", "d", "e", NULL, &error));
  CHECK_OK(jzse_move(store, "default", "e", "f", NULL, &error));
  CHECK_OK(jzse_delete(store, "default", "f", NULL, &error));
  put("g", "one that comes to an old path");
  CHECK_OK(jzse_move(store, "default", "g", "a", NULL, &error));
  CHECK_OK(jzse_move(store, "default", "a", "e", NULL, &error));
  check_followed(3, paths);
  compact.full = 1;
  for (i = 0; i < 3; ++i) {
    CHECK_OK(jzse_compact(store, &compact, NULL, &error));
    check_followed(3, paths);
    reopen_store();
  }
}

/* ---- watch */

struct watched {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int count, stop_at, signals_blocked;
  char last[64];
};
static int on_change(void *context, const jzse_change *change) {
  struct watched *watched = context;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  sigset_t blocked;
  int stop;
  pthread_mutex_lock(&watched->mutex);
  snprintf(watched->last, sizeof watched->last, "%s", change->path);
  stop = ++watched->count == watched->stop_at;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  watched->signals_blocked = sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGCHLD);
  if (jzse_stat(store, change->ns, change->path, NULL, &info, NULL) != JZSE_OK) watched->count = -1000;
  pthread_cond_signal(&watched->changed);
  pthread_mutex_unlock(&watched->mutex);
  return stop;
}
static void wait_count(struct watched *watched, int count) {
  int found;
  pthread_mutex_lock(&watched->mutex);
  while (watched->count < count && watched->count >= 0) pthread_cond_wait(&watched->changed, &watched->mutex);
  found = watched->count;
  pthread_mutex_unlock(&watched->mutex);
  CHECK_NUMBER(found, count);
}

TEST(a_watch_calls_back) {
  struct watched watched;
  jzse_watch *watch = NULL;
  memset(&watched, 0, sizeof watched);
  pthread_mutex_init(&watched.mutex, NULL);
  pthread_cond_init(&watched.changed, NULL);
  open_store();
  put("before", "x");
  CHECK_OK(jzse_watch_start(store, NULL, on_change, &watched, &watch, &error));
  wait_count(&watched, 1);
  CHECK_STRING(watched.last, "before");
  put("after", "x");
  wait_count(&watched, 2);
  CHECK_STRING(watched.last, "after");
  CHECK(watched.signals_blocked);
  CHECK_CODE(jzse_store_close(store, &error), JZSE_BUSY, "1 open handle: 1 watch");
  jzse_watch_stop(watch);
  put("unseen", "x");
  CHECK_NUMBER(watched.count, 2);
  jzse_watch_stop(NULL);

  watched.count = 0;
  watched.stop_at = 2;  /* the callback ends it itself */
  CHECK_OK(jzse_watch_start(store, NULL, on_change, &watched, &watch, &error));
  wait_count(&watched, 2);
  jzse_watch_stop(watch);
  CHECK_NUMBER(watched.count, 2);
}

/* ---- snapshots */

TEST(a_snapshot_does_not_move) {
  jzse_snapshot *snapshot = NULL;
  jzse_get_options get = JZSE_GET_OPTIONS_INIT;
  jzse_list_options list = JZSE_LIST_OPTIONS_INIT;
  jzse_compact_options compact = JZSE_COMPACT_OPTIONS_INIT;
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_reader *reader = NULL;
  unsigned char *bytes = noise(500000, 1);
  char byte;
  size_t count;
  int i;
  open_store();
  config.versions_max = 0;  /* nothing else keeps the old state */
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  put("a", "old");
  put("gone", "here");
  put("d/x", "x");
  CHECK_OK(jzse_put(store, "default", "large", bytes, 500000, NULL, NULL, &error));
  CHECK_OK(jzse_snapshot_open(store, &snapshot, &error));
  CHECK(jzse_snapshot_sequence(snapshot) > 0);
  get.snapshot = list.snapshot = snapshot;
  put("a", "new");
  put("added", "later");
  CHECK_OK(jzse_delete(store, "default", "gone", NULL, &error));
  CHECK_OK(jzse_delete(store, "default", "large", NULL, &error));
  CHECK_OK(jzse_move(store, "default", "d", "e", NULL, &error));
  compact.full = 1;
  for (i = 0; i < 3; ++i) {
    check_content_in("default", "a", &get, "old", 3);
    check_content_in("default", "gone", &get, "here", 4);
    check_content_in("default", "large", &get, bytes, 500000);
    check_content_in("default", "d/x", &get, "x", 1);
    CHECK_STRING(names_in("default", &list), "a d/x gone large ");
    CHECK_CODE(jzse_stat(store, "default", "added", &get, &info, &error), JZSE_NOT_FOUND, "added");
    CHECK_CODE(jzse_stat(store, "default", "e/x", &get, &info, &error), JZSE_NOT_FOUND, "e/x");
    CHECK_OK(jzse_get_range(store, "default", "large", &get, 499999, &byte, 1, &count, &error));
    CHECK(count == 1 && (unsigned char)byte == bytes[499999]);
    CHECK_OK(jzse_reader_open(store, "default", "gone", &get, &reader, &info, &error));
    jzse_reader_close(reader);
    check_content("a", i < 2 ? "new" : "newer");
    CHECK_OK(jzse_compact(store, &compact, NULL, &error));
    if (i == 1) put("a", "newer");
  }
  jzse_snapshot_close(snapshot);
  jzse_snapshot_close(NULL);
  CHECK_STRING(names_in("default", NULL), "a added e/x ");
  CHECK_OK(jzse_compact(store, &compact, NULL, &error));
  reopen_store();
  CHECK_STRING(names_in("default", NULL), "a added e/x ");
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
  free(bytes);
}

TEST(a_snapshot_keeps_its_namespaces) {
  jzse_snapshot *snapshot = NULL, *later = NULL;
  jzse_get_options get = JZSE_GET_OPTIONS_INIT;
  jzse_list_options list = JZSE_LIST_OPTIONS_INIT;
  jzse_compact_options compact = JZSE_COMPACT_OPTIONS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_list *versions = NULL;
  const jzse_list_entry *entry;
  unsigned char *bytes = noise(300000, 1);
  open_store();
  CHECK_OK(jzse_namespace_create(store, "other", NULL, &error));
  CHECK_OK(jzse_put(store, "other", "a", "old", 3, NULL, NULL, &error));
  CHECK_OK(jzse_put(store, "other", "large", bytes, 300000, NULL, NULL, &error));
  CHECK_OK(jzse_snapshot_open(store, &snapshot, &error));
  CHECK_OK(jzse_namespace_drop(store, "other", &error));
  CHECK_OK(jzse_snapshot_open(store, &later, &error));
  CHECK_OK(jzse_namespace_create(store, "other", NULL, &error));
  CHECK_OK(jzse_put(store, "other", "a", "new", 3, NULL, NULL, &error));
  compact.full = 1;
  CHECK_OK(jzse_compact(store, &compact, NULL, &error));
  get.snapshot = list.snapshot = snapshot;
  check_content_in("other", "a", &get, "old", 3);
  check_content_in("other", "large", &get, bytes, 300000);
  CHECK_STRING(names_in("other", &list), "a large ");
  CHECK_OK(jzse_versions_open(store, "other", "a", &get, &versions, &error));
  CHECK_OK(jzse_list_next(versions, &entry, &error));
  CHECK(entry != NULL);
  jzse_list_close(versions);
  get.snapshot = later;
  CHECK_CODE(jzse_stat(store, "other", "a", &get, &info, &error), JZSE_NOT_FOUND, "other");
  check_content_in("other", "a", NULL, "new", 3);
  jzse_snapshot_close(snapshot);
  jzse_snapshot_close(later);
  free(bytes);
}

static void *write_pairs(void *argument) {
  int *stop = argument;
  char text[32];
  int i;
  for (i = 0; !__atomic_load_n(stop, __ATOMIC_ACQUIRE); ++i) {
    jzse_group *group = NULL;
    snprintf(text, sizeof text, "%d", i);
    if (jzse_group_begin(store, &group, NULL) != JZSE_OK) abort();
    if (jzse_group_put(group, "default", "x", text, strlen(text), NULL, NULL) != JZSE_OK) abort();
    if (jzse_group_put(group, "default", "y", text, strlen(text), NULL, NULL) != JZSE_OK) abort();
    if (jzse_group_commit(group, NULL) != JZSE_OK) abort();
  }
  return NULL;
}

TEST(a_snapshot_never_splits_a_group) {
  static int stop;
  pthread_t thread;
  int i;
  stop = 0;
  open_store();
  put("x", "start");
  put("y", "start");
  CHECK(pthread_create(&thread, NULL, write_pairs, &stop) == 0);
  for (i = 0; i < 300; ++i) {
    jzse_get_options get = JZSE_GET_OPTIONS_INIT;
    void *x = NULL, *y = NULL;
    size_t x_size, y_size;
    CHECK_OK(jzse_snapshot_open(store, &get.snapshot, &error));
    CHECK_OK(jzse_get(store, "default", "x", &get, &x, &x_size, NULL, &error));
    CHECK_OK(jzse_get(store, "default", "y", &get, &y, &y_size, NULL, &error));
    CHECK(x_size == y_size && memcmp(x, y, x_size) == 0);
    jzse_free(x);
    jzse_free(y);
    jzse_snapshot_close(get.snapshot);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
}

TEST(snapshots_are_bounded) {
  jzse_snapshot *snapshots[257];
  int i;
  open_store();
  for (i = 0; i < 256; ++i) CHECK_OK(jzse_snapshot_open(store, &snapshots[i], &error));
  CHECK_CODE(jzse_snapshot_open(store, &snapshots[256], &error), JZSE_BUSY, "256");
  CHECK(snapshots[256] == NULL);
  jzse_snapshot_close(snapshots[0]);
  CHECK_OK(jzse_snapshot_open(store, &snapshots[0], &error));
  for (i = 0; i < 256; ++i) jzse_snapshot_close(snapshots[i]);
}

TEST(a_snapshot_of_another_store) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_store *other = NULL;
  jzse_get_options get = JZSE_GET_OPTIONS_INIT;
  jzse_list_options listing = JZSE_LIST_OPTIONS_INIT;
  jzse_list *list = NULL;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  open_store();
  put("a", "x");
  options.flags = JZSE_OPEN_CREATE;
  CHECK_OK(jzse_store_open(in_dir("other"), &options, &other, &error));
  CHECK_OK(jzse_snapshot_open(other, &get.snapshot, &error));
  listing.snapshot = get.snapshot;
  CHECK_CODE(jzse_stat(store, "default", "a", &get, &info, &error), JZSE_INVALID, "another store");
  CHECK_CODE(jzse_list_open(store, "default", &listing, &list, &error), JZSE_INVALID, "another store");
  jzse_snapshot_close(get.snapshot);
  CHECK_OK(jzse_store_close(other, &error));
}

int main(void) {
  RUN(versions_are_kept_and_read);
  RUN(versions_are_restored);
  RUN(versions_are_forgotten);
  RUN(as_many_versions_as_the_namespace_keeps);
  RUN(versions_follow_a_move);
  RUN(the_feed_tells_every_change);
  RUN(feeds_by_namespace_and_prefix);
  RUN(a_group_ends_where_the_feed_ends_it);
  RUN(a_feed_waits);
  RUN(a_feed_misses_nothing_under_load);
  RUN(an_old_cursor_still_works_after_compaction);
  RUN(the_feed_leads_to_what_there_is);
  RUN(a_watch_calls_back);
  RUN(a_snapshot_does_not_move);
  RUN(a_snapshot_keeps_its_namespaces);
  RUN(a_snapshot_never_splits_a_group);
  RUN(snapshots_are_bounded);
  RUN(a_snapshot_of_another_store);
  return summary();
}
