// SPDX-License-Identifier: Apache-2.0
// Calls of one server: a pool of connections, repetition, and problem documents as errors of the library (README.md, sections 3 and 5).
// Threads: any; a Patience belongs to one.
#ifndef JZSE_REMOTE_CLIENT_H_
#define JZSE_REMOTE_CLIENT_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "remote/remote.h"
#include "remote/wire.h"

namespace jzse::remote {

// What happens where an answer did not come.
enum class Repeat {
  kYes,     // it is asked again
  kCaller,  // the caller decides
  kNever    // the outcome stays unknown; so a connection is made that the server cannot have given up already
};

struct Call {
  std::string method, target;
  std::string fields;           // whole lines with CRLF; Host, User-Agent and Content-Length are added
  std::string_view body;        // borrowed
  bool has_body = false;        // Content-Length is sent, also 0
  Repeat repeat = Repeat::kYes;
  int wait_ms = 60'000;         // for the answer to begin
};

struct Answer {
  AnswerHead head;
  std::string body;
};

class Client;

// How long nothing may succeed.
class Patience {
 public:
  explicit Patience(const Client& client) : client_(client) {}
  void Progressed() { failing_ = false; }
  // Sleeps before the next attempt. False: no more of them.
  bool Pause(int retry_after_ms = 0);

 private:
  const Client& client_;
  bool failing_ = false;
  std::chrono::steady_clock::time_point since_;
  int pause_ms_ = 0;
};

class Client {
 public:
  Client(const Url& url, Options options);

  // The whole of a successful answer (status below 400). `*lost`: an answer before it never came.
  int Exchange(const Call& call, Answer* answer, jzse_error* error, bool* lost = nullptr);
  // The head of a successful answer; its body is still in *wire, which goes back with Return.
  int Begin(const Call& call, Patience* patience, std::unique_ptr<Wire>* wire, AnswerHead* head, jzse_error* error,
            bool* lost = nullptr);
  // One connection for a request of the caller's own making; nothing is repeated. With Finish: its answer.
  int Connect(std::unique_ptr<Wire>* wire, jzse_error* error);
  int Finish(std::unique_ptr<Wire> wire, int wait_ms, Answer* answer, jzse_error* error);
  void Return(std::unique_ptr<Wire> wire);

  bool Interrupted() const { return options_.interrupted && options_.interrupted(); }
  int Fail(const Trouble& trouble, jzse_error* error) const;
  // "POST /x HTTP/1.1" and the fields that every request has; without the empty line.
  std::string HeadOf(const Call& call) const;
  const Url& url() const { return url_; }
  const Options& options() const { return options_; }

 private:
  std::unique_ptr<Wire> Take(bool fresh, bool* used, Trouble* trouble);
  Trouble Attempt(const Call& call, std::unique_ptr<Wire>* wire, AnswerHead* head, bool* used);

  const Url url_;
  const Options options_;
  std::atomic<bool> reached_{false};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Wire>> idle_;
};

// Everything that is left of a body. Trouble also beyond a bound.
Trouble ReadAll(Wire* wire, std::string* body);
// A refusal as an error; *retry_after_ms is at least 0 if another attempt may help, and -1 if not.
int ProblemError(const AnswerHead& head, const std::string& body, int* retry_after_ms, jzse_error* error);

}  // namespace jzse::remote

#endif  // JZSE_REMOTE_CLIENT_H_
