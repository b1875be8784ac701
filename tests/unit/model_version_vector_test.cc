// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <initializer_list>

#include "model/model.h"

namespace jzse::model {
namespace {

VersionVector Vector(std::initializer_list<Dot> dots) {
  VersionVector vector;
  for (const Dot& dot : dots) vector.Advance(dot);
  return vector;
}

std::string Encoded(const VersionVector& vector) {
  std::string out;
  base::Encoder encoder(&out);
  vector.Encode(encoder);
  return out;
}

bool Decodes(const std::string& bytes, VersionVector* vector) {
  base::Decoder decoder(bytes);
  return vector->Decode(decoder) && decoder.done();
}

TEST_CASE("a vector contains everything up to its counters") {
  const VersionVector vector = Vector({{9, 3}, {2, 5}, {9, 1}});
  CHECK(vector.Get(9) == 3);
  CHECK(vector.Get(2) == 5);
  CHECK(vector.Get(3) == 0);
  CHECK(vector.Contains({9, 1}));
  CHECK(vector.Contains({9, 3}));
  CHECK_FALSE(vector.Contains({9, 4}));
  CHECK_FALSE(vector.Contains({3, 1}));
  REQUIRE(vector.size() == 2);
  CHECK(vector.entries()[0] == Dot{2, 5});
  CHECK(vector.entries()[1] == Dot{9, 3});
}

TEST_CASE("comparison tells the four cases") {
  const VersionVector empty, a = Vector({{1, 2}}), b = Vector({{1, 3}}), c = Vector({{2, 1}}), ac = Vector({{1, 2}, {2, 1}});
  CHECK(empty.Compare(empty) == Causality::kEqual);
  CHECK(a.Compare(a) == Causality::kEqual);
  CHECK(empty.Compare(a) == Causality::kBefore);
  CHECK(a.Compare(empty) == Causality::kAfter);
  CHECK(a.Compare(b) == Causality::kBefore);
  CHECK(b.Compare(a) == Causality::kAfter);
  CHECK(a.Compare(c) == Causality::kConcurrent);
  CHECK(b.Compare(ac) == Causality::kConcurrent);
  CHECK(a.Compare(ac) == Causality::kBefore);
}

TEST_CASE("merging is the least upper bound") {
  VersionVector merged = Vector({{1, 2}, {3, 1}});
  merged.Merge(Vector({{1, 1}, {2, 7}}));
  CHECK(merged == Vector({{1, 2}, {2, 7}, {3, 1}}));
}

TEST_CASE("the encoding is exact, and there is only one") {
  VersionVector decoded;
  for (const VersionVector& vector : {Vector({}), Vector({{1, 1}}), Vector({{7, 300}, {1, 1}, {~0ull, ~0ull}})}) {
    REQUIRE(Decodes(Encoded(vector), &decoded));
    CHECK(decoded == vector);
  }
  CHECK(base::HexEncode(Encoded(Vector({{0x0102, 300}}))) == "01" "0201000000000000" "ac02");

  const auto encode = [](std::initializer_list<Dot> entries) {
    std::string out;
    base::Encoder encoder(&out);
    encoder.Varint(entries.size());
    for (const Dot& entry : entries) {
      encoder.U64(entry.replica);
      encoder.Varint(entry.counter);
    }
    return out;
  };
  CHECK(Decodes(encode({{1, 1}, {2, 1}}), &decoded));
  CHECK_FALSE(Decodes(encode({{2, 1}, {1, 1}}), &decoded));
  CHECK_FALSE(Decodes(encode({{1, 1}, {1, 2}}), &decoded));
  CHECK_FALSE(Decodes(encode({{0, 1}}), &decoded));
  CHECK_FALSE(Decodes(encode({{1, 0}}), &decoded));
  CHECK_FALSE(Decodes(std::string("\x02", 1), &decoded));
}

TEST_CASE("a vector of too many replicas is refused") {
  for (const size_t count : {base::kVersionVectorReplicasMax, base::kVersionVectorReplicasMax + 1}) {
    VersionVector vector, decoded;
    for (size_t i = 1; i <= count; ++i) vector.Advance({i, 1});
    CHECK(Decodes(Encoded(vector), &decoded) == (count <= base::kVersionVectorReplicasMax));
  }
}

}  // namespace
}  // namespace jzse::model
