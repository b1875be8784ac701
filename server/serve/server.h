// SPDX-License-Identifier: Apache-2.0
// The server as a whole: listening sockets, loops, pool, caps and the stop. Knows HTTP and nothing of what is served.
#ifndef JZSE_SERVER_SERVE_SERVER_H_
#define JZSE_SERVER_SERVE_SERVER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "serve/loop.h"
#include "serve/message.h"
#include "serve/pool.h"

namespace jzse::serve {

class Connection;

// What all loops share. `begin` and `finished` are set before the first connection.
struct Shared {
  explicit Shared(const config::Config& c) : pool(c.workers, c.jobs_max), config_(&c) {}

  // As it is now. One that was replaced stays valid: whoever replaces it keeps it.
  const config::Config& config() const { return *config_.load(std::memory_order_acquire); }
  void Replace(const config::Config& config) {
    config_.store(&config, std::memory_order_release);
    pool.SetMax(config.jobs_max);
  }

  // False: one of the caps is reached.
  bool Enter(const std::string& address);
  void Left(const std::string& address);
  // Memory of transfers under way. Downloads get half of it at most: they have another way, uploads have not.
  bool ReserveTransfer(size_t bytes);
  bool ReserveDownload(size_t bytes);
  void AddTransfer(size_t bytes) { transfer_bytes.fetch_add(bytes, std::memory_order_relaxed); }
  void ReleaseTransfer(size_t bytes) { transfer_bytes.fetch_sub(bytes, std::memory_order_relaxed); }
  void NewRequestId(std::string* id);

  std::function<void(Connection&)> begin;             // on the connection's loop
  std::function<void(Loop&, const Finished&)> finished;  // likewise
  std::function<void()> tick;                           // on the first loop, four times a second

  std::mutex mutex;                                    // of the two below
  std::unordered_map<std::string, size_t> by_address;
  size_t connections = 0;
  std::atomic<size_t> transfer_bytes{0};
  std::atomic<uint64_t> request_counter{0};
  uint64_t request_seed = 0;
  std::atomic<uint64_t> refused{0};                    // connections beyond a cap
  std::atomic<uint64_t> accepted{0};
  Pool pool;                                           // its threads end before what is above goes

 private:
  bool ReserveWithin(size_t bytes, size_t bound);

  std::atomic<const config::Config*> config_;
};

class Server {
 public:
  explicit Server(const config::Config& config);
  ~Server();

  Shared& shared() { return *shared_; }
  std::vector<std::unique_ptr<Loop>>& loops() { return loops_; }

  // A listening socket on the configured address; -1 with a message.
  int Bind(std::string* problem);
  // Takes the descriptor of a listening socket over.
  void Listen(int fd);
  uint16_t port() const { return port_; }

  void Start();   // the loops' threads
  // Stops accepting, finishes what is under way, cuts the rest after stop_timeout; returns when the loops have ended.
  void Stop(const std::function<bool()>& hurry);
  void WakeParked();

 private:
  void Accepted(int fd);

  const config::Config& config_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
  std::atomic<size_t> running_{0};
  uint16_t port_ = 0;
  size_t next_ = 0;  // loop for the next connection
};

}  // namespace jzse::serve

#endif  // JZSE_SERVER_SERVE_SERVER_H_
