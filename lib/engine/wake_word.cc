// SPDX-License-Identifier: Apache-2.0
#include "engine/wake_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace jzse::engine {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free);

// EAGAIN (the value is another one by now) and EINTR need no care: callers look again.
void WakeWord::Wait(uint32_t seen) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word_), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void WakeWord::Wake(int32_t count) {
  word_.fetch_add(1, std::memory_order_release);
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word_), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

}  // namespace jzse::engine
