// SPDX-License-Identifier: Apache-2.0
// Long work on request: verify and compact, each on a thread of its own, one of a kind at a time, with progress, cancellation and a report that is kept.
//
// Threading: from any thread.
#ifndef JZSE_SERVER_JZSED_TASKS_H_
#define JZSE_SERVER_JZSED_TASKS_H_

#include <jzse/jzse.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "log/log.h"

namespace jzse::jzsed {

using Json = nlohmann::ordered_json;

enum class TaskKind { kVerify, kCompact };

struct TaskOptions {
  TaskKind kind = TaskKind::kVerify;
  bool repair = false;    // verify
  uint64_t rate = 0;      // verify
  bool full = false;      // compact
};

class Tasks {
 public:
  Tasks(jzse_store* store, log::Log& log) : store_(store), log_(log) {}
  ~Tasks() { Stop(); }
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;

  // The new task as JSON; false: one of the kind is under way, or the server stops.
  bool Start(const TaskOptions& options, Json* json);
  bool Get(const std::string& id, Json* json) const;
  bool Cancel(const std::string& id, Json* json);
  Json List() const;
  // Cancels and waits.
  void Stop();

 private:
  struct Task;
  std::shared_ptr<Task> Find(const std::string& id) const;
  void Run(const std::shared_ptr<Task>& task, TaskOptions options);
  static int Progress(void* context, uint64_t done, uint64_t total);
  static void Problem(void* context, const char* ns, const char* path, uint64_t version, const char* problem);

  jzse_store* const store_;
  log::Log& log_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Task>> tasks_;  // newest first
  uint64_t next_id_ = 1;
  bool stop_ = false;
};

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_TASKS_H_
