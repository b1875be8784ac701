/* SPDX-License-Identifier: Apache-2.0 */
/* Names, listings, and what moves names: delete, copy, move, mkdir. */
#include "check.h"

static void make_tree(void) {
  static const char *const paths[] = {"a", "b/1", "b/2", "b/c/3", "b.txt", "d", "e/f/g/h", "e/f/i", "z"};
  size_t i;
  open_store();
  for (i = 0; i < sizeof paths / sizeof paths[0]; ++i) put(paths[i], paths[i]);
}

TEST(wrong_names_in_a_tree) {
  static const char *const wrong[] = {"",      "/",    "/a",     "a/",      "a//b",   ".",       "..",     "a/./b", "a/..",
                                      "../a",  "a\nb", "a\x7f",  "\x01",    "\xff",   "a\xc3",   "\xc0\x80", "\xed\xa0\x80",
                                      "a/\t"};
  char deep[2 * 300 + 1], *large = malloc(6000);
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  size_t i;
  open_store();
  put("a", "x");
  for (i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    CHECK_CODE(jzse_put(store, "default", wrong[i], "x", 1, NULL, NULL, &error), JZSE_INVALID, "");
    CHECK_CODE(jzse_stat(store, "default", wrong[i], NULL, &info, &error), JZSE_INVALID, "");
    CHECK_CODE(jzse_mkdir(store, "default", wrong[i], NULL, &error), JZSE_INVALID, "");
    CHECK_CODE(jzse_delete(store, "default", wrong[i], NULL, &error), JZSE_INVALID, "");
    CHECK_CODE(jzse_move(store, "default", "a", wrong[i], NULL, &error), JZSE_INVALID, "");
    CHECK_CODE(jzse_copy(store, "default", "a", "default", wrong[i], NULL, NULL, &error), JZSE_INVALID, "");
  }
  for (i = 0; i < 300; ++i) memcpy(deep + 2 * i, "d/", 2);
  deep[2 * 300 - 1] = '\0';
  CHECK_CODE(jzse_put(store, "default", deep, "x", 1, NULL, NULL, &error), JZSE_TOO_LARGE, "256");
  deep[2 * 256 - 1] = '\0';
  CHECK_OK(jzse_put(store, "default", deep, "x", 1, NULL, NULL, &error));
  CHECK(large != NULL);
  memset(large, 's', 6000);
  large[1025] = '\0';
  CHECK_CODE(jzse_put(store, "default", large, "x", 1, NULL, NULL, &error), JZSE_TOO_LARGE, "1024");
  large[1024] = '\0';
  CHECK_OK(jzse_put(store, "default", large, "x", 1, NULL, NULL, &error));
  memset(large, 's', 6000);
  for (i = 500; i < 6000; i += 500) large[i] = '/';
  large[4097] = '\0';
  CHECK_CODE(jzse_put(store, "default", large, "x", 1, NULL, NULL, &error), JZSE_TOO_LARGE, "4096");
  large[4096] = '\0';
  CHECK_OK(jzse_put(store, "default", large, "x", 1, NULL, NULL, &error));
  reopen_store();
  check_content(large, "x");
  check_content(deep, "x");
  check_content("a", "x");
  free(large);
}

TEST(names_are_canonicalised) {
  open_store();
  put("cafe\xcc\x81", "decomposed");               /* e and a combining acute accent */
  check_content("caf\xc3\xa9", "decomposed");      /* the same as one character */
  CHECK_STRING(names_in("default", NULL), "caf\xc3\xa9 ");
  put("Cafe", "case matters");
  check_absent("cafe");
}

TEST(keys_take_any_string) {
  static const char *const keys[] = {"/", "//", "a/", "/a", "a//b", ".", "..", "a/../b", " ", "a"};
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  char *large = malloc(1100);
  size_t i;
  open_store();
  CHECK(large != NULL);
  config.kind = JZSE_NAMESPACE_KEYS;
  CHECK_OK(jzse_namespace_create(store, "keys", &config, &error));
  for (i = 0; i < sizeof keys / sizeof keys[0]; ++i) {
    CHECK_OK(jzse_put(store, "keys", keys[i], keys[i], strlen(keys[i]), NULL, NULL, &error));
  }
  CHECK_OK(jzse_put(store, "keys", "a/b", "both a and a/b are there", 24, NULL, NULL, &error));
  for (i = 0; i < sizeof keys / sizeof keys[0]; ++i) {
    check_content_in("keys", keys[i], NULL, keys[i], strlen(keys[i]));
  }
  options.delimiter = "/";
  options.prefix = "a";
  CHECK_STRING(names_in("keys", &options), "a [a/] ");
  memset(large, 'k', 1100);
  large[1025] = '\0';
  CHECK_CODE(jzse_put(store, "keys", large, "x", 1, NULL, NULL, &error), JZSE_TOO_LARGE, "1024");
  large[1024] = '\0';
  CHECK_OK(jzse_put(store, "keys", large, "x", 1, NULL, NULL, &error));
  CHECK_CODE(jzse_put(store, "keys", "", "x", 1, NULL, NULL, &error), JZSE_INVALID, "");
  CHECK_CODE(jzse_put(store, "keys", "a\nb", "x", 1, NULL, NULL, &error), JZSE_INVALID, "");
  CHECK_CODE(jzse_mkdir(store, "keys", "d", NULL, &error), JZSE_INVALID, "keys");
  CHECK_OK(jzse_delete(store, "keys", "a/b", NULL, &error));
  check_content_in("keys", "a", NULL, "a", 1);
  free(large);
}

TEST(list_flat_and_by_prefix) {
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  make_tree();
  CHECK_STRING(names_in("default", NULL), "a b.txt b/1 b/2 b/c/3 d e/f/g/h e/f/i z ");
  options.prefix = "b";
  CHECK_STRING(names_in("default", &options), "b.txt b/1 b/2 b/c/3 ");
  options.prefix = "b/";
  CHECK_STRING(names_in("default", &options), "b/1 b/2 b/c/3 ");
  options.prefix = "e/f";
  CHECK_STRING(names_in("default", &options), "e/f/g/h e/f/i ");
  options.prefix = "nothing";
  CHECK_STRING(names_in("default", &options), "");
  options.prefix = "";
  CHECK_OK(jzse_mkdir(store, "default", "empty", NULL, &error));
  CHECK_STRING(names_in("default", &options), "a b.txt b/1 b/2 b/c/3 d e/f/g/h e/f/i empty z ");
}

TEST(list_with_a_delimiter) {
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  jzse_list *list = NULL;
  make_tree();
  options.delimiter = "/";
  CHECK_STRING(names_in("default", &options), "a b.txt [b/] d [e/] z ");
  options.prefix = "b";
  CHECK_STRING(names_in("default", &options), "b.txt [b/] ");
  options.prefix = "b/";
  CHECK_STRING(names_in("default", &options), "b/1 b/2 [b/c/] ");
  options.prefix = "e/";
  CHECK_STRING(names_in("default", &options), "[e/f/] ");
  options.prefix = "e/f/";
  CHECK_STRING(names_in("default", &options), "[e/f/g/] e/f/i ");
  options.prefix = NULL;
  options.delimiter = ".";
  CHECK_STRING(names_in("default", &options), "a [b.] b/1 b/2 b/c/3 d e/f/g/h e/f/i z ");
  options.delimiter = "//";
  CHECK_CODE(jzse_list_open(store, "default", &options, &list, &error), JZSE_INVALID, "delimiter");
  options.delimiter = "\xc3";  /* half a character would end the groups' names */
  CHECK_CODE(jzse_list_open(store, "default", &options, &list, &error), JZSE_INVALID, "delimiter");
  CHECK(list == NULL);
}

TEST(list_in_pages) {
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  char after[64], all[1024] = "", *page;
  const jzse_list_entry *entry;
  jzse_list *list = NULL;
  int delimited;
  size_t limit, count;
  make_tree();
  for (delimited = 0; delimited < 2; ++delimited) {
    for (limit = 1; limit < 12; ++limit) {
      options.delimiter = delimited ? "/" : NULL;
      options.limit = limit;
      options.start_after = NULL;
      all[0] = '\0';
      do {
        CHECK_OK(jzse_list_open(store, "default", &options, &list, &error));
        for (count = 0;; ++count) {
          CHECK_OK(jzse_list_next(list, &entry, &error));
          if (entry == NULL) break;
          strcat(strcat(all, entry->path), " ");
          snprintf(after, sizeof after, "%s", entry->path);
          options.start_after = after;
        }
        CHECK_OK(jzse_list_next(list, &entry, &error));  /* the end stays the end */
        CHECK(entry == NULL);
        jzse_list_close(list);
        CHECK(count <= limit);
      } while (count == limit);
      page = delimited ? "a b.txt b/ d e/ z " : "a b.txt b/1 b/2 b/c/3 d e/f/g/h e/f/i z ";
      CHECK_STRING(all, page);
    }
  }
  options.delimiter = NULL;
  options.limit = 0;
  options.start_after = "b/19";  /* need not exist */
  CHECK_STRING(names_in("default", &options), "b/2 b/c/3 d e/f/g/h e/f/i z ");
  options.start_after = "zz";
  CHECK_STRING(names_in("default", &options), "");
  options.start_after = "a";
  options.prefix = "d";
  CHECK_STRING(names_in("default", &options), "d ");
  put("d1", "x");
  put("d.txt", "x");
  options.start_after = "d";  /* what begins with it comes after it */
  CHECK_STRING(names_in("default", &options), "d.txt d1 ");
}

/* The last name of a page may end with the delimiter and yet be no group. */
TEST(a_page_after_a_name_that_ends_with_the_delimiter) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  static const char *const names[] = {"a/", "a/b", "a/c/d", "a/c/e", "b"};
  size_t i;
  make_tree();
  config.kind = JZSE_NAMESPACE_KEYS;
  CHECK_OK(jzse_namespace_create(store, "keys", &config, &error));
  for (i = 0; i < sizeof names / sizeof names[0]; ++i)
    CHECK_OK(jzse_put(store, "keys", names[i], "x", 1, NULL, NULL, &error));
  options.delimiter = "/";
  options.prefix = "a/";
  options.limit = 1;
  CHECK_STRING(names_in("keys", &options), "a/ ");
  options.start_after = "a/";
  CHECK_STRING(names_in("keys", &options), "a/b ");
  options.start_after = "a/b";
  CHECK_STRING(names_in("keys", &options), "[a/c/] ");
  options.start_after = "a/c/";
  CHECK_STRING(names_in("keys", &options), "");
  options.prefix = NULL;
  options.start_after = "a/";
  CHECK_STRING(names_in("keys", &options), "b ");
  options.prefix = options.start_after = "b/";
  options.limit = 0;
  CHECK_STRING(names_in("default", &options), "b/1 b/2 [b/c/] ");
}

TEST(list_entries_tell_all) {
  const jzse_list_entry *entry;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  jzse_list *list = NULL;
  open_store();
  put("a", "12345");
  CHECK_OK(jzse_stat(store, "default", "a", NULL, &info, &error));
  CHECK_OK(jzse_list_open(store, "default", NULL, &list, &error));
  CHECK_OK(jzse_list_next(list, &entry, &error));
  CHECK_STRING(entry->path, "a");
  CHECK(memcmp(&entry->info, &info, sizeof info) == 0);
  jzse_list_close(list);
  CHECK_OK(jzse_delete(store, "default", "a", NULL, &error));
  CHECK_STRING(names_in("default", NULL), "");
  options.with_deleted = 1;
  CHECK_OK(jzse_list_open(store, "default", &options, &list, &error));
  CHECK_OK(jzse_list_next(list, &entry, &error));
  CHECK_STRING(entry->path, "a");
  CHECK_NUMBER(entry->info.kind, JZSE_KIND_DELETED);
  CHECK_STRING(entry->info.etag, "");
  jzse_list_close(list);
  put("a", "again");
  CHECK_STRING(names_in("default", &options), "a ");
  options.with_deleted = 2;
  CHECK_CODE(jzse_list_open(store, "default", &options, &list, &error), JZSE_INVALID, "with_deleted");
  CHECK_CODE(jzse_list_open(store, "none", NULL, &list, &error), JZSE_NOT_FOUND, "none");
}

TEST(a_listing_is_one_moment) {
  const jzse_list_entry *entry;
  jzse_list *list = NULL;
  char path[32];
  int i;
  open_store();
  for (i = 0; i < 3000; i += 2) {
    snprintf(path, sizeof path, "f%05d", i);
    put(path, "x");
  }
  CHECK_OK(jzse_list_open(store, "default", NULL, &list, &error));
  for (i = 0; i < 3000; i += 2) {
    CHECK_OK(jzse_list_next(list, &entry, &error));
    snprintf(path, sizeof path, "f%05d", i);
    CHECK(entry != NULL);
    CHECK_STRING(entry->path, path);
    if (i % 100 == 0) {
      snprintf(path, sizeof path, "f%05d", i + 51);
      put(path, "new");
      snprintf(path, sizeof path, "f%05d", i + 50);
      if (i + 50 < 3000) CHECK_OK(jzse_delete(store, "default", path, NULL, &error));
    }
  }
  CHECK_OK(jzse_list_next(list, &entry, &error));
  CHECK(entry == NULL);
  jzse_list_close(list);
}

TEST(delete_one_and_recursively) {
  jzse_change_options options = JZSE_CHANGE_OPTIONS_INIT;
  make_tree();
  CHECK_OK(jzse_delete(store, "default", "a", NULL, &error));
  check_absent("a");
  CHECK_CODE(jzse_delete(store, "default", "a", NULL, &error), JZSE_NOT_FOUND, "a");
  CHECK_CODE(jzse_delete(store, "default", "b", NULL, &error), JZSE_EXISTS, "b");
  CHECK_CODE(jzse_delete(store, "none", "b", NULL, &error), JZSE_NOT_FOUND, "none");
  options.flags = JZSE_NO_REPLACE;
  CHECK_CODE(jzse_delete(store, "default", "b", &options, &error), JZSE_INVALID, "flags");
  options.flags = JZSE_RECURSIVE;
  CHECK_OK(jzse_delete(store, "default", "b", &options, &error));
  CHECK_STRING(names_in("default", NULL), "b.txt d e/f/g/h e/f/i z ");
  CHECK_OK(jzse_delete(store, "default", "z", &options, &error));
  CHECK_CODE(jzse_delete(store, "default", "none", &options, &error), JZSE_NOT_FOUND, "none");
  put("b", "now a file");
  reopen_store();
  CHECK_STRING(names_in("default", NULL), "b b.txt d e/f/g/h e/f/i ");
}

TEST(directories) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  open_store();
  CHECK_OK(jzse_mkdir(store, "default", "d", NULL, &error));
  CHECK_CODE(jzse_mkdir(store, "default", "d", NULL, &error), JZSE_EXISTS, "d");
  CHECK_OK(jzse_mkdir(store, "default", "p/q/r", NULL, &error));
  CHECK_OK(jzse_stat(store, "default", "p/q", NULL, &info, &error));
  CHECK_NUMBER(info.kind, JZSE_KIND_DIRECTORY);
  CHECK_NUMBER(info.sequence, 0);
  CHECK_OK(jzse_stat(store, "default", "p/q/r", NULL, &info, &error));
  CHECK(info.kind == JZSE_KIND_DIRECTORY && info.sequence > 0);
  put("f", "x");
  CHECK_CODE(jzse_mkdir(store, "default", "f", NULL, &error), JZSE_EXISTS, "f");
  CHECK_CODE(jzse_mkdir(store, "default", "f/g", NULL, &error), JZSE_EXISTS, "f");
  CHECK_CODE(jzse_put(store, "default", "d", "x", 1, NULL, NULL, &error), JZSE_EXISTS, "d");
  put("d/x", "x");
  CHECK_CODE(jzse_delete(store, "default", "d", NULL, &error), JZSE_EXISTS, "d");
  CHECK_OK(jzse_delete(store, "default", "d/x", NULL, &error));
  CHECK_OK(jzse_stat(store, "default", "d", NULL, &info, &error));  /* explicit: stays */
  CHECK_OK(jzse_delete(store, "default", "d", NULL, &error));
  check_absent("d");
  put("i/x", "x");
  CHECK_OK(jzse_delete(store, "default", "i/x", NULL, &error));
  check_absent("i");                                                 /* implied: gone */
  reopen_store();
  CHECK_STRING(names_in("default", NULL), "f p/q/r ");
}

TEST(copies) {
  jzse_change_options options = JZSE_CHANGE_OPTIONS_INIT;
  jzse_stats before = JZSE_STATS_INIT, after = JZSE_STATS_INIT;
  jzse_file_info info = JZSE_FILE_INFO_INIT, copied = JZSE_FILE_INFO_INIT;
  unsigned char *bytes = noise(3000000, 1);
  open_store();
  CHECK_OK(jzse_put(store, "default", "large", bytes, 3000000, NULL, &info, &error));
  put("small", "tiny");
  CHECK_OK(jzse_store_stats(store, &before, &error));
  CHECK_OK(jzse_copy(store, "default", "large", "default", "dir/large", NULL, &copied, &error));
  CHECK_STRING(copied.etag, info.etag);
  CHECK(copied.file_counter != info.file_counter);
  CHECK_OK(jzse_copy(store, "default", "small", "default", "dir/small", NULL, NULL, &error));
  CHECK_OK(jzse_store_stats(store, &after, &error));
  CHECK(after.journal_bytes - before.journal_bytes < 100000);  /* no content byte moved */
  CHECK_OK(jzse_delete(store, "default", "large", NULL, &error));
  CHECK_OK(jzse_delete(store, "default", "small", NULL, &error));
  check_content_in("default", "dir/large", NULL, bytes, 3000000);
  check_content("dir/small", "tiny");

  CHECK_OK(jzse_namespace_create(store, "other", NULL, &error));
  CHECK_OK(jzse_copy(store, "default", "dir/large", "other", "large", NULL, &copied, &error));
  CHECK_OK(jzse_copy(store, "default", "dir/small", "other", "small", NULL, NULL, &error));
  CHECK_OK(jzse_namespace_drop(store, "default", &error));
  check_content_in("other", "large", NULL, bytes, 3000000);
  check_content_in("other", "small", NULL, "tiny", 4);

  options.flags = JZSE_NO_REPLACE;
  CHECK_CODE(jzse_copy(store, "other", "large", "other", "small", &options, NULL, &error), JZSE_EXISTS, "small");
  CHECK_CODE(jzse_copy(store, "other", "none", "other", "small", NULL, NULL, &error), JZSE_NOT_FOUND, "none");
  CHECK_CODE(jzse_copy(store, "other", "small", "none", "small", NULL, NULL, &error), JZSE_NOT_FOUND, "none");
  CHECK_OK(jzse_copy(store, "other", "large", "other", "small", NULL, NULL, &error));
  reopen_store();
  check_content_in("other", "small", NULL, bytes, 3000000);
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
  free(bytes);
}

TEST(moves_of_files) {
  jzse_change_options options = JZSE_CHANGE_OPTIONS_INIT;
  jzse_file_info before = JZSE_FILE_INFO_INIT, after = JZSE_FILE_INFO_INIT;
  make_tree();
  CHECK_OK(jzse_stat(store, "default", "a", NULL, &before, &error));
  CHECK_OK(jzse_move(store, "default", "a", "new/place", NULL, &error));
  check_absent("a");
  check_content("new/place", "a");
  CHECK_OK(jzse_stat(store, "default", "new/place", NULL, &after, &error));
  CHECK(before.file_counter == after.file_counter && before.file_replica == after.file_replica);
  CHECK(after.sequence > before.sequence);
  CHECK_STRING(after.etag, before.etag);

  CHECK_OK(jzse_move(store, "default", "d", "z", NULL, &error));  /* replaces */
  check_content("z", "d");
  options.flags = JZSE_NO_REPLACE;
  CHECK_CODE(jzse_move(store, "default", "z", "b.txt", &options, &error), JZSE_EXISTS, "b.txt");
  options.flags = JZSE_RECURSIVE;
  CHECK_CODE(jzse_move(store, "default", "z", "b.txt", &options, &error), JZSE_INVALID, "flags");
  CHECK_CODE(jzse_move(store, "default", "none", "x", NULL, &error), JZSE_NOT_FOUND, "none");
  CHECK_CODE(jzse_move(store, "default", "z", "b", NULL, &error), JZSE_EXISTS, "b");
  CHECK_CODE(jzse_move(store, "default", "z", "b.txt/below", NULL, &error), JZSE_EXISTS, "b.txt");
  reset_error_();
  CHECK(jzse_move(store, "default", "z", "z/below", NULL, &error) != JZSE_OK);
  CHECK_OK(jzse_move(store, "default", "z", "back", NULL, &error));
  CHECK_OK(jzse_move(store, "default", "back", "z", NULL, &error));
  reopen_store();
  CHECK_STRING(names_in("default", NULL), "b.txt b/1 b/2 b/c/3 e/f/g/h e/f/i new/place z ");
}

TEST(moves_of_directories) {
  jzse_change_options recursive = JZSE_CHANGE_OPTIONS_INIT;
  make_tree();
  CHECK_OK(jzse_mkdir(store, "default", "b/empty", NULL, &error));
  CHECK_OK(jzse_move(store, "default", "b", "moved/here", NULL, &error));
  CHECK_STRING(names_in("default", NULL),
               "a b.txt d e/f/g/h e/f/i moved/here/1 moved/here/2 moved/here/c/3 moved/here/empty z ");
  check_content("moved/here/c/3", "b/c/3");
  CHECK_CODE(jzse_move(store, "default", "moved", "e", NULL, &error), JZSE_EXISTS, "e");
  CHECK_CODE(jzse_move(store, "default", "moved", "moved/here/inside", NULL, &error), JZSE_INVALID, "moved");
  CHECK_CODE(jzse_move(store, "default", "moved", "a/x", NULL, &error), JZSE_EXISTS, "a");
  recursive.flags = JZSE_RECURSIVE;
  CHECK_OK(jzse_delete(store, "default", "e", &recursive, &error));
  CHECK_OK(jzse_move(store, "default", "moved/here", "e", NULL, &error));
  check_absent("moved");
  reopen_store();
  CHECK_STRING(names_in("default", NULL), "a b.txt d e/1 e/2 e/c/3 e/empty z ");
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
}

TEST(a_moved_directory_is_one_change_group) {
  const jzse_change *change;
  jzse_feed_options options = JZSE_FEED_OPTIONS_INIT;
  jzse_stats stats = JZSE_STATS_INIT;
  jzse_feed *feed = NULL;
  int count = 0;
  make_tree();
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  options.after = stats.sequence;
  CHECK_OK(jzse_move(store, "default", "b", "c", NULL, &error));
  CHECK_OK(jzse_feed_open(store, &options, &feed, &error));
  for (;;) {
    CHECK_OK(jzse_feed_next(feed, 0, &change, &error));
    if (change == NULL) break;
    ++count;
    CHECK_NUMBER(change->type, JZSE_CHANGE_MOVE);
    CHECK_NUMBER(change->more, count < 3);
    CHECK(strncmp(change->path, "c/", 2) == 0 && strncmp(change->old_path, "b/", 2) == 0);
    CHECK_STRING(change->path + 2, change->old_path + 2);
  }
  CHECK_NUMBER(count, 3);
  jzse_feed_close(feed);
}

/* An etag never is a directory's: who meant a file does not lose what has taken its place. */
TEST(conditions_on_directories) {
  jzse_change_options change = JZSE_CHANGE_OPTIONS_INIT;
  jzse_put_options put_options = JZSE_PUT_OPTIONS_INIT;
  static const char *const paths[] = {"b", "b/c", "empty"};
  char etag[65];
  size_t i;
  make_tree();
  memset(etag, '0', 64);
  etag[64] = '\0';
  CHECK_OK(jzse_mkdir(store, "default", "b/c", NULL, &error));
  CHECK_OK(jzse_mkdir(store, "default", "empty", NULL, &error));
  put_options.if_match = etag;
  CHECK_CODE(jzse_mkdir(store, "default", "new", &put_options, &error), JZSE_PRECONDITION, "new");
  change.if_match = etag;
  for (i = 0; i < 3; ++i) {
    change.flags = JZSE_RECURSIVE;
    CHECK_CODE(jzse_delete(store, "default", paths[i], &change, &error), JZSE_PRECONDITION, paths[i]);
    change.flags = 0;
    CHECK_CODE(jzse_delete(store, "default", paths[i], &change, &error), JZSE_PRECONDITION, paths[i]);
    CHECK_CODE(jzse_move(store, "default", paths[i], "x", &change, &error), JZSE_PRECONDITION, paths[i]);
  }
  change.if_match = "*";
  CHECK_OK(jzse_move(store, "default", "e", "x", &change, &error));
  change.flags = JZSE_RECURSIVE;
  CHECK_OK(jzse_delete(store, "default", "x", &change, &error));
  CHECK_OK(jzse_delete(store, "default", "empty", &change, &error));
  CHECK_STRING(names_in("default", NULL), "a b.txt b/1 b/2 b/c b/c/3 d z ");
}

int main(void) {
  RUN(wrong_names_in_a_tree);
  RUN(names_are_canonicalised);
  RUN(keys_take_any_string);
  RUN(list_flat_and_by_prefix);
  RUN(list_with_a_delimiter);
  RUN(list_in_pages);
  RUN(a_page_after_a_name_that_ends_with_the_delimiter);
  RUN(list_entries_tell_all);
  RUN(a_listing_is_one_moment);
  RUN(delete_one_and_recursively);
  RUN(directories);
  RUN(copies);
  RUN(moves_of_files);
  RUN(moves_of_directories);
  RUN(a_moved_directory_is_one_change_group);
  RUN(conditions_on_directories);
  return summary();
}
