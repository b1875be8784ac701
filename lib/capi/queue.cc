// SPDX-License-Identifier: Apache-2.0
#include "capi/queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using jzse::base::StatusOr;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace engine = jzse::engine;

jzse_queue::jzse_queue(jzse_store* store, uint32_t capacity)
    : store_(store), count_(store->handles, HandleKind::kQueue), capacity_(capacity) {}

jzse_queue::~jzse_queue() {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [this] { return under_way_ == 0; });
    while (first_ != nullptr) TakeFirst();
  }
  if (descriptor_ >= 0) close(descriptor_);
}

Reservation::~Reservation() {
  if (slot_ != nullptr) queue_->Cancel(slot_);
}

StatusOr<Reservation> jzse_queue::Reserve(uint64_t tag) {
  auto slot = std::make_unique<Slot>();
  slot->tag = tag;
  std::lock_guard<std::mutex> lock(mutex_);
  if (reserved_ == capacity_) {
    return Fail(Code::kBusy, absl::StrCat("the queue is full: ", capacity_,
                                          " requests are under way or wait to be reaped"));
  }
  ++reserved_;
  ++under_way_;
  return Reservation(this, std::move(slot));
}

void jzse_queue::Release() {
  --under_way_;
  if (under_way_ == 0) idle_.notify_all();
}

void jzse_queue::Cancel(Slot* slot) noexcept {
  delete slot;
  std::lock_guard<std::mutex> lock(mutex_);
  --reserved_;
  Release();
}

void jzse_queue::Deliver(Slot* slot, const Status& status, const engine::FileInfo& info) noexcept {
  slot->code = static_cast<int>(jzse::base::CodeOf(status));
  slot->info = info;
  if (!status.ok()) {
    try {
      slot->message = std::string(status.message());
    } catch (const std::bad_alloc&) {
      slot->message.clear();  // the code still tells
    }
  }
  Append(slot);
}

void jzse_queue::Append(Slot* slot) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  if (first_ == nullptr) {
    first_ = slot;
    if (descriptor_ >= 0) eventfd_write(descriptor_, 1);
  } else {
    last_->next = slot;
  }
  last_ = slot;
  if (waiting_ > 0) ready_.notify_one();
  Release();
}

int jzse_queue::descriptor() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (descriptor_ < 0) descriptor_ = eventfd(first_ == nullptr ? 0 : 1, EFD_CLOEXEC | EFD_NONBLOCK);
  return descriptor_;
}

std::unique_ptr<Slot> jzse_queue::TakeFirst() {
  std::unique_ptr<Slot> slot(first_);
  first_ = slot->next;
  --reserved_;
  if (first_ == nullptr) {
    last_ = nullptr;
    eventfd_t value;
    if (descriptor_ >= 0) eventfd_read(descriptor_, &value);
  }
  return slot;
}

std::unique_ptr<Slot> jzse_queue::Wait(int timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto ready = [this] { return first_ != nullptr; };
  if (!ready() && timeout_ms != 0) {
    ++waiting_;
    if (timeout_ms < 0) {
      ready_.wait(lock, ready);
    } else {
      ready_.wait_for(lock, std::chrono::milliseconds(timeout_ms), ready);
    }
    --waiting_;
  }
  return ready() ? TakeFirst() : nullptr;
}

namespace {

void FillCompletion(Slot& slot, jzse_completion* completion) {
  std::memset(completion, 0, sizeof *completion);
  completion->tag = slot.tag;
  completion->code = slot.code;
  completion->info = FileInfoOf(slot.info);
  CopyLine(slot.message, completion->message, sizeof completion->message);
  if (!slot.is_get || slot.code != JZSE_OK) return;
  completion->size = slot.content.size();
  completion->data = slot.content.Release();
}

}  // namespace

int jzse_queue_open(jzse_store* store, uint32_t capacity, jzse_queue** queue, jzse_error* error) {
  if (queue != nullptr) *queue = nullptr;
  return EnterStore(store, error, [&](engine::Store&) -> Status {
    JZSE_RETURN_IF_ERROR(Need(queue, "queue"));
    if (capacity == 0) return Fail(Code::kInvalid, "a queue of capacity 0 can carry nothing");
    if (capacity > jzse::base::kAsyncInFlightMax) {
      return Fail(Code::kTooLarge, absl::StrCat("a queue's capacity is at most ", jzse::base::kAsyncInFlightMax,
                                                ", not ", capacity));
    }
    *queue = new jzse_queue(store, capacity);
    return absl::OkStatus();
  });
}

int jzse_queue_fd(jzse_queue* queue) { return queue == nullptr ? -1 : queue->descriptor(); }

int jzse_queue_reap(jzse_queue* queue, jzse_completion* completions, size_t max, int timeout_ms, size_t* count,
                    jzse_error* error) {
  if (count != nullptr) *count = 0;
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{queue, "queue"}, {completions, "completions"}, {count, "count"}}));
    JZSE_RETURN_IF_ERROR(CheckTimeout(timeout_ms));
    if (max == 0) return Fail(Code::kInvalid, "parameter max is 0: nothing could be reaped");
    while (*count < max) {
      const std::unique_ptr<Slot> slot = queue->Wait(*count == 0 ? timeout_ms : 0);
      if (slot == nullptr) break;
      FillCompletion(*slot, &completions[*count]);
      ++*count;
    }
    return absl::OkStatus();
  });
}

void jzse_queue_close(jzse_queue* queue) { delete queue; }
