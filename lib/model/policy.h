// SPDX-License-Identifier: Apache-2.0
// What a namespace decides for its files.
//
// Encoding: varint format 1; u8 kind, conflict, replication; varint versions_max; varint versions_age_max_s,
// quota_bytes, quota_files; u8 compression; varint chunk_min, chunk_average, chunk_max.
#ifndef JZSE_MODEL_POLICY_H_
#define JZSE_MODEL_POLICY_H_

#include <cstdint>

#include "base/base.h"
#include "model/path.h"

namespace jzse::model {

// How two concurrent edits of one file, or two files that claim one path, are settled; see merge.h.
enum class ConflictStrategy : uint8_t { kLww = 0, kFork = 1, kMerge = 2, kManual = 3 };
enum class Replication : uint8_t { kEager = 0, kLazy = 1, kOnDemand = 2 };

struct NamespacePolicy {
  using Replication = model::Replication;

  NamespaceKind kind = NamespaceKind::kTree;
  ConflictStrategy conflict = ConflictStrategy::kLww;
  Replication replication = Replication::kEager;
  uint32_t versions_max = base::kVersionsCountDefault;
  uint64_t versions_age_max_s = 0;  // 0: unlimited
  uint64_t quota_bytes = 0;         // 0: none
  uint64_t quota_files = 0;         // 0: none
  int8_t compression = 0;           // 0: off; 1..19: zstd level
  uint32_t chunk_min = base::kChunkSizeMin;          // powers of two, 4 KiB..1 MiB, min < average < max
  uint32_t chunk_average = base::kChunkSizeAverage;
  uint32_t chunk_max = base::kChunkSizeMax;

  // kInvalid, naming the field.
  base::Status Check() const;
  bool operator==(const NamespacePolicy&) const = default;
};

// REQUIRES: policy.Check().ok()
void Encode(const NamespacePolicy& policy, base::Encoder& encoder);
// kUnsupported for a newer format, kCorrupt for anything else that is no encoding; the decoder is rejected then.
base::StatusOr<NamespacePolicy> DecodePolicy(base::Decoder& decoder);

}  // namespace jzse::model

#endif  // JZSE_MODEL_POLICY_H_
