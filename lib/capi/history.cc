// SPDX-License-Identifier: Apache-2.0
// What happened: versions of a file, the change feed, and the watch, which is a feed with a thread.
//
// Threading: a watch owns one thread, started with all signals blocked. Between start and stop only that thread
// uses the feed, except for Cancel. A feed's descriptor is written by whoever commits.
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "capi/handles.h"

using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace engine = jzse::engine;

struct jzse_feed {
  jzse_feed(jzse_store* s, std::unique_ptr<engine::Feed> e)
      : count(s->handles, HandleKind::kFeed), engine(std::move(e)) {}
  ~jzse_feed() {
    engine.reset();  // which tells nothing any more
    if (descriptor >= 0) close(descriptor);
  }
  HandleCount count;
  std::unique_ptr<engine::Feed> engine;
  jzse_change change{};
  int descriptor = -1;  // made when first asked for; readable exactly while the engine says so
};

struct jzse_watch {
  jzse_watch(jzse_store* s, std::unique_ptr<engine::Feed> e, int (*f)(void*, const jzse_change*), void* c)
      : store(s), count(s->handles, HandleKind::kWatch), engine(std::move(e)), each(f), context(c) {}
  jzse_store* const store;
  HandleCount count;
  std::unique_ptr<engine::Feed> engine;
  int (*const each)(void* context, const jzse_change* change);
  void* const context;
  pthread_t thread{};
};

namespace jzse::capi {
namespace {

// The strings are borrowed from the event.
jzse_change ChangeOf(const engine::ChangeEvent& event) {
  jzse_change change{};
  change.sequence = event.sequence;
  change.type = static_cast<uint32_t>(event.type);
  change.more = event.more ? 1 : 0;
  change.ns = event.ns.c_str();
  change.path = event.path.c_str();
  change.old_path = event.type == engine::ChangeType::kMove ? event.old_path.c_str() : nullptr;
  change.info = FileInfoOf(event.info);
  return change;
}

Status Follow(jzse_watch& watch) {
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeEvent* const event, watch.engine->Next(-1));
    if (event == nullptr) continue;
    const jzse_change change = ChangeOf(*event);
    if (watch.each(watch.context, &change) != 0) return absl::OkStatus();
  }
}

void* RunWatch(void* argument) {
  jzse_watch& watch = *static_cast<jzse_watch*>(argument);
  jzse_error error = JZSE_ERROR_INIT;
  const int code = Enter(&error, [&watch] { return Follow(watch); });
  if (code != JZSE_OK && code != JZSE_CLOSED) {
    watch.store->logger.Line(JZSE_LOG_ERROR, std::string("a watch ended: ") + error.message);
  }
  return nullptr;
}

}  // namespace
}  // namespace jzse::capi

// ---- versions

int jzse_versions_open(jzse_store* store, const char* ns, const char* path, const jzse_get_options* options,
                       jzse_list** list, jzse_error* error) {
  if (list != nullptr) *list = nullptr;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {list, "list"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::GetOptions get, TakeGet(store, options));
    if (get.version != 0) return Fail(Code::kInvalid, "jzse_get_options.version must be 0 where versions are listed");
    JZSE_ASSIGN_OR_RETURN(auto opened, engine.ListVersions(ns, path, get.snapshot));
    *list = new jzse_list(store, std::move(opened));
    return absl::OkStatus();
  });
}

int jzse_version_restore(jzse_store* store, const char* ns, const char* path, uint64_t version,
                         jzse_file_info* info, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    engine::Transaction transaction;
    JZSE_RETURN_IF_ERROR(engine.AddRestore(transaction, ns, path, version));
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found, engine.Commit(std::move(transaction)));
    Give(FileInfoOf(found), info);
    return absl::OkStatus();
  });
}

int jzse_version_delete(jzse_store* store, const char* ns, const char* path, uint64_t version,
                        jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    engine::Transaction transaction;
    JZSE_RETURN_IF_ERROR(engine.AddDeleteVersion(transaction, ns, path, version));
    return engine.Commit(std::move(transaction)).status();
  });
}

// ---- feed

int jzse_feed_open(jzse_store* store, const jzse_feed_options* options, jzse_feed** feed, jzse_error* error) {
  if (feed != nullptr) *feed = nullptr;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(feed, "feed"));
    JZSE_ASSIGN_OR_RETURN(const engine::FeedOptions feeding, TakeFeed(options));
    JZSE_ASSIGN_OR_RETURN(auto opened, engine.OpenFeed(feeding));
    *feed = new jzse_feed(store, std::move(opened));
    return absl::OkStatus();
  });
}

int jzse_feed_next(jzse_feed* feed, int timeout_ms, const jzse_change** change, jzse_error* error) {
  if (change != nullptr) *change = nullptr;
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{feed, "feed"}, {change, "change"}}));
    JZSE_RETURN_IF_ERROR(CheckTimeout(timeout_ms));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeEvent* const event, feed->engine->Next(timeout_ms));
    if (event == nullptr) return absl::OkStatus();
    feed->change = ChangeOf(*event);
    *change = &feed->change;
    return absl::OkStatus();
  });
}

int jzse_feed_fd(jzse_feed* feed) {
  if (feed == nullptr) return -1;
  if (feed->descriptor >= 0) return feed->descriptor;
  const int made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (made < 0) return -1;
  feed->descriptor = made;
  const int code = Enter(nullptr, [&] {
    feed->engine->TellWaiting([made](bool waiting) {
      eventfd_t value;
      if (waiting) {
        eventfd_write(made, 1);
      } else {
        eventfd_read(made, &value);
      }
    });
    return absl::OkStatus();
  });
  if (code == JZSE_OK) return made;
  close(made);  // no memory: nobody was told of it
  return feed->descriptor = -1;
}

void jzse_feed_cancel(jzse_feed* feed) {
  if (feed != nullptr) feed->engine->Cancel();
}

void jzse_feed_close(jzse_feed* feed) { delete feed; }

// ---- watch

int jzse_watch_start(jzse_store* store, const jzse_feed_options* options,
                     int (*each)(void* context, const jzse_change* change), void* context, jzse_watch** watch,
                     jzse_error* error) {
  if (watch != nullptr) *watch = nullptr;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{reinterpret_cast<const void*>(each), "each"}, {watch, "watch"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::FeedOptions feeding, TakeFeed(options));
    JZSE_ASSIGN_OR_RETURN(auto opened, engine.OpenFeed(feeding));
    auto started = std::make_unique<jzse_watch>(store, std::move(opened), each, context);
    JZSE_RETURN_IF_ERROR(StartThread(RunWatch, started.get(), &started->thread));
    *watch = started.release();
    return absl::OkStatus();
  });
}

void jzse_watch_stop(jzse_watch* watch) {
  if (watch == nullptr) return;
  watch->engine->Cancel();
  pthread_join(watch->thread, nullptr);
  delete watch;
}
