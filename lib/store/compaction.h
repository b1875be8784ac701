// SPDX-License-Identifier: Apache-2.0
// Compaction: copies what is alive in some sealed segments to one cold segment and lets it replace them.
//
// Invariants:
//  1. Inputs are sealed and lie wholly before the index's durable position, so replay never meets them half gone.
//  2. The cold segment's trailer is the moment of truth: before it is durable the inputs count, afterwards it does. The
//     switch of the index can be repeated after a crash.
//  3. A live record that fails its check stops the compaction of its segment; nothing damaged is thrown away.
//  4. A deleted file's last state is kept while an older state of it may still exist in any other segment.
//  5. Sequences stay; what is left is an ordered feed.
//  6. It never needs more room than is free: where that is little, the segments with least alive in them go first.
//
// Threads: one compaction at a time. The index is changed only inside `Exclusive`, that is while no commit is under way.
#ifndef JZSE_STORE_COMPACTION_H_
#define JZSE_STORE_COMPACTION_H_

#include <functional>
#include <vector>

#include "store/census.h"
#include "store/chunk_store.h"
#include "store/file_entry.h"
#include "store/stage.h"

namespace jzse::store {

// Runs the body alone, with a stage over the newest state, and publishes what it staged.
using Exclusive = std::function<Status(const std::function<Status(Stage& stage)>& body)>;

struct CompactionContext {
  SegmentFactory& factory;
  SegmentSet& segments;
  LiveIndex& index;
  ChunkStore& chunks;
  Census& census;
  std::function<Status()> finish_sealing;     // of what this process has filled, so that it is no leftover
  Exclusive exclusive;
  std::function<bool(uint64_t bytes)> pace;   // after each piece of work; false: stop (shutting down, cancelled)
  std::function<bool(const FileEntry&)> tombstone_expired;
  std::function<void(const Status&)> broken;  // the disk holds what this process does not count: writes must stop
};
struct CompactionTotals {
  uint64_t segments = 0, bytes_before = 0, bytes_after = 0, chunks_dropped = 0, tombstones_dropped = 0;
};

// Rewrites segments where it pays, or with `full` wherever anything is dead or several small ones can become one.
// kClosed when `pace` stopped it.
Status Compact(const CompactionContext& context, bool full, CompactionTotals* totals);

// Moves the index from the places in the replaced segments to those in a sealed cold one; what the cold one lacks leaves
// the index.
Status SwitchToCold(Segment& cold, const std::vector<SegmentRef>& replaced, const Exclusive& exclusive);

}  // namespace jzse::store

#endif  // JZSE_STORE_COMPACTION_H_
