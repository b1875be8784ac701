// SPDX-License-Identifier: Apache-2.0
// Range requests (RFC 9110, section 14), unit `bytes`.
//
// Threading: pure.
#ifndef JZSE_SERVER_HTTP_RANGE_H_
#define JZSE_SERVER_HTTP_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jzse::http {

inline constexpr size_t kRangesMax = 16;

struct ByteRange {
  uint64_t first = 0;
  uint64_t last = 0;  // inclusive
  uint64_t size() const { return last - first + 1; }
};

struct RangeSet {
  enum class Verdict {
    kWhole,          // no range, malformed, another unit, too many, or overlapping too much: the whole is sent
    kUnsatisfiable,  // nothing of it lies within the content
    kPartial
  };
  Verdict verdict = Verdict::kWhole;
  std::vector<ByteRange> ranges;  // as asked for, cut at the content's end, without those beyond it
};

RangeSet ParseRange(std::string_view value, uint64_t size);

std::string ContentRange(const ByteRange& range, uint64_t size);  // "bytes 0-9/100"

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_RANGE_H_
