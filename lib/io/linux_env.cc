// SPDX-License-Identifier: Apache-2.0
// The real machine. Every descriptor is close-on-exec; nothing here touches signals, the
// environment or the working directory.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "io/linux_file.h"
#include "io/linux_uring.h"
#include "io/thread.h"

namespace jzse::io {
namespace {

using base::Code;

int64_t ClockMicros(clockid_t clock) {
  timespec now;
  JZSE_CHECK(clock_gettime(clock, &now) == 0);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

int OpenRetrying(const char* path, int flags, mode_t mode) {
  int fd;
  do {
    fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// The pid that stands in the lock's file; 0 if there is none, or none of a living process.
pid_t NamedHolder(int fd) {
  char text[32];
  const ssize_t size = pread(fd, text, sizeof text, 0);
  pid_t pid = 0;
  if (size <= 0 || !absl::SimpleAtoi(absl::string_view(text, static_cast<size_t>(size)), &pid) || pid <= 0) return 0;
  return kill(pid, 0) == 0 || errno == EPERM ? pid : 0;
}

// The holder of a lock writes its pid right after it has it, and takes it out before it lets go. In between the file names
// nobody, or one that was killed: a short wait then, and rather no name than a wrong one.
std::string LockHolder(int fd) {
  for (int waited_ms = 0;; ++waited_ms) {
    if (const pid_t pid = NamedHolder(fd); pid != 0) return absl::StrCat("process ", pid);
    if (waited_ms == base::kLockHolderWaitMs) return "another process";
    const timespec pause = {0, 1'000'000};
    nanosleep(&pause, nullptr);
  }
}

// The lock goes with the descriptor. Its last act is to name nobody.
class LockFile final : public LinuxFile {
 public:
  using LinuxFile::LinuxFile;
  ~LockFile() override {
    if (held) (void)Truncate(0);
  }
  bool held = false;
};

class LinuxEnv final : public Env {
 public:
  explicit LinuxEnv(const LinuxEnvOptions& options)
      : uring_(options.uring ? NewUringReader() : nullptr) {}

  int64_t NowMicros() override { return ClockMicros(CLOCK_REALTIME); }
  int64_t MonotonicMicros() override { return ClockMicros(CLOCK_MONOTONIC); }
  uint64_t Entropy() override;

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
  void ReadBatch(std::span<ReadOp> ops) override;
  std::unique_ptr<Thread> StartThread(std::function<void()> body, Priority priority) override {
    return StartSystemThread(std::move(body), priority);
  }

  bool uses_uring() const { return uring_ != nullptr && uring_->Available(); }

 private:
  const std::unique_ptr<UringReader> uring_;
};

uint64_t LinuxEnv::Entropy() {
  uint64_t bits = 0;
  ssize_t size;
  do {
    size = getrandom(&bits, sizeof bits, 0);
  } while (size < 0 && errno == EINTR);
  JZSE_CHECK(size == sizeof bits);
  return bits;
}

StatusOr<std::unique_ptr<File>> LinuxEnv::Open(const std::string& path, OpenMode mode) {
  int flags = O_RDWR;
  if (mode == OpenMode::kRead) flags = O_RDONLY;
  if (mode == OpenMode::kCreate) flags = O_RDWR | O_CREAT | O_EXCL;
  // O_NONBLOCK: a pipe put in the place of a file must give an error, not a process that hangs.
  const int fd = OpenRetrying(path.c_str(), flags | O_NONBLOCK, 0666);
  if (fd < 0) return ErrnoFailure(errno, mode == OpenMode::kCreate ? "create" : "open", path);
  auto file = std::make_unique<LinuxFile>(fd, path);
  struct stat info;
  if (fstat(fd, &info) != 0) return ErrnoFailure(errno, "examine", path);
  if (S_ISDIR(info.st_mode)) return ErrnoFailure(EISDIR, "open", path);
  if (!S_ISREG(info.st_mode)) {
    return base::Fail(Code::kExists, absl::StrCat("cannot open ", path, ": not a regular file"));
  }
  return file;
}

Status LinuxEnv::CreateDir(const std::string& path) {
  if (mkdir(path.c_str(), 0777) == 0) return Status();
  return ErrnoFailure(errno, "create directory", path);
}

Status LinuxEnv::RemoveDir(const std::string& path) {
  if (rmdir(path.c_str()) == 0) return Status();
  return ErrnoFailure(errno, "remove directory", path);
}

StatusOr<std::vector<DirEntry>> LinuxEnv::ListDir(const std::string& path) {
  const int fd = OpenRetrying(path.c_str(), O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) return ErrnoFailure(errno, "list", path);
  DIR* directory = fdopendir(fd);
  if (directory == nullptr) {
    const int error = errno;
    close(fd);
    return ErrnoFailure(error, "list", path);
  }
  std::vector<DirEntry> entries;
  int error = 0;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(directory);
    if (entry == nullptr) {
      error = errno;
      break;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat info;
    if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // removed meanwhile
      error = errno;
      break;
    }
    const bool is_directory = S_ISDIR(info.st_mode);
    entries.push_back({std::string(name), is_directory,
                       is_directory ? 0 : static_cast<uint64_t>(info.st_size)});
  }
  closedir(directory);
  if (error != 0) return ErrnoFailure(error, "list", path);
  std::sort(entries.begin(), entries.end(),
            [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

StatusOr<bool> LinuxEnv::Exists(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ErrnoFailure(errno, "examine", path);
}

Status LinuxEnv::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return Status();
  return ErrnoFailure(errno, "rename", absl::StrCat(from, " to ", to));
}

Status LinuxEnv::Remove(const std::string& path) {
  if (unlink(path.c_str()) == 0) return Status();
  return ErrnoFailure(errno, "remove", path);
}

Status LinuxEnv::SyncDir(const std::string& path) {
  const int fd = OpenRetrying(path.c_str(), O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) return ErrnoFailure(errno, "sync directory", path);
  const int error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  // EINVAL: a file system that has no such call on directories because it writes entries through.
  if (error == 0 || error == EINVAL) return Status();
  return ErrnoFailure(error, "sync directory", path);
}

StatusOr<uint64_t> LinuxEnv::FreeSpace(const std::string& path) {
  struct statvfs info;
  int result;
  do {
    result = statvfs(path.c_str(), &info);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return ErrnoFailure(errno, "measure free space of", path);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

// A lock of the open file description: unlike a lock of the process it also excludes a second
// handle of our own process; closing another descriptor of the file does not drop it.
StatusOr<std::unique_ptr<File>> LinuxEnv::Lock(const std::string& path) {
  const int fd = OpenRetrying(path.c_str(), O_RDWR | O_CREAT | O_NONBLOCK, 0666);
  if (fd < 0) return ErrnoFailure(errno, "open", path);
  auto file = std::make_unique<LockFile>(fd, path);
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd, base::Planted("lock-of-the-process") ? F_SETLK : F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return ErrnoFailure(errno, "lock", path);
    return base::Fail(Code::kLocked, absl::StrCat(path, " is locked by ", LockHolder(fd)));
  }
  file->held = true;
  const std::string pid = absl::StrCat(getpid(), "\n");
  const Bytes parts[] = {pid};
  const Status written = file->Write(0, parts);
  // The lock holds without the pid too: a full disk must stay readable. The file then names
  // nobody, rather than the holder before.
  if (!written.ok() && !base::Is(written, Code::kNoSpace)) return written;
  JZSE_RETURN_IF_ERROR(file->Truncate(written.ok() ? pid.size() : 0));
  return file;
}

void LinuxEnv::ReadBatch(std::span<ReadOp> ops) {
  if (ops.size() >= 2 && uring_ != nullptr && uring_->Read(ops)) return;
  Env::ReadBatch(ops);
}

}  // namespace

std::unique_ptr<Env> NewLinuxEnv(const LinuxEnvOptions& options) {
  return std::make_unique<LinuxEnv>(options);
}

bool UsesUring(const Env& env) {
  const auto* linux_env = dynamic_cast<const LinuxEnv*>(&env);
  return linux_env != nullptr && linux_env->uses_uring();
}

}  // namespace jzse::io
