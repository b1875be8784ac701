// SPDX-License-Identifier: Apache-2.0
// The parts of which scenario.h's list is made.
#ifndef JZSE_TESTS_CRASH_SCENARIO_PARTS_H_
#define JZSE_TESTS_CRASH_SCENARIO_PARTS_H_

#include <string>
#include <vector>

#include "scenario.h"

namespace jzse::crash {

std::vector<Scenario> WritingScenarios();
std::vector<Scenario> ReadingScenarios();
std::vector<Scenario> UpkeepScenarios();

// A descriptor from which exactly these bytes can be read.
int DescriptorOf(const std::string& bytes);

}  // namespace jzse::crash

#endif  // JZSE_TESTS_CRASH_SCENARIO_PARTS_H_
