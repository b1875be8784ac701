// SPDX-License-Identifier: Apache-2.0
#include "ledger.h"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace ledger {

void Die(const std::string& what) {
  std::printf("FAILED: %s\n", what.c_str());
  std::fflush(stdout);
  _exit(1);
}

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

jzse::Store OpenStore(const char* path) {
  jzse::Options options(JZSE_OPEN_CREATE);
  options.memory_limit = 32u << 20;
  return Must(jzse::Store::Open(path, options), "open");
}

namespace {

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

}  // namespace

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

}  // namespace ledger
