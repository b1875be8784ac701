// SPDX-License-Identifier: Apache-2.0
// Every scenario with its n-th call of the disk failing, for n = 1, 2, 3 and so on until it runs through: once or from
// then on, as an I/O error, a full disk, no descriptor left, or a read that comes short. And with the n-th call of the
// index failing, or showing a damaged value.
//
// After each: a documented code; what can be read is the state before the call, or after it if it succeeded; no file is
// left open; the store opens again, holds the state before or after, passes verify, and takes writes.
#include <catch2/catch.hpp>

#include "budget.h"
#include "faulty_index.h"
#include "scenario.h"

namespace jzse::crash {
namespace {

using io::Op;
using io::OpMask;
using io::SimEnv;

struct Kind {
  const char* name;
  OpMask ops;
  Code code;
  bool for_ever;
  bool short_read;
  unsigned index_ops = 0;  // of IndexFaults; then nothing of the disk fails
};
constexpr Kind kKinds[] = {
    {"io", io::kAllOps, Code::kIo, false, false},
    {"io-for-ever", io::kAllOps, Code::kIo, true, false},
    {"space", io::kWriteOps | Op::kCreate | Op::kCreateDir | Op::kRename | Op::kLock, Code::kNoSpace, false, false},
    {"space-for-ever", io::kWriteOps | Op::kCreate | Op::kCreateDir, Code::kNoSpace, true, false},
    {"descriptors", Op::kOpen | Op::kCreate | Op::kListDir | Op::kSyncDir | Op::kLock, Code::kBusy, false, false},
    {"short-read", static_cast<OpMask>(Op::kRead), Code::kOk, false, true},
    {"index-read", 0, Code::kIo, false, false, IndexFaults::kGet | IndexFaults::kStep},
    {"index-read-for-ever", 0, Code::kIo, true, false, IndexFaults::kGet | IndexFaults::kStep},
    {"index-write", 0, Code::kIo, false, false, IndexFaults::kApply | IndexFaults::kFlush},
    {"index-write-for-ever", 0, Code::kIo, true, false, IndexFaults::kApply | IndexFaults::kFlush},
    {"index-value", 0, Code::kCorrupt, false, false, IndexFaults::kGet | IndexFaults::kStep},
    {"index-value-for-ever", 0, Code::kCorrupt, true, false, IndexFaults::kGet | IndexFaults::kStep},
};

// What a scenario leads to when nothing fails.
struct Outcome {
  Dump before, after;
};

StatusOr<Dump> DumpClosed(SimEnv& env) {
  JZSE_ASSIGN_OR_RETURN(const auto store, OpenOn(env));
  return DumpOf(*store);
}

int Act(const Scenario& scenario, Stage& stage) { return scenario.act(stage); }

Outcome Undisturbed(const Scenario& scenario, const SimEnv& scenery) {
  Outcome outcome;
  auto env = scenery.CloneKilled();
  const auto before = DumpClosed(*env);
  REQUIRE(before.ok());
  outcome.before = *before;
  env = scenery.CloneKilled();
  {
    Stage stage(*env);
    if (!scenario.closed) REQUIRE(stage.Open() == JZSE_OK);
    const int code = Act(scenario, stage);
    INFO(scenario.name << ": " << stage.error.message);
    REQUIRE(code == scenario.expected);
    REQUIRE(stage.Close() == JZSE_OK);
  }
  CHECK(env->open_files() == 0);
  const auto after = DumpClosed(*env);
  REQUIRE(after.ok());
  outcome.after = *after;
  return outcome;
}

// Of scenarios with several commits: every file is as before, as after, or as a state in between (its own).
std::string StepDifference(const Outcome& outcome, const Dump& have) {
  for (const auto& [key, value] : have) {
    if (key[0] == '#') continue;
    const auto before = outcome.before.find(key), after = outcome.after.find(key);
    if (before == outcome.before.end() && after == outcome.after.end() && key.find('@') == std::string::npos)
      return key + " is neither before nor after";
  }
  for (const auto& [key, value] : outcome.before)
    if (key[0] != '#' && have.count(key) == 0 && outcome.after.count(key) != 0) return key + " is missing";
  return "";
}

std::string Disagreement(const Scenario& scenario, const Outcome& outcome, const Dump& have, bool may_be_before,
                         bool may_be_after) {
  const std::string from_before = Difference(outcome.before, have), from_after = Difference(outcome.after, have);
  if (may_be_before && from_before.empty()) return "";
  if (may_be_after && from_after.empty()) return "";
  if (scenario.steps && may_be_before) return StepDifference(outcome, have);
  return may_be_before ? "not the state before: " + from_before : "not the state after: " + from_after;
}

bool Documented(const Kind& kind, const Scenario& scenario, int code) {
  if (code == scenario.expected || code == JZSE_READ_ONLY || code == JZSE_IO) return true;
  if (kind.short_read) return code == JZSE_CORRUPT;
  if (scenario.tells && kind.code == Code::kCorrupt && code == kWrong) return true;
  // LevelDB asks whether a file exists and takes no error for an answer; its index is then taken for a damaged one.
  if (scenario.closed && code == JZSE_CORRUPT) return true;
  return code == static_cast<int>(kind.code);
}

// What a new process finds.
std::string Reopened(const Scenario& scenario, const Outcome& outcome, SimEnv& env, int code) {
  if (env.open_files() != 0) return std::to_string(env.open_files()) + " files are left open";
  auto store = OpenOn(env);
  if (!store.ok()) return "cannot be opened afterwards: " + std::string(store.status().message());
  const auto dump = DumpOf(**store);
  if (!dump.ok()) return "cannot be read afterwards: " + std::string(dump.status().message());
  const bool succeeded = code == JZSE_OK && scenario.expected == JZSE_OK;
  const std::string problem = Disagreement(scenario, outcome, *dump, !succeeded, true);
  if (!problem.empty()) return "reopened after code " + std::to_string(code) + ": " + problem;
  const std::string problems = VerifyProblems(**store);
  if (!problems.empty()) return "verify afterwards: " + problems;
  const Status put = Put(**store, "default", "afterwards", "works");
  return put.ok() ? "" : "no writes afterwards: " + std::string(put.message());
}

// One run; `fired` is false when the fault was not met.
std::string Run(const Scenario& scenario, const Outcome& outcome, const SimEnv& scenery, const Kind& kind, uint64_t n,
                bool* fired) {
  auto env = scenery.CloneKilled();
  IndexFaults index;
  const auto fired_now = [&] { return env->faults_fired() > 0 || index.fired() > 0; };
  int code = JZSE_OK;
  {
    Stage stage(*env);
    if (kind.index_ops != 0) stage.around_index = index.Around();
    if (!scenario.closed && stage.Open() != JZSE_OK) return "cannot be opened at all";
    if (kind.index_ops != 0) {
      index.Plan(kind.index_ops, n, kind.code == Code::kCorrupt, kind.for_ever);
    } else if (kind.short_read) {
      env->ShortReadNth(n);
    } else {
      env->FailNth(kind.ops, n, kind.code, kind.for_ever);
    }
    code = Act(scenario, stage);
    *fired = fired_now();
    env->ClearFaults();
    index.Clear();
    const std::string said = std::to_string(code) + " (" + stage.error.message + ")";
    if (!*fired) return code == scenario.expected ? "" : "fails without a fault: " + said;
    if (!Documented(kind, scenario, code)) return "an undocumented code: " + said;
    if (code != JZSE_OK && code != scenario.expected && stage.error.message[0] == '\0' && stage.error.code != JZSE_OK)
      return "a failure without a message";
    if (stage.store != nullptr) {
      const auto dump = DumpOf(*stage.store->engine);
      // A failure in LevelDB's background work lasts until the store is reopened, and listings need LevelDB up to date;
      // files can still be read one by one.
      const bool index_stopped = !dump.ok() && dump.status().message().find("index: ") != std::string::npos;
      if (index_stopped && Get(*stage.store->engine, "default", "dir/a").ok()) {
        (void)stage.Close();
        return Reopened(scenario, outcome, *env, code);
      }
      if (!dump.ok()) return "after " + said + " cannot be read: " + std::string(dump.status().message());
      const bool succeeded = code == JZSE_OK && scenario.expected == JZSE_OK;
      const std::string problem = Disagreement(scenario, outcome, *dump, !succeeded || scenario.closed, succeeded);
      if (!problem.empty()) return "after " + said + ": " + problem;
    }
    if (stage.Close() == JZSE_BUSY) return "handles are left after " + said;
  }
  return Reopened(scenario, outcome, *env, code);
}

TEST_CASE("there are at least 40 scenarios, and without faults they do what they should") {
  CHECK(Scenarios().size() >= 40);
  const auto scenery = SceneryDisk();
  for (const Scenario& scenario : Scenarios()) (void)Undisturbed(scenario, *scenery);
}

// Every `mean`-th call, more or less.
void FailAll(const std::vector<Scenario>& scenarios, const char* prefix, double mean) {
  const auto common = SceneryDisk();
  std::map<std::unique_ptr<SimEnv> (*)(), std::unique_ptr<SimEnv>> disks;
  for (const Kind& kind : kKinds) {
    Sweep sweep(std::string(prefix) + kind.name);
    for (const Scenario& scenario : scenarios) {
      if (scenario.disk != nullptr && disks[scenario.disk] == nullptr) disks[scenario.disk] = scenario.disk();
      const SimEnv& scenery = scenario.disk != nullptr ? *disks[scenario.disk] : *common;
      const Outcome outcome = Undisturbed(scenario, scenery);
      bool fired = true;
      for (uint64_t n = 1; fired && n < 20'000; n += sweep.Step(mean)) {
        const auto name = [&] { return std::string(scenario.name) + ":" + std::to_string(n); };
        if (!sweep.Take(name)) continue;
        const std::string problem = Run(scenario, outcome, scenery, kind, n, &fired);
        if (!problem.empty()) sweep.Failed(name(), problem);
      }
    }
    CHECK(sweep.failed() == 0);
  }
}

TEST_CASE("the n-th call of the disk fails in every scenario") { FailAll(Scenarios(), "fault-", 8); }
TEST_CASE("the n-th call of the disk fails in every deep scenario") {
  FailAll(DeepScenarios(), "deep-", 40);
}

}  // namespace
}  // namespace jzse::crash
