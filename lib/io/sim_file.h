// SPDX-License-Identifier: Apache-2.0
// An open file of the simulated disk. Private to io. The lock of its SimEnv guards it.
#ifndef JZSE_IO_SIM_FILE_H_
#define JZSE_IO_SIM_FILE_H_

#include "io/sim_env.h"

namespace jzse::io {

class SimFile final : public File {
 public:
  // REQUIRES: the lock of `env`.
  SimFile(SimEnv& env, std::shared_ptr<SimFileNode> node, std::string path, bool writable);
  ~SimFile() override;

  StatusOr<size_t> Read(uint64_t offset, size_t size, char* buffer) override;
  Status Write(uint64_t offset, std::span<const Bytes> parts) override;
  Status WriteDurable(uint64_t offset, std::span<const Bytes> parts) override;
  Status SyncData() override;
  void StartWriteback(uint64_t, uint64_t) override {}
  void DropCache(uint64_t offset, uint64_t size) override;
  StatusOr<uint64_t> Size() override;
  Status Truncate(uint64_t size) override;
  int Descriptor() const override { return -1; }

  void HoldLock() { holds_lock_ = node_->locked = true; }

 private:
  // These want the lock.
  Status CheckAlive(Op op);
  Status WriteLocked(Op op, uint64_t offset, const std::string& bytes);
  void Store(Op op, uint64_t offset, Bytes bytes);

  SimEnv& env_;
  const std::shared_ptr<SimFileNode> node_;  // shared with the disk and other handles
  const std::string path_;
  const uint64_t epoch_;
  const bool writable_;
  bool holds_lock_ = false;
};

}  // namespace jzse::io

#endif  // JZSE_IO_SIM_FILE_H_
