// SPDX-License-Identifier: Apache-2.0
// Telling a torn tail of LevelDB's manifest from damage: the intact part is a prefix and is all intact. Also with logs
// whose checks are right, cut anywhere: then nothing whole is lost.
#include "fuzz.h"
#include "store/leveldb_log.h"

namespace {

using namespace jzse;

uint32_t MaskedCrc32c(base::Bytes bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

size_t Intact(const std::string& log) {
  const size_t size = store::IntactLogSize(log);
  fuzz::Require(size <= log.size(), "more is intact than there is");
  fuzz::Require(store::IntactLogSize(log.substr(0, size)) == size, "the intact part is not intact");
  return size;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kBlock = 32768, kHeader = 7;
  Intact(std::string(fuzz::View(data, size)));
  fuzz::Choices choices(fuzz::View(data, size));
  const size_t cut = choices.Below(65536);
  std::string log;
  size_t whole = 0;  // end of the last record that is before the cut
  while (!choices.empty()) {
    const size_t room = kBlock - log.size() % kBlock;
    if (room < kHeader) log.append(room, '\0');
    const size_t room_max = kBlock - log.size() % kBlock - kHeader;
    std::string body(1, '\1');
    // One in eight is long, so that blocks fill up.
    const size_t length = choices.Byte() % 8 == 0 ? choices.Below(8192) : choices.Below(64);
    body.append(choices.Take(std::min(length, room_max)));
    if (length > 64) body.resize(1 + std::min(length, room_max), 'x');
    base::Encoder encoder(&log);
    encoder.U32(MaskedCrc32c(body));
    encoder.U16(static_cast<uint16_t>(body.size() - 1));
    encoder.Raw(body);
    if (log.size() <= cut) whole = log.size();
  }
  fuzz::Require(Intact(log) == log.size(), "a whole log is not intact");
  const size_t intact = Intact(log.substr(0, std::min(cut, log.size())));
  fuzz::Require(intact >= whole, "a whole record before the tear was given up");
  return 0;
}
