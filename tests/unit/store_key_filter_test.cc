// SPDX-License-Identifier: Apache-2.0
// What was added is never denied, and what was not is mostly denied.
#include <catch2/catch.hpp>

#include <string>

#include "store/key_filter.h"

namespace jzse::store {

TEST_CASE("every added key may be there, few others") {
  for (const size_t keys : {0, 1, 1000, 20'000}) {
    KeyFilter filter(keys * 10 / 8);
    const auto key = [](char kind, size_t i) {
      return base::Xxh64(std::string(1, kind) + "some/path/" + std::to_string(i), 0);
    };
    for (size_t i = 0; i < keys; ++i) filter.Add(key('P', i));
    size_t wrong = 0;
    for (size_t i = 0; i < keys; ++i) REQUIRE(filter.MayHave(key('P', i)));
    for (size_t i = 0; i < keys; ++i) wrong += filter.MayHave(key('T', i)) ? 1 : 0;
    CHECK(wrong <= keys / 20);
    KeyFilter both(keys * 10 / 8), more(keys * 10 / 8);
    more.Add(key('X', 1));
    both.AddAll(filter);
    both.AddAll(more);
    for (size_t i = 0; i < keys; ++i) REQUIRE(both.MayHave(key('P', i)));
    CHECK(both.MayHave(key('X', 1)));
    both.Clear();
    CHECK(!both.MayHave(key('X', 1)));
  }
  KeyFilter empty(0);
  CHECK(!empty.MayHave(base::Xxh64("P", 0)));
}

}  // namespace jzse::store
