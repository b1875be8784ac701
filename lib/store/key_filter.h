// SPDX-License-Identifier: Apache-2.0
// Which keys may have been put into an index that is being built from nothing: a Bloom filter whose bits for one key lie
// in one line of the processor's cache. Almost every key that a rebuild asks for is not there yet, and this says so
// without looking.
//
// Threads: one at a time.
#ifndef JZSE_STORE_KEY_FILTER_H_
#define JZSE_STORE_KEY_FILTER_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/base.h"

namespace jzse::store {

class KeyFilter {
 public:
  explicit KeyFilter(size_t bytes) : lines_(std::max<size_t>(1, bytes / sizeof(Line))) {}

  void Add(base::Bytes key) {
    const uint64_t hash = base::Xxh64(key, 0);
    Line& line = LineOf(hash);
    for (int i = 0; i < kBits; ++i) line[Word(hash, i)] |= Bit(hash, i);
  }
  // False: it was never added.
  bool MayHave(base::Bytes key) {
    const uint64_t hash = base::Xxh64(key, 0);
    const Line& line = LineOf(hash);
    for (int i = 0; i < kBits; ++i)
      if ((line[Word(hash, i)] & Bit(hash, i)) == 0) return false;
    return true;
  }

 private:
  struct alignas(64) Line : std::array<uint64_t, 8> {};
  static constexpr int kBits = 4;

  // The upper half of the hash chooses the line, 9 bits of the lower half each bit.
  Line& LineOf(uint64_t hash) { return lines_[(hash >> 32) * lines_.size() >> 32]; }
  static size_t Word(uint64_t hash, int i) { return hash >> (9 * i) & 7; }
  static uint64_t Bit(uint64_t hash, int i) { return uint64_t{1} << (hash >> (9 * i + 3) & 63); }

  std::vector<Line> lines_;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_KEY_FILTER_H_
