// SPDX-License-Identifier: Apache-2.0
// One thread with its event loop, and the connections that belong to it. Asio is behind it, in loop.cc.
//
// Invariants
//   1. Everything of a connection happens on its loop's thread, except the work of its jobs.
//   2. A connection is destroyed only when it is closed and no operation of it is pending.
//   3. Jobs that one round of the loop brings up are handed to the pool together.
//
// Threading: Post, GiveBack, Adopt, WakeParked and counts from any thread; everything else on the loop's own.
#ifndef JZSE_SERVER_SERVE_LOOP_H_
#define JZSE_SERVER_SERVE_LOOP_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "serve/pool.h"

namespace jzse::serve {

class Connection;
struct Shared;

// A non-blocking socket that tells when it can be read or written.
class Socket {
 public:
  using Done = void (*)(void* self, ssize_t result);

  Socket(Loop& loop, int fd);
  ~Socket();
  int fd() const;
  // One read into the buffer: result > 0 bytes, 0 the end, < 0 a failure or cancelled.
  void Read(char* buffer, size_t size, Done done, void* self);
  void WaitWritable(Done done, void* self);
  // Cancels what is pending; it completes with a negative result.
  void Close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Microseconds of a monotonic clock.
int64_t NowMicros();

class Loop {
 public:
  Loop(Shared& shared, unsigned index);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void Run();  // until it is stopping and has no connection left, or Cut
  // Stops when the last connection is gone; idle ones are closed at once.
  void BeginStop();
  // Closes what is left. What runs in the pool is still waited for.
  void Cut();

  unsigned index() const { return index_; }
  Shared& shared() { return shared_; }
  int64_t now_ms() const { return now_ms_; }
  const std::string& date() const { return date_; }
  bool stopping() const { return stopping_; }
  size_t connection_count() const { return count_.load(std::memory_order_relaxed); }

  void Post(std::function<void()> call);
  void Adopt(int fd, std::string address);
  void WakeParked();
  void GiveBack(Job* job);

  // False: the pool is full, and the job is not forced.
  bool Offload(Job* job, bool forced);
  // Grows with every WakeParked: what began before and parks after it has missed it.
  uint64_t wake_epoch() const { return wake_epoch_; }
  // Calls `readable` whenever the descriptor is. For the loop's whole life; the descriptor stays the caller's.
  void Watch(int fd, std::function<void()> readable);
  // Calls accept(fd) for what the listening socket brings. The descriptor becomes the loop's.
  void Listen(int fd, std::function<void(int)> accept);
  void StopListening();
  void Remove(Connection* connection);

  struct State;
  State& state() { return *state_; }

 private:
  void Round();
  void Tick();
  void TakeBack();
  void ArmTick();
  void ArmWatch(size_t index);
  void ArmAccept(size_t index);
  std::vector<Connection*> Parked() const;
  bool finished() const { return (stopping_ && connections_.empty()); }

  Shared& shared_;
  const unsigned index_;
  std::unique_ptr<State> state_;
  int64_t now_ms_ = 0;
  std::string date_;
  bool stopping_ = false;
  uint64_t wake_epoch_ = 0;
  unsigned ticks_ = 0;
  JobList offloaded_;   // since the last hand-over
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::atomic<size_t> count_{0};

  std::mutex back_mutex_;
  JobList back_;        // done, not yet taken back
};

}  // namespace jzse::serve

#endif  // JZSE_SERVER_SERVE_LOOP_H_
