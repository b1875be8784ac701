// SPDX-License-Identifier: Apache-2.0
// Structured logs: logfmt lines on a descriptor, written by a thread of their own, so that a full pipe never holds a request up.
//
// Invariants
//   1. Lines are whole and in order. What does not fit the buffer (1 MiB) is dropped and counted; the count is logged once there is room.
//
// Threading: Write from any thread.
#ifndef JZSE_SERVER_CONFIG_LOG_H_
#define JZSE_SERVER_CONFIG_LOG_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace jzse::config {

enum class LogLevel { kError = 0, kWarning = 1, kInfo = 2, kDebug = 3 };

// One line's fields, in order.
class LogFields {
 public:
  LogFields& Add(std::string_view key, std::string_view value);  // quoted where needed
  LogFields& Add(std::string_view key, uint64_t value);
  LogFields& Seconds(std::string_view key, int64_t micros);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Log {
 public:
  Log(int fd, LogLevel level);
  ~Log();  // writes what is left
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool Wants(LogLevel level) const { return level <= level_; }
  void Write(LogLevel level, std::string_view event, const LogFields& fields = {});

 private:
  void Run();

  const int fd_;
  const LogLevel level_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string buffer_;
  uint64_t dropped_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace jzse::config

#endif  // JZSE_SERVER_CONFIG_LOG_H_
