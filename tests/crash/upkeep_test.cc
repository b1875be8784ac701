// SPDX-License-Identifier: Apache-2.0
// What keeps a store in shape, where it once failed: retention, a full disk, leftovers of a killed process, damage that a
// rebuilt index hides, one chunk stored by two threads at once.
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "store/chunker.h"
#include "store/manifest.h"
#include "store/store.h"
#include "store_world.h"

namespace jzse::crash {
namespace {

using engine::CompactOptions;
using engine::Transaction;
using io::SimEnv;

constexpr int64_t kSecond = 1'000'000;

class World {
 public:
  explicit World(const io::SimOptions& options = {}) : disk(std::make_unique<SimEnv>(options)) { Open(); }
  ~World() { store.reset(); }

  void Open() {
    auto opened = OpenOn(*disk, &log);
    REQUIRE(opened.ok());
    store = *std::move(opened);
  }
  void Configure(uint32_t versions_max, uint64_t age_s) {
    model::NamespacePolicy policy;
    policy.versions_max = versions_max;
    policy.versions_age_max_s = age_s;
    REQUIRE(store->ConfigureNamespace("default", policy).ok());
  }
  void Write(const std::string& path, const std::string& data) { REQUIRE(Put(*store, "default", path, data).ok()); }
  engine::CompactReport Compact(bool full = true) {
    CompactOptions options;
    options.full = full;
    auto report = store->Compact(options);
    INFO(report.status().ToString());
    REQUIRE(report.ok());
    return *report;
  }
  uint64_t Versions() { return store->GetNamespace("default")->version_count; }
  uint64_t SegmentBytes() {
    uint64_t bytes = 0;
    for (const std::string& path : SegmentPaths(*disk)) bytes += disk->Content(path)->size();
    return bytes;
  }

  std::unique_ptr<SimEnv> disk;
  std::unique_ptr<Store> store;
  std::vector<std::string> log;
};

// Threads that change the store are under way at once then, whatever the machine: with one processor, and no wait for the disk, each was
// done before the next began.
void SlowDown(SimEnv& disk) {
  disk.SetEffectHook([] { std::this_thread::sleep_for(std::chrono::microseconds(100)); });
}

TEST_CASE("a version's age counts from when it was superseded") {
  World world;
  world.Configure(16, 10);
  world.Write("a", "precious");
  world.disk->AdvanceClock(100 * kSecond);
  world.Write("a", "ransom");
  world.Compact();
  CHECK(world.Versions() == 1);  // it was the only good copy until now
  world.disk->AdvanceClock(5 * kSecond);
  world.Write("a", "again");
  world.disk->AdvanceClock(6 * kSecond);
  world.Compact();
  CHECK(world.Versions() == 1);  // "ransom", superseded 6 s ago
  world.disk->AdvanceClock(6 * kSecond);
  CHECK(world.Compact().versions_expired == 1);
  CHECK(world.Versions() == 0);
  CHECK(VerifyProblems(*world.store) == "");
}

TEST_CASE("versions of a file that has moved, or is deleted, expire as well") {
  World world;
  world.Configure(16, 10);
  for (const char* data : {"1", "2", "3"}) world.Write("a", data);
  world.Write("gone", "1");
  REQUIRE(Move(*world.store, "default", "a", "b").ok());
  REQUIRE(Delete(*world.store, "default", "gone").ok());
  CHECK(world.Versions() == 3);
  world.disk->AdvanceClock(20 * kSecond);
  CHECK(world.Compact().versions_expired == 3);
  CHECK(world.Versions() == 0);
  CHECK(*Get(*world.store, "default", "b") == "3");
  CHECK(VerifyProblems(*world.store) == "");
}

TEST_CASE("deletions are forgotten beside segments in which everything lives, and those that are needed are not") {
  for (const bool full : {true, false}) {
    World world;
    world.Configure(0, 0);
    world.Write("shared", Noise(1, 50'000));
    for (int i = 0; i < 180; ++i) world.Write("live" + std::to_string(i), Noise(static_cast<uint64_t>(i), 60'000));
    Transaction t;
    REQUIRE(world.store->AddCopy(t, "default", "shared", "default", "copy", {}).ok());  // so its first change stays
    REQUIRE(world.store->Commit(std::move(t)).ok());
    world.Compact();  // to one segment that is too large to be merged, and in which nothing is dead
    for (const char* path : {"gone1", "gone2", "gone3"}) {
      world.Write(path, Noise(2, 60'000));
      REQUIRE(Delete(*world.store, "default", path).ok());
    }
    REQUIRE(Delete(*world.store, "default", "shared").ok());
    REQUIRE(world.store->Close().ok());
    world.Open();
    world.Write("last", "in a segment that is not sealed");
    CHECK(world.Compact(full).tombstones_dropped == 3);
    CHECK(world.store->GetNamespace("default")->tombstone_count == 1);
    CHECK(world.Compact(full).segments == 0);
    REQUIRE(world.store->Close().ok());
    RemoveIndex(*world.disk);
    world.Open();
    CHECK(base::Is(Get(*world.store, "default", "shared").status(), Code::kNotFound));
    CHECK(*Get(*world.store, "default", "copy") == Noise(1, 50'000));
    REQUIRE(Delete(*world.store, "default", "copy").ok());
    world.Compact();
    world.Compact();
    CHECK(world.store->GetNamespace("default")->tombstone_count == 0);
    CHECK(VerifyProblems(*world.store) == "");
  }
}

TEST_CASE("a lowered number of versions holds for those that are there, from the next compaction on") {
  World world;
  for (const char* data : {"1", "2", "3", "4", "5"}) world.Write("a", data);
  for (const char* data : {"1", "2"}) world.Write("b", data);
  CHECK(world.Versions() == 5);
  world.Configure(2, 0);
  world.Compact(false);
  CHECK(world.Versions() == 3);
  world.Configure(0, 0);
  world.Compact(false);
  CHECK(world.Versions() == 0);
  CHECK(*Get(*world.store, "default", "a") == "5");
  CHECK(VerifyProblems(*world.store) == "");
}

TEST_CASE("a store on a full disk can be emptied") {
  World world;
  for (int i = 0; i < 60; ++i) world.Write("d/" + std::to_string(i), Noise(static_cast<uint64_t>(i), 50'000));
  world.Write("large", Noise(77, 2'000'000));
  world.disk->SetFreeSpace(600'000);
  const uint64_t before = world.SegmentBytes();
  REQUIRE(Delete(*world.store, "default", "d", true).ok());
  REQUIRE(Delete(*world.store, "default", "large").ok());
  world.Configure(0, 0);  // asks for no room, and makes it
  for (int i = 0; i < 4; ++i) world.Compact();
  CHECK(world.SegmentBytes() < before / 4);
  world.Write("new", Noise(5, 500'000));
  CHECK(VerifyProblems(*world.store) == "");
}

TEST_CASE("compaction takes the newest segments, too, and no number comes twice") {
  World world;
  world.Configure(0, 0);
  world.Write("large", Noise(1, 3'000'000));
  REQUIRE(Delete(*world.store, "default", "large").ok());
  const base::Sequence last = world.store->GetStats()->sequence;
  world.Compact();
  CHECK(world.SegmentBytes() < 300'000);
  REQUIRE(world.store->Close().ok());
  world.store.reset();
  RemoveIndex(*world.disk);
  world.Open();
  CHECK(world.store->GetStats()->sequence == last);
  for (int i = 0; i < 3; ++i) {  // one compaction after another, each opened without an index
    world.Compact();
    REQUIRE(world.store->Close().ok());
    world.store.reset();
    RemoveIndex(*world.disk);
    world.Open();
    CHECK(world.store->GetStats()->sequence == last);
  }
  world.Write("next", "x");
  CHECK(world.store->GetStats()->sequence == last + 1);
  CHECK(VerifyProblems(*world.store) == "");
}

TEST_CASE("of several files deleted at one path a put goes on with the same one, compacted or not") {
  // A live file in the way while compaction looks must not change that.
  const bool in_the_way = GENERATE(false, true);
  Dump dumps[2];
  for (const bool compacted : {false, true}) {
    World world;
    world.Write("b", "the older");
    world.Write("a", "the newer");
    REQUIRE(Move(*world.store, "default", "a", "b").ok());
    const base::Sequence moved = world.store->Stat("default", "b", {})->sequence;
    REQUIRE(Delete(*world.store, "default", "b").ok());
    Transaction t;
    REQUIRE(world.store->AddDeleteVersion(t, "default", "b", moved).ok());
    REQUIRE(world.store->Commit(std::move(t)).ok());
    if (in_the_way) {
      world.Write("away", "for a while");
      REQUIRE(Move(*world.store, "default", "away", "b").ok());
    }
    if (compacted) {
      world.Compact();
      world.Compact();
    }
    if (in_the_way) REQUIRE(Move(*world.store, "default", "b", "away").ok());
    world.Write("b", "put again");
    REQUIRE(Move(*world.store, "default", "b", "c").ok());
    dumps[compacted ? 1 : 0] = *DumpOf(*world.store);
    CHECK(VerifyProblems(*world.store) == "");
  }
  CHECK(Difference(dumps[0], dumps[1]) == "");
}

TEST_CASE("a dropped namespace leaves nothing but the record that it is dropped") {
  World world;
  const auto records = [&] {
    world.Compact();
    return world.store->Verify({})->records;
  };
  const uint64_t before = records();
  REQUIRE(world.store->CreateNamespace("passing", {}).ok());
  for (const char* name : {"a", "b", "c"}) {
    REQUIRE(Put(*world.store, "passing", name, "1").ok());
    REQUIRE(Put(*world.store, "passing", name, "2").ok());
  }
  REQUIRE(Put(*world.store, "passing", "large", Noise(1, 200'000)).ok());
  REQUIRE(Move(*world.store, "passing", "a", "b").ok());  // behind it on its path stands the deleted "b"
  REQUIRE(Delete(*world.store, "passing", "c").ok());
  CHECK(records() > before + 8);
  REQUIRE(world.store->DropNamespace("passing").ok());
  CHECK(records() == before + 1);
  CHECK(VerifyProblems(*world.store) == "");
}

TEST_CASE("compaction seals what killed processes left open, and can take it") {
  World world;
  for (int life = 0; life < 4; ++life) {
    for (int i = 0; i < 20; ++i) world.Write("f" + std::to_string(i), Noise(static_cast<uint64_t>(life * 20 + i), 30'000));
    world.Write("large", Noise(static_cast<uint64_t>(life) + 100, 200'000));
    auto killed = world.disk->CloneKilled();
    world.store.reset();
    world.disk = std::move(killed);
    world.Open();
  }
  world.Configure(0, 0);
  world.Write("f0", "now");
  const uint64_t before = world.SegmentBytes();
  for (int i = 0; i < 3; ++i) world.Compact();
  CHECK(world.SegmentBytes() < before / 2);
  CHECK(*Get(*world.store, "default", "f1") == Noise(61, 30'000));
  CHECK(VerifyProblems(*world.store) == "");
}

// What LevelDB under a closed store holds, changed behind the engine's back.
void Falsify(SimEnv& disk, const std::function<void(store::Index& index)>& change) {
  auto index = store::OpenLevelDbIndex(disk, std::string(kStore) + "/index", {});
  REQUIRE(index.ok());
  change(**index);
  REQUIRE((*index)->Flush().ok());
}

TEST_CASE("an index that says something else than the journal is told key by key, and repaired when that is asked for") {
  World world;
  for (const char* path : {"a", "b", "c"}) world.Write(path, path);
  const base::NamespaceId ns = 1;
  world.store.reset();
  Falsify(*world.disk, [&](store::Index& index) {
    std::string value;
    REQUIRE(*index.Get(store::PathKey(ns, "a"), nullptr, &value));
    REQUIRE(index.Apply({{store::PathKey(ns, "a"), std::nullopt}, {store::PathKey(ns, "stranger"), value}}).ok());
  });
  world.Open();
  CHECK(base::Is(Get(*world.store, "default", "a").status(), Code::kNotFound));
  const std::string problems = VerifyProblems(*world.store);
  CHECK(problems.find("is missing") != std::string::npos);
  CHECK(problems.find("is not in the journal") != std::string::npos);
  engine::VerifyOptions options;
  options.repair = true;
  const auto report = world.store->Verify(options);
  REQUIRE(report.ok());
  CHECK(report->problems == 2);
  CHECK(report->repaired == 2);
  CHECK(*Get(*world.store, "default", "a") == "a");
  CHECK(base::Is(Get(*world.store, "default", "stranger").status(), Code::kNotFound));
  CHECK(VerifyProblems(*world.store) == "");
  world.store.reset();
  world.Open();
  CHECK(*Get(*world.store, "default", "a") == "a");
  CHECK(VerifyProblems(*world.store) == "");
}

TEST_CASE("verify of a large store builds what it compares with on disk, and leaves nothing there") {
  World world;
  constexpr int kGroups = 110, kPerGroup = 1000;
  for (int group = 0; group < kGroups; ++group) {
    Transaction t;
    for (int i = 0; i < kPerGroup; ++i)
      REQUIRE(world.store->AddPut(t, "default", std::to_string(group) + "/" + std::to_string(i), "x", false, {}).ok());
    REQUIRE(world.store->Commit(std::move(t)).ok());
  }
  bool on_disk = false;
  engine::VerifyOptions options;
  world.disk->SetEffectHook([&] { on_disk = on_disk || *world.disk->Exists(std::string(kStore) + "/index.verify"); });
  const auto report = world.store->Verify(options);
  world.disk->SetEffectHook({});
  REQUIRE(report.ok());
  CHECK(report->files == kGroups * kPerGroup);
  CHECK(report->problems == 0);
  CHECK(on_disk);
  CHECK_FALSE(*world.disk->Exists(std::string(kStore) + "/index.verify"));
}

TEST_CASE("damage that a rebuilt index does not show is told by verify all the same") {
  World world;
  for (int i = 0; i < 8; ++i) world.Write("f" + std::to_string(i), Noise(static_cast<uint64_t>(i), 60'000));
  REQUIRE(world.store->Close().ok());
  world.store.reset();
  const std::string segment = SegmentPaths(*world.disk).front();
  REQUIRE(world.disk->FlipBit(segment, 100, 1).ok());  // in its header
  RemoveIndex(*world.disk);
  world.Open();
  CHECK(VerifyProblems(*world.store).find(segment.substr(segment.rfind('/') + 1)) != std::string::npos);
}

TEST_CASE("a repair forgets no file whose segment is missing") {
  World world;
  for (int i = 0; i < 8; ++i) world.Write("f" + std::to_string(i), Noise(static_cast<uint64_t>(i), 60'000));
  REQUIRE(world.store->Close().ok());
  world.store.reset();
  REQUIRE(world.disk->Remove(SegmentPaths(*world.disk).front()).ok());
  world.Open();
  engine::VerifyOptions repair;
  repair.repair = true;
  for (int i = 0; i < 2; ++i) {
    const auto report = world.store->Verify(repair);
    REQUIRE(report.ok());
    CHECK(report->problems > 0);
  }
}

TEST_CASE("segments beside another store's identity are not taken for leftovers") {
  World world, other(io::SimOptions{2});
  world.Write("a", "here");
  REQUIRE(world.store->Close().ok());
  world.store.reset();
  const std::string mine = *world.disk->Content("/store/JZSE");
  REQUIRE(world.disk->Put("/store/JZSE", *other.disk->Content("/store/JZSE")).ok());
  const auto opened = OpenOn(*world.disk);
  CHECK(base::Is(opened.status(), Code::kCorrupt));
  REQUIRE(world.disk->Put("/store/JZSE", mine).ok());
  world.Open();
  CHECK(*Get(*world.store, "default", "a") == "here");
}

TEST_CASE("of many threads that commit at once each one comes back") {
  World world;
  SlowDown(*world.disk);
  std::atomic<int> failed{0};
  // The last ones to come are those whom nobody who comes later can wake, so there are many ends; and they come at different times, so that
  // some do while others are written.
  for (int round = 0; round < 40; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 4; ++i) {
          std::this_thread::sleep_for(std::chrono::microseconds((t * 37 + round * 13 + i * 71) % 300));
          if (!Put(*world.store, "default", std::to_string(t) + "/" + std::to_string(i), "x").ok()) ++failed;
        }
      });
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(failed == 0);
}

TEST_CASE("a content that is being written while others are committed is whole after the next opening") {
  World world;
  const std::string content = Noise(1, 6'000'000);
  auto writer = world.store->OpenWriter("default", "slow", {});
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Write(Bytes(content).substr(0, 5'000'000)).ok());
  world.Write("quick", "1");
  world.Write("large", Noise(2, 300'000));
  REQUIRE((*writer)->Write(Bytes(content).substr(5'000'000)).ok());
  world.Write("quick", "2");
  Transaction transaction;
  REQUIRE(world.store->AddWriter(transaction, *std::move(writer)).ok());
  REQUIRE(world.store->Commit(std::move(transaction)).ok());
  for (int life = 0; life < 2; ++life) {
    CHECK(VerifyProblems(*world.store) == "");
    REQUIRE(world.store->Close().ok());
    world.store.reset();
    world.Open();
    CHECK(*Get(*world.store, "default", "slow") == content);
  }
}

TEST_CASE("a large content is cut by the rule alone, wherever a buffer or a piece ends") {
  World world;
  const std::string content = Noise(3, 9'000'000);
  const size_t piece = GENERATE(9'000'000, 300'001, 5'000);
  auto writer = world.store->OpenWriter("default", "large", {});
  REQUIRE(writer.ok());
  for (size_t at = 0; at < content.size(); at += piece) REQUIRE((*writer)->Write(Bytes(content).substr(at, piece)).ok());
  Transaction transaction;
  REQUIRE(world.store->AddWriter(transaction, *std::move(writer)).ok());
  REQUIRE(world.store->Commit(std::move(transaction)).ok());
  const model::NamespacePolicy policy;
  store::ManifestBuilder manifest([](const base::Hash256&, Bytes) { return Status(); });
  for (Bytes rest(content); !rest.empty();) {
    const size_t cut = store::NextCut(rest, {policy.chunk_min, policy.chunk_average, policy.chunk_max});
    REQUIRE(manifest.Add(base::Sha256(rest.substr(0, cut)), cut).ok());
    rest.remove_prefix(cut);
  }
  CHECK(world.store->Stat("default", "large", {})->hash == base::Sha256(*manifest.Finish()));
}

TEST_CASE("what was shown after a kill survives the next power cut") {
  World world;
  world.Write("a", "1");
  if (GENERATE(true, false)) {  // with an index to go on from, or with one to be built
    REQUIRE(world.store->Close().ok());
    world.store.reset();
    world.Open();
  }
  std::vector<std::unique_ptr<SimEnv>> images;
  world.disk->SetEffectHook([&] { images.push_back(world.disk->CloneKilled()); });
  world.Write("b", "2");
  world.Write("large", Noise(1, 200'000));
  REQUIRE(Delete(*world.store, "default", "a").ok());
  world.disk->SetEffectHook(nullptr);
  CHECK(images.size() >= 6);
  for (const auto& image : images) {
    auto opened = OpenOn(*image);
    REQUIRE(opened.ok());
    const auto shown = DumpOf(**opened);
    REQUIRE(shown.ok());
    const auto cut = image->CloneCrashed(1, io::CrashMode::kNoneKept);
    opened->reset();
    const auto again = OpenOn(*cut);
    REQUIRE(again.ok());
    CHECK(Difference(*shown, *DumpOf(**again)) == "");
  }
}

TEST_CASE("two threads that store the same new chunks at once") {
  World world;
  SlowDown(*world.disk);
  for (uint64_t round = 0; round < 30; ++round) {
    const std::string data = Noise(round, 150'000);
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&, i] {
        if (!Put(*world.store, "default", "t" + std::to_string(i) + "/" + std::to_string(round), data).ok()) ++failed;
      });
    for (std::thread& thread : threads) thread.join();
    REQUIRE(failed == 0);
  }
  CHECK(VerifyProblems(*world.store) == "");
  for (uint64_t round = 0; round < 30; ++round)
    CHECK(*Get(*world.store, "default", "t1/" + std::to_string(round)) == Noise(round, 150'000));
}

}  // namespace
}  // namespace jzse::crash
