// SPDX-License-Identifier: Apache-2.0
// A set of segments that is listed while other threads change it.
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
    auto segment = factory.Make(header, 0, false);
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

}  // namespace
}  // namespace jzse::store
