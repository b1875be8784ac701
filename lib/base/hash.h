// SPDX-License-Identifier: Apache-2.0
// Hashes. SHA-256 (FIPS 180-4, OpenSSL) names content; XXH3 (xxHash) guards records against accidents of the
// disk and of memory. XXH3 is no defence against an attacker; encryption replaces it by an AES-GCM tag.
#ifndef JZSE_BASE_HASH_H_
#define JZSE_BASE_HASH_H_

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace jzse::base {

// A SHA-256 digest. All zeros stands for "none".
struct Hash256 {
  std::array<unsigned char, 32> bytes{};

  auto operator<=>(const Hash256&) const = default;
  bool empty() const { return *this == Hash256{}; }
  Bytes view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  // REQUIRES: view.size() == 32
  static Hash256 FromBytes(Bytes view) {
    Hash256 hash;
    std::memcpy(hash.bytes.data(), view.data(), hash.bytes.size());
    return hash;
  }
};

struct Hash128 {
  uint64_t low = 0, high = 0;
  auto operator<=>(const Hash128&) const = default;
};

Hash256 Sha256(Bytes bytes);

// Incremental SHA-256. Not thread-safe; movable.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void Update(Bytes bytes);
  Hash256 Finish();  // once

 private:
  void* context_;
};

uint64_t Xxh64(Bytes bytes, uint64_t seed);    // XXH3_64bits_withSeed
Hash128 Xxh128(Bytes bytes, uint64_t seed);    // XXH3_128bits_withSeed
uint32_t Crc32c(Bytes bytes);                  // Castagnoli, as in iSCSI (RFC 3720); what LevelDB guards its blocks with

}  // namespace jzse::base

#endif  // JZSE_BASE_HASH_H_
