// SPDX-License-Identifier: Apache-2.0
// An Env that passes everything on to another one and tells a callback about each call that
// touched files: for logs, for counting system calls in tests and benchmarks, for knowing which
// step failed.
// Thread-safety: that of the wrapped Env. The callback runs after the call, on the calling thread,
// and must itself be thread-safe; what it is given is valid only during it.
// Lifetime: the wrapped Env outlives this one, and this one the files that it handed out.
#ifndef JZSE_IO_RECORDING_ENV_H_
#define JZSE_IO_RECORDING_ENV_H_

#include <functional>

#include "io/io.h"
#include "io/op.h"

namespace jzse::io {

struct Record {
  Op op;
  std::string_view path;     // as the caller gave it
  std::string_view to_path;  // of a rename
  uint64_t offset = 0;       // of reads and writes; the new size of a truncation
  uint64_t size = 0;         // bytes asked for
  bool ok = false;
};

class RecordingEnv final : public Env {
 public:
  using Callback = std::function<void(const Record&)>;
  RecordingEnv(Env& env, Callback callback) : env_(env), callback_(std::move(callback)) {}

  int64_t NowMicros() override { return env_.NowMicros(); }
  int64_t MonotonicMicros() override { return env_.MonotonicMicros(); }
  uint64_t Entropy() override { return env_.Entropy(); }
  StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status CreateDir(const std::string& path) override;
  Status RemoveDir(const std::string& path) override;
  StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) override;
  StatusOr<bool> Exists(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status SyncDir(const std::string& path) override;
  StatusOr<uint64_t> FreeSpace(const std::string& path) override;
  StatusOr<std::unique_ptr<File>> Lock(const std::string& path) override;
  // One record for each op; the batch reaches the wrapped Env as a batch.
  // REQUIRES: the files are from this Env.
  void ReadBatch(std::span<ReadOp> ops) override;
  std::unique_ptr<Thread> StartThread(std::function<void()> body, Priority priority) override {
    return env_.StartThread(std::move(body), priority);
  }

 private:
  Env& env_;
  const Callback callback_;
};

}  // namespace jzse::io

#endif  // JZSE_IO_RECORDING_ENV_H_
