// SPDX-License-Identifier: Apache-2.0
// CRC-32C by the processor's instruction where it has one, else by tables of eight bytes at a time.
//
// The instruction takes three cycles but one can begin every cycle, so three stretches are done at a time. Their
// results are joined by moving the first two over the zeros that follow them, which a table of each byte does.
#include <array>
#include <cstddef>

#include "base/codec.h"
#include "base/hash.h"

namespace jzse::base {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected
constexpr size_t kStretch = 512;              // three of them take a third of a block of 4 KiB

using Table = std::array<uint32_t, 256>;

// tables[n][b]: the register after byte b and n zero bytes, from 0.
constexpr std::array<Table, 8> MakeTables() {
  std::array<Table, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t n = 1; n < 8; ++n)
    for (size_t byte = 0; byte < 256; ++byte)
      tables[n][byte] = (tables[n - 1][byte] >> 8) ^ tables[0][tables[n - 1][byte] & 0xff];
  return tables;
}
constexpr std::array<Table, 8> kTables = MakeTables();

constexpr uint32_t BehindZeros(uint32_t crc, size_t zeros) {
  for (; zeros > 0; --zeros) crc = (crc >> 8) ^ kTables[0][crc & 0xff];
  return crc;
}

uint32_t Portable(uint32_t crc, const char* p, size_t size) {
  for (; size >= 8; p += 8, size -= 8) {
    const uint64_t word = LoadLe<uint64_t>(p) ^ crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; size > 0; ++p, --size) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(*p)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
// moves[i][b]: what the byte b at place i of the register becomes behind kStretch zero bytes.
constexpr std::array<Table, 4> MakeMoves() {
  std::array<Table, 4> moves{};
  for (size_t bit = 0; bit < 32; ++bit) {
    const uint32_t moved = BehindZeros(uint32_t{1} << bit, kStretch);
    for (size_t byte = 0; byte < 256; ++byte)
      if ((byte >> bit % 8 & 1) != 0) moves[bit / 8][byte] ^= moved;
  }
  return moves;
}
constexpr std::array<Table, 4> kMoves = MakeMoves();

uint32_t Move(uint32_t crc) {
  return kMoves[0][crc & 0xff] ^ kMoves[1][(crc >> 8) & 0xff] ^ kMoves[2][(crc >> 16) & 0xff] ^ kMoves[3][crc >> 24];
}

__attribute__((target("sse4.2"))) uint32_t Fast(uint32_t register_, const char* p, size_t size) {
  uint64_t crc = register_;
  for (; size >= 3 * kStretch; p += 3 * kStretch, size -= 3 * kStretch) {
    uint64_t second = 0, third = 0;
    for (size_t i = 0; i < kStretch; i += 8) {
      crc = __builtin_ia32_crc32di(crc, LoadLe<uint64_t>(p + i));
      second = __builtin_ia32_crc32di(second, LoadLe<uint64_t>(p + kStretch + i));
      third = __builtin_ia32_crc32di(third, LoadLe<uint64_t>(p + 2 * kStretch + i));
    }
    crc = Move(Move(static_cast<uint32_t>(crc)) ^ static_cast<uint32_t>(second)) ^ third;
  }
  for (; size >= 8; p += 8, size -= 8) crc = __builtin_ia32_crc32di(crc, LoadLe<uint64_t>(p));
  for (; size > 0; ++p, --size) crc = __builtin_ia32_crc32qi(static_cast<uint32_t>(crc), static_cast<uint8_t>(*p));
  return static_cast<uint32_t>(crc);
}

bool HasInstruction() { return __builtin_cpu_supports("sse4.2") != 0; }
#else
uint32_t Fast(uint32_t crc, const char* p, size_t size) { return Portable(crc, p, size); }
bool HasInstruction() { return false; }
#endif

}  // namespace

uint32_t Crc32c(Bytes bytes) {
  const uint32_t crc = HasInstruction() ? Fast(~0u, bytes.data(), bytes.size()) : Portable(~0u, bytes.data(), bytes.size());
  return ~crc;
}

}  // namespace jzse::base
