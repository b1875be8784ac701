// SPDX-License-Identifier: Apache-2.0
#include "store/file_entry.h"

#include <algorithm>
#include <utility>

namespace jzse::store {
namespace {

using base::Code;
using base::Decoder;
using base::Encoder;
using base::Fail;
using model::Content;
using model::ContentKind;
using model::ContentVersion;
using model::FileRecord;
using Storage = Content::Storage;

enum Tag : uint8_t { kMtime = 16, kOwnDot = 32, kAttributes = 64, kWhole = 128 };
constexpr int kStorageShift = 2;
constexpr size_t kTombstoneSuffix = 17;  // NUL and the file id
constexpr uint64_t kCounterMax = UINT64_MAX >> 1;

Status Malformed() { return Fail(Code::kCorrupt, "malformed index entry"); }

bool HasBytes(ContentKind kind) { return kind == ContentKind::kFile || kind == ContentKind::kSymlink; }
bool HasAttributes(const Content& content) { return !content.content_type.empty() || !content.metadata.empty(); }

bool HasPath(Bytes key) { return key.front() != 'V'; }
Bytes PathIn(Bytes key) {
  const size_t rest = kKeyPrefixSize + (key.front() == 'T' ? kTombstoneSuffix : 0);
  return key.size() < rest ? Bytes() : key.substr(kKeyPrefixSize, key.size() - rest);
}

// Whether all of the record that the short form leaves out follows from what it says.
bool IsPlain(const FileRecord& file) {
  if (file.contents.size() != 1 || file.path.dot != file.id) return false;
  const ContentVersion& version = file.contents.front();
  if (!version.ancestors.empty() || version.dot.counter > kCounterMax) return false;
  model::VersionVector least;
  least.Advance(file.id);
  least.Advance(version.dot);
  return file.vector == least;
}

inline bool TakeListed(Decoder& decoder, uint8_t* tag, ListedEntry* entry) {
  *tag = decoder.U8();
  entry->kind = static_cast<ContentKind>(*tag & 3);
  entry->sequence = decoder.Varint();
  entry->id.replica = decoder.U64();
  entry->id.counter = decoder.Varint();
  entry->stamp.value = decoder.U64();
  entry->size = 0;
  entry->hash = {};
  if (HasBytes(entry->kind)) {
    entry->size = decoder.Varint();
    entry->hash = decoder.Raw(sizeof(Hash256));
  }
  entry->mode = static_cast<uint32_t>(decoder.VarintMax(UINT32_MAX));
  entry->mtime_ns = 0;
  if ((*tag & kMtime) != 0) {
    entry->mtime_ns = decoder.SignedVarint();
    if (entry->mtime_ns == 0) decoder.Reject();
  }
  return decoder.ok();
}

void PutPlain(Bytes key, const FileRecord& file, Encoder& encoder) {
  const ContentVersion& version = file.contents.front();
  const Content& content = version.content;
  if (version.dot != file.id) {
    const bool other = version.dot.replica != file.id.replica;
    encoder.Varint(version.dot.counter << 1 | (other ? 1 : 0));
    if (other) encoder.U64(version.dot.replica);
  }
  encoder.Varint(version.stamp.value - file.path.stamp.value);
  if (content.storage == Storage::kChunked) encoder.Prefixed(content.manifest);
  if (content.storage == Storage::kReference) encoder.Varint(content.reference);
  if (HasAttributes(content)) {
    encoder.Prefixed(content.content_type);
    encoder.Varint(content.metadata.size());
    for (const auto& [name, value] : content.metadata) {
      encoder.Prefixed(name);
      encoder.Prefixed(value);
    }
  }
  if (!HasPath(key)) encoder.Prefixed(file.path.path);
}

void TakeAttributes(Decoder& decoder, Content* content) {
  content->content_type = decoder.Prefixed(base::kContentTypeSizeMax);
  const uint64_t count = decoder.VarintMax(base::kMetadataCountMax);
  for (uint64_t i = 0; i < count && decoder.ok(); ++i) {
    const Bytes name = decoder.Prefixed(base::kMetadataKeySizeMax);
    const Bytes value = decoder.Prefixed(base::kMetadataSizeMax);
    content->metadata.emplace_back(name, value);
  }
  if (!HasAttributes(*content)) decoder.Reject();
}

// `file` has its id.
bool TakePlain(Bytes key, uint8_t tag, const ListedEntry& listed, Decoder& decoder, FileRecord* file) {
  ContentVersion& version = file->contents.emplace_back();
  Content& content = version.content;
  content.kind = listed.kind;
  content.storage = static_cast<Storage>(tag >> kStorageShift & 3);
  content.mode = listed.mode;
  content.size = listed.size;
  if (!listed.hash.empty()) content.hash = Hash256::FromBytes(listed.hash);
  content.mtime_ns = listed.mtime_ns;
  version.stamp = listed.stamp;
  version.dot = file->id;
  if ((tag & kOwnDot) != 0) {
    const uint64_t form = decoder.Varint();
    version.dot.counter = form >> 1;
    if ((form & 1) != 0) version.dot.replica = decoder.U64();
    if (version.dot == file->id || ((form & 1) != 0 && version.dot.replica == file->id.replica)) return false;
  }
  file->path.dot = file->id;
  file->path.stamp.value = version.stamp.value - decoder.Varint();
  if (content.storage == Storage::kChunked) content.manifest = decoder.Prefixed(model::kManifestRootSizeMax);
  if (content.storage == Storage::kReference) content.reference = decoder.Varint();
  if ((tag & kAttributes) != 0) TakeAttributes(decoder, &content);
  file->path.path = HasPath(key) ? PathIn(key) : decoder.Prefixed(base::kPathSizeMax);
  for (const base::Dot& dot : {file->id, version.dot})
    if (dot.replica == 0 || dot.counter == 0) return false;
  if (version.dot.counter > kCounterMax) return false;
  file->vector.Advance(file->id);
  file->vector.Advance(version.dot);
  return decoder.done() && model::CheckRecord(*file).ok();
}

// A whole record beside what the head says of it already.
bool TakeWhole(Bytes key, uint8_t tag, const ListedEntry& listed, Decoder& decoder, FileRecord* file) {
  if ((tag & (kOwnDot | kAttributes)) != 0 || !model::Decode(decoder, file) || !decoder.done()) return false;
  const ContentVersion& version = file->winner();
  const Content& content = version.content;
  const Bytes hash = HasBytes(content.kind) ? content.hash.view() : Bytes();
  return !IsPlain(*file) && file->id == listed.id && version.stamp == listed.stamp && content.kind == listed.kind &&
         static_cast<uint8_t>(content.storage) == (tag >> kStorageShift & 3) && content.mode == listed.mode &&
         content.size == listed.size && content.mtime_ns == listed.mtime_ns && hash == listed.hash &&
         (!HasPath(key) || file->path.path == PathIn(key));
}

}  // namespace

std::string EncodeFileEntry(Bytes key, const FileEntry& entry) {
  const FileRecord& file = entry.file;
  const bool plain = IsPlain(file);
  const ContentVersion& version = entry.content();
  const Content& content = version.content;
  std::string value;
  value.reserve(96);
  Encoder encoder(&value);
  encoder.U8(static_cast<uint8_t>(static_cast<unsigned>(content.kind) |
                                  static_cast<unsigned>(content.storage) << kStorageShift |
                                  (content.mtime_ns != 0 ? kMtime : 0) | (plain ? 0 : kWhole) |
                                  (plain && version.dot != file.id ? kOwnDot : 0) |
                                  (plain && HasAttributes(content) ? kAttributes : 0)));
  encoder.Varint(entry.sequence);
  encoder.U64(file.id.replica);
  encoder.Varint(file.id.counter);
  encoder.U64(version.stamp.value);
  if (HasBytes(content.kind)) {
    encoder.Varint(content.size);
    encoder.Raw(content.hash.view());
  }
  encoder.Varint(content.mode);
  if (content.mtime_ns != 0) encoder.SignedVarint(content.mtime_ns);
  encoder.U8(static_cast<uint8_t>(entry.type));
  PutLocation(entry.location, encoder);
  encoder.Varint(entry.floor);
  encoder.Varint(entry.versions);
  encoder.Varint(entry.sequence - entry.since);
  if (plain) {
    PutPlain(key, file, encoder);
  } else {
    model::Encode(file, encoder);
  }
  return value;
}

StatusOr<FileEntry> DecodeFileEntry(Bytes key, Bytes value) {
  Decoder decoder(value);
  uint8_t tag = 0;
  ListedEntry listed;
  FileEntry entry;
  if (key.empty() || !TakeListed(decoder, &tag, &listed)) return Malformed();
  entry.sequence = listed.sequence;
  entry.type = static_cast<ChangeType>(decoder.U8());
  entry.location = TakeLocation(decoder);
  entry.floor = decoder.Varint();
  entry.versions = static_cast<uint32_t>(decoder.VarintMax(UINT32_MAX));
  entry.since = entry.sequence - decoder.Varint();
  if (!decoder.ok() || entry.type < ChangeType::kPut || entry.type > ChangeType::kMetadata) return Malformed();
  entry.file.id = listed.id;
  const bool taken = (tag & kWhole) != 0 ? TakeWhole(key, tag, listed, decoder, &entry.file)
                                         : TakePlain(key, tag, listed, decoder, &entry.file);
  if (!taken) return Malformed();
  return entry;
}

bool DecodeListed(Bytes value, ListedEntry* entry) {
  Decoder decoder(value);
  uint8_t tag = 0;
  return TakeListed(decoder, &tag, entry);
}

StatusOr<bool> IsLiveValue(Bytes value) {
  if (value.empty()) return Malformed();
  return static_cast<ContentKind>(value.front() & 3) != ContentKind::kDeleted;
}

}  // namespace jzse::store
