// SPDX-License-Identifier: Apache-2.0
// A worker of `export`; see export_run.h.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "export_run.h"
#include "interrupt.h"
#include "posix.h"

namespace jzse::cli {
namespace {

constexpr uint64_t kInfoFirst = 1024 * 1024;  // what may be there already, in whole or in part, is not asked for at once

class Worker {
 public:
  explicit Worker(ExportRun* run) : run_(*run), target_(run->root) {}

  void Run() {
    ExportItem item;
    while (run_.queue.Pop(&item)) {
      if (Interrupted()) run_.Report(InterruptProblem());
      if (run_.Stopped()) return;
      if (const Problem problem = Handle(item)) run_.Report(problem);
    }
  }

 private:
  Problem Handle(const ExportItem& item) {
    const bool is_directory = item.info.kind == JZSE_KIND_DIRECTORY;
    const std::string_view parent =
        is_directory ? std::string_view(item.below) : ParentPath(item.below);
    const int directory = Open(parent);
    if (directory < 0 && !(run_.args.dry_run && errno == ENOENT))
      return WayProblem(run_, item.below, errno);
    if (is_directory) {
      ++run_.directories;
      return {};
    }
    std::unique_ptr<access::Reader> reader;
    if (Problem problem = OpenReader(item, &reader)) return problem;
    const jzse_file_info info = reader->info();
    const std::string name(BaseName(item.below));
    bool same = false;
    if (directory >= 0) {
      if (Problem problem = Compare(item, directory, name, info, reader.get(), &same))
        return problem;
    }
    if (same) {
      ++run_.unchanged;
      run_.progress.Add(info.kind == JZSE_KIND_FILE ? info.size : 0, 1);
      return {};
    }
    if (!run_.args.dry_run) {
      if (Problem problem = Place(item, directory, name, info, &reader)) return problem;
    }
    run_.progress.Add(0, 1);
    ++run_.written;
    run_.written_bytes += info.kind == JZSE_KIND_FILE ? info.size : 0;
    run_.Act("write", item.below);
    return {};
  }

  int Open(std::string_view below) {
    if (run_.root < 0) {
      errno = ENOENT;
      return -1;
    }
    if (run_.args.dry_run) return target_.Directory(below);
    return target_.MakeDirectory(below, [this](std::string_view path) { run_.Created(path); });
  }

  Problem OpenReader(const ExportItem& item, std::unique_ptr<access::Reader>* reader) {
    access::ReadOptions options;
    options.snapshot = run_.snapshot;
    options.info_first = item.info.size > kInfoFirst;
    Error error;
    const int code = run_.context.store()->OpenReader(run_.ns, item.path, options, reader, &error.raw);
    return code == JZSE_OK ? Problem{} : ApiProblem(error.raw);
  }

  Problem Place(const ExportItem& item, int directory, const std::string& name,
                const jzse_file_info& info, std::unique_ptr<access::Reader>* reader) {
    PlaceOptions options;
    options.special_bits = run_.args.special_bits;
    options.progress = &run_.progress;
    if (run_.context.remote()) options.part_key = PartKey(run_.context.path(), run_.ns, item.path, info);
    // The comparison may have read from it.
    if (run_.args.checksum || info.kind == JZSE_KIND_SYMLINK) {
      if (Problem problem = OpenReader(item, reader)) return problem;
    }
    return PlaceFile(reader->get(), info, directory, name, run_.Shown(item.below), options);
  }

  // Whether what is there under the name is what would be written.
  Problem Compare(const ExportItem& item, int directory, const std::string& name,
                  const jzse_file_info& info, access::Reader* reader, bool* same) {
    struct stat st {};
    if (fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT ? Problem{} : SystemProblem(run_.Shown(item.below), errno);
    }
    if (S_ISDIR(st.st_mode)) {
      return {kExitExists, JZSE_OK, run_.Shown(item.below) + ": a directory is in the way"};
    }
    if (MtimeNs(st) != info.mtime_ns) return {};
    if (info.kind == JZSE_KIND_SYMLINK) {
      std::string here, stored;
      *same = S_ISLNK(st.st_mode) && ReadLink(directory, name.c_str(), &here) &&
              !ReadTarget(reader, &stored) && here == stored;
      return {};
    }
    if (!S_ISREG(st.st_mode) || static_cast<uint64_t>(st.st_size) != info.size) return {};
    const uint32_t mode = RestoredMode(info.mode, run_.args.special_bits);
    if (info.mode != 0 && (st.st_mode & 07777) != mode) return {};
    *same = !run_.args.checksum || SameContent(directory, name, reader);
    return {};
  }

  static bool SameContent(int directory, const std::string& name, access::Reader* reader) {
    const Fd fd(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return false;
    std::vector<char> stored(256 * 1024), here(stored.size());
    for (;;) {
      size_t count = 0;
      if (reader->Read(stored.data(), stored.size(), &count, nullptr) != JZSE_OK)
        return false;
      const size_t want = count != 0 ? count : 1;  // at the end the file must be at its end too
      const ssize_t n = ReadFull(fd.get(), here.data(), want);
      if (n != static_cast<ssize_t>(count) || std::memcmp(stored.data(), here.data(), count) != 0)
        return false;
      if (count == 0) return true;
    }
  }

  ExportRun& run_;
  Beneath target_;
};

}  // namespace

Problem WayProblem(const ExportRun& run, std::string_view below, int error_number) {
  const std::string shown = run.Shown(below);
  if (error_number == ELOOP) {
    return {kExitFailure, JZSE_OK,
            shown + ": a symbolic link is in the way; nothing is written through it"};
  }
  if (error_number == ENOTDIR) {
    return {kExitExists, JZSE_OK, shown + ": a file is in the way of a directory"};
  }
  return SystemProblem(shown, error_number);
}

void ExportWorker(ExportRun* run) { Worker(run).Run(); }

}  // namespace jzse::cli
