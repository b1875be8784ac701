// SPDX-License-Identifier: Apache-2.0
#include "store/location_cache.h"

#include <algorithm>

namespace jzse::store {
namespace {

// 23 bits segment, 27 bits offset / 8, 14 bits size / 8; what does not fit is not remembered.
constexpr int kOffsetBits = 27, kSizeBits = 14;

uint64_t Pack(const Location& location) {
  if (location.segment >> (64 - kOffsetBits - kSizeBits) != 0 || (location.size / 8) >> kSizeBits != 0 ||
      (location.offset / 8) >> kOffsetBits != 0)
    return 0;
  return location.segment << (kOffsetBits + kSizeBits) | uint64_t{location.offset / 8} << kSizeBits | location.size / 8;
}

Location Unpack(uint64_t place) {
  return {place >> (kOffsetBits + kSizeBits),
          static_cast<uint32_t>(((place >> kSizeBits) & ((1u << kOffsetBits) - 1)) * 8),
          static_cast<uint32_t>((place & ((1u << kSizeBits) - 1)) * 8)};
}

}  // namespace

// Zero pages come from the system when they are first touched, so an idle cache costs nothing.
LocationCache::LocationCache(size_t bytes) : sets_(std::max<size_t>(1, bytes / (sizeof(Slot) * kWays * kShards))) {
  constexpr size_t kSetSize = kWays * sizeof(Slot);
  static_assert(kSetSize == 64);
  size_t room = (sets_ * kShards + 1) * kSetSize;
  memory_.reset(std::calloc(room, 1));
  void* begin = memory_.get();
  if (begin != nullptr) first_ = static_cast<Slot*>(std::align(kSetSize, room - kSetSize, begin, room));
}

std::optional<Location> LocationCache::Find(Bytes key, Ticket* ticket) {
  ticket->hash = HashOf(key);
  if (first_ == nullptr) return std::nullopt;
  Shard& shard = ShardOf(ticket->hash);
  const Slot* const set = SetOf(ticket->hash);
  std::lock_guard lock(shard.mutex);
  ticket->version = shard.version;
  for (size_t i = 0; i < kWays; ++i)
    if (set[i].hash == ticket->hash && set[i].place != 0) return Unpack(set[i].place);
  return std::nullopt;
}

void LocationCache::Insert(const Ticket& ticket, const Location& location) {
  const uint64_t place = Pack(location);
  if (first_ == nullptr || place == 0) return;
  Shard& shard = ShardOf(ticket.hash);
  Slot* const set = SetOf(ticket.hash);
  std::lock_guard lock(shard.mutex);
  if (shard.changing != 0 || shard.version != ticket.version) return;
  Slot* victim = &set[0];
  for (size_t i = 0; i < kWays; ++i) {
    if (set[i].hash == ticket.hash || set[i].place == 0) {
      victim = &set[i];
      break;
    }
  }
  // A full set gives up its oldest; the newest is kept last.
  if (victim->place != 0 && victim->hash != ticket.hash) {
    std::move(set + 1, set + kWays, set);
    victim = &set[kWays - 1];
  }
  *victim = {ticket.hash, place};
}

void LocationCache::BeginChange(uint64_t hash) {
  if (first_ == nullptr) return;
  Shard& shard = ShardOf(hash);
  Slot* const set = SetOf(hash);
  std::lock_guard lock(shard.mutex);
  ++shard.changing;
  for (size_t i = 0; i < kWays; ++i)
    if (set[i].hash == hash) set[i] = {};
}

void LocationCache::EndChange(uint64_t hash) {
  if (first_ == nullptr) return;
  Shard& shard = ShardOf(hash);
  std::lock_guard lock(shard.mutex);
  ++shard.version;
  --shard.changing;
}

}  // namespace jzse::store
