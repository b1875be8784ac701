// SPDX-License-Identifier: Apache-2.0
// Cut points: the rule of docs/format-chunking.md, written again here from its text, and cuts pinned for ever.
#include <array>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "store/chunker.h"

namespace jzse::store {
namespace {

constexpr ChunkSizes kDefault;
constexpr ChunkSizes kSmall{128, 512, 2048};

std::vector<base::Bytes> Cut(base::Bytes bytes, const ChunkSizes& sizes) {
  std::vector<base::Bytes> chunks;
  while (!bytes.empty()) {
    const size_t size = NextCut(bytes, sizes);
    REQUIRE(size >= 1);
    REQUIRE(size <= bytes.size());
    chunks.push_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return chunks;
}

// The rule, word by word and slow.
size_t ReferenceCut(base::Bytes bytes, const ChunkSizes& sizes) {
  std::array<uint64_t, 256> gear;
  base::Prng split_mix(0x4a7a534543444331u);
  for (uint64_t& word : gear) word = split_mix.Next();
  int log2_average = 0;
  while ((1u << log2_average) < sizes.average) ++log2_average;
  const auto mask = [](int n) {
    uint64_t bits = 0;
    for (int i = 0; i < n; ++i) bits |= uint64_t{1} << (63 - (48 * i) / n);
    return bits;
  };
  const uint64_t strict = mask(log2_average + 2), loose = mask(log2_average - 2);
  for (size_t length = sizes.min; length < bytes.size() && length < sizes.max; ++length) {
    uint64_t hash = 0;
    for (size_t j = 0; j < 64; ++j) {
      hash += gear[static_cast<unsigned char>(bytes[length - 1 - j])] << j;
    }
    if ((hash & (length < sizes.average ? strict : loose)) == 0) return length;
  }
  return std::min<size_t>(bytes.size(), sizes.max);
}

TEST_CASE("cuts are those of the written rule") {
  const auto [sizes, size] = GENERATE(table<ChunkSizes, size_t>(
      {{kSmall, 100000}, {{64, 256, 300}, 30000}, {{256, 256, 4096}, 60000}, {{64, 512, 512}, 30000},
       {kDefault, 1500000}}));
  const std::string data = base::Prng(sizes.average + sizes.max).Bytes(size);
  base::Bytes rest = data;
  for (const base::Bytes chunk : Cut(data, sizes)) {
    REQUIRE(chunk.size() == ReferenceCut(rest, sizes));
    rest.remove_prefix(chunk.size());
  }
}

TEST_CASE("cuts never change: pinned for three streams") {
  // SHA-256 of the lengths as 32-bit little-endian integers.
  const auto digest = [](base::Bytes data, const ChunkSizes& sizes) {
    std::string cuts;
    base::Encoder encoder(&cuts);
    for (const base::Bytes chunk : Cut(data, sizes)) {
      encoder.U32(static_cast<uint32_t>(chunk.size()));
    }
    return base::HexEncode(base::Sha256(cuts).view());
  };
  const std::string random = base::Prng(20240601).Bytes(8 << 20);
  std::string text;  // few distinct bytes, much repetition
  base::Prng prng(7);
  while (text.size() < (2 << 20)) text += "line " + std::to_string(prng.Below(1000)) + "\n";
  text.resize(2 << 20);

  const std::vector<base::Bytes> chunks = Cut(random, kDefault);
  const std::vector<size_t> first = {chunks[0].size(), chunks[1].size(), chunks[2].size()};
  CHECK(first == std::vector<size_t>{104545, 82034, 107723});
  CHECK(digest(random, kDefault) ==
        "17c9204df48f765d59343a83c535bc910c2f131936745862d2ad3cb58bbaa3ad");
  CHECK(digest(random, kSmall) ==
        "7cd959b44ac813da5e2a57691fe5f83dbb68acb84c13a5bfa75f8559161653a1");
  CHECK(digest(text, kDefault) ==
        "e8569565122c41658ce388985fa7babb324867aaf50682726592ac8c10cd4923");
}

TEST_CASE("every chunk but the last keeps the bounds, and the average is near what was asked") {
  const ChunkSizes sizes = GENERATE(kDefault, kSmall);
  const size_t total = size_t{sizes.average} * 400;
  const std::string data = base::Prng(3).Bytes(total);
  const std::vector<base::Bytes> chunks = Cut(data, sizes);
  for (size_t i = 0; i + 1 < chunks.size(); ++i) {
    CHECK(chunks[i].size() >= sizes.min);
    CHECK(chunks[i].size() <= sizes.max);
  }
  CHECK(chunks.size() > 400 * 2 / 3);
  CHECK(chunks.size() < 400 * 3 / 2);
}

TEST_CASE("streams of one repeated byte keep the bounds") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string data(10 * kSmall.max, static_cast<char>(byte));
    const std::vector<base::Bytes> chunks = Cut(data, kSmall);
    for (size_t i = 0; i + 1 < chunks.size(); ++i) {
      REQUIRE(chunks[i].size() >= kSmall.min);
      REQUIRE(chunks[i].size() <= kSmall.max);
    }
  }
}

TEST_CASE("what lies beyond the maximum does not matter, what lies before the minimum is one chunk") {
  const std::string data = base::Prng(11).Bytes(64 * kSmall.max);
  for (base::Bytes rest = data; rest.size() >= kSmall.max; rest.remove_prefix(97)) {
    REQUIRE(NextCut(rest, kSmall) == NextCut(rest.substr(0, kSmall.max), kSmall));
  }
  for (const size_t size : {size_t{1}, size_t{64}, size_t{kSmall.min - 1}, size_t{kSmall.min}}) {
    CHECK(NextCut(base::Bytes(data).substr(0, size), kSmall) == size);
  }
}

TEST_CASE("an insertion, a removal or a change moves few cuts") {
  const std::string before = base::Prng(5).Bytes(12 << 20);
  const size_t place = GENERATE(as<size_t>{}, 0, 1, 100000, 6 << 20, (12 << 20) - 10);
  std::string after = before;
  SECTION("insert") { after.insert(place, "some inserted bytes"); }
  SECTION("remove") { after.erase(place, 1000); }
  SECTION("change") { after[place] = static_cast<char>(after[place] + 1); }
  const auto known = Cut(before, kDefault);
  const std::set<base::Bytes> chunks(known.begin(), known.end());
  size_t shared = 0;
  for (const base::Bytes chunk : Cut(after, kDefault)) {
    if (chunks.count(chunk) != 0) shared += chunk.size();
  }
  CHECK(shared * 100 >= after.size() * 95);
}

}  // namespace
}  // namespace jzse::store
