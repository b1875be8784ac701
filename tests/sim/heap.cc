// SPDX-License-Identifier: Apache-2.0
#include "heap.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> g_bytes{0};

void* Count(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  g_bytes.fetch_add(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
  return memory;
}

void Free(void* memory) {
  if (memory == nullptr) return;
  g_bytes.fetch_sub(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

// Array and sized forms come here, too; the aligned ones are not counted.
void* operator new(size_t size) { return Count(std::malloc(size == 0 ? 1 : size)); }
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, size_t) noexcept { Free(memory); }

namespace jzse::sim {

int64_t HeapBytes() { return g_bytes.load(std::memory_order_relaxed); }

}  // namespace jzse::sim
