// SPDX-License-Identifier: Apache-2.0
// The frame of the journal as docs/format.md writes it: fixed bytes, and refusal of everything else.
#include <catch2/catch.hpp>

#include "store/format.h"

namespace jzse::store {
namespace {

const StoreId kStoreId{0x0123456789abcdefu, 0xfedcba9876543210u};

std::string RecordOf(const RecordSealer& sealer, uint64_t offset, const RecordHeader& header, Bytes payload) {
  std::string out;
  const size_t position = BeginRecord(header, &out);
  out.append(payload);
  FinishRecord(sealer, offset, position, &out);
  return out;
}

TEST_CASE("the identity file is the text of the manual and nothing else") {
  const Identity identity{kStoreId, 0xabcdef, "beijing"};
  const std::string text = EncodeIdentity(identity);
  CHECK(text.substr(0, text.find("check ")) ==
        "JzSE store\nformat 1\nstore fedcba98765432100123456789abcdef\nreplica 0000000000abcdef\nregion beijing\n");
  const auto back = DecodeIdentity(text);
  REQUIRE(back.ok());
  CHECK(back->store == kStoreId);
  CHECK(back->replica == 0xabcdef);
  CHECK(back->region == "beijing");
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= 1;
    INFO("byte " << i);
    CHECK_FALSE(DecodeIdentity(changed).ok());
    CHECK_FALSE(DecodeIdentity(Bytes(text).substr(0, i)).ok());
  }
}

TEST_CASE("an identity file has one form, also when its check is right") {
  const std::string text = EncodeIdentity({kStoreId, 0xabcdef, "beijing"});
  const auto with = [&text](std::string_view from, std::string_view to) {
    std::string body = text.substr(0, text.find("check "));
    body.replace(body.find(from), from.size(), to);
    const base::Hash128 check = base::Xxh128(body, 0);
    std::string words;
    base::Encoder encoder(&words);
    encoder.Be64(check.high);
    encoder.Be64(check.low);
    return DecodeIdentity(body + "check " + base::HexEncode(words) + "\n").status();
  };
  CHECK(with("beijing", "shanghai").ok());
  CHECK(base::Is(with("abcdef", "ABCDEF"), base::Code::kCorrupt));
  CHECK(base::Is(with("beijing", "bei\x1bjing"), base::Code::kCorrupt));
  CHECK(base::Is(with("beijing", ""), base::Code::kCorrupt));
}

TEST_CASE("a sequence that cannot be counted on from is refused") {
  const RecordSealer sealer(kStoreId, 3);
  for (const Sequence sequence : {base::kSequenceMax, base::kSequenceMax + 1, UINT64_MAX}) {
    RecordHeader header{RecordType::kNamespace, 0, 0, 1, sequence};
    const std::string record = RecordOf(sealer, 4096, header, "x");
    CHECK(ParseRecordHeader(record, record.size(), &header) == (sequence == base::kSequenceMax));
    FooterPageBuilder page;
    page.Add({header, 4096, "x"});
    CHECK(DecodeFooterPage(page.Take()).ok() == (sequence == base::kSequenceMax));
  }
}

TEST_CASE("a segment header with a field that this version does not know is refused") {
  SegmentHeader header;
  header.id = 7;
  header.replaces = {3, 4};
  for (const size_t offset : {14u, 80u, 84u, 339u, 360u, 4079u}) {
    std::string bytes = EncodeSegmentHeader(header).substr(0, base::kSegmentHeaderSize - base::kRecordCheckSize);
    bytes[offset] = 1;
    const base::Hash128 check = base::Xxh128(bytes, 0);
    base::Encoder encoder(&bytes);
    encoder.U64(check.low);
    encoder.U64(check.high);
    INFO("byte " << offset);
    CHECK(base::Is(DecodeSegmentHeader(bytes).status(), base::Code::kUnsupported));
  }
}

TEST_CASE("a segment header has its fields where the manual says") {
  SegmentHeader header;
  header.stream = Stream::kCold;
  header.store = kStoreId;
  header.id = 7;
  header.replica = 9;
  header.first_sequence = 11;
  header.previous = 5;
  header.previous_end = 8192;
  header.created_micros = 13;
  header.replaces = {3, 4};
  const std::string bytes = EncodeSegmentHeader(header);
  REQUIRE(bytes.size() == base::kSegmentHeaderSize);
  CHECK(bytes.substr(0, 8) == std::string("JZSESEG\x01", 8));
  CHECK(base::LoadLe<uint32_t>(bytes.data() + 8) == 1);
  CHECK(bytes[12] == 3);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 16) == kStoreId.low);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 32) == 7);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 40) == 9);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 48) == 11);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 56) == 5);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 64) == 8192);
  CHECK(base::LoadLe<uint32_t>(bytes.data() + 340) == 2);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 352) == 4);
  const base::Hash128 check = base::Xxh128(Bytes(bytes).substr(0, 4080), 0);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 4080) == check.low);
  CHECK(base::LoadLe<uint64_t>(bytes.data() + 4088) == check.high);
  const auto back = DecodeSegmentHeader(bytes);
  REQUIRE(back.ok());
  CHECK(EncodeSegmentHeader(*back) == bytes);
  for (size_t i = 0; i < bytes.size(); i += 37) {
    std::string changed = bytes;
    changed[i] ^= 4;
    INFO("byte " << i);
    CHECK_FALSE(DecodeSegmentHeader(changed).ok());
  }
  CHECK_FALSE(DecodeSegmentHeader(Bytes(bytes).substr(0, 4095)).ok());
}

TEST_CASE("a record is valid at its place only") {
  const RecordSealer here(kStoreId, 1);
  const RecordHeader header{RecordType::kChange, kFlagTransactionMore, 5, 0, 77};
  const std::string record = RecordOf(here, 4096, header, "payload");
  REQUIRE(record.size() == RecordSize(7));
  CHECK(base::LoadLe<uint32_t>(record.data()) == (7u | 1u << 24));
  CHECK(base::LoadLe<uint32_t>(record.data() + 4) == (5u | 2u << 24));
  CHECK(base::LoadLe<uint64_t>(record.data() + 8) == 77);
  RecordHeader back;
  REQUIRE(ParseRecordHeader(record, record.size(), &back));
  CHECK(back.length == 7);
  CHECK(RecordValid(here, 4096, back, record));
  CHECK(PayloadOf(back, record) == "payload");
  CHECK_FALSE(RecordValid(here, 4104, back, record));
  CHECK_FALSE(RecordValid(RecordSealer(kStoreId, 2), 4096, back, record));
  CHECK_FALSE(RecordValid(RecordSealer({1, 2}, 1), 4096, back, record));
  for (size_t i = 0; i < record.size(); ++i) {
    std::string changed = record;
    changed[i] ^= 1;
    RecordHeader other;
    const bool valid = ParseRecordHeader(changed, changed.size(), &other) &&
                       RecordSize(other.length) == changed.size() && RecordValid(here, 4096, other, changed);
    INFO("byte " << i);
    CHECK_FALSE(valid);
  }
  CHECK_FALSE(ParseRecordHeader(record, record.size() - 1, &back));
}

TEST_CASE("a trailer and a footer page come back, and no byte of a trailer may differ") {
  const RecordSealer sealer(kStoreId, 3);
  const Trailer trailer{8192, 9000, 12, 4, 15};
  const std::string bytes = EncodeTrailer(sealer, trailer);
  REQUIRE(bytes.size() == kTrailerSize);
  CHECK(bytes.substr(0, 8) == "JZSEFOOT");
  const auto back = DecodeTrailer(sealer, 9000, bytes);
  REQUIRE(back);
  CHECK(back->records == 12);
  CHECK(back->first == 4);
  CHECK(back->last == 15);
  CHECK_FALSE(DecodeTrailer(sealer, 9008, bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] ^= 1;
    CHECK_FALSE(DecodeTrailer(sealer, 9000, changed));
  }
  FooterPageBuilder page;
  page.Add({{RecordType::kChange, 1, 0, 40, 9}, 4096, "first"});
  page.Add({{RecordType::kVersionDrop, 0, 1, 16, 8}, 4176, ""});  // cold segments may go back in sequence
  const auto entries = DecodeFooterPage(page.Take());
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 2);
  CHECK((*entries)[0].summary == "first");
  CHECK((*entries)[1].offset == 4176);
  CHECK((*entries)[1].header.sequence == 8);
  CHECK_FALSE(DecodeFooterPage("\xff\xff").ok());
}

TEST_CASE("names of segments") {
  CHECK(SegmentFileName(0xabc) == "0000000000000abc.seg");
  CHECK(ParseSegmentFileName("0000000000000abc.seg") == SegmentId{0xabc});
  for (const char* name : {"abc.seg", "0000000000000ABC.seg", "0000000000000abc.seg2", "0000000000000abg.seg", ""})
    CHECK_FALSE(ParseSegmentFileName(name));
}

TEST_CASE("the census is the bytes of the manual and nothing else") {
  const std::vector<CensusEntry> entries = {{1, Stream::kCommit, Trailer{4096, 4200, 3, 1, 3}},
                                            {2, Stream::kBulk, std::nullopt},
                                            {300, Stream::kCold, Trailer{1 << 20, (1 << 20) + 64, 0, 0, 0}}};
  const std::string bytes = EncodeCensus(kStoreId, entries);
  std::string want = "JZSECEN\x01";
  base::Encoder encoder(&want);
  encoder.U64(kStoreId.low);
  encoder.U64(kStoreId.high);
  want += std::string("\x01\x05\x80\x20\x68\x03\x01\x02", 8);           // segment 1, commit, sealed
  want += std::string("\x01\x02", 2);                                     // segment 2, bulk
  want += std::string("\xaa\x02\x07\x80\x80\x40\x40\x00\x00\x00", 10);  // segment 300, cold, sealed
  const base::Hash128 check = base::Xxh128(want, 0);
  encoder.U64(check.low);
  encoder.U64(check.high);
  CHECK(base::HexEncode(bytes) == base::HexEncode(want));
  const auto back = DecodeCensus(bytes, kStoreId);
  REQUIRE(back.ok());
  CHECK(*back == entries);
  CHECK(DecodeCensus(EncodeCensus(kStoreId, {}), kStoreId)->empty());
  CHECK(base::Is(DecodeCensus(bytes, StoreId{1, 2}).status(), base::Code::kCorrupt));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] ^= 1;
    INFO("byte " << i);
    CHECK_FALSE(DecodeCensus(changed, kStoreId).ok());
    CHECK_FALSE(DecodeCensus(Bytes(bytes).substr(0, i), kStoreId).ok());
  }
}

TEST_CASE("a census that cannot be true is refused, also when its check is right") {
  const auto decoded = [](std::string_view entries) {
    std::string bytes = EncodeCensus(kStoreId, {}).substr(0, 24) + std::string(entries);
    const base::Hash128 check = base::Xxh128(bytes, 0);
    base::Encoder encoder(&bytes);
    encoder.U64(check.low);
    encoder.U64(check.high);
    return DecodeCensus(bytes, kStoreId).status();
  };
  using namespace std::string_view_literals;
  CHECK(decoded("\x01\x01\x01\x02"sv).ok());
  CHECK_FALSE(decoded("\x00\x01"sv).ok());                                                          // no segment has number 0
  CHECK_FALSE(decoded("\x01\x01\x00\x01"sv).ok());                                                  // twice the same
  CHECK_FALSE(decoded("\x02\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"sv).ok());              // back to number 1
  CHECK_FALSE(decoded("\x01\x00"sv).ok());                                                          // no such stream
  CHECK_FALSE(decoded("\x01\x09"sv).ok());                                                          // a bit that means nothing
  CHECK_FALSE(decoded("\x01\x05\x00\x00\x00\x00\x00"sv).ok());                                      // a footer in the header
  CHECK_FALSE(decoded("\x01\x05\x80\x20\x80\x80\x80\x80\x08\x00\x00\x00"sv).ok());                  // a footer behind everything
  CHECK_FALSE(decoded("\x01\x05\x80\x20"sv).ok());                                                  // half an entry
}

}  // namespace
}  // namespace jzse::store
