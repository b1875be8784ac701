// SPDX-License-Identifier: Apache-2.0
// How much memory the process has allocated: every operator new of this program is counted. And allocations that fail.
// Threads: any; failures are planned for the calling thread.
#ifndef JZSE_TESTS_SIM_HEAP_H_
#define JZSE_TESTS_SIM_HEAP_H_

#include <cstdint>

namespace jzse::sim {

int64_t HeapBytes();
// The n-th allocation from now on fails, counted from 1; 0: none does. True if one that was planned before has failed.
bool FailAllocation(uint64_t nth);
// In between no allocation of the calling thread fails or counts. They nest.
void SpareAllocations();
void EndSparing();

}  // namespace jzse::sim

#endif  // JZSE_TESTS_SIM_HEAP_H_
