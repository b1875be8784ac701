// SPDX-License-Identifier: Apache-2.0
#include "systemd/notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>

namespace jzse::systemd {
namespace {

constexpr uint64_t kSocketsMax = 64;

std::string Get(const Environment& environment, std::string_view name) {
  for (const std::string& variable : environment)
    if (variable.size() > name.size() && variable.starts_with(name) && variable[name.size()] == '=')
      return variable.substr(name.size() + 1);
  return "";
}

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One line of a message: what a status quotes must not add another.
std::string Line(std::string_view name, std::string_view value) {
  std::string line = std::string(name) + "=";
  for (const char c : value) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return line + "\n";
}

std::string MonotonicMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000);
}

// The socket's address: a path, or a name in the abstract space behind '@'. "" for anything else.
std::string UnixAddress(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() < 2 || name.size() >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@')) return "";
  std::memcpy(address.sun_path, name.data(), name.size());
  size_t size = offsetof(sockaddr_un, sun_path) + name.size();
  if (name[0] == '@') address.sun_path[0] = '\0';
  else ++size;  // a path's NUL counts, an abstract name has none
  return {reinterpret_cast<const char*>(&address), size};
}

bool IsListening(int fd) {
  int value = 0;
  socklen_t size = sizeof(value);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size) != 0 || value != SOCK_STREAM) return false;
  size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

std::string NameAt(std::string_view names, uint64_t index) {
  for (; index > 0; --index) {
    const size_t colon = names.find(':');
    if (colon == std::string_view::npos) return "unknown";
    names.remove_prefix(colon + 1);
  }
  const std::string name(names.substr(0, names.find(':')));
  return name.empty() ? "unknown" : name;
}

}  // namespace

Notifier::Notifier(const Environment& environment, int64_t pid) {
  address_ = UnixAddress(Get(environment, "NOTIFY_SOCKET"));
  if (address_.empty()) return;
  fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto microseconds = Number(Get(environment, "WATCHDOG_USEC"));
  const std::string watched = Get(environment, "WATCHDOG_PID");
  const bool ours = watched.empty() || Number(watched) == static_cast<uint64_t>(pid);
  if (microseconds && *microseconds > 1 && *microseconds < uint64_t{1} << 62 && ours)
    watchdog_interval_ = std::chrono::microseconds(*microseconds / 2);
}

Notifier::~Notifier() {
  if (fd_ >= 0) close(fd_);
}

void Notifier::Send(const std::string& message) {
  if (fd_ < 0) return;
  sockaddr_un address{};
  std::memcpy(&address, address_.data(), address_.size());
  (void)sendto(fd_, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
               static_cast<socklen_t>(address_.size()));
}

void Notifier::Ready(std::string_view status) { Send("READY=1\n" + Line("STATUS", status)); }
void Notifier::Reloading() { Send("RELOADING=1\n" + Line("MONOTONIC_USEC", MonotonicMicroseconds())); }
void Notifier::Stopping(std::string_view status) { Send("STOPPING=1\n" + Line("STATUS", status)); }
void Notifier::Status(std::string_view status) { Send(Line("STATUS", status)); }
void Notifier::Watchdog() { Send("WATCHDOG=1\n"); }
void Notifier::ExtendTimeout(std::chrono::microseconds time) {
  Send(Line("EXTEND_TIMEOUT_USEC", std::to_string(time.count())));
}

ListenSockets TakeListenSockets(const Environment& environment, int64_t pid, int first) {
  ListenSockets taken;
  const std::string target = Get(environment, "LISTEN_PID"), count_text = Get(environment, "LISTEN_FDS");
  if (target.empty() || count_text.empty()) return taken;
  const auto wanted = Number(target), count = Number(count_text);
  if (!wanted || !count || *count > kSocketsMax) {
    taken.error = "LISTEN_PID or LISTEN_FDS is no number that systemd would give";
    return taken;
  }
  if (*wanted != static_cast<uint64_t>(pid)) return taken;  // meant for a parent of ours
  const std::string names = Get(environment, "LISTEN_FDNAMES");
  for (uint64_t i = 0; i < *count; ++i) {
    const int fd = first + static_cast<int>(i);
    if (!IsListening(fd)) {
      taken.error = "descriptor " + std::to_string(fd) + " of LISTEN_FDS is no listening stream socket";
      return taken;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    taken.sockets.push_back({fd, NameAt(names, i)});
  }
  return taken;
}

}  // namespace jzse::systemd
