// SPDX-License-Identifier: Apache-2.0
// What is alive in a segment: what the index refers to, and what keeps older states from coming back.
#include <algorithm>
#include <optional>

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

StatusOr<Need> Liveness::NeedOf(const Segment& segment, const FooterEntry& entry) {
  const Location place = PlaceOf(segment, entry);
  std::string value;
  switch (entry.header.type) {
    case RecordType::kChange:
      return NeedOfChange(entry, place);
    case RecordType::kNamespace: {
      JZSE_ASSIGN_OR_RETURN(const NamespaceRecord record, DecodeNamespace(entry.summary));
      JZSE_ASSIGN_OR_RETURN(const bool found, c_.index.Get(NamespaceKey(record.id), &value));
      if (!found) return Need::kNothing;
      JZSE_ASSIGN_OR_RETURN(const NamespaceEntry known, DecodeNamespaceEntry(value));
      return known.location == place ? Need::kItself : Need::kNothing;  // a compaction that failed may have left a second one
    }
    case RecordType::kVersionDrop:
      return Need::kOthers;  // as long as a dropped version may turn up again in a rebuild
    case RecordType::kChunk: {
      JZSE_ASSIGN_OR_RETURN(const ChunkRecord chunk, DecodeChunk(entry.summary));
      if (!marks_.contains(Fingerprint(chunk.ns, chunk.hash))) return Need::kNothing;
      JZSE_ASSIGN_OR_RETURN(const bool found, c_.index.Get(ChunkKey(chunk.ns, chunk.hash), &value));
      if (!found) return Need::kNothing;
      JZSE_ASSIGN_OR_RETURN(const ChunkEntry known, DecodeChunkEntry(value));
      return known.location == place ? Need::kItself : Need::kNothing;
    }
    case RecordType::kFooter:
      return Need::kNothing;
  }
  return Need::kNothing;
}

StatusOr<bool> Liveness::Droppable(const FooterEntry& entry, const std::set<SegmentId>& inputs,
                                   const OlderStates& older) {
  if (base::Planted("tombstone-dropped-early")) return true;
  const auto stays = [&](NamespaceId ns, const FileId& file, Sequence low, Sequence high) {
    const auto it = older.find({ns, file});
    if (it == older.end()) return false;
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
    JZSE_RETURN_IF_ERROR(c_.chunks.Read(ns, entry.hash, nullptr, &bytes));
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

StatusOr<Need> Liveness::NeedOfChange(const FooterEntry& entry, const Location& place) {
  JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(entry.summary));
  const FileId& id = change.file.id;
  const std::string& path = change.file.path.path;
  FileEntry found;
  for (const std::string& key : {PathKey(change.ns, path), TombstoneKey(change.ns, path, id)}) {
    JZSE_ASSIGN_OR_RETURN(const bool owns, Refers(key, entry, place, &found));
    if (owns) return NeedOfNewest(change, found);
  }
  JZSE_ASSIGN_OR_RETURN(const bool version,
                        Refers(VersionKey(change.ns, id, entry.header.sequence), entry, place, &found));
  if (version) return Need::kOlderState;
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool holds, c_.index.Get(HolderKey(entry.header.sequence), &value));
  if (holds) {
    JZSE_ASSIGN_OR_RETURN(const HolderEntry holder, DecodeHolder(value));
    if (holder.location == place) return Need::kOlderState;
  }
  if (change.type != ChangeType::kMove || base::Planted("moves-compacted")) return Need::kNothing;
  // Who follows the feed and has seen an older state must hear that the file left that path.
  JZSE_ASSIGN_OR_RETURN(const bool known, c_.index.Get(NamespaceKey(change.ns), &value));
  if (!known) return Need::kNothing;
  JZSE_ASSIGN_OR_RETURN(const NamespaceEntry ns, DecodeNamespaceEntry(value));
  return ns.record.dropped ? Need::kNothing : Need::kOthers;
}

StatusOr<Need> Liveness::NeedOfNewest(const ChangeRecord& change, const FileEntry& newest) {
  if (newest.live() || newest.versions > 0 || !c_.tombstone_expired(newest)) return Need::kItself;
  // A put at this path, once no live file is in the way, goes on with the file that was deleted there last, so that one's
  // state goes last.
  Status status;
  bool last = true;
  JZSE_RETURN_IF_ERROR(
      c_.index.Scan(TombstonePrefix(change.ns, change.file.path.path), nullptr, [&](Bytes claimant, Bytes value) {
        const auto other = DecodeFileEntry(claimant, value);
        if (!other.ok()) status = other.status();
        else if (other->sequence < newest.sequence) last = false;
        return status.ok() && last;
      }));
  JZSE_RETURN_IF_ERROR(status);
  return last ? Need::kOthers : Need::kItself;
}

StatusOr<CompactionInput> Examine(const CompactionContext& c, Liveness& liveness, SegmentRef segment) {
  CompactionInput input{std::move(segment)};
  JZSE_RETURN_IF_ERROR(LoadEntries(input));
  input.alive.resize(input.entries.size());
  for (size_t i = 0; i < input.entries.size(); ++i) {
    JZSE_ASSIGN_OR_RETURN(const Need need, liveness.NeedOf(*input.segment, input.entries[i]));
    const uint64_t size = RecordSize(input.entries[i].header.length);
    input.total_bytes += size;
    if (i % 256 == 255 && !c.pace(256 * 64)) return Fail(Code::kClosed, "compaction stopped");
    if (need == Need::kNothing) continue;
    input.alive[i] = true;
    input.alive_bytes += size;
    if (need == Need::kOlderState) input.older.push_back(i);
    if (need != Need::kOthers) continue;
    input.conditional.push_back(i);
    input.conditional_bytes += size;
  }
  input.entries = {};
  return input;
}

namespace {

// Of the files that records in `inputs` are needed for.
StatusOr<Liveness::OlderStates> OlderStatesOf(const std::vector<CompactionInput>& inputs) {
  Liveness::OlderStates older;
  for (const CompactionInput& input : inputs)
    for (const size_t i : input.conditional) {
      const FooterEntry& entry = input.entries[i];
      if (entry.header.type == RecordType::kVersionDrop) {
        JZSE_ASSIGN_OR_RETURN(const VersionDropRecord record, DecodeVersionDrop(entry.summary));
        older[{record.ns, record.file}];
      } else {
        JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(entry.summary));
        older[{change.ns, change.file.id}];
      }
    }
  if (older.empty()) return older;
  for (const CompactionInput& input : inputs)
    for (const size_t i : input.older) {
      JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(input.entries[i].summary));
      const auto file = older.find({change.ns, change.file.id});
      if (file != older.end()) file->second.insert(input.entries[i].header.sequence);
    }
  return older;
}

}  // namespace

Status Reconsider(Liveness& liveness, std::vector<CompactionInput>& inputs) {
  std::set<SegmentId> ids;
  // In order of sequence, because one that stays makes those after it stay.
  std::multimap<Sequence, std::pair<CompactionInput*, size_t>> conditional;
  for (CompactionInput& input : inputs) {
    ids.insert(input.segment->id());
    for (const size_t i : input.conditional) conditional.insert({input.entries[i].header.sequence, {&input, i}});
  }
  JZSE_ASSIGN_OR_RETURN(Liveness::OlderStates older, OlderStatesOf(inputs));
  for (const auto& [sequence, place] : conditional) {
    auto& [input, i] = place;
    const FooterEntry& entry = input->entries[i];
    JZSE_ASSIGN_OR_RETURN(const bool droppable, liveness.Droppable(entry, ids, older));
    std::optional<ChangeRecord> change;
    if (entry.header.type == RecordType::kChange) {
      JZSE_ASSIGN_OR_RETURN(change, DecodeChange(entry.summary));
    }
    if (droppable) {
      input->alive[i] = false;
      input->alive_bytes -= RecordSize(entry.header.length);
      if (change && change->type == ChangeType::kDelete) ++input->tombstones;
    } else if (change) {
      older[{change->ns, change->file.id}].insert(sequence);
    }
  }
  return {};
}

}  // namespace jzse::store
