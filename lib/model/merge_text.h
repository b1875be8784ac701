// SPDX-License-Identifier: Apache-2.0
// The merger of text: line-based three-way merge (Khanna, Kunal, Pierce: A Formal Investigation of Diff3, 2007).
#ifndef JZSE_MODEL_MERGE_TEXT_H_
#define JZSE_MODEL_MERGE_TEXT_H_

#include <optional>
#include <string>

#include "base/bytes.h"
#include "model/merge.h"

namespace jzse::model {

inline constexpr size_t kTextMergeSizeMax = 1 * base::kMiB;
inline constexpr size_t kTextMergeEditsMax = 1000;  // the diff keeps its square of integers

// Deterministic and symmetric in `ours` and `theirs`. Where one side is the base, or both are equal, the answer needs no
// merging and is given whatever the bytes are. Otherwise refuses (nullopt) where both sides changed the same or adjacent
// lines differently, bytes that hold a NUL (no text), texts larger than kTextMergeSizeMax, and sides that differ from the
// base in more than kTextMergeEditsMax lines. A line ends with its newline; a last line without one is another line.
class TextMerger final : public Merger {
 public:
  std::optional<std::string> MergeBytes(base::Bytes base, base::Bytes ours, base::Bytes theirs) const override;
};

}  // namespace jzse::model

#endif  // JZSE_MODEL_MERGE_TEXT_H_
