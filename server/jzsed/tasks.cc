// SPDX-License-Identifier: Apache-2.0
#include "jzsed/tasks.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "http/date.h"

namespace jzse::jzsed {
namespace {

constexpr size_t kKeptMax = 16;
constexpr size_t kProblemsMax = 100;

std::string Now() {
  return http::FormatRfc3339(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                 std::chrono::system_clock::now().time_since_epoch()).count(), 3);
}

const char* KindName(TaskKind kind) { return kind == TaskKind::kVerify ? "verify" : "compact"; }

Json ReportJson(const jzse_verify_report& report) {
  return {{"segments", report.segments}, {"records", report.records}, {"bytes", report.bytes},
          {"files", report.files}, {"versions", report.versions}, {"chunks", report.chunks},
          {"problems", report.problems}, {"repaired", report.repaired}};
}

Json ReportJson(const jzse_compact_report& report) {
  return {{"segments", report.segments}, {"bytes_before", report.bytes_before}, {"bytes_after", report.bytes_after},
          {"versions_expired", report.versions_expired}, {"chunks_dropped", report.chunks_dropped},
          {"tombstones_dropped", report.tombstones_dropped}};
}

}  // namespace

struct Tasks::Task {
  std::string id, started;
  TaskKind kind = TaskKind::kVerify;
  std::atomic<uint64_t> done{0}, total{0};
  std::atomic<bool> cancel{false};
  std::thread thread;

  mutable std::mutex mutex;  // of what follows
  std::string state = "running", ended, error;
  Json report, problems = Json::array();

  bool running() const {
    std::lock_guard lock(mutex);
    return state == "running";
  }
  Json ToJson() const {
    std::lock_guard lock(mutex);
    Json json = {{"id", id}, {"kind", KindName(kind)}, {"state", state},
                 {"done", done.load()}, {"total", total.load()}, {"started", started}};
    if (!ended.empty()) json["ended"] = ended;
    if (!report.is_null()) json["report"] = report;
    if (!problems.empty()) json["problems"] = problems;
    if (!error.empty()) json["error"] = error;
    return json;
  }
};

int Tasks::Progress(void* context, uint64_t done, uint64_t total) {
  auto& task = *static_cast<Task*>(context);
  task.done = done;
  task.total = total;
  return task.cancel ? 1 : 0;
}

void Tasks::Problem(void* context, const char* ns, const char* path, uint64_t version, const char* problem) {
  auto& task = *static_cast<Task*>(context);
  std::lock_guard lock(task.mutex);
  if (task.problems.size() < kProblemsMax)
    task.problems.push_back({{"namespace", ns}, {"path", path}, {"version", version}, {"problem", problem}});
}

bool Tasks::Start(const TaskOptions& options, Json* json) {
  std::lock_guard lock(mutex_);
  for (const auto& task : tasks_) {
    if (task->kind == options.kind && task->running()) return false;
  }
  if (stop_) return false;
  auto task = std::make_shared<Task>();
  task->id = std::to_string(next_id_++);
  task->kind = options.kind;
  task->started = Now();
  *json = task->ToJson();
  task->thread = std::thread([this, task, options] { Run(task, options); });
  tasks_.push_front(std::move(task));
  while (tasks_.size() > kKeptMax) {
    if (tasks_.back()->running()) break;
    tasks_.back()->thread.join();
    tasks_.pop_back();
  }
  return true;
}

void Tasks::Run(const std::shared_ptr<Task>& task, TaskOptions options) {
  jzse_error error = JZSE_ERROR_INIT;
  int code = JZSE_OK;
  Json report;
  if (options.kind == TaskKind::kVerify) {
    VerifyOptions verify;
    verify.repair = options.repair ? 1 : 0;
    verify.rate = options.rate;
    verify.progress = &Tasks::Progress;
    verify.problem = &Tasks::Problem;
    verify.context = task.get();
    jzse_verify_report result = JZSE_VERIFY_REPORT_INIT;
    code = jzse_verify(store_, &verify, &result, &error);
    report = ReportJson(result);
  } else {
    CompactOptions compact;
    compact.full = options.full ? 1 : 0;
    compact.progress = &Tasks::Progress;
    compact.context = task.get();
    jzse_compact_report result = JZSE_COMPACT_REPORT_INIT;
    code = jzse_compact(store_, &compact, &result, &error);
    report = ReportJson(result);
  }
  const char* const state = code == JZSE_OK ? "succeeded" : task->cancel && code == JZSE_CLOSED ? "cancelled" : "failed";
  log_.Write(code == JZSE_OK ? log::Level::kInfo : log::Level::kWarning, "task_ended",
             {{"task", task->id}, {"kind", KindName(task->kind)}, {"state", state}, {"error", error.message}});
  std::lock_guard lock(task->mutex);
  task->report = std::move(report);
  task->error = error.message;
  task->ended = Now();
  task->state = state;
}

std::shared_ptr<Tasks::Task> Tasks::Find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  for (const auto& task : tasks_) {
    if (task->id == id) return task;
  }
  return nullptr;
}

bool Tasks::Get(const std::string& id, Json* json) const {
  const auto task = Find(id);
  if (task != nullptr) *json = task->ToJson();
  return task != nullptr;
}

bool Tasks::Cancel(const std::string& id, Json* json) {
  const auto task = Find(id);
  if (task != nullptr) task->cancel = true;
  return Get(id, json);
}

Json Tasks::List() const {
  Json list = Json::array();
  std::lock_guard lock(mutex_);
  for (const auto& task : tasks_) list.push_back(task->ToJson());
  return list;
}

void Tasks::Stop() {
  std::deque<std::shared_ptr<Task>> tasks;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task->cancel = true;
  for (const auto& task : tasks) task->thread.join();
}

}  // namespace jzse::jzsed
