/* SPDX-License-Identifier: Apache-2.0 */
/* A consumer of the change feed: keeps a plain folder equal to a namespace, with a cursor that survives kill -9.
 *
 *   mirror STORE FOLDER     brings the folder up to date, then does what standard input says, mirroring as it goes:
 *     put PATH TEXT | delete PATH | move PATH TO | mkdir PATH | cat PATH | list | sync
 *   Each is answered by "ok" or "error MESSAGE"; "sync" when all changes up to now are in the folder.
 *
 * How it stays right:
 *   - The feed says which paths changed; what the folder gets is the state of that path now. So applying a change twice
 *     does no harm, and the cursor may lag: it is written (new file, fsync, rename) after what it stands for.
 *   - Files appear in the folder whole: written beside, then renamed.
 *   - Nothing is followed out of the folder: what is in the way of a directory is removed, a link above all.
 *   - Deletions that compaction forgot while nobody listened are found by comparing once, at the start.
 * One thread serves both: it polls standard input and the feed's descriptor.
 *   cc -D_GNU_SOURCE mirror.c $(pkg-config --cflags --libs jzse) -o mirror */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jzse/jzse.h>

#define NS "default"
#define CURSOR ".jzse-mirror"       /* in the folder; paths that begin so are not mirrored */
#define BESIDE ".jzse-mirror.new"
#define PATH_SIZE 4200

static jzse_error error = JZSE_ERROR_INIT;
static jzse_store *store;
static jzse_feed *feed;
static const char *folder_name;
static int folder = -1;             /* all of the mirror is reached from this descriptor */
static unsigned long long store_id[2], cursor;

static void die(const char *what, const char *why) {
  fprintf(stderr, "mirror: %s: %s\n", what, why);
  exit(1);
}
static void die_here(const char *what) { die(what, strerror(errno)); }
static void must(int code, const char *what) {
  if (code != JZSE_OK) die(what, error.message);
}

/* ---- the cursor */

static void load_cursor(void) {
  unsigned long long id[2];
  char text[128] = "";
  const int fd = openat(folder, CURSOR, O_RDONLY | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return;
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0) die_here(CURSOR);
  close(fd);
  if (sscanf(text, "%llx %llx %llu", &id[0], &id[1], &cursor) != 3) die(CURSOR, "is no cursor");
  if (id[0] != store_id[0] || id[1] != store_id[1]) die(CURSOR, "the folder mirrors another store");
}

/* The file that was written beside takes its place; the folder's entry is on disk afterwards, too. */
static void put_in_place(int fd, const char *name) {
  if (fsync(fd) != 0 || close(fd) != 0 || renameat(folder, BESIDE, folder, name) != 0) die_here(name);
}

static void save_cursor(unsigned long long sequence) {
  char text[128];
  const int length = snprintf(text, sizeof text, "%llx %llx %llu\n", store_id[0], store_id[1], sequence);
  int fd;
  if (syncfs(folder) != 0) die_here(CURSOR); /* what the cursor stands for comes first */
  unlinkat(folder, BESIDE, 0);
  fd = openat(folder, BESIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  if (fd < 0 || write(fd, text, (size_t)length) != length) die_here(CURSOR);
  put_in_place(fd, CURSOR);
  if (fsync(folder) != 0) die_here(CURSOR);
  cursor = sequence;
}

/* ---- one path */

/* What the store has at the path now; 0 for nothing. */
static unsigned kind_of(const char *path) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  const int code = jzse_stat(store, NS, path, NULL, &info, &error);
  if (code != JZSE_NOT_FOUND) must(code, path);
  return code == JZSE_OK ? info.kind : 0;
}

static int is_directory(const char *path) {
  struct stat there;
  return fstatat(folder, path, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(there.st_mode);
}

static void make_directory(const char *path) {
  if (mkdirat(folder, path, 0755) == 0 || is_directory(path)) return;
  if (errno != EEXIST || unlinkat(folder, path, 0) != 0 || mkdirat(folder, path, 0755) != 0) die_here(path);
}

/* Calls `each` for every directory above the path, the outermost first, or the innermost first if `up`. */
static void for_parents(const char *path, int up, void (*each)(const char *directory)) {
  char parent[PATH_SIZE];
  size_t at, length = strlen(path);
  for (at = up ? length : 0; up ? at > 0 : at < length; at += up ? (size_t)-1 : 1) {
    if (path[at] != '/') continue;
    memcpy(parent, path, at);
    parent[at] = '\0';
    each(parent);
  }
}

/* A directory goes when the store has none there any more; it is empty then, or its files' turn will come. */
static void remove_if_gone(const char *directory) {
  if (kind_of(directory) != JZSE_KIND_DIRECTORY) unlinkat(folder, directory, AT_REMOVEDIR);
}

static void remove_path(const char *path) {
  if (unlinkat(folder, path, is_directory(path) ? AT_REMOVEDIR : 0) != 0 && errno != ENOENT && errno != ENOTDIR &&
      errno != ENOTEMPTY && errno != EEXIST)
    die_here(path);
  for_parents(path, 1, remove_if_gone);
}

static void write_file(const char *path) {
  static char buffer[1 << 16];
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_reader *reader = NULL;
  struct timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};
  size_t count = 0;
  int fd;
  must(jzse_reader_open(store, NS, path, NULL, &reader, &info, &error), path);
  for_parents(path, 0, make_directory);
  if (is_directory(path) && unlinkat(folder, path, AT_REMOVEDIR) != 0) die_here(path);
  unlinkat(folder, BESIDE, 0);
  if (info.kind == JZSE_KIND_SYMLINK) {
    must(jzse_reader_read(reader, buffer, sizeof buffer - 1, &count, &error), path);
    buffer[count] = '\0';
    if (symlinkat(buffer, folder, BESIDE) != 0 || renameat(folder, BESIDE, folder, path) != 0) die_here(path);
  } else {
    fd = openat(folder, BESIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, info.mode != 0 ? info.mode & 0777 : 0644);
    if (fd < 0) die_here(path);
    for (;;) {
      must(jzse_reader_read(reader, buffer, sizeof buffer, &count, &error), path);
      if (count == 0) break;
      if (write(fd, buffer, count) != (ssize_t)count) die_here(path);
    }
    times[1].tv_sec = (time_t)(info.mtime_ns / 1000000000);
    times[1].tv_nsec = (long)(info.mtime_ns % 1000000000);
    if (times[1].tv_nsec < 0) times[1].tv_nsec += 1000000000, times[1].tv_sec -= 1;
    futimens(fd, times);
    put_in_place(fd, path);
  }
  jzse_reader_close(reader);
}

static void mirror_path(const char *path) {
  const unsigned kind = kind_of(path);
  if (strncmp(path, CURSOR, strlen(CURSOR)) == 0) return;
  if (kind == 0) {
    remove_path(path);
  } else if (kind == JZSE_KIND_DIRECTORY) {
    for_parents(path, 0, make_directory);
    make_directory(path);
  } else {
    write_file(path);
  }
}

/* ---- following */

/* Applies what waits in the feed. The cursor moves only between atomic groups. */
static void follow(void) {
  const jzse_change *change = NULL;
  unsigned long long done = cursor;
  for (;;) {
    must(jzse_feed_next(feed, 0, &change, &error), "feed");
    if (change == NULL) break;
    if (change->old_path != NULL) mirror_path(change->old_path);
    mirror_path(change->path);
    if (change->more == 0) done = change->sequence;
    if (change->more == 0 && done >= cursor + 64) save_cursor(done);
  }
  if (done != cursor) save_cursor(done);
}

static int compare_one(const char *path, const struct stat *info, int type, struct FTW *where) {
  (void)info, (void)type;
  if (where->level == 0) return 0;
  path += strlen(folder_name) + 1;
  if (kind_of(path) == 0 && strncmp(path, CURSOR, strlen(CURSOR)) != 0) remove_path(path);
  return 0;
}

/* ---- commands */

static void answer(int code) {
  printf(code == JZSE_OK ? "ok\n" : "error %s\n", error.message);
  fflush(stdout);
}

static int list(void) {
  const jzse_list_entry *entry = NULL;
  jzse_list *opened = NULL;
  int code = jzse_list_open(store, NS, NULL, &opened, &error);
  while (code == JZSE_OK && (code = jzse_list_next(opened, &entry, &error)) == JZSE_OK && entry != NULL)
    printf("%s%s\n", entry->path, entry->info.kind == JZSE_KIND_DIRECTORY ? "/" : "");
  jzse_list_close(opened);
  return code;
}

static int cat(const char *path) {
  void *data = NULL;
  size_t size = 0;
  const int code = jzse_get(store, NS, path, NULL, &data, &size, NULL, &error);
  if (code == JZSE_OK) printf("%.*s\n", (int)size, (const char *)data);
  jzse_free(data);
  return code;
}

static void obey(char *line) {
  char *word = strtok(line, " "), *path = strtok(NULL, " "), *rest = strtok(NULL, "");
  jzse_change_options recursive = JZSE_CHANGE_OPTIONS_INIT;
  recursive.flags = JZSE_RECURSIVE;
  if (word == NULL) return;
  if (strcmp(word, "list") == 0) {
    answer(list());
  } else if (strcmp(word, "sync") == 0) {
    follow();
    answer(JZSE_OK);
  } else if (path != NULL && strcmp(word, "cat") == 0) {
    answer(cat(path));
  } else if (path != NULL && strcmp(word, "delete") == 0) {
    answer(jzse_delete(store, NS, path, &recursive, &error));
  } else if (path != NULL && strcmp(word, "mkdir") == 0) {
    answer(jzse_mkdir(store, NS, path, NULL, &error));
  } else if (path != NULL && rest != NULL && strcmp(word, "put") == 0) {
    answer(jzse_put(store, NS, path, rest, strlen(rest), NULL, NULL, &error));
  } else if (path != NULL && rest != NULL && strcmp(word, "move") == 0) {
    answer(jzse_move(store, NS, path, rest, NULL, &error));
  } else {
    printf("error no such command\n");
    fflush(stdout);
  }
}

/* Takes whole lines out of what was read; 0 at the end of standard input. */
static int read_commands(void) {
  static char buffer[1 << 16];
  static size_t held;
  char *line = buffer, *end;
  const ssize_t count = read(0, buffer + held, sizeof buffer - held);
  if (count <= 0) return 0;
  held += (size_t)count;
  while ((end = memchr(line, '\n', held - (size_t)(line - buffer))) != NULL) {
    *end = '\0';
    obey(line);
    line = end + 1;
  }
  held -= (size_t)(line - buffer);
  memmove(buffer, line, held);
  return held < sizeof buffer;
}

int main(int argc, char **argv) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_stats stats = JZSE_STATS_INIT;
  jzse_feed_options from = JZSE_FEED_OPTIONS_INIT;
  struct pollfd wait[2] = {{0, POLLIN, 0}, {-1, POLLIN, 0}};
  if (argc != 3) die("usage", "mirror STORE FOLDER");
  options.flags = JZSE_OPEN_CREATE;
  must(jzse_store_open(argv[1], &options, &store, &error), argv[1]);
  must(jzse_store_stats(store, &stats, &error), argv[1]);
  store_id[0] = stats.store_id[0], store_id[1] = stats.store_id[1];
  folder_name = argv[2];
  if (mkdir(folder_name, 0755) != 0 && errno != EEXIST) die_here(folder_name);
  folder = open(folder_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) die_here(folder_name);
  load_cursor();
  if (nftw(folder_name, compare_one, 16, FTW_DEPTH | FTW_PHYS) != 0) die_here(folder_name);

  from.ns = NS;
  from.after = cursor;
  must(jzse_feed_open(store, &from, &feed, &error), "feed");
  wait[1].fd = jzse_feed_fd(feed);
  do {
    if (poll(wait, 2, -1) < 0 && errno != EINTR) die_here("poll");
    if (wait[1].revents != 0) follow();
  } while (wait[0].revents == 0 || read_commands());
  follow();
  jzse_feed_close(feed);
  must(jzse_store_close(store, &error), argv[1]);
  return 0;
}
