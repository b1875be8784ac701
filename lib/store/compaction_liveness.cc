// SPDX-License-Identifier: Apache-2.0
// What is alive in a segment: what the index refers to, and what keeps older states from coming back.
#include <algorithm>

#include "store/compaction_parts.h"
#include "store/recovery.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;
using model::Content;

uint64_t Fingerprint(NamespaceId ns, const Hash256& hash) {
  return base::LoadLe<uint64_t>(hash.view().data()) ^ (uint64_t{ns} * 0x9e3779b97f4a7c15u);
}

}  // namespace

Status LoadEntries(CompactionInput& input) {
  JZSE_ASSIGN_OR_RETURN(SegmentEntries found, ReadEntries(*input.segment, base::kSegmentHeaderSize, 0, nullptr));
  input.entries = std::move(found.entries);
  return {};
}

bool IsBulk(const Segment& segment, const std::vector<FooterEntry>& entries) {
  return segment.header().stream == Stream::kBulk ||
         (!entries.empty() && entries.front().header.type == RecordType::kChunk);
}

Status Liveness::MarkChunks() {
  if (marked_) return {};
  marked_ = true;
  // One moment for all of them: a content must not slip from one kind of entry to another in between.
  const auto view = c_.index.View();
  const auto cursor = c_.index.NewCursor(*view, CursorUse::kWalk);
  for (const char letter : {'P', 'T', 'V'}) {
    if (letter == 'V' && base::Planted("version-chunks-collected")) continue;
    uint64_t seen = 0;
    for (cursor->Seek(Bytes(&letter, 1)); cursor->valid() && cursor->key().front() == letter; cursor->Next()) {
      JZSE_RETURN_IF_ERROR(MarkEntry(base::LoadBe32(cursor->key().data() + 1), cursor->key(), cursor->value()));
      if (++seen % 1024 == 0 && !c_.pace(0)) return Fail(Code::kClosed, "compaction stopped");
    }
    JZSE_RETURN_IF_ERROR(cursor->status());
  }
  return {};
}

StatusOr<bool> Liveness::Alive(const Segment& segment, const FooterEntry& entry, bool* conditional, bool* holder) {
  const Location place = PlaceOf(segment, entry);
  std::string value;
  switch (entry.header.type) {
    case RecordType::kChange:
      return ChangeAlive(entry, place, conditional, holder);
    case RecordType::kNamespace: {
      JZSE_ASSIGN_OR_RETURN(const NamespaceRecord record, DecodeNamespace(entry.summary));
      JZSE_ASSIGN_OR_RETURN(const bool found, c_.index.Get(NamespaceKey(record.id), &value));
      if (!found) return false;
      JZSE_ASSIGN_OR_RETURN(const NamespaceEntry known, DecodeNamespaceEntry(value));
      return known.location == place;  // a compaction that failed may have left a second one
    }
    case RecordType::kVersionDrop:
      *conditional = true;  // needed as long as a dropped version may turn up again in a rebuild
      return true;
    case RecordType::kChunk: {
      JZSE_ASSIGN_OR_RETURN(const ChunkRecord chunk, DecodeChunk(entry.summary));
      if (!marks_.contains(Fingerprint(chunk.ns, chunk.hash))) return false;
      JZSE_ASSIGN_OR_RETURN(const bool found, c_.index.Get(ChunkKey(chunk.ns, chunk.hash), &value));
      if (!found) return false;
      JZSE_ASSIGN_OR_RETURN(const ChunkEntry known, DecodeChunkEntry(value));
      return known.location == place;
    }
    case RecordType::kFooter:
      return false;
  }
  return false;
}

StatusOr<bool> Liveness::Droppable(const FooterEntry& entry, const std::set<SegmentId>& inputs, const Holders& holders) {
  if (base::Planted("tombstone-dropped-early")) return true;
  const auto stays = [&](NamespaceId ns, const FileId& file, Sequence low, Sequence high) {
    const auto it = holders.find({ns, file});
    if (it == holders.end()) return false;
    const auto state = it->second.lower_bound(low);
    return state != it->second.end() && *state <= high;
  };
  if (entry.header.type == RecordType::kVersionDrop) {
    JZSE_ASSIGN_OR_RETURN(const VersionDropRecord record, DecodeVersionDrop(entry.summary));
    return std::none_of(record.versions.begin(), record.versions.end(), [&](const auto& range) {
      return stays(record.ns, record.file, range.since, range.version) ||
             MayExist(range.since, range.version, inputs);
    });
  }
  JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(entry.summary));
  // The file's first change is not known to be the one its id names (it may come from elsewhere): all older ones count.
  return !stays(change.ns, change.file.id, 1, entry.header.sequence - 1) &&
         !MayExist(1, entry.header.sequence - 1, inputs);
}

Status Liveness::MarkEntry(NamespaceId ns, Bytes key, Bytes value) {
  JZSE_ASSIGN_OR_RETURN(const FileEntry entry, DecodeFileEntry(key, value));
  for (const auto& version : entry.file.contents) {
    if (version.content.storage != Content::Storage::kChunked) continue;
    JZSE_ASSIGN_OR_RETURN(const ManifestNode root, DecodeNode(version.content.manifest));
    JZSE_RETURN_IF_ERROR(MarkNode(ns, root));
  }
  return {};
}

Status Liveness::MarkNode(NamespaceId ns, const ManifestNode& node) {
  for (const ManifestEntry& entry : node.entries) {
    if (!marks_.insert(Fingerprint(ns, entry.hash)).second && node.level > 0) continue;
    if (node.level == 0 || base::Planted("marks-first-level-only")) continue;
    std::string bytes;
    JZSE_RETURN_IF_ERROR(c_.chunks.Read(ns, entry.hash, nullptr, false, &bytes));
    JZSE_ASSIGN_OR_RETURN(const ManifestNode child, DecodeNode(bytes));
    if (child.level + 1 != node.level) return Fail(Code::kCorrupt, "a manifest node is at the wrong level");
    JZSE_RETURN_IF_ERROR(MarkNode(ns, child));
  }
  return {};
}

bool Liveness::MayExist(Sequence low, Sequence high, const std::set<SegmentId>& inputs) {
  for (const SegmentRef& segment : c_.segments.List()) {
    if (inputs.contains(segment->id()) || segment->header().stream == Stream::kBulk) continue;
    const auto trailer = segment->trailer();
    if (!trailer || (trailer->records > 0 && trailer->first <= high && trailer->last >= low)) return true;
  }
  return false;
}

StatusOr<bool> Liveness::Refers(const std::string& key, const FooterEntry& entry, const Location& place, FileEntry* found) {
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool there, c_.index.Get(key, &value));
  if (!there) return false;
  JZSE_ASSIGN_OR_RETURN(*found, DecodeFileEntry(key, value));
  return found->sequence == entry.header.sequence && found->location == place;
}

StatusOr<bool> Liveness::ChangeAlive(const FooterEntry& entry, const Location& place, bool* conditional, bool* is_holder) {
  JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(entry.summary));
  const FileId& id = change.file.id;
  const std::string& path = change.file.path.path;
  FileEntry found;
  for (const std::string& key : {PathKey(change.ns, path), TombstoneKey(change.ns, path, id)}) {
    JZSE_ASSIGN_OR_RETURN(const bool owns, Refers(key, entry, place, &found));
    if (!owns) continue;
    *conditional = !found.live() && found.versions == 0 && c_.tombstone_expired(found);
    // A put at this path, once no live file is in the way, goes on with the file that was deleted there last, so that one's
    // state goes last.
    Status status;
    if (*conditional) {
      JZSE_RETURN_IF_ERROR(c_.index.Scan(TombstonePrefix(change.ns, path), nullptr, [&](Bytes claimant, Bytes value) {
        const auto other = DecodeFileEntry(claimant, value);
        if (!other.ok()) status = other.status();
        else if (other->sequence < found.sequence) *conditional = false;
        return status.ok() && *conditional;
      }));
    }
    JZSE_RETURN_IF_ERROR(status);
    return true;
  }
  JZSE_ASSIGN_OR_RETURN(const bool version,
                        Refers(VersionKey(change.ns, id, entry.header.sequence), entry, place, &found));
  if (version) return true;
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool holds, c_.index.Get(HolderKey(entry.header.sequence), &value));
  if (!holds) return false;
  JZSE_ASSIGN_OR_RETURN(const HolderEntry holder, DecodeHolder(value));
  *is_holder = holder.location == place;
  return *is_holder;
}

StatusOr<CompactionInput> Examine(const CompactionContext& c, Liveness& liveness, SegmentRef segment) {
  CompactionInput input{std::move(segment)};
  JZSE_RETURN_IF_ERROR(LoadEntries(input));
  input.alive.resize(input.entries.size());
  for (size_t i = 0; i < input.entries.size(); ++i) {
    bool conditional = false, holder = false;
    JZSE_ASSIGN_OR_RETURN(const bool alive, liveness.Alive(*input.segment, input.entries[i], &conditional, &holder));
    if (holder) input.holders.push_back(i);
    input.alive[i] = alive;
    const uint64_t size = RecordSize(input.entries[i].header.length);
    input.total_bytes += size;
    if (alive) input.alive_bytes += size;
    if (alive && conditional) {
      input.conditional.push_back(i);
      input.conditional_bytes += size;
    }
    if (i % 256 == 255 && !c.pace(256 * 64)) return Fail(Code::kClosed, "compaction stopped");
  }
  input.entries = {};
  return input;
}

Status Reconsider(Liveness& liveness, std::vector<CompactionInput>& inputs) {
  std::set<SegmentId> ids;
  Liveness::Holders holders;
  for (const CompactionInput& input : inputs) {
    ids.insert(input.segment->id());
    for (const size_t i : input.holders) {
      JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(input.entries[i].summary));
      holders[{change.ns, change.file.id}].insert(input.entries[i].header.sequence);
    }
  }
  for (CompactionInput& input : inputs) {
    for (const size_t i : input.conditional) {
      JZSE_ASSIGN_OR_RETURN(const bool droppable, liveness.Droppable(input.entries[i], ids, holders));
      if (!droppable) continue;
      input.alive[i] = false;
      input.alive_bytes -= RecordSize(input.entries[i].header.length);
      if (input.entries[i].header.type == RecordType::kChange) ++input.tombstones;
    }
  }
  return {};
}

}  // namespace jzse::store
