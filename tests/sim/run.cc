// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace jzse::sim {

Plan WholePlan(uint64_t seed) {
  Plan plan{seed, {}};
  plan.actions.resize(SettingOf(seed).actions);
  std::iota(plan.actions.begin(), plan.actions.end(), 0);
  return plan;
}

std::string ToString(const Plan& plan) {
  std::string text = std::to_string(plan.seed) + ":";
  for (size_t i = 0; i < plan.actions.size();) {
    size_t end = i + 1;
    while (end < plan.actions.size() && plan.actions[end] == plan.actions[end - 1] + 1) ++end;
    if (i > 0) text += ",";
    text += std::to_string(plan.actions[i]);
    if (end > i + 1) text += "-" + std::to_string(plan.actions[end - 1]);
    i = end;
  }
  return text;
}

std::optional<Plan> ParsePlan(const std::string& text) {
  char* at = nullptr;
  const uint64_t seed = std::strtoull(text.c_str(), &at, 10);
  if (at == text.c_str()) return std::nullopt;
  if (*at == '\0') return WholePlan(seed);
  if (*at != ':') return std::nullopt;
  Plan plan{seed, {}};
  for (++at; *at != '\0';) {
    char* end = nullptr;
    const uint64_t first = std::strtoull(at, &end, 10);
    if (end == at) return std::nullopt;
    uint64_t last = first;
    if (*end == '-') {
      at = end + 1;
      last = std::strtoull(at, &end, 10);
      if (end == at || last < first || last - first > 1'000'000) return std::nullopt;
    }
    for (uint64_t action = first; action <= last; ++action) plan.actions.push_back(action);
    if (*end != ',' && *end != '\0') return std::nullopt;
    at = *end == ',' ? end + 1 : end;
  }
  return plan;
}

Outcome Run(const Plan& plan, bool notes) {
  Outcome outcome;
  outcome.totals.seeds = 1;
  World world(SettingOf(plan.seed), plan.seed, outcome.totals);
  if (notes) world.KeepNotes();
  outcome.problem = world.Begin();
  for (const uint64_t action : plan.actions) {
    if (!outcome.problem.empty()) break;
    outcome.problem = world.Act(ActionSeed(plan.seed, action));
    if (!outcome.problem.empty()) outcome.problem = "action " + std::to_string(action) + ": " + outcome.problem;
  }
  if (outcome.problem.empty()) {
    outcome.problem = world.Finish();
    if (!outcome.problem.empty()) outcome.problem = "at the end: " + outcome.problem;
  }
  outcome.trace_hash = world.trace_hash();
  outcome.notes = world.notes();
  return outcome;
}

Plan Shrink(Plan plan, int runs_max) {
  for (size_t piece = std::max<size_t>(1, plan.actions.size() / 2); piece > 0; piece /= 2) {
    for (size_t begin = 0; begin < plan.actions.size();) {
      if (runs_max-- <= 0) return plan;
      Plan fewer = plan;
      const auto at = fewer.actions.begin() + static_cast<std::ptrdiff_t>(begin);
      fewer.actions.erase(at, fewer.actions.begin() +
                                  static_cast<std::ptrdiff_t>(std::min(begin + piece, fewer.actions.size())));
      if (Run(fewer, false).problem.empty()) {
        begin += piece;
      } else {
        plan = std::move(fewer);
      }
    }
  }
  return plan;
}

}  // namespace jzse::sim
