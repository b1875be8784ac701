// SPDX-License-Identifier: Apache-2.0
// The power fails at every effect of a workload, and again during recovery.
//
// A first run records what is visible after each step. A second run, with the same seed, forks images of the disk at
// its effects; every image must open, hold exactly what was acknowledged, and the step under way wholly or not at all.
//
// JZSE_CRASH_BUDGET scales how many images are checked (1 by default; 100 checks every effect in every mode).
#include <catch2/catch.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "store_world.h"

namespace jzse::crash {
namespace {

using io::CrashMode;
using io::SimEnv;

constexpr CrashMode kModes[] = {CrashMode::kNoneKept, CrashMode::kAllKept, CrashMode::kRandom, CrashMode::kReordered};

double Budget() {
  const char* const budget = std::getenv("JZSE_CRASH_BUDGET");
  return budget == nullptr ? 1 : std::strtod(budget, nullptr);
}

// Checks images; returns the first problem found or "".
class Checker {
 public:
  explicit Checker(uint64_t seed) : prng_(seed) {}

  // `before` is what was acknowledged, `after` what the step under way would make of it.
  std::string Check(std::unique_ptr<SimEnv> disk, const Dump& before, const Dump& after, int depth) {
    ++images_;
    if (depth < 2 && prng_.OneIn(3)) return CheckDuringRecovery(*disk, before, after, depth);
    std::vector<std::string> log;
    auto store = OpenOn(*disk, &log);
    if (!store.ok()) return "cannot be opened: " + std::string(store.status().message());
    std::string problem = CheckOpened(**store, before, after);
    if (problem.empty()) problem = CheckGoingOn(*disk, *std::move(store));
    if (!problem.empty())
      for (const std::string& line : log) problem += "\n  log " + line;
    return problem;
  }
  uint64_t images() const { return images_; }

 private:
  // The power fails again while the store is opened.
  std::string CheckDuringRecovery(SimEnv& disk, const Dump& before, const Dump& after, int depth) {
    disk.CrashAfter(prng_.Below(60));
    { const auto store = OpenOn(disk); }
    auto again = disk.CloneCrashed(prng_.Next(), kModes[prng_.Below(4)]);
    return Check(std::move(again), before, after, depth + 1);
  }

  std::string CheckOpened(Store& store, const Dump& before, const Dump& after) {
    const auto dump = DumpOf(store);
    if (!dump.ok()) return "cannot be read: " + std::string(dump.status().message());
    const std::string from_before = Difference(before, *dump);
    if (!from_before.empty()) {
      const std::string from_after = Difference(after, *dump);
      if (!from_after.empty()) return "neither before (" + from_before + ") nor after (" + from_after + ")";
    }
    const auto stats = store.GetStats();
    if (!stats.ok()) return "no stats: " + std::string(stats.status().message());
    if (stats->corrupt_records != 0) return "a power cut is reported as damage";
    const std::string problems = VerifyProblems(store);
    return problems.empty() ? "" : "verify: " + problems;
  }

  // The store goes on working, and what it then acknowledges survives the next power cut with all the rest.
  std::string CheckGoingOn(SimEnv& disk, std::unique_ptr<Store> store) {
    const std::string data = Noise(prng_.Next(), prng_.OneIn(4) ? 70'000 : 500);
    if (const Status put = Put(*store, "default", "later", data); !put.ok())
      return "refuses a put: " + std::string(put.message());
    const auto dump = DumpOf(*store);
    if (!dump.ok()) return "cannot be read after a put: " + std::string(dump.status().message());
    const bool clean = prng_.OneIn(2);
    if (clean) {
      if (const Status closed = store->Close(); !closed.ok()) return "close: " + std::string(closed.message());
    }
    const auto again = disk.CloneCrashed(prng_.Next(), kModes[prng_.Below(4)]);
    store.reset();
    if (prng_.OneIn(4)) RemoveIndex(*again);
    auto reopened = OpenOn(*again);
    if (!reopened.ok()) return "cannot be opened again: " + std::string(reopened.status().message());
    const std::string problem = CheckOpened(**reopened, *dump, *dump);
    return problem.empty() ? "" : "opened again: " + problem;
  }

  base::Prng prng_;
  uint64_t images_ = 0;
};

// What is visible after each step.
std::vector<Dump> Rehearse(const std::vector<Step>& steps, uint64_t* effects) {
  SimEnv env;
  std::unique_ptr<Store> store;
  std::vector<Dump> dumps;
  for (const Step& step : steps) {
    const Status status = step.run(env, store);
    INFO(step.name << ": " << status);
    REQUIRE(status.ok());
    const auto dump = DumpOf(*store);
    INFO(dump.status());
    REQUIRE(dump.ok());
    dumps.push_back(*dump);
    const std::string problems = VerifyProblems(*store);
    INFO(step.name << ": " << problems);
    REQUIRE(problems.empty());
  }
  *effects = env.effects();
  return dumps;
}

struct Trial {
  uint64_t seed = 1;
  double images_per_effect = 1;
  bool without_index = false;
  bool killed_first = false;  // the process was killed, a second one recovered, and then the power failed
};

// What a kill leaves is all there to be read and not all durable; what a recovery then does must not rely on it.
std::unique_ptr<SimEnv> AfterKill(const SimEnv& env, uint64_t seed, CrashMode mode) {
  const auto killed = env.CloneKilled();
  if (base::Prng(seed).OneIn(2)) killed->CrashAfter(seed % 60);
  const auto store = OpenOn(*killed);
  return killed->CloneCrashed(seed, mode);
}

// Runs the workload, checking images at its effects. The number of images checked.
uint64_t CutEverywhere(const std::vector<Step>& steps, const std::vector<Dump>& dumps, const Trial& trial) {
  SimEnv env;
  std::unique_ptr<Store> store;
  std::mutex mutex;  // the index has a thread, too
  base::Prng prng(trial.seed);
  Checker checker(trial.seed);
  size_t at = 0;
  std::string problem;
  env.SetEffectHook([&] {
    const std::lock_guard lock(mutex);
    const auto whole = static_cast<uint64_t>(trial.images_per_effect);
    const double rest = trial.images_per_effect - static_cast<double>(whole);
    uint64_t images = whole + (static_cast<double>(prng.Below(1'000'000)) < rest * 1e6 ? 1 : 0);
    const Dump& before = dumps[at == 0 ? 0 : at - 1];
    for (; images > 0 && problem.empty(); --images) {
      const uint64_t seed = prng.Next();
      const CrashMode mode = kModes[prng.Below(4)];
      auto image = trial.killed_first ? AfterKill(env, seed, mode) : env.CloneCrashed(seed, mode);
      if (trial.without_index) RemoveIndex(*image);
      problem = checker.Check(std::move(image), before, dumps[at], 0);
      if (!problem.empty())
        problem = "seed " + std::to_string(trial.seed) + ", effect " + std::to_string(env.effects()) + ", mode " +
                  std::to_string(static_cast<int>(mode)) + ", in step '" + steps[at].name + "': " + problem;
    }
  });
  for (; at < steps.size() && problem.empty(); ++at) {
    const Status status = steps[at].run(env, store);
    INFO(steps[at].name << ": " << status);
    REQUIRE(status.ok());
  }
  env.SetEffectHook({});
  store.reset();
  CHECK(problem == "");
  return checker.images();
}

TEST_CASE("a power cut at any effect loses nothing acknowledged and leaves nothing half done") {
  const auto steps = FullWorkload();
  uint64_t effects = 0;
  const auto dumps = Rehearse(steps, &effects);
  Trial trial;
  trial.images_per_effect = 400 * Budget() / static_cast<double>(effects);
  const uint64_t images = CutEverywhere(steps, dumps, trial);
  std::printf("%llu images of %llu effects checked\n", static_cast<unsigned long long>(images),
              static_cast<unsigned long long>(effects));
  CHECK(images > 0);
}

TEST_CASE("the same when the index is lost with the power") {
  const auto steps = FullWorkload();
  uint64_t effects = 0;
  const auto dumps = Rehearse(steps, &effects);
  Trial trial;
  trial.seed = 2;
  trial.without_index = true;
  trial.images_per_effect = 100 * Budget() / static_cast<double>(effects);
  const uint64_t images = CutEverywhere(steps, dumps, trial);
  std::printf("%llu images without index checked\n", static_cast<unsigned long long>(images));
  CHECK(images > 0);
}

TEST_CASE("the same when the process was killed and recovered before the power failed") {
  const auto steps = FullWorkload();
  uint64_t effects = 0;
  const auto dumps = Rehearse(steps, &effects);
  Trial trial;
  trial.seed = 3;
  trial.killed_first = true;
  trial.images_per_effect = 600 * Budget() / static_cast<double>(effects);
  CHECK(CutEverywhere(steps, dumps, trial) > 0);
}

// A store whose first compaction has replaced segments that a snapshot keeps.
struct Held {
  SimEnv env;
  std::unique_ptr<Store> store;
  std::unique_ptr<engine::Snapshot> snapshot;

  Held() {
    store = *OpenOn(env);
    model::NamespacePolicy no_versions;
    no_versions.versions_max = 0;
    REQUIRE(store->ConfigureNamespace("default", no_versions).ok());
    for (int i = 0; i < 3; ++i) REQUIRE(Put(*store, "default", "a", Noise(i, 1000)).ok());
    REQUIRE(Compact().ok());  // seals; the newest segment itself is left alone
    REQUIRE(Put(*store, "default", "a", Noise(8, 1000)).ok());
    snapshot = *store->OpenSnapshot();
    REQUIRE(Compact().ok());
    REQUIRE(Put(*store, "default", "a", Noise(9, 1000)).ok());
  }
  Status Compact() {
    engine::CompactOptions full;
    full.full = true;
    return store->Compact(full).status();
  }
};

TEST_CASE("a leftover of a compaction is told from damage though what an earlier one replaced is gone") {
  std::vector<std::string> replaced;
  {
    Held held;
    replaced = SegmentPaths(held.env);
    held.snapshot.reset();
    const auto left = SegmentPaths(held.env);
    std::erase_if(replaced, [&](const std::string& path) { return std::count(left.begin(), left.end(), path) != 0; });
  }
  REQUIRE(!replaced.empty());
  for (uint64_t effects = 1; effects < 60; ++effects) {
    Held held;
    held.env.CrashAfter(effects);
    (void)held.Compact();
    const auto image = held.env.CloneCrashed(1, CrashMode::kAllKept);
    for (const std::string& path : replaced) (void)image->Remove(path);
    auto recovered = OpenOn(*image);
    INFO(effects << " effects: " << recovered.status());
    REQUIRE(recovered.ok());
    CHECK((*recovered)->GetStats()->corrupt_records == 0);
    CHECK(*Get(**recovered, "default", "a") == Noise(9, 1000));
    CHECK(VerifyProblems(**recovered) == "");
  }
}

TEST_CASE("a store whose creation was killed at any effect keeps what is written after it is opened again") {
  engine::Options options = QuietOptions();
  options.memory_index = true;  // LevelDB's opening would sync the directory by chance
  std::vector<std::unique_ptr<SimEnv>> killed;
  {
    SimEnv env;
    env.SetEffectHook([&] { killed.push_back(env.CloneKilled()); });
    REQUIRE(Store::Open(env, kStore, options).ok());
    env.SetEffectHook({});
  }
  REQUIRE(killed.size() > 5);
  for (size_t i = 0; i < killed.size(); ++i) {
    INFO("killed at effect " << i + 1);
    auto store = Store::Open(*killed[i], kStore, options);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "a", "acknowledged").ok());
    const auto image = killed[i]->CloneCrashed(i, CrashMode::kNoneKept);
    store->reset();
    auto again = Store::Open(*image, kStore, options);
    REQUIRE(again.ok());
    const auto data = Get(**again, "default", "a");
    INFO(data.status());
    REQUIRE(data.ok());
    CHECK(*data == "acknowledged");
    CHECK((*again)->GetStats()->corrupt_records == 0);
  }
}

}  // namespace
}  // namespace jzse::crash
