// SPDX-License-Identifier: Apache-2.0
// Views of a LiveIndex whose Index follows, cannot follow, and follows again.
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "store/live_index.h"

namespace jzse::store {
namespace {

using State = std::map<std::string, std::string>;

// A map that refuses changes while told so. What it says of itself otherwise is NewMapIndex's.
class StubbornIndex final : public Index {
 public:
  StatusOr<bool> Get(Bytes key, const IndexSnapshot* snapshot, std::string* value) override {
    return map_->Get(key, snapshot, value);
  }
  Status Apply(const std::vector<IndexOp>& batch) override {
    if (refusing) return base::Fail(base::Code::kIo, "the disk under the index fails");
    largest = std::max(largest, batch.size());
    return map_->Apply(batch);
  }
  Status Flush() override { return map_->Flush(); }
  std::unique_ptr<IndexSnapshot> Snapshot() override { return map_->Snapshot(); }
  std::unique_ptr<IndexCursor> NewCursor(const IndexSnapshot* snapshot, CursorUse use) override {
    return map_->NewCursor(snapshot, use);
  }
  uint64_t DiskBytes() override { return 0; }

  bool refusing = false;
  size_t largest = 0;

 private:
  const std::unique_ptr<Index> map_ = NewMapIndex();
};

struct World {
  World() {
    auto owned = std::make_unique<StubbornIndex>();
    index = owned.get();
    live = std::make_unique<LiveIndex>(std::move(owned), Applied{});
  }
  void Publish(base::Prng& prng) {
    OverlayMap ops;
    for (uint64_t left = 1 + prng.Below(5); left > 0; --left) {
      const std::string key = "P" + std::to_string(10 + prng.Below(40));
      if (prng.OneIn(3)) {
        ops[key] = std::nullopt;
        state.erase(key);
      } else {
        const std::string value = std::to_string(prng.Next());
        ops[key] = value;
        state[key] = value;
      }
    }
    Applied applied;
    applied.sequence = ++sequence;
    live->Publish(std::move(ops), applied);
  }

  StubbornIndex* index = nullptr;
  std::unique_ptr<LiveIndex> live;
  State state;
  Sequence sequence = 0;
};

State StateIn(LiveIndex& live, const LiveView& view) {
  State state;
  REQUIRE(live.Scan(view, "P", [&](Bytes key, Bytes value) {
    state[std::string(key)] = value;
    return true;
  }).ok());
  return state;
}

void CheckView(LiveIndex& live, const LiveView& view, const State& state) {
  CHECK(StateIn(live, view) == state);
  const auto cursor = live.NewCursor(view, CursorUse::kWalk);
  for (int i = 9; i < 52; ++i) {
    const std::string key = "P" + std::to_string(i);
    INFO(key);
    std::string value;
    const auto found = live.Get(view, key, &value);
    const auto want = state.find(key);
    REQUIRE(found.ok());
    REQUIRE(*found == (want != state.end()));
    if (*found) REQUIRE(value == want->second);
    cursor->Seek(key);
    auto next = state.lower_bound(key);
    REQUIRE((cursor->valid() && cursor->key().front() == 'P') == (next != state.end()));
    if (next != state.end()) REQUIRE(cursor->key() == next->first);
    cursor->SeekBefore(key);
    const bool before = next != state.begin();
    REQUIRE((cursor->valid() && cursor->key().front() == 'P') == before);
    if (!before) continue;
    REQUIRE(cursor->key() == std::prev(next)->first);
    REQUIRE(cursor->value() == std::prev(next)->second);
    cursor->Next();
    REQUIRE((cursor->valid() && cursor->key().front() == 'P') == (next != state.end()));
    if (next != state.end()) REQUIRE(cursor->key() == next->first);
  }
}

}  // namespace

TEST_CASE("a view shows its moment, whether the index can follow or not, and goes on doing so") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    base::Prng prng(seed);
    World world;
    std::vector<std::pair<std::unique_ptr<LiveView>, State>> views;
    for (int step = 0; step < 60; ++step) {
      world.Publish(prng);
      if (prng.OneIn(8)) world.index->refusing = !world.index->refusing;
      if (prng.OneIn(4)) CHECK(world.live->Drain().ok() == !world.index->refusing);
      if (prng.OneIn(3)) {
        views.emplace_back(world.live->View(), world.state);
        CheckView(*world.live, *views.back().first, world.state);
      }
      if (views.size() > 3) views.erase(views.begin());
      for (const auto& [view, state] : views) CHECK(StateIn(*world.live, *view) == state);
    }
    world.index->refusing = false;
    REQUIRE(world.live->Checkpoint().ok());
    CHECK(world.live->overlay_count() == 0);
    CHECK(world.live->drained().sequence == world.sequence);
    const auto now = world.live->View();
    CHECK(now->above == nullptr);
    CheckView(*world.live, *now, world.state);
    for (const auto& [view, state] : views) CheckView(*world.live, *view, state);
  }
}

TEST_CASE("while the index cannot follow, views of the same state share what it lacks") {
  base::Prng prng(1);
  World world;
  world.index->refusing = true;
  world.Publish(prng);
  const auto one = world.live->View(), two = world.live->View();
  REQUIRE(one->above != nullptr);
  CHECK(one->above == two->above);
  const State before = world.state;
  world.Publish(prng);
  const auto three = world.live->View();
  CHECK(three->above != one->above);
  CheckView(*world.live, *one, before);
  CheckView(*world.live, *three, world.state);
}

TEST_CASE("an index that failed is not offered everything again until it takes something") {
  base::Prng prng(1);
  World world;
  world.index->refusing = true;
  for (int i = 0; i < 20; ++i) world.Publish(prng);
  CHECK_FALSE(world.live->Drain().ok());
  CHECK_FALSE(world.live->Checkpoint().ok());
  CHECK(world.index->largest == 0);
  world.index->refusing = false;
  CHECK(world.live->Drain().ok());
  CHECK(world.index->largest > 1);
}

}  // namespace jzse::store
