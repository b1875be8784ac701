// SPDX-License-Identifier: Apache-2.0
// A remote store: what each call is in HTTP (README.md, section 4), and what a lost answer means (section 5).
#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>
#include <thread>

#include "http/target.h"
#include "remote/changes.h"
#include "remote/contents.h"

namespace jzse::remote {
namespace {

constexpr int kAnswerMs = 300'000;

std::string NamespaceTarget(const std::string& ns, const char* what = "") { return "/v1/namespaces/" + http::PercentEncode(ns) + what; }

int MakeDirectory(Client* client, const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_file_info* info,
                  jzse_error* error) {
  const Json body = AttributesJson(options);
  Json json;
  bool lost = false;
  const int code = Ask(client, "PUT", Target(ns, "directories", path), &body, &json, error, Repeat::kYes, &lost);
  if (code == JZSE_OK) return ReadEntry(json, nullptr, info) ? code : access::Fail(error, JZSE_UNSUPPORTED, "not as a jzsed answers");
  if (!lost || code != JZSE_EXISTS || Describe(client, ns, path, 0, info, nullptr, nullptr) != JZSE_OK) return code;
  return info->kind == JZSE_KIND_DIRECTORY && info->sequence != 0 ? JZSE_OK : code;
}

// Changes one after the other, on the caller's thread: there are as many workers as connections.
class HttpQueue : public access::Queue {
 public:
  explicit HttpQueue(Client* client) : client_(*client) {}

  int Put(uint64_t tag, const std::string& ns, const std::string& path, const void* data, size_t size, const jzse_put_options& options,
          jzse_error*) override {
    jzse_completion& done = Begin(tag);
    return End(PutWhole(&client_, ns, path, {static_cast<const char*>(data), size}, options, &done.info, &error_));
  }
  int Mkdir(uint64_t tag, const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error*) override {
    jzse_completion& done = Begin(tag);
    return End(MakeDirectory(&client_, ns, path, options, &done.info, &error_));
  }
  int SetMetadata(uint64_t tag, const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error*) override {
    jzse_completion& done = Begin(tag);
    const Json body = AttributesJson(options);
    Json json;
    int code = Ask(&client_, "PUT", Target(ns, "metadata", path), &body, &json, &error_);
    if (code == JZSE_OK && !ReadEntry(json, nullptr, &done.info)) code = access::Fail(&error_, JZSE_UNSUPPORTED, "not as a jzsed answers");
    return End(code);
  }
  int Reap(jzse_completion* completions, size_t max, size_t* count, jzse_error*) override {
    for (*count = 0; *count < max && !done_.empty(); ++*count) {
      completions[*count] = done_.front();
      done_.pop_front();
    }
    return JZSE_OK;
  }

 private:
  jzse_completion& Begin(uint64_t tag) {
    jzse_completion done{};
    done.tag = tag;
    error_ = JZSE_ERROR_INIT;
    return done_.emplace_back(done);
  }
  int End(int code) {
    jzse_completion& done = done_.back();
    done.code = code;
    if (code != JZSE_OK) std::memcpy(done.message, error_.message, std::min(std::strlen(error_.message), sizeof done.message - 1));
    return JZSE_OK;
  }

  Client& client_;
  jzse_error error_ = JZSE_ERROR_INIT;
  std::deque<jzse_completion> done_;
};

class HttpStore : public access::Store {
 public:
  HttpStore(const Url& url, Options options) : client_(url, std::move(options)) {}

  int Close(jzse_error*) override { return JZSE_OK; }
  int Stats(jzse_stats* stats, std::string* region, jzse_error* error) override {
    Json json;
    const int code = Ask(&client_, "GET", "/v1/stats", nullptr, &json, error);
    return code != JZSE_OK || ReadStats(json, stats, region) ? code : Strange(error);
  }

  int GetNamespace(const std::string& ns, jzse_namespace_config* config, jzse_namespace_info* info, jzse_error* error) override {
    if (const int code = CheckNamespace(ns, error); code != JZSE_OK) return code;
    Json json;
    const int code = Ask(&client_, "GET", NamespaceTarget(ns), nullptr, &json, error);
    return code != JZSE_OK || ReadNamespace(json, config, info) ? code : Strange(error);
  }
  int CreateNamespace(const std::string& ns, const jzse_namespace_config& config, jzse_error* error) override {
    if (const int code = CheckNamespace(ns, error); code != JZSE_OK) return code;
    const Json body = ConfigJson(config);
    bool lost = false;
    const int code = Ask(&client_, "PUT", NamespaceTarget(ns), &body, nullptr, error, Repeat::kYes, &lost);
    return lost && code == JZSE_EXISTS ? JZSE_OK : code;
  }
  int ConfigureNamespace(const std::string& ns, const jzse_namespace_config& config, jzse_error* error) override {
    const Json body = ConfigJson(config);
    return Ask(&client_, "PATCH", NamespaceTarget(ns), &body, nullptr, error);
  }
  int ListNamespaces(std::vector<jzse_namespace_info>* list, jzse_error* error) override {
    Json json;
    if (const int code = Ask(&client_, "GET", "/v1/namespaces", nullptr, &json, error); code != JZSE_OK) return code;
    if (!json.contains("namespaces") || !json["namespaces"].is_array()) return Strange(error);
    for (const Json& one : json["namespaces"]) {
      if (!ReadNamespace(one, nullptr, &list->emplace_back())) return Strange(error);
    }
    return JZSE_OK;
  }
  int DropNamespace(const std::string& ns, jzse_error* error) override {
    bool lost = false;
    const int code = Ask(&client_, "DELETE", NamespaceTarget(ns), nullptr, nullptr, error, Repeat::kYes, &lost);
    return lost && code == JZSE_NOT_FOUND ? JZSE_OK : code;
  }

  int Stat(const std::string& ns, const std::string& path, uint64_t version, jzse_file_info* info, jzse_error* error) override {
    return Describe(&client_, ns, path, version, info, nullptr, error);
  }
  int GetMetadata(const std::string& ns, const std::string& path, uint64_t version, access::Metadata* metadata,
                  jzse_error* error) override {
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    return Describe(&client_, ns, path, version, &info, metadata, error);
  }
  int OpenReader(const std::string& ns, const std::string& path, const access::ReadOptions& options,
                 std::unique_ptr<access::Reader>* reader, jzse_error* error) override {
    return remote::OpenReader(&client_, ns, path, options, reader, error);
  }
  int OpenWriter(const std::string& ns, const std::string& path, const access::WriteOptions& options,
                 std::unique_ptr<access::Writer>* writer, jzse_error* error) override {
    return remote::OpenWriter(&client_, ns, path, options, writer, error);
  }
  int OpenList(const std::string& ns, const access::ListOptions& options, std::unique_ptr<access::List>* list,
               jzse_error* error) override {
    return remote::OpenList(&client_, ns, options, list, error);
  }
  int OpenSnapshot(std::unique_ptr<access::Snapshot>* snapshot, jzse_error*) override {
    *snapshot = std::make_unique<access::Snapshot>();
    return JZSE_OK;
  }

  int Delete(const std::string& ns, const std::string& path, const access::Moment& moment, jzse_error* error) override {
    Call call;
    call.method = "DELETE";
    call.target = Target(ns, "files", path, (moment.flags & JZSE_RECURSIVE) != 0 ? "recursive=true" : "");
    call.wait_ms = kAnswerMs;
    if (moment.if_match.find_first_of("\"\r\n") != std::string::npos)
      return access::Fail(error, JZSE_PRECONDITION, path + ": '" + moment.if_match + "' is no etag");
    if (!moment.if_match.empty())
      call.fields = "If-Match: " + (moment.if_match == "*" ? "*" : "\"" + moment.if_match + "\"") + "\r\n";
    Answer answer;
    bool lost = false;
    const int code = client_.Exchange(call, &answer, error, &lost);
    return lost && code == JZSE_NOT_FOUND ? JZSE_OK : code;
  }
  int Copy(const std::string& ns, const std::string& path, const std::string& to_ns, const std::string& to_path, uint32_t flags,
           jzse_error* error) override {
    for (const std::string& text : {path, to_ns, to_path}) {
      if (const int code = CheckText(text, error); code != JZSE_OK) return code;
    }
    const Json body = {{"from", path}, {"to_namespace", to_ns}, {"to", to_path}, {"replace", (flags & JZSE_NO_REPLACE) == 0}};
    bool lost = false;
    const int code = Ask(&client_, "POST", NamespaceTarget(ns, "/copy"), &body, nullptr, error, Repeat::kYes, &lost);
    if (!lost || code != JZSE_EXISTS) return code;
    jzse_file_info from = JZSE_FILE_INFO_INIT, to = JZSE_FILE_INFO_INIT;
    const bool same = Stat(ns, path, 0, &from, nullptr) == JZSE_OK && Stat(to_ns, to_path, 0, &to, nullptr) == JZSE_OK &&
                      from.etag[0] != '\0' && std::string_view(from.etag) == to.etag;
    return same ? JZSE_OK : code;
  }
  int Move(const std::string& ns, const std::string& path, const std::string& to_path, uint32_t flags, jzse_error* error) override {
    for (const std::string& text : {path, to_path}) {
      if (const int code = CheckText(text, error); code != JZSE_OK) return code;
    }
    const Json body = {{"from", path}, {"to", to_path}, {"replace", (flags & JZSE_NO_REPLACE) == 0}};
    bool lost = false;
    const int code = Ask(&client_, "POST", NamespaceTarget(ns, "/move"), &body, nullptr, error, Repeat::kYes, &lost);
    jzse_file_info to = JZSE_FILE_INFO_INIT;
    return lost && code == JZSE_NOT_FOUND && Stat(ns, to_path, 0, &to, nullptr) == JZSE_OK ? JZSE_OK : code;
  }
  int Mkdir(const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error* error) override {
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    return MakeDirectory(&client_, ns, path, options, &info, error);
  }
  int BeginGroup(std::unique_ptr<access::Group>* group, jzse_error*) override {
    *group = remote::BeginGroup(&client_);
    return JZSE_OK;
  }
  int OpenQueue(uint32_t, std::unique_ptr<access::Queue>* queue, jzse_error*) override {
    *queue = std::make_unique<HttpQueue>(&client_);
    return JZSE_OK;
  }

  int OpenVersions(const std::string& ns, const std::string& path, std::unique_ptr<access::List>* list, jzse_error* error) override {
    return remote::OpenVersions(&client_, ns, path, list, error);
  }
  int RestoreVersion(const std::string& ns, const std::string& path, uint64_t version, jzse_file_info* info,
                     jzse_error* error) override {
    if (const int code = CheckText(path, error); code != JZSE_OK) return code;
    const Json body = {{"path", path}, {"version", version}};
    Json json;
    const int code = Ask(&client_, "POST", NamespaceTarget(ns, "/restore"), &body, &json, error);
    return code != JZSE_OK || ReadEntry(json, nullptr, info) ? code : Strange(error);
  }
  int DeleteVersion(const std::string& ns, const std::string& path, uint64_t version, jzse_error* error) override {
    bool lost = false;
    const int code = Ask(&client_, "DELETE", Target(ns, "versions", path, "version=" + std::to_string(version)), nullptr, nullptr, error,
                         Repeat::kYes, &lost);
    return lost && code == JZSE_NOT_FOUND ? JZSE_OK : code;
  }
  int OpenFeed(const std::string& ns, const std::string& prefix, uint64_t after, std::unique_ptr<access::Feed>* feed,
               jzse_error*) override {
    *feed = remote::OpenFeed(&client_, ns, prefix, after);
    return JZSE_OK;
  }

  int Verify(const jzse_verify_options& options, jzse_verify_report* report, jzse_error* error) override {
    const Json body = {{"repair", options.repair != 0}, {"rate", options.rate}};
    Json task;
    if (const int code = RunTask("/v1/verify", body, options.progress, options.context, &task, error); code != JZSE_OK) return code;
    if (!ReadReport(ReportOf(task), report)) return Strange(error);
    const auto problems = task.find("problems");
    for (const Json& problem : problems == task.end() ? Json::array() : *problems) {
      if (!problem.is_object() || options.problem == nullptr) continue;
      options.problem(options.context, TextOf(problem, "namespace").c_str(), TextOf(problem, "path").c_str(), NumberOf(problem, "version"),
                      TextOf(problem, "problem").c_str());
    }
    return Outcome(task, report->problems > 0 ? JZSE_CORRUPT : JZSE_IO, error);
  }
  int Compact(const jzse_compact_options& options, jzse_compact_report* report, jzse_error* error) override {
    const Json body = {{"full", options.full != 0}};
    Json task;
    if (const int code = RunTask("/v1/compact", body, options.progress, options.context, &task, error); code != JZSE_OK) return code;
    return ReadReport(ReportOf(task), report) ? Outcome(task, JZSE_IO, error) : Strange(error);
  }

 private:
  int Strange(jzse_error* error) const {
    return access::Fail(error, JZSE_UNSUPPORTED, client_.url().Base() + ": the answer is not as a jzsed's");
  }

  // "" would be another route.
  int CheckNamespace(const std::string& ns, jzse_error* error) const {
    return !ns.empty() ? JZSE_OK : access::Fail(error, JZSE_INVALID, "a namespace must have a name");
  }

  static Json ReportOf(const Json& task) {
    const auto report = task.find("report");
    return report == task.end() ? Json() : *report;
  }

  static int Outcome(const Json& task, int failed, jzse_error* error) {
    const std::string state = TextOf(task, "state");
    if (state == "succeeded") return JZSE_OK;
    return access::Fail(error, state == "cancelled" ? JZSE_CLOSED : failed, TextOf(task, "error"));
  }

  // Starts a task and looks at it until it has ended; cancels it when `progress` says so.
  int RunTask(const char* target, const Json& body, jzse_progress_fn progress, void* context, Json* task, jzse_error* error) {
    if (const int code = Ask(&client_, "POST", target, &body, task, error); code != JZSE_OK) return code;
    const std::string place = "/v1/tasks/" + http::PercentEncode(TextOf(*task, "id"));
    for (int pause_ms = 10; TextOf(*task, "state") == "running"; pause_ms = std::min(2 * pause_ms, 200)) {
      const uint64_t done = NumberOf(*task, "done"), total = NumberOf(*task, "total");
      if (progress != nullptr && progress(context, done, total) != 0) {
        CancelTask(place);
        return access::Fail(error, JZSE_CLOSED, "interrupted");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
      if (const int code = Ask(&client_, "GET", place, nullptr, task, error); code != JZSE_OK) {
        if (client_.Interrupted()) CancelTask(place);
        return code == JZSE_NOT_FOUND ? access::Fail(error, JZSE_IO, "the server was started again and no longer knows of the task") : code;
      }
    }
    return JZSE_OK;
  }

  // Once, and after an interruption, too.
  void CancelTask(const std::string& place) {
    Options options = client_.options();
    options.interrupted = nullptr;
    options.wait_s = 0;
    Client once(client_.url(), options);
    Ask(&once, "DELETE", place, nullptr, nullptr, nullptr);
  }

  Client client_;
};

}  // namespace

int Connect(const Url& url, Options options, std::unique_ptr<access::Store>* store, jzse_error*) {
  *store = std::make_unique<HttpStore>(url, std::move(options));
  return JZSE_OK;
}

}  // namespace jzse::remote
