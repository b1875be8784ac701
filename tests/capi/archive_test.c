/* SPDX-License-Identifier: Apache-2.0 */
/* Archives: round trips, damage, and hostile ones whose checks are right (docs/format-archive.md). */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <xxhash.h>

static unsigned char *archive;   /* the bytes of the archive under test */
static size_t archive_size;

static void make_namespace(const char *ns) {
  CHECK_OK(jzse_namespace_create(store, ns, NULL, &error));
}

static jzse_archive_report export_to_memory(const char *ns, const jzse_archive_options *options) {
  jzse_archive_report report = JZSE_ARCHIVE_REPORT_INIT;
  const int fd = open(in_dir("archive"), O_RDWR | O_CREAT | O_TRUNC, 0666);
  CHECK(fd >= 0);
  CHECK_OK(jzse_archive_export(store, ns, fd, options, &report, &error));
  archive_size = (size_t)lseek(fd, 0, SEEK_END);
  archive = realloc(archive, archive_size + 4096);
  CHECK(archive != NULL && pread(fd, archive, archive_size, 0) == (ssize_t)archive_size);
  close(fd);
  return report;
}

static int import_bytes(const char *ns, const unsigned char *bytes, size_t size, int versions,
                        jzse_archive_report *report) {
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  const int fd = open(in_dir("import"), O_RDWR | O_CREAT | O_TRUNC, 0666);
  int code;
  CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
  options.versions = (uint32_t)versions;
  report->struct_size = sizeof *report;
  reset_error_();
  code = jzse_archive_import(store, ns, fd, &options, report, &error);
  close(fd);
  return code;
}

/* Two namespaces list the same files with the same content, attributes and metadata. */
static void check_same(const char *ns, const char *other) {
  jzse_list *lists[2] = {NULL, NULL};
  const jzse_list_entry *a, *b;
  CHECK_OK(jzse_list_open(store, ns, NULL, &lists[0], &error));
  CHECK_OK(jzse_list_open(store, other, NULL, &lists[1], &error));
  for (;;) {
    jzse_metadata *metadata[2] = {NULL, NULL};
    size_t i;
    CHECK_OK(jzse_list_next(lists[0], &a, &error));
    CHECK_OK(jzse_list_next(lists[1], &b, &error));
    CHECK((a == NULL) == (b == NULL));
    if (a == NULL) break;
    CHECK_STRING(b->path, a->path);
    CHECK_STRING(b->info.etag, a->info.etag);
    CHECK(a->info.kind == b->info.kind && a->info.size == b->info.size && a->info.mode == b->info.mode &&
          a->info.mtime_ns == b->info.mtime_ns);
    CHECK_OK(jzse_metadata_open(store, ns, a->path, NULL, &metadata[0], &error));
    CHECK_OK(jzse_metadata_open(store, other, a->path, NULL, &metadata[1], &error));
    CHECK_STRING(jzse_metadata_content_type(metadata[0]), jzse_metadata_content_type(metadata[1]));
    CHECK_NUMBER(jzse_metadata_count(metadata[0]), jzse_metadata_count(metadata[1]));
    for (i = 0; i < jzse_metadata_count(metadata[0]); ++i) {
      CHECK_STRING(jzse_metadata_pair(metadata[0], i).key, jzse_metadata_pair(metadata[1], i).key);
      CHECK_STRING(jzse_metadata_pair(metadata[0], i).value, jzse_metadata_pair(metadata[1], i).value);
    }
    jzse_metadata_close(metadata[0]);
    jzse_metadata_close(metadata[1]);
    if (a->info.kind != JZSE_KIND_DIRECTORY) {
      void *data;
      size_t size;
      CHECK_OK(jzse_get(store, ns, a->path, NULL, &data, &size, NULL, &error));
      check_content_in(other, a->path, NULL, data, size);
      jzse_free(data);
    }
  }
  jzse_list_close(lists[0]);
  jzse_list_close(lists[1]);
}

static void fill_default(void) {
  static const size_t sizes[] = {0, 1, 4096, 65536, 65537, 1048576, 1048577, 3000000};
  const jzse_pair pairs[] = {{"a", "1"}, {"b", ""}};
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  char path[64];
  size_t i;
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    unsigned char *bytes = noise(sizes[i], (unsigned)i);
    snprintf(path, sizeof path, "sizes/%zu", sizes[i]);
    CHECK_OK(jzse_put(store, "default", path, bytes, sizes[i], NULL, NULL, &error));
    free(bytes);
  }
  for (i = 0; i < 600; ++i) {
    snprintf(path, sizeof path, "small/%zu/%zu", i % 7, i);
    put(path, path);
  }
  options.content_type = "text/plain";
  options.metadata = pairs;
  options.metadata_count = 2;
  options.mtime_ns = -5;
  options.mode = 0604;
  CHECK_OK(jzse_put(store, "default", "attributes", "x", 1, &options, NULL, &error));
  CHECK_OK(jzse_mkdir(store, "default", "explicit/empty", &options, &error));
  options.kind = JZSE_KIND_SYMLINK;
  CHECK_OK(jzse_put(store, "default", "link", "sizes/1", 7, &options, NULL, &error));
}

TEST(round_trip) {
  jzse_archive_report exported, imported;
  jzse_options options = JZSE_OPTIONS_INIT;
  int again;
  open_store();
  fill_default();
  exported = export_to_memory("default", NULL);
  CHECK_NUMBER(exported.files, 8 + 600 + 3);
  CHECK_NUMBER(exported.versions, 0);
  make_namespace("copy");
  for (again = 0; again < 2; ++again) {  /* the second time everything is there and is replaced */
    if (import_bytes("copy", archive, archive_size, 0, &imported) != JZSE_OK) {
      fail_(__FILE__, __LINE__, "import: %s", error.message);
    }
    CHECK(memcmp(&imported, &exported, sizeof imported) == 0);
    check_same("default", "copy");
  }
  close_store();
  options.flags = JZSE_OPEN_CREATE;      /* another store, which knows nothing of the first */
  CHECK_OK(jzse_store_open(in_dir("second"), &options, &store, &error));
  CHECK_NUMBER(-import_bytes("default", archive, archive_size, 0, &imported), 0);
  {
    unsigned char *first = malloc(archive_size);
    const size_t first_size = archive_size;
    CHECK(first != NULL);
    memcpy(first, archive, archive_size);
    export_to_memory("default", NULL);   /* an archive of an imported archive is the same archive */
    CHECK(archive_size == first_size && memcmp(first, archive, first_size) == 0);
    free(first);
  }
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
}

TEST(prefix_and_snapshot) {
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  jzse_archive_report report;
  open_store();
  put("a", "old");
  put("d/1", "1");
  put("d/2", "2");
  CHECK_OK(jzse_snapshot_open(store, &options.snapshot, &error));
  put("a", "new");
  CHECK_OK(jzse_delete(store, "default", "d/1", NULL, &error));
  put("d/3", "3");
  export_to_memory("default", &options);
  make_namespace("one");
  CHECK_NUMBER(-import_bytes("one", archive, archive_size, 0, &report), 0);
  CHECK_STRING(names_in("one", NULL), "a d/1 d/2 ");
  check_content_in("one", "a", NULL, "old", 3);
  jzse_snapshot_close(options.snapshot);
  options.snapshot = NULL;
  options.prefix = "d/";
  export_to_memory("default", &options);
  make_namespace("two");
  CHECK_NUMBER(-import_bytes("two", archive, archive_size, 0, &report), 0);
  CHECK_STRING(names_in("two", NULL), "d/2 d/3 ");
  CHECK_CODE(jzse_archive_import(store, "two", 0, &options, NULL, &error), JZSE_INVALID, "prefix");
  options.prefix = NULL;
  options.versions = 2;
  CHECK_CODE(jzse_archive_import(store, "two", 0, &options, NULL, &error), JZSE_INVALID, "versions");
  CHECK_CODE(jzse_archive_export(store, "two", 1, &options, NULL, &error), JZSE_INVALID, "versions");
  CHECK_CODE(jzse_archive_export(store, "none", 1, NULL, NULL, &error), JZSE_NOT_FOUND, "none");
  CHECK_CODE(jzse_archive_import(store, "none", 0, NULL, NULL, &error), JZSE_NOT_FOUND, "none");
  CHECK_CODE(jzse_archive_import(store, "two", -1, NULL, NULL, &error), JZSE_INVALID, "descriptor -1");
  CHECK_CODE(jzse_archive_export(store, "default", -1, NULL, NULL, &error), JZSE_INVALID, "descriptor -1");
}

static size_t texts_of(const char *ns, const char *path, char texts[8][16]) {
  const jzse_list_entry *entry;
  jzse_list *list = NULL;
  size_t count = 0;
  CHECK_OK(jzse_versions_open(store, ns, path, NULL, &list, &error));
  for (;; ++count) {
    jzse_get_options options = JZSE_GET_OPTIONS_INIT;
    void *data;
    size_t size;
    CHECK_OK(jzse_list_next(list, &entry, &error));
    if (entry == NULL) break;
    CHECK(count < 8);
    strcpy(texts[count], "(deleted)");
    if (entry->info.kind == JZSE_KIND_DELETED) continue;
    options.version = entry->info.sequence;
    CHECK_OK(jzse_get(store, ns, path, &options, &data, &size, NULL, &error));
    CHECK(size < 16);
    memcpy(texts[count], data, size);
    texts[count][size] = '\0';
    jzse_free(data);
  }
  jzse_list_close(list);
  return count;
}

TEST(older_versions) {
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  jzse_archive_report report;
  char texts[8][16];
  open_store();
  put("a", "one");
  put("a", "two");
  put("a", "three");
  put("gone", "1");
  put("gone", "2");
  CHECK_OK(jzse_delete(store, "default", "gone", NULL, &error));
  put("single", "x");
  options.versions = 1;
  report = export_to_memory("default", &options);
  CHECK_NUMBER(report.files, 3);
  CHECK_NUMBER(report.versions, 4);
  make_namespace("copy");
  CHECK_NUMBER(-import_bytes("copy", archive, archive_size, 1, &report), 0);
  CHECK_NUMBER(report.files, 3);
  CHECK_NUMBER(report.versions, 4);
  CHECK_STRING(names_in("copy", NULL), "a single ");
  CHECK_NUMBER(texts_of("copy", "a", texts), 3);
  CHECK_STRING(texts[0], "three");
  CHECK_STRING(texts[1], "two");
  CHECK_STRING(texts[2], "one");
  CHECK_NUMBER(texts_of("copy", "gone", texts), 3);
  CHECK_STRING(texts[0], "(deleted)");
  CHECK_STRING(texts[1], "2");
  make_namespace("flat");  /* and an import that wants none of them */
  CHECK_NUMBER(-import_bytes("flat", archive, archive_size, 0, &report), 0);
  CHECK_NUMBER(report.files, 2);
  CHECK_NUMBER(report.versions, 0);
  CHECK_STRING(names_in("flat", NULL), "a single ");
  CHECK_NUMBER(texts_of("flat", "a", texts), 1);
}

TEST(an_empty_namespace) {
  jzse_archive_report report;
  open_store();
  report = export_to_memory("default", NULL);
  CHECK_NUMBER(report.files, 0);
  CHECK_NUMBER(-import_bytes("default", archive, archive_size, 0, &report), 0);
  CHECK_NUMBER(report.files, 0);
}

static void *export_to_pipe(void *argument) {
  const int *fd = argument;
  if (jzse_archive_export(store, "default", *fd, NULL, NULL, NULL) != JZSE_OK) abort();
  close(*fd);
  return NULL;
}

TEST(through_a_pipe) {
  jzse_archive_report report = JZSE_ARCHIVE_REPORT_INIT;
  pthread_t thread;
  int pipes[2];
  open_store();
  fill_default();
  make_namespace("copy");
  CHECK(pipe(pipes) == 0);
  CHECK(pthread_create(&thread, NULL, export_to_pipe, &pipes[1]) == 0);
  CHECK_OK(jzse_archive_import(store, "copy", pipes[0], NULL, &report, &error));
  pthread_join(thread, NULL);
  close(pipes[0]);
  check_same("default", "copy");
}

static int stop_at_two(void *context, uint64_t done, uint64_t total) {
  int *calls = context;
  (void)total;
  ++*calls;
  return done >= 2;
}

TEST(progress_cancels) {
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  jzse_archive_report report = JZSE_ARCHIVE_REPORT_INIT;
  int calls = 0, fd;
  open_store();
  put("a", "1"), put("b", "2"), put("c", "3");
  export_to_memory("default", NULL);
  make_namespace("copy");
  options.progress = stop_at_two;
  options.context = &calls;
  fd = open(in_dir("archive"), O_RDWR);
  CHECK_CODE(jzse_archive_import(store, "copy", fd, &options, &report, &error), JZSE_CLOSED, "cancelled");
  CHECK_NUMBER(report.files, 2);
  CHECK_CODE(jzse_archive_export(store, "default", fd, &options, &report, &error), JZSE_CLOSED, "cancelled");
  CHECK_NUMBER(calls, 4);
  close(fd);
}

/* ---- damage */

static void small_archive(void) {
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  jzse_put_options attributes = JZSE_PUT_OPTIONS_INIT;
  const jzse_pair pairs[] = {{"key", "value"}};
  attributes.metadata = pairs;
  attributes.metadata_count = 1;
  attributes.content_type = "text/plain";
  put("a", "first");
  put("a", "hello\n");
  CHECK_OK(jzse_put(store, "default", "b", "hello\n", 6, &attributes, NULL, &error));
  put("gone", "x");
  CHECK_OK(jzse_delete(store, "default", "gone", NULL, &error));
  options.versions = 1;
  export_to_memory("default", &options);
}

/* After a failed import the namespace holds only whole files, as many as the report says. */
static void check_import_fails(const unsigned char *bytes, size_t size) {
  jzse_archive_report report;
  jzse_stats before = JZSE_STATS_INIT, after = JZSE_STATS_INIT;
  int code;
  CHECK_OK(jzse_store_stats(store, &before, &error));
  code = import_bytes("n", bytes, size, 1, &report);
  if (code != JZSE_CORRUPT && code != JZSE_UNSUPPORTED) {
    fail_(__FILE__, __LINE__, "%zu bytes: %s %s", size, jzse_code_name(code), error.message);
  }
  CHECK(strstr(error.message, "archive") != NULL);
  if (code == JZSE_CORRUPT) CHECK(strstr(error.message, "at offset ") != NULL);
  CHECK_OK(jzse_store_stats(store, &after, &error));
  CHECK_NUMBER(after.changes - before.changes, report.files + report.versions);
}

TEST(truncated_at_every_length) {
  size_t size;
  open_store();
  small_archive();
  make_namespace("n");
  for (size = 0; size < archive_size; ++size) check_import_fails(archive, size);
  check_content_in("n", "a", NULL, "hello\n", 6);
  check_content_in("n", "b", NULL, "hello\n", 6);
}

TEST(every_byte_flipped) {
  size_t i;
  open_store();
  small_archive();
  make_namespace("n");
  for (i = 0; i < archive_size; ++i) {
    archive[i] ^= (unsigned char)(1u << i % 8);
    check_import_fails(archive, archive_size);
    archive[i] ^= (unsigned char)(1u << i % 8);
  }
  memcpy(archive + archive_size, "x", 1);
  check_import_fails(archive, archive_size + 1);
}

/* Computes all checks anew. */
static void seal(void) {
  size_t at = 32;
  uint64_t ordinal = 0;
  XXH128_hash_t check = XXH3_128bits_withSeed(archive, 16, 0);
  memcpy(archive + 16, &check.low64, 8);
  memcpy(archive + 24, &check.high64, 8);
  while (at + 20 <= archive_size) {
    uint32_t head;
    size_t length;
    memcpy(&head, archive + at, 4);
    length = 4 + (head & 0xffffff);
    if (at + length + 16 > archive_size) break;
    check = XXH3_128bits_withSeed(archive + at, length, ++ordinal);
    memcpy(archive + at + length, &check.low64, 8);
    memcpy(archive + at + length + 8, &check.high64, 8);
    at += length + 16;
  }
}

TEST(damage_under_right_checks) {
  static unsigned char original[65536];
  unsigned state = 12345;
  jzse_archive_report report;
  int round, code, refused = 0;
  size_t size;
  open_store();
  small_archive();
  make_namespace("n");
  size = archive_size;
  CHECK(size < sizeof original);
  memcpy(original, archive, size);
  for (round = 0; round < 3000; ++round) {
    int changes;
    memcpy(archive, original, size);
    archive_size = size;
    for (changes = 1 + round % 3; changes > 0; --changes) {
      state = state * 1103515245u + 12345u;
      archive[8 + (state >> 8) % (size - 8)] = (unsigned char)(state >> 3 & (round % 2 ? 0xff : 0x0f));
    }
    if (round % 7 == 0) archive_size = 32 + (state >> 8) % (size - 32);
    seal();
    code = import_bytes("n", archive, archive_size, round % 2, &report);
    CHECK(code == JZSE_OK || error.message[0] != '\0');
    CHECK(code == JZSE_OK || code == JZSE_CORRUPT || code == JZSE_INVALID || code == JZSE_UNSUPPORTED ||
          code == JZSE_EXISTS || code == JZSE_NOT_FOUND);
    refused += code != JZSE_OK;
  }
  CHECK(refused > 1500);
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
}

/* ---- hostile archives, built by hand */

static void begin_archive(uint32_t version, uint32_t flags) {
  archive = realloc(archive, 1 << 21);
  CHECK(archive != NULL);
  memcpy(archive, "JZSEARC1", 8);
  memcpy(archive + 8, &version, 4);
  memcpy(archive + 12, &flags, 4);
  archive_size = 32;
}
static void record(unsigned type, const void *payload, size_t size) {
  const uint32_t head = (uint32_t)size | type << 24;
  memcpy(archive + archive_size, &head, 4);
  memcpy(archive + archive_size + 4, payload, size);
  archive_size += 4 + size + 16;
}
/* kind, flags, path, size; no attributes */
static void state(unsigned char kind, unsigned char flags, const char *path, unsigned char size) {
  unsigned char payload[256];
  const size_t length = strlen(path);
  payload[0] = kind;
  payload[1] = flags;
  payload[2] = (unsigned char)length;
  memcpy(payload + 3, path, length);
  memset(payload + 3 + length, 0, 5);
  payload[3 + length] = size;
  record(1, payload, 3 + length + 5);
}
static void hello(const char *path, unsigned char flags) {
  static const unsigned char sha[] = {0x58, 0x91, 0xb5, 0xb5, 0x22, 0xd5, 0xdf, 0x08, 0x6d, 0x0f, 0xf0,
                                      0xb1, 0x10, 0xfb, 0xd9, 0xd2, 0x1b, 0xb4, 0xfc, 0x71, 0x63, 0xaf,
                                      0x34, 0xd0, 0x82, 0x86, 0xa2, 0xe8, 0x46, 0xf6, 0xbe, 0x03};
  state(1, flags, path, 6);
  record(2, "hello\n", 6);
  record(3, sha, 32);
}
static void end(unsigned char newest, unsigned char older, unsigned char bytes) {
  unsigned char payload[3];
  payload[0] = newest, payload[1] = older, payload[2] = bytes;
  record(4, payload, 3);
}
static void check_built(int code, const char *words, unsigned files) {
  jzse_archive_report report;
  int answer;
  seal();
  answer = import_bytes("n", archive, archive_size, 1, &report);
  if (answer != code || strstr(error.message, words) == NULL) {
    fail_(__FILE__, __LINE__, "%s: %s, expected %s: %s", jzse_code_name(answer), error.message,
          jzse_code_name(code), words);
  }
  CHECK_NUMBER(report.files, files);
}

TEST(hostile_archives) {
  unsigned char payload[64];
  open_store();
  make_namespace("n");
  begin_archive(1, 1), hello("a", 0), end(1, 0, 6);
  check_built(JZSE_OK, "", 1);  /* the builder builds what is right */
  begin_archive(2, 0), end(0, 0, 0);
  check_built(JZSE_UNSUPPORTED, "version 2", 0);
  begin_archive(0, 0), end(0, 0, 0);
  check_built(JZSE_CORRUPT, "header", 0);
  begin_archive(1, 2), end(0, 0, 0);
  check_built(JZSE_CORRUPT, "header", 0);

  begin_archive(1, 0), hello("a", 0), hello("../x", 0), end(2, 0, 12);
  check_built(JZSE_CORRUPT, "out of order", 1);
  begin_archive(1, 0), hello("../x", 0), end(1, 0, 6);
  check_built(JZSE_INVALID, "../x", 0);
  begin_archive(1, 0), hello("/etc/passwd", 0), end(1, 0, 6);
  check_built(JZSE_INVALID, "/etc/passwd", 0);
  begin_archive(1, 0), hello("a", 0), hello("b\n", 0), hello("c", 0), end(3, 0, 18);
  check_built(JZSE_INVALID, "b", 1);
  begin_archive(1, 0), hello("a", 0), hello("a", 0), end(2, 0, 12);
  check_built(JZSE_CORRUPT, "out of order", 1);
  begin_archive(1, 0), hello("b", 0), hello("a", 0), end(2, 0, 12);
  check_built(JZSE_CORRUPT, "out of order", 1);
  begin_archive(1, 0), hello("a", 0), hello("a/b", 0), end(2, 0, 12);
  check_built(JZSE_EXISTS, "a", 1);

  begin_archive(1, 0), hello("a", 1), hello("a", 0), end(1, 1, 12);
  check_built(JZSE_CORRUPT, "no older versions", 0);
  begin_archive(1, 1), hello("a", 1), hello("b", 0), end(1, 1, 12);
  check_built(JZSE_CORRUPT, "newest", 0);
  begin_archive(1, 1), hello("a", 1), end(0, 1, 6);
  check_built(JZSE_CORRUPT, "newest", 0);
  begin_archive(1, 1), state(0, 0, "a", 0), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "deleted", 0);
  begin_archive(1, 1), state(0, 1, "a", 0), end(0, 1, 0);
  check_built(JZSE_CORRUPT, "state", 0);
  begin_archive(1, 1), state(3, 0, "d", 1), end(1, 0, 1);
  check_built(JZSE_CORRUPT, "state", 0);
  begin_archive(1, 1), state(4, 0, "d", 0), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "state", 0);
  begin_archive(1, 1), state(1, 2, "d", 0), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "state", 0);
  begin_archive(1, 1), state(1, 0, "", 0), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "state", 0);

  begin_archive(1, 0), state(1, 0, "a", 5), record(2, "hello\n", 6), end(1, 0, 5);
  check_built(JZSE_CORRUPT, "add up", 0);
  begin_archive(1, 0), state(1, 0, "a", 6), record(2, "hello", 5), record(3, payload, 32), end(1, 0, 6);
  check_built(JZSE_CORRUPT, "add up", 0);
  begin_archive(1, 0), state(1, 0, "a", 6), record(2, "", 0), end(1, 0, 6);
  check_built(JZSE_CORRUPT, "add up", 0);
  begin_archive(1, 0), state(1, 0, "a", 0), record(3, memset(payload, 0, 64), 32), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "SHA-256", 0);
  begin_archive(1, 0), state(1, 0, "a", 0), record(3, payload, 31), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "end of a content", 0);
  begin_archive(1, 0), record(2, "x", 1), end(0, 0, 0);
  check_built(JZSE_CORRUPT, "place", 0);
  begin_archive(1, 0), record(5, "x", 1), end(0, 0, 0);
  check_built(JZSE_CORRUPT, "type", 0);
  begin_archive(1, 0), hello("a", 0), end(2, 0, 6);
  check_built(JZSE_CORRUPT, "counts", 1);
  begin_archive(1, 0), hello("a", 0), end(1, 0, 6), end(1, 0, 6);
  check_built(JZSE_CORRUPT, "follow", 1);

  /* a size of 2^45 with nothing behind it takes neither memory nor disk */
  memcpy(payload, "\x01\x00\x01z\x80\x80\x80\x80\x80\x80\x08\x00\x00\x00\x00", 15);
  begin_archive(1, 0), record(1, payload, 15), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "add up", 0);
  memcpy(payload, "\x01\x00\x01z\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00\x00\x00\x00", 18);
  begin_archive(1, 0), record(1, payload, 18), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "state", 0);
  memcpy(payload, "\x01\x00\x01z\x00\x00\x80\x20\x00\x00", 10);  /* mode 010000 */
  begin_archive(1, 0), record(1, payload, 10), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "state", 0);
  memcpy(payload, "\x01\x00\x01z\x00\x00\x00\x00\x41", 9);       /* 65 pairs, none there */
  begin_archive(1, 0), record(1, payload, 9), end(1, 0, 0);
  check_built(JZSE_CORRUPT, "state", 0);
  CHECK_STRING(names_in("n", NULL), "a b ");
}

int main(void) {
  RUN(round_trip);
  RUN(prefix_and_snapshot);
  RUN(older_versions);
  RUN(an_empty_namespace);
  RUN(through_a_pipe);
  RUN(progress_cancels);
  RUN(truncated_at_every_length);
  RUN(every_byte_flipped);
  RUN(damage_under_right_checks);
  RUN(hostile_archives);
  free(archive);
  return summary();
}
