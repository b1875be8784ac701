// SPDX-License-Identifier: Apache-2.0
// Changes a store on several threads until the process ends, and keeps ledgers of it.
#ifndef JZSE_TESTS_E2E_LOAD_H_
#define JZSE_TESTS_E2E_LOAD_H_

#include <cstdint>
#include <functional>
#include <string>

namespace ledger {

// Called after a thread wrote to its ledger that a change was acknowledged, with the ledger's length.
using Acknowledged = std::function<void(int thread, uint64_t ledger_size)>;

// Prints "running" once the store is open. `acknowledged` may be empty.
[[noreturn]] void RunLoad(const char* path, const std::string& ledgers, uint64_t seed, int threads,
                          const Acknowledged& acknowledged);

}  // namespace ledger

#endif  // JZSE_TESTS_E2E_LOAD_H_
