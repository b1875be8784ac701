// SPDX-License-Identifier: Apache-2.0
#include "model/stamp.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace jzse::model {
namespace {

uint64_t ClampedMs(int64_t now_ms) {
  return std::min(static_cast<uint64_t>(std::max<int64_t>(now_ms, 0)), Stamp::kMsMax);
}

}  // namespace

Stamp HybridClock::Next(int64_t now_ms) {
  // Stamps adopted are valid, so it takes 2^36 changes in one millisecond beyond the year 10000 to wrap around.
  if (base::Planted("stamp-follows-the-clock")) last_ = {};
  last_ = std::max(Stamp::At(ClampedMs(now_ms)), Stamp{last_.value + 1});
  return last_;
}

base::Status HybridClock::Observe(Stamp stamp, int64_t now_ms, uint64_t skew_max_ms) {
  if (stamp <= last_) return {};
  const uint64_t now = ClampedMs(now_ms);
  if (!stamp.valid() || (stamp.ms() > now && stamp.ms() - now > skew_max_ms)) {
    return base::Fail(base::Code::kInvalid,
                      absl::StrCat("stamp ", stamp.ms(), " ms is more than ", skew_max_ms,
                                   " ms ahead of the local time ", now, " ms"));
  }
  last_ = stamp;
  return {};
}

void HybridClock::Restore(Stamp stamp) {
  JZSE_CHECK(stamp.valid());
  last_ = std::max(last_, stamp);
}

}  // namespace jzse::model
