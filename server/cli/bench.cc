// SPDX-License-Identifier: Apache-2.0
// bench: what this disk gives through the library, measured on a store of its own that is removed
// again. Figures of one run on one machine at one moment; the harness that compares with peers is
// bench/run. Threads: as many as a measurement says, each with its own data.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "interrupt.h"
#include "posix.h"
#include "text.h"
#include "transfer.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

constexpr size_t kSmall = 4096, kPiece = 1024 * 1024;
constexpr uint64_t kLarge = 256 * kPiece;
constexpr uint64_t kNamesPerThread = 20'000;

// Bytes that neither compress nor repeat, different for every seed.
void FillNoise(uint64_t seed, char* data, size_t size) {
  uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
  for (size_t i = 0; i + sizeof x <= size; i += sizeof x) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    std::memcpy(data + i, &x, sizeof x);
  }
}

class Bench {
 public:
  Bench(Context& context, double seconds, jzse_store* store)
      : out_(context.out), seconds_(seconds), store_(store) {}

  int Run() {
    for (const int threads : {1, 16, 64}) {
      Measure("put 4 KiB", threads, "operations",
              [&](int thread, uint64_t i) { return Put(thread, i); });
    }
    Measure("get 4 KiB", 1, "operations", [&](int, uint64_t i) { return Get(i); });
    Measure("get 4 KiB", 4, "operations",
            [&](int thread, uint64_t i) { return Get(i + 7919u * thread); });
    if (!failed_ && !Interrupted()) Large();
    if (Interrupted()) return InterruptExitCode();
    return failed_ ? out_.Fail(error_.raw) : kExitOk;
  }

 private:
  static std::string Path(uint64_t thread, uint64_t i) {
    return fmt::format("bench/{}/{}", thread, i % kNamesPerThread);
  }

  int Put(int thread, uint64_t i) {
    char data[kSmall];
    FillNoise(static_cast<uint64_t>(thread) << 40 | i, data, sizeof data);
    Error error;
    const int code =
        jzse_put(store_, kDefaultNamespace, Path(static_cast<uint64_t>(thread), i).c_str(), data,
                 sizeof data, nullptr, nullptr, &error.raw);
    if (code != JZSE_OK) Failed(error);
    if (thread == 0 && code == JZSE_OK && i >= written_) written_ = i + 1;
    return code;
  }

  int Get(uint64_t i) {
    if (written_ == 0) return JZSE_NOT_FOUND;
    void* data = nullptr;
    size_t size = 0;
    Error error;
    const int code =
        jzse_get(store_, kDefaultNamespace, Path(0, i * 2654435761u % written_).c_str(), nullptr,
                 &data, &size, nullptr, &error.raw);
    jzse_free(data);
    if (code != JZSE_OK) Failed(error);
    return code;
  }

  void Failed(const Error& error) {
    if (!failed_.exchange(true)) error_ = error;
  }

  template <class Operation>
  void Measure(const char* what, int thread_count, const char* unit, Operation&& operation) {
    if (failed_ || Interrupted()) return;
    std::atomic<uint64_t> total{0};
    const auto start = std::chrono::steady_clock::now();
    const auto end = start + std::chrono::duration<double>(seconds_);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < thread_count; ++thread) {
      threads.emplace_back([&, thread] {
        uint64_t i = 0;
        while (!Interrupted() && operation(thread, i) == JZSE_OK) {
          ++i;
          if (std::chrono::steady_clock::now() >= end) break;
        }
        total += i;
      });
    }
    for (std::thread& thread : threads) thread.join();
    Tell(what, thread_count, unit, static_cast<double>(total), start);
  }

  void Tell(const char* what, int threads, const char* unit, double amount,
            std::chrono::steady_clock::time_point start) {
    if (failed_ || Interrupted()) return;
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double rate = amount / seconds;
    if (out_.json()) {
      Record record;
      record.Add("work", what)
          .Add("threads", threads)
          .Add("unit", unit)
          .Add("rate", rate)
          .Add("seconds", seconds);
      return out_.Emit(record);
    }
    const std::string text = std::string_view(unit) == "bytes"
                                 ? SizeText(static_cast<uint64_t>(rate))
                                 : fmt::format("{:.0f}", rate);
    out_.Line(fmt::format("{:<12} {:>3} {:<8} {:>12}/s", what, threads,
                          threads == 1 ? "thread" : "threads", text));
    out_.Flush();
  }

  void Large() {
    std::vector<char> data(kPiece);
    auto start = std::chrono::steady_clock::now();
    Error error;
    Writer writer;
    int code = OpenHandle(&writer, [&](jzse_writer** raw) {
      return jzse_writer_open(store_, kDefaultNamespace, "bench/large", nullptr, raw, &error.raw);
    });
    for (uint64_t done = 0; code == JZSE_OK && done < kLarge && !Interrupted(); done += kPiece) {
      FillNoise(done + 1, data.data(), data.size());
      code = jzse_writer_write(writer.get(), data.data(), data.size(), &error.raw);
    }
    if (code == JZSE_OK && !Interrupted())
      code = jzse_writer_commit(writer.release(), nullptr, &error.raw);
    if (code != JZSE_OK) return Failed(error);
    Tell("put 256 MiB", 1, "bytes", static_cast<double>(kLarge), start);
    start = std::chrono::steady_clock::now();
    Reader reader;
    code = OpenHandle(&reader, [&](jzse_reader** raw) {
      return jzse_reader_open(store_, kDefaultNamespace, "bench/large", nullptr, raw, nullptr,
                              &error.raw);
    });
    for (size_t count = 1; code == JZSE_OK && count > 0 && !Interrupted();) {
      code = jzse_reader_read(reader.get(), data.data(), data.size(), &count, &error.raw);
    }
    if (code != JZSE_OK) return Failed(error);
    Tell("get 256 MiB", 1, "bytes", static_cast<double>(kLarge), start);
  }

  Output& out_;
  const double seconds_;
  jzse_store* const store_;
  std::atomic<uint64_t> written_{0};  // files of thread 0
  std::atomic<bool> failed_{false};
  Error error_;
};

}  // namespace

int RunBench(Context& context, const BenchArgs& args) {
  std::string directory = args.directory + "/.jzse-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    const Problem problem = SystemProblem(args.directory, errno);
    return context.out.Fail(problem.exit_code, problem.text);
  }
  jzse_options options = JZSE_OPTIONS_INIT;
  options.flags = JZSE_OPEN_CREATE;
  jzse_store* store = nullptr;
  Error error;
  int code = kExitOk;
  if (jzse_store_open(directory.c_str(), &options, &store, &error.raw) != JZSE_OK) {
    code = context.out.Fail(error.raw);
  } else {
    code = Bench(context, args.seconds, store).Run();
    jzse_store_close(store, nullptr);
  }
  std::error_code ec;
  std::filesystem::remove_all(directory, ec);
  if (ec) context.out.Warn(fmt::format("{}: could not be removed: {}", directory, ec.message()));
  return code;
}

}  // namespace jzse::cli
