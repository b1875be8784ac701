// SPDX-License-Identifier: Apache-2.0
// What a simulation has done, and the hash of everything that it saw: the same seed must give the same hash.
#ifndef JZSE_TESTS_SIM_TOTALS_H_
#define JZSE_TESTS_SIM_TOTALS_H_

#include <cstdint>
#include <string_view>

#include "base/base.h"

namespace jzse::sim {

struct Totals {
  uint64_t seeds = 0;
  uint64_t operations = 0;     // calls of the workload, each with its answer compared; a group counts each of its parts
  uint64_t images = 0;         // disks that a power cut or a kill left, each opened
  uint64_t images_deep = 0;    // of these, left by a power that failed again, during or after a recovery
  uint64_t compared = 0;       // states compared as a whole with the model
  uint64_t verified = 0;       // full verifies, each with the index rebuilt and compared byte for byte
  uint64_t faults = 0;         // planned failures of calls that were met
  uint64_t damaged = 0;        // disks damaged and opened
  uint64_t memory_peak = 0;    // bytes that closing a store gave back, at most

  void Add(const Totals& other) {
    seeds += other.seeds;
    operations += other.operations;
    images += other.images;
    images_deep += other.images_deep;
    compared += other.compared;
    verified += other.verified;
    faults += other.faults;
    damaged += other.damaged;
    memory_peak = memory_peak > other.memory_peak ? memory_peak : other.memory_peak;
  }
};

class Trace {
 public:
  void Mix(uint64_t value) {
    hash_ = base::Xxh64({reinterpret_cast<const char*>(&value), sizeof value}, hash_);
  }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 0;
};

}  // namespace jzse::sim

#endif  // JZSE_TESTS_SIM_TOTALS_H_
