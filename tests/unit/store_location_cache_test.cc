// SPDX-License-Identifier: Apache-2.0
// What is remembered of hot records, and when it must not be.
#include "store/location_cache.h"

#include <catch2/catch.hpp>
#include <string>

namespace jzse::store {
namespace {

constexpr Location kOld{1, 4096, 64}, kNew{1, 8192, 64};

TEST_CASE("a place is found until its key changes") {
  LocationCache cache(1 << 20);
  LocationCache::Ticket ticket;
  REQUIRE(!cache.Find("key", &ticket));
  cache.Insert(ticket, kOld);
  REQUIRE(cache.Find("key", &ticket) == kOld);
  cache.BeginChange(LocationCache::HashOf("key"));
  CHECK(!cache.Find("key", &ticket));
  cache.EndChange(LocationCache::HashOf("key"));
  CHECK(!cache.Find("key", &ticket));
  cache.Insert(ticket, kNew);
  CHECK(cache.Find("key", &ticket) == kNew);
}

TEST_CASE("an answer looked up before a change was over never comes in") {
  LocationCache cache(1 << 20);
  LocationCache::Ticket before, during;
  REQUIRE(!cache.Find("key", &before));
  cache.BeginChange(LocationCache::HashOf("key"));
  REQUIRE(!cache.Find("key", &during));
  cache.Insert(before, kOld);
  cache.Insert(during, kOld);
  CHECK(!cache.Find("key", &before));
  cache.EndChange(LocationCache::HashOf("key"));
  cache.Insert(during, kOld);
  LocationCache::Ticket after;
  CHECK(!cache.Find("key", &after));
  cache.Insert(after, kNew);
  CHECK(cache.Find("key", &after) == kNew);
}

TEST_CASE("other keys are served while one changes") {
  LocationCache cache(1 << 20);
  LocationCache::Ticket ticket;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "other" + std::to_string(i);
    cache.Find(key, &ticket);
    cache.Insert(ticket, kOld);
  }
  cache.BeginChange(LocationCache::HashOf("key"));
  int found = 0;
  for (int i = 0; i < 1000; ++i) found += cache.Find("other" + std::to_string(i), &ticket) ? 1 : 0;
  CHECK(found == 1000);
  cache.EndChange(LocationCache::HashOf("key"));
}

}  // namespace
}  // namespace jzse::store
