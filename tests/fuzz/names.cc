// SPDX-License-Identifier: Apache-2.0
// The canonicaliser at the edge: canonical names are fixed points within their limits, prefixes and derived names of them
// are canonical, and messages quote anything on one line.
#include "fuzz.h"
#include "model/model.h"

namespace {

using namespace jzse;
using model::NamespaceKind;

void CheckTree(const std::string& name) {
  fuzz::Require(name.front() != '/' && name.back() != '/', "a slash at an end");
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string segment = name.substr(begin, end - begin);
    fuzz::Require(!segment.empty() && segment != "." && segment != "..", "a segment that is none");
    fuzz::Require(segment.size() <= base::kPathSegmentSizeMax, "a segment beyond the limit");
    begin = end + 1;
  }
  const auto parent = model::ParentOf(name), last = model::BaseNameOf(name);
  fuzz::Require(name == (parent.empty() ? std::string(last) : std::string(parent) + "/" + std::string(last)),
                "parent and name are not the path");
}

void CheckName(NamespaceKind kind, std::string_view raw, uint64_t counter) {
  const auto name = model::CanonicalName(kind, raw);
  const auto prefix = model::CanonicalPrefix(kind, raw);
  if (!name.ok()) {
    fuzz::Require(name.status().message().find('\n') == absl::string_view::npos, "a message of two lines");
    return;
  }
  fuzz::Require(prefix.ok() && *prefix == *name, "a name that is no prefix of itself");
  fuzz::Require(model::IsPlainText(*name) && model::IsText(*name), "a canonical name that is no plain text");
  const size_t size_max = kind == NamespaceKind::kTree ? base::kPathSizeMax : base::kKeySizeMax;
  fuzz::Require(!name->empty() && name->size() <= size_max, "a name beyond the limit");
  if (kind == NamespaceKind::kTree) CheckTree(*name);
  const auto again = model::CanonicalName(kind, *name);
  fuzz::Require(again.ok() && *again == *name, "a canonical name is no fixed point");
  const std::string derived = model::DerivedPath(kind, *name, {1, 1 + counter / 2});
  const auto derived_again = model::CanonicalName(kind, derived);
  fuzz::Require(derived_again.ok() && *derived_again == derived, "a derived name is not canonical");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view raw = fuzz::View(data, size);
  CheckName(NamespaceKind::kTree, raw, size * 0x9e3779b97f4a7c15u);
  CheckName(NamespaceKind::kKeys, raw, size);
  if (model::CheckNamespaceName(raw).ok())
    fuzz::Require(raw.size() <= base::kNamespaceNameSizeMax && model::IsPlainText(raw), "a namespace name beyond its rules");
  if (model::CheckRegionName(raw).ok())
    fuzz::Require(raw.size() <= base::kRegionNameSizeMax && model::IsPlainText(raw), "a region name beyond its rules");
  const std::string quoted = model::Quoted(raw);
  fuzz::Require(quoted.size() < 600 && model::IsPlainText(quoted), "a quoted name that no message can hold");
  return 0;
}
