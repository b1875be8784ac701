// SPDX-License-Identifier: Apache-2.0
// Where chunks end. The rule, exact enough to write it again (docs/format-chunking.md is the same in prose):
//
//   G       256 words of 64 bits: the first 256 outputs of SplitMix64 whose state begins as
//           0x4a7a534543444331 ("JzSECDC1").
//   H(L)    for a chunk that would be L bytes long: the sum over j = 0..63 of G[byte L-1-j of the chunk] << j,
//           modulo 2^64. It sees the last 64 bytes only, so it does not depend on where the chunk began.
//   mask(n) n bits set: bit 63 - floor(48 i / n) for i = 0..n-1. High bits have seen most bytes; the lowest one
//           used, bit 16 or above, has seen at least 17.
//   strict  mask(log2(average) + 2), loose = mask(log2(average) - 2): normalized chunking, level 2.
//
//   A chunk ends at the smallest length L with
//     min <= L < average  and H(L) & strict == 0, or
//     average <= L < max  and H(L) & loose == 0, or
//     L = max, or the stream ends.
//
// None of this can change: equal contents have equal identities only while they are cut equally.
// Pure and thread-safe.
#include "store/chunker.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace jzse::store {
namespace {

constexpr uint32_t kWindow = 64;

constexpr std::array<uint64_t, 256> MakeGear() {
  std::array<uint64_t, 256> gear{};
  uint64_t state = 0x4a7a534543444331u;
  for (uint64_t& word : gear) {  // SplitMix64, as in base/prng.h
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    word = z ^ (z >> 31);
  }
  return gear;
}
constexpr std::array<uint64_t, 256> kGear = MakeGear();

constexpr uint64_t SpreadMask(int bits) {
  uint64_t mask = 0;
  for (int i = 0; i < bits; ++i) mask |= uint64_t{1} << (63 - 48 * i / bits);
  return mask;
}

inline uint64_t Gear(char byte) { return kGear[static_cast<unsigned char>(byte)]; }

// Tests the lengths from `length` on, whose hash is *hash, up to but not including `end`; the first that `mask`
// accepts, or `end`, and then *hash is that of `end`. REQUIRES: length <= end
inline size_t Scan(const char* data, size_t length, size_t end, uint64_t mask, uint64_t* hash) {
  uint64_t h = *hash;
  // Four at a time: each hash is made from that of four bytes ago, so that the chain of dependent steps, which is
  // what limits the speed, is a quarter as long.
  for (; length + 4 <= end; length += 4) {
    const uint64_t g1 = Gear(data[length]);
    const uint64_t g2 = Gear(data[length + 1]) + (g1 << 1);
    const uint64_t g3 = Gear(data[length + 2]) + (g2 << 1);
    const uint64_t g4 = Gear(data[length + 3]) + (g3 << 1);
    if ((h & mask) == 0) return length;
    if ((((h << 1) + g1) & mask) == 0) return length + 1;
    if ((((h << 2) + g2) & mask) == 0) return length + 2;
    if ((((h << 3) + g3) & mask) == 0) return length + 3;
    h = (h << 4) + g4;
  }
  for (; length < end; ++length) {
    if ((h & mask) == 0) return length;
    h = (h << 1) + Gear(data[length]);
  }
  *hash = h;
  return end;
}

}  // namespace

size_t NextCut(base::Bytes bytes, const ChunkSizes& sizes) {
  JZSE_CHECK(!bytes.empty());
  JZSE_CHECK(std::has_single_bit(sizes.average) && sizes.average >= 256);
  JZSE_CHECK(kWindow <= sizes.min && sizes.min <= sizes.average && sizes.average <= sizes.max);
  if (bytes.size() <= sizes.min) return bytes.size();

  const int bits = std::countr_zero(sizes.average);
  const size_t end = std::min<size_t>(bytes.size(), sizes.max);
  const size_t middle = std::min<size_t>(end, sizes.average);
  const char* data = bytes.data();
  uint64_t hash = 0;
  for (size_t i = sizes.min - kWindow; i < sizes.min; ++i) hash = (hash << 1) + Gear(data[i]);

  const size_t cut = Scan(data, sizes.min, middle, SpreadMask(bits + 2), &hash);
  if (cut < middle) return cut;
  return Scan(data, middle, end, SpreadMask(base::Planted("loose-mask-strict") ? bits + 2 : bits - 2), &hash);
}

}  // namespace jzse::store
