// SPDX-License-Identifier: Apache-2.0
// A JzSE store behind its C API, for the works that use more of it than puts and gets of objects.
// Threads: as jzse.h says.
#ifndef JZSE_BENCH_JZSE_STORE_H_
#define JZSE_BENCH_JZSE_STORE_H_

#include <string>

#include <jzse/jzse.h>

#include "support.h"

namespace bench {

// Dies with the error's message.
void CheckJzse(int code, const jzse_error& error);

class JzseStore {
 public:
  struct How {
    bool create = false;
    uint64_t memory_limit = 0;  // 0: the library's default
    bool versions = true;       // false: the new namespace keeps no older versions
  };
  // The store is `dir`/store and the works use its namespace `ns`, which a new store is given: a
  // tree, for the shapes that have directories, or keys.
  JzseStore(const std::string& dir, Shape shape, const How& how);
  ~JzseStore();
  JzseStore(const JzseStore&) = delete;
  JzseStore& operator=(const JzseStore&) = delete;

  jzse_store* get() const { return store_; }
  const char* ns() const { return ns_; }
  uint64_t FileCount() const;
  jzse_stats Stats() const;
  // Reads `limit` entries (0: all) after the name `after`, and of each what a listing shows: name,
  // size, etag and time. How many there were.
  uint64_t List(const std::string& after, uint64_t limit) const;
  void Put(const Objects& objects, uint64_t id) const;
  // Dies unless the content is right to the byte. `buffer` is reused from call to call.
  void CheckOne(const Objects& objects, uint64_t id, std::string* buffer) const;
  // Puts objects [first, end) in atomic groups of 1,000.
  void PutInGroups(const Objects& objects, uint64_t first, uint64_t end);
  // Dies unless `samples` objects of [0, count) have their right content.
  void CheckSample(const Objects& objects, uint64_t count, uint64_t samples,
                   uint64_t seed) const;

 private:
  jzse_store* store_ = nullptr;
  const char* ns_;
};

}  // namespace bench

#endif  // JZSE_BENCH_JZSE_STORE_H_
