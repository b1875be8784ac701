// SPDX-License-Identifier: Apache-2.0
// Identities. A replica id names one incarnation of one store; a dot names one change for ever; a file id is the
// dot of the change that created the file.
#ifndef JZSE_BASE_IDS_H_
#define JZSE_BASE_IDS_H_

#include <compare>
#include <cstdint>

namespace jzse::base {

using ReplicaId = uint64_t;   // random, never 0
using NamespaceId = uint32_t; // local to one store, never 0; peers exchange names
using Sequence = uint64_t;    // position of a change in one store's journal, from 1
using SegmentId = uint64_t;   // from 1

struct Dot {
  ReplicaId replica = 0;
  uint64_t counter = 0;       // from 1
  auto operator<=>(const Dot&) const = default;
  bool empty() const { return replica == 0; }
};

using FileId = Dot;

// 128 random bits that all incarnations of one store share.
struct StoreId {
  uint64_t low = 0, high = 0;
  auto operator<=>(const StoreId&) const = default;
};

}  // namespace jzse::base

#endif  // JZSE_BASE_IDS_H_
