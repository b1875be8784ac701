// SPDX-License-Identifier: Apache-2.0
#include "transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "api.h"
#include "interrupt.h"
#include "posix.h"

namespace jzse::cli {
namespace {

constexpr size_t kBufferSize = 256 * 1024;
constexpr size_t kTargetSizeMax = 4096;

Problem PlaceLink(jzse_reader* reader, const jzse_file_info& info, int directory,
                  const std::string& name, std::string_view shown) {
  std::string target;
  if (Problem problem = ReadTarget(reader, &target)) return problem;
  NewFile link(directory);
  if (!link.CreateLink(target)) return SystemProblem(shown, errno);
  const timespec times[2] = {{0, UTIME_OMIT}, TimespecOf(info.mtime_ns)};
  // A file system without times on links keeps the link all the same.
  if (utimensat(directory, link.temporary_name(), times, AT_SYMLINK_NOFOLLOW) != 0 &&
      errno != EOPNOTSUPP) {
    return SystemProblem(shown, errno);
  }
  if (!link.Finish(name.c_str())) return SystemProblem(shown, errno);
  return {};
}

}  // namespace

Problem ApiProblem(const jzse_error& error) {
  return {ExitCodeOf(error.code), error.code,
          error.message[0] != '\0' ? error.message : jzse_code_name(error.code)};
}

Problem SystemProblem(std::string_view object, int error_number) {
  const int code = error_number == ENOSPC || error_number == EDQUOT ? kExitNoSpace
                   : error_number == EROFS                          ? kExitReadOnly
                   : error_number == EIO                            ? kExitIo
                   : error_number == ENOENT                         ? kExitNotFound
                   : error_number == EEXIST                         ? kExitExists
                                                                    : kExitFailure;
  if (error_number == EINTR && Interrupted()) return InterruptProblem();
  return {code, JZSE_OK, fmt::format("{}: {}", object, ErrnoText(error_number))};
}

Problem InterruptProblem() { return {InterruptExitCode(), JZSE_OK, "interrupted"}; }

Problem ReceiveContent(int fd, std::string_view name, jzse_writer* writer, Progress* progress,
                       uint64_t* size) {
  std::vector<char> buffer(kBufferSize);
  *size = 0;
  for (;;) {
    const ssize_t n = ReadFull(fd, buffer.data(), buffer.size());
    if (n < 0) return SystemProblem(name, errno);
    if (n == 0) return {};
    Error error;
    if (jzse_writer_write(writer, buffer.data(), static_cast<size_t>(n), &error.raw) != JZSE_OK) {
      return ApiProblem(error.raw);
    }
    *size += static_cast<uint64_t>(n);
    if (progress != nullptr) progress->Add(static_cast<uint64_t>(n));
  }
}

Problem SendContent(jzse_reader* reader, int fd, std::string_view name, Progress* progress) {
  std::vector<char> buffer(kBufferSize);
  for (;;) {
    if (Interrupted()) return InterruptProblem();
    size_t count = 0;
    Error error;
    if (jzse_reader_read(reader, buffer.data(), buffer.size(), &count, &error.raw) != JZSE_OK) {
      return ApiProblem(error.raw);
    }
    if (count == 0) return {};
    if (WriteAll(fd, buffer.data(), count) != 0) return SystemProblem(name, errno);
    if (progress != nullptr) progress->Add(count);
  }
}

Problem ReadTarget(jzse_reader* reader, std::string* target) {
  target->resize(kTargetSizeMax + 1);
  size_t done = 0;
  for (;;) {
    size_t count = 0;
    Error error;
    const int code =
        jzse_reader_read(reader, target->data() + done, target->size() - done, &count, &error.raw);
    if (code != JZSE_OK) return ApiProblem(error.raw);
    done += count;
    if (count == 0 || done == target->size()) break;
  }
  target->resize(done);
  if (done > kTargetSizeMax || target->empty() || target->find('\0') != std::string::npos) {
    return {kExitFailure, JZSE_OK, "the stored link has no usable target"};
  }
  return {};
}

Problem PlaceFile(jzse_reader* reader, const jzse_file_info& info, int directory,
                  const std::string& name, std::string_view shown, const PlaceOptions& options) {
  struct stat st {};
  if (options.no_replace && fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
    return SystemProblem(shown, EEXIST);
  }
  if (info.kind == JZSE_KIND_SYMLINK) return PlaceLink(reader, info, directory, name, shown);
  NewFile file(directory);
  if (!file.Create()) return SystemProblem(shown, errno);
  if (Problem problem = SendContent(reader, file.fd(), shown, options.progress)) return problem;
  const uint32_t mode = RestoredMode(info.mode, options.special_bits);
  if (fchmod(file.fd(), info.mode != 0 ? mode : 0666 & ~ProcessUmask()) != 0)
    return SystemProblem(shown, errno);
  const timespec times[2] = {{0, UTIME_OMIT}, TimespecOf(info.mtime_ns)};
  if (futimens(file.fd(), times) != 0) return SystemProblem(shown, errno);
  if (!file.Finish(name.c_str())) return SystemProblem(shown, errno);
  return {};
}

}  // namespace jzse::cli
