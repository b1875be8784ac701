// SPDX-License-Identifier: Apache-2.0
// XXH3 of hash.h with the instructions that the library was compiled for; xxh3_dispatch.cc is the other way.
#include <xxhash.h>

#include "base/hash.h"

namespace jzse::base {

uint64_t Xxh64(Bytes bytes, uint64_t seed) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }

Hash128 Xxh128(Bytes bytes, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace jzse::base
