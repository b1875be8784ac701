// SPDX-License-Identifier: Apache-2.0
#include "jzsed/watcher.h"

#include <chrono>

namespace jzse::jzsed {
namespace {

constexpr std::chrono::milliseconds kPause{5};  // between two wake-ups: a busy store does not wake for every change
constexpr int kDrainMax = 4096;                 // changes passed over at once
constexpr int kWaitMs = 1000;                   // then it looks whether anybody still waits

}  // namespace

Watcher::Watcher(jzse_store* store, serve::Server& server) : store_(store), server_(server), thread_([this] { Run(); }) {}

Watcher::~Watcher() { Stop(); }

void Watcher::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    if (feed_ != nullptr) jzse_feed_cancel(feed_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<void> Watcher::Enter(size_t max) {
  {
    std::lock_guard lock(mutex_);
    if (count_ >= max) return nullptr;
    ++count_;
  }
  wake_.notify_all();
  return std::shared_ptr<void>(this, [](void* self) { static_cast<Watcher*>(self)->Leave(); });
}

void Watcher::Leave() {
  std::lock_guard lock(mutex_);
  --count_;
}

size_t Watcher::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

void Watcher::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait(lock, [this] { return stop_ || count_ > 0; });
    if (stop_) return;
    lock.unlock();
    Follow();
    lock.lock();
    wake_.wait_for(lock, kPause, [this] { return stop_; });
  }
}

// From the newest change on, until nobody waits.
void Watcher::Follow() {
  jzse_stats stats = JZSE_STATS_INIT;
  if (jzse_store_stats(store_, &stats, nullptr) != JZSE_OK) return;
  jzse_feed_options options = JZSE_FEED_OPTIONS_INIT;
  options.after = stats.sequence;
  jzse_feed* feed = nullptr;
  if (jzse_feed_open(store_, &options, &feed, nullptr) != JZSE_OK) return;
  {
    std::lock_guard lock(mutex_);
    feed_ = feed;
  }
  server_.WakeParked();
  while (true) {
    const jzse_change* change = nullptr;
    if (jzse_feed_next(feed, kWaitMs, &change, nullptr) != JZSE_OK) break;
    {
      std::unique_lock lock(mutex_);
      if (stop_ || count_ == 0) break;
      if (change != nullptr) wake_.wait_for(lock, kPause, [this] { return stop_; });
    }
    if (change == nullptr) continue;
    int code = JZSE_OK;
    for (int i = 0; i < kDrainMax && code == JZSE_OK && change != nullptr; ++i)
      code = jzse_feed_next(feed, 0, &change, nullptr);
    if (code != JZSE_OK) break;
    server_.WakeParked();
  }
  {
    std::lock_guard lock(mutex_);
    feed_ = nullptr;
  }
  jzse_feed_close(feed);
}

}  // namespace jzse::jzsed
