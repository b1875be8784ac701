// SPDX-License-Identifier: Apache-2.0
#include "remote/client.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

namespace jzse::remote {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using Kind = Trouble::Kind;

constexpr size_t kBodyMax = 128 * 1024 * 1024;
constexpr size_t kIdleMax = 64;
constexpr int kPauseFirstMs = 100, kPauseMostMs = 1000, kRetryAfterMostMs = 30'000;

int CodeOfName(const std::string& name) {
  for (int code = JZSE_INVALID; code >= JZSE_BUSY; --code) {
    if (name == jzse_code_name(code)) return code;
  }
  return 0;
}

int CodeOfStatus(int status) {
  switch (status) {
    case 400: case 411: case 414: case 416: case 431: case 460: return JZSE_INVALID;
    case 403: case 421: return JZSE_READ_ONLY;
    case 404: return JZSE_NOT_FOUND;
    case 405: case 415: case 501: return JZSE_UNSUPPORTED;
    case 408: case 504: return JZSE_TIMEOUT;
    case 409: case 429: case 503: return JZSE_BUSY;
    case 412: return JZSE_PRECONDITION;
    case 413: return JZSE_TOO_LARGE;
    case 507: return JZSE_NO_SPACE;
    default: return JZSE_IO;
  }
}

int RetryAfterMs(const AnswerHead& head) {
  const std::string& text = head.Get("retry-after");
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos) return 0;
  return std::min(std::stoi(text) * 1000, kRetryAfterMostMs);
}

}  // namespace

int ProblemError(const AnswerHead& head, const std::string& body, int* retry_after_ms, jzse_error* error) {
  *retry_after_ms = -1;
  if (head.Get("content-type").rfind("application/problem+json", 0) != 0) {
    if (head.status == 503 || head.status == 429) *retry_after_ms = RetryAfterMs(head);  // a proxy's
    return access::Fail(error, head.status == 503 ? JZSE_BUSY : JZSE_UNSUPPORTED,
                        "the server answers " + std::to_string(head.status) + ", but not as a jzsed does");
  }
  const Json problem = Json::parse(body, nullptr, false);
  int code = 0;
  std::string detail = "the server answers " + std::to_string(head.status);
  bool retry = head.status == 503 && !problem.is_object();
  if (problem.is_object()) {
    const auto text = [&](const char* name) {
      const auto found = problem.find(name);
      return found != problem.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    code = CodeOfName(text("code"));
    if (!text("detail").empty()) detail = text("detail");
    retry = problem.contains("retry") && problem["retry"].is_boolean() && problem["retry"].get<bool>();
    // What was damaged on the way is worth another try.
    if (text("code") == "HTTP_DIGEST" || text("code") == "HTTP_CHECKSUM") code = JZSE_CORRUPT, retry = true;
  }
  if (retry) *retry_after_ms = RetryAfterMs(head);
  return access::Fail(error, code != 0 ? code : CodeOfStatus(head.status), detail);
}

Trouble ReadAll(Wire* wire, std::string* body) {
  constexpr size_t kPiece = 256 * 1024;
  for (;;) {
    const size_t held = body->size();
    if (held > kBodyMax) return {Kind::kMalformed, "an answer of more than 128 MiB"};
    body->resize(held + kPiece);
    size_t count = 0;
    Trouble trouble = wire->ReceiveBody(body->data() + held, kPiece, &count);
    body->resize(held + count);
    if (trouble || count == 0) return trouble;
  }
}

bool Patience::Pause(int retry_after_ms) {
  const auto now = Clock::now();
  if (!failing_) {
    failing_ = true;
    since_ = now;
    pause_ms_ = kPauseFirstMs;
  }
  const auto end = since_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(client_.options().wait_s));
  if (now >= end) return false;
  const auto until = std::min(end, now + std::chrono::milliseconds(std::max(pause_ms_, retry_after_ms)));
  pause_ms_ = std::min(2 * pause_ms_, kPauseMostMs);
  while (Clock::now() < until) {
    if (client_.Interrupted()) return false;
    std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), std::chrono::milliseconds(50)));
  }
  return !client_.Interrupted();
}

Client::Client(const Url& url, Options options) : url_(url), options_(std::move(options)) {}

int Client::Fail(const Trouble& trouble, jzse_error* error) const {
  switch (trouble.kind) {
    case Kind::kInterrupted:
      return access::Fail(error, JZSE_CLOSED, "interrupted");
    case Kind::kTimeout:
      return access::Fail(error, JZSE_TIMEOUT, url_.Base() + ": " + trouble.text);
    case Kind::kMalformed:
      return access::Fail(error, JZSE_UNSUPPORTED, url_.Base() + ": " + trouble.text);
    default:
      return access::Fail(error, JZSE_IO, url_.Base() + ": " + trouble.text);
  }
}

std::string Client::HeadOf(const Call& call) const {
  std::string head = call.method + " " + call.target + " HTTP/1.1\r\nHost: " + url_.Base().substr(7) + "\r\nUser-Agent: jzse/" +
                     jzse_version() + "\r\n" + call.fields;
  if (call.has_body) head += "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
  return head;
}

std::unique_ptr<Wire> Client::Take(bool fresh, bool* used, Trouble* trouble) {
  *used = false;
  while (!fresh) {
    std::unique_ptr<Wire> wire;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) break;
      wire = std::move(idle_.back());
      idle_.pop_back();
    }
    *used = wire->reusable();
    if (*used) return wire;
  }
  Wire::Limits limits;
  limits.interrupted = options_.interrupted;
  return Wire::Open(url_.host, url_.port, limits, trouble);
}

void Client::Return(std::unique_ptr<Wire> wire) {
  if (wire == nullptr || !wire->reusable()) return;
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(wire));
}

Trouble Client::Attempt(const Call& call, std::unique_ptr<Wire>* wire, AnswerHead* head, bool* used) {
  Trouble trouble;
  *wire = Take(/*fresh=*/call.repeat == Repeat::kNever, used, &trouble);
  if (*wire == nullptr) return trouble;
  trouble = (*wire)->Send(HeadOf(call) + "\r\n", call.body);
  if (!trouble) trouble = (*wire)->ReceiveHead(call.method == "HEAD", call.wait_ms, head);
  if (!trouble) reached_ = true;
  return trouble;
}

int Client::Begin(const Call& call, Patience* patience, std::unique_ptr<Wire>* wire, AnswerHead* head, jzse_error* error, bool* lost) {
  for (;;) {
    bool used = false;
    Trouble trouble = Attempt(call, wire, head, &used);
    if (!trouble && head->status < 400) return JZSE_OK;
    int retry_after_ms = 0, code = JZSE_OK;
    std::string body;
    if (!trouble) trouble = ReadAll(wire->get(), &body);
    if (!trouble) {
      Return(std::move(*wire));
      code = ProblemError(*head, body, &retry_after_ms, error);
      if (retry_after_ms < 0 || !patience->Pause(retry_after_ms)) return Interrupted() ? Fail({Kind::kInterrupted, ""}, error) : code;
      continue;
    }
    wire->reset();
    const bool sent = trouble.kind != Kind::kConnect;
    if (sent && lost != nullptr) *lost = true;
    if (trouble.kind == Kind::kInterrupted || trouble.kind == Kind::kMalformed) return Fail(trouble, error);
    if (sent && call.repeat == Repeat::kCaller) return Fail(trouble, error);
    if (sent && call.repeat == Repeat::kNever) return Fail({trouble.kind, trouble.text + "; whether the change was made is not known"}, error);
    if (used) continue;  // the server had given the connection up; the next one is another
    if ((!sent && !reached_) || !patience->Pause()) return Interrupted() ? Fail({Kind::kInterrupted, ""}, error) : Fail(trouble, error);
  }
}

int Client::Exchange(const Call& call, Answer* answer, jzse_error* error, bool* lost) {
  Patience patience(*this);
  for (;;) {
    std::unique_ptr<Wire> wire;
    const int code = Begin(call, &patience, &wire, &answer->head, error, lost);
    if (code != JZSE_OK) return code;
    answer->body.clear();
    const Trouble trouble = ReadAll(wire.get(), &answer->body);
    if (!trouble) {
      Return(std::move(wire));
      return JZSE_OK;
    }
    if (lost != nullptr) *lost = true;
    if (call.repeat != Repeat::kYes || trouble.kind == Kind::kInterrupted || !patience.Pause()) return Fail(trouble, error);
  }
}

int Client::Connect(std::unique_ptr<Wire>* wire, jzse_error* error) {
  bool used = false;
  Trouble trouble;
  *wire = Take(/*fresh=*/true, &used, &trouble);
  return *wire != nullptr ? JZSE_OK : Fail(trouble, error);
}

int Client::Finish(std::unique_ptr<Wire> wire, int wait_ms, Answer* answer, jzse_error* error) {
  Trouble trouble = wire->ReceiveHead(false, wait_ms, &answer->head);
  if (!trouble) trouble = ReadAll(wire.get(), &answer->body);
  if (trouble) return Fail(trouble, error);
  Return(std::move(wire));
  int retry = 0;
  return answer->head.status < 400 ? JZSE_OK : ProblemError(answer->head, answer->body, &retry, error);
}

}  // namespace jzse::remote
