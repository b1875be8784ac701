// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.h"

#include <algorithm>
#include <list>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "store/compaction.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr size_t kBatchRecords = 4096;
constexpr size_t kLocatedSegmentsMax = 8;

// What Recover works on.
struct Session {
  io::Env& env;
  const std::string directory;
  const Identity& identity;
  const RecoveryOptions& options;
  SegmentFactory& factory;
  SegmentSet& segments;
  Recovered result;
  std::vector<std::string> damage;
  Sequence known = 0;  // the index that was not usable says that the journal had come to here

  void Log(int level, const std::string& line) const {
    if (options.log) options.log(level, line);
  }
  std::string segments_directory() const { return directory + "/segments"; }
};

// A write-back that failed leaves bytes in the page cache that the disk has not; the kernel tells it once, to a process
// that is gone. So what recovery is going to believe is made to come from the disk: everything that is not sealed, and of
// each stream the segments that the last process may have been sealing. Earlier ones were synced before it went on.
Status DistrustCache(Session& s) {
  if (base::Planted("page-cache-believed")) return {};
  std::vector<SegmentRef> doubtful;
  for (const Stream stream : {Stream::kCommit, Stream::kBulk, Stream::kCold}) {
    if (stream == Stream::kCold && base::Planted("cold-trailer-believed")) continue;
    const auto list = s.segments.List(stream);
    for (size_t i = 0; i < list.size(); ++i)
      if (!list[i]->trailer() || i + 2 >= list.size()) doubtful.push_back(list[i]);
  }
  for (const SegmentRef& segment : doubtful) {
    if (!s.options.read_only && !base::Planted("recovered-tail-not-synced"))
      JZSE_RETURN_IF_ERROR(segment->file().SyncData());
    JZSE_ASSIGN_OR_RETURN(const uint64_t size, segment->file().Size());
    segment->file().DropCache(0, size);
    if (!segment->trailer()) continue;
    // Was it sealed on the disk, too?
    auto again = OpenSegment(s.env, s.factory.files(), segment->path(), s.identity.store, !s.options.read_only);
    if (!again.ok() && !base::Is(again.status(), Code::kCorrupt)) return again.status();
    if (again.ok()) s.segments.Add(std::move(*again));
  }
  return {};
}

Status LoadSegments(Session& s) {
  JZSE_ASSIGN_OR_RETURN(const auto listing, s.env.ListDir(s.segments_directory()));
  SegmentId highest = 0;
  size_t foreigners = 0;
  std::vector<io::DirEntry> spares;
  for (const io::DirEntry& entry : listing) {
    if (entry.name.compare(0, kSparePrefix.size(), kSparePrefix) == 0) {
      spares.push_back(entry);
      continue;
    }
    const auto id = ParseSegmentFileName(entry.name);
    if (!id) {
      s.Log(1, absl::StrCat("segments/", entry.name, " is no segment; left alone"));
      continue;
    }
    highest = std::max(highest, *id);
    const std::string path = absl::StrCat(s.segments_directory(), "/", entry.name);
    auto segment = OpenSegment(s.env, s.factory.files(), path, s.identity.store, !s.options.read_only);
    if (segment.ok() && (*segment)->id() != *id)
      segment = Fail(Code::kCorrupt, absl::StrCat(path, ": holds segment ", (*segment)->id()));
    if (!segment.ok()) {
      const bool foreign = base::Is(segment.status(), Code::kInvalid);
      if (!foreign && !base::Is(segment.status(), Code::kCorrupt)) return segment.status();
      foreigners += foreign ? 1 : 0;
      s.damage.push_back(std::string(segment.status().message()));
      continue;
    }
    s.segments.Add(std::move(*segment));
  }
  // The identity file of another store, rather: nothing here may be taken for leftovers, the index least of all.
  if (foreigners > 0 && s.segments.count() == 0)
    return Fail(Code::kCorrupt, absl::StrCat(s.directory, ": the segments belong to another store than the file JZSE names"));
  s.factory.UseIdsFrom(highest + 1);
  JZSE_RETURN_IF_ERROR(DistrustCache(s));
  return s.options.read_only ? Status() : s.factory.RemoveSpares(spares);
}

// Segments that a sealed cold one replaces and that are still there.
std::vector<SegmentRef> Replaced(const SegmentSet& segments, const Segment& cold) {
  std::vector<SegmentRef> replaced;
  if (!cold.trailer()) return replaced;
  for (const SegmentId id : cold.header().replaces)
    if (SegmentRef segment = segments.Find(id)) replaced.push_back(std::move(segment));
  return replaced;
}

// Whether a cold segment is sealed, for certain if originals are still there: its trailer may be what a killed process
// wrote and never synced, or what a failed sync left in the cache, and without it they must not go.
StatusOr<bool> SealedForCertain(Session& s, Segment& cold) {
  const auto trailer = cold.trailer();
  if (base::Planted("cold-trailer-believed")) return trailer.has_value();
  if (!trailer || s.options.read_only || Replaced(s.segments, cold).empty()) return trailer.has_value();
  cold.file().DropCache(0, trailer->footer_end + kTrailerSize);
  JZSE_RETURN_IF_ERROR(cold.file().SyncData());
  char bytes[kTrailerSize];
  JZSE_ASSIGN_OR_RETURN(const size_t count, cold.file().Read(trailer->footer_end, kTrailerSize, bytes));
  return DecodeTrailer(cold.sealer(), trailer->footer_end, Bytes(bytes, count)).has_value();
}

// Removes cold segments that compaction did not finish. What such a one would replace is there, or was replaced by an
// earlier compaction already and had only been waiting for a reader or for its removal to become durable.
Status DropUnfinished(Session& s) {
  const auto colds = s.segments.List(Stream::kCold);
  for (const SegmentRef& cold : colds) {
    const auto replaced_before = [&](SegmentId id) {
      return std::any_of(colds.begin(), colds.end(), [&](const SegmentRef& other) {
        const auto& ids = other->header().replaces;
        return other != cold && other->trailer() && std::find(ids.begin(), ids.end(), id) != ids.end();
      });
    };
    JZSE_ASSIGN_OR_RETURN(const bool sealed, SealedForCertain(s, *cold));
    if (sealed) continue;
    const auto& replaces = cold->header().replaces;
    const bool all_there = std::all_of(replaces.begin(), replaces.end(), [&](SegmentId id) {
      return s.segments.Find(id) != nullptr || replaced_before(id);
    });
    if (!all_there) {
      s.damage.push_back(absl::StrCat(SegmentFileName(cold->id()), ": its trailer is damaged"));
      continue;
    }
    s.Log(2, absl::StrCat("dropping ", SegmentFileName(cold->id()), ", left by an unfinished compaction"));
    s.segments.Remove(cold->id());
    if (!s.options.read_only) JZSE_RETURN_IF_ERROR(s.env.Remove(cold->path()));
  }
  return {};
}

Status FinishCompactions(Session& s, bool switch_index) {
  for (const SegmentRef& cold : s.segments.List(Stream::kCold)) {
    const auto replaced = Replaced(s.segments, *cold);
    if (replaced.empty()) continue;
    if (switch_index) {
      const Exclusive alone = [&](const std::function<Status(Stage&)>& body) {
        Stage stage(*s.result.index);
        JZSE_RETURN_IF_ERROR(body(stage));
        s.result.index->Publish(stage.Take(), s.result.index->applied());
        return s.result.index->Drain();
      };
      JZSE_RETURN_IF_ERROR(SwitchToCold(*cold, replaced, alone));
      JZSE_RETURN_IF_ERROR(s.result.index->Checkpoint());
    }
    for (const SegmentRef& segment : replaced) {
      s.segments.Remove(segment->id());
      if (!s.options.read_only) JZSE_RETURN_IF_ERROR(s.env.Remove(segment->path()));
    }
  }
  return {};
}

// The highest sequence known durable when the segment ended, from the header of the commit segment after it.
Sequence DurableBefore(const std::vector<SegmentRef>& commits, size_t i) {
  if (i + 1 == commits.size() || commits[i + 1]->header().previous != commits[i]->id()) return 0;
  return commits[i + 1]->header().first_sequence - 1;
}

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

void NoteRecord(const FooterEntry& entry, Recovered* result) {
  if (entry.header.type == RecordType::kChunk) {
    result->ordinal = std::max(result->ordinal, entry.header.sequence);
    return;
  }
  result->sequence = std::max(result->sequence, entry.header.sequence);
  if (entry.header.type != RecordType::kChange) return;
  ++result->replayed;
  if (const auto change = DecodeChange(entry.summary); change.ok()) {
    result->stamp = std::max(result->stamp, change->file.path.stamp);
    for (const auto& content : change->file.contents) result->stamp = std::max(result->stamp, content.stamp);
  }
}

// Numbers that were given out, whatever has become of their records.
void NoteHeaders(const SegmentSet& segments, Recovered* result) {
  if (base::Planted("numbers-given-out-twice")) return;
  for (const SegmentRef& segment : segments.List()) {
    const SegmentHeader& header = segment->header();
    const Sequence before = header.first_sequence == 0 ? 0 : header.first_sequence - 1;
    switch (header.stream) {
      case Stream::kCommit: result->sequence = std::max(result->sequence, before); break;
      case Stream::kBulk: result->ordinal = std::max(result->ordinal, before); break;
      case Stream::kCold:
        result->sequence = std::max(result->sequence, header.first_sequence);
        result->ordinal = std::max<Sequence>(result->ordinal, header.previous_end);
        break;
    }
  }
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

Status Publish(Stage& stage, LiveIndex& index, const Recovered& result, const Identity& identity) {
  index.Publish(stage.Take(), PositionOf(result, identity));
  return index.Drain();
}

// Applies one segment's records from its position on. A damaged record changes nothing and is reported.
Status ReplayEntries(Session& s, Segment& segment, SegmentEntries& found, Stage& stage, Applier& applier) {
  const bool bulk = segment.header().stream == Stream::kBulk;
  StreamPosition& position = bulk ? s.result.bulk : s.result.commit;
  for (const FooterEntry& entry : found.entries) {
    const Location location{segment.id(), entry.offset, RecordSize(entry.header.length)};
    JZSE_RETURN_IF_ERROR(applier.Record(entry.header, location, entry.summary));
    NoteRecord(entry, &s.result);
    position = {segment.id(), entry.offset + location.size};
    const bool group_ends = &entry == &found.entries.back() || (&entry)[1].header.group_position == 0;
    if (stage.size() >= kBatchRecords && group_ends)
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

// Those of `missing`, changes whose content others share, that are still referred to.
Status ReportMissing(const std::set<Sequence>& missing, LiveIndex& index, std::vector<std::string>* damage) {
  for (const Sequence sequence : missing) {
    std::string value;
    JZSE_ASSIGN_OR_RETURN(const bool wanted, index.Get(HolderKey(sequence), &value));
    if (wanted && damage != nullptr)
      damage->push_back(absl::StrCat("change ", sequence, ", whose content others share, is missing"));
  }
  return {};
}

// A segment that ends before what the index knows of it was cut. The index stays: it is the better witness.
Status CheckReach(Session& s, Segment& segment, uint64_t known) {
  JZSE_ASSIGN_OR_RETURN(const uint64_t size, segment.file().Size());
  if (size < known)
    s.damage.push_back(absl::StrCat(SegmentFileName(segment.id()), ": bytes ", size, " to ", known, " are missing"));
  return {};
}

Status Replay(Session& s) {
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

std::string IndexDirectory(const Session& s) { return s.directory + "/index"; }

// REQUIRES: no index is open.
Status FreshIndex(Session& s) {
  // One that is only read cannot be removed; beside it, in memory over a directory that is not there, is room.
  const std::string directory = IndexDirectory(s) + (s.options.index.read_only ? "-in-memory" : "");
  if (!s.options.index.read_only) JZSE_RETURN_IF_ERROR(DestroyIndex(s.env, directory));
  JZSE_ASSIGN_OR_RETURN(auto fresh, OpenLevelDbIndex(s.env, directory, s.options.index));
  s.result.index = std::make_unique<LiveIndex>(std::move(fresh), Applied{}, s.options.cache_bytes);
  return {};
}

Status OpenIndex(Session& s, bool* usable) {
  *usable = false;
  if (s.options.map_index) {
    s.result.index = std::make_unique<LiveIndex>(NewMapIndex(), Applied{});
    return {};
  }
  const std::string directory = IndexDirectory(s);
  if (!s.options.rebuild_index) {
    auto index = OpenLevelDbIndex(s.env, directory, s.options.index);
    if (!index.ok() && !base::Is(index.status(), Code::kCorrupt)) return index.status();
    if (index.ok()) {
      std::string value;
      const auto found = (*index)->Get(AppliedKey(), nullptr, &value);
      const auto applied = found.ok() && *found ? DecodeApplied(value) : StatusOr<Applied>(Applied{});
      if (found.ok() && *found && applied.ok() && applied->store == s.identity.store) {
        s.result.index = std::make_unique<LiveIndex>(std::move(*index), *applied, s.options.cache_bytes);
        *usable = true;
        return {};
      }
    }
    s.Log(2, "the index is missing or unusable; rebuilding it");
  }
  return FreshIndex(s);
}

}  // namespace

// ------------------------------------------------------------------------------------------------ rebuild

namespace {

// One segment's changes, loaded when the merge reaches its first sequence.
struct Source {
  SegmentRef segment;
  Sequence first = 0;
  Sequence durable = 0;
  SegmentEntries found;
  size_t next = 0;
  bool loaded = false;
};

// What a rebuild must know before it begins.
struct Survey {
  std::set<Sequence> wanted;                   // changes whose content others share
  std::map<Sequence, Location> places;         // of these, as they are met
  std::set<Sequence> missing;                  // of these
  // The newest state of each namespace: compaction drops the older ones, and changes before it count, too.
  struct Name {
    Sequence sequence = 0;
    NamespaceRecord record;
    Location location;
  };
  std::map<NamespaceId, Name> namespaces;
};

void NoteForRebuild(const Segment& segment, const FooterEntry& entry, MovedFiles* moved, Survey* survey) {
  if (entry.header.type == RecordType::kNamespace) {
    auto record = DecodeNamespace(entry.summary);
    if (!record.ok()) return;
    Survey::Name& name = survey->namespaces[record->id];
    if (name.sequence < entry.header.sequence)
      name = {entry.header.sequence, std::move(*record),
              {segment.id(), entry.offset, RecordSize(entry.header.length)}};
  }
  if (entry.header.type != RecordType::kChange) return;
  const auto change = DecodeChange(entry.summary);
  if (!change.ok()) return;
  if (change->file.path.dot != change->file.id && !base::Planted("rebuild-forgets-moves"))
    moved->files.insert({change->ns, change->file.id});
  for (const auto& content : change->file.contents)
    if (content.content.storage == model::Content::Storage::kReference)
      survey->wanted.insert(content.content.reference);
}

StatusOr<std::vector<Source>> SurveySources(const SegmentSet& segments, const RebuildLimits& limits,
                                            MovedFiles* moved, Survey* survey,
                                            std::vector<std::string>* damage) {
  std::vector<Source> sources;
  const auto commits = segments.List(Stream::kCommit);
  for (const SegmentRef& segment : segments.List()) {
    if (segment->header().stream == Stream::kBulk) continue;
    Source source{segment};
    const auto at = std::find(commits.begin(), commits.end(), segment);
    if (at != commits.end()) source.durable = DurableBefore(commits, static_cast<size_t>(at - commits.begin()));
    JZSE_ASSIGN_OR_RETURN(const SegmentEntries found,
                          ReadEntries(*segment, base::kSegmentHeaderSize, source.durable, damage));
    if (!limits.live) segment->end = std::max<uint64_t>(found.end, base::kSegmentHeaderSize);
    source.first = UINT64_MAX;
    for (const FooterEntry& entry : found.entries) {
      if (entry.header.sequence > limits.sequence) continue;
      NoteForRebuild(*segment, entry, moved, survey);
      if (entry.header.type != RecordType::kChunk) source.first = std::min(source.first, entry.header.sequence);
    }
    if (source.first != UINT64_MAX) sources.push_back(std::move(source));
  }
  std::sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.first < b.first; });
  return sources;
}

Status LoadSource(Source& source, Sequence until) {
  JZSE_ASSIGN_OR_RETURN(source.found,
                        ReadEntries(*source.segment, base::kSegmentHeaderSize, source.durable, nullptr));
  auto& entries = source.found.entries;
  std::erase_if(entries, [until](const FooterEntry& entry) {
    return entry.header.type == RecordType::kChunk || entry.header.sequence > until;
  });
  std::stable_sort(entries.begin(), entries.end(), [](const FooterEntry& a, const FooterEntry& b) {
    return a.header.sequence < b.header.sequence;
  });
  source.loaded = true;
  return {};
}

Status RebuildChunks(const SegmentSet& segments, LiveIndex& index, const Identity& identity,
                     const RebuildLimits& limits, Recovered* recovered, std::vector<std::string>* damage) {
  Stage stage(index);
  Applier applier(stage, [](Sequence) { return Fail(Code::kCorrupt, "a chunk refers to nothing"); });
  for (const SegmentRef& segment : segments.List()) {
    if (segment->header().stream == Stream::kCommit) continue;
    JZSE_ASSIGN_OR_RETURN(const SegmentEntries found,
                          ReadEntries(*segment, base::kSegmentHeaderSize, 0, damage));
    if (!limits.live) segment->end = std::max<uint64_t>(found.end, base::kSegmentHeaderSize);
    for (const FooterEntry& entry : found.entries) {
      if (entry.header.type != RecordType::kChunk || entry.header.sequence > limits.ordinal) continue;
      const Location location{segment->id(), entry.offset, RecordSize(entry.header.length)};
      JZSE_RETURN_IF_ERROR(applier.Record(entry.header, location, entry.summary));
      NoteRecord(entry, recovered);
      if (stage.size() >= kBatchRecords) JZSE_RETURN_IF_ERROR(Publish(stage, index, *recovered, identity));
    }
    if (segment->header().stream == Stream::kBulk && !limits.live) {
      if (!segment->trailer()) JZSE_RETURN_IF_ERROR(segment->file().SyncData());
      recovered->bulk = {segment->id(), segment->end};
    }
  }
  return Publish(stage, index, *recovered, identity);
}

}  // namespace

Status RebuildIndex(const SegmentSet& segments, LiveIndex& index, const Identity& identity,
                    const RebuildLimits& limits, Recovered* recovered, std::vector<std::string>* damage) {
  JZSE_RETURN_IF_ERROR(RebuildChunks(segments, index, identity, limits, recovered, damage));
  MovedFiles moved;
  Survey survey;
  JZSE_ASSIGN_OR_RETURN(std::vector<Source> sources, SurveySources(segments, limits, &moved, &survey, damage));
  for (const SegmentRef& segment : segments.List(Stream::kCommit)) {
    if (limits.live) break;
    if (!segment->trailer()) JZSE_RETURN_IF_ERROR(segment->file().SyncData());
    recovered->commit = {segment->id(), segment->end};
  }
  Stage stage(index);
  Applier applier(
      stage,
      [&](Sequence sequence) -> StatusOr<Location> {
        if (const auto it = survey.places.find(sequence); it != survey.places.end()) return it->second;
        // Compacted away, because the state that refers to it is superseded by one that is yet to come.
        survey.missing.insert(sequence);
        return Location{};
      },
      &moved);
  for (const auto& [id, name] : survey.namespaces)
    JZSE_RETURN_IF_ERROR(applier.Namespace(name.record, name.sequence, name.location));
  // A merge by sequence over all segments whose range has been reached.
  size_t active_begin = 0, active_end = 0;
  for (;;) {
    Source* lowest = nullptr;
    for (size_t i = active_begin; i < active_end; ++i) {
      Source& source = sources[i];
      if (source.next == source.found.entries.size()) continue;
      if (lowest == nullptr || source.found.entries[source.next].header.sequence <
                                   lowest->found.entries[lowest->next].header.sequence)
        lowest = &source;
    }
    if (active_end < sources.size() &&
        (lowest == nullptr || sources[active_end].first < lowest->found.entries[lowest->next].header.sequence)) {
      JZSE_RETURN_IF_ERROR(LoadSource(sources[active_end++], limits.sequence));
      continue;
    }
    if (lowest == nullptr) break;
    const FooterEntry& entry = lowest->found.entries[lowest->next++];
    const Location location{lowest->segment->id(), entry.offset, RecordSize(entry.header.length)};
    if (survey.wanted.contains(entry.header.sequence)) survey.places[entry.header.sequence] = location;
    if (const Status status = applier.Record(entry.header, location, entry.summary); !status.ok()) {
      if (!base::Is(status, Code::kCorrupt) || damage == nullptr) return status;
      damage->push_back(std::string(status.message()));
    }
    NoteRecord(entry, recovered);
    if (stage.size() >= kBatchRecords) JZSE_RETURN_IF_ERROR(Publish(stage, index, *recovered, identity));
    while (active_begin < active_end && sources[active_begin].next == sources[active_begin].found.entries.size()) {
      sources[active_begin].found = {};
      sources[active_begin].next = 0;
      ++active_begin;
    }
  }
  JZSE_RETURN_IF_ERROR(Publish(stage, index, *recovered, identity));
  return ReportMissing(survey.missing, index, damage);
}

StatusOr<bool> PurgeNamespace(NamespaceId ns, size_t count, Stage& stage) {
  std::vector<std::string> keys;
  std::vector<Sequence> references;
  Status status;
  for (const char letter : {'P', 'T', 'V', 'C'}) {
    if (letter == 'T' && base::Planted("dropped-namespace-leaves-tombstones")) continue;
    JZSE_RETURN_IF_ERROR(stage.Scan(KeyPrefix(letter, ns), [&](Bytes key, Bytes value) {
      if (letter != 'C') {
        const auto entry = DecodeFileEntry(value);
        if (!entry.ok()) {
          status = entry.status();
          return false;
        }
        if (entry->content().content.storage == model::Content::Storage::kReference)
          references.push_back(entry->content().content.reference);
      }
      keys.emplace_back(key);
      return keys.size() < count;
    }));
    JZSE_RETURN_IF_ERROR(status);
    if (keys.size() >= count) break;
  }
  for (const std::string& key : keys) stage.Delete(key);
  for (const Sequence reference : references) {
    std::string value;
    JZSE_ASSIGN_OR_RETURN(const bool found, stage.Get(HolderKey(reference), &value));
    if (!found) continue;
    JZSE_ASSIGN_OR_RETURN(HolderEntry holder, DecodeHolder(value));
    if (--holder.references == 0) {
      stage.Delete(HolderKey(reference));
    } else {
      stage.Put(HolderKey(reference), EncodeHolder(holder));
    }
  }
  return keys.size() < count;
}

namespace {

Status PurgeDropped(Session& s) {
  std::vector<NamespaceId> dropped;
  JZSE_RETURN_IF_ERROR(s.result.index->Scan("N", nullptr, [&](Bytes, Bytes value) {
    const auto entry = DecodeNamespaceEntry(value);
    if (entry.ok() && entry->record.dropped) dropped.push_back(entry->record.id);
    return true;
  }));
  for (const NamespaceId ns : dropped) {
    for (bool done = false; !done;) {
      Stage stage(*s.result.index);
      JZSE_ASSIGN_OR_RETURN(done, PurgeNamespace(ns, kBatchRecords, stage));
      if (stage.empty()) break;
      s.result.index->Publish(stage.Take(), s.result.index->applied());
      JZSE_RETURN_IF_ERROR(s.result.index->Drain());
    }
  }
  return {};
}

// In this order: what compaction left out was dead by what it knew, which may be more than the index holds.
Status UpdateIndex(Session& s) {
  JZSE_RETURN_IF_ERROR(Replay(s));
  JZSE_RETURN_IF_ERROR(FinishCompactions(s, true));
  return PurgeDropped(s);
}

Status BuildIndex(Session& s) {
  JZSE_RETURN_IF_ERROR(FinishCompactions(s, false));
  JZSE_RETURN_IF_ERROR(RebuildIndex(s.segments, *s.result.index, s.identity, {}, &s.result, &s.damage));
  JZSE_RETURN_IF_ERROR(s.result.index->Checkpoint());
  s.result.rebuilt = s.segments.count() > 0;
  if (s.result.sequence < s.known)
    s.damage.push_back(absl::StrCat("changes ", s.result.sequence + 1, " to ", s.known, " are missing"));
  return PurgeDropped(s);
}

// Whether the next change follows the last one in the last commit segment; compaction may have taken those in between.
StatusOr<bool> Continues(const Session& s) {
  const SegmentRef segment = s.segments.Find(s.result.commit.segment);
  if (!segment) return false;
  if (const auto trailer = segment->trailer()) return trailer->last == s.result.sequence;
  JZSE_ASSIGN_OR_RETURN(const SegmentEntries found,
                        ReadEntries(*segment, base::kSegmentHeaderSize, UINT64_MAX, nullptr));
  return !found.entries.empty() && found.entries.back().header.sequence == s.result.sequence;
}

}  // namespace

StatusOr<Recovered> Recover(io::Env& env, const std::string& directory, const Identity& identity,
                            const RecoveryOptions& options, SegmentFactory& factory, SegmentSet& segments) {
  Session s{env, directory, identity, options, factory, segments, {}, {}, 0};
  JZSE_RETURN_IF_ERROR(LoadSegments(s));
  JZSE_RETURN_IF_ERROR(DropUnfinished(s));
  bool usable = false;
  JZSE_RETURN_IF_ERROR(OpenIndex(s, &usable));
  if (usable) {
    const size_t damage_before = s.damage.size();
    const Status updated = UpdateIndex(s);
    if (!updated.ok() && !base::Is(updated, Code::kCorrupt)) return updated;
    if (!updated.ok()) {
      s.Log(1, absl::StrCat("the index turns out to be damaged; rebuilding it: ", updated.message()));
      s.known = s.result.index->applied().sequence;
      s.damage.resize(damage_before);
      s.result = Recovered{};
      JZSE_RETURN_IF_ERROR(FreshIndex(s));
      usable = false;
    }
  }
  if (!usable) JZSE_RETURN_IF_ERROR(BuildIndex(s));
  for (const std::string& line : s.damage) s.Log(0, "damage: " + line);
  NoteHeaders(segments, &s.result);
  JZSE_ASSIGN_OR_RETURN(s.result.commit_continues, Continues(s));
  s.result.damage = std::move(s.damage);
  return std::move(s.result);
}

}  // namespace jzse::store
