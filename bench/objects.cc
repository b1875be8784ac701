// SPDX-License-Identifier: Apache-2.0
// Puts and gets of small objects from N threads that each wait for their operation, and the probe
// of the disk.
#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "objects.h"
#include "works.h"

namespace bench {
namespace {

struct Lane {                        // what one thread did
  uint64_t operations = 0;           // warm-up included
  int64_t end_ns = 0;
  std::vector<uint32_t> latency_ns;  // of the counted ones
};

using Operation = std::function<void(uint64_t n)>;
using MakeOperation = std::function<Operation(uint64_t thread)>;

// Runs the operations of `threads` threads as told above, each thread's with n = 0, 1, 2 ..., adds
// rate and latencies to the report, and gives back how many operations each thread did.
std::vector<uint64_t> MeasureRate(uint64_t threads, Timing timing,
                                  const MakeOperation& make_operation, Report* report) {
  std::vector<Lane> lanes(threads);
  std::atomic<int64_t> start_ns{0};
  std::atomic<uint64_t> ready{0};
  std::vector<std::thread> workers;
  for (uint64_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      Lane& lane = lanes[t];
      lane.latency_ns.reserve(1 << 16);
      const Operation operation = make_operation(t);
      ready.fetch_add(1);
      start_ns.wait(0);
      const int64_t warm_end = start_ns.load() + timing.warm_ns;
      const int64_t end = warm_end + timing.measured_ns;
      for (int64_t before = NowNs(); lane.end_ns < end; before = lane.end_ns) {
        operation(lane.operations++);
        lane.end_ns = NowNs();
        if (lane.end_ns < warm_end) continue;
        lane.latency_ns.push_back(static_cast<uint32_t>(
            std::min<int64_t>(lane.end_ns - before, std::numeric_limits<uint32_t>::max())));
      }
    });
  }
  while (ready.load() != threads) std::this_thread::yield();
  start_ns.store(NowNs());
  start_ns.notify_all();
  for (std::thread& worker : workers) worker.join();

  std::vector<uint32_t> latencies;
  std::vector<uint64_t> done;
  int64_t last_end = 0;
  for (const Lane& lane : lanes) {
    latencies.insert(latencies.end(), lane.latency_ns.begin(), lane.latency_ns.end());
    last_end = std::max(last_end, lane.end_ns);
    done.push_back(lane.operations);
  }
  AddRate(std::move(latencies), last_end - start_ns.load() - timing.warm_ns, report);
  return done;
}

}  // namespace

Timing TimingOf(const Args& args) {
  return {static_cast<int64_t>(args.Number("warm_ms")) * 1'000'000,
          static_cast<int64_t>(args.Number("ms")) * 1'000'000};
}

void AddRate(std::vector<uint32_t> latencies_ns, int64_t measured_ns, Report* report) {
  std::sort(latencies_ns.begin(), latencies_ns.end());
  const double seconds = static_cast<double>(measured_ns) / 1e9;
  const size_t count = latencies_ns.size();
  report->Add("value", static_cast<double>(count) / seconds);
  report->Add("seconds", seconds);
  report->Add("operations", uint64_t{count});
  report->Add("p50_us", latencies_ns[count / 2] / 1e3);
  report->Add("p99_us", latencies_ns[count * 99 / 100] / 1e3);
  report->Add("max_us", latencies_ns.back() / 1e3);
}

Options OptionsOf(const Args& args, bool create) {
  Options options;
  options.dir = args.Text("dir");
  options.shape = ShapeOf(args.Text("shape", "flat"));
  options.create = create;
  options.memory_limit = args.Number("memory_limit", 0);
  options.journal_bytes = args.Number("journal_bytes", options.journal_bytes);
  return options;
}

Objects ObjectsOf(const Args& args) {
  return Objects(args.Number("seed"), args.Number("size"), ShapeOf(args.Text("shape", "flat")));
}

void GetChecked(Contender* contender, const Objects& objects, uint64_t id, Value* value) {
  value->id = id;
  contender->Get(objects.Key(id), value);
  if (!objects.Matches(id, value->bytes)) Die("wrong content in " + objects.Key(id));
}

uint64_t VerifyPuts(const Args& args, const Objects& objects, const std::vector<uint64_t>& done) {
  const auto contender = OpenContender(args.Text("contender"), OptionsOf(args, false));
  uint64_t expected = 0;
  for (const uint64_t n : done) expected += n;
  const uint64_t found = contender->Count();
  if (found != expected) {
    Die(std::to_string(expected) + " puts acknowledged, " + std::to_string(found) + " found");
  }
  Value value;
  for (uint64_t i = 0; contender->can_get() && i < 1000; ++i) {
    const uint64_t random = Mix(args.Number("seed") + i);
    const uint64_t thread = random % done.size();
    const uint64_t id = IdOf(thread, Mix(random) % done[thread]);
    GetChecked(contender.get(), objects, id, &value);
  }
  return expected;
}

void RunPut(const Args& args) {
  const Objects objects = ObjectsOf(args);
  Report report;
  std::vector<uint64_t> done;
  {
    const auto contender = OpenContender(args.Text("contender"), OptionsOf(args, true));
    const auto make_operation = [&](uint64_t thread) {
      return [&, thread, value = std::string(objects.size(), '\0')](uint64_t n) mutable {
        const uint64_t id = IdOf(thread, n);
        objects.Fill(id, value.data());
        contender->Put(objects.Key(id), value);
      };
    };
    done = MeasureRate(args.Number("threads"), TimingOf(args), make_operation, &report);
  }
  report.Add("verified", VerifyPuts(args, objects, done));
  report.Print();
}

// One thread; each operation is one durable batch of `batch` objects.
void RunPutBatch(const Args& args) {
  const Objects objects = ObjectsOf(args);
  const uint64_t batch = args.Number("batch");
  Report report;
  std::vector<uint64_t> done;
  {
    const auto contender = OpenContender(args.Text("contender"), OptionsOf(args, true));
    const auto make_operation = [&](uint64_t) {
      return [&](uint64_t n) { contender->PutMany(objects, IdOf(0, n * batch), batch); };
    };
    done = MeasureRate(1, TimingOf(args), make_operation, &report);
  }
  done[0] *= batch;
  report.Add("verified", VerifyPuts(args, objects, done));
  report.Print();
}

// `crowd` more objects of 100 bytes make the store larger; they are never read.
void RunLoad(const Args& args) {
  const uint64_t count = args.Number("count");
  const uint64_t crowd = args.Number("crowd", 0);
  const auto contender = OpenContender(args.Text("contender"), OptionsOf(args, true));
  if (crowd > 0) {
    const Objects small(args.Number("seed"), kCrowdSize, ShapeOf(args.Text("shape", "flat")));
    contender->Load(small, kCrowd, kCrowd + crowd);
  }
  contender->Load(ObjectsOf(args), 0, count);
  if (contender->Count() != count + crowd) Die("not everything was loaded");
  Report report;
  report.Add("value", count);
  report.Print();
}

namespace {

// Reads everything once, from all CPUs, and compares it byte for byte.
void CheckAll(Contender* contender, const Objects& objects, uint64_t count) {
  const uint64_t threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> workers;
  for (uint64_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      Value value;
      for (uint64_t id = t; id < count; id += threads) GetChecked(contender, objects, id, &value);
    });
  }
  for (std::thread& worker : workers) worker.join();
}

}  // namespace

// Everything is read once and compared byte for byte, which also brings it into the page cache,
// before the clock starts. In the timed part the stamp of each value is compared. With `threads_2`
// it is measured again from so many threads, as two_*.
void RunGet(const Args& args) {
  const Objects objects = ObjectsOf(args);
  const uint64_t count = args.Number("count");
  const uint64_t seed = args.Number("seed");
  const auto contender = OpenContender(args.Text("contender"), OptionsOf(args, false));
  std::vector<std::string> keys(count);
  for (uint64_t id = 0; id < count; ++id) keys[id] = objects.Key(id);
  CheckAll(contender.get(), objects, count);
  const auto make_operation = [&](uint64_t thread) {
    return [&, thread, mine = std::make_shared<Value>()](uint64_t n) {
      const uint64_t id = Mix(seed ^ IdOf(thread, n)) % count;
      mine->id = id;
      contender->Get(keys[id], mine.get());
      if (!objects.LooksRight(id, mine->bytes)) Die("wrong content in " + keys[id]);
    };
  };
  Report report;
  MeasureRate(args.Number("threads"), TimingOf(args), make_operation, &report);
  if (const uint64_t more = args.Number("threads_2", 0); more > 0) {
    report.SetPrefix("two_");
    MeasureRate(more, TimingOf(args), make_operation, &report);
    report.SetPrefix("");
  }
  report.Add("verified", count);
  report.Print();
}

// `gets` different objects in random order, one thread, none of their content in the page cache:
// the kernel must have fetched at least as many bytes as were read. Half as many gets come before
// the clock starts, so that a contender has its own index at hand as far as it likes; they count
// for the bytes, because LevelDB's mappings make the kernel read far ahead. What lies in
// folders named `keep` stays cached.
void RunGetCold(const Args& args) {
  const Objects objects = ObjectsOf(args);
  const uint64_t count = args.Number("count");
  const uint64_t gets = std::min(count * 2 / 3, args.Number("gets"));
  const std::string dir = args.Text("dir");
  Evict(dir, args.Text("keep", ""));
  const auto contender = OpenContender(args.Text("contender"), OptionsOf(args, false));
  std::vector<uint64_t> ids(count);
  for (uint64_t i = 0; i < count; ++i) {
    ids[i] = i;
    std::swap(ids[i], ids[Mix(args.Number("seed") ^ i) % (i + 1)]);
  }
  Value value;
  const uint64_t cold = IoNow().read_bytes;
  for (uint64_t i = gets; i < gets + gets / 2; ++i) {
    GetChecked(contender.get(), objects, ids[i], &value);
  }
  const IoCounts io = IoNow();
  const uint64_t device = DeviceReads(dir);
  std::vector<uint32_t> latencies;
  const int64_t start = NowNs();
  int64_t before = start;
  for (uint64_t i = 0; i < gets; ++i) {
    GetChecked(contender.get(), objects, ids[i], &value);
    const int64_t now = NowNs();
    latencies.push_back(static_cast<uint32_t>(now - before));
    before = now;
  }
  const uint64_t device_reads = DeviceReads(dir) - device;
  const IoCounts after = IoNow();
  const uint64_t bytes = after.read_bytes - io.read_bytes;
  if (const uint64_t all = after.read_bytes - cold; all < gets * objects.size() * 95 / 100) {
    Die("not cold: " + std::to_string(all) + " bytes really read for " + std::to_string(gets) +
        " gets");
  }
  const double each = static_cast<double>(gets);
  Report report;
  AddRate(std::move(latencies), before - start, &report);
  report.Add("read_bytes_per_get", static_cast<double>(bytes) / each);
  report.Add("device_reads_per_get", static_cast<double>(device_reads) / each);
  report.Add("read_calls_per_get", static_cast<double>(after.read_calls - io.read_calls) / each);
  report.Add("verified", gets);
  report.Print();
}

// One walk over all names and what a listing shows of each, after one that warms up.
void RunList(const Args& args) {
  const uint64_t count = args.Number("count");
  const auto contender = OpenContender(args.Text("contender"), OptionsOf(args, false));
  if (contender->List() != count) Die("the listing is not whole");
  const int64_t start = NowNs();
  contender->List();
  const double seconds = static_cast<double>(NowNs() - start) / 1e9;
  Report report;
  report.Add("value", static_cast<double>(count) / seconds);
  report.Add("seconds", seconds);
  report.Add("verified", count);
  report.Print();
}

// 4 KiB writes with RWF_DSYNC over the same written blocks again and again.
void RunProbe(const Args& args) {
  constexpr uint64_t kBlock = 4096;
  constexpr uint64_t kBlocks = 1024;
  const std::string path = args.Text("path");
  const std::vector<char> block(kBlock, 'p');
  const Fd file = OpenFile(path, O_RDWR | O_CREAT);
  // Writing all of it first costs little and makes sure that no allocation is measured.
  for (uint64_t i = 0; i < kBlocks; ++i) WriteAll(file.get(), block.data(), kBlock);
  CheckErrno(::fsync(file.get()) == 0, "fsync");
  const int64_t start = NowNs();
  const int64_t end = start + static_cast<int64_t>(args.Number("ms")) * 1'000'000;
  uint64_t writes = 0;
  int64_t now = start;
  do {
    const iovec piece{const_cast<char*>(block.data()), kBlock};
    const off_t offset = static_cast<off_t>(writes % kBlocks * kBlock);
    const ssize_t n = ::pwritev2(file.get(), &piece, 1, offset, RWF_DSYNC);
    CheckErrno(n == ssize_t{kBlock}, "pwritev2");
    ++writes;
    now = NowNs();
  } while (now < end);
  Report report;
  report.Add("value", static_cast<double>(writes) / (static_cast<double>(now - start) / 1e9));
  report.Print();
}

}  // namespace bench
