// SPDX-License-Identifier: Apache-2.0
// A transaction on its way through the committer.
#ifndef JZSE_ENGINE_REQUEST_H_
#define JZSE_ENGINE_REQUEST_H_

#include <atomic>

#include "engine/operation.h"

namespace jzse::engine {

inline constexpr size_t kBatchRequestsMax = 4096;

struct Request {
  explicit Request(Transaction transaction) : transaction(std::move(transaction)) {}

  Transaction transaction;
  store::Prefetched prefetched;
  Done done;                         // empty: somebody waits
  Status status;
  FileInfo info;
  size_t bytes = 0;
  std::atomic<uint32_t> batch{0};    // whose wake word to wait on
  std::atomic<bool> finished{false};

  bool frees() const {
    for (const auto& operation : const_cast<Request*>(this)->transaction.state().operations)
      if (!operation->frees()) return false;
    return true;
  }
};

}  // namespace jzse::engine

#endif  // JZSE_ENGINE_REQUEST_H_
