// SPDX-License-Identifier: Apache-2.0
// ls, stat, du: what is there. (tree has a file of its own.)
// Threads: the main thread.
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "interrupt.h"
#include "text.h"
#include "transfer.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

std::string LinkTarget(const Context& context, const std::string& ns, const std::string& path,
                       uint64_t version) {
  access::ReadOptions options;
  options.version = version;
  std::unique_ptr<access::Reader> reader;
  context.store()->OpenReader(ns, path, options, &reader, nullptr);
  std::string target;
  if (!reader || ReadTarget(reader.get(), &target)) return "?";
  return target;
}

// One listing of ls: prints entries by names relative to where it began.
class Lister {
 public:
  Lister(Context& context, const LsArgs& args, const Target& target)
      : context_(context), args_(args), target_(target) {}

  void Show(std::string_view path, std::string_view shown, const jzse_file_info& info) {
    const bool directory = info.kind == JZSE_KIND_DIRECTORY || info.kind == JZSE_KIND_PREFIX;
    std::string name(shown);
    if (directory && target_.tree && (name.empty() || name.back() != '/')) name += '/';
    // An explicit directory comes as itself and as the prefix of what is below.
    if (directory && !directories_.insert(name).second) return;
    ++count_;
    if (context_.out.json()) return ShowJson(path, info);
    const Color color = directory                        ? Color::kDirectory
                        : info.kind == JZSE_KIND_SYMLINK ? Color::kSymlink
                        : info.kind == JZSE_KIND_DELETED ? Color::kDim
                                                         : Color::kNone;
    std::string line = context_.out.Paint(color, context_.out.Name(name));
    if (args_.longer) {
      line = Columns(info) + line;
      if (info.kind == JZSE_KIND_SYMLINK) {
        line += " -> " + context_.out.Name(
                             LinkTarget(context_, target_.ns, std::string(path), info.sequence));
      }
    }
    context_.out.Line(line);
  }
  uint64_t count() const { return count_; }

 private:
  void ShowJson(std::string_view path, const jzse_file_info& info) {
    Record record = FileRecord(target_.ns, path, info);
    if (info.kind == JZSE_KIND_SYMLINK) {
      record.Add("target", LinkTarget(context_, target_.ns, std::string(path), info.sequence));
    }
    context_.out.Emit(record);
  }

  std::string Columns(const jzse_file_info& info) const {
    const bool sized = info.kind == JZSE_KIND_FILE || info.kind == JZSE_KIND_SYMLINK;
    const std::string size = !sized        ? "-"
                             : args_.human ? HumanSize(info.size)
                                           : std::to_string(info.size);
    const int64_t time = info.kind == JZSE_KIND_DELETED
                             ? static_cast<int64_t>(info.changed_ms) * 1'000'000
                             : info.mtime_ns;
    const bool timed = info.kind != JZSE_KIND_PREFIX && info.sequence != 0;
    return fmt::format("{}  {:>{}}  {:>16}  ", ModeText(info.kind, info.mode), size,
                       args_.human ? 6 : 12, timed ? LocalTimeShort(time) : "-");
  }

  Context& context_;
  const LsArgs& args_;
  const Target& target_;
  std::set<std::string> directories_;
  uint64_t count_ = 0;
};

int ListDirectory(Context& context, const LsArgs& args, const Target& target, Lister* lister) {
  const std::string prefix = target.Prefix();
  // The part of the prefix that the shown names leave away.
  const size_t cut = target.tree ? prefix.size() : prefix.rfind('/') + 1;
  access::ListOptions options;
  options.prefix = prefix;
  options.delimiter = args.recursive ? "" : "/";
  options.with_deleted = args.deleted;
  options.limit = args.limit;
  options.start_after = args.start_after;
  Error error;
  const int code = ListEntries(
      context.store(), target.ns, options,
      [&](const jzse_list_entry& entry) {
        const std::string_view path = entry.path;
        lister->Show(path, path.substr(std::min(cut, path.size())), entry.info);
        return !Interrupted();
      },
      &error.raw);
  if (code != JZSE_OK) return context.out.Fail(error.raw);
  return Interrupted() ? InterruptExitCode() : kExitOk;
}

// With --deleted: the tombstone at exactly this path.
int ListDeletedFile(Context& context, const Target& target, Lister* lister) {
  access::ListOptions options;
  options.prefix = target.path;
  options.with_deleted = true;
  Error error;
  const int code = ListEntries(
      context.store(), target.ns, options,
      [&](const jzse_list_entry& entry) {
        if (entry.path == target.path) lister->Show(entry.path, entry.path, entry.info);
        return entry.path == target.path;
      },
      &error.raw);
  return code == JZSE_OK ? kExitOk : context.out.Fail(error.raw);
}

int LsOne(Context& context, const LsArgs& args, const std::string& text, bool heading) {
  Target target;
  if (const int code = context.Resolve(text, &target); code != kExitOk) return code;
  Lister lister(context, args, target);
  const auto list = [&] {
    if (heading && !context.out.json()) context.out.Line(context.out.Name(target.Text()) + ":");
    return ListDirectory(context, args, target, &lister);
  };
  if (!target.tree) return list();
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  Error error;
  const int code = context.Stat(target, &info, &error.raw);
  if (code == JZSE_NOT_FOUND && args.deleted) {
    const int listed = list();
    if (listed != kExitOk || lister.count() > 0) return listed;
    const int file = ListDeletedFile(context, target, &lister);
    if (file != kExitOk || lister.count() > 0) return file;
  }
  if (code != JZSE_OK) return context.out.Fail(error.raw);
  if (info.kind == JZSE_KIND_DIRECTORY && !args.directory) return list();
  if (info.kind != JZSE_KIND_DIRECTORY && target.as_directory) {
    return context.out.Fail(kExitNotFound, target.Text() + ": is no directory");
  }
  lister.Show(target.path, target.root() ? "/" : target.path, info);
  return kExitOk;
}

void ShowMetadata(Context& context, const Target& target, uint64_t version, Record* record, std::string* text) {
  access::Metadata metadata;
  if (context.store()->GetMetadata(target.ns, target.path, version, &metadata, nullptr) != JZSE_OK) return;
  if (!metadata.content_type.empty()) {
    record->Add("content_type", metadata.content_type);
    *text += fmt::format("       type: {}\n", context.out.Name(metadata.content_type));
  }
  for (const auto& pair : metadata.pairs) {
    *text += fmt::format("       meta: {}\n", context.out.Name(fmt::format("{}={}", pair.first, pair.second)));
  }
  if (!metadata.pairs.empty()) record->Add("metadata", metadata.pairs);
}

int StatOne(Context& context, const std::string& path, uint64_t version) {
  Target target;
  if (const int code = context.Resolve(path, &target); code != kExitOk) return code;
  if (target.root())
    return context.out.Fail(kExitUsage, target.Text() + ": is a namespace; see 'jzse ns list'");
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  Error error;
  if (context.store()->Stat(target.ns, target.path, version, &info, &error.raw) != JZSE_OK) {
    return context.out.Fail(error.raw);
  }
  Record record = FileRecord(target.ns, target.path, info);
  std::string text = fmt::format("       path: {}\n", context.out.Name(target.Text()));
  const bool implied = info.kind == JZSE_KIND_DIRECTORY && info.sequence == 0;
  text += fmt::format("       kind: {}{}\n", KindName(info.kind),
                      implied ? " (implied by what is in it)" : "");
  if (info.kind == JZSE_KIND_FILE) {
    text += fmt::format("       size: {}{}\n", info.size,
                        info.size < 1024 ? "" : fmt::format(" ({})", SizeText(info.size)));
  }
  if (info.kind == JZSE_KIND_SYMLINK) {
    const std::string link = LinkTarget(context, target.ns, target.path, version);
    record.Add("target", link);
    text += fmt::format("     target: {}\n", context.out.Name(link));
  }
  if (!implied) {
    if (info.mode != 0) {
      text +=
          fmt::format("       mode: {} {}\n", OctalMode(info.mode), ModeText(info.kind, info.mode));
    }
    text += fmt::format("   modified: {}\n", LocalTime(info.mtime_ns));
    text += fmt::format("     stored: {}\n",
                        LocalTime(static_cast<int64_t>(info.changed_ms) * 1'000'000));
    text += fmt::format("    version: {}\n", info.sequence);
    if (info.etag[0] != '\0') text += fmt::format("       etag: {}\n", info.etag);
    text += fmt::format("       file: {:016x}-{}\n", info.file_replica, info.file_counter);
    ShowMetadata(context, target, version, &record, &text);
  }
  if (context.out.json()) {
    context.out.Emit(record);
  } else {
    text.pop_back();
    context.out.Line(text);
  }
  return kExitOk;
}

struct Usage {
  uint64_t bytes = 0, files = 0;
};

// Adds a file to every directory above it down to `depth` below `prefix`.
void Account(std::map<std::string, Usage>* usages, std::string_view prefix, std::string_view path,
             uint64_t depth, uint64_t bytes) {
  size_t end = prefix.size();
  for (uint64_t level = 0;; ++level) {
    Usage& usage = (*usages)[std::string(path.substr(0, end))];
    usage.bytes += bytes;
    ++usage.files;
    const size_t slash = path.find('/', end);
    if (level >= depth || slash == std::string_view::npos) return;
    end = slash + 1;
  }
}

int DuOne(Context& context, const DuArgs& args, const std::string& text) {
  Target target;
  if (const int code = context.Resolve(text, &target); code != kExitOk) return code;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  Error error;
  std::string prefix = target.Prefix();
  if (target.tree) {
    if (context.Stat(target, &info, &error.raw) != JZSE_OK) return context.out.Fail(error.raw);
    if (info.kind != JZSE_KIND_DIRECTORY) prefix = target.path;
  }
  std::map<std::string, Usage> usages;
  usages[prefix];
  const uint64_t depth = args.summary ? 0 : args.depth;
  const int code = ListBelow(
      context.store(), target.ns, prefix,
      [&](const jzse_list_entry& entry) {
        const bool file = entry.info.kind == JZSE_KIND_FILE || entry.info.kind == JZSE_KIND_SYMLINK;
        const bool wanted =
            !target.tree || info.kind == JZSE_KIND_DIRECTORY || entry.path == prefix;
        if (file && wanted) Account(&usages, prefix, entry.path, depth, entry.info.size);
        return !Interrupted();
      },
      &error.raw);
  if (code != JZSE_OK) return context.out.Fail(error.raw);
  if (Interrupted()) return InterruptExitCode();
  // Below first, the whole last, as du does.
  for (auto it = usages.rbegin(); it != usages.rend(); ++it) {
    const auto& [path, usage] = *it;
    if (context.out.json()) {
      Record record;
      record.Add("namespace", target.ns)
          .Add("path", path)
          .Add("bytes", usage.bytes)
          .Add("files", usage.files);
      context.out.Emit(record);
    } else {
      const std::string size = args.human ? HumanSize(usage.bytes) : std::to_string(usage.bytes);
      const std::string name = path.empty() ? target.ns + ":" : FormatAddress(target.ns, path);
      context.out.Line(
          fmt::format("{:>{}}  {}", size, args.human ? 6 : 14, context.out.Name(name)));
    }
  }
  return kExitOk;
}

// Runs `one` for every path; with none, for the default namespace's root.
template <class One>
int ForPaths(const std::vector<std::string>& paths, One&& one) {
  if (paths.empty()) return one(std::string());
  int result = kExitOk;
  for (const std::string& path : paths) {
    if (Interrupted()) return InterruptExitCode();
    if (const int code = one(path); code != kExitOk) result = code;
  }
  return result;
}

}  // namespace

int RunLs(Context& context, const LsArgs& args) {
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  const bool heading = args.paths.size() > 1;
  return ForPaths(args.paths,
                  [&](const std::string& path) { return LsOne(context, args, path, heading); });
}

int RunStat(Context& context, const StatArgs& args) {
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  return ForPaths(args.paths,
                  [&](const std::string& path) { return StatOne(context, path, args.version); });
}

int RunDu(Context& context, const DuArgs& args) {
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  return ForPaths(args.paths, [&](const std::string& path) { return DuOne(context, args, path); });
}

}  // namespace jzse::cli
