/* SPDX-License-Identifier: Apache-2.0 */
/* What threads see of each other's changes: the statements of docs/consistency.md that no other test holds. */
#include "check.h"

#include <pthread.h>

enum { ROUNDS = 120, LARGE = 100000, READERS = 3 };

#define LOAD(variable) __atomic_load_n(&(variable), __ATOMIC_SEQ_CST)
#define SET(variable, value) __atomic_store_n(&(variable), (value), __ATOMIC_SEQ_CST)

/* Of one file that a single thread writes with rising numbers. */
static int started, acknowledged, seen;
static const char *wrong; /* the first thing that a thread found wrong */

static void complain(const char *what) {
  if (LOAD(wrong) == NULL) SET(wrong, what);
}

static void raise_to(int *variable, int value) {
  int is = __atomic_load_n(variable, __ATOMIC_SEQ_CST);
  while (is < value && !__atomic_compare_exchange_n(variable, &is, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
}

/* A content that says `number` all over; one in eight is stored in chunks. */
static size_t content_of(int number, int *words) {
  const size_t count = number % 8 == 0 ? LARGE / sizeof(int) : 4;
  size_t i;
  for (i = 0; i < count; ++i) words[i] = number;
  return count * sizeof(int);
}

static void put_number(const char *path, int number) {
  static __thread int words[LARGE / sizeof(int)];
  if (jzse_put(store, "default", path, words, content_of(number, words), NULL, NULL, NULL) != JZSE_OK)
    complain("a put failed");
}

static int get_number(const char *path, jzse_file_info *info) {
  void *data = NULL;
  size_t size = 0, i;
  int number = 0;
  if (jzse_get(store, "default", path, NULL, &data, &size, info, NULL) != JZSE_OK) {
    complain("a get failed");
    return 0;
  }
  memcpy(&number, data, sizeof number);
  for (i = 0; i < size / sizeof(int); ++i)
    if (((int *)data)[i] != number) complain("two contents in one");
  jzse_free(data);
  return number;
}

/* The number that a listing shows, by the sequence that the put was given: the only writer, so version n is n + 1. */
static int listed_number(void) {
  const jzse_list_entry *entry = NULL;
  jzse_list *list = NULL;
  int number = 0;
  if (jzse_list_open(store, "default", NULL, &list, NULL) != JZSE_OK) complain("a listing failed");
  if (jzse_list_next(list, &entry, NULL) == JZSE_OK && entry != NULL) number = (int)entry->info.sequence - 1;
  jzse_list_close(list);
  return number;
}

static int stat_number(void) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  if (jzse_stat(store, "default", "f", NULL, &info, NULL) != JZSE_OK) complain("a stat failed");
  return (int)info.sequence - 1;
}

/* Reads in turn in each way. */
static void *read_on(void *argument) {
  int turn;
  (void)argument;
  for (turn = 0; LOAD(acknowledged) < ROUNDS && LOAD(wrong) == NULL; ++turn) {
    const int before = LOAD(acknowledged), others = LOAD(seen);
    const int number = turn % 3 == 0 ? get_number("f", NULL) : turn % 3 == 1 ? stat_number() : listed_number();
    if (number < before) complain("an acknowledged change was not seen");
    if (number < others) complain("what one thread had seen another did not");
    if (number > LOAD(started)) complain("a change was seen before it was made");
    raise_to(&seen, number);
  }
  return NULL;
}

TEST(one_file_is_linearizable) {
  pthread_t threads[READERS];
  int i;
  open_store();
  started = acknowledged = seen = 0;
  wrong = NULL;
  put_number("f", 1);
  SET(started, 1);
  SET(acknowledged, 1);
  for (i = 0; i < READERS; ++i) CHECK(pthread_create(&threads[i], NULL, read_on, NULL) == 0);
  for (i = 2; i <= ROUNDS; ++i) {
    SET(started, i);
    put_number("f", i);
    SET(acknowledged, i);
  }
  for (i = 0; i < READERS; ++i) pthread_join(threads[i], NULL);
  if (wrong != NULL) fail_(__FILE__, __LINE__, "%s", wrong);
}

static void *write_x_then_y(void *argument) {
  int i;
  (void)argument;
  for (i = 1; i <= ROUNDS; ++i) {
    put_number("x", i);
    put_number("y", i);
  }
  SET(acknowledged, ROUNDS);
  return NULL;
}

TEST(changes_are_seen_in_their_order) {
  pthread_t thread;
  open_store();
  wrong = NULL;
  SET(acknowledged, 0);
  put_number("x", 0);
  put_number("y", 0);
  CHECK(pthread_create(&thread, NULL, write_x_then_y, NULL) == 0);
  while (LOAD(acknowledged) == 0) {
    const int y = get_number("y", NULL), x = get_number("x", NULL);
    if (x < y) complain("the later change without the earlier one");
  }
  pthread_join(thread, NULL);
  if (wrong != NULL) fail_(__FILE__, __LINE__, "%s", wrong);
}

static void *increment(void *argument) {
  int i;
  (void)argument;
  for (i = 0; i < 30;) {
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    jzse_put_options put = JZSE_PUT_OPTIONS_INIT;
    int number = get_number("f", &info) + 1, code;
    put.if_match = info.etag;
    code = jzse_put(store, "default", "f", &number, sizeof number, &put, NULL, NULL);
    if (code == JZSE_OK) ++i;
    if (code != JZSE_OK && code != JZSE_PRECONDITION) complain("a put failed");
  }
  return NULL;
}

TEST(conditional_writers_lose_no_update) {
  pthread_t threads[6];
  int i, zero = 0;
  open_store();
  wrong = NULL;
  CHECK_OK(jzse_put(store, "default", "f", &zero, sizeof zero, NULL, NULL, &error));
  for (i = 0; i < 6; ++i) CHECK(pthread_create(&threads[i], NULL, increment, NULL) == 0);
  for (i = 0; i < 6; ++i) pthread_join(threads[i], NULL);
  if (wrong != NULL) fail_(__FILE__, __LINE__, "%s", wrong);
  CHECK_NUMBER(get_number("f", NULL), 6 * 30);
}

static void *write_groups(void *argument) {
  int i;
  (void)argument;
  for (i = 1; i <= ROUNDS; ++i) {
    jzse_group *group = NULL;
    if (jzse_group_begin(store, &group, NULL) != JZSE_OK) complain("no group");
    jzse_group_put(group, "default", "x", &i, sizeof i, NULL, NULL);
    jzse_group_put(group, "default", "y", &i, sizeof i, NULL, NULL);
    if (jzse_group_commit(group, NULL) != JZSE_OK) complain("a group failed");
  }
  SET(acknowledged, ROUNDS);
  return NULL;
}

TEST(a_listing_never_splits_a_group) {
  pthread_t thread;
  open_store();
  wrong = NULL;
  SET(acknowledged, 0);
  CHECK(pthread_create(&thread, NULL, write_groups, NULL) == 0);
  while (LOAD(acknowledged) == 0) {
    char etags[2][72] = {"", ""};
    const jzse_list_entry *entry = NULL;
    jzse_list *list = NULL;
    int count = 0;
    CHECK_OK(jzse_list_open(store, "default", NULL, &list, &error));
    while (jzse_list_next(list, &entry, NULL) == JZSE_OK && entry != NULL && count < 2)
      strcpy(etags[count++], entry->info.etag);
    jzse_list_close(list);
    if (count == 1 || strcmp(etags[0], etags[1]) != 0) complain("half of a group");
  }
  pthread_join(thread, NULL);
  if (wrong != NULL) fail_(__FILE__, __LINE__, "%s", wrong);
}

static void *put_mine(void *argument) {
  const int thread = *(const int *)argument;
  int i;
  for (i = 0; i < 20; ++i) put_number("f", 1000 * thread + i + 1);
  return NULL;
}

TEST(of_writers_at_once_every_content_stays_a_version) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  int numbers[4] = {1, 2, 3, 4}, found[5000] = {0}, i;
  const jzse_list_entry *entry = NULL;
  jzse_list *list = NULL;
  pthread_t threads[4];
  open_store();
  wrong = NULL;
  config.versions_max = 1000;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  for (i = 0; i < 4; ++i) CHECK(pthread_create(&threads[i], NULL, put_mine, &numbers[i]) == 0);
  for (i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  if (wrong != NULL) fail_(__FILE__, __LINE__, "%s", wrong);
  CHECK_OK(jzse_versions_open(store, "default", "f", NULL, &list, &error));
  for (i = 0; jzse_list_next(list, &entry, &error) == JZSE_OK && entry != NULL; ++i) {
    jzse_get_options get = JZSE_GET_OPTIONS_INIT;
    size_t count = 0;
    int number = 0;
    get.version = entry->info.sequence;
    CHECK_OK(jzse_get_range(store, "default", "f", &get, 0, &number, sizeof number, &count, &error));
    CHECK(number > 0 && number < 5000 && found[number]++ == 0);
  }
  jzse_list_close(list);
  CHECK_NUMBER(i, 4 * 20);
}

TEST(the_feed_and_reads_agree) {
  const jzse_change *change = NULL;
  jzse_feed *feed = NULL;
  pthread_t thread;
  int i;
  open_store();
  wrong = NULL;
  SET(acknowledged, 0);
  CHECK_OK(jzse_feed_open(store, NULL, &feed, &error));
  for (i = 0; i < 50; ++i) { /* what is acknowledged is in the feed at once */
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    CHECK_OK(jzse_put(store, "default", "f", &i, sizeof i, NULL, &info, &error));
    CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
    CHECK(change != NULL && change->sequence == info.sequence);
  }
  CHECK(pthread_create(&thread, NULL, write_groups, NULL) == 0);
  for (i = 0; i < 2 * ROUNDS; ++i) { /* and what the feed tells every read sees */
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    CHECK_OK(jzse_feed_next(feed, -1, &change, &error));
    CHECK_NUMBER(change->more, i % 2 == 0);
    CHECK_OK(jzse_stat(store, "default", change->path, NULL, &info, &error));
    CHECK(info.sequence >= change->sequence);
  }
  jzse_feed_close(feed);
  pthread_join(thread, NULL);
  if (wrong != NULL) fail_(__FILE__, __LINE__, "%s", wrong);
}

TEST(a_reaped_completion_is_visible) {
  jzse_completion done;
  jzse_queue *queue = NULL;
  size_t count = 0;
  int i;
  open_store();
  CHECK_OK(jzse_queue_open(store, 64, &queue, &error));
  for (i = 0; i < 64; ++i)
    CHECK_OK(jzse_put_async(queue, (uint64_t)i, "default", i % 2 ? "odd" : "even", &i, sizeof i, NULL, &error));
  for (i = 0; i < 64; ++i) {
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    CHECK_OK(jzse_queue_reap(queue, &done, 1, -1, &count, &error));
    CHECK(count == 1 && done.code == JZSE_OK);
    CHECK_OK(jzse_stat(store, "default", done.tag % 2 ? "odd" : "even", NULL, &info, &error));
    CHECK(info.sequence >= done.info.sequence);
  }
  jzse_queue_close(queue);
}

int main(void) {
  RUN(one_file_is_linearizable);
  RUN(changes_are_seen_in_their_order);
  RUN(conditional_writers_lose_no_update);
  RUN(a_listing_never_splits_a_group);
  RUN(of_writers_at_once_every_content_stays_a_version);
  RUN(the_feed_and_reads_agree);
  RUN(a_reaped_completion_is_visible);
  return summary();
}
