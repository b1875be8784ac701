// SPDX-License-Identifier: Apache-2.0
// What the tests of refusals share.
#ifndef JZSE_TESTS_CRASH_REFUSAL_H_
#define JZSE_TESTS_CRASH_REFUSAL_H_

#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>

#include "faulty_index.h"
#include "store_world.h"

namespace jzse::crash {

using base::Is;
using engine::FileInfo;
using engine::Transaction;
using io::Op;
using io::OpMask;
using io::SimEnv;

inline std::unique_ptr<Store> OpenWith(SimEnv& env, const engine::Options& options) {
  auto store = Store::Open(env, kStore, options);
  INFO(store.status());
  REQUIRE(store.ok());
  return *std::move(store);
}

// For what happens on another thread; the bound only ends a test that hangs.
template <typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 60'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// Lines that a store logged, from whatever thread.
class Log {
 public:
  engine::LogFn Into() {
    return [this](int, std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_ += std::string(line) + "\n";
    };
  }
  bool Has(std::string_view what) const {
    const std::lock_guard lock(mutex_);
    return lines_.find(what) != std::string::npos;
  }

 private:
  mutable std::mutex mutex_;
  std::string lines_;
};

inline model::NamespacePolicy SmallChunks() {
  model::NamespacePolicy policy;
  policy.chunk_min = 4096;
  policy.chunk_average = 8192;
  policy.chunk_max = 16384;
  return policy;
}

}  // namespace jzse::crash

#endif  // JZSE_TESTS_CRASH_REFUSAL_H_
