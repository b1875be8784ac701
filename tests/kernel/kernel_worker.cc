// SPDX-License-Identifier: Apache-2.0
// What tests/kernel/guest.sh runs inside of the kernel under test. Like everything that plays a user it sees the library
// through its public headers only.
//
//   kernel_worker run STORE LEDGERS SEED THREADS DEVICE
//       changes the store until it is killed; marks every acknowledgement in the log of dm-log-writes device DEVICE
//   kernel_worker cuts LOG BASE SCRATCH FILE_SYSTEM LEDGERS FAILURES THREADS SEED SUBSETS SKIP SECONDS IMAGES
//       see power_cut.h
//   kernel_worker errors STORE LEDGERS SEED THREADS MODE STOP
//       see errors.h; MODE is 'writes', 'reads' or 'both': what fails
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "device_mapper.h"
#include "errors.h"
#include "ledger.h"
#include "load.h"
#include "power_cut.h"

namespace {

uint64_t Number(const char* word) { return std::strtoull(word, nullptr, 10); }

[[noreturn]] void Run(char** words) {
  const DeviceMapper mapper;
  const std::string device = words[4];
  mapper.Message(device, "mark begin");
  ledger::RunLoad(words[0], words[1], Number(words[2]), std::atoi(words[3]), [&](int thread, uint64_t size) {
    mapper.Message(device, "mark t:" + std::to_string(thread) + ":" + std::to_string(size));
  });
}

int Cuts(char** words) {
  PowerCuts options;
  options.log = words[0];
  options.base = words[1];
  options.scratch = words[2];
  options.file_system = words[3];
  options.ledgers = words[4];
  options.failures = words[5];
  options.threads = std::atoi(words[6]);
  options.seed = Number(words[7]);
  options.subsets = Number(words[8]);
  options.skip = Number(words[9]);
  options.seconds = Number(words[10]);
  options.images = Number(words[11]);
  return CutPower(options) == 0 ? 0 : 1;
}

int Errors(char** words) {
  ErrorLoad options;
  options.store = words[0];
  options.ledgers = words[1];
  options.seed = Number(words[2]);
  options.threads = std::atoi(words[3]);
  options.reads_fail = std::strcmp(words[4], "writes") != 0;
  options.writes_fail = std::strcmp(words[4], "reads") != 0;
  options.stop = words[5];
  return RunErrorLoad(options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 7 && std::strcmp(argv[1], "run") == 0) Run(argv + 2);
  if (argc == 14 && std::strcmp(argv[1], "cuts") == 0) return Cuts(argv + 2);
  if (argc == 8 && std::strcmp(argv[1], "errors") == 0) return Errors(argv + 2);
  std::fprintf(stderr, "usage: see the head of kernel_worker.cc\n");
  return 2;
}
