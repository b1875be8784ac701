// SPDX-License-Identifier: Apache-2.0
// Resolution is a function of sets: the order of siblings and of claimants never matters, everything live is somewhere,
// and derived names are canonical, free and distinct.
#include <catch2/catch.hpp>
#include <algorithm>
#include <set>
#include <vector>

#include "budget.h"
#include "model/model.h"

namespace jzse::model {
namespace {

const char* const kPaths[] = {"a", "dir/name.txt", ".x", "a/b.tar.gz", "\u4eac/\u00e9.\u00e9"};

Content SomeContent(base::Prng& prng) {
  Content content;
  content.kind = static_cast<ContentKind>(prng.Below(4));
  if (content.kind == ContentKind::kDeleted || content.kind == ContentKind::kDirectory) return content;
  content.storage = Content::Storage::kInline;
  content.size = 1;
  content.hash.bytes[0] = static_cast<unsigned char>(1 + prng.Below(3));
  content.mode = static_cast<uint32_t>(prng.Below(2));
  return content;
}

FileRecord SomeRecord(base::Prng& prng, uint64_t number, const std::string& path) {
  const Dot id = {1 + prng.Below(3), 1 + number};
  FileRecord record = NewRecord(path, SomeContent(prng), id, Stamp{prng.Below(4)});
  const FileRecord created = record;
  for (size_t siblings = prng.Below(5); siblings > 0; --siblings) {
    FileRecord other = created;
    SetContent(other, SomeContent(prng), {10 + siblings, 100 * number + siblings}, Stamp{prng.Below(4)});
    record = Merge(record, other);
  }
  if (prng.OneIn(3)) SetPath(record, path, {1 + prng.Below(30), 1'000'000 + number}, Stamp{record.path.stamp.value + 1 + prng.Below(4)});
  return record;
}

bool operator==(const ForkedFile& a, const ForkedFile& b) { return a.path == b.path && a.content == b.content; }
bool operator==(const ClaimResolution::Renamed& a, const ClaimResolution::Renamed& b) {
  return a.id == b.id && a.path == b.path;
}

template <typename Items>
void Shuffle(base::Prng& prng, Items* items) {
  for (size_t i = items->size(); i > 1; --i) std::swap((*items)[i - 1], (*items)[prng.Below(i)]);
}

struct Names {
  std::set<std::string> derived;

  // A third of all paths are taken.
  bool IsTaken(std::string_view path) const { return base::Xxh64(path, 0) % 3 == 0; }
  std::string Add(NamespaceKind kind, const std::string& path) {
    const auto canonical = CanonicalName(kind, path);
    if (!canonical.ok() || *canonical != path) return "a derived name is not canonical: " + path;
    if (IsTaken(path)) return "a derived name is taken: " + path;
    return derived.insert(path).second ? "" : "a derived name appears twice: " + path;
  }
};

std::string CheckSiblings(base::Prng& prng, const FileRecord& record, const ResolveContext& context, Names* names) {
  const Resolution resolution = Resolve(record, context);
  FileRecord shuffled = record;
  Shuffle(prng, &shuffled.contents);
  const Resolution again = Resolve(shuffled, context);
  const bool same = std::equal(resolution.forks.begin(), resolution.forks.end(), again.forks.begin(), again.forks.end(),
                               [](const auto& a, const auto& b) { return a == b; });
  if (resolution.winner != again.winner || resolution.losers != again.losers || !same ||
      resolution.conflict != again.conflict) {
    return "the order of siblings matters";
  }
  size_t live = 0;
  for (const ContentVersion& version : record.contents) live += version.live();
  if (resolution.losers.size() + resolution.winner.live() != live) return "a live sibling is neither winner nor loser";
  for (const ForkedFile& fork : resolution.forks) {
    if (std::string problem = names->Add(context.kind, fork.path); !problem.empty()) return problem;
  }
  return "";
}

std::string OneCase(uint64_t seed) {
  base::Prng prng(seed);
  Names names;
  ResolveContext context;
  context.strategy = static_cast<ConflictStrategy>(prng.Below(4));
  context.kind = static_cast<NamespaceKind>(prng.Below(2));
  context.taken = [&names](std::string_view path) { return names.IsTaken(path); };
  const bool directory = context.kind == NamespaceKind::kTree && prng.OneIn(4);
  const std::string path = kPaths[prng.Below(std::size(kPaths))];
  std::vector<FileRecord> records;
  for (size_t i = prng.Below(6); i > 0; --i) records.push_back(SomeRecord(prng, i, path));
  std::vector<const FileRecord*> claimants;
  size_t live = 0;
  for (const FileRecord& record : records) {
    claimants.push_back(&record);
    live += !record.deleted();
    if (std::string problem = CheckSiblings(prng, record, context, &names); !problem.empty()) return problem;
  }
  const ClaimResolution resolution = ResolveClaims(claimants, context, directory);
  Shuffle(prng, &claimants);
  const ClaimResolution again = ResolveClaims(claimants, context, directory);
  const bool same = std::equal(resolution.renamed.begin(), resolution.renamed.end(), again.renamed.begin(),
                               again.renamed.end(), [](const auto& a, const auto& b) { return a == b; });
  if (resolution.owner != again.owner || resolution.hidden != again.hidden || !same ||
      resolution.conflict != again.conflict) {
    return "the order of claimants matters";
  }
  if (resolution.owner.has_value() + resolution.renamed.size() + resolution.hidden.size() != live) {
    return "a live claimant is not in exactly one place";
  }
  std::set<FileId> ids(resolution.hidden.begin(), resolution.hidden.end());
  if (resolution.owner) ids.insert(*resolution.owner);
  for (const auto& renamed : resolution.renamed) {
    ids.insert(renamed.id);
    if (std::string problem = names.Add(context.kind, renamed.path); !problem.empty()) return problem;
  }
  if (ids.size() != live) return "a claimant is in two places";
  if (!directory && live > 0 && !resolution.owner) return "a path that is claimed has no owner";
  return "";
}

TEST_CASE("resolution of random siblings and claimants") { CHECK(prop::Search(100'000, OneCase) == ""); }

}  // namespace
}  // namespace jzse::model
