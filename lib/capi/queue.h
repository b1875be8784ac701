// SPDX-License-Identifier: Apache-2.0
// The completion queue behind the async calls.
//
// Invariants
//   1. A slot is reserved when a request is submitted and freed when its completion is reaped, so at most `capacity`
//      requests and completions exist: memory is bounded even if nobody reaps.
//   2. Slots are allocated at submission. Delivery, which runs on threads of the engine, takes one short lock and
//      never throws.
//   3. The descriptor, once asked for, is readable exactly while completions wait.
//
// Threading: everything may be called from any thread. Delivery touches the queue only under its mutex, so whoever
// sees under_way_ at 0 under that mutex may destroy it.
#ifndef JZSE_CAPI_QUEUE_H_
#define JZSE_CAPI_QUEUE_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "capi/handles.h"

namespace jzse::capi {

// One request, from submission to reaping.
struct Slot {
  uint64_t tag = 0;
  int code = 0;
  bool is_get = false;
  base::Buffer content;  // of a get
  std::string message;   // of a failure
  engine::FileInfo info;
  Slot* next = nullptr;  // in the list of completions
};

// A reserved slot; gives it back unless it was taken.
class Reservation {
 public:
  Reservation(jzse_queue* queue, std::unique_ptr<Slot> slot) : queue_(queue), slot_(slot.release()) {}
  Reservation(Reservation&& other) noexcept
      : queue_(other.queue_), slot_(std::exchange(other.slot_, nullptr)) {}
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation();

  Slot* get() const { return slot_; }
  void Taken() { slot_ = nullptr; }

 private:
  jzse_queue* queue_;
  Slot* slot_;
};

}  // namespace jzse::capi

struct jzse_queue {
 public:
  jzse_queue(jzse_store* store, uint32_t capacity);
  ~jzse_queue();  // waits for what is under way
  jzse_queue(const jzse_queue&) = delete;
  jzse_queue& operator=(const jzse_queue&) = delete;

  jzse_store* store() const { return store_; }

  // JZSE_BUSY when all slots are taken.
  jzse::base::StatusOr<jzse::capi::Reservation> Reserve(uint64_t tag);
  void Cancel(jzse::capi::Slot* slot) noexcept;
  // Takes a reserved slot over and makes it a completion.
  void Deliver(jzse::capi::Slot* slot, const jzse::base::Status& status,
               const jzse::engine::FileInfo& info) noexcept;
  void Append(jzse::capi::Slot* slot) noexcept;

  int descriptor();
  // The oldest completion, waiting up to timeout_ms for one; null when the time is over.
  std::unique_ptr<jzse::capi::Slot> Wait(int timeout_ms);

 private:
  std::unique_ptr<jzse::capi::Slot> TakeFirst();
  void Release();

  jzse_store* const store_;
  jzse::capi::HandleCount count_;
  const uint32_t capacity_;

  std::mutex mutex_;
  std::condition_variable ready_;  // completions wait
  std::condition_variable idle_;   // nothing is under way
  jzse::capi::Slot* first_ = nullptr;
  jzse::capi::Slot* last_ = nullptr;
  uint32_t reserved_ = 0;          // slots in existence
  uint32_t under_way_ = 0;         // of these, not yet delivered
  uint32_t waiting_ = 0;           // threads in Wait
  int descriptor_ = -1;            // made when first asked for
};

#endif  // JZSE_CAPI_QUEUE_H_
