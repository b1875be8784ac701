// SPDX-License-Identifier: Apache-2.0
#include "store/record.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "store/compress.h"
#include "store/segment.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Decoder;
using base::Encoder;
using base::Fail;

Status Malformed(std::string_view what) {
  return Fail(Code::kCorrupt, absl::StrCat("malformed ", absl::string_view(what.data(), what.size())));
}

void PutFileId(const FileId& id, Encoder& encoder) {
  encoder.U64(id.replica);
  encoder.Varint(id.counter);
}
FileId TakeFileId(Decoder& decoder) {
  FileId id;
  id.replica = decoder.U64();
  id.counter = decoder.Varint();
  if (id.empty() || id.counter == 0) decoder.Reject();
  return id;
}

bool IsChangeType(uint8_t type) { return type >= 1 && type <= 5; }

// What is in front of the inline bytes, as one decoder pass shared by record and summary.
bool TakeChangeHead(Decoder& decoder, ChangeRecord* change) {
  change->ns = static_cast<NamespaceId>(decoder.VarintMax(UINT32_MAX));
  const uint8_t type = decoder.U8();
  change->floor = decoder.Varint();
  change->since = decoder.Varint();
  change->old_path = decoder.Prefixed(base::kPathSizeMax);
  const Bytes file = decoder.Prefixed(base::kRecordPayloadMax);
  const uint8_t encoding = decoder.U8();
  if (!decoder.ok() || !IsChangeType(type) || encoding > 2 || change->ns == 0) return false;
  change->type = static_cast<ChangeType>(type);
  change->encoding = static_cast<InlineEncoding>(encoding);
  Decoder file_decoder(file);
  if (!model::Decode(file_decoder, &change->file) || !file_decoder.done()) return false;
  if (change->encoding == InlineEncoding::kZstd)
    change->inline_size = static_cast<uint32_t>(decoder.VarintMax(base::kInlineSizeMax));
  return decoder.ok();
}

}  // namespace

void EncodeChange(const ChangeRecord& change, std::string* out) {
  Encoder encoder(out);
  encoder.Varint(change.ns);
  encoder.U8(static_cast<uint8_t>(change.type));
  encoder.Varint(change.floor);
  encoder.Varint(change.since);
  encoder.Prefixed(change.old_path);
  // In place, with its length put in front afterwards, which costs no memory of its own.
  const size_t begin = out->size();
  model::Encode(change.file, encoder);
  const size_t end = out->size();
  encoder.Varint(end - begin);
  std::rotate(out->begin() + static_cast<ptrdiff_t>(begin), out->begin() + static_cast<ptrdiff_t>(end), out->end());
  encoder.U8(static_cast<uint8_t>(change.encoding));
  if (change.encoding == InlineEncoding::kZstd) encoder.Varint(change.inline_size);
  encoder.Raw(change.inline_bytes);
}

StatusOr<ChangeRecord> DecodeChange(Bytes payload) {
  Decoder decoder(payload);
  ChangeRecord change;
  if (!TakeChangeHead(decoder, &change)) return Malformed("change record");
  change.inline_bytes = decoder.Rest();
  if (change.encoding == InlineEncoding::kNone && !change.inline_bytes.empty()) return Malformed("change record");
  if (change.encoding == InlineEncoding::kRaw)
    change.inline_size = static_cast<uint32_t>(change.inline_bytes.size());
  if (change.inline_bytes.size() > base::kInlineSizeMax) return Malformed("change record");
  return change;
}

bool IsPlainChange(Bytes summary) {
  Decoder decoder(summary);
  decoder.Varint();
  decoder.U8();
  decoder.Varint();
  decoder.Varint();
  decoder.Prefixed(base::kPathSizeMax);
  Decoder file(decoder.Prefixed(base::kRecordPayloadMax));
  return decoder.ok() && model::IsPlainRecord(file);
}

void EncodeNamespace(const NamespaceRecord& record, std::string* out) {
  Encoder encoder(out);
  encoder.Varint(record.id);
  encoder.U8(record.dropped ? 2 : 1);
  encoder.Prefixed(record.name);
  model::Encode(record.policy, encoder);
}

StatusOr<NamespaceRecord> DecodeNamespace(Bytes payload) {
  Decoder decoder(payload);
  NamespaceRecord record;
  record.id = static_cast<NamespaceId>(decoder.VarintMax(UINT32_MAX));
  const uint8_t state = decoder.U8();
  record.name = decoder.Prefixed(base::kNamespaceNameSizeMax);
  if (!decoder.ok() || record.id == 0 || state < 1 || state > 2 || !model::CheckNamespaceName(record.name).ok())
    return Malformed("namespace record");
  record.dropped = state == 2;
  JZSE_ASSIGN_OR_RETURN(record.policy, model::DecodePolicy(decoder));
  if (!decoder.done()) return Malformed("namespace record");
  return record;
}

void EncodeVersionDrop(const VersionDropRecord& record, std::string* out) {
  Encoder encoder(out);
  encoder.Varint(record.ns);
  PutFileId(record.file, encoder);
  encoder.Prefixed(record.path);
  encoder.Varint(record.versions.size());
  for (const auto& [since, version] : record.versions) {
    encoder.Varint(version);
    encoder.Varint(version - since);
  }
}

StatusOr<VersionDropRecord> DecodeVersionDrop(Bytes payload) {
  Decoder decoder(payload);
  VersionDropRecord record;
  record.ns = static_cast<NamespaceId>(decoder.VarintMax(UINT32_MAX));
  record.file = TakeFileId(decoder);
  record.path = decoder.Prefixed(base::kPathSizeMax);
  const uint64_t count = decoder.VarintMax(decoder.remaining());
  for (uint64_t i = 0; i < count && decoder.ok(); ++i) {
    const Sequence version = decoder.Varint();
    record.versions.push_back({version - decoder.VarintMax(version), version});
  }
  if (!decoder.done() || record.ns == 0 || record.versions.empty()) return Malformed("version drop record");
  return record;
}

void EncodeChunk(const ChunkRecord& chunk, std::string* out) {
  Encoder encoder(out);
  encoder.Varint(chunk.ns);
  encoder.Raw(chunk.hash.view());
  encoder.U8(static_cast<uint8_t>(chunk.encoding));
  encoder.Varint(chunk.size);
  encoder.Raw(chunk.bytes);
}

StatusOr<ChunkRecord> DecodeChunk(Bytes payload) {
  Decoder decoder(payload);
  ChunkRecord chunk;
  chunk.ns = static_cast<NamespaceId>(decoder.VarintMax(UINT32_MAX));
  const Bytes hash = decoder.Raw(32);
  const uint8_t encoding = decoder.U8();
  chunk.size = static_cast<uint32_t>(decoder.VarintMax(base::kRecordPayloadMax));
  if (!decoder.ok() || chunk.ns == 0 || encoding < 1 || encoding > 2) return Malformed("chunk record");
  chunk.hash = Hash256::FromBytes(hash);
  chunk.encoding = static_cast<InlineEncoding>(encoding);
  chunk.bytes = decoder.Rest();
  return chunk;
}

StatusOr<size_t> SummarySize(RecordType type, Bytes payload) {
  Decoder decoder(payload);
  if (type == RecordType::kChange) {
    ChangeRecord change;
    if (!TakeChangeHead(decoder, &change)) return Malformed("change record");
    return payload.size() - decoder.remaining();
  }
  if (type == RecordType::kChunk) {
    JZSE_ASSIGN_OR_RETURN(const ChunkRecord chunk, DecodeChunk(payload));
    return payload.size() - chunk.bytes.size();
  }
  return payload.size();
}

Status DecodeContent(InlineEncoding encoding, Bytes stored, size_t size, std::string* out) {
  out->resize(size);
  return DecodeContent(encoding, stored, size, out->data());
}

Status DecodeContent(InlineEncoding encoding, Bytes stored, size_t size, char* out) {
  if (encoding == InlineEncoding::kZstd) return Decompress(stored, size, out);
  if (stored.size() != size) return Malformed("content: its size does not match");
  std::copy_n(stored.data(), size, out);
  return {};
}

// ------------------------------------------------------------------------------------------------ the index

namespace {

std::string KeyOf(char letter, NamespaceId ns, size_t more) {
  std::string key;
  key.reserve(kKeyPrefixSize + more);
  key.push_back(letter);
  Encoder(&key).Be32(ns);
  return key;
}

}  // namespace

std::string KeyPrefix(char letter, NamespaceId ns) { return KeyOf(letter, ns, 0); }

std::string PathKey(NamespaceId ns, Bytes path) {
  std::string key = KeyOf('P', ns, path.size());
  key.append(path);
  return key;
}

std::string TombstonePrefix(NamespaceId ns, Bytes path) {
  std::string key = KeyOf('T', ns, path.size() + 1 + 2 * sizeof(uint64_t));
  key.append(path);
  key.push_back('\0');
  return key;
}

std::string TombstoneKey(NamespaceId ns, Bytes path, const FileId& file) {
  std::string key = TombstonePrefix(ns, path);
  Encoder encoder(&key);
  encoder.Be64(file.replica);
  encoder.Be64(file.counter);
  return key;
}

std::string VersionPrefix(NamespaceId ns, const FileId& file) {
  std::string key = KeyPrefix('V', ns);
  Encoder encoder(&key);
  encoder.Be64(file.replica);
  encoder.Be64(file.counter);
  return key;
}

std::string VersionKey(NamespaceId ns, const FileId& file, Sequence sequence) {
  std::string key = VersionPrefix(ns, file);
  Encoder(&key).Be64(sequence);
  return key;
}

Sequence SequenceOfVersionKey(Bytes key) { return base::LoadBe64(key.data() + key.size() - 8); }

std::string HolderKey(Sequence sequence) {
  std::string key(1, 'H');
  Encoder(&key).Be64(sequence);
  return key;
}

std::string ChunkKey(NamespaceId ns, const Hash256& hash) {
  if (base::Planted("dedup-across-namespaces")) ns = 1;
  std::string key = KeyPrefix('C', ns);
  key.append(hash.view());
  return key;
}

std::string NamespaceKey(NamespaceId ns) { return KeyPrefix('N', ns); }
std::string AppliedKey() { return "M"; }

void PutLocation(const Location& location, Encoder& encoder) {
  encoder.Varint(location.segment);
  encoder.Varint(location.offset / 8);
  encoder.Varint(location.size / 8);
}

Location TakeLocation(Decoder& decoder) {
  Location location;
  location.segment = decoder.Varint();
  location.offset = static_cast<uint32_t>(decoder.VarintMax(base::kSegmentSizeMax / 8) * 8);
  location.size = static_cast<uint32_t>(decoder.VarintMax(RecordSize(base::kRecordPayloadMax) / 8) * 8);
  return location;
}

std::string EncodeHolder(const HolderEntry& holder) {
  std::string value;
  Encoder encoder(&value);
  PutLocation(holder.location, encoder);
  encoder.Varint(holder.references);
  return value;
}

StatusOr<HolderEntry> DecodeHolder(Bytes value) {
  Decoder decoder(value);
  HolderEntry holder;
  holder.location = TakeLocation(decoder);
  holder.references = decoder.Varint();
  if (!decoder.done()) return Malformed("index entry of a content holder");
  return holder;
}

std::string EncodeChunkEntry(const ChunkEntry& entry) {
  std::string value;
  Encoder encoder(&value);
  PutLocation(entry.location, encoder);
  encoder.Varint(entry.ordinal);
  return value;
}

StatusOr<ChunkEntry> DecodeChunkEntry(Bytes value) {
  Decoder decoder(value);
  ChunkEntry entry;
  entry.location = TakeLocation(decoder);
  entry.ordinal = decoder.Varint();
  if (!decoder.done()) return Malformed("index entry of a chunk");
  return entry;
}

std::string EncodeNamespaceEntry(const NamespaceEntry& entry) {
  std::string value;
  Encoder encoder(&value);
  std::string record;
  EncodeNamespace(entry.record, &record);
  encoder.Prefixed(record);
  encoder.Varint(entry.sequence);
  PutLocation(entry.location, encoder);
  encoder.Varint(entry.totals.files);
  encoder.Varint(entry.totals.bytes);
  encoder.Varint(entry.totals.versions);
  encoder.Varint(entry.totals.version_bytes);
  encoder.Varint(entry.totals.tombstones);
  encoder.Varint(entry.totals.directories);
  return value;
}

StatusOr<NamespaceEntry> DecodeNamespaceEntry(Bytes value) {
  Decoder decoder(value);
  NamespaceEntry entry;
  JZSE_ASSIGN_OR_RETURN(entry.record, DecodeNamespace(decoder.Prefixed(value.size())));
  entry.sequence = decoder.Varint();
  entry.location = TakeLocation(decoder);
  entry.totals.files = decoder.Varint();
  entry.totals.bytes = decoder.Varint();
  entry.totals.versions = decoder.Varint();
  entry.totals.version_bytes = decoder.Varint();
  entry.totals.tombstones = decoder.Varint();
  entry.totals.directories = decoder.Varint();
  if (!decoder.done()) return Malformed("index entry of a namespace");
  return entry;
}

std::string EncodeApplied(const Applied& applied) {
  std::string value;
  Encoder encoder(&value);
  encoder.U32(applied.version);
  encoder.U64(applied.store.low);
  encoder.U64(applied.store.high);
  encoder.U64(applied.sequence);
  encoder.U64(applied.stamp.value);
  encoder.U64(applied.commit_segment);
  encoder.U64(applied.commit_offset);
  encoder.U64(applied.bulk_segment);
  encoder.U64(applied.bulk_offset);
  encoder.U64(applied.ordinal);
  return value;
}

StatusOr<Applied> DecodeApplied(Bytes value) {
  Decoder decoder(value);
  Applied applied;
  applied.version = decoder.U32();
  applied.store.low = decoder.U64();
  applied.store.high = decoder.U64();
  applied.sequence = decoder.U64();
  applied.stamp.value = decoder.U64();
  applied.commit_segment = decoder.U64();
  applied.commit_offset = decoder.U64();
  applied.bulk_segment = decoder.U64();
  applied.bulk_offset = decoder.U64();
  applied.ordinal = decoder.U64();
  if (!decoder.done() || applied.version != kIndexVersion || applied.sequence > base::kSequenceMax ||
      applied.ordinal > base::kSequenceMax || !applied.stamp.valid())
    return Malformed("index: its position");
  return applied;
}

}  // namespace jzse::store
