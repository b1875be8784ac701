// SPDX-License-Identifier: Apache-2.0
// Payloads of journal records, and the keys and values that the index derives from them. docs/format.md section 3 has
// the bytes of the payloads; the index's own bytes are private to this version (kIndexVersion) and may change.
//
// Threads: pure functions and values.
#ifndef JZSE_STORE_RECORD_H_
#define JZSE_STORE_RECORD_H_

#include <string>
#include <vector>

#include "model/model.h"
#include "store/format.h"

namespace jzse::store {

using base::FileId;
using base::Hash256;
using base::NamespaceId;

inline constexpr uint32_t kIndexVersion = 4;

enum class ChangeType : uint8_t { kPut = 1, kDelete = 2, kMove = 3, kMkdir = 4, kMetadata = 5 };
enum class InlineEncoding : uint8_t { kNone = 0, kRaw = 1, kZstd = 2 };

struct ChangeRecord {
  NamespaceId ns = 0;
  ChangeType type = ChangeType::kPut;
  Sequence floor = 0;
  // The first change that had this content; those between it and this one are no versions. 0: this one.
  Sequence since = 0;
  std::string old_path;
  model::FileRecord file;
  InlineEncoding encoding = InlineEncoding::kNone;
  uint32_t inline_size = 0;   // of the content
  Bytes inline_bytes;         // as stored; borrowed
};
void EncodeChange(const ChangeRecord& change, std::string* out);
// `payload` without group prefix. A summary (no inline bytes behind it) decodes too, with empty inline_bytes.
StatusOr<ChangeRecord> DecodeChange(Bytes payload);

// Cheap. True: the file has never been moved and has one content, which refers to no other change's. False: it may have.
bool IsPlainChange(Bytes summary);

struct NamespaceRecord {
  NamespaceId id = 0;
  bool dropped = false;
  std::string name;
  model::NamespacePolicy policy;
};
void EncodeNamespace(const NamespaceRecord& record, std::string* out);
StatusOr<NamespaceRecord> DecodeNamespace(Bytes payload);

struct VersionDropRecord {
  struct Range {
    Sequence since = 0, version = 0;  // since: of the version
    bool operator==(const Range&) const = default;
  };
  NamespaceId ns = 0;
  FileId file;
  std::string path;
  std::vector<Range> versions;
};
void EncodeVersionDrop(const VersionDropRecord& record, std::string* out);
StatusOr<VersionDropRecord> DecodeVersionDrop(Bytes payload);

struct ChunkRecord {
  NamespaceId ns = 0;
  Hash256 hash;
  InlineEncoding encoding = InlineEncoding::kRaw;
  uint32_t size = 0;          // of the content
  Bytes bytes;                // as stored; borrowed
};
void EncodeChunk(const ChunkRecord& chunk, std::string* out);
StatusOr<ChunkRecord> DecodeChunk(Bytes payload);

// Decompresses or copies stored bytes; exactly `size` bytes come out.
Status DecodeContent(InlineEncoding encoding, Bytes stored, size_t size, std::string* out);
// `out` has room for `size` bytes.
Status DecodeContent(InlineEncoding encoding, Bytes stored, size_t size, char* out);

// ------------------------------------------------------------------------------------------------ the index

// Keys. `P` path -> the entry that owns it; `T` deleted files whose path another one owns now; `V` older versions;
// `H` holders of inline content that others refer to; `C` chunks; `N` namespaces; `M` the applied position.
std::string PathKey(NamespaceId ns, Bytes path);
std::string TombstoneKey(NamespaceId ns, Bytes path, const FileId& file);
std::string TombstonePrefix(NamespaceId ns, Bytes path);
std::string VersionKey(NamespaceId ns, const FileId& file, Sequence sequence);
std::string VersionPrefix(NamespaceId ns, const FileId& file);
std::string HolderKey(Sequence sequence);
std::string ChunkKey(NamespaceId ns, const Hash256& hash);
std::string NamespaceKey(NamespaceId ns);
std::string AppliedKey();
// The keys of a namespace under one letter: everything that begins so.
std::string KeyPrefix(char letter, NamespaceId ns);
inline constexpr size_t kKeyPrefixSize = 5;
inline Bytes PathOfKey(Bytes key) { return key.substr(kKeyPrefixSize); }   // of a P key
Sequence SequenceOfVersionKey(Bytes key);

// Records and their sizes are multiples of 8, so both are told in eighths.
void PutLocation(const Location& location, base::Encoder& encoder);
Location TakeLocation(base::Decoder& decoder);

struct HolderEntry {
  Location location;
  uint64_t references = 0;
};
std::string EncodeHolder(const HolderEntry& holder);
StatusOr<HolderEntry> DecodeHolder(Bytes value);

struct ChunkEntry {
  Location location;
  Sequence ordinal = 0;
  auto operator<=>(const ChunkEntry&) const = default;
};
std::string EncodeChunkEntry(const ChunkEntry& entry);
StatusOr<ChunkEntry> DecodeChunkEntry(Bytes value);

struct NamespaceTotals {
  uint64_t files = 0, bytes = 0, versions = 0, version_bytes = 0, tombstones = 0;
  uint64_t directories = 0;       // of files
  auto operator<=>(const NamespaceTotals&) const = default;
};
struct NamespaceEntry {
  NamespaceRecord record;
  Sequence sequence = 0;
  Location location;
  NamespaceTotals totals;
};
std::string EncodeNamespaceEntry(const NamespaceEntry& entry);
StatusOr<NamespaceEntry> DecodeNamespaceEntry(Bytes value);

// How far the index has come: everything before these places is in it.
struct Applied {
  uint32_t version = kIndexVersion;
  StoreId store;
  Sequence sequence = 0;          // last change
  model::Stamp stamp;             // highest seen
  SegmentId commit_segment = 0;   // 0: from the first
  uint64_t commit_offset = 0;
  SegmentId bulk_segment = 0;
  uint64_t bulk_offset = 0;
  Sequence ordinal = 0;           // highest chunk ordinal
};
std::string EncodeApplied(const Applied& applied);
StatusOr<Applied> DecodeApplied(Bytes value);

}  // namespace jzse::store

#endif  // JZSE_STORE_RECORD_H_
