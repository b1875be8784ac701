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
  uint64_t id = 0;         // of the object asked for: a raw probe has no index to look it up in
  std::unique_ptr<void, void (*)(void*)> allocated{nullptr, [](void*) {}};
};

class Contender {
 public:
  virtual ~Contender() = default;  // closes cleanly
  virtual void Put(const std::string& key, std::string_view value) = 0;
  // Puts objects [first, first + count) as one durable batch. One thread.
  virtual void PutMany(const Objects&, uint64_t, uint64_t) { Die("no batches"); }
  // Puts objects [first, end) fast, for a work that measures something else; durable when the
  // contender is closed.
  virtual void Load(const Objects& objects, uint64_t first, uint64_t end) = 0;
  virtual void Get(const std::string& key, Value* value) = 0;
  // Objects stored, as the contender itself finds them on disk.
  virtual uint64_t Count() = 0;
  // Walks over all objects in order of their names and looks at what a listing shows of each; the
  // count.
  virtual uint64_t List() { Die("no listing"); }
  // Waits for the disk so far, as the contender itself counts them; 0 if it does not.
  virtual uint64_t Syncs() { return 0; }
  // False for a raw probe, which cannot find an object again by its key.
  virtual bool can_get() const { return true; }
};

struct Options {
  std::string dir;          // exists
  Shape shape = Shape::kFlat;
  bool create = false;
  uint64_t memory_limit = 0;            // of JzSE; 0: its default
  uint64_t journal_bytes = 128 * kMiB;  // of the journal probe: appends wrap at the end
};

std::unique_ptr<Contender> OpenJzse(const Options& options, bool ranged);
std::unique_ptr<Contender> OpenLevelDb(const Options& options);
std::unique_ptr<Contender> OpenFiles(const Options& options);
std::unique_ptr<Contender> OpenJournal(const Options& options);
std::unique_ptr<Contender> OpenBlocks(const Options& options);
// These die where the build did not find the library.
bool HasRocksDb();
std::unique_ptr<Contender> OpenRocksDb(const Options& options);
bool HasSqlite();
std::unique_ptr<Contender> OpenSqlite(const Options& options, bool busy);

// By name: jzse, jzse-async (the same, for checks), jzse-range, leveldb, rocksdb, sqlite,
// sqlite-busy, file, journal, pread.
std::unique_ptr<Contender> OpenContender(const std::string& name, const Options& options);

}  // namespace bench

#endif  // JZSE_BENCH_CONTENDER_H_
