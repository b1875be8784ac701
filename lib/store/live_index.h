// SPDX-License-Identifier: Apache-2.0
// The index as readers see it: what is in the Index, under an overlay of what is durable in the journal but not applied
// yet. Publishing a commit costs a few map insertions; the Index is brought up to date in batches, behind the readers' backs.
//
// Invariants:
//  1. Get answers from everything published before it began.
//  2. A batch goes into the Index together with the Applied position it belongs to, so the Index always is a prefix.
//  3. Publish happens as a whole or, when memory is lacking (it throws std::bad_alloc then), not at all.
//  4. The overlay is bounded: Publish by itself never waits, but overlay_count() tells the committer when to Drain first.
//  5. Reads and views do not need the Index to follow: while it cannot (its disk is full, or its background work failed for
//     good), views show what it lacks from memory.
//
// Threads: all methods from any thread, except that Publish calls must not overlap each other.
#ifndef JZSE_STORE_LIVE_INDEX_H_
#define JZSE_STORE_LIVE_INDEX_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "store/key_filter.h"
#include "store/live_view.h"
#include "store/location_cache.h"
#include "store/record.h"

namespace jzse::store {

class LiveIndex {
 public:
  // `cache_bytes`: for places of hot records.
  LiveIndex(std::unique_ptr<Index> index, const Applied& applied, size_t cache_bytes = 0)
      : index_(std::move(index)), places_(cache_bytes), applied_(applied), drained_(applied) {}

  StatusOr<bool> Get(Bytes key, std::string* value);
  // Calls `each` for every key with the prefix, in order, until it returns false.
  using Each = std::function<bool(Bytes key, Bytes value)>;
  Status Scan(const std::string& prefix, const OverlayMap* above, const Each& each);

  // A look-up made after taking the token is still true at a later moment if TokenHolds then and the overlay does not
  // know the key: no change since the token can have left the overlay.
  uint64_t Token() const { return generation_.load(std::memory_order_acquire); }
  bool TokenHolds(uint64_t token) const { return generation_.load(std::memory_order_acquire) - token <= 1; }
  // From the overlay alone: outer empty: not in it; inner empty: deleted.
  std::optional<std::optional<std::string>> Overlaid(Bytes key);
  // What the overlay has under the prefix, deletions too.
  OverlayMap OverlaidUnder(const std::string& prefix);

  void Publish(OverlayMap&& ops, const Applied& applied);

  // A rebuild: between BeginLoad and EndLoad nobody else uses the index, which was empty, and changes go straight into
  // it. It gets a position only at the end: half an index must not pass for one. `filter_bytes`: for remembering which
  // keys there are.
  void BeginLoad(size_t filter_bytes) { loaded_ = std::make_unique<KeyFilter>(filter_bytes); }
  Status Load(OverlayMap&& ops);
  Status EndLoad(const Applied& applied);

  size_t overlay_count() const { return overlay_count_.load(std::memory_order_relaxed); }
  Applied applied() const;
  // The position that the Index itself holds, as of the last Drain.
  Applied drained() const;

  // Brings the Index up to date.
  Status Drain();
  // Drain, then makes the Index durable.
  Status Checkpoint();
  // A moment after the call began: everything published before it is shown.
  std::unique_ptr<LiveView> View();
  StatusOr<bool> Get(const LiveView& view, Bytes key, std::string* value) { return GetIn(*index_, view, key, value); }
  std::unique_ptr<IndexCursor> NewCursor(const LiveView& view, CursorUse use) { return NewCursorIn(*index_, view, use); }
  Status Scan(const LiveView& view, const std::string& prefix, const Each& each);
  Index& index() { return *index_; }
  // By P key; Publish keeps it current.
  LocationCache& places() { return places_; }

 private:
  static void MergeInto(OverlayMap* to, OverlayMap&& ops) noexcept;
  void PublishOverlay(OverlayMap&& ops, const Applied& applied);
  Status DrainLocked();

  std::unique_ptr<Index> index_;
  LocationCache places_;
  std::unique_ptr<KeyFilter> loaded_;         // of all keys, during a rebuild
  bool loaded_any_ = false;                   // nothing at all needs no position, and no table for it
  mutable std::shared_mutex mutex_;
  OverlayMap active_;
  // Of the keys of active_, flushing_ and recent_: most keys that are asked for are in none of them, and a tree is slow to say
  // so. Under mutex_.
  static constexpr size_t kFilterBytes = base::kOverlayCountMax / 2;  // 16 bits a key when it is time to drain
  KeyFilter active_keys_{kFilterBytes}, flushing_keys_{kFilterBytes}, recent_keys_{kFilterBytes};
  std::vector<uint64_t> published_;           // hashes of the keys of the Publish under way
  // flushing_: on its way into the Index; changed only under drain_mutex_ as well. recent_: there already, kept one round for
  // tokens. Shared with views.
  std::shared_ptr<OverlayMap> flushing_ = std::make_shared<OverlayMap>(), recent_ = std::make_shared<OverlayMap>();
  bool flushing_shown_ = false;               // a view may hold flushing_, which stays as it is then; under drain_mutex_
  bool failing_ = false;                      // the last Apply failed; under drain_mutex_
  Applied taken_;                             // where flushing_ ends; under drain_mutex_
  Applied applied_, drained_;
  std::atomic<uint64_t> generation_{1};
  std::atomic<size_t> overlay_count_{0};
  std::mutex drain_mutex_;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_LIVE_INDEX_H_
