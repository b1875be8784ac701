// SPDX-License-Identifier: Apache-2.0
// Every scenario with its n-th allocation failing, for n = 1, 2, 3 and so on until it runs through.
//
// Counted are allocations by operator new between entry and exit of a call of the C API, on the calling thread. LevelDB is
// left out: it is built without exceptions, so one that passes through it leaves its locks taken; what is demanded of
// everything else is that the call answers JZSE_NO_MEMORY or succeeds, and that the store is in the state before or after.
//
// Each case runs in a child process, so that a crash, a hang or a leak is one failed case.
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <new>

#include "budget.h"
#include "scenario.h"
#include "store/live_index.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace {

// No constructors: the allocator uses them before main.
thread_local bool counting = false;
thread_local uint64_t countdown = 0;  // 0: none is to fail
thread_local bool failed = false;
thread_local int sparing = 0;  // in the simulated disk
bool tracing = false;  // replaying one case: tells where the allocation is

// The caller is LevelDB, or is called by it.
bool InLevelDb() {
  void* frames[64];
  const int count = backtrace(frames, 64);
  for (int i = 0; i < count; ++i) {
    Dl_info info;
    if (dladdr(frames[i], &info) != 0 && info.dli_fname != nullptr && std::strstr(info.dli_fname, "libleveldb") != nullptr)
      return true;
  }
  return false;
}

bool Fails() {
  if (!counting || sparing != 0 || countdown == 0) return false;
  if (countdown > 1) {
    --countdown;
    return false;
  }
  counting = false;  // backtrace and dladdr allocate
  const bool spared = InLevelDb();
  if (spared) {
    counting = true;
    return false;  // the next one, then
  }
  if (tracing) {
    void* frames[64];
    backtrace_symbols_fd(frames, backtrace(frames, 64), 2);
  }
  countdown = 0;
  failed = true;
  counting = true;
  return true;
}

void* Allocate(size_t size, size_t alignment) {
  if (Fails()) return nullptr;
  if (size == 0) size = 1;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // where only one of a pair is inlined
#endif
void* operator new(size_t size) { return OrThrow(Allocate(size, 1)); }
void* operator new[](size_t size) { return OrThrow(Allocate(size, 1)); }
void* operator new(size_t size, std::align_val_t at) { return OrThrow(Allocate(size, static_cast<size_t>(at))); }
void* operator new[](size_t size, std::align_val_t at) { return OrThrow(Allocate(size, static_cast<size_t>(at))); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return Allocate(size, 1); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return Allocate(size, 1); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace jzse::crash {
namespace {

using io::SimEnv;

struct Outcome {
  Dump before, after;
};

StatusOr<Dump> DumpClosed(SimEnv& env) {
  JZSE_ASSIGN_OR_RETURN(const auto store, OpenOn(env));
  return DumpOf(*store);
}

Outcome Undisturbed(const Scenario& scenario, const SimEnv& scenery) {
  Outcome outcome;
  auto env = scenery.CloneKilled();
  outcome.before = *DumpClosed(*env);
  env = scenery.CloneKilled();
  {
    Stage stage(*env);
    if (!scenario.closed) REQUIRE(stage.Open() == JZSE_OK);
    REQUIRE(scenario.act(stage) == scenario.expected);
  }
  outcome.after = *DumpClosed(*env);
  return outcome;
}

std::string Disagreement(const Scenario& scenario, const Outcome& outcome, const Dump& have, bool may_be_before,
                         bool may_be_after) {
  const std::string from_before = Difference(outcome.before, have), from_after = Difference(outcome.after, have);
  if ((may_be_before && from_before.empty()) || (may_be_after && from_after.empty())) return "";
  if (scenario.steps && may_be_before) return "";
  return may_be_before ? "not the state before: " + from_before : "not the state after: " + from_after;
}

std::string RunHere(const Scenario& scenario, const Outcome& outcome, const SimEnv& scenery, uint64_t n, bool* fired) {
  auto env = scenery.CloneKilled();
  int code = JZSE_OK;
  {
    Stage stage(*env);
    if (!scenario.closed && stage.Open() != JZSE_OK) return "cannot be opened at all";
    stage.enter = [] { counting = true; };
    stage.leave = [] { counting = false; };
    failed = false;
    countdown = n;
    code = scenario.act(stage);
    countdown = 0;
    stage.enter = stage.leave = nullptr;
    *fired = failed;
    const std::string said = std::to_string(code) + " (" + stage.error.message + ")";
    if (!*fired) return code == scenario.expected ? "" : "fails without a fault: " + said;
    // A write or sync of the journal that fails, for lack of memory on its way to the disk, stops the store.
    const bool sensible = code == scenario.expected || code == JZSE_NO_MEMORY || code == JZSE_READ_ONLY;
    if (!sensible) return "an undocumented code: " + said;
    if (stage.store != nullptr) {
      const auto dump = DumpOf(*stage.store->engine);
      if (!dump.ok()) return "after " + said + " cannot be read: " + std::string(dump.status().message());
      const bool succeeded = code == JZSE_OK && scenario.expected == JZSE_OK;
      const std::string problem = Disagreement(scenario, outcome, *dump, !succeeded || scenario.closed, succeeded);
      if (!problem.empty()) return "after " + said + ": " + problem;
      // The store is usable, or says that writing has stopped.
      Status put = Put(*stage.store->engine, "default", "next", "works");
      if (put.ok()) put = Put(*stage.store->engine, "default", "next", Noise(99, 100'000));  // chunks, too
      if (!put.ok() && !base::Is(put, Code::kReadOnly))
        return "after " + said + " the next put fails: " + std::string(put.message());
      if (put.ok() && !Delete(*stage.store->engine, "default", "next").ok()) return "the next delete fails";
    }
    const auto cut = env->CloneCrashed(n, io::CrashMode::kRandom);
    if (const auto store = OpenOn(*cut); !store.ok()) {
      return "after " + said + " and a power cut cannot be opened: " + std::string(store.status().message());
    } else if (const std::string problems = VerifyProblems(**store); !problems.empty()) {
      return "after " + said + " and a power cut verify says: " + problems;
    }
    const int closed = stage.Close();
    if (closed == JZSE_BUSY) return "handles are left after " + said;
    if (closed != JZSE_OK) return "after " + said + " closing says " + std::to_string(closed);
  }
  if (env->open_files() != 0) return std::to_string(env->open_files()) + " files are left open";
  auto store = OpenOn(*env);
  if (!store.ok()) return "cannot be opened afterwards: " + std::string(store.status().message());
  const std::string problems = VerifyProblems(**store);
  return problems.empty() ? "" : "verify afterwards: " + problems;
}

// The result comes through a pipe: 'n' fault not met, 'y' met and all is well, 'p' and a problem.
std::string RunInChild(const Scenario& scenario, const Outcome& outcome, const SimEnv& scenery, uint64_t n,
                       bool* fired) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::fflush(stdout);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    close(ends[0]);
    alarm(300);
    tracing = std::getenv("JZSE_CRASH_CASE") != nullptr;
    for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGTERM}) (void)std::signal(signal, SIG_DFL);
    bool met = false;
    std::string problem = RunHere(scenario, outcome, scenery, n, &met);
#if defined(__SANITIZE_ADDRESS__)
    if (problem.empty() && __lsan_do_recoverable_leak_check() != 0) problem = "memory is leaked";
#endif
    const std::string line = problem.empty() ? (met ? "y" : "n") : "p" + problem;
    (void)!write(ends[1], line.data(), line.size());
    _exit(0);
  }
  close(ends[1]);
  std::string line;
  char buffer[512];
  for (ssize_t count; (count = read(ends[0], buffer, sizeof buffer)) > 0;) line.append(buffer, static_cast<size_t>(count));
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  *fired = line != "n";
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGALRM ? "hangs" : "dies of signal " + std::to_string(WTERMSIG(status));
  if (line.empty()) return "ends with code " + std::to_string(WEXITSTATUS(status));
  return line[0] == 'p' ? line.substr(1) : "";
}

// Whether a scenario goes through the commit path.
bool Commits(const Scenario& scenario) {
  static const std::set<std::string> kNever = {
      "get", "get chunks", "get compressed", "get what is not there", "get a range", "stat", "reader", "metadata",
      "list in pages", "list with a delimiter", "read versions", "feed", "statistics", "list namespaces", "verify",
      "repair", "export", "writer aborted", "group aborted", "open and close", "rebuild the index", "open read-only",
      "open without an index", "open what must be new"};
  return !kNever.contains(scenario.name);
}

// `only`: of one scenario, its first allocations, each of them.
void FailAllocations(bool committing, std::string_view only = "") {
  void* warm[4];
  (void)backtrace(warm, 4);  // loads what it needs now, not inside of operator new
  io::SimMutex::SetBrackets([] { ++sparing; }, [] { --sparing; });
  const auto scenery = SceneryDisk();
  Sweep sweep("memory");
  for (const Scenario& scenario : Scenarios()) {
    if (Commits(scenario) != committing || (!only.empty() && scenario.name != only)) continue;
    const Outcome outcome = Undisturbed(scenario, *scenery);
    bool fired = true;
    for (uint64_t n = 1; fired && n < (only.empty() ? 100'000 : 40); n += only.empty() ? sweep.Step(n < 60 ? 8 : 60) : 1) {
      const auto name = [&] { return std::string(scenario.name) + ":" + std::to_string(n); };
      if (!sweep.Take(name)) continue;
      const std::string problem = RunInChild(scenario, outcome, *scenery, n, &fired);
      if (!problem.empty()) sweep.Failed(name(), problem);
    }
  }
  CHECK(sweep.failed() == 0);
}

TEST_CASE("the n-th allocation fails in every scenario that commits nothing") { FailAllocations(false); }
TEST_CASE("the n-th allocation fails in every scenario that commits") { FailAllocations(true); }

TEST_CASE("a writer that lacks memory for a piece commits no content with a hole") {
  FailAllocations(true, "compact fully under a writer");
}

// On top of changes that wait already, which the scenarios do not come to.
TEST_CASE("without memory an overlay takes a group as a whole or not at all") {
  bool met = true;
  for (uint64_t n = 1; met; ++n) {
    store::LiveIndex index(store::NewMapIndex(), {});
    index.Publish({{"Pa", "old"}, {"Pz", "old"}}, {});
    store::OverlayMap group{{"Pa", "new"}, {"Pb", "new"}, {"Pc", "new"}};
    failed = false;
    countdown = n;
    counting = true;
    try {
      index.Publish(std::move(group), {});
    } catch (const std::bad_alloc&) {
    }
    counting = false;
    countdown = 0;
    met = failed;
    int taken = 0;
    std::string value;
    for (const char* key : {"Pa", "Pb", "Pc"})
      if (*index.Get(key, &value) && value == "new") ++taken;
    INFO(n);
    CHECK((taken == 3 || (met && taken == 0)));
  }
}

}  // namespace
}  // namespace jzse::crash
