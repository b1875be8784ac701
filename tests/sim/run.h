// SPDX-License-Identifier: Apache-2.0
// One seed from beginning to end, and the search for fewer actions that fail as well.
#ifndef JZSE_TESTS_SIM_RUN_H_
#define JZSE_TESTS_SIM_RUN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "totals.h"
#include "world.h"

namespace jzse::sim {

// Which actions of a seed are carried out: all, or these.
struct Plan {
  uint64_t seed = 1;
  std::vector<uint64_t> actions;
};
Plan WholePlan(uint64_t seed);
// As a failure prints it and --replay reads it: SEED:0-7,9,12.
std::string ToString(const Plan& plan);
std::optional<Plan> ParsePlan(const std::string& text);

struct Outcome {
  std::string problem;  // "" if none
  uint64_t trace_hash = 0;
  Totals totals;
  std::vector<std::string> notes;
};
Outcome Run(const Plan& plan, bool notes);
// Takes actions out as long as it still fails, in at most `runs_max` runs.
Plan Shrink(Plan plan, int runs_max);

}  // namespace jzse::sim

#endif  // JZSE_TESTS_SIM_RUN_H_
