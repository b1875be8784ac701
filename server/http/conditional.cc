// SPDX-License-Identifier: Apache-2.0
#include "http/conditional.h"

#include <algorithm>

#include "http/date.h"

namespace jzse::http {
namespace {

constexpr size_t kTagsMax = 64;

bool IsTagCharacter(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u == 0x21 || (u >= 0x23 && u != 0x7f);
}

void SkipSpace(std::string_view* text) {
  while (!text->empty() && (text->front() == ' ' || text->front() == '\t')) text->remove_prefix(1);
}

bool TakeTag(std::string_view* text, EntityTags::Tag* tag) {
  if (text->substr(0, 2) == "W/") {
    tag->weak = true;
    text->remove_prefix(2);
  }
  if (text->empty() || text->front() != '"') return false;
  const size_t end = text->find('"', 1);
  if (end == std::string_view::npos) return false;
  tag->text = text->substr(1, end - 1);
  text->remove_prefix(end + 1);
  return std::all_of(tag->text.begin(), tag->text.end(), IsTagCharacter);
}

std::string Joined(const Head& head, std::string_view name) {
  std::string joined;
  for (const Field& field : head.fields) {
    if (!EqualsLower(field.name, name)) continue;
    if (!joined.empty()) joined += ", ";
    joined += field.value;
  }
  return joined;
}

}  // namespace

bool EntityTags::Parse(std::string_view value, EntityTags* tags) {
  SkipSpace(&value);
  if (value == "*") {
    tags->any = true;
    return true;
  }
  while (!value.empty()) {
    if (value.front() != ',') {
      Tag tag;
      if (tags->tags.size() == kTagsMax || !TakeTag(&value, &tag)) return false;
      tags->tags.push_back(tag);
      SkipSpace(&value);
      if (!value.empty() && value.front() != ',') return false;
    }
    if (!value.empty()) value.remove_prefix(1);
    SkipSpace(&value);
  }
  return !tags->tags.empty();
}

bool EntityTags::MatchesStrongly(std::string_view etag) const {
  return std::any_of(tags.begin(), tags.end(), [&](const Tag& tag) { return !tag.weak && tag.text == etag; });
}

bool EntityTags::MatchesWeakly(std::string_view etag) const {
  return std::any_of(tags.begin(), tags.end(), [&](const Tag& tag) { return tag.text == etag; });
}

Conditions TakeConditions(const Head& head) {
  Conditions conditions;
  for (const Field& field : head.fields) {
    if (field.name.size() < 8 || (field.name[0] | 0x20) != 'i' || (field.name[1] | 0x20) != 'f') continue;
    if (EqualsLower(field.name, "if-match")) conditions.if_match = Joined(head, "if-match");
    if (EqualsLower(field.name, "if-none-match")) conditions.if_none_match = Joined(head, "if-none-match");
    if (EqualsLower(field.name, "if-modified-since")) conditions.if_modified_since = field.value;
    if (EqualsLower(field.name, "if-unmodified-since")) conditions.if_unmodified_since = field.value;
    if (EqualsLower(field.name, "if-range")) conditions.if_range = field.value;
  }
  return conditions;
}

Verdict Evaluate(const Conditions& conditions, const Validators& validators, bool reading) {
  if (!conditions.if_match.empty()) {
    EntityTags tags;
    if (!EntityTags::Parse(conditions.if_match, &tags)) return Verdict::kMalformed;
    if (!validators.exists || !(tags.any || tags.MatchesStrongly(validators.etag))) return Verdict::kFailed;
  } else if (!conditions.if_unmodified_since.empty()) {
    // A date that is none is ignored, as the RFC demands.
    const auto date = ParseHttpDate(conditions.if_unmodified_since);
    if (date && validators.exists && validators.mtime_s > *date) return Verdict::kFailed;
  }
  if (!conditions.if_none_match.empty()) {
    EntityTags tags;
    if (!EntityTags::Parse(conditions.if_none_match, &tags)) return Verdict::kMalformed;
    if (validators.exists && (tags.any || tags.MatchesWeakly(validators.etag)))
      return reading ? Verdict::kNotModified : Verdict::kFailed;
  } else if (reading && !conditions.if_modified_since.empty()) {
    const auto date = ParseHttpDate(conditions.if_modified_since);
    if (date && validators.exists && validators.mtime_s <= *date) return Verdict::kNotModified;
  }
  return Verdict::kProceed;
}

bool RangeApplies(std::string_view if_range, const Validators& validators) {
  if (if_range.empty()) return true;
  if (if_range.front() == '"') {
    EntityTags tags;
    return EntityTags::Parse(if_range, &tags) && tags.tags.size() == 1 && tags.MatchesStrongly(validators.etag);
  }
  const auto date = ParseHttpDate(if_range);
  return date && *date == validators.mtime_s;
}

}  // namespace jzse::http
