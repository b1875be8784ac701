// SPDX-License-Identifier: Apache-2.0
// Needs glibc, whose own allocator stays reachable as __libc_*; a sanitizer has definitions of its
// own, so there is no such build with one.
#include "counting.h"

#include <dlfcn.h>
#include <sys/uio.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace {

std::atomic<uint64_t> allocations{0};
std::atomic<uint64_t> allocated_bytes{0};
std::atomic<uint64_t> syncs{0};

void CountAllocation(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  allocated_bytes.fetch_add(size, std::memory_order_relaxed);
}

// A sync takes at least as long as a disk without a cache takes: how many changes share one must not depend on the disk, and on one
// in memory none would.
void CountSync() {
  syncs.fetch_add(1, std::memory_order_relaxed);
  const timespec disk{0, 1'000'000};
  nanosleep(&disk, nullptr);
}

// The definition that comes after ours.
template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

using Pwritev2 = ssize_t(int, const iovec*, int, off64_t, int);

}  // namespace

#define JZSE_COUNTING extern "C" __attribute__((visibility("default")))

JZSE_COUNTING void* __libc_malloc(size_t size);
JZSE_COUNTING void* __libc_calloc(size_t count, size_t size);
JZSE_COUNTING void* __libc_realloc(void* old, size_t size);
JZSE_COUNTING void* __libc_memalign(size_t alignment, size_t size);

JZSE_COUNTING void* malloc(size_t size) noexcept {
  CountAllocation(size);
  return __libc_malloc(size);
}
JZSE_COUNTING void* calloc(size_t count, size_t size) noexcept {
  CountAllocation(count * size);
  return __libc_calloc(count, size);
}
JZSE_COUNTING void* realloc(void* old, size_t size) noexcept {
  CountAllocation(size);
  return __libc_realloc(old, size);
}
JZSE_COUNTING void* aligned_alloc(size_t alignment, size_t size) noexcept {
  CountAllocation(size);
  return __libc_memalign(alignment, size);
}
JZSE_COUNTING int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  CountAllocation(size);
  *memory = __libc_memalign(alignment, size);
  return *memory != nullptr ? 0 : ENOMEM;
}

JZSE_COUNTING int fsync(int fd) {
  static auto* const next = Next<int(int)>("fsync");
  CountSync();
  return next(fd);
}
JZSE_COUNTING int fdatasync(int fd) {
  static auto* const next = Next<int(int)>("fdatasync");
  CountSync();
  return next(fd);
}
// With 64 bit offsets, as the project is compiled, glibc calls it pwritev64v2.
JZSE_COUNTING ssize_t pwritev2(int fd, const iovec* pieces, int count, off_t offset, int flags) {
  static auto* const next = Next<Pwritev2>("pwritev64v2");
  if ((flags & (RWF_DSYNC | RWF_SYNC)) != 0) CountSync();
  return next(fd, pieces, count, offset, flags);
}

namespace bench {

bool CanCount() { return true; }
Counted CountedSoFar() { return {allocations.load(), allocated_bytes.load(), syncs.load()}; }

}  // namespace bench
