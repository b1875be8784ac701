// SPDX-License-Identifier: Apache-2.0
#include "store/leveldb_log.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace jzse::store {
namespace {

constexpr size_t kBlockSize = 32 * base::kKiB;
constexpr size_t kHeaderSize = 7;
constexpr size_t kTailScanMax = 64 * base::kKiB;
constexpr int kWhole = 1, kFirst = 2, kLast = 4;

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

uint32_t MaskedCrc32c(base::Bytes bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// The size of the valid record at `offset`, header and all; 0 if there is none. Sets its type.
size_t RecordAt(base::Bytes log, size_t offset, int* type) {
  const size_t room = std::min(log.size() - offset, kBlockSize - offset % kBlockSize);
  if (room < kHeaderSize) return 0;
  const char* header = log.data() + offset;
  const size_t length = base::LoadLe<uint16_t>(header + 4);
  *type = static_cast<unsigned char>(header[6]);
  if (*type < kWhole || *type > kLast || kHeaderSize + length > room) return 0;
  if (base::LoadLe<uint32_t>(header) != MaskedCrc32c(log.substr(offset + 6, 1 + length))) return 0;
  return kHeaderSize + length;
}

}  // namespace

size_t IntactLogSize(base::Bytes log) {
  size_t offset = 0;
  int type = 0;
  for (;;) {
    const size_t block_rest = kBlockSize - offset % kBlockSize;
    if (block_rest < kHeaderSize) offset += block_rest;  // padding
    if (offset >= log.size()) return log.size();
    const size_t size = RecordAt(log, offset, &type);
    if (size == 0) break;
    offset += size;
  }
  const size_t scan_end = std::min(log.size(), offset + kTailScanMax);
  for (size_t i = offset + 1; i < scan_end; ++i) {
    if (RecordAt(log, i, &type) != 0 && (type == kWhole || type == kFirst)) return log.size();
  }
  return offset;
}

}  // namespace jzse::store
