// SPDX-License-Identifier: Apache-2.0
// Hybrid logical time (Kulkarni, Demirbas, Madeppa, Avva, Leone: Logical Physical Clocks, OPODIS 2014), packed as in
// section 6 of the paper: 48 bits of milliseconds since 1970 and 16 bits of counter, so that one comparison of integers
// orders two stamps.
//
// 1. A stamp issued is greater than every stamp issued, observed or restored before it: what was caused by a change
//    has a higher stamp than that change.
// 2. A stamp is never more than the skew allowed at Observe, plus the carries of full counters, ahead of local time.
// Threading: a HybridClock belongs to whoever orders the changes (one committer); it takes time as an argument.
#ifndef JZSE_MODEL_STAMP_H_
#define JZSE_MODEL_STAMP_H_

#include <compare>
#include <cstdint>

#include "base/base.h"

namespace jzse::model {

struct Stamp {
  uint64_t value = 0;

  static constexpr int kCounterBits = 16;
  // Stamps above this are refused everywhere, so that a clock can never run out of greater ones.
  static constexpr uint64_t kMsMax = (uint64_t{1} << 48) - (uint64_t{1} << 20);

  static constexpr Stamp At(uint64_t ms, uint16_t counter = 0) { return {ms << kCounterBits | counter}; }
  uint64_t ms() const { return value >> kCounterBits; }
  uint16_t counter() const { return static_cast<uint16_t>(value); }
  bool valid() const { return ms() <= kMsMax; }
  auto operator<=>(const Stamp&) const = default;
};

class HybridClock {
 public:
  // Strictly greater than last(); at the local time if that is ahead. A full counter carries into the milliseconds.
  // A `now_ms` outside 0..kMsMax counts as the nearest of these.
  Stamp Next(int64_t now_ms);
  // Makes every later stamp greater than `stamp`. kInvalid, adopting nothing, for a stamp that is ahead both of all
  // that was seen and of now_ms by more than skew_max_ms.
  base::Status Observe(Stamp stamp, int64_t now_ms, uint64_t skew_max_ms);
  // The same without a limit, for the own journal. REQUIRES: stamp.valid()
  void Restore(Stamp stamp);
  Stamp last() const { return last_; }

 private:
  Stamp last_;
};

}  // namespace jzse::model

#endif  // JZSE_MODEL_STAMP_H_
