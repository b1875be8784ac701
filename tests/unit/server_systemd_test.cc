// SPDX-License-Identifier: Apache-2.0
// Readiness and socket activation, with real sockets.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "systemd/notify.h"

namespace {

using namespace jzse::systemd;

// The service manager's end.
class Receiver {
 public:
  explicit Receiver(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), name_(name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
  }
  ~Receiver() {
    close(fd_);
    if (name_[0] != '@') unlink(name_.c_str());
  }
  std::string Next() {
    char text[4096];
    const ssize_t size = recv(fd_, text, sizeof(text), 0);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  int fd_;
  std::string name_;
};

int Listener() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(listen(fd, 4) == 0);
  return fd;
}

// Puts two descriptors next to each other, as systemd does from 3 on; Catch2 itself has those, so it is higher up here.
int Place(int one, int two) {
  const int first = fcntl(one, F_DUPFD, 200);
  REQUIRE(first >= 0);
  REQUIRE(dup2(two, first + 1) == first + 1);
  close(one);
  close(two);
  return first;
}

}  // namespace

TEST_CASE("what the manager is told") {
  const std::string path = std::filesystem::temp_directory_path() / ("jzse-notify-" + std::to_string(getpid()));
  for (const std::string& name : {path, "@jzse-notify-" + std::to_string(getpid())}) {
    CAPTURE(name);
    Receiver manager(name);
    Notifier notifier({"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=3000000"}, getpid());
    REQUIRE(notifier.active());
    notifier.Ready("serving http://127.0.0.1:7380/");
    CHECK(manager.Next() == "READY=1\nSTATUS=serving http://127.0.0.1:7380/\n");
    notifier.Reloading();
    const std::string reloading = manager.Next();
    CHECK(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(std::stoull(reloading.substr(27)) > 0);
    notifier.Stopping("two\nREADY=1");  // a status cannot smuggle another message in
    CHECK(manager.Next() == "STOPPING=1\nSTATUS=two READY=1\n");
    notifier.Watchdog();
    CHECK(manager.Next() == "WATCHDOG=1\n");
    notifier.ExtendTimeout(std::chrono::seconds(10));
    CHECK(manager.Next() == "EXTEND_TIMEOUT_USEC=10000000\n");
    CHECK(notifier.watchdog_interval() == std::chrono::microseconds(1'500'000));
  }
}

TEST_CASE("without a manager, or with one that has gone, nothing happens") {
  Notifier none({"HOME=/h"}, getpid());
  CHECK_FALSE(none.active());
  none.Ready("x");
  for (const char* bad : {"NOTIFY_SOCKET=", "NOTIFY_SOCKET=relative", "NOTIFY_SOCKET=vsock:2:1", "NOTIFY_SOCKET=/"})
    CHECK_FALSE(Notifier({bad}, getpid()).active());
  CHECK_FALSE(Notifier({"NOTIFY_SOCKET=/" + std::string(200, 'a')}, getpid()).active());
  Notifier gone({"NOTIFY_SOCKET=/nowhere/socket"}, getpid());
  gone.Ready("x");
}

TEST_CASE("a watchdog that is meant for another process, or is malformed, is none") {
  const std::string socket = "NOTIFY_SOCKET=@jzse-none";
  CHECK(Notifier({socket, "WATCHDOG_USEC=2", "WATCHDOG_PID=7"}, 7).watchdog_interval());
  CHECK_FALSE(Notifier({socket, "WATCHDOG_USEC=2", "WATCHDOG_PID=8"}, 7).watchdog_interval());
  for (const char* bad : {"WATCHDOG_USEC=", "WATCHDOG_USEC=0", "WATCHDOG_USEC=-1", "WATCHDOG_USEC=1s", "WATCHDOG_USEC=18446744073709551615"})
    CHECK_FALSE(Notifier({socket, bad}, 7).watchdog_interval());
}

TEST_CASE("listening sockets are taken over") {
  const int first = Place(Listener(), Listener());
  const ListenSockets taken = TakeListenSockets({"LISTEN_PID=7", "LISTEN_FDS=2", "LISTEN_FDNAMES=http:admin"}, 7, first);
  REQUIRE(taken.error.empty());
  REQUIRE(taken.sockets.size() == 2);
  CHECK(taken.sockets[0].fd == first);
  CHECK(taken.sockets[0].name == "http");
  CHECK(taken.sockets[1].fd == first + 1);
  CHECK(taken.sockets[1].name == "admin");
  for (const ListenSocket& socket : taken.sockets) {
    CHECK((fcntl(socket.fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(socket.fd, F_GETFL) & O_NONBLOCK) != 0);
    close(socket.fd);
  }
}

TEST_CASE("sockets that are not ours are left alone, and what is no listening socket is refused") {
  CHECK(TakeListenSockets({}, 7).sockets.empty());
  CHECK(TakeListenSockets({"LISTEN_PID=8", "LISTEN_FDS=2"}, 7).sockets.empty());
  CHECK(TakeListenSockets({"LISTEN_PID=8", "LISTEN_FDS=2"}, 7).error.empty());
  for (const char* bad : {"LISTEN_FDS=-1", "LISTEN_FDS=two", "LISTEN_FDS=100000", "LISTEN_FDS=18446744073709551617"})
    CHECK_FALSE(TakeListenSockets({"LISTEN_PID=7", bad}, 7).error.empty());
  const int first = Place(Listener(), open("/dev/null", O_RDONLY));
  const ListenSockets taken = TakeListenSockets({"LISTEN_PID=7", "LISTEN_FDS=2"}, 7, first);
  CHECK(taken.error.find(std::to_string(first + 1)) != std::string::npos);
  CHECK_FALSE(TakeListenSockets({"LISTEN_PID=7", "LISTEN_FDS=1"}, 7, 900).error.empty());  // nothing is open there
  close(first);
  close(first + 1);
}
