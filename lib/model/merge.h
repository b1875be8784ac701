// SPDX-License-Identifier: Apache-2.0
// Merging what several regions did to a file, and settling what conflicts.
//
// Two steps, kept apart. Merge joins two states and decides nothing: it is what replication applies. Resolve* reads a
// state and says what users see; nobody writes its answer down, so regions with equal records show equal files and no
// settlement can cross another one on the network.
//
// The algebra of Merge. A record is a point of a product of join-semilattices, and Merge is the join:
// - the path register is a maximum under the total order (stamp, replica, counter): last writer wins;
// - for each dot of a content there is a chain: unseen < present < superseded. The vector and the siblings encode it:
//   a dot is unseen if the vector does not contain it, present if it is among the siblings, superseded if the vector
//   contains it and no sibling has it. The join keeps a content that both have, or that one has and the other has not
//   seen (Preguica, Baquero, Almeida, Fonte, Goncalves: Dotted Version Vectors, 2010);
// - the vector is a maximum for each replica.
// A product of joins is a join: Merge is commutative, associative and idempotent, so replicas that received the same
// changes in any order, any number of times, are identical. A hybrid stamp is above that of every change that its author
// had seen, so the maximum of the path register never undoes a later move.
// Never lost: a content leaves the siblings only when a record arrives whose author had it and replaced it.
//
// Bytes from peers may claim what no history can produce. Merge stays total (see CheckMergeable).
#ifndef JZSE_MODEL_MERGE_H_
#define JZSE_MODEL_MERGE_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "model/path.h"
#include "model/policy.h"
#include "model/record.h"

namespace jzse::model {

// REQUIRES: a.id == b.id, both valid. If each vector says that the other's contents are all superseded, which only a
// forged record can, the result keeps the contents of both, so it is valid and loses nothing; there the result is still
// commutative and idempotent but not associative.
FileRecord Merge(const FileRecord& a, const FileRecord& b);

// For records from outside, before Merge. kInvalid: they contradict each other (different files; one dot, two contents
// or paths; each supersedes the other). kTooLarge: the result would exceed kSiblingsMax or kVersionVectorReplicasMax.
base::Status CheckMergeable(const FileRecord& a, const FileRecord& b);

// A three-way merge of bytes. Must be a pure function; it is called with ours and theirs in an order that all regions
// agree on. nullopt: cannot merge these.
class Merger {
 public:
  virtual ~Merger() = default;
  virtual std::optional<std::string> MergeBytes(base::Bytes base, base::Bytes ours, base::Bytes theirs) const = 0;
};

// Bytes of a content of the file by its dot: a sibling or an ancestor. nullopt when they are not here; then `merge` falls
// back to `fork`, so an engine that wants all regions to agree keeps what the records' ancestors name.
class ContentSource {
 public:
  virtual ~ContentSource() = default;
  virtual std::optional<std::string> Load(const Dot& dot) const = 0;
};

// Whether a live file of the namespace has this path in its path register (not: under a derived name).
using PathTaken = std::function<bool(std::string_view path)>;

struct ResolveContext {
  NamespaceKind kind = NamespaceKind::kTree;
  ConflictStrategy strategy = ConflictStrategy::kLww;
  const Merger* merger = nullptr;         // for kMerge; may be null
  const ContentSource* source = nullptr;  // for kMerge; may be null
  PathTaken taken;                        // may be empty: nothing is
};

struct ForkedFile {
  std::string path;
  ContentVersion content;
};

// What users see of one file.
struct Resolution {
  ContentVersion winner;
  std::vector<ContentVersion> losers;  // the other live siblings, highest first: retrievable as versions
  std::vector<ForkedFile> forks;       // those of them that are visible under names of their own
  bool conflict = false;               // live siblings with different bytes, and not merged
  std::optional<std::string> merged;   // kMerge: the bytes to serve, with the winner's attributes
};
// A function of the set of siblings: edit beats delete; then the strategy (lww: the highest Rank wins; fork: the losers
// whose bytes differ also appear under names derived from their dots; merge: bytes of base and all siblings in order of
// (stamp, replica, counter), else fork; manual: as lww, and `conflict` stays until a change supersedes the siblings).
// REQUIRES: a valid record
Resolution Resolve(const FileRecord& record, const ResolveContext& context);

// What users see at one path that several live files claim.
struct ClaimResolution {
  struct Renamed {
    FileId id;
    std::string path;
  };
  std::optional<FileId> owner;   // whom the path leads to; none if only a directory with files below is there
  std::vector<Renamed> renamed;  // visible under derived names, sorted by id
  std::vector<FileId> hidden;    // the rest, sorted by id: retrievable as versions of the path
  bool conflict = false;         // claimants with different bytes, or a file where a directory is
};
// A function of the set of records, in any order. `directory`: a live file lies below the path (always false for keys).
// - Tombstones claim nothing. Claimants whose bytes equal the owner's are hidden: there is nothing to choose.
// - Directories own their path before files and symlinks; these then appear under derived names, whatever the strategy,
//   because behind a directory nobody would look for versions of a file. Directories among themselves are one.
// - lww, manual: the file with the highest of its path's and its winner's (stamp, replica, hash) owns; others are hidden.
// - fork, merge: the highest path register owns, so that an edit never swaps names; others appear under names derived
//   from their ids. (Two new files have no common base, so there is nothing to merge them by.)
// Hidden claimants are still live. So whoever replaces, deletes or moves away what a path shows, replaces or deletes the
// hidden ones in the same transaction (their contents stay versions): otherwise they would come to light again.
// REQUIRES: all paths equal, ids distinct, all valid
ClaimResolution ResolveClaims(std::span<const FileRecord* const> claimants, const ResolveContext& context,
                              bool directory = false);

// "dir/name (conflict 00000000000012ab-7).ext": canonical if `path` is, within the limits of the kind (the name is cut, or
// the file appears further up, where it must be), never a path that `taken` knows, and different for different dots.
std::string DerivedPath(NamespaceKind kind, std::string_view path, const Dot& dot, const PathTaken& taken = {});

// The nearest common ancestor that the contents themselves name; empty dot if none.
Dot CommonAncestor(std::span<const ContentVersion* const> contents);

}  // namespace jzse::model

#endif  // JZSE_MODEL_MERGE_H_
