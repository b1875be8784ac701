// SPDX-License-Identifier: Apache-2.0
// One file of the simulated disk: what reads see, what is durable, and the writes in between.
//
// Invariants
//  1. `durable` is what a power cut certainly leaves; `cached` is what reads return.
//  2. `pending` holds, in order, every change of bytes or size since the file was last synced, less
//     what WriteDurable made durable. Unless a sync failed, durable + all of pending == cached.
//  3. A sector on disk is an image that the page cache had at some moment: if a pending write to a
//     sector survives, so do the earlier ones to that sector (but not those to other sectors).
//  4. Sizes are metadata and survive in order; a write behind a lost truncation is lost too.
// Not thread-safe: the lock of SimEnv guards it.
#ifndef JZSE_IO_SIM_NODE_H_
#define JZSE_IO_SIM_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "io/sim_bytes.h"

namespace jzse::io {

inline constexpr uint64_t kSimSectorSize = 512;

// What of the not yet durable changes a power cut leaves.
enum class CrashMode {
  kNoneKept,   // only what is durable by contract
  kAllKept,    // everything that was written, as if the process had been killed
  kRandom,     // any sectors of the writes; of each directory's changes a prefix
  kReordered,  // any sectors of the writes; any changes of directories
};

class SimFileNode {
 public:
  const SimBytes& cached() const { return cached_; }
  bool HasPending() const { return !pending_.empty(); }

  void Write(uint64_t offset, base::Bytes bytes);
  void Truncate(uint64_t size);
  // Makes everything pending durable, except what an earlier failed sync has dropped.
  void Sync();
  // Makes the sectors of the range durable, and the size as far as the range needs it. A pending
  // truncation makes it a full Sync, because file systems log sizes in order.
  void SyncRange(uint64_t offset, uint64_t size);
  // A sync that failed: an arbitrary part of the pending changes became durable and the rest never
  // will, even if reads still show it.
  void FailSync(base::Prng& prng);
  // What is neither durable nor pending, because a sync failed, is read no more: its pages count as clean and go.
  void EvictClean();
  // The bytes after a power cut.
  SimBytes AfterCrash(base::Prng& prng, CrashMode mode) const;
  // The file as the disk holds it after a power cut.
  static SimFileNode Settled(SimBytes bytes);

  // Damage of the medium itself: what reads see and what is durable. REQUIRES: within the size
  void Overwrite(uint64_t offset, base::Bytes bytes);
  void MarkUnreadable(uint64_t offset, uint64_t size) { unreadable_.push_back({offset, size}); }
  bool IsReadable(uint64_t offset, uint64_t size) const;

  // Bookkeeping of SimEnv.
  uint64_t charged = 0;  // bytes taken from the free space
  int handles = 0;
  bool linked = true;    // has a name
  bool locked = false;

 private:
  struct Pending {
    bool is_size = false;     // a change of the size to `offset`
    bool is_shrink = false;
    uint64_t offset = 0;
    std::shared_ptr<const std::string> data;  // shared with copies and with split writes
    size_t begin = 0, count = 0;              // the part of `data`
    base::Bytes bytes() const { return base::Bytes(*data).substr(begin, count); }
  };

  void PushSize(uint64_t size, uint64_t size_before);
  SimBytes DurableWithPending() const;
  void DropPendingWrites(uint64_t begin, uint64_t end);

  SimBytes cached_, durable_;
  std::vector<Pending> pending_;
  bool diverged_ = false;  // a sync failed: cached_ has bytes neither durable nor pending
  std::vector<std::pair<uint64_t, uint64_t>> unreadable_;  // offset, size
};

}  // namespace jzse::io

#endif  // JZSE_IO_SIM_NODE_H_
