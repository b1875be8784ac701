// SPDX-License-Identifier: Apache-2.0
// What a stage says of a prefix when a caller looked it up ahead of time, whatever was published and drained since.
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/prng.h"
#include "store/stage.h"

namespace jzse::store {
namespace {

using State = std::map<std::string, std::string>;

// A map that counts how often it is walked.
class CountingIndex final : public Index {
 public:
  StatusOr<bool> Get(Bytes key, const IndexSnapshot* snapshot, std::string* value) override {
    return map_->Get(key, snapshot, value);
  }
  Status Apply(std::span<const IndexOpView> batch) override { return map_->Apply(batch); }
  Status Flush() override { return map_->Flush(); }
  std::unique_ptr<IndexSnapshot> Snapshot() override { return map_->Snapshot(); }
  std::unique_ptr<IndexCursor> NewCursor(const IndexSnapshot* snapshot, CursorUse use) override {
    ++cursors;
    return map_->NewCursor(snapshot, use);
  }
  uint64_t DiskBytes() override { return 0; }

  int cursors = 0;

 private:
  const std::unique_ptr<Index> map_ = NewMapIndex();
};

struct World {
  World() {
    auto owned = std::make_unique<CountingIndex>();
    index = owned.get();
    live = std::make_unique<LiveIndex>(std::move(owned), Applied{});
  }
  std::string Key() { return "V" + std::to_string(prng.Below(3)) + std::to_string(prng.Below(8)); }
  void Publish() {
    OverlayMap ops;
    for (uint64_t left = 1 + prng.Below(3); left > 0; --left) {
      const std::string key = Key();
      if (prng.OneIn(3)) {
        ops[key] = std::nullopt;
        state.erase(key);
      } else {
        state[key] = *(ops[key] = std::to_string(prng.Next()));
      }
    }
    live->Publish(std::move(ops), Applied{});
  }
  State Under(const std::string& prefix) const {
    State found;
    for (const auto& [key, value] : state)
      if (key.compare(0, prefix.size(), prefix) == 0) found[key] = value;
    return found;
  }

  base::Prng prng{7};
  CountingIndex* index;
  std::unique_ptr<LiveIndex> live;
  State state;
};

TEST_CASE("a prefix that was looked up ahead shows what happened since") {
  World world;
  int used = 0, stale = 0;
  for (int round = 0; round < 20'000; ++round) {
    INFO("round " << round);
    for (uint64_t before = world.prng.Below(3); before > 0; --before) world.Publish();
    if (world.prng.OneIn(4)) REQUIRE(world.live->Drain().ok());

    const std::string prefix = "V" + std::to_string(world.prng.Below(3));
    Prefetched prefetched;
    prefetched.token = world.live->Token();
    Prefetched::Range range{prefix, {}};
    REQUIRE(world.live
                ->Scan(prefix, nullptr,
                       [&](Bytes key, Bytes value) {
                         range.entries.emplace_back(key, value);
                         return true;
                       })
                .ok());
    prefetched.ranges.push_back(std::move(range));

    for (uint64_t since = world.prng.Below(4); since > 0; --since) {
      world.Publish();
      if (world.prng.OneIn(2)) REQUIRE(world.live->Drain().ok());
    }
    Stage stage(*world.live);
    stage.Use(&prefetched);
    State expected = world.Under(prefix);
    for (uint64_t staged = world.prng.Below(3); staged > 0; --staged) {
      const std::string key = world.Key();
      const bool ours = key.compare(0, prefix.size(), prefix) == 0;
      if (world.prng.OneIn(2)) {
        stage.Delete(key);
        expected.erase(key);
      } else {
        stage.Put(key, "staged");
        if (ours) expected[key] = "staged";
      }
    }
    const bool holds = world.live->TokenHolds(prefetched.token);
    const int cursors = world.index->cursors;
    State found;
    std::string last;
    REQUIRE(stage
                .Scan(prefix,
                      [&](Bytes key, Bytes value) {
                        CHECK(last < key);
                        last = std::string(key);
                        found[last] = std::string(value);
                        return true;
                      })
                .ok());
    REQUIRE(found == expected);
    CHECK(world.index->cursors - cursors == (holds ? 0 : 1));
    ++(holds ? used : stale);
  }
  CHECK(used > 1000);
  CHECK(stale > 1000);
}

}  // namespace
}  // namespace jzse::store
