// SPDX-License-Identifier: Apache-2.0
// Settling conflicts: the second half of merge.h.
#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "model/merge.h"

namespace jzse::model {
namespace {

constexpr size_t kExtensionSizeMax = 16;

using Versions = std::vector<const ContentVersion*>;

Versions LiveByRank(const FileRecord& record) {
  Versions live;
  for (const ContentVersion& version : record.contents) {
    if (version.live()) live.push_back(&version);
  }
  std::sort(live.begin(), live.end(), [](auto a, auto b) { return Rank(*a, *b) > 0; });
  return live;
}

bool HasBytesOf(const Versions& versions, const ContentVersion& version) {
  return std::any_of(versions.begin(), versions.end(),
                     [&version](auto other) { return SameBytes(other->content, version.content); });
}

// One content for each that differs in its bytes, oldest first: the order in which they are folded into one.
Versions DistinctByAge(Versions live) {
  std::sort(live.begin(), live.end(), [](const ContentVersion* a, const ContentVersion* b) {
    return std::tie(a->stamp, a->dot) < std::tie(b->stamp, b->dot);
  });
  Versions distinct;
  for (const ContentVersion* version : live) {
    if (!HasBytesOf(distinct, *version)) distinct.push_back(version);
  }
  return distinct;
}

std::optional<std::string> MergedBytes(const Versions& live, const ResolveContext& context) {
  if (context.merger == nullptr || context.source == nullptr) return std::nullopt;
  const Dot ancestor = CommonAncestor(live);
  const bool files = std::all_of(live.begin(), live.end(),
                                 [](auto version) { return version->content.kind == ContentKind::kFile; });
  if (ancestor.empty() || !files) return std::nullopt;
  const std::optional<std::string> base = context.source->Load(ancestor);
  if (!base) return std::nullopt;
  std::optional<std::string> merged;
  for (const ContentVersion* version : DistinctByAge(live)) {
    std::optional<std::string> next = context.source->Load(version->dot);
    if (!next) return std::nullopt;
    merged = merged ? context.merger->MergeBytes(*base, *merged, *next) : std::move(next);
    if (!merged) return std::nullopt;
  }
  return merged;
}

std::vector<ForkedFile> Forks(const FileRecord& record, const Versions& live, const ResolveContext& context) {
  std::vector<ForkedFile> forks;
  Versions visible = {live.front()};
  for (const ContentVersion* version : live) {
    if (HasBytesOf(visible, *version)) continue;
    visible.push_back(version);
    forks.push_back({DerivedPath(context.kind, record.path.path, version->dot, context.taken), *version});
  }
  return forks;
}

// What a claimant's claim weighs: see ResolveClaims.
struct Claim {
  const FileRecord* record;
  const ContentVersion* winner;
  Stamp stamp;
  base::ReplicaId replica;
  base::Hash256 hash;

  auto Order() const { return std::tie(stamp, replica, hash, record->id); }
};

Claim MakeClaim(const FileRecord& record, bool by_content) {
  const ContentVersion& winner = record.winner();
  const PathRegister& path = record.path;
  const bool edited = std::tie(winner.stamp, winner.dot.replica) > std::tie(path.stamp, path.dot.replica);
  if (by_content && edited) return {&record, &winner, winner.stamp, winner.dot.replica, winner.content.hash};
  return {&record, &winner, path.stamp, path.dot.replica, by_content ? winner.content.hash : base::Hash256{}};
}

// The place of the path in the tree, up to and including its last slash; empty at the root.
std::string_view FolderOf(std::string_view path) { return path.substr(0, path.size() - BaseNameOf(path).size()); }

std::string_view ExtensionOf(std::string_view name) {
  const size_t point = name.rfind('.');
  if (point == std::string_view::npos || point == 0 || name.size() - point > kExtensionSizeMax) return {};
  return name.substr(point);
}

// At most `size` bytes of text, cut between code points. A part of a text in NFC is in NFC.
std::string_view CutText(std::string_view text, size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

std::string MarkedPath(NamespaceKind kind, std::string_view path, std::string_view mark) {
  const bool tree = kind == NamespaceKind::kTree;
  const size_t size_max = tree ? base::kPathSizeMax : base::kKeySizeMax;
  const std::string_view name = BaseNameOf(path), extension = ExtensionOf(name),
                         stem = name.substr(0, name.size() - extension.size());
  const size_t tail = mark.size() + extension.size();
  std::string_view folder = FolderOf(path);
  while (folder.size() + 1 + tail > size_max) folder = FolderOf(folder.substr(0, folder.size() - 1));
  const size_t name_max = std::min(tree ? base::kPathSegmentSizeMax : size_max, size_max - folder.size());
  std::string marked(folder);
  marked.append(CutText(stem, name_max - tail)).append(mark).append(extension);
  return marked;
}

}  // namespace

std::string DerivedPath(NamespaceKind kind, std::string_view path, const Dot& dot, const PathTaken& taken) {
  for (uint64_t attempt = 0;; ++attempt) {
    const std::string again = attempt == 0 ? std::string() : absl::StrCat(".", attempt);
    const std::string mark =
        absl::StrCat(" (conflict ", absl::Hex(dot.replica, absl::kZeroPad16), "-", dot.counter, again, ")");
    std::string marked = MarkedPath(kind, path, mark);
    if (!taken || !taken(marked)) return marked;
  }
}

Dot CommonAncestor(std::span<const ContentVersion* const> contents) {
  if (contents.empty()) return {};
  // All regions must search one and the same list.
  const ContentVersion* newest = *std::max_element(contents.begin(), contents.end(),
                                                   [](auto a, auto b) { return Rank(*a, *b) < 0; });
  for (const Dot& ancestor : newest->ancestors) {
    const bool common = std::all_of(contents.begin(), contents.end(), [&ancestor](auto version) {
      return std::find(version->ancestors.begin(), version->ancestors.end(), ancestor) != version->ancestors.end();
    });
    if (common) return ancestor;
  }
  return {};
}

Resolution Resolve(const FileRecord& record, const ResolveContext& context) {
  Resolution resolution;
  resolution.winner = record.winner();
  const Versions live = LiveByRank(record);
  for (size_t i = 1; i < live.size(); ++i) {
    resolution.losers.push_back(*live[i]);
    if (!SameBytes(live[i]->content, live[0]->content)) resolution.conflict = true;
  }
  if (!resolution.conflict) return resolution;
  if (context.strategy == ConflictStrategy::kMerge) {
    resolution.merged = MergedBytes(live, context);
    if (resolution.merged) {
      resolution.conflict = false;
      return resolution;
    }
  }
  if (context.strategy == ConflictStrategy::kFork || context.strategy == ConflictStrategy::kMerge) {
    resolution.forks = Forks(record, live, context);
  }
  return resolution;
}

ClaimResolution ResolveClaims(std::span<const FileRecord* const> claimants, const ResolveContext& context,
                              bool directory) {
  const bool by_content =
      context.strategy == ConflictStrategy::kLww || context.strategy == ConflictStrategy::kManual;
  std::vector<Claim> claims;
  for (const FileRecord* record : claimants) {
    if (!record->deleted()) claims.push_back(MakeClaim(*record, by_content));
  }
  const auto is_directory = [](const Claim& claim) { return claim.winner->content.kind == ContentKind::kDirectory; };
  // Directories first, then the highest claim first.
  std::sort(claims.begin(), claims.end(), [&](const Claim& a, const Claim& b) {
    return is_directory(a) != is_directory(b) ? is_directory(a) : a.Order() > b.Order();
  });
  directory = directory || (!claims.empty() && is_directory(claims.front()));
  ClaimResolution resolution;
  const Claim* owner = nullptr;
  for (const Claim& claim : claims) {
    const bool displaced = directory && !is_directory(claim);
    if (owner == nullptr && !displaced) {
      owner = &claim;
      resolution.owner = claim.record->id;
      continue;
    }
    const bool differs = displaced || !SameBytes(claim.winner->content, owner->winner->content);
    resolution.conflict = resolution.conflict || differs;
    if (displaced || (differs && !by_content)) {
      const FileId& id = claim.record->id;
      resolution.renamed.push_back({id, DerivedPath(context.kind, claim.record->path.path, id, context.taken)});
    } else {
      resolution.hidden.push_back(claim.record->id);
    }
  }
  std::sort(resolution.hidden.begin(), resolution.hidden.end());
  std::sort(resolution.renamed.begin(), resolution.renamed.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return resolution;
}

}  // namespace jzse::model
