// SPDX-License-Identifier: Apache-2.0
// A buffer of whole pages grows and is cut without losing bytes.
#include <catch2/catch.hpp>
#include <string>

#include "base/base.h"

namespace jzse::base {
namespace {

bool BeginsPage(const BlockBuffer& buffer) { return reinterpret_cast<uintptr_t>(buffer.data()) % kBlockSize == 0; }

TEST_CASE("what is appended stays, at the beginning of a page, however it grows") {
  BlockBuffer buffer;
  std::string expected;
  Prng prng(3);
  for (int i = 0; i < 2000; ++i) {
    if (prng.OneIn(8)) {
      const size_t size = prng.Below(expected.size() + 1);
      buffer.Cut(size);
      expected.resize(size);
    } else if (prng.OneIn(3)) {
      const size_t count = prng.Below(100);
      buffer.AppendZeros(count);
      expected.append(count, '\0');
    } else {
      const std::string bytes = prng.Bytes(prng.Below(i < 1000 ? 40 : 9000));
      buffer.Append(bytes);
      expected += bytes;
    }
    REQUIRE(buffer.view() == expected);
    REQUIRE((expected.empty() || BeginsPage(buffer)));
  }
}

TEST_CASE("room that was asked for is there, and cutting gives no memory back") {
  BlockBuffer buffer;
  std::memset(buffer.Extend(10'000), 'x', 10'000);
  CHECK(buffer.size() == 10'000);
  CHECK(buffer.capacity() % kBlockSize == 0);
  const char* const place = buffer.data();
  buffer.Cut(0);
  buffer.Append("y");
  CHECK(buffer.data() == place);
  CHECK(buffer.view() == "y");
}

}  // namespace
}  // namespace jzse::base
