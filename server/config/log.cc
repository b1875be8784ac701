// SPDX-License-Identifier: Apache-2.0
#include "config/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "http/date.h"
#include "http/problem.h"

namespace jzse::config {
namespace {

constexpr size_t kBufferMax = 1024 * 1024;
constexpr std::array<std::string_view, 4> kNames = {"error", "warning", "info", "debug"};

bool IsPlain(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
}

std::string LineOf(LogLevel level, std::string_view event, const LogFields& fields) {
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  LogFields head;
  head.Add("time", http::FormatRfc3339(now.count(), 3)).Add("level", kNames[static_cast<size_t>(level)]).Add("event", event);
  return head.text() + fields.text() + "\n";
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;  // there is nobody left to tell
    if (count > 0) text.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace

LogFields& LogFields::Add(std::string_view key, std::string_view value) {
  if (!text_.empty() || key != "time") text_.push_back(' ');
  text_.append(key).push_back('=');
  if (IsPlain(value)) {
    text_.append(value);
  } else {
    http::AppendJsonString(value, &text_);
  }
  return *this;
}

LogFields& LogFields::Add(std::string_view key, uint64_t value) { return Add(key, std::to_string(value)); }

LogFields& LogFields::Seconds(std::string_view key, int64_t micros) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", static_cast<double>(micros) / 1e6);
  return Add(key, text);
}

Log::Log(int fd, LogLevel level) : fd_(fd), level_(level), thread_([this] { Run(); }) {}

Log::~Log() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Log::Write(LogLevel level, std::string_view event, const LogFields& fields) {
  if (!Wants(level)) return;
  const std::string line = LineOf(level, event, fields);
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (buffer_.size() + line.size() > kBufferMax) {
      ++dropped_;
      return;
    }
    wake = buffer_.empty();
    buffer_ += line;
  }
  if (wake) wake_.notify_one();
}

void Log::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !buffer_.empty(); });
    if (buffer_.empty()) return;
    if (dropped_ > 0) {
      buffer_ += LineOf(LogLevel::kWarning, "log_dropped", LogFields().Add("lines", dropped_));
      dropped_ = 0;
    }
    std::string text;
    text.swap(buffer_);
    lock.unlock();
    WriteAll(fd_, text);
    lock.lock();
  }
}

}  // namespace jzse::config
