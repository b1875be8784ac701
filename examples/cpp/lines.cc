// SPDX-License-Identifier: Apache-2.0
// A server with an event loop of its own, and a store inside it: nothing here ever waits for the disk.
//
//   lines STORE SOCKET      serves a Unix socket; ends on SIGTERM or SIGINT
//
// One line is one request:       One line is the answer, in the order of the requests:
//   put PATH TEXT                  ok SEQUENCE         when it is on disk
//   get PATH                       ok TEXT
//   del PATH                       ok
//   follow                         change TYPE PATH    for every change from now on
//                                  error CODE MESSAGE
//
// One thread, one epoll: the listening socket, the connections, SIGTERM, the completions (Async::descriptor) and the
// change feed (Feed::descriptor). Requests of all connections are under way at once, so the library commits them in
// groups. Bounds: kRequestsMax requests under way in all, and a connection that does not read its answers is not read
// either. Built without exceptions and RTTI, to show that jzse.hpp needs none.
//   c++ -std=c++17 lines.cc $(pkg-config --cflags --libs jzse) -o lines
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <jzse/jzse.hpp>

namespace {

constexpr uint32_t kRequestsMax = 256;
constexpr size_t kLineMax = 1 << 20;
constexpr size_t kOutputMax = 4 << 20;  // of a connection, before it is no longer read

struct Answer {
  bool ready = false;
  std::string line;
};

struct Connection {
  explicit Connection(int descriptor) : fd(descriptor) {}
  ~Connection() { close(fd); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const int fd;
  std::string input, output;
  std::deque<std::shared_ptr<Answer>> answers;  // in order of the requests; shared with the request under way
  bool follows = false;
  bool ended = false;                           // nothing more will come in
  uint32_t watched = 0;                         // what epoll was asked for
};

class Server {
 public:
  Server(jzse::Store store, jzse::Async async, jzse::Feed feed)
      : store_(std::move(store)), async_(std::move(async)), feed_(std::move(feed)) {}
  ~Server() {
    if (epoll_ >= 0) close(epoll_);
    if (signals_ >= 0) close(signals_);
    if (listener_ >= 0) close(listener_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  bool Listen(const char* path);
  bool Run();

 private:
  void Accept();
  void Read(Connection& connection);
  bool HasRoom(const Connection& connection) const {
    return async_.under_way() < kRequestsMax && connection.output.size() < kOutputMax;
  }
  bool CanObey(const Connection& connection) const {
    return HasRoom(connection) && connection.input.find('\n') != std::string::npos;
  }
  void Obey(Connection& connection);
  void Request(Connection& connection, std::string_view line);
  void TellFollowers();
  void Settle();
  bool Flush(Connection& connection);
  void Watch(int fd, uint32_t events, int operation);

  jzse::Store store_;
  jzse::Async async_;
  jzse::Feed feed_;
  int epoll_ = -1, signals_ = -1, listener_ = -1;
  std::map<int, std::unique_ptr<Connection>> connections_;
};

bool Complain(const char* what) {
  std::fprintf(stderr, "lines: %s: %s\n", what, std::strerror(errno));
  return false;
}

bool Complain(const char* what, const jzse::Error& error) {
  std::fprintf(stderr, "lines: %s: %s (%s)\n", what, error.message().c_str(), error.name());
  return false;
}

std::string ErrorLine(int code, const std::string& message) {
  return std::string("error ") + jzse_code_name(code) + " " + message;
}

void Server::Watch(int fd, uint32_t events, int operation) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, operation, fd, &event) != 0) Complain("epoll_ctl");
}

bool Server::Listen(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return Complain(path);
  }
  std::strcpy(address.sun_path, path);
  unlink(path);
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener_ < 0 || bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_, 64) != 0)
    return Complain(path);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  signals_ = signalfd(-1, &ending, SFD_CLOEXEC);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (signals_ < 0 || epoll_ < 0) return Complain("signalfd, epoll");
  for (const int fd : {listener_, signals_, async_.descriptor(), feed_.descriptor()}) Watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  return true;
}

bool Server::Run() {
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, 64, -1);
    if (count < 0 && errno != EINTR) return Complain("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == signals_) {
        // Whatever is under way becomes durable or not; nobody waits for its answer any more.
        while (async_.under_way() > 0) {
          if (auto done = async_.Dispatch(-1); !done) return Complain("requests", done.error());
        }
        return true;
      }
      if (fd == listener_) {
        Accept();
      } else if (fd == async_.descriptor()) {
        if (auto done = async_.Dispatch(); !done) return Complain("requests", done.error());
      } else if (fd == feed_.descriptor()) {
        TellFollowers();
      } else if (const auto found = connections_.find(fd); found != connections_.end()) {
        if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read(*found->second);
      }
    }
    Settle();
  }
}

void Server::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  connections_[fd] = std::make_unique<Connection>(fd);
  Watch(fd, connections_[fd]->watched = EPOLLIN, EPOLL_CTL_ADD);
}

void Server::Read(Connection& connection) {
  char buffer[1 << 16];
  const ssize_t count = recv(connection.fd, buffer, sizeof buffer, 0);
  if (count > 0) connection.input.append(buffer, static_cast<size_t>(count));
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) connection.ended = true;
  if (connection.input.size() > kLineMax && connection.input.find('\n') == std::string::npos) connection.ended = true;
}

// Starts as many of the connection's requests as there is room for.
void Server::Obey(Connection& connection) {
  size_t begin = 0;
  while (HasRoom(connection)) {
    const size_t end = connection.input.find('\n', begin);
    if (end == std::string::npos) break;
    Request(connection, std::string_view(connection.input).substr(begin, end - begin));
    begin = end + 1;
  }
  connection.input.erase(0, begin);
}

void Server::Request(Connection& connection, std::string_view line) {
  const auto word = [&line] {
    const size_t space = line.find(' ');
    const std::string_view first = line.substr(0, space);
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    return first;
  };
  const std::string_view verb = word();
  auto answer = std::make_shared<Answer>();
  connection.answers.push_back(answer);
  // The completion may come when the connection is gone: it holds the answer, nothing of the connection.
  const auto reply = [answer](jzse::Completion& done, std::string text) {
    answer->line = done.ok() ? std::move(text) : ErrorLine(done.code, done.message);
    answer->ready = true;
  };
  jzse::Result<void> submitted;
  if (verb == "put") {
    const std::string_view path = word();
    if (line.size() <= 64 << 10) {  // which the library copies
      submitted = async_.Put([reply](jzse::Completion& done) { reply(done, "ok " + std::to_string(done.info.sequence)); },
                             "default", path, line);
    } else {
      const auto kept = std::make_shared<std::string>(line);  // until the completion
      submitted = async_.Put(
          [reply, kept](jzse::Completion& done) { reply(done, "ok " + std::to_string(done.info.sequence)); }, "default",
          path, *kept);
    }
  } else if (verb == "get") {
    submitted = async_.Get([reply](jzse::Completion& done) { reply(done, "ok " + done.content.str()); }, "default", word());
  } else if (verb == "del") {
    submitted = async_.Delete([reply](jzse::Completion& done) { reply(done, "ok"); }, "default", word());
  } else if (verb == "follow") {
    connection.follows = true;
    answer->line = "ok";
    answer->ready = true;
  } else {
    submitted = jzse::Error(JZSE_INVALID, "no such request");
  }
  if (submitted) return;
  answer->line = ErrorLine(submitted.code(), submitted.error().message());
  answer->ready = true;
}

void Server::TellFollowers() {
  jzse::Feed::Changes pending = feed_.Pending();
  for (const jzse_change& change : pending) {
    for (const auto& [fd, connection] : connections_) {
      if (!connection->follows) continue;
      if (connection->output.size() > 2 * kOutputMax) connection->ended = true;  // reads too slowly to follow
      connection->output += std::string("change ") + (change.type == JZSE_CHANGE_DELETE ? "del " : "put ") + change.path + "\n";
    }
  }
  if (pending.error()) Complain("feed", *pending.error());
}

// After each round: what can be started is started, what is answered is sent, what is over is dropped.
void Server::Settle() {
  for (auto next = connections_.begin(); next != connections_.end();) {
    Connection& connection = *next->second;
    bool alive = true;
    do {
      Obey(connection);
      while (!connection.answers.empty() && connection.answers.front()->ready) {
        connection.output += connection.answers.front()->line + "\n";
        connection.answers.pop_front();
      }
      alive = Flush(connection);
    } while (alive && CanObey(connection));
    if (!alive || (connection.ended && connection.answers.empty() && connection.output.empty())) {
      next = connections_.erase(next);
      continue;
    }
    const bool more = !connection.ended && connection.input.size() < kLineMax && connection.output.size() < kOutputMax;
    const uint32_t wanted = (more ? uint32_t{EPOLLIN} : 0u) | (connection.output.empty() ? 0u : uint32_t{EPOLLOUT});
    if (wanted != connection.watched) Watch(connection.fd, connection.watched = wanted, EPOLL_CTL_MOD);
    ++next;
  }
}

bool Server::Flush(Connection& connection) {
  while (!connection.output.empty()) {
    const ssize_t count = send(connection.fd, connection.output.data(), connection.output.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    connection.output.erase(0, static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: lines STORE SOCKET\n");
    return 2;
  }
  auto store = jzse::Store::Open(argv[1], JZSE_OPEN_CREATE);
  if (!store) return Complain(argv[1], store.error()), 1;
  auto async = store->OpenAsync(kRequestsMax);
  if (!async) return Complain("queue", async.error()), 1;
  const auto stats = store->GetStats();
  if (!stats) return Complain("stats", stats.error()), 1;
  auto feed = store->OpenFeed(stats->sequence);  // changes from now on
  if (!feed) return Complain("feed", feed.error()), 1;
  Server server(std::move(*store), std::move(*async), std::move(*feed));
  return server.Listen(argv[2]) && server.Run() ? 0 : 1;
}
