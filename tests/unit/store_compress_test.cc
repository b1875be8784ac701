// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include <catch2/catch.hpp>
#include <memory>

#include "store/compress.h"

namespace jzse::store {
namespace {

using base::Code;

// Repeats of one random byte: the longer they are, the better it compresses.
std::string Runs(uint64_t seed, size_t size, size_t run_max) {
  base::Prng prng(seed);
  std::string bytes;
  while (bytes.size() < size) {
    bytes.append(1 + prng.Below(run_max), static_cast<char>(prng.Next()));
  }
  bytes.resize(size);
  return bytes;
}

std::string MustCompress(base::Bytes bytes, int level = 3) {
  std::string out;
  REQUIRE(Compress(bytes, level, &out));
  return out;
}

// Into memory of exactly that size, so that a sanitizer sees a byte too many.
Code TryDecompress(base::Bytes bytes, size_t raw_size) {
  const std::unique_ptr<char[]> out(new char[raw_size]);
  return base::CodeOf(Decompress(bytes, raw_size, out.get()));
}

TEST_CASE("what was compressed comes back, at every level and size, and is smaller by an eighth") {
  const int level = GENERATE(1, 3, 9, 19);
  const size_t size = GENERATE(as<size_t>{}, 64, 65, 1000, 65536, 262144, base::kRecordPayloadMax);
  const std::string raw = Runs(size, size, 40);
  const std::string packed = MustCompress(raw, level);
  CHECK(packed.size() <= raw.size() - raw.size() / 8);
  std::string out(raw.size(), 'x');
  REQUIRE(Decompress(packed, out.size(), out.data()).ok());
  CHECK(out == raw);
}

TEST_CASE("what does not get smaller by an eighth is left alone") {
  std::string out;
  CHECK_FALSE(Compress(base::Prng(1).Bytes(100000), 3, &out));
  CHECK_FALSE(Compress("", 3, &out));
  CHECK_FALSE(Compress("aaaaaaaaaaaaaaaa", 3, &out));
  // Seven parts noise and one part zeros: less than an eighth can be won.
  CHECK_FALSE(Compress(base::Prng(2).Bytes(70000) + std::string(9900, '\0'), 3, &out));
  CHECK(Compress(base::Prng(2).Bytes(70000) + std::string(11000, '\0'), 3, &out));
}

TEST_CASE("a wrong size is refused, and no byte is written beyond it") {
  const std::string raw = Runs(4, 50000, 30);
  const std::string packed = MustCompress(raw);
  CHECK(TryDecompress(packed, raw.size()) == Code::kOk);
  for (const size_t size : {size_t{0}, size_t{1}, raw.size() - 1, raw.size() + 1, 2 * raw.size()}) {
    CHECK(TryDecompress(packed, size) == Code::kCorrupt);
  }
}

TEST_CASE("a bomb is refused, whatever it claims") {
  const std::string zeros(64 << 20, '\0');
  std::string bomb(ZSTD_compressBound(zeros.size()), '\0');
  bomb.resize(ZSTD_compress(bomb.data(), bomb.size(), zeros.data(), zeros.size(), 19));
  REQUIRE(bomb.size() < 10000);
  CHECK(TryDecompress(bomb, 65536) == Code::kCorrupt);
  CHECK(TryDecompress(bomb, base::kRecordPayloadMax) == Code::kCorrupt);
  char one;
  CHECK(base::Is(Decompress(bomb, zeros.size(), &one), Code::kCorrupt));
}

TEST_CASE("anything but one whole frame is refused") {
  const std::string raw = Runs(9, 20000, 50), packed = MustCompress(raw);
  const std::string half = MustCompress(base::Bytes(raw).substr(0, 10000)) +
                           MustCompress(base::Bytes(raw).substr(10000));
  const std::string skippable("\x50\x2a\x4d\x18\x04\x00\x00\x00zzzz", 12);
  CHECK(TryDecompress(half, raw.size()) == Code::kCorrupt);
  CHECK(TryDecompress(packed + skippable, raw.size()) == Code::kCorrupt);
  CHECK(TryDecompress(skippable + packed, raw.size()) == Code::kCorrupt);
  CHECK(TryDecompress(packed + "x", raw.size()) == Code::kCorrupt);
  CHECK(TryDecompress("", raw.size()) == Code::kCorrupt);
  CHECK(TryDecompress("", 0) == Code::kCorrupt);
  CHECK(TryDecompress(skippable, 0) == Code::kCorrupt);
  for (size_t size = 0; size < packed.size(); size += 1 + packed.size() / 200) {
    CHECK(TryDecompress(base::Bytes(packed).substr(0, size), raw.size()) == Code::kCorrupt);
  }
}

TEST_CASE("damaged bytes never write beyond the size, and noise is refused") {
  const std::string raw = Runs(12, 30000, 25), packed = MustCompress(raw);
  base::Prng prng(13);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = packed;
    damaged[prng.Below(damaged.size())] ^= static_cast<char>(1u << prng.Below(8));
    const Code code = TryDecompress(damaged, raw.size());
    CHECK((code == Code::kOk || code == Code::kCorrupt));  // the record's check, not zstd, finds every flip
    refused += code == Code::kCorrupt;
    CHECK(TryDecompress(prng.Bytes(prng.Below(200)), 4096) == Code::kCorrupt);
  }
  CHECK(refused > 0);
}

}  // namespace
}  // namespace jzse::store
