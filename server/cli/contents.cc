// SPDX-License-Identifier: Apache-2.0
// put, get, cat: contents of single files in and out.
// Threads: the main thread.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "interrupt.h"
#include "posix.h"
#include "progress.h"
#include "text.h"
#include "transfer.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

// The options of a put with the memory that they point into.
struct PutOptions {
  std::vector<std::pair<std::string, std::string>> meta;
  std::vector<jzse_pair> pairs;
  std::optional<uint32_t> mode;
  jzse_put_options raw = JZSE_PUT_OPTIONS_INIT;
};

int PreparePut(Context& context, const PutArgs& args, PutOptions* options) {
  for (const std::string& word : args.meta) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return context.out.Fail(kExitUsage,
                              fmt::format("--meta '{}': not of the form KEY=VALUE", word));
    }
    options->meta.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  for (const auto& [key, value] : options->meta)
    options->pairs.push_back({key.c_str(), value.c_str()});
  if (!args.mode.empty()) {
    options->mode = ParseOctalMode(args.mode);
    if (!options->mode) {
      return context.out.Fail(kExitUsage,
                              fmt::format("--mode '{}': not an octal mode like 644", args.mode));
    }
  }
  jzse_put_options& raw = options->raw;
  raw.metadata = options->pairs.data();
  raw.metadata_count = options->pairs.size();
  if (!args.if_match.empty()) raw.if_match = args.if_match.c_str();
  if (!args.if_none_match.empty()) raw.if_none_match = args.if_none_match.c_str();
  if (args.no_replace) raw.if_none_match = "*";
  if (!args.content_type.empty()) raw.content_type = args.content_type.c_str();
  return kExitOk;
}

// The source's descriptor; mode and time go into the options.
int OpenSource(Context& context, const std::string& source, PutOptions* options, Fd* fd,
               access::WriteOptions* write) {
  jzse_put_options& raw = options->raw;
  raw.mode = options->mode.value_or(0);
  raw.mtime_ns = 0;
  if (source == "-") {
    fd->reset(dup(STDIN_FILENO));
    return *fd ? kExitOk : context.out.Fail(kExitFailure, "standard input: " + ErrnoText(errno));
  }
  fd->reset(open(source.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat st {};
  if (!*fd || fstat(fd->get(), &st) != 0) {
    const Problem problem = SystemProblem(source, errno);
    return context.out.Fail(problem.exit_code, problem.text);
  }
  if (S_ISDIR(st.st_mode)) {
    return context.out.Fail(kExitUsage,
                            fmt::format("{}: is a directory; 'jzse import' stores trees", source));
  }
  if (S_ISREG(st.st_mode)) {
    if (!options->mode) raw.mode = st.st_mode & 07777;
    raw.mtime_ns = MtimeNs(st) != 0 ? MtimeNs(st) : 1;  // 0 would mean now
    if (st.st_size > 0) write->size = static_cast<uint64_t>(st.st_size);  // 0 may mean anything (/proc)
    write->source = SourceKey(st);
  }
  return kExitOk;
}

int PutOne(Context& context, const std::string& source, const Target& target, PutOptions* options) {
  Fd fd;
  access::WriteOptions write;
  if (const int code = OpenSource(context, source, options, &fd, &write); code != kExitOk)
    return code;
  write.put = options->raw;
  Progress progress(&context.out, "put");
  progress.Expect(write.size.value_or(0), 0);
  std::unique_ptr<access::Writer> writer;
  uint64_t size = 0;
  Error error;
  if (context.store()->OpenWriter(target.ns, target.path, write, &writer, &error.raw) != JZSE_OK)
    return context.out.Fail(error.raw);
  const std::string_view name = source == "-" ? std::string_view("standard input") : source;
  if (const Problem problem = ReceiveContent(fd.get(), name, writer.get(), &progress, &size)) {
    progress.Stop();
    return context.out.Fail(problem.exit_code, problem.text + "; nothing was stored");
  }
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  const int committed = writer->Commit(&info, &error.raw);
  progress.Stop();
  if (committed != JZSE_OK) return context.out.Fail(error.raw);
  if (context.out.json()) {
    context.out.Emit(FileRecord(target.ns, target.path, info));
  } else if (context.out.verbose()) {
    context.out.Note(
        fmt::format("{}: {}, version {}", target.Text(), SizeText(info.size), info.sequence));
  }
  return kExitOk;
}

// Whether the destination names a directory.
int IsDirectory(Context& context, const Target& target, bool* is_directory) {
  *is_directory = target.as_directory;
  if (*is_directory || !target.tree) return kExitOk;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  Error error;
  const int code = context.Stat(target, &info, &error.raw);
  if (code != JZSE_OK && code != JZSE_NOT_FOUND) return context.out.Fail(error.raw);
  *is_directory = code == JZSE_OK && info.kind == JZSE_KIND_DIRECTORY;
  return kExitOk;
}

struct Span {
  uint64_t offset = 0, length = UINT64_MAX;
};

int CatOne(Context& context, const Target& target, uint64_t version, const Span& span) {
  access::ReadOptions options;
  options.version = version;
  options.offset = span.offset;
  options.length = span.length;
  std::unique_ptr<access::Reader> reader;
  Error error;
  if (context.store()->OpenReader(target.ns, target.path, options, &reader, &error.raw) != JZSE_OK)
    return context.out.Fail(error.raw);
  std::vector<char> buffer(256 * 1024);
  for (;;) {
    if (Interrupted()) return InterruptExitCode();
    size_t count = 0;
    if (reader->Read(buffer.data(), buffer.size(), &count, &error.raw) != JZSE_OK)
      return context.out.Fail(error.raw);
    if (count == 0 || !context.out.Bytes(buffer.data(), count))
      return kExitOk;  // Finish reports a failed write
  }
}

// A device or a pipe is written to; everything else is replaced as a whole.
int GetIntoOpened(Context& context, access::Reader* reader, const std::string& file) {
  const Fd fd(open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return context.out.Fail(kExitFailure, fmt::format("{}: {}", file, ErrnoText(errno)));
  const Problem problem = SendContent(reader, fd.get(), file, nullptr);
  return problem ? context.out.Fail(problem.exit_code, problem.text) : kExitOk;
}

int GetIntoFile(Context& context, const Target& target, const GetArgs& args, access::Reader* reader) {
  const jzse_file_info& info = reader->info();
  std::string file = args.file.empty() ? "." : args.file;
  struct stat st {};
  if (stat(file.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) {
    const std::string_view name = BaseName(target.path);
    if (name.empty() || name == "." || name == "..") {
      return context.out.Fail(kExitUsage,
                              target.Text() + ": gives no file name; name the FILE to write");
    }
    file = JoinPath(file, name);
  }
  if (lstat(file.c_str(), &st) == 0 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode) &&
      !S_ISDIR(st.st_mode)) {
    return GetIntoOpened(context, reader, file);
  }
  if (file.back() == '/') return context.out.Fail(kExitNotFound, file + ": no such directory");
  const size_t slash = file.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  const Fd directory(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) {
    const Problem problem = SystemProblem(parent, errno);
    return context.out.Fail(problem.exit_code, problem.text);
  }
  Progress progress(&context.out, "get");
  progress.Expect(info.size, 0);
  PlaceOptions options;
  options.no_replace = args.no_replace;
  options.progress = &progress;
  if (context.remote()) options.part_key = PartKey(context.path(), target.ns, target.path, info);
  const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
  const Problem problem = PlaceFile(reader, info, directory.get(), name, file, options);
  progress.Stop();
  if (problem) return context.out.Fail(problem.exit_code, problem.text);
  if (context.out.json()) {
    Record record = FileRecord(target.ns, target.path, info);
    context.out.Emit(record.Add("written", file));
  }
  return kExitOk;
}

}  // namespace

int RunPut(Context& context, const PutArgs& args) {
  PutOptions options;
  if (const int code = PreparePut(context, args, &options); code != kExitOk) return code;
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  Target to;
  if (const int code = context.Resolve(args.paths.back(), &to); code != kExitOk) return code;
  bool directory = false;
  if (const int code = IsDirectory(context, to, &directory); code != kExitOk) return code;
  if (!directory && args.paths.size() > 2) {
    return context.out.Fail(
        kExitUsage,
        fmt::format("{}: must be a directory ('{}/') to take several files", to.Text(), to.Text()));
  }
  int result = kExitOk;
  for (size_t i = 0; i + 1 < args.paths.size(); ++i) {
    if (Interrupted()) return InterruptExitCode();
    const std::string& source = args.paths[i];
    // As a key, "a/" is as good as any.
    const bool key = !to.tree && !to.root() && source == "-";
    if (directory && !key && (source == "-" || BaseName(source).empty())) {
      return context.out.Fail(kExitUsage,
                              fmt::format("{}: name the file to store '{}' as", to.Text(), source));
    }
    const int code =
        PutOne(context, source, directory && !key ? to.Child(BaseName(source)) : to, &options);
    if (code != kExitOk) result = args.paths.size() > 2 ? kExitFailure : code;
  }
  return result;
}

int RunGet(Context& context, const GetArgs& args) {
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  Target target;
  if (const int code = context.Resolve(args.path, &target); code != kExitOk) return code;
  if (args.file == "-") return CatOne(context, target, args.version, {});
  access::ReadOptions options;
  options.version = args.version;
  options.info_first = true;
  std::unique_ptr<access::Reader> reader;
  Error error;
  if (context.store()->OpenReader(target.ns, target.path, options, &reader, &error.raw) != JZSE_OK) {
    return context.out.Fail(
        error.raw, error.raw.code == JZSE_EXISTS ? "'jzse export' writes directories" : "");
  }
  return GetIntoFile(context, target, args, reader.get());
}

int RunCat(Context& context, const CatArgs& args) {
  Span span;
  const auto parse = [&](const std::string& text, const char* option, uint64_t* value) {
    if (text.empty()) return true;
    const auto size = ParseSize(text);
    if (size) *value = *size;
    if (!size)
      context.out.Fail(kExitUsage,
                       fmt::format("{} '{}': not a size like 4096 or 64K", option, text));
    return size.has_value();
  };
  if (!parse(args.offset, "--offset", &span.offset) ||
      !parse(args.length, "--length", &span.length)) {
    return kExitUsage;
  }
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  int result = kExitOk;
  for (const std::string& path : args.paths) {
    Target target;
    int code = context.Resolve(path, &target);
    if (code == kExitOk) code = CatOne(context, target, args.version, span);
    if (code != kExitOk) result = code;
    if (Interrupted()) break;
  }
  return result;
}

}  // namespace jzse::cli
