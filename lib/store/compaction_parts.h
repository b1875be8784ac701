// SPDX-License-Identifier: Apache-2.0
// What the parts of compaction share: compaction.cc picks the segments, compaction_liveness.cc tells what is alive in them,
// compaction_droppable.cc what may go with what is dead, compaction_copy.cc copies the rest, compaction_switch.cc moves the index over.
//
// Threads: as compaction.h.
#ifndef JZSE_STORE_COMPACTION_PARTS_H_
#define JZSE_STORE_COMPACTION_PARTS_H_

#include <map>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "store/compaction.h"
#include "store/manifest.h"

namespace jzse::store {

inline Location PlaceOf(const Segment& segment, const FooterEntry& entry) {
  return {segment.id(), entry.offset, RecordSize(entry.header.length)};
}

using FileKey = std::pair<NamespaceId, FileId>;
// Of a change or a version drop.
StatusOr<FileKey> FileOf(const FooterEntry& entry);

// A segment with what is alive in it.
struct CompactionInput {
  SegmentRef segment;
  std::vector<FooterEntry> entries;            // only while it is compacted: many inputs wait
  std::vector<bool> alive;
  std::vector<size_t> conditional;             // alive unless no older state can be left anywhere; see Reconsider
  std::vector<size_t> older;                   // states of files that stay although newer ones superseded them
  uint64_t conditional_bytes = 0;
  uint64_t alive_bytes = 0;
  uint64_t total_bytes = 0;
  uint64_t tombstones = 0;                     // that are dropped
  bool small = false;                          // worth merging with others

  uint64_t dead_bytes() const { return total_bytes - alive_bytes; }
  bool worth(bool full) const {
    return full ? dead_bytes() + conditional_bytes > 0 : dead_bytes() * 2 >= total_bytes;
  }
};
Status LoadEntries(CompactionInput& input);
bool IsBulk(const Segment& segment, const std::vector<FooterEntry>& entries);

// What a record is needed for.
enum class Need {
  kNothing,
  kItself,       // the newest state of its file, of its namespace; a chunk in use
  kOlderState,   // a version, or a content that others share
  kOthers,       // only while older states of its file may exist: see Reconsider
};

class Liveness {
 public:
  explicit Liveness(const CompactionContext& context) : c_(context) {}

  // Fingerprints of all chunks that files and versions need. A collision only keeps a dead chunk.
  Status MarkChunks();
  StatusOr<Need> NeedOf(const Segment& segment, const FooterEntry& entry);

 private:
  Status MarkEntry(NamespaceId ns, Bytes key, Bytes value);
  Status MarkNode(NamespaceId ns, const ManifestNode& node);
  StatusOr<bool> Refers(const std::string& key, const FooterEntry& entry, const Location& place, FileEntry* found);
  StatusOr<Need> NeedOfChange(const FooterEntry& entry, const Location& place);
  StatusOr<Need> NeedOfNewest(const ChangeRecord& change, const FileEntry& newest);

  const CompactionContext& c_;
  std::unordered_set<uint64_t> marks_;  // Abseil's does not survive a failed allocation
  bool marked_ = false;
};

// Where states lie of the files that some records are only needed for (Need::kOthers).
class StatesElsewhere {
 public:
  // While segments are examined.
  void Want(const FileKey& file);
  // Looks through all segments; before the first of them is compacted.
  Status Find(const CompactionContext& context);
  // Whether a segment outside of `inputs` may hold a state of the file with a sequence within [low, high]. What compaction has
  // copied meanwhile still counts as where it was.
  bool MayExist(const FileKey& file, Sequence low, Sequence high, const std::set<SegmentId>& inputs) const;

 private:
  struct State {
    uint64_t file = 0;  // a fingerprint: a collision only keeps a record longer
    Sequence sequence = 0;
    SegmentId segment = 0;
    auto operator<=>(const State&) const = default;
  };
  struct Unknown {
    SegmentId id = 0;
    Sequence first = 0, last = 0;
  };
  std::vector<uint64_t> wanted_;
  std::vector<State> states_;
  std::vector<Unknown> unknown_;  // segments that may hold any state of this range
};

StatusOr<CompactionInput> Examine(const CompactionContext& c, Liveness& liveness, StatesElsewhere& elsewhere,
                                  SegmentRef segment);
// Conditional records go if nothing older is left outside of the segments that go together.
Status Reconsider(const StatesElsewhere& elsewhere, std::vector<CompactionInput>& inputs);

// Copies what is alive in the inputs to one cold segment and lets it replace them, if that frees or merges anything. `present`: the segments whose files
// are there.
Status CompactInto(const CompactionContext& c, const StatesElsewhere& elsewhere, std::vector<CompactionInput>& inputs,
                   const std::set<SegmentId>& present, CompactionTotals* totals);

}  // namespace jzse::store

#endif  // JZSE_STORE_COMPACTION_PARTS_H_
