// SPDX-License-Identifier: Apache-2.0
// The simulation of the engine: worlds of seeds 1, 2, 3 and so on, until a budget is used up or one finds a problem.
//
//   jzse_sim [--seed FIRST] [--seeds N] [--operations N] [--images N] [--seconds N] [--twice N] [--keep-going]
//     Runs at least one world, and on until every budget that was given is used up (seconds: until they are over). The
//     first N worlds of --twice run twice, and must give the same trace hash (but for those with LevelDB and failing calls).
//   jzse_sim --replay SEED[:ACTIONS]
//     Runs one world, telling what happens.
//
// JZSE_SIM_BUDGET is a factor on all budgets (on --twice only if it is less than 1). The exit code is 0 if no problem was found. A problem ends with one line
// that replays it: "replay: jzse_sim --replay ...".
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "heap.h"
#include "run.h"

namespace jzse::sim {
namespace {

struct Budget {
  uint64_t first = 1, seeds = 0, operations = 0, images = 0, seconds = 0, twice = 0;
  bool keep_going = false;
};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

unsigned long long Wide(uint64_t value) { return value; }

void Print(const Totals& totals, double seconds) {
  std::printf("%llu seeds, %llu operations, %llu images (%llu of them left by a second or later power cut), "
              "%llu states compared, %llu verified, %llu faults met, %llu disks damaged, "
              "store's memory at most %.1f MiB, %.1f s\n",
              Wide(totals.seeds), Wide(totals.operations), Wide(totals.images), Wide(totals.images_deep),
              Wide(totals.compared), Wide(totals.verified), Wide(totals.faults), Wide(totals.damaged),
              static_cast<double>(totals.memory_peak) / (1 << 20), seconds);
  std::fflush(stdout);
}

int Replay(const Plan& plan) {
  const Outcome outcome = Run(plan, true);
  for (const std::string& note : outcome.notes) std::printf("  %s\n", note.c_str());
  std::printf("trace hash %016llx\n", Wide(outcome.trace_hash));
  if (outcome.problem.empty()) return std::puts("no problem"), 0;
  std::printf("%s\n", outcome.problem.c_str());
  return 1;
}

void Report(const Plan& whole, const std::string& problem) {
  std::printf("seed %llu: %s\n", Wide(whole.seed), problem.c_str());
  std::printf("replay: jzse_sim --replay %llu\n", Wide(whole.seed));
  std::fflush(stdout);
  const Plan plan = Shrink(whole, 400);
  const Outcome outcome = Run(plan, true);
  std::printf("shrunk to %zu of %zu actions: %s\n", plan.actions.size(), whole.actions.size(),
              outcome.problem.c_str());
  for (const std::string& note : outcome.notes) std::printf("  %s\n", note.c_str());
  std::printf("replay: jzse_sim --replay %s\n", ToString(plan).c_str());
  std::fflush(stdout);
}

bool Enough(const Budget& budget, const Totals& totals, double seconds) {
  if (budget.seconds != 0) return seconds >= static_cast<double>(budget.seconds);
  return totals.seeds >= budget.seeds && totals.operations >= budget.operations && totals.images >= budget.images;
}

// LevelDB's thread and its caller are not yet in one order everywhere when calls fail (README.md).
bool HasExactTrace(uint64_t seed) {
  const Setting setting = SettingOf(seed);
  return !setting.leveldb || !setting.io_faults;
}

int Search(const Budget& budget) {
  Totals totals;
  const double begin = Seconds();
  double told = begin;
  uint64_t failed = 0, twice = 0, seed = budget.first;
  for (; totals.seeds == 0 || twice < budget.twice || !Enough(budget, totals, Seconds() - begin); ++seed) {
    const Plan plan = WholePlan(seed);
    Outcome outcome = Run(plan, false);
    totals.Add(outcome.totals);
    if (outcome.problem.empty() && twice < budget.twice && HasExactTrace(seed)) {
      ++twice;
      const Outcome again = Run(plan, false);
      totals.Add(again.totals);
      --totals.seeds;
      if (again.trace_hash != outcome.trace_hash) outcome.problem = "the same seed gives another trace";
    }
    if (!outcome.problem.empty()) {
      Report(plan, outcome.problem);
      ++failed;
      if (!budget.keep_going) break;
    }
    if (Seconds() - told >= 30) {
      told = Seconds();
      Print(totals, told - begin);
    }
  }
  Print(totals, Seconds() - begin);
  std::printf("seeds %llu to %llu, %llu of them run twice with the same trace hash\n", Wide(budget.first),
              Wide(seed - (failed != 0 && !budget.keep_going ? 0 : 1)), Wide(twice));
  return failed == 0 ? 0 : 1;
}

int Usage() {
  std::fputs("usage: jzse_sim [--seed FIRST] [--seeds N] [--operations N] [--images N] [--seconds N] [--twice N] "
             "[--keep-going]\n       jzse_sim --replay SEED[:ACTIONS]\n", stderr);
  return 2;
}

int Main(int argc, char** argv) {
  io::SimMutex::SetBrackets(SpareAllocations, EndSparing);
  Budget budget;
  const struct {
    const char* name;
    uint64_t* value;
  } numbers[] = {{"--seed", &budget.first},           {"--seeds", &budget.seeds}, {"--operations", &budget.operations},
                 {"--images", &budget.images},       {"--seconds", &budget.seconds}, {"--twice", &budget.twice}};
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--keep-going") == 0) {
      budget.keep_going = true;
      continue;
    }
    if (i + 1 == argc) return Usage();
    if (std::strcmp(argv[i], "--replay") == 0) {
      const auto plan = ParsePlan(argv[i + 1]);
      return plan ? Replay(*plan) : Usage();
    }
    bool known = false;
    for (const auto& number : numbers) {
      if (std::strcmp(argv[i], number.name) != 0) continue;
      char* end = nullptr;
      *number.value = std::strtoull(argv[i + 1], &end, 10);
      known = *end == '\0';
    }
    if (!known) return Usage();
    ++i;
  }
  if (const char* const factor = std::getenv("JZSE_SIM_BUDGET")) {
    const double times = std::strtod(factor, nullptr);
    const auto scale = [](uint64_t& value, double by) { value = static_cast<uint64_t>(static_cast<double>(value) * by); };
    for (uint64_t* const value : {&budget.seeds, &budget.operations, &budget.images, &budget.seconds})
      scale(*value, times);
    scale(budget.twice, std::min(times, 1.0));
  }
  return Search(budget);
}

}  // namespace
}  // namespace jzse::sim

int main(int argc, char** argv) { return jzse::sim::Main(argc, argv); }
