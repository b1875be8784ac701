// SPDX-License-Identifier: Apache-2.0
// base/codec and base/bytes: strict decoding, one encoding for each value.
#include <catch2/catch.hpp>
#include <limits>
#include <vector>

#include "base/base.h"

namespace jzse::base {
namespace {

std::string Varint(uint64_t value) {
  std::string out;
  Encoder(&out).Varint(value);
  return out;
}

bool RejectsVarint(const std::string& bytes) {
  Decoder decoder(bytes);
  decoder.Varint();
  return !decoder.ok();
}

TEST_CASE("varints: known bytes, and every size decodes to itself") {
  CHECK(HexEncode(Varint(0)) == "00");
  CHECK(HexEncode(Varint(127)) == "7f");
  CHECK(HexEncode(Varint(128)) == "8001");
  CHECK(HexEncode(Varint(300)) == "ac02");
  CHECK(HexEncode(Varint(std::numeric_limits<uint64_t>::max())) == "ffffffffffffffffff01");
  for (int bit = 0; bit < 64; ++bit) {
    for (const uint64_t value : {(uint64_t{1} << bit) - 1, uint64_t{1} << bit, (uint64_t{1} << bit) + 1}) {
      const std::string bytes = Varint(value);
      Decoder decoder(bytes);
      REQUIRE(decoder.Varint() == value);
      REQUIRE(decoder.done());
    }
  }
}

TEST_CASE("varints: longer forms, overflow and truncation are refused") {
  CHECK(RejectsVarint(std::string("\x80\x00", 2)));
  CHECK(RejectsVarint(std::string("\xff\x80\x00", 3)));
  CHECK(RejectsVarint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  CHECK(RejectsVarint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  CHECK(RejectsVarint("\x80"));
  CHECK(RejectsVarint(""));
}

TEST_CASE("signed varints cover the whole range, small ones in one byte") {
  const std::vector<int64_t> values = {0, -1, 1, 63, -64, 64, std::numeric_limits<int64_t>::min(),
                                       std::numeric_limits<int64_t>::max()};
  for (const int64_t value : values) {
    std::string out;
    Encoder(&out).SignedVarint(value);
    if (value >= -64 && value < 64) CHECK(out.size() == 1);
    Decoder decoder(out);
    CHECK(decoder.SignedVarint() == value);
    CHECK(decoder.done());
  }
}

TEST_CASE("fixed integers: little-endian, and big-endian for keys") {
  std::string out;
  Encoder encoder(&out);
  encoder.U8(0x01);
  encoder.U16(0x0203);
  encoder.U32(0x04050607);
  encoder.U64(0x08090a0b0c0d0e0f);
  encoder.Be32(0x01020304);
  encoder.Be64(0x05060708090a0b0c);
  CHECK(HexEncode(out) == "01" "0302" "07060504" "0f0e0d0c0b0a0908" "01020304" "05060708090a0b0c");
  Decoder decoder(out);
  CHECK(decoder.U8() == 0x01);
  CHECK(decoder.U16() == 0x0203);
  CHECK(decoder.U32() == 0x04050607);
  CHECK(decoder.U64() == 0x08090a0b0c0d0e0f);
  CHECK(decoder.Be32() == 0x01020304);
  CHECK(decoder.Be64() == 0x05060708090a0b0c);
  CHECK(decoder.done());
}

TEST_CASE("a decoder stops at the end, and its failure sticks") {
  const std::string bytes = "abc";
  Decoder decoder(bytes);
  CHECK(decoder.Raw(2) == "ab");
  CHECK(decoder.remaining() == 1);
  CHECK(decoder.U16() == 0);
  CHECK_FALSE(decoder.ok());
  CHECK(decoder.U8() == 0);
  CHECK(decoder.Rest().empty());
  CHECK_FALSE(decoder.done());
}

TEST_CASE("prefixed bytes: bounds of the caller and of the buffer") {
  std::string out;
  Encoder(&out).Prefixed("hello");
  Decoder fits(out);
  CHECK(fits.Prefixed(5) == "hello");
  CHECK(fits.done());
  Decoder above_bound(out);
  CHECK(above_bound.Prefixed(4).empty());
  CHECK_FALSE(above_bound.ok());
  Decoder truncated(Bytes(out).substr(0, 4));
  CHECK(truncated.Prefixed(5).empty());
  CHECK_FALSE(truncated.ok());
  std::string huge;
  Encoder(&huge).Varint(std::numeric_limits<uint64_t>::max());
  Decoder overflow(huge);
  CHECK(overflow.Prefixed(std::numeric_limits<uint64_t>::max()).empty());
  CHECK_FALSE(overflow.ok());
}

TEST_CASE("VarintMax refuses what is above") {
  const std::string bytes = Varint(10);
  Decoder equal(bytes), above(bytes);
  CHECK(equal.VarintMax(10) == 10);
  CHECK(above.VarintMax(9) == 0);
  CHECK_FALSE(above.ok());
}

TEST_CASE("done() means everything was read") {
  Decoder decoder("ab");
  decoder.U8();
  CHECK(decoder.ok());
  CHECK_FALSE(decoder.done());
  CHECK(decoder.Rest() == "b");
  CHECK(decoder.done());
}

TEST_CASE("hex: both ways, and what is no hex") {
  std::string bytes;
  CHECK(HexEncode(std::string("\x00\x7f\xff", 3)) == "007fff");
  REQUIRE(HexDecode("00aBFf", &bytes));
  CHECK(bytes == std::string("\x00\xab\xff", 3));
  CHECK(HexDecode("", &bytes));
  CHECK(bytes.empty());
  CHECK_FALSE(HexDecode("0", &bytes));
  CHECK_FALSE(HexDecode("0g", &bytes));
  CHECK_FALSE(HexDecode(" 0", &bytes));
}

TEST_CASE("AlignUp") {
  CHECK(AlignUp(0, 8) == 0);
  CHECK(AlignUp(1, 8) == 8);
  CHECK(AlignUp(8, 8) == 8);
  CHECK(AlignUp(4097, 4096) == 8192);
}

}  // namespace
}  // namespace jzse::base
