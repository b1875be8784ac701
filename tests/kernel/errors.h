// SPDX-License-Identifier: Apache-2.0
// A load on a disk that begins to fail, while somebody else makes it fail and heals it.
//
// What must hold, whatever fails when:
//   once a commit has failed, nothing submitted later is acknowledged, also not after the disk is well again, until the
//   store is reopened; such calls give JZSE_READ_ONLY, the failed ones JZSE_IO or JZSE_READ_ONLY;
//   a read of something acknowledged gives its bytes or JZSE_IO, and JZSE_IO only where the disk or its file system does
//   not let it read.
// The ledger is that of ledger.h, so ledger::CheckStore tells afterwards whether everything acknowledged is there.
#ifndef JZSE_TESTS_KERNEL_ERRORS_H_
#define JZSE_TESTS_KERNEL_ERRORS_H_

#include <cstdint>
#include <string>

struct ErrorLoad {
  std::string store, ledgers;
  uint64_t seed = 0;
  int threads = 0;
  bool reads_fail = false;    // reads may fail as well
  bool writes_fail = true;    // commits are expected to fail
  std::string stop;           // ends when this file exists
};

// Prints "running", then a summary; 0, or 1 after a line for everything that should not be.
int RunErrorLoad(const ErrorLoad& options);

#endif  // JZSE_TESTS_KERNEL_ERRORS_H_
