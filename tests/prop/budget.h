// SPDX-License-Identifier: Apache-2.0
// How much a property test searches, and how its failure is replayed.
//   JZSE_PROP_BUDGET  a factor on the number of cases (1: a few seconds a test; 20: millions of cases)
//   JZSE_PROP_SEED    runs only the case of this seed, which a failure printed
#ifndef JZSE_TESTS_PROP_BUDGET_H_
#define JZSE_TESTS_PROP_BUDGET_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

namespace jzse::prop {

// Runs `each` with seeds until it returns a problem; that problem with the line that replays it, or "".
inline std::string Search(uint64_t cases, const std::function<std::string(uint64_t seed)>& each) {
  const char* const only = std::getenv("JZSE_PROP_SEED");
  if (only != nullptr) return each(std::strtoull(only, nullptr, 10));
  const char* const budget = std::getenv("JZSE_PROP_BUDGET");
  const double factor = budget == nullptr ? 1 : std::strtod(budget, nullptr);
  const auto count = static_cast<uint64_t>(std::max(1.0, static_cast<double>(cases) * factor));
  for (uint64_t seed = 1; seed <= count; ++seed) {
    const std::string problem = each(seed);
    if (!problem.empty()) return "JZSE_PROP_SEED=" + std::to_string(seed) + ": " + problem;
  }
  return "";
}

}  // namespace jzse::prop

#endif  // JZSE_TESTS_PROP_BUDGET_H_
