// SPDX-License-Identifier: Apache-2.0
#include "log/log.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace jzse::log {

// The lines between the callers and the descriptor. `filling_` is what callers append to, `writing` what the thread
// writes; they change places, so a caller holds the lock for one append.
class Log::Writer {
 public:
  explicit Writer(Options options)
      : options_(std::move(options)), level_(options_.level), format_(options_.format), thread_([this] { Run(); }) {}

  ~Writer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  int64_t Now() const {
    if (options_.now_ns) return options_.now_ns();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  void Append(const std::string& line) {
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      if (filling_.size() + line.size() > options_.buffer_max) {
        ++dropped_;
        ++untold_;
        return;
      }
      was_empty = filling_.empty();
      filling_ += line;
      ++appended_;
    }
    if (was_empty) wake_.notify_one();
  }

  void Flush() {
    std::unique_lock lock(mutex_);
    const uint64_t goal = appended_;
    written_change_.wait(lock, [&] { return written_ >= goal; });
  }

  uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

  std::atomic<Level>& level() { return level_; }
  std::atomic<Format>& format() { return format_; }

 private:
  void Run() {
    std::string writing;
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return !filling_.empty() || untold_ != 0 || stopping_; });
      if (filling_.empty() && untold_ == 0) return;
      writing.clear();
      writing.swap(filling_);
      const uint64_t lines = appended_, untold = std::exchange(untold_, 0);
      lock.unlock();
      if (untold != 0) {
        const Field count("count", untold);
        writing += FormatLine(format_.load(), Now(), Level::kWarning, "dropped", std::span(&count, 1));
      }
      WriteAll(writing);
      lock.lock();
      written_ = lines;
      written_change_.notify_all();
    }
  }

  // What cannot be written is given up: there is nobody left to tell.
  void WriteAll(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t count = write(options_.fd, text.data(), text.size());
      if (count > 0) {
        text.remove_prefix(static_cast<size_t>(count));
      } else if (count < 0 && errno == EAGAIN) {
        pollfd waiting{options_.fd, POLLOUT, 0};
        poll(&waiting, 1, 100);
      } else if (count == 0 || errno != EINTR) {
        return;
      }
    }
  }

  const Options options_;
  std::atomic<Level> level_;
  std::atomic<Format> format_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, written_change_;
  std::string filling_;
  uint64_t appended_ = 0, written_ = 0, dropped_ = 0, untold_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

Log::Log(Options options) : writer_(std::make_unique<Writer>(std::move(options))) {}
Log::~Log() = default;

bool Log::Enabled(Level level) const { return level <= writer_->level().load(std::memory_order_relaxed); }
void Log::SetLevel(Level level) { writer_->level().store(level); }
void Log::SetFormat(Format format) { writer_->format().store(format); }
void Log::Flush() { writer_->Flush(); }
uint64_t Log::dropped() const { return writer_->dropped(); }

void Log::Write(Level level, std::string_view event, std::span<const Field> fields) {
  if (!Enabled(level)) return;
  writer_->Append(FormatLine(writer_->format().load(std::memory_order_relaxed), writer_->Now(), level, event, fields));
}

}  // namespace jzse::log
