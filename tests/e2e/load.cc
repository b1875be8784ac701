// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "ledger.h"

namespace ledger {
namespace {

class Worker {
 public:
  Worker(jzse::Store& store, const std::string& ledgers, uint64_t seed, int thread, const Acknowledged& acknowledged)
      : store_(store), acknowledged_(acknowledged), thread_(thread), files_(store[NamespaceOf(thread)]), random_(seed * 1000003 + static_cast<uint64_t>(thread)),
        prefix_("t" + std::to_string(thread) + "/"), ns_(NamespaceOf(thread)),
        next_id_((seed * 1000 + static_cast<uint64_t>(thread)) << 24) {
    Load(LedgerOf(ledgers, thread));
    fd_ = open(LedgerOf(ledgers, thread).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) Die("no ledger");
    const off_t end = lseek(fd_, 0, SEEK_END);
    size_ = end < 0 ? 0 : static_cast<uint64_t>(end);
  }

  void Run() {
    for (;;) {
      switch (random_.Below(16)) {
        case 0: case 1: Delete(); break;
        case 2: case 3: Move(); break;
        case 4: MoveDirectory(); break;
        case 5: case 6: Group(); break;
        case 7: Large(); break;
        case 8: Copy(); break;
        case 9: Async(); break;
        default: Small(); break;
      }
    }
  }

 private:
  void Load(const std::string& ledger) {
    std::ifstream lines(ledger);
    std::string kind, path;
    char comma;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      File file;
      words >> kind;
      std::getline(words >> std::ws, path, '=');
      words >> file.id >> comma >> file.size;
      tree_[path] = file;
    }
    (void)comma;
  }

  void Line(const std::string& line) {
    if (write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) Die("ledger: short write");
    size_ += line.size();
  }
  uint64_t Begin(const Effects& effects) {
    std::string line = "B " + std::to_string(++op_);
    for (const auto& [path, file] : effects) {
      line += " " + path + "=";
      line += file ? std::to_string(file->id) + "," + std::to_string(file->size) : "-";
    }
    Line(line + "\n");
    return op_;
  }
  void Acknowledge(uint64_t op, uint64_t sequence, const Effects& effects) {
    Line("A " + std::to_string(op) + " " + std::to_string(sequence) + "\n");
    if (acknowledged_) acknowledged_(thread_, size_);
    for (const auto& [path, file] : effects) {
      if (file) {
        tree_[path] = *file;
      } else {
        tree_.erase(path);
      }
    }
  }

  File NewFile(size_t size_max) { return {++next_id_, random_.Below(size_max)}; }
  std::string NewPath() {
    return prefix_ + "d" + std::to_string(random_.Below(6)) + "/f" + std::to_string(random_.Below(30));
  }
  std::string AnyPath() {
    if (tree_.empty()) return NewPath();
    auto at = tree_.lower_bound(NewPath());
    return at == tree_.end() ? tree_.begin()->first : at->first;
  }

  void Small() {
    const Effects effects = {{random_.Below(2) ? NewPath() : AnyPath(), NewFile(6000)}};
    const auto& [path, file] = *effects.begin();
    const uint64_t op = Begin(effects);
    Acknowledge(op, Must(files_.Put(path, ContentOf(*file)), "put").sequence, effects);
  }
  void Large() {
    const Effects effects = {{NewPath(), NewFile(700000)}};
    const auto& [path, file] = *effects.begin();
    const uint64_t op = Begin(effects);
    const std::string content = ContentOf(*file);
    jzse::Writer writer = Must(files_.OpenWriter(path), "writer");
    for (size_t at = 0; at < content.size(); at += 50000) {
      Must(writer.Write(std::string_view(content).substr(at, 50000)), "write");
    }
    Acknowledge(op, Must(writer.Commit(), "commit").sequence, effects);
  }
  void Delete() {
    if (tree_.empty()) return;
    const std::string path = AnyPath();
    const Effects effects = {{path, std::nullopt}};
    const uint64_t op = Begin(effects);
    Must(files_.Delete(path), "delete");
    Acknowledge(op, 0, effects);
  }
  void Move() {
    if (tree_.empty()) return;
    const std::string from = AnyPath(), to = NewPath();
    if (from == to) return;
    const Effects effects = {{from, std::nullopt}, {to, tree_[from]}};
    const uint64_t op = Begin(effects);
    Must(files_.Move(from, to), "move");
    Acknowledge(op, 0, effects);
  }
  void Copy() {
    if (tree_.empty()) return;
    const std::string from = AnyPath(), to = NewPath();
    if (from == to) return;
    const Effects effects = {{to, tree_[from]}};
    const uint64_t op = Begin(effects);
    Acknowledge(op, Must(files_.Copy(from, files_, to), "copy").sequence, effects);
  }
  void MoveDirectory() {
    const std::string from = prefix_ + "d" + std::to_string(random_.Below(6));
    const std::string to = prefix_ + "d" + std::to_string(random_.Below(6));
    Effects effects;
    for (const auto& [path, file] : tree_) {
      if (path.compare(0, to.size() + 1, to + "/") == 0) return;  // there is one already
      if (path.compare(0, from.size() + 1, from + "/") != 0) continue;
      effects[path] = std::nullopt;
      effects[to + path.substr(from.size())] = file;
    }
    if (effects.empty()) return;
    const uint64_t op = Begin(effects);
    Must(files_.Move(from, to), "move directory");
    Acknowledge(op, 0, effects);
  }
  void Group() {
    Effects effects;
    jzse::Group group = Must(store_.BeginGroup(), "group");
    for (uint64_t i = 1 + random_.Below(8); i > 0; --i) {
      const std::string path = NewPath();
      if (effects.count(path) > 0) continue;
      const File file = NewFile(i == 3 ? 200000 : 4000);
      effects[path] = file;
      Must(group.Put(ns_, path, ContentOf(file)), "group put");
    }
    const std::string gone = AnyPath();
    if (tree_.count(gone) > 0 && effects.count(gone) == 0) {
      effects[gone] = std::nullopt;
      Must(group.Delete(ns_, gone), "group delete");
    }
    const uint64_t op = Begin(effects);
    Must(group.Commit(), "group commit");
    Acknowledge(op, 0, effects);
  }
  // Many puts under way at once, each acknowledged for itself.
  void Async() {
    jzse::Queue queue = Must(store_.OpenQueue(64), "queue");
    std::map<uint64_t, Effects> under_way;
    Effects all;
    for (int i = 0; i < 40; ++i) {
      const std::string path = NewPath();
      if (all.count(path) > 0) continue;
      const Effects effects = {{path, NewFile(5000)}};
      all[path] = effects.begin()->second;
      const uint64_t op = Begin(effects);
      under_way[op] = effects;
      Must(queue.Put(op, ns_, path, ContentOf(*effects.begin()->second)), "put_async");
    }
    while (!under_way.empty()) {
      for (const jzse::Completion& done : Must(queue.Reap(16, -1), "reap")) {
        if (done.code != JZSE_OK) Die("put_async: " + done.message);
        Acknowledge(done.tag, done.info.sequence, under_way[done.tag]);
        under_way.erase(done.tag);
      }
    }
  }

  jzse::Store& store_;
  const Acknowledged& acknowledged_;
  const int thread_;
  const jzse::Namespace files_;
  Random random_;
  const std::string prefix_, ns_;
  uint64_t next_id_, op_ = 0, size_ = 0;
  int fd_ = -1;
  Tree tree_;
};

[[noreturn]] void CompactForEver(jzse::Store& store, uint64_t seed) {
  Random random(seed + 77);
  for (;;) {
    usleep(static_cast<useconds_t>(20000 + random.Below(200000)));
    jzse::CompactOptions options;
    options.full = random.Below(3) == 0;
    Must(store.Compact(options), "compact");
  }
}

}  // namespace

void RunLoad(const char* path, const std::string& ledgers, uint64_t seed, int threads,
             const Acknowledged& acknowledged) {
  jzse::Store store = OpenStore(path);
  jzse::NamespaceConfig config;
  config.versions_max = 2;
  if (!store.GetNamespaceInfo("packed")) {
    Must(store.ConfigureNamespace("default", config), "configure");
    config.compression = 3;
    Must(store.CreateNamespace("packed", config), "create");
  }
  std::printf("running\n");
  std::fflush(stdout);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] { Worker(store, ledgers, seed, i, acknowledged).Run(); });
  }
  CompactForEver(store, seed);
}

}  // namespace ledger
