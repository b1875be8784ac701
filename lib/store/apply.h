// SPDX-License-Identifier: Apache-2.0
// What a journal record does to the index. The committer, recovery and rebuild all come through here, which is why an index
// kept up to date and one built from nothing are equal.
//
// Invariants, for every namespace and path:
//  1. `P` path holds the one entry that owns the path: the live file if there is one, else the deleted file with the
//     highest sequence. `T` holds the other claimants.
//  2. `V` holds exactly the older contents that are retained: not below the file's floor, not dropped.
//  3. `H` q holds the number of P, T and V entries whose content is a reference to change q.
//  4. Totals are the sums over P (files, of these directories, bytes, tombstones with T) and V (versions).
//
// Threads: one at a time per Stage.
#ifndef JZSE_STORE_APPLY_H_
#define JZSE_STORE_APPLY_H_

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "store/file_entry.h"
#include "store/stage.h"

namespace jzse::store {

// During a rebuild older states of moved files turn up without the changes in between, so their places are kept here.
struct MovedFiles {
  struct Place {
    std::string path;
    std::optional<FileEntry> displaced;  // its entry, when another file has taken the path meanwhile
  };
  std::set<std::pair<NamespaceId, FileId>> files;
  std::map<std::pair<NamespaceId, FileId>, Place> places;
  // Versions dropped before the change that made them versions, which may be gone; of any file.
  std::map<std::pair<NamespaceId, FileId>, std::vector<VersionDropRecord::Range>> dropped;

  bool Dropped(NamespaceId ns, const FileId& file, Sequence sequence) const {
    const auto it = dropped.find({ns, file});
    return it != dropped.end() && std::any_of(it->second.begin(), it->second.end(), [&](const auto& range) {
             return range.since <= sequence && sequence <= range.version;
           });
  }
};

// Takes away a file's entry at `key`, a P or T key of `path`; the newest deleted file of the path, if any, owns it again.
Status LeavePlace(Stage& stage, NamespaceId ns, const std::string& path, const std::string& key);

class Applier {
 public:
  // Where the change of a sequence lies, for a reference made to it.
  using Locate = std::function<StatusOr<Location>(Sequence sequence)>;

  Applier(Stage& stage, Locate locate, MovedFiles* moved = nullptr)
      : stage_(stage), locate_(std::move(locate)), moved_(moved) {}

  Status Change(const ChangeRecord& change, Sequence sequence, const Location& location);
  Status Namespace(const NamespaceRecord& record, Sequence sequence, const Location& location);
  Status VersionDrop(const VersionDropRecord& record);
  // A chunk that is durable. Of two copies the higher ordinal stays.
  Status Chunk(const ChunkRecord& chunk, Sequence ordinal, const Location& location);
  // Any record's payload or summary without group prefix.
  Status Record(const RecordHeader& header, const Location& location, Bytes payload);

 private:
  struct Previous {
    std::optional<FileEntry> entry;
    std::string key;                   // where it stands; empty: nowhere (displaced)
    std::string path;
  };

  StatusOr<std::optional<FileEntry>> Load(const std::string& key);
  StatusOr<Previous> FindPrevious(const ChangeRecord& change, const std::optional<FileEntry>& owner);
  Status MakeRoom(NamespaceId ns, const std::string& path, const FileEntry& owner);
  Status Vacate(NamespaceId ns, const Previous& previous);
  void NotePlace(NamespaceEntry& ns, const FileEntry& entry);
  Status Retain(NamespaceEntry& ns, const FileEntry& previous, FileEntry& entry, bool content_changed);
  Status Trim(NamespaceEntry& ns, FileEntry& entry);
  Status AddReference(const FileEntry& entry, const std::optional<FileEntry>& previous);
  Status Release(const FileEntry& entry);

  Stage& stage_;
  Locate locate_;
  MovedFiles* moved_;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_APPLY_H_
