// SPDX-License-Identifier: Apache-2.0
// Merge, by example; its laws are searched in tests/prop.
#include <catch2/catch.hpp>

#include "model/model.h"

namespace jzse::model {
namespace {

using base::Code;

constexpr base::ReplicaId kBeijing = 10, kParis = 20, kLima = 30;

Content File(std::string_view bytes) {
  Content content;
  content.kind = ContentKind::kFile;
  content.storage = Content::Storage::kInline;
  content.size = bytes.size();
  content.hash = base::Sha256(bytes);
  return content;
}

FileRecord Created() { return NewRecord("a", File("1"), {kBeijing, 1}, Stamp::At(1)); }

TEST_CASE("a state that contains the other wins whole") {
  const FileRecord old = Created();
  FileRecord edited = old;
  SetContent(edited, File("2"), {kParis, 1}, Stamp::At(2));
  CHECK(Merge(old, edited) == edited);
  CHECK(Merge(edited, old) == edited);
  CHECK(Merge(old, old) == old);
}

TEST_CASE("a move here and an edit there: both survive") {
  FileRecord moved = Created(), edited = Created();
  SetPath(moved, "b", {kBeijing, 2}, Stamp::At(2));
  SetContent(edited, File("2"), {kParis, 1}, Stamp::At(3));
  const FileRecord merged = Merge(moved, edited);
  CHECK(merged.path == moved.path);
  CHECK(merged.contents == edited.contents);
  CHECK(merged == Merge(edited, moved));
}

TEST_CASE("path against path: the higher (stamp, replica) wins") {
  FileRecord b = Created(), c = Created(), d = Created();
  SetPath(b, "b", {kBeijing, 2}, Stamp::At(5));
  SetPath(c, "c", {kParis, 1}, Stamp::At(5));
  SetPath(d, "d", {kLima, 1}, Stamp::At(4));
  CHECK(Merge(b, c).path.path == "c");
  CHECK(Merge(c, b).path.path == "c");
  CHECK(Merge(Merge(d, b), c).path.path == "c");
}

TEST_CASE("two edits stay side by side until someone who saw both writes") {
  FileRecord paris = Created(), lima = Created();
  SetContent(paris, File("p"), {kParis, 1}, Stamp::At(2));
  SetContent(lima, File("l"), {kLima, 1}, Stamp::At(3));
  FileRecord merged = Merge(paris, lima);
  REQUIRE(merged.contents.size() == 2);
  CHECK(merged.contents[0] == paris.contents[0]);
  CHECK(merged.contents[1] == lima.contents[0]);
  SetContent(merged, File("s"), {kBeijing, 2}, Stamp::At(4));
  CHECK(Merge(paris, merged) == merged);
  CHECK(Merge(merged, lima) == merged);
}

TEST_CASE("an edit that had not seen the settlement survives it") {
  FileRecord paris = Created(), lima = Created();
  SetContent(paris, File("p"), {kParis, 1}, Stamp::At(2));
  SetContent(lima, File("l"), {kLima, 1}, Stamp::At(3));
  FileRecord settled = Merge(paris, lima);
  SetContent(settled, File("s"), {kBeijing, 2}, Stamp::At(9));
  SetContent(lima, File("l2"), {kLima, 2}, Stamp::At(4));
  const FileRecord merged = Merge(settled, lima);
  REQUIRE(merged.contents.size() == 2);
  CHECK(merged.contents[0].content.hash == base::Sha256("s"));
  CHECK(merged.contents[1].content.hash == base::Sha256("l2"));
}

TEST_CASE("a deleted file is not brought back by an old state, but by a concurrent edit") {
  FileRecord deleted = Created(), edited = Created();
  SetContent(deleted, Content(), {kParis, 1}, Stamp::At(9));
  CHECK(deleted.deleted());
  CHECK(Merge(deleted, Created()) == deleted);
  SetContent(edited, File("2"), {kLima, 1}, Stamp::At(3));
  const FileRecord merged = Merge(deleted, edited);
  CHECK_FALSE(merged.deleted());
  CHECK(merged.winner().content.hash == base::Sha256("2"));
}

TEST_CASE("where the bytes lie stays what the first record says") {
  FileRecord local = Created(), remote = Created();
  local.contents[0].content.storage = Content::Storage::kReference;
  local.contents[0].content.reference = 42;
  CHECK(Merge(local, remote) == local);
  CHECK(Merge(remote, local) == remote);
  CHECK(CheckMergeable(local, remote).ok());
}

TEST_CASE("records that no history can produce are found, and merging them is still safe") {
  FileRecord a = Created(), b = Created();
  SetContent(a, File("a"), {kParis, 1}, Stamp::At(2));
  SetContent(b, File("b"), {kLima, 1}, Stamp::At(2));
  CHECK(CheckMergeable(a, b).ok());

  FileRecord forged_a = a, forged_b = b;
  forged_a.vector.Advance({kLima, 1});
  forged_b.vector.Advance({kParis, 1});
  CHECK(base::CodeOf(CheckMergeable(forged_a, forged_b)) == Code::kInvalid);
  const FileRecord merged = Merge(forged_a, forged_b);
  CHECK(merged.contents.size() == 2);
  CHECK(CheckRecord(merged).ok());
  CHECK(merged == Merge(forged_b, forged_a));

  FileRecord other_bytes = a;
  other_bytes.contents[0].content = File("c");
  CHECK(base::CodeOf(CheckMergeable(a, other_bytes)) == Code::kInvalid);
  CHECK(Merge(a, other_bytes) == Merge(other_bytes, a));

  FileRecord other_path = a;
  other_path.path.path = "elsewhere";
  CHECK(base::CodeOf(CheckMergeable(a, other_path)) == Code::kInvalid);
  CHECK(Merge(a, other_path) == Merge(other_path, a));

  const FileRecord other_file = NewRecord("a", File("1"), {kLima, 9}, Stamp::At(1));
  CHECK(base::CodeOf(CheckMergeable(a, other_file)) == Code::kInvalid);
}

TEST_CASE("a merge beyond the bounds is announced") {
  FileRecord all = Created();
  for (uint64_t i = 0; i < base::kSiblingsMax; ++i) {
    FileRecord one = Created();
    SetContent(one, File(std::to_string(i)), {100 + i, 1}, Stamp::At(2));
    REQUIRE(CheckMergeable(all, one).ok());
    all = Merge(all, one);
  }
  CHECK(all.contents.size() == base::kSiblingsMax);
  CHECK(CheckRecord(all).ok());
  FileRecord one = Created();
  SetContent(one, File("more"), {99, 1}, Stamp::At(2));
  CHECK(base::CodeOf(CheckMergeable(all, one)) == Code::kTooLarge);

  FileRecord wide = Created(), next = Created();
  for (uint64_t i = 1; i < base::kVersionVectorReplicasMax; ++i) wide.vector.Advance({100 + i, 1});
  CHECK(CheckMergeable(wide, next).ok());
  next.vector.Advance({99, 1});
  CHECK(base::CodeOf(CheckMergeable(wide, next)) == Code::kTooLarge);
}

}  // namespace
}  // namespace jzse::model
