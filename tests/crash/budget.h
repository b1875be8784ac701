// SPDX-License-Identifier: Apache-2.0
// How much a sweep over damage or faults checks, and how one failure of it is replayed.
//   JZSE_CRASH_BUDGET  1 by default: a sample that takes seconds; 100: every case
//   JZSE_CRASH_SHARD   "i/n" with 0 <= i < n: only every n-th of the chosen cases, to split a full run
//   JZSE_CRASH_CASE    runs only the case of this name, which a failure printed
#ifndef JZSE_TESTS_CRASH_BUDGET_H_
#define JZSE_TESTS_CRASH_BUDGET_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "base/prng.h"

namespace jzse::crash {

inline double Budget() {
  const char* const budget = std::getenv("JZSE_CRASH_BUDGET");
  return budget == nullptr ? 1 : std::strtod(budget, nullptr);
}

// Chooses cases out of a sweep: of `total` about `sample` at budget 1 (spread by a generator of fixed seed, so that no
// stride hides anything), all of them at budget 100. Counts, and keeps the first failures.
class Sweep {
 public:
  Sweep(std::string name, uint64_t total, double sample) : name_(std::move(name)), prng_(total) {
    const double chance = Budget() >= 100 ? 1 : Budget() * sample / static_cast<double>(total);
    limit_ = chance >= 1 ? UINT64_MAX : static_cast<uint64_t>(chance * 18446744073709551615.0);
    if (const char* only = std::getenv("JZSE_CRASH_CASE")) only_ = only;
    if (const char* shard = std::getenv("JZSE_CRASH_SHARD")) std::sscanf(shard, "%lu/%lu", &shard_, &shards_);
    if (shards_ == 0) shards_ = 1;
  }
  // Of a series whose length shows only at its end: every case that is offered; the caller goes on by Step.
  explicit Sweep(std::string name) : Sweep(std::move(name), 1, 1) { limit_ = UINT64_MAX; }
  ~Sweep() {
    std::printf("%s: %lu of %lu cases, %lu failed\n", name_.c_str(), checked_, seen_, failed_);
    std::fflush(stdout);
  }

  // Whether the next case in order is to be checked. Cheap; `name` is called only for a replay.
  template <typename Name>
  bool Take(Name name) {
    const uint64_t number = seen_++;
    if (!only_.empty()) {
      if (name_ + "/" + name() != only_) return false;
    } else if (prng_.Next() > limit_ || number % shards_ != shard_) {
      return false;
    }
    ++checked_;
    return true;
  }
  // 1 where every case is wanted; else from 1 to about twice `mean`, which the budget divides.
  uint64_t Step(double mean) {
    const double wide = Budget() >= 100 ? 1 : 2 * mean / Budget() - 1;
    return wide <= 1 || replaying() ? 1 : 1 + prng_.Below(static_cast<uint64_t>(wide));
  }
  void Failed(const std::string& name, const std::string& problem) {
    ++failed_;
    if (failed_ <= kPrintedMax)
      std::printf("JZSE_CRASH_CASE='%s/%s': %s\n", name_.c_str(), name.c_str(), problem.c_str());
  }
  uint64_t failed() const { return failed_; }
  uint64_t checked() const { return checked_; }
  bool replaying() const { return !only_.empty(); }

 private:
  static constexpr uint64_t kPrintedMax = 20;
  const std::string name_;
  base::Prng prng_;
  uint64_t limit_ = 0, shard_ = 0, shards_ = 1;
  std::string only_;
  uint64_t seen_ = 0, checked_ = 0, failed_ = 0;
};

}  // namespace jzse::crash

#endif  // JZSE_TESTS_CRASH_BUDGET_H_
