// SPDX-License-Identifier: Apache-2.0
// A file behind a descriptor, with plain positioned system calls. Private to io.
// Thread-safety: the descriptor has no position of its own, so all calls may run at the same time.
#ifndef JZSE_IO_LINUX_FILE_H_
#define JZSE_IO_LINUX_FILE_H_

#include <atomic>

#include "io/io.h"

namespace jzse::io {

// The failure of a system call on `path`: "cannot ACTION PATH: cause".
Status ErrnoFailure(int error, std::string_view action, std::string_view path);

class LinuxFile final : public File {
 public:
  LinuxFile(int descriptor, std::string path) : fd_(descriptor), path_(std::move(path)) {}
  ~LinuxFile() override;
  LinuxFile(const LinuxFile&) = delete;
  LinuxFile& operator=(const LinuxFile&) = delete;

  StatusOr<size_t> Read(uint64_t offset, size_t size, char* buffer) override;
  Status Write(uint64_t offset, std::span<const Bytes> parts) override;
  Status WriteDurable(uint64_t offset, std::span<const Bytes> parts) override;
  Status SyncData() override;
  void StartWriteback(uint64_t offset, uint64_t size) override;
  void DropCache(uint64_t offset, uint64_t size) override;
  StatusOr<uint64_t> Size() override;
  Status Truncate(uint64_t size) override;
  int Descriptor() const override { return fd_; }

 private:
  // Writes all parts with pwritev2(`flags`); 0 or the errno.
  int WriteParts(uint64_t offset, std::span<const Bytes> parts, int flags);

  const int fd_;
  const std::string path_;
  std::atomic<bool> dsync_works_{true};  // until this file system refuses RWF_DSYNC
};

}  // namespace jzse::io

#endif  // JZSE_IO_LINUX_FILE_H_
