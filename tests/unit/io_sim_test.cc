// SPDX-License-Identifier: Apache-2.0
// Faults, clock, determinism and cost of the simulated disk; and the recording Env.
#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "io/recording_env.h"
#include "io/sim_env.h"
#include "io_world.h"

namespace jzse::io {
namespace {

using base::Code;
using base::Is;
using Catch::Contains;

OpMask Only(Op op) { return static_cast<OpMask>(op); }

TEST_CASE("the n-th call of a kind fails, once or for ever") {
  SimEnv env;
  env.FailNth(Only(Op::kCreate), 2, Code::kNoSpace);
  CHECK(env.Open("/1", OpenMode::kCreate).ok());
  CHECK(env.Open("/1", OpenMode::kRead).ok());  // another kind
  const auto failed = env.Open("/2", OpenMode::kCreate);
  CHECK(Is(failed.status(), Code::kNoSpace));
  CHECK_THAT(std::string(failed.status().message()), Contains("/2"));
  CHECK(env.Open("/2", OpenMode::kCreate).ok());
  CHECK(env.faults_fired() == 1);

  env.FailNth(Op::kRename | Op::kRemove, 1, Code::kIo, true);
  CHECK(Is(env.Rename("/1", "/3"), Code::kIo));
  CHECK(Is(env.Remove("/1"), Code::kIo));
  CHECK(Is(env.Remove("/1"), Code::kIo));
  CHECK(*env.Exists("/1"));
  env.ClearFaults();
  CHECK(env.Remove("/1").ok());
  CHECK(env.faults_fired() == 4);
}

TEST_CASE("every kind of call can be made to fail") {
  SimEnv env;
  REQUIRE(env.Put("/a", "content").ok());
  const auto file = *env.Open("/a", OpenMode::kReadWrite);
  char byte;
  const std::vector<std::pair<Op, std::function<Status()>>> calls = {
      {Op::kRead, [&] { return file->Read(0, 1, &byte).status(); }},
      {Op::kWrite, [&] { return WriteAt(*file, 0, "x"); }},
      {Op::kWriteDurable, [&] { return WriteDurableAt(*file, 0, "x"); }},
      {Op::kSyncData, [&] { return file->SyncData(); }},
      {Op::kTruncate, [&] { return file->Truncate(3); }},
      {Op::kSize, [&] { return file->Size().status(); }},
      {Op::kOpen, [&] { return env.Open("/a", OpenMode::kRead).status(); }},
      {Op::kCreate, [&] { return env.Open("/b", OpenMode::kCreate).status(); }},
      {Op::kCreateDir, [&] { return env.CreateDir("/d"); }},
      {Op::kRemoveDir, [&] { return env.RemoveDir("/d"); }},
      {Op::kListDir, [&] { return env.ListDir("/").status(); }},
      {Op::kExists, [&] { return env.Exists("/a").status(); }},
      {Op::kRename, [&] { return env.Rename("/b", "/c"); }},
      {Op::kRemove, [&] { return env.Remove("/c"); }},
      {Op::kSyncDir, [&] { return env.SyncDir("/"); }},
      {Op::kFreeSpace, [&] { return env.FreeSpace("/").status(); }},
      {Op::kLock, [&] { return env.Lock("/LOCK").status(); }},
  };
  for (const auto& [op, call] : calls) {
    INFO(OpName(op));
    env.FailNth(Only(op), 1, Code::kBusy);
    CHECK(Is(call(), Code::kBusy));
    CHECK(call().ok());
  }
}

TEST_CASE("whichever step of ReplaceFile fails, the file is the old or the new one") {
  const std::string old(3000, 'o'), fresh(5000, 'n');
  bool finished = false;
  for (uint64_t n = 1; !finished; ++n) {
    INFO("failing call " << n);
    SimEnv env({.seed = n});
    REQUIRE(env.Put("/a", old).ok());
    env.FailNth(kAllOps, n, Code::kIo);
    const Status status = ReplaceFile(env, "/", "a", fresh);
    finished = env.faults_fired() == 0;
    env.ClearFaults();
    CHECK(status.ok() == finished);
    for (const CrashMode mode : {CrashMode::kNoneKept, CrashMode::kAllKept, CrashMode::kRandom}) {
      const std::string after = *env.CloneCrashed(n, mode)->Content("/a");
      CHECK((after == fresh || (after == old && !finished)));
    }
    CHECK_FALSE(*env.Exists("/a.new"));
    CHECK(ReplaceFile(env, "/", "a", fresh).ok());
    CHECK(*env.CloneCrashed(n, CrashMode::kNoneKept)->Content("/a") == fresh);
  }
}

TEST_CASE("a failed write leaves a prefix") {
  std::set<size_t> prefixes;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimEnv env({.seed = seed});
    const auto file = CreateFile(env, "/a");
    env.FailNth(kWriteOps, 1, Code::kIo);
    CHECK(Is(WriteAt(*file, 0, "0123456789"), Code::kIo));
    const std::string content = *env.Content("/a");
    CHECK(content == std::string("0123456789").substr(0, content.size()));
    prefixes.insert(content.size());
  }
  CHECK(prefixes.size() == 11);
}

TEST_CASE("a full disk stops growth, not overwriting; removing gives space back") {
  SimEnv env;
  const auto file = CreateFile(env, "/a", std::string(1000, 'a'));
  env.SetFreeSpace(500);
  CHECK(*env.FreeSpace("/") == 500);
  CHECK(Is(WriteAt(*file, 900, std::string(700, 'b')), Code::kNoSpace));
  CHECK(*file->Size() == 1500);  // a prefix
  CHECK(*env.FreeSpace("/") == 0);
  CHECK(WriteAt(*file, 0, std::string(1500, 'c')).ok());
  CHECK(Is(WriteDurableAt(*file, 1500, "d"), Code::kNoSpace));
  CHECK(env.Lock("/LOCK").ok());
  REQUIRE(file->Truncate(1000).ok());
  CHECK(*env.FreeSpace("/") == 500);
  auto other = CreateFile(env, "/b", std::string(500, 'e'));
  REQUIRE(env.Remove("/b").ok());
  CHECK(*env.FreeSpace("/") == 0);  // held by the handle
  other.reset();
  CHECK(*env.FreeSpace("/") == 500);
  CreateFile(env, "/b", std::string(400, 'f'));
  CreateFile(env, "/c", std::string(100, 'g'));
  REQUIRE(env.Rename("/c", "/b").ok());
  CHECK(*env.FreeSpace("/") == 400);
  CHECK(*env.CloneKilled()->FreeSpace("/") == 400);
}

TEST_CASE("a read-only disk serves reads and refuses effects") {
  SimEnv env;
  REQUIRE(env.Put("/a", "content").ok());
  const auto file = *env.Open("/a", OpenMode::kReadWrite);
  env.SetReadOnly(true);
  CHECK(ReadAt(*file, 0, 9) == "content");
  CHECK(env.Open("/a", OpenMode::kRead).ok());
  CHECK(Is(env.Open("/a", OpenMode::kReadWrite).status(), Code::kReadOnly));
  CHECK(Is(WriteAt(*file, 0, "x"), Code::kReadOnly));
  CHECK(Is(env.Lock("/LOCK").status(), Code::kReadOnly));
  CHECK(Is(env.Remove("/a"), Code::kReadOnly));
  env.SetReadOnly(false);
  CHECK(WriteAt(*file, 0, "x").ok());
}

TEST_CASE("damage of the medium: flipped bits, noise, unreadable sectors, short reads") {
  SimEnv env;
  const std::string content(2000, 'a');
  REQUIRE(env.Put("/a", content).ok());
  const auto file = *env.Open("/a", OpenMode::kReadWrite);
  REQUIRE(env.FlipBit("/a", 700, 1).ok());
  CHECK(ReadAt(*file, 699, 3) == "aca");
  CHECK((*env.CloneCrashed(1, CrashMode::kNoneKept)->Content("/a"))[700] == 'c');
  REQUIRE(env.CorruptSector("/a", 1030, 9).ok());
  const std::string damaged = ReadAt(*file, 0, 2000);
  CHECK(damaged.substr(0, 700) == content.substr(0, 700));
  CHECK(damaged.substr(1024, 512) != content.substr(1024, 512));
  CHECK(damaged.substr(1536) == content.substr(1536));
  CHECK(Is(env.FlipBit("/a", 2000, 0), Code::kInvalid));
  CHECK(Is(env.FlipBit("/b", 0, 0), Code::kNotFound));

  REQUIRE(env.MarkUnreadable("/a", 512, 512).ok());
  char buffer[2000];
  CHECK(Is(file->Read(0, 2000, buffer).status(), Code::kIo));
  CHECK(file->Read(0, 512, buffer).ok());
  CHECK(file->Read(1024, 512, buffer).ok());
  REQUIRE(WriteAt(*file, 512, std::string(512, 'n')).ok());
  CHECK(ReadAt(*file, 512, 512) == std::string(512, 'n'));

  env.ShortReadNth(2);
  CHECK(*file->Read(0, 100, buffer) == 100);
  CHECK(*file->Read(0, 100, buffer) < 100);
  CHECK(*file->Read(0, 100, buffer) == 100);
}

TEST_CASE("what no disk does is refused with a code") {
  SimEnv env;
  REQUIRE(env.CreateDir("/d").ok());
  REQUIRE(env.CreateDir("/d/below").ok());
  REQUIRE(env.CreateDir("/e").ok());
  REQUIRE(env.Put("/d/file", "content").ok());
  const std::string up = "/d/../file";
  CHECK(Is(env.Open(up, OpenMode::kRead).status(), Code::kInvalid));
  CHECK(Is(env.Open(up, OpenMode::kCreate).status(), Code::kInvalid));
  CHECK(Is(env.CreateDir(up), Code::kInvalid));
  CHECK(Is(env.RemoveDir(up), Code::kInvalid));
  CHECK(Is(env.ListDir(up).status(), Code::kInvalid));
  CHECK(Is(env.SyncDir(up), Code::kInvalid));
  CHECK(Is(env.Exists(up).status(), Code::kInvalid));
  CHECK(Is(env.Remove(up), Code::kInvalid));
  CHECK(Is(env.FreeSpace(up).status(), Code::kInvalid));
  CHECK(Is(env.Rename(up, "/d/b"), Code::kInvalid));
  CHECK(Is(env.Rename("/d/file", up), Code::kInvalid));
  CHECK(Is(env.Rename("/d/file", "/"), Code::kExists));
  CHECK(Is(env.Rename("/d/below", "/e/below"), Code::kUnsupported));
  CHECK(Is(env.Open("/", OpenMode::kRead).status(), Code::kExists));
  CHECK(Is(env.FreeSpace("/nothing").status(), Code::kNotFound));
  CHECK(Is(env.CorruptSector("/nothing", 0, 1), Code::kNotFound));
  CHECK(Is(env.MarkUnreadable("/nothing", 0, 1), Code::kNotFound));
  CHECK(Is(env.Put("/d", "bytes"), Code::kExists));
  const auto file = *env.Open("/d/file", OpenMode::kReadWrite);
  env.Crash(1, CrashMode::kNoneKept);
  CHECK(Is(file->Size().status(), Code::kIo));
  CHECK(Is(file->Truncate(0), Code::kIo));
}

TEST_CASE("a replaced file's leftover that cannot be removed fails the replacing") {
  SimEnv env;
  REQUIRE(env.Put("/a.new", "left by a crash").ok());
  env.FailNth(static_cast<OpMask>(Op::kRemove), 1, Code::kIo);
  CHECK(Is(ReplaceFile(env, "/", "a", "new"), Code::kIo));
  CHECK(ReplaceFile(env, "/", "a", "new").ok());
  CHECK(*env.Content("/a") == "new");
}

TEST_CASE("time is virtual") {
  SimEnv env({.wall_micros = 5'000'000});
  const int64_t wall = env.NowMicros(), monotonic = env.MonotonicMicros();
  CHECK(wall == 5'000'001);
  env.AdvanceClock(1000);
  CHECK(env.NowMicros() == wall + 1001);
  CHECK(env.MonotonicMicros() == monotonic + 1001);
  env.SetWallClock(3);
  CHECK(env.NowMicros() == 4);
  CHECK(env.MonotonicMicros() == monotonic + 1002);
}

TEST_CASE("threads can be refused") {
  SimEnv env({.threads = false});
  CHECK(env.StartThread([] {}) == nullptr);
}

std::string AnyPath(base::Prng& prng) {
  return std::string("/") + static_cast<char>('a' + prng.Below(8));
}

uint64_t RunHistory(uint64_t seed, uint64_t entropy_seed, uint64_t* image_hash) {
  base::Prng prng(seed);
  SimEnv env({.seed = entropy_seed});
  std::string image;
  for (int i = 0; i < 200; ++i) {
    const std::string path = AnyPath(prng);
    auto file = env.Open(path, OpenMode::kReadWrite);
    if (!file.ok()) file = env.Open(path, OpenMode::kCreate);
    REQUIRE(file.ok());
    if (prng.OneIn(10)) env.FailNth(kSyncOps, 1, Code::kIo);
    WriteAt(**file, prng.Below(10'000), prng.Bytes(prng.Below(5000))).IgnoreError();
    if (prng.OneIn(3)) (*file)->SyncData().IgnoreError();
    if (prng.OneIn(5)) env.Rename(path, AnyPath(prng)).IgnoreError();
    if (prng.OneIn(9)) env.SyncDir("/").IgnoreError();
    const auto crashed = env.CloneCrashed(seed + i, CrashMode::kReordered);
    for (const std::string& name : crashed->Paths()) image += name + *crashed->Content(name);
    image = std::to_string(base::Xxh64(image, 1));
  }
  *image_hash = base::Xxh64(image, 1);
  return env.trace_hash();
}

TEST_CASE("the same seed gives the same trace and the same images, another seed others") {
  uint64_t images[4];
  const uint64_t first = RunHistory(1, 1, &images[0]);
  CHECK(RunHistory(1, 1, &images[1]) == first);
  CHECK(images[0] == images[1]);
  CHECK(RunHistory(2, 1, &images[2]) != first);
  CHECK(images[2] != images[0]);
  CHECK(RunHistory(1, 2, &images[3]) != first);  // faults fall differently
}

TEST_CASE("the hook sees every effect, from every thread, and may fork the disk") {
  SimEnv env;
  std::atomic<uint64_t> seen{0};
  env.SetEffectHook([&] {
    ++seen;
    CHECK(env.CloneCrashed(seen, CrashMode::kRandom) != nullptr);
  });
  CreateFile(env, "/a", "x");
  CHECK(Is(env.CreateDir("/a"), Code::kExists));  // no effect
  {
    const auto thread = env.StartThread([&] { env.CreateDir("/d").IgnoreError(); });
  }
  CHECK(seen == 3);
  CHECK(env.effects() == 3);
}

TEST_CASE("clones share what neither of them writes") {
  SimEnv env;
  REQUIRE(env.Put("/big", std::string(8 << 20, 'b')).ok());
  std::vector<std::unique_ptr<SimEnv>> clones;  // 32 GiB, were they copies
  for (uint64_t i = 0; i < 4096; ++i) clones.push_back(env.CloneCrashed(i, CrashMode::kRandom));
  for (const size_t i : {size_t{0}, size_t{4095}}) {
    const auto file = *clones[i]->Open("/big", OpenMode::kReadWrite);
    REQUIRE(WriteAt(*file, 5000, "changed").ok());
    CHECK(ReadAt(*file, 4999, 8) == "bchanged");
  }
  CHECK(env.Content("/big")->substr(5000, 7) == "bbbbbbb");
  CHECK(clones[1]->Content("/big")->substr(5000, 7) == "bbbbbbb");
}

TEST_CASE("recording tells of every call, with what it was about and how it went") {
  SimEnv sim;
  std::vector<std::string> log;
  RecordingEnv env(sim, [&](const Record& record) {
    std::ostringstream line;
    line << OpName(record.op) << " " << record.path;
    if (!record.to_path.empty()) line << " -> " << record.to_path;
    line << " " << record.offset << "+" << record.size << (record.ok ? "" : " failed");
    log.push_back(line.str());
  });
  const auto file = CreateFile(env, "/a", "hello");
  const Bytes parts[] = {"ab", "c"};
  REQUIRE(file->WriteDurable(2, parts).ok());
  REQUIRE(file->SyncData().ok());
  char buffer[8];
  ReadOp ops[2] = {{file.get(), 0, 3, buffer, {}, 0}, {file.get(), 3, 2, buffer + 3, {}, 0}};
  env.ReadBatch(ops);
  CHECK(std::string(buffer, 5) == "heabc");
  REQUIRE(file->Truncate(1).ok());
  CHECK(*file->Size() == 1);
  CHECK_FALSE(env.Open("/b", OpenMode::kRead).ok());
  REQUIRE(env.Rename("/a", "/b").ok());
  REQUIRE(env.SyncDir("/").ok());
  sim.FailNth(Only(Op::kRemove), 1, Code::kIo);
  CHECK(Is(env.Remove("/b"), Code::kIo));
  CHECK(log == std::vector<std::string>{
                   "create /a 0+0", "write /a 0+5", "write-durable /a 2+3", "sync /a 0+0",
                   "read /a 0+3", "read /a 3+2", "truncate /a 1+0", "size /a 0+0",
                   "open /b 0+0 failed", "rename /a -> /b 0+0", "sync-dir / 0+0",
                   "remove /b 0+0 failed"});
}

}  // namespace
}  // namespace jzse::io
