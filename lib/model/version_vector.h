// SPDX-License-Identifier: Apache-2.0
// Version vectors (Parker et al.: Detection of Mutual Inconsistency in Distributed Systems, 1983): for each replica the
// highest counter of its changes that is known. A replica's changes to one file are known in their order, so one number
// stands for all changes up to it.
//
// Encoding: varint number of entries, then for each, replicas strictly rising: u64 replica, varint counter. Replicas and
// counters are not 0, so a vector has exactly one encoding.
#ifndef JZSE_MODEL_VERSION_VECTOR_H_
#define JZSE_MODEL_VERSION_VECTOR_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/container/inlined_vector.h"
#include "base/base.h"

namespace jzse::model {

enum class Causality : uint8_t { kEqual, kBefore, kAfter, kConcurrent };

class VersionVector {
 public:
  using Entry = base::Dot;  // a replica and the highest counter known of it

  uint64_t Get(base::ReplicaId replica) const;  // 0 if it has none
  bool Contains(const base::Dot& dot) const { return dot.counter <= Get(dot.replica); }
  // Raises the replica's counter to that of the dot if it is lower. REQUIRES: both parts of the dot are not 0
  void Advance(const base::Dot& dot);
  // The least vector that contains both.
  void Merge(const VersionVector& other);
  // kBefore: this one is contained in `other`, and less.
  Causality Compare(const VersionVector& other) const;

  void Encode(base::Encoder& encoder) const;
  // False, and the decoder rejected, for anything but an encoding of at most kVersionVectorReplicasMax entries.
  bool Decode(base::Decoder& decoder);

  std::span<const Entry> entries() const { return {entries_.data(), entries_.size()}; }  // sorted by replica
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  bool operator==(const VersionVector& other) const { return entries_ == other.entries_; }

 private:
  absl::InlinedVector<Entry, 2> entries_;
};

}  // namespace jzse::model

#endif  // JZSE_MODEL_VERSION_VECTOR_H_
