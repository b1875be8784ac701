// SPDX-License-Identifier: Apache-2.0
// The whole engine against a dumb model (engine_model.h): random operations, groups of them, reopening, power cuts, lost
// indexes, compaction, snapshots, feeds. What the model says is what the engine must show, to the byte.
//
// A case is a list of seeds, one for each action; an action makes its choices from its own seed and the model's state. So a
// failing list stays runnable when actions are taken out of it, and is made shorter before it is printed.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "budget.h"
#include "engine_checks.h"
#include "engine_choice.h"

namespace jzse::prop {
namespace {

using engine::Store;
using io::CrashMode;
using io::SimEnv;

struct Setting {
  bool real_disk = false;
  bool background = false;
};

// ------------------------------------------------------------------------------------------------ the run

// One run of a list of actions. Every method returns the problem it found, or "".
class Run {
 public:
  Run(const Setting& setting, uint64_t seed) : setting_(setting), prng_(seed) {
    if (setting_.real_disk) {
      directory_ = (std::filesystem::temp_directory_path() / ("jzse-model-" + std::to_string(::getpid()))).string();
      std::filesystem::remove_all(directory_);
      real_ = io::NewLinuxEnv({});
    } else {
      directory_ = crash::kStore;
      io::SimOptions options;
      options.seed = seed;
      sim_ = std::make_unique<SimEnv>(options);
    }
  }
  ~Run() {
    snapshots_.clear();
    store_.reset();
    if (setting_.real_disk) std::filesystem::remove_all(directory_);
  }

  std::string Go(const std::vector<uint64_t>& actions) {
    std::string problem = Open();
    if (problem.empty()) problem = Prepare();
    for (size_t i = 0; i < actions.size() && problem.empty(); ++i) {
      Choice pages(~actions[i], model_);
      problem = Act(actions[i]);
      if (problem.empty() && i % 8 == 7) problem = Compare();
      if (problem.empty() && i % 8 == 3) problem = ReadPages(pages);
      if (!problem.empty()) problem = "action " + std::to_string(i) + " (" + trace_.back() + "): " + problem;
    }
    if (problem.empty()) problem = Reopen();
    if (problem.empty()) problem = Verify();
    return problem;
  }
  const std::vector<std::string>& trace() const { return trace_; }

 private:
  std::string Open() {
    engine::Options options = crash::QuietOptions();
    options.background = setting_.background;
    io::Env& env = sim_ ? static_cast<io::Env&>(*sim_) : *real_;
    auto store = Store::Open(env, directory_, options);
    if (!store.ok()) return "open: " + std::string(store.status().message());
    store_ = *std::move(store);
    return "";
  }

  std::string Expect(const std::string& what, Code want, const base::Status& status) {
    if (base::CodeOf(status) == want) return "";
    return what + ": answers " + std::to_string(static_cast<int>(base::CodeOf(status))) + " (" +
           std::string(status.message()) + "), should be " + std::to_string(static_cast<int>(want));
  }

  std::string Prepare() {
    const model::NamespacePolicy keys = KeysPolicy(), small = SmallPolicy();
    const Code made[] = {model_.CreateNamespace("keys", keys), model_.CreateNamespace("small", small)};
    std::string problem = Expect("keys", made[0], store_->CreateNamespace("keys", keys));
    return problem.empty() ? Expect("small", made[1], store_->CreateNamespace("small", small)) : problem;
  }

  std::string Act(uint64_t seed) {
    Choice choice(seed, model_);
    const uint64_t kind = choice.prng.Below(100);
    if (kind < 72) return Operate(choice, 1);
    if (kind < 82) return Operate(choice, 2 + choice.prng.Below(5));
    if (kind < 86) return ChangeNamespace(choice);
    if (kind < 88) return Note("snapshot"), TakeSnapshot(choice);
    if (kind < 90) return Note("check snapshots"), CheckSnapshots();
    if (kind < 93) return Compact(choice.prng.OneIn(2));
    if (kind < 94) return Note("verify"), Verify();
    if (kind < 96) return Note("feed"), ReadFeed(choice);
    if (kind < 97) return Note("reopen"), Reopen();
    if (setting_.real_disk) return Note("reopen"), Reopen();
    if (kind < 99) return Crash(choice);
    return Note("lose the index"), LoseIndex();
  }
  void Note(std::string line) { trace_.push_back(std::move(line)); }

  // -------------------------------------------------------------------------------------------- operations

  std::vector<Op> Group(Choice& choice, uint64_t count) {
    std::vector<Op> group;
    std::string line;
    for (uint64_t i = 0; i < count; ++i) {
      group.push_back(choice.Operation());
      line += (i == 0 ? "" : "; ") + group.back().ToString();
    }
    Note(line);
    return group;
  }

  std::string Operate(Choice& choice, uint64_t count) {
    const std::vector<Op> group = Group(choice, count);
    const Code want = prop::Expect(model_, group);
    const auto info = Commit(*store_, group);
    std::string problem = Expect("commit", want, info.status());
    if (problem.empty() && want == Code::kOk) problem = CheckAnswer(model_, group.back(), *info);
    if (!problem.empty() || want != Code::kOk || group.back().kind != Op::Kind::kPut) return problem;
    const auto data = crash::Get(*store_, group.back().ns, group.back().path);
    if (!data.ok()) return "read after write: " + std::string(data.status().message());
    return *data == *group.back().data ? "" : "read after write gives other bytes";
  }

  std::string ChangeNamespace(Choice& choice) {
    static constexpr const char* kNames[] = {"temporary", "temporary", "small", "keys"};
    const std::string name = kNames[choice.prng.Below(4)];
    const bool known = model_.spaces.count(name) != 0;
    const auto kind = known ? model_.spaces.at(name).policy.kind
                            : choice.prng.OneIn(2) ? model::NamespaceKind::kTree : model::NamespaceKind::kKeys;
    const model::NamespacePolicy policy = choice.Policy(kind, name);
    const uint64_t what = choice.prng.Below(3);
    if (what == 0 || !known) {
      Note("create namespace " + name);
      return Expect("create", model_.CreateNamespace(name, policy), store_->CreateNamespace(name, policy));
    }
    if (what == 1 && name == "temporary") {
      Note("drop namespace " + name);
      return Expect("drop", model_.DropNamespace(name), store_->DropNamespace(name));
    }
    Note("configure namespace " + name);
    return Expect("configure", model_.ConfigureNamespace(name, policy), store_->ConfigureNamespace(name, policy));
  }

  // -------------------------------------------------------------------------------------------- upheavals

  std::string Compact(bool full) {
    Note(full ? "compact fully" : "compact");
    engine::CompactOptions options;
    options.full = full;
    const auto report = store_->Compact(options);
    std::string problem = Expect("compact", Code::kOk, report.status());
    follower_.Compacted();
    const uint64_t expired = model_.Expire();
    if (problem.empty() && !setting_.background && report->versions_expired != expired)
      problem = "compact counts other versions as expired";
    return problem.empty() ? Compare() : problem;
  }

  std::string Reopen() {
    std::string problem = CheckSnapshots();
    snapshots_.clear();
    if (problem.empty()) problem = Expect("close", Code::kOk, store_->Close());
    store_.reset();
    if (problem.empty()) problem = Open();
    return problem.empty() ? Compare() : problem;
  }

  // The power fails, now or in the middle of a group.
  std::string Crash(Choice& choice) {
    std::string problem = CheckSnapshots();
    snapshots_.clear();
    if (!problem.empty()) return problem;
    Model after = model_;
    if (choice.prng.OneIn(3)) {
      Note("power cut");
    } else {
      sim_->CrashAfter(choice.prng.Below(8));
      const std::vector<Op> group = Group(choice, 1 + choice.prng.Below(3));
      trace_.back() = "power cut during " + trace_.back();
      const base::Status status = Commit(*store_, group).status();
      if (prop::Expect(after, group) != Code::kOk) after = model_;
      if (status.ok()) model_ = after;
    }
    static constexpr CrashMode kModes[] = {CrashMode::kNoneKept, CrashMode::kAllKept, CrashMode::kRandom,
                                           CrashMode::kReordered};
    auto image = sim_->CloneCrashed(choice.prng.Next(), kModes[choice.prng.Below(4)]);
    sim_->CrashAfter(0);
    store_.reset();
    sim_ = std::move(image);
    problem = Open();
    if (problem.empty() && !Compare().empty()) model_ = after;
    return problem.empty() ? Compare() : problem;
  }

  std::string LoseIndex() {
    std::string problem = CheckSnapshots();
    snapshots_.clear();
    if (problem.empty()) problem = Expect("close", Code::kOk, store_->Close());
    store_.reset();
    crash::RemoveIndex(*sim_);
    if (problem.empty()) problem = Open();
    return problem.empty() ? Compare() : problem;
  }

  // -------------------------------------------------------------------------------------------- checks

  std::string Compare() {
    const auto dump = crash::DumpOf(*store_);
    if (!dump.ok()) return "cannot be read: " + std::string(dump.status().message());
    std::string problem = crash::Difference(model_.ToDump(), *dump);
    if (!problem.empty()) return problem;
    const auto stats = store_->GetStats();
    if (!stats.ok()) return "stats: " + std::string(stats.status().message());
    if (stats->corrupt_records != 0) return "damage is reported";
    if (stats->sequence != model_.last)
      return "the sequence is " + std::to_string(stats->sequence) + ", should be " + std::to_string(model_.last);
    for (const auto& [name, space] : model_.spaces)
      for (const auto& file : space.files)
        if (!file->live() && problem.empty()) problem = CompareVersions(*store_, name, space, file->now.path);
    return problem;
  }

  std::string Verify() {
    return CheckVerify(*store_, model_);
  }

  std::string TakeSnapshot(Choice& choice) {
    if (snapshots_.size() >= 3) {
      const std::string problem = CheckSnapshots();
      snapshots_.clear();
      if (!problem.empty()) return problem;
    }
    auto held = Hold(*store_, model_, choice.prng);
    if (!held.ok()) return "snapshot: " + std::string(held.status().message());
    if (held->snapshot->sequence() != model_.last) return "the snapshot is of another moment";
    snapshots_.push_back(*std::move(held));
    return "";
  }

  std::string CheckSnapshots() {
    std::string problem;
    for (const Held& held : snapshots_)
      if (problem.empty()) problem = CheckHeld(*store_, held, model_);
    snapshots_.clear();  // a listing is read once
    return problem;
  }

  std::string ReadFeed(Choice& choice) {
    std::string problem = CheckFeed(*store_, model_, choice.prng.OneIn(3) ? 0 : choice.prng.Below(model_.last + 1));
    if (setting_.background) follower_.Compacted();
    if (problem.empty()) problem = follower_.Follow(*store_, model_);
    engine::FeedOptions options;
    options.ns = choice.prng.OneIn(3) ? "" : "default";
    options.prefix = choice.KnownPath("default");
    return problem.empty() ? CheckFilteredFeed(*store_, model_, options) : problem;
  }

  std::string ReadPages(Choice& choice) {
    const std::string ns = choice.prng.OneIn(2) ? "keys" : "default";
    return CheckPages(*store_, ns, model_.spaces.at(ns), choice.Page(ns, choice.KnownPath(ns)));
  }

  const Setting setting_;
  base::Prng prng_;
  std::string directory_;
  std::unique_ptr<SimEnv> sim_;
  std::unique_ptr<io::Env> real_;
  std::unique_ptr<Store> store_;
  std::vector<Held> snapshots_;  // before the store they borrow goes
  Model model_;
  Follower follower_;
  std::vector<std::string> trace_;
};

// Takes actions out as long as it still fails; gives the shortest list's story.
std::string Shrink(const Setting& setting, uint64_t seed, std::vector<uint64_t> actions, std::string problem) {
  std::vector<std::string> trace;
  int runs = 300;
  for (size_t piece = actions.size() / 2; piece > 0 && runs > 0; piece /= 2) {
    for (size_t begin = 0; begin < actions.size() && runs > 0; --runs) {
      std::vector<uint64_t> fewer = actions;
      const auto at = fewer.begin() + static_cast<std::ptrdiff_t>(begin);
      fewer.erase(at, fewer.begin() + static_cast<std::ptrdiff_t>(std::min(begin + piece, fewer.size())));
      Run run(setting, seed);
      const std::string found = run.Go(fewer);
      if (found.empty()) {
        begin += piece;
        continue;
      }
      actions = std::move(fewer);
      problem = found;
      trace = run.trace();
    }
  }
  for (const std::string& line : trace) problem += "\n  " + line;
  return problem;
}

std::string Case(const Setting& setting, uint64_t seed, size_t count) {
  base::Prng prng(seed);
  std::vector<uint64_t> actions(count);
  for (uint64_t& action : actions) action = prng.Next();
  Run run(setting, seed);
  const std::string problem = run.Go(actions);
  if (problem.empty()) return "";
  return Shrink(setting, seed, actions, problem);
}

TEST_CASE("the engine does what the model does, through power cuts and compactions") {
  CHECK(Search(40, [](uint64_t seed) { return Case({}, seed, 50 + seed % 7 * 60); }) == "");
}

TEST_CASE("the same with its background thread") {
  CHECK(Search(6, [](uint64_t seed) { return Case({false, true}, seed + 1'000'000, 200); }) == "");
}

TEST_CASE("the same on a real disk") {
  CHECK(Search(2, [](uint64_t seed) { return Case({true, true}, seed + 2'000'000, 150); }) == "");
}

}  // namespace
}  // namespace jzse::prop
