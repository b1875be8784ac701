// SPDX-License-Identifier: Apache-2.0
// The frame of the journal: segment header, record, trailer, census, identity file. docs/format.md is the authority; this is
// its transcription, without any I/O.
//
// Threads: pure functions and values.
#ifndef JZSE_STORE_FORMAT_H_
#define JZSE_STORE_FORMAT_H_

#include <optional>
#include <string>
#include <vector>

#include "base/base.h"

namespace jzse::store {

using base::Bytes;
using base::ReplicaId;
using base::SegmentId;
using base::Sequence;
using base::Status;
using base::StatusOr;
using base::StoreId;

inline constexpr uint32_t kFormatVersion = 1;

enum class Stream : uint8_t { kCommit = 1, kBulk = 2, kCold = 3 };
enum class RecordType : uint8_t { kChange = 1, kNamespace = 2, kVersionDrop = 3, kChunk = 4, kFooter = 5 };

inline constexpr uint8_t kFlagGroupFirst = 1;
inline constexpr uint8_t kFlagTransactionMore = 2;
inline constexpr size_t kGroupPrefixSize = 24;
inline constexpr size_t kTrailerSize = 64;
inline constexpr size_t kReplacesMax = 256;

// Where a record lies: its first byte and its whole size with header, padding and check.
struct Location {
  SegmentId segment = 0;
  uint32_t offset = 0;
  uint32_t size = 0;
  auto operator<=>(const Location&) const = default;
};

struct Identity {
  StoreId store;
  ReplicaId replica = 0;
  std::string region;
};
std::string EncodeIdentity(const Identity& identity);
// kUnsupported for a newer format, kInvalid for something else entirely, kCorrupt for a bad check.
StatusOr<Identity> DecodeIdentity(Bytes bytes);

// In a cold segment first_sequence and previous_end are the highest sequence and ordinal that were known durable.
struct SegmentHeader {
  Stream stream = Stream::kCommit;
  StoreId store;
  SegmentId id = 0;
  ReplicaId replica = 0;
  Sequence first_sequence = 0;
  SegmentId previous = 0;
  uint64_t previous_end = 0;
  uint64_t created_micros = 0;
  std::vector<SegmentId> replaces;
};
std::string EncodeSegmentHeader(const SegmentHeader& header);  // kSegmentHeaderSize bytes
StatusOr<SegmentHeader> DecodeSegmentHeader(Bytes bytes);

std::string SegmentFileName(SegmentId id);
std::optional<SegmentId> ParseSegmentFileName(std::string_view name);

// The frame of one record. `payload` includes a group prefix if the flag says so.
struct RecordHeader {
  RecordType type = RecordType::kChange;
  uint8_t flags = 0;
  uint32_t group_position = 0;
  uint32_t length = 0;       // of the payload
  Sequence sequence = 0;
};
inline uint32_t RecordSize(size_t payload_size) {
  return static_cast<uint32_t>(base::AlignUp(base::kRecordHeaderSize + payload_size, 8) +
                               base::kRecordCheckSize);
}

// Checks records of one segment: the binding to store, segment and offset.
class RecordSealer {
 public:
  RecordSealer(const StoreId& store, SegmentId segment) : store_(store), segment_(segment) {}
  uint64_t SeedAt(uint64_t offset) const;
  base::Hash128 CheckAt(uint64_t offset, Bytes bytes) const { return base::Xxh128(bytes, SeedAt(offset)); }

 private:
  StoreId store_;
  SegmentId segment_;
};

void StoreRecordHeader(const RecordHeader& header, char* out);
// Appends header and room for a payload that the caller appends piece by piece; FinishRecord pads and checks.
size_t BeginRecord(const RecordHeader& header, std::string* out);  // position of the record in *out
// `offset` is where the record will lie in the segment. Fixes the length in the header.
void FinishRecord(const RecordSealer& sealer, uint64_t offset, size_t position, std::string* out);

// Reads the frame without the check: false unless type, length and size are possible within `bytes_max`.
bool ParseRecordHeader(Bytes bytes, uint64_t bytes_max, RecordHeader* header);
// `record` is exactly RecordSize(header.length) bytes. Padding and check.
bool RecordValid(const RecordSealer& sealer, uint64_t offset, const RecordHeader& header, Bytes record);
inline Bytes PayloadOf(const RecordHeader& header, Bytes record) {
  return record.substr(base::kRecordHeaderSize, header.length);
}

struct GroupPrefix {
  uint32_t bytes = 0;
  uint32_t records = 0;
  Sequence durable = 0;
  uint64_t previous_check = 0;
};
void StoreGroupPrefix(const GroupPrefix& prefix, char* out);
GroupPrefix LoadGroupPrefix(Bytes payload);  // REQUIRES: payload.size() >= kGroupPrefixSize

struct Trailer {
  uint64_t footer_begin = 0, footer_end = 0;
  uint64_t records = 0;
  Sequence first = 0, last = 0;
  auto operator<=>(const Trailer&) const = default;
};
std::string EncodeTrailer(const RecordSealer& sealer, const Trailer& trailer);
std::optional<Trailer> DecodeTrailer(const RecordSealer& sealer, uint64_t offset, Bytes bytes);

// One record as a footer tells it.
struct FooterEntry {
  RecordHeader header;
  uint32_t offset = 0;
  std::string summary;
};
class FooterPageBuilder {
 public:
  void Add(const FooterEntry& entry) { Add(entry.header, entry.offset, entry.summary); }
  void Add(const RecordHeader& header, uint32_t offset, Bytes summary);
  size_t size() const { return bytes_.size(); }
  std::string Take();   // and starts a new page

 private:
  std::string bytes_;
  uint32_t offset_ = 0;
  Sequence sequence_ = 0;
};
StatusOr<std::vector<FooterEntry>> DecodeFooterPage(Bytes payload);

// What the census says of one segment.
struct CensusEntry {
  SegmentId id = 0;
  Stream stream = Stream::kCommit;
  std::optional<Trailer> trailer;  // of a sealed one
  auto operator<=>(const CensusEntry&) const = default;
};
inline constexpr size_t kCensusEntriesMax = 1 << 20;
inline constexpr size_t kCensusBytesMax = kCensusEntriesMax * 64;
// REQUIRES: ids strictly rising, at most kCensusEntriesMax.
std::string EncodeCensus(const StoreId& store, const std::vector<CensusEntry>& entries);
// kCorrupt if it is not the census of this store.
StatusOr<std::vector<CensusEntry>> DecodeCensus(Bytes bytes, const StoreId& store);

}  // namespace jzse::store

#endif  // JZSE_STORE_FORMAT_H_
