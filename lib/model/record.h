// SPDX-License-Identifier: Apache-2.0
// The file record: the whole state of one file, as journals, indexes and peers hold it.
//
// Invariants (CheckRecord; Decode refuses and Encode aborts on anything else):
// 1. Dots and the file id have neither part 0; stamps are valid.
// 2. `contents` holds 1..kSiblingsMax concurrent contents, strictly rising by dot.
// 3. The vector contains the id, the path's dot and every content's dot and ancestors.
// 4. The path is plain text of 1..kPathSizeMax bytes (its namespace's rules were applied at the edge).
// 5. Contents are as CheckContent says.
//
// Encoding, one for each record:
//   u8 flags      1: several contents; 2: the path's dot is given, else it is the id; 4: the path's stamp is given, else
//                 it is the first content's; 8: the vector is given, else it is the least one of invariant 3;
//                 16: contents give ancestors. A part is given if and only if it differs from what its absence means.
//   u64, varint   id: replica, counter
//   bytes         path
//   dot           of the path, with flag 2
//   u64           stamp of the path, with flag 4
//   varint        number of contents, at least 2, with flag 1
//   content ...
//   vector        with flag 8 (version_vector.h)
// A dot is: u8 0 the id itself; 1 the id's replica, varint counter; 2 u64 replica, varint counter; the lowest that fits.
// A content is:
//   u8            bits 0..1 kind, 2..3 storage, 4..5 how its dot is given (as the u8 of a dot), 6 has mtime,
//                 7 has attributes
//   the dot's rest, u64 stamp
//   varint size, 32 bytes hash (files and symlinks)
//   bytes manifest (chunked) or varint reference (reference)
//   varint mode; svarint mtime, not 0, with bit 6
//   with bit 7: bytes content type, varint count, then bytes key, bytes value each
//   with flag 16 of the record: varint count, then that many dots
// The usual record of a 4 KiB file that was put once takes 57 bytes and its path.
#ifndef JZSE_MODEL_RECORD_H_
#define JZSE_MODEL_RECORD_H_

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "base/base.h"
#include "model/stamp.h"
#include "model/version_vector.h"

namespace jzse::model {

using base::Dot;
using base::FileId;

inline constexpr size_t kManifestRootSizeMax = 1024;  // a root has at most 12 entries
inline constexpr size_t kAncestorsMax = 16;

enum class ContentKind : uint8_t { kDeleted = 0, kFile = 1, kSymlink = 2, kDirectory = 3 };

struct Content {
  // Where the bytes are. kNone: there are none (deleted, directory), or they are not held here (a file on demand).
  enum class Storage : uint8_t { kNone = 0, kInline = 1, kChunked = 2, kReference = 3 };

  ContentKind kind = ContentKind::kDeleted;
  Storage storage = Storage::kNone;
  uint32_t mode = 0;
  uint64_t size = 0;
  base::Hash256 hash;            // the identity; empty for kDeleted and kDirectory
  base::Sequence reference = 0;  // kReference: the change in the own journal that holds the inline bytes
  int64_t mtime_ns = 0;
  std::string manifest;          // kChunked: the root manifest node
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> metadata;  // sorted by key, keys unique

  bool operator==(const Content&) const = default;
};

// Sizes, counts, UTF-8 of the attributes, and that the parts fit the kind: a tombstone and a directory have no size,
// hash and storage, a tombstone no attributes either. kInvalid or kTooLarge; the message says which part.
base::Status CheckContent(const Content& content);
// Equal kind and bytes, wherever the bytes are and whatever the attributes.
bool SameBytes(const Content& a, const Content& b);
// Equal in all that users see: everything but storage, reference and manifest, which say where a store has the bytes.
bool SameValue(const Content& a, const Content& b);

struct ContentVersion {
  Content content;
  Dot dot;
  Stamp stamp;
  // Dots of contents that this one descends from, the nearest first, unique, at most kAncestorsMax. Kept only where the
  // strategy is `merge`, which needs a common base; empty elsewhere.
  std::vector<Dot> ancestors;

  bool live() const { return content.kind != ContentKind::kDeleted; }
  bool operator==(const ContentVersion&) const = default;
};

using Contents = absl::InlinedVector<ContentVersion, 1>;

struct PathRegister {
  std::string path;
  Dot dot;
  Stamp stamp;

  bool operator==(const PathRegister&) const = default;
};

struct FileRecord {
  FileId id;
  PathRegister path;
  Contents contents;  // concurrent siblings; one for a file without conflict
  VersionVector vector;

  // The content that is served: the highest live one by Rank, or the highest tombstone if none is live: an edit
  // survives a concurrent delete. REQUIRES: contents is not empty, as in every checked record
  const ContentVersion& winner() const;
  bool deleted() const { return !winner().live(); }
  bool operator==(const FileRecord&) const = default;
};

// The order in which concurrent contents win: stamp, replica, hash, counter. Total for contents of different dots.
std::strong_ordering Rank(const ContentVersion& a, const ContentVersion& b);

// Local changes. REQUIRES: `dot` is of the own replica and above what the record's vector has of it; `stamp` is new, so
// above every stamp in the record (checked for the path, which would otherwise fall back to where it was).
FileRecord NewRecord(std::string path, Content content, const Dot& dot, Stamp stamp);
// Supersedes all siblings. `keep_ancestors` in namespaces whose strategy is `merge`.
void SetContent(FileRecord& record, Content content, const Dot& dot, Stamp stamp, bool keep_ancestors = false);
void SetPath(FileRecord& record, std::string path, const Dot& dot, Stamp stamp);

base::Status CheckRecord(const FileRecord& record);

// REQUIRES: CheckRecord(record).ok()
void Encode(const FileRecord& record, base::Encoder& encoder);
// Strict. False, with the decoder rejected and *record unspecified, for bytes that are no encoding of a valid record.
bool Decode(base::Decoder& decoder, FileRecord* record);
// Looks at the beginning of an encoding alone. True: one content, which is no reference, and the first path. False: it
// may be otherwise. Takes an unspecified part.
bool IsPlainRecord(base::Decoder& decoder);

}  // namespace jzse::model

#endif  // JZSE_MODEL_RECORD_H_
