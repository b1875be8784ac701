// SPDX-License-Identifier: Apache-2.0
// What an operation costs in things that can be counted, so that a slow or busy machine gives the
// same answer as a fast one: allocations, waits for the disk, bytes sent to it. No clock is read.
#include <algorithm>
#include <thread>
#include <vector>

#include "counting.h"
#include "objects.h"
#include "works.h"

namespace bench {
namespace {

using Operation = void (*)(Contender*, const Objects&, uint64_t id, Value*, std::string*);

void Put(Contender* contender, const Objects& objects, uint64_t id, Value*, std::string* buffer) {
  objects.Fill(id, buffer->data());
  contender->Put(objects.Key(id), *buffer);
}

void Get(Contender* contender, const Objects& objects, uint64_t id, Value* value, std::string*) {
  GetChecked(contender, objects, id, value);
}

// Operations [first, end) of each of `threads` threads.
void Run(Contender* contender, const Objects& objects, Operation operation, uint64_t threads,
         uint64_t first, uint64_t end) {
  std::vector<std::thread> workers;
  for (uint64_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      Value value;
      std::string buffer(objects.size(), '\0');
      for (uint64_t n = first; n < end; ++n) {
        operation(contender, objects, IdOf(t, n), &value, &buffer);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
}

// Allocations of the harness itself in one operation: those of the key.
double KeyAllocations(const Objects& objects, uint64_t repeats) {
  const uint64_t before = CountedSoFar().allocations;
  for (uint64_t i = 0; i < repeats; ++i) objects.Key(i);
  return static_cast<double>(CountedSoFar().allocations - before) / static_cast<double>(repeats);
}

}  // namespace

// op=put: durable puts of new objects; op=get: gets of objects put before; op=list: one listing of
// all of them, of which every entry counts as an operation. `operations` of each of
// `threads` threads are counted, after as many that are not, so that what happens once is over.
// Bytes are counted until the contender is closed and divided by all that was put.
void RunCount(const Args& args) {
  const Objects objects = ObjectsOf(args);
  const std::string op = args.Text("op");
  const uint64_t threads = args.Number("threads");
  const uint64_t each = args.Number("operations");
  const double counted = static_cast<double>(each * threads);
  Report report;
  const IoCounts io = IoNow();
  {
    const auto contender = OpenContender(args.Text("contender"), OptionsOf(args, true));
    Run(contender.get(), objects, Put, threads, 0, each);
    if (op == "get") Run(contender.get(), objects, Get, threads, 0, each);
    const Operation operation = op == "get" ? Get : Put;
    const uint64_t first = op == "get" ? 0 : each;
    const bool lists = op == "list";
    if (lists && contender->List() != each * threads) Die("the listing is not whole");
    const uint64_t syncs = contender->Syncs();
    const Counted before = CountedSoFar();
    if (lists) {
      contender->List();
    } else {
      Run(contender.get(), objects, operation, threads, first, first + each);
    }
    const Counted after = CountedSoFar();
    const uint64_t seen = std::max(after.syncs - before.syncs, contender->Syncs() - syncs);
    report.Add("syncs", static_cast<double>(seen) / counted);
    if (CanCount()) {
      const uint64_t allocations = after.allocations - before.allocations;
      const uint64_t bytes = after.allocated_bytes - before.allocated_bytes;
      const double own = lists ? 0 : KeyAllocations(objects, 1000);
      report.Add("allocations", static_cast<double>(allocations) / counted - own);
      report.Add("allocated_bytes", static_cast<double>(bytes) / counted);
    }
  }
  const uint64_t written = IoNow().write_bytes - io.write_bytes;
  const double put = (op == "put" ? 2 : 1) * counted * static_cast<double>(objects.size());
  report.Add("written", static_cast<double>(written) / put);
  std::vector<uint64_t> done(threads, (op == "put" ? 2 : 1) * each);
  report.Add("verified", VerifyPuts(args, objects, done));
  report.Print();
}

}  // namespace bench
