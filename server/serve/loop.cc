// SPDX-License-Identifier: Apache-2.0
#include "serve/loop.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <deque>
#include <new>
#include <optional>
#include <vector>

#include "http/date.h"
#include "serve/connection.h"
#include "serve/server.h"

namespace jzse::serve {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kTick{250};

constexpr unsigned kProbeTicks = 4;
constexpr size_t kSpareMax = 8 * 1024 * 1024;
constexpr int kPassesMax = 16;  // before timers and hand-overs get their turn

int64_t NowMs() { return NowMicros() / 1000; }

}  // namespace

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Loop::State {
  struct Watched {
    Watched(asio::io_context& context, int fd, std::function<void()> call)
        : descriptor(context, fd), readable(std::move(call)) {}
    asio::posix::stream_descriptor descriptor;
    std::function<void()> readable;
  };
  struct Listened {
    Listened(asio::io_context& context, int fd, std::function<void(int)> call)
        : descriptor(context, fd), accept(std::move(call)) {}
    asio::posix::stream_descriptor descriptor;
    std::function<void(int)> accept;
    bool exhausted = false;  // no descriptor was left; tried again by a tick
  };

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  asio::steady_timer timer{context};
  std::optional<asio::posix::stream_descriptor> sockets;
  std::deque<Watched> watched;
  std::deque<Listened> listened;
};

// ------------------------------------------------------------------------------------------------- sockets

Socket::Socket(Loop& loop, int fd) : loop_(loop), fd_(fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  // If the kernel has no memory for it nothing is ever told, and the deadline of the head ends the connection.
  epoll_ctl(loop_.sockets_fd(), EPOLL_CTL_ADD, fd_, &event);
}

Socket::~Socket() { Close(); }

bool Socket::due() const {
  return (read_.done != nullptr && (readable_ || fd_ < 0)) || (write_.done != nullptr && (writable_ || fd_ < 0));
}

void Socket::Read(char* buffer, size_t size, Done done, void* self) {
  buffer_ = buffer;
  size_ = size;
  read_ = {done, self};
  if (due()) loop_.Due(this);
}

void Socket::WaitWritable(Done done, void* self) {
  writable_ = false;
  write_ = {done, self};
  if (due()) loop_.Due(this);
}

void Socket::Yield(Done done, void* self) {
  writable_ = true;
  write_ = {done, self};
  loop_.Due(this);
}

void Socket::Note(uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
  if ((events & EPOLLIN) != 0 || ended_) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if (due()) loop_.Due(this);
}

void Socket::Complete() {
  if (write_.done != nullptr && (writable_ || fd_ < 0)) {
    const Waiter waiter = std::exchange(write_, Waiter());
    waiter.done(waiter.self, fd_ < 0 ? -1 : 1);
  }
  if (read_.done == nullptr || !(readable_ || fd_ < 0)) return;
  ssize_t result = -1;
  if (fd_ >= 0) {
    do result = recv(fd_, buffer_, size_, 0);
    while (result < 0 && errno == EINTR);
    const bool nothing = result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (!ended_ && (nothing || (result > 0 && static_cast<size_t>(result) < size_))) readable_ = false;
    if (nothing) return;
  }
  const Waiter waiter = std::exchange(read_, Waiter());
  waiter.done(waiter.self, result);
}

void Socket::Close() {
  if (fd_ < 0) return;
  close(fd_);
  fd_ = -1;
  if (due()) loop_.Due(this);
}

// --------------------------------------------------------------------------------------------------- loop

Loop::Loop(Shared& shared, unsigned index)
    : shared_(shared), index_(index), state_(std::make_unique<State>()), sockets_fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (sockets_fd_ < 0) throw std::bad_alloc();
  now_ms_ = NowMs();
  date_ = http::FormatHttpDate(std::time(nullptr));
  state_->sockets.emplace(state_->context, sockets_fd_);  // which closes it
}

Loop::~Loop() {
  for (State::Watched& watched : state_->watched) watched.descriptor.release();  // not ours to close
}

void Loop::Run() {
  ArmTick();
  while (!finished()) {
    if (due_.empty()) {
      ArmSockets();
      state_->context.run_one();
    } else {
      state_->context.poll_one();
    }
    Round();
  }
}

// Everything that is ready now, then one hand-over.
void Loop::Round() {
  TakeArrived();
  gone_.clear();
  if (offloaded_.count > 0) shared_.pool.Submit(&offloaded_);
}

// Whoever judges a connection by the clock, or ends it, looks first at what has arrived: this loop may have been asleep for long.
void Loop::TakeArrived() {
  now_ms_ = NowMs();
  for (int i = 0; i < kPassesMax && Pass(); ++i) {
  }
}

// What the sockets have to tell now, each once. False: nothing.
bool Loop::Pass() {
  std::array<epoll_event, 128> events;
  const int count = epoll_wait(sockets_fd_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) static_cast<Socket*>(events[static_cast<size_t>(i)].data.ptr)->Note(events[static_cast<size_t>(i)].events);
  if (due_.empty()) return false;
  std::swap(due_, passing_);
  for (Socket* socket : passing_) {
    socket->queued_ = false;
    socket->Complete();
  }
  passing_.clear();
  return true;
}

void Loop::Due(Socket* socket) {
  if (std::exchange(socket->queued_, true)) return;
  due_.push_back(socket);
}

void Loop::ArmSockets() {
  if (std::exchange(sockets_armed_, true)) return;
  state_->sockets->async_wait(asio::posix::descriptor_base::wait_read, [this](const error_code&) { sockets_armed_ = false; });
}

void Loop::ArmTick() {
  state_->timer.expires_after(kTick);
  state_->timer.async_wait([this](const error_code& error) {
    if (error) return;
    Tick();
    ArmTick();
  });
}

void Loop::Tick() {
  TakeArrived();
  date_ = http::FormatHttpDate(std::time(nullptr));
  std::vector<Connection*> due;
  for (const auto& entry : connections_) {
    if (entry.first->Due(now_ms_)) due.push_back(entry.first);
  }
  for (Connection* connection : due) connection->Expire();
  if (index_ == 0 && shared_.tick) shared_.tick();
  if (++ticks_ % kProbeTicks == 0) {
    for (Connection* connection : Parked()) connection->Probe();
    if (!spare_.empty()) {
      spare_bytes_ -= spare_.front().capacity();
      spare_.erase(spare_.begin());
    }
  }
  if (ticks_ % kProbeTicks == 0) {
    for (size_t i = 0; i < state_->listened.size(); ++i) {
      if (std::exchange(state_->listened[i].exhausted, false)) ArmAccept(i);
    }
  }
}

Buffer Loop::TakeBuffer(size_t capacity) {
  for (Buffer& spare : spare_) {
    if (spare.capacity() < capacity || spare.capacity() > capacity + capacity / 4) continue;
    Buffer taken = std::move(spare);
    spare_bytes_ -= taken.capacity();
    std::swap(spare, spare_.back());
    spare_.pop_back();
    return taken;
  }
  Buffer made;
  made.Reserve(capacity);
  return made;
}

void Loop::GiveBuffer(Buffer buffer) {
  if (buffer.capacity() == 0 || spare_bytes_ + buffer.capacity() > kSpareMax) return;
  buffer.Clear();
  spare_bytes_ += buffer.capacity();
  spare_.push_back(std::move(buffer));
}

void Loop::Post(std::function<void()> call) { asio::post(state_->context, std::move(call)); }

void Loop::Adopt(int fd, std::string address) {
  count_.fetch_add(1, std::memory_order_relaxed);
  Post([this, fd, address = std::move(address)] {
    auto connection = std::make_unique<Connection>(*this, fd, address);
    Connection* const raw = connection.get();
    connections_.emplace(raw, std::move(connection));
    now_ms_ = NowMs();  // its deadlines count from here
    raw->Start();
  });
}

void Loop::Remove(Connection* connection) {
  const auto found = connections_.find(connection);
  shared_.Left(connection->address());
  gone_.push_back(std::move(found->second));
  connections_.erase(found);
  count_.fetch_sub(1, std::memory_order_relaxed);
}

void Loop::WakeParked() {
  Post([this] {
    ++wake_epoch_;
    for (Connection* connection : Parked()) connection->Wake();
  });
}

void Loop::WithConnection(const Connection* connection, std::function<void(Connection&)> call) {
  Post([this, connection, call = std::move(call)] {
    const auto found = connections_.find(const_cast<Connection*>(connection));
    if (found != connections_.end()) call(*found->first);
  });
}

std::vector<Connection*> Loop::Parked() const {
  std::vector<Connection*> parked;
  for (const auto& entry : connections_) {
    if (entry.first->parked()) parked.push_back(entry.first);
  }
  return parked;
}

bool Loop::Offload(Job* job, bool forced) {
  if (!shared_.pool.Reserve(forced)) return false;
  job->loop = this;
  offloaded_.Push(job);
  return true;
}

void Loop::GiveBack(Job* job) {
  bool wake = false;
  {
    std::lock_guard lock(back_mutex_);
    wake = back_.first == nullptr;
    back_.Push(job);
  }
  if (wake) Post([this] { TakeBack(); });
}

void Loop::TakeBack() {
  JobList jobs;
  {
    std::lock_guard lock(back_mutex_);
    std::swap(jobs, back_);
  }
  while (Job* job = jobs.Pop()) job->done();
}

void Loop::BeginStop() {
  Post([this] {
    TakeArrived();  // a request that was here before the stop is served
    stopping_ = true;
    StopListening();
    std::vector<Connection*> all;
    for (const auto& entry : connections_) all.push_back(entry.first);
    for (Connection* connection : all) connection->BeginStop();
  });
}

void Loop::Cut() {
  Post([this] {
    std::vector<Connection*> all;
    for (const auto& entry : connections_) all.push_back(entry.first);
    for (Connection* connection : all) connection->Cut("the server stops");
  });
}

void Loop::Watch(int fd, std::function<void()> readable) {
  state_->watched.emplace_back(state_->context, fd, std::move(readable));
  ArmWatch(state_->watched.size() - 1);
}

void Loop::ArmWatch(size_t index) {
  State::Watched& watched = state_->watched[index];
  watched.descriptor.async_wait(asio::posix::descriptor_base::wait_read, [this, index](const error_code& error) {
    if (error) return;
    state_->watched[index].readable();
    ArmWatch(index);
  });
}

void Loop::Listen(int fd, std::function<void(int)> accept) {
  state_->listened.emplace_back(state_->context, fd, std::move(accept));
  ArmAccept(state_->listened.size() - 1);
}

void Loop::StopListening() {
  for (State::Listened& listened : state_->listened) {
    error_code ignored;
    if (listened.descriptor.is_open()) listened.descriptor.close(ignored);
  }
}

void Loop::ArmAccept(size_t index) {
  State::Listened& listened = state_->listened[index];
  listened.descriptor.async_wait(asio::posix::descriptor_base::wait_read, [this, index](const error_code& error) {
    if (error || !state_->listened[index].descriptor.is_open()) return;
    // A few at a time, so that a flood of connections leaves room for requests.
    for (int i = 0; i < 64; ++i) {
      const int fd = accept4(state_->listened[index].descriptor.native_handle(), nullptr, nullptr,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) state_->listened[index].accept(fd);
      if (fd < 0 && errno != EINTR && errno != ECONNABORTED) {
        state_->listened[index].exhausted = errno != EAGAIN && errno != EWOULDBLOCK;
        break;
      }
    }
    if (!state_->listened[index].exhausted) ArmAccept(index);
  });
}

}  // namespace jzse::serve
