/* SPDX-License-Identifier: Apache-2.0 */
/* What bench.py measures, in C:  loop WORK STORE SECONDS.  Prints operations (or bytes) a second. */
#include <jzse/jzse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILES = 2000, SMALL = 4096, PIECE = 1 << 20, LARGE = 64 << 20 };
static char names[FILES][32];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void check(int code, const jzse_error *error) {
  if (code == JZSE_OK) return;
  fprintf(stderr, "loop: %s\n", error->message);
  exit(1);
}

static double once(jzse_store *store, const char *work, unsigned long n, char *large, jzse_error *error) {
  void *data;
  size_t size = 0;
  if (strcmp(work, "get") == 0) {
    check(jzse_get(store, "default", names[n * 7919 % FILES], NULL, &data, &size, NULL, error), error);
    jzse_free(data);
    return 1;
  }
  if (strcmp(work, "put") == 0) {
    memcpy(large, &n, sizeof n);
    check(jzse_put(store, "default", names[n % FILES], large, SMALL, NULL, NULL, error), error);
    return 1;
  }
  if (strcmp(work, "write") == 0) {
    size_t i;
    for (i = 0; i < LARGE; i += SMALL) memcpy(large + i, &n, sizeof n); /* new content, so that nothing is shared */
    check(jzse_put(store, "default", "new", large, LARGE, NULL, NULL, error), error);
    return LARGE;
  }
  if (strcmp(work, "read") == 0) {
    jzse_reader *reader;
    check(jzse_reader_open(store, "default", "large", NULL, &reader, NULL, error), error);
    do {
      check(jzse_reader_read(reader, large, PIECE, &size, error), error);
    } while (size > 0);
    jzse_reader_close(reader);
    return LARGE;
  }
  fprintf(stderr, "loop: what is %s?\n", work);
  exit(2);
}

/* threads1, threads8, plain1, plain8: durable puts of so many threads into the namespace of that name, as bench.py's. */
struct writer {
  pthread_t thread;
  jzse_store *store;
  const char *ns;
  unsigned long number, done;
  double end;
};

static void *write_on(void *argument) {
  struct writer *self = argument;
  jzse_error error = JZSE_ERROR_INIT;
  char data[SMALL], name[32];
  size_t i;
  for (i = 0; i < SMALL; i++) data[i] = (char)((self->number + 1) * (i + 1) * 2654435761u >> 13);
  while (now() < self->end || self->done == 0) {
    sprintf(name, "%lu/%lu", self->number, self->done % 1000);
    check(jzse_put(self->store, self->ns, name, data, SMALL, NULL, NULL, &error), &error);
    self->done++;
  }
  return NULL;
}

static double threads(jzse_store *store, const char *ns, unsigned long count, double seconds) {
  struct writer writers[8];
  unsigned long i;
  double start = now(), done = 0;
  for (i = 0; i < count; i++) {
    writers[i].store = store, writers[i].ns = ns, writers[i].number = i, writers[i].done = 0, writers[i].end = start + seconds;
    if (pthread_create(&writers[i].thread, NULL, write_on, &writers[i]) != 0) exit(1);
  }
  for (i = 0; i < count; i++) {
    pthread_join(writers[i].thread, NULL);
    done += (double)writers[i].done;
  }
  return done / (now() - start);
}

int main(int argc, char **argv) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_error error = JZSE_ERROR_INIT;
  jzse_store *store;
  char *large = malloc(LARGE);
  double start, done = 0;
  unsigned long i;
  if (argc != 4 || large == NULL) return 2;
  for (i = 0; i < FILES; i++) sprintf(names[i], "f/%05lu", i);
  for (i = 0; i < LARGE; i++) large[i] = (char)(i * 2654435761u >> 13);
  check(jzse_store_open(argv[2], &options, &store, &error), &error);
  if (strncmp(argv[1], "threads", 7) == 0 || strncmp(argv[1], "plain", 5) == 0) {
    const int with_history = argv[1][0] == 't';
    printf("%.1f\n", threads(store, with_history ? "threads" : "plain", argv[1][with_history ? 7 : 5] == '8' ? 8 : 1,
                             atof(argv[3])));
    jzse_store_close(store, NULL);
    free(large);
    return 0;
  }
  start = now();
  for (i = 0; now() - start < atof(argv[3]) || i == 0; i++) done += once(store, argv[1], i, large, &error);
  printf("%.1f\n", done / (now() - start));
  jzse_store_close(store, NULL);
  free(large);
  return 0;
}
