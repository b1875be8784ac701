// SPDX-License-Identifier: Apache-2.0
// A progress bar with rate and time left, drawn by a thread of its own on the status line of
// Output; on no terminal it costs nothing. It appears only after a moment, so that short work does
// not flicker. Threads: Add, Expect and the counters from any; construction and destruction from
// one.
#ifndef JZSE_CLI_PROGRESS_H_
#define JZSE_CLI_PROGRESS_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "output.h"

namespace jzse::cli {

struct ProgressState {
  uint64_t bytes = 0, bytes_total = 0;  // a total of 0 is unknown
  uint64_t items = 0, items_total = 0;
  double seconds = 0;
};
// One line of at most `width` columns. Bytes lead where there are any, otherwise items.
std::string ProgressLine(std::string_view label, const ProgressState& state, size_t width,
                         bool unicode);

class Progress {
 public:
  Progress(Output* output, std::string label);
  ~Progress() { Stop(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool active() const { return thread_.joinable(); }
  void Add(uint64_t bytes, uint64_t items = 0) {
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    items_.fetch_add(items, std::memory_order_relaxed);
  }
  // Both totals, known late or growing.
  void Expect(uint64_t bytes, uint64_t items) {
    bytes_total_.store(bytes, std::memory_order_relaxed);
    items_total_.store(items, std::memory_order_relaxed);
  }
  void SetBytes(uint64_t done, uint64_t total);
  void SetItems(uint64_t done, uint64_t total);
  void Stop();
  double seconds() const;

 private:
  void Run();

  Output& output_;
  const std::string label_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<uint64_t> bytes_{0}, bytes_total_{0}, items_{0}, items_total_{0};
  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;
  std::thread thread_;
};

// For jzse_progress_fn: the context is a Progress. Non-zero once the user interrupted.
int OnProgressBytes(void* progress, uint64_t done, uint64_t total);
int OnProgressItems(void* progress, uint64_t done, uint64_t total);

}  // namespace jzse::cli

#endif  // JZSE_CLI_PROGRESS_H_
