// SPDX-License-Identifier: Apache-2.0
#include "posix.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "interrupt.h"

namespace jzse::cli {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int kAttempts = 100;

std::string TemporaryName() {
  uint64_t bits = 0;
  if (getrandom(&bits, sizeof bits, 0) != sizeof bits) bits = static_cast<uint64_t>(getpid());
  return fmt::format(".jzse-{:016x}.tmp", bits);
}

// openat says ENOTDIR also for a symbolic link; users need to know which.
int OpenComponent(int parent, const std::string& name, bool create, bool* made) {
  for (int round = 0;; ++round) {
    const int fd = openat(parent, name.c_str(), kDirectoryFlags);
    if (fd >= 0) return fd;
    if (errno == ENOENT && create && round == 0) {
      if (mkdirat(parent, name.c_str(), 0700) == 0) {
        *made = true;
      } else if (errno != EEXIST) {
        return -1;
      }
      continue;
    }
    const int error = errno;
    struct stat st {};
    const bool link = (error == ENOTDIR || error == ELOOP) &&
                      fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISLNK(st.st_mode);
    errno = link ? ELOOP : error;
    return -1;
  }
}

}  // namespace

void Fd::reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

std::string ErrnoText(int error_number) { return std::system_category().message(error_number); }

timespec TimespecOf(int64_t ns) {
  timespec ts{};
  ts.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  ts.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  if (ts.tv_nsec < 0) {
    ts.tv_nsec += 1'000'000'000;
    --ts.tv_sec;
  }
  return ts;
}

mode_t ProcessUmask() {
  static const mode_t mask = [] {
    const mode_t old = umask(077);  // it can be read only by setting it
    umask(old);
    return old;
  }();
  return mask;
}

int WriteAll(int fd, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = write(fd, at, size);
    if (n < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    at += n;
    size -= static_cast<size_t>(n);
  }
  return 0;
}

ssize_t ReadFull(int fd, void* data, size_t size) {
  char* at = static_cast<char*>(data);
  size_t done = 0;
  while (done < size) {
    if (Interrupted()) {
      errno = EINTR;
      return -1;
    }
    const ssize_t n = read(fd, at + done, size - done);
    if (n == 0) break;
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return static_cast<ssize_t>(done);
}

bool ReadLink(int directory, const char* name, std::string* target) {
  target->resize(4097);  // PATH_MAX and one more, to see what is longer
  const ssize_t n = readlinkat(directory, name, target->data(), target->size());
  if (n < 0) return false;
  if (static_cast<size_t>(n) == target->size()) {
    errno = ENAMETOOLONG;
    return false;
  }
  target->resize(static_cast<size_t>(n));
  return true;
}

int Beneath::Walk(std::string_view path, const std::function<void(std::string_view)>* created) {
  if (path.empty()) return root_;
  if (held_ && path == held_path_) return held_.get();
  size_t at = 0;
  const bool below_held = held_ && path.size() > held_path_.size() &&
                          path.substr(0, held_path_.size()) == held_path_ &&
                          path[held_path_.size()] == '/';
  if (below_held) {
    at = held_path_.size() + 1;
  } else {
    held_.reset(-1);
  }
  held_path_.clear();  // until the whole walk has succeeded
  Fd from = std::move(held_);
  while (at <= path.size()) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string name(path.substr(at, end - at));
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string::npos) {
      errno = EINVAL;
      return -1;
    }
    bool made = false;
    const int next = OpenComponent(from ? from.get() : root_, name, created != nullptr, &made);
    if (next < 0) return -1;
    if (made && created != nullptr) (*created)(path.substr(0, end));
    from.reset(next);
    at = end + 1;
  }
  held_ = std::move(from);
  held_path_ = path;
  return held_.get();
}

bool NewFile::Create() {
  for (int i = 0; i < kAttempts; ++i) {
    name_ = TemporaryName();
    fd_.reset(openat(directory_, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                     0600));
    if (fd_) return true;
    if (errno != EEXIST) break;
  }
  name_.clear();
  return false;
}

bool NewFile::OpenPart(uint64_t size_max, uint64_t* have) {
  fd_.reset(openat(directory_, name_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  struct stat st {}, named {};
  if (!fd_ || flock(fd_.get(), LOCK_EX | LOCK_NB) != 0 || fstat(fd_.get(), &st) != 0) return false;
  // Whoever held the lock before may have renamed or removed it.
  if (fstatat(directory_, name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != st.st_ino || named.st_dev != st.st_dev)
    return false;
  if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1) return false;
  *have = static_cast<uint64_t>(st.st_size);
  if (*have > size_max) *have = 0;
  return ftruncate(fd_.get(), static_cast<off_t>(*have)) == 0 && lseek(fd_.get(), 0, SEEK_END) >= 0;
}

bool NewFile::Continue(const std::string& key, uint64_t size_max, uint64_t* have) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a: a name, no proof
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  name_ = fmt::format(".jzse-part-{:016x}", hash);
  *have = 0;
  part_ = OpenPart(size_max, have);
  if (part_) return true;
  *have = 0;
  name_.clear();
  return Create();
}

void NewFile::Keep() {
  if (!part_) return;
  name_.clear();
  fd_.reset(-1);
}

bool NewFile::CreateLink(const std::string& target) {
  for (int i = 0; i < kAttempts; ++i) {
    name_ = TemporaryName();
    if (symlinkat(target.c_str(), directory_, name_.c_str()) == 0) return true;
    if (errno != EEXIST) break;
  }
  name_.clear();
  return false;
}

bool NewFile::Finish(const char* name) {
  if (renameat(directory_, name_.c_str(), directory_, name) != 0) return false;
  name_.clear();
  return true;
}

void NewFile::Discard() {
  if (name_.empty()) return;
  const int error = errno;
  unlinkat(directory_, name_.c_str(), 0);
  name_.clear();
  errno = error;
}

}  // namespace jzse::cli
