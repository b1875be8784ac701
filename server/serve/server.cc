// SPDX-License-Identifier: Apache-2.0
#include "serve/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>

#include "serve/connection.h"

namespace jzse::serve {
namespace {

constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
    "Connection: close\r\nContent-Length: 0\r\n\r\n";

std::string AddressOf(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  char text[INET6_ADDRSTRLEN] = "";
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "";
  if (storage.ss_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&storage)->sin_addr, text, sizeof text);
  if (storage.ss_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(&storage)->sin6_addr, text, sizeof text);
  return text;
}

uint16_t PortOf(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

// The literal as a socket address; 0 if it is none.
socklen_t Resolve(const std::string& address, uint16_t port, sockaddr_storage* storage) {
  std::memset(storage, 0, sizeof *storage);
  auto* const four = reinterpret_cast<sockaddr_in*>(storage);
  if (inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    return sizeof *four;
  }
  auto* const six = reinterpret_cast<sockaddr_in6*>(storage);
  if (inet_pton(AF_INET6, address.c_str(), &six->sin6_addr) != 1) return 0;
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  return sizeof *six;
}

}  // namespace

// ------------------------------------------------------------------------------------------------- shared

bool Shared::Enter(const std::string& address) {
  std::lock_guard lock(mutex);
  if (connections >= config().connections_max) return false;
  size_t& count = by_address[address];
  if (count >= config().connections_per_address_max) return false;
  ++count;
  ++connections;
  return true;
}

void Shared::Left(const std::string& address) {
  std::lock_guard lock(mutex);
  --connections;
  const auto found = by_address.find(address);
  if (--found->second == 0) by_address.erase(found);
}

bool Shared::ReserveWithin(size_t bytes, size_t bound) {
  if (transfer_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bound) return true;
  ReleaseTransfer(bytes);
  return false;
}

bool Shared::ReserveTransfer(size_t bytes) { return ReserveWithin(bytes, config().transfer_memory); }

bool Shared::ReserveDownload(size_t bytes) { return ReserveWithin(bytes, config().transfer_memory / 2); }

void Shared::NewRequestId(std::string* id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  // splitmix64: every number once, in no visible order.
  uint64_t z = request_seed + (request_counter.fetch_add(1, std::memory_order_relaxed) + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  id->resize(16);
  for (size_t i = 0; i < id->size(); ++i) (*id)[i] = kDigits[z >> (60 - 4 * i) & 15];
}

// ------------------------------------------------------------------------------------------------- server

Server::Server(const config::Config& config) : config_(config), shared_(std::make_unique<Shared>(config)) {
  std::random_device device;
  shared_->request_seed = uint64_t{device()} << 32 | device();
  unsigned count = config.threads;
  if (count == 0) count = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>(*shared_, i));
}

Server::~Server() = default;

int Server::Bind(std::string* problem) {
  sockaddr_storage storage;
  const socklen_t size = Resolve(config_.address, config_.port, &storage);
  if (size == 0) {
    *problem = "\"" + config_.address + "\" is no IP address";
    return -1;
  }
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0 || listen(fd, 1024) != 0) {
    *problem = config_.address + " port " + std::to_string(config_.port) + ": " + std::strerror(errno);
    if (fd >= 0) close(fd);
    return -1;
  }
  return fd;
}

void Server::Listen(int fd) {
  port_ = PortOf(fd);
  loops_[0]->Listen(fd, [this](int accepted) { Accepted(accepted); });
}

void Server::Accepted(int fd) {
  std::string address = AddressOf(fd);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!shared_->Enter(address)) {
    shared_->refused.fetch_add(1, std::memory_order_relaxed);
    // Best effort: whoever is refused may be an attacker, who gets no buffer of ours.
    if (send(fd, kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) errno = 0;
    shutdown(fd, SHUT_WR);
    close(fd);
    return;
  }
  shared_->accepted.fetch_add(1, std::memory_order_relaxed);
  loops_[next_]->Adopt(fd, std::move(address));
  next_ = (next_ + 1) % loops_.size();
}

void Server::Start() {
  running_ = loops_.size();
  for (const auto& loop : loops_) {
    threads_.emplace_back([this, raw = loop.get()] {
      raw->Run();
      --running_;
    });
  }
}

void Server::Stop(const std::function<bool()>& hurry) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + config_.stop_timeout;
  for (const auto& loop : loops_) loop->BeginStop();
  bool cut = false;
  while (running_ > 0) {
    if (!cut && (Clock::now() > until || hurry())) {
      cut = true;
      for (const auto& loop : loops_) loop->Cut();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Server::WakeParked() {
  for (const auto& loop : loops_) loop->WakeParked();
}

}  // namespace jzse::serve
