// SPDX-License-Identifier: Apache-2.0
// The whole engine against a dumb model (engine_model.h): random operations, groups of them, reopening, power cuts, lost
// indexes, compaction, snapshots, feeds. What the model says is what the engine must show, to the byte.
//
// A case is a list of seeds, one for each action; an action makes its choices from its own seed and the model's state. So a
// failing list stays runnable when actions are taken out of it, and is made shorter before it is printed.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include <unistd.h>

#include "budget.h"
#include "engine_model.h"

namespace jzse::prop {
namespace {

using crash::Dump;
using crash::Noise;
using crash::Prose;
using engine::Store;
using io::CrashMode;
using io::SimEnv;

struct Setting {
  bool real_disk = false;
  bool background = false;
};

// ------------------------------------------------------------------------------------------------ choices

// What an action does, made from its seed and the model's state.
class Choice {
 public:
  Choice(uint64_t seed, const Model& model) : prng(seed), model_(model) {}

  std::string Space() {
    static constexpr const char* kNames[] = {"default", "default", "keys", "small", "temporary"};
    return kNames[prng.Below(std::size(kNames))];
  }
  std::string Path() {
    std::string path(1, static_cast<char>('a' + prng.Below(3)));
    for (uint64_t depth = prng.Below(3); depth > 0; --depth) path += std::string("/") + static_cast<char>('a' + prng.Below(3));
    return path;
  }
  std::shared_ptr<const std::string> Data() {
    const uint64_t seed = prng.Below(8), kind = prng.Below(20);
    std::string data;
    if (kind < 10) data = Noise(seed, prng.Below(200));
    else if (kind < 13) data = Prose(seed, prng.Below(20'000));
    else if (kind < 15) data = Noise(seed, prng.Below(base::kInlineSizeMax));
    else if (kind < 17) data = Noise(seed, base::kInlineSizeMax - 1 + prng.Below(3));
    else if (kind < 18) data = Prose(seed, 65'537 + prng.Below(300'000));
    else data = Noise(seed, 65'537 + prng.Below(prng.OneIn(4) ? 1'000'000 : 200'000));
    if (prng.OneIn(3) && !data.empty()) data[prng.Below(data.size())] ^= 1;  // mostly chunks known already
    return std::make_shared<const std::string>(std::move(data));
  }
  // The etag of what is at the path, of something else, or "*".
  std::string Tag(const std::string& ns, const std::string& path) {
    if (prng.OneIn(3)) return "*";
    std::string tag(64, '0');
    const auto at = model_.spaces.find(ns);
    if (at == model_.spaces.end() || prng.OneIn(3)) return tag;
    for (const File* const file : at->second.At(path))
      if (file->now.has_content() && file->now.data->size() <= base::kInlineSizeMax)
        tag = base::HexEncode(base::Sha256(*file->now.data).view());
    return tag;
  }
  Sequence Version(const std::string& ns, const std::string& path) {
    std::vector<Sequence> known;
    const auto at = model_.spaces.find(ns);
    if (at == model_.spaces.end() || prng.OneIn(20)) return 1 + prng.Below(model_.last);
    for (const File* const file : at->second.At(path)) {
      for (const auto& [sequence, state] : file->versions) known.push_back(sequence);
      if (file->live() && prng.OneIn(4)) known.push_back(file->now.sequence);
    }
    return known.empty() ? 1 + prng.Below(model_.last) : known[prng.Below(known.size())];
  }
  // A path that has a history, usually.
  std::string KnownPath(const std::string& ns) {
    const auto at = model_.spaces.find(ns);
    if (at == model_.spaces.end() || at->second.files.empty() || prng.OneIn(5)) return Path();
    return at->second.files[prng.Below(at->second.files.size())]->now.path;
  }

  Op Operation(bool in_group);
  model::NamespacePolicy Policy(model::NamespaceKind kind);

  base::Prng prng;

 private:
  const Model& model_;
};

Op Choice::Operation(bool in_group) {
  static constexpr Op::Kind kKinds[] = {
      Op::Kind::kPut,  Op::Kind::kPut,           Op::Kind::kPut,     Op::Kind::kPut,  Op::Kind::kDelete,
      Op::Kind::kMove, Op::Kind::kMove,          Op::Kind::kCopy,    Op::Kind::kCopy, Op::Kind::kMkdir,
      Op::Kind::kSetAttributes, Op::Kind::kRestore, Op::Kind::kDeleteVersion};
  Op op;
  op.kind = kKinds[prng.Below(std::size(kKinds))];
  op.ns = Space();
  op.path = prng.OneIn(2) ? Path() : KnownPath(op.ns);
  if (op.kind == Op::Kind::kPut) {
    op.data = Data();
    if (prng.OneIn(10) && !op.data->empty() && op.data->size() <= base::kSymlinkSizeMax)
      op.content = ContentKind::kSymlink;
  }
  const bool attributes = op.kind == Op::Kind::kPut || op.kind == Op::Kind::kMkdir || op.kind == Op::Kind::kSetAttributes;
  if (attributes && prng.OneIn(3)) {
    op.mode = static_cast<uint32_t>(prng.Below(512));
    op.type = prng.OneIn(2) ? "text/plain" : "";
  }
  op.recursive = op.kind == Op::Kind::kDelete && prng.OneIn(3);
  if (op.kind == Op::Kind::kMove || op.kind == Op::Kind::kCopy) {
    op.to_ns = op.kind == Op::Kind::kCopy && !in_group && prng.OneIn(3) ? Space() : op.ns;
    op.to = prng.OneIn(2) ? Path() : KnownPath(op.to_ns);
    op.no_replace = prng.OneIn(4);
  }
  if (op.kind == Op::Kind::kRestore || op.kind == Op::Kind::kDeleteVersion) op.version = Version(op.ns, op.path);
  const bool conditional = op.kind != Op::Kind::kMkdir && op.version == 0;
  if (conditional && prng.OneIn(8)) op.if_match = Tag(op.ns, op.path);
  if ((op.kind == Op::Kind::kPut || op.kind == Op::Kind::kSetAttributes) && prng.OneIn(8))
    op.if_none_match = Tag(op.ns, op.path);
  return op;
}

model::NamespacePolicy Choice::Policy(model::NamespaceKind kind) {
  static constexpr uint32_t kVersions[] = {0, 1, 2, 16};
  model::NamespacePolicy policy;
  policy.kind = kind;
  policy.versions_max = kVersions[prng.Below(4)];
  policy.compression = prng.OneIn(2) ? 3 : 0;
  if (prng.OneIn(3)) policy.quota_bytes = 100'000 + prng.Below(400'000);
  if (prng.OneIn(3)) policy.quota_files = 5 + prng.Below(20);
  return policy;
}

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
      problem = Act(actions[i]);
      if (problem.empty() && i % 8 == 7) problem = Compare();
      if (!problem.empty()) problem = "action " + std::to_string(i) + " (" + trace_.back() + "): " + problem;
    }
    if (problem.empty()) problem = Reopen();
    if (problem.empty()) problem = Verify();
    return problem;
  }
  const std::vector<std::string>& trace() const { return trace_; }

 private:
  struct Held {
    std::unique_ptr<engine::Snapshot> snapshot;
    Model model;
  };

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
    model::NamespacePolicy keys, small;
    keys.kind = model::NamespaceKind::kKeys;
    keys.versions_max = 2;
    keys.compression = 3;
    small.versions_max = 0;
    small.quota_bytes = 300'000;
    small.quota_files = 12;
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
    if (kind < 88) return Note("snapshot"), TakeSnapshot();
    if (kind < 90) return Note("check snapshots"), CheckSnapshots();
    if (kind < 93) return Compact(choice.prng.OneIn(2));
    if (kind < 94) return Note("verify"), Verify();
    if (kind < 96) return Note("feed"), CheckFeed(choice.prng.OneIn(3) ? 0 : choice.prng.Below(model_.last + 1));
    if (kind < 97) return Note("reopen"), Reopen();
    if (setting_.real_disk) return Note("reopen"), Reopen();
    if (kind < 99) return Crash(choice);
    return Note("lose the index"), LoseIndex();
  }
  void Note(std::string line) { trace_.push_back(std::move(line)); }

  // -------------------------------------------------------------------------------------------- operations

  base::Status Add(engine::Transaction& t, const Op& op) {
    engine::PutOptions put;
    put.kind = op.content;
    put.if_match = op.if_match;
    put.if_none_match = op.if_none_match;
    put.attributes.mode = op.mode;
    put.attributes.content_type = op.type;
    engine::ChangeOptions change{op.recursive, op.no_replace, op.if_match};
    switch (op.kind) {
      case Op::Kind::kPut: return store_->AddPut(t, op.ns, op.path, *op.data, false, put);
      case Op::Kind::kDelete: return store_->AddDelete(t, op.ns, op.path, change);
      case Op::Kind::kMove: return store_->AddMove(t, op.ns, op.path, op.to, change);
      case Op::Kind::kCopy: return store_->AddCopy(t, op.ns, op.path, op.to_ns, op.to, change);
      case Op::Kind::kMkdir: return store_->AddMkdir(t, op.ns, op.path, put);
      case Op::Kind::kSetAttributes: return store_->AddSetAttributes(t, op.ns, op.path, put);
      case Op::Kind::kRestore: return store_->AddRestore(t, op.ns, op.path, op.version);
      case Op::Kind::kDeleteVersion: return store_->AddDeleteVersion(t, op.ns, op.path, op.version);
    }
    return {};
  }

  base::Status Commit(const std::vector<Op>& group) {
    engine::Transaction t;
    for (const Op& op : group) JZSE_RETURN_IF_ERROR(Add(t, op));
    return store_->Commit(std::move(t)).status();
  }

  std::vector<Op> Group(Choice& choice, uint64_t count) {
    std::vector<Op> group;
    std::string line;
    for (uint64_t i = 0; i < count; ++i) {
      group.push_back(choice.Operation(count > 1));
      line += (i == 0 ? "" : "; ") + group.back().ToString();
    }
    Note(line);
    return group;
  }

  std::string Operate(Choice& choice, uint64_t count) {
    const std::vector<Op> group = Group(choice, count);
    // A namespace that is missing is found when the operation is added, before what is wrong with those ahead of it.
    Code want = Code::kOk;
    for (const Op& op : group)
      if (model_.spaces.count(op.ns) == 0 || (!op.to.empty() && model_.spaces.count(op.to_ns) == 0))
        want = Code::kNotFound;
    if (want == Code::kOk) want = model_.Apply(group);
    const std::string problem = Expect("commit", want, Commit(group));
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
    const model::NamespacePolicy policy = choice.Policy(kind);
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
    const std::string problem = Expect("compact", Code::kOk, store_->Compact(options).status());
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
      const base::Status status = Commit(group);
      if (after.Apply(group) != Code::kOk) after = model_;
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
        if (!file->live() && problem.empty()) problem = CompareDeleted(name, space, file->now.path);
    return problem;
  }

  // The versions of files deleted at a path.
  std::string CompareDeleted(const std::string& ns, const Space& space, const std::string& path) {
    std::set<Sequence> want, have;
    for (const File* const file : space.At(path)) {
      for (const auto& [sequence, state] : file->versions) want.insert(sequence);
      if (file->live()) want.insert(file->now.sequence);
    }
    const auto list = store_->ListVersions(ns, path);
    if (!list.ok()) return want.empty() ? "" : ns + ":" + path + ": versions: " + std::string(list.status().message());
    for (;;) {
      const auto entry = (*list)->Next();
      if (!entry.ok()) return std::string(entry.status().message());
      if (*entry == nullptr) break;
      if ((*entry)->info.kind != ContentKind::kDeleted) have.insert((*entry)->info.sequence);
    }
    if (want != have)
      return ns + ":" + path + ": has " + std::to_string(have.size()) + " versions, should be " +
             std::to_string(want.size());
    for (const File* const file : space.At(path))
      for (const auto& [sequence, state] : file->versions)
        if (const std::string problem = CompareVersion(ns, path, state); !problem.empty()) return problem;
    return "";
  }

  std::string CompareVersion(const std::string& ns, const std::string& path, const State& state) {
    engine::GetOptions options;
    options.version = state.sequence;
    std::string data;
    const auto info = store_->Get(ns, path, options, &data, nullptr);
    if (!info.ok()) return ns + ":" + path + ": a version: " + std::string(info.status().message());
    return data == *state.data ? "" : ns + ":" + path + ": a version has other bytes";
  }

  std::string Verify() {
    const std::string problems = crash::VerifyProblems(*store_);
    return problems.empty() ? "" : "verify: " + problems;
  }

  std::string TakeSnapshot() {
    if (snapshots_.size() >= 3) {
      const std::string problem = CheckSnapshots();
      snapshots_.clear();
      if (!problem.empty()) return problem;
    }
    auto snapshot = store_->OpenSnapshot();
    if (!snapshot.ok()) return "snapshot: " + std::string(snapshot.status().message());
    if ((*snapshot)->sequence() != model_.last) return "the snapshot is of another moment";
    snapshots_.push_back({*std::move(snapshot), model_});
    return "";
  }

  std::string CheckSnapshots() {
    for (const Held& held : snapshots_)
      for (const auto& [name, space] : held.model.spaces) {
        const auto now = model_.spaces.find(name);
        if (now == model_.spaces.end() || now->second.incarnation != space.incarnation) continue;
        if (const std::string problem = CheckSnapshot(held, name, space); !problem.empty())
          return "snapshot of " + std::to_string(held.snapshot->sequence()) + ": " + problem;
      }
    return "";
  }

  std::string CheckSnapshot(const Held& held, const std::string& ns, const Space& space) {
    std::map<std::string, const File*> want;
    for (const auto& file : space.files)
      if (file->live()) want[file->now.path] = file.get();
    engine::ListOptions options;
    options.snapshot = held.snapshot.get();
    const auto list = store_->List(ns, options);
    if (!list.ok()) return std::string(list.status().message());
    for (const auto& [path, file] : want) {
      const auto entry = (*list)->Next();
      if (!entry.ok()) return std::string(entry.status().message());
      if (*entry == nullptr || (*entry)->path != path || (*entry)->info.sequence != file->now.sequence)
        return ns + ":" + path + ": is missing or another";
      if (!file->now.has_content()) continue;
      engine::GetOptions get;
      get.snapshot = held.snapshot.get();
      std::string data;
      const auto info = store_->Get(ns, path, get, &data, nullptr);
      if (!info.ok()) return ns + ":" + path + ": " + std::string(info.status().message());
      if (data != *file->now.data) return ns + ":" + path + ": other bytes";
    }
    const auto rest = (*list)->Next();
    return rest.ok() && *rest == nullptr ? "" : ns + ": lists more than there was";
  }

  // A follower that knows everything up to `after` learns every later state, in order.
  std::string CheckFeed(Sequence after) {
    engine::FeedOptions options;
    options.after = after;
    const auto feed = store_->OpenFeed(options);
    if (!feed.ok()) return "feed: " + std::string(feed.status().message());
    std::map<std::string, std::map<base::FileId, engine::ChangeEvent>> newest;
    Sequence before = after;
    for (;;) {
      const auto event = (*feed)->Next(0);
      if (!event.ok()) return "feed: " + std::string(event.status().message());
      if (*event == nullptr) break;
      if ((*event)->sequence <= before) return "feed: goes back";
      before = (*event)->sequence;
      newest[(*event)->ns][(*event)->info.id] = **event;
    }
    for (const auto& [name, space] : model_.spaces) {
      std::map<std::string, Sequence> want, have;
      for (const auto& file : space.files)
        if (file->live() && file->now.sequence > after) want[file->now.path] = file->now.sequence;
      for (const auto& [id, event] : newest[name])
        if (event.type != engine::ChangeType::kDelete) have[event.path] = event.sequence;
      if (want == have) continue;
      for (const auto& [path, sequence] : want)
        if (have[path] != sequence) return "feed after " + std::to_string(after) + ": misses " + name + ":" + path;
      for (const auto& [path, sequence] : have)
        if (want.count(path) == 0) return "feed after " + std::to_string(after) + ": still has " + name + ":" + path;
    }
    return "";
  }

  const Setting setting_;
  base::Prng prng_;
  std::string directory_;
  std::unique_ptr<SimEnv> sim_;
  std::unique_ptr<io::Env> real_;
  std::unique_ptr<Store> store_;
  std::vector<Held> snapshots_;  // before the store they borrow goes
  Model model_;
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
