/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test program in C99: TEST functions, run one after the other, each in a fresh directory `dir` with no store
 * open. A failed check ends its test. The last line counts: "N passed, N failed".
 */
#ifndef JZSE_TESTS_CAPI_CHECK_H_
#define JZSE_TESTS_CAPI_CHECK_H_

#include <jzse/jzse.h>

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[256];          /* the directory of the running test */
static jzse_store *store;      /* what open_store opened; closed after the test */
static jzse_error error;       /* of the last call that CHECK_OK or CHECK_CODE made */

static jmp_buf check_failed_;
static int passed_, failed_;

static void fail_(const char *file, int line, const char *format, ...) {
  va_list arguments;
  printf("%s:%d: ", file, line);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  fflush(stdout);
  longjmp(check_failed_, 1);
}

#define CHECK(condition) \
  do { if (!(condition)) fail_(__FILE__, __LINE__, "failed: %s", #condition); } while (0)

/* `call` uses &error as its error parameter. */
#define CHECK_OK(call)                                                                        \
  do {                                                                                        \
    int code_ = (reset_error_(), (call));                                                     \
    if (code_ != JZSE_OK)                                                                     \
      fail_(__FILE__, __LINE__, "%s answers %s: %s", #call, jzse_code_name(code_), error.message); \
  } while (0)

/* The call fails with this code, and says so with a one-line message that contains `words`. */
#define CHECK_CODE(call, expected, words)                                                     \
  do {                                                                                        \
    int code_ = (reset_error_(), (call));                                                     \
    if (code_ != (expected))                                                                  \
      fail_(__FILE__, __LINE__, "%s answers %s (%s), expected %s", #call, jzse_code_name(code_), error.message, \
            jzse_code_name(expected));                                                        \
    if (error.code != code_) fail_(__FILE__, __LINE__, "%s: error.code is %d", #call, error.code); \
    if (error.message[0] == '\0' || strchr(error.message, '\n') != NULL)                      \
      fail_(__FILE__, __LINE__, "%s: the message is no line: '%s'", #call, error.message);    \
    if (strstr(error.message, (words)) == NULL)                                               \
      fail_(__FILE__, __LINE__, "%s: '%s' is not in '%s'", #call, (words), error.message);    \
  } while (0)

#define CHECK_STRING(is, expected)                                                            \
  do {                                                                                        \
    const char *is_ = (is), *expected_ = (expected);                                          \
    if (strcmp(is_, expected_) != 0) fail_(__FILE__, __LINE__, "%s is '%s', expected '%s'", #is, is_, expected_); \
  } while (0)

#define CHECK_NUMBER(is, expected)                                                            \
  do {                                                                                        \
    unsigned long long is_ = (unsigned long long)(is), expected_ = (unsigned long long)(expected); \
    if (is_ != expected_) fail_(__FILE__, __LINE__, "%s is %llu, expected %llu", #is, is_, expected_); \
  } while (0)

static void reset_error_(void) {
  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
}

#ifdef __GNUC__
#define MAYBE_UNUSED_ __attribute__((unused))
#else
#define MAYBE_UNUSED_
#endif

/* dir/name, in a buffer of which four take turns */
MAYBE_UNUSED_ static const char *in_dir(const char *name) {
  static char buffers[4][512];
  static int turn;
  char *buffer = buffers[turn++ % 4];
  snprintf(buffer, sizeof buffers[0], "%s/%s", dir, name);
  return buffer;
}

MAYBE_UNUSED_ static void open_store_with(const jzse_options *options) {
  CHECK(store == NULL);
  CHECK_OK(jzse_store_open(in_dir("store"), options, &store, &error));
  CHECK(store != NULL);
}

MAYBE_UNUSED_ static void open_store(void) {
  jzse_options options = JZSE_OPTIONS_INIT;
  options.flags = JZSE_OPEN_CREATE;
  options.memory_limit = 16u << 20;
  options.background_off = 1;
  open_store_with(&options);
}

MAYBE_UNUSED_ static void close_store(void) {
  jzse_store *closing = store;
  store = NULL;
  CHECK_OK(jzse_store_close(closing, &error));
}

MAYBE_UNUSED_ static void reopen_store(void) {
  close_store();
  open_store();
}

/* A string is put, or found, as the content of a path in "default". */
MAYBE_UNUSED_ static void put(const char *path, const char *text) {
  CHECK_OK(jzse_put(store, "default", path, text, strlen(text), NULL, NULL, &error));
}

MAYBE_UNUSED_ static void check_content_in(const char *ns, const char *path, const jzse_get_options *options,
                                           const void *expected, size_t expected_size) {
  void *data = NULL;
  size_t size = 0;
  int same;
  CHECK_OK(jzse_get(store, ns, path, options, &data, &size, NULL, &error));
  CHECK(data != NULL);
  same = size == expected_size && memcmp(data, expected, size) == 0;
  jzse_free(data);
  if (!same) fail_(__FILE__, __LINE__, "%s/%s has another content (%zu bytes)", ns, path, size);
}

MAYBE_UNUSED_ static void check_content(const char *path, const char *text) {
  check_content_in("default", path, NULL, text, strlen(text));
}

MAYBE_UNUSED_ static void check_absent(const char *path) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  CHECK_CODE(jzse_stat(store, "default", path, NULL, &info, &error), JZSE_NOT_FOUND, path);
}

/* The paths of a listing, each followed by a space; a PREFIX entry in brackets. Closes the list. */
MAYBE_UNUSED_ static const char *names_of(jzse_list *list) {
  static char names[65536];
  const jzse_list_entry *entry;
  size_t length = 0;
  names[0] = '\0';
  for (;;) {
    CHECK_OK(jzse_list_next(list, &entry, &error));
    if (entry == NULL) break;
    length += (size_t)snprintf(names + length, sizeof names - length,
                               entry->info.kind == JZSE_KIND_PREFIX ? "[%s] " : "%s ", entry->path);
    CHECK(length < sizeof names);
  }
  jzse_list_close(list);
  return names;
}

MAYBE_UNUSED_ static const char *names_in(const char *ns, const jzse_list_options *options) {
  jzse_list *list = NULL;
  CHECK_OK(jzse_list_open(store, ns, options, &list, &error));
  return names_of(list);
}

/* Bytes that no compressor shrinks, and that a seed repeats. */
MAYBE_UNUSED_ static unsigned char *noise(size_t size, unsigned seed) {
  unsigned char *bytes = malloc(size == 0 ? 1 : size);
  unsigned long long state = seed * 0x9e3779b97f4a7c15ull + 1;
  size_t i;
  CHECK(bytes != NULL);
  for (i = 0; i < size; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    bytes[i] = (unsigned char)(state >> 56);
  }
  return bytes;
}

static int remove_one_(const char *path, const struct stat *info, int type, struct FTW *where) {
  (void)info, (void)type, (void)where;
  return remove(path);
}

static void run_(const char *name, void (*test)(void)) {
  const char *base = getenv("TMPDIR");
  snprintf(dir, sizeof dir, "%s/jzse-capi-XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(dir) == NULL) {
    perror(dir);
    exit(1);
  }
  store = NULL;
  reset_error_();
  if (setjmp(check_failed_) == 0) {
    test();
    if (store != NULL) close_store();
    ++passed_;
  } else {
    printf("FAILED: %s\n", name);
    ++failed_;
  }
  nftw(dir, remove_one_, 16, FTW_DEPTH | FTW_PHYS);
}

#define TEST(name) static void name(void)
#define RUN(name) run_(#name, name)

static int summary(void) {
  printf("%d passed, %d failed\n", passed_, failed_);
  return failed_ == 0 ? 0 : 1;
}

#endif /* JZSE_TESTS_CAPI_CHECK_H_ */
