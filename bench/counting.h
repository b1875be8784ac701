// SPDX-License-Identifier: Apache-2.0
// What this process, its libraries included, asked of the allocator and the disk. Counted by
// definitions of malloc, fdatasync and the like in the executable, which the dynamic linker prefers
// (counting.cc); so only jzse-bench-counter has it, and nothing else is measured with it.
// What goes through io_uring is not seen: Contender::Syncs is the other side of that.
// Threads: any.
#ifndef JZSE_BENCH_COUNTING_H_
#define JZSE_BENCH_COUNTING_H_

#include <cstdint>

namespace bench {

struct Counted {
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t syncs = 0;  // fsync, fdatasync, and writes with RWF_DSYNC or RWF_SYNC
};

// False in a build without the definitions.
bool CanCount();
Counted CountedSoFar();

}  // namespace bench

#endif  // JZSE_BENCH_COUNTING_H_
