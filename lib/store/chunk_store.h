// SPDX-License-Identifier: Apache-2.0
// The bulk stream: chunks of large contents and manifest nodes, addressed by SHA-256 within a namespace.
//
// Invariants:
//  1. A chunk enters the index only after it is durable (TakeDurable gives only those), so a later writer that finds it
//     there may rely on it.
//  2. A chunk that a writer found or stored stays, whatever compaction does, until the writer's Pins are gone.
//  3. Everything before the position that TakeDurable reports is durable and has been given out.
//
// Threads: all methods from any thread; TakeDurable and Forget by one at a time.
#ifndef JZSE_STORE_CHUNK_STORE_H_
#define JZSE_STORE_CHUNK_STORE_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "store/journal.h"
#include "store/live_index.h"

namespace jzse::store {

struct ChunkId {
  NamespaceId ns = 0;
  Hash256 hash;
  auto operator<=>(const ChunkId&) const = default;
};

class ChunkStore;

// One moment to read from: an index snapshot and the segments it speaks of. Null where the newest state is meant.
struct ReadView {
  std::unique_ptr<LiveView> index;
  SegmentMap segments;
};

// The chunks that one content in the making relies on. Not thread-safe.
class ChunkPins {
 public:
  explicit ChunkPins(ChunkStore& store) : store_(store) {}
  ~ChunkPins();
  ChunkPins(const ChunkPins&) = delete;
  ChunkPins& operator=(const ChunkPins&) = delete;

 private:
  friend class ChunkStore;
  ChunkStore& store_;
  std::vector<ChunkId> chunks_;
  Sequence ordinal_ = 0;   // highest of those that may not be durable yet
};

class ChunkStore {
 public:
  ChunkStore(SegmentFactory& factory, SegmentSet& segments, LiveIndex& index, Sequence last_ordinal,
             const StreamPosition& previous);

  // Stores the content if the namespace has it not, and pins it. `level`: zstd level or 0.
  Status Put(NamespaceId ns, const Hash256& hash, Bytes content, int level, ChunkPins* pins);
  // Makes durable what the pins rely on. One sync serves all who wait.
  Status Sync(const ChunkPins& pins);

  struct Durable {
    std::vector<std::pair<ChunkId, ChunkEntry>> chunks;
    StreamPosition position;
    Sequence ordinal = 0;
  };
  // Chunks that became durable since the last Forget, to be put into the index in this order, then forgotten here. All
  // copies of a chunk are among them: an older one may be durable before the newest is.
  Durable TakeDurable();
  void Forget(const Durable& published);
  // Chunks that are not in the index yet.
  size_t pending_count() const;

  // The content of a chunk, checked against its record. kCorrupt if it is missing.
  Status Read(NamespaceId ns, const Hash256& hash, const ReadView* view, std::string* content);
  // Where it lies; kCorrupt if it is missing.
  StatusOr<ChunkEntry> Find(NamespaceId ns, const Hash256& hash, const ReadView* view);

  // Seals the open segment.
  Status Close();
  // After a failed sync or seal nothing is stored any more.
  bool broken() const { return broken_.load(std::memory_order_relaxed); }
  uint64_t bytes_written() const { return bytes_written_.load(); }
  uint64_t open_segment() const;

  // For compaction. From BeginCollect to EndCollect every chunk that is pinned is remembered, also when its pins go;
  // `Decide` runs while no pin can be taken, with a test that tells whether a chunk was pinned at or since BeginCollect.
  void BeginCollect();
  Status Decide(const std::function<Status(const std::function<bool(const ChunkId&)>& in_use)>& body);
  void EndCollect();

 private:
  friend class ChunkPins;
  StatusOr<bool> Lookup(const ChunkId& id, ChunkPins* pins);
  Status Append(const ChunkId& id, const ChunkRecord& chunk, ChunkPins* pins);
  Status WriteAt(Segment& segment, uint64_t offset, size_t position, const ChunkRecord& chunk, std::string* record);
  void Pin(const ChunkId& id, ChunkPins* pins);
  Status RollLocked(uint64_t size);
  Status SealLocked(Segment& segment);
  Status BrokenLocked(const Status& status, std::string_view what);
  void Unpin(const std::vector<ChunkId>& chunks);

  SegmentFactory& factory_;
  SegmentSet& segments_;
  LiveIndex& index_;

  // Held shared while bytes are written, exclusively to know that none are.
  std::shared_mutex writing_mutex_;
  mutable std::mutex mutex_;                 // everything below
  SegmentRef segment_;
  // By offset, for the footer: writes finish in any order.
  std::map<uint32_t, std::pair<RecordHeader, std::string>> written_;
  uint64_t offset_ = 0;
  uint64_t next_size_ = base::kBulkSegmentSizeMin;
  StreamPosition previous_;
  Sequence last_ordinal_ = 0, durable_ordinal_ = 0, taken_ordinal_ = 0;
  StreamPosition durable_position_;
  // Of the standard library: Abseil's hash tables do not survive a failed allocation.
  std::map<ChunkId, ChunkEntry> pending_;    // written, not in the index yet
  std::map<Sequence, std::pair<ChunkId, ChunkEntry>> pending_by_ordinal_;
  Status failure_;
  std::atomic<bool> broken_{false};          // failure_ is set
  std::atomic<uint64_t> bytes_written_{0};
  std::mutex sync_mutex_;

  std::shared_mutex collect_mutex_;          // shared: finding and pinning a chunk
  std::mutex pins_mutex_;
  std::map<ChunkId, uint32_t> pinned_;
  bool collecting_ = false;
  std::set<ChunkId> pinned_since_;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_CHUNK_STORE_H_
