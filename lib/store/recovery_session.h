// SPDX-License-Identifier: Apache-2.0
// What the parts of recovery share. recovery.cc says in which order they work: recovery_segments.cc finds the segments,
// recovery_replay.cc brings an index up to date with them, recovery_rebuild.cc builds one anew, recovery_scan.cc reads one
// segment.
//
// Threads: as recovery.h.
#ifndef JZSE_STORE_RECOVERY_SESSION_H_
#define JZSE_STORE_RECOVERY_SESSION_H_

#include <set>
#include <string>
#include <vector>

#include "store/recovery.h"

namespace jzse::store {

inline constexpr size_t kRecoveryBatchRecords = 4096;

// What Recover works on.
struct RecoverySession {
  io::Env& env;
  const std::string directory;
  const Identity& identity;
  const RecoveryOptions& options;
  SegmentFactory& factory;
  SegmentSet& segments;
  Census& census;
  std::vector<CensusEntry> listed;  // by it, by id
  bool believed = false;            // there is one, and it is whole
  Recovered result;
  std::vector<std::string> damage;
  Sequence known = 0;  // the index that was not usable says that the journal had come to here

  void Log(int level, const std::string& line) const {
    if (options.log) options.log(level, line);
  }
  std::string segments_directory() const { return directory + "/segments"; }
  const CensusEntry* Listed(SegmentId id) const;  // null if it is not
};

// ------------------------------------------------------------------------------------------------ the segments

Status LoadSegments(RecoverySession& s);
// What the census says against what is there. `files`: the ids that have a file, be it damaged.
void CompareCensus(RecoverySession& s, const std::set<SegmentId>& files);
// Removes cold segments that compaction did not finish.
Status DropUnfinished(RecoverySession& s);
// Removes what sealed cold segments replace, and first, with `switch_index`, lets the index follow.
Status FinishCompactions(RecoverySession& s, bool switch_index);

// ------------------------------------------------------------------------------------------------ their records

// Applies to the index what it lacks.
Status Replay(RecoverySession& s);
// The highest sequence known durable when the segment ended, from the header of the commit segment after it.
Sequence DurableBefore(const std::vector<SegmentRef>& commits, size_t i);
// Applies one record and notes what it says of the journal, also if it cannot be applied.
Status ApplyRecord(const FooterEntry& entry, const Location& location, Applier& applier, Recovered* result);
// Where `result` says the streams were read to.
Applied PositionOf(const Recovered& result, const Identity& identity);
// Brings the index to what is staged and to where `result` says the streams were read.
Status Publish(Stage& stage, LiveIndex& index, const Recovered& result, const Identity& identity);
// Those of `missing`, changes whose content others share, that are still referred to.
Status ReportMissing(const std::set<Sequence>& missing, LiveIndex& index, std::vector<std::string>* damage);

}  // namespace jzse::store

#endif  // JZSE_STORE_RECOVERY_SESSION_H_
