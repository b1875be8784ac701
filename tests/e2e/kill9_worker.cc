// SPDX-License-Identifier: Apache-2.0
// What kill9_test.py kills and then asks what is left.
//
//   kill9_worker run STORE LEDGERS SEED THREADS     changes the store until it is killed
//   kill9_worker check STORE LEDGERS THREADS        compares the store with the ledgers, and begins new ones
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ledger.h"
#include "load.h"

int main(int argc, char** argv) {
  if (argc == 6 && std::strcmp(argv[1], "run") == 0) {
    ledger::RunLoad(argv[2], argv[3], std::strtoull(argv[4], nullptr, 10), std::atoi(argv[5]), {});
  }
  if (argc == 5 && std::strcmp(argv[1], "check") == 0) {
    return ledger::CheckStore(argv[2], argv[3], std::atoi(argv[4]));
  }
  std::fprintf(stderr, "usage: kill9_worker run STORE LEDGERS SEED THREADS | check STORE LEDGERS THREADS\n");
  return 2;
}
