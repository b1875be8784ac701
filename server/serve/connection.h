// SPDX-License-Identifier: Apache-2.0
// One client: reads requests, lets the application answer them one after the other, sends the answers.
//
// States
//   kHead    waits for a head: idle while nothing of it is there
//   kBody    takes the body in: collects it, or streams it into a sink by way of the pool
//   kHeld    the application or the pool has the request; or it is parked until woken
//   kSend    the answer goes out, window by window if it is large
//   kLinger  everything is sent and nothing more is answered; reads on for a moment, so that the answer is not lost to a reset
//
// Invariants
//   1. Between requests nothing of the last one is left; a request is begun only after the answer before it was sent.
//   2. `pending_` counts what will still call back; a closed connection is removed when it reaches 0.
//   3. Nothing is read from the socket while it could not be stored: a slow pool slows its clients down, not the memory.
//
// Threading: the loop's thread. Work, Sink and Source run on the pool, one at a time for each connection and kind.
#ifndef JZSE_SERVER_SERVE_CONNECTION_H_
#define JZSE_SERVER_SERVE_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/chunked.h"
#include "serve/buffer.h"
#include "serve/loop.h"
#include "serve/message.h"

namespace jzse::serve {

class Connection {
 public:
  using Then = std::function<void(Connection&)>;
  using Work = std::function<Reply(Request&)>;

  Connection(Loop& loop, int fd, std::string address);
  ~Connection();

  // ---- for the application, which the `begin` of Shared hands a request to. It calls one of these:

  Request& request() { return request_; }
  Loop& loop() { return loop_; }
  // Takes the whole body into request().body, then goes on.
  void Collect(size_t max, Then then);
  // Feeds the body to the sink, which makes the answer.
  void Stream(std::unique_ptr<Sink> sink);
  // Runs on the pool, and may run again if the reply parks.
  void Do(Work work);
  void Answer(Reply reply);
  // Memory that the last answer needed, with bytes of no meaning in it, for the body of this one.
  std::string Spare() { return std::move(out_); }
  // From any thread: ends this request's connection if it waits for a body of which nothing came for so long.
  std::function<void()> WhenSilent(int64_t silent_ms) const;
  // Somebody will call AnswerHeld, on the loop.
  void Hold() { ++pending_; }
  void AnswerHeld(Reply reply);

  // ---- for the loop

  void Start();
  bool Due(int64_t now_ms) const { return deadline_ms_ != 0 && now_ms >= deadline_ms_; }
  void Expire();
  bool parked() const { return parked_; }
  void Wake();
  void Probe();                      // a parked client that is gone is let go
  void BeginStop();
  void Cut(const char* reason);      // closes at once
  void CutIfSilent(const std::string& request_id, int64_t silent_ms);
  const std::string& address() const { return request_.peer; }

 private:
  enum class State { kHead, kBody, kHeld, kSend, kLinger };

  // Every call from outside goes through one of these two.
  void Drive();                      // as far as it goes without waiting
  void Settle();                     // removes it when it is closed and nothing is pending; the last thing to do
  bool Step();

  // connection.cc: heads and the order of things
  bool StepHead();
  void BeginRequest(size_t head_size);
  void RefuseHead(int status, const char* reason);
  void FinishRequest();
  void Reset();
  bool StepLinger();
  void Close(const char* reason);
  void Report(int status, const char* reason);
  void ReadInto(Buffer* buffer, size_t max = SIZE_MAX);
  static void OnRead(void* self, ssize_t result);
  bool OffloadJob(Job* job, bool forced = false);
  void StartWork();
  void OnWorkDone();

  // connection_body.cc
  bool StepBody();
  bool StepCollect();
  bool StepStream();
  void BeginBody();
  void SendContinue();
  // Moves what is in in_ to `target` (at most its room), or to the string; false: the framing is broken.
  bool TakeBody(Buffer* target, std::string* text, size_t max);
  void TookBody(uint64_t count);     // that the socket gave straight to fill_
  void StartSink(std::function<void()> work);
  void OnSinkDone();
  void AbandonSink();

  // connection_send.cc
  bool StepSend();
  bool SendOut();
  bool SendPiece(Piece* piece);
  void TakeWindow(Window window);
  bool TryNext();
  void StartNext();
  void OnNextDone();
  void BuildHead(const Reply& reply);
  void PlaceHead(Reply* reply);
  bool Blocked();                    // waits for room in the socket; always false
  bool Yield();                      // lets the others have their turn; always false
  static void OnWritable(void* self, ssize_t result);

  Loop& loop_;
  Socket socket_;
  State state_ = State::kHead;
  bool driving_ = false;
  bool closed_ = false;
  bool reading_ = false;
  bool waiting_writable_ = false;
  bool parked_ = false;
  bool keep_alive_ = true;
  int pending_ = 0;
  int64_t deadline_ms_ = 0;
  int64_t read_ms_ = 0;              // when the socket gave bytes last
  uint64_t progress_ = 0;            // bytes since the deadline of body or answer was set
  uint64_t wake_epoch_ = 0;          // of the loop, when the work was handed over

  // In
  Buffer in_;
  size_t seen_ = 0;                  // of an incomplete head
  Buffer* read_target_ = nullptr;
  std::string head_copy_;            // of a request with a body, whose head in_ cannot keep
  Request request_;
  bool body_done_ = true;
  bool continue_due_ = false;
  bool asking_ = false;              // the sink, whether the client may send
  uint64_t body_left_ = 0;
  uint64_t body_size_ = 0;           // taken so far
  size_t body_max_ = 0;
  http::ChunkedDecoder decoder_;
  Then then_;
  std::unique_ptr<Sink> sink_;
  Buffer fill_, write_;              // of a sink: from the socket, to the pool
  bool sink_busy_ = false;
  std::optional<Reply> sink_reply_;
  size_t reserved_ = 0;              // of Shared's memory for transfers

  // Work
  Work work_;
  Job job_, sink_job_, next_job_;
  Reply reply_;

  // Out
  std::string head_out_;
  std::string out_;                  // head and small bodies; between answers what is left of the last one
  size_t out_sent_ = 0;
  std::unique_ptr<Source> source_;
  bool endless_ = false;
  bool source_done_ = false;
  bool next_busy_ = false;
  bool next_ready_ = false;
  bool next_failed_ = false;
  Window window_, next_;
  size_t piece_ = 0;
  uint64_t piece_sent_ = 0;
  uint64_t source_left_ = 0;         // promised and not sent
  uint64_t turn_ = 0;                // sent since the others had theirs
  int status_ = 0;
  uint64_t bytes_out_ = 0;
};

}  // namespace jzse::serve

#endif  // JZSE_SERVER_SERVE_CONNECTION_H_
