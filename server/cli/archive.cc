// SPDX-License-Identifier: Apache-2.0
// import --archive and export --archive: a namespace as one portable stream.
// Threads: the main thread.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "interrupt.h"
#include "posix.h"
#include "progress.h"
#include "transfer.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

void Summarize(Context& context, const char* action, const char* verb,
               const jzse_archive_report& report, double seconds) {
  if (context.out.json()) {
    Record record;
    record.Add("action", action).Add("files", report.files).Add("versions", report.versions);
    context.out.Emit(record.Add("bytes", report.bytes).Add("seconds", seconds));
    return;
  }
  std::string text = fmt::format("{} {}", verb, CountText(report.files, "file"));
  if (report.versions != 0)
    text += fmt::format(" and {}", CountText(report.versions, "older version"));
  context.out.Note(
      fmt::format("{} ({}), in {}", text, SizeText(report.bytes), DurationText(seconds)));
}

int Failed(Context& context, const jzse_error& error) {
  if (Interrupted()) return context.out.Fail(InterruptExitCode(), "interrupted");
  return context.out.Fail(error);
}

int Write(Context& context, const ExportArgs& args, const Target& from, int fd, bool* to_stdout) {
  Snapshot snapshot;
  Error error;
  const int opened = OpenHandle(&snapshot, [&](jzse_snapshot** raw) {
    return jzse_snapshot_open(context.store()->local(), raw, &error.raw);
  });
  if (opened != JZSE_OK) return context.out.Fail(error.raw);
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  jzse_archive_report report = JZSE_ARCHIVE_REPORT_INIT;
  options.versions = args.versions ? 1 : 0;
  const std::string prefix = from.Prefix();
  if (!prefix.empty()) options.prefix = prefix.c_str();
  options.snapshot = snapshot.get();
  options.progress = OnProgressItems;
  Progress progress(&context.out, "export");
  options.context = &progress;
  const int code =
      jzse_archive_export(context.store()->local(), from.ns.c_str(), fd, &options, &report, &error.raw);
  progress.Stop();
  if (code != JZSE_OK) return Failed(context, error.raw);
  // The stream itself is the data when it goes to standard output.
  if (!(*to_stdout && context.out.json())) {
    Summarize(context, "export", "exported", report, progress.seconds());
  }
  return kExitOk;
}

}  // namespace

int ExportArchive(Context& context, const ExportArgs& args) {
  bool to_stdout = args.destination == "-";
  if (to_stdout && isatty(STDOUT_FILENO) == 1) {
    return context.out.Fail(kExitUsage,
                            "an archive is not for a terminal; name a file or redirect the output");
  }
  if (const int code = context.OpenHere(Context::Access::kRead, "export --archive"); code != kExitOk) return code;
  Target from;
  if (const int code = context.Resolve(args.source, &from); code != kExitOk) return code;
  struct stat st {};
  const bool special = stat(args.destination.c_str(), &st) == 0 && !S_ISREG(st.st_mode);
  if (to_stdout) return Write(context, args, from, STDOUT_FILENO, &to_stdout);
  if (special) {
    const Fd fd(open(args.destination.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return context.out.Fail(kExitFailure, args.destination + ": " + ErrnoText(errno));
    return Write(context, args, from, fd.get(), &to_stdout);
  }
  const size_t slash = args.destination.rfind('/');
  const std::string parent =
      slash == std::string::npos ? "." : args.destination.substr(0, slash + 1);
  const std::string name =
      slash == std::string::npos ? args.destination : args.destination.substr(slash + 1);
  const Fd directory(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  NewFile file(directory.get());
  if (!directory || name.empty() || !file.Create()) {
    const Problem problem = SystemProblem(args.destination, name.empty() ? EISDIR : errno);
    return context.out.Fail(problem.exit_code, problem.text);
  }
  if (const int code = Write(context, args, from, file.fd(), &to_stdout); code != kExitOk)
    return code;
  if (fchmod(file.fd(), 0600) != 0 || fsync(file.fd()) != 0 || !file.Finish(name.c_str())) {
    const Problem problem = SystemProblem(args.destination, errno);
    return context.out.Fail(problem.exit_code, problem.text);
  }
  return kExitOk;
}

int ImportArchive(Context& context, const ImportArgs& args) {
  Fd fd(args.source == "-" ? dup(STDIN_FILENO) : open(args.source.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    const Problem problem = SystemProblem(args.source, errno);
    return context.out.Fail(problem.exit_code, problem.text);
  }
  if (const int code = context.OpenHere(Context::Access::kWrite, "import --archive"); code != kExitOk) return code;
  Target to;
  if (const int code = context.Resolve(args.destination, &to); code != kExitOk) return code;
  if (!to.root()) {
    return context.out.Fail(
        kExitUsage,
        fmt::format("{}: an archive goes into a namespace as a whole ('{}:')", to.Text(), to.ns));
  }
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  jzse_archive_report report = JZSE_ARCHIVE_REPORT_INIT;
  options.versions = 1;
  options.progress = OnProgressItems;
  Progress progress(&context.out, "import");
  options.context = &progress;
  Error error;
  const int code =
      jzse_archive_import(context.store()->local(), to.ns.c_str(), fd.get(), &options, &report, &error.raw);
  progress.Stop();
  Summarize(context, "import", "imported", report, progress.seconds());
  return code == JZSE_OK ? kExitOk : Failed(context, error.raw);
}

}  // namespace jzse::cli
