// SPDX-License-Identifier: Apache-2.0
// The text merger on random texts of few different lines, where alignments are ambiguous, against what must come out.
#include <catch2/catch.hpp>
#include <vector>

#include "budget.h"
#include "model/model.h"

namespace jzse::model {
namespace {

using Lines = std::vector<std::string>;

Lines SomeLines(base::Prng& prng, size_t count_max, uint64_t alphabet) {
  Lines lines(prng.Below(count_max + 1));
  for (std::string& line : lines) line = std::string(1, static_cast<char>('a' + prng.Below(alphabet))) + "\n";
  return lines;
}

Lines Edited(base::Prng& prng, Lines lines, uint64_t alphabet) {
  for (size_t edits = prng.Below(6); edits > 0; --edits) {
    const auto at = lines.begin() + static_cast<ptrdiff_t>(prng.Below(lines.size() + 1));
    if (prng.OneIn(2) || at == lines.end()) {
      lines.insert(at, std::string(1, static_cast<char>('a' + prng.Below(alphabet))) + "\n");
    } else {
      lines.erase(at);
    }
  }
  return lines;
}

std::string Joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

// One side edits before two lines that occur once, the other after them: both edits must come out whole.
std::string OneCase(uint64_t seed) {
  base::Prng prng(seed);
  const uint64_t alphabet = 1 + prng.Below(4);
  const Lines head = SomeLines(prng, 24, alphabet), tail = SomeLines(prng, 24, alphabet);
  const std::string wall = "=1\n=2\n";
  const std::string new_head = Joined(prng.OneIn(8) ? SomeLines(prng, 24, alphabet) : Edited(prng, head, alphabet));
  const std::string new_tail = Joined(prng.OneIn(8) ? SomeLines(prng, 24, alphabet) : Edited(prng, tail, alphabet));
  const std::string base = Joined(head) + wall + Joined(tail), ours = new_head + wall + Joined(tail),
                    theirs = Joined(head) + wall + new_tail;
  const TextMerger merger;
  if (merger.MergeBytes(base, ours, theirs) != new_head + wall + new_tail) return "separate edits were not both taken";
  if (merger.MergeBytes(base, theirs, ours) != new_head + wall + new_tail) return "not symmetric";

  const std::string x = Joined(Edited(prng, head, alphabet)), y = Joined(Edited(prng, head, alphabet));
  if (merger.MergeBytes(Joined(head), x, y) != merger.MergeBytes(Joined(head), y, x)) return "not symmetric";
  if (merger.MergeBytes(Joined(head), x, x) != x) return "equal edits were not taken";
  const std::string a = prng.Bytes(prng.Below(40)), b = prng.Bytes(prng.Below(40)), c = prng.Bytes(prng.Below(40));
  if (merger.MergeBytes(a, b, c) != merger.MergeBytes(a, c, b)) return "not symmetric on arbitrary bytes";
  return "";
}

TEST_CASE("text merges of random texts") { CHECK(prop::Search(60'000, OneCase) == ""); }

}  // namespace
}  // namespace jzse::model
