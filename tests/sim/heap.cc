// SPDX-License-Identifier: Apache-2.0
#include "heap.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

namespace {

std::atomic<int64_t> g_bytes{0};

thread_local uint64_t t_countdown = 0;  // 1: the next one fails; 0: none
thread_local bool t_failed = false;
thread_local int t_sparing = 0;

// Null when there is none.
void* Allocate(size_t size) {
  if (t_sparing == 0 && t_countdown != 0 && --t_countdown == 0) {
    t_failed = true;
    return nullptr;
  }
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory != nullptr)
    g_bytes.fetch_add(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
  return memory;
}

void* AllocateOrThrow(size_t size) {
  void* const memory = Allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void Free(void* memory) {
  if (memory == nullptr) return;
  g_bytes.fetch_sub(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

// All forms but the aligned ones: sanitizers bring their own for those that are left out, and these must not mix.
void* operator new(size_t size) { return AllocateOrThrow(size); }
void* operator new[](size_t size) { return AllocateOrThrow(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete(void* memory, size_t) noexcept { Free(memory); }
void operator delete[](void* memory, size_t) noexcept { Free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { Free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { Free(memory); }

namespace jzse::sim {

bool FailAllocation(uint64_t nth) {
  t_countdown = nth;
  return std::exchange(t_failed, false);
}

void SpareAllocations() { ++t_sparing; }
void EndSparing() { --t_sparing; }

int64_t HeapBytes() { return g_bytes.load(std::memory_order_relaxed); }

}  // namespace jzse::sim
