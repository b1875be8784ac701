// SPDX-License-Identifier: Apache-2.0
// Bounds the descriptors that segments take: files are opened when they are used, and the ones not used lately are closed
// again once too many are open.
//
// Invariants:
//  1. A file with writes that are not synced stays open: closing it could lose the report of a failed write-back.
//  2. A file whose descriptor was given out stays open.
//  3. A file in use by another thread is closed only after that use.
//
// Threads: all methods from any thread. The pool outlives its files.
#ifndef JZSE_STORE_FILE_POOL_H_
#define JZSE_STORE_FILE_POOL_H_

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "io/io.h"

namespace jzse::store {

class PooledFile;

class FilePool {
 public:
  FilePool(io::Env& env, size_t open_max) : env_(env), open_max_(open_max) {}

  // `opened` is the file at `path`, opened in `mode` (kRead or kReadWrite). The path must stay what it is.
  std::unique_ptr<io::File> Adopt(std::unique_ptr<io::File> opened, std::string path, io::OpenMode mode);
  size_t open_count() const;

 private:
  friend class PooledFile;
  void Opened(PooledFile* file);
  void Forget(PooledFile* file);

  io::Env& env_;
  const size_t open_max_;
  mutable std::mutex mutex_;
  std::list<PooledFile*> open_;   // in order of opening; a second chance for those used since
};

}  // namespace jzse::store

#endif  // JZSE_STORE_FILE_POOL_H_
