// SPDX-License-Identifier: Apache-2.0
// What a load was promised, and whether a store keeps it. Shared by all that stop a load: kill9_worker, tests/kernel. It
// sees the library through its public headers only.
//
// Thread n owns the names below "t<n>/" and the file LEDGERS/<n>. Before it submits a change it appends the effects the
// change will have, afterwards that it was acknowledged; one write(2) a line, which a killed process does not lose.
//   B <op> <path>=<id>,<size> ... <path>=- ...      begins: these contents, or absence
//   A <op> <sequence>                               acknowledged with JZSE_OK
//   S <path>=<id>,<size>                            the state a ledger begins with
// So the check needs to know nothing about operations: what was acknowledged is there, to the byte; what was begun and
// not acknowledged is there as a whole or not at all; nothing else is there.
#ifndef JZSE_TESTS_E2E_LEDGER_H_
#define JZSE_TESTS_E2E_LEDGER_H_

#include <cstdint>
#include <jzse/jzse.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace ledger {

struct File {
  uint64_t id = 0;
  size_t size = 0;
  bool operator==(const File& other) const { return id == other.id && size == other.size; }
};
using Tree = std::map<std::string, File>;
using Effects = std::map<std::string, std::optional<File>>;  // absent: no value

// Prints why, and ends the process with 1.
[[noreturn]] void Die(const std::string& what);
template <typename T>
T Must(jzse::Result<T> result, const char* what) {
  if (!result) Die(std::string(what) + ": " + result.error().name() + " " + result.error().message());
  return std::move(result).value();
}
inline void Must(jzse::Result<void> result, const char* what) {
  if (!result) Die(std::string(what) + ": " + result.error().name() + " " + result.error().message());
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  uint64_t Below(uint64_t n) { return (Next() >> 16) % n; }

 private:
  uint64_t state_;
};

// Runs of noise and runs of one letter, so that compression has something to do.
std::string ContentOf(const File& file);

std::string NamespaceOf(int thread);
std::string LedgerOf(const std::string& ledgers, int thread);
jzse::Store OpenStore(const char* path);

// Compares the store with the ledgers, verifies it, and begins new ledgers; ends the process if something is wrong.
int CheckStore(const char* path, const std::string& ledgers, int threads);

}  // namespace ledger

#endif  // JZSE_TESTS_E2E_LEDGER_H_
