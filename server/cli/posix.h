// SPDX-License-Identifier: Apache-2.0
// The real file system, approached so that nothing in it can send a read or a write elsewhere.
//
// Invariants
//   1. Beneath opens component by component with O_NOFOLLOW: below its root no symbolic link is
//   passed, also
//      not one that appears meanwhile, and "..", "." and empty components are refused.
//   2. A file appears under its name only complete (temporary name, then rename); an unfinished one
//   is removed, unless it is kept on purpose.
// Threads: an object belongs to one thread at a time.
#ifndef JZSE_CLI_POSIX_H_
#define JZSE_CLI_POSIX_H_

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace jzse::cli {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(-1); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd);

 private:
  int fd_ = -1;
};

std::string ErrnoText(int error_number);
inline int64_t MtimeNs(const struct stat& st) {
  return static_cast<int64_t>(st.st_mtim.tv_sec) * 1'000'000'000 + st.st_mtim.tv_nsec;
}
timespec TimespecOf(int64_t ns);
mode_t ProcessUmask();
// All of it, or -1 with errno.
int WriteAll(int fd, const void* data, size_t size);
// Up to `size` bytes: less only at the end of the file. -1 with errno; EINTR only once
// Interrupted().
ssize_t ReadFull(int fd, void* data, size_t size);
// The target of a link; false with errno.
bool ReadLink(int directory, const char* name, std::string* target);

class Beneath {
 public:
  // `root` is borrowed.
  explicit Beneath(int root) : root_(root) {}

  // The directory `path` ("" is the root); valid until the next call. -1 with errno: ELOOP if a
  // symbolic link is in the way, ENOTDIR if another thing is, EINVAL for a path that could lead
  // out.
  int Directory(std::string_view path) { return Walk(path, nullptr); }
  // The same, creating what is missing with mode 0700 and calling `created` with the path of each.
  int MakeDirectory(std::string_view path, const std::function<void(std::string_view)>& created) {
    return Walk(path, &created);
  }

 private:
  int Walk(std::string_view path, const std::function<void(std::string_view)>* created);

  const int root_;
  std::string held_path_;
  Fd held_;
};

// A file (or symbolic link) on its way to its name in a directory.
class NewFile {
 public:
  // `directory` is borrowed.
  explicit NewFile(int directory) : directory_(directory) {}
  ~NewFile() { Discard(); }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool Create();                               // an empty file of mode 0600; false with errno
  bool CreateLink(const std::string& target);  // false with errno
  // What an earlier run left for `key`, ready to be written on at *have; or, where there is none or it is being written, an empty
  // file. What is longer than `size_max` is none. False with errno.
  bool Continue(const std::string& key, uint64_t size_max, uint64_t* have);
  void Keep();  // for a later Continue, unfinished
  int fd() const { return fd_.get(); }
  const char* temporary_name() const { return name_.c_str(); }
  bool Finish(const char* name);  // renames; false with errno
  void Discard();

 private:
  bool OpenPart(uint64_t size_max, uint64_t* have);

  const int directory_;
  std::string name_;
  bool part_ = false;  // the name is found again
  Fd fd_;
};

}  // namespace jzse::cli

#endif  // JZSE_CLI_POSIX_H_
