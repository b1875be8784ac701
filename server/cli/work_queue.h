// SPDX-License-Identifier: Apache-2.0
// A bounded queue between one finder of work and several doers.
// Threads: all members from any thread. Push waits while the queue is full, Pop while it is empty;
// both come back with false once the queue is closed (Pop first gives out what is left) or
// abandoned (nothing more).
#ifndef JZSE_CLI_WORK_QUEUE_H_
#define JZSE_CLI_WORK_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

namespace jzse::cli {

template <class T>
class WorkQueue {
 public:
  explicit WorkQueue(size_t count_max) : count_max_(count_max) {}

  bool Push(T item) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [this] { return closed_ || items_.size() < count_max_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    not_empty_.notify_one();
    return true;
  }

  bool Pop(T* item) {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [this] { return closed_ || !items_.empty(); });
    return Take(item);
  }

  // Does not wait.
  bool TryPop(T* item) {
    const std::lock_guard lock(mutex_);
    return Take(item);
  }

  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    not_full_.notify_all();
    not_empty_.notify_all();
  }

  void Abandon() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    items_.clear();
    not_full_.notify_all();
    not_empty_.notify_all();
  }

 private:
  bool Take(T* item) {
    if (items_.empty()) return false;
    *item = std::move(items_.front());
    items_.pop_front();
    not_full_.notify_one();
    return true;
  }

  const size_t count_max_;
  std::mutex mutex_;
  std::condition_variable not_full_, not_empty_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace jzse::cli

#endif  // JZSE_CLI_WORK_QUEUE_H_
