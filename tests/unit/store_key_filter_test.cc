// SPDX-License-Identifier: Apache-2.0
// The filter of a rebuild: what was added is never denied, and what was not is mostly denied.
#include <catch2/catch.hpp>

#include <string>

#include "store/key_filter.h"

namespace jzse::store {

TEST_CASE("every added key may be there, few others") {
  for (const size_t keys : {0, 1, 1000, 20'000}) {
    KeyFilter filter(keys * 10 / 8);
    const auto key = [](char kind, size_t i) { return std::string(1, kind) + "some/path/" + std::to_string(i); };
    for (size_t i = 0; i < keys; ++i) filter.Add(key('P', i));
    size_t wrong = 0;
    for (size_t i = 0; i < keys; ++i) REQUIRE(filter.MayHave(key('P', i)));
    for (size_t i = 0; i < keys; ++i) wrong += filter.MayHave(key('T', i)) ? 1 : 0;
    CHECK(wrong <= keys / 20);
  }
  KeyFilter empty(0);
  CHECK(!empty.MayHave("P"));
}

}  // namespace jzse::store
