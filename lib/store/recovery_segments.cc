// SPDX-License-Identifier: Apache-2.0
// The segments of a store that is being opened: what is there, what is not to be believed, what compaction left half done.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "store/compaction.h"
#include "store/recovery_session.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

// A write-back that failed leaves bytes in the page cache that the disk has not; the kernel tells it once, to a process
// that is gone. So what recovery is going to believe is made to come from the disk: everything but what the census lists as
// sealed, which was durable before that was written.
Status DistrustCache(RecoverySession& s) {
  if (base::Planted("page-cache-believed")) return {};
  std::vector<SegmentRef> doubtful;
  for (const Stream stream : {Stream::kCommit, Stream::kBulk, Stream::kCold}) {
    if (stream == Stream::kCold && base::Planted("cold-trailer-believed")) continue;
    const auto list = s.segments.List(stream);
    for (size_t i = 0; i < list.size(); ++i) {
      const CensusEntry* const listed = s.Listed(list[i]->id());
      // Where there is no census and none comes: earlier ones were synced before their writer went on.
      const bool earlier = !s.believed && s.options.read_only && i + 2 < list.size();
      const bool certain = list[i]->trailer() && (earlier || (listed != nullptr && listed->trailer));
      if (!certain) doubtful.push_back(list[i]);
    }
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

// Segments that a sealed cold one replaces and that are still there, each once even if the header names it twice.
std::vector<SegmentRef> Replaced(const SegmentSet& segments, const Segment& cold) {
  std::vector<SegmentRef> replaced;
  if (!cold.trailer()) return replaced;
  const std::set<SegmentId> ids(cold.header().replaces.begin(), cold.header().replaces.end());
  for (const SegmentId id : ids)
    if (SegmentRef segment = segments.Find(id)) replaced.push_back(std::move(segment));
  return replaced;
}

// Whether a cold segment is sealed, for certain if originals are still there: its trailer may be what a killed process
// wrote and never synced, or what a failed sync left in the cache, and without it they must not go.
StatusOr<bool> SealedForCertain(RecoverySession& s, Segment& cold) {
  const auto trailer = cold.trailer();
  if (base::Planted("cold-trailer-believed")) return trailer.has_value();
  if (!trailer || s.options.read_only || Replaced(s.segments, cold).empty()) return trailer.has_value();
  cold.file().DropCache(0, trailer->footer_end + kTrailerSize);
  JZSE_RETURN_IF_ERROR(cold.file().SyncData());
  char bytes[kTrailerSize];
  JZSE_ASSIGN_OR_RETURN(const size_t count, cold.file().Read(trailer->footer_end, kTrailerSize, bytes));
  return DecodeTrailer(cold.sealer(), trailer->footer_end, Bytes(bytes, count)).has_value();
}

// Why it is not believed is damage to tell; it is no reason not to open.
Status ReadCensus(RecoverySession& s) {
  auto entries = s.census.Read();
  if (base::Is(entries.status(), Code::kCorrupt)) {
    s.damage.push_back(std::string(entries.status().message()));
    return {};
  }
  JZSE_RETURN_IF_ERROR(entries.status());
  s.believed = entries->has_value();
  if (s.believed) s.listed = std::move(**entries);
  return {};
}

}  // namespace

const CensusEntry* RecoverySession::Listed(SegmentId id) const {
  const auto at = std::lower_bound(listed.begin(), listed.end(), id,
                                   [](const CensusEntry& entry, SegmentId wanted) { return entry.id < wanted; });
  return at != listed.end() && at->id == id ? &*at : nullptr;
}

void CompareCensus(RecoverySession& s, const std::set<SegmentId>& files) {
  for (const CensusEntry& entry : s.listed) {
    const SegmentRef segment = s.segments.Find(entry.id);
    if (!segment || !entry.trailer) continue;
    const auto own = segment->trailer();
    if (own == entry.trailer) continue;
    s.damage.push_back(absl::StrCat(SegmentFileName(entry.id), own ? ": its trailer is another one than the census says"
                                                                   : ": its trailer is damaged"));
    if (own) continue;
    segment->set_trailer(*entry.trailer);
    segment->end = entry.trailer->footer_begin;
  }
  std::set<SegmentId> replaced;
  for (const SegmentRef& cold : s.segments.List(Stream::kCold))
    if (cold->trailer() && !base::Planted("census-asks-for-replaced"))
      replaced.insert(cold->header().replaces.begin(), cold->header().replaces.end());
  std::vector<CensusEntry> lost;
  for (const CensusEntry& entry : s.listed) {
    if (s.segments.Find(entry.id) || replaced.contains(entry.id)) continue;
    if (!files.contains(entry.id)) s.damage.push_back(absl::StrCat(SegmentFileName(entry.id), ": the segment is missing"));
    lost.push_back(entry);
  }
  s.census.Adopt(std::move(lost));
}

Status LoadSegments(RecoverySession& s) {
  JZSE_RETURN_IF_ERROR(ReadCensus(s));
  JZSE_ASSIGN_OR_RETURN(const auto listing, s.env.ListDir(s.segments_directory()));
  std::set<SegmentId> files;
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
    files.insert(*id);
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
  const SegmentId highest = std::max(files.empty() ? 0 : *files.rbegin(), s.listed.empty() ? 0 : s.listed.back().id);
  s.factory.UseIdsFrom(highest + 1);
  JZSE_RETURN_IF_ERROR(DistrustCache(s));
  CompareCensus(s, files);
  return s.options.read_only ? Status() : s.factory.RemoveSpares(spares);
}

// Removes cold segments that compaction did not finish. What such a one would replace is there, or was replaced by an
// earlier compaction already and had only been waiting for a reader or for its removal to become durable.
Status DropUnfinished(RecoverySession& s) {
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
    if (s.options.read_only) continue;
    if (s.Listed(cold->id()) != nullptr) JZSE_RETURN_IF_ERROR(s.census.Release());
    JZSE_RETURN_IF_ERROR(s.env.Remove(cold->path()));
  }
  return {};
}

Status FinishCompactions(RecoverySession& s, bool switch_index) {
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

}  // namespace jzse::store
