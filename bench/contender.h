// SPDX-License-Identifier: Apache-2.0
// What a contender of the object works (put, get) must be able to do. Each lives alone in one
// process.
//
// Invariants
//   1. Put returns when the object would survive a power cut: no contender may be faster by
//      promising less. What each does for it is its durability label in bench/works.py.
//   2. A failed operation ends the process (Die).
// Threads: Put and Get come from many threads at once, each with a Value of its own.
#ifndef JZSE_BENCH_CONTENDER_H_
#define JZSE_BENCH_CONTENDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "support.h"

namespace bench {

// Where a Get leaves what it read. Kept from one Get to the next, so that a contender that can
// reuse memory does.
struct Value {
  std::string_view bytes;  // valid until the next Get into this Value
  std::string storage;
  std::unique_ptr<void, void (*)(void*)> allocated{nullptr, [](void*) {}};
};

class Contender {
 public:
  virtual ~Contender() = default;  // closes cleanly
  virtual void Put(const std::string& key, std::string_view value) = 0;
  // Puts objects [0, count) fast, for a work that measures something else; durable when the
  // contender is closed.
  virtual void Load(const Objects& objects, uint64_t count) = 0;
  virtual void Get(const std::string& key, Value* value) = 0;
  // Objects stored, as the contender itself finds them on disk.
  virtual uint64_t Count() = 0;
  // False for a raw probe, which cannot find an object again by its key.
  virtual bool can_get() const { return true; }
};

struct Options {
  std::string dir;          // exists
  Shape shape = Shape::kFlat;
  bool create = false;
  uint64_t journal_bytes = 128 * kMiB;  // of the journal probe: appends wrap at the end
};

std::unique_ptr<Contender> OpenJzse(const Options& options, bool ranged);
std::unique_ptr<Contender> OpenLevelDb(const Options& options);
std::unique_ptr<Contender> OpenFiles(const Options& options);
std::unique_ptr<Contender> OpenJournal(const Options& options);
// By name: jzse, jzse-async (the same, for checks), jzse-range, leveldb, file, journal.
std::unique_ptr<Contender> OpenContender(const std::string& name, const Options& options);

}  // namespace bench

#endif  // JZSE_BENCH_CONTENDER_H_
