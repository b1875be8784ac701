// SPDX-License-Identifier: Apache-2.0
// Wakes those who wait for changes. One thread waits in the feed while anybody does, however many they are.
//
// Invariant: a change that becomes visible after Enter returned wakes everybody who waits then, or waits later without having seen it: the thread
// wakes all once after it has found its place in the feed.
//
// Threading: Enter from any thread; the token may be dropped on any.
#ifndef JZSE_SERVER_JZSED_WATCHER_H_
#define JZSE_SERVER_JZSED_WATCHER_H_

#include <jzse/jzse.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "serve/server.h"

namespace jzse::jzsed {

class Watcher {
 public:
  Watcher(jzse_store* store, serve::Server& server);
  ~Watcher();  // Stop
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // While the token lives, changes wake. Null when `max` tokens are out.
  std::shared_ptr<void> Enter(size_t max);
  size_t count() const;
  void Stop();

 private:
  void Run();
  void Follow();
  void Leave();

  jzse_store* const store_;
  serve::Server& server_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  size_t count_ = 0;
  bool stop_ = false;
  jzse_feed* feed_ = nullptr;  // being waited in
  std::thread thread_;
};

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_WATCHER_H_
