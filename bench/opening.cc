// SPDX-License-Identifier: Apache-2.0
// How long a store with many small files takes to open, after a kill -9 or after a clean close. The
// files are 100 bytes each, in a tree of 256 directories.


#include "jzse_store.h"
#include "works.h"

namespace bench {
namespace {

constexpr size_t kFileSize = 100;

Objects ObjectsOf(const Args& args) {
  return Objects(args.Number("seed"), kFileSize, Shape::kTree);
}

}  // namespace

// Reports when `count` files are on disk, in groups of 1,000. With stay=1 it then goes on putting
// single files until somebody kills it, so that the kill meets a store at work.
void RunFill(const Args& args) {
  const Objects objects = ObjectsOf(args);
  const uint64_t count = args.Number("count");
  const bool stays = args.Number("stay") != 0;
  Report report;
  report.Add("value", count);
  JzseStore store(args.Text("dir"), Shape::kTree, {true, 0});
  const int64_t start = NowNs();
  store.PutInGroups(objects, 0, count);
  report.Add("seconds", static_cast<double>(NowNs() - start) / 1e9);
  report.Print();
  if (!stays) return;
  for (uint64_t id = count;; ++id) store.PutInGroups(objects, id, id + 1);
}

// The clock runs for jzse_store_open alone. `count` is what RunFill reported: of those none may be
// missing.
void RunOpen(const Args& args) {
  const Objects objects = ObjectsOf(args);
  const uint64_t count = args.Number("count");
  const int64_t start = NowNs();
  JzseStore store(args.Text("dir"), Shape::kTree, {});
  const double seconds = static_cast<double>(NowNs() - start) / 1e9;
  const int64_t first = NowNs();
  store.CheckSample(objects, count, 1, args.Number("seed"));
  const double first_get = static_cast<double>(NowNs() - first) / 1e6;
  const uint64_t found = store.FileCount();
  if (found < count) {
    Die(std::to_string(count) + " files acknowledged, " + std::to_string(found) + " found");
  }
  store.CheckSample(objects, count, 1000, args.Number("seed"));
  jzse_error error = JZSE_ERROR_INIT;
  jzse_stats stats = JZSE_STATS_INIT;
  CheckJzse(jzse_store_stats(store.get(), &stats, &error), error);
  Report report;
  report.Add("value", seconds);
  report.Add("first_get_ms", first_get);
  report.Add("files", found);
  report.Add("recovered_changes", uint64_t{stats.recovered_changes});
  report.Add("index_rebuilt", uint64_t{stats.index_rebuilt});
  report.Add("verified", count);
  report.Print();
}

}  // namespace bench
