// SPDX-License-Identifier: Apache-2.0
// export: files of the store as a real directory tree. The lister and the last pass; see
// export_run.h. Threads: RunExport is the main thread's and owns the others.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "export_run.h"
#include "interrupt.h"
#include "posix.h"

namespace jzse::cli {

void ExportRun::Report(const Problem& problem) {
  const bool ends = problem.exit_code == kExitNoSpace || problem.exit_code == kExitReadOnly ||
                    problem.exit_code > kExitSignalBase ||
                    // a server that is gone for one is gone for all
                    (context.remote() && (problem.api_code == JZSE_IO || problem.api_code == JZSE_TIMEOUT));
  if (!ends) {
    ++errors;
    context.out.Fail(problem.exit_code, problem.text);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (fatal_exit_ != kExitOk) return;
    fatal_exit_ = problem.exit_code;
  }
  stopped_ = true;
  queue.Abandon();
  if (problem.exit_code < kExitSignalBase) context.out.Fail(problem.exit_code, problem.text);
}

void ExportRun::Act(const char* action, std::string_view below) {
  if (!args.dry_run && !context.out.verbose()) return;
  if (context.out.json()) {
    Record record;
    context.out.Emit(record.Add("action", action).Add("file", Shown(below)));
  } else {
    context.out.Line(fmt::format("{:<6} {}", action, context.out.Name(Shown(below))));
  }
}

void ExportRun::Created(std::string_view below) {
  const std::lock_guard lock(mutex_);
  created_.emplace_back(below);
}

namespace {

// Where the exported paths begin, and the list that finds them.
struct Source {
  Target from;
  jzse_file_info info = JZSE_FILE_INFO_INIT;  // of a tree's file or directory
  bool single = false;                        // a file, not a directory
  std::string prefix;
  size_t cut = 0;  // bytes of a path that stay out of the target's names
};

bool IsUsableBelow(std::string_view below) {
  if (below.empty() || below.size() > 4096) return false;
  for (size_t at = 0; at <= below.size();) {
    const size_t end = std::min(below.find('/', at), below.size());
    const std::string_view name = below.substr(at, end - at);
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string_view::npos)
      return false;
    at = end + 1;
  }
  return true;
}

int FindSource(Context& context, const std::string& text, Source* source) {
  if (const int code = context.Resolve(text, &source->from); code != kExitOk) return code;
  source->prefix = source->from.Prefix();
  source->cut = source->prefix.size();
  if (!source->from.tree) {
    source->cut = source->prefix.rfind('/') + 1;
    return kExitOk;
  }
  Error error;
  if (context.Stat(source->from, &source->info, &error.raw) != JZSE_OK)
    return context.out.Fail(error.raw);
  source->single = source->info.kind != JZSE_KIND_DIRECTORY;
  if (source->single) source->prefix = source->from.path;
  if (source->single) source->cut = source->prefix.size() - BaseName(source->prefix).size();
  return kExitOk;
}

class Export {
 public:
  Export(ExportRun* run, const Source& source) : run_(*run), source_(source) {}

  // Calls each(entry) for everything to export.
  template <class Each>
  int List(Each&& each, jzse_error* error) const {
    access::ListOptions options;
    options.prefix = source_.prefix;
    options.snapshot = run_.snapshot;
    return ListEntries(
        run_.context.store(), run_.ns, options,
        [&](const jzse_list_entry& entry) {
          if (source_.single && entry.path != source_.prefix) return false;
          return each(entry);
        },
        error);
  }

  void QueueAll() {
    Error error;
    const int code = List(
        [&](const jzse_list_entry& entry) {
          ExportItem item{entry.path, "", entry.info};
          item.below = item.path.substr(std::min(source_.cut, item.path.size()));
          if (!IsUsableBelow(item.below)) {
            run_.Report({kExitUsage, JZSE_OK,
                         FormatAddress(run_.ns, entry.path) + ": gives no usable file name"});
            return true;
          }
          if (item.info.kind == JZSE_KIND_DIRECTORY) directories_.push_back(item);
          return run_.queue.Push(std::move(item)) && !Interrupted();
        },
        &error.raw);
    if (code != JZSE_OK) run_.Report(ApiProblem(error.raw));
  }

  // For the progress bar.
  void Count(const std::atomic<bool>* stop) const {
    uint64_t bytes = 0, items = 0;
    List(
        [&](const jzse_list_entry& entry) {
          bytes += entry.info.kind == JZSE_KIND_FILE ? entry.info.size : 0;
          items += entry.info.kind == JZSE_KIND_DIRECTORY ? 0 : 1;
          return !stop->load();
        },
        nullptr);
    if (!stop->load()) run_.progress.Expect(bytes, items);
  }

  // Directories get their mode and time when nothing in them changes any more: what is below first.
  void FinishDirectories(bool made_root) {
    Beneath target(run_.root);
    std::set<std::string> explicit_ones;
    for (const ExportItem& item : directories_) explicit_ones.insert(item.below);
    std::vector<std::string> created = run_.TakeCreated();
    std::sort(created.rbegin(), created.rend());
    for (const std::string& below : created) {
      if (explicit_ones.count(below) == 0) SetMode(&target, below, 0777 & ~ProcessUmask());
    }
    for (auto it = directories_.rbegin(); it != directories_.rend(); ++it)
      SetAttributes(&target, it->below, it->info);
    if (made_root && source_.info.sequence != 0 && !source_.single)
      SetAttributes(&target, "", source_.info);
  }

 private:
  void SetMode(Beneath* target, const std::string& below, uint32_t mode) {
    const int fd = target->Directory(below);
    if (fd < 0 || fchmod(fd, mode) != 0) run_.Report(WayProblem(run_, below, errno));
  }

  void SetAttributes(Beneath* target, const std::string& below, const jzse_file_info& info) {
    const int fd = target->Directory(below);
    struct stat st {};
    if (fd < 0) {
      if (run_.Stopped() && errno == ENOENT) return;  // it was not its turn yet
      return run_.Report(WayProblem(run_, below, errno));
    }
    const uint32_t mode =
        info.mode != 0 ? RestoredMode(info.mode, run_.args.special_bits) : 0777 & ~ProcessUmask();
    if (fstat(fd, &st) == 0 && (st.st_mode & 07777) == mode && MtimeNs(st) == info.mtime_ns) return;
    const timespec times[2] = {{0, UTIME_OMIT}, TimespecOf(info.mtime_ns)};
    if (fchmod(fd, mode) != 0 || futimens(fd, times) != 0)
      run_.Report(SystemProblem(run_.Shown(below), errno));
  }

  ExportRun& run_;
  const Source& source_;
  std::vector<ExportItem> directories_;
};

void Summarize(const ExportRun& run, double seconds) {
  Output& out = run.context.out;
  if (out.json()) {
    Record record;
    record.Add("action", "export")
        .Add("dry_run", run.args.dry_run)
        .Add("written", run.written.load());
    record.Add("written_bytes", run.written_bytes.load()).Add("unchanged", run.unchanged.load());
    record.Add("directories", run.directories.load()).Add("errors", run.errors.load());
    return out.Emit(record.Add("seconds", seconds));
  }
  std::string text = fmt::format("{} {} ({})", run.args.dry_run ? "would export" : "exported",
                                 CountText(run.written, "file"), SizeText(run.written_bytes));
  if (run.unchanged != 0) text += fmt::format(", {} unchanged", GroupedText(run.unchanged));
  if (run.errors != 0) text += fmt::format(", {}", CountText(run.errors, "error"));
  out.Note(fmt::format("{}, in {}", text, DurationText(seconds)));
}

int OpenTarget(Context& context, const ExportArgs& args, Fd* root, bool* made) {
  const auto open_it = [&] {
    root->reset(open(args.destination.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  };
  open_it();
  if (!*root && errno == ENOENT) {
    if (args.dry_run) return kExitOk;
    std::error_code ec;
    *made = std::filesystem::create_directories(args.destination, ec);
    open_it();
  }
  if (*root) return kExitOk;
  const Problem problem = SystemProblem(args.destination, errno);
  return context.out.Fail(problem.exit_code, problem.text);
}

int ExportTree(Context& context, const ExportArgs& args, const Source& source, int root,
               bool made_root) {
  std::unique_ptr<access::Snapshot> snapshot;
  Error error;
  if (context.store()->OpenSnapshot(&snapshot, &error.raw) != JZSE_OK) return context.out.Fail(error.raw);
  Progress progress(&context.out, args.dry_run ? "compare" : "export");
  ExportRun run(context, args, source.from.ns, root, snapshot.get(), &progress);
  Export work(&run, source);
  std::atomic<bool> stop_counting{false};
  std::thread counter;
  if (progress.active()) counter = std::thread([&] { work.Count(&stop_counting); });
  std::vector<std::thread> workers;
  for (uint32_t i = 0; i < context.JobCount(args.jobs); ++i) workers.emplace_back(ExportWorker, &run);
  work.QueueAll();
  run.queue.Close();
  for (std::thread& worker : workers) worker.join();
  stop_counting = true;
  if (counter.joinable()) counter.join();
  if (!args.dry_run) work.FinishDirectories(made_root);
  if (args.sync && !args.dry_run && syncfs(root) != 0)
    run.Report(SystemProblem(args.destination, errno));
  progress.Stop();
  Summarize(run, progress.seconds());
  if (Interrupted())
    return context.out.Fail(InterruptExitCode(),
                            "interrupted; the same command goes on from there");
  if (run.fatal_exit() != kExitOk) return run.fatal_exit();
  return run.errors == 0 ? kExitOk : kExitFailure;
}

}  // namespace

int RunExport(Context& context, const ExportArgs& args) {
  if (args.archive) return ExportArchive(context, args);
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  Source source;
  if (const int code = FindSource(context, args.source, &source); code != kExitOk) return code;
  Fd root;
  bool made_root = false;
  if (const int code = OpenTarget(context, args, &root, &made_root); code != kExitOk) return code;
  return ExportTree(context, args, source, root.get(), made_root);
}

}  // namespace jzse::cli
