// SPDX-License-Identifier: Apache-2.0
#include "store/apply.h"

#include <utility>
#include <vector>

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;
using model::Content;
using model::ContentKind;

uint64_t LogicalSize(const FileEntry& entry) {
  return entry.kind() == ContentKind::kFile ? entry.content().content.size : 0;
}

bool HasContent(const FileEntry& entry) {
  return entry.kind() == ContentKind::kFile || entry.kind() == ContentKind::kSymlink;
}

void Count(NamespaceTotals& totals, const FileEntry& entry, int64_t sign) {
  if (entry.live()) {
    totals.files += sign;
    totals.bytes += sign * LogicalSize(entry);
    if (entry.kind() == ContentKind::kDirectory) totals.directories += sign;
  } else {
    totals.tombstones += sign;
  }
}

void CountVersion(NamespaceTotals& totals, const FileEntry& entry, int64_t sign) {
  totals.versions += sign;
  totals.version_bytes += sign * LogicalSize(entry);
}

}  // namespace

Status LeavePlace(Stage& stage, NamespaceId ns, const std::string& path, const std::string& key) {
  stage.Delete(key);
  if (key.front() != 'P') return {};
  std::string newest_key, newest_value;
  Sequence newest = 0;
  Status status;
  JZSE_RETURN_IF_ERROR(stage.Scan(TombstonePrefix(ns, path), [&](Bytes claimant, Bytes value) {
    const auto entry = DecodeFileEntry(claimant, value);
    if (!entry.ok()) {
      status = entry.status();
      return false;
    }
    if (entry->sequence > newest) {
      newest = entry->sequence;
      newest_key = claimant;
      newest_value = value;
    }
    return true;
  }));
  JZSE_RETURN_IF_ERROR(status);
  if (newest != 0) {
    stage.Delete(newest_key);
    stage.Put(key, newest_value);
  }
  return {};
}

StatusOr<std::optional<FileEntry>> Applier::Load(const std::string& key) {
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool found, stage_.Get(key, &value));
  if (!found) return std::optional<FileEntry>();
  JZSE_ASSIGN_OR_RETURN(FileEntry entry, DecodeFileEntry(key, value));
  return std::optional<FileEntry>(std::move(entry));
}

// Where the same file stands now: usually at its path, for a move at the old one.
StatusOr<Applier::Previous> Applier::FindPrevious(const ChangeRecord& change,
                                                  const std::optional<FileEntry>& owner) {
  const std::string& path = change.file.path.path;
  const FileId& id = change.file.id;
  // Who has no owner has no other claimants either (invariant 1), and comes from nowhere.
  if (!owner && moved_ == nullptr && change.old_path.empty()) return Previous{};
  if (owner && owner->id() == id) return Previous{owner, PathKey(change.ns, path), path};
  if (moved_ != nullptr) {
    // In order of sequence, nothing of a file comes before its first state.
    if (change.file.contents.size() == 1 && change.file.contents.front().dot == id && change.file.path.dot == id)
      return Previous{};
    const auto place = moved_->places.find({change.ns, id});
    if (place != moved_->places.end()) {
      if (place->second.displaced) return Previous{place->second.displaced, "", ""};
      for (const std::string& key :
           {PathKey(change.ns, place->second.path), TombstoneKey(change.ns, place->second.path, id)}) {
        JZSE_ASSIGN_OR_RETURN(auto entry, Load(key));
        if (entry && entry->id() == id) return Previous{std::move(entry), key, place->second.path};
      }
    }
  } else if (!change.old_path.empty()) {
    const std::string key = PathKey(change.ns, change.old_path);
    JZSE_ASSIGN_OR_RETURN(auto entry, Load(key));
    if (entry && entry->id() == id) return Previous{std::move(entry), key, change.old_path};
  }
  const std::string key = TombstoneKey(change.ns, path, id);
  JZSE_ASSIGN_OR_RETURN(auto entry, Load(key));
  if (entry) return Previous{std::move(entry), key, path};
  return Previous{};
}

// Another file owned the path: a deleted one steps back, a live one (rebuild only: it moved away later) waits.
Status Applier::MakeRoom(NamespaceId ns, const std::string& path, const FileEntry& owner) {
  if (moved_ != nullptr && moved_->files.contains({ns, owner.id()}) && owner.live()) {
    moved_->places[{ns, owner.id()}] = {path, owner};
    return {};
  }
  const std::string key = TombstoneKey(ns, path, owner.id());
  stage_.Put(key, EncodeFileEntry(key, owner));
  return {};
}

// The file leaves the place where it stood.
Status Applier::Vacate(NamespaceId ns, const Previous& previous) {
  return previous.key.empty() || base::Planted("moved-file-stays") ? Status() : LeavePlace(stage_, ns, previous.path, previous.key);
}

Status Applier::Release(const FileEntry& entry) {
  if (entry.content().content.storage != Content::Storage::kReference) return {};
  const std::string key = HolderKey(entry.content().content.reference);
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool found, stage_.Get(key, &value));
  if (!found) return Fail(Code::kCorrupt, "index: the holder of a referenced content is missing");
  JZSE_ASSIGN_OR_RETURN(HolderEntry holder, DecodeHolder(value));
  if (--holder.references == 0) {
    stage_.Delete(key);
  } else {
    stage_.Put(key, EncodeHolder(holder));
  }
  return {};
}

Status Applier::AddReference(const FileEntry& entry, const std::optional<FileEntry>& previous) {
  if (entry.content().content.storage != Content::Storage::kReference) return {};
  const Sequence reference = entry.content().content.reference;
  const std::string key = HolderKey(reference);
  std::string value;
  HolderEntry holder;
  JZSE_ASSIGN_OR_RETURN(const bool found, stage_.Get(key, &value));
  if (found) {
    JZSE_ASSIGN_OR_RETURN(holder, DecodeHolder(value));
  } else if (previous && previous->sequence == reference) {
    holder.location = previous->location;
  } else {
    JZSE_ASSIGN_OR_RETURN(holder.location, locate_(reference));
  }
  ++holder.references;
  stage_.Put(key, EncodeHolder(holder));
  return {};
}

// The state before becomes a version, or is forgotten.
Status Applier::Retain(NamespaceEntry& ns, const FileEntry& previous, FileEntry& entry, bool content_changed) {
  Count(ns.totals, previous, -1);
  entry.versions = previous.versions;
  const bool dropped = moved_ != nullptr && moved_->Dropped(ns.record.id, entry.id(), previous.sequence);
  if (content_changed && HasContent(previous) && previous.sequence >= entry.floor && !dropped) {
    FileEntry version = previous;
    version.versions = 0;  // how many there were at the time says nothing, and a rebuild would not know
    const std::string key = VersionKey(ns.record.id, entry.id(), previous.sequence);
    stage_.Put(key, EncodeFileEntry(key, version));
    ++entry.versions;
    CountVersion(ns.totals, previous, 1);
    return {};
  }
  return Release(previous);
}

// Forgets versions below the floor.
Status Applier::Trim(NamespaceEntry& ns, FileEntry& entry) {
  std::vector<std::pair<std::string, FileEntry>> below;
  Status status;
  JZSE_RETURN_IF_ERROR(stage_.Scan(VersionPrefix(ns.record.id, entry.id()), [&](Bytes key, Bytes value) {
    if (SequenceOfVersionKey(key) >= entry.floor) return false;
    auto version = DecodeFileEntry(key, value);
    if (!version.ok()) {
      status = version.status();
      return false;
    }
    below.emplace_back(std::string(key), std::move(*version));
    return true;
  }));
  JZSE_RETURN_IF_ERROR(status);
  for (auto& [key, version] : below) {
    stage_.Delete(key);
    CountVersion(ns.totals, version, -1);
    if (entry.versions > 0) --entry.versions;
    JZSE_RETURN_IF_ERROR(Release(version));
  }
  return {};
}

Status Applier::Change(ChangeRecord change, Sequence sequence, const Location& location) {
  JZSE_ASSIGN_OR_RETURN(NamespaceEntry* const ns, stage_.Namespace(change.ns));
  if (ns == nullptr || ns->record.dropped) return {};  // a leftover of a dropped namespace
  std::string key = PathKey(change.ns, change.file.path.path);
  JZSE_ASSIGN_OR_RETURN(const auto owner, Load(key));
  JZSE_ASSIGN_OR_RETURN(const Previous previous, FindPrevious(change, owner));
  const bool twice = base::Planted("refcount-replayed-twice") && previous.entry && previous.entry->sequence == sequence;
  if (previous.entry && previous.entry->sequence >= sequence && !twice) return {};  // this state is known, or older

  FileEntry entry{sequence, location, change.type, change.floor, 0, std::move(change.file),
                  change.since != 0 ? change.since : sequence};
  const std::string& path = entry.file.path.path;
  // A reference is counted before the previous state gives up its own: it may be the same holder.
  JZSE_RETURN_IF_ERROR(AddReference(entry, previous.entry));
  if (previous.entry) {
    // Not by comparing the two: what was between them may have been compacted away.
    const bool content_changed = previous.entry->sequence < entry.since;
    const bool floor_rose = entry.floor > previous.entry->floor && previous.entry->versions > 0;
    JZSE_RETURN_IF_ERROR(Retain(*ns, *previous.entry, entry, content_changed));
    if (floor_rose) JZSE_RETURN_IF_ERROR(Trim(*ns, entry));
    if (previous.key != key) JZSE_RETURN_IF_ERROR(Vacate(change.ns, previous));
  }
  // Vacate may have put a deleted file back to the path if the two paths are one; the owner is read before that.
  if (owner && owner->id() != entry.id()) {
    const bool steps_back = !entry.live() && owner->live();
    if (steps_back) {
      const std::string behind = TombstoneKey(change.ns, path, entry.id());
      stage_.Put(behind, EncodeFileEntry(behind, entry));
      NotePlace(*ns, entry);
      return {};
    }
    JZSE_RETURN_IF_ERROR(MakeRoom(change.ns, path, *owner));
  }
  std::string value = EncodeFileEntry(key, entry);
  stage_.Put(std::move(key), std::move(value));
  NotePlace(*ns, entry);
  return {};
}

// The entry has its place now, as owner of its path or behind it.
void Applier::NotePlace(NamespaceEntry& ns, const FileEntry& entry) {
  Count(ns.totals, entry, 1);
  if (moved_ != nullptr && moved_->files.contains({ns.record.id, entry.id()}))
    moved_->places[{ns.record.id, entry.id()}] = {entry.file.path.path, std::nullopt};
}

Status Applier::Namespace(const NamespaceRecord& record, Sequence sequence, const Location& location) {
  JZSE_ASSIGN_OR_RETURN(NamespaceEntry* const known, stage_.Namespace(record.id));
  if (known != nullptr && known->sequence >= sequence) return {};
  NamespaceEntry entry{record, sequence, location, {}};
  if (known != nullptr && !record.dropped) entry.totals = known->totals;
  stage_.PutNamespace(std::move(entry));
  return {};
}

Status Applier::VersionDrop(const VersionDropRecord& record) {
  JZSE_ASSIGN_OR_RETURN(NamespaceEntry* const ns, stage_.Namespace(record.ns));
  if (ns == nullptr || ns->record.dropped) return {};
  if (moved_ != nullptr) {
    auto& ranges = moved_->dropped[{record.ns, record.file}];
    ranges.insert(ranges.end(), record.versions.begin(), record.versions.end());
  }
  // In a rebuild an older state with the same content may stand where the version stood.
  uint32_t dropped = 0;
  for (const auto& range : record.versions) {
    std::vector<std::string> keys;
    JZSE_RETURN_IF_ERROR(stage_.Scan(VersionPrefix(record.ns, record.file), [&](Bytes key, Bytes) {
      const Sequence sequence = SequenceOfVersionKey(key);
      if (sequence >= range.since && sequence <= range.version) keys.emplace_back(key);
      return sequence < range.version;
    }));
    for (const std::string& key : keys) {
      JZSE_ASSIGN_OR_RETURN(const auto version, Load(key));
      if (!version) continue;
      stage_.Delete(key);
      CountVersion(ns->totals, *version, -1);
      JZSE_RETURN_IF_ERROR(Release(*version));
      ++dropped;
    }
  }
  if (dropped == 0) return {};
  std::string path = record.path;
  if (moved_ != nullptr) {
    // In a rebuild it may not have come to that path yet.
    if (const auto place = moved_->places.find({record.ns, record.file}); place != moved_->places.end()) {
      if (auto& displaced = place->second.displaced) {
        displaced->versions -= std::min(displaced->versions, dropped);
        return {};
      }
      path = place->second.path;
    }
  }
  for (const std::string& key : {PathKey(record.ns, path), TombstoneKey(record.ns, path, record.file)}) {
    JZSE_ASSIGN_OR_RETURN(auto entry, Load(key));
    if (!entry || entry->id() != record.file) continue;
    entry->versions -= std::min(entry->versions, dropped);
    stage_.Put(key, EncodeFileEntry(key, *entry));
    break;
  }
  return {};
}

Status Applier::Chunk(const ChunkRecord& chunk, Sequence ordinal, const Location& location) {
  const std::string key = ChunkKey(chunk.ns, chunk.hash);
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool found, stage_.Get(key, &value));
  if (found) {
    JZSE_ASSIGN_OR_RETURN(const ChunkEntry known, DecodeChunkEntry(value));
    if (known.ordinal > ordinal || base::Planted("older-chunk-copy-wins")) return {};
  }
  stage_.Put(key, EncodeChunkEntry({location, ordinal}));
  return {};
}

Status Applier::Record(const RecordHeader& header, const Location& location, Bytes payload) {
  switch (header.type) {
    case RecordType::kChange: {
      JZSE_ASSIGN_OR_RETURN(ChangeRecord change, DecodeChange(payload));
      return Change(std::move(change), header.sequence, location);
    }
    case RecordType::kNamespace: {
      JZSE_ASSIGN_OR_RETURN(const NamespaceRecord record, DecodeNamespace(payload));
      return Namespace(record, header.sequence, location);
    }
    case RecordType::kVersionDrop: {
      JZSE_ASSIGN_OR_RETURN(const VersionDropRecord record, DecodeVersionDrop(payload));
      return VersionDrop(record);
    }
    case RecordType::kChunk: {
      JZSE_ASSIGN_OR_RETURN(const ChunkRecord chunk, DecodeChunk(payload));
      return Chunk(chunk, header.sequence, location);
    }
    case RecordType::kFooter:
      return {};
  }
  return {};
}

}  // namespace jzse::store
