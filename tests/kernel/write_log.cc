// SPDX-License-Identifier: Apache-2.0
#include "write_log.h"

#include <unistd.h>

#include <cstring>

#include "ledger.h"

namespace {

constexpr uint64_t kMagic = 0x6a736677736872;

uint64_t Word(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);  // the machines that run this are little-endian
  return word;
}

}  // namespace

std::vector<LogEntry> ReadLog(int fd) {
  std::vector<char> sector(512);
  if (pread(fd, sector.data(), sector.size(), 0) != 512 || Word(sector.data()) != kMagic) ledger::Die("no write log");
  if (Word(sector.data() + 8) != 1) ledger::Die("a write log of another version");
  const uint64_t count = Word(sector.data() + 16);
  uint32_t sector_size;
  std::memcpy(&sector_size, sector.data() + 24, sizeof sector_size);
  sector.resize(sector_size);
  std::vector<LogEntry> entries;
  entries.reserve(count);
  uint64_t at = sector_size;
  for (uint64_t i = 0; i < count; ++i) {
    if (pread(fd, sector.data(), sector_size, static_cast<off_t>(at)) != static_cast<ssize_t>(sector_size)) {
      ledger::Die("the write log is cut");
    }
    LogEntry entry;
    const uint64_t unit = sector_size / 512;
    entry.sector = Word(sector.data()) * unit;
    entry.sectors = Word(sector.data() + 8) * unit;
    entry.flags = Word(sector.data() + 16);
    const uint64_t text = Word(sector.data() + 24);
    if (text > sector_size - 32) ledger::Die("the write log has a wrong entry");
    if (entry.Is(LogEntry::kMark)) entry.mark.assign(sector.data() + 32, strnlen(sector.data() + 32, text));
    at += sector_size;
    entry.data = at;
    if (!entry.Is(LogEntry::kDiscard)) at += entry.sectors * 512;
    entries.push_back(std::move(entry));
  }
  return entries;
}
