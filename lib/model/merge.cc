// SPDX-License-Identifier: Apache-2.0
#include "model/merge.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace jzse::model {
namespace {

using base::Code;
using base::Fail;

auto PathOrder(const PathRegister& path) { return std::tie(path.stamp, path.dot, path.path); }

// Everything about a content that users see. Of two different contents under one dot, which only forging or a broken
// replica can make, the higher in this order is kept everywhere.
auto ValueOrder(const ContentVersion& version) {
  const Content& c = version.content;
  return std::tie(version.stamp, c.hash, c.kind, c.size, c.mode, c.mtime_ns, c.content_type, c.metadata,
                  version.ancestors);
}

// Walks both sibling lists in order of dot; the unused one of the two is null where only one side has the dot.
template <typename Visit>
void ForEachDot(const FileRecord& a, const FileRecord& b, Visit visit) {
  auto i = a.contents.begin(), j = b.contents.begin();
  while (i != a.contents.end() || j != b.contents.end()) {
    const bool first = j == b.contents.end() || (i != a.contents.end() && i->dot <= j->dot);
    const bool second = i == a.contents.end() || (j != b.contents.end() && j->dot <= i->dot);
    visit(first ? &*i : nullptr, second ? &*j : nullptr);
    if (first) ++i;
    if (second) ++j;
  }
}

// Where the bytes lie is local knowledge and no part of the value: the first record's stays.
const ContentVersion& Join(const ContentVersion& a, const ContentVersion& b) {
  return ValueOrder(a) < ValueOrder(b) ? b : a;
}

const ContentVersion* Surviving(const FileRecord& a, const FileRecord& b, const ContentVersion* in_a,
                                const ContentVersion* in_b) {
  if (in_a != nullptr && in_b != nullptr) return &Join(*in_a, *in_b);
  if (in_a != nullptr) return b.vector.Contains(in_a->dot) ? nullptr : in_a;
  return a.vector.Contains(in_b->dot) ? nullptr : in_b;
}

Contents MergedContents(const FileRecord& a, const FileRecord& b) {
  Contents contents;
  ForEachDot(a, b, [&](const ContentVersion* in_a, const ContentVersion* in_b) {
    if (const ContentVersion* kept = Surviving(a, b, in_a, in_b)) contents.push_back(*kept);
  });
  return contents;
}

}  // namespace

FileRecord Merge(const FileRecord& a, const FileRecord& b) {
  JZSE_CHECK(a.id == b.id);
  FileRecord merged;
  merged.id = a.id;
  merged.path = PathOrder(a.path) < PathOrder(b.path) ? b.path : a.path;
  merged.vector = a.vector;
  if (!base::Planted("merge-forgets-vector")) merged.vector.Merge(b.vector);
  merged.contents = MergedContents(a, b);
  if (merged.contents.empty()) {
    ForEachDot(a, b, [&merged](const ContentVersion* in_a, const ContentVersion* in_b) {
      merged.contents.push_back(in_a != nullptr ? *in_a : *in_b);
    });
  }
  return merged;
}

base::Status CheckMergeable(const FileRecord& a, const FileRecord& b) {
  const auto refuse = [&a](Code code, absl::string_view cause) {
    return Fail(code, absl::StrCat("records of ", Quoted(a.path.path), ": ", cause));
  };
  if (a.id != b.id) return refuse(Code::kInvalid, "different files");
  if (a.path.dot == b.path.dot && a.path != b.path) return refuse(Code::kInvalid, "one change, two paths");
  bool equal = true;
  size_t count = 0;
  ForEachDot(a, b, [&](const ContentVersion* in_a, const ContentVersion* in_b) {
    if (in_a != nullptr && in_b != nullptr) equal = equal && ValueOrder(*in_a) == ValueOrder(*in_b);
    if (Surviving(a, b, in_a, in_b) != nullptr) ++count;
  });
  if (!equal) return refuse(Code::kInvalid, "one change, two contents");
  if (count == 0) return refuse(Code::kInvalid, "each claims to supersede the other");
  if (count > base::kSiblingsMax) return refuse(Code::kTooLarge, "too many concurrent contents");
  VersionVector vector = a.vector;
  vector.Merge(b.vector);
  if (vector.size() > base::kVersionVectorReplicasMax) return refuse(Code::kTooLarge, "too many replicas");
  return {};
}

}  // namespace jzse::model
