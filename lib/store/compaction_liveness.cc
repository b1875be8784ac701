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

StatusOr<CompactionInput> Examine(const CompactionContext& c, Liveness& liveness, StatesElsewhere& elsewhere,
                                  SegmentRef segment) {
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
    JZSE_ASSIGN_OR_RETURN(const FileKey file, FileOf(input.entries[i]));
    elsewhere.Want(file);
  }
  input.entries = {};
  return input;
}

}  // namespace jzse::store
