/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest whole host: opens or creates a store, puts a file, reads it back, lists what is there.
 *   cc embed.c $(pkg-config --cflags --libs jzse) -o embed && ./embed /tmp/store */
#include <jzse/jzse.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_error error = JZSE_ERROR_INIT;
  jzse_store *store = NULL;
  jzse_list *list = NULL;
  const jzse_list_entry *entry = NULL;
  const char *text = argc > 2 ? argv[2] : "Hello from an embedded store.";
  void *data = NULL;
  size_t size = 0;
  int failed;

  options.flags = JZSE_OPEN_CREATE;
  failed = argc < 2 || jzse_store_open(argv[1], &options, &store, &error) != JZSE_OK ||
           /* When this returns JZSE_OK the file is on disk, whatever happens to the process or the power. */
           jzse_put(store, "default", "notes/hello.txt", text, strlen(text), NULL, NULL, &error) != JZSE_OK ||
           jzse_get(store, "default", "notes/hello.txt", NULL, &data, &size, NULL, &error) != JZSE_OK ||
           jzse_list_open(store, "default", NULL, &list, &error) != JZSE_OK;
  if (!failed) printf("%.*s\n", (int)size, (const char *)data);
  while (!failed && jzse_list_next(list, &entry, &error) == JZSE_OK && entry != NULL) {
    printf("%10llu %s\n", (unsigned long long)entry->info.size, entry->path);
  }
  if (failed) fprintf(stderr, "embed: %s\n", argc < 2 ? "usage: embed STORE [TEXT]" : error.message);
  jzse_free(data);
  jzse_list_close(list);
  jzse_store_close(store, NULL);
  return failed;
}
