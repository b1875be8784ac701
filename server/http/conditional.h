// SPDX-License-Identifier: Apache-2.0
// Entity tags and preconditions (RFC 9110, sections 8.8.3 and 13).
//
// Threading: pure.
#ifndef JZSE_SERVER_HTTP_CONDITIONAL_H_
#define JZSE_SERVER_HTTP_CONDITIONAL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/head.h"

namespace jzse::http {

struct EntityTags {
  struct Tag {
    bool weak = false;
    std::string_view text;  // between the quotes
  };
  bool any = false;         // "*"
  std::vector<Tag> tags;

  // False when malformed.
  static bool Parse(std::string_view value, EntityTags* tags);
  bool MatchesStrongly(std::string_view etag) const;
  bool MatchesWeakly(std::string_view etag) const;
};

// The values of a request's conditional fields; "" where absent. Repeated If-Match and If-None-Match fields are joined.
struct Conditions {
  std::string if_match, if_none_match;
  std::string_view if_modified_since, if_unmodified_since, if_range;

  bool empty() const {
    return if_match.empty() && if_none_match.empty() && if_modified_since.empty() && if_unmodified_since.empty();
  }
};
Conditions TakeConditions(const Head& head);

// What is there now.
struct Validators {
  bool exists = false;
  std::string_view etag;  // without quotes; "" for what has none
  int64_t mtime_s = 0;
};

enum class Verdict { kProceed, kNotModified, kFailed, kMalformed };
// In the order of section 13.2.2. `reading`: GET or HEAD.
Verdict Evaluate(const Conditions& conditions, const Validators& validators, bool reading);
// Whether a Range field is to be heeded.
bool RangeApplies(std::string_view if_range, const Validators& validators);

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_CONDITIONAL_H_
