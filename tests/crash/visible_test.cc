// SPDX-License-Identifier: Apache-2.0
// What a reader sees while a change is under way is on disk: at every effect of a put a reader looks, then the power is cut,
// and the store that opens again is not older than what was seen.
#include <catch2/catch.hpp>

#include "store_world.h"

namespace jzse::crash {
namespace {

using io::SimEnv;

// Numbers; one in four is stored in chunks.
std::string ContentOf(int number) {
  const std::string digits = std::to_string(number);
  return digits + " " + (number % 4 == 0 ? Noise(static_cast<uint64_t>(number), 70'000) : "");
}

int NumberIn(Store& store) {
  const auto data = Get(store, "default", "f");
  return data.ok() ? std::stoi(*data) : 0;
}

TEST_CASE("nothing is seen that a power cut could take back") {
  SimEnv env;
  auto store = OpenOn(env);
  REQUIRE(store.ok());
  int looks = 0;
  bool looking = false;  // a look has effects of its own, such as reading a file's size
  for (int number = 1; number <= 40; ++number) {
    env.SetEffectHook([&] {
      if (looking) return;
      looking = true;
      const int seen = NumberIn(**store);
      for (const auto mode : {io::CrashMode::kNoneKept, io::CrashMode::kReordered}) {
        const auto image = env.CloneCrashed(static_cast<uint64_t>(looks), mode);
        auto after = OpenOn(*image);
        REQUIRE(after.ok());
        CHECK(NumberIn(**after) >= seen);
      }
      ++looks;
      looking = false;
    });
    REQUIRE(Put(**store, "default", "f", ContentOf(number)).ok());
    env.SetEffectHook(nullptr);
    REQUIRE(NumberIn(**store) == number);
  }
  CHECK(looks >= 40);
}

}  // namespace
}  // namespace jzse::crash
