// SPDX-License-Identifier: Apache-2.0
#include "http/range.h"

#include <algorithm>
#include <optional>

#include "http/head.h"
#include "http/target.h"

namespace jzse::http {
namespace {

// False: malformed. Nothing in `range`: beyond the content.
bool ParseOne(std::string_view spec, uint64_t size, std::optional<ByteRange>* range) {
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return false;
  const std::string_view left = spec.substr(0, dash), right = spec.substr(dash + 1);
  const std::optional<uint64_t> first = ParseNumber(left), last = ParseNumber(right);
  if (left.empty()) {
    if (!last) return false;
    const uint64_t count = std::min(*last, size);
    if (count > 0) *range = ByteRange{size - count, size - 1};
    return true;
  }
  if (!first || (!right.empty() && !last) || (last && *last < *first)) return false;
  if (*first < size) *range = ByteRange{*first, last ? std::min(*last, size - 1) : size - 1};
  return true;
}

// A client that asks for the same bytes again and again wants work, not bytes.
bool OverlapsTooMuch(std::vector<ByteRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.first < b.first; });
  size_t overlaps = 0;
  uint64_t end = 0;
  for (const ByteRange& range : ranges) {
    if (range.first < end) ++overlaps;
    end = std::max(end, range.last + 1);
  }
  return overlaps > 2;
}

}  // namespace

RangeSet ParseRange(std::string_view value, uint64_t size) {
  RangeSet set;
  if (value.size() < 6 || !EqualsLower(value.substr(0, 6), "bytes=")) return set;
  size_t asked = 0;
  bool malformed = false;
  ForEachElement(value.substr(6), [&](std::string_view spec) {
    if (malformed || ++asked > kRangesMax) return;
    std::optional<ByteRange> range;
    if (!ParseOne(spec, size, &range)) malformed = true;
    if (range) set.ranges.push_back(*range);
  });
  if (malformed || asked == 0 || asked > kRangesMax || OverlapsTooMuch(set.ranges)) {
    set.ranges.clear();
    return set;
  }
  set.verdict = set.ranges.empty() ? RangeSet::Verdict::kUnsatisfiable : RangeSet::Verdict::kPartial;
  return set;
}

std::string ContentRange(const ByteRange& range, uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" + std::to_string(size);
}

}  // namespace jzse::http
