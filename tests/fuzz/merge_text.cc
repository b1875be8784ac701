// SPDX-License-Identifier: Apache-2.0
// The three-way merge of text: total, deterministic, symmetric, and right where the answer is plain.
#include "fuzz.h"
#include "model/merge_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jzse;
  constexpr char kBetween = '\x1f';
  base::Bytes rest = fuzz::View(data, size), parts[3];
  for (base::Bytes& part : parts) {
    part = rest.substr(0, rest.find(kBetween));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  const auto& [base, ours, theirs] = parts;
  const model::TextMerger merger;
  const auto merged = merger.MergeBytes(base, ours, theirs);
  fuzz::Require(merged == merger.MergeBytes(base, theirs, ours), "the merge is not symmetric");
  fuzz::Require(merged == merger.MergeBytes(base, ours, theirs), "the merge is not deterministic");
  const bool plain = ours == theirs || ours == base || theirs == base;
  const bool text = (std::string(base) + std::string(ours) + std::string(theirs)).find('\0') == std::string::npos;
  if (!text && !plain) fuzz::Require(!merged, "bytes that are no text were merged");
  fuzz::Require(merger.MergeBytes(base, base, theirs) == theirs, "one side did nothing, and the other was not taken");
  fuzz::Require(merger.MergeBytes(base, ours, ours) == ours, "both sides did the same, and it was not taken");
  return 0;
}
