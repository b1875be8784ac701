/* SPDX-License-Identifier: Apache-2.0 */
/* Verification, compaction, damage on disk, a disk that is full. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

struct found {
  int count;
  char text[4096];
};
static void on_problem(void *context, const char *ns, const char *path, uint64_t version, const char *problem) {
  struct found *found = context;
  const size_t length = strlen(found->text);
  (void)version;
  ++found->count;
  snprintf(found->text + length, sizeof found->text - length, "%s/%s: %s\n", ns, path, problem);
}

TEST(a_sound_store_verifies) {
  jzse_verify_options options = JZSE_VERIFY_OPTIONS_INIT;
  jzse_verify_report report = JZSE_VERIFY_REPORT_INIT;
  struct found found;
  unsigned char *bytes = noise(1000000, 1);
  memset(&found, 0, sizeof found);
  open_store();
  put("a", "1");
  put("a", "2");
  put("b", "3");
  CHECK_OK(jzse_put(store, "default", "large", bytes, 1000000, NULL, NULL, &error));
  CHECK_OK(jzse_delete(store, "default", "b", NULL, &error));
  options.problem = on_problem;
  options.context = &found;
  CHECK_OK(jzse_verify(store, &options, &report, &error));
  CHECK_NUMBER(found.count, 0);
  CHECK_NUMBER(report.problems, 0);
  CHECK_NUMBER(report.files, 2);
  CHECK_NUMBER(report.versions, 2);
  CHECK(report.chunks > 1 && report.records >= 6 && report.bytes > 1000000 && report.segments >= 1);
  options.repair = 2;
  CHECK_CODE(jzse_verify(store, &options, &report, &error), JZSE_INVALID, "repair");
  free(bytes);
}

TEST(compaction_gives_space_back) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_compact_options options = JZSE_COMPACT_OPTIONS_INIT;
  jzse_compact_report report = JZSE_COMPACT_REPORT_INIT;
  jzse_stats before = JZSE_STATS_INIT, after = JZSE_STATS_INIT;
  unsigned char *bytes = noise(200000 + 40, 1);
  char path[16];
  int i, round;
  open_store();
  config.versions_max = 0;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  for (round = 0; round < 3; ++round) {
    for (i = 0; i < 40; ++i) {
      bytes[round] ^= 1;
      snprintf(path, sizeof path, "large%d", i);
      CHECK_OK(jzse_put(store, "default", path, bytes + i, 150000 + 1000 * (size_t)i, NULL, NULL, &error));
      snprintf(path, sizeof path, "small%d", i);
      CHECK_OK(jzse_put(store, "default", path, bytes + i, 30000, NULL, NULL, &error));
    }
  }
  for (i = 1; i < 40; ++i) {
    snprintf(path, sizeof path, "large%d", i);
    CHECK_OK(jzse_delete(store, "default", path, NULL, &error));
    snprintf(path, sizeof path, "small%d", i);
    CHECK_OK(jzse_delete(store, "default", path, NULL, &error));
  }
  CHECK_OK(jzse_store_stats(store, &before, &error));
  options.full = 1;
  CHECK_OK(jzse_compact(store, &options, &report, &error));
  CHECK_OK(jzse_store_stats(store, &after, &error));
  CHECK(report.segments > 0 && report.bytes_after < report.bytes_before && report.chunks_dropped > 0);
  CHECK(after.disk_bytes < before.disk_bytes / 2);
  CHECK_NUMBER(after.file_count, 2);
  CHECK_OK(jzse_compact(store, &options, &report, &error));
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
  reopen_store();
  bytes[2] ^= 1;  /* file 0 of the last round had it once, the files after it flipped it 39 times more */
  check_content_in("default", "large0", NULL, bytes, 150000);
  check_content_in("default", "small0", NULL, bytes, 30000);
  CHECK_STRING(names_in("default", NULL), "large0 small0 ");
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
  options.full = 2;
  CHECK_CODE(jzse_compact(store, &options, &report, &error), JZSE_INVALID, "full");
  free(bytes);
}

TEST(old_versions_expire) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_compact_options options = JZSE_COMPACT_OPTIONS_INIT;
  jzse_compact_report report = JZSE_COMPACT_REPORT_INIT;
  jzse_namespace_info info = JZSE_NAMESPACE_INFO_INIT;
  open_store();
  config.versions_age_max_s = 1;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  put("a", "one");
  put("a", "two");
  sleep(2);
  put("a", "three");
  options.full = 1;
  CHECK_OK(jzse_compact(store, &options, &report, &error));
  CHECK(report.versions_expired >= 1 && report.versions_expired <= 2);
  CHECK_OK(jzse_namespace_get(store, "default", NULL, &info, &error));
  CHECK_NUMBER(info.version_count, 2 - report.versions_expired);
  check_content("a", "three");
  reopen_store();
  check_content("a", "three");
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
}

static int never(void *context, uint64_t done, uint64_t total) {
  (void)context, (void)done, (void)total;
  return 1;
}

TEST(progress_cancels) {
  jzse_verify_options verify = JZSE_VERIFY_OPTIONS_INIT;
  jzse_compact_options compact = JZSE_COMPACT_OPTIONS_INIT;
  unsigned char *bytes = noise(3000000, 1);
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  char path[16];
  int i;
  open_store();
  config.versions_max = 0;
  CHECK_OK(jzse_namespace_configure(store, "default", &config, &error));
  for (i = 0; i < 400; ++i) {  /* half of it dead, so that there is something to copy and something to drop */
    snprintf(path, sizeof path, "f%d", i % 2 == 0 ? i : 1);
    CHECK_OK(jzse_put(store, "default", path, bytes + i, 30000, NULL, NULL, &error));
  }
  reopen_store();
  verify.progress = never;
  compact.progress = never;
  compact.full = 1;
  CHECK_CODE(jzse_verify(store, &verify, NULL, &error), JZSE_CLOSED, "");
  CHECK_CODE(jzse_compact(store, &compact, NULL, &error), JZSE_CLOSED, "");
  compact.progress = NULL;
  CHECK_OK(jzse_compact(store, &compact, NULL, &error));
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
  free(bytes);
}

/* ---- damage */

/* Flips a bit where these bytes lie in a segment of the closed store. */
static void damage(const unsigned char *bytes, size_t size) {
  DIR *segments = opendir(in_dir("store/segments"));
  struct dirent *one;
  int hits = 0;
  CHECK(segments != NULL);
  while ((one = readdir(segments)) != NULL) {
    char path[600];
    struct stat info;
    unsigned char *content, *hit;
    int fd;
    if (one->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/store/segments/%s", dir, one->d_name);
    fd = open(path, O_RDWR);
    CHECK(fd >= 0 && fstat(fd, &info) == 0);
    content = malloc((size_t)info.st_size + 1);
    CHECK(content != NULL && pread(fd, content, (size_t)info.st_size, 0) == info.st_size);
    hit = memmem(content, (size_t)info.st_size, bytes, size);
    if (hit != NULL) {
      *hit ^= 0x10;
      CHECK(pwrite(fd, hit, 1, (off_t)(hit - content)) == 1);
      ++hits;
    }
    free(content);
    close(fd);
  }
  closedir(segments);
  CHECK_NUMBER(hits, 1);
}

static void check_damaged_store(const char *path, const char *prefix) {
  jzse_verify_options options = JZSE_VERIFY_OPTIONS_INIT;
  jzse_verify_report report = JZSE_VERIFY_REPORT_INIT;
  struct found found;
  char other[32];
  void *data = NULL;
  size_t size = 0;
  int i;
  memset(&found, 0, sizeof found);
  CHECK_CODE(jzse_get(store, "default", path, NULL, &data, &size, NULL, &error), JZSE_CORRUPT, path);
  CHECK(data == NULL);
  for (i = 0; i < 20; ++i) {  /* the rest is served */
    unsigned char *bytes = noise(3000, (unsigned)(100 + i));
    snprintf(other, sizeof other, "%s%d", prefix, i);
    if (strcmp(other, path) != 0) check_content_in("default", other, NULL, bytes, 3000);
    free(bytes);
  }
  options.problem = on_problem;
  options.context = &found;
  CHECK_CODE(jzse_verify(store, &options, &report, &error), JZSE_CORRUPT, "problem");
  CHECK(report.problems > 0 && found.count > 0);
  if (strstr(found.text, path) == NULL) fail_(__FILE__, __LINE__, "no %s in: %s", path, found.text);
}

TEST(a_damaged_small_file) {
  unsigned char *bytes;
  char path[32];
  int i;
  open_store();
  for (i = 0; i < 20; ++i) {
    bytes = noise(3000, (unsigned)(100 + i));
    snprintf(path, sizeof path, "f%d", i);
    CHECK_OK(jzse_put(store, "default", path, bytes, 3000, NULL, NULL, &error));
    free(bytes);
  }
  close_store();
  bytes = noise(3000, 107);
  damage(bytes + 1000, 100);
  open_store();
  check_damaged_store("f7", "f");
  CHECK_OK(jzse_put(store, "default", "f7", bytes, 3000, NULL, NULL, &error));  /* and can be written anew */
  check_content_in("default", "f7", NULL, bytes, 3000);
  reopen_store();
  check_content_in("default", "f7", NULL, bytes, 3000);
  free(bytes);
}

TEST(a_damaged_chunk) {
  unsigned char *large = noise(2000000, 5), *buffer = malloc(2000000), *bytes;
  jzse_reader *reader = NULL;
  jzse_extent extents[256];
  char path[32];
  size_t count, i, good = 0;
  open_store();
  CHECK(buffer != NULL);
  for (i = 0; i < 20; ++i) {
    bytes = noise(3000, (unsigned)(100 + i));
    snprintf(path, sizeof path, "f%zu", i);
    CHECK_OK(jzse_put(store, "default", path, bytes, 3000, NULL, NULL, &error));
    free(bytes);
  }
  CHECK_OK(jzse_put(store, "default", "large", large, 2000000, NULL, NULL, &error));
  close_store();
  damage(large + 1000000, 64);
  open_store();
  check_damaged_store("large", "f");
  CHECK_OK(jzse_get_range(store, "default", "large", NULL, 0, buffer, 500000, &count, &error));
  CHECK(count == 500000 && memcmp(buffer, large, count) == 0);
  CHECK_CODE(jzse_get_range(store, "default", "large", NULL, 999999, buffer, 100, &count, &error), JZSE_CORRUPT,
             "large");
  CHECK_OK(jzse_get_range(store, "default", "large", NULL, 1500000, buffer, 500000, &count, &error));
  CHECK(count == 500000 && memcmp(buffer, large + 1500000, count) == 0);
  CHECK_OK(jzse_reader_open(store, "default", "large", NULL, &reader, NULL, &error));
  reset_error_();
  if (jzse_reader_extents(reader, 0, extents, 256, &count, &error) == JZSE_OK) {
    for (i = 0; i < count; ++i) good += extents[i].length;  /* only what is sound may be given */
    CHECK(good <= 1000000);
  } else {
    CHECK_NUMBER(-error.code, -JZSE_CORRUPT);
  }
  for (i = 0; i < 2000000; i += count) {
    const void *data = NULL;
    if (jzse_reader_span(reader, i, 0, &data, &count, &error) != JZSE_OK) break;
    CHECK(count > 0 && memcmp(data, large + i, count) == 0);
  }
  CHECK(i > 500000 && i <= 1000000 && error.code == JZSE_CORRUPT);
  /* With a flag it may be that the system has dropped what was read; it never is a success. */
  if (jzse_reader_span(reader, 1000000, JZSE_SPAN_LOCATED, &(const void *){NULL}, &count, &error) != JZSE_BUSY)
    CHECK_NUMBER(-error.code, -JZSE_CORRUPT);
  CHECK_CODE(jzse_reader_span(reader, 1000000, 0, &(const void *){NULL}, &count, &error), JZSE_CORRUPT, "large");
  jzse_reader_close(reader);
  CHECK_OK(jzse_put(store, "default", "again", large, 2000000, NULL, NULL, &error));
  check_content_in("default", "again", NULL, large, 2000000);  /* not a reference to the damaged chunk */
  free(large), free(buffer);
}

TEST(a_lost_index_costs_a_rebuild) {
  jzse_stats stats = JZSE_STATS_INIT;
  int damaged;
  open_store();
  put("a", "1");
  put("a", "2");
  put("d/b", "3");
  for (damaged = 0; damaged < 2; ++damaged) {
    close_store();
    if (damaged) {  /* garbage instead of nothing */
      DIR *index = opendir(in_dir("store/index"));
      struct dirent *one;
      CHECK(index != NULL);
      while ((one = readdir(index)) != NULL) {
        char path[600];
        if (one->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/store/index/%s", dir, one->d_name);
        CHECK(truncate(path, 3) == 0);
      }
      closedir(index);
    } else {
      nftw(in_dir("store/index"), remove_one_, 16, FTW_DEPTH | FTW_PHYS);
    }
    open_store();
    CHECK_OK(jzse_store_stats(store, &stats, &error));
    CHECK_NUMBER(stats.index_rebuilt, 1);
    CHECK_NUMBER(stats.file_count, 2);
    CHECK_NUMBER(stats.version_count, 1);
    check_content("a", "2");
    check_content("d/b", "3");
    CHECK_OK(jzse_verify(store, NULL, NULL, &error));
  }
}

TEST(a_full_disk_still_reads_and_deletes) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_stats stats = JZSE_STATS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_writer *writer = NULL;
  unsigned char *bytes = noise(1000000, 1);
  int code;
  open_store();
  put("a", "x");
  put("b", "y");
  close_store();
  options.free_space_reserve = (uint64_t)1 << 60;  /* more than any disk has */
  open_store_with(&options);
  CHECK_CODE(jzse_put(store, "default", "c", "z", 1, NULL, NULL, &error), JZSE_NO_SPACE, "");
  reset_error_();
  code = jzse_writer_open(store, "default", "w", NULL, &writer, &error);
  if (code == JZSE_OK) code = jzse_writer_write(writer, bytes, 1000000, &error);
  if (code == JZSE_OK) code = jzse_writer_commit(writer, NULL, &error), writer = NULL;
  CHECK_NUMBER(-code, -JZSE_NO_SPACE);
  jzse_writer_abort(writer);
  check_absent("c");
  check_absent("w");
  check_content("a", "x");
  CHECK_OK(jzse_delete(store, "default", "b", NULL, &error));
  check_absent("b");
  CHECK_OK(jzse_compact(store, NULL, NULL, &error));
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  CHECK_NUMBER(stats.file_count, 1);
  close_store();
  options.free_space_reserve = UINT64_MAX;  /* none */
  open_store_with(&options);
  CHECK_OK(jzse_put(store, "default", "c", "z", 1, NULL, &info, &error));
  check_absent("b");
  free(bytes);
}

int main(void) {
  RUN(a_sound_store_verifies);
  RUN(compaction_gives_space_back);
  RUN(old_versions_expire);
  RUN(progress_cancels);
  RUN(a_damaged_small_file);
  RUN(a_damaged_chunk);
  RUN(a_lost_index_costs_a_rebuild);
  RUN(a_full_disk_still_reads_and_deletes);
  return summary();
}
