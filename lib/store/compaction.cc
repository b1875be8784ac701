// SPDX-License-Identifier: Apache-2.0
#include "store/compaction.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "store/compaction_parts.h"
#include "store/recovery.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr size_t kSmallSegmentsMin = 8;        // so many small segments are worth merging
constexpr uint64_t kRoomMargin = 256 * base::kKiB;  // for headers, footers and the index

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
    // What this process has filled before the index's position is sealed by now.
    const bool left = (segment->header().stream == Stream::kCommit && segment->id() < drained.commit_segment) ||
                      (segment->header().stream == Stream::kBulk && segment->id() < drained.bulk_segment);
    if (!left) continue;
    const Status status = SealLeftover(c, *segment);
    if (!status.ok() && !base::Is(status, Code::kNoSpace)) return status;
    if (!c.pace(segment->end)) return Fail(Code::kClosed, "compaction stopped");
  }
  return {};
}

// Whether it tells where an unsealed segment ends: once it is gone, nothing would show that records of that one are missing.
bool Vouches(const CompactionContext& c, const Segment& segment) {
  if (segment.header().stream != Stream::kCommit || base::Planted("witness-compacted")) return false;
  const SegmentRef before = c.segments.Find(segment.header().previous);
  return before != nullptr && !Sealed(before);
}

// Compacts the picked segments, as many at a time as make one full segment and as there is room for.
Status CompactPicked(const CompactionContext& c, const StatesElsewhere& elsewhere, std::vector<CompactionInput> picked,
                     uint64_t size_max, const std::set<SegmentId>& present, CompactionTotals* totals) {
  uint64_t alive_all = 0;
  for (const CompactionInput& input : picked) alive_all += input.alive_bytes;
  JZSE_ASSIGN_OR_RETURN(uint64_t room, c.factory.env().FreeSpace(c.factory.directory()));
  const bool tight = room < alive_all + kRoomMargin;
  if (tight)
    std::stable_sort(picked.begin(), picked.end(),
                     [](const CompactionInput& a, const CompactionInput& b) { return a.alive_bytes < b.alive_bytes; });
  for (size_t begin = 0; begin < picked.size();) {
    if (tight) {
      c.factory.DropSpares();
      JZSE_ASSIGN_OR_RETURN(room, c.factory.env().FreeSpace(c.factory.directory()));
    }
    const uint64_t fits = room > kRoomMargin ? room - kRoomMargin : 0;
    std::vector<CompactionInput> batch;
    uint64_t alive = 0;
    while (begin < picked.size() && batch.size() < kReplacesMax &&
           (batch.empty() || alive + picked[begin].alive_bytes <= size_max)) {
      if (tight && alive + picked[begin].alive_bytes > fits) break;
      alive += picked[begin].alive_bytes;
      batch.push_back(std::move(picked[begin++]));
    }
    if (batch.empty()) break;  // and all that follow have more alive in them
    const Status status = CompactInto(c, elsewhere, batch, present, totals);
    if (!status.ok() && !base::Is(status, Code::kCorrupt)) return status;
  }
  return {};
}

}  // namespace

Status Compact(const CompactionContext& c, bool full, CompactionTotals* totals) {
  JZSE_RETURN_IF_ERROR(c.index.Checkpoint());
  const Applied drained = c.index.drained();
  JZSE_RETURN_IF_ERROR(c.finish_sealing());
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
  // A cold segment that goes now is all that explains why those are not there that it replaced.
  JZSE_RETURN_IF_ERROR(c.census.Release());
  JZSE_ASSIGN_OR_RETURN(const auto listing, c.factory.env().ListDir(c.factory.directory()));
  std::set<SegmentId> present;
  for (const io::DirEntry& entry : listing)
    if (const auto id = ParseSegmentFileName(entry.name)) present.insert(*id);
  std::vector<SegmentRef> commit_like, bulk_like;
  for (const SegmentRef& segment : c.segments.List()) {
    if (!Sealed(segment) || !Settled(*segment, drained) || Vouches(c, *segment)) continue;
    const auto footer = segment->ReadFooter();
    if (!footer.ok()) continue;  // damaged: left as it is
    const bool bulk = IsBulk(*segment, *footer);
    (bulk ? bulk_like : commit_like).push_back(segment);
  }
  Liveness liveness(c);
  StatesElsewhere elsewhere;
  for (const bool bulk : {false, true}) {
    const uint64_t size_max = bulk ? base::kBulkSegmentSizeMax : base::kCommitSegmentSizeMax;
    if (bulk && !bulk_like.empty()) JZSE_RETURN_IF_ERROR(liveness.MarkChunks());
    std::vector<CompactionInput> picked, small;
    for (const SegmentRef& segment : bulk ? bulk_like : commit_like) {
      auto input = Examine(c, liveness, elsewhere, segment);
      if (!input.ok()) {
        if (base::Is(input.status(), Code::kCorrupt)) continue;
        return input.status();
      }
      input->small = input->total_bytes < size_max / 8;
      if (input->worth(full) || input->alive.empty()) {
        picked.push_back(std::move(*input));
      } else if (input->small) {
        small.push_back(std::move(*input));
      }
    }
    if (small.size() >= (full ? size_t{2} : kSmallSegmentsMin) || (!picked.empty() && !small.empty()))
      std::move(small.begin(), small.end(), std::back_inserter(picked));
    if (std::any_of(picked.begin(), picked.end(), [](const CompactionInput& input) { return !input.conditional.empty(); }))
      JZSE_RETURN_IF_ERROR(elsewhere.Find(c));
    JZSE_RETURN_IF_ERROR(CompactPicked(c, elsewhere, std::move(picked), size_max, present, totals));
  }
  return {};
}

}  // namespace jzse::store
