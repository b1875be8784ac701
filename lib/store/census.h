// SPDX-License-Identifier: Apache-2.0
// The census: a small file beside the identity that names every segment of the store and repeats the trailers of those that
// are sealed. It vouches for what nothing else may be left to vouch for: that a segment is there, and where it ends.
//
// Invariants:
//  1. What it lists was durable before it was, names included.
//  2. A listed segment's file goes only while a sealed cold segment is there that replaces it, and that one only after Release.
//  3. It is a witness and no more: that it cannot be written fails nothing.
//
// Threads: all methods from any thread, except for Adopt.
#ifndef JZSE_STORE_CENSUS_H_
#define JZSE_STORE_CENSUS_H_

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "store/segment.h"

namespace jzse::store {

class Census {
 public:
  // `directory` is the store's. `log`: levels as in jzse.h; may be empty.
  Census(io::Env& env, std::string directory, const StoreId& store, const SegmentSet& segments,
         std::function<void(int level, const std::string& line)> log);

  // What the file says; nothing if there is none; kCorrupt if it is not to be believed. Other errors: it is not known.
  StatusOr<std::optional<std::vector<CensusEntry>>> Read();
  // Entries that stay listed although the set does not know them: what is lost must be told at every open.
  void Adopt(std::vector<CensusEntry> lost) { lost_ = std::move(lost); }
  const std::vector<CensusEntry>& lost() const { return lost_; }

  // Brings the file up to date with the set, best effort. Costs nothing when nothing has changed.
  void Update();
  // The same for certain: after it no census on the disk lists what the set has not, since one that cannot be rewritten, as
  // on a full disk, is removed. An error: neither was possible, so nothing that it may list can go.
  Status Release();

 private:
  Status WriteLocked();
  Status WithdrawLocked();
  void Warn(std::string_view what, const Status& status) const;

  io::Env& env_;
  const std::string directory_;
  const std::string path_;
  const StoreId store_;
  const SegmentSet& segments_;
  const std::function<void(int level, const std::string& line)> log_;

  std::vector<CensusEntry> lost_;

  std::mutex mutex_;               // over everything below and the file
  std::string written_;            // what the file holds for certain, empty if that is not known
  std::optional<Status> names_;    // whether the names in segments/ are durable, once that was tried
};

inline constexpr char kCensusName[] = "SEGMENTS";

}  // namespace jzse::store

#endif  // JZSE_STORE_CENSUS_H_
