// SPDX-License-Identifier: Apache-2.0
// What the simulated disk keeps and loses when the power goes, by the letter of io.h.
#include <algorithm>
#include <bitset>
#include <catch2/catch.hpp>
#include <set>

#include "io/sim_env.h"
#include "io_world.h"

namespace jzse::io {
namespace {

using base::Code;
using base::Is;

constexpr int kSeeds = 200;

// A file "/a" that is durable with this content.
std::unique_ptr<File> DurableFile(SimEnv& env, Bytes bytes) {
  REQUIRE(env.Put("/a", bytes).ok());
  auto file = env.Open("/a", OpenMode::kReadWrite);
  REQUIRE(file.ok());
  return std::move(*file);
}

std::string AfterCrash(const SimEnv& env, uint64_t seed, CrashMode mode) {
  const auto content = env.CloneCrashed(seed, mode)->Content("/a");
  return content.ok() ? *content : std::string("<missing>");
}

// All contents of "/a" that power cuts leave.
std::set<std::string> Outcomes(const SimEnv& env, CrashMode mode = CrashMode::kRandom) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) outcomes.insert(AfterCrash(env, seed, mode));
  return outcomes;
}

TEST_CASE("an unsynced write is lost, kept or torn at sectors; a synced one stays") {
  SimEnv env;
  const std::string before(2048, 'o'), after(2048, 'n');
  const auto file = DurableFile(env, before);
  REQUIRE(WriteAt(*file, 0, after).ok());
  CHECK(AfterCrash(env, 1, CrashMode::kNoneKept) == before);
  CHECK(AfterCrash(env, 1, CrashMode::kAllKept) == after);
  std::set<std::string> possible;
  for (int sectors = 0; sectors < 16; ++sectors) {
    std::string content;
    for (int i = 0; i < 4; ++i) content += std::string(512, (sectors >> i & 1) != 0 ? 'n' : 'o');
    possible.insert(content);
  }
  CHECK(Outcomes(env) == possible);
  REQUIRE(file->SyncData().ok());
  for (const CrashMode mode : {CrashMode::kNoneKept, CrashMode::kRandom, CrashMode::kReordered}) {
    CHECK(Outcomes(env, mode) == std::set<std::string>{after});
  }
}

TEST_CASE("a write that begins and ends inside of sectors tears there only") {
  SimEnv env;
  const auto file = DurableFile(env, std::string(1024, 'o'));
  REQUIRE(WriteAt(*file, 500, std::string(20, 'n')).ok());
  const std::string o = std::string(1024, 'o');
  auto with = [&](size_t at, size_t n) { return std::string(o).replace(at, n, n, 'n'); };
  CHECK(Outcomes(env) == std::set<std::string>{o, with(500, 12), with(512, 8), with(500, 20)});
}

TEST_CASE("a sector is an image that the cache had: no later write without the earlier") {
  SimEnv env;
  const auto file = DurableFile(env, "....");
  REQUIRE(WriteAt(*file, 0, "1").ok());
  REQUIRE(WriteAt(*file, 1, "2").ok());
  REQUIRE(WriteAt(*file, 2, "3").ok());
  CHECK(Outcomes(env) == std::set<std::string>{"....", "1...", "12..", "123."});
}

TEST_CASE("WriteDurable survives alone, and sectors next to it promise nothing") {
  SimEnv env;
  const std::string old(1536, 'o');
  const auto file = DurableFile(env, old);
  REQUIRE(WriteAt(*file, 0, std::string(1536, 'w')).ok());
  REQUIRE(WriteDurableAt(*file, 512, std::string(512, 'd')).ok());
  const std::set<std::string> outcomes = Outcomes(env);
  CHECK(outcomes.size() == 4);
  for (const std::string& content : outcomes) {
    CHECK(content.substr(512, 512) == std::string(512, 'd'));
  }
  CHECK(AfterCrash(env, 1, CrashMode::kNoneKept) ==
        std::string(512, 'o') + std::string(512, 'd') + std::string(512, 'o'));
}

TEST_CASE("a size is lost or kept, in order, and what is missing below it reads as zeros") {
  SimEnv env;
  const auto file = DurableFile(env, "");
  REQUIRE(WriteAt(*file, 0, std::string(512, 'a')).ok());
  REQUIRE(WriteAt(*file, 512, std::string(512, 'b')).ok());
  const std::set<std::string> outcomes = Outcomes(env);
  const std::string a(512, 'a'), b(512, 'b'), zero(512, '\0');
  CHECK(outcomes == std::set<std::string>{"", a, zero, a + b, a + zero, zero + b, zero + zero});
  CHECK(AfterCrash(env, 1, CrashMode::kNoneKept).empty());
  REQUIRE(WriteDurableAt(*file, 1024, "c").ok());
  for (const std::string& content : Outcomes(env)) {
    CHECK(content.size() == 1025);
    CHECK(content[1024] == 'c');
  }
}

TEST_CASE("an unsynced truncation may be lost, and then what was written behind it is, too") {
  SimEnv env;
  const auto file = DurableFile(env, "old content");
  REQUIRE(file->Truncate(0).ok());
  REQUIRE(WriteAt(*file, 0, "new").ok());
  CHECK(Outcomes(env) == std::set<std::string>{"old content", "", "new", std::string(3, '\0')});
  REQUIRE(file->SyncData().ok());
  CHECK(Outcomes(env) == std::set<std::string>{"new"});
}

TEST_CASE("directory entries are lost without SyncDir, even of synced files") {
  SimEnv env;
  REQUIRE(env.CreateDir("/d").ok());
  const auto file = CreateFile(env, "/d/a", "content");
  REQUIRE(file->SyncData().ok());
  CHECK_FALSE(*env.CloneCrashed(1, CrashMode::kNoneKept)->Exists("/d"));
  REQUIRE(env.SyncDir("/").ok());
  CHECK(*env.CloneCrashed(1, CrashMode::kNoneKept)->Exists("/d"));
  CHECK_FALSE(*env.CloneCrashed(1, CrashMode::kNoneKept)->Exists("/d/a"));
  bool kept = false, lost = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    (*env.CloneCrashed(seed, CrashMode::kRandom)->Exists("/d/a") ? kept : lost) = true;
  }
  CHECK(kept);
  CHECK(lost);
  REQUIRE(env.SyncDir("/d").ok());
  CHECK(*env.CloneCrashed(1, CrashMode::kNoneKept)->Content("/d/a") == "content");
  REQUIRE(env.Remove("/d/a").ok());
  CHECK(*env.CloneCrashed(1, CrashMode::kNoneKept)->Content("/d/a") == "content");
  REQUIRE(env.SyncDir("/d").ok());
  CHECK_FALSE(*env.CloneCrashed(1, CrashMode::kNoneKept)->Exists("/d/a"));
}

TEST_CASE("a synced directory is lost with its parent's entry") {
  SimEnv env;
  REQUIRE(env.CreateDir("/d").ok());
  CreateFile(env, "/d/a", "x");
  REQUIRE(env.SyncDir("/d").ok());
  CHECK_FALSE(*env.CloneCrashed(1, CrashMode::kNoneKept)->Exists("/d"));
}

TEST_CASE("a directory's changes survive as a prefix, or in any order when asked for") {
  SimEnv env;
  for (const char* path : {"/1", "/2", "/3"}) CreateFile(env, path);
  std::set<std::vector<std::string>> prefixes, reordered;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    prefixes.insert(env.CloneCrashed(seed, CrashMode::kRandom)->Paths());
    reordered.insert(env.CloneCrashed(seed, CrashMode::kReordered)->Paths());
  }
  CHECK(prefixes == std::set<std::vector<std::string>>{
                        {}, {"/1"}, {"/1", "/2"}, {"/1", "/2", "/3"}});
  CHECK(reordered.size() == 8);
}

TEST_CASE("a rename is all or nothing") {
  SimEnv env;
  REQUIRE(env.Put("/a", "old").ok());
  REQUIRE(env.Put("/a.new", "new").ok());
  REQUIRE(env.Rename("/a.new", "/a").ok());
  CHECK(Outcomes(env) == std::set<std::string>{"old", "new"});
  CHECK(Outcomes(env, CrashMode::kReordered) == std::set<std::string>{"old", "new"});
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto crashed = env.CloneCrashed(seed, CrashMode::kReordered);
    CHECK(*crashed->Exists("/a.new") == (*crashed->Content("/a") == "old"));
  }
  REQUIRE(env.SyncDir("/").ok());
  CHECK(Outcomes(env) == std::set<std::string>{"new"});
}

TEST_CASE("renaming without syncing the file first may leave an empty file") {
  SimEnv env;
  REQUIRE(env.Put("/a", "old").ok());
  const auto file = CreateFile(env, "/a.new", "new");
  REQUIRE(env.Rename("/a.new", "/a").ok());
  REQUIRE(env.SyncDir("/").ok());
  CHECK(Outcomes(env).contains(""));
  CHECK_FALSE(Outcomes(env).contains("old"));
}

TEST_CASE("a rename across directories never loses the file") {
  for (const CrashMode mode : {CrashMode::kRandom, CrashMode::kReordered}) {
    SimEnv env;
    REQUIRE(env.CreateDir("/d").ok());
    REQUIRE(env.CreateDir("/e").ok());
    REQUIRE(env.Put("/d/a", "x").ok());
    REQUIRE(env.Put("/e/z", "z").ok());
    REQUIRE(env.SyncDir("/").ok());
    REQUIRE(env.Rename("/d/a", "/e/b").ok());
    REQUIRE(env.Rename("/e/b", "/d/c").ok());
    std::set<std::vector<std::string>> outcomes;
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      const auto paths = env.CloneCrashed(seed, mode)->Paths();
      CHECK(paths.size() >= 2);  // /e/z and at least one name
      outcomes.insert(paths);
    }
    CHECK(outcomes.size() >= 3);
    REQUIRE(env.SyncDir("/e").ok());  // the old directory of the second rename
    CHECK(env.CloneCrashed(1, CrashMode::kNoneKept)->Paths() ==
          std::vector<std::string>{"/d/c", "/e/z"});
  }
}

TEST_CASE("a failed sync drops writes for good, and a later successful one proves nothing") {
  bool lost = false, kept = false, stale_cache = false, fresh_cache = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimEnv env({.seed = seed});
    const std::string old(512, 'o'), fresh(512, 'n');
    const auto file = DurableFile(env, old);
    REQUIRE(WriteAt(*file, 0, fresh).ok());
    env.FailNth(static_cast<OpMask>(Op::kSyncData), 1, Code::kIo);
    CHECK(Is(file->SyncData(), Code::kIo));
    (ReadAt(*file, 0, 512) == fresh ? fresh_cache : stale_cache) = true;
    REQUIRE(file->SyncData().ok());
    const std::string after = AfterCrash(env, 1, CrashMode::kAllKept);
    CHECK((after == old || after == fresh));
    (after == fresh ? kept : lost) = true;
    REQUIRE(WriteAt(*file, 512, "next").ok());  // what comes after is durable as ever
    REQUIRE(file->SyncData().ok());
    CHECK(AfterCrash(env, 1, CrashMode::kNoneKept) == after + "next");
  }
  CHECK(lost);
  CHECK(kept);
  CHECK(stale_cache);
  CHECK(fresh_cache);
}

TEST_CASE("a failed WriteDurable may leave a part and takes pending writes with it") {
  std::set<size_t> parts;
  bool pending_lost = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimEnv env({.seed = seed});
    const auto file = DurableFile(env, std::string(4096, 'o'));
    REQUIRE(WriteAt(*file, 2048, std::string(512, 'p')).ok());
    env.FailNth(static_cast<OpMask>(Op::kWriteDurable), 1, Code::kIo);
    CHECK(Is(WriteDurableAt(*file, 0, std::string(1024, 'd')), Code::kIo));
    REQUIRE(file->SyncData().ok());
    const std::string after = AfterCrash(env, 1, CrashMode::kNoneKept);
    parts.insert(std::count(after.begin(), after.end(), 'd'));
    if (after[2048] == 'o') pending_lost = true;
  }
  CHECK(parts.size() > 10);
  CHECK(pending_lost);
}

TEST_CASE("the flush of WriteDurable is a crash point of its own") {
  SimEnv env;
  const auto file = DurableFile(env, std::string(1024, 'o'));
  const uint64_t before = env.effects();
  env.CrashAfter(1);
  CHECK(Is(WriteDurableAt(*file, 0, std::string(1024, 'd')), Code::kIo));
  CHECK(env.effects() == before + 1);
  CHECK(env.power_lost());
  CHECK(Outcomes(env).size() == 4);
  const auto clone = env.CloneCrashed(1, CrashMode::kNoneKept);
  CHECK_FALSE(clone->power_lost());
  const auto reopened = clone->Open("/a", OpenMode::kReadWrite);
  REQUIRE(reopened.ok());
  REQUIRE(WriteDurableAt(**reopened, 0, std::string(1024, 'd')).ok());
  CHECK(AfterCrash(*clone, 1, CrashMode::kNoneKept) == std::string(1024, 'd'));
}

TEST_CASE("without power everything fails, and after a crash old handles and locks are dead") {
  SimEnv env;
  const auto file = DurableFile(env, "durable");
  auto lock = env.Lock("/LOCK");
  REQUIRE(lock.ok());
  env.CrashAfter(0);
  CHECK(Is(WriteAt(*file, 0, "x"), Code::kIo));
  CHECK(Is(env.Exists("/a").status(), Code::kIo));
  CHECK(Is(env.CreateDir("/d"), Code::kIo));
  char byte;
  CHECK(Is(file->Read(0, 1, &byte).status(), Code::kIo));
  env.Crash(1, CrashMode::kNoneKept);
  CHECK(Is(file->Read(0, 1, &byte).status(), Code::kIo));
  CHECK(Is(file->SyncData(), Code::kIo));
  CHECK(*env.Content("/a") == "durable");
  const auto second = env.Lock("/LOCK");
  CHECK(second.ok());
  lock->reset();
  CHECK(Is(env.Lock("/LOCK").status(), Code::kLocked));
}

TEST_CASE("a killed process loses nothing, and what was pending still is") {
  SimEnv env;
  const auto file = DurableFile(env, "old");
  REQUIRE(WriteAt(*file, 0, "new").ok());
  CreateFile(env, "/b", "b");
  const auto lock = env.Lock("/LOCK");
  const auto killed = env.CloneKilled();
  CHECK(*killed->Content("/a") == "new");
  CHECK(*killed->Content("/b") == "b");
  CHECK(killed->Lock("/LOCK").ok());
  CHECK(Outcomes(*killed) == std::set<std::string>{"old", "new"});
  CHECK_FALSE(*killed->CloneCrashed(1, CrashMode::kNoneKept)->Exists("/b"));
  REQUIRE(WriteAt(*file, 0, "two").ok());  // the copies are apart
  CHECK(*killed->Content("/a") == "new");
}

// Keeps for every byte the values that it may have after a power cut, without knowing of sectors.
struct ByteModel {
  std::string cached;
  uint64_t durable_size = 0;
  std::vector<uint64_t> pending_sizes;
  bool shrunk = false;
  std::vector<std::bitset<256>> allowed;

  static size_t Index(char c) { return static_cast<unsigned char>(c); }
  void Resize(uint64_t size) {
    if (size == cached.size()) return;
    for (uint64_t i = size; i < allowed.size(); ++i) allowed[i].set(0);
    shrunk = shrunk || size < cached.size();
    pending_sizes.push_back(size);
    cached.resize(size);
    while (allowed.size() < size) allowed.push_back(std::bitset<256>(1));
  }
  void Write(uint64_t offset, const std::string& bytes) {
    if (offset + bytes.size() > cached.size()) Resize(offset + bytes.size());
    for (size_t i = 0; i < bytes.size(); ++i) {
      cached[offset + i] = bytes[i];
      allowed[offset + i].set(Index(bytes[i]));
    }
  }
  void Sync() {
    for (size_t i = 0; i < allowed.size(); ++i) {
      allowed[i].reset();
      allowed[i].set(i < cached.size() ? Index(cached[i]) : 0);
    }
    durable_size = cached.size();
    pending_sizes.clear();
    shrunk = false;
  }
  void WriteDurable(uint64_t offset, const std::string& bytes) {
    Write(offset, bytes);
    if (shrunk) return Sync();
    for (size_t i = 0; i < bytes.size(); ++i) {
      allowed[offset + i].reset();
      allowed[offset + i].set(Index(bytes[i]));
    }
    durable_size = std::max<uint64_t>(durable_size, offset + bytes.size());
    std::erase_if(pending_sizes, [&](uint64_t size) { return size <= durable_size; });
  }
  void CheckCrashed(const std::string& content) const {
    const bool size_pending = std::find(pending_sizes.begin(), pending_sizes.end(),
                                        content.size()) != pending_sizes.end();
    if (content.size() != durable_size && !size_pending) FAIL("size " << content.size());
    for (size_t i = 0; i < content.size(); ++i) {
      if (!allowed[i].test(Index(content[i]))) FAIL("byte " << i << " of " << content.size());
    }
  }
};

TEST_CASE("random histories: a crash leaves only bytes that the contract allows") {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    base::Prng prng(seed);
    SimEnv env({.seed = seed});
    const auto file = DurableFile(env, "");
    ByteModel model;
    for (int step = 0; step < 40; ++step) {
      const uint64_t offset = prng.Below(3000);
      const std::string bytes(1 + prng.Below(prng.OneIn(4) ? 6000 : 300),
                              static_cast<char>(1 + step));
      const uint64_t what = prng.Below(10);
      if (what < 5) {
        REQUIRE(WriteAt(*file, offset, bytes).ok());
        model.Write(offset, bytes);
      } else if (what < 8) {
        REQUIRE(WriteDurableAt(*file, offset, bytes).ok());
        model.WriteDurable(offset, bytes);
      } else if (what < 9) {
        REQUIRE(file->Truncate(offset).ok());
        model.Resize(offset);
      } else {
        REQUIRE(file->SyncData().ok());
        model.Sync();
      }
      if (*env.Content("/a") != model.cached) FAIL("reads differ");
      if (AfterCrash(env, 0, CrashMode::kAllKept) != model.cached) FAIL("kept differs");
      model.CheckCrashed(AfterCrash(env, 0, CrashMode::kNoneKept));
      model.CheckCrashed(AfterCrash(env, seed * 100 + step, CrashMode::kRandom));
      model.CheckCrashed(AfterCrash(*env.CloneKilled(), step, CrashMode::kRandom));
    }
  }
}

TEST_CASE("ReplaceFile leaves the old or the new content at every crash point") {
  for (const CrashMode mode : {CrashMode::kNoneKept, CrashMode::kRandom, CrashMode::kReordered}) {
    SimEnv env;
    const std::string old(3000, 'o'), fresh(5000, 'n');
    REQUIRE(env.Put("/a", old).ok());
    int images = 0;
    env.SetEffectHook([&] {
      for (uint64_t seed = 0; seed < 50; ++seed) {
        const std::string content = AfterCrash(env, seed, mode);
        if (content != old && content != fresh) FAIL("neither old nor new");
        ++images;
      }
    });
    REQUIRE(ReplaceFile(env, "/", "a", fresh).ok());
    CHECK(images == 5 * 50);  // create, write, sync, rename, directory sync
    env.SetEffectHook(nullptr);
    CHECK(Outcomes(env, mode) == std::set<std::string>{fresh});
  }
}

}  // namespace
}  // namespace jzse::io
