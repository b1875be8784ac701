// SPDX-License-Identifier: Apache-2.0
// What the tests of the index share: a history of numbered batches whose effect after the first n is known.
#ifndef JZSE_TESTS_UNIT_STORE_INDEX_WORLD_H_
#define JZSE_TESTS_UNIT_STORE_INDEX_WORLD_H_

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "io/sim_env.h"
#include "store/index.h"

namespace jzse::store {

using State = std::map<std::string, std::string>;

inline constexpr char kDirectory[] = "/store/index";

// Long keys, so that the manifest, which names the first and the last of every table, is written in several sectors.
inline std::string LongKey(const std::string& name, uint64_t i) {
  return name + std::to_string(1000000 + i) + std::string(300, 'k');
}

// Batch i writes the position, a key of its own, one of a few that are written again and again, and deletes an older
// one: every kind of entry that a compaction treats differently.
inline std::vector<IndexOp> BatchOf(uint64_t i) {
  base::Prng prng(i);
  std::vector<IndexOp> ops;
  ops.push_back({"position", std::to_string(i)});
  ops.push_back({LongKey("own", i), std::string(prng.Below(1500), 'x') + std::to_string(i)});
  ops.push_back({LongKey("hot", prng.Below(50)), std::to_string(i)});
  ops.push_back({LongKey("tail", prng.Below(50)), std::to_string(i)});
  if (i > 10) ops.push_back({LongKey("own", i - 1 - prng.Below(10)), std::nullopt});
  return ops;
}

inline void ApplyTo(State& state, const std::vector<IndexOp>& batch) {
  for (const IndexOp& op : batch) {
    if (op.value) {
      state[op.key] = *op.value;
    } else {
      state.erase(op.key);
    }
  }
}

inline State StateAfter(uint64_t n) {
  State state;
  for (uint64_t i = 1; i <= n; ++i) ApplyTo(state, BatchOf(i));
  return state;
}

inline std::unique_ptr<Index> MustOpen(io::Env& env, const IndexOptions& options) {
  auto index = OpenLevelDbIndex(env, kDirectory, options);
  INFO(index.status());
  REQUIRE(index.ok());
  return *std::move(index);
}

inline uint64_t PositionOf(Index& index) {
  std::string value;
  const auto found = index.Get("position", nullptr, &value);
  REQUIRE(found.ok());
  return *found ? std::stoull(value) : 0;
}

inline State Dump(Index& index, const IndexSnapshot* snapshot) {
  State state;
  const auto cursor = index.NewCursor(snapshot, store::CursorUse::kLookUp);
  for (cursor->Seek(""); cursor->valid(); cursor->Next()) {
    state[std::string(cursor->key())] = std::string(cursor->value());
  }
  INFO(cursor->status());
  REQUIRE(cursor->status().ok());
  return state;
}

// Smallest buffers: tables and compactions after few batches.
inline IndexOptions SmallBuffers() {
  IndexOptions options;
  options.buffer_bytes = 64 * base::kKiB;
  options.cache_bytes = 256 * base::kKiB;
  return options;
}

}  // namespace jzse::store

#endif  // JZSE_TESTS_UNIT_STORE_INDEX_WORLD_H_
