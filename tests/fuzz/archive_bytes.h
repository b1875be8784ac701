// SPDX-License-Identifier: Apache-2.0
// Archives whose checks are right, made from the records an input names, and a descriptor to read them from.
#ifndef JZSE_TESTS_FUZZ_ARCHIVE_BYTES_H_
#define JZSE_TESTS_FUZZ_ARCHIVE_BYTES_H_

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz.h"

namespace jzse::fuzz {

// A file in memory, for calls that take a descriptor. Made once; one run at a time uses it.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("fuzz", MFD_CLOEXEC)) { Require(fd_ >= 0, "no memory file"); }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int Holding(Bytes bytes) {
    Require(ftruncate(fd_, 0) == 0 && pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
            "the memory file cannot be written");
    lseek(fd_, 0, SEEK_SET);
    return fd_;
  }
  std::string Content() const {
    std::string bytes(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    Require(pread(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()), "cannot read");
    return bytes;
  }

 private:
  const int fd_;
};

inline void AppendCheck(size_t begin, uint64_t seed, std::string* out) {
  const base::Hash128 check = base::Xxh128(Bytes(*out).substr(begin), seed);
  base::Encoder encoder(out);
  encoder.U64(check.low);
  encoder.U64(check.high);
}

// The archive's bytes are given record by record: type, length (be16), payload. A type of which bit 7 is set asks for the
// SHA-256 of the pieces since the last such record, which no mutation would find.
inline std::string SealedArchive(Bytes input) {
  Choices choices(input);
  std::string archive = "JZSEARC1";
  base::Encoder encoder(&archive);
  encoder.U32(1);
  encoder.U32(choices.Byte());
  AppendCheck(0, 0, &archive);
  std::string content;
  for (uint64_t ordinal = 1; !choices.empty(); ++ordinal) {
    const uint8_t type = choices.Byte();
    Bytes payload = choices.Take(choices.Number(2));
    if ((type & 0x7f) == 2) content.append(payload);
    const base::Hash256 hash = base::Sha256(content);
    if ((type & 0x80) != 0) payload = hash.view();
    if ((type & 0x7f) == 3) content.clear();
    const size_t begin = archive.size();
    encoder.U32(static_cast<uint32_t>(payload.size()) | static_cast<uint32_t>(type & 0x7f) << 24);
    encoder.Raw(payload);
    AppendCheck(begin, ordinal, &archive);
  }
  return archive;
}

}  // namespace jzse::fuzz

#endif  // JZSE_TESTS_FUZZ_ARCHIVE_BYTES_H_
