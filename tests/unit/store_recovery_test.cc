// SPDX-License-Identifier: Apache-2.0
// The validity rule: what of a commit segment counts, what is a torn tail, and what is damage.
#include <catch2/catch.hpp>

#include "io/sim_env.h"
#include "store/journal.h"
#include "store/recovery.h"

namespace jzse::store {
namespace {

const StoreId kStoreId{1, 2};

// A journal of five groups of two records, unsealed.
class World {
 public:
  World() : factory_(env_, "/s", kStoreId, 9, UINT64_MAX) {
    REQUIRE(env_.CreateDir("/s").ok());
    Journal journal(factory_, segments_, 0, {}, false);
    for (uint32_t i = 0; i < 5; ++i) {
      journal.Begin();
      if (i == 0) REQUIRE(journal.Roll(100, false).ok());
      journal.Begin();
      for (NamespaceId id : {2 * i + 1, 2 * i + 2}) {
        std::string head;
        EncodeNamespace({id, false, "n" + std::to_string(id), {}}, &head);
        places_.push_back(journal.Append(RecordType::kNamespace, head, {}));
      }
      journal.EndTransaction();
      REQUIRE(journal.Commit().ok());
    }
    segment_ = segments_.List().front();
  }

  void Damage(size_t record) {
    REQUIRE(env_.FlipBit(segment_->path(), places_[record].offset + 20, 1).ok());
  }
  // The sequences that are accepted.
  std::vector<Sequence> Read(uint64_t from = base::kSegmentHeaderSize, Sequence expected = 0) {
    damage_.clear();
    const auto found = ReadEntries(*segment_, from, 0, &damage_, expected);
    REQUIRE(found.ok());
    std::vector<Sequence> sequences;
    for (const FooterEntry& entry : found->entries) sequences.push_back(entry.header.sequence);
    end_ = found->end;
    return sequences;
  }

  io::SimEnv env_;
  SegmentFactory factory_;
  SegmentSet segments_;
  SegmentRef segment_;
  std::vector<Location> places_;
  std::vector<std::string> damage_;
  uint64_t end_ = 0;
};

TEST_CASE("everything written is accepted, and no more") {
  World world;
  CHECK(world.Read() == std::vector<Sequence>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(world.damage_.empty());
  CHECK(world.end_ == world.places_.back().offset + world.places_.back().size);
}

TEST_CASE("a last group that is not whole is a torn tail and no damage") {
  for (const size_t record : {size_t{8}, size_t{9}}) {
    World world;
    world.Damage(record);
    CHECK(world.Read() == std::vector<Sequence>{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(world.damage_.empty());
  }
}

TEST_CASE("a group that is not whole before a whole one is damage, and only the damaged record is lost") {
  World world;
  world.Damage(3);
  CHECK(world.Read() == std::vector<Sequence>{1, 2, 3, 5, 6, 7, 8, 9, 10});
  CHECK(world.damage_.size() > 0);
}

TEST_CASE("damage at the very beginning is noticed") {
  World world;
  world.Damage(0);
  world.Damage(1);
  CHECK(world.Read() == std::vector<Sequence>{3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(world.damage_.size() > 0);
}

TEST_CASE("damage right behind the place from which is read on is noticed") {
  World world;
  world.Damage(4);
  world.Damage(5);
  CHECK(world.Read(world.places_[4].offset, 5) == std::vector<Sequence>{7, 8, 9, 10});
  CHECK(world.damage_.size() > 0);
}

TEST_CASE("a tail that a later segment knows to be durable is damage") {
  World world;
  world.Damage(9);
  std::vector<std::string> damage;
  const auto found = ReadEntries(*world.segment_, base::kSegmentHeaderSize, 10, &damage);
  REQUIRE(found.ok());
  CHECK(found->entries.size() == 9);
  CHECK(damage.size() > 0);
}

}  // namespace
}  // namespace jzse::store
