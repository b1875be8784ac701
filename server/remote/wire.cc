// SPDX-License-Identifier: Apache-2.0
#include "remote/wire.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace jzse::remote {
namespace {

namespace bh = boost::beast::http;
using Parser = bh::response_parser<bh::buffer_body>;
using Clock = std::chrono::steady_clock;
using Kind = Trouble::Kind;

constexpr int kSliceMs = 100;
constexpr size_t kReceiveSize = 256 * 1024;
constexpr uint32_t kHeadMax = 64 * 1024;

Trouble Lost(const char* what, int error_number) {
  return {Kind::kLost, error_number == 0 ? std::string(what) : std::string(what) + ": " + std::strerror(error_number)};
}

// Waits for one of `events`. *ready has what came.
Trouble WaitFor(int fd, short events, int wait_ms, const std::function<bool()>& interrupted, short* ready) {
  const auto end = Clock::now() + std::chrono::milliseconds(wait_ms);
  for (;;) {
    if (interrupted && interrupted()) return {Kind::kInterrupted, "interrupted"};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return {Kind::kTimeout, "no answer in time"};
    pollfd one{fd, events, 0};
    const int count = poll(&one, 1, static_cast<int>(std::min<long long>(left, kSliceMs)));
    if (count > 0) *ready = one.revents;
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return Lost("poll", errno);
  }
}

int ConnectTo(const addrinfo& address, const Wire::Limits& limits, Trouble* trouble) {
  const int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol);
  if (fd < 0) {
    *trouble = {Kind::kConnect, std::strerror(errno)};
    return -1;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *trouble = {};
  if (connect(fd, address.ai_addr, address.ai_addrlen) == 0) return fd;
  int error_number = errno;
  if (error_number == EINPROGRESS || error_number == EINTR) {
    short ready = 0;
    *trouble = WaitFor(fd, POLLOUT, limits.connect_ms, limits.interrupted, &ready);
    socklen_t size = sizeof error_number;
    if (!*trouble) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &size);
    if (!*trouble && error_number == 0) return fd;
  }
  if (trouble->kind != Kind::kInterrupted) *trouble = {Kind::kConnect, *trouble ? "does not answer" : std::strerror(error_number)};
  close(fd);
  return -1;
}

}  // namespace

const std::string& AnswerHead::Get(std::string_view lower_name) const {
  static const std::string kNone;
  for (const auto& [name, value] : fields) {
    if (name == lower_name) return value;
  }
  return kNone;
}

struct Wire::State {
  int fd = -1;
  Limits limits;
  std::string in;  // received, not yet parsed: from in_begin on
  size_t in_begin = 0;
  std::unique_ptr<Parser> parser;
  bool sent_all = true, broken = false, ended = true;

  ~State() { close(fd); }

  // More bytes into `in`. *at_end when the other side has closed.
  Trouble Receive(int wait_ms, bool* at_end) {
    *at_end = false;
    in.erase(0, std::exchange(in_begin, 0));
    const size_t held = in.size();
    for (;;) {
      in.resize(held + kReceiveSize);
      const ssize_t n = recv(fd, in.data() + held, kReceiveSize, 0);
      const int error_number = errno;
      in.resize(held + static_cast<size_t>(std::max<ssize_t>(n, 0)));
      *at_end = n == 0;
      if (n >= 0) return {};
      if (error_number == EINTR) continue;
      if (error_number != EAGAIN) return Lost("the connection broke", error_number);
      short ready = 0;
      if (Trouble trouble = WaitFor(fd, POLLIN, wait_ms, limits.interrupted, &ready)) return trouble;
    }
  }
};

Wire::Wire(std::unique_ptr<State> state) : state_(std::move(state)) {}
Wire::~Wire() = default;

std::unique_ptr<Wire> Wire::Open(const std::string& host, const std::string& port, const Limits& limits, Trouble* trouble) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  int code = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  hints.ai_flags = AI_NUMERICSERV;  // a machine without any address but loopback
  if (code != 0) code = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (code != 0) {
    *trouble = {Kind::kConnect, gai_strerror(code)};
    return nullptr;
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  int fd = -1;
  for (const addrinfo* at = found; at != nullptr && fd < 0 && trouble->kind != Kind::kInterrupted; at = at->ai_next)
    fd = ConnectTo(*at, limits, trouble);
  if (fd < 0) return nullptr;
  auto state = std::make_unique<State>();
  state->fd = fd;
  state->limits = limits;
  return std::unique_ptr<Wire>(new Wire(std::move(state)));
}

bool Wire::sent_all() const { return state_->sent_all; }

Trouble Wire::Send(std::string_view head, std::string_view body) {
  State& s = *state_;
  std::string first(head);
  first.append(body.substr(0, std::min<size_t>(body.size(), 16 * 1024)));
  body.remove_prefix(first.size() - head.size());
  s.sent_all = false;
  s.broken = true;  // until an answer was read to its end
  for (std::string_view rest : {std::string_view(first), body}) {
    while (!rest.empty()) {
      const ssize_t n = send(s.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n > 0) rest.remove_prefix(static_cast<size_t>(n));
      if (n >= 0 || errno == EINTR) continue;
      // The answer may say why nothing more is taken.
      if (errno == EPIPE || errno == ECONNRESET) return {};
      if (errno != EAGAIN) return Lost("the connection broke", errno);
      short ready = 0;
      if (Trouble trouble = WaitFor(s.fd, POLLIN | POLLOUT, s.limits.silence_ms, s.limits.interrupted, &ready)) return trouble;
      if ((ready & POLLIN) != 0 && (ready & POLLOUT) == 0) return {};
    }
  }
  s.sent_all = true;
  return {};
}

Trouble Wire::ReceiveHead(bool head_only, int wait_ms, AnswerHead* head) {
  State& s = *state_;
  for (;;) {
    s.parser = std::make_unique<Parser>();
    s.parser->header_limit(kHeadMax);
    s.parser->body_limit(boost::none);
    s.parser->skip(head_only);
    s.ended = false;
    boost::beast::error_code ec;
    while (!s.parser->is_header_done()) {
      const size_t n = s.in_begin == s.in.size()
                           ? 0
                           : s.parser->put(boost::asio::buffer(s.in.data() + s.in_begin, s.in.size() - s.in_begin), ec);
      s.in_begin += n;
      if (ec && ec != bh::error::need_more) return {Kind::kMalformed, "the answer is no HTTP: " + ec.message()};
      if (s.parser->is_header_done()) break;
      bool at_end = false;
      if (Trouble trouble = s.Receive(wait_ms, &at_end)) return trouble;
      if (at_end) return Lost("the server closed the connection", 0);
    }
    if (s.parser->get().result_int() >= 200) break;
  }
  head->status = static_cast<int>(s.parser->get().result_int());
  head->fields.clear();
  for (const auto& field : s.parser->get()) {
    std::string name(field.name_string());
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    head->fields.emplace_back(std::move(name), std::string(field.value()));
  }
  const auto length = s.parser->content_length();
  head->length = length ? std::optional<uint64_t>(*length) : std::nullopt;
  return {};
}

Trouble Wire::ReceiveBody(void* buffer, size_t size, size_t* count) {
  State& s = *state_;
  *count = 0;
  while (*count == 0 && !s.parser->is_done()) {
    bh::buffer_body::value_type& body = s.parser->get().body();
    body.data = buffer;
    body.size = size;
    body.more = true;
    boost::beast::error_code ec;
    size_t used = 0;
    if (s.in_begin < s.in.size()) {
      used = s.parser->put(boost::asio::buffer(s.in.data() + s.in_begin, s.in.size() - s.in_begin), ec);
      s.in_begin += used;
      if (ec && ec != bh::error::need_more && ec != bh::error::need_buffer)
        return {Kind::kMalformed, "the answer is no HTTP: " + ec.message()};
      *count = size - body.size;
    }
    if (*count > 0 || s.parser->is_done() || used > 0) continue;
    bool at_end = false;
    if (Trouble trouble = s.Receive(s.limits.silence_ms, &at_end)) return trouble;
    if (!at_end) continue;
    s.parser->put_eof(ec);  // an end may be what ends a body without a length
    if (!s.parser->is_done()) return Lost("the connection ended in the middle of an answer", 0);
  }
  if (*count == 0) {
    s.ended = true;
    s.broken = !s.sent_all || !s.parser->keep_alive();
  }
  return {};
}

bool Wire::reusable() const {
  const State& s = *state_;
  if (s.broken || !s.ended || s.in_begin != s.in.size()) return false;
  pollfd one{s.fd, POLLIN, 0};
  return poll(&one, 1, 0) == 0;
}

}  // namespace jzse::remote
