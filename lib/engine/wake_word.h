// SPDX-License-Identifier: Apache-2.0
// A word to sleep on, as cheap as the kernel offers it: a futex. std::atomic::wait yields the processor several times before
// it sleeps, which with many sleepers and few processors costs more than the sleep.
//
// Threads: all methods from any thread.
#ifndef JZSE_ENGINE_WAKE_WORD_H_
#define JZSE_ENGINE_WAKE_WORD_H_

#include <atomic>
#include <cstdint>

namespace jzse::engine {

class WakeWord {
 public:
  uint32_t Now() const { return word_.load(std::memory_order_acquire); }
  // Returns at once when the word is not `seen` any more, else after a wake-up; also for no reason now and then.
  void Wait(uint32_t seen);
  // A new value, so that whoever is about to wait for the old one does not.
  void WakeOne() { Wake(1); }
  void WakeAll() { Wake(INT32_MAX); }

 private:
  void Wake(int32_t count);

  std::atomic<uint32_t> word_{0};
};

}  // namespace jzse::engine

#endif  // JZSE_ENGINE_WAKE_WORD_H_
