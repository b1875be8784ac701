// SPDX-License-Identifier: Apache-2.0
// How much memory the process has allocated: every operator new of this program is counted.
// Threads: any.
#ifndef JZSE_TESTS_SIM_HEAP_H_
#define JZSE_TESTS_SIM_HEAP_H_

#include <cstdint>

namespace jzse::sim {

int64_t HeapBytes();

}  // namespace jzse::sim

#endif  // JZSE_TESTS_SIM_HEAP_H_
