// SPDX-License-Identifier: Apache-2.0
// rm, cp, mv, mkdir: names change, contents do not.
// Threads: the main thread.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "batches.h"
#include "interrupt.h"
#include "text.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

// Changes in one atomic group. Within a namespace a copy moves no bytes, so all but enormous trees
// are one group; between namespaces contents are copied and the groups stay small.
constexpr size_t kGroupMax = 100'000, kGroupMaxAcross = 1'000;

int Told(Context& context, const char* action, const Target& target, const Target* to = nullptr) {
  if (context.out.json()) {
    Record record;
    record.Add("action", action).Add("namespace", target.ns).Add("path", target.path);
    if (to != nullptr) record.Add("to_namespace", to->ns).Add("to_path", to->path);
    context.out.Emit(record);
  } else if (context.out.verbose()) {
    context.out.Note(to == nullptr
                         ? fmt::format("{}: {}", action, target.Text())
                         : fmt::format("{}: {} -> {}", action, target.Text(), to->Text()));
  }
  return kExitOk;
}

// The `keys` way of rm -r: everything that begins with the text.
int DeletePrefix(Context& context, const Target& target) {
  Batches batches(context.store(), kGroupMax);
  bool ok = true;
  const int code = ListBelow(
      context.store(), target.ns, target.path,
      [&](const jzse_list_entry& entry) {
        access::Group* group = batches.Next();
        ok = group != nullptr && group->Delete(target.ns, entry.path, batches.error()) == JZSE_OK;
        return ok && !Interrupted();
      },
      batches.error());
  if (code != JZSE_OK || !ok) return context.out.Fail(*batches.error());
  if (Interrupted()) return InterruptExitCode();
  if (!batches.Commit()) return context.out.Fail(*batches.error());
  return Told(context, "delete", target);
}

int RmOne(Context& context, const RmArgs& args, const std::string& text) {
  Target target;
  if (const int code = context.Resolve(text, &target); code != kExitOk) return code;
  if (target.root()) {
    return context.out.Fail(kExitUsage,
                            fmt::format("{}: is a whole namespace; 'jzse ns drop {}' removes it",
                                        target.Text(), target.ns));
  }
  if (!target.tree && args.recursive) return DeletePrefix(context, target);
  const access::Moment moment{args.recursive ? uint32_t{JZSE_RECURSIVE} : 0u, args.if_match};
  Error error;
  const int code = context.store()->Delete(target.ns, target.path, moment, &error.raw);
  if (code == JZSE_OK) return Told(context, "delete", target);
  if (code == JZSE_NOT_FOUND && args.force) return kExitOk;
  return context.out.Fail(error.raw,
                          code == JZSE_EXISTS && !args.recursive ? "-r removes directories" : "");
}

// Below: what cp and mv share.
struct Transfer {
  Target from, to;
  bool directory = false;  // the source is one
};

bool Contains(const Target& outer, const Target& inner) {
  if (outer.ns != inner.ns) return false;
  return inner.path == outer.path || outer.root() ||
         inner.path.compare(0, outer.path.size() + 1, outer.path + "/") == 0;
}

// Where the last word points and what each source becomes there.
int Plan(Context& context, const CopyArgs& args, std::vector<Transfer>* plan) {
  Target to;
  if (const int code = context.Resolve(args.paths.back(), &to); code != kExitOk) return code;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  Error error;
  bool into = to.as_directory;
  if (to.tree && !into) {
    const int code = context.Stat(to, &info, &error.raw);
    if (code != JZSE_OK && code != JZSE_NOT_FOUND) return context.out.Fail(error.raw);
    into = code == JZSE_OK && info.kind == JZSE_KIND_DIRECTORY;
  }
  if (!into && args.paths.size() > 2) {
    return context.out.Fail(
        kExitUsage,
        fmt::format("{}: must be a directory ('{}/') to take several files", to.Text(), to.Text()));
  }
  for (size_t i = 0; i + 1 < args.paths.size(); ++i) {
    Transfer transfer;
    if (const int code = context.Resolve(args.paths[i], &transfer.from); code != kExitOk)
      return code;
    if (context.Stat(transfer.from, &info, &error.raw) != JZSE_OK)
      return context.out.Fail(error.raw);
    transfer.directory = info.kind == JZSE_KIND_DIRECTORY;
    transfer.to = into && !transfer.from.root() ? to.Child(BaseName(transfer.from.path)) : to;
    plan->push_back(std::move(transfer));
  }
  return kExitOk;
}

// Makes a directory as it is in the source, unless one is there.
bool AddDirectory(Context& context, const Transfer& transfer, const std::string& path,
                  const jzse_file_info& info, Batches* batches) {
  jzse_file_info there = JZSE_FILE_INFO_INIT;
  const int code = context.store()->Stat(transfer.to.ns, path, 0, &there, batches->error());
  if (code == JZSE_OK && there.kind == JZSE_KIND_DIRECTORY && there.sequence != 0) return true;
  if (code != JZSE_OK && code != JZSE_NOT_FOUND) return false;
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  options.mode = info.mode;
  options.mtime_ns = info.mtime_ns;
  access::Group* group = batches->Next();
  return group != nullptr && group->Mkdir(transfer.to.ns, path, options, batches->error()) == JZSE_OK;
}

int CopyTree(Context& context, const Transfer& transfer, bool no_replace) {
  const Target &from = transfer.from, &to = transfer.to;
  if (Contains(from, to)) {
    return context.out.Fail(kExitUsage,
                            fmt::format("{}: cannot be copied into itself", from.Text()));
  }
  Batches batches(context.store(), from.ns == to.ns ? kGroupMax : kGroupMaxAcross);
  const uint32_t flags = no_replace ? uint32_t{JZSE_NO_REPLACE} : 0u;
  const auto add = [&](const std::string& path, const std::string& to_path,
                       const jzse_file_info& info) {
    if (info.kind == JZSE_KIND_DIRECTORY) {
      return !to.tree || to_path.empty() ||
             AddDirectory(context, transfer, to_path, info, &batches);
    }
    access::Group* group = batches.Next();
    return group != nullptr &&
           group->Copy(from.ns, path, to.ns, to_path, flags, batches.error()) == JZSE_OK;
  };
  jzse_file_info top = JZSE_FILE_INFO_INIT;
  if (context.Stat(from, &top, batches.error()) != JZSE_OK)
    return context.out.Fail(*batches.error());
  bool ok = top.sequence == 0 || add(from.path, to.path, top);
  const std::string prefix = from.Prefix();
  const int code = !ok ? JZSE_OK
                       : ListBelow(
                             context.store(), from.ns, prefix,
                             [&](const jzse_list_entry& entry) {
                               const std::string_view below =
                                   std::string_view(entry.path).substr(prefix.size());
                               ok = add(entry.path, to.Child(below).path, entry.info);
                               return ok && !Interrupted();
                             },
                             batches.error());
  if (code != JZSE_OK || !ok) return context.out.Fail(*batches.error());
  if (Interrupted()) return InterruptExitCode();
  return batches.Commit() ? kExitOk : context.out.Fail(*batches.error());
}

int CopyFile(Context& context, const Transfer& transfer, bool no_replace) {
  const uint32_t flags = no_replace ? uint32_t{JZSE_NO_REPLACE} : 0u;
  Error error;
  const int code =
      context.store()->Copy(transfer.from.ns, transfer.from.path, transfer.to.ns, transfer.to.path, flags, &error.raw);
  return code == JZSE_OK ? kExitOk : context.out.Fail(error.raw);
}

int MoveOne(Context& context, const Transfer& transfer, bool no_replace) {
  const Target &from = transfer.from, &to = transfer.to;
  Error error;
  if (from.ns == to.ns) {
    const uint32_t flags = no_replace ? uint32_t{JZSE_NO_REPLACE} : 0u;
    const int code = context.store()->Move(from.ns, from.path, to.path, flags, &error.raw);
    return code == JZSE_OK ? kExitOk : context.out.Fail(error.raw);
  }
  // To another namespace: the copy is complete before the source goes.
  const int copied = transfer.directory ? CopyTree(context, transfer, no_replace)
                                        : CopyFile(context, transfer, no_replace);
  if (copied != kExitOk) return copied;
  const access::Moment moment{transfer.directory ? uint32_t{JZSE_RECURSIVE} : 0u, ""};
  const int code = context.store()->Delete(from.ns, from.path, moment, &error.raw);
  return code == JZSE_OK ? kExitOk : context.out.Fail(error.raw);
}

}  // namespace

int RunRm(Context& context, const RmArgs& args) {
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  int result = kExitOk;
  for (const std::string& path : args.paths) {
    if (Interrupted()) return InterruptExitCode();
    if (const int code = RmOne(context, args, path); code != kExitOk) result = code;
  }
  return result;
}

int RunCp(Context& context, const CopyArgs& args) {
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  std::vector<Transfer> plan;
  if (const int code = Plan(context, args, &plan); code != kExitOk) return code;
  for (const Transfer& transfer : plan) {
    if (Interrupted()) return InterruptExitCode();
    if (transfer.directory && !args.recursive) {
      return context.out.Fail(kExitUsage, transfer.from.Text() + ": is a directory (-r copies it)");
    }
    const int code = transfer.directory ? CopyTree(context, transfer, args.no_replace)
                                        : CopyFile(context, transfer, args.no_replace);
    if (code != kExitOk) return code;
    Told(context, "copy", transfer.from, &transfer.to);
  }
  return kExitOk;
}

int RunMv(Context& context, const CopyArgs& args) {
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  std::vector<Transfer> plan;
  if (const int code = Plan(context, args, &plan); code != kExitOk) return code;
  for (const Transfer& transfer : plan) {
    if (Interrupted()) return InterruptExitCode();
    if (transfer.from.root()) {
      return context.out.Fail(kExitUsage,
                              transfer.from.Text() + ": is a whole namespace and cannot be moved");
    }
    if (const int code = MoveOne(context, transfer, args.no_replace); code != kExitOk) return code;
    Told(context, "move", transfer.from, &transfer.to);
  }
  return kExitOk;
}

int RunMkdir(Context& context, const MkdirArgs& args) {
  jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
  if (!args.mode.empty()) {
    const auto mode = ParseOctalMode(args.mode);
    if (!mode) {
      return context.out.Fail(kExitUsage,
                              fmt::format("--mode '{}': not an octal mode like 755", args.mode));
    }
    options.mode = *mode;
  }
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  int result = kExitOk;
  for (const std::string& path : args.paths) {
    Target target;
    if (const int code = context.Resolve(path, &target); code != kExitOk) return code;
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    Error error;
    if (args.parents && context.Stat(target, &info, &error.raw) == JZSE_OK &&
        info.kind == JZSE_KIND_DIRECTORY && (info.sequence != 0 || target.root())) {
      continue;
    }
    if (context.store()->Mkdir(target.ns, target.path, options, &error.raw) != JZSE_OK) {
      result = context.out.Fail(error.raw);
    } else {
      Told(context, "mkdir", target);
    }
  }
  return result;
}

}  // namespace jzse::cli
