// SPDX-License-Identifier: Apache-2.0
// The store itself and its namespaces: opening, closing, statistics.
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "capi/handles.h"

using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace engine = jzse::engine;

namespace jzse::capi {

void Logger::Line(int level, std::string_view line) {
  if (log_ == nullptr) return;
  const std::string text(line);
  std::lock_guard<std::mutex> lock(mutex_);
  log_(context_, level, text.c_str());
}

Status StartThread(void* (*run)(void*), void* argument, pthread_t* thread) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(thread, nullptr, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed == 0) return absl::OkStatus();
  return Fail(Code::kBusy, absl::StrCat("no thread can be started (error ", failed, ")"));
}

Status CheckNoHandles(const Handles& handles) {
  static constexpr const char* kNames[][2] = {
      {"reader", "readers"}, {"writer", "writers"},     {"group", "groups"},
      {"list", "lists"},     {"metadata", "metadata"},  {"feed", "feeds"},
      {"watch", "watches"},  {"snapshot", "snapshots"}, {"queue", "queues"}};
  static_assert(sizeof kNames / sizeof kNames[0] == kHandleKinds);
  uint64_t sum = 0;
  std::string each;
  for (size_t i = 0; i < kHandleKinds; ++i) {
    const uint64_t count = handles[i].load();
    if (count == 0) continue;
    sum += count;
    absl::StrAppend(&each, each.empty() ? "" : ", ", count, " ", kNames[i][count == 1 ? 0 : 1]);
  }
  if (sum == 0) return absl::OkStatus();
  return Fail(Code::kBusy, absl::StrCat("the store has ", sum, sum == 1 ? " open handle: " : " open handles: ", each));
}

namespace {

constexpr uint32_t kOpenFlags =
    JZSE_OPEN_CREATE | JZSE_OPEN_EXCLUSIVE | JZSE_OPEN_READ_ONLY | JZSE_OPEN_REBUILD_INDEX;

StatusOr<engine::Options> OptionsOf(const jzse_options& given) {
  engine::Options options;
  if ((given.flags & ~kOpenFlags) != 0) {
    return Fail(Code::kInvalid, absl::StrCat("jzse_options.flags: unknown bits ", given.flags & ~kOpenFlags));
  }
  if (given.io_backend > JZSE_IO_URING) {
    return Fail(Code::kInvalid, absl::StrCat("jzse_options.io_backend: ", given.io_backend, " has no meaning"));
  }
  if (given.background_off > 1) {
    return Fail(Code::kInvalid, "jzse_options.background_off: 0 or 1");
  }
  options.create = (given.flags & JZSE_OPEN_CREATE) != 0;
  options.exclusive = (given.flags & JZSE_OPEN_EXCLUSIVE) != 0;
  options.read_only = (given.flags & JZSE_OPEN_READ_ONLY) != 0;
  options.rebuild_index = (given.flags & JZSE_OPEN_REBUILD_INDEX) != 0;
  if (options.exclusive && !options.create) {
    return Fail(Code::kInvalid, "JZSE_OPEN_EXCLUSIVE means something only with JZSE_OPEN_CREATE");
  }
  if (options.create && options.read_only) {
    return Fail(Code::kInvalid, "JZSE_OPEN_CREATE and JZSE_OPEN_READ_ONLY exclude each other");
  }
  if (given.region != nullptr) options.region = given.region;
  if (given.memory_limit != 0) options.memory_limit = given.memory_limit;
  if (given.free_space_reserve == UINT64_MAX) {
    options.free_space_reserve = 0;
  } else if (given.free_space_reserve != 0) {
    options.free_space_reserve = given.free_space_reserve;
  }
  if (given.background_rate != 0) options.background_rate = given.background_rate;
  options.background = given.background_off == 0;
  options.backend = given.io_backend == JZSE_IO_PLAIN   ? engine::Options::Backend::kPlain
                    : given.io_backend == JZSE_IO_URING ? engine::Options::Backend::kUring
                                                        : engine::Options::Backend::kAuto;
  return options;
}

void Pause() {
  const timespec wait = {0, 100 * 1000};
  nanosleep(&wait, nullptr);
}

jzse_stats StatsOf(const engine::Stats& from) {
  jzse_stats to{};
  to.struct_size = sizeof to;
  to.read_only = from.read_only ? 1 : 0;
  to.store_id[0] = from.store_id.low;
  to.store_id[1] = from.store_id.high;
  to.replica_id = from.replica_id;
  to.sequence = from.sequence;
  to.namespace_count = from.namespace_count;
  to.file_count = from.file_count;
  to.logical_bytes = from.logical_bytes;
  to.version_count = from.version_count;
  to.version_bytes = from.version_bytes;
  to.tombstone_count = from.tombstone_count;
  to.chunk_count = from.chunk_count;
  to.chunk_bytes = from.chunk_bytes;
  to.disk_bytes = from.disk_bytes;
  to.segment_count = from.segment_count;
  to.commits = from.commits;
  to.changes = from.changes;
  to.syncs = from.syncs;
  to.journal_bytes = from.journal_bytes;
  to.compacted_bytes = from.compacted_bytes;
  to.corrupt_records = from.corrupt_records;
  to.recovered_changes = from.recovered_changes;
  to.index_rebuilt = from.index_rebuilt ? 1 : 0;
  to.uses_uring = from.uses_uring ? 1 : 0;
  return to;
}

}  // namespace
}  // namespace jzse::capi

#define JZSE_STRINGIFY_INNER_(x) #x
#define JZSE_STRINGIFY_(x) JZSE_STRINGIFY_INNER_(x)

const char* jzse_version(void) {
  return JZSE_STRINGIFY_(JZSE_VERSION_MAJOR) "." JZSE_STRINGIFY_(JZSE_VERSION_MINOR) "." JZSE_STRINGIFY_(
      JZSE_VERSION_PATCH);
}

const char* jzse_code_name(int code) {
  static constexpr const char* kNames[] = {
      "JZSE_OK",       "JZSE_INVALID",  "JZSE_NOT_FOUND", "JZSE_EXISTS",    "JZSE_PRECONDITION", "JZSE_TOO_LARGE",
      "JZSE_NO_SPACE", "JZSE_QUOTA",    "JZSE_CORRUPT",   "JZSE_IO",        "JZSE_LOCKED",       "JZSE_READ_ONLY",
      "JZSE_UNSUPPORTED", "JZSE_CLOSED", "JZSE_TIMEOUT",  "JZSE_NO_MEMORY", "JZSE_BUSY"};
  constexpr int kCount = sizeof kNames / sizeof kNames[0];
  static_assert(kCount == 1 - JZSE_BUSY);
  return code <= 0 && code > -kCount ? kNames[-code] : "JZSE_?";
}

void jzse_free(void* memory) { std::free(memory); }

int jzse_store_open(const char* path, const jzse_options* options, jzse_store** store, jzse_error* error) {
  if (store != nullptr) *store = nullptr;
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{path, "path"}, {store, "store"}}));
    if (*path == '\0') return Fail(Code::kInvalid, "parameter path is empty");
    JZSE_ASSIGN_OR_RETURN(const jzse_options given, Take(options));
    JZSE_ASSIGN_OR_RETURN(engine::Options opening, OptionsOf(given));
    auto opened = std::make_unique<jzse_store>(given.log, given.log_context);
    if (given.log != nullptr) {
      opening.log = [logger = &opened->logger](int level, std::string_view line) { logger->Line(level, line); };
    }
    JZSE_ASSIGN_OR_RETURN(opened->engine, engine::Store::Open(path, opening));
    *store = opened.release();
    return absl::OkStatus();
  });
}

int jzse_store_close(jzse_store* store, jzse_error* error) {
  if (store == nullptr) return JZSE_OK;
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(CheckNoHandles(store->handles));
    store->closing.store(true);
    while (!store->calls.none()) Pause();
    // A call that was under way may have opened a handle.
    if (const Status left = CheckNoHandles(store->handles); !left.ok()) {
      store->closing.store(false);
      return left;
    }
    const std::unique_ptr<jzse_store> gone(store);
    const Status closed = gone->engine->Close();
    // The caller takes JZSE_BUSY for a store that is still open.
    return jzse::base::Is(closed, Code::kBusy) ? Fail(Code::kIo, std::string(closed.message())) : closed;
  });
}

int jzse_store_stats(jzse_store* store, jzse_stats* stats, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(stats, "stats"));
    JZSE_RETURN_IF_ERROR(CheckResult(stats));
    JZSE_ASSIGN_OR_RETURN(const engine::Stats found, engine.GetStats());
    Give(StatsOf(found), stats);
    return absl::OkStatus();
  });
}

const char* jzse_store_region(jzse_store* store) {
  return store == nullptr ? "" : store->engine->region().c_str();
}

// ---- namespaces

int jzse_namespace_create(jzse_store* store, const char* name, const jzse_namespace_config* config,
                          jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(name, "name"));
    JZSE_ASSIGN_OR_RETURN(const auto policy, TakeConfig(config));
    return engine.CreateNamespace(name, policy);
  });
}

int jzse_namespace_configure(jzse_store* store, const char* name, const jzse_namespace_config* config,
                             jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{name, "name"}, {config, "config"}}));
    JZSE_ASSIGN_OR_RETURN(const auto policy, TakeConfig(config));
    return engine.ConfigureNamespace(name, policy);
  });
}

int jzse_namespace_get(jzse_store* store, const char* name, jzse_namespace_config* config,
                       jzse_namespace_info* info, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(name, "name"));
    JZSE_RETURN_IF_ERROR(CheckResult(config));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::NamespaceInfo found, engine.GetNamespace(name));
    Give(ConfigOf(found.policy), config);
    Give(NamespaceInfoOf(found), info);
    return absl::OkStatus();
  });
}

int jzse_namespace_list(jzse_store* store, int (*each)(void* context, const jzse_namespace_info* info),
                        void* context, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(reinterpret_cast<const void*>(each), "each"));
    JZSE_ASSIGN_OR_RETURN(const std::vector<engine::NamespaceInfo> found, engine.ListNamespaces());
    for (const engine::NamespaceInfo& one : found) {
      const jzse_namespace_info info = NamespaceInfoOf(one);
      if (each(context, &info) != 0) break;
    }
    return absl::OkStatus();
  });
}

int jzse_namespace_drop(jzse_store* store, const char* name, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(name, "name"));
    return engine.DropNamespace(name);
  });
}
