// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "store/purge.h"
#include "store/recovery_session.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

// Numbers that were given out, whatever has become of their records.
void NoteNumbers(const RecoverySession& s, Recovered* result) {
  if (base::Planted("numbers-given-out-twice")) return;
  const auto note = [result](Stream stream, Sequence last) {
    if (stream != Stream::kBulk) result->sequence = std::max(result->sequence, last);
    if (stream != Stream::kCommit) result->ordinal = std::max(result->ordinal, last);
  };
  for (const SegmentRef& segment : s.segments.List()) {
    const SegmentHeader& header = segment->header();
    if (header.stream == Stream::kCold) {
      result->sequence = std::max(result->sequence, header.first_sequence);
      result->ordinal = std::max<Sequence>(result->ordinal, header.previous_end);
      continue;
    }
    if (header.first_sequence != 0) note(header.stream, header.first_sequence - 1);
    if (const auto trailer = segment->trailer()) note(header.stream, trailer->last);
  }
  for (const CensusEntry& lost : s.census.lost())
    if (lost.trailer) note(lost.stream, lost.trailer->last);
}

std::string IndexDirectory(const RecoverySession& s) { return s.directory + "/index"; }

// REQUIRES: no index is open.
Status FreshIndex(RecoverySession& s) {
  // One that is only read cannot be removed; beside it, in memory over a directory that is not there, is room.
  const std::string directory = IndexDirectory(s) + (s.options.index.read_only ? "-in-memory" : "");
  if (!s.options.index.read_only) JZSE_RETURN_IF_ERROR(DestroyIndex(s.env, directory));
  JZSE_ASSIGN_OR_RETURN(auto fresh, OpenLevelDbIndex(s.env, directory, s.options.index));
  s.result.index = std::make_unique<LiveIndex>(std::move(fresh), Applied{}, s.options.cache_bytes);
  return {};
}

Status OpenIndex(RecoverySession& s, bool* usable) {
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
    if (s.segments.count() > 0) s.Log(2, "the index is missing or unusable; rebuilding it");
  }
  return FreshIndex(s);
}

// In this order: what compaction left out was dead by what it knew, which may be more than the index holds.
Status UpdateIndex(RecoverySession& s) {
  JZSE_RETURN_IF_ERROR(Replay(s));
  JZSE_RETURN_IF_ERROR(FinishCompactions(s, true));
  return PurgeDropped(*s.result.index);
}

Status BuildIndex(RecoverySession& s) {
  JZSE_RETURN_IF_ERROR(FinishCompactions(s, false));
  // A segment that compaction removed must not come back in a power cut: an index that never saw it would take its records
  // for new ones.
  if (!s.options.read_only) JZSE_RETURN_IF_ERROR(s.env.SyncDir(s.segments_directory()));
  JZSE_RETURN_IF_ERROR(RebuildIndex(s.segments, *s.result.index, s.identity, {}, &s.result, &s.damage));
  JZSE_RETURN_IF_ERROR(s.result.index->Checkpoint());
  s.result.rebuilt = s.segments.count() > 0;
  if (s.result.sequence < s.known)
    s.damage.push_back(absl::StrCat("changes ", s.result.sequence + 1, " to ", s.known, " are missing"));
  return PurgeDropped(*s.result.index);
}

// Whether the next change follows the last one in the last commit segment; compaction may have taken those in between.
StatusOr<bool> Continues(const RecoverySession& s) {
  const SegmentRef segment = s.segments.Find(s.result.commit.segment);
  if (!segment) return false;
  if (const auto trailer = segment->trailer()) return trailer->last == s.result.sequence;
  JZSE_ASSIGN_OR_RETURN(const SegmentEntries found,
                        ReadEntries(*segment, base::kSegmentHeaderSize, UINT64_MAX, nullptr));
  return !found.entries.empty() && found.entries.back().header.sequence == s.result.sequence;
}

}  // namespace

StatusOr<Recovered> Recover(io::Env& env, const std::string& directory, const Identity& identity,
                            const RecoveryOptions& options, SegmentFactory& factory, SegmentSet& segments, Census& census) {
  RecoverySession s{env, directory, identity, options, factory, segments, census, {}, false, {}, {}, 0};
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
  NoteNumbers(s, &s.result);
  JZSE_ASSIGN_OR_RETURN(s.result.commit_continues, Continues(s));
  if (!options.read_only) {
    factory.UseCensus(&census);
    if (!s.believed && segments.count() > 0) census.Update();
  }
  s.result.damage = std::move(s.damage);
  return std::move(s.result);
}

}  // namespace jzse::store
