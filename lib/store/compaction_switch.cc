// SPDX-License-Identifier: Apache-2.0
// The switch: the index names places in a sealed cold segment instead of those in the segments that it replaces.
#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "store/apply.h"
#include "store/compaction_parts.h"
#include "store/recovery.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr size_t kSwitchBatch = 256;

using Place = std::pair<RecordType, Sequence>;

// Rewrites one index value's location if it names this sequence in a replaced segment. `gone`: it does, but there is
// no new place, so the caller takes the entry out of the index.
Status MoveEntry(Stage& stage, const std::string& key, Sequence sequence, const std::set<SegmentId>& from,
                 const Location* to, bool* gone) {
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool found, stage.Get(key, &value));
  if (!found) return {};
  JZSE_ASSIGN_OR_RETURN(FileEntry entry, DecodeFileEntry(key, value));
  if (entry.sequence != sequence || !from.contains(entry.location.segment)) return {};
  *gone = to == nullptr;
  if (*gone) return {};
  entry.location = *to;
  stage.Put(key, EncodeFileEntry(key, entry));
  return {};
}

Status SwitchHolder(Stage& stage, Sequence sequence, const std::set<SegmentId>& from, const Location& to) {
  const std::string key = HolderKey(sequence);
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool found, stage.Get(key, &value));
  if (!found) return {};
  JZSE_ASSIGN_OR_RETURN(HolderEntry holder, DecodeHolder(value));
  if (!from.contains(holder.location.segment)) return {};
  holder.location = to;
  stage.Put(key, EncodeHolder(holder));
  return {};
}

Status SwitchChange(Stage& stage, const FooterEntry& entry, const std::set<SegmentId>& from, const Location* to) {
  JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(entry.summary));
  const Sequence sequence = entry.header.sequence;
  const std::string& path = change.file.path.path;
  bool gone = false;
  JZSE_RETURN_IF_ERROR(
      MoveEntry(stage, VersionKey(change.ns, change.file.id, sequence), sequence, from, to, &gone));
  if (gone) return Fail(Code::kCorrupt, absl::StrCat("compaction left out version ", sequence, ", which is retained"));
  for (const std::string& key : {PathKey(change.ns, path), TombstoneKey(change.ns, path, change.file.id)}) {
    JZSE_RETURN_IF_ERROR(MoveEntry(stage, key, sequence, from, to, &gone));
    if (!gone) continue;
    // A deleted file of which nothing older is left.
    JZSE_RETURN_IF_ERROR(LeavePlace(stage, change.ns, path, key));
    JZSE_ASSIGN_OR_RETURN(NamespaceEntry* const ns, stage.Namespace(change.ns));
    if (ns != nullptr && ns->totals.tombstones > 0) --ns->totals.tombstones;
    return {};
  }
  return to == nullptr || base::Planted("shared-content-not-switched") ? Status() : SwitchHolder(stage, sequence, from, *to);
}

Status SwitchOne(Stage& stage, const FooterEntry& entry, const std::set<SegmentId>& from, const Location* to) {
  std::string value;
  if (entry.header.type == RecordType::kChange) return SwitchChange(stage, entry, from, to);
  if (entry.header.type == RecordType::kNamespace) {
    JZSE_ASSIGN_OR_RETURN(const NamespaceRecord record, DecodeNamespace(entry.summary));
    JZSE_ASSIGN_OR_RETURN(NamespaceEntry* const ns, stage.Namespace(record.id));
    if (ns != nullptr && to != nullptr && ns->sequence == entry.header.sequence && from.contains(ns->location.segment))
      ns->location = *to;
    return {};
  }
  if (entry.header.type != RecordType::kChunk) return {};
  JZSE_ASSIGN_OR_RETURN(const ChunkRecord chunk, DecodeChunk(entry.summary));
  const std::string key = ChunkKey(chunk.ns, chunk.hash);
  JZSE_ASSIGN_OR_RETURN(const bool found, stage.Get(key, &value));
  if (!found) return {};
  JZSE_ASSIGN_OR_RETURN(ChunkEntry known, DecodeChunkEntry(value));
  if (known.ordinal != entry.header.sequence || !from.contains(known.location.segment)) return {};
  if (to == nullptr) {
    stage.Delete(key);
  } else {
    known.location = *to;
    stage.Put(key, EncodeChunkEntry(known));
  }
  return {};
}

}  // namespace

Status SwitchToCold(Segment& cold, const std::vector<SegmentRef>& replaced, const Exclusive& exclusive) {
  std::set<SegmentId> from;
  for (const SegmentRef& segment : replaced) from.insert(segment->id());
  struct Step {
    FooterEntry entry;
    std::optional<Location> to;
  };
  std::vector<Step> steps;
  std::set<Place> kept;
  JZSE_ASSIGN_OR_RETURN(auto moved, cold.ReadFooter());
  for (FooterEntry& entry : moved) {
    kept.insert({entry.header.type, entry.header.sequence});
    const Location to = PlaceOf(cold, entry);
    steps.push_back({std::move(entry), to});
  }
  for (const SegmentRef& segment : replaced) {
    JZSE_ASSIGN_OR_RETURN(SegmentEntries old, ReadEntries(*segment, base::kSegmentHeaderSize, 0, nullptr));
    for (FooterEntry& entry : old.entries)
      if (!kept.contains({entry.header.type, entry.header.sequence})) steps.push_back({std::move(entry), {}});
  }
  for (size_t begin = 0; begin < steps.size(); begin += kSwitchBatch) {
    const auto some = [&](Stage& stage) -> Status {
      for (size_t i = begin; i < std::min(steps.size(), begin + kSwitchBatch); ++i)
        JZSE_RETURN_IF_ERROR(SwitchOne(stage, steps[i].entry, from, steps[i].to ? &*steps[i].to : nullptr));
      return {};
    };
    JZSE_RETURN_IF_ERROR(exclusive(some));
  }
  return {};
}

}  // namespace jzse::store
