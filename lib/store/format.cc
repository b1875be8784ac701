// SPDX-License-Identifier: Apache-2.0
#include "store/format.h"

#include <cinttypes>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/model.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;
using base::StoreLe;

constexpr char kSegmentMagic[8] = {'J', 'Z', 'S', 'E', 'S', 'E', 'G', 1};
constexpr char kTrailerMagic[8] = {'J', 'Z', 'S', 'E', 'F', 'O', 'O', 'T'};
constexpr char kCensusMagic[8] = {'J', 'Z', 'S', 'E', 'C', 'E', 'N', 1};
constexpr uint8_t kCensusSealed = 4;

std::string Hex64(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, value);
  return text;
}

std::optional<uint64_t> ParseHex64(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  std::string bytes;
  if (!base::HexDecode(text, &bytes)) return std::nullopt;
  return base::LoadBe64(bytes.data());
}

std::string HashText(const base::Hash128& hash) { return Hex64(hash.high) + Hex64(hash.low); }

// "key value\n" at the front of *rest.
std::optional<std::string_view> TakeLine(std::string_view* rest, std::string_view key) {
  if (rest->substr(0, key.size()) != key || rest->size() <= key.size() || (*rest)[key.size()] != ' ')
    return std::nullopt;
  const size_t end = rest->find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view value = rest->substr(key.size() + 1, end - key.size() - 1);
  rest->remove_prefix(end + 1);
  return value;
}

}  // namespace

std::string EncodeIdentity(const Identity& identity) {
  std::string text = absl::StrCat("JzSE store\nformat ", kFormatVersion, "\nstore ", Hex64(identity.store.high),
                                  Hex64(identity.store.low), "\nreplica ", Hex64(identity.replica), "\nregion ",
                                  identity.region, "\n");
  const std::string check = HashText(base::Xxh128(text, 0));
  return absl::StrCat(text, "check ", check, "\n");
}

StatusOr<Identity> DecodeIdentity(Bytes bytes) {
  constexpr std::string_view kFirst = "JzSE store\n";
  if (bytes.substr(0, kFirst.size()) != kFirst)
    return Fail(Code::kInvalid, "the file JZSE is not the identity of a JzSE store");
  std::string_view rest = bytes.substr(kFirst.size());
  const auto format = TakeLine(&rest, "format");
  if (!format) return Fail(Code::kCorrupt, "identity file JZSE: no format line");
  if (*format != "1") {
    return Fail(Code::kUnsupported,
                absl::StrCat("the store has format ", absl::string_view(format->data(), std::min<size_t>(format->size(), 20)),
                             "; this library reads format 1"));
  }
  const auto store = TakeLine(&rest, "store");
  const auto replica = TakeLine(&rest, "replica");
  const auto region = TakeLine(&rest, "region");
  if (!store || !replica || !region || store->size() != 32)
    return Fail(Code::kCorrupt, "identity file JZSE: a line is missing or malformed");
  const size_t checked = bytes.size() - rest.size();
  const auto check = TakeLine(&rest, "check");
  if (!check || !rest.empty() || *check != HashText(base::Xxh128(bytes.substr(0, checked), 0)))
    return Fail(Code::kCorrupt, "identity file JZSE: its check does not match");
  const auto high = ParseHex64(store->substr(0, 16)), low = ParseHex64(store->substr(16)), id = ParseHex64(*replica);
  if (!high || !low || !id || *id == 0)
    return Fail(Code::kCorrupt, "identity file JZSE: an id is malformed");
  Identity identity{{*low, *high}, *id, std::string(*region)};
  if (!model::CheckRegionName(identity.region).ok() || EncodeIdentity(identity) != bytes)
    return Fail(Code::kCorrupt, "identity file JZSE: a line is malformed");
  return identity;
}

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  JZSE_CHECK(header.replaces.size() <= kReplacesMax);
  std::string out(kSegmentMagic, sizeof kSegmentMagic);
  base::Encoder encoder(&out);
  encoder.U32(kFormatVersion);
  encoder.U8(static_cast<uint8_t>(header.stream));
  encoder.U8(0);
  encoder.U16(0);
  encoder.U64(header.store.low);
  encoder.U64(header.store.high);
  encoder.U64(header.id);
  encoder.U64(header.replica);
  encoder.U64(header.first_sequence);
  encoder.U64(header.previous);
  encoder.U64(header.previous_end);
  encoder.U64(header.created_micros);
  out.resize(340);  // the wrapped key's slot
  encoder.U32(static_cast<uint32_t>(header.replaces.size()));
  for (const SegmentId id : header.replaces) encoder.U64(id);
  out.resize(base::kSegmentHeaderSize - base::kRecordCheckSize);
  const base::Hash128 check = base::Xxh128(out, 0);
  encoder.U64(check.low);
  encoder.U64(check.high);
  return out;
}

StatusOr<SegmentHeader> DecodeSegmentHeader(Bytes bytes) {
  if (bytes.size() != base::kSegmentHeaderSize || bytes.substr(0, 8) != Bytes(kSegmentMagic, 8))
    return Fail(Code::kCorrupt, "no segment header");
  const Bytes body = bytes.substr(0, base::kSegmentHeaderSize - base::kRecordCheckSize);
  const base::Hash128 check = base::Xxh128(body, 0);
  if (check.low != base::LoadLe<uint64_t>(bytes.data() + body.size()) ||
      check.high != base::LoadLe<uint64_t>(bytes.data() + body.size() + 8))
    return Fail(Code::kCorrupt, "segment header fails its check");
  base::Decoder decoder(body.substr(8));
  if (decoder.U32() != kFormatVersion) return Fail(Code::kUnsupported, "segment of another format version");
  SegmentHeader header;
  const uint8_t stream = decoder.U8();
  if (stream < 1 || stream > 3) return Fail(Code::kUnsupported, "segment of an unknown stream");
  header.stream = static_cast<Stream>(stream);
  if (decoder.U8() != 0) return Fail(Code::kUnsupported, "segment is encrypted; this build cannot read it");
  decoder.U16();
  header.store.low = decoder.U64();
  header.store.high = decoder.U64();
  header.id = decoder.U64();
  header.replica = decoder.U64();
  header.first_sequence = decoder.U64();
  header.previous = decoder.U64();
  header.previous_end = decoder.U64();
  header.created_micros = decoder.U64();
  decoder.Raw(4 + 256);
  const uint32_t replaces = decoder.U32();
  if (replaces > kReplacesMax) return Fail(Code::kCorrupt, "segment header names too many segments");
  for (uint32_t i = 0; i < replaces; ++i) header.replaces.push_back(decoder.U64());
  // What is zero today may mean something tomorrow; the check says that it was written on purpose.
  if (EncodeSegmentHeader(header) != bytes)
    return Fail(Code::kUnsupported, "segment header with fields that this version does not know");
  return header;
}

std::string SegmentFileName(SegmentId id) { return Hex64(id) + ".seg"; }

std::optional<SegmentId> ParseSegmentFileName(std::string_view name) {
  if (name.size() != 20 || name.substr(16) != ".seg") return std::nullopt;
  const auto id = ParseHex64(name.substr(0, 16));
  if (!id || *id == 0 || SegmentFileName(*id) != name) return std::nullopt;
  return id;
}

uint64_t RecordSealer::SeedAt(uint64_t offset) const {
  if (base::Planted("check-without-offset")) offset = 0;
  const SegmentId segment = base::Planted("stale-record-accepted") ? 0 : segment_;
  const uint64_t words[4] = {store_.low, store_.high, segment, offset};
  return base::Xxh64(Bytes(reinterpret_cast<const char*>(words), sizeof words), 0);
}

void StoreRecordHeader(const RecordHeader& header, char* out) {
  StoreLe<uint32_t>(out, static_cast<uint32_t>(header.type) << 24 | header.length);
  StoreLe<uint32_t>(out + 4, static_cast<uint32_t>(header.flags) << 24 | header.group_position);
  StoreLe<uint64_t>(out + 8, header.sequence);
}

size_t BeginRecord(const RecordHeader& header, std::string* out) {
  const size_t position = out->size();
  out->resize(position + base::kRecordHeaderSize);
  StoreRecordHeader(header, out->data() + position);
  return position;
}

void FinishRecord(const RecordSealer& sealer, uint64_t offset, size_t position, std::string* out) {
  const size_t length = out->size() - position - base::kRecordHeaderSize;
  JZSE_CHECK(length <= base::kRecordPayloadMax);
  const uint32_t word = base::LoadLe<uint32_t>(out->data() + position);
  StoreLe<uint32_t>(out->data() + position, (word & 0xff000000) | static_cast<uint32_t>(length));
  out->resize(position + base::AlignUp(base::kRecordHeaderSize + length, 8));
  const base::Hash128 check = sealer.CheckAt(offset, Bytes(*out).substr(position));
  base::Encoder encoder(out);
  encoder.U64(check.low);
  encoder.U64(check.high);
}

bool ParseRecordHeader(Bytes bytes, uint64_t bytes_max, RecordHeader* header) {
  if (bytes.size() < base::kRecordHeaderSize) return false;
  const uint32_t first = base::LoadLe<uint32_t>(bytes.data());
  const uint32_t second = base::LoadLe<uint32_t>(bytes.data() + 4);
  const uint32_t type = first >> 24;
  header->length = first & 0xffffff;
  header->flags = static_cast<uint8_t>(second >> 24);
  header->group_position = second & 0xffffff;
  header->sequence = base::LoadLe<uint64_t>(bytes.data() + 8);
  if (type < 1 || type > 5 || (header->flags & ~(kFlagGroupFirst | kFlagTransactionMore)) != 0) return false;
  header->type = static_cast<RecordType>(type);
  if (header->length > base::kRecordPayloadMax || RecordSize(header->length) > bytes_max) return false;
  if ((header->flags & kFlagGroupFirst) != 0 && (header->length < kGroupPrefixSize || header->group_position != 0))
    return false;
  if (header->sequence > base::kSequenceMax) return false;
  return header->sequence != 0 || header->type == RecordType::kFooter;
}

bool RecordValid(const RecordSealer& sealer, uint64_t offset, const RecordHeader& header, Bytes record) {
  const size_t body = record.size() - base::kRecordCheckSize;
  for (size_t i = base::kRecordHeaderSize + header.length; i < body; ++i)
    if (record[i] != 0) return false;
  const base::Hash128 check = sealer.CheckAt(offset, record.substr(0, body));
  return check.low == base::LoadLe<uint64_t>(record.data() + body) &&
         check.high == base::LoadLe<uint64_t>(record.data() + body + 8);
}

void StoreGroupPrefix(const GroupPrefix& prefix, char* out) {
  StoreLe(out, prefix.bytes);
  StoreLe(out + 4, prefix.records);
  StoreLe(out + 8, prefix.durable);
  StoreLe(out + 16, prefix.previous_check);
}

GroupPrefix LoadGroupPrefix(Bytes payload) {
  return {base::LoadLe<uint32_t>(payload.data()), base::LoadLe<uint32_t>(payload.data() + 4),
          base::LoadLe<uint64_t>(payload.data() + 8), base::LoadLe<uint64_t>(payload.data() + 16)};
}

std::string EncodeTrailer(const RecordSealer& sealer, const Trailer& trailer) {
  std::string out(kTrailerMagic, sizeof kTrailerMagic);
  base::Encoder encoder(&out);
  encoder.U64(trailer.footer_begin);
  encoder.U64(trailer.footer_end);
  encoder.U64(trailer.records);
  encoder.U64(trailer.first);
  encoder.U64(trailer.last);
  const base::Hash128 check = sealer.CheckAt(trailer.footer_end, out);
  encoder.U64(check.low);
  encoder.U64(check.high);
  return out;
}

std::optional<Trailer> DecodeTrailer(const RecordSealer& sealer, uint64_t offset, Bytes bytes) {
  if (bytes.size() != kTrailerSize || bytes.substr(0, 8) != Bytes(kTrailerMagic, 8)) return std::nullopt;
  const base::Hash128 check = sealer.CheckAt(offset, bytes.substr(0, kTrailerSize - 16));
  base::Decoder decoder(bytes.substr(8));
  Trailer trailer;
  trailer.footer_begin = decoder.U64();
  trailer.footer_end = decoder.U64();
  trailer.records = decoder.U64();
  trailer.first = decoder.U64();
  trailer.last = decoder.U64();
  if (decoder.U64() != check.low || decoder.U64() != check.high) return std::nullopt;
  if (trailer.footer_end != offset || trailer.footer_begin > offset ||
      trailer.footer_begin < base::kSegmentHeaderSize)
    return std::nullopt;
  return trailer;
}

void FooterPageBuilder::Add(const RecordHeader& header, uint32_t offset, Bytes summary) {
  base::Encoder encoder(&bytes_);
  encoder.Varint((offset - offset_) / 8);
  encoder.Varint(header.length);
  encoder.U8(static_cast<uint8_t>(header.type));
  encoder.U8(header.flags);
  encoder.Varint(header.group_position);
  encoder.SignedVarint(static_cast<int64_t>(header.sequence - sequence_));
  encoder.Prefixed(summary);
  offset_ = offset;
  sequence_ = header.sequence;
}

std::string FooterPageBuilder::Take() {
  offset_ = 0;
  sequence_ = 0;
  return std::exchange(bytes_, {});
}

StatusOr<std::vector<FooterEntry>> DecodeFooterPage(Bytes payload) {
  std::vector<FooterEntry> entries;
  base::Decoder decoder(payload);
  uint64_t offset = 0;
  Sequence sequence = 0;
  while (decoder.remaining() > 0) {
    FooterEntry entry;
    offset += decoder.VarintMax(base::kSegmentSizeMax) * 8;
    entry.header.length = static_cast<uint32_t>(decoder.VarintMax(base::kRecordPayloadMax));
    const uint8_t type = decoder.U8();
    entry.header.flags = decoder.U8();
    entry.header.group_position = static_cast<uint32_t>(decoder.VarintMax(0xffffff));
    sequence += static_cast<uint64_t>(decoder.SignedVarint());
    entry.header.sequence = sequence;
    entry.summary = decoder.Prefixed(base::kRecordPayloadMax);
    if (!decoder.ok() || type < 1 || type > 4 || offset > base::kSegmentSizeMax || sequence > base::kSequenceMax) {
      return Fail(Code::kCorrupt, "a segment's footer is malformed");
    }
    entry.header.type = static_cast<RecordType>(type);
    entry.offset = static_cast<uint32_t>(offset);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string EncodeCensus(const StoreId& store, const std::vector<CensusEntry>& entries) {
  std::string out(kCensusMagic, sizeof kCensusMagic);
  base::Encoder encoder(&out);
  encoder.U64(store.low);
  encoder.U64(store.high);
  SegmentId before = 0;
  for (const CensusEntry& entry : entries) {
    encoder.Varint(entry.id - std::exchange(before, entry.id));
    encoder.U8(static_cast<uint8_t>(static_cast<uint8_t>(entry.stream) | (entry.trailer ? kCensusSealed : 0)));
    if (!entry.trailer) continue;
    encoder.Varint(entry.trailer->footer_begin);
    encoder.Varint(entry.trailer->footer_end - entry.trailer->footer_begin);
    encoder.Varint(entry.trailer->records);
    encoder.Varint(entry.trailer->first);
    encoder.Varint(entry.trailer->last - entry.trailer->first);
  }
  const base::Hash128 check = base::Xxh128(out, 0);
  encoder.U64(check.low);
  encoder.U64(check.high);
  return out;
}

StatusOr<std::vector<CensusEntry>> DecodeCensus(Bytes bytes, const StoreId& store) {
  constexpr size_t kFrame = sizeof kCensusMagic + 16;
  if (bytes.size() < kFrame + base::kRecordCheckSize || bytes.substr(0, 8) != Bytes(kCensusMagic, 8))
    return Fail(Code::kCorrupt, "it is no census");
  const Bytes body = bytes.substr(0, bytes.size() - base::kRecordCheckSize);
  base::Decoder check(bytes.substr(body.size()));
  const base::Hash128 hash = base::Xxh128(body, 0);
  if (check.U64() != hash.low || check.U64() != hash.high) return Fail(Code::kCorrupt, "it fails its check");
  base::Decoder decoder(body.substr(sizeof kCensusMagic));
  if (decoder.U64() != store.low || decoder.U64() != store.high)
    return Fail(Code::kCorrupt, "it is of another store");
  std::vector<CensusEntry> entries;
  SegmentId before = 0;
  while (decoder.ok() && decoder.remaining() > 0 && entries.size() <= kCensusEntriesMax) {
    CensusEntry& entry = entries.emplace_back();
    entry.id = before + decoder.Varint();
    const uint8_t kind = decoder.U8(), stream = kind & ~kCensusSealed;
    if (entry.id <= before || stream < 1 || stream > 3) return Fail(Code::kCorrupt, "it is malformed");
    entry.stream = static_cast<Stream>(stream);
    before = entry.id;
    if ((kind & kCensusSealed) == 0) continue;
    Trailer& trailer = entry.trailer.emplace();
    trailer.footer_begin = decoder.VarintMax(base::kSegmentSizeMax);
    trailer.footer_end = trailer.footer_begin + decoder.VarintMax(base::kSegmentSizeMax - trailer.footer_begin);
    trailer.records = decoder.Varint();
    trailer.first = decoder.Varint();
    trailer.last = trailer.first + decoder.Varint();
    if (trailer.footer_begin < base::kSegmentHeaderSize) return Fail(Code::kCorrupt, "it is malformed");
  }
  if (!decoder.ok() || entries.size() > kCensusEntriesMax) return Fail(Code::kCorrupt, "it is malformed");
  return entries;
}

}  // namespace jzse::store
