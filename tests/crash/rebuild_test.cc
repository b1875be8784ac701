// SPDX-License-Identifier: Apache-2.0
// The power goes while a lost index is built anew, at a moment when part of it has reached the disk already, or soon after.
// What was built until then must not pass for an index, and what was built wholly must not meet segments that it never saw.
#include <catch2/catch.hpp>
#include <functional>

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

// Compaction forgot the deletion together with the file. Were the file's segment there again without the one of the deletion,
// an index made in between would take it for new.
TEST_CASE("what compaction removed before a rebuild stays removed when the power fails after it") {
  io::SimEnv env;
  const auto live = [&](const std::function<void(Store&)>& body) {
    auto store = Store::Open(env, kStore, SmallMemory());
    REQUIRE(store.ok());
    body(**store);
    REQUIRE((*store)->Close().ok());
  };
  live([](Store& store) {
    model::NamespacePolicy policy;
    policy.versions_max = 0;
    REQUIRE(store.ConfigureNamespace("default", policy).ok());
    REQUIRE(Put(store, "default", "deleted", "once").ok());
  });
  live([](Store& store) { REQUIRE(Put(store, "default", "kept", "still").ok()); });
  live([](Store& store) { REQUIRE(Delete(store, "default", "deleted").ok()); });
  auto store = Store::Open(env, kStore, SmallMemory());
  REQUIRE(store.ok());
  engine::CompactOptions full;
  full.full = true;
  REQUIRE((*store)->Compact(full).ok());
  const auto killed = env.CloneKilled();
  REQUIRE((*store)->Close().ok());
  RemoveIndex(*killed);
  for (uint64_t seed = 1; seed <= 64; ++seed) {
    CAPTURE(seed);
    const auto world = killed->CloneKilled();
    auto rebuilt = Store::Open(*world, kStore, SmallMemory());
    REQUIRE(rebuilt.ok());
    const auto after = world->CloneCrashed(seed, io::CrashMode::kReordered);
    auto again = Store::Open(*after, kStore, SmallMemory());
    REQUIRE(again.ok());
    CHECK(base::CodeOf(Get(**again, "default", "deleted").status()) == base::Code::kNotFound);
    CHECK(*Get(**again, "default", "kept") == "still");
    CHECK(VerifyProblems(**again) == "");
  }
}

}  // namespace jzse::crash
