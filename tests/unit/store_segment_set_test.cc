// SPDX-License-Identifier: Apache-2.0
// A set of segments that is listed while other threads change it, and segment files that are used again.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "io/sim_env.h"
#include "store/segment_factory.h"

namespace jzse::store {
namespace {

TEST_CASE("segments are listed while others come and go") {
  io::SimEnv env;
  REQUIRE(env.CreateDir("/s").ok());
  SegmentFactory factory(env, "/s", StoreId{1, 2}, 9, UINT64_MAX);
  SegmentSet set;
  std::vector<SegmentRef> made;
  for (int i = 0; i < 64; ++i) {
    SegmentHeader header;
    header.stream = Stream::kCommit;
    auto segment = factory.Make(header, 0, false, nullptr);
    REQUIRE(segment.ok());
    made.push_back(*segment);
    set.Add(*segment);
  }
  std::atomic<bool> stop{false};
  std::thread changing([&] {
    for (size_t i = 0; !stop; i = (i + 1) % 32) {
      set.Remove(made[i]->id());
      set.Add(made[i]);
    }
  });
  size_t wrong = 0;
  for (int i = 0; i < 20000; ++i) {
    const size_t size = set.List().size();
    if (size != 63 && size != 64) ++wrong;
  }
  stop = true;
  changing.join();
  CHECK(wrong == 0);
}

TEST_CASE("a file that is used again has its new name before its new header, whenever the power goes") {
  io::SimEnv env;
  REQUIRE(env.CreateDir("/s").ok());
  REQUIRE(env.SyncDir("/").ok());
  SegmentFactory factory(env, "/s", StoreId{1, 2}, 9, UINT64_MAX);
  uint64_t seed = 0;
  size_t looked_at = 0;
  env.SetEffectHook([&] {
    for (const io::CrashMode mode : {io::CrashMode::kNoneKept, io::CrashMode::kRandom, io::CrashMode::kReordered}) {
      const auto after = env.CloneCrashed(++seed, mode);
      for (const std::string& path : after->Paths()) {
        const auto id = ParseSegmentFileName(path.substr(path.rfind('/') + 1));
        const std::string content = *after->Content(path);
        if (!id || content.size() < base::kSegmentHeaderSize) continue;
        const auto header = DecodeSegmentHeader(base::Bytes(content).substr(0, base::kSegmentHeaderSize));
        if (header.ok()) CHECK(header->id == *id);
        ++looked_at;
      }
    }
  });
  for (int life = 0; life < 4; ++life) {
    SegmentHeader header;
    header.stream = Stream::kCommit;
    auto made = factory.Make(header, base::kCommitSegmentSizeMin, false, nullptr);
    REQUIRE(made.ok());
    (*made)->Retire([&](std::unique_ptr<io::File> file, const std::string& path) {
      factory.Recycle(std::move(file), path);
    });
  }
  CHECK(looked_at > 0);
}

}  // namespace
}  // namespace jzse::store
