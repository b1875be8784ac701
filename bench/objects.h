// SPDX-License-Identifier: Apache-2.0
// What the works of small objects share: how a rate is measured and how puts are checked.
//
// How a rate is measured: operations that end within the first `warm_ms` count for nothing; from
// then on each operation counts. A thread stops at its first one that ends after a further `ms`.
// The rate is what was counted over the time from the end of the warm-up to the last end. So every
// thread counts at least one operation, however slow the disk.
#ifndef JZSE_BENCH_OBJECTS_H_
#define JZSE_BENCH_OBJECTS_H_

#include <vector>

#include "contender.h"

namespace bench {

struct Timing {
  int64_t warm_ns;
  int64_t measured_ns;
};

Timing TimingOf(const Args& args);
Options OptionsOf(const Args& args, bool create);
Objects ObjectsOf(const Args& args);

// The id of the n-th operation of a thread, for works in which every operation is a new object.
inline uint64_t IdOf(uint64_t thread, uint64_t n) { return thread << 40 | n; }

// Ids of the small objects that only make a store larger; no other id is as high.
inline constexpr uint64_t kCrowd = uint64_t{1} << 60;
inline constexpr size_t kCrowdSize = 100;

// Adds value (operations a second), seconds, operations and the quantiles of their latency.
void AddRate(std::vector<uint32_t> latencies_ns, int64_t measured_ns, Report* report);

// Gets one object and compares it byte for byte.
void GetChecked(Contender* contender, const Objects& objects, uint64_t id, Value* value);

// Reopens and compares: exactly the objects that were acknowledged, done[thread] of each thread,
// and a sample of them byte for byte. How many there are.
uint64_t VerifyPuts(const Args& args, const Objects& objects, const std::vector<uint64_t>& done);

}  // namespace bench

#endif  // JZSE_BENCH_OBJECTS_H_
