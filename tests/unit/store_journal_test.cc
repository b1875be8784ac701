// SPDX-License-Identifier: Apache-2.0
// Groups are written in whole blocks: what is durable of the block that a group begins in is written again as it was.
#include <catch2/catch.hpp>

#include "io/recording_env.h"
#include "io/sim_env.h"
#include "store/journal.h"

namespace jzse::store {
namespace {

const StoreId kStoreId{1, 2};

struct Write {
  uint64_t offset = 0, size = 0;
};

// A journal whose durable writes are noted.
class World {
 public:
  World() : factory_(env_, "/s", kStoreId, 9, UINT64_MAX), journal_(factory_, segments_, 0, {}, false) {
    REQUIRE(env_.CreateDir("/s").ok());
    journal_.Begin();
    REQUIRE(journal_.Roll(base::kMiB, false).ok());
    segment_ = segments_.List().front();
    writes_.clear();
  }

  void Append(Bytes body) { places_.push_back(journal_.Append(RecordType::kChange, head_, body)); }
  void CommitOne(Bytes body) {
    journal_.Begin();
    Append(body);
    journal_.EndTransaction();
    REQUIRE_FALSE(journal_.overflow());
    REQUIRE(journal_.Commit().ok());
    bodies_.emplace_back(body);
  }
  // Every record is in its place and whole.
  void CheckAll() {
    REQUIRE(places_.size() == bodies_.size());
    for (size_t i = 0; i < places_.size(); ++i) {
      RecordHeader header;
      std::string buffer;
      const auto payload = segment_->ReadRecord(places_[i], &header, &buffer);
      REQUIRE(payload.ok());
      CHECK(header.sequence == i + 1);
      CHECK(payload->substr(kGroupPrefixSize) == head_ + bodies_[i]);
    }
  }

  io::SimEnv sim_;
  std::vector<Write> writes_;
  io::RecordingEnv env_{sim_, [this](const io::Record& record) {
                          if (record.op == io::Op::kWriteDurable) writes_.push_back({record.offset, record.size});
                        }};
  SegmentFactory factory_;
  SegmentSet segments_;
  Journal journal_;
  SegmentRef segment_;
  std::string head_ = "head";
  std::vector<Location> places_;
  std::vector<std::string> bodies_;
};

TEST_CASE("groups of any size begin where the one before ended, and each write covers whole blocks") {
  World world;
  base::Prng prng(11);
  for (int i = 0; i < 60; ++i) world.CommitOne(prng.Bytes(prng.Below(i % 3 == 0 ? 9000 : 600)));
  world.CheckAll();
  REQUIRE(world.writes_.size() == 60);
  uint64_t end = base::kSegmentHeaderSize;
  for (size_t i = 0; i < 60; ++i) {
    const Write& write = world.writes_[i];
    CHECK(world.places_[i].offset == end);
    CHECK(write.offset == end / base::kBlockSize * base::kBlockSize);
    end = world.places_[i].offset + world.places_[i].size;
    CHECK(write.offset + write.size == base::AlignUp(end, base::kBlockSize));
  }
  CHECK(world.journal_.position().offset == end);
}

TEST_CASE("a group that was begun and given up leaves no trace in the next one") {
  World world;
  world.CommitOne("first");
  world.journal_.Begin();
  world.Append(std::string(10'000, 'x'));
  world.places_.pop_back();
  world.journal_.RollbackTransaction();
  world.journal_.Begin();
  world.CommitOne("second");
  world.CheckAll();
  const uint64_t end = world.places_.back().offset + world.places_.back().size;
  std::string behind(base::kBlockSize, 'z');
  REQUIRE(world.segment_->file().Read(end, behind.size(), behind.data()).ok());
  CHECK(behind == std::string(base::kBlockSize, '\0'));
}

TEST_CASE("sealing right behind a group in the middle of a block keeps it") {
  World world;
  world.CommitOne("first");
  world.CommitOne("second");
  REQUIRE(world.journal_.Close().ok());
  world.CheckAll();
  CHECK(world.segment_->trailer()->records == 2);
}

TEST_CASE("a large footer, of which whole blocks go another way, is read back whole") {
  World world;
  world.head_ = std::string(2000, 'h');
  for (int i = 0; i < 150; ++i) world.CommitOne(std::string(static_cast<size_t>(i), 'b'));
  const uint64_t end = world.journal_.position().offset;
  REQUIRE(world.journal_.Close().ok());
  world.CheckAll();
  const auto again = OpenSegment(world.env_, world.factory_.files(), world.segment_->path(), kStoreId, false);
  REQUIRE(again.ok());
  const auto entries = (*again)->ReadFooter();
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 150);
  for (const FooterEntry& entry : *entries) CHECK(entry.summary == world.head_);
  CHECK((*again)->end == end);
  // The blocks in the middle are there already when the rest is synced.
  CHECK(world.writes_.back().offset == base::AlignUp(end, base::kBlockSize));
  CHECK(world.writes_.back().size % base::kBlockSize == 0);
}

}  // namespace
}  // namespace jzse::store
