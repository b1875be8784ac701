// SPDX-License-Identifier: Apache-2.0
#include "capi/archive_format.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "capi/fd.h"

namespace jzse::capi {
namespace {

using base::Code;
using base::Fail;
using model::ContentKind;

constexpr std::string_view kMagic = "JZSEARC1";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kWithVersions = 1;
constexpr size_t kInputSize = 256 * base::kKiB;
constexpr size_t kHeaderSize = 32;
constexpr size_t kHeadSize = 4;
constexpr size_t kCheckSize = 16;
constexpr uint8_t kOlder = 1;
constexpr uint64_t kModeMax = 07777;

void AppendCheck(Bytes bytes, uint64_t seed, std::string* out) {
  const base::Hash128 check = base::Xxh128(bytes, seed);
  base::Encoder encoder(out);
  encoder.U64(check.low);
  encoder.U64(check.high);
}

bool CheckAgrees(Bytes bytes, uint64_t seed) {
  std::string expected;
  AppendCheck(bytes.substr(0, bytes.size() - kCheckSize), seed, &expected);
  return base::Planted("archive-check-ignored") || bytes.substr(bytes.size() - kCheckSize) == expected;
}

}  // namespace

// ---- writing

Status ArchiveWriter::Begin(bool with_versions) {
  base::Encoder encoder(&buffer_);
  encoder.Raw(kMagic);
  encoder.U32(kVersion);
  encoder.U32(with_versions ? kWithVersions : 0);
  AppendCheck(std::string(buffer_), 0, &buffer_);
  return absl::OkStatus();
}

Status ArchiveWriter::State(const ArchiveState& state) {
  std::string payload;
  base::Encoder encoder(&payload);
  encoder.U8(static_cast<uint8_t>(state.kind));
  encoder.U8(state.older ? kOlder : 0);
  encoder.Prefixed(state.path);
  encoder.Varint(state.size);
  encoder.SignedVarint(state.attributes.mtime_ns);
  encoder.Varint(state.attributes.mode);
  encoder.Prefixed(state.attributes.content_type);
  encoder.Varint(state.attributes.metadata.size());
  for (const auto& [key, value] : state.attributes.metadata) {
    encoder.Prefixed(key);
    encoder.Prefixed(value);
  }
  return Record(static_cast<uint8_t>(ArchiveReader::Type::kState), payload);
}

Status ArchiveWriter::Piece(Bytes bytes) {
  return Record(static_cast<uint8_t>(ArchiveReader::Type::kPiece), bytes);
}

Status ArchiveWriter::EndContent(const base::Hash256& hash) {
  return Record(static_cast<uint8_t>(ArchiveReader::Type::kEndContent), hash.view());
}

Status ArchiveWriter::End(const ArchiveCounts& counts) {
  std::string payload;
  base::Encoder encoder(&payload);
  encoder.Varint(counts.newest);
  encoder.Varint(counts.older);
  encoder.Varint(counts.bytes);
  JZSE_RETURN_IF_ERROR(Record(static_cast<uint8_t>(ArchiveReader::Type::kEnd), payload));
  return Flush();
}

Status ArchiveWriter::Record(uint8_t type, Bytes payload) {
  JZSE_CHECK(payload.size() <= kArchivePieceMax);
  const size_t begin = buffer_.size();
  base::Encoder encoder(&buffer_);
  encoder.U32(static_cast<uint32_t>(payload.size()) | uint32_t{type} << 24);
  encoder.Raw(payload);
  AppendCheck(std::string_view(buffer_).substr(begin), ++ordinal_, &buffer_);
  return buffer_.size() >= kArchivePieceMax ? Flush() : absl::OkStatus();
}

Status ArchiveWriter::Flush() {
  JZSE_RETURN_IF_ERROR(WriteFull(fd_, buffer_));
  buffer_.clear();
  return absl::OkStatus();
}

// ---- reading

Status ArchiveReader::Damaged(std::string_view what) const {
  return Fail(Code::kCorrupt, absl::StrCat("archive, at offset ", record_offset_, ": ",
                                           absl::string_view(what.data(), what.size())));
}

Status ArchiveReader::Read(size_t size, const char* what) {
  while (size > 0) {
    if (input_.empty()) {
      if (input_buffer_ == nullptr) input_buffer_.reset(new char[kInputSize]);
      JZSE_ASSIGN_OR_RETURN(const size_t got, ReadSome(fd_, input_buffer_.get(), kInputSize));
      if (got == 0) return Damaged(absl::StrCat("the stream ends within ", what));
      input_ = Bytes(input_buffer_.get(), got);
    }
    const size_t taken = std::min(size, input_.size());
    buffer_.append(input_.substr(0, taken));
    input_.remove_prefix(taken);
    offset_ += taken;
    size -= taken;
  }
  return absl::OkStatus();
}

StatusOr<bool> ArchiveReader::Begin() {
  JZSE_RETURN_IF_ERROR(Read(kHeaderSize, "the header"));
  base::Decoder decoder(buffer_);
  if (decoder.Raw(kMagic.size()) != kMagic) return Damaged("this is no JzSE archive");
  const uint32_t version = decoder.U32();
  const uint32_t flags = decoder.U32();
  if (!CheckAgrees(buffer_, 0)) return Damaged("the header fails its check");
  if (version > kVersion) {
    return Fail(Code::kUnsupported, absl::StrCat("archive: format version ", version, ", this libjzse reads ",
                                                 kVersion));
  }
  if (version != kVersion || (flags & ~kWithVersions) != 0) return Damaged("the header is not of this format");
  return (flags & kWithVersions) != 0;
}

StatusOr<ArchiveReader::Type> ArchiveReader::Next() {
  buffer_.clear();
  payload_ = {};
  record_offset_ = offset_;
  JZSE_RETURN_IF_ERROR(Read(kHeadSize, "a record's head"));
  const uint32_t head = base::LoadLe<uint32_t>(buffer_.data());
  const uint32_t length = head & 0xffffff, type = head >> 24;
  if (length > kArchivePieceMax) return Damaged("a record is too long");
  if (type < 1 || type > static_cast<uint32_t>(Type::kEnd)) return Damaged("a record is of no known type");
  JZSE_RETURN_IF_ERROR(Read(length + kCheckSize, "a record"));
  if (!CheckAgrees(buffer_, ++ordinal_)) return Damaged("a record fails its check");
  payload_ = Bytes(buffer_).substr(kHeadSize, length);
  return static_cast<Type>(type);
}

namespace {

// What a tombstone or a directory cannot have.
bool FitsKind(const ArchiveState& state) {
  const engine::Attributes& attributes = state.attributes;
  switch (state.kind) {
    case ContentKind::kFile: return true;
    case ContentKind::kSymlink: return state.size <= base::kSymlinkSizeMax;
    case ContentKind::kDirectory: return !state.older && state.size == 0;
    case ContentKind::kDeleted:
      return !state.older && state.size == 0 && attributes.mtime_ns == 0 && attributes.mode == 0 &&
             attributes.content_type.empty() && attributes.metadata.empty();
  }
  return false;
}

void DecodeMetadata(base::Decoder& decoder, engine::Metadata* metadata) {
  const uint64_t count = decoder.VarintMax(base::kMetadataCountMax);
  size_t left = base::kMetadataSizeMax;
  for (uint64_t i = 0; i < count && decoder.ok(); ++i) {
    const Bytes key = decoder.Prefixed(std::min(left, base::kMetadataKeySizeMax));
    left -= key.size();
    const Bytes value = decoder.Prefixed(left);
    left -= value.size();
    metadata->emplace_back(key, value);
  }
}

}  // namespace

StatusOr<ArchiveState> ArchiveReader::State() const {
  ArchiveState state;
  base::Decoder decoder(payload_);
  const uint8_t kind = decoder.U8();
  const uint8_t flags = decoder.U8();
  if (kind > static_cast<uint8_t>(ContentKind::kDirectory) || (flags & ~kOlder) != 0) decoder.Reject();
  state.kind = static_cast<ContentKind>(kind);
  state.older = (flags & kOlder) != 0;
  state.path = decoder.Prefixed(base::kPathSizeMax);
  state.size = decoder.VarintMax(base::kFileSizeMax);
  state.attributes.mtime_ns = decoder.SignedVarint();
  state.attributes.mode = static_cast<uint32_t>(decoder.VarintMax(kModeMax));
  state.attributes.content_type = decoder.Prefixed(base::kContentTypeSizeMax);
  DecodeMetadata(decoder, &state.attributes.metadata);
  if (!decoder.done() || state.path.empty() || !FitsKind(state)) return Damaged("a state is not of this format");
  return state;
}

StatusOr<base::Hash256> ArchiveReader::EndContent() const {
  if (payload_.size() != sizeof(base::Hash256::bytes)) return Damaged("the end of a content is not of this format");
  return base::Hash256::FromBytes(payload_);
}

StatusOr<ArchiveCounts> ArchiveReader::End() const {
  ArchiveCounts counts;
  base::Decoder decoder(payload_);
  counts.newest = decoder.Varint();
  counts.older = decoder.Varint();
  counts.bytes = decoder.Varint();
  if (!decoder.done()) return Damaged("the end record is not of this format");
  return counts;
}

Status ArchiveReader::AtEnd() {
  record_offset_ = offset_;
  JZSE_ASSIGN_OR_RETURN(const size_t got, input_.empty() ? ReadSome(fd_, input_buffer_.get(), 1) : 1);
  return got == 0 ? absl::OkStatus() : Damaged("bytes follow the end record");
}

}  // namespace jzse::capi
