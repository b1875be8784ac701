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
constexpr uint64_t kPartSizeMin = 8 * 1024 * 1024;  // smaller files are fetched again as a whole

Problem PlaceLink(access::Reader* reader, const jzse_file_info& info, int directory,
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
  if (error.code == JZSE_CLOSED && Interrupted()) return InterruptProblem();
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

std::string SourceKey(const struct stat& st) {
  return fmt::format("{}:{}:{}:{}:{}.{}", st.st_dev, st.st_ino, st.st_size, MtimeNs(st), st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

std::string PartKey(std::string_view server, std::string_view ns, std::string_view path, const jzse_file_info& info) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", server, ns, path, info.sequence, info.etag);
}

Problem ReceiveContent(int fd, std::string_view name, access::Writer* writer, Progress* progress,
                       uint64_t* size) {
  std::vector<char> buffer(kBufferSize);
  *size = writer->present();
  if (*size != 0 && lseek(fd, static_cast<off_t>(*size), SEEK_CUR) < 0) return SystemProblem(name, errno);
  if (progress != nullptr) progress->Add(*size);
  for (;;) {
    const ssize_t n = ReadFull(fd, buffer.data(), buffer.size());
    if (n < 0) return SystemProblem(name, errno);
    if (n == 0) return {};
    Error error;
    if (writer->Write(buffer.data(), static_cast<size_t>(n), &error.raw) != JZSE_OK) {
      return ApiProblem(error.raw);
    }
    *size += static_cast<uint64_t>(n);
    if (progress != nullptr) progress->Add(static_cast<uint64_t>(n));
  }
}

Problem SendContent(access::Reader* reader, int fd, std::string_view name, Progress* progress) {
  std::vector<char> buffer(kBufferSize);
  for (;;) {
    if (Interrupted()) return InterruptProblem();
    size_t count = 0;
    Error error;
    if (reader->Read(buffer.data(), buffer.size(), &count, &error.raw) != JZSE_OK) {
      return ApiProblem(error.raw);
    }
    if (count == 0) return {};
    if (WriteAll(fd, buffer.data(), count) != 0) return SystemProblem(name, errno);
    if (progress != nullptr) progress->Add(count);
  }
}

Problem ReadTarget(access::Reader* reader, std::string* target) {
  target->resize(kTargetSizeMax + 1);
  size_t done = 0;
  for (;;) {
    size_t count = 0;
    Error error;
    const int code = reader->Read(target->data() + done, target->size() - done, &count, &error.raw);
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

Problem PlaceFile(access::Reader* reader, const jzse_file_info& info, int directory,
                  const std::string& name, std::string_view shown, const PlaceOptions& options) {
  struct stat st {};
  if (options.no_replace && fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
    return SystemProblem(shown, EEXIST);
  }
  if (info.kind == JZSE_KIND_SYMLINK) return PlaceLink(reader, info, directory, name, shown);
  NewFile file(directory);
  uint64_t have = 0;
  const bool part = !options.part_key.empty() && info.size >= kPartSizeMin;
  if (part ? !file.Continue(options.part_key + "\n" + name, info.size, &have) : !file.Create()) return SystemProblem(shown, errno);
  if (have > 0) reader->Seek(have);
  if (have > 0 && options.progress != nullptr) options.progress->Add(have);
  if (Problem problem = SendContent(reader, file.fd(), shown, options.progress)) {
    if (part && (Interrupted() || problem.api_code == JZSE_IO || problem.api_code == JZSE_TIMEOUT || problem.api_code == JZSE_BUSY)) file.Keep();
    return problem;
  }
  const uint32_t mode = RestoredMode(info.mode, options.special_bits);
  if (fchmod(file.fd(), info.mode != 0 ? mode : 0666 & ~ProcessUmask()) != 0)
    return SystemProblem(shown, errno);
  const timespec times[2] = {{0, UTIME_OMIT}, TimespecOf(info.mtime_ns)};
  if (futimens(file.fd(), times) != 0) return SystemProblem(shown, errno);
  if (!file.Finish(name.c_str())) return SystemProblem(shown, errno);
  return {};
}

}  // namespace jzse::cli
