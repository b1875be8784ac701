// SPDX-License-Identifier: Apache-2.0
// The directory of an index as LevelDB needs it: files by plain name, replaced, renamed and removed. Two kinds: the
// directory on disk, and a layer in memory over a directory that is only read.
//
// Threads: every method may be called from any thread.
#ifndef JZSE_STORE_INDEX_DIRECTORY_H_
#define JZSE_STORE_INDEX_DIRECTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "io/io.h"

namespace jzse::store {

class IndexDirectory {
 public:
  virtual ~IndexDirectory() = default;

  virtual base::StatusOr<std::unique_ptr<io::File>> OpenForReading(const std::string& name) = 0;
  // An empty file, in place of one that had the name.
  virtual base::StatusOr<std::unique_ptr<io::File>> Create(const std::string& name) = 0;
  // Replaces `to`; durable on return.
  virtual base::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual base::Status Remove(const std::string& name) = 0;
  virtual base::StatusOr<bool> Exists(const std::string& name) = 0;
  virtual base::StatusOr<std::vector<io::DirEntry>> List() = 0;
  // Makes the names durable.
  virtual base::Status Sync() = 0;
};

// REQUIRES of both: `env` outlives the result.
// The directory must exist.
std::unique_ptr<IndexDirectory> NewDiskDirectory(io::Env& env, const std::string& path);
// Touches nothing in `path`, which need not exist: changes stay in memory and are gone with the result.
std::unique_ptr<IndexDirectory> NewLayeredDirectory(io::Env& env, const std::string& path);

}  // namespace jzse::store

#endif  // JZSE_STORE_INDEX_DIRECTORY_H_
