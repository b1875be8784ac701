// SPDX-License-Identifier: Apache-2.0
// What compaction may take for dead: which chunks are in use between BeginCollect and Decide. And which ones a writer waits for.
#include <catch2/catch.hpp>
#include <optional>

#include "io/sim_env.h"
#include "store/chunk_store.h"

namespace jzse::store {
namespace {

class World {
 public:
  World()
      : factory_(env_, "/s", StoreId{1, 2}, 9, UINT64_MAX), index_(NewMapIndex(), {}),
        chunks_(factory_, segments_, index_, 0, {}) {
    REQUIRE(env_.CreateDir("/s").ok());
  }
  ChunkId Put(const std::string& content, ChunkPins* pins) {
    const Hash256 hash = base::Sha256(content);
    REQUIRE(chunks_.Put(1, hash, content, 0, pins).ok());
    return {1, hash};
  }
  bool InUse(const ChunkId& id) {
    bool used = false;
    REQUIRE(chunks_.Decide([&](const auto& in_use) -> Status {
      used = in_use(id);
      return {};
    }).ok());
    return used;
  }

  io::SimEnv env_;
  SegmentFactory factory_;
  SegmentSet segments_;
  LiveIndex index_;
  ChunkStore chunks_;
};

TEST_CASE("a chunk that was pinned when collecting began is in use, also if its content is committed meanwhile") {
  World world;
  std::optional<ChunkPins> before(std::in_place, world.chunks_);
  const ChunkId id = world.Put("written before, committed meanwhile", &*before);
  world.chunks_.BeginCollect();
  CHECK(world.InUse(id));
  before.reset();  // committed after the snapshot in which compaction looks for what is alive
  CHECK(world.InUse(id));
  world.chunks_.EndCollect();

  world.chunks_.BeginCollect();
  CHECK_FALSE(world.InUse(id));
  world.chunks_.EndCollect();
}

TEST_CASE("a chunk that was found or stored while collecting is in use to the end of it") {
  World world;
  world.chunks_.BeginCollect();
  ChunkId id;
  {
    ChunkPins pins(world.chunks_);
    id = world.Put("stored", &pins);
  }
  CHECK(world.InUse(id));
  world.chunks_.EndCollect();
  world.chunks_.BeginCollect();
  CHECK_FALSE(world.InUse(id));
  {
    ChunkPins pins(world.chunks_);
    world.Put("stored", &pins);
  }
  CHECK(world.InUse(id));
  world.chunks_.EndCollect();
}

TEST_CASE("who finds a chunk that another writer has not synced yet waits for it, too") {
  World world;
  REQUIRE(world.env_.SyncDir("/").ok());  // the name of the segments' own directory is not what this is about
  ChunkPins writer(world.chunks_), finder(world.chunks_);
  world.Put("written once, needed twice", &writer);
  world.Put("written once, needed twice", &finder);
  REQUIRE(world.chunks_.Sync(finder).ok());
  const auto after = world.env_.CloneCrashed(1, io::CrashMode::kNoneKept);
  REQUIRE(after->Paths().size() == 1);
  CHECK(after->Content(after->Paths().front())->find("written once, needed twice") != std::string::npos);
}

}  // namespace
}  // namespace jzse::store
