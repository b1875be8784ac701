// SPDX-License-Identifier: Apache-2.0
// doctor: opens the store and says how it is, one finding a line, worst code last.
// Threads: the main thread.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "posix.h"
#include "text.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

class Findings {
 public:
  explicit Findings(Output* out) : out_(*out) {}

  void Good(const char* check, const std::string& detail) {
    Say(check, "ok", Color::kGood, detail);
  }
  void Hint(const char* check, const std::string& detail) {
    Say(check, "hint", Color::kWarning, detail);
  }
  void Bad(const char* check, int exit_code, const std::string& detail) {
    Say(check, "bad", Color::kError, detail);
    exit_code_ = exit_code;
  }
  int exit_code() const { return exit_code_; }

 private:
  void Say(const char* check, const char* state, Color color, const std::string& detail) {
    if (out_.json()) {
      Record record;
      return out_.Emit(record.Add("check", check).Add("state", state).Add("detail", detail));
    }
    out_.Line(fmt::format("{}  {:<9}  {}", out_.Paint(color, fmt::format("{:<4}", state)), check,
                          out_.Name(detail)));
  }

  Output& out_;
  int exit_code_ = kExitOk;
};

void CheckDisk(const std::string& path, Findings* findings) {
  struct statvfs vfs {};
  if (statvfs(path.c_str(), &vfs) != 0)
    return findings->Bad("disk", kExitIo, path + ": " + ErrnoText(errno));
  const uint64_t free = static_cast<uint64_t>(vfs.f_bavail) * vfs.f_frsize;
  const uint64_t total = static_cast<uint64_t>(vfs.f_blocks) * vfs.f_frsize;
  const std::string text = fmt::format("{} of {} free", SizeText(free), SizeText(total));
  if ((vfs.f_flag & ST_RDONLY) != 0) findings->Bad("disk", kExitReadOnly, "mounted read-only");
  if (free < 64 * 1024 * 1024)
    return findings->Bad("disk", kExitNoSpace, text + "; writes may be refused");
  if (free < total / 20) return findings->Hint("disk", text + "; less than a twentieth");
  findings->Good("disk", text);
}

void CheckDescriptors(Findings* findings) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const std::string text = fmt::format("{} descriptors for a process", limit.rlim_cur);
  if (limit.rlim_cur < 1024)
    return findings->Hint("limits", text + "; a large store wants 1024 (ulimit -n)");
  findings->Good("limits", text);
}

void CheckState(const jzse_stats& stats, Findings* findings) {
  if (stats.index_rebuilt != 0) {
    findings->Hint("index", "was rebuilt from the journal by this open");
  } else if (stats.recovered_changes != 0) {
    findings->Good("index", fmt::format("{} replayed from the journal after the last stop",
                                        CountText(stats.recovered_changes, "change")));
  } else {
    findings->Good("index", "in step with the journal");
  }
  if (stats.corrupt_records != 0) {
    findings->Bad("records", kExitCorrupt,
                  fmt::format("{} found by this open; 'jzse verify' tells what they touch",
                              CountText(stats.corrupt_records, "damaged record")));
  }
  findings->Good("content", fmt::format("{}, {}; {}, {}", CountText(stats.file_count, "file"),
                                        SizeText(stats.logical_bytes),
                                        CountText(stats.version_count, "older version"),
                                        SizeText(stats.version_bytes)));
  const std::string text = fmt::format("{} on disk in {}", SizeText(stats.disk_bytes),
                                       CountText(stats.segment_count, "segment"));
  const uint64_t wanted = stats.logical_bytes + stats.version_bytes;
  if (stats.disk_bytes > 64 * 1024 * 1024 && stats.disk_bytes > 2 * wanted) {
    return findings->Hint("space", text + "; 'jzse compact' may give some back");
  }
  findings->Good("space", text);
}

}  // namespace

int RunDoctor(Context& context, const NoArgs&) {
  if (const int code = context.Locate(); code != kExitOk) return code;
  if (context.remote()) return context.OpenHere(Context::Access::kRead, "doctor");
  Findings findings(&context.out);
  findings.Good("version", fmt::format("jzse {}, library {}.{}.{}", jzse_version(),
                                       JZSE_VERSION_MAJOR, JZSE_VERSION_MINOR, JZSE_VERSION_PATCH));
  Error error;
  // Read-only, so that a look at a sick store leaves it as it is.
  if (const int code = context.TryOpen(Context::Access::kRead, &error.raw); code != JZSE_OK) {
    findings.Bad(code == JZSE_LOCKED ? "lock" : "open", ExitCodeOf(code), error.raw.message);
    struct stat st {};
    if (stat(context.path().c_str(), &st) == 0) CheckDisk(context.path(), &findings);
    return findings.exit_code();
  }
  findings.Good("open", fmt::format("{}, region {}, opened by nobody else", context.path(),
                                    jzse_store_region(context.store()->local())));
  CheckDisk(context.path(), &findings);
  CheckDescriptors(&findings);
  jzse_stats stats = JZSE_STATS_INIT;
  if (context.store()->Stats(&stats, nullptr, &error.raw) != JZSE_OK) {
    findings.Bad("stats", ExitCodeOf(error.raw.code), error.raw.message);
  } else {
    CheckState(stats, &findings);
  }
  if (findings.exit_code() == kExitOk) {
    context.out.Note("nothing is wrong as far as a look tells; 'jzse verify' reads every byte");
  }
  return findings.exit_code();
}

}  // namespace jzse::cli
