// SPDX-License-Identifier: Apache-2.0
// One thread with its event loop, and the connections that belong to it. Asio is behind it, in loop.cc.
//
// Invariants
//   1. Everything of a connection happens on its loop's thread, except the work of its jobs.
//   2. A connection is destroyed only when it is closed and no operation of it is pending; not before what one look at the sockets brought is done.
//   3. Jobs that one round of the loop brings up are handed to the pool together.
//
// Threading: Post, GiveBack, Adopt, WakeParked, WithConnection and counts from any thread; everything else on the loop's own.
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

#include "serve/buffer.h"
#include "serve/pool.h"

namespace jzse::serve {

class Connection;
struct Shared;

// A non-blocking socket that tells when it can be read or written. The kernel tells of each change once (EPOLLET), so a read that leaves room
// in its buffer needs no second one to learn that nothing is left.
class Socket {
 public:
  using Done = void (*)(void* self, ssize_t result);

  Socket(Loop& loop, int fd);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }
  // One read into the buffer: result > 0 bytes, 0 the end, < 0 a failure or cancelled. Never completes within the call.
  void Read(char* buffer, size_t size, Done done, void* self);
  // After a send that would have waited. May complete too early.
  void WaitWritable(Done done, void* self);
  // Calls back once the loop's other sockets had their turn.
  void Yield(Done done, void* self);
  // Cancels what is pending; it completes with a negative result.
  void Close();

 private:
  friend class Loop;
  struct Waiter {
    Done done = nullptr;
    void* self = nullptr;
  };
  void Note(uint32_t events);  // that the kernel told
  void Complete();             // what can be
  bool due() const;

  Loop& loop_;
  int fd_;
  bool queued_ = false;    // in the loop's list
  bool readable_ = false;  // as far as is known
  bool writable_ = false;
  bool ended_ = false;     // the other side has, or an error is there to be read
  Waiter read_, write_;
  char* buffer_ = nullptr;
  size_t size_ = 0;
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
  // Calls it on the loop, if there is such a connection by then (or a later one in its place).
  void WithConnection(const Connection* connection, std::function<void(Connection&)> call);
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

  // A large buffer of at least this capacity, and at most a quarter more. One that was given back a moment ago costs no page faults.
  Buffer TakeBuffer(size_t capacity);
  void GiveBuffer(Buffer buffer);

  // The socket has something to complete.
  void Due(Socket* socket);
  int sockets_fd() const { return sockets_fd_; }

 private:
  struct State;
  void Round();
  void TakeArrived();
  bool Pass();
  void ArmSockets();
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
  int sockets_fd_ = -1;            // the epoll of the connections' sockets, within that of Asio
  bool sockets_armed_ = false;
  std::vector<Socket*> due_, passing_;
  std::vector<std::unique_ptr<Connection>> gone_;
  JobList offloaded_;   // since the last hand-over
  std::vector<Buffer> spare_;      // at most kSpareMax bytes; one goes with each second
  size_t spare_bytes_ = 0;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::atomic<size_t> count_{0};

  std::mutex back_mutex_;
  JobList back_;        // done, not yet taken back
};

}  // namespace jzse::serve

#endif  // JZSE_SERVER_SERVE_LOOP_H_
