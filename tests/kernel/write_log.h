// SPDX-License-Identifier: Apache-2.0
// What dm-log-writes recorded (Documentation/admin-guide/device-mapper/log-writes.rst of the kernel).
//
// On the log device, in sectors, integers little-endian: sector 0 is magic (8), version (8), number of entries (8),
// sector size (4). Then the entries: one sector with sector (8), number of sectors (8), flags (8), length of the mark's
// text (8), the text; behind it the data, except for a discard.
//
// The order is that of durability, not of time: a write stands before the flush that was issued after the write had
// completed; a write with FUA stands where it completed; a mark stands where it was sent.
#ifndef JZSE_TESTS_KERNEL_WRITE_LOG_H_
#define JZSE_TESTS_KERNEL_WRITE_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

struct LogEntry {
  enum Flags : uint64_t { kFlush = 1, kFua = 2, kDiscard = 4, kMark = 8 };
  uint64_t sector = 0, sectors = 0, flags = 0;
  uint64_t data = 0;  // byte offset on the log device
  std::string mark;
  bool Is(Flags flag) const { return (flags & flag) != 0; }
  bool IsWrite() const { return sectors > 0 && !Is(kDiscard) && !Is(kMark); }
};

// All entries; ends the process if the log is not whole.
std::vector<LogEntry> ReadLog(int fd);

#endif  // JZSE_TESTS_KERNEL_WRITE_LOG_H_
