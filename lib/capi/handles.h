// SPDX-License-Identifier: Apache-2.0
// What stands behind the opaque handles of jzse.h, and how a call enters and leaves the library.
//
// Invariants
//   1. No exception crosses the C boundary: every entry runs inside Enter.
//   2. A handle holds a HandleCount as long as it lives, so jzse_store_close can tell that handles are left.
//   3. Calls on the store itself run inside EnterStore, so jzse_store_close can wait for those under way. Calls on
//      a handle need no such count: the handle already keeps the store open.
//
// Threading: jzse_store is shared by all threads. CallCount spreads its counters over cache lines, so that readers
// on different threads do not meet.
#ifndef JZSE_CAPI_HANDLES_H_
#define JZSE_CAPI_HANDLES_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "capi/convert.h"
#include "engine/engine.h"
#include "jzse/jzse.h"

namespace jzse::capi {

// How many calls are inside. The guard's own address picks the counter: threads have stacks of their own.
class CallCount {
 public:
  class Inside {
   public:
    explicit Inside(CallCount& calls) : slot_(calls.SlotOf(this)) { slot_.fetch_add(1); }
    ~Inside() { slot_.fetch_sub(1); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    std::atomic<uint64_t>& slot_;
  };

  bool none() const {
    uint64_t sum = 0;
    for (const Slot& slot : slots_) sum += slot.count.load();
    return sum == 0;
  }

 private:
  static constexpr size_t kSlots = 16;
  struct alignas(64) Slot {
    std::atomic<uint64_t> count{0};
  };
  std::atomic<uint64_t>& SlotOf(const void* guard) {
    const uint64_t page = reinterpret_cast<uintptr_t>(guard) >> 12;
    return slots_[(page * 0x9e3779b97f4a7c15u) >> 60].count;
  }
  Slot slots_[kSlots];
};
static_assert(sizeof(CallCount) == 16 * 64);

// Hands the library's lines to the host's callback, one at a time.
class Logger {
 public:
  Logger(jzse_log_fn log, void* context) : log_(log), context_(context) {}
  void Line(int level, std::string_view line);

 private:
  std::mutex mutex_;
  const jzse_log_fn log_;
  void* const context_;
};

enum class HandleKind { kReader, kWriter, kGroup, kList, kMetadata, kFeed, kWatch, kSnapshot, kQueue };
inline constexpr size_t kHandleKinds = 9;
using Handles = std::atomic<uint64_t>[kHandleKinds];

class HandleCount {
 public:
  HandleCount(Handles& handles, HandleKind kind) : count_(handles[static_cast<size_t>(kind)]) {
    count_.fetch_add(1);
  }
  ~HandleCount() { count_.fetch_sub(1); }
  HandleCount(const HandleCount&) = delete;
  HandleCount& operator=(const HandleCount&) = delete;

 private:
  std::atomic<uint64_t>& count_;
};
// JZSE_BUSY, with how many of which kind there are, unless there are none.
Status CheckNoHandles(const Handles& handles);

// Runs `body`, a callable that returns a Status, and turns what it answers into a code and an error.
template <typename Body>
int Enter(jzse_error* error, Body&& body) noexcept {
  try {
    const Status status = body();
    return status.ok() ? JZSE_OK : Report(error, status);
  } catch (const std::bad_alloc&) {
    return ReportCode(error, JZSE_NO_MEMORY, "out of memory");
  } catch (const std::length_error&) {
    return ReportCode(error, JZSE_NO_MEMORY, "out of memory: larger than any string may be");
  } catch (...) {
    return ReportCode(error, JZSE_IO, "internal error: an unexpected exception was stopped");
  }
}

}  // namespace jzse::capi

struct jzse_store {
  jzse_store(jzse_log_fn log, void* context) : logger(log, context) {}

  jzse::capi::Logger logger;  // outlives the engine, which writes to it
  std::unique_ptr<jzse::engine::Store> engine;
  jzse::capi::CallCount calls;
  jzse::capi::Handles handles{};
  std::atomic<bool> closing{false};
};

struct jzse_snapshot {
  jzse_snapshot(jzse_store* s, std::unique_ptr<jzse::engine::Snapshot> e)
      : store(s), count(s->handles, jzse::capi::HandleKind::kSnapshot), engine(std::move(e)) {}
  jzse_store* const store;
  jzse::capi::HandleCount count;
  std::unique_ptr<jzse::engine::Snapshot> engine;
};

struct jzse_writer {
  jzse_writer(jzse_store* s, std::unique_ptr<jzse::engine::Writer> e)
      : store(s), count(s->handles, jzse::capi::HandleKind::kWriter), engine(std::move(e)) {}
  jzse_store* const store;
  jzse::capi::HandleCount count;
  std::unique_ptr<jzse::engine::Writer> engine;
};

struct jzse_group {
  explicit jzse_group(jzse_store* s) : store(s), count(s->handles, jzse::capi::HandleKind::kGroup) {}
  jzse_store* const store;
  jzse::capi::HandleCount count;
  jzse::engine::Transaction transaction;
};

struct jzse_list {
  jzse_list(jzse_store* s, std::unique_ptr<jzse::engine::Lister> e)
      : count(s->handles, jzse::capi::HandleKind::kList), engine(std::move(e)) {}
  jzse::capi::HandleCount count;
  std::unique_ptr<jzse::engine::Lister> engine;
  jzse_list_entry entry{};
};

namespace jzse::capi {

// Enter for a call on the store itself; `body` takes the engine.
template <typename Body>
int EnterStore(jzse_store* store, jzse_error* error, Body&& body) noexcept {
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need(store, "store"));
    CallCount::Inside inside(store->calls);
    if (store->closing.load()) return base::Fail(base::Code::kClosed, "the store is closing");
    return body(*store->engine);
  });
}

// The options of reads, with the snapshot checked to be one of this store.
StatusOr<engine::GetOptions> TakeGet(const jzse_store* store, const jzse_get_options* options);
StatusOr<engine::ListOptions> TakeList(const jzse_store* store, const jzse_list_options* options);
Status CheckSnapshot(const jzse_store* store, const jzse_snapshot* snapshot);

// Starts a thread with all signals blocked: signals are the host's.
Status StartThread(void* (*run)(void*), void* argument, pthread_t* thread);

}  // namespace jzse::capi

#endif  // JZSE_CAPI_HANDLES_H_
