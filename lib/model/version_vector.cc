// SPDX-License-Identifier: Apache-2.0
#include "model/version_vector.h"

#include <algorithm>

namespace jzse::model {
namespace {

bool ReplicaBelow(const base::Dot& entry, base::ReplicaId replica) { return entry.replica < replica; }

}  // namespace

uint64_t VersionVector::Get(base::ReplicaId replica) const {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), replica, ReplicaBelow);
  return it != entries_.end() && it->replica == replica ? it->counter : 0;
}

void VersionVector::Advance(const base::Dot& dot) {
  JZSE_CHECK(dot.replica != 0 && dot.counter != 0);
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), dot.replica, ReplicaBelow);
  if (it != entries_.end() && it->replica == dot.replica) {
    it->counter = std::max(it->counter, dot.counter);
  } else {
    entries_.insert(it, dot);
  }
}

void VersionVector::Merge(const VersionVector& other) {
  for (const Entry& entry : other.entries_) Advance(entry);
}

Causality VersionVector::Compare(const VersionVector& other) const {
  const auto contains = [](const VersionVector& all, const VersionVector& part) {
    return std::all_of(part.entries_.begin(), part.entries_.end(),
                       [&all](const Entry& entry) { return all.Contains(entry); });
  };
  const bool above = contains(*this, other), below = contains(other, *this);
  if (above) return below ? Causality::kEqual : Causality::kAfter;
  return below ? Causality::kBefore : Causality::kConcurrent;
}

void VersionVector::Encode(base::Encoder& encoder) const {
  encoder.Varint(entries_.size());
  for (const Entry& entry : entries_) {
    encoder.U64(entry.replica);
    encoder.Varint(entry.counter);
  }
}

bool VersionVector::Decode(base::Decoder& decoder) {
  entries_.clear();
  const uint64_t count = decoder.VarintMax(base::kVersionVectorReplicasMax);
  base::ReplicaId previous = 0;
  for (uint64_t i = 0; i < count && decoder.ok(); ++i) {
    const base::ReplicaId replica = decoder.U64();
    const uint64_t counter = decoder.Varint();
    if (replica <= previous || counter == 0) decoder.Reject();
    entries_.push_back({replica, counter});
    previous = replica;
  }
  return decoder.ok();
}

}  // namespace jzse::model
