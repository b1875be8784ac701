// SPDX-License-Identifier: Apache-2.0
// What an application does with a store, call by call through the C API, on a simulated disk: the scenarios that
// fault_scenario_test and memory_test run again and again while one thing after the other fails.
//
// A scenario stops at the first call that fails, releases what it holds and returns that call's code.
//
// Threading: one thread; asynchronous scenarios use the one of the engine besides.
#ifndef JZSE_TESTS_CRASH_SCENARIO_H_
#define JZSE_TESTS_CRASH_SCENARIO_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "capi/handles.h"
#include "store_world.h"

namespace jzse::crash {

class Stage {
 public:
  explicit Stage(io::SimEnv& env) : env(env) {}
  ~Stage() { (void)Close(); }

  io::SimEnv& env;
  jzse_store* store = nullptr;
  jzse_error error = JZSE_ERROR_INIT;  // of the first call that failed
  // Around every call into the library; may be empty.
  std::function<void()> enter, leave;
  // As in engine::Options, for every store that is opened; may be empty.
  std::function<std::unique_ptr<store::Index>(std::unique_ptr<store::Index>)> around_index;

  // Calls into the library. 0 only as long as nothing has failed: then nothing more is called.
  template <typename F>
  int Call(F f) {
    if (code_ != JZSE_OK) return code_;
    if (enter) enter();
    code_ = f();
    if (leave) leave();
    return code_;
  }
  // For what releases a handle, and is called whatever has failed.
  template <typename F>
  void Release(F f) {
    if (enter) enter();
    f();
    if (leave) leave();
  }
  int code() const { return code_; }
  void Fail(int code) { code_ = code; }  // a result that is wrong
  void Clear() { code_ = JZSE_OK; error = JZSE_ERROR_INIT; }

  int Open(const engine::Options& options = QuietOptions());
  int Close();  // the handle is gone afterwards

 private:
  int code_ = JZSE_OK;
};

struct Scenario {
  const char* name;
  int (*act)(Stage& stage);  // the store is open; except:
  bool closed = false;       // the scenario opens the store itself
  int expected = JZSE_OK;    // without any fault
  bool steps = false;        // several commits: after a failure every file is as before or as after
  bool tells = false;        // kWrong where it meets damage
  std::unique_ptr<io::SimEnv> (*disk)() = nullptr;  // what it begins with; else SceneryDisk
};
constexpr int kWrong = 1;    // a result that no failure of the library may give
const std::vector<Scenario>& Scenarios();
// More of them, with disks of their own.
const std::vector<Scenario>& DeepScenarios();

// A closed store with something of everything, and an hour's sleep behind it.
std::unique_ptr<io::SimEnv> SceneryDisk();

}  // namespace jzse::crash

#endif  // JZSE_TESTS_CRASH_SCENARIO_H_
