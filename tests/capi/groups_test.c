/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic groups. */
#include "check.h"

static jzse_group *begin(void) {
  jzse_group *group = NULL;
  CHECK_OK(jzse_group_begin(store, &group, &error));
  return group;
}

TEST(all_together) {
  jzse_group *group;
  unsigned char *bytes = noise(400000, 1);
  jzse_writer *writer = NULL;
  jzse_stats before = JZSE_STATS_INIT, after = JZSE_STATS_INIT;
  open_store();
  put("old", "x");
  put("moving", "m");
  CHECK_OK(jzse_namespace_create(store, "other", NULL, &error));
  CHECK_OK(jzse_store_stats(store, &before, &error));
  group = begin();
  CHECK_OK(jzse_group_put(group, "default", "a", "1", 1, NULL, &error));
  CHECK_OK(jzse_group_put(group, "other", "a", "2", 1, NULL, &error));
  CHECK_OK(jzse_group_put(group, "default", "large", bytes, 400000, NULL, &error));
  bytes[0] ^= 1;  /* a group copies what it is given */
  CHECK_OK(jzse_writer_open(store, "default", "written", NULL, &writer, &error));
  CHECK_OK(jzse_writer_write(writer, bytes, 300000, &error));
  CHECK_OK(jzse_group_add_writer(group, writer, &error));
  CHECK_OK(jzse_group_delete(group, "default", "old", NULL, &error));
  CHECK_OK(jzse_group_move(group, "default", "moving", "moved", NULL, &error));
  CHECK_OK(jzse_group_copy(group, "default", "old", "other", "copy", NULL, &error));
  CHECK_OK(jzse_group_mkdir(group, "default", "d/e", NULL, &error));
  check_absent("a");
  check_content("old", "x");
  CHECK_OK(jzse_group_commit(group, &error));
  CHECK_OK(jzse_store_stats(store, &after, &error));
  CHECK_NUMBER(after.changes - before.changes, 8);
  CHECK_NUMBER(after.commits - before.commits, 1);
  reopen_store();
  CHECK_STRING(names_in("default", NULL), "a d/e large moved written ");
  CHECK_STRING(names_in("other", NULL), "a copy ");
  check_content_in("default", "written", NULL, bytes, 300000);
  bytes[0] ^= 1;
  check_content_in("default", "large", NULL, bytes, 400000);
  check_content_in("other", "copy", NULL, "x", 1);
  free(bytes);
}

TEST(later_operations_see_earlier_ones) {
  jzse_group *group;
  jzse_put_options create = JZSE_PUT_OPTIONS_INIT;
  jzse_change_options recursive = JZSE_CHANGE_OPTIONS_INIT;
  open_store();
  put("d/1", "1");
  create.if_none_match = "*";
  recursive.flags = JZSE_RECURSIVE;
  group = begin();
  CHECK_OK(jzse_group_put(group, "default", "a", "first", 5, &create, &error));
  CHECK_OK(jzse_group_put(group, "default", "a", "second", 6, NULL, &error));
  CHECK_OK(jzse_group_move(group, "default", "a", "b", NULL, &error));
  CHECK_OK(jzse_group_copy(group, "default", "b", "default", "c", NULL, &error));
  CHECK_OK(jzse_group_put(group, "default", "a", "third", 5, &create, &error));
  CHECK_OK(jzse_group_delete(group, "default", "b", NULL, &error));
  CHECK_OK(jzse_group_put(group, "default", "d/2", "2", 1, NULL, &error));
  CHECK_OK(jzse_group_move(group, "default", "d", "e", NULL, &error));       /* with the new file */
  CHECK_OK(jzse_group_put(group, "default", "d", "a file now", 10, NULL, &error));
  CHECK_OK(jzse_group_mkdir(group, "default", "x/y", NULL, &error));
  CHECK_OK(jzse_group_put(group, "default", "x/y/z", "z", 1, NULL, &error));
  CHECK_OK(jzse_group_delete(group, "default", "x", &recursive, &error));
  CHECK_OK(jzse_group_commit(group, &error));
  CHECK_STRING(names_in("default", NULL), "a c d e/1 e/2 ");
  check_content("a", "third");
  check_content("c", "second");
  reopen_store();
  CHECK_STRING(names_in("default", NULL), "a c d e/1 e/2 ");
  check_content("a", "third");
  check_content("c", "second");
  check_content("e/2", "2");
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
}

/* Also what the group itself has put there since the call. */
TEST(no_replace_between_namespaces) {
  jzse_change_options change = JZSE_CHANGE_OPTIONS_INIT;
  jzse_group *group;
  open_store();
  CHECK_OK(jzse_namespace_create(store, "other", NULL, &error));
  put("a", "x");
  change.flags = JZSE_NO_REPLACE;
  group = begin();
  CHECK_OK(jzse_group_put(group, "other", "a", "y", 1, NULL, &error));
  CHECK_OK(jzse_group_copy(group, "default", "a", "other", "a", &change, &error));
  CHECK_CODE(jzse_group_commit(group, &error), JZSE_EXISTS, "there already");
  CHECK_STRING(names_in("other", NULL), "");
}

/* `spoil` adds an operation that cannot be carried out; nothing of the group may be seen then, nor after a reopen. */
static void check_refused(int (*spoil)(jzse_group *), int code, const char *words) {
  jzse_group *group = begin();
  CHECK_OK(jzse_group_put(group, "default", "new", "x", 1, NULL, &error));
  CHECK_OK(jzse_group_delete(group, "default", "kept", NULL, &error));
  reset_error_();
  if (spoil(group) == JZSE_OK) {
    CHECK_CODE(jzse_group_commit(group, &error), code, words);
  } else {
    CHECK_NUMBER(-error.code, -code);
    jzse_group_abort(group);
  }
  check_absent("new");
  check_content("kept", "kept");
}
static int condition(jzse_group *group) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  options.if_none_match = "*";
  return jzse_group_put(group, "default", "other", "x", 1, &options, &error);
}
static int missing(jzse_group *group) { return jzse_group_delete(group, "default", "none", NULL, &error); }
static int deleted(jzse_group *group) {
  return jzse_group_copy(group, "default", "kept", "default", "copy", NULL, &error);
}
static int below_file(jzse_group *group) {
  return jzse_group_put(group, "default", "new/below", "x", 1, NULL, &error);
}
static int directory(jzse_group *group) { return jzse_group_mkdir(group, "default", "new", NULL, &error); }
static int quota(jzse_group *group) { return jzse_group_put(group, "small", "a", "xx", 2, NULL, &error); }

TEST(or_nothing) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  open_store();
  put("kept", "kept");
  put("other", "x");
  config.quota_bytes = 1;
  CHECK_OK(jzse_namespace_create(store, "small", &config, &error));
  check_refused(condition, JZSE_PRECONDITION, "other");
  check_refused(missing, JZSE_NOT_FOUND, "none");
  check_refused(deleted, JZSE_NOT_FOUND, "kept");
  check_refused(below_file, JZSE_EXISTS, "new");
  check_refused(directory, JZSE_EXISTS, "new");
  check_refused(quota, JZSE_QUOTA, "small");
  reopen_store();
  CHECK_STRING(names_in("default", NULL), "kept other ");
  CHECK_STRING(names_in("small", NULL), "");
  CHECK_OK(jzse_verify(store, NULL, NULL, &error));
}

TEST(a_refused_operation_leaves_the_group_usable) {
  jzse_group *group;
  open_store();
  group = begin();
  CHECK_OK(jzse_group_put(group, "default", "a", "x", 1, NULL, &error));
  CHECK_CODE(jzse_group_put(group, "default", "b//c", "x", 1, NULL, &error), JZSE_INVALID, "b//c");
  CHECK_CODE(jzse_group_put(group, "none", "a", "x", 1, NULL, &error), JZSE_NOT_FOUND, "none");
  CHECK_OK(jzse_group_put(group, "default", "d", "x", 1, NULL, &error));
  CHECK_OK(jzse_group_commit(group, &error));
  CHECK_STRING(names_in("default", NULL), "a d ");
}

TEST(empty_and_aborted) {
  jzse_group *group;
  jzse_writer *writer = NULL;
  unsigned char *bytes = noise(300000, 2);
  open_store();
  group = begin();
  CHECK_OK(jzse_group_commit(group, &error));
  group = begin();
  CHECK_OK(jzse_group_put(group, "default", "a", "x", 1, NULL, &error));
  CHECK_OK(jzse_writer_open(store, "default", "w", NULL, &writer, &error));
  CHECK_OK(jzse_writer_write(writer, bytes, 300000, &error));
  CHECK_OK(jzse_group_add_writer(group, writer, &error));
  jzse_group_abort(group);
  jzse_group_abort(NULL);
  CHECK_STRING(names_in("default", NULL), "");
  free(bytes);
}

TEST(large_groups) {
  jzse_group *group;
  jzse_stats stats = JZSE_STATS_INIT;
  char path[32];
  int i;
  open_store();
  group = begin();
  for (i = 0; i < 20000; ++i) {
    snprintf(path, sizeof path, "d%d/f%d", i % 100, i);
    CHECK_OK(jzse_group_put(group, "default", path, path, strlen(path), NULL, &error));
  }
  CHECK_OK(jzse_group_commit(group, &error));
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  CHECK_NUMBER(stats.file_count, 20000);
  reopen_store();
  CHECK_OK(jzse_store_stats(store, &stats, &error));
  CHECK_NUMBER(stats.file_count, 20000);
  check_content("d99/f19999", "d99/f19999");
  check_content("d0/f0", "d0/f0");
}

TEST(groups_are_bounded) {
  jzse_group *group;
  int i, code = JZSE_OK;
  open_store();
  group = begin();
  for (i = 0; i < 262144; ++i) {
    if (jzse_group_put(group, "default", "same", NULL, 0, NULL, NULL) != JZSE_OK) break;
  }
  CHECK_NUMBER(i, 262144);
  reset_error_();
  code = jzse_group_put(group, "default", "same", NULL, 0, NULL, &error);
  CHECK_NUMBER(-code, -JZSE_TOO_LARGE);
  CHECK(strstr(error.message, "262144") != NULL);
  jzse_group_abort(group);
}

TEST(a_writer_of_another_store) {
  jzse_options options = JZSE_OPTIONS_INIT;
  jzse_store *other = NULL;
  jzse_writer *writer = NULL;
  jzse_group *group;
  open_store();
  options.flags = JZSE_OPEN_CREATE;
  CHECK_OK(jzse_store_open(in_dir("other"), &options, &other, &error));
  CHECK_OK(jzse_writer_open(other, "default", "w", NULL, &writer, &error));
  group = begin();
  CHECK_CODE(jzse_group_add_writer(group, writer, &error), JZSE_INVALID, "another store");
  jzse_group_abort(group);
  CHECK_OK(jzse_store_close(other, &error));  /* the writer was taken all the same */
}

int main(void) {
  RUN(all_together);
  RUN(later_operations_see_earlier_ones);
  RUN(no_replace_between_namespaces);
  RUN(or_nothing);
  RUN(a_refused_operation_leaves_the_group_usable);
  RUN(empty_and_aborted);
  RUN(large_groups);
  RUN(groups_are_bounded);
  RUN(a_writer_of_another_store);
  return summary();
}
