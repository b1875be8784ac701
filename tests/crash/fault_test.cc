// SPDX-License-Identifier: Apache-2.0
// The n-th call fails: for n = 1, 2, 3 and so on, until a whole workload runs through without meeting the fault.
//
// Whatever fails, the process survives, every failure has a code that fits, nothing acknowledged is lost, and the store
// opens cleanly once the disk works again.
#include <catch2/catch.hpp>
#include <algorithm>

#include "store_world.h"

namespace jzse::crash {
namespace {

using io::Op;
using io::OpMask;
using io::SimEnv;

struct Plan {
  const char* name;
  OpMask ops;
  Code code;
  bool for_ever;
};

// Failures that a fault of the disk may become. kReadOnly: writes stopped; kClosed: the store is gone after a failed open.
bool Sensible(Code code, Code planned) {
  return code == planned || code == Code::kReadOnly || code == Code::kIo || code == Code::kCorrupt;
}

// Content that was acknowledged: path -> what it may hold (a failed put may be found after reopening).
struct Ledger {
  std::map<std::string, std::vector<std::string>> allowed;
  void Acknowledged(const std::string& path, const std::string& data) { allowed[path] = {data}; }
  void Unknown(const std::string& path, const std::string& data) {
    auto& states = allowed[path];
    if (states.empty()) states.push_back("(absent)");
    states.push_back(data);
  }
  std::string Check(Store& store) const {
    for (const auto& [path, states] : allowed) {
      const auto data = Get(store, "default", path);
      const std::string have = data.ok() ? *data : "(absent)";
      if (!data.ok() && !base::Is(data.status(), Code::kNotFound))
        return path + ": " + std::string(data.status().message());
      if (std::find(states.begin(), states.end(), have) == states.end())
        return path + ": " + std::to_string(have.size()) + " bytes that were never there at this time";
    }
    return "";
  }
};

// Puts, small and chunked, through a roll and a reopening; goes on after failures as a stubborn caller would.
// Failures are collected as codes.
void Work(SimEnv& env, Ledger& ledger, std::vector<base::Status>& failures) {
  for (int life = 0; life < 2; ++life) {
    auto store = OpenOn(env);
    if (!store.ok()) {
      failures.push_back(store.status());
      continue;
    }
    for (int i = 0; i < 9; ++i) {
      const std::string path = "f" + std::to_string(i % 4);
      const size_t size = i % 4 == 3 ? 70'000 : i < 6 ? 60'000 : 100;
      const std::string data = Noise(static_cast<uint64_t>(life * 100 + i), size);
      const base::Status status = Put(**store, "default", path, data);
      if (status.ok()) {
        ledger.Acknowledged(path, data);
      } else {
        failures.push_back(status);
        ledger.Unknown(path, data);
      }
    }
    engine::CompactOptions full;
    full.full = life == 1;
    if (const base::Status status = (*store)->Compact(full).status(); !status.ok()) failures.push_back(status);
    if (const base::Status status = (*store)->Close(); !status.ok()) failures.push_back(status);
  }
}

void FailEvery(const Plan& plan, uint64_t step) {
  uint64_t n = 1;
  for (;; n += step) {
    REQUIRE(n < 20'000);
    SimEnv env;
    { REQUIRE(OpenOn(env).ok()); }  // that a creation may fail at any point is what power_cut_test shows
    Ledger ledger;
    std::vector<base::Status> failures;
    env.FailNth(plan.ops, n, plan.code, plan.for_ever);
    Work(env, ledger, failures);
    const bool fired = env.faults_fired() > 0;
    env.ClearFaults();
    for (const base::Status& failure : failures) {
      INFO(plan.name << " call " << n << ": " << failure);
      CHECK(Sensible(base::CodeOf(failure), plan.code));
      CHECK(failure.message().size() > 0);
    }
    auto store = OpenOn(env);
    INFO(plan.name << " call " << n << ": then open: " << store.status());
    REQUIRE(store.ok());
    CHECK(ledger.Check(**store) == "");
    CHECK(VerifyProblems(**store) == "");
    CHECK(Put(**store, "default", "later", "works").ok());
    if (!fired) break;
  }
  INFO(plan.name);
  CHECK(n > 1);
}

TEST_CASE("any one write that fails loses nothing") {
  FailEvery({"write", io::kWriteOps, Code::kIo, false}, 1);
  FailEvery({"write without space", io::kWriteOps, Code::kNoSpace, false}, 1);
}
TEST_CASE("writes that fail from some moment on lose nothing") {
  FailEvery({"write", io::kWriteOps, Code::kIo, true}, 3);
  FailEvery({"write without space", io::kWriteOps, Code::kNoSpace, true}, 3);
}
TEST_CASE("any one sync that fails loses nothing") { FailEvery({"sync", io::kSyncOps, Code::kIo, false}, 1); }
TEST_CASE("syncs that fail from some moment on lose nothing") {
  FailEvery({"sync", io::kSyncOps, Code::kIo, true}, 3);
}
TEST_CASE("any one read that fails loses nothing") {
  FailEvery({"read", static_cast<OpMask>(Op::kRead), Code::kIo, false}, 1);
}
TEST_CASE("any one open or creation of a file that fails loses nothing") {
  FailEvery({"open", Op::kOpen | Op::kCreate, Code::kIo, false}, 1);
  FailEvery({"create without space", static_cast<OpMask>(Op::kCreate), Code::kNoSpace, false}, 1);
}
TEST_CASE("any one call on a directory that fails loses nothing") {
  FailEvery({"rename", static_cast<OpMask>(Op::kRename), Code::kIo, false}, 1);
  FailEvery({"remove", static_cast<OpMask>(Op::kRemove), Code::kIo, false}, 1);
  FailEvery({"sync of a directory", static_cast<OpMask>(Op::kSyncDir), Code::kIo, false}, 1);
  FailEvery({"truncate", static_cast<OpMask>(Op::kTruncate), Code::kIo, false}, 1);
  FailEvery({"list", static_cast<OpMask>(Op::kListDir), Code::kIo, false}, 1);
}

TEST_CASE("after a failed sync writes are refused, reads go on, and reopening brings the store back") {
  SimEnv env;
  auto store = OpenOn(env);
  REQUIRE(store.ok());
  REQUIRE(Put(**store, "default", "before", "kept").ok());
  env.FailNth(io::kSyncOps, 1, Code::kIo);
  const base::Status failed = Put(**store, "default", "during", "unknown");
  CHECK(base::CodeOf(failed) == Code::kIo);
  // The disk works again, but nobody knows what the failed sync dropped.
  CHECK(base::CodeOf(Put(**store, "default", "after", "refused")) == Code::kReadOnly);
  CHECK(base::CodeOf(Delete(**store, "default", "before")) == Code::kReadOnly);
  const auto kept = Get(**store, "default", "before");
  REQUIRE(kept.ok());
  CHECK(*kept == "kept");
  CHECK(base::CodeOf(Get(**store, "default", "during").status()) == Code::kNotFound);
  CHECK((*store)->GetStats()->read_only);
  store->reset();
  store = OpenOn(env);
  REQUIRE(store.ok());
  CHECK(*Get(**store, "default", "before") == "kept");
  CHECK(base::CodeOf(Get(**store, "default", "after").status()) == Code::kNotFound);
  CHECK(VerifyProblems(**store) == "");
  CHECK(Put(**store, "default", "after", "accepted").ok());
}

TEST_CASE("a failed sync of chunks stops every write, not only those of large contents") {
  SimEnv env;
  auto store = OpenOn(env);
  REQUIRE(store.ok());
  REQUIRE(Put(**store, "default", "before", Noise(1, 100'000)).ok());
  env.FailNth(io::kSyncOps, 1, Code::kIo);
  CHECK(base::CodeOf(Put(**store, "default", "during", Noise(2, 100'000))) == Code::kIo);
  REQUIRE(env.faults_fired() == 1);
  CHECK(base::CodeOf(Put(**store, "default", "small", "refused")) == Code::kReadOnly);
  CHECK(base::CodeOf(Put(**store, "default", "large", Noise(3, 100'000))) == Code::kReadOnly);
  CHECK(base::CodeOf(Delete(**store, "default", "before")) == Code::kReadOnly);
  CHECK(*Get(**store, "default", "before") == Noise(1, 100'000));
  CHECK((*store)->GetStats()->read_only);
  store->reset();
  store = OpenOn(env);
  REQUIRE(store.ok());
  CHECK(*Get(**store, "default", "before") == Noise(1, 100'000));
  CHECK(VerifyProblems(**store) == "");
  CHECK(Put(**store, "default", "after", Noise(4, 100'000)).ok());
}

TEST_CASE("a full disk refuses puts, still reads and deletes, and recovers when there is space") {
  SimEnv env;
  engine::Options options = QuietOptions();
  options.free_space_reserve = base::kMiB;
  auto store = Store::Open(env, kStore, options);
  REQUIRE(store.ok());
  REQUIRE(Put(**store, "default", "victim", Noise(1, 60'000)).ok());
  REQUIRE(Put(**store, "default", "kept", Noise(2, 60'000)).ok());
  env.SetFreeSpace(base::kMiB + 2000);
  base::Status full;
  for (int i = 0; i < 40 && full.ok(); ++i) full = Put(**store, "default", "fill" + std::to_string(i), Noise(3, 60'000));
  INFO(full);
  REQUIRE(base::CodeOf(full) == Code::kNoSpace);
  const base::Status large = Put(**store, "default", "large", Noise(4, 500'000));
  CHECK(base::CodeOf(large) == Code::kNoSpace);
  const auto kept = Get(**store, "default", "kept");
  REQUIRE(kept.ok());
  CHECK(*kept == Noise(2, 60'000));
  for (int i = 0; i < 3; ++i) {
    const base::Status deleted = Delete(**store, "default", i == 0 ? "victim" : "fill" + std::to_string(i));
    INFO(deleted);
    CHECK((deleted.ok() || (i > 0 && base::Is(deleted, Code::kNotFound))));
  }
  CHECK(base::CodeOf(Get(**store, "default", "victim").status()) == Code::kNotFound);
  env.SetFreeSpace(100 * base::kMiB);
  CHECK(Put(**store, "default", "again", Noise(5, 60'000)).ok());
  CHECK(Put(**store, "default", "large", Noise(4, 500'000)).ok());
  CHECK(VerifyProblems(**store) == "");
  REQUIRE((*store)->Close().ok());
  auto reopened = Store::Open(env, kStore, options);
  REQUIRE(reopened.ok());
  CHECK(*Get(**reopened, "default", "large") == Noise(4, 500'000));
}

TEST_CASE("a store on a full disk opens, reads and deletes") {
  SimEnv env;
  {
    auto store = OpenOn(env);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "a", "content").ok());
    REQUIRE((*store)->Close().ok());
  }
  engine::Options options = QuietOptions();
  options.free_space_reserve = 16 * base::kMiB;
  env.SetFreeSpace(2 * base::kMiB);  // inside the reserve
  auto store = Store::Open(env, kStore, options);
  INFO(store.status());
  REQUIRE(store.ok());
  CHECK(*Get(**store, "default", "a") == "content");
  CHECK(base::CodeOf(Put(**store, "default", "b", "refused")) == Code::kNoSpace);
  const base::Status deleted = Delete(**store, "default", "a");
  INFO(deleted);
  CHECK(deleted.ok());
}

TEST_CASE("what is shown after a failed sync and a reopening survives the next power cut") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    io::SimOptions options;
    options.seed = seed;
    SimEnv env(options);
    {
      auto store = OpenOn(env);
      REQUIRE(store.ok());
      REQUIRE(Put(**store, "default", "a", "first").ok());
      env.FailNth(io::kSyncOps, 1, Code::kIo, true);
      CHECK_FALSE(Put(**store, "default", seed % 2 == 0 ? "b" : "large", Noise(seed, seed % 2 == 0 ? 100 : 90'000)).ok());
    }
    env.ClearFaults();
    std::unique_ptr<SimEnv> image;
    Dump shown;
    {
      auto store = OpenOn(env);
      REQUIRE(store.ok());
      REQUIRE(Put(**store, "default", "c", "acknowledged").ok());
      REQUIRE(Put(**store, "default", "the same", Noise(seed, 90'000)).ok());  // its chunks may be there already
      shown = *DumpOf(**store);
      image = env.CloneCrashed(seed, io::CrashMode::kNoneKept);
    }
    auto store = OpenOn(*image);
    REQUIRE(store.ok());
    const auto dump = DumpOf(**store);
    INFO("seed " << seed << ": " << dump.status());
    REQUIRE(dump.ok());
    CHECK(Difference(shown, *dump) == "");
    CHECK((*store)->GetStats()->corrupt_records == 0);
    CHECK(VerifyProblems(**store) == "");
  }
}

TEST_CASE("what a failed compaction leaves behind is gone before a later one succeeds") {
  for (const OpMask ops : {io::kWriteOps, static_cast<OpMask>(Op::kTruncate), io::kSyncOps, Op::kTruncate | Op::kRemove,
                           Op::kSyncDir | Op::kRemove}) {
    for (uint64_t n = 1; n < 12; ++n) {
      SimEnv env;
      auto store = OpenOn(env);
      REQUIRE(store.ok());
      engine::CompactOptions full;
      full.full = true;
      const auto rewrite = [&](uint64_t seed) {
        for (int i = 0; i < 3; ++i) (void)Put(**store, "default", "a" + std::to_string(i), Noise(seed + i, 500));
        return Delete(**store, "default", "a1").ok();
      };
      rewrite(1);
      REQUIRE((*store)->Compact(full).ok());
      rewrite(4);
      env.FailNth(ops, n, Code::kIo, ops != io::kWriteOps);
      (void)(*store)->Compact(full);
      env.ClearFaults();
      for (uint64_t round = 2; round < 5 && rewrite(round * 3 + 1); ++round) (void)(*store)->Compact(full);
      const auto dump = DumpOf(**store);
      (void)(*store)->Close();
      store->reset();
      auto again = OpenOn(env);
      INFO("call " << n << " of " << ops << ": " << again.status());
      REQUIRE(again.ok());
      CHECK((*again)->GetStats()->corrupt_records == 0);
      CHECK(VerifyProblems(**again) == "");
      if (dump.ok()) CHECK(Difference(*dump, *DumpOf(**again)) == "");
    }
  }
}

TEST_CASE("an index whose background work failed shows everything all the same, and is brought up to date by reopening") {
  SimEnv env;
  engine::Options options = QuietOptions();
  options.memory_limit = base::kMemoryLimitMin;  // so that the index soon wants to write a table
  options.settled_index = true;
  auto opened = Store::Open(env, kStore, options);
  REQUIRE(opened.ok());
  Store& store = **opened;
  // A commit segment large enough for what follows: creating another one would fail.
  for (int i = 0; i < 160; ++i) REQUIRE(Put(store, "default", "wide/" + std::to_string(i), Noise(1, 60'000)).ok());
  const std::string large = Noise(2, 300'000);
  REQUIRE(Put(store, "default", "large", large).ok());
  env.FailNth(static_cast<OpMask>(Op::kCreate), 1, Code::kIo, true);
  engine::PutOptions attributes;
  attributes.attributes.metadata = {{"k", std::string(15'000, 'm')}};
  int put = 0;
  const auto put_more = [&](int count) {
    for (int i = 0; i < count; ++i, ++put)
      REQUIRE(Put(store, "default", "file/" + std::to_string(put), std::to_string(put), attributes).ok());
  };
  const auto check = [&] {
    CHECK(*Get(store, "default", "large") == large);
    engine::ListOptions listing;
    listing.prefix = "file/";
    auto lister = store.List("default", listing);
    REQUIRE(lister.ok());
    int listed = 0;
    for (;; ++listed) {
      const auto entry = (*lister)->Next();
      REQUIRE(entry.ok());
      if (*entry == nullptr) break;
    }
    CHECK(listed == put);
    const auto stats = store.GetStats();
    REQUIRE(stats.ok());
    CHECK(stats->file_count == 161 + static_cast<uint64_t>(put));
    CHECK(VerifyProblems(store) == "");
  };
  // Listing drains: the table that cannot be created is met on the way.
  while (env.faults_fired() == 0) {
    REQUIRE(put < 400);
    put_more(10);
    check();
  }
  env.ClearFaults();  // LevelDB does not try again
  put_more(20);
  check();
  auto snapshot = store.OpenSnapshot();
  REQUIRE(snapshot.ok());
  const auto before = DumpOf(store);
  REQUIRE(before.ok());
  REQUIRE(Delete(store, "default", "file/0").ok());
  --put;
  check();
  engine::GetOptions then;
  then.snapshot = snapshot->get();
  CHECK(store.Stat("default", "file/0", then).ok());
  CHECK(base::Is(store.Stat("default", "file/0", {}).status(), Code::kNotFound));
  CHECK_FALSE(store.Compact({}).ok());  // it wants the index on disk
  const auto last = DumpOf(store);
  REQUIRE(last.ok());
  snapshot->reset();
  CHECK_FALSE(store.Close().ok());
  opened->reset();
  auto again = Store::Open(env, kStore, options);
  REQUIRE(again.ok());
  const auto reopened = DumpOf(**again);
  REQUIRE(reopened.ok());
  CHECK(Difference(*last, *reopened) == "");
  CHECK(VerifyProblems(**again) == "");
  CHECK((*again)->Compact({}).ok());
}

}  // namespace
}  // namespace jzse::crash
