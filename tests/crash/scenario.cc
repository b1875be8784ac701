// SPDX-License-Identifier: Apache-2.0
// The scenery, and the scenarios that write. Those that read and those of upkeep are in scenario_more.cc.
#include "scenario.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "scenario_parts.h"

namespace jzse::crash {

int Stage::Open(const engine::Options& options) {
  return Call([&] {
    return capi::Enter(&error, [&]() -> Status {
      auto opened = std::make_unique<jzse_store>(nullptr, nullptr);
      engine::Options mine = options;
      mine.around_index = around_index;
      JZSE_ASSIGN_OR_RETURN(opened->engine, Store::Open(env, kStore, mine));
      store = opened.release();
      return {};
    });
  });
}

int Stage::Close() {
  if (store == nullptr) return JZSE_OK;
  jzse_error mine = JZSE_ERROR_INIT;
  if (enter) enter();
  const int code = jzse_store_close(store, &mine);
  if (leave) leave();
  if (code == JZSE_BUSY) return code;
  store = nullptr;
  return code;
}

std::unique_ptr<io::SimEnv> SceneryDisk() {
  auto env = std::make_unique<io::SimEnv>();
  auto store = OpenOn(*env);
  REQUIRE(store.ok());
  const auto put = [&](const char* ns, const char* path, const std::string& data) {
    REQUIRE(Put(**store, ns, path, data).ok());
  };
  put("default", "small", "one");
  put("default", "small", "two");
  put("default", "small", "three");
  put("default", "dir/a", Noise(1, 500));
  put("default", "dir/b", Noise(2, 500));
  put("default", "dir/deep/c", Noise(3, 500));
  put("default", "large", Noise(4, 200'000));
  put("default", "other", Noise(5, 3000));
  model::NamespacePolicy zip;
  zip.kind = model::NamespaceKind::kKeys;
  zip.compression = 3;
  zip.versions_age_max_s = 60;
  REQUIRE((*store)->CreateNamespace("zip", zip).ok());
  put("zip", "text", Prose(6, 9000));
  put("zip", "text", Prose(7, 9000));
  put("zip", "gone", Prose(8, 90'000));
  REQUIRE(Delete(**store, "zip", "gone").ok());
  model::NamespacePolicy tight;
  tight.quota_files = 1;
  tight.versions_max = 0;
  REQUIRE((*store)->CreateNamespace("tight", tight).ok());
  put("tight", "only", Noise(9, 2000));
  put("tight", "only", Noise(10, 2000));
  REQUIRE((*store)->Close().ok());
  store->reset();
  env->AdvanceClock(3'600'000'000);
  return env;
}

int DescriptorOf(const std::string& bytes) {
  const int fd = memfd_create("scenario", MFD_CLOEXEC);
  REQUIRE(fd >= 0);
  REQUIRE(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

namespace {

int PutOf(Stage& s, const char* ns, const char* path, const std::string& data, const jzse_put_options* options = nullptr) {
  return s.Call([&] { return jzse_put(s.store, ns, path, data.data(), data.size(), options, nullptr, &s.error); });
}

int PutSmall(Stage& s) { return PutOf(s, "default", "new", "content"); }

int PutReplacing(Stage& s) {
  const jzse_pair pairs[] = {{"colour", "blue"}, {"owner", "alice"}};
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  options.content_type = "text/plain";
  options.metadata = pairs;
  options.metadata_count = 2;
  options.mode = 0640;
  return PutOf(s, "default", "small", Noise(20, 4000), &options);
}

int PutConditional(Stage& s) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  s.Call([&] { return jzse_stat(s.store, "default", "small", nullptr, &info, &s.error); });
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  options.if_match = info.etag;
  return PutOf(s, "default", "small", "four", &options);
}

int PutRefused(Stage& s) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  options.if_none_match = "*";
  return PutOf(s, "default", "small", "four", &options);
}

int PutSymlink(Stage& s) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  options.kind = JZSE_KIND_SYMLINK;
  return PutOf(s, "default", "link", "small", &options);
}

int PutInline(Stage& s) { return PutOf(s, "default", "inline", Noise(21, 60'000)); }
int PutChunked(Stage& s) { return PutOf(s, "default", "chunked", Noise(22, 300'000)); }
int PutCompressed(Stage& s) { return PutOf(s, "zip", "more text", Prose(23, 100'000)); }
int PutOverQuota(Stage& s) { return PutOf(s, "tight", "second", "too many"); }

int PutRolling(Stage& s) {
  for (int i = 0; i < 6; ++i) PutOf(s, "default", ("roll" + std::to_string(i)).c_str(), Noise(30 + i, 60'000));
  return s.code();
}

int PutDescriptor(Stage& s, size_t size) {
  const int fd = DescriptorOf(Noise(24, size));
  s.Call([&] { return jzse_put_fd(s.store, "default", "from fd", fd, nullptr, nullptr, &s.error); });
  close(fd);
  return s.code();
}
int PutSmallDescriptor(Stage& s) { return PutDescriptor(s, 5000); }
int PutLargeDescriptor(Stage& s) { return PutDescriptor(s, 1'200'000); }

jzse_writer* Writing(Stage& s, const char* path, size_t size) {
  jzse_writer* writer = nullptr;
  s.Call([&] { return jzse_writer_open(s.store, "default", path, nullptr, &writer, &s.error); });
  const std::string data = Noise(25, size);
  for (size_t at = 0; at < data.size(); at += 50'000) {
    const size_t count = std::min<size_t>(50'000, data.size() - at);
    s.Call([&] { return jzse_writer_write(writer, data.data() + at, count, &s.error); });
  }
  return writer;
}

int Writer(Stage& s) {
  jzse_writer* const writer = Writing(s, "written", 400'000);
  if (s.code() == JZSE_OK) return s.Call([&] { return jzse_writer_commit(writer, nullptr, &s.error); });
  s.Release([&] { jzse_writer_abort(writer); });
  return s.code();
}

int WriterAborted(Stage& s) {
  jzse_writer* const writer = Writing(s, "written", 200'000);
  s.Release([&] { jzse_writer_abort(writer); });
  return s.code();
}

int SetMetadata(Stage& s) {
  const jzse_pair pairs[] = {{"colour", "red"}};
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  options.metadata = pairs;
  options.metadata_count = 1;
  options.mode = 0600;
  return s.Call([&] { return jzse_metadata_set(s.store, "default", "other", &options, nullptr, &s.error); });
}

int DeleteFile(Stage& s) {
  return s.Call([&] { return jzse_delete(s.store, "default", "small", nullptr, &s.error); });
}

int DeleteTree(Stage& s) {
  jzse_change_options options = JZSE_CHANGE_OPTIONS_INIT;
  options.flags = JZSE_RECURSIVE;
  return s.Call([&] { return jzse_delete(s.store, "default", "dir", &options, &s.error); });
}

int DeleteMissing(Stage& s) {
  return s.Call([&] { return jzse_delete(s.store, "default", "nothing", nullptr, &s.error); });
}

int CopyInline(Stage& s) {
  return s.Call([&] { return jzse_copy(s.store, "default", "other", "default", "copy", nullptr, nullptr, &s.error); });
}
int CopyChunked(Stage& s) {
  return s.Call([&] { return jzse_copy(s.store, "default", "large", "default", "copy", nullptr, nullptr, &s.error); });
}
int CopyAcross(Stage& s) {
  return s.Call([&] { return jzse_copy(s.store, "default", "large", "zip", "copy", nullptr, nullptr, &s.error); });
}

int Moving(Stage& s, const char* from, const char* to) {
  return s.Call([&] { return jzse_move(s.store, "default", from, to, nullptr, &s.error); });
}
int MoveFile(Stage& s) { return Moving(s, "small", "moved"); }
int MoveTree(Stage& s) { return Moving(s, "dir", "moved/dir"); }
int MoveReplacing(Stage& s) { return Moving(s, "large", "other"); }

int Mkdir(Stage& s) {
  return s.Call([&] { return jzse_mkdir(s.store, "default", "empty", nullptr, &s.error); });
}

uint64_t OldestVersion(Stage& s) {
  jzse_list* list = nullptr;
  uint64_t oldest = 0;
  s.Call([&] { return jzse_versions_open(s.store, "default", "small", nullptr, &list, &s.error); });
  for (const jzse_list_entry* entry = nullptr;;) {
    if (s.Call([&] { return jzse_list_next(list, &entry, &s.error); }) != JZSE_OK || entry == nullptr) break;
    oldest = entry->info.sequence;
  }
  s.Release([&] { jzse_list_close(list); });
  return oldest;
}

int RestoreVersion(Stage& s) {
  const uint64_t oldest = OldestVersion(s);
  return s.Call([&] { return jzse_version_restore(s.store, "default", "small", oldest, nullptr, &s.error); });
}

int DeleteVersion(Stage& s) {
  const uint64_t oldest = OldestVersion(s);
  return s.Call([&] { return jzse_version_delete(s.store, "default", "small", oldest, &s.error); });
}

jzse_group* Grouping(Stage& s) {
  jzse_group* group = nullptr;
  s.Call([&] { return jzse_group_begin(s.store, &group, &s.error); });
  s.Call([&] { return jzse_group_put(group, "default", "g/one", "first", 5, nullptr, &s.error); });
  s.Call([&] { return jzse_group_copy(group, "default", "g/one", "default", "g/two", nullptr, &s.error); });
  s.Call([&] { return jzse_group_delete(group, "default", "small", nullptr, &s.error); });
  s.Call([&] { return jzse_group_move(group, "default", "dir", "g/dir", nullptr, &s.error); });
  s.Call([&] { return jzse_group_mkdir(group, "default", "g/empty", nullptr, &s.error); });
  jzse_writer* const writer = Writing(s, "g/written", 150'000);
  // Taken over by the group, unless the call is refused before it looks at it.
  if (s.code() == JZSE_OK) {
    s.Call([&] { return jzse_group_add_writer(group, writer, &s.error); });
  } else {
    s.Release([&] { jzse_writer_abort(writer); });
  }
  return group;
}

int Group(Stage& s) {
  jzse_group* const group = Grouping(s);
  if (s.code() == JZSE_OK) return s.Call([&] { return jzse_group_commit(group, &s.error); });
  s.Release([&] { jzse_group_abort(group); });
  return s.code();
}

int GroupAborted(Stage& s) {
  jzse_group* const group = Grouping(s);
  s.Release([&] { jzse_group_abort(group); });
  return s.code();
}

}  // namespace

std::vector<Scenario> WritingScenarios() {
  return {
      {"put", PutSmall},
      {"put replacing, with attributes", PutReplacing},
      {"put if match", PutConditional},
      {"put refused by a precondition", PutRefused, false, JZSE_PRECONDITION},
      {"put a symlink", PutSymlink},
      {"put the largest inline content", PutInline},
      {"put chunks", PutChunked},
      {"put compressed chunks", PutCompressed},
      {"put over quota", PutOverQuota, false, JZSE_QUOTA},
      {"put until segments roll", PutRolling, false, JZSE_OK, true},
      {"put from a descriptor", PutSmallDescriptor},
      {"put chunks from a descriptor", PutLargeDescriptor},
      {"writer", Writer},
      {"writer aborted", WriterAborted},
      {"set metadata", SetMetadata},
      {"delete", DeleteFile},
      {"delete a tree", DeleteTree},
      {"delete what is not there", DeleteMissing, false, JZSE_NOT_FOUND},
      {"copy inline content", CopyInline},
      {"copy chunks", CopyChunked},
      {"copy to another namespace", CopyAcross},
      {"move", MoveFile},
      {"move a tree", MoveTree},
      {"move replacing", MoveReplacing},
      {"mkdir", Mkdir},
      {"restore a version", RestoreVersion},
      {"delete a version", DeleteVersion},
      {"group", Group},
      {"group aborted", GroupAborted},
  };
}

const std::vector<Scenario>& Scenarios() {
  static const auto* const all = [] {
    auto* const list = new std::vector<Scenario>(WritingScenarios());
    for (const auto& more : {ReadingScenarios(), UpkeepScenarios()}) list->insert(list->end(), more.begin(), more.end());
    return list;
  }();
  return *all;
}

}  // namespace jzse::crash
