// SPDX-License-Identifier: Apache-2.0
// jzse-bench-driver COMMAND name=value...: one measurement of one contender, alone in its process.
// bench/run calls it; by hand it is useful under a profiler.
#include <cstring>

#include "contender.h"
#include "counting.h"
#include "works.h"

namespace bench {

std::unique_ptr<Contender> OpenContender(const std::string& name, const Options& options) {
  if (name == "jzse" || name == "jzse-async") return OpenJzse(options, false);
  if (name == "jzse-range") return OpenJzse(options, true);
  if (name == "leveldb") return OpenLevelDb(options);
  if (name == "rocksdb") return OpenRocksDb(options);
  if (name == "sqlite") return OpenSqlite(options, false);
  if (name == "sqlite-busy") return OpenSqlite(options, true);
  if (name == "file") return OpenFiles(options);
  if (name == "journal") return OpenJournal(options);
  if (name == "pread") return OpenBlocks(options);
  Die("no such contender: " + name);
}

namespace {

// What depends on the build.
void RunBuilt(const Args&) {
  Report report;
  report.Add("rocksdb", uint64_t{HasRocksDb()});
  report.Add("sqlite", uint64_t{HasSqlite()});
  report.Add("counts", uint64_t{CanCount()});
  report.Print();
}

struct Command {
  const char* name;
  void (*run)(const Args&);
};

constexpr Command kCommands[] = {
    {"put", RunPut},
    {"put-async", RunPutAsync},
    {"put-batch", RunPutBatch},
    {"load", RunLoad},
    {"get", RunGet},
    {"get-cold", RunGetCold},
    {"list", RunList},
    {"probe", RunProbe},
    {"source", RunSource},
    {"stream-put", RunStreamPut},
    {"stream-get", RunStreamGet},
    {"big-put", RunBigPut},
    {"big-get", RunBigGet},
    {"fill", RunFill},
    {"open", RunOpen},
    {"pages", RunPages},
    {"growth", RunGrowth},
    {"memory", RunMemory},
    {"space", RunSpace},
    {"count", RunCount},
    {"built", RunBuilt},
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc < 2) bench::Die("usage: jzse-bench-driver COMMAND name=value...");
  for (const bench::Command& command : bench::kCommands) {
    if (std::strcmp(argv[1], command.name) != 0) continue;
    command.run(bench::Args(argc, argv, 2));
    return 0;
  }
  bench::Die(std::string("no such command: ") + argv[1]);
}
