// SPDX-License-Identifier: Apache-2.0
// versions, restore, log, watch: what was.
//
// A store is open in one process at a time, so `watch` cannot sit in it: others could change
// nothing. It looks into the store, lets go of it, and looks again when the store's files have
// changed. Threads: the main thread.
#include <sys/stat.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "interrupt.h"
#include "text.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

constexpr std::chrono::milliseconds kLookPause{200};
constexpr int kServerWaitMs = 20'000;

const char* ChangeName(uint32_t type) {
  switch (type) {
    case JZSE_CHANGE_PUT:
      return "put";
    case JZSE_CHANGE_DELETE:
      return "delete";
    case JZSE_CHANGE_MOVE:
      return "move";
    case JZSE_CHANGE_MKDIR:
      return "mkdir";
    case JZSE_CHANGE_METADATA:
      return "metadata";
    default:
      return "unknown";
  }
}

std::string ChangeText(const Output& out, const jzse_change& change) {
  if (out.json()) {
    Record record;
    record.Add("sequence", change.sequence).Add("change", ChangeName(change.type));
    record.AddAll(FileRecord(change.ns, change.path, change.info));
    if (change.old_path != nullptr) record.Add("old_path", change.old_path);
    return record.Add("more", change.more != 0).ToJson();
  }
  std::string name = out.Name(FormatAddress(change.ns, change.path));
  if (change.old_path != nullptr) {
    name = fmt::format("{} -> {}", out.Name(FormatAddress(change.ns, change.old_path)), name);
  }
  const bool sized = change.info.kind == JZSE_KIND_FILE && change.type != JZSE_CHANGE_DELETE;
  return fmt::format("{:>8}  {}  {:<8}  {:>6}  {}", change.sequence,
                     LocalTime(static_cast<int64_t>(change.info.changed_ms) * 1'000'000),
                     ChangeName(change.type), sized ? HumanSize(change.info.size) : "-", name);
}

// What of the feed is wanted, and how far it has been read.
struct Cursor {
  std::string ns, prefix;
  uint64_t after = 0;
  uint64_t left = UINT64_MAX;  // changes to show at most
  size_t last = 0;             // keep back all but so many of the newest; 0: show at once
  std::deque<std::string> kept;
};

// Reads what is there now, or comes before the time is over. JZSE_OK at the end of it.
int ReadFeed(Context& context, Cursor* cursor, jzse_error* error, int timeout_ms = 0) {
  std::unique_ptr<access::Feed> feed;
  int code = context.store()->OpenFeed(cursor->ns, cursor->prefix, cursor->after, &feed, error);
  while (code == JZSE_OK && cursor->left > 0 && !Interrupted()) {
    const jzse_change* change = nullptr;
    code = feed->Next(timeout_ms, &change, error);
    if (code != JZSE_OK || change == nullptr) break;
    cursor->after = change->sequence;
    --cursor->left;
    if (cursor->last == 0) {
      context.out.Line(ChangeText(context.out, *change));
      if (timeout_ms != 0) context.out.Flush();
      continue;
    }
    cursor->kept.push_back(ChangeText(context.out, *change));
    if (cursor->kept.size() > cursor->last) cursor->kept.pop_front();
  }
  return code;
}

// Differs after every change to the journal, and is the same while nobody writes.
std::string Fingerprint(const std::string& store) {
  std::string print;
  std::error_code ec;
  for (std::filesystem::directory_iterator it(store + "/segments", ec), end; !ec && it != end;
       it.increment(ec)) {
    struct stat st {};
    if (stat(it->path().c_str(), &st) != 0) continue;
    print += fmt::format("{}:{}:{}:{};", it->path().filename().string(), st.st_size,
                         st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  }
  return print;
}

// One short look into the store; a JZSE_* code.
int Look(Context& context, Cursor* cursor, bool skip_what_is_there, jzse_error* error) {
  int code = context.TryOpen(Context::Access::kRead, error);
  if (code != JZSE_OK) return code;
  if (skip_what_is_there) {
    jzse_stats stats = JZSE_STATS_INIT;
    code = context.store()->Stats(&stats, nullptr, error);
    cursor->after = stats.sequence;
  } else {
    code = ReadFeed(context, cursor, error);
  }
  context.Close(kExitOk);
  context.out.Flush();
  return code;
}

int Follow(Context& context, Cursor* cursor, bool skip_what_is_there) {
  bool told_locked = false;
  std::string seen = "none yet";
  while (!Interrupted() && cursor->left > 0) {
    std::string now = Fingerprint(context.path());
    if (now != seen) {
      Error error;
      const int code = Look(context, cursor, skip_what_is_there, &error.raw);
      if (code != JZSE_OK && code != JZSE_LOCKED) return context.out.Fail(error.raw);
      if (code == JZSE_LOCKED && !told_locked) {
        context.out.Note(fmt::format("{}; waiting for it", error.raw.message));
        told_locked = true;
      }
      if (code == JZSE_OK) {
        skip_what_is_there = false;
        told_locked = false;
        seen = std::move(now);
      }
    }
    if (cursor->left > 0) std::this_thread::sleep_for(kLookPause);
  }
  return Interrupted() ? InterruptExitCode() : kExitOk;
}

// A server is asked to answer when something happens. One that goes away is waited for, as a locked store is.
int FollowServer(Context& context, Cursor* cursor, bool skip_what_is_there) {
  bool reached = !skip_what_is_there, told = false;
  while (!Interrupted() && cursor->left > 0) {
    Error error;
    int code = JZSE_OK;
    if (skip_what_is_there) {
      jzse_stats stats = JZSE_STATS_INIT;
      code = context.store()->Stats(&stats, nullptr, &error.raw);
      cursor->after = stats.sequence;
      skip_what_is_there = code != JZSE_OK;
    } else {
      code = ReadFeed(context, cursor, &error.raw, kServerWaitMs);
    }
    if (code == JZSE_OK) {
      reached = true;
      told = false;
      continue;
    }
    if (Interrupted()) break;
    const bool passes = code == JZSE_IO || code == JZSE_BUSY || code == JZSE_TIMEOUT || code == JZSE_CLOSED;
    if (!reached || !passes) return context.out.Fail(error.raw);
    if (!told) context.out.Note(fmt::format("{}; waiting for it", error.raw.message));
    told = true;
    std::this_thread::sleep_for(kLookPause);
  }
  return Interrupted() ? InterruptExitCode() : kExitOk;
}

void ParseFeedPath(const LogArgs& args, Cursor* cursor) {
  cursor->after = args.after;
  if (args.limit != 0) cursor->left = args.limit;
  cursor->last = args.last;
  if (args.path.empty()) return;
  const Address address = ParseAddress(args.path);
  cursor->ns = address.ns;
  cursor->prefix = address.path;
}

// The newest state with content.
int NewestContent(Context& context, const Target& target, uint64_t* version, bool* deleted) {
  Error error;
  *version = 0;
  *deleted = false;
  bool first = true;
  const int code = ForEachEntry(
      [&](std::unique_ptr<access::List>* list) {
        return context.store()->OpenVersions(target.ns, target.path, list, &error.raw);
      },
      [&](const jzse_list_entry& entry) {
        if (first) *deleted = entry.info.kind == JZSE_KIND_DELETED;
        first = false;
        if (entry.info.kind != JZSE_KIND_DELETED) *version = entry.info.sequence;
        return *version == 0;
      },
      &error.raw);
  return code == JZSE_OK ? kExitOk : context.out.Fail(error.raw);
}

}  // namespace

int RunVersions(Context& context, const VersionsArgs& args) {
  const auto access = args.forget != 0 ? Context::Access::kWrite : Context::Access::kRead;
  if (const int code = context.Open(access); code != kExitOk) return code;
  Target target;
  if (const int code = context.Resolve(args.path, &target); code != kExitOk) return code;
  Error error;
  if (args.forget != 0) {
    const int code = context.store()->DeleteVersion(target.ns, target.path, args.forget, &error.raw);
    return code == JZSE_OK ? kExitOk : context.out.Fail(error.raw);
  }
  bool current = true;
  const int code = ForEachEntry(
      [&](std::unique_ptr<access::List>* list) {
        return context.store()->OpenVersions(target.ns, target.path, list, &error.raw);
      },
      [&](const jzse_list_entry& entry) {
        const jzse_file_info& info = entry.info;
        if (context.out.json()) {
          Record record = FileRecord(target.ns, entry.path, info);
          context.out.Emit(record.Add("current", current));
        } else {
          const bool sized = info.kind == JZSE_KIND_FILE || info.kind == JZSE_KIND_SYMLINK;
          std::string line =
              fmt::format("{:>8}  {}  {:>12}  {}", info.sequence,
                          LocalTime(static_cast<int64_t>(info.changed_ms) * 1'000'000),
                          sized ? std::to_string(info.size) : "-", KindName(info.kind));
          if (entry.path != target.path)
            line += "  " + context.out.Name(FormatAddress(target.ns, entry.path));
          context.out.Line(current ? context.out.Paint(Color::kGood, line + "  (current)") : line);
        }
        current = false;
        return !Interrupted();
      },
      &error.raw);
  return code == JZSE_OK ? kExitOk : context.out.Fail(error.raw);
}

int RunRestore(Context& context, const RestoreArgs& args) {
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  Target target;
  if (const int code = context.Resolve(args.path, &target); code != kExitOk) return code;
  uint64_t version = args.version;
  if (version == 0) {
    bool deleted = false;
    if (const int code = NewestContent(context, target, &version, &deleted); code != kExitOk)
      return code;
    if (!deleted) {
      return context.out.Fail(kExitUsage,
                              fmt::format("{}: is not deleted; name a --version ('jzse versions' "
                                          "lists them)",
                                          target.Text()));
    }
    if (version == 0) {
      return context.out.Fail(kExitNotFound,
                              target.Text() + ": no version of it with a content is kept");
    }
  }
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  Error error;
  if (context.store()->RestoreVersion(target.ns, target.path, version, &info, &error.raw) != JZSE_OK) {
    return context.out.Fail(error.raw);
  }
  if (context.out.json()) {
    Record record = FileRecord(target.ns, target.path, info);
    context.out.Emit(record.Add("restored", version));
  } else {
    context.out.Note(fmt::format("{}: version {} restored as version {}", target.Text(), version,
                                 info.sequence));
  }
  return kExitOk;
}

int RunLog(Context& context, const LogArgs& args) {
  Cursor cursor;
  ParseFeedPath(args, &cursor);
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  Target unused;  // for a message about a namespace that is not there
  if (!cursor.ns.empty()) {
    if (const int code = context.Resolve(args.path, &unused); code != kExitOk) return code;
  }
  Error error;
  const int code = ReadFeed(context, &cursor, &error.raw);
  for (const std::string& line : cursor.kept) context.out.Line(line);
  cursor.last = 0;
  if (code != JZSE_OK) return context.out.Fail(error.raw);
  if (!args.follow) return Interrupted() ? InterruptExitCode() : kExitOk;
  if (context.remote()) {
    context.out.Flush();
    return FollowServer(context, &cursor, false);
  }
  context.Close(kExitOk);
  context.out.Flush();
  return Follow(context, &cursor, false);
}

int RunWatch(Context& context, const LogArgs& args) {
  Cursor cursor;
  ParseFeedPath(args, &cursor);
  if (const int code = context.Locate(); code != kExitOk) return code;
  if (context.remote()) {
    const int code = context.Open(Context::Access::kRead);
    return code == kExitOk ? FollowServer(context, &cursor, !args.after_given) : code;
  }
  return Follow(context, &cursor, !args.after_given);
}

}  // namespace jzse::cli
