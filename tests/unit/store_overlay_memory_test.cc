// SPDX-License-Identifier: Apache-2.0
// The overlay of a LiveIndex with the n-th allocation failing, for n = 1, 2, 3 and so on until all goes through: what is
// published is there as a whole or not at all, and what was there before stays whole.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <new>
#include <string>

#include "store/live_index.h"

namespace {

thread_local uint64_t t_countdown = 0;  // 1: the next one fails; 0: none

void* Allocate(size_t size) {
  if (t_countdown != 0 && --t_countdown == 0) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}
void* AllocateOrThrow(size_t size) {
  void* const memory = Allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t size) { return AllocateOrThrow(size); }
void* operator new[](size_t size) { return AllocateOrThrow(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace jzse::store {
namespace {

using State = std::map<std::string, std::string>;

// Longer than what a string holds without memory.
std::string LongKey(int i) { return "P a key that needs memory of its own " + std::to_string(100 + i); }

OverlayMap Changes(int begin, int step, const std::string& value) {
  OverlayMap changes;
  for (int i = begin; i < 60; i += step)
    changes[LongKey(i)] = value + ", which is long, too " + std::to_string(i);
  return changes;
}

State StateOf(LiveIndex& live) {
  State state;
  REQUIRE(live.Scan("P", nullptr, [&](Bytes key, Bytes value) {
    state[std::string(key)] = value;
    return true;
  }).ok());
  return state;
}

// Runs the body with the n-th allocation failing; false when it ran through without meeting that.
template <typename Body>
bool WithFailing(uint64_t n, Body body) {
  t_countdown = n;
  bool thrown = false;
  try {
    body();
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  const bool met = t_countdown == 0;
  t_countdown = 0;
  REQUIRE(met == thrown);
  return met;
}

TEST_CASE("lack of memory breaks neither the overlay, nor a listing, nor the index") {
  bool met = true;
  for (uint64_t n = 1; met; ++n) {
    INFO("allocation " << n);
    REQUIRE(n < 5000);
    LiveIndex live(NewMapIndex(), Applied{});
    live.Publish(Changes(0, 2, "first"), Applied{});
    const State before = StateOf(live);
    OverlayMap second = Changes(1, 3, "second");
    met = WithFailing(n, [&] { live.Publish(std::move(second), Applied{}); });
    const State published = StateOf(live);
    CHECK(published.size() == (published == before ? 30 : 40));
    CHECK((met || published != before));
    met |= WithFailing(n, [&] {
      size_t seen = 0;
      (void)live.Scan("P", nullptr, [&](Bytes, Bytes) { return ++seen < 1000; });
    });
    CHECK(StateOf(live) == published);
    met |= WithFailing(n, [&] { (void)live.Drain(); });
    CHECK(StateOf(live) == published);
    REQUIRE(live.Drain().ok());
    CHECK(StateOf(live) == published);
    met |= WithFailing(n, [&] { (void)live.View(); });
    CHECK(StateOf(live) == published);
  }
}

}  // namespace
}  // namespace jzse::store
