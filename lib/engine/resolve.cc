// SPDX-License-Identifier: Apache-2.0
#include "engine/resolve.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"

namespace jzse::engine {
namespace {

using base::Code;
using base::Fail;
using model::Content;
using model::ContentKind;
using store::ChangeRecord;

Status Exists(std::string_view path, std::string_view what) {
  return Fail(Code::kExists, absl::StrCat(model::Quoted(path), ": ", absl::string_view(what.data(), what.size())));
}

void SetAttributesOf(const Attributes& attributes, Content& content) {
  content.content_type = attributes.content_type;
  content.metadata = attributes.metadata;
  content.mtime_ns = attributes.mtime_ns;
  content.mode = attributes.mode;
}

}  // namespace

Content ShareContent(const FileEntry& entry) {
  Content content = entry.content().content;
  if (content.storage == Content::Storage::kInline) {
    content.storage = Content::Storage::kReference;
    content.reference = entry.sequence;
  }
  return content;
}

Resolver::Resolver(store::Stage& stage, store::Journal& journal, size_t records_max,
                   const base::ReplicaId& replica, std::function<model::Stamp()> stamp,
                   std::function<StatusOr<store::Location>(Sequence)> locate)
    : stage_(stage), journal_(journal), records_max_(records_max), replica_(replica), stamp_(std::move(stamp)),
      applier_(stage, [this, locate = std::move(locate)](Sequence sequence) -> StatusOr<store::Location> {
        if (const auto it = sources_.find(sequence); it != sources_.end()) return it->second;
        return locate(sequence);
      }) {}

Status Resolver::Run(const Operation& operation, FileInfo* info) {
  if (operation.kind == Operation::Kind::kNamespace) return Namespace(operation);
  JZSE_ASSIGN_OR_RETURN(const store::NamespaceEntry* const ns, stage_.Namespace(operation.ns));
  if (ns == nullptr || ns->record.dropped)
    return Fail(Code::kNotFound, absl::StrCat("namespace ", model::Quoted(operation.ns_name), " was dropped"));
  switch (operation.kind) {
    case Operation::Kind::kPut: return Put(operation, info);
    case Operation::Kind::kDelete: return Delete(operation, info);
    case Operation::Kind::kMove: return Move(operation, info);
    case Operation::Kind::kCopy: return Copy(operation, info);
    case Operation::Kind::kMkdir: return Mkdir(operation, info);
    case Operation::Kind::kSetAttributes: return SetAttributes(operation, info);
    case Operation::Kind::kRestore: return Restore(operation, info);
    case Operation::Kind::kDeleteVersions: return DeleteVersions(operation);
    case Operation::Kind::kNamespace: break;
  }
  return {};
}

// ------------------------------------------------------------------------------------------------ look-ups

StatusOr<Resolver::Entry> Resolver::Load(const Operation& operation, const std::string& path) {
  std::string value;
  const std::string key = store::PathKey(operation.ns, path);
  JZSE_ASSIGN_OR_RETURN(const bool found, stage_.Get(key, &value));
  if (!found) return Entry();
  JZSE_ASSIGN_OR_RETURN(FileEntry entry, store::DecodeFileEntry(key, value));
  return Entry(std::move(entry));
}

StatusOr<bool> Resolver::HasBelow(const Operation& operation, const std::string& path) {
  if (operation.policy.kind != model::NamespaceKind::kTree) return false;
  return stage_.HasLiveUnder(store::PathKey(operation.ns, path + "/"));
}

StatusOr<std::vector<FileEntry>> Resolver::ListBelow(const Operation& operation, const std::string& path) {
  std::vector<FileEntry> entries;
  Status status;
  if (operation.policy.kind != model::NamespaceKind::kTree) return entries;
  JZSE_RETURN_IF_ERROR(stage_.Scan(store::PathKey(operation.ns, path + "/"), [&](Bytes key, Bytes value) {
    auto entry = store::DecodeFileEntry(key, value);
    if (!entry.ok()) {
      status = entry.status();
      return false;
    }
    if (entry->live()) entries.push_back(std::move(*entry));
    if (entries.size() > base::kTransactionChangesMax) {
      status = Fail(Code::kTooLarge, absl::StrCat(model::Quoted(path), ": more than ", base::kTransactionChangesMax,
                                                  " files below; one atomic change cannot hold them"));
    }
    return status.ok();
  }));
  JZSE_RETURN_IF_ERROR(status);
  return entries;
}

// The files that were deleted at the operation's path. `damaged`: why some of them cannot be told.
Status Resolver::DeletedAt(const Operation& operation, std::vector<base::FileId>* files, Status* damaged) {
  return stage_.Scan(store::TombstonePrefix(operation.ns, operation.path), [&](Bytes key, Bytes value) {
    const auto entry = store::DecodeFileEntry(key, value);
    if (entry.ok()) files->push_back(entry->id());
    if (!entry.ok()) *damaged = entry.status();
    return true;
  });
}

// In a tree no parent may be a file.
Status Resolver::CheckParents(const Operation& operation, const std::string& path) {
  if (base::Planted("file-below-file") || operation.policy.kind != model::NamespaceKind::kTree) return {};
  for (std::string_view parent = model::ParentOf(path); !parent.empty(); parent = model::ParentOf(parent)) {
    JZSE_ASSIGN_OR_RETURN(const Entry entry, Load(operation, std::string(parent)));
    if (!entry || !entry->live()) continue;
    if (entry->kind() != ContentKind::kDirectory)
      return Exists(path, absl::StrCat("its parent ", model::Quoted(parent), " is a file"));
    return {};  // a directory was checked when it came into being
  }
  return {};
}

// Whether a file may be at `path`, where `current` is.
Status Resolver::CheckPlace(const Operation& operation, const std::string& path, const Entry& current) {
  if (current && current->live()) {
    if (current->kind() == ContentKind::kDirectory) return Exists(path, "is a directory");
    return {};
  }
  JZSE_RETURN_IF_ERROR(CheckParents(operation, path));
  JZSE_ASSIGN_OR_RETURN(const bool below, HasBelow(operation, path));
  return below ? Exists(path, "is a directory") : Status();
}

Status Resolver::CheckQuota(const Operation& operation, const Entry& current, const Content& content) {
  JZSE_ASSIGN_OR_RETURN(const store::NamespaceEntry* const ns, stage_.Namespace(operation.ns));
  if (base::Planted("quota-off-for-overwrites") && current) return {};
  const model::NamespacePolicy& policy = ns->record.policy;
  const bool live = current && current->live();
  const uint64_t old_size =
      live && current->kind() == ContentKind::kFile ? current->content().content.size : 0;
  const uint64_t new_size = content.kind == ContentKind::kFile ? content.size : 0;
  if (policy.quota_bytes != 0 && new_size > old_size &&
      ns->totals.bytes - old_size + new_size > policy.quota_bytes) {
    return Fail(Code::kQuota, absl::StrCat("namespace ", model::Quoted(operation.ns_name), ": ", new_size,
                                           " bytes more would exceed the quota of ", policy.quota_bytes, " bytes"));
  }
  if (policy.quota_files != 0 && !live && ns->totals.files + (base::Planted("quota-off-by-one") ? 0 : 1) > policy.quota_files) {
    return Fail(Code::kQuota, absl::StrCat("namespace ", model::Quoted(operation.ns_name), ": the quota of ",
                                           policy.quota_files, " files is reached"));
  }
  return {};
}

// The floor that keeps at most versions_max older contents once `current` has become one.
StatusOr<Sequence> Resolver::FloorFor(const Operation& operation, const Entry& current) {
  JZSE_ASSIGN_OR_RETURN(const store::NamespaceEntry* const ns, stage_.Namespace(operation.ns));
  const uint32_t keep = ns->record.policy.versions_max;
  if (keep == 0) return journal_.next();
  if (!current) return 0;
  const bool counts = current->kind() == ContentKind::kFile || current->kind() == ContentKind::kSymlink;
  if (current->versions + (counts ? 1 : 0) <= keep) return current->floor;
  std::vector<Sequence> sequences;
  JZSE_RETURN_IF_ERROR(
      stage_.Scan(store::VersionPrefix(operation.ns, current->id()), [&](Bytes key, Bytes) {
        sequences.push_back(store::SequenceOfVersionKey(key));
        return true;
      }));
  if (counts) sequences.push_back(current->sequence);
  if (sequences.size() <= keep) return current->floor;
  return sequences[sequences.size() - keep - (base::Planted("retention-off-by-one") ? 1 : 0)];
}

// ------------------------------------------------------------------------------------------------ emitting

Status Resolver::Append(store::RecordType type, Bytes head, Bytes body, store::Location* location) {
  if (journal_.group_records() >= records_max_ || journal_.group_bytes() >= base::kGroupBytesMax) {
    full_ = true;
    return Fail(Code::kTooLarge, absl::StrCat("one group of changes holds at most ", records_max_, " records and ",
                                              base::kGroupBytesMax, " bytes; this one needs more"));
  }
  *location = journal_.Append(type, head, body);
  return {};
}

Status Resolver::Emit(ChangeRecord change, FileInfo* info) {
  const Sequence sequence = journal_.next();
  const Bytes body = std::exchange(change.inline_bytes, {});
  head_.clear();
  store::EncodeChange(change, &head_);
  store::Location location;
  JZSE_RETURN_IF_ERROR(Append(store::RecordType::kChange, head_, body, &location));
  if (info != nullptr) *info = InfoOf(sequence, change.file);
  return applier_.Change(std::move(change), sequence, location);
}

// What is stored may be forged with checks that are right; that is no reason to abort.
StatusOr<Resolver::Mark> Resolver::NextMark(std::string_view path, const model::FileRecord* file) {
  const Mark mark{{replica_, journal_.next()}, stamp_()};
  const bool follows =
      file == nullptr ||
      (!file->vector.Contains(mark.dot) && mark.stamp > file->path.stamp &&
       (file->vector.size() < base::kVersionVectorReplicasMax || file->vector.Get(replica_) != 0));
  if (follows && mark.stamp.valid() && mark.dot.counter <= base::kSequenceMax) return mark;
  return Fail(Code::kCorrupt, absl::StrCat(model::Quoted(path), ": no change can follow what is recorded of it"));
}

Status Resolver::PutContent(const Operation& operation, const std::string& path, const Entry& current,
                            Content content, store::ChangeType type, FileInfo* info) {
  JZSE_RETURN_IF_ERROR(CheckQuota(operation, current, content));
  JZSE_ASSIGN_OR_RETURN(const Sequence floor, FloorFor(operation, current));
  JZSE_ASSIGN_OR_RETURN(const Mark mark, NextMark(path, current ? &current->file : nullptr));
  ChangeRecord change;
  change.ns = operation.ns;
  change.type = type;
  change.floor = floor;
  const bool is_inline = content.storage == Content::Storage::kInline;
  if (current) {
    change.file = current->file;
    model::SetContent(change.file, std::move(content), mark.dot, mark.stamp,
                      operation.policy.conflict == model::ConflictStrategy::kMerge);
  } else {
    change.file = model::NewRecord(path, std::move(content), mark.dot, mark.stamp);
  }
  if (is_inline) {
    change.encoding = operation.encoding;
    change.inline_size = static_cast<uint32_t>(operation.size);
    change.inline_bytes = operation.inline_bytes;
  }
  return Emit(std::move(change), info);
}

Status Resolver::DeleteOne(const Operation& operation, const FileEntry& current) {
  ChangeRecord change;
  change.ns = operation.ns;
  change.type = store::ChangeType::kDelete;
  JZSE_ASSIGN_OR_RETURN(change.floor, FloorFor(operation, current));
  change.file = current.file;
  JZSE_ASSIGN_OR_RETURN(const Mark mark, NextMark(change.file.path.path, &change.file));
  model::SetContent(change.file, Content{}, mark.dot, mark.stamp,
                    operation.policy.conflict == model::ConflictStrategy::kMerge);
  return Emit(std::move(change), nullptr);
}

Status Resolver::MoveOne(const Operation& operation, FileEntry current, std::string to_path, FileInfo* info) {
  ChangeRecord change;
  change.ns = operation.ns;
  change.type = store::ChangeType::kMove;
  change.floor = current.floor;
  change.since = current.since;
  change.old_path = current.file.path.path;
  change.file = std::move(current.file);
  for (auto& version : change.file.contents) {
    if (version.content.storage != Content::Storage::kInline) continue;
    version.content.storage = Content::Storage::kReference;
    version.content.reference = current.sequence;
  }
  JZSE_ASSIGN_OR_RETURN(const Mark mark, NextMark(change.file.path.path, &change.file));
  model::SetPath(change.file, std::move(to_path), mark.dot, mark.stamp);
  return Emit(std::move(change), info);
}

// ------------------------------------------------------------------------------------------------ operations

Status Resolver::Put(const Operation& operation, FileInfo* info) {
  JZSE_ASSIGN_OR_RETURN(const Entry current, Load(operation, operation.path));
  JZSE_RETURN_IF_ERROR(CheckPreconditions(operation.path, current && current->live() ? &*current : nullptr,
                                          operation.put.if_match, operation.put.if_none_match));
  if (operation.change.no_replace && current && current->live()) return Exists(operation.path, "is there already");
  JZSE_RETURN_IF_ERROR(CheckPlace(operation, operation.path, current));
  Content content;
  content.kind = operation.put.kind;
  content.size = operation.size;
  content.hash = operation.hash;
  content.storage = operation.manifest.empty() ? Content::Storage::kInline : Content::Storage::kChunked;
  content.manifest = operation.manifest;
  SetAttributesOf(operation.put.attributes, content);
  if (base::Planted("etag-of-old-content") && current && !current->content().content.hash.empty())
    content.hash = current->content().content.hash;
  return PutContent(operation, operation.path, current, std::move(content), store::ChangeType::kPut, info);
}

// An implied directory is there, and has no etag.
Status Resolver::CheckImplied(const Operation& operation) {
  if (operation.change.if_match.empty() || operation.change.if_match == "*") return {};
  return Fail(Code::kPrecondition, absl::StrCat(model::Quoted(operation.path), ": is a directory, not the expected ",
                                                operation.change.if_match));
}

Status Resolver::Delete(const Operation& operation, FileInfo* info) {
  JZSE_ASSIGN_OR_RETURN(const Entry current, Load(operation, operation.path));
  const bool live = current && current->live();
  if (live) JZSE_RETURN_IF_ERROR(CheckPreconditions(operation.path, &*current, operation.change.if_match, ""));
  if (live && current->kind() != ContentKind::kDirectory) {
    *info = InfoOf(*current);
    return DeleteOne(operation, *current);
  }
  if (!operation.change.recursive) {
    JZSE_ASSIGN_OR_RETURN(const bool below, HasBelow(operation, operation.path));
    if (!live && below) JZSE_RETURN_IF_ERROR(CheckImplied(operation));
    if (below) return Exists(operation.path, "the directory is not empty");
    if (!live) return NotFound(operation.path);
    return DeleteOne(operation, *current);
  }
  JZSE_ASSIGN_OR_RETURN(const auto below, ListBelow(operation, operation.path));
  if (!live && below.empty()) return NotFound(operation.path);
  if (!live) JZSE_RETURN_IF_ERROR(CheckImplied(operation));
  for (const FileEntry& entry : below) JZSE_RETURN_IF_ERROR(DeleteOne(operation, entry));
  return live ? DeleteOne(operation, *current) : Status();
}

Status Resolver::Move(const Operation& operation, FileInfo* info) {
  JZSE_ASSIGN_OR_RETURN(const Entry source, Load(operation, operation.path));
  const bool live = source && source->live();
  if (live) {
    JZSE_RETURN_IF_ERROR(CheckPreconditions(operation.path, &*source, operation.change.if_match, ""));
    *info = InfoOf(*source);
  }
  const bool is_file = live && source->kind() != ContentKind::kDirectory;
  std::vector<FileEntry> below;
  if (!is_file) {
    JZSE_ASSIGN_OR_RETURN(below, ListBelow(operation, operation.path));
    if (!live && below.empty()) return NotFound(operation.path);
    if (!live) JZSE_RETURN_IF_ERROR(CheckImplied(operation));
  }
  if (operation.path == operation.to_path) return {};
  if (model::IsBelow(operation.to_path, operation.path) && operation.policy.kind == model::NamespaceKind::kTree)
    return Fail(Code::kInvalid, absl::StrCat(model::Quoted(operation.path), ": cannot be moved into itself"));

  JZSE_ASSIGN_OR_RETURN(const Entry target, Load(operation, operation.to_path));
  JZSE_RETURN_IF_ERROR(CheckPlace(operation, operation.to_path, target));
  if (target && target->live()) {
    if (operation.change.no_replace || !is_file) return Exists(operation.to_path, "is there already");
    JZSE_RETURN_IF_ERROR(DeleteOne(operation, *target));
  }
  if (live) JZSE_RETURN_IF_ERROR(MoveOne(operation, *source, operation.to_path, info));
  for (FileEntry& entry : below) {
    std::string to = absl::StrCat(operation.to_path, entry.file.path.path.substr(operation.path.size()));
    JZSE_ASSIGN_OR_RETURN(to, model::CanonicalName(operation.policy.kind, to));
    JZSE_RETURN_IF_ERROR(MoveOne(operation, std::move(entry), std::move(to), nullptr));
  }
  return {};
}

Status Resolver::Copy(const Operation& operation, FileInfo* info) {
  JZSE_ASSIGN_OR_RETURN(const Entry source, Load(operation, operation.path));
  if (!source || !source->live()) {
    JZSE_ASSIGN_OR_RETURN(const bool below, HasBelow(operation, operation.path));
    return below ? Exists(operation.path, "is a directory") : NotFound(operation.path);
  }
  if (source->kind() == ContentKind::kDirectory) return Exists(operation.path, "is a directory");
  JZSE_RETURN_IF_ERROR(CheckPreconditions(operation.path, &*source, operation.change.if_match, ""));
  JZSE_ASSIGN_OR_RETURN(const Entry target, Load(operation, operation.to_path));
  if (operation.change.no_replace && target && target->live()) return Exists(operation.to_path, "is there already");
  JZSE_RETURN_IF_ERROR(CheckPlace(operation, operation.to_path, target));
  sources_[source->sequence] = source->location;
  return PutContent(operation, operation.to_path, target, ShareContent(*source), store::ChangeType::kPut, info);
}

Status Resolver::Mkdir(const Operation& operation, FileInfo* info) {
  if (operation.policy.kind != model::NamespaceKind::kTree) {
    return Fail(Code::kInvalid, absl::StrCat("namespace ", model::Quoted(operation.ns_name),
                                             " is of kind keys and has no directories"));
  }
  JZSE_ASSIGN_OR_RETURN(const Entry current, Load(operation, operation.path));
  if (current && current->live()) {
    return Exists(operation.path,
                  current->kind() == ContentKind::kDirectory ? "the directory is there already" : "a file is there");
  }
  JZSE_RETURN_IF_ERROR(CheckPreconditions(operation.path, nullptr, operation.put.if_match, ""));
  JZSE_RETURN_IF_ERROR(CheckParents(operation, operation.path));
  Content content;
  content.kind = ContentKind::kDirectory;
  SetAttributesOf(operation.put.attributes, content);
  return PutContent(operation, operation.path, current, std::move(content), store::ChangeType::kMkdir, info);
}

Status Resolver::SetAttributes(const Operation& operation, FileInfo* info) {
  JZSE_ASSIGN_OR_RETURN(const Entry current, Load(operation, operation.path));
  if (!current || !current->live()) return NotFound(operation.path);
  JZSE_RETURN_IF_ERROR(
      CheckPreconditions(operation.path, &*current, operation.put.if_match, operation.put.if_none_match));
  Content content = ShareContent(*current);
  SetAttributesOf(operation.put.attributes, content);
  ChangeRecord change;
  change.ns = operation.ns;
  change.type = store::ChangeType::kMetadata;
  change.floor = current->floor;
  change.since = current->since;
  change.file = current->file;
  JZSE_ASSIGN_OR_RETURN(const Mark mark, NextMark(change.file.path.path, &change.file));
  model::SetContent(change.file, std::move(content), mark.dot, mark.stamp,
                    operation.policy.conflict == model::ConflictStrategy::kMerge);
  return Emit(std::move(change), info);
}

Status Resolver::Restore(const Operation& operation, FileInfo* info) {
  const Sequence version = operation.versions.front();
  JZSE_ASSIGN_OR_RETURN(const Entry current, Load(operation, operation.path));
  if (current && current->live() && current->sequence == version) {
    *info = InfoOf(*current);
    return {};
  }
  std::vector<base::FileId> files;
  Status damaged;
  if (current) files.push_back(current->id());
  JZSE_RETURN_IF_ERROR(DeletedAt(operation, &files, &damaged));
  for (const base::FileId& file : files) {
    std::string value;
    const std::string key = store::VersionKey(operation.ns, file, version);
    JZSE_ASSIGN_OR_RETURN(const bool found, stage_.Get(key, &value));
    if (!found) continue;
    JZSE_ASSIGN_OR_RETURN(const FileEntry old, store::DecodeFileEntry(key, value));
    JZSE_RETURN_IF_ERROR(CheckPlace(operation, operation.path, current));
    sources_[old.sequence] = old.location;
    return PutContent(operation, operation.path, current, ShareContent(old), store::ChangeType::kPut, info);
  }
  JZSE_RETURN_IF_ERROR(damaged);
  return Fail(Code::kNotFound, absl::StrCat(model::Quoted(operation.path), ": has no version ", version));
}

Status Resolver::DeleteVersions(const Operation& operation) {
  JZSE_ASSIGN_OR_RETURN(const Entry current, Load(operation, operation.path));
  std::vector<base::FileId> files;
  Status damaged;
  if (!operation.file.empty()) {
    // Expiry looked some time ago; a file that has moved since then waits for its next round.
    std::string value;
    bool here = current && current->id() == operation.file;
    if (!here) {
      JZSE_ASSIGN_OR_RETURN(
          here, stage_.Get(store::TombstoneKey(operation.ns, operation.path, operation.file), &value));
    }
    if (here) files.push_back(operation.file);
  } else {
    if (current) files.push_back(current->id());
    if (current && current->live() && current->sequence == operation.versions.front())
      return Fail(Code::kInvalid, absl::StrCat(model::Quoted(operation.path), ": version ",
                                               operation.versions.front(), " is the current one"));
    JZSE_RETURN_IF_ERROR(DeletedAt(operation, &files, &damaged));
  }
  for (const base::FileId& file : files) {
    store::VersionDropRecord record{operation.ns, file, operation.path, {}};
    for (const Sequence version : operation.versions) {
      std::string value;
      const std::string key = store::VersionKey(operation.ns, file, version);
      JZSE_ASSIGN_OR_RETURN(const bool found, stage_.Get(key, &value));
      if (!found) continue;
      JZSE_ASSIGN_OR_RETURN(const FileEntry old, store::DecodeFileEntry(key, value));
      record.versions.push_back({old.since, version});
    }
    if (record.versions.empty()) continue;
    std::string head;
    store::EncodeVersionDrop(record, &head);
    store::Location location;
    JZSE_RETURN_IF_ERROR(Append(store::RecordType::kVersionDrop, head, {}, &location));
    return applier_.VersionDrop(record);
  }
  if (!operation.file.empty()) return {};  // expired by somebody else meanwhile
  JZSE_RETURN_IF_ERROR(damaged);
  return Fail(Code::kNotFound,
              absl::StrCat(model::Quoted(operation.path), ": has no version ", operation.versions.front()));
}

Status Resolver::Namespace(const Operation& operation) {
  const Sequence sequence = journal_.next();
  std::string head;
  store::EncodeNamespace(operation.record, &head);
  store::Location location;
  JZSE_RETURN_IF_ERROR(Append(store::RecordType::kNamespace, head, {}, &location));
  return applier_.Namespace(operation.record, sequence, location);
}

}  // namespace jzse::engine
