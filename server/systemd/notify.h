// SPDX-License-Identifier: Apache-2.0
// What systemd and a service say to each other: readiness and the watchdog one way, listening sockets the other.
//
// Written here rather than taken from libsystemd: the protocol is one datagram and three environment variables, documented
// and promised stable (sd_notify(3), sd_listen_fds(3)), and libsystemd comes as a shared library only, which the static
// binary could not link.
//
// Nothing here reads the environment by itself: it is passed in, as NAME=VALUE.
// Threading: Notifier's members may be called from any thread; the rest is for the start of main.
#ifndef JZSE_SERVER_SYSTEMD_NOTIFY_H_
#define JZSE_SERVER_SYSTEMD_NOTIFY_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jzse::systemd {

using Environment = std::vector<std::string>;

// Sends state to the socket that NOTIFY_SOCKET names; does nothing where there is none. A message that cannot be sent is
// lost: the service manager has its own deadlines, and a service must not hang for it.
class Notifier {
 public:
  Notifier(const Environment& environment, int64_t pid);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  bool active() const { return fd_ >= 0; }
  void Ready(std::string_view status);
  void Reloading();  // Ready tells that it is over
  void Stopping(std::string_view status);
  void Status(std::string_view status);
  void Watchdog();  // alive: to be sent every watchdog_interval
  // More time for a start or stop that takes long (a rebuild of the index).
  void ExtendTimeout(std::chrono::microseconds time);

  // Half of the time after which systemd would consider the service dead; nullopt when it does not watch.
  std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_interval_; }

 private:
  void Send(const std::string& message);

  int fd_ = -1;
  std::string address_;  // a sockaddr_un, as long as its path makes it
  std::optional<std::chrono::microseconds> watchdog_interval_;
};

struct ListenSocket {
  int fd;
  std::string name;  // FileDescriptorName= of the socket unit; "unknown" without one
};
struct ListenSockets {
  std::vector<ListenSocket> sockets;
  std::string error;  // a variable is malformed, or a descriptor is no listening stream socket
};

// The sockets that systemd hands over to the process `pid` (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES), from descriptor
// `first` upwards; marks them close-on-exec and non-blocking. Empty where there are none for this process. At most 64.
inline constexpr int kFirstDescriptor = 3;
ListenSockets TakeListenSockets(const Environment& environment, int64_t pid, int first = kFirstDescriptor);

}  // namespace jzse::systemd

#endif  // JZSE_SERVER_SYSTEMD_NOTIFY_H_
