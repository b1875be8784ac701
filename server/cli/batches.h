// SPDX-License-Identifier: Apache-2.0
// Many changes in as few atomic groups as a bound on their size allows.
// Threads: an object belongs to one thread at a time.
#ifndef JZSE_CLI_BATCHES_H_
#define JZSE_CLI_BATCHES_H_

#include <cstddef>

#include "api.h"

namespace jzse::cli {

// A group that begins, commits and begins anew by itself.
class Batches {
 public:
  Batches(jzse_store* store, size_t count_max) : store_(store), count_max_(count_max) {}

  // The group to add the next change to; null after an error, with error() filled.
  jzse_group* Next() {
    if (count_ >= count_max_ && !Commit()) return nullptr;
    if (!group_) {
      const int code = OpenHandle(
          &group_, [&](jzse_group** raw) { return jzse_group_begin(store_, raw, &error_.raw); });
      if (code != JZSE_OK) return nullptr;
    }
    ++count_;
    return group_.get();
  }
  bool Commit() {
    count_ = 0;
    return !group_ || jzse_group_commit(group_.release(), &error_.raw) == JZSE_OK;
  }
  jzse_error* error() { return &error_.raw; }

 private:
  jzse_store* const store_;
  const size_t count_max_;
  Group group_;
  size_t count_ = 0;
  Error error_;
};

}  // namespace jzse::cli

#endif  // JZSE_CLI_BATCHES_H_
