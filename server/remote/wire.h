// SPDX-License-Identifier: Apache-2.0
// One connection to a server: requests out, answers in, every wait bounded and interruptible. Beast's parser reads the answers
// (wire.cc only).
//
// Order of use: Send, then ReceiveHead, then ReceiveBody until it gives 0; then again, if reusable().
// Threads: one at a time.
#ifndef JZSE_REMOTE_WIRE_H_
#define JZSE_REMOTE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jzse::remote {

struct Trouble {
  enum class Kind { kNone, kConnect, kLost, kTimeout, kInterrupted, kMalformed };
  Kind kind = Kind::kNone;
  std::string text;  // what happened, without the server's name

  explicit operator bool() const { return kind != Kind::kNone; }
};

struct AnswerHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  std::optional<uint64_t> length;                           // of the body, where it is told

  // The first value of that name, or "".
  const std::string& Get(std::string_view lower_name) const;
};

class Wire {
 public:
  struct Limits {
    int connect_ms = 10'000;
    int silence_ms = 60'000;  // while bytes are sent or a body is read
    std::function<bool()> interrupted;
  };
  // Connects to the first address that answers. Null with *trouble.
  static std::unique_ptr<Wire> Open(const std::string& host, const std::string& port, const Limits& limits, Trouble* trouble);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Stops early, without trouble, where the server answers before it has everything; sent_all() tells.
  Trouble Send(std::string_view head, std::string_view body);
  bool sent_all() const;
  // Interim answers (1xx) are passed over. `head_only`: the answer to HEAD.
  Trouble ReceiveHead(bool head_only, int wait_ms, AnswerHead* head);
  // Up to `size` bytes of the body; *count 0 at its end. An end before its time is trouble.
  Trouble ReceiveBody(void* buffer, size_t size, size_t* count);
  // Everything was read, and the server keeps the connection. Looks at the socket.
  bool reusable() const;

 private:
  struct State;
  explicit Wire(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace jzse::remote

#endif  // JZSE_REMOTE_WIRE_H_
