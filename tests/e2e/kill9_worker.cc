// SPDX-License-Identifier: Apache-2.0
// What kill9_test.py kills and then asks what is left. It sees the library through its public headers only.
//
//   kill9_worker run STORE LEDGERS SEED THREADS     changes the store until it is killed
//   kill9_worker check STORE LEDGERS THREADS        compares the store with the ledgers, and begins new ones
//
// Thread n owns the names below "t<n>/" and the file LEDGERS/<n>. Before it submits a change it appends the effects the
// change will have, afterwards that it was acknowledged; one write(2) a line, which a killed process does not lose.
//   B <op> <path>=<id>,<size> ... <path>=- ...      begins: these contents, or absence
//   A <op> <sequence>                               acknowledged with JZSE_OK
//   S <path>=<id>,<size>                            the state a ledger begins with
// So the check needs to know nothing about operations: what was acknowledged is there, to the byte; what was begun and
// not acknowledged is there as a whole or not at all; nothing else is there.
#include <fcntl.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <jzse/jzse.hpp>
#include <map>
#include <sstream>
#include <thread>

namespace {

struct File {
  uint64_t id = 0;
  size_t size = 0;
  bool operator==(const File& other) const { return id == other.id && size == other.size; }
};
using Tree = std::map<std::string, File>;
using Effects = std::map<std::string, std::optional<File>>;  // absent: no value

[[noreturn]] void Die(const std::string& what) {
  std::printf("FAILED: %s\n", what.c_str());
  std::fflush(stdout);
  _exit(1);
}
template <typename T>
T Must(jzse::Result<T> result, const char* what) {
  if (!result) Die(std::string(what) + ": " + result.error().name() + " " + result.error().message());
  return std::move(result).value();
}
void Must(jzse::Result<void> result, const char* what) {
  if (!result) Die(std::string(what) + ": " + result.error().name() + " " + result.error().message());
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  uint64_t Below(uint64_t n) { return (Next() >> 16) % n; }

 private:
  uint64_t state_;
};

// Runs of noise and runs of one letter, so that compression has something to do.
std::string ContentOf(const File& file) {
  Random random(file.id);
  std::string content;
  content.reserve(file.size + 64);
  while (content.size() < file.size) {
    const uint64_t word = random.Next();
    content.append(reinterpret_cast<const char*>(&word), sizeof word);
    if (word % 16 == 0) content.append(word >> 58, static_cast<char>('a' + word % 26));
  }
  content.resize(file.size);
  return content;
}

std::string NamespaceOf(int thread) { return thread % 2 == 0 ? "default" : "packed"; }
std::string LedgerOf(const std::string& ledgers, int thread) { return ledgers + "/" + std::to_string(thread); }

// ---- the run

class Worker {
 public:
  Worker(jzse::Store& store, const std::string& ledgers, uint64_t seed, int thread)
      : store_(store), files_(store[NamespaceOf(thread)]), random_(seed * 1000003 + static_cast<uint64_t>(thread)),
        prefix_("t" + std::to_string(thread) + "/"), ns_(NamespaceOf(thread)),
        next_id_((seed * 1000 + static_cast<uint64_t>(thread)) << 24) {
    Load(LedgerOf(ledgers, thread));
    fd_ = open(LedgerOf(ledgers, thread).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) Die("no ledger");
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
  const jzse::Namespace files_;
  Random random_;
  const std::string prefix_, ns_;
  uint64_t next_id_, op_ = 0;
  int fd_ = -1;
  Tree tree_;
};

void CompactForEver(jzse::Store& store, uint64_t seed) {
  Random random(seed + 77);
  for (;;) {
    usleep(static_cast<useconds_t>(20000 + random.Below(200000)));
    jzse::CompactOptions options;
    options.full = random.Below(3) == 0;
    Must(store.Compact(options), "compact");
  }
}

jzse::Store OpenStore(const char* path) {
  jzse::Options options(JZSE_OPEN_CREATE);
  options.memory_limit = 32u << 20;
  return Must(jzse::Store::Open(path, options), "open");
}

int Run(const char* path, const std::string& ledgers, uint64_t seed, int threads) {
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
    running.emplace_back([&store, &ledgers, seed, i] { Worker(store, ledgers, seed, i).Run(); });
  }
  CompactForEver(store, seed);
  return 0;
}

// ---- the check

struct Ledger {
  Tree tree;                            // after everything acknowledged
  std::map<uint64_t, Effects> pending;  // begun, not acknowledged
  uint64_t acknowledged = 0, sequence = 0;
};

Effects ParseEffects(std::istringstream& words) {
  Effects effects;
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    File file;
    if (word.substr(equals + 1) == "-") {
      effects[word.substr(0, equals)] = std::nullopt;
    } else if (std::sscanf(word.c_str() + equals + 1, "%" SCNu64 ",%zu", &file.id, &file.size) == 2) {
      effects[word.substr(0, equals)] = file;
    } else {
      Die("a ledger has '" + word + "'");
    }
  }
  return effects;
}

void Apply(const Effects& effects, Tree* tree) {
  for (const auto& [path, file] : effects) {
    if (file) {
      (*tree)[path] = *file;
    } else {
      tree->erase(path);
    }
  }
}

Ledger ReadLedger(const std::string& name) {
  Ledger ledger;
  std::ifstream file(name);
  std::stringstream text;
  text << file.rdbuf();
  std::string line;
  while (std::getline(text, line) && !text.eof()) {  // a line that was cut has no end and does not count
    std::istringstream words(line);
    std::string kind;
    uint64_t op = 0, sequence = 0;
    words >> kind;
    if (kind == "S") {
      Apply(ParseEffects(words), &ledger.tree);
    } else if (kind == "B" && words >> op) {
      ledger.pending[op] = ParseEffects(words);
    } else if (kind == "A" && words >> op >> sequence && ledger.pending.count(op) > 0) {
      Apply(ledger.pending[op], &ledger.tree);
      ledger.pending.erase(op);
      ++ledger.acknowledged;
      ledger.sequence = std::max(ledger.sequence, sequence);
    } else {
      Die(name + " has the line '" + line + "'");
    }
  }
  return ledger;
}

class Check {
 public:
  Check(jzse::Store& store, int thread) : files_(store[NamespaceOf(thread)]) {
    prefix_ = "t" + std::to_string(thread) + "/";
    jzse::ListOptions options;
    options.prefix = prefix_.c_str();
    jzse::List list = Must(files_.List(options), "list");
    for (const jzse_list_entry& entry : list) found_[entry.path] = entry.info.size;
    if (list.error()) Die("list: " + list.error()->message());
  }

  // What is there now, after deciding each pending change.
  Tree Compare(const Ledger& ledger) const {
    Tree expected = ledger.tree;
    for (const auto& [op, effects] : ledger.pending) {
      if (Happened(effects, ledger.tree)) Apply(effects, &expected);
    }
    for (const auto& [path, file] : expected) {
      if (!Holds(path, file)) Die(path + ": acknowledged and not there with this content: " + Describe(path));
    }
    for (const auto& [path, size] : found_) {
      if (expected.count(path) == 0) Die(path + ": is there, and should not be");
    }
    return expected;
  }

 private:
  bool Happened(const Effects& effects, const Tree& before) const {
    size_t as_before = 0, as_after = 0;
    for (const auto& [path, file] : effects) {
      const auto old = before.find(path);
      const std::optional<File> was = old == before.end() ? std::nullopt : std::optional<File>(old->second);
      if (Is(path, was)) ++as_before;
      if (Is(path, file)) ++as_after;
    }
    if (as_after == effects.size()) return true;
    if (as_before == effects.size()) return false;
    Die(effects.begin()->first + ": a change happened in part: " + std::to_string(as_after) + " of " +
        std::to_string(effects.size()) + " effects");
  }
  bool Is(const std::string& path, const std::optional<File>& file) const {
    return file ? Holds(path, *file) : found_.count(path) == 0;
  }
  bool Holds(const std::string& path, const File& file) const {
    const auto found = found_.find(path);
    if (found == found_.end() || found->second != file.size) return false;
    return Must(files_.Get(path), path.c_str()).view() == ContentOf(file);
  }
  std::string Describe(const std::string& path) const {
    const auto found = found_.find(path);
    return found == found_.end() ? "absent" : std::to_string(found->second) + " bytes";
  }

  const jzse::Namespace files_;
  std::string prefix_;
  std::map<std::string, uint64_t> found_;
};

void BeginLedger(const std::string& name, const Tree& tree) {
  std::ofstream file(name + ".new");
  for (const auto& [path, state] : tree) file << "S " << path << "=" << state.id << "," << state.size << "\n";
  file.close();
  if (!file || std::rename((name + ".new").c_str(), name.c_str()) != 0) Die("no new ledger");
}

int CheckStore(const char* path, const std::string& ledgers, int threads) {
  jzse::Store store = OpenStore(path);
  uint64_t acknowledged = 0, pending = 0, count = 0, sequence = 0;
  std::vector<Tree> trees;
  for (int i = 0; i < threads; ++i) {
    const Ledger ledger = ReadLedger(LedgerOf(ledgers, i));
    trees.push_back(store.GetNamespaceInfo(NamespaceOf(i)) ? Check(store, i).Compare(ledger) : ledger.tree);
    acknowledged += ledger.acknowledged;
    pending += ledger.pending.size();
    count += trees.back().size();
    sequence = std::max(sequence, ledger.sequence);
  }
  const jzse::Stats stats = Must(store.GetStats(), "stats");
  if (stats.sequence < sequence) Die("the store's sequence went back");
  if (stats.file_count != count) {
    Die("stats.file_count is " + std::to_string(stats.file_count) + ", listed are " + std::to_string(count) +
        ", index rebuilt: " + std::to_string(stats.index_rebuilt));
  }
  jzse::VerifyOptions verify;
  verify.problem = [](void*, const char* ns, const char* name, uint64_t version, const char* problem) {
    std::printf("problem: %s/%s %" PRIu64 ": %s\n", ns, name, version, problem);
  };
  const jzse_verify_report report = Must(store.Verify(verify), "verify");
  if (report.problems != 0) Die("verify found problems");
  Must(store.Close(), "close");
  for (int i = 0; i < threads; ++i) BeginLedger(LedgerOf(ledgers, i), trees[static_cast<size_t>(i)]);
  std::printf("acknowledged %" PRIu64 " pending %" PRIu64 " files %" PRIu64 " recovered %" PRIu64 " rebuilt %" PRIu64
              "\n",
              acknowledged, pending, count, stats.recovered_changes, stats.index_rebuilt);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::strcmp(argv[1], "run") == 0) {
    return Run(argv[2], argv[3], std::strtoull(argv[4], nullptr, 10), std::atoi(argv[5]));
  }
  if (argc == 5 && std::strcmp(argv[1], "check") == 0) return CheckStore(argv[2], argv[3], std::atoi(argv[4]));
  std::fprintf(stderr, "usage: kill9_worker run STORE LEDGERS SEED THREADS | check STORE LEDGERS THREADS\n");
  return 2;
}
