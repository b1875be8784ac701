// SPDX-License-Identifier: Apache-2.0
#include "store/compaction.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "store/apply.h"
#include "store/manifest.h"
#include "store/recovery.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;
using model::Content;

constexpr size_t kSwitchBatch = 256;
constexpr size_t kSmallSegmentsMin = 8;        // so many small segments are worth merging
constexpr size_t kCopyPiece = 1 * base::kMiB;
constexpr uint64_t kRoomMargin = 256 * base::kKiB;  // for headers, footers and the index

Location PlaceOf(const Segment& segment, const FooterEntry& entry) {
  return {segment.id(), entry.offset, RecordSize(entry.header.length)};
}

// A segment with what is alive in it.
struct Input {
  SegmentRef segment;
  std::vector<FooterEntry> entries;            // only while it is compacted: many inputs wait
  std::vector<bool> alive;
  std::vector<size_t> conditional;             // alive unless no older state can be left anywhere; see Reconsider
  std::vector<size_t> holders;                 // alive only because others share their content
  uint64_t conditional_bytes = 0;
  uint64_t alive_bytes = 0;
  uint64_t total_bytes = 0;
  uint64_t tombstones = 0;                     // that are dropped

  uint64_t dead_bytes() const { return total_bytes - alive_bytes; }
  bool worth(bool full) const {
    return full ? dead_bytes() + conditional_bytes > 0 : dead_bytes() * 2 >= total_bytes;
  }
};

Status LoadEntries(Input& input) {
  JZSE_ASSIGN_OR_RETURN(SegmentEntries found, ReadEntries(*input.segment, base::kSegmentHeaderSize, 0, nullptr));
  input.entries = std::move(found.entries);
  return {};
}

bool IsBulk(const Segment& segment, const std::vector<FooterEntry>& entries) {
  return segment.header().stream == Stream::kBulk ||
         (!entries.empty() && entries.front().header.type == RecordType::kChunk);
}

// ------------------------------------------------------------------------------------------------ what is alive

class Liveness {
 public:
  explicit Liveness(const CompactionContext& context) : c_(context) {}

  // Fingerprints of all chunks that files and versions need. A collision only keeps a dead chunk.
  Status MarkChunks() {
    if (marked_) return {};
    marked_ = true;
    // One moment for all of them: a content must not slip from one kind of entry to another in between.
    JZSE_ASSIGN_OR_RETURN(const auto snapshot, c_.index.Snapshot());
    const auto cursor = c_.index.index().NewCursor(snapshot.get());
    for (const char letter : {'P', 'T', 'V'}) {
      if (letter == 'V' && base::Planted("version-chunks-collected")) continue;
      uint64_t seen = 0;
      for (cursor->Seek(Bytes(&letter, 1)); cursor->valid() && cursor->key().front() == letter; cursor->Next()) {
        JZSE_RETURN_IF_ERROR(MarkEntry(base::LoadBe32(cursor->key().data() + 1), cursor->value()));
        if (++seen % 1024 == 0 && !c_.pace(0)) return Fail(Code::kClosed, "compaction stopped");
      }
      JZSE_RETURN_IF_ERROR(cursor->status());
    }
    return {};
  }

  // `conditional` is set for a record that is only needed while older states may exist: see Droppable. `holder` for one
  // that only the content it shares keeps alive.
  StatusOr<bool> Alive(const Segment& segment, const FooterEntry& entry, bool* conditional, bool* holder) {
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
        return known.sequence == entry.header.sequence;
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

  // The states of files that stay although nothing but the sharing of their content needs them.
  using Holders = std::map<std::pair<NamespaceId, FileId>, std::set<Sequence>>;

  // Whether a conditional record may go, given that what is dead in the inputs goes with it.
  StatusOr<bool> Droppable(const FooterEntry& entry, const std::set<SegmentId>& inputs, const Holders& holders) {
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

 private:
  static uint64_t Fingerprint(NamespaceId ns, const Hash256& hash) {
    return base::LoadLe<uint64_t>(hash.view().data()) ^ (uint64_t{ns} * 0x9e3779b97f4a7c15u);
  }

  Status MarkEntry(NamespaceId ns, Bytes value) {
    JZSE_ASSIGN_OR_RETURN(const FileEntry entry, DecodeFileEntry(value));
    for (const auto& version : entry.file.contents) {
      if (version.content.storage != Content::Storage::kChunked) continue;
      JZSE_ASSIGN_OR_RETURN(const ManifestNode root, DecodeNode(version.content.manifest));
      JZSE_RETURN_IF_ERROR(MarkNode(ns, root));
    }
    return {};
  }

  Status MarkNode(NamespaceId ns, const ManifestNode& node) {
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

  // Whether a segment outside of the inputs may hold a sequence of this range.
  bool MayExist(Sequence low, Sequence high, const std::set<SegmentId>& inputs) {
    for (const SegmentRef& segment : c_.segments.List()) {
      if (inputs.contains(segment->id()) || segment->header().stream == Stream::kBulk) continue;
      const auto trailer = segment->trailer();
      if (!trailer || (trailer->records > 0 && trailer->first <= high && trailer->last >= low)) return true;
    }
    return false;
  }

  StatusOr<bool> Refers(const std::string& key, const FooterEntry& entry, const Location& place, FileEntry* found) {
    std::string value;
    JZSE_ASSIGN_OR_RETURN(const bool there, c_.index.Get(key, &value));
    if (!there) return false;
    JZSE_ASSIGN_OR_RETURN(*found, DecodeFileEntry(value));
    return found->sequence == entry.header.sequence && found->location == place;
  }

  StatusOr<bool> ChangeAlive(const FooterEntry& entry, const Location& place, bool* conditional, bool* is_holder) {
    JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(entry.summary));
    const FileId& id = change.file.id;
    const std::string& path = change.file.path.path;
    FileEntry found;
    for (const std::string& key : {PathKey(change.ns, path), TombstoneKey(change.ns, path, id)}) {
      JZSE_ASSIGN_OR_RETURN(const bool owns, Refers(key, entry, place, &found));
      if (!owns) continue;
      *conditional = !found.live() && found.versions == 0 && c_.tombstone_expired(found);
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

  const CompactionContext& c_;
  std::unordered_set<uint64_t> marks_;  // Abseil's does not survive a failed allocation
  bool marked_ = false;
};

// ------------------------------------------------------------------------------------------------ the copy

StatusOr<Input> Examine(const CompactionContext& c, Liveness& liveness, SegmentRef segment) {
  Input input{std::move(segment)};
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

// Conditional records go if nothing older is left outside of the segments that go together.
Status Reconsider(Liveness& liveness, std::vector<Input>& inputs) {
  std::set<SegmentId> ids;
  Liveness::Holders holders;
  for (const Input& input : inputs) {
    ids.insert(input.segment->id());
    for (const size_t i : input.holders) {
      JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(input.entries[i].summary));
      holders[{change.ns, change.file.id}].insert(input.entries[i].header.sequence);
    }
  }
  for (Input& input : inputs) {
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

class ColdWriter {
 public:
  explicit ColdWriter(SegmentRef segment) : segment_(std::move(segment)) {}

  Status Add(RecordHeader header, Bytes payload, Bytes summary) {
    header.flags &= static_cast<uint8_t>(~kFlagGroupFirst);
    header.group_position = 0;
    const uint64_t offset = offset_ + buffer_.size();
    const size_t position = BeginRecord(header, &buffer_);
    buffer_.append(payload);
    FinishRecord(segment_->sealer(), offset, position, &buffer_);
    header.length = static_cast<uint32_t>(payload.size());
    footer_.Add(header, static_cast<uint32_t>(offset), summary);
    return buffer_.size() >= kCopyPiece ? Flush() : Status();
  }
  Status Seal() {
    JZSE_RETURN_IF_ERROR(Flush());
    segment_->end = offset_;
    return SealSegment(*segment_, footer_);
  }

 private:
  Status Flush() {
    const Bytes part(buffer_);
    JZSE_RETURN_IF_ERROR(segment_->file().Write(offset_, std::span(&part, 1)));
    offset_ += buffer_.size();
    buffer_.clear();
    return {};
  }
  SegmentRef segment_;
  FooterCollector footer_;
  std::string buffer_;
  uint64_t offset_ = base::kSegmentHeaderSize;
};

// Copies the live records of the inputs in order of sequence.
Status CopyAlive(const CompactionContext& c, const std::vector<Input>& inputs, ColdWriter& cold) {
  struct Pick {
    const Input* input;
    size_t entry;
  };
  std::vector<Pick> picks;
  for (const Input& input : inputs)
    for (size_t i = 0; i < input.entries.size(); ++i)
      if (input.alive[i]) picks.push_back({&input, i});
  std::sort(picks.begin(), picks.end(), [](const Pick& a, const Pick& b) {
    return a.input->entries[a.entry].header.sequence < b.input->entries[b.entry].header.sequence;
  });
  if (base::Planted("compaction-drops-newest") && !picks.empty()) picks.pop_back();
  std::string buffer;
  for (const Pick& pick : picks) {
    const FooterEntry& entry = pick.input->entries[pick.entry];
    const Location place = PlaceOf(*pick.input->segment, entry);
    RecordHeader header;
    JZSE_ASSIGN_OR_RETURN(Bytes payload, pick.input->segment->ReadRecord(place, &header, &buffer));
    if ((header.flags & kFlagGroupFirst) != 0) payload.remove_prefix(kGroupPrefixSize);
    JZSE_RETURN_IF_ERROR(cold.Add(header, payload, entry.summary));
    if (!c.pace(2 * place.size)) return Fail(Code::kClosed, "compaction stopped");
  }
  return {};
}

Status CompactInto(const CompactionContext& c, Liveness& liveness, std::vector<Input>& inputs,
                   const std::set<SegmentId>& present, CompactionTotals* totals) {
  for (Input& input : inputs) JZSE_RETURN_IF_ERROR(LoadEntries(input));
  JZSE_RETURN_IF_ERROR(Reconsider(liveness, inputs));
  SegmentHeader header;
  header.stream = Stream::kCold;
  // The newest records may be among those that are dropped; their numbers must not come again.
  const Applied drained = c.index.drained();
  header.first_sequence = drained.sequence;
  header.previous_end = drained.ordinal;
  std::vector<SegmentRef> replaced;
  for (const Input& input : inputs) {
    const SegmentHeader& replaces = input.segment->header();
    if (replaces.stream == Stream::kCold) {  // what it claims may be more than the index of a store just opened knows
      header.first_sequence = std::max(header.first_sequence, replaces.first_sequence);
      header.previous_end = std::max(header.previous_end, replaces.previous_end);
    }
    header.replaces.push_back(input.segment->id());
    replaced.push_back(input.segment);
  }
  // A segment that a reader still holds, or whose removal is not durable, stays replaced when its successor goes.
  for (const Input& input : inputs)
    for (const SegmentId id : input.segment->header().replaces)
      if (present.contains(id)) header.replaces.push_back(id);
  if (header.replaces.size() > kReplacesMax) return {};  // a later compaction finds fewer of them
  JZSE_ASSIGN_OR_RETURN(const SegmentRef cold, c.factory.Make(header, 0, true));
  ColdWriter writer(cold);
  Status status = CopyAlive(c, inputs, writer);
  const bool bulk = IsBulk(*inputs.front().segment, inputs.front().entries);
  if (!status.ok()) {
    c.factory.Abandon(cold->path());
    return status;
  }
  const auto finish = [&]() -> Status {
    JZSE_RETURN_IF_ERROR(writer.Seal());
    c.segments.Add(cold);
    return SwitchToCold(*cold, replaced, c.exclusive);
  };
  if (bulk) {
    // A dead chunk that somebody has found again meanwhile makes this attempt void.
    status = c.chunks.Decide([&](const std::function<bool(const ChunkId&)>& in_use) -> Status {
      for (const Input& input : inputs)
        for (size_t i = 0; i < input.entries.size(); ++i) {
          if (input.alive[i]) continue;
          JZSE_ASSIGN_OR_RETURN(const ChunkRecord chunk, DecodeChunk(input.entries[i].summary));
          if (in_use({chunk.ns, chunk.hash})) return Fail(Code::kBusy, "a chunk came into use again");
        }
      return finish();
    });
    if (base::Is(status, Code::kBusy)) {
      c.factory.Abandon(cold->path());
      return {};
    }
  } else {
    status = finish();
  }
  if (!status.ok() && !cold->trailer()) c.factory.Abandon(cold->path());
  JZSE_RETURN_IF_ERROR(status);
  if (!base::Planted("originals-removed-early")) JZSE_RETURN_IF_ERROR(c.index.Checkpoint());
  uint64_t dead_chunks = 0;
  for (const Input& input : inputs) {
    totals->tombstones_dropped += input.tombstones;
    totals->bytes_before += input.segment->end;
    ++totals->segments;
    if (bulk) dead_chunks += static_cast<uint64_t>(std::count(input.alive.begin(), input.alive.end(), false));
    input.segment->Retire([factory = &c.factory](std::unique_ptr<io::File> file, const std::string& path) {
      factory->Recycle(std::move(file), path);
    });
    c.segments.Remove(input.segment->id());
  }
  totals->chunks_dropped += dead_chunks;
  totals->bytes_after += cold->end;
  return {};
}

bool Sealed(const SegmentRef& segment) { return segment->trailer().has_value(); }

// Whether a sealed segment lies wholly before the durable position of the index.
bool Settled(const Segment& segment, const Applied& drained) {
  const auto before = [&segment](SegmentId id, uint64_t offset) {
    return segment.id() < id || (segment.id() == id && segment.end <= offset);
  };
  switch (segment.header().stream) {
    case Stream::kCommit:
      return drained.commit_segment == 0 || before(drained.commit_segment, drained.commit_offset);
    case Stream::kBulk: return before(drained.bulk_segment, drained.bulk_offset);
    case Stream::kCold: return true;
  }
  return false;
}

// A segment that a process which died left open is sealed as it would have been, so that it can be compacted and its
// records need not be searched any more. One with damage stays as it is.
Status SealLeftover(const CompactionContext& c, Segment& segment) {
  std::vector<std::string> damage;
  JZSE_ASSIGN_OR_RETURN(const SegmentEntries found,
                        ReadEntries(segment, base::kSegmentHeaderSize, 0, &damage));
  if (!damage.empty() || std::max<uint64_t>(found.end, base::kSegmentHeaderSize) != segment.end) return {};
  FooterCollector footer;
  for (const FooterEntry& entry : found.entries) footer.Add(entry.header, entry.offset, entry.summary);
  const Status sealed = SealSegment(segment, footer);
  if (!sealed.ok() && !base::Is(sealed, Code::kNoSpace)) c.broken(sealed);
  return sealed;
}

Status SealLeftovers(const CompactionContext& c, const Applied& drained) {
  for (const SegmentRef& segment : c.segments.List()) {
    if (Sealed(segment)) continue;
    // A process seals its segment before it goes on to the next one.
    const bool left = (segment->header().stream == Stream::kCommit && segment->id() < drained.commit_segment) ||
                      (segment->header().stream == Stream::kBulk && segment->id() < drained.bulk_segment);
    if (!left) continue;
    const Status status = SealLeftover(c, *segment);
    if (!status.ok() && !base::Is(status, Code::kNoSpace)) return status;
    if (!c.pace(segment->end)) return Fail(Code::kClosed, "compaction stopped");
  }
  return {};
}

// Compacts the picked segments, as many at a time as make one full segment and as there is room for.
Status CompactPicked(const CompactionContext& c, Liveness& liveness, std::vector<Input> picked, uint64_t size_max,
                     const std::set<SegmentId>& present, CompactionTotals* totals) {
  uint64_t alive_all = 0;
  for (const Input& input : picked) alive_all += input.alive_bytes;
  JZSE_ASSIGN_OR_RETURN(uint64_t room, c.factory.env().FreeSpace(c.factory.directory()));
  const bool tight = room < alive_all + kRoomMargin;
  if (tight)
    std::stable_sort(picked.begin(), picked.end(),
                     [](const Input& a, const Input& b) { return a.alive_bytes < b.alive_bytes; });
  for (size_t begin = 0; begin < picked.size();) {
    if (tight) {
      c.factory.DropSpares();
      JZSE_ASSIGN_OR_RETURN(room, c.factory.env().FreeSpace(c.factory.directory()));
    }
    const uint64_t fits = room > kRoomMargin ? room - kRoomMargin : 0;
    std::vector<Input> batch;
    uint64_t alive = 0;
    while (begin < picked.size() && batch.size() < kReplacesMax &&
           (batch.empty() || alive + picked[begin].alive_bytes <= size_max)) {
      if (tight && alive + picked[begin].alive_bytes > fits) break;
      alive += picked[begin].alive_bytes;
      batch.push_back(std::move(picked[begin++]));
    }
    if (batch.empty()) break;  // and all that follow have more alive in them
    const Status status = CompactInto(c, liveness, batch, present, totals);
    if (!status.ok() && !base::Is(status, Code::kCorrupt)) return status;
  }
  return {};
}

}  // namespace

// ------------------------------------------------------------------------------------------------ the switch

namespace {

using Place = std::pair<RecordType, Sequence>;

// Rewrites one index value's location if it names this sequence in a replaced segment. `gone`: it does, but there is
// no new place, so the caller takes the entry out of the index.
Status MoveEntry(Stage& stage, const std::string& key, Sequence sequence, const std::set<SegmentId>& from,
                 const Location* to, bool* gone) {
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool found, stage.Get(key, &value));
  if (!found) return {};
  JZSE_ASSIGN_OR_RETURN(FileEntry entry, DecodeFileEntry(value));
  if (entry.sequence != sequence || !from.contains(entry.location.segment)) return {};
  *gone = to == nullptr;
  if (*gone) return {};
  entry.location = *to;
  stage.Put(key, EncodeFileEntry(entry));
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
    if (ns != nullptr && to != nullptr && ns->sequence == entry.header.sequence) ns->location = *to;
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
    JZSE_RETURN_IF_ERROR(exclusive([&](Stage& stage) -> Status {
      for (size_t i = begin; i < std::min(steps.size(), begin + kSwitchBatch); ++i)
        JZSE_RETURN_IF_ERROR(
            SwitchOne(stage, steps[i].entry, from, steps[i].to ? &*steps[i].to : nullptr));
      return {};
    }));
  }
  return {};
}

Status Compact(const CompactionContext& c, bool full, CompactionTotals* totals) {
  JZSE_RETURN_IF_ERROR(c.index.Checkpoint());
  const Applied drained = c.index.drained();
  JZSE_RETURN_IF_ERROR(SealLeftovers(c, drained));
  c.chunks.BeginCollect();
  struct EndCollect {
    ChunkStore& chunks;
    ~EndCollect() { chunks.EndCollect(); }
  } end_collect{c.chunks};
  // What is not listed now is gone for good, leftovers of earlier attempts included: once what they list is replaced by
  // another, nothing would tell that they are leftovers.
  JZSE_RETURN_IF_ERROR(c.factory.DropAbandoned());
  JZSE_RETURN_IF_ERROR(c.factory.env().SyncDir(c.factory.directory()));
  JZSE_ASSIGN_OR_RETURN(const auto listing, c.factory.env().ListDir(c.factory.directory()));
  std::set<SegmentId> present;
  for (const io::DirEntry& entry : listing)
    if (const auto id = ParseSegmentFileName(entry.name)) present.insert(*id);
  std::vector<SegmentRef> commit_like, bulk_like;
  for (const SegmentRef& segment : c.segments.List()) {
    if (!Sealed(segment) || !Settled(*segment, drained)) continue;
    const auto footer = segment->ReadFooter();
    if (!footer.ok()) continue;  // damaged: left as it is
    const bool bulk = IsBulk(*segment, *footer);
    (bulk ? bulk_like : commit_like).push_back(segment);
  }
  Liveness liveness(c);
  for (const bool bulk : {false, true}) {
    const uint64_t size_max = bulk ? base::kBulkSegmentSizeMax : base::kCommitSegmentSizeMax;
    if (bulk && !bulk_like.empty()) JZSE_RETURN_IF_ERROR(liveness.MarkChunks());
    std::vector<Input> picked, small;
    for (const SegmentRef& segment : bulk ? bulk_like : commit_like) {
      auto input = Examine(c, liveness, segment);
      if (!input.ok()) {
        if (base::Is(input.status(), Code::kCorrupt)) continue;
        return input.status();
      }
      if (input->worth(full) || input->alive.empty()) {
        picked.push_back(std::move(*input));
      } else if (input->total_bytes < size_max / 8) {
        small.push_back(std::move(*input));
      }
    }
    if (small.size() >= (full ? size_t{2} : kSmallSegmentsMin) || (!picked.empty() && !small.empty()))
      std::move(small.begin(), small.end(), std::back_inserter(picked));
    JZSE_RETURN_IF_ERROR(CompactPicked(c, liveness, std::move(picked), size_max, present, totals));
  }
  return {};
}

}  // namespace jzse::store
