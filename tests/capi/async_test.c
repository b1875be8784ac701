/* SPDX-License-Identifier: Apache-2.0 */
/* The completion queue and the async twins. */
#include "check.h"

#include <poll.h>
#include <pthread.h>

static jzse_queue *queue;

static void open_queue(uint32_t capacity) {
  open_store();
  CHECK_OK(jzse_queue_open(store, capacity, &queue, &error));
}

/* The one completion that is due; it must carry this tag and code. */
static jzse_completion reap_one(uint64_t tag, int code) {
  jzse_completion completion;
  size_t count = 0;
  CHECK_OK(jzse_queue_reap(queue, &completion, 1, -1, &count, &error));
  CHECK_NUMBER(count, 1);
  CHECK_NUMBER(completion.tag, tag);
  if (completion.code != code) {
    fail_(__FILE__, __LINE__, "tag %d: %s (%s), expected %s", (int)tag, jzse_code_name(completion.code),
          completion.message, jzse_code_name(code));
  }
  CHECK((completion.message[0] == '\0') == (code == JZSE_OK));
  return completion;
}

TEST(every_twin) {
  jzse_completion done;
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  jzse_change_options recursive = JZSE_CHANGE_OPTIONS_INIT;
  jzse_writer *writer = NULL;
  jzse_group *group = NULL;
  unsigned char *bytes = noise(500000, 1);
  uint64_t version;
  open_queue(16);
  CHECK_OK(jzse_put_async(queue, 1, "default", "a", "one", 3, NULL, &error));
  done = reap_one(1, JZSE_OK);
  CHECK_NUMBER(done.info.size, 3);
  CHECK_NUMBER(strlen(done.info.etag), 64);
  CHECK(done.data == NULL && done.info.struct_size == sizeof(jzse_file_info));
  version = done.info.sequence;
  check_content("a", "one");
  CHECK_OK(jzse_put_async(queue, 2, "default", "large", bytes, 500000, NULL, &error));
  reap_one(2, JZSE_OK);
  CHECK_OK(jzse_get_async(queue, 3, "default", "large", NULL, &error));
  done = reap_one(3, JZSE_OK);
  CHECK(done.size == 500000 && memcmp(done.data, bytes, 500000) == 0);
  CHECK_NUMBER(done.info.size, 500000);
  jzse_free(done.data);
  CHECK_OK(jzse_put_async(queue, 3, "default", "empty", NULL, 0, NULL, &error));
  reap_one(3, JZSE_OK);
  CHECK_OK(jzse_get_async(queue, 4, "default", "empty", NULL, &error));
  done = reap_one(4, JZSE_OK);
  CHECK(done.size == 0 && done.data != NULL);
  jzse_free(done.data);
  CHECK_OK(jzse_stat_async(queue, 5, "default", "a", NULL, &error));
  done = reap_one(5, JZSE_OK);
  CHECK(done.info.sequence == version && done.data == NULL);
  CHECK_OK(jzse_copy_async(queue, 6, "default", "a", "default", "b", NULL, &error));
  reap_one(6, JZSE_OK);
  check_content("b", "one");
  CHECK_OK(jzse_move_async(queue, 7, "default", "b", "c", NULL, &error));
  reap_one(7, JZSE_OK);
  check_content("c", "one");
  CHECK_OK(jzse_mkdir_async(queue, 8, "default", "d/e", NULL, &error));
  reap_one(8, JZSE_OK);
  options.mode = 0600;
  CHECK_OK(jzse_metadata_set_async(queue, 9, "default", "c", &options, &error));
  done = reap_one(9, JZSE_OK);
  CHECK_NUMBER(done.info.mode, 0600);
  recursive.flags = JZSE_RECURSIVE;
  CHECK_OK(jzse_delete_async(queue, 10, "default", "d", &recursive, &error));
  reap_one(10, JZSE_OK);
  check_absent("d");
  put("a", "two");
  CHECK_OK(jzse_version_restore_async(queue, 11, "default", "a", version, &error));
  reap_one(11, JZSE_OK);
  check_content("a", "one");
  CHECK_OK(jzse_writer_open(store, "default", "w", NULL, &writer, &error));
  CHECK_OK(jzse_writer_write(writer, bytes, 400000, &error));
  CHECK_OK(jzse_writer_commit_async(queue, 12, writer, &error));
  done = reap_one(12, JZSE_OK);
  CHECK_NUMBER(done.info.size, 400000);
  check_content_in("default", "w", NULL, bytes, 400000);
  CHECK_OK(jzse_group_begin(store, &group, &error));
  CHECK_OK(jzse_group_put(group, "default", "g1", "1", 1, NULL, &error));
  CHECK_OK(jzse_group_put(group, "default", "g2", "2", 1, NULL, &error));
  CHECK_OK(jzse_group_commit_async(queue, 13, group, &error));
  reap_one(13, JZSE_OK);
  check_content("g2", "2");
  jzse_queue_close(queue);
  free(bytes);
}

TEST(failures_arrive_as_completions) {
  jzse_completion done;
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  jzse_group *group = NULL;
  open_queue(16);
  put("a", "x");
  CHECK_OK(jzse_get_async(queue, 1, "default", "none", NULL, &error));
  done = reap_one(1, JZSE_NOT_FOUND);
  CHECK(strstr(done.message, "none") != NULL && done.data == NULL);
  CHECK_OK(jzse_stat_async(queue, 2, "default", "none", NULL, &error));
  reap_one(2, JZSE_NOT_FOUND);
  CHECK_OK(jzse_delete_async(queue, 3, "default", "none", NULL, &error));
  reap_one(3, JZSE_NOT_FOUND);
  CHECK_OK(jzse_copy_async(queue, 4, "default", "none", "default", "b", NULL, &error));
  reap_one(4, JZSE_NOT_FOUND);
  CHECK_OK(jzse_move_async(queue, 5, "default", "none", "b", NULL, &error));
  reap_one(5, JZSE_NOT_FOUND);
  CHECK_OK(jzse_mkdir_async(queue, 6, "default", "a", NULL, &error));
  reap_one(6, JZSE_EXISTS);
  CHECK_OK(jzse_metadata_set_async(queue, 7, "default", "none", NULL, &error));
  reap_one(7, JZSE_NOT_FOUND);
  CHECK_OK(jzse_version_restore_async(queue, 8, "default", "a", 99999, &error));
  reap_one(8, JZSE_NOT_FOUND);
  options.if_none_match = "*";
  CHECK_OK(jzse_put_async(queue, 9, "default", "a", "y", 1, &options, &error));
  reap_one(9, JZSE_PRECONDITION);
  CHECK_OK(jzse_group_begin(store, &group, &error));
  CHECK_OK(jzse_group_put(group, "default", "new", "y", 1, NULL, &error));
  CHECK_OK(jzse_group_delete(group, "default", "none", NULL, &error));
  CHECK_OK(jzse_group_commit_async(queue, 10, group, &error));
  reap_one(10, JZSE_NOT_FOUND);
  check_absent("new");
  check_content("a", "x");
  jzse_queue_close(queue);
}

TEST(what_is_wrong_at_once_is_told_at_once) {
  jzse_completion completion;
  jzse_writer *writer = NULL;
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_store *other = NULL;
  size_t count;
  open_queue(1);
  CHECK_CODE(jzse_put_async(queue, 1, "default", "a//b", "x", 1, NULL, &error), JZSE_INVALID, "a//b");
  CHECK_CODE(jzse_put_async(queue, 1, "default", "a", NULL, 1, NULL, &error), JZSE_INVALID, "data");
  CHECK_OK(jzse_queue_reap(queue, &completion, 1, 0, &count, &error));
  CHECK_NUMBER(count, 0);
  CHECK_CODE(jzse_queue_reap(queue, &completion, 0, 0, &count, &error), JZSE_INVALID, "max");
  CHECK_CODE(jzse_queue_reap(queue, &completion, 1, -7, &count, &error), JZSE_INVALID, "timeout");
  options.flags = JZSE_OPEN_CREATE;
  CHECK_OK(jzse_store_open(in_dir("other"), &options, &other, &error));
  CHECK_OK(jzse_writer_open(other, "default", "w", NULL, &writer, &error));
  CHECK_CODE(jzse_writer_commit_async(queue, 1, writer, &error), JZSE_INVALID, "another store");
  CHECK_OK(jzse_writer_commit(writer, NULL, &error));  /* still ours */
  CHECK_OK(jzse_store_close(other, &error));
  jzse_queue_close(queue);
  CHECK_CODE(jzse_queue_open(store, 0, &queue, &error), JZSE_INVALID, "capacity");
  CHECK_CODE(jzse_queue_open(store, 70000, &queue, &error), JZSE_TOO_LARGE, "65536");
  CHECK(queue == NULL);
}

TEST(capacity_bounds_what_is_unreaped) {
  jzse_completion completions[4];
  jzse_group *group = NULL;
  jzse_writer *writer = NULL;
  char path[16];
  size_t count, reaped = 0;
  int i;
  open_queue(3);
  for (i = 0; i < 3; ++i) {
    snprintf(path, sizeof path, "f%d", i);
    CHECK_OK(jzse_put_async(queue, (uint64_t)i, "default", path, "x", 1, NULL, &error));
  }
  CHECK_OK(jzse_group_begin(store, &group, &error));
  CHECK_OK(jzse_group_put(group, "default", "g", "x", 1, NULL, &error));
  CHECK_OK(jzse_writer_open(store, "default", "w", NULL, &writer, &error));
  for (i = 0; i < 2; ++i) {
    CHECK_CODE(jzse_put_async(queue, 9, "default", "b", "x", 1, NULL, &error), JZSE_BUSY, "3");
    CHECK_CODE(jzse_get_async(queue, 9, "default", "f0", NULL, &error), JZSE_BUSY, "3");
    CHECK_CODE(jzse_group_commit_async(queue, 9, group, &error), JZSE_BUSY, "3");
    CHECK_CODE(jzse_writer_commit_async(queue, 9, writer, &error), JZSE_BUSY, "3");
    usleep(20000);
  }
  while (reaped < 3) {
    CHECK_OK(jzse_queue_reap(queue, completions, 4, -1, &count, &error));
    reaped += count;
  }
  CHECK_OK(jzse_group_commit_async(queue, 9, group, &error));  /* refused before, whole still */
  reap_one(9, JZSE_OK);
  CHECK_OK(jzse_writer_commit_async(queue, 10, writer, &error));
  reap_one(10, JZSE_OK);
  check_absent("b");
  check_content("g", "x");
  check_content("w", "");
  jzse_queue_close(queue);
}

TEST(thousands_in_flight) {
  enum { kCount = 8192 };
  static unsigned char seen[kCount];
  jzse_completion completions[128];
  char path[32], text[64];
  size_t count, reaped, i;
  int get;
  open_queue(kCount);
  for (get = 0; get < 2; ++get) {
    memset(seen, 0, sizeof seen);
    for (i = 0; i < kCount; ++i) {
      snprintf(path, sizeof path, "d%zu/f%zu", i % 50, i);
      snprintf(text, sizeof text, "content %zu", i * i);
      if (get) {
        CHECK_OK(jzse_get_async(queue, i, "default", path, NULL, &error));
      } else {
        CHECK_OK(jzse_put_async(queue, i, "default", path, text, strlen(text), NULL, &error));
        memset(text, '?', sizeof text);  /* small contents are copied */
      }
    }
    for (reaped = 0; reaped < kCount; reaped += count) {
      CHECK_OK(jzse_queue_reap(queue, completions, 128, -1, &count, &error));
      CHECK(count > 0 && count <= 128);
      for (i = 0; i < count; ++i) {
        const size_t tag = (size_t)completions[i].tag;
        CHECK(tag < kCount && !seen[tag]);
        CHECK_NUMBER(-completions[i].code, 0);
        seen[tag] = 1;
        if (!get) continue;
        snprintf(text, sizeof text, "content %zu", tag * tag);
        CHECK(completions[i].size == strlen(text) && memcmp(completions[i].data, text, strlen(text)) == 0);
        jzse_free(completions[i].data);
      }
    }
  }
  jzse_queue_close(queue);
  reopen_store();
  check_content("d49/f99", "content 9801");
}

static int readable(int fd, int timeout_ms) {
  struct pollfd polled;
  polled.fd = fd;
  polled.events = POLLIN;
  return poll(&polled, 1, timeout_ms) == 1;
}

TEST(the_descriptor_polls) {
  jzse_completion completions[8];
  size_t count, reaped = 0;
  int fd, round, i;
  open_queue(64);
  CHECK_OK(jzse_put_async(queue, 0, "default", "a", "x", 1, NULL, &error));
  reap_one(0, JZSE_OK);
  fd = jzse_queue_fd(queue);
  CHECK(fd >= 0 && jzse_queue_fd(queue) == fd);
  CHECK(!readable(fd, 0));
  for (round = 0; round < 20; ++round) {
    for (i = 0; i < 20; ++i) CHECK_OK(jzse_put_async(queue, 1, "default", "a", "x", 1, NULL, &error));
    for (reaped = 0; reaped < 20; reaped += count) {
      CHECK(readable(fd, -1));
      CHECK_OK(jzse_queue_reap(queue, completions, 8, 0, &count, &error));
      CHECK(count > 0);  /* readable means that something waits */
    }
    CHECK(!readable(fd, 0));
  }
  CHECK_OK(jzse_stat_async(queue, 2, "default", "a", NULL, &error));
  CHECK(readable(fd, -1));
  jzse_queue_close(queue);
  CHECK_OK(jzse_queue_open(store, 4, &queue, &error));  /* asked for only when something waits already */
  CHECK_OK(jzse_stat_async(queue, 2, "default", "a", NULL, &error));
  usleep(20000);
  CHECK(readable(jzse_queue_fd(queue), -1));
  jzse_queue_close(queue);
}

TEST(reaping_waits_no_longer_than_asked) {
  jzse_completion completion;
  size_t count = 7;
  open_queue(4);
  CHECK_OK(jzse_queue_reap(queue, &completion, 1, 20, &count, &error));
  CHECK_NUMBER(count, 0);
  jzse_queue_close(queue);
  jzse_queue_close(NULL);
}

TEST(closing_waits_for_what_is_under_way) {
  char path[32];
  int i;
  open_queue(1000);
  for (i = 0; i < 1000; ++i) {
    snprintf(path, sizeof path, "f%d", i);
    CHECK_OK(jzse_put_async(queue, 1, "default", path, path, strlen(path), NULL, &error));
  }
  jzse_queue_close(queue);
  for (i = 0; i < 1000; ++i) {  /* all carried out, none reaped */
    snprintf(path, sizeof path, "f%d", i);
    check_content(path, path);
  }
}

struct worker {
  int number, sum;
};
static void *submit_and_reap(void *argument) {
  struct worker *worker = argument;
  jzse_completion completions[16];
  char path[32];
  size_t count, i;
  int submitted = 0;
  for (worker->sum = 0; submitted < 500;) {
    snprintf(path, sizeof path, "w%d/f%d", worker->number, submitted);
    if (jzse_put_async(queue, 1, "default", path, path, strlen(path), NULL, NULL) == JZSE_OK) {
      ++submitted;
      continue;
    }
    if (jzse_queue_reap(queue, completions, 16, 100, &count, NULL) != JZSE_OK) abort();
    for (i = 0; i < count; ++i) worker->sum += completions[i].code == JZSE_OK;
  }
  return NULL;
}

TEST(one_queue_for_many_threads) {
  struct worker workers[4];
  jzse_completion completions[16];
  pthread_t threads[4];
  size_t count;
  int i, sum = 0;
  open_queue(64);
  for (i = 0; i < 4; ++i) {
    workers[i].number = i;
    CHECK(pthread_create(&threads[i], NULL, submit_and_reap, &workers[i]) == 0);
  }
  for (i = 0; i < 4; ++i) {
    pthread_join(threads[i], NULL);
    sum += workers[i].sum;
  }
  while (sum < 2000) {
    CHECK_OK(jzse_queue_reap(queue, completions, 16, -1, &count, &error));
    for (; count > 0; --count) sum += completions[count - 1].code == JZSE_OK;
  }
  CHECK_OK(jzse_queue_reap(queue, completions, 16, 0, &count, &error));
  CHECK_NUMBER(count, 0);
  jzse_queue_close(queue);
  check_content("w3/f499", "w3/f499");
}

int main(void) {
  RUN(every_twin);
  RUN(failures_arrive_as_completions);
  RUN(what_is_wrong_at_once_is_told_at_once);
  RUN(capacity_bounds_what_is_unreaped);
  RUN(thousands_in_flight);
  RUN(the_descriptor_polls);
  RUN(reaping_waits_no_longer_than_asked);
  RUN(closing_waits_for_what_is_under_way);
  RUN(one_queue_for_many_threads);
  return summary();
}
