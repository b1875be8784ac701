/* SPDX-License-Identifier: Apache-2.0 */
/* Content and metadata of files: put, get, writers, readers, extents, conditions, compression. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>

static int is_hex64(const char *text) {
  return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* Puts, reads back in every way, reopens, reads again. */
static void round_trip(const char *ns, size_t size, unsigned seed) {
  unsigned char *bytes = noise(size, seed), *buffer = malloc(size + 100);
  jzse_file_info info = JZSE_FILE_INFO_INIT, read_info = JZSE_FILE_INFO_INIT;
  jzse_reader *reader = NULL;
  char path[64];
  size_t count, total = 0;
  CHECK(buffer != NULL);
  snprintf(path, sizeof path, "size/%zu", size);
  CHECK_OK(jzse_put(store, ns, path, bytes, size, NULL, &info, &error));
  CHECK_NUMBER(info.size, size);
  CHECK_NUMBER(info.kind, JZSE_KIND_FILE);
  CHECK(is_hex64(info.etag) && info.sequence > 0 && info.changed_ms > 0);
  check_content_in(ns, path, NULL, bytes, size);
  CHECK_OK(jzse_get_range(store, ns, path, NULL, 0, buffer, size + 100, &count, &error));
  CHECK(count == size && memcmp(buffer, bytes, size) == 0);
  CHECK_OK(jzse_get_range(store, ns, path, NULL, size / 2, buffer, size / 4 + 1, &count, &error));
  CHECK(count == (size == 0 ? 0 : size / 4 + 1) || count == size - size / 2);
  CHECK(memcmp(buffer, bytes + size / 2, count) == 0);
  CHECK_OK(jzse_get_range(store, ns, path, NULL, size, buffer, 10, &count, &error));
  CHECK_NUMBER(count, 0);
  CHECK_OK(jzse_get_range(store, ns, path, NULL, (uint64_t)size + 1000000, buffer, 10, &count, &error));
  CHECK_NUMBER(count, 0);
  CHECK_OK(jzse_get_range(store, ns, path, NULL, UINT64_MAX, buffer, 10, &count, &error));
  CHECK_NUMBER(count, 0);

  CHECK_OK(jzse_reader_open(store, ns, path, NULL, &reader, &read_info, &error));
  CHECK(memcmp(&info, &read_info, sizeof info) == 0);
  do {
    CHECK_OK(jzse_reader_read(reader, buffer + total, size / 3 + 7, &count, &error));
    total += count;
    CHECK(total <= size);
  } while (count > 0);
  CHECK(total == size && memcmp(buffer, bytes, size) == 0);
  jzse_reader_close(reader);
  free(bytes);
  free(buffer);
}

static const size_t sizes[] = {0,     1,     7,      4095,   4096,   4097,    65535,   65536,
                               65537, 70000, 262144, 300000, 999999, 1048576, 1048577, 5000000};

TEST(contents_of_all_sizes) {
  size_t i;
  open_store();
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) round_trip("default", sizes[i], (unsigned)i);
  reopen_store();
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    unsigned char *bytes = noise(sizes[i], (unsigned)i);
    char path[64];
    snprintf(path, sizeof path, "size/%zu", sizes[i]);
    check_content_in("default", path, NULL, bytes, sizes[i]);
    free(bytes);
  }
}

TEST(an_etag_names_a_content) {
  jzse_file_info a = JZSE_FILE_INFO_INIT, b = JZSE_FILE_INFO_INIT;
  unsigned char *large = noise(500000, 1);
  open_store();
  CHECK_OK(jzse_put(store, "default", "a", "hello\n", 6, NULL, &a, &error));
  /* sha256sum of "hello\n" */
  CHECK_STRING(a.etag, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
  CHECK_OK(jzse_put(store, "default", "b", "hello\n", 6, NULL, &b, &error));
  CHECK_STRING(a.etag, b.etag);
  CHECK(a.sequence < b.sequence);
  CHECK(a.file_counter != b.file_counter);
  CHECK_OK(jzse_put(store, "default", "c", large, 500000, NULL, &a, &error));
  large[400000] ^= 1;
  CHECK_OK(jzse_put(store, "default", "c", large, 500000, NULL, &b, &error));
  CHECK(strcmp(a.etag, b.etag) != 0);
  CHECK(a.file_counter == b.file_counter && a.file_replica == b.file_replica);
  free(large);
}

TEST(writers) {
  jzse_writer *writer = NULL;
  jzse_file_info whole = JZSE_FILE_INFO_INIT, pieces = JZSE_FILE_INFO_INIT;
  unsigned char *bytes = noise(3000000, 3);
  size_t at, step;
  open_store();
  CHECK_OK(jzse_put(store, "default", "whole", bytes, 3000000, NULL, &whole, &error));
  CHECK_OK(jzse_writer_open(store, "default", "pieces", NULL, &writer, &error));
  for (at = 0, step = 1; at < 3000000; at += step, step = step * 3 % 100003 + 1) {
    if (step > 3000000 - at) step = 3000000 - at;
    CHECK_OK(jzse_writer_write(writer, bytes + at, step, &error));
  }
  CHECK_OK(jzse_writer_write(writer, NULL, 0, &error));
  check_absent("pieces");
  CHECK_OK(jzse_writer_commit(writer, &pieces, &error));
  CHECK_STRING(pieces.etag, whole.etag);
  CHECK_NUMBER(pieces.size, 3000000);
  check_content_in("default", "pieces", NULL, bytes, 3000000);

  CHECK_OK(jzse_writer_open(store, "default", "empty", NULL, &writer, &error));
  CHECK_OK(jzse_writer_commit(writer, NULL, &error));
  check_content("empty", "");
  CHECK_OK(jzse_writer_open(store, "default", "small", NULL, &writer, &error));
  CHECK_OK(jzse_writer_write(writer, "hel", 3, &error));
  CHECK_OK(jzse_writer_write(writer, "lo\n", 3, &error));
  CHECK_OK(jzse_writer_commit(writer, &pieces, &error));
  CHECK_STRING(pieces.etag, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");

  CHECK_OK(jzse_writer_open(store, "default", "aborted", NULL, &writer, &error));
  CHECK_OK(jzse_writer_write(writer, bytes, 2000000, &error));
  jzse_writer_abort(writer);
  check_absent("aborted");
  CHECK_CODE(jzse_writer_open(store, "none", "a", NULL, &writer, &error), JZSE_NOT_FOUND, "none");
  CHECK(writer == NULL);
  CHECK_CODE(jzse_writer_open(store, "default", "a//b", NULL, &writer, &error), JZSE_INVALID, "a//b");
  free(bytes);
  reopen_store();
  check_absent("aborted");
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
}

TEST(many_writers_at_once) {
  jzse_writer *writers[64];
  unsigned char *bytes = noise(64 * 4096, 4);
  char path[32];
  int i, round;
  open_store();
  for (i = 0; i < 64; ++i) {
    snprintf(path, sizeof path, "w%d", i);
    CHECK_OK(jzse_writer_open(store, "default", path, NULL, &writers[i], &error));
  }
  for (round = 0; round < 40; ++round) {
    for (i = 0; i < 64; ++i) CHECK_OK(jzse_writer_write(writers[i], bytes + i * 4096, 4096, &error));
  }
  for (i = 63; i >= 0; --i) CHECK_OK(jzse_writer_commit(writers[i], NULL, &error));
  for (i = 0; i < 64; ++i) {
    unsigned char page[4096];
    size_t count;
    snprintf(path, sizeof path, "w%d", i);
    CHECK_OK(jzse_get_range(store, "default", path, NULL, 39 * 4096, page, sizeof page, &count, &error));
    CHECK(count == 4096 && memcmp(page, bytes + i * 4096, 4096) == 0);
  }
  free(bytes);
}

static void *feed_pipe(void *argument) {
  const int *fd = argument;
  unsigned char *bytes = noise(2500000, 5);
  size_t at = 0;
  while (at < 2500000) {
    const ssize_t done = write(*fd, bytes + at, at % 7000 + 1 < 2500000 - at ? at % 7000 + 1 : 2500000 - at);
    if (done <= 0) break;
    at += (size_t)done;
  }
  close(*fd);
  free(bytes);
  return NULL;
}

TEST(put_from_descriptors) {
  unsigned char *bytes = noise(2500000, 5);
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  pthread_t thread;
  int pipes[2], fd, i;
  open_store();
  fd = open(in_dir("file"), O_RDWR | O_CREAT, 0666);
  CHECK(fd >= 0 && write(fd, bytes, 2500000) == 2500000 && lseek(fd, 1000000, SEEK_SET) == 1000000);
  CHECK_OK(jzse_put_fd(store, "default", "rest", fd, NULL, &info, &error));
  CHECK_NUMBER(info.size, 1500000);
  check_content_in("default", "rest", NULL, bytes + 1000000, 1500000);
  CHECK_OK(jzse_put_fd(store, "default", "at-end", fd, NULL, &info, &error));
  check_content("at-end", "");
  for (i = 2; i >= 0; --i) {  /* around the size of one piece */
    CHECK(ftruncate(fd, (1 << 20) - 1 + i) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK_OK(jzse_put_fd(store, "default", "piece", fd, NULL, &info, &error));
    check_content_in("default", "piece", NULL, bytes, (1u << 20) - 1 + (unsigned)i);
  }
  CHECK(close(fd) == 0);

  for (i = 0; i < 2; ++i) {
    CHECK(pipe(pipes) == 0);
    if (i == 1) CHECK(fcntl(pipes[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK(pthread_create(&thread, NULL, feed_pipe, &pipes[1]) == 0);
    CHECK_OK(jzse_put_fd(store, "default", "piped", pipes[0], NULL, &info, &error));
    pthread_join(thread, NULL);
    close(pipes[0]);
    check_content_in("default", "piped", NULL, bytes, 2500000);
  }
  CHECK_CODE(jzse_put_fd(store, "default", "bad", -1, NULL, NULL, &error), JZSE_INVALID, "descriptor -1");
  fd = open(dir, O_RDONLY);
  CHECK_CODE(jzse_put_fd(store, "default", "bad", fd, NULL, NULL, &error), JZSE_IO, "descriptor");
  close(fd);
  check_absent("bad");
  free(bytes);
}

TEST(missing_and_wrong_kinds) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_reader *reader = NULL;
  jzse_metadata *metadata = NULL;
  void *data = &info;
  size_t size = 5;
  char byte;
  open_store();
  put("d/f", "x");
  CHECK_CODE(jzse_get(store, "default", "none", NULL, &data, &size, NULL, &error), JZSE_NOT_FOUND, "none");
  CHECK(data == NULL && size == 0);
  CHECK_CODE(jzse_get(store, "nowhere", "d/f", NULL, &data, &size, NULL, &error), JZSE_NOT_FOUND, "nowhere");
  CHECK_CODE(jzse_get(store, "default", "d", NULL, &data, &size, NULL, &error), JZSE_EXISTS, "d");
  CHECK_CODE(jzse_get_range(store, "default", "d", NULL, 0, &byte, 1, &size, &error), JZSE_EXISTS, "d");
  CHECK_CODE(jzse_reader_open(store, "default", "d", NULL, &reader, NULL, &error), JZSE_EXISTS, "d");
  CHECK_CODE(jzse_reader_open(store, "default", "none", NULL, &reader, NULL, &error), JZSE_NOT_FOUND, "none");
  CHECK(reader == NULL);
  CHECK_CODE(jzse_metadata_open(store, "default", "none", NULL, &metadata, &error), JZSE_NOT_FOUND, "none");
  CHECK(metadata == NULL);
  CHECK_CODE(jzse_stat(store, "default", "d/none", NULL, &info, &error), JZSE_NOT_FOUND, "d/none");
  CHECK_CODE(jzse_stat(store, "default", "d/f/g", NULL, &info, &error), JZSE_NOT_FOUND, "d/f/g");
  CHECK_CODE(jzse_put(store, "default", "d", "x", 1, NULL, NULL, &error), JZSE_EXISTS, "d");
  CHECK_CODE(jzse_put(store, "default", "d/f/g", "x", 1, NULL, NULL, &error), JZSE_EXISTS, "d/f");
  CHECK_OK(jzse_stat(store, "default", "d", NULL, &info, &error));
  CHECK_NUMBER(info.kind, JZSE_KIND_DIRECTORY);
  CHECK_NUMBER(info.sequence, 0);
  CHECK_STRING(info.etag, "");
  check_content("d/f", "x");
}

TEST(a_reader_holds_its_version) {
  jzse_reader *reader = NULL;
  unsigned char *first = noise(1000000, 6), *second = noise(1000000, 7), *buffer = malloc(1000000);
  size_t count, at = 0;
  open_store();
  CHECK(buffer != NULL);
  CHECK_OK(jzse_put(store, "default", "a", first, 1000000, NULL, NULL, &error));
  CHECK_OK(jzse_reader_open(store, "default", "a", NULL, &reader, NULL, &error));
  CHECK_OK(jzse_reader_read(reader, buffer, 1000, &count, &error));
  CHECK_OK(jzse_put(store, "default", "a", second, 1000000, NULL, NULL, &error));
  CHECK_OK(jzse_delete(store, "default", "a", NULL, &error));
  CHECK_OK(jzse_compact(store, NULL, NULL, &error));
  for (at = count; at < 1000000; at += count) {
    CHECK_OK(jzse_reader_read(reader, buffer + at, 100000, &count, &error));
    CHECK(count > 0);
  }
  CHECK(memcmp(buffer, first, 1000000) == 0);
  CHECK_OK(jzse_reader_read_at(reader, 999990, buffer, 1000, &count, &error));
  CHECK(count == 10 && memcmp(buffer, first + 999990, 10) == 0);
  CHECK_OK(jzse_reader_read(reader, buffer, 1000, &count, &error));  /* read_at does not move it */
  CHECK_NUMBER(count, 0);
  jzse_reader_close(reader);
  free(first), free(second), free(buffer);
}

static void check_extents(const char *path, const unsigned char *bytes, size_t size, size_t max) {
  jzse_reader *reader = NULL;
  jzse_extent extents[64];
  size_t count, i;
  uint64_t at = 0;
  CHECK_OK(jzse_reader_open(store, "default", path, NULL, &reader, NULL, &error));
  while (at < size) {
    CHECK_OK(jzse_reader_extents(reader, at, extents, max, &count, &error));
    CHECK(count >= 1 && count <= max);
    for (i = 0; i < count; ++i) {
      unsigned char *buffer = malloc(extents[i].length);
      CHECK(buffer != NULL && extents[i].length > 0 && at + extents[i].length <= size);
      CHECK(pread(extents[i].fd, buffer, extents[i].length, (off_t)extents[i].offset) ==
            (ssize_t)extents[i].length);
      CHECK(memcmp(buffer, bytes + at, extents[i].length) == 0);
      at += extents[i].length;
      free(buffer);
    }
  }
  CHECK_OK(jzse_reader_extents(reader, size, extents, max, &count, &error));
  CHECK_NUMBER(count, 0);
  CHECK_OK(jzse_reader_extents(reader, size / 2 + 1, extents, max, &count, &error));
  CHECK(size < 4 || count >= 1);
  jzse_reader_close(reader);
}

TEST(extents_lead_to_the_bytes) {
  size_t i;
  open_store();
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    unsigned char *bytes = noise(sizes[i], (unsigned)i);
    CHECK_OK(jzse_put(store, "default", "a", bytes, sizes[i], NULL, NULL, &error));
    check_extents("a", bytes, sizes[i], 64);
    check_extents("a", bytes, sizes[i], 1);
    CHECK_OK(jzse_copy(store, "default", "a", "default", "b", NULL, NULL, &error));
    check_extents("b", bytes, sizes[i], 3);
    free(bytes);
  }
}

/* From `at` to the end, each span with every set of flags that succeeds first. */
static void check_spans(const char *ns, const char *path, const unsigned char *bytes, size_t size, uint64_t at) {
  static const uint32_t flags[] = {JZSE_SPAN_LOCATED, JZSE_SPAN_CACHED, JZSE_SPAN_CACHED | JZSE_SPAN_LOCATED, 0};
  jzse_reader *reader = NULL;
  const void *data = NULL;
  size_t count, i;
  CHECK_OK(jzse_reader_open(store, ns, path, NULL, &reader, NULL, &error));
  while (at < size) {
    int code = JZSE_BUSY;
    for (i = 0; i < 4 && code == JZSE_BUSY; ++i) {
      data = "", count = 1;
      code = jzse_reader_span(reader, at, flags[i], &data, &count, &error);
      CHECK(code == JZSE_OK || (code == JZSE_BUSY && data == NULL && count == 0));
    }
    CHECK_OK(code);
    CHECK(count >= 1 && count <= 262144 && at + count <= size);
    CHECK(memcmp(data, bytes + at, count) == 0);
    at += count;
  }
  CHECK_OK(jzse_reader_span(reader, size, 0, &data, &count, &error));
  CHECK_NUMBER(count, 0);
  CHECK_OK(jzse_reader_span(reader, UINT64_MAX, 0, &data, &count, &error));
  CHECK_NUMBER(count, 0);
  jzse_reader_close(reader);
}

TEST(spans_are_the_content_without_a_copy) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  unsigned char *bytes, *large = noise(5000000, 77), *text = malloc(3000000);
  jzse_reader *reader = NULL;
  const void *data = NULL, *again = NULL;
  char buffer[100];
  size_t i, count;
  open_store();
  CHECK(text != NULL);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    bytes = noise(sizes[i], (unsigned)i);
    CHECK_OK(jzse_put(store, "default", "a", bytes, sizes[i], NULL, NULL, &error));
    check_spans("default", "a", bytes, sizes[i], 0);
    check_spans("default", "a", bytes, sizes[i], sizes[i] / 2);
    free(bytes);
  }
  CHECK_OK(jzse_put(store, "default", "large", large, 5000000, NULL, NULL, &error));
  check_spans("default", "large", large, 5000000, 0);
  /* There and back; reads and extents between them do not disturb. */
  CHECK_OK(jzse_reader_open(store, "default", "large", NULL, &reader, NULL, &error));
  for (i = 0; i < 40; ++i) {
    const uint64_t at = (i % 2 == 0 ? i : 40 - i) * 124999;
    jzse_extent extent;
    CHECK_OK(jzse_reader_span(reader, at, 0, &data, &count, &error));
    CHECK(count > 0 && memcmp(data, large + at, count) == 0);
    CHECK_OK(jzse_reader_span(reader, at, JZSE_SPAN_LOCATED, &again, &count, &error));  /* it is there already */
    CHECK(again == data);
    CHECK_OK(jzse_reader_read_at(reader, at / 2, buffer, sizeof buffer, &count, &error));
    CHECK(count == sizeof buffer && memcmp(buffer, large + at / 2, count) == 0);
    CHECK_OK(jzse_reader_extents(reader, at / 3, &extent, 1, &count, &error));
    CHECK(pread(extent.fd, buffer, 50, (off_t)extent.offset) == 50 || extent.length < 50);
    CHECK(extent.length < 50 || memcmp(buffer, large + at / 3, 50) == 0);
  }
  CHECK_CODE(jzse_reader_span(reader, 0, 4, &data, &count, &error), JZSE_UNSUPPORTED, "flags");
  jzse_reader_close(reader);
  /* Nobody has asked the index yet. */
  CHECK_OK(jzse_reader_open(store, "default", "large", NULL, &reader, NULL, &error));
  CHECK_CODE(jzse_reader_span(reader, 0, JZSE_SPAN_LOCATED, &data, &count, &error), JZSE_BUSY, "large");
  CHECK_OK(jzse_reader_span(reader, 0, 0, &data, &count, &error));
  CHECK(memcmp(data, large, count) == 0);
  jzse_reader_close(reader);
  for (i = 0; i < 3000000; ++i) text[i] = (unsigned char)"the quick brown fox jumps over the lazy dog "[i % 44];
  for (i = 0; i < 3000000; i += 97) text[i] = (unsigned char)('a' + i % 26);
  config.compression = 3;
  CHECK_OK(jzse_namespace_create(store, "packed", &config, &error));
  CHECK_OK(jzse_put(store, "packed", "text", text, 3000000, NULL, NULL, &error));
  check_spans("packed", "text", text, 3000000, 0);
  check_spans("packed", "text", text, 3000000, 2999999);
  free(large), free(text);
}

TEST(a_reader_knows_its_metadata) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  const jzse_pair pairs[] = {{"colour", "green"}, {"shape", "round"}};
  jzse_reader *reader = NULL;
  jzse_metadata *metadata = NULL;
  open_store();
  options.content_type = "text/plain";
  options.metadata = pairs;
  options.metadata_count = 2;
  CHECK_OK(jzse_put(store, "default", "a", "x", 1, &options, NULL, &error));
  CHECK_OK(jzse_reader_open(store, "default", "a", NULL, &reader, NULL, &error));
  CHECK_OK(jzse_put(store, "default", "a", "y", 1, NULL, NULL, &error));  /* the reader's version is the older one */
  CHECK_OK(jzse_reader_metadata(reader, &metadata, &error));
  jzse_reader_close(reader);
  CHECK_STRING(jzse_metadata_content_type(metadata), "text/plain");
  CHECK_NUMBER(jzse_metadata_count(metadata), 2);
  CHECK_STRING(jzse_metadata_pair(metadata, 1).key, "shape");
  CHECK_STRING(jzse_metadata_pair(metadata, 1).value, "round");
  CHECK_CODE(jzse_store_close(store, &error), JZSE_BUSY, "metadata");
  jzse_metadata_close(metadata);
}

TEST(extents_stay_while_their_reader_is_open) {
  unsigned char *bytes = noise(300000, 9), *buffer = malloc(300000);
  jzse_reader *reader = NULL;
  jzse_extent extents[64];
  jzse_compact_options compact = JZSE_COMPACT_OPTIONS_INIT;
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  size_t count, i;
  uint64_t at = 0;
  char path[16];
  open_store();
  CHECK(buffer != NULL);
  config.versions_max = 0;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  CHECK_OK(jzse_put(store, "default", "a", bytes, 300000, NULL, NULL, &error));
  CHECK_OK(jzse_reader_open(store, "default", "a", NULL, &reader, NULL, &error));
  CHECK_OK(jzse_reader_extents(reader, 0, extents, 64, &count, &error));
  CHECK_OK(jzse_delete(store, "default", "a", NULL, &error));
  compact.full = 1;
  for (i = 0; i < 20; ++i) {
    unsigned char *other = noise(300000, (unsigned)(100 + i));
    snprintf(path, sizeof path, "n%zu", i % 4);
    CHECK_OK(jzse_put(store, "default", path, other, 300000, NULL, NULL, &error));
    free(other);
    if (i % 5 == 4) CHECK_OK(jzse_compact(store, &compact, NULL, &error));
  }
  for (i = 0; i < count; ++i) {
    CHECK(pread(extents[i].fd, buffer + at, extents[i].length, (off_t)extents[i].offset) ==
          (ssize_t)extents[i].length);
    at += extents[i].length;
  }
  CHECK(at == 300000 && memcmp(buffer, bytes, 300000) == 0);
  jzse_reader_close(reader);
  free(bytes), free(buffer);
}

TEST(compression_where_it_pays) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_stats before = JZSE_STATS_INIT, after = JZSE_STATS_INIT;
  jzse_reader *reader = NULL;
  jzse_extent extents[64];
  jzse_file_info plain = JZSE_FILE_INFO_INIT, packed = JZSE_FILE_INFO_INIT;
  char *text = malloc(4000000);
  unsigned char *random = noise(1000000, 8);
  size_t i, count;
  open_store();
  CHECK(text != NULL);
  for (i = 0; i < 4000000; ++i) text[i] = "the quick brown fox jumps over the lazy dog "[i % 44];
  for (i = 0; i < 4000000; i += 97) text[i] = (char)('a' + i % 26);
  config.compression = 3;
  CHECK_OK(jzse_namespace_create(store, "packed", &config, &error));
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) round_trip("packed", sizes[i], (unsigned)i);
  CHECK_OK(jzse_put(store, "default", "text", text, 4000000, NULL, &plain, &error));
  CHECK_OK(jzse_store_stats(store, &before, &error));
  CHECK_OK(jzse_put(store, "packed", "text", text, 4000000, NULL, &packed, &error));
  CHECK_OK(jzse_store_stats(store, &after, &error));
  CHECK(after.journal_bytes - before.journal_bytes < 2000000);
  CHECK_STRING(packed.etag, plain.etag);
  CHECK_NUMBER(packed.size, 4000000);
  check_content_in("packed", "text", NULL, text, 4000000);
  CHECK_OK(jzse_put(store, "packed", "small", text, 5000, NULL, NULL, &error));
  check_content_in("packed", "small", NULL, text, 5000);
  CHECK_OK(jzse_reader_open(store, "packed", "text", NULL, &reader, NULL, &error));
  CHECK_CODE(jzse_reader_extents(reader, 0, extents, 64, &count, &error), JZSE_UNSUPPORTED, "compressed");
  CHECK_NUMBER(count, 0);
  jzse_reader_close(reader);
  reopen_store();
  check_content_in("packed", "text", NULL, text, 4000000);
  check_content_in("packed", "small", NULL, text, 5000);
  free(text), free(random);
}

TEST(equal_chunks_are_stored_once) {
  jzse_stats first = JZSE_STATS_INIT, second = JZSE_STATS_INIT;
  unsigned char *bytes = noise(4000000, 10);
  open_store();
  CHECK_OK(jzse_put(store, "default", "a", bytes, 4000000, NULL, NULL, &error));
  CHECK_OK(jzse_store_stats(store, &first, &error));
  bytes[2000000] ^= 1;
  CHECK_OK(jzse_put(store, "default", "b", bytes, 4000000, NULL, NULL, &error));
  CHECK_OK(jzse_store_stats(store, &second, &error));
  CHECK(second.chunk_bytes - first.chunk_bytes < 1000000);
  CHECK_NUMBER(second.logical_bytes, 8000000);
  check_content_in("default", "b", NULL, bytes, 4000000);
  free(bytes);
}

TEST(conditions) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  jzse_change_options change = JZSE_CHANGE_OPTIONS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  char old[72];
  open_store();
  options.if_match = "*";
  CHECK_CODE(jzse_put(store, "default", "a", "x", 1, &options, NULL, &error), JZSE_PRECONDITION, "a");
  options.if_match = NULL;
  options.if_none_match = "*";
  CHECK_OK(jzse_put(store, "default", "a", "1", 1, &options, &info, &error));
  CHECK_CODE(jzse_put(store, "default", "a", "2", 1, &options, NULL, &error), JZSE_PRECONDITION, "a");
  check_content("a", "1");
  strcpy(old, info.etag);
  options.if_none_match = NULL;
  options.if_match = old;
  CHECK_OK(jzse_put(store, "default", "a", "2", 1, &options, &info, &error));
  CHECK_CODE(jzse_put(store, "default", "a", "3", 1, &options, NULL, &error), JZSE_PRECONDITION, "a");
  check_content("a", "2");
  options.if_match = "*";
  CHECK_OK(jzse_put(store, "default", "a", "3", 1, &options, &info, &error));
  options.if_match = NULL;
  options.if_none_match = old;
  CHECK_OK(jzse_put(store, "default", "a", "4", 1, &options, &info, &error));
  options.if_none_match = info.etag;
  CHECK_CODE(jzse_put(store, "default", "a", "5", 1, &options, NULL, &error), JZSE_PRECONDITION, "a");
  options.if_none_match = NULL;
  options.if_match = "no etag";
  CHECK_CODE(jzse_put(store, "default", "a", "5", 1, &options, NULL, &error), JZSE_PRECONDITION, "no etag");

  change.if_match = old;
  CHECK_CODE(jzse_delete(store, "default", "a", &change, &error), JZSE_PRECONDITION, "a");
  CHECK_CODE(jzse_move(store, "default", "a", "b", &change, &error), JZSE_PRECONDITION, "a");
  CHECK_CODE(jzse_copy(store, "default", "a", "default", "b", &change, NULL, &error), JZSE_PRECONDITION, "a");
  check_absent("b");
  change.if_match = info.etag;
  CHECK_OK(jzse_copy(store, "default", "a", "default", "b", &change, NULL, &error));
  CHECK_OK(jzse_move(store, "default", "a", "c", &change, &error));
  CHECK_OK(jzse_delete(store, "default", "c", &change, &error));
  check_absent("c");
  options.if_match = "*";
  options.if_none_match = NULL;
  CHECK_CODE(jzse_put(store, "default", "c", "x", 1, &options, NULL, &error), JZSE_PRECONDITION, "c");
}

struct race {
  char path[16];
  int won;
};
static void *create_once(void *argument) {
  struct race *race = argument;
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  options.if_none_match = "*";
  race->won = jzse_put(store, "default", race->path, "x", 1, &options, NULL, NULL);
  return NULL;
}

TEST(one_of_many_creators_wins) {
  struct race races[8];
  pthread_t threads[8];
  int round, i, won;
  open_store();
  for (round = 0; round < 20; ++round) {
    for (i = 0; i < 8; ++i) {
      snprintf(races[i].path, sizeof races[i].path, "r%d", round);
      CHECK(pthread_create(&threads[i], NULL, create_once, &races[i]) == 0);
    }
    for (i = won = 0; i < 8; ++i) {
      pthread_join(threads[i], NULL);
      CHECK(races[i].won == JZSE_OK || races[i].won == JZSE_PRECONDITION);
      won += races[i].won == JZSE_OK;
    }
    CHECK_NUMBER(won, 1);
  }
}

TEST(metadata) {
  const jzse_pair pairs[] = {{"owner", "li"}, {"camera", "\xe7\x9b\xb8\xe6\x9c\xba"}, {"empty", ""}};
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT, changed = JZSE_FILE_INFO_INIT;
  jzse_metadata *metadata = NULL;
  int found = 0;
  size_t i;
  open_store();
  options.content_type = "image/jpeg";
  options.metadata = pairs;
  options.metadata_count = 3;
  options.mtime_ns = 1700000000123456789;
  options.mode = 0640;
  CHECK_OK(jzse_put(store, "default", "a", "x", 1, &options, &info, &error));
  CHECK(info.mtime_ns == 1700000000123456789);
  CHECK_NUMBER(info.mode, 0640);
  reopen_store();
  CHECK_OK(jzse_metadata_open(store, "default", "a", NULL, &metadata, &error));
  CHECK_STRING(jzse_metadata_content_type(metadata), "image/jpeg");
  CHECK_NUMBER(jzse_metadata_count(metadata), 3);
  for (i = 0; i < 3; ++i) {
    const jzse_pair pair = jzse_metadata_pair(metadata, i);
    found |= strcmp(pair.key, "owner") == 0 && strcmp(pair.value, "li") == 0 ? 1 : 0;
    found |= strcmp(pair.key, "camera") == 0 && strcmp(pair.value, pairs[1].value) == 0 ? 2 : 0;
    found |= strcmp(pair.key, "empty") == 0 && pair.value[0] == '\0' ? 4 : 0;
  }
  CHECK_NUMBER(found, 7);
  CHECK(jzse_metadata_pair(metadata, 3).key == NULL && jzse_metadata_pair(metadata, 3).value == NULL);
  jzse_metadata_close(metadata);

  options.content_type = NULL;
  options.metadata_count = 1;
  options.mode = 0600;
  CHECK_OK(jzse_metadata_set(store, "default", "a", &options, &changed, &error));
  CHECK_STRING(changed.etag, info.etag);
  CHECK(changed.sequence > info.sequence);
  CHECK_NUMBER(changed.mode, 0600);
  check_content("a", "x");
  CHECK_OK(jzse_metadata_open(store, "default", "a", NULL, &metadata, &error));
  CHECK_STRING(jzse_metadata_content_type(metadata), "");
  CHECK_NUMBER(jzse_metadata_count(metadata), 1);
  jzse_metadata_close(metadata);
  CHECK_CODE(jzse_metadata_set(store, "default", "none", &options, NULL, &error), JZSE_NOT_FOUND, "none");

  CHECK_OK(jzse_mkdir(store, "default", "d", &options, &error));
  CHECK_OK(jzse_metadata_open(store, "default", "d", NULL, &metadata, &error));
  CHECK_STRING(jzse_metadata_pair(metadata, 0).key, "owner");
  jzse_metadata_close(metadata);
  options.metadata_count = 0;
  CHECK_OK(jzse_metadata_set(store, "default", "d", &options, &changed, &error));
  CHECK_NUMBER(changed.kind, JZSE_KIND_DIRECTORY);
  CHECK_OK(jzse_put(store, "default", "a", "y", 1, NULL, &info, &error));  /* a put replaces all of it */
  CHECK_OK(jzse_metadata_open(store, "default", "a", NULL, &metadata, &error));
  CHECK_NUMBER(jzse_metadata_count(metadata), 0);
  jzse_metadata_close(metadata);
}

TEST(wrong_metadata) {
  jzse_pair pairs[65];
  char keys[65][8], *large = malloc(20000);
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  size_t i;
  open_store();
  CHECK(large != NULL);
  for (i = 0; i < 65; ++i) {
    snprintf(keys[i], sizeof keys[i], "k%zu", i);
    pairs[i].key = keys[i];
    pairs[i].value = "v";
  }
  options.metadata = pairs;
  options.metadata_count = 64;
  CHECK_OK(jzse_put(store, "default", "a", "x", 1, &options, NULL, &error));
  options.metadata_count = 65;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_TOO_LARGE, "64");
  options.metadata_count = SIZE_MAX;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_TOO_LARGE, "64");
  options.metadata_count = 2;
  pairs[1].key = "k0";
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_INVALID, "k0");
  pairs[1].key = NULL;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_INVALID, "key is NULL");
  pairs[1].key = "k1";
  pairs[1].value = NULL;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_INVALID, "value is NULL");
  memset(large, 'v', 16384);
  large[16384] = '\0';
  pairs[1].value = large;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_TOO_LARGE, "etadata");
  pairs[1].value = "bad \xff utf-8";
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_INVALID, "UTF-8");
  options.metadata_count = 0;
  options.metadata = NULL;
  large[300] = '\0';
  options.content_type = large;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_TOO_LARGE, "content type");
  options.content_type = NULL;
  options.kind = 9;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_INVALID, "kind");
  options.kind = JZSE_KIND_DIRECTORY;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_INVALID, "kind");
  options.kind = 0;
  options.reserved = 1;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_INVALID, "reserved");
  options.reserved = 0;
  options.mode = 010000;
  CHECK_CODE(jzse_put(store, "default", "b", "x", 1, &options, NULL, &error), JZSE_INVALID, "mode");
  check_absent("b");
  free(large);
}

TEST(times) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  const long long before = (long long)time(NULL);
  open_store();
  CHECK_OK(jzse_put(store, "default", "now", "x", 1, NULL, &info, &error));
  CHECK(info.mtime_ns / 1000000000 >= before - 1 && info.mtime_ns / 1000000000 <= before + 3600);
  CHECK(info.mtime_ns / 1000000 == (int64_t)info.changed_ms);
  options.mtime_ns = -1;
  CHECK_OK(jzse_put(store, "default", "1969", "x", 1, &options, NULL, &error));
  reopen_store();
  CHECK_OK(jzse_stat(store, "default", "1969", NULL, &info, &error));
  CHECK(info.mtime_ns == -1);
}

TEST(symlinks) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  char *target = malloc(5000);
  open_store();
  CHECK(target != NULL);
  memset(target, 't', 5000);
  options.kind = JZSE_KIND_SYMLINK;
  CHECK_OK(jzse_put(store, "default", "link", "../elsewhere", 12, &options, &info, &error));
  CHECK_NUMBER(info.kind, JZSE_KIND_SYMLINK);
  CHECK_NUMBER(info.size, 12);
  check_content("link", "../elsewhere");
  CHECK_OK(jzse_put(store, "default", "long", target, 4096, &options, &info, &error));
  CHECK_CODE(jzse_put(store, "default", "longer", target, 4097, &options, NULL, &error), JZSE_TOO_LARGE, "longer");
  CHECK_OK(jzse_put(store, "default", "link", "now a file", 10, NULL, &info, &error));
  CHECK_NUMBER(info.kind, JZSE_KIND_FILE);
  reopen_store();
  CHECK_OK(jzse_stat(store, "default", "long", NULL, &info, &error));
  CHECK_NUMBER(info.kind, JZSE_KIND_SYMLINK);
  free(target);
}

TEST(quotas) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  unsigned char *bytes = noise(200000, 11);
  open_store();
  config.quota_files = 2;
  config.quota_bytes = 100000;
  CHECK_OK(jzse_namespace_create(store, "small", &config, &error));
  CHECK_OK(jzse_put(store, "small", "a", "1", 1, NULL, NULL, &error));
  CHECK_OK(jzse_put(store, "small", "b", "2", 1, NULL, NULL, &error));
  CHECK_CODE(jzse_put(store, "small", "c", "3", 1, NULL, NULL, &error), JZSE_QUOTA, "small");
  CHECK_CODE(jzse_copy(store, "small", "a", "small", "c", NULL, NULL, &error), JZSE_QUOTA, "small");
  CHECK_OK(jzse_put(store, "small", "a", "replaced", 8, NULL, NULL, &error));
  CHECK_CODE(jzse_put(store, "small", "a", bytes, 100000, NULL, NULL, &error), JZSE_QUOTA, "small");
  check_content_in("small", "a", NULL, "replaced", 8);
  CHECK_OK(jzse_put(store, "small", "a", bytes, 99999, NULL, NULL, &error));
  CHECK_OK(jzse_delete(store, "small", "a", NULL, &error));
  CHECK_OK(jzse_put(store, "small", "c", "3", 1, NULL, NULL, &error));
  config.quota_files = 3;
  CHECK_OK(jzse_namespace_configure(store, "small", &config, &error));
  reopen_store();
  CHECK_OK(jzse_put(store, "small", "d", "4", 1, NULL, NULL, &error));
  CHECK_CODE(jzse_put(store, "small", "e", "5", 1, NULL, NULL, &error), JZSE_QUOTA, "small");
  free(bytes);
}

int main(void) {
  RUN(contents_of_all_sizes);
  RUN(an_etag_names_a_content);
  RUN(writers);
  RUN(many_writers_at_once);
  RUN(put_from_descriptors);
  RUN(missing_and_wrong_kinds);
  RUN(a_reader_holds_its_version);
  RUN(extents_lead_to_the_bytes);
  RUN(spans_are_the_content_without_a_copy);
  RUN(a_reader_knows_its_metadata);
  RUN(extents_stay_while_their_reader_is_open);
  RUN(compression_where_it_pays);
  RUN(equal_chunks_are_stored_once);
  RUN(conditions);
  RUN(one_of_many_creators_wins);
  RUN(metadata);
  RUN(wrong_metadata);
  RUN(times);
  RUN(symlinks);
  RUN(quotas);
  return summary();
}
