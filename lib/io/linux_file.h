// SPDX-License-Identifier: Apache-2.0
// A file behind a descriptor, with plain positioned system calls. Private to io.
// Thread-safety: the descriptor has no position of its own, so all calls may run at the same time.
#ifndef JZSE_IO_LINUX_FILE_H_
#define JZSE_IO_LINUX_FILE_H_

#include <atomic>
#include <memory>
#include <mutex>

#include "io/io.h"

namespace jzse::io {

// The failure of a system call on `path`: "cannot ACTION PATH: cause".
Status ErrnoFailure(int error, std::string_view action, std::string_view path);

class LinuxFile : public File {
 public:
  LinuxFile(int descriptor, std::string path) : fd_(descriptor), path_(std::move(path)) {}
  ~LinuxFile() override;
  LinuxFile(const LinuxFile&) = delete;
  LinuxFile& operator=(const LinuxFile&) = delete;

  StatusOr<size_t> Read(uint64_t offset, size_t size, char* buffer) override;
  StatusOr<size_t> ReadCached(uint64_t offset, size_t size, char* buffer) override;
  void Prefetch(uint64_t offset, uint64_t size) override;
  Status Write(uint64_t offset, std::span<const Bytes> parts) override;
  Status WriteDurable(uint64_t offset, std::span<const Bytes> parts) override;
  Status WriteZeros(uint64_t offset, uint64_t size) override;
  Status SyncData() override;
  void StartWriteback(uint64_t offset, uint64_t size) override;
  void DropCache(uint64_t offset, uint64_t size) override;
  StatusOr<uint64_t> Size() override;
  Status Truncate(uint64_t size) override;
  int Descriptor() const override { return fd_; }

 private:
  // A second descriptor of the same file, with O_DIRECT.
  struct Direct {
    explicit Direct(int descriptor) : fd(descriptor) {}
    ~Direct();
    Direct(const Direct&) = delete;
    Direct& operator=(const Direct&) = delete;
    const int fd;
  };
  // Null where the system has none. Shared: closing it waits for writes under way.
  std::shared_ptr<const Direct> OpenDirect();
  void CloseDirect();
  // Of whole blocks, past the page cache, durable with RWF_DSYNC as `flags`. 0, the errno, or kNotDirect: what was written
  // then is unknown, and it must be done the usual way.
  int WriteDirect(uint64_t offset, Bytes part, int flags);

  const int fd_;
  const std::string path_;
  std::atomic<bool> dsync_works_{true};   // until this file system refuses RWF_DSYNC
  std::atomic<bool> direct_works_{true};  // until it refuses O_DIRECT
  std::mutex direct_mutex_;
  std::shared_ptr<const Direct> direct_;  // under direct_mutex_; opened by the first use
};

}  // namespace jzse::io

#endif  // JZSE_IO_LINUX_FILE_H_
