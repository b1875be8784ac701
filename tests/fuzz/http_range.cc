// SPDX-License-Identifier: Apache-2.0
// Values of fields: Range, conditions, dates, digests. Ranges lie within the content; what is read comes back from what is written.
#include "fuzz.h"
#include "http/conditional.h"
#include "http/date.h"
#include "http/digest.h"
#include "http/range.h"

namespace {

using namespace jzse;

void CheckRange(std::string_view text, uint64_t size) {
  const http::RangeSet set = http::ParseRange(text, size);
  fuzz::Require(set.ranges.empty() == (set.verdict != http::RangeSet::Verdict::kPartial), "ranges and verdict disagree");
  fuzz::Require(set.ranges.size() <= http::kRangesMax, "too many ranges");
  for (const http::ByteRange& range : set.ranges)
    fuzz::Require(range.first <= range.last && range.last < size, "a range beyond the content");
}

void CheckDates(std::string_view text) {
  if (const auto seconds = http::ParseHttpDate(text))
    fuzz::Require(http::ParseHttpDate(http::FormatHttpDate(*seconds)) == seconds, "a date does not come back");
  if (const auto ns = http::ParseRfc3339(text))
    fuzz::Require(http::ParseRfc3339(http::FormatRfc3339(*ns, 9)) == ns, "a time does not come back");
}

void CheckDigests(std::string_view text) {
  if (const auto bytes = http::Base64Decode(text)) fuzz::Require(http::Base64Encode(*bytes) == text, "two encodings of the same bytes");
  fuzz::Require(http::Base64Decode(http::Base64Encode(text)) == std::string(text), "base64 does not come back");
  if (const auto wanted = http::ParseDigestField(text)) {
    const size_t size = wanted->kind == http::DigestKind::kSha256 ? 32 : wanted->kind == http::DigestKind::kSha512 ? 64 : 0;
    fuzz::Require(wanted->value.size() == size, "a digest of the wrong size");
  }
  (void)http::ParseUploadChecksum(text);
}

void CheckConditions(std::string_view text) {
  http::EntityTags tags;
  const bool fine = http::EntityTags::Parse(text, &tags);
  fuzz::Require(!fine || tags.any || !tags.tags.empty(), "a list of nothing");
  const http::Validators there{true, "0123", 1'600'000'000}, gone{};
  for (const bool reading : {false, true}) {
    http::Conditions conditions;
    conditions.if_match = std::string(text);
    if (!text.empty() && http::Evaluate(conditions, gone, reading) == http::Verdict::kProceed) fuzz::Require(false, "If-Match of nothing");
    conditions.if_match.clear();
    conditions.if_none_match = std::string(text);
    const http::Verdict verdict = http::Evaluate(conditions, there, reading);
    fuzz::Require(reading || verdict != http::Verdict::kNotModified, "304 for a write");
    conditions.if_modified_since = conditions.if_unmodified_since = text;
    (void)http::Evaluate(conditions, there, reading);
  }
  (void)http::RangeApplies(text, there);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::View(data, size);
  for (const uint64_t content : {uint64_t{0}, uint64_t{1}, uint64_t{10}, uint64_t{1} << 40}) CheckRange(text, content);
  CheckDates(text);
  CheckDigests(text);
  CheckConditions(text);
  return 0;
}
