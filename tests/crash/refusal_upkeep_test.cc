// SPDX-License-Identifier: Apache-2.0
// What compaction, recovery and verify refuse, and say of failures, where no scenario comes to.
#include <catch2/catch.hpp>
#include <atomic>

#include "refusal.h"
#include "store/file_entry.h"
#include "store/record.h"

namespace jzse::crash {
namespace {

TEST_CASE("a compaction that is told to stop does, wherever it is") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  for (int round = 0; round < 2; ++round) {
    Transaction t;
    for (int i = 0; i < 1300; ++i)
      REQUIRE(store->AddPut(t, "default", "f" + std::to_string(i), std::to_string(round), true, {}).ok());
    REQUIRE(store->Commit(std::move(t)).ok());
  }
  REQUIRE(Put(*store, "default", "large", Noise(1, 100'000)).ok());
  REQUIRE(store->Close().ok());
  store = OpenWith(env, QuietOptions());
  size_t stopped = 0;
  bool full = false;  // at first there is little to copy, and all the more to look at
  for (int allowed = 0;; allowed += full ? 1 + allowed / 3 : 1) {
    int left = allowed;
    engine::CompactOptions options;
    options.full = full;
    options.progress = [&](uint64_t, uint64_t) { return left-- > 0; };
    const Status status = store->Compact(options).status();
    if (status.ok() && full) break;
    if (status.ok()) {
      full = true;
      allowed = 0;
      continue;
    }
    CHECK(Is(status, Code::kClosed));
    ++stopped;
  }
  CHECK(stopped > 3);
  CHECK(VerifyProblems(*store) == "");
}

TEST_CASE("a compaction that can neither write nor take away what it wrote fails, and so does the next one") {
  for (uint64_t n = 1; n < 40; ++n) {
    SimEnv env;
    auto store = OpenWith(env, QuietOptions());
    for (int i = 0; i < 3; ++i) REQUIRE(Put(*store, "default", "f" + std::to_string(i), Noise(i, 900'000)).ok());
    REQUIRE(Delete(*store, "default", "f1").ok());
    REQUIRE(Put(*store, "default", "f0", "1").ok());
    engine::CompactOptions full;
    full.full = true;
    REQUIRE(store->Compact({}).ok());
    env.FailNth(io::kWriteOps, n, Code::kIo);
    env.FailNth(static_cast<OpMask>(Op::kRemove), 1, Code::kIo, true);
    const Status first = store->Compact(full).status(), second = store->Compact(full).status();
    env.ClearFaults();
    CHECK((first.ok() || Is(first, Code::kIo)));
    CHECK((second.ok() || Is(second, Code::kIo) || Is(second, Code::kReadOnly)));
    store.reset();
    store = OpenWith(env, QuietOptions());
    CHECK(VerifyProblems(*store) == "");
  }
}

// Lives of one process after the other, each killed; `middle` is the commit segment of the second.
struct Lives {
  Lives() {
    for (int life = 0; life < 3; ++life) {
      const auto store = OpenWith(*env, QuietOptions());
      REQUIRE(Put(*store, "default", "life" + std::to_string(life), "content").ok());
      if (life == 1) middle = SegmentPaths(*env).back();
      if (life > 0) {
        Transaction t;
        const std::string from = "life" + std::to_string(life - 1), to = "copy" + std::to_string(life);
        REQUIRE(store->AddCopy(t, "default", from, "default", to, {}).ok());
        REQUIRE(store->Commit(std::move(t)).ok());
      }
      auto killed = env->CloneKilled();
      envs.push_back(std::move(env));
      env = std::move(killed);
    }
  }
  std::vector<std::unique_ptr<SimEnv>> envs;
  std::unique_ptr<SimEnv> env = std::make_unique<SimEnv>();
  std::string middle;
};

TEST_CASE("whatever cannot be read while damage is looked for fails the opening") {
  const Lives lives;
  for (const bool settled : {false, true}) {
    for (uint64_t n = 1; n < 300; ++n) {
      for (const bool disk : {false, true}) {
        std::unique_ptr<SimEnv> settled_disk, env = lives.env->CloneKilled();
        if (settled) {  // the index is up to date, and later than the middle
          const auto store = OpenWith(*env, QuietOptions());
          REQUIRE(store->Close().ok());
          settled_disk = env->CloneKilled();
        }
        if (settled) env = std::move(settled_disk);
        REQUIRE(env->Remove(lives.middle).ok());
        IndexFaults faults;
        engine::Options options = QuietOptions();
        options.around_index = faults.Around();
        if (disk) {
          env->FailNth(static_cast<OpMask>(Op::kRead), n, Code::kIo);
        } else {
          faults.Plan(IndexFaults::kGet | IndexFaults::kStep, n, false, false);
        }
        const auto store = Store::Open(*env, kStore, options);
        if (!store.ok()) CHECK(Is(store.status(), Code::kIo));
        if (env->faults_fired() + faults.fired() == 0) n = disk ? 300 : n;
      }
    }
  }
}

TEST_CASE("a long journal is replayed in parts, and a part that the index does not take fails the opening") {
  SimEnv env;
  std::unique_ptr<SimEnv> killed;
  { REQUIRE(Put(*OpenWith(env, QuietOptions()), "default", "a", "1").ok()); }
  {
    auto store = OpenWith(env, QuietOptions());
    for (int round = 0; round < 2; ++round) {
      Transaction t;
      for (int i = 0; i < 4200; ++i)
        REQUIRE(store->AddPut(t, "default", std::to_string(round * 4200 + i), "", true, {}).ok());
      REQUIRE(store->Commit(std::move(t)).ok());
    }
    killed = env.CloneKilled();
  }
  IndexFaults faults;
  engine::Options options = QuietOptions();
  options.around_index = faults.Around();
  for (uint64_t n = 1; n < 3; ++n) {
    const auto disk = killed->CloneKilled();
    faults.Plan(IndexFaults::kApply, n, false, false);
    CHECK(Is(Store::Open(*disk, kStore, options).status(), Code::kIo));
  }
}

TEST_CASE("a node of a manifest whose segment is gone is damage") {
  SimEnv env;
  {
    auto store = OpenWith(env, QuietOptions());
    REQUIRE(store->CreateNamespace("small", SmallChunks()).ok());
    REQUIRE(Put(*store, "small", "large", Noise(1, 400'000)).ok());
    REQUIRE(store->Close().ok());
  }
  const std::vector<std::string> segments = SegmentPaths(env);
  for (const std::string& path : segments)
    if (env.Content(path)->size() > 300'000 && path != segments.front()) REQUIRE(env.Remove(path).ok());
  auto store = OpenWith(env, QuietOptions());
  CHECK(Is(Get(*store, "small", "large").status(), Code::kCorrupt));
}

TEST_CASE("a chunk that is known from elsewhere is looked at again when it is replayed") {
  SimEnv env;
  const std::string data = Noise(1, 100'000);
  std::string bulk;
  {
    auto store = OpenWith(env, QuietOptions());
    REQUIRE(Put(*store, "default", "a", data).ok());
    bulk = SegmentPaths(env).back();
    REQUIRE(store->Close().ok());
  }
  for (uint64_t offset = 6000; offset < 90'000; offset += 10'000) REQUIRE(env.FlipBit(bulk, offset, 1).ok());
  std::unique_ptr<SimEnv> killed;
  {
    auto store = OpenWith(env, QuietOptions());
    REQUIRE(Put(*store, "default", "b", data).ok());  // stored again
    killed = env.CloneKilled();
  }
  for (uint64_t n = 1; n < 40; ++n) {
    const auto disk = killed->CloneKilled();
    IndexFaults faults;
    engine::Options options = QuietOptions();
    options.around_index = faults.Around();
    faults.Plan(IndexFaults::kGet, n, true, false);
    const auto store = OpenWith(*disk, options);
    faults.Clear();
    CHECK(Get(*store, "default", "b").ok());
  }
}

TEST_CASE("a version does not come back to where a directory has come into being") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  REQUIRE(Put(*store, "default", "x", "file").ok());
  const base::Sequence version = store->Stat("default", "x", {})->sequence;
  REQUIRE(Delete(*store, "default", "x").ok());
  REQUIRE(Put(*store, "default", "x/y", "below").ok());
  Transaction t;
  REQUIRE(store->AddRestore(t, "default", "x", version).ok());
  CHECK(Is(store->Commit(std::move(t)).status(), Code::kExists));
}

TEST_CASE("an index that names a record without content for an empty file gives damage, not an empty content") {
  SimEnv env;
  base::Sequence attributed = 0;
  {
    auto store = OpenWith(env, QuietOptions());
    REQUIRE(Put(*store, "default", "empty", "").ok());
    REQUIRE(Put(*store, "default", "b", "x").ok());
    Transaction t;
    engine::PutOptions options;
    options.attributes.mode = 0600;
    REQUIRE(store->AddSetAttributes(t, "default", "b", options).ok());
    attributed = store->Commit(std::move(t))->sequence;
    REQUIRE(store->Close().ok());
  }
  {
    const auto index = store::OpenLevelDbIndex(env, std::string(kStore) + "/index", {});
    REQUIRE(index.ok());
    const std::string from = store::PathKey(1, "b"), to = store::PathKey(1, "empty");
    std::string value;
    REQUIRE(*(*index)->Get(from, nullptr, &value));
    const auto without = store::DecodeFileEntry(from, value);
    REQUIRE(without.ok());
    CHECK(without->sequence == attributed);
    REQUIRE(*(*index)->Get(to, nullptr, &value));
    auto entry = store::DecodeFileEntry(to, value);
    REQUIRE(entry.ok());
    entry->location = without->location;
    REQUIRE((*index)->Apply({{to, store::EncodeFileEntry(to, *entry)}}).ok());
    REQUIRE((*index)->Flush().ok());
  }
  auto store = OpenWith(env, QuietOptions());
  CHECK(Is(Get(*store, "default", "empty").status(), Code::kCorrupt));
}

TEST_CASE("extents are refused where the content is compressed, or has moved since the file was opened") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  model::NamespacePolicy zip;
  zip.compression = 3;
  REQUIRE(store->CreateNamespace("zip", zip).ok());
  REQUIRE(Put(*store, "zip", "small", Prose(1, 5000)).ok());
  model::NamespacePolicy none;
  none.versions_max = 0;
  REQUIRE(store->ConfigureNamespace("default", none).ok());
  for (int i = 0; i < 4; ++i) REQUIRE(Put(*store, "default", "other", Noise(i, 20'000)).ok());
  std::vector<engine::Extent> extents;
  const auto reader = store->OpenReader("zip", "small", {});
  REQUIRE(reader.ok());
  CHECK(Is((*reader)->Extents(0, 1, &extents), Code::kUnsupported));
  REQUIRE(Delete(*store, "default", "other").ok());
  engine::CompactOptions full;
  full.full = true;
  REQUIRE(store->Compact(full).ok());
  CHECK(Is((*reader)->Extents(0, 1, &extents), Code::kBusy));
}

TEST_CASE("a verify of a large store hears when it cannot make its index") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  model::NamespacePolicy keys;
  keys.kind = model::NamespaceKind::kKeys;
  REQUIRE(store->CreateNamespace("keys", keys).ok());
  Transaction t;
  for (int i = 0; i < 100'001; ++i) REQUIRE(store->AddPut(t, "keys", std::to_string(i), "", true, {}).ok());
  REQUIRE(store->Commit(std::move(t)).ok());
  for (const Op op : {Op::kSyncDir, Op::kCreateDir}) {
    env.FailNth(static_cast<OpMask>(op), 1, Code::kIo);
    CHECK(Is(store->Verify({}).status(), Code::kIo));
    env.ClearFaults();
  }
}

TEST_CASE("a compaction in the background that fails is told in the log") {
  SimEnv env;
  IndexFaults faults;
  Log log;
  engine::Options options = QuietOptions();
  options.background = true;
  options.around_index = faults.Around();
  options.log = log.Into();
  auto store = OpenWith(env, options);
  auto writer = store->OpenWriter("default", "huge", {});
  REQUIRE(writer.ok());
  base::Prng prng(1);
  std::string data = prng.Bytes(base::kMiB);
  for (int i = 0; i < 257; ++i) {
    for (size_t at = 0; at < data.size(); at += 16'384) base::StoreLe<uint64_t>(data.data() + at, prng.Next());
    REQUIRE((*writer)->Write(data).ok());
  }
  faults.Plan(IndexFaults::kFlush, 1, false, true);
  Transaction t;
  REQUIRE(store->AddWriter(t, *std::move(writer)).ok());
  REQUIRE(store->Commit(std::move(t)).ok());
  CHECK(Eventually([&] { return log.Has("background work failed"); }));
  faults.Clear();
}

// Gives out one thread, and no second one.
class OneThread final : public io::Env {
 public:
  explicit OneThread(SimEnv& env) : env_(env) {}
  int64_t NowMicros() override { return env_.NowMicros(); }
  int64_t MonotonicMicros() override { return env_.MonotonicMicros(); }
  uint64_t Entropy() override { return env_.Entropy(); }
  StatusOr<std::unique_ptr<io::File>> Open(const std::string& path, io::OpenMode mode) override {
    return env_.Open(path, mode);
  }
  Status CreateDir(const std::string& path) override { return env_.CreateDir(path); }
  Status RemoveDir(const std::string& path) override { return env_.RemoveDir(path); }
  StatusOr<std::vector<io::DirEntry>> ListDir(const std::string& path) override { return env_.ListDir(path); }
  StatusOr<bool> Exists(const std::string& path) override { return env_.Exists(path); }
  Status Rename(const std::string& from, const std::string& to) override { return env_.Rename(from, to); }
  Status Remove(const std::string& path) override { return env_.Remove(path); }
  Status SyncDir(const std::string& path) override { return env_.SyncDir(path); }
  StatusOr<uint64_t> FreeSpace(const std::string& path) override { return env_.FreeSpace(path); }
  StatusOr<std::unique_ptr<io::File>> Lock(const std::string& path) override { return env_.Lock(path); }
  std::unique_ptr<Thread> StartThread(std::function<void()> body, Priority priority) override {
    return given_.exchange(true) ? nullptr : env_.StartThread(std::move(body), priority);
  }

 private:
  SimEnv& env_;
  std::atomic<bool> given_{false};
};

TEST_CASE("one thread in the background does the work of two, and tells what fails of either") {
  for (const bool seal : {true, false}) {
    // Whoever commits meets the same fault if the thread in the background is late: then it is tried again.
    CHECK(Eventually([&] {
      SimEnv env;
      OneThread one(env);
      Log log;
      engine::Options options = QuietOptions();
      options.memory_index = true;  // which needs no thread
      options.background = true;
      options.log = log.Into();
      auto store = Store::Open(one, kStore, options);
      REQUIRE(store.ok());
      // The seal of a full segment, or the zeros of the next one.
      env.FailNth(static_cast<OpMask>(seal ? Op::kTruncate : Op::kCreate), 1, Code::kIo, true);
      const char* const said = seal ? "a segment could not be sealed" : "background work failed";
      for (int i = 0; i < 12 && !log.Has(said); ++i) {
        (void)Put(**store, "default", "a", Noise(1, 30'000));
        for (int wait = 0; wait < 30 && !log.Has(said); ++wait) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      const bool told = log.Has(said);
      env.ClearFaults();
      store->reset();
      return told;
    }));
  }
}

TEST_CASE("a compaction's segment whose end is gone, while the census vouches for it, goes only when the census does") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  model::NamespacePolicy none;
  none.versions_max = 0;
  REQUIRE(store->ConfigureNamespace("default", none).ok());
  for (int i = 0; i < 4; ++i) REQUIRE(Put(*store, "default", "f0", Noise(i, 20'000)).ok());
  std::unique_ptr<SimEnv> moment;
  std::string cold;
  env.SetEffectHook([&] {
    // The first moment at which it is listed, and what it replaces is still there.
    if (moment != nullptr) return;
    for (const auto& [path, entry] : CensusOf(env))
      if (entry.stream == store::Stream::kCold && entry.trailer) cold = path;
    if (!cold.empty()) moment = env.CloneKilled();
  });
  engine::CompactOptions full;
  full.full = true;
  REQUIRE(store->Compact(full).ok());
  env.SetEffectHook({});
  REQUIRE(moment != nullptr);
  REQUIRE(moment->FlipBit(cold, moment->Content(cold)->size() - 20, 1).ok());
  for (const bool fails : {true, false}) {
    const auto disk = moment->CloneKilled();
    if (fails) disk->FailNth(io::kWriteOps | Op::kCreate | Op::kRemove, 1, Code::kIo, true);
    const auto opened = Store::Open(*disk, kStore, QuietOptions());
    CHECK(opened.ok() == !fails);
    disk->ClearFaults();
    if (fails) continue;
    // What it replaced is there, and tells all of it to an index that is built anew.
    REQUIRE((*opened)->Close().ok());
    engine::Options rebuild = QuietOptions();
    rebuild.rebuild_index = true;
    CHECK(*Get(*OpenWith(*disk, rebuild), "default", "f0") == Noise(3, 20'000));
  }
}

TEST_CASE("a journal that goes on with nothing but a dropped version asks the index for its namespace, and hears why it cannot tell") {
  SimEnv env;
  { REQUIRE(Put(*OpenWith(env, QuietOptions()), "default", "a", "1").ok()); }
  base::Sequence first = 0;
  std::unique_ptr<SimEnv> killed;
  {
    auto store = OpenWith(env, QuietOptions());
    first = store->Stat("default", "a", {})->sequence;
    REQUIRE(Put(*store, "default", "a", "2").ok());
    REQUIRE(store->Close().ok());
    store = OpenWith(env, QuietOptions());
    Transaction t;
    REQUIRE(store->AddDeleteVersion(t, "default", "a", first).ok());
    REQUIRE(store->Commit(std::move(t)).ok());
    killed = env.CloneKilled();
  }
  size_t refused = 0;
  for (uint64_t n = 1; n < 30; ++n) {
    const auto disk = killed->CloneKilled();
    IndexFaults faults;
    engine::Options options = QuietOptions();
    options.around_index = faults.Around();
    faults.Plan(IndexFaults::kGet, n, false, false);
    const auto store = Store::Open(*disk, kStore, options);
    if (!store.ok()) CHECK(Is(store.status(), Code::kIo));
    refused += store.ok() ? 0 : 1;
    faults.Clear();
  }
  CHECK(refused > 2);
}

TEST_CASE("whatever look-up of its last ones fails, a compaction that drops a deleted file says so") {
  SimEnv env;
  IndexFaults faults;
  engine::Options options = QuietOptions();
  options.around_index = faults.Around();
  {
    auto store = OpenWith(env, options);
    model::NamespacePolicy none;
    none.versions_max = 0;
    REQUIRE(store->ConfigureNamespace("default", none).ok());
    Transaction t;
    for (int i = 0; i < 600; ++i) REQUIRE(store->AddPut(t, "default", "f" + std::to_string(i), "x", true, {}).ok());
    REQUIRE(store->Commit(std::move(t)).ok());
    for (int i = 0; i < 3; ++i) REQUIRE(Put(*store, "default", "dead", Noise(i, 50'000)).ok());
    REQUIRE(Delete(*store, "default", "dead").ok());
    REQUIRE(store->Close().ok());
  }
  engine::CompactOptions full;
  full.full = true;
  constexpr uint64_t kNever = 1'000'000'000;
  uint64_t used = 0;
  for (uint64_t back = 0; back < 40; ++back) {
    const auto disk = env.CloneKilled();
    auto store = OpenWith(*disk, options);
    faults.Plan(IndexFaults::kGet, back == 0 ? kNever : used - back + 1, false, false);
    const auto report = store->Compact(full);
    if (back == 0) {
      used = kNever - faults.left();
      CHECK(report->tombstones_dropped == 1);
    }
    CHECK((report.ok() || Is(report.status(), Code::kIo)));
    faults.Clear();
    (void)store->Close();
    store.reset();
    CHECK(VerifyProblems(*OpenWith(*disk, options)) == "");
  }
  // The same when an opening finishes what a killed compaction began.
  std::unique_ptr<SimEnv> killed;
  {
    const auto disk = env.CloneKilled();
    auto store = OpenWith(*disk, options);
    faults.Plan(IndexFaults::kFlush, 2, false, true);
    CHECK_FALSE(store->Compact(full).ok());
    killed = disk->CloneKilled();
    faults.Clear();
  }
  for (uint64_t back = 0; back < 40; ++back) {
    const auto disk = killed->CloneKilled();
    faults.Plan(IndexFaults::kGet, back == 0 ? kNever : used - back + 1, false, false);
    const auto store = Store::Open(*disk, kStore, options);
    if (back == 0) used = kNever - faults.left();
    CHECK((store.ok() || Is(store.status(), Code::kIo)));
    faults.Clear();
  }
}

}  // namespace
}  // namespace jzse::crash
