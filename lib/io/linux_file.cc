// SPDX-License-Identifier: Apache-2.0
#include "io/linux_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace jzse::io {
namespace {

using base::Code;

constexpr size_t kIovecsPerCall = 1024;  // IOV_MAX of Linux, whatever <limits.h> says
// Beyond this many parts, several calls that flush each cost more than one flush at the end.
constexpr size_t kDsyncPartsMax = kIovecsPerCall;
// Small enough that a commit beside it does not wait long for the disk.
constexpr size_t kZerosPerCall = 256 * base::kKiB;
constexpr int kNotDirect = -1;  // no errno

Code CodeOfErrno(int error) {
  switch (error) {
    case ENOENT: return Code::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
    case ENOTDIR:
    case EISDIR: return Code::kExists;
    case ENOSPC:
    case EDQUOT: return Code::kNoSpace;
    case EROFS:
    case EACCES:
    case EPERM: return Code::kReadOnly;
    case EMFILE:
    case ENFILE: return Code::kBusy;
    default: return Code::kIo;
  }
}

bool IsRefusal(int error) { return error == EOPNOTSUPP || error == EINVAL || error == ENOSYS; }

// strerror_r returns a pointer with glibc and a code with other C libraries.
[[maybe_unused]] const char* ErrorText(const char* text, const char*) { return text; }
[[maybe_unused]] const char* ErrorText(int, const char* buffer) { return buffer; }

// The place in a list of parts where the next system call goes on.
class PartsCursor {
 public:
  explicit PartsCursor(std::span<const Bytes> parts) : parts_(parts) { SkipEmpty(); }

  bool done() const { return index_ == parts_.size(); }

  size_t Fill(std::span<iovec> vectors) const {
    size_t count = 0, skip = skip_;
    for (size_t i = index_; i < parts_.size() && count < vectors.size(); ++i, skip = 0) {
      if (parts_[i].empty()) continue;
      vectors[count++] = {const_cast<char*>(parts_[i].data()) + skip, parts_[i].size() - skip};
    }
    return count;
  }

  void Advance(size_t written) {
    while (written > 0) {
      const size_t step = std::min(written, parts_[index_].size() - skip_);
      skip_ += step;
      written -= step;
      SkipEmpty();
    }
  }

 private:
  void SkipEmpty() {
    while (index_ < parts_.size() && skip_ == parts_[index_].size()) {
      ++index_;
      skip_ = 0;
    }
  }

  std::span<const Bytes> parts_;
  size_t index_ = 0, skip_ = 0;
};

}  // namespace

Status ErrnoFailure(int error, std::string_view action, std::string_view path) {
  char buffer[256] = "unknown error";
  const char* cause = ErrorText(strerror_r(error, buffer, sizeof buffer), buffer);
  return base::Fail(CodeOfErrno(error),
                    absl::StrCat("cannot ", absl::string_view(action.data(), action.size()), " ",
                                 absl::string_view(path.data(), path.size()), ": ", cause));
}

LinuxFile::~LinuxFile() { close(fd_); }

StatusOr<size_t> LinuxFile::Read(uint64_t offset, size_t size, char* buffer) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got =
        pread(fd_, buffer + done, size - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      return ErrnoFailure(errno, "read", path_);
    }
  }
  return done;
}

// A file system that cannot tell (EOPNOTSUPP) has nothing in memory as far as we know.
StatusOr<size_t> LinuxFile::ReadCached(uint64_t offset, size_t size, char* buffer) {
  size_t done = 0;
  while (done < size) {
    const iovec room{buffer + done, size - done};
    const ssize_t got = preadv2(fd_, &room, 1, static_cast<off_t>(offset + done), RWF_NOWAIT);
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (got == 0 || errno == EAGAIN || IsRefusal(errno)) {
      break;
    } else if (errno != EINTR) {
      return ErrnoFailure(errno, "read", path_);
    }
  }
  return done;
}

void LinuxFile::Prefetch(uint64_t offset, uint64_t size) {
  posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_WILLNEED);
}

namespace {

// Writes all parts with pwritev2(`flags`); 0 or the errno.
int WriteParts(int fd, uint64_t offset, std::span<const Bytes> parts, int flags) {
  std::array<iovec, kIovecsPerCall> vectors;
  PartsCursor cursor(parts);
  while (!cursor.done()) {
    const int count = static_cast<int>(cursor.Fill(vectors));
    const off_t at = static_cast<off_t>(offset);
    const ssize_t written = flags == 0 ? pwritev(fd, vectors.data(), count, at)
                                       : pwritev2(fd, vectors.data(), count, at, flags);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    if (written == 0) return EIO;  // never for a regular file; not to loop for ever
    if (!base::Planted("parts-overwrite-each-other")) offset += static_cast<uint64_t>(written);
    cursor.Advance(static_cast<size_t>(written));
  }
  return 0;
}

bool IsWholeBlocks(uint64_t offset, Bytes part) {
  return !part.empty() &&
         (offset | part.size() | reinterpret_cast<uintptr_t>(part.data())) % base::kBlockSize == 0;
}

}  // namespace

LinuxFile::Direct::~Direct() { close(fd); }

std::shared_ptr<const LinuxFile::Direct> LinuxFile::OpenDirect() {
  if (!direct_works_.load(std::memory_order_relaxed)) return nullptr;
  const std::lock_guard lock(direct_mutex_);
  if (direct_ != nullptr) return direct_;
  // By the descriptor, not by the name, which may be another file's by now.
  char name[32];
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", fd_);
  const int fd = open(name, O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    direct_works_.store(false, std::memory_order_relaxed);
    return nullptr;
  }
  direct_ = std::make_shared<const Direct>(fd);
  return direct_;
}

void LinuxFile::CloseDirect() {
  const std::lock_guard lock(direct_mutex_);
  direct_.reset();
}

int LinuxFile::WriteDirect(uint64_t offset, Bytes part, int flags) {
  const auto direct = OpenDirect();
  if (direct == nullptr) return kNotDirect;
  const int error = WriteParts(direct->fd, offset, std::span(&part, 1), flags);
  if (!IsRefusal(error)) return error;
  direct_works_.store(false, std::memory_order_relaxed);
  return kNotDirect;
}

Status LinuxFile::Write(uint64_t offset, std::span<const Bytes> parts) {
  const int error = WriteParts(fd_, offset, parts, 0);
  return error == 0 ? Status() : ErrnoFailure(error, "write", path_);
}

Status LinuxFile::WriteDurable(uint64_t offset, std::span<const Bytes> parts) {
  if (parts.size() <= kDsyncPartsMax && dsync_works_.load(std::memory_order_relaxed)) {
    int error = kNotDirect;
    if (parts.size() == 1 && IsWholeBlocks(offset, parts[0])) error = WriteDirect(offset, parts[0], RWF_DSYNC);
    if (error == kNotDirect) error = WriteParts(fd_, offset, parts, RWF_DSYNC);
    if (error == 0) return Status();
    if (!IsRefusal(error)) return ErrnoFailure(error, "write", path_);
    dsync_works_.store(false, std::memory_order_relaxed);
  }
  JZSE_RETURN_IF_ERROR(Write(offset, parts));
  return SyncData();
}

Status LinuxFile::WriteZeros(uint64_t offset, uint64_t size) {
  // Never changed. Not const, or it would take room in the library's file; so the kernel has one page of zeros for it.
  alignas(base::kBlockSize) static char zeros[kZerosPerCall];
  for (const uint64_t end = offset + size; offset < end;) {
    const Bytes part(zeros, std::min<uint64_t>(kZerosPerCall, end - offset));
    int error = IsWholeBlocks(offset, part) ? WriteDirect(offset, part, 0) : kNotDirect;
    if (error == kNotDirect) error = WriteParts(fd_, offset, std::span(&part, 1), 0);
    if (error != 0) return ErrnoFailure(error, "write", path_);
    offset += part.size();
  }
  CloseDirect();
  return Status();
}

Status LinuxFile::SyncData() {
  return fdatasync(fd_) == 0 ? Status() : ErrnoFailure(errno, "sync", path_);
}

void LinuxFile::StartWriteback(uint64_t offset, uint64_t size) {
  sync_file_range(fd_, static_cast<off64_t>(offset), static_cast<off64_t>(size),
                  SYNC_FILE_RANGE_WRITE);
}

void LinuxFile::DropCache(uint64_t offset, uint64_t size) {
  posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_DONTNEED);
}

StatusOr<uint64_t> LinuxFile::Size() {
  struct stat info;
  if (fstat(fd_, &info) != 0) return ErrnoFailure(errno, "examine", path_);
  return static_cast<uint64_t>(info.st_size);
}

Status LinuxFile::Truncate(uint64_t size) {
  CloseDirect();  // what is cut is finished; half of the descriptors is enough for it
  int result;
  do {
    result = ftruncate(fd_, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? Status() : ErrnoFailure(errno, "truncate", path_);
}

}  // namespace jzse::io
