// SPDX-License-Identifier: Apache-2.0
// The bytes of an archive: docs/format-archive.md, one function per record. Nothing here knows a store. A reader
// reads ahead: the archive is the whole stream.
//
// Invariants
//   1. A reader never allocates more than one record, whatever the stream claims.
//   2. Everything that does not follow the format is JZSE_CORRUPT with the offset of the record it is in.
//   3. What a writer writes, a reader accepts.
//
// Threading: a writer or reader belongs to one thread.
#ifndef JZSE_CAPI_ARCHIVE_FORMAT_H_
#define JZSE_CAPI_ARCHIVE_FORMAT_H_

#include <memory>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace jzse::capi {

using base::Bytes;
using base::Status;
using base::StatusOr;

inline constexpr size_t kArchivePieceMax = 1 * base::kMiB;

struct ArchiveState {
  model::ContentKind kind = model::ContentKind::kFile;
  bool older = false;
  std::string path;
  uint64_t size = 0;
  engine::Attributes attributes;

  bool has_content() const {
    return kind == model::ContentKind::kFile || kind == model::ContentKind::kSymlink;
  }
};

struct ArchiveCounts {
  uint64_t newest = 0, older = 0, bytes = 0;
  bool operator==(const ArchiveCounts&) const = default;
};

class ArchiveWriter {
 public:
  explicit ArchiveWriter(int fd) : fd_(fd) {}

  Status Begin(bool with_versions);
  Status State(const ArchiveState& state);
  Status Piece(Bytes bytes);  // REQUIRES: 1..kArchivePieceMax bytes
  Status EndContent(const base::Hash256& hash);
  Status End(const ArchiveCounts& counts);  // and everything is written

 private:
  Status Record(uint8_t type, Bytes payload);
  Status Flush();

  const int fd_;
  uint64_t ordinal_ = 0;
  std::string buffer_;
};

class ArchiveReader {
 public:
  enum class Type : uint8_t { kState = 1, kPiece = 2, kEndContent = 3, kEnd = 4 };

  explicit ArchiveReader(int fd) : fd_(fd) {}

  StatusOr<bool> Begin();  // whether older versions are included
  // The next record, whose payload the functions below read. It is valid until the next call.
  StatusOr<Type> Next();
  Bytes payload() const { return payload_; }
  StatusOr<ArchiveState> State() const;
  StatusOr<base::Hash256> EndContent() const;
  StatusOr<ArchiveCounts> End() const;
  Status AtEnd();  // that nothing follows

  // JZSE_CORRUPT for the record read last.
  Status Damaged(std::string_view what) const;

 private:
  Status Read(size_t size, const char* what);

  const int fd_;
  uint64_t offset_ = 0;         // of the next byte to read
  uint64_t record_offset_ = 0;  // of the record read last
  uint64_t ordinal_ = 0;
  std::unique_ptr<char[]> input_buffer_;
  Bytes input_;                 // of it, not yet consumed
  std::string buffer_;          // the record read last
  Bytes payload_;               // of it
};

}  // namespace jzse::capi

#endif  // JZSE_CAPI_ARCHIVE_FORMAT_H_
