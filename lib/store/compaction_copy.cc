// SPDX-License-Identifier: Apache-2.0
// The copy: live records of some segments to one cold segment, and the moment at which that one counts.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "store/compaction_parts.h"
#include "store/recovery.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr size_t kCopyPiece = 1 * base::kMiB;

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

// Which of an input's records go on with another one of their transaction that is copied, too: who reads the mark waits for
// that one.
std::vector<bool> GoesOn(const CompactionInput& input) {
  std::vector<bool> goes_on(input.entries.size());
  bool follows = false;
  for (size_t i = input.entries.size(); i-- > 0;) {
    if ((input.entries[i].header.flags & kFlagTransactionMore) == 0) follows = false;
    goes_on[i] = follows;
    follows |= input.alive[i];
  }
  return goes_on;
}

// Copies the live records of the inputs in order of sequence.
Status CopyAlive(const CompactionContext& c, const std::vector<CompactionInput>& inputs, ColdWriter& cold) {
  struct Pick {
    const CompactionInput* input;
    size_t entry;
    bool goes_on;
  };
  std::vector<Pick> picks;
  for (const CompactionInput& input : inputs) {
    const std::vector<bool> goes_on = GoesOn(input);
    for (size_t i = 0; i < input.entries.size(); ++i)
      if (input.alive[i]) picks.push_back({&input, i, goes_on[i]});
  }
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
    if (!pick.goes_on && !base::Planted("group-goes-on-for-ever")) header.flags &= static_cast<uint8_t>(~kFlagTransactionMore);
    JZSE_RETURN_IF_ERROR(cold.Add(header, payload, entry.summary));
    if (!c.pace(2 * place.size)) return Fail(Code::kClosed, "compaction stopped");
  }
  return {};
}

}  // namespace

Status CompactInto(const CompactionContext& c, const StatesElsewhere& elsewhere, std::vector<CompactionInput>& inputs,
                   const std::set<SegmentId>& present, CompactionTotals* totals) {
  for (CompactionInput& input : inputs) JZSE_RETURN_IF_ERROR(LoadEntries(input));
  JZSE_RETURN_IF_ERROR(Reconsider(elsewhere, inputs));
  // Others than the small ones are worth the copying only if something of theirs goes.
  std::erase_if(inputs, [](const CompactionInput& input) { return input.dead_bytes() == 0 && !input.small; });
  if (inputs.empty() || (inputs.size() == 1 && inputs.front().dead_bytes() == 0 && inputs.front().total_bytes > 0)) return {};
  SegmentHeader header;
  header.stream = Stream::kCold;
  // The newest records may be among those that are dropped; their numbers must not come again.
  const Applied drained = c.index.drained();
  header.first_sequence = drained.sequence;
  header.previous_end = drained.ordinal;
  std::vector<SegmentRef> replaced;
  for (const CompactionInput& input : inputs) {
    const SegmentHeader& replaces = input.segment->header();
    if (replaces.stream == Stream::kCold) {  // what it claims may be more than the index of a store just opened knows
      header.first_sequence = std::max(header.first_sequence, replaces.first_sequence);
      header.previous_end = std::max(header.previous_end, replaces.previous_end);
    }
    header.replaces.push_back(input.segment->id());
    replaced.push_back(input.segment);
  }
  // A segment that a reader still holds, or whose removal is not durable, stays replaced when its successor goes.
  for (const CompactionInput& input : inputs)
    for (const SegmentId id : input.segment->header().replaces)
      if (present.contains(id)) header.replaces.push_back(id);
  // An input that was sealed by a compaction which then failed may replace another input.
  std::sort(header.replaces.begin(), header.replaces.end());
  header.replaces.erase(std::unique(header.replaces.begin(), header.replaces.end()), header.replaces.end());
  if (header.replaces.size() > kReplacesMax) return {};  // a later compaction finds fewer of them
  JZSE_ASSIGN_OR_RETURN(const SegmentRef cold, c.factory.Make(header, 0, true, nullptr));
  ColdWriter writer(cold);
  Status status = base::CatchOutOfMemory([&] { return CopyAlive(c, inputs, writer); });
  const bool bulk = IsBulk(*inputs.front().segment, inputs.front().entries);
  if (!status.ok()) {
    c.factory.Abandon(cold->path());
    return status;
  }
  bool added = false;
  const auto finish = [&]() -> Status {
    JZSE_RETURN_IF_ERROR(writer.Seal());
    c.segments.Add(cold);
    added = true;
    return SwitchToCold(*cold, replaced, c.exclusive);
  };
  if (bulk) {
    // A dead chunk that somebody has found again meanwhile makes this attempt void.
    const auto decide = [&](const std::function<bool(const ChunkId&)>& in_use) -> Status {
      for (const CompactionInput& input : inputs)
        for (size_t i = 0; i < input.entries.size(); ++i) {
          if (input.alive[i]) continue;
          JZSE_ASSIGN_OR_RETURN(const ChunkRecord chunk, DecodeChunk(input.entries[i].summary));
          if (in_use({chunk.ns, chunk.hash})) return Fail(Code::kBusy, "a chunk came into use again");
        }
      return finish();
    };
    status = base::CatchOutOfMemory([&] { return c.chunks.Decide(decide); });
    if (base::Is(status, Code::kBusy)) {
      c.factory.Abandon(cold->path());
      return {};
    }
  } else {
    status = base::CatchOutOfMemory(finish);
  }
  // Sealed or not: what the set does not know must not be found again beside what later replaces its originals.
  if (!status.ok() && !added) c.factory.Abandon(cold->path());
  JZSE_RETURN_IF_ERROR(status);
  if (!base::Planted("originals-removed-early")) JZSE_RETURN_IF_ERROR(c.index.Checkpoint());
  uint64_t dead_chunks = 0;
  for (const CompactionInput& input : inputs) {
    totals->tombstones_dropped += input.tombstones;
    totals->bytes_before += input.segment->end;
    ++totals->segments;
    if (bulk) dead_chunks += static_cast<uint64_t>(std::count(input.alive.begin(), input.alive.end(), false));
    c.segments.Remove(input.segment->id());
  }
  totals->chunks_dropped += dead_chunks;
  totals->bytes_after += cold->end;
  c.census.Update();  // before the originals go: from then on nothing else knows of what the cold one must hold
  for (const CompactionInput& input : inputs) {
    input.segment->Retire([factory = &c.factory](std::unique_ptr<io::File> file, const std::string& path) {
      factory->Recycle(std::move(file), path);
    });
  }
  return {};
}

}  // namespace jzse::store
