// SPDX-License-Identifier: Apache-2.0
// Opening a store's data: finding the segments, bringing the index up to date with them or building it anew.
//
// Invariants:
//  1. Everything acknowledged is found again; of a group that was not acknowledged, all or nothing.
//  2. Nothing on disk is cut off or overwritten. Damage is told apart from a torn tail by the rule of docs/format.md and
//     reported; what is whole around it is served.
//  3. What was read back counts as durable only after it has been synced again.
//
// Threads: runs alone, before anyone else sees the store.
#ifndef JZSE_STORE_RECOVERY_H_
#define JZSE_STORE_RECOVERY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/apply.h"
#include "store/journal.h"
#include "store/segment_factory.h"

namespace jzse::store {

struct RecoveryOptions {
  bool read_only = false;
  bool rebuild_index = false;
  bool map_index = false;            // for simulations: an index in memory, rebuilt at every open
  IndexOptions index;
  size_t cache_bytes = 0;            // for places of hot records
  std::function<void(int level, const std::string& line)> log;  // levels as in jzse.h; may be empty
};

struct Recovered {
  std::unique_ptr<LiveIndex> index;
  Sequence sequence = 0;             // last change
  model::Stamp stamp;
  Sequence ordinal = 0;              // last chunk
  StreamPosition commit, bulk;       // ends of the streams
  bool commit_continues = false;     // the next commit segment may say that it follows the one that `commit` names
  uint64_t replayed = 0;             // changes applied to the index by this open
  std::vector<std::string> damage;   // a line for each place found damaged
  bool rebuilt = false;
};

// `directory` is the store's; segments are added to `segments`, spare files, ids and the census to `factory`.
StatusOr<Recovered> Recover(io::Env& env, const std::string& directory, const Identity& identity,
                            const RecoveryOptions& options, SegmentFactory& factory, SegmentSet& segments, Census& census);

// All records of a segment in order of place, as summaries: from the footer if there is a good one, else by reading the
// whole segment. `from`: only records at this offset or later; `expected`: the first sequence there, if it is known.
// Damage goes to `damage` if it is not null.
struct SegmentEntries {
  std::vector<FooterEntry> entries;
  uint64_t end = 0;                  // behind the last accepted record
};
StatusOr<SegmentEntries> ReadEntries(Segment& segment, uint64_t from, Sequence durable,
                                     std::vector<std::string>* damage, Sequence expected = 0);

// How far a rebuild goes. `live`: the store is in use, so segments are only looked at.
struct RebuildLimits {
  bool live = false;
  Sequence sequence = UINT64_MAX;
  Sequence ordinal = UINT64_MAX;
};
// Builds the index from nothing. The index must be empty.
Status RebuildIndex(const SegmentSet& segments, LiveIndex& index, const Identity& identity,
                    const RebuildLimits& limits, Recovered* recovered, std::vector<std::string>* damage);

}  // namespace jzse::store

#endif  // JZSE_STORE_RECOVERY_H_
