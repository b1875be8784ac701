// SPDX-License-Identifier: Apache-2.0
// The census of segments: what it lists was durable before, a failure to write it fails nothing but the removal of files that
// it lists, and nothing is written when nothing has changed.
#include "store/census.h"

#include <catch2/catch.hpp>

#include "io/sim_env.h"
#include "store/segment_factory.h"

namespace jzse::store {
namespace {

using base::Code;
using io::Op;

constexpr StoreId kStore{1, 2};

struct World {
  World() {
    REQUIRE(env.CreateDir("/s").ok());
    REQUIRE(env.CreateDir("/s/segments").ok());
    REQUIRE(env.SyncDir("/").ok());
    REQUIRE(env.SyncDir("/s").ok());
  }
  SegmentRef Make() {
    SegmentHeader header;
    header.stream = Stream::kCommit;
    auto made = factory.Make(header, 0, false, &segments);
    REQUIRE(made.ok());
    factory.UpdateCensus();
    return *made;
  }
  void Fail(Op op, uint64_t n, bool for_ever = false) { env.FailNth(static_cast<io::OpMask>(op), n, Code::kIo, for_ever); }
  // What the disk lists after a power cut.
  std::optional<size_t> Listed() {
    const auto after = env.CloneCrashed(1, io::CrashMode::kNoneKept);
    const auto bytes = after->Content("/s/SEGMENTS");
    if (!bytes.ok()) return std::nullopt;
    const auto entries = DecodeCensus(*bytes, kStore);
    REQUIRE(entries.ok());
    for (const CensusEntry& entry : *entries) {
      INFO("segment " << entry.id);
      CHECK(after->Content("/s/segments/" + SegmentFileName(entry.id)).ok());
    }
    return entries->size();
  }

  io::SimEnv env;
  SegmentFactory factory{env, "/s/segments", kStore, 9, UINT64_MAX};
  SegmentSet segments;
  std::vector<std::string> log;
  Census census{env, "/s", kStore, segments, [this](int, const std::string& line) { log.push_back(line); }};
};

TEST_CASE("each segment that is made for the set is listed once the census was updated") {
  World world;
  world.factory.UseCensus(&world.census);
  CHECK(world.Listed() == std::nullopt);
  for (size_t count = 1; count < 5; ++count) {
    world.Make();
    CHECK(world.Listed() == count);
  }
  CHECK(world.log.empty());
}

TEST_CASE("a census costs nothing when nothing has changed, also after reading it") {
  World world;
  world.Make();
  world.census.Update();
  const uint64_t effects = world.env.effects();
  world.census.Update();
  CHECK(world.census.Release().ok());
  Census other(world.env, "/s", kStore, world.segments, {});
  const auto read = other.Read();
  REQUIRE(read.ok());
  REQUIRE(read->has_value());
  CHECK((*read)->size() == 1);
  other.Update();
  CHECK(world.env.effects() == effects);
}

TEST_CASE("whatever call fails, what the disk lists is there, and the next attempt makes it whole") {
  for (uint64_t n = 1;; ++n) {
    World world;
    world.factory.UseCensus(&world.census);
    world.Make();
    world.env.FailNth(io::kAllOps, n, Code::kIo);
    world.factory.UseCensus(nullptr);
    SegmentHeader header;
    header.stream = Stream::kCommit;
    const bool made = world.factory.Make(header, 0, false, &world.segments).ok();
    world.census.Update();
    const bool fired = world.env.faults_fired() > 0;
    world.env.ClearFaults();
    INFO("call " << n);
    CHECK(world.Listed().value_or(0) >= 1);
    CHECK(world.segments.count() == (made ? 2 : 1));
    world.census.Update();
    CHECK(world.Listed() == world.segments.count());
    if (!fired) break;
    if (made) CHECK(world.log.size() == 1);
  }
}

TEST_CASE("before files go, the census lets go of them, whatever call fails") {
  bool removed = false, refused = false;
  for (uint64_t n = 1;; ++n) {
    for (const bool for_ever : {false, true}) {
      World world;
      world.factory.UseCensus(&world.census);
      const SegmentId gone = world.Make()->id();
      world.Make();
      world.segments.Remove(gone);
      world.env.FailNth(io::kAllOps, n, Code::kNoSpace, for_ever);
      const Status released = world.census.Release();
      const bool fired = world.env.faults_fired() > 0;
      world.env.ClearFaults();
      INFO("call " << n << (for_ever ? " and all that follow" : ""));
      if (!for_ever) CHECK(released.ok());
      if (released.ok()) {
        REQUIRE(world.env.Remove("/s/segments/" + SegmentFileName(gone)).ok());
        CHECK(world.Listed().value_or(0) <= 1);
      }
      removed |= released.ok() && fired && !world.Listed();
      refused |= !released.ok();
      if (!fired && for_ever) {
        CHECK(removed);
        CHECK(refused);
        return;
      }
    }
  }
}

TEST_CASE("names that were found and could not be made durable are never listed") {
  World world;
  world.Make();
  world.env.FailNth(static_cast<io::OpMask>(Op::kSyncDir), 1, Code::kIo);
  world.census.Update();
  world.census.Update();
  CHECK(world.Listed() == std::nullopt);
  CHECK(world.log.size() == 2);
}

TEST_CASE("what is lost stays listed") {
  World world;
  world.Make();
  world.census.Adopt({{7, Stream::kBulk, Trailer{4096, 4160, 0, 0, 0}}});
  world.census.Update();
  const auto read = world.census.Read();
  REQUIRE(read.ok());
  REQUIRE(read->has_value());
  REQUIRE((*read)->size() == 2);
  CHECK((**read)[1] == world.census.lost()[0]);
}

TEST_CASE("a census that one read fails on is read again; one that all reads fail on is not believed") {
  World world;
  world.Make();
  world.census.Update();
  world.Fail(Op::kRead, 1);
  CHECK(world.census.Read().ok());
  world.env.ClearFaults();
  world.Fail(Op::kRead, 1, true);
  CHECK(base::Is(world.census.Read().status(), Code::kCorrupt));
  world.env.ClearFaults();
  world.env.FailNth(static_cast<io::OpMask>(Op::kOpen), 1, Code::kBusy, true);
  CHECK(base::Is(world.census.Read().status(), Code::kBusy));
}

TEST_CASE("a census of more segments than it can list is not written, and what was there is taken away") {
  World world;
  world.Make();
  world.census.Update();
  REQUIRE(world.env.Content("/s/SEGMENTS").ok());
  std::vector<CensusEntry> lost(kCensusEntriesMax);
  for (size_t i = 0; i < lost.size(); ++i) lost[i] = {i + 100, Stream::kBulk, {}};
  world.census.Adopt(std::move(lost));
  CHECK(world.census.Release().ok());
  CHECK(base::Is(world.env.Content("/s/SEGMENTS").status(), Code::kNotFound));
  CHECK(world.log.size() == 1);
}

}  // namespace
}  // namespace jzse::store
