// SPDX-License-Identifier: Apache-2.0
// base/hash against published vectors, base/status and base/prng.
#include <catch2/catch.hpp>
#include <utility>

#include "base/base.h"

namespace jzse::base {
namespace {

std::string HexSha256(Bytes bytes) { return HexEncode(Sha256(bytes).view()); }

TEST_CASE("CRC-32C, against RFC 3720 and, at every length and place, against its definition") {
  CHECK(Crc32c("123456789") == 0xe3069283u);
  CHECK(Crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(Crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  CHECK(Crc32c("") == 0);
  const auto bit_by_bit = [](Bytes bytes) {
    uint32_t crc = ~0u;
    for (const char c : bytes) {
      crc ^= static_cast<uint8_t>(c);
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    }
    return ~crc;
  };
  Prng prng(5);
  std::string noise(8500, '\0');
  for (char& c : noise) c = static_cast<char>(prng.Next());
  for (size_t size = 0; size < 8400; size += size < 100 || (size > 1500 && size < 1600) ? 1 : 67) {
    const Bytes part = Bytes(noise).substr(size % 9, size);
    REQUIRE(Crc32c(part) == bit_by_bit(part));
  }
}

TEST_CASE("SHA-256: the vectors of FIPS 180-4") {
  CHECK(HexSha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(HexSha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(HexSha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("SHA-256 in pieces equals SHA-256 at once, also after a move") {
  Prng prng(1);
  const std::string bytes = prng.Bytes(100'000);
  for (const size_t piece : {size_t{1}, size_t{63}, size_t{64}, size_t{4097}}) {
    Sha256Stream stream;
    size_t at = 0;
    for (; at < bytes.size() / 2; at += piece) stream.Update(Bytes(bytes).substr(at, piece));
    Sha256Stream moved(std::move(stream));
    for (; at < bytes.size(); at += piece) moved.Update(Bytes(bytes).substr(at, piece));
    CHECK(moved.Finish() == Sha256(bytes));
  }
}

TEST_CASE("Hash256: empty, order, bytes") {
  CHECK(Hash256{}.empty());
  CHECK_FALSE(Sha256("").empty());
  const Hash256 hash = Sha256("x");
  CHECK(Hash256::FromBytes(hash.view()) == hash);
  Hash256 low, high;
  low.bytes[31] = 0xff;
  high.bytes[0] = 1;
  CHECK(low < high);
}

TEST_CASE("XXH3: the values of the reference implementation, and its seed matters") {
  CHECK(Xxh64("", 0) == 0x2d06800538d394c2u);
  CHECK(Xxh128("", 0) == Hash128{0x6001c324468d497fu, 0x99aa06d3014798d8u});
  CHECK(Xxh64("abc", 0) != Xxh64("abc", 1));
  CHECK(Xxh128("abc", 0) != Xxh128("abc", 1));
  CHECK(Xxh128("abc", 0) != Xxh128("abd", 0));
}

TEST_CASE("a failure keeps its code and message, and gains context") {
  const Status status = Fail(Code::kNoSpace, "disk full");
  CHECK_FALSE(status.ok());
  CHECK(CodeOf(status) == Code::kNoSpace);
  CHECK(Is(status, Code::kNoSpace));
  const Status annotated = Annotate(status, "put a.txt");
  CHECK(CodeOf(annotated) == Code::kNoSpace);
  CHECK(std::string(annotated.message()) == "put a.txt: disk full");
  CHECK(Annotate(Status(), "put a.txt").ok());
  CHECK(CodeOf(Status()) == Code::kOk);
  for (int code = static_cast<int>(Code::kBusy); code < 0; ++code) {
    CHECK(CodeOf(Fail(static_cast<Code>(code), "x")) == static_cast<Code>(code));
  }
}

TEST_CASE("the generator repeats from its seed and stays within bounds") {
  Prng a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.Next();
    CHECK(value == b.Next());
    differs = differs || value != c.Next();
  }
  CHECK(differs);
  for (int i = 0; i < 1000; ++i) REQUIRE(a.Below(7) < 7);
  CHECK(a.Bytes(33).size() == 33);
}

}  // namespace
}  // namespace jzse::base
