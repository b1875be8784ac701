// SPDX-License-Identifier: Apache-2.0
// Which keys may be in a set: a Bloom filter whose bits for one key lie in one line of the processor's cache. Almost every key
// that is asked for, of an overlay or of an index that is being built from nothing, is not there, and this says so without
// looking. Nothing but making one needs memory.
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

  // Of a key: base::Xxh64 with the seed 0.
  void Add(uint64_t hash) {
    Line& line = lines_[LineAt(hash)];
    for (int i = 0; i < kBits; ++i) line[Word(hash, i)] |= Bit(hash, i);
  }
  // False: it was never added.
  bool MayHave(uint64_t hash) const {
    const Line& line = lines_[LineAt(hash)];
    for (int i = 0; i < kBits; ++i)
      if ((line[Word(hash, i)] & Bit(hash, i)) == 0) return false;
    return true;
  }
  void AddAll(const KeyFilter& other) {  // of the same size
    for (size_t i = 0; i < lines_.size(); ++i)
      for (size_t word = 0; word < lines_[i].size(); ++word) lines_[i][word] |= other.lines_[i][word];
  }
  void Clear() { std::fill(lines_.begin(), lines_.end(), Line()); }
  void swap(KeyFilter& other) { lines_.swap(other.lines_); }

 private:
  struct alignas(64) Line : std::array<uint64_t, 8> {};
  static constexpr int kBits = 4;

  // The upper half of the hash chooses the line, 9 bits of the lower half each bit.
  size_t LineAt(uint64_t hash) const { return (hash >> 32) * lines_.size() >> 32; }
  static size_t Word(uint64_t hash, int i) { return hash >> (9 * i) & 7; }
  static uint64_t Bit(uint64_t hash, int i) { return uint64_t{1} << (hash >> (9 * i + 3) & 63); }

  std::vector<Line> lines_;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_KEY_FILTER_H_
