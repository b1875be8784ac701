// SPDX-License-Identifier: Apache-2.0
// One state of one file as the index tells it: everything but the inline bytes. P, T and V keys have it as their value.
//
// What a listing shows stands first, so that listing a million names decodes nothing else. What the key says already, or
// what follows from the rest, is left out:
//   u8            bits 0..1 kind, 2..3 storage of the content that is served; 4 it has an mtime; 5 its dot is not the file
//                 id; 6 it has attributes; 7 the whole file record follows, because it is more than can be said here
//   varint        sequence
//   u64, varint   file id: replica, counter
//   u64           stamp
//   varint, 32    size, identity; files and symlinks only
//   varint        mode
//   svarint       mtime in ns, not 0; with bit 4
//   ------------- up to here for listings
//   u8            type of the change
//   varint        segment, offset / 8, size / 8
//   varint        floor; versions; sequence - since, modulo 2^64
//   with bit 7    a file record (model/record.h), and nothing else; bits 5 and 6 are 0
//   varint        with bit 5: twice the counter of the content's dot, plus 1 if its replica is another: u64 follows
//   varint        stamp of the content - stamp of the path, modulo 2^64
//   bytes         chunked: the root manifest node
//   varint        reference: the sequence that it refers to
//   with bit 6    bytes content type, varint count, count times bytes key, bytes value
//   bytes         the path; V keys only, the others end with it
// Bit 7 is set if and only if the record has several contents, ancestors, a path that was changed after the file was
// created, or a vector that says more than its dots. So an entry has one encoding.
//
// Threads: pure functions and values.
#ifndef JZSE_STORE_FILE_ENTRY_H_
#define JZSE_STORE_FILE_ENTRY_H_

#include <string>

#include "store/record.h"

namespace jzse::store {

struct FileEntry {
  Sequence sequence = 0;
  Location location;
  ChangeType type = ChangeType::kPut;
  Sequence floor = 0;
  uint32_t versions = 0;          // how many V entries the file has (meaningful in P and T)
  model::FileRecord file;
  Sequence since = 0;             // the first change that had this content

  const model::ContentVersion& content() const { return file.winner(); }
  model::ContentKind kind() const { return content().content.kind; }
  bool live() const { return kind() != model::ContentKind::kDeleted; }
  const FileId& id() const { return file.id; }
};
// `key`: under which it stands. REQUIRES: a P or T key is one of the entry's path.
std::string EncodeFileEntry(Bytes key, const FileEntry& entry);
StatusOr<FileEntry> DecodeFileEntry(Bytes key, Bytes value);

// The part that listings show.
struct ListedEntry {
  model::ContentKind kind = model::ContentKind::kDeleted;
  uint32_t mode = 0;
  Sequence sequence = 0;
  FileId id;
  model::Stamp stamp;
  uint64_t size = 0;
  Bytes hash;                     // 32 bytes, or none; borrowed from the value
  int64_t mtime_ns = 0;
};
// False: malformed.
bool DecodeListed(Bytes value, ListedEntry* entry);
// Whether the value of a P key is a live entry.
StatusOr<bool> IsLiveValue(Bytes value);

}  // namespace jzse::store

#endif  // JZSE_STORE_FILE_ENTRY_H_
