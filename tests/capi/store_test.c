/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing and misusing stores. */
#include "check.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *self;  /* argv[0], which the lock test starts again */

static void write_file(const char *path, const char *text, size_t size) {
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL);
  CHECK(fwrite(text, 1, size, file) == size);
  CHECK(fclose(file) == 0);
}

static size_t read_file(const char *path, char *buffer, size_t max) {
  FILE *file = fopen(path, "rb");
  size_t size;
  CHECK(file != NULL);
  size = fread(buffer, 1, max, file);
  fclose(file);
  return size;
}

TEST(version_and_names) {
  char expected[32];
  int code;
  snprintf(expected, sizeof expected, "%d.%d.%d", JZSE_VERSION_MAJOR, JZSE_VERSION_MINOR, JZSE_VERSION_PATCH);
  CHECK_STRING(jzse_version(), expected);
  CHECK_STRING(jzse_code_name(JZSE_OK), "JZSE_OK");
  CHECK_STRING(jzse_code_name(JZSE_NOT_FOUND), "JZSE_NOT_FOUND");
  CHECK_STRING(jzse_code_name(JZSE_READ_ONLY), "JZSE_READ_ONLY");
  CHECK_STRING(jzse_code_name(JZSE_UNSUPPORTED), "JZSE_UNSUPPORTED");
  CHECK_STRING(jzse_code_name(JZSE_BUSY), "JZSE_BUSY");
  for (code = JZSE_BUSY; code <= 0; ++code) CHECK(strcmp(jzse_code_name(code), "JZSE_?") != 0);
  CHECK_STRING(jzse_code_name(1), "JZSE_?");
  CHECK_STRING(jzse_code_name(JZSE_BUSY - 1), "JZSE_?");
  CHECK_STRING(jzse_code_name(-2147483647 - 1), "JZSE_?");
  jzse_free(NULL);
}

TEST(create_and_open_again) {
  jzse_stats stats = JZSE_STATS_INIT;
  uint64_t id[2];
  open_store();
  CHECK_STRING(jzse_store_region(store), "local");
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  memcpy(id, stats.store_id, sizeof id);
  CHECK(id[0] != 0 || id[1] != 0);
  CHECK(stats.replica_id != 0);
  CHECK_NUMBER(stats.namespace_count, 1);
  CHECK_NUMBER(stats.file_count, 0);
  put("a", "first");
  close_store();

  open_store_with(NULL);  /* no CREATE needed any more */
  check_content("a", "first");
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  CHECK(memcmp(id, stats.store_id, sizeof id) == 0);
  CHECK_NUMBER(stats.file_count, 1);
  CHECK_NUMBER(stats.logical_bytes, 5);
}

TEST(a_new_store_is_small) {
  jzse_stats stats = JZSE_STATS_INIT;
  open_store();
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  CHECK(stats.disk_bytes < 4u << 20);
}

TEST(region_and_flags) {
  jzse_options options = JZSE_OPTIONS_INIT;
  options.flags = JZSE_OPEN_CREATE | JZSE_OPEN_EXCLUSIVE;
  options.region = "beijing";
  open_store_with(&options);
  CHECK_STRING(jzse_store_region(store), "beijing");
  close_store();
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_EXISTS, "store");
  CHECK(store == NULL);
  options.flags = 0;
  options.region = NULL;
  open_store_with(&options);
  CHECK_STRING(jzse_store_region(store), "beijing");
}

TEST(wrong_options) {
  jzse_options options = JZSE_OPTIONS_INIT;
  options.flags = 1u << 20;
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_INVALID, "flags");
  options.flags = JZSE_OPEN_EXCLUSIVE;
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_INVALID, "EXCLUSIVE");
  options.flags = JZSE_OPEN_CREATE | JZSE_OPEN_READ_ONLY;
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_INVALID, "READ_ONLY");
  options.flags = JZSE_OPEN_CREATE;
  options.io_backend = 3;
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_INVALID, "io_backend");
  options.io_backend = 0;
  options.background_off = 2;
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_INVALID, "background_off");
  options.background_off = 0;
  options.memory_limit = 1;
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_INVALID, "memory");
  options.memory_limit = 0;
  options.region = "Two words";
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_INVALID, "Two words");
  CHECK(store == NULL);
  CHECK(access(in_dir("store"), F_OK) != 0);  /* none of these left anything behind */
}

TEST(both_io_backends) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_stats stats = JZSE_STATS_INIT;
  options.flags = JZSE_OPEN_CREATE;
  options.io_backend = JZSE_IO_PLAIN;
  open_store_with(&options);
  put("a", "plain");
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  CHECK_NUMBER(stats.uses_uring, 0);
  close_store();
  options.io_backend = JZSE_IO_URING;
  reset_error_();
  if (jzse_store_open(in_dir("store"), &options, &store, &error) == JZSE_OK) {
    check_content("a", "plain");
    put("a", "ring");
    CHECK_OK(jzse_store_stats(store, &stats, &error));
    close_store();
  } else {
    CHECK_NUMBER(-error.code, -JZSE_UNSUPPORTED);
    options.io_backend = JZSE_IO_PLAIN;
    open_store_with(&options);
    put("a", "ring");
    close_store();
  }
  options.io_backend = JZSE_IO_AUTO;
  open_store_with(&options);
  check_content("a", "ring");
}

TEST(no_such_directory) {
  CHECK_CODE(jzse_store_open(in_dir("none"), NULL, &store, &error), JZSE_NOT_FOUND, in_dir("none"));
  CHECK_CODE(jzse_store_open(in_dir("none/deeper"), NULL, &store, &error), JZSE_NOT_FOUND, "deeper");
  CHECK_CODE(jzse_store_open("", NULL, &store, &error), JZSE_INVALID, "path is empty");
  CHECK(store == NULL);
}

TEST(a_directory_that_is_no_store) {
  jzse_options options = JZSE_OPTIONS_INIT;
  options.flags = JZSE_OPEN_CREATE;
  CHECK(mkdir(in_dir("photos"), 0777) == 0);
  write_file(in_dir("photos/a.jpg"), "x", 1);
  CHECK_CODE(jzse_store_open(in_dir("photos"), NULL, &store, &error), JZSE_INVALID, "photos");
  CHECK_CODE(jzse_store_open(in_dir("photos"), &options, &store, &error), JZSE_INVALID, "photos");
  CHECK(access(in_dir("photos/a.jpg"), F_OK) == 0);
  CHECK_CODE(jzse_store_open(in_dir("photos/a.jpg"), NULL, &store, &error), JZSE_INVALID, "a.jpg");

  CHECK(mkdir(in_dir("empty"), 0777) == 0);
  CHECK_CODE(jzse_store_open(in_dir("empty"), NULL, &store, &error), JZSE_INVALID, "empty");
  CHECK_OK(jzse_store_open(in_dir("empty"), &options, &store, &error));
}

TEST(a_newer_format_is_refused) {
  char text[4096], patched[4096 + 16];
  const char *line;
  size_t size;
  open_store();
  put("a", "x");
  close_store();
  size = read_file(in_dir("store/JZSE"), text, sizeof text - 1);
  text[size] = '\0';
  line = strstr(text, "format 1\n");
  CHECK(line != NULL);
  snprintf(patched, sizeof patched, "%.*sformat 2\n%s", (int)(line - text), text, line + strlen("format 1\n"));
  write_file(in_dir("store/JZSE"), patched, strlen(patched));
  CHECK_CODE(jzse_store_open(in_dir("store"), NULL, &store, &error), JZSE_UNSUPPORTED, "format");
  write_file(in_dir("store/JZSE"), text, size);
  open_store();
  check_content("a", "x");
}

TEST(a_damaged_identity_is_refused) {
  char text[4096];
  size_t size, i;
  open_store();
  close_store();
  size = read_file(in_dir("store/JZSE"), text, sizeof text);
  for (i = 0; i < size; i += 7) {
    text[i] ^= 1;
    write_file(in_dir("store/JZSE"), text, size);
    reset_error_();
    CHECK(jzse_store_open(in_dir("store"), NULL, &store, &error) != JZSE_OK);
    CHECK(store == NULL && error.message[0] != '\0');
    text[i] ^= 1;
  }
  write_file(in_dir("store/JZSE"), text, size / 2);
  reset_error_();
  CHECK(jzse_store_open(in_dir("store"), NULL, &store, &error) != JZSE_OK);
  write_file(in_dir("store/JZSE"), text, size);
  open_store();
}

/* The other process of the next test: opens the store, prints the message, exits with the negated code. */
static int try_to_open(const char *path) {
  jzse_store *opened = NULL;
  jzse_error refused = JZSE_ERROR_INIT;
  const int code = jzse_store_open(path, NULL, &opened, &refused);
  printf("%s\n", refused.message);
  jzse_store_close(opened, NULL);
  return -code;
}

/* Starts this program again with `argument` and reads its first line. */
static int run_self(const char *verb, const char *argument, char *line, size_t size) {
  int pipes[2], status = 0;
  size_t length = 0;
  ssize_t got;
  pid_t child;
  CHECK(pipe(pipes) == 0);
  fflush(stdout);
  child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    dup2(pipes[1], 1);
    close(pipes[0]);
    close(pipes[1]);
    execl(self, self, verb, argument, (char *)NULL);
    _exit(127);
  }
  close(pipes[1]);
  while (length < size - 1 && (got = read(pipes[0], line + length, size - 1 - length)) > 0) length += (size_t)got;
  line[length] = '\0';
  close(pipes[0]);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST(open_in_two_processes) {
  char line[1024], pid[32];
  open_store();
  snprintf(pid, sizeof pid, "%ld", (long)getpid());
  CHECK_NUMBER(run_self("open", in_dir("store"), line, sizeof line), -JZSE_LOCKED);
  if (strstr(line, pid) == NULL) fail_(__FILE__, __LINE__, "no pid %s in '%s'", pid, line);
  put("a", "still mine");
  close_store();
  CHECK_NUMBER(run_self("open", in_dir("store"), line, sizeof line), 0);
}

TEST(open_twice_in_one_process) {
  jzse_store *second = NULL;
  open_store();
  CHECK_CODE(jzse_store_open(in_dir("store"), NULL, &second, &error), JZSE_LOCKED, "store");
  CHECK(second == NULL);
  put("a", "x");  /* the attempt did not take the lock away from the first */
  {
    char line[1024];
    CHECK_NUMBER(run_self("open", in_dir("store"), line, sizeof line), -JZSE_LOCKED);
  }
}

TEST(read_only) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_stats stats = JZSE_STATS_INIT;
  jzse_writer *writer = NULL;
  options.flags = JZSE_OPEN_READ_ONLY;
  CHECK_CODE(jzse_store_open(in_dir("store"), &options, &store, &error), JZSE_NOT_FOUND, "store");
  open_store();
  put("a", "x");
  close_store();
  open_store_with(&options);
  check_content("a", "x");
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  CHECK_NUMBER(stats.read_only, 1);
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, NULL, NULL, &error), JZSE_READ_ONLY, "read-only");
  CHECK_CODE(jzse_delete(store, "default", "a", NULL, &error), JZSE_READ_ONLY, "");
  CHECK_CODE(jzse_mkdir(store, "default", "d", NULL, &error), JZSE_READ_ONLY, "");
  CHECK_CODE(jzse_move(store, "default", "a", "b", NULL, &error), JZSE_READ_ONLY, "");
  CHECK_CODE(jzse_copy(store, "default", "a", "default", "b", NULL, NULL, &error), JZSE_READ_ONLY, "");
  CHECK_CODE(jzse_metadata_set(store, "default", "a", NULL, NULL, &error), JZSE_READ_ONLY, "");
  CHECK_CODE(jzse_namespace_create(store, "n", NULL, &error), JZSE_READ_ONLY, "");
  CHECK_CODE(jzse_namespace_drop(store, "default", &error), JZSE_READ_ONLY, "");
  CHECK_CODE(jzse_compact(store, NULL, NULL, &error), JZSE_READ_ONLY, "");
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
  reset_error_();
  if (jzse_writer_open(store, "default", "w", NULL, &writer, &error) == JZSE_OK) {
    CHECK_CODE(jzse_writer_commit(writer, NULL, &error), JZSE_READ_ONLY, "");
  } else {
    CHECK(error.code == JZSE_READ_ONLY);
  }
  check_content("a", "x");
}

TEST(rebuild_of_the_index) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_stats stats = JZSE_STATS_INIT;
  open_store();
  put("a", "1");
  put("a", "2");
  put("d/b", "3");
  CHECK_OK(jzse_delete(store, "default", "d/b", NULL, &error));
  close_store();
  options.flags = JZSE_OPEN_REBUILD_INDEX;
  open_store_with(&options);
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  CHECK_NUMBER(stats.index_rebuilt, 1);
  CHECK_NUMBER(stats.file_count, 1);
  check_content("a", "2");
  check_absent("d/b");
}

TEST(close_with_handles_left_is_refused) {
  jzse_reader *reader = NULL;
  jzse_snapshot *snapshot = NULL;
  jzse_group *group = NULL;
  jzse_queue *queue = NULL;
  open_store();
  put("a", "x");
  CHECK_OK(jzse_reader_open(store, "default", "a", NULL, &reader, NULL, &error));
  CHECK_OK(jzse_snapshot_open(store, &snapshot, &error));
  CHECK_OK(jzse_group_begin(store, &group, &error));
  CHECK_OK(jzse_queue_open(store, 4, &queue, &error));
  CHECK_CODE(jzse_store_close(store, &error), JZSE_BUSY,
             "4 open handles: 1 reader, 1 group, 1 snapshot, 1 queue");
  check_content("a", "x");  /* still open */
  jzse_reader_close(reader);
  jzse_snapshot_close(snapshot);
  jzse_group_abort(group);
  CHECK_CODE(jzse_store_close(store, &error), JZSE_BUSY, "1 open handle: 1 queue");
  jzse_queue_close(queue);
}

static void *put_many(void *argument) {
  int *done = argument;
  char path[32];
  for (*done = 0; *done < 200; ++*done) {
    snprintf(path, sizeof path, "f%d", *done);
    if (jzse_put(store, "default", path, path, strlen(path), NULL, NULL, NULL) != JZSE_OK) break;
  }
  return NULL;
}

TEST(puts_of_many_threads) {
  pthread_t threads[8];
  int done[8], i;
  open_store();
  for (i = 0; i < 8; ++i) CHECK(pthread_create(&threads[i], NULL, put_many, &done[i]) == 0);
  for (i = 0; i < 8; ++i) pthread_join(threads[i], NULL);
  for (i = 0; i < 8; ++i) CHECK_NUMBER(done[i], 200);
  reopen_store();
  check_content("f0", "f0");
  check_content("f199", "f199");
}

struct lines {
  int count;
  char first[256];
};
static void keep_line(void *context, int level, const char *line) {
  struct lines *lines = context;
  if (lines->count++ == 0) snprintf(lines->first, sizeof lines->first, "%d %s", level, line);
}

TEST(the_log_reaches_the_host) {
  jzse_options options = JZSE_OPTIONS_INIT;
  struct lines lines;
  memset(&lines, 0, sizeof lines);
  open_store();
  put("a", "x");
  close_store();
  options.log = keep_line;
  options.log_context = &lines;
  nftw(in_dir("store/index"), remove_one_, 16, FTW_DEPTH | FTW_PHYS);  /* something worth a line */
  open_store_with(&options);
  close_store();
  CHECK(lines.count > 0);
  CHECK(lines.first[0] >= '0' && lines.first[0] <= '3' && strchr(lines.first, '\n') == NULL);
}

TEST(stats_count) {
  jzse_stats before = JZSE_STATS_INIT, after = JZSE_STATS_INIT;
  open_store();
  CHECK_OK(jzse_store_stats(store, &before, &error));
  put("a", "four");
  put("a", "seven77");
  put("b", "x");
  CHECK_OK(jzse_delete(store, "default", "b", NULL, &error));
  CHECK_OK(jzse_mkdir(store, "default", "d", NULL, &error));
  CHECK_OK(jzse_store_stats(store, &after, &error));
  CHECK_NUMBER(after.sequence - before.sequence, 5);
  CHECK_NUMBER(after.changes - before.changes, 5);
  CHECK_NUMBER(after.file_count, 2);
  CHECK_NUMBER(after.logical_bytes, 7);
  CHECK_NUMBER(after.version_count, 2);
  CHECK_NUMBER(after.version_bytes, 5);
  CHECK_NUMBER(after.tombstone_count, 1);
  CHECK(after.commits > before.commits && after.syncs > before.syncs && after.journal_bytes > before.journal_bytes);
  CHECK(after.disk_bytes > 0 && after.segment_count > 0);
  CHECK_NUMBER(after.corrupt_records, 0);
  CHECK_NUMBER(after.read_only, 0);
}

static int collect(void *context, const jzse_namespace_info *info) {
  char *names = context;
  strcat(strcat(names, info->name), " ");
  return strcmp(info->name, "stop") == 0;
}

TEST(namespaces) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT, found = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_namespace_info info = JZSE_NAMESPACE_INFO_INIT;
  char names[256] = "";
  open_store();
  config.versions_max = 3;
  config.quota_files = 10;
  config.conflict = JZSE_CONFLICT_FORK;
  config.replication = JZSE_REPLICATION_LAZY;
  config.compression = 3;
  config.versions_age_max_s = 3600;
  CHECK_OK(jzse_namespace_create(store, "photos", &config, &error));
  CHECK_OK(jzse_namespace_create(store, "zz", NULL, &error));
  CHECK_CODE(jzse_namespace_create(store, "photos", NULL, &error), JZSE_EXISTS, "photos");
  CHECK_OK(jzse_put(store, "photos", "a", "12345", 5, NULL, NULL, &error));

  CHECK_OK(jzse_namespace_get(store, "photos", &found, &info, &error));
  CHECK(memcmp(&config, &found, sizeof config) == 0);
  CHECK_STRING(info.name, "photos");
  CHECK_NUMBER(info.file_count, 1);
  CHECK_NUMBER(info.logical_bytes, 5);
  CHECK_OK(jzse_namespace_get(store, "photos", NULL, NULL, &error));
  CHECK_CODE(jzse_namespace_get(store, "none", &found, NULL, &error), JZSE_NOT_FOUND, "none");

  CHECK_OK(jzse_namespace_list(store, collect, names, &error));
  CHECK_STRING(names, "default photos zz ");
  CHECK_OK(jzse_namespace_create(store, "stop", NULL, &error));
  names[0] = '\0';
  CHECK_OK(jzse_namespace_list(store, collect, names, &error));
  CHECK_STRING(names, "default photos stop ");

  config.versions_max = 1;
  CHECK_OK(jzse_namespace_configure(store, "photos", &config, &error));
  reopen_store();
  CHECK_OK(jzse_namespace_get(store, "photos", &found, &info, &error));
  CHECK(memcmp(&config, &found, sizeof config) == 0);
  CHECK_OK(jzse_namespace_drop(store, "photos", &error));
  CHECK_CODE(jzse_namespace_drop(store, "photos", &error), JZSE_NOT_FOUND, "photos");
  CHECK_CODE(jzse_put(store, "photos", "a", "x", 1, NULL, NULL, &error), JZSE_NOT_FOUND, "photos");
  CHECK_OK(jzse_namespace_create(store, "photos", NULL, &error));
  CHECK_STRING(names_in("photos", NULL), "");
  reopen_store();
  CHECK_STRING(names_in("photos", NULL), "");
}

TEST(wrong_namespaces) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  char name[80];
  open_store();
  CHECK_CODE(jzse_namespace_create(store, "", NULL, &error), JZSE_INVALID, "namespace");
  CHECK_CODE(jzse_namespace_create(store, "Photos", NULL, &error), JZSE_INVALID, "Photos");
  CHECK_CODE(jzse_namespace_create(store, "-a", NULL, &error), JZSE_INVALID, "-a");
  CHECK_CODE(jzse_namespace_create(store, "a/b", NULL, &error), JZSE_INVALID, "a/b");
  memset(name, 'a', 65);
  name[65] = '\0';
  reset_error_();
  CHECK(jzse_namespace_create(store, name, NULL, &error) != JZSE_OK);
  name[64] = '\0';
  CHECK_OK(jzse_namespace_create(store, name, NULL, &error));

  config.kind = 2;
  CHECK_CODE(jzse_namespace_create(store, "n", &config, &error), JZSE_INVALID, "kind");
  config.kind = 0;
  config.conflict = 4;
  CHECK_CODE(jzse_namespace_create(store, "n", &config, &error), JZSE_INVALID, "conflict");
  config.conflict = 0;
  config.replication = 3;
  CHECK_CODE(jzse_namespace_create(store, "n", &config, &error), JZSE_INVALID, "replication");
  config.replication = 0;
  config.compression = 20;
  CHECK_CODE(jzse_namespace_create(store, "n", &config, &error), JZSE_INVALID, "compression");
  config.compression = 300;  /* would be 44 in a byte */
  CHECK_CODE(jzse_namespace_create(store, "n", &config, &error), JZSE_INVALID, "compression");
  config.compression = 0;
  config.chunk_min = 1000;
  CHECK_CODE(jzse_namespace_create(store, "n", &config, &error), JZSE_INVALID, "chunk");
  config.chunk_min = 131072;
  CHECK_CODE(jzse_namespace_create(store, "n", &config, &error), JZSE_INVALID, "chunk");
  config.chunk_min = 16384;
  config.reserved = 1;
  CHECK_CODE(jzse_namespace_create(store, "n", &config, &error), JZSE_INVALID, "reserved");
  config.reserved = 0;
  CHECK_OK(jzse_namespace_create(store, "n", &config, &error));
  config.kind = JZSE_NAMESPACE_KEYS;
  CHECK_CODE(jzse_namespace_configure(store, "n", &config, &error), JZSE_INVALID, "kind");
  config.kind = 0;
  config.chunk_average = 32768;
  CHECK_CODE(jzse_namespace_configure(store, "n", &config, &error), JZSE_INVALID, "chunk");
  config.chunk_average = 65536;
  CHECK_CODE(jzse_namespace_configure(store, "none", &config, &error), JZSE_NOT_FOUND, "none");
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc == 3 && strcmp(argv[1], "open") == 0) return try_to_open(argv[2]);
  RUN(version_and_names);
  RUN(create_and_open_again);
  RUN(a_new_store_is_small);
  RUN(region_and_flags);
  RUN(wrong_options);
  RUN(both_io_backends);
  RUN(no_such_directory);
  RUN(a_directory_that_is_no_store);
  RUN(a_newer_format_is_refused);
  RUN(a_damaged_identity_is_refused);
  RUN(open_in_two_processes);
  RUN(open_twice_in_one_process);
  RUN(read_only);
  RUN(rebuild_of_the_index);
  RUN(close_with_handles_left_is_refused);
  RUN(puts_of_many_threads);
  RUN(the_log_reaches_the_host);
  RUN(stats_count);
  RUN(namespaces);
  RUN(wrong_namespaces);
  return summary();
}
