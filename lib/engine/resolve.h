// SPDX-License-Identifier: Apache-2.0
// What an operation means against the newest state: checks it and appends the records that carry it out to the group in
// the making. Either all of an operation's records are appended, or it fails and the caller rolls the transaction back.
//
// Threads: the leader's.
#ifndef JZSE_ENGINE_RESOLVE_H_
#define JZSE_ENGINE_RESOLVE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "engine/operation.h"
#include "store/store.h"

namespace jzse::engine {

using store::FileEntry;

class Resolver {
 public:
  Resolver(store::Stage& stage, store::Journal& journal, size_t records_max, const base::ReplicaId& replica,
           std::function<model::Stamp()> stamp, std::function<StatusOr<store::Location>(Sequence)> locate);

  // `info` is the state of the operation's file afterwards.
  Status Run(const Operation& operation, FileInfo* info);
  // Whether a record did not fit the group any more.
  bool full() const { return full_; }

 private:
  using Entry = std::optional<FileEntry>;

  StatusOr<Entry> Load(const Operation& operation, const std::string& path);
  Status DeletedAt(const Operation& operation, std::vector<base::FileId>* files, Status* damaged);
  Status CheckParents(const Operation& operation, const std::string& path);
  Status CheckPlace(const Operation& operation, const std::string& path, const Entry& current);
  static Status CheckImplied(const Operation& operation);
  StatusOr<bool> HasBelow(const Operation& operation, const std::string& path);
  StatusOr<std::vector<FileEntry>> ListBelow(const Operation& operation, const std::string& path);
  Status CheckQuota(const Operation& operation, const Entry& current, const model::Content& content);
  StatusOr<Sequence> FloorFor(const Operation& operation, const Entry& current);

  Status Put(const Operation& operation, FileInfo* info);
  Status Delete(const Operation& operation, FileInfo* info);
  Status Move(const Operation& operation, FileInfo* info);
  Status Copy(const Operation& operation, FileInfo* info);
  Status Mkdir(const Operation& operation, FileInfo* info);
  Status SetAttributes(const Operation& operation, FileInfo* info);
  Status Restore(const Operation& operation, FileInfo* info);
  Status DeleteVersions(const Operation& operation);
  Status Namespace(const Operation& operation);

  // The dot and stamp of the next change of a file; kCorrupt when its record, or the journal, leaves no room for one.
  struct Mark {
    base::Dot dot;
    model::Stamp stamp;
  };
  StatusOr<Mark> NextMark(std::string_view path, const model::FileRecord* file);
  // Gives the file at `path` a new content.
  Status PutContent(const Operation& operation, const std::string& path, const Entry& current,
                    model::Content content, store::ChangeType type, FileInfo* info);
  Status DeleteOne(const Operation& operation, const FileEntry& current);
  Status MoveOne(const Operation& operation, FileEntry current, std::string to_path, FileInfo* info);
  Status Emit(store::ChangeRecord change, FileInfo* info);
  Status Append(store::RecordType type, Bytes head, Bytes body, store::Location* location);

  store::Stage& stage_;
  store::Journal& journal_;
  const size_t records_max_;
  const base::ReplicaId replica_;
  std::function<model::Stamp()> stamp_;
  std::string head_;                             // of the record in the making; kept for its memory
  std::map<Sequence, store::Location> sources_;  // changes whose content this transaction refers to
  store::Applier applier_;
  bool full_ = false;
};

// The content of `entry` without its bytes: a reference where they are inline.
model::Content ShareContent(const FileEntry& entry);

}  // namespace jzse::engine

#endif  // JZSE_ENGINE_RESOLVE_H_
