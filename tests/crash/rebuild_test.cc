// SPDX-License-Identifier: Apache-2.0
// The power goes while a lost index is built anew, at a moment when part of it has reached the disk already. What was built
// until then must not pass for an index: the next open finds every file.
#include <catch2/catch.hpp>

#include "store_world.h"

namespace jzse::crash {
namespace {

constexpr int kFiles = 12'000;  // whose entries fill several of the index's buffers
constexpr int kMoments = 24;

engine::Options SmallMemory() {
  engine::Options options = QuietOptions();
  options.memory_limit = base::kMemoryLimitMin;
  options.create = true;
  return options;
}

std::string PathOf(int i) {
  // Neither sorted nor short.
  const std::string number = std::to_string(i * 7919 % kFiles);
  return "a/directory/with/a/rather/long/name/to/fill/the/index/sooner/" + std::string(5 - number.size(), '0') + number;
}

void Fill(io::SimEnv& env) {
  auto store = Store::Open(env, kStore, SmallMemory());
  REQUIRE(store.ok());
  for (int i = 0; i < kFiles;) {
    engine::Transaction transaction;
    for (int n = 0; n < 1000; ++n, ++i)
      REQUIRE((*store)->AddPut(transaction, "default", PathOf(i), "content", /*copy=*/false, {}).ok());
    REQUIRE((*store)->Commit(std::move(transaction)).ok());
  }
  REQUIRE((*store)->Close().ok());
}

int CountFiles(io::SimEnv& env) {
  auto store = Store::Open(env, kStore, SmallMemory());
  REQUIRE(store.ok());
  engine::ListOptions all;
  auto lister = (*store)->List("default", all);
  REQUIRE(lister.ok());
  int count = 0;
  for (;; ++count) {
    const auto entry = (*lister)->Next();
    REQUIRE(entry.ok());
    if (*entry == nullptr) break;
  }
  const auto stats = (*store)->GetStats();
  REQUIRE(stats.ok());
  CHECK(stats->file_count == static_cast<uint64_t>(count));
  return count;
}

}  // namespace

TEST_CASE("an index whose building was interrupted is built again") {
  io::SimEnv env;
  Fill(env);
  RemoveIndex(env);
  uint64_t effects = 0;
  {
    const auto whole = env.CloneKilled();
    const uint64_t before = whole->effects();
    REQUIRE(CountFiles(*whole) == kFiles);
    effects = whole->effects() - before;
  }
  for (int moment = 1; moment < kMoments; ++moment) {
    const uint64_t at = effects * static_cast<uint64_t>(moment) / kMoments;
    for (const bool killed : {false, true}) {
      CAPTURE(at, effects, killed);
      const auto world = env.CloneKilled();
      world->CrashAfter(at);
      (void)Store::Open(*world, kStore, SmallMemory());
      const auto after = killed ? world->CloneKilled() : world->CloneCrashed(static_cast<uint64_t>(moment), io::CrashMode::kRandom);
      CHECK(CountFiles(*after) == kFiles);
    }
  }
}

}  // namespace jzse::crash
