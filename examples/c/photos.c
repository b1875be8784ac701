/* SPDX-License-Identifier: Apache-2.0 */
/* A library of photographs that no crash can leave half done.
 *
 *   photos STORE import FOLDER   takes in every picture of the folder; then the folder becomes an album
 *   photos STORE albums          names of the albums, with how many pictures they have
 *   photos STORE album NAME      its pictures: when taken, how large, where
 *   photos STORE export PATH     one picture to standard output
 *   photos STORE check           reads all there is; every album whole, every thumbnail with its picture
 *
 * What makes it safe:
 *   - A picture and its thumbnail enter as one group: both or neither, however the process ends.
 *   - A line "imported" is printed when the picture is on disk. An import that was killed is simply run again: what is
 *     there already is known by its path and size and not written twice.
 *   - An album is one group of links, made when all its pictures are in: nobody ever sees half of one.
 *
 * In the store, namespace "photos": pictures/2026/07/NAME, thumbnails/2026/07/NAME, albums/ALBUM/NAME (symlinks).
 *   cc -D_GNU_SOURCE photos.c $(pkg-config --cflags --libs jzse) -o photos */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jzse/jzse.h>

#include "exif.h"

#define NS "photos"
#define HEADER_SIZE (256u << 10) /* of a picture; EXIF is at most 64 KiB and stands in front */
#define PATH_SIZE 1024

static jzse_error error = JZSE_ERROR_INIT;

/* Says what the last call reported, about `what`. Always 1, so that it can be returned. */
static int failed(const char *what) {
  fprintf(stderr, "photos: %s: %s (%s)\n", what, error.message, jzse_code_name(error.code));
  return 1;
}

static int failed_here(const char *what) {
  fprintf(stderr, "photos: %s: %s\n", what, strerror(errno));
  return 1;
}

/* ---- import */

/* "2026/07", by the camera's clock or else the file's. */
static void month_of(const picture *seen, const struct stat *file, char month[8]) {
  int y, m;
  if (sscanf(seen->taken, "%4d:%2d", &y, &m) == 2 && y >= 1800 && y <= 9999 && m >= 1 && m <= 12) {
    snprintf(month, 8, "%04u/%02u", (unsigned)y % 10000, (unsigned)m % 100);
  } else {
    strftime(month, 8, "%Y/%m", gmtime(&file->st_mtime));
  }
}

/* Streams the rest of `from` behind the header into a writer, which joins the group. */
static int add_content(jzse_store *store, jzse_group *group, const char *path, FILE *from, unsigned char *buffer,
                       size_t size, const jzse_put_options *options) {
  jzse_writer *writer = NULL;
  int code = jzse_writer_open(store, NS, path, options, &writer, &error);
  while (code == JZSE_OK && size > 0) {
    code = jzse_writer_write(writer, buffer, size, &error);
    size = fread(buffer, 1, HEADER_SIZE, from);
  }
  if (code == JZSE_OK && ferror(from)) {
    code = error.code = JZSE_IO;
    snprintf(error.message, sizeof error.message, "reading the picture failed");
  }
  if (code == JZSE_OK) return jzse_group_add_writer(group, writer, &error); /* takes the writer whatever it answers */
  jzse_writer_abort(writer);
  return code;
}

/* Picture and thumbnail, together or not at all. */
static int store_picture(jzse_store *store, const char *path, const char *small, FILE *from, unsigned char *buffer,
                         size_t size, const picture *seen, const struct stat *file) {
  jzse_group *group = NULL;
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT, of_thumbnail = JZSE_PUT_OPTIONS_INIT;
  char pixels[2][16];
  jzse_pair pairs[4];
  int code;
  snprintf(pixels[0], sizeof pixels[0], "%u", seen->width);
  snprintf(pixels[1], sizeof pixels[1], "%u", seen->height);
  pairs[0].key = "width", pairs[0].value = pixels[0];
  pairs[1].key = "height", pairs[1].value = pixels[1];
  pairs[2].key = "thumbnail", pairs[2].value = seen->thumbnail != NULL ? small : "";
  pairs[3].key = "taken", pairs[3].value = seen->taken;
  options.content_type = seen->content_type;
  options.metadata = pairs;
  options.metadata_count = 4;
  options.mtime_ns = (int64_t)file->st_mtime * 1000000000;
  of_thumbnail.content_type = "image/jpeg";

  code = jzse_group_begin(store, &group, &error);
  if (code == JZSE_OK && seen->thumbnail != NULL) /* first: it lies in the buffer that the writer goes on to use */
    code = jzse_group_put(group, NS, small, seen->thumbnail, seen->thumbnail_size, &of_thumbnail, &error);
  if (code == JZSE_OK) code = add_content(store, group, path, from, buffer, size, &options);
  if (code == JZSE_OK) return jzse_group_commit(group, &error);
  jzse_group_abort(group);
  return code;
}

/* 0: it is in the library (`path` says where); 1: it cannot be; 2: no picture. */
static int import_picture(jzse_store *store, const char *file_name, const char *name, char path[PATH_SIZE]) {
  static unsigned char buffer[HEADER_SIZE];
  char small[PATH_SIZE], month[8];
  jzse_file_info there = JZSE_FILE_INFO_INIT;
  struct stat file;
  picture seen;
  size_t size;
  int code, result = 1;
  FILE *from = fopen(file_name, "rb");
  if (from == NULL || fstat(fileno(from), &file) != 0) {
    failed_here(file_name);
    if (from != NULL) fclose(from);
    return 1;
  }
  size = S_ISREG(file.st_mode) ? fread(buffer, 1, sizeof buffer, from) : 0;
  seen = look_at(buffer, size);
  if (seen.content_type == NULL) {
    fclose(from);
    return 2;
  }
  month_of(&seen, &file, month);
  snprintf(path, PATH_SIZE, "pictures/%s/%s", month, name);
  snprintf(small, sizeof small, "thumbnails/%s/%s", month, name);
  code = jzse_stat(store, NS, path, NULL, &there, &error);
  if (code == JZSE_OK && there.size == (uint64_t)file.st_size) {
    printf("present %s\n", path);
    result = 0;
  } else if (code != JZSE_OK && code != JZSE_NOT_FOUND) {
    failed(path);
  } else if (code == JZSE_OK) {
    fprintf(stderr, "photos: %s: another picture has that name; rename this one\n", path);
  } else if (store_picture(store, path, small, from, buffer, size, &seen, &file) != JZSE_OK) {
    failed(path);
  } else {
    printf("imported %s\n", path); /* on disk: kill or power cut as you like */
    result = 0;
  }
  fclose(from);
  fflush(stdout);
  return result;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The names in a folder, sorted; NULL-terminated. free_names releases them. */
static char **names_in(const char *folder) {
  size_t count = 0, room = 64;
  char **names = malloc(room * sizeof *names);
  struct dirent *entry;
  DIR *open = opendir(folder);
  while (open != NULL && names != NULL && (entry = readdir(open)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    if (count + 1 == room) names = realloc(names, (room *= 2) * sizeof *names);
    if (names != NULL) names[count++] = strdup(entry->d_name);
  }
  if (open != NULL) closedir(open);
  if (open == NULL || names == NULL) {
    free(names);
    return NULL;
  }
  qsort(names, count, sizeof *names, by_name);
  names[count] = NULL;
  return names;
}

static void free_names(char **names) {
  size_t i;
  for (i = 0; names != NULL && names[i] != NULL; ++i) free(names[i]);
  free(names);
}

static int import_names(jzse_store *store, const char *folder, char **names) {
  char path[PATH_SIZE], file_name[2 * PATH_SIZE], link_name[PATH_SIZE];
  const char *last = strrchr(folder, '/'), *album = last != NULL ? last + 1 : folder;
  jzse_put_options link = JZSE_PUT_OPTIONS_INIT;
  jzse_group *group = NULL;
  int result, problems = 0, pictures = 0;
  if (jzse_group_begin(store, &group, &error) != JZSE_OK) return failed("album");
  link.kind = JZSE_KIND_SYMLINK;
  for (; *names != NULL; ++names) {
    snprintf(file_name, sizeof file_name, "%s/%s", folder, *names);
    result = import_picture(store, file_name, *names, path);
    if (result == 1) ++problems;
    if (result != 0) continue;
    snprintf(link_name, sizeof link_name, "albums/%s/%s", album, *names);
    if (jzse_group_put(group, NS, link_name, path, strlen(path), &link, &error) != JZSE_OK) {
      jzse_group_abort(group);
      return failed(link_name);
    }
    ++pictures;
  }
  if (problems > 0 || pictures == 0) {
    jzse_group_abort(group);
    fprintf(stderr, "photos: no album is made: %d problems, %d pictures\n", problems, pictures);
    return 1;
  }
  if (jzse_group_commit(group, &error) != JZSE_OK) return failed(album);
  printf("album %s: %d pictures\n", album, pictures);
  return 0;
}

static int import(jzse_store *store, const char *folder) {
  char **names = names_in(folder);
  const int result = names == NULL ? failed_here(folder) : import_names(store, folder, names);
  free_names(names);
  return result;
}

/* ---- looking */

/* Calls `each` for every entry below the prefix; ends at the first that answers non-zero, or with a failure. */
static int for_each(jzse_store *store, const char *prefix, const char *delimiter, jzse_snapshot *snapshot,
                    int (*each)(jzse_store *store, const jzse_list_entry *entry, void *context), void *context) {
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  const jzse_list_entry *entry = NULL;
  jzse_list *list = NULL;
  int result = 0;
  options.prefix = prefix;
  options.delimiter = delimiter;
  options.snapshot = snapshot;
  if (jzse_list_open(store, NS, &options, &list, &error) != JZSE_OK) return failed(prefix);
  while (result == 0) {
    if (jzse_list_next(list, &entry, &error) != JZSE_OK) result = failed(prefix);
    if (result != 0 || entry == NULL) break;
    result = each(store, entry, context);
  }
  jzse_list_close(list);
  return result;
}

static int count_one(jzse_store *store, const jzse_list_entry *entry, void *context) {
  (void)store, (void)entry;
  ++*(unsigned *)context;
  return 0;
}

static int show_album_name(jzse_store *store, const jzse_list_entry *entry, void *context) {
  unsigned count = 0;
  const int result = for_each(store, entry->path, NULL, context, count_one, &count);
  if (result == 0) printf("%u %s\n", count, entry->path + strlen("albums/"));
  return result;
}

static const char *pair_of(const jzse_metadata *metadata, const char *key) {
  size_t i;
  for (i = 0; i < jzse_metadata_count(metadata); ++i)
    if (strcmp(jzse_metadata_pair(metadata, i).key, key) == 0) return jzse_metadata_pair(metadata, i).value;
  return "";
}

static int show_picture(jzse_store *store, const jzse_list_entry *entry, void *context) {
  jzse_get_options options = JZSE_GET_OPTIONS_INIT;
  jzse_metadata *metadata = NULL;
  char path[PATH_SIZE];
  size_t size = 0;
  options.snapshot = context;
  /* What a link points to is its content. */
  if (jzse_get_range(store, NS, entry->path, &options, 0, path, sizeof path - 1, &size, &error) != JZSE_OK ||
      (path[size] = '\0', jzse_metadata_open(store, NS, path, &options, &metadata, &error)) != JZSE_OK)
    return failed(entry->path);
  printf("%-19s %5s x %-5s %s\n", pair_of(metadata, "taken"), pair_of(metadata, "width"),
         pair_of(metadata, "height"), path);
  jzse_metadata_close(metadata);
  return 0;
}

/* Every link leads somewhere; every picture has the thumbnail that it names, and can be read whole. */
static int check_entry(jzse_store *store, const jzse_list_entry *entry, void *context) {
  jzse_get_options options = JZSE_GET_OPTIONS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_metadata *metadata = NULL;
  void *data = NULL;
  size_t size = 0;
  int result = 0;
  options.snapshot = context;
  if (entry->info.kind == JZSE_KIND_SYMLINK) return show_picture(store, entry, context);
  if (jzse_get(store, NS, entry->path, &options, &data, &size, NULL, &error) != JZSE_OK ||
      jzse_metadata_open(store, NS, entry->path, &options, &metadata, &error) != JZSE_OK)
    result = failed(entry->path);
  if (result == 0 && *pair_of(metadata, "thumbnail") != '\0' &&
      jzse_stat(store, NS, pair_of(metadata, "thumbnail"), &options, &info, &error) != JZSE_OK)
    result = failed(pair_of(metadata, "thumbnail"));
  if (result == 0) printf("whole %s\n", entry->path);
  jzse_metadata_close(metadata);
  jzse_free(data);
  return result;
}

/* Straight from the disk's pieces to standard output, in memory that does not grow with the picture. */
static int export(jzse_store *store, const char *path) {
  static char buffer[1u << 16];
  jzse_reader *reader = NULL;
  size_t count = 0;
  int code = jzse_reader_open(store, NS, path, NULL, &reader, NULL, &error);
  while (code == JZSE_OK && (code = jzse_reader_read(reader, buffer, sizeof buffer, &count, &error)) == JZSE_OK &&
         count > 0) {
    if (fwrite(buffer, 1, count, stdout) == count) continue;
    jzse_reader_close(reader);
    return failed_here("standard output");
  }
  jzse_reader_close(reader);
  return code == JZSE_OK ? 0 : failed(path);
}

/* ---- main */

static int run(jzse_store *store, int argc, char **argv) {
  const char *command = argv[2];
  char prefix[PATH_SIZE];
  jzse_snapshot *snapshot = NULL;
  int result = 2;
  if (argc == 4 && strcmp(command, "import") == 0) return import(store, argv[3]);
  if (argc == 4 && strcmp(command, "export") == 0) return export(store, argv[3]);
  /* The rest look at one moment of the library, whatever else is going on. */
  if (jzse_snapshot_open(store, &snapshot, &error) != JZSE_OK) return failed("snapshot");
  if (argc == 3 && strcmp(command, "albums") == 0) {
    result = for_each(store, "albums/", "/", snapshot, show_album_name, snapshot);
  } else if (argc == 4 && strcmp(command, "album") == 0) {
    snprintf(prefix, sizeof prefix, "albums/%s/", argv[3]);
    result = for_each(store, prefix, NULL, snapshot, show_picture, snapshot);
  } else if (argc == 3 && strcmp(command, "check") == 0) {
    result = for_each(store, "", NULL, snapshot, check_entry, snapshot);
  } else {
    fprintf(stderr, "photos: %s: no such command, or another number of arguments\n", command);
  }
  jzse_snapshot_close(snapshot);
  return result;
}

int main(int argc, char **argv) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_store *store = NULL;
  int code, result;
  if (argc < 3) {
    fprintf(stderr, "usage: photos STORE import FOLDER | albums | album NAME | export PATH | check\n");
    return 2;
  }
  options.flags = JZSE_OPEN_CREATE;
  if (jzse_store_open(argv[1], &options, &store, &error) != JZSE_OK) return failed(argv[1]);
  code = jzse_namespace_create(store, NS, NULL, &error);
  result = code == JZSE_OK || code == JZSE_EXISTS ? run(store, argc, argv) : failed(NS);
  if (jzse_store_close(store, &error) != JZSE_OK) result = failed(argv[1]);
  return result;
}
