// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "interrupt.h"
#include "text.h"

namespace jzse::cli {
namespace {

constexpr std::chrono::milliseconds kFirst{250}, kPause{100};

size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::string Bar(double fraction, size_t width, bool unicode) {
  const auto full = static_cast<size_t>(fraction * static_cast<double>(width));
  std::string bar;
  for (size_t i = 0; i < width; ++i) {
    if (unicode) {
      bar += i < full ? "█" : "░";
    } else {
      bar += i < full ? '#' : '.';
    }
  }
  return unicode ? bar : fmt::format("[{}]", bar);
}

}  // namespace

std::string ProgressLine(std::string_view label, const ProgressState& s, size_t width,
                         bool unicode) {
  const bool by_bytes = s.bytes_total > 0 || (s.items_total == 0 && s.bytes > 0);
  const uint64_t done = by_bytes ? s.bytes : s.items;
  const uint64_t total = by_bytes ? s.bytes_total : s.items_total;
  const double rate = s.seconds > 0 ? static_cast<double>(done) / s.seconds : 0;
  const double fraction =
      total == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));

  std::string head(label), tail;
  if (total > 0) tail += fmt::format(" {:3.0f}%", fraction * 100);
  if (by_bytes) {
    tail += total > 0 ? fmt::format("  {} of {}", HumanSize(done), HumanSize(total))
                      : "  " + SizeText(done);
    tail += fmt::format("  {}/s", SizeText(static_cast<uint64_t>(rate)));
    if (s.items > 0) tail += "  " + CountText(s.items, "file");
  } else {
    tail += total > 0 ? fmt::format("  {} of {}", done, CountText(total, "file"))
                      : "  " + CountText(done, "file");
    tail += fmt::format("  {:.0f}/s", rate);
  }
  if (total > done && rate > 0) {
    tail += "  ETA " + DurationText(static_cast<double>(total - done) / rate);
  }
  const size_t used = head.size() + 1 + tail.size() + 2;
  std::string line = head;
  if (total > 0 && used + 8 < width) {
    line += " " + Bar(fraction, std::min<size_t>(24, width - used - 4), unicode);
  }
  line += tail;
  // Only ASCII but for the bar, which a line too long does not have.
  if (used >= width && line.size() >= width) line.resize(width - 1);
  return line;
}

Progress::Progress(Output* output, std::string label) : output_(*output), label_(std::move(label)) {
  if (output_.shows_progress()) thread_ = std::thread([this] { Run(); });
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::SetBytes(uint64_t done, uint64_t total) {
  bytes_.store(done, std::memory_order_relaxed);
  bytes_total_.store(total, std::memory_order_relaxed);
}

void Progress::SetItems(uint64_t done, uint64_t total) {
  items_.store(done, std::memory_order_relaxed);
  items_total_.store(total, std::memory_order_relaxed);
}

void Progress::Run() {
  std::unique_lock lock(mutex_);
  for (auto pause = kFirst; !stop_changed_.wait_for(lock, pause, [this] { return stop_; });
       pause = kPause) {
    ProgressState state;
    state.bytes = bytes_.load(std::memory_order_relaxed);
    state.bytes_total = bytes_total_.load(std::memory_order_relaxed);
    state.items = items_.load(std::memory_order_relaxed);
    state.items_total = items_total_.load(std::memory_order_relaxed);
    state.seconds = seconds();
    output_.SetStatus(ProgressLine(label_, state, TerminalWidth(), output_.unicode()));
  }
}

void Progress::Stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  thread_.join();
  output_.SetStatus("");
}

int OnProgressBytes(void* progress, uint64_t done, uint64_t total) {
  static_cast<Progress*>(progress)->SetBytes(done, total);
  return Interrupted() ? 1 : 0;
}

int OnProgressItems(void* progress, uint64_t done, uint64_t total) {
  static_cast<Progress*>(progress)->SetItems(done, total);
  return Interrupted() ? 1 : 0;
}

}  // namespace jzse::cli
