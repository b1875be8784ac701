// SPDX-License-Identifier: Apache-2.0
// Lines are numbered by value, each side is compared with the base by Myers' greedy algorithm (An O(ND) Difference
// Algorithm and Its Variations, Algorithmica 1986), and the two lists of hunks are laid over the base.
#include "model/merge_text.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

namespace jzse::model {
namespace {

using Lines = std::vector<uint32_t>;  // a number for each line; equal lines have equal numbers

// Gives lines their numbers, and back.
class LineTable {
 public:
  Lines Split(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n') + 1);  // npos + 1 == 0: see below
      const std::string_view whole = line.empty() ? text : line;
      const auto [it, added] = numbers_.try_emplace(whole, static_cast<uint32_t>(texts_.size()));
      if (added) texts_.push_back(whole);
      lines.push_back(it->second);
      text.remove_prefix(whole.size());
    }
    return lines;
  }
  std::string_view Text(uint32_t line) const { return texts_[line]; }

 private:
  std::map<std::string_view, uint32_t> numbers_;
  std::vector<std::string_view> texts_;
};

// Lines [base_begin, base_end) of the base became lines [begin, end) of the side.
struct Hunk {
  size_t base_begin, base_end, begin, end;
};

// The edit path found by Myers' algorithm, walked back from its end.
std::vector<Hunk> Backtrack(const std::vector<std::vector<int>>& trace, int base_size, int side_size) {
  std::vector<Hunk> hunks;
  int x = base_size, y = side_size;
  for (int d = static_cast<int>(trace.size()) - 1; d > 0; --d) {
    const std::vector<int>& before = trace[static_cast<size_t>(d - 1)];  // furthest x on diagonals -(d-1)..d-1
    const auto at = [&before, d](int k) { return k < -(d - 1) || k > d - 1 ? -1 : before[static_cast<size_t>(k + d - 1)]; };
    const int k = x - y;
    const bool insertion = k == -d || (k != d && at(k - 1) < at(k + 1));
    const int previous_x = insertion ? at(k + 1) : at(k - 1);
    const int previous_y = previous_x - (insertion ? k + 1 : k - 1);
    const auto bx = static_cast<size_t>(previous_x), by = static_cast<size_t>(previous_y);
    const Hunk step = {bx, bx + !insertion, by, by + insertion};
    if (!hunks.empty() && hunks.back().base_begin == step.base_end && hunks.back().begin == step.end) {
      hunks.back().base_begin = step.base_begin;
      hunks.back().begin = step.begin;
    } else {
      hunks.push_back(step);
    }
    x = previous_x;
    y = previous_y;
  }
  std::reverse(hunks.begin(), hunks.end());
  return hunks;
}

// nullopt beyond kTextMergeEditsMax lines of difference.
std::optional<std::vector<Hunk>> Diff(const Lines& base, const Lines& side) {
  const int n = static_cast<int>(base.size()), m = static_cast<int>(side.size());
  std::vector<std::vector<int>> trace;  // of each round d: the furthest x on diagonals -d..d, in steps of one
  for (int d = 0; d <= static_cast<int>(kTextMergeEditsMax); ++d) {
    std::vector<int>& furthest = trace.emplace_back(static_cast<size_t>(2 * d + 1), -1);
    const auto before = [&trace, d](int k) {
      return k < -(d - 1) || k > d - 1 ? -1 : trace[static_cast<size_t>(d - 1)][static_cast<size_t>(k + d - 1)];
    };
    for (int k = -d; k <= d; k += 2) {
      const bool insertion = k == -d || (k != d && before(k - 1) < before(k + 1));
      const int source = d == 0 ? 0 : insertion ? before(k + 1) : before(k - 1);
      int x = source + (d > 0 && !insertion), y = x - k;
      if (source < 0 || x > n || y < 0 || y > m) continue;  // outside the grid: stays -1
      while (x < n && y < m && base[static_cast<size_t>(x)] == side[static_cast<size_t>(y)]) ++x, ++y;
      furthest[static_cast<size_t>(k + d)] = x;
      if (x == n && y == m) return Backtrack(trace, n, m);
    }
  }
  return std::nullopt;
}

bool SameReplacement(const Hunk& a, const Lines& a_lines, const Hunk& b, const Lines& b_lines) {
  return a.base_begin == b.base_begin && a.base_end == b.base_end &&
         std::equal(a_lines.begin() + static_cast<ptrdiff_t>(a.begin), a_lines.begin() + static_cast<ptrdiff_t>(a.end),
                    b_lines.begin() + static_cast<ptrdiff_t>(b.begin), b_lines.begin() + static_cast<ptrdiff_t>(b.end));
}

// The merged lines; nullopt where hunks of the two sides overlap or touch and are not the same.
std::optional<Lines> Overlay(const Lines& base, const Lines& ours, const std::vector<Hunk>& our_hunks,
                             const Lines& theirs, const std::vector<Hunk>& their_hunks) {
  Lines merged;
  size_t done = 0;  // lines of the base
  auto i = our_hunks.begin(), j = their_hunks.begin();
  const auto copy = [&merged](const Lines& from, size_t begin, size_t end) {
    merged.insert(merged.end(), from.begin() + static_cast<ptrdiff_t>(begin), from.begin() + static_cast<ptrdiff_t>(end));
  };
  const auto apply = [&](const Hunk& hunk, const Lines& side) {
    copy(base, done, hunk.base_begin);
    copy(side, hunk.begin, hunk.end);
    done = hunk.base_end;
  };
  while (i != our_hunks.end() || j != their_hunks.end()) {
    if (i != our_hunks.end() && j != their_hunks.end() && i->base_begin <= j->base_end && j->base_begin <= i->base_end) {
      if (!SameReplacement(*i, ours, *j, theirs)) return std::nullopt;
      apply(*i++, ours);
      ++j;
    } else if (j == their_hunks.end() || (i != our_hunks.end() && i->base_begin < j->base_begin)) {
      apply(*i++, ours);
    } else {
      apply(*j++, theirs);
    }
  }
  copy(base, done, base.size());
  return merged;
}

bool IsMergeableText(std::string_view text) {
  return text.size() <= kTextMergeSizeMax && text.find('\0') == std::string_view::npos;
}

}  // namespace

std::optional<std::string> TextMerger::MergeBytes(base::Bytes base, base::Bytes ours, base::Bytes theirs) const {
  if (ours == theirs || theirs == base) return std::string(ours);
  if (ours == base) return std::string(theirs);
  if (!IsMergeableText(base) || !IsMergeableText(ours) || !IsMergeableText(theirs)) return std::nullopt;
  LineTable table;
  const Lines base_lines = table.Split(base), our_lines = table.Split(ours), their_lines = table.Split(theirs);
  const auto our_hunks = Diff(base_lines, our_lines), their_hunks = Diff(base_lines, their_lines);
  if (!our_hunks || !their_hunks) return std::nullopt;
  const std::optional<Lines> lines = Overlay(base_lines, our_lines, *our_hunks, their_lines, *their_hunks);
  if (!lines) return std::nullopt;
  std::string merged;
  for (const uint32_t line : *lines) merged.append(table.Text(line));
  return merged;
}

}  // namespace jzse::model
