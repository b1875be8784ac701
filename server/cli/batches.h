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
  Batches(access::Store* store, size_t count_max) : store_(store), count_max_(count_max) {}

  // The group to add the next change to; null after an error, with error() filled.
  access::Group* Next() {
    if ((count_ >= count_max_ || (group_ && group_->full())) && !Commit()) return nullptr;
    if (!group_ && store_->BeginGroup(&group_, &error_.raw) != JZSE_OK) return nullptr;
    ++count_;
    return group_.get();
  }
  bool Commit() {
    count_ = 0;
    const std::unique_ptr<access::Group> group = std::move(group_);
    return !group || group->Commit(&error_.raw) == JZSE_OK;
  }
  jzse_error* error() { return &error_.raw; }

 private:
  access::Store* const store_;
  const size_t count_max_;
  std::unique_ptr<access::Group> group_;
  size_t count_ = 0;
  Error error_;
};

}  // namespace jzse::cli

#endif  // JZSE_CLI_BATCHES_H_
