// SPDX-License-Identifier: Apache-2.0
// import: a real directory tree into the store. The walker and the last pass; see import_run.h.
// Threads: RunImport is the main thread's and owns the others.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "batches.h"
#include "import_run.h"
#include "interrupt.h"
#include "posix.h"
#include "source_walk.h"

namespace jzse::cli {

void ImportRun::Stop(const Problem& problem) {
  {
    const std::lock_guard lock(mutex_);
    if (fatal_exit_ == kExitOk) {
      fatal_exit_ = problem.exit_code;
    } else if (fatal_exit_ == problem.exit_code) {
      stopped_ = true;
      return;  // said already, by another worker
    }
  }
  stopped_ = true;
  queue.Abandon();
  if (problem.exit_code < kExitSignalBase) context.out.Fail(problem.exit_code, problem.text);
}

void ImportRun::Report(const Problem& problem) {
  switch (problem.api_code) {
    case JZSE_NO_SPACE:
    case JZSE_QUOTA:
    case JZSE_READ_ONLY:
    case JZSE_IO:
    case JZSE_CLOSED:
    case JZSE_NO_MEMORY:
      return Stop(problem);
    default:
      break;
  }
  if (problem.exit_code > kExitSignalBase) return Stop(problem);
  ++errors;
  context.out.Fail(problem.exit_code, problem.text);
}

void ImportRun::Act(const char* action, const std::string& path) {
  if (!args.dry_run && !context.out.verbose()) return;
  if (context.out.json()) {
    Record record;
    context.out.Emit(record.Add("action", action).Add("namespace", to.ns).Add("path", path));
  } else {
    context.out.Line(fmt::format("{:<6} {}", action, context.out.Name(FormatAddress(to.ns, path))));
  }
}

void ImportRun::Remember(const ImportItem& item, const jzse_file_info& info) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(item.path.begin(), item.path.end(), plain)) return;
  std::string other;
  {
    const std::lock_guard lock(mutex_);
    const auto [it, is_new] =
        files_.emplace(std::pair(info.file_replica, info.file_counter), item.path);
    if (is_new || it->second == item.path) return;
    other = it->second;
  }
  ++errors;
  context.out.Fail(kExitExists,
                   fmt::format("{}: has the same name as {} once normalised (NFC); one of the "
                               "two is now a version of the other",
                               Shown(item.path), Shown(other)));
}

bool ImportRun::Remembers(const jzse_file_info& info) {
  const std::lock_guard lock(mutex_);
  return files_.count(std::pair(info.file_replica, info.file_counter)) != 0;
}

namespace {

struct Place {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const struct stat& st) const { return st.st_dev == device && st.st_ino == inode; }
};

class Import {
 public:
  Import(ImportRun* run, const Place& store) : run_(*run), store_(store) {}

  void Walk() {
    WalkEvents events;
    events.directory = [this](const std::string& path, const struct stat& st) {
      return Directory(path, st);
    };
    events.other = [this](const std::string& path, const struct stat& st) { Other(path, st); };
    events.problem = [this](const Problem& problem) { run_.Report(problem); };
    events.stop = [this] { return run_.Stopped() || Interrupted(); };
    WalkTree(run_.root, run_.args.source, run_.args.one_file_system, events);
  }

  // Takes away from the store what the source no longer has.
  void RemoveGone() {
    std::vector<std::string> gone;
    const std::string prefix = run_.to.Prefix();
    Beneath source(run_.root);
    Error error;
    const int code = ListBelow(
        run_.context.store(), run_.to.ns, prefix,
        [&](const jzse_list_entry& entry) {
          const std::string_view below = std::string_view(entry.path).substr(prefix.size());
          if (IsGone(&source, below) && !run_.Remembers(entry.info)) gone.emplace_back(entry.path);
          return !Interrupted();
        },
        &error.raw);
    if (code != JZSE_OK) return run_.Stop(ApiProblem(error.raw));
    if (Interrupted()) return;
    // A directory comes before what is in it; it must go after.
    std::reverse(gone.begin(), gone.end());
    Delete(gone);
  }

 private:
  bool Directory(const std::string& path, const struct stat& st) {
    if (store_ == st) {
      run_.context.out.Warn(run_.Shown(path) + ": is the store itself; left out");
      ++run_.skipped;
      return false;
    }
    if (!run_.to.tree || (path.empty() && run_.to.root())) return true;
    ImportItem item = ItemOf(path, JZSE_KIND_DIRECTORY, st);
    item.size = 0;
    return MakeWay(item) && run_.queue.Push(std::move(item));
  }

  // A file in the store where the source has a directory must go before anything is put below it.
  bool MakeWay(const ImportItem& item) {
    Target target = run_.to;
    target.path = run_.PathOf(item);
    jzse_file_info stored = JZSE_FILE_INFO_INIT;
    Error error;
    int code = run_.context.Stat(target, &stored, &error.raw);
    if (code == JZSE_NOT_FOUND || (code == JZSE_OK && stored.kind == JZSE_KIND_DIRECTORY))
      return true;
    if (code == JZSE_OK) {
      run_.Act("delete", target.path);
      if (run_.args.dry_run) return true;
      code = run_.context.store()->Delete(target.ns, target.path, {}, &error.raw);
      if (code == JZSE_OK) ++run_.deleted;
    }
    if (code != JZSE_OK) run_.Report(ApiProblem(error.raw));
    return code == JZSE_OK;
  }

  void Other(const std::string& path, const struct stat& st) {
    if (S_ISREG(st.st_mode)) {
      run_.queue.Push(ItemOf(path, JZSE_KIND_FILE, st));
    } else if (S_ISLNK(st.st_mode)) {
      run_.queue.Push(ItemOf(path, JZSE_KIND_SYMLINK, st));
    } else {
      const char* what = S_ISSOCK(st.st_mode)   ? "a socket"
                         : S_ISFIFO(st.st_mode) ? "a named pipe"
                                                : "a device";
      run_.context.out.Warn(fmt::format("{}: is {}; left out", run_.Shown(path), what));
      ++run_.skipped;
    }
  }

  static ImportItem ItemOf(const std::string& path, uint32_t kind, const struct stat& st) {
    ImportItem item;
    item.path = path;
    item.kind = kind;
    item.mode = st.st_mode & 07777;
    item.size = static_cast<uint64_t>(st.st_size);
    item.mtime_ns = MtimeNs(st) != 0 ? MtimeNs(st) : 1;  // 0 would mean the time of the change
    return item;
  }

  static bool IsGone(Beneath* source, std::string_view path) {
    const int directory = source->Directory(ParentPath(path));
    if (directory < 0)
      return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EINVAL;
    struct stat st {};
    return fstatat(directory, std::string(BaseName(path)).c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 &&
           errno == ENOENT;
  }

  void Delete(const std::vector<std::string>& gone) {
    Batches batches(run_.context.store(), 10'000);
    for (const std::string& path : gone) {
      if (Interrupted()) return;
      run_.Act("delete", path);
      ++run_.deleted;
      if (run_.args.dry_run) continue;
      access::Group* group = batches.Next();
      if (group == nullptr || group->Delete(run_.to.ns, path, batches.error()) != JZSE_OK) {
        return run_.Stop(ApiProblem(*batches.error()));
      }
    }
    if (!batches.Commit()) run_.Stop(ApiProblem(*batches.error()));
  }

  ImportRun& run_;
  const Place store_;
};

// For the progress bar: how much there is, found while the work goes on.
void CountSource(int root, const std::string& shown, bool one_file_system,
                 const std::atomic<bool>* stop, Progress* progress) {
  uint64_t bytes = 0, items = 0;
  WalkEvents events;
  events.directory = [](const std::string&, const struct stat&) { return true; };
  events.other = [&](const std::string&, const struct stat& st) {
    bytes += S_ISREG(st.st_mode) ? static_cast<uint64_t>(st.st_size) : 0;
    ++items;
  };
  events.problem = [](const Problem&) {};  // the import itself tells
  events.stop = [stop] { return stop->load() || Interrupted(); };
  WalkTree(root, shown, one_file_system, events);
  if (!stop->load()) progress->Expect(bytes, items);
}

// The store's own files must not become files in it.
int CheckSource(Context& context, const std::string& source, Place* store) {
  struct stat st {};
  if (context.remote()) return kExitOk;
  if (stat(context.path().c_str(), &st) == 0) *store = {st.st_dev, st.st_ino};
  const std::unique_ptr<char, Closer<std::free>> real(realpath(source.c_str(), nullptr));
  for (std::string path = real ? real.get() : ""; !path.empty(); path.resize(path.rfind('/'))) {
    if (stat(path.c_str(), &st) == 0 && *store == st) {
      return context.out.Fail(kExitUsage, source + ": is the store itself, or in it");
    }
    if (path == "/") break;
  }
  return kExitOk;
}

void Summarize(const ImportRun& run, double seconds) {
  Output& out = run.context.out;
  if (out.json()) {
    Record record;
    record.Add("action", "import")
        .Add("dry_run", run.args.dry_run)
        .Add("stored", run.stored.load());
    record.Add("stored_bytes", run.stored_bytes.load()).Add("updated", run.updated.load());
    record.Add("unchanged", run.unchanged.load()).Add("directories", run.directories.load());
    record.Add("deleted", run.deleted.load()).Add("skipped", run.skipped.load());
    record.Add("errors", run.errors.load()).Add("seconds", seconds);
    return out.Emit(record);
  }
  std::string text = fmt::format("{} {} ({})", run.args.dry_run ? "would import" : "imported",
                                 CountText(run.stored, "file"), SizeText(run.stored_bytes));
  const auto add = [&](uint64_t count, const char* what) {
    if (count != 0) text += fmt::format(", {} {}", GroupedText(count), what);
  };
  add(run.unchanged, "unchanged");
  add(run.updated, "with a new mode or time");
  add(run.deleted, "deleted");
  add(run.skipped, "left out");
  add(run.errors, run.errors == 1 ? "error" : "errors");
  out.Note(fmt::format("{}, in {}", text, DurationText(seconds)));
}

int ImportTree(Context& context, const ImportArgs& args, const Target& to, int root,
               const Place& store) {
  Progress progress(&context.out, args.dry_run ? "compare" : "import");
  ImportRun run(context, args, to, root, &progress);
  std::atomic<bool> stop_counting{false};
  std::thread counter;
  if (progress.active()) {
    counter = std::thread(CountSource, root, args.source, args.one_file_system, &stop_counting,
                          &progress);
  }
  std::vector<std::thread> workers;
  for (uint32_t i = 0; i < context.JobCount(args.jobs); ++i) workers.emplace_back(ImportWorker, &run);
  Import import(&run, store);
  import.Walk();
  Interrupted() ? run.queue.Abandon() : run.queue.Close();
  for (std::thread& worker : workers) worker.join();
  stop_counting = true;
  if (counter.joinable()) counter.join();
  if (args.remove && !run.Stopped() && !Interrupted()) {
    if (run.errors == 0) {
      import.RemoveGone();
    } else {
      context.out.Warn("nothing was deleted, because of the errors before");
    }
  }
  progress.Stop();
  Summarize(run, progress.seconds());
  if (Interrupted()) {
    return context.out.Fail(InterruptExitCode(),
                            "interrupted; what was imported is safe, and the same "
                            "command goes on from there");
  }
  if (run.fatal_exit() != kExitOk) return run.fatal_exit();
  return run.errors == 0 ? kExitOk : kExitFailure;
}

}  // namespace

int RunImport(Context& context, const ImportArgs& args) {
  if (args.archive) return ImportArchive(context, args);
  const Fd root(open(args.source.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    const Problem problem = SystemProblem(args.source, errno);
    return context.out.Fail(
        problem.exit_code,
        errno == ENOTDIR ? problem.text + "; 'jzse put' stores single files" : problem.text);
  }
  const auto access = args.dry_run ? Context::Access::kRead : Context::Access::kWrite;
  if (const int code = context.Open(access); code != kExitOk) return code;
  Place store;
  if (const int code = CheckSource(context, args.source, &store); code != kExitOk) return code;
  Target to;
  if (const int code = context.Resolve(args.destination, &to); code != kExitOk) return code;
  if (!to.tree && !to.root() && to.path.back() != '/') to.path += '/';
  to.as_directory = true;
  return ImportTree(context, args, to, root.get(), store);
}

}  // namespace jzse::cli
