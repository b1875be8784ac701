// SPDX-License-Identifier: Apache-2.0
// Bringing an index up to date: the bulk and commit streams from its position on.
#include <algorithm>
#include <list>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "store/recovery_session.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr size_t kLocatedSegmentsMax = 8;

// Finds changes by sequence. Remembers what it read of the last few segments: the references of a journal's tail mostly
// point to the same ones.
class ChangeLocator {
 public:
  explicit ChangeLocator(const SegmentSet& segments) : segments_(segments.List()) {
    for (size_t i = 0; i < segments_.size(); ++i) {
      const SegmentHeader& header = segments_[i]->header();
      if (header.stream == Stream::kBulk) continue;
      Range range{i, 1, UINT64_MAX};
      if (const auto trailer = segments_[i]->trailer()) {
        range.first = trailer->first;
        range.last = trailer->last;
      } else if (header.stream == Stream::kCommit) {
        range.first = header.first_sequence;
        for (size_t next = i + 1; next < segments_.size() && range.last == UINT64_MAX; ++next)
          if (segments_[next]->header().stream == Stream::kCommit)
            range.last = segments_[next]->header().first_sequence - 1;
      }
      ranges_.push_back(range);
    }
  }

  StatusOr<Location> Find(Sequence sequence) {
    for (const Range& range : ranges_) {
      if (sequence < range.first || sequence > range.last) continue;
      JZSE_ASSIGN_OR_RETURN(const Places* const places, PlacesIn(range.segment));
      if (const auto at = places->find(sequence); at != places->end()) return at->second;
    }
    return Fail(Code::kCorrupt, absl::StrCat("change ", sequence, ", whose content others share, is missing"));
  }

 private:
  struct Range {
    size_t segment = 0;  // in segments_
    Sequence first = 0, last = 0;
  };
  using Places = std::map<Sequence, Location>;

  StatusOr<const Places*> PlacesIn(size_t index) {
    const auto known = std::find_if(read_.begin(), read_.end(), [&](const auto& read) { return read.first == index; });
    if (known != read_.end()) {
      read_.splice(read_.begin(), read_, known);
      return &read_.front().second;
    }
    Segment& segment = *segments_[index];
    JZSE_ASSIGN_OR_RETURN(const SegmentEntries found,
                          ReadEntries(segment, base::kSegmentHeaderSize, UINT64_MAX, nullptr));
    if (read_.size() == kLocatedSegmentsMax) read_.pop_back();
    Places& places = read_.emplace_front(index, Places()).second;
    for (const FooterEntry& entry : found.entries)
      if (entry.header.type == RecordType::kChange)
        places[entry.header.sequence] = {segment.id(), entry.offset, RecordSize(entry.header.length)};
    return &places;
  }

  const std::vector<SegmentRef> segments_;
  std::vector<Range> ranges_;
  std::list<std::pair<size_t, Places>> read_;  // the last used first
};

// Applies one segment's records from its position on. A damaged record changes nothing and is reported.
Status ReplayEntries(RecoverySession& s, Segment& segment, SegmentEntries& found, Stage& stage, Applier& applier) {
  const bool bulk = segment.header().stream == Stream::kBulk;
  StreamPosition& position = bulk ? s.result.bulk : s.result.commit;
  for (const FooterEntry& entry : found.entries) {
    const Location location{segment.id(), entry.offset, RecordSize(entry.header.length)};
    JZSE_RETURN_IF_ERROR(ApplyRecord(entry, location, applier, &s.result));
    position = {segment.id(), entry.offset + location.size};
    const bool group_ends = &entry == &found.entries.back() || (&entry)[1].header.group_position == 0;
    if (stage.size() >= kRecoveryBatchRecords && group_ends)
      JZSE_RETURN_IF_ERROR(Publish(stage, *s.result.index, s.result, s.identity));
  }
  position = {segment.id(), std::max<uint64_t>(found.end, base::kSegmentHeaderSize)};
  segment.end = position.offset;
  return Publish(stage, *s.result.index, s.result, s.identity);
}

// Where the records of an unsealed segment end that lies before what is replayed: the next one's header says so.
Status FindEnd(const std::vector<SegmentRef>& list, size_t i) {
  Segment& segment = *list[i];
  if (i + 1 < list.size() && list[i + 1]->header().previous == segment.id()) {
    segment.end = std::clamp<uint64_t>(list[i + 1]->header().previous_end, base::kSegmentHeaderSize, segment.end);
    return {};
  }
  JZSE_ASSIGN_OR_RETURN(const SegmentEntries found, ReadEntries(segment, base::kSegmentHeaderSize, 0, nullptr));
  segment.end = std::max<uint64_t>(found.end, base::kSegmentHeaderSize);
  return {};
}

// A segment that ends before what the index knows of it was cut. The index stays: it is the better witness.
Status CheckReach(RecoverySession& s, Segment& segment, uint64_t known) {
  JZSE_ASSIGN_OR_RETURN(const uint64_t size, segment.file().Size());
  if (size < known)
    s.damage.push_back(absl::StrCat(SegmentFileName(segment.id()), ": bytes ", size, " to ", known, " are missing"));
  return {};
}

}  // namespace

Status Replay(RecoverySession& s) {
  const Applied applied = s.result.index->applied();
  s.result.sequence = applied.sequence;
  s.result.stamp = applied.stamp;
  s.result.ordinal = applied.ordinal;
  s.result.commit = {applied.commit_segment, applied.commit_offset};
  s.result.bulk = {applied.bulk_segment, applied.bulk_offset};
  Stage stage(*s.result.index);
  std::set<Sequence> missing;
  ChangeLocator locator(s.segments);
  Applier applier(stage, [&](Sequence sequence) -> StatusOr<Location> {
    auto place = locator.Find(sequence);
    if (!base::Is(place.status(), Code::kCorrupt)) return place;
    missing.insert(sequence);
    return Location{};
  });
  // Chunks first: a change may name them.
  for (const Stream stream : {Stream::kBulk, Stream::kCommit}) {
    if (stream == Stream::kBulk && base::Planted("chunks-not-replayed")) continue;
    const auto list = s.segments.List(stream);
    const StreamPosition from = stream == Stream::kBulk ? s.result.bulk : s.result.commit;
    for (size_t i = 0; i < list.size(); ++i) {
      if (list[i]->id() < from.segment) {
        if (!list[i]->trailer()) JZSE_RETURN_IF_ERROR(FindEnd(list, i));
        continue;
      }
      uint64_t begin = list[i]->id() == from.segment ? from.offset : base::kSegmentHeaderSize;
      if (base::Planted("refcount-replayed-twice")) begin = base::kSegmentHeaderSize;
      JZSE_RETURN_IF_ERROR(CheckReach(s, *list[i], begin));
      const Sequence durable = stream == Stream::kCommit ? DurableBefore(list, i) : 0;
      const bool continued = begin != base::kSegmentHeaderSize && stream == Stream::kCommit;
      JZSE_ASSIGN_OR_RETURN(SegmentEntries found, ReadEntries(*list[i], begin, durable, &s.damage,
                                                              continued ? s.result.sequence + 1 : 0));
      JZSE_RETURN_IF_ERROR(ReplayEntries(s, *list[i], found, stage, applier));
    }
  }
  return ReportMissing(missing, *s.result.index, &s.damage);
}

Sequence DurableBefore(const std::vector<SegmentRef>& commits, size_t i) {
  if (i + 1 == commits.size() || commits[i + 1]->header().previous != commits[i]->id()) return 0;
  return commits[i + 1]->header().first_sequence - 1;
}

Applied PositionOf(const Recovered& result, const Identity& identity) {
  Applied applied;
  applied.store = identity.store;
  applied.sequence = result.sequence;
  applied.stamp = result.stamp;
  applied.commit_segment = result.commit.segment;
  applied.commit_offset = result.commit.offset;
  applied.bulk_segment = result.bulk.segment;
  applied.bulk_offset = result.bulk.offset;
  applied.ordinal = result.ordinal;
  return applied;
}

Status ApplyRecord(const FooterEntry& entry, const Location& location, Applier& applier, Recovered* result) {
  const Sequence sequence = entry.header.sequence;
  if (entry.header.type == RecordType::kChunk) {
    result->ordinal = std::max(result->ordinal, sequence);
    return applier.Record(entry.header, location, entry.summary);
  }
  result->sequence = std::max(result->sequence, sequence);
  if (entry.header.type != RecordType::kChange) return applier.Record(entry.header, location, entry.summary);
  ++result->replayed;
  JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(entry.summary));
  result->stamp = std::max(result->stamp, change.file.path.stamp);
  for (const auto& content : change.file.contents) result->stamp = std::max(result->stamp, content.stamp);
  return applier.Change(change, sequence, location);
}

Status Publish(Stage& stage, LiveIndex& index, const Recovered& result, const Identity& identity) {
  index.Publish(stage.Take(), PositionOf(result, identity));
  return index.Drain();
}

Status ReportMissing(const std::set<Sequence>& missing, LiveIndex& index, std::vector<std::string>* damage) {
  for (const Sequence sequence : missing) {
    std::string value;
    JZSE_ASSIGN_OR_RETURN(const bool wanted, index.Get(HolderKey(sequence), &value));
    if (wanted && damage != nullptr)
      damage->push_back(absl::StrCat("change ", sequence, ", whose content others share, is missing"));
  }
  return {};
}

}  // namespace jzse::store
