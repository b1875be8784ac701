/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the project, as the install check builds it: C99, the installed header, nothing else. It creates
 * a store in argv[1], puts a file, reads it back and says so. */
#include <jzse/jzse.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what, const jzse_error *error) {
  fprintf(stderr, "%s: %s (%s)\n", what, error->message, jzse_code_name(error->code));
  return 1;
}

int main(int argc, char **argv) {
  static const char text[] = "stored from C";
  jzse_error error = JZSE_ERROR_INIT;
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_store *store = NULL;
  void *data = NULL;
  size_t size = 0;
  int same;

  if (argc != 2) return 2;
  options.flags = JZSE_OPEN_CREATE | JZSE_OPEN_EXCLUSIVE;
  if (jzse_store_open(argv[1], &options, &store, &error)) return fail("open", &error);
  if (jzse_put(store, "default", "letters/a.txt", text, sizeof text, NULL, NULL, &error)) return fail("put", &error);
  if (jzse_get(store, "default", "letters/a.txt", NULL, &data, &size, NULL, &error)) return fail("get", &error);
  same = size == sizeof text && memcmp(data, text, size) == 0;
  jzse_free(data);
  if (jzse_store_close(store, &error)) return fail("close", &error);
  if (!same) return fail("compare", &error);
  printf("%s, libjzse %s\n", text, jzse_version());
  return 0;
}
