// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "ledger.h"

namespace {

using ledger::File;

struct Kept {
  int thread;
  std::string path;
  File file;
};

class Load {
 public:
  explicit Load(const ErrorLoad& options) : options_(options), store_(ledger::OpenStore(options.store.c_str())) {
    for (const char* name : {"packed"}) {
      if (!store_.GetNamespaceInfo(name)) ledger::Must(store_.CreateNamespace(name), "create");
    }
  }

  int Run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < options_.threads; ++i) threads.emplace_back([this, i] { Write(i); });
    threads.emplace_back([this] { Read(); });
    std::printf("running\n");
    std::fflush(stdout);
    while (access(options_.stop.c_str(), F_OK) != 0) usleep(20000);
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
    const auto closed = store_.Close();
    if (options_.writes_fail && !commit_failed_) Wrong("no commit failed: nothing was tested");
    std::printf("acknowledged %" PRIu64 ", then failed with JZSE_IO %" PRIu64 ", JZSE_READ_ONLY %" PRIu64
                ", first '%s'; reads %" PRIu64 ", failed %" PRIu64 "; close: %s\n",
                acknowledged_.load(), io_.load(), read_only_.load(), first_.c_str(), reads_.load(), failed_reads_.load(),
                closed ? "ok" : closed.error().name());
    return wrong_ == 0 ? 0 : 1;
  }

 private:
  void Wrong(const std::string& what) {
    if (wrong_++ < 20) std::printf("WRONG: %s\n", what.c_str());
  }

  void Write(int thread) {
    const std::string name = ledger::LedgerOf(options_.ledgers, thread);
    const int fd = open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) ledger::Die("no ledger");
    ledger::Random random(options_.seed * 1000003 + static_cast<uint64_t>(thread));
    const jzse::Namespace files = store_[ledger::NamespaceOf(thread)];
    for (uint64_t op = 1; !stop_; ++op) {
      const bool large = random.Below(8) == 0;
      const File file = {(options_.seed * 1000 + static_cast<uint64_t>(thread)) * 100000000 + op,
                         static_cast<size_t>(random.Below(large ? 400000 : 6000))};
      const std::string path =
          "t" + std::to_string(thread) + "/s" + std::to_string(options_.seed) + "/" + std::to_string(op);
      Line(fd, "B " + std::to_string(op) + " " + path + "=" + std::to_string(file.id) + "," + std::to_string(file.size));
      const bool failed_before = commit_failed_;
      bool committing = true;
      const auto put = large ? PutLarge(files, path, file, &committing) : files.Put(path, ledger::ContentOf(file));
      if (put) {
        if (failed_before) Wrong(path + " was acknowledged after a commit had failed" + (large ? ", a large one" : ""));
        Line(fd, "A " + std::to_string(op) + " " + std::to_string(put.value().sequence));
        ++acknowledged_;
        std::lock_guard lock(mutex_);
        kept_.push_back({thread, path, file});
      } else {
        Failed(path, put.error(), committing, failed_before);
        usleep(2000);
      }
    }
    close(fd);
  }

  static jzse::Result<jzse::FileInfo> PutLarge(const jzse::Namespace& files, const std::string& path, const File& file,
                                               bool* committing) {
    *committing = false;
    auto writer = files.OpenWriter(path);
    if (!writer) return writer.error();
    const std::string content = ledger::ContentOf(file);
    for (size_t at = 0; at < content.size(); at += 50000) {
      if (auto wrote = writer->Write(std::string_view(content).substr(at, 50000)); !wrote) return wrote.error();
    }
    *committing = true;
    return writer->Commit();
  }

  static void Line(int fd, const std::string& text) {
    const std::string line = text + "\n";
    if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ledger::Die("ledger: short write");
  }

  void Failed(const std::string& path, const jzse::Error& error, bool committing, bool failed_before) {
    const std::string what = path + " failed with " + error.name() + ": " + error.message();
    if (error.code() == JZSE_IO) {
      ++io_;
    } else if (error.code() == JZSE_READ_ONLY) {
      ++read_only_;
    } else {
      Wrong(what);
    }
    if (!options_.writes_fail || !committing) return;  // a content may fail before its commit; that stops nobody else
    if (failed_before && error.code() != JZSE_READ_ONLY) Wrong("after a failed commit " + what);
    std::lock_guard lock(mutex_);
    if (!commit_failed_.exchange(true)) first_ = what;
  }

  void Read() {
    ledger::Random random(options_.seed + 99);
    while (!stop_) {
      Kept kept;
      {
        std::lock_guard lock(mutex_);
        if (kept_.empty()) continue;
        kept = kept_[random.Below(kept_.size())];
      }
      const auto got = store_[ledger::NamespaceOf(kept.thread)].Get(kept.path);
      ++reads_;
      if (!got) {
        ++failed_reads_;
        if (got.code() != JZSE_IO || !options_.reads_fail) {
          Wrong("reading " + kept.path + ": " + got.error().name() + ": " + got.error().message());
        }
      } else if (got->view() != ledger::ContentOf(kept.file)) {
        Wrong("reading " + kept.path + " gave wrong bytes");
      }
      usleep(1000);
    }
  }

  const ErrorLoad options_;
  jzse::Store store_;
  std::atomic<bool> stop_{false}, commit_failed_{false};
  std::atomic<uint64_t> acknowledged_{0}, io_{0}, read_only_{0}, reads_{0}, failed_reads_{0};
  std::atomic<int> wrong_{0};
  std::mutex mutex_;  // below
  std::vector<Kept> kept_;
  std::string first_;
};

}  // namespace

int RunErrorLoad(const ErrorLoad& options) { return Load(options).Run(); }
