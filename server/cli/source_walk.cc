// SPDX-License-Identifier: Apache-2.0
#include "source_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "posix.h"
#include "text.h"

namespace jzse::cli {
namespace {

// Its names in order; false with errno.
bool ReadNames(int directory, std::vector<std::string>* names) {
  const int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(fd), closedir);
  if (!dir) {
    close(fd);
    return false;
  }
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names->emplace_back(name);
  }
  if (errno != 0) return false;
  std::sort(names->begin(), names->end());
  return true;
}

class Walk {
 public:
  Walk(int root, const std::string& shown, bool one_file_system, const WalkEvents& events)
      : beneath_(root), shown_(shown), one_file_system_(one_file_system), events_(events) {
    struct stat st {};
    if (fstat(root, &st) == 0) device_ = st.st_dev;
    if (events_.directory("", st)) pending_.emplace_back();
  }

  void Run() {
    while (!pending_.empty() && !events_.stop()) {
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      Directory(path);
    }
  }

 private:
  void Directory(const std::string& path) {
    const int fd = beneath_.Directory(path);
    std::vector<std::string> names;
    if (fd < 0 || !ReadNames(fd, &names)) {
      events_.problem(SystemProblem(JoinPath(shown_, path), errno));
      return;
    }
    const size_t first = pending_.size();
    for (const std::string& name : names) {
      if (events_.stop()) return;
      Entry(fd, path, name);
    }
    std::reverse(pending_.begin() + static_cast<ptrdiff_t>(first), pending_.end());
  }

  void Entry(int directory, const std::string& path, const std::string& name) {
    const std::string below = JoinPath(path, name);
    std::string_view why;
    if (IsRefusedName(name, &why)) {
      events_.problem(
          {kExitUsage, JZSE_INVALID, JoinPath(shown_, below) + ": " + std::string(why)});
      return;
    }
    struct stat st {};
    if (fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) events_.problem(SystemProblem(JoinPath(shown_, below), errno));
      return;  // gone meanwhile
    }
    if (!S_ISDIR(st.st_mode)) {
      events_.other(below, st);
    } else if (!(one_file_system_ && st.st_dev != device_) && events_.directory(below, st)) {
      pending_.push_back(below);
    }
  }

  Beneath beneath_;
  const std::string& shown_;
  const bool one_file_system_;
  const WalkEvents& events_;
  dev_t device_ = 0;
  std::vector<std::string> pending_;
};

}  // namespace

void WalkTree(int root, const std::string& shown, bool one_file_system, const WalkEvents& events) {
  Walk(root, shown, one_file_system, events).Run();
}

}  // namespace jzse::cli
