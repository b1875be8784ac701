// SPDX-License-Identifier: Apache-2.0
// Structured logs: one event, one line, as logfmt or JSON.
//
//   time=2024-05-31T15:04:59.123Z level=info event=request id=4f1c method=GET target="/v1/a b" status=200 ms=0.41
//   {"time":"2024-05-31T15:04:59.123Z","level":"info","event":"request","id":"4f1c",...,"status":200,"ms":0.41}
//
// Invariants
//   1. Write never waits for the reader of the log: it formats the line and appends it to a bounded buffer, which a thread of
//      the log empties with write(2). When the buffer is full the line is dropped and counted; once there is room again, a line
//      "dropped" tells how many. A terminal that someone holds with ^S does not stop the server.
//   2. What clients send cannot end a line, forge a field or reach a terminal raw: logfmt quotes and escapes, JSON escapes;
//      bytes that are no UTF-8 come out as \xHH (logfmt) or U+FFFD (JSON). A value is cut after kValueMax bytes.
//   3. Destruction writes what is buffered. A line is written whole or, when the process is killed, not at all or cut at its
//      end.
// Threading: every member may be called from any thread.
#ifndef JZSE_SERVER_LOG_LOG_H_
#define JZSE_SERVER_LOG_LOG_H_

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace jzse::log {

enum class Level { kError = 0, kWarning = 1, kInfo = 2, kDebug = 3 };  // as JZSE_LOG_*
enum class Format { kLogfmt = 0, kJson = 1 };

inline constexpr size_t kValueMax = 1024;       // bytes of one text value
inline constexpr size_t kBufferMax = 1 << 20;   // of lines that wait to be written

struct Field {
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;
  template <class T>
  Field(std::string_view name, const T& value) : name(name), value(Make(value)) {}

  std::string_view name;  // [a-z0-9_]; "time", "level" and "event" are taken
  Value value;

 private:
  template <class T>
  static Value Make(const T& value) {
    if constexpr (std::same_as<T, bool>) return value;
    else if constexpr (std::floating_point<T>) return static_cast<double>(value);
    else if constexpr (std::signed_integral<T>) return static_cast<int64_t>(value);
    else if constexpr (std::unsigned_integral<T>) return static_cast<uint64_t>(value);
    else return std::string_view(value);
  }
};

// One line, its end included. Pure; `ns` is the time since 1970.
std::string FormatLine(Format format, int64_t ns, Level level, std::string_view event, std::span<const Field> fields);

class Log {
 public:
  struct Options {
    int fd = 2;
    Level level = Level::kInfo;
    Format format = Format::kLogfmt;
    size_t buffer_max = kBufferMax;
    std::function<int64_t()> now_ns;  // the system's clock if empty
  };
  explicit Log(Options options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool Enabled(Level level) const;
  void SetLevel(Level level);
  void SetFormat(Format format);
  void Write(Level level, std::string_view event, std::span<const Field> fields);
  void Write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    Write(level, event, std::span(fields.begin(), fields.size()));
  }
  // Waits until what was written before is out, or the descriptor has failed.
  void Flush();
  uint64_t dropped() const;

 private:
  class Writer;
  std::unique_ptr<Writer> writer_;
};

}  // namespace jzse::log

#endif  // JZSE_SERVER_LOG_LOG_H_
