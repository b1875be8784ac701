// SPDX-License-Identifier: Apache-2.0
// What users see of conflicts: siblings of one file, claimants of one path, derived names.
#include <catch2/catch.hpp>
#include <algorithm>
#include <map>
#include <set>

#include "model/model.h"

namespace jzse::model {
namespace {

constexpr base::ReplicaId kBeijing = 10, kParis = 20, kLima = 30;

Content File(std::string_view bytes) {
  Content content;
  content.kind = ContentKind::kFile;
  content.storage = Content::Storage::kInline;
  content.size = bytes.size();
  content.hash = base::Sha256(bytes);
  return content;
}

Content Directory() {
  Content content;
  content.kind = ContentKind::kDirectory;
  return content;
}

ResolveContext With(ConflictStrategy strategy) {
  ResolveContext context;
  context.strategy = strategy;
  return context;
}

constexpr ConflictStrategy kAll[] = {ConflictStrategy::kLww, ConflictStrategy::kFork, ConflictStrategy::kMerge,
                                     ConflictStrategy::kManual};

// Contents "p" of Paris at 2 and "l" of Lima at 3, both on the content "1" of Beijing.
FileRecord Conflicting(std::string_view paris_bytes = "p", std::string_view lima_bytes = "l",
                       const std::string& path = "dir/name.txt") {
  const FileRecord created = NewRecord(path, File("1"), {kBeijing, 1}, Stamp::At(1));
  FileRecord paris = created, lima = created;
  SetContent(paris, File(paris_bytes), {kParis, 0xabc}, Stamp::At(2), true);
  SetContent(lima, File(lima_bytes), {kLima, 5}, Stamp::At(3), true);
  return Merge(paris, lima);
}

TEST_CASE("no conflict: the content, under every strategy") {
  const FileRecord record = NewRecord("a", File("1"), {kBeijing, 1}, Stamp::At(1));
  for (const ConflictStrategy strategy : kAll) {
    const Resolution resolution = Resolve(record, With(strategy));
    CHECK(resolution.winner == record.contents[0]);
    CHECK(resolution.losers.empty());
    CHECK(resolution.forks.empty());
    CHECK_FALSE(resolution.conflict);
  }
}

TEST_CASE("lww and manual: the higher stamp wins, the loser is listed") {
  for (const ConflictStrategy strategy : {ConflictStrategy::kLww, ConflictStrategy::kManual}) {
    const Resolution resolution = Resolve(Conflicting(), With(strategy));
    CHECK(resolution.winner.content.hash == base::Sha256("l"));
    REQUIRE(resolution.losers.size() == 1);
    CHECK(resolution.losers[0].content.hash == base::Sha256("p"));
    CHECK(resolution.forks.empty());
    CHECK(resolution.conflict);
  }
}

TEST_CASE("equal stamps: the replica decides") {
  const FileRecord created = NewRecord("a", File("1"), {kBeijing, 1}, Stamp::At(1));
  FileRecord paris = created, lima = created;
  SetContent(paris, File("p"), {kParis, 9}, Stamp::At(2));
  SetContent(lima, File("l"), {kLima, 1}, Stamp::At(2));
  CHECK(Resolve(Merge(paris, lima), With(ConflictStrategy::kLww)).winner.dot.replica == kLima);
}

TEST_CASE("fork: the loser appears under a name derived from its dot") {
  const Resolution resolution = Resolve(Conflicting(), With(ConflictStrategy::kFork));
  CHECK(resolution.winner.content.hash == base::Sha256("l"));
  REQUIRE(resolution.forks.size() == 1);
  CHECK(resolution.forks[0].path == "dir/name (conflict 0000000000000014-2748).txt");
  CHECK(resolution.forks[0].content.content.hash == base::Sha256("p"));
}

TEST_CASE("equal bytes are no conflict") {
  for (const ConflictStrategy strategy : kAll) {
    const Resolution resolution = Resolve(Conflicting("same", "same"), With(strategy));
    CHECK_FALSE(resolution.conflict);
    CHECK(resolution.losers.size() == 1);
    CHECK(resolution.forks.empty());
  }
}

TEST_CASE("an edit beats a later delete; two deletes are one") {
  const FileRecord created = NewRecord("a", File("1"), {kBeijing, 1}, Stamp::At(1));
  FileRecord edited = created, deleted = created, deleted_too = created;
  SetContent(edited, File("2"), {kParis, 1}, Stamp::At(2));
  SetContent(deleted, Content(), {kLima, 1}, Stamp::At(9));
  SetContent(deleted_too, Content(), {kBeijing, 2}, Stamp::At(8));
  for (const ConflictStrategy strategy : kAll) {
    const Resolution resolution = Resolve(Merge(edited, deleted), With(strategy));
    CHECK(resolution.winner.content.hash == base::Sha256("2"));
    CHECK(resolution.losers.empty());
    CHECK_FALSE(resolution.conflict);
    const FileRecord both = Merge(deleted, deleted_too);
    CHECK(both.deleted());
    CHECK_FALSE(Resolve(both, With(strategy)).conflict);
    CHECK(Resolve(both, With(strategy)).winner.dot.replica == kLima);
  }
}

class MapSource final : public ContentSource {
 public:
  std::map<Dot, std::string> bytes;
  std::optional<std::string> Load(const Dot& dot) const override {
    const auto it = bytes.find(dot);
    return it == bytes.end() ? std::nullopt : std::optional(it->second);
  }
};

TEST_CASE("merge: base and both sides make one text, whatever side it is computed on") {
  MapSource source;
  source.bytes = {{{kBeijing, 1}, "a\nb\nc\n"}, {{kParis, 0xabc}, "A\nb\nc\n"}, {{kLima, 5}, "a\nb\nC\n"}};
  const TextMerger merger;
  ResolveContext context = With(ConflictStrategy::kMerge);
  context.merger = &merger;
  context.source = &source;
  const FileRecord record = Conflicting("A\nb\nc\n", "a\nb\nC\n");
  const Resolution resolution = Resolve(record, context);
  CHECK_FALSE(resolution.conflict);
  CHECK(resolution.merged == "A\nb\nC\n");
  CHECK(resolution.losers.size() == 1);
  CHECK(resolution.forks.empty());

  SECTION("falls back to fork when the sides overlap") {
    source.bytes[{kLima, 5}] = "X\nb\nc\n";
    const Resolution forked = Resolve(record, context);
    CHECK(forked.conflict);
    CHECK_FALSE(forked.merged);
    CHECK(forked.forks.size() == 1);
  }
  SECTION("falls back to fork when bytes are missing") {
    for (const auto& [dot, bytes] : std::map<Dot, std::string>(source.bytes)) {
      source.bytes.erase(dot);
      CHECK(Resolve(record, context).forks.size() == 1);
      source.bytes[dot] = bytes;
    }
  }
  SECTION("falls back to fork without a merger, a source or a common base") {
    context.merger = nullptr;
    CHECK(Resolve(record, context).forks.size() == 1);
    context.merger = &merger;
    context.source = nullptr;
    CHECK(Resolve(record, context).forks.size() == 1);
    context.source = &source;
    FileRecord orphan = record;
    orphan.contents[0].ancestors.clear();
    CHECK(Resolve(orphan, context).forks.size() == 1);
  }
  SECTION("three sides fold in the order of their stamps") {
    FileRecord third = NewRecord("dir/name.txt", File("1"), {kBeijing, 1}, Stamp::At(1));
    SetContent(third, File("a\nB\nc\n"), {40, 1}, Stamp::At(1, 5), true);
    source.bytes = {{{kBeijing, 1}, "a\n-\nb\n-\nc\n"}, {{kParis, 0xabc}, "A\n-\nb\n-\nc\n"},
                    {{kLima, 5}, "a\n-\nb\n-\nC\n"}, {{40, 1}, "a\n-\nB\n-\nc\n"}};
    CHECK(Resolve(Merge(record, third), context).merged == "A\n-\nB\n-\nC\n");
    CHECK(Resolve(Merge(third, record), context).merged == "A\n-\nB\n-\nC\n");
  }
}

TEST_CASE("the common ancestor is the nearest that all sides name") {
  ContentVersion a, b;
  a.stamp = Stamp::At(2);
  a.ancestors = {{1, 9}, {1, 5}, {1, 3}};
  b.ancestors = {{2, 7}, {1, 3}, {1, 5}};
  const ContentVersion* both[] = {&a, &b};
  const ContentVersion* swapped[] = {&b, &a};
  CHECK(CommonAncestor(both) == Dot{1, 5});
  CHECK(CommonAncestor(swapped) == Dot{1, 5});
  b.ancestors = {{2, 7}};
  CHECK(CommonAncestor(both).empty());
  CHECK(CommonAncestor({}).empty());
}

// Claims

FileRecord Claimant(base::ReplicaId replica, uint64_t ms, Content content, const std::string& path = "p") {
  return NewRecord(path, std::move(content), {replica, 1}, Stamp::At(ms));
}

ClaimResolution Claims(std::vector<const FileRecord*> claimants, ConflictStrategy strategy, bool directory = false) {
  return ResolveClaims(claimants, With(strategy), directory);
}

TEST_CASE("claims: one claimant owns its path, tombstones claim nothing") {
  const FileRecord alone = Claimant(kParis, 1, File("p"));
  FileRecord gone = Claimant(kLima, 5, File("l"));
  SetContent(gone, Content(), {kLima, 2}, Stamp::At(6));
  for (const ConflictStrategy strategy : kAll) {
    const ClaimResolution resolution = Claims({&gone, &alone}, strategy);
    CHECK(resolution.owner == alone.id);
    CHECK(resolution.renamed.empty());
    CHECK(resolution.hidden.empty());
    CHECK_FALSE(resolution.conflict);
    CHECK_FALSE(Claims({&gone}, strategy).owner);
    CHECK_FALSE(Claims({}, strategy).owner);
  }
}

TEST_CASE("claims, lww: the last write owns, be it a create, a move or an edit") {
  FileRecord paris = Claimant(kParis, 1, File("p")), lima = Claimant(kLima, 2, File("l"));
  for (const ConflictStrategy strategy : {ConflictStrategy::kLww, ConflictStrategy::kManual}) {
    const ClaimResolution resolution = Claims({&paris, &lima}, strategy);
    CHECK(resolution.owner == lima.id);
    CHECK(resolution.hidden == std::vector<FileId>{paris.id});
    CHECK(resolution.conflict);
  }
  SetContent(paris, File("p2"), {kParis, 2}, Stamp::At(3));
  CHECK(Claims({&paris, &lima}, ConflictStrategy::kLww).owner == paris.id);
  FileRecord moved = Claimant(kBeijing, 1, File("b"), "q");
  SetPath(moved, "p", {kBeijing, 2}, Stamp::At(4));
  CHECK(Claims({&paris, &lima, &moved}, ConflictStrategy::kLww).owner == moved.id);
}

TEST_CASE("claims, fork and merge: the last claim owns, edits do not swap names") {
  FileRecord paris = Claimant(kParis, 1, File("p")), lima = Claimant(kLima, 2, File("l"));
  for (uint64_t edits = 0; edits < 2; ++edits) {
    for (const ConflictStrategy strategy : {ConflictStrategy::kFork, ConflictStrategy::kMerge}) {
      const ClaimResolution resolution = Claims({&paris, &lima}, strategy);
      CHECK(resolution.owner == lima.id);
      REQUIRE(resolution.renamed.size() == 1);
      CHECK(resolution.renamed[0].id == paris.id);
      CHECK(resolution.renamed[0].path == "p (conflict 0000000000000014-1)");
      CHECK(resolution.conflict);
    }
    SetContent(paris, File("p2"), {kParis, 2 + edits}, Stamp::At(3 + edits));
  }
}

TEST_CASE("claims: equal bytes need no choice") {
  const FileRecord paris = Claimant(kParis, 1, File("x")), lima = Claimant(kLima, 2, File("x"));
  for (const ConflictStrategy strategy : kAll) {
    const ClaimResolution resolution = Claims({&paris, &lima}, strategy);
    CHECK(resolution.owner == lima.id);
    CHECK(resolution.renamed.empty());
    CHECK(resolution.hidden == std::vector<FileId>{paris.id});
    CHECK_FALSE(resolution.conflict);
  }
}

TEST_CASE("claims: a directory owns its path, files beside it are renamed under every strategy") {
  const FileRecord file = Claimant(kLima, 9, File("x")), folder = Claimant(kParis, 1, Directory()),
                   folder_too = Claimant(kBeijing, 2, Directory());
  for (const ConflictStrategy strategy : kAll) {
    const ClaimResolution explicit_one = Claims({&file, &folder, &folder_too}, strategy);
    CHECK(explicit_one.owner == folder_too.id);
    CHECK(explicit_one.hidden == std::vector<FileId>{folder.id});
    REQUIRE(explicit_one.renamed.size() == 1);
    CHECK(explicit_one.renamed[0].id == file.id);
    CHECK(explicit_one.conflict);
    CHECK_FALSE(Claims({&folder, &folder_too}, strategy).conflict);

    const ClaimResolution implied = Claims({&file}, strategy, true);
    CHECK_FALSE(implied.owner);
    CHECK(implied.renamed.size() == 1);
    CHECK(implied.conflict);
    CHECK(Claims({&folder}, strategy, true).owner == folder.id);
    CHECK_FALSE(Claims({&folder}, strategy, true).conflict);
  }
}

// Derived names

std::string Derived(std::string_view path, NamespaceKind kind = NamespaceKind::kTree, const PathTaken& taken = {}) {
  return DerivedPath(kind, path, {0xabcdef, 12}, taken);
}

TEST_CASE("derived names keep folder and extension") {
  CHECK(Derived("a") == "a (conflict 0000000000abcdef-12)");
  CHECK(Derived("a/b/c.txt") == "a/b/c (conflict 0000000000abcdef-12).txt");
  CHECK(Derived("x.tar.gz") == "x.tar (conflict 0000000000abcdef-12).gz");
  CHECK(Derived(".bashrc") == ".bashrc (conflict 0000000000abcdef-12)");
  CHECK(Derived("a.dir/b") == "a.dir/b (conflict 0000000000abcdef-12)");
  CHECK(Derived("a.no extension at all") == "a.no extension at all (conflict 0000000000abcdef-12)");
  CHECK(Derived("/", NamespaceKind::kKeys) == "/ (conflict 0000000000abcdef-12)");
}

TEST_CASE("derived names avoid what is taken") {
  std::set<std::string, std::less<>> names = {"a (conflict 0000000000abcdef-12).c"};
  const PathTaken taken = [&names](std::string_view path) { return names.contains(path); };
  CHECK(Derived("a.c", NamespaceKind::kTree, taken) == "a (conflict 0000000000abcdef-12.1).c");
  names.insert("a (conflict 0000000000abcdef-12.1).c");
  CHECK(Derived("a.c", NamespaceKind::kTree, taken) == "a (conflict 0000000000abcdef-12.2).c");
}

TEST_CASE("derived names of the longest paths are canonical") {
  std::vector<std::string> paths;
  for (const std::string& unit : {std::string("x"), std::string("\u00e9"), std::string("\u4eac"), std::string("\U0001f600")}) {
    std::string segment;
    while (segment.size() + unit.size() <= base::kPathSegmentSizeMax) segment += unit;
    paths.push_back(segment);
    const std::string folders = segment + "/" + segment + "/" + segment + "/";
    std::string name;
    while (folders.size() + name.size() + unit.size() <= base::kPathSizeMax) name += unit;
    paths.push_back(folders + name);
    for (const size_t shorter : {1, 10, 40, 60}) {  // a long folder, a short name
      const std::string path = folders + std::string(base::kPathSizeMax - folders.size() - 2 - shorter, 'd') + "/";
      paths.push_back(path + std::string(shorter, 'n'));
    }
  }
  for (const std::string& path : paths) {
    REQUIRE(CanonicalName(NamespaceKind::kTree, path).ok());
    const std::string derived = Derived(path);
    const auto canonical = CanonicalName(NamespaceKind::kTree, derived);
    REQUIRE(canonical.ok());
    CHECK(*canonical == derived);
    CHECK_THAT(derived, Catch::Contains(" (conflict 0000000000abcdef-12)"));
    if (path.size() > base::kKeySizeMax) continue;
    const std::string key = Derived(path, NamespaceKind::kKeys);
    CHECK(*CanonicalName(NamespaceKind::kKeys, key) == key);
  }
  for (const std::string& key : {std::string(base::kKeySizeMax, '/'), std::string(base::kKeySizeMax, 'k'),
                                 std::string(base::kKeySizeMax - 1, 'k') + "/"}) {
    const std::string derived = Derived(key, NamespaceKind::kKeys);
    const auto canonical = CanonicalName(NamespaceKind::kKeys, derived);
    REQUIRE(canonical.ok());
    CHECK(*canonical == derived);
  }
}

}  // namespace
}  // namespace jzse::model
