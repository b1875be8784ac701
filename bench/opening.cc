// SPDX-License-Identifier: Apache-2.0
// What may not grow with the number of files: how long a store takes to open, after a clean close,
// a kill -9 or the loss of its index; a page of a listing; a put and a get; memory. The files are
// 100 bytes each and all in one directory.
#include <fcntl.h>

#include <algorithm>
#include <vector>

#include "jzse_store.h"
#include "objects.h"
#include "works.h"

namespace bench {
namespace {

constexpr Shape kShape = Shape::kDirectory;

Objects SmallObjects(const Args& args) {
  return Objects(args.Number("seed"), kCrowdSize, kShape);
}

double MsSince(int64_t start_ns) { return static_cast<double>(NowNs() - start_ns) / 1e6; }

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

}  // namespace

// Reports when files [from, count) are on disk, in groups of 1,000. With stay=1 it then goes on
// putting single files until somebody kills it, so that the kill meets a store at work.
void RunFill(const Args& args) {
  const Objects objects = SmallObjects(args);
  const uint64_t from = args.Number("from", 0);
  const uint64_t count = args.Number("count");
  const bool stays = args.Number("stay") != 0;
  Report report;
  report.Add("value", count);
  JzseStore store(args.Text("dir"), kShape, {from == 0, 0});
  const int64_t start = NowNs();
  store.PutInGroups(objects, from, count);
  report.Add("seconds", MsSince(start) / 1e3);
  report.Print();
  if (!stays) return;
  for (uint64_t id = count;; ++id) store.Put(objects, id);
}

// The clock runs for jzse_store_open alone. `count` is what RunFill reported: of those none may be
// missing.
void RunOpen(const Args& args) {
  const Objects objects = SmallObjects(args);
  const uint64_t count = args.Number("count");
  const int64_t start = NowNs();
  JzseStore store(args.Text("dir"), kShape, {});
  const double seconds = MsSince(start) / 1e3;
  std::string buffer;
  const int64_t first = NowNs();
  store.CheckOne(objects, Mix(args.Number("seed")) % count, &buffer);
  const double first_get = MsSince(first);
  const uint64_t found = store.FileCount();
  if (found < count) {
    Die(std::to_string(count) + " files acknowledged, " + std::to_string(found) + " found");
  }
  store.CheckSample(objects, count, 1000, args.Number("seed"));
  const jzse_stats stats = store.Stats();
  const bool rebuilt = args.Number("rebuilt", 0) != 0;
  if (rebuilt != (stats.index_rebuilt != 0)) Die("the index was, or was not, rebuilt");
  Report report;
  report.Add("value", seconds * 1e3);
  // A rebuild reads every record there is, of which some may be about one file.
  const uint64_t records = rebuilt ? stats.recovered_changes : found;
  report.Add("records_per_s", static_cast<double>(records) / seconds);
  report.Add("first_get_ms", first_get);
  report.Add("files", found);
  report.Add("recovered_changes", uint64_t{stats.recovered_changes});
  report.Add("index_rebuilt", uint64_t{stats.index_rebuilt});
  report.Add("verified", count);
  report.Print();
}

// Pages of 1,000 entries from anywhere in the directory: the median time of one, from open to close.
void RunPages(const Args& args) {
  constexpr uint64_t kPage = 1000;
  const Objects objects = SmallObjects(args);
  const uint64_t count = args.Number("count");
  const uint64_t pages = args.Number("pages");
  JzseStore store(args.Text("dir"), kShape, {});
  std::vector<double> took_ms;
  uint64_t entries = 0;
  for (uint64_t i = 0; i < pages; ++i) {
    const std::string after = objects.Key(Mix(args.Number("seed") ^ i) % count);
    const int64_t start = NowNs();
    entries += store.List(after, kPage);
    took_ms.push_back(MsSince(start));
  }
  Report report;
  report.Add("value", Median(took_ms));
  report.Add("p99_ms", *std::max_element(took_ms.begin(), took_ms.end()));
  report.Add("verified", entries);
  report.Print();
}

// One of the sizes of a scaling curve: milliseconds of the open, then median microseconds of a get
// (after a warm-up of up to a million gets) and of a put of a new file, one thread.
void RunGrowth(const Args& args) {
  const Objects objects = SmallObjects(args);
  const uint64_t count = args.Number("count");
  const uint64_t seed = args.Number("seed");
  const int64_t ms = static_cast<int64_t>(args.Number("ms")) * 1'000'000;
  const int64_t start = NowNs();
  JzseStore store(args.Text("dir"), kShape, {});
  const double open_ms = MsSince(start);
  const uint64_t files = store.FileCount();
  if (files < count) Die("files are missing");
  std::string buffer;
  const uint64_t warm = std::min<uint64_t>(count, args.Number("warm_gets"));
  for (uint64_t i = 0; i < warm; ++i) store.CheckOne(objects, Mix(seed ^ i) % count, &buffer);
  std::vector<double> gets_us, puts_us;
  for (const int64_t end = NowNs() + ms; gets_us.empty() || NowNs() < end;) {
    const uint64_t id = Mix(seed + gets_us.size()) % count;
    const int64_t before = NowNs();
    store.CheckOne(objects, id, &buffer);
    gets_us.push_back(MsSince(before) * 1e3);
  }
  // New ids, whatever earlier rounds put.
  const uint64_t base = IdOf(1 + args.Number("round"), 0);
  for (const int64_t end = NowNs() + ms; puts_us.empty() || NowNs() < end;) {
    const int64_t before = NowNs();
    store.Put(objects, base + puts_us.size());
    puts_us.push_back(MsSince(before) * 1e3);
  }
  if (store.FileCount() != files + puts_us.size()) Die("puts are missing");
  Report report;
  report.Add("files", files);
  report.Add("open_ms", open_ms);
  report.Add("get_us", Median(gets_us));
  report.Add("put_us", Median(puts_us));
  report.Add("verified", warm + gets_us.size() + puts_us.size());
  report.Print();
}

// Peak memory of a process that opens a store with the default limit and then does everything:
// gets, puts, pages, a walk over a million names, one file of `bytes` written and read back.
void RunMemory(const Args& args) {
  const Objects objects = SmallObjects(args);
  const uint64_t count = args.Number("count");
  const uint64_t seed = args.Number("seed");
  const uint64_t before = PeakMemory();
  uint64_t verified = 0;
  {
    JzseStore store(args.Text("dir"), kShape, {});
    std::string buffer;
    for (; verified < args.Number("gets"); ++verified) {
      store.CheckOne(objects, Mix(seed ^ verified) % count, &buffer);
    }
    const uint64_t base = IdOf(1000 + args.Number("round"), 0);
    for (uint64_t i = 0; i < args.Number("puts"); ++i) store.Put(objects, base + i);
    for (uint64_t i = 0; i < 20; ++i) store.List(objects.Key(Mix(seed ^ i) % count), 1000);
    verified += store.List("", 1'000'000);
    verified += PutAndCompare(store, "large", args.Number("bytes"), seed);
  }
  Report report;
  report.Add("value", static_cast<double>(PeakMemory()) / static_cast<double>(kMiB));
  report.Add("process_mib", static_cast<double>(before) / static_cast<double>(kMiB));
  report.Add("verified", verified);
  report.Print();
}

}  // namespace bench
