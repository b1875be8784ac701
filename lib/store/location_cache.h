// SPDX-License-Identifier: Apache-2.0
// Remembers where the current record of a path lies, in 16 bytes a file, so that a hot read needs no index look-up.
//
// It is a hint that can be missing but not wrong about being current: a slot is removed before its key's change is shown, and
// an answer that was looked up before the change was over cannot come in (Ticket). So who has seen the change elsewhere does
// not meet the old place here. Two keys of one hash may share a slot, so a reader compares the path in the record it finds.
//
// Threads: all methods from any thread.
#ifndef JZSE_STORE_LOCATION_CACHE_H_
#define JZSE_STORE_LOCATION_CACHE_H_

#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>

#include "store/format.h"

namespace jzse::store {

class LocationCache {
 public:
  explicit LocationCache(size_t bytes);

  // What a look-up was made under; Insert does nothing when the key's shard has changed since or is changing.
  struct Ticket {
    uint64_t hash = 0;
    uint64_t version = 0;
  };
  std::optional<Location> Find(Bytes key, Ticket* ticket);
  void Insert(const Ticket& ticket, const Location& location);
  static uint64_t HashOf(Bytes key) { return base::Xxh64(key, 0); }
  // Around the moment at which a change of the key is shown. Neither allocates.
  void BeginChange(uint64_t hash);
  void EndChange(uint64_t hash);

 private:
  struct Slot {
    uint64_t hash = 0;
    uint64_t place = 0;   // 0: empty
  };
  static constexpr size_t kShards = 64;
  static constexpr size_t kWays = 4;
  struct alignas(64) Shard {
    std::mutex mutex;
    uint64_t version = 0;
    uint64_t changing = 0;  // how many keys
  };
  Shard& ShardOf(uint64_t hash) { return shards_[hash % kShards]; }
  // The sets of one shard lie together, so that its mutex covers them.
  Slot* SetOf(uint64_t hash) {
    return first_ + (hash % kShards * sets_ + hash / kShards % sets_) * kWays;
  }

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  size_t sets_ = 0;        // of each shard
  std::unique_ptr<void, Free> memory_;
  Slot* first_ = nullptr;  // in memory_, so that a set is one cache line; null without memory
  std::array<Shard, kShards> shards_;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_LOCATION_CACHE_H_
