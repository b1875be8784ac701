// SPDX-License-Identifier: Apache-2.0
// Every scenario with its n-th call of the disk failing, for n = 1, 2, 3 and so on until it runs through: once or from
// then on, as an I/O error, a full disk, no descriptor left, or a read that comes short.
//
// After each: a documented code; what can be read is the state before the call, or after it if it succeeded; no file is
// left open; the store opens again, holds the state before or after, passes verify, and takes writes.
#include <catch2/catch.hpp>

#include "budget.h"
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
};
constexpr Kind kKinds[] = {
    {"io", io::kAllOps, Code::kIo, false, false},
    {"io-for-ever", io::kAllOps, Code::kIo, true, false},
    {"space", io::kWriteOps | Op::kCreate | Op::kCreateDir | Op::kRename | Op::kLock, Code::kNoSpace, false, false},
    {"space-for-ever", io::kWriteOps | Op::kCreate | Op::kCreateDir, Code::kNoSpace, true, false},
    {"descriptors", Op::kOpen | Op::kCreate | Op::kListDir | Op::kSyncDir | Op::kLock, Code::kBusy, false, false},
    {"short-read", static_cast<OpMask>(Op::kRead), Code::kOk, false, true},
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
  int code = JZSE_OK;
  {
    Stage stage(*env);
    if (!scenario.closed && stage.Open() != JZSE_OK) return "cannot be opened at all";
    if (kind.short_read) {
      env->ShortReadNth(n);
    } else {
      env->FailNth(kind.ops, n, kind.code, kind.for_ever);
    }
    code = Act(scenario, stage);
    *fired = env->faults_fired() > 0;
    env->ClearFaults();
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

TEST_CASE("the n-th call of the disk fails in every scenario") {
  const auto scenery = SceneryDisk();
  for (const Kind& kind : kKinds) {
    Sweep sweep(std::string("fault-") + kind.name);
    for (const Scenario& scenario : Scenarios()) {
      const Outcome outcome = Undisturbed(scenario, *scenery);
      bool fired = true;
      for (uint64_t n = 1; fired && n < 20'000; n += sweep.Step(8)) {
        const auto name = [&] { return std::string(scenario.name) + ":" + std::to_string(n); };
        if (!sweep.Take(name)) continue;
        const std::string problem = Run(scenario, outcome, *scenery, kind, n, &fired);
        if (!problem.empty()) sweep.Failed(name(), problem);
      }
    }
    CHECK(sweep.failed() == 0);
  }
}

}  // namespace
}  // namespace jzse::crash
