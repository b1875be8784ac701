// SPDX-License-Identifier: Apache-2.0
// XXH3 of hash.h with the widest vectors that the processor has (x86-64: AVX2 halves the time of the baseline, and
// more); where the library was built without this choice, xxh3_plain.cc stands in.
#include <xxh_x86dispatch.h>

#include "base/hash.h"

namespace jzse::base {

uint64_t Xxh64(Bytes bytes, uint64_t seed) { return XXH3_64bits_withSeed_dispatch(bytes.data(), bytes.size(), seed); }

Hash128 Xxh128(Bytes bytes, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed_dispatch(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace jzse::base
