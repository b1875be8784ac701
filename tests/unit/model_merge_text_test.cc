// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "model/model.h"

namespace jzse::model {
namespace {

// Merges both ways round, which must agree.
std::optional<std::string> Text(const std::string& base, const std::string& ours, const std::string& theirs) {
  const auto merged = TextMerger().MergeBytes(base, ours, theirs);
  CHECK(merged == TextMerger().MergeBytes(base, theirs, ours));
  return merged;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

TEST_CASE("one side changed: its text") {
  CHECK(Text("a\nb\n", "a\nx\n", "a\nb\n") == "a\nx\n");
  CHECK(Text("a\n", "a\n", "a\n") == "a\n");
  CHECK(Text("", "x\n", "") == "x\n");
  CHECK(Text("x\n", "", "x\n") == "");
}

TEST_CASE("changes apart from each other are both taken") {
  CHECK(Text("a\nb\nc\nd\ne\n", "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n") == "A\nb\nc\nd\nE\n");
  CHECK(Text("a\nb\nc\nd\n", "new\na\nb\nc\nd\n", "a\nb\nc\n") == "new\na\nb\nc\n");
  CHECK(Text("a\nb\nc\n", "b\nc\n", "a\nb\nc\nd\n") == "b\nc\nd\n");
}

TEST_CASE("the same change on both sides is taken once") {
  CHECK(Text("a\nb\nc\nd\n", "a\nX\nc\nd\n", "a\nX\nc\nd\n") == "a\nX\nc\nd\n");
  CHECK(Text("a\nb\nc\nd\ne\n", "a\nX\nc\nd\ne2\n", "a\nX\nc\nd\ne\n") == "a\nX\nc\nd\ne2\n");
  CHECK(Text("a\nb\nc\nd\ne\n", "a\nX\nc\nd\nE\n", "0\na\nX\nc\nd\ne\n") == "0\na\nX\nc\nd\nE\n");
}

TEST_CASE("different changes to the same or adjacent lines are refused") {
  CHECK_FALSE(Text("a\nb\nc\n", "a\nX\nc\n", "a\nY\nc\n"));
  CHECK_FALSE(Text("a\nb\nc\n", "a\nX\nc\n", "a\nb\nY\n"));
  CHECK_FALSE(Text("a\nb\nc\n", "a\nc\n", "a\nY\nc\n"));
  CHECK_FALSE(Text("a\nb\n", "a\nx\nb\n", "a\ny\nb\n"));
  CHECK_FALSE(Text("", "x\n", "y\n"));
}

TEST_CASE("a last line without newline is a line of its own kind") {
  CHECK(Text("a\nb\nc", "A\nb\nc", "a\nb\nC") == "A\nb\nC");
  CHECK(Text("a\nb\nc", "a\nb\nc\n", "A\nb\nc") == "A\nb\nc\n");
  CHECK_FALSE(Text("a\nb\nc", "a\nb\nc\n", "a\nb\nc\nd"));
}

TEST_CASE("what is no text, too large or too different is refused") {
  const std::string nul = std::string("a\0\nb\nc\n", 8);
  CHECK_FALSE(Text(nul, "x\n" + nul, nul + "y\n"));
  CHECK(Text(nul, nul, "other") == "other");
  std::vector<std::string> lines;
  for (int i = 0; i < 5000; ++i) lines.push_back("line " + std::to_string(i) + "\n");
  const std::string base = Joined(lines);
  std::vector<std::string> changed = lines;
  for (int i = 0; i < 400; ++i) changed[static_cast<size_t>(i * 10)] = "changed " + std::to_string(i) + "\n";
  std::vector<std::string> last = lines;
  last[4995] = "last\n";
  std::vector<std::string> both = changed;
  both[4995] = "last\n";
  CHECK(Text(base, Joined(changed), Joined(last)) == Joined(both));
  for (int i = 0; i < 700; ++i) changed[static_cast<size_t>(i * 7 + 1)] = "again " + std::to_string(i) + "\n";
  CHECK_FALSE(Text(base, Joined(changed), Joined(last)));
  const std::string large(kTextMergeSizeMax, 'x');
  CHECK_FALSE(Text(large, large + "\ny", "y\n" + large));
}

}  // namespace
}  // namespace jzse::model
