// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>

#include "model/model.h"

namespace jzse::model {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

TEST_CASE("a stamp packs milliseconds and a counter, and orders by both") {
  const Stamp stamp = Stamp::At(kNow, 7);
  CHECK(stamp.ms() == kNow);
  CHECK(stamp.counter() == 7);
  CHECK(Stamp::At(kNow, 0xffff) < Stamp::At(kNow + 1));
  CHECK(Stamp::At(kNow, 1) < Stamp::At(kNow, 2));
  CHECK(Stamp::At(Stamp::kMsMax).valid());
  CHECK_FALSE(Stamp::At(Stamp::kMsMax + 1).valid());
}

TEST_CASE("a clock follows the time, and rises while the time stands still or goes back") {
  HybridClock clock;
  CHECK(clock.Next(kNow) == Stamp::At(kNow));
  CHECK(clock.Next(kNow) == Stamp::At(kNow, 1));
  CHECK(clock.Next(kNow - 1000) == Stamp::At(kNow, 2));
  CHECK(clock.Next(kNow + 5) == Stamp::At(kNow + 5));
  CHECK(clock.last() == Stamp::At(kNow + 5));
}

TEST_CASE("a full counter carries into the milliseconds") {
  HybridClock clock;
  clock.Restore(Stamp::At(kNow, 0xffff));
  CHECK(clock.Next(kNow) == Stamp::At(kNow + 1));
}

TEST_CASE("times outside the range count as its ends") {
  HybridClock clock;
  CHECK(clock.Next(-5) == Stamp{1});
  CHECK(clock.Next(std::numeric_limits<int64_t>::min()) == Stamp{2});
  CHECK(clock.Next(std::numeric_limits<int64_t>::max()) == Stamp::At(Stamp::kMsMax));
  CHECK(clock.Next(std::numeric_limits<int64_t>::max()) > Stamp::At(Stamp::kMsMax));
}

TEST_CASE("what was observed is behind every later stamp") {
  HybridClock clock;
  REQUIRE(clock.Observe(Stamp::At(kNow + 100, 3), kNow, 100).ok());
  CHECK(clock.Next(kNow) == Stamp::At(kNow + 100, 4));
  REQUIRE(clock.Observe(Stamp::At(kNow - 100), kNow, 0).ok());
  CHECK(clock.last() == Stamp::At(kNow + 100, 4));
}

TEST_CASE("a stamp from too far ahead is refused and not adopted") {
  HybridClock clock;
  clock.Next(kNow);
  const base::Status status = clock.Observe(Stamp::At(kNow + 101), kNow, 100);
  CHECK(base::CodeOf(status) == base::Code::kInvalid);
  CHECK(clock.last() == Stamp::At(kNow));
  CHECK_FALSE(clock.Observe({std::numeric_limits<uint64_t>::max()}, kNow, std::numeric_limits<uint64_t>::max()).ok());
  CHECK_FALSE(clock.Observe(Stamp::At(kNow + 1), -1, 100).ok());
  CHECK(clock.last() == Stamp::At(kNow));
}

TEST_CASE("a stamp ahead of the time, but not of what was seen, is accepted") {
  HybridClock clock;
  clock.Restore(Stamp::At(kNow + 5000));
  CHECK(clock.Observe(Stamp::At(kNow + 4000), kNow, 100).ok());
  CHECK(clock.last() == Stamp::At(kNow + 5000));
}

TEST_CASE("restoring never takes a clock back") {
  HybridClock clock;
  clock.Restore(Stamp::At(kNow));
  clock.Restore(Stamp::At(kNow - 1));
  CHECK(clock.last() == Stamp::At(kNow));
}

}  // namespace
}  // namespace jzse::model
