// SPDX-License-Identifier: Apache-2.0
#include "remote/changes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "http/target.h"
#include "remote/contents.h"

namespace jzse::remote {
namespace {

constexpr uint64_t kPage = 1000;
constexpr size_t kOperationsMax = 10'000, kBatchMax = 8 * 1024 * 1024;
constexpr int kPollSeconds = 20, kAnswerMs = 300'000;

int Strange(const Client& client, jzse_error* error) {
  return access::Fail(error, JZSE_UNSUPPORTED, client.url().Base() + ": the answer is not as a jzsed's");
}

// Entries of files or of versions, page by page.
class Pages : public access::List {
 public:
  Pages(Client* client, std::string target, const char* member, uint64_t limit)
      : client_(*client), target_(std::move(target)), member_(member), left_(limit == 0 ? UINT64_MAX : limit) {}

  int Fetch(const std::string& cursor, jzse_error* error) {
    const uint64_t limit = std::min(kPage, left_);
    std::string target = target_ + (target_.find('?') == std::string::npos ? "?" : "&") + "limit=" + std::to_string(limit);
    if (!cursor.empty()) target += "&cursor=" + http::PercentEncode(cursor);
    Json page;
    if (const int code = Ask(&client_, "GET", target, nullptr, &page, error); code != JZSE_OK) return code;
    const auto entries = page.find(member_);
    if (entries == page.end() || !entries->is_array()) return Strange(client_, error);
    page_.clear();
    at_ = 0;
    for (const Json& json : *entries) {
      Entry& entry = page_.emplace_back();
      if (!ReadEntry(json, &entry.path, &entry.info)) return Strange(client_, error);
    }
    left_ -= std::min<uint64_t>(left_, page_.size());
    cursor_ = TextOf(page, "next_cursor");
    return JZSE_OK;
  }

  int Next(const jzse_list_entry** entry, jzse_error* error) override {
    *entry = nullptr;
    if (at_ == page_.size() && !cursor_.empty() && left_ > 0) {
      if (const int code = Fetch(std::string(cursor_), error); code != JZSE_OK) return code;
    }
    if (at_ == page_.size()) return JZSE_OK;
    shown_.path = page_[at_].path.c_str();
    shown_.info = page_[at_].info;
    ++at_;
    *entry = &shown_;
    return JZSE_OK;
  }

 private:
  struct Entry {
    std::string path;
    jzse_file_info info = JZSE_FILE_INFO_INIT;
  };

  Client& client_;
  const std::string target_;
  const char* const member_;
  uint64_t left_;
  std::string cursor_;
  std::vector<Entry> page_;
  size_t at_ = 0;
  jzse_list_entry shown_{};
};

class HttpFeed : public access::Feed {
 public:
  HttpFeed(Client* client, const std::string& ns, const std::string& prefix, uint64_t after) : client_(*client), after_(after) {
    if (!ns.empty()) filter_ += "&namespace=" + http::PercentEncode(ns);
    if (!prefix.empty()) filter_ += "&prefix=" + http::PercentEncode(prefix);
  }

  int Next(int timeout_ms, const jzse_change** change, jzse_error* error) override {
    *change = nullptr;
    if (at_ == page_.size()) {
      if (const int code = Fetch(timeout_ms, error); code != JZSE_OK) return code;
    }
    if (at_ == page_.size()) return JZSE_OK;
    const Change& next = page_[at_++];
    shown_ = next.raw;
    shown_.ns = next.ns.c_str();
    shown_.path = next.path.c_str();
    shown_.old_path = next.moved ? next.old_path.c_str() : nullptr;
    *change = &shown_;
    return JZSE_OK;
  }

 private:
  struct Change {
    jzse_change raw{};
    std::string ns, path, old_path;
    bool moved = false;
  };

  int Fetch(int timeout_ms, jzse_error* error) {
    const int seconds = std::min(timeout_ms < 0 ? kPollSeconds : timeout_ms / 1000, wait_max_);
    std::string target = "/v1/changes?after=" + std::to_string(after_) + filter_ + "&limit=" + std::to_string(kPage);
    if (seconds > 0) target += "&wait=" + std::to_string(seconds);
    Json json;
    int code = Ask(&client_, "GET", target, nullptr, &json, error);
    if (code == JZSE_INVALID && seconds > 1) {  // the server is configured to wait for less
      wait_max_ = 1;
      code = Fetch(timeout_ms, error);
      return code;
    }
    if (code != JZSE_OK) return code;
    const auto changes = json.find("changes");
    if (changes == json.end() || !changes->is_array()) return Strange(client_, error);
    page_.clear();
    at_ = 0;
    for (const Json& one : *changes) {
      Change& change = page_.emplace_back();
      if (!one.contains("entry") || !ReadEntry(one["entry"], nullptr, &change.raw.info)) return Strange(client_, error);
      change.raw.sequence = NumberOf(one, "sequence");
      change.raw.type = ChangeType(TextOf(one, "type"));
      change.raw.more = one.contains("more") && one["more"] == true ? 1 : 0;
      change.ns = TextOf(one, "namespace");
      change.path = TextOf(one, "path");
      change.old_path = TextOf(one, "old_path");
      change.moved = one.contains("old_path");
    }
    after_ = std::max(after_, NumberOf(json, "next"));
    return JZSE_OK;
  }

  Client& client_;
  std::string filter_;
  uint64_t after_;
  int wait_max_ = kPollSeconds;
  std::vector<Change> page_;
  size_t at_ = 0;
  jzse_change shown_{};
};

class HttpGroup : public access::Group {
 public:
  explicit HttpGroup(Client* client) : client_(*client) {}

  bool full() const override { return count_ >= kOperationsMax || operations_.size() >= kBatchMax; }
  int Delete(const std::string& ns, const std::string& path, jzse_error* error) override {
    return Add({{"op", "delete"}, {"namespace", ns}, {"path", path}}, {ns, path}, error);
  }
  int Copy(const std::string& ns, const std::string& path, const std::string& to_ns, const std::string& to_path, uint32_t flags,
           jzse_error* error) override {
    return Add({{"op", "copy"}, {"namespace", ns}, {"from", path}, {"to_namespace", to_ns}, {"to", to_path},
                {"replace", (flags & JZSE_NO_REPLACE) == 0}},
               {ns, path, to_ns, to_path}, error);
  }
  int Mkdir(const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error* error) override {
    Json operation = AttributesJson(options);
    operation["op"] = "mkdir";
    operation["namespace"] = ns;
    operation["path"] = path;
    return Add(operation, {ns, path}, error);
  }
  int Commit(jzse_error* error) override {
    if (count_ == 0) return JZSE_OK;
    const std::string body = "{\"operations\":[" + operations_ + "]}";
    Call call;
    call.method = "POST";
    call.target = "/v1/batch";
    call.fields = "Content-Type: application/json\r\n";
    call.body = body;
    call.has_body = true;
    call.repeat = Repeat::kNever;
    call.wait_ms = kAnswerMs;
    Answer answer;
    return client_.Exchange(call, &answer, error);
  }

 private:
  int Add(const Json& operation, std::initializer_list<std::string_view> texts, jzse_error* error) {
    for (const std::string_view text : texts) {
      if (const int code = CheckText(text, error); code != JZSE_OK) return code;
    }
    operations_ += (count_++ == 0 ? "" : ",") + operation.dump();
    return JZSE_OK;
  }

  Client& client_;
  std::string operations_;  // as JSON, with commas between
  size_t count_ = 0;
};

}  // namespace

int CheckText(std::string_view text, jzse_error* error) {
  return IsUtf8(text) ? JZSE_OK : access::Fail(error, JZSE_INVALID, std::string(text) + ": is no UTF-8");
}

int Ask(Client* client, const char* method, const std::string& target, const Json* body, Json* json, jzse_error* error, Repeat repeat,
        bool* lost) {
  Call call;
  call.method = method;
  call.target = target;
  call.repeat = repeat;
  std::string text;
  if (body != nullptr) {
    text = body->dump();
    call.fields = "Content-Type: application/json\r\n";
    call.body = text;
    call.has_body = true;
    call.wait_ms = kAnswerMs;
  }
  Answer answer;
  if (const int code = client->Exchange(call, &answer, error, lost); code != JZSE_OK || json == nullptr) return code;
  *json = Json::parse(answer.body, nullptr, false);
  return json->is_object() ? JZSE_OK : Strange(*client, error);
}

int OpenList(Client* client, const std::string& ns, const access::ListOptions& options, std::unique_ptr<access::List>* list,
             jzse_error* error) {
  std::string query;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) query += (query.empty() ? "?" : "&") + std::string(name) + "=" + http::PercentEncode(value);
  };
  add("prefix", options.prefix);
  add("delimiter", options.delimiter);
  add("start_after", options.start_after);
  add("deleted", options.with_deleted ? "true" : "");
  auto pages = std::make_unique<Pages>(client, "/v1/namespaces/" + http::PercentEncode(ns) + "/files" + query, "entries", options.limit);
  const int code = pages->Fetch("", error);
  if (code == JZSE_OK) *list = std::move(pages);
  return code;
}

int OpenVersions(Client* client, const std::string& ns, const std::string& path, std::unique_ptr<access::List>* list, jzse_error* error) {
  auto pages = std::make_unique<Pages>(client, Target(ns, "versions", path), "versions", 0);
  const int code = pages->Fetch("", error);
  if (code == JZSE_OK) *list = std::move(pages);
  return code;
}

std::unique_ptr<access::Feed> OpenFeed(Client* client, const std::string& ns, const std::string& prefix, uint64_t after) {
  return std::make_unique<HttpFeed>(client, ns, prefix, after);
}

std::unique_ptr<access::Group> BeginGroup(Client* client) { return std::make_unique<HttpGroup>(client); }

}  // namespace jzse::remote
