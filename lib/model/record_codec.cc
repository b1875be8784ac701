// SPDX-License-Identifier: Apache-2.0
// The bytes of a file record; the layout stands in record.h. Every part that can be left out is left out exactly when
// its absence means the same, and Decode refuses the other form: so equal records have equal bytes.
#include <algorithm>

#include "model/record.h"

namespace jzse::model {
namespace {

using Storage = Content::Storage;

enum RecordFlag : uint8_t { kSeveral = 1, kPathDot = 2, kPathStamp = 4, kVector = 8, kAncestors = 16, kKnownFlags = 31 };
enum ContentFlag : uint8_t { kMtime = 64, kAttributes = 128 };
constexpr int kStorageShift = 2, kDotFormShift = 4;
enum DotForm : uint8_t { kSameDot = 0, kSameReplica = 1, kOtherReplica = 2 };

// The least vector a record can have: what its own dots imply.
VersionVector LeastVector(const FileRecord& record) {
  VersionVector vector;
  vector.Advance(record.id);
  vector.Advance(record.path.dot);
  for (const ContentVersion& version : record.contents) {
    vector.Advance(version.dot);
    for (const Dot& ancestor : version.ancestors) vector.Advance(ancestor);
  }
  return vector;
}

DotForm FormOf(const Dot& dot, const FileId& id) {
  if (dot == id) return kSameDot;
  return dot.replica == id.replica ? kSameReplica : kOtherReplica;
}

void EncodeDotRest(const Dot& dot, DotForm form, base::Encoder& encoder) {
  if (form == kOtherReplica) encoder.U64(dot.replica);
  if (form != kSameDot) encoder.Varint(dot.counter);
}

void EncodeDot(const Dot& dot, const FileId& id, base::Encoder& encoder) {
  const DotForm form = FormOf(dot, id);
  encoder.U8(form);
  EncodeDotRest(dot, form, encoder);
}

Dot DecodeDotRest(const FileId& id, uint8_t form, base::Decoder& decoder) {
  Dot dot = id;
  if (form > kOtherReplica) decoder.Reject();
  if (form == kOtherReplica) dot.replica = decoder.U64();
  if (form != kSameDot) dot.counter = decoder.Varint();
  if (dot.replica == 0 || dot.counter == 0 || FormOf(dot, id) != form) decoder.Reject();
  return dot;
}

Dot DecodeDot(const FileId& id, base::Decoder& decoder) {
  const uint8_t form = decoder.U8();
  return DecodeDotRest(id, form, decoder);
}

Stamp DecodeStamp(base::Decoder& decoder) { return {decoder.U64()}; }

bool HasBytes(const Content& content) {
  return content.kind == ContentKind::kFile || content.kind == ContentKind::kSymlink;
}
bool HasAttributes(const Content& content) { return !content.content_type.empty() || !content.metadata.empty(); }

void EncodeContent(const ContentVersion& version, const FileId& id, base::Encoder& encoder) {
  const Content& content = version.content;
  const DotForm form = FormOf(version.dot, id);
  encoder.U8(static_cast<uint8_t>(static_cast<unsigned>(content.kind) |
                                  static_cast<unsigned>(content.storage) << kStorageShift |
                                  static_cast<unsigned>(form) << kDotFormShift | (content.mtime_ns != 0 ? kMtime : 0) |
                                  (HasAttributes(content) ? kAttributes : 0)));
  EncodeDotRest(version.dot, form, encoder);
  encoder.U64(version.stamp.value);
  if (HasBytes(content)) {
    encoder.Varint(content.size);
    encoder.Raw(content.hash.view());
  }
  if (content.storage == Storage::kChunked) encoder.Prefixed(content.manifest);
  if (content.storage == Storage::kReference) encoder.Varint(content.reference);
  encoder.Varint(content.mode);
  if (content.mtime_ns != 0) encoder.SignedVarint(content.mtime_ns);
  if (!HasAttributes(content)) return;
  encoder.Prefixed(content.content_type);
  encoder.Varint(content.metadata.size());
  for (const auto& [key, value] : content.metadata) {
    encoder.Prefixed(key);
    encoder.Prefixed(value);
  }
}

void DecodeAttributes(base::Decoder& decoder, Content* content) {
  content->content_type = decoder.Prefixed(base::kContentTypeSizeMax);
  const uint64_t count = decoder.VarintMax(base::kMetadataCountMax);
  for (uint64_t i = 0; i < count && decoder.ok(); ++i) {
    const base::Bytes key = decoder.Prefixed(base::kMetadataKeySizeMax);
    const base::Bytes value = decoder.Prefixed(base::kMetadataSizeMax);
    content->metadata.emplace_back(key, value);
  }
  if (!HasAttributes(*content)) decoder.Reject();
}

void DecodeContent(base::Decoder& decoder, const FileId& id, ContentVersion* version) {
  Content& content = version->content;
  const uint8_t flags = decoder.U8();
  content.kind = static_cast<ContentKind>(flags & 3);
  content.storage = static_cast<Storage>(flags >> kStorageShift & 3);
  version->dot = DecodeDotRest(id, flags >> kDotFormShift & 3, decoder);
  version->stamp = DecodeStamp(decoder);
  if (HasBytes(content)) {
    content.size = decoder.Varint();
    const base::Bytes hash = decoder.Raw(sizeof content.hash.bytes);
    if (decoder.ok()) content.hash = base::Hash256::FromBytes(hash);
  }
  if (content.storage == Storage::kChunked) content.manifest = decoder.Prefixed(kManifestRootSizeMax);
  if (content.storage == Storage::kReference) content.reference = decoder.Varint();
  content.mode = static_cast<uint32_t>(decoder.VarintMax(UINT32_MAX));
  if (flags & kMtime) {
    content.mtime_ns = decoder.SignedVarint();
    if (content.mtime_ns == 0) decoder.Reject();
  }
  if (flags & kAttributes) DecodeAttributes(decoder, &content);
}

bool AnyAncestors(const FileRecord& record) {
  return std::any_of(record.contents.begin(), record.contents.end(),
                     [](const ContentVersion& version) { return !version.ancestors.empty(); });
}

}  // namespace

void Encode(const FileRecord& record, base::Encoder& encoder) {
  JZSE_CHECK(CheckRecord(record).ok());
  const bool several = record.contents.size() > 1, path_dot = record.path.dot != record.id,
             path_stamp = record.path.stamp != record.contents.front().stamp,
             vector = record.vector != LeastVector(record), ancestors = AnyAncestors(record);
  encoder.U8(static_cast<uint8_t>((several ? kSeveral : 0) | (path_dot ? kPathDot : 0) | (path_stamp ? kPathStamp : 0) |
                                  (vector ? kVector : 0) | (ancestors ? kAncestors : 0)));
  encoder.U64(record.id.replica);
  encoder.Varint(record.id.counter);
  encoder.Prefixed(record.path.path);
  if (path_dot) EncodeDot(record.path.dot, record.id, encoder);
  if (path_stamp) encoder.U64(record.path.stamp.value);
  if (several) encoder.Varint(record.contents.size());
  for (const ContentVersion& version : record.contents) {
    EncodeContent(version, record.id, encoder);
    if (!ancestors) continue;
    encoder.Varint(version.ancestors.size());
    for (const Dot& ancestor : version.ancestors) EncodeDot(ancestor, record.id, encoder);
  }
  if (vector) record.vector.Encode(encoder);
}

bool IsPlainRecord(base::Decoder& decoder) {
  const uint8_t flags = decoder.U8();
  if (flags & (kSeveral | kPathDot)) return false;
  decoder.U64();
  decoder.Varint();
  decoder.Prefixed(base::kPathSizeMax);
  if (flags & kPathStamp) decoder.U64();
  const uint8_t content = decoder.U8();
  return decoder.ok() && static_cast<Storage>(content >> kStorageShift & 3) != Storage::kReference;
}

bool Decode(base::Decoder& decoder, FileRecord* record) {
  const uint8_t flags = decoder.U8();
  if (flags & ~kKnownFlags) decoder.Reject();
  record->id.replica = decoder.U64();
  record->id.counter = decoder.Varint();
  record->path.path = decoder.Prefixed(base::kPathSizeMax);
  record->path.dot = flags & kPathDot ? DecodeDot(record->id, decoder) : record->id;
  if (flags & kPathStamp) record->path.stamp = DecodeStamp(decoder);
  const uint64_t count = flags & kSeveral ? decoder.VarintMax(base::kSiblingsMax) : 1;
  if ((flags & kSeveral) && count < 2) decoder.Reject();
  record->contents.clear();
  for (uint64_t i = 0; i < count && decoder.ok(); ++i) {
    ContentVersion& version = record->contents.emplace_back();
    DecodeContent(decoder, record->id, &version);
    if (!(flags & kAncestors)) continue;
    const uint64_t ancestors = decoder.VarintMax(kAncestorsMax);
    for (uint64_t n = 0; n < ancestors && decoder.ok(); ++n) {
      version.ancestors.push_back(DecodeDot(record->id, decoder));
    }
  }
  if (!decoder.ok() || record->id.replica == 0 || record->id.counter == 0) {
    decoder.Reject();
    return false;
  }
  if (!(flags & kPathStamp)) record->path.stamp = record->contents.front().stamp;
  const VersionVector least = LeastVector(*record);
  record->vector = least;
  if (flags & kVector) record->vector.Decode(decoder);
  const bool canonical = ((flags & kPathDot) == 0) == (record->path.dot == record->id) &&
                         ((flags & kPathStamp) == 0) == (record->path.stamp == record->contents.front().stamp) &&
                         ((flags & kVector) == 0) == (record->vector == least) &&
                         ((flags & kAncestors) == 0) == !AnyAncestors(*record);
  if (!decoder.ok() || !canonical || !CheckRecord(*record).ok()) decoder.Reject();
  return decoder.ok();
}

}  // namespace jzse::model
