// SPDX-License-Identifier: Apache-2.0
#include "serve/connection.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "http/second_reading.h"
#include "serve/server.h"

namespace jzse::serve {
namespace {

constexpr size_t kIdleBuffer = 4 * 1024;
constexpr int64_t kLingerMs = 2000;
constexpr size_t kLingerBuffer = 16 * 1024;

bool IsRequestId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

http::HeadLimits LimitsOf(const config::Config& config) {
  return {config.request_line_max, config.field_max, config.head_max, config.fields_max};
}

}  // namespace

// -------------------------------------------------------------------------------------------------- buffer

void Buffer::Reserve(size_t capacity) {
  if (capacity <= capacity_) return;
  std::unique_ptr<char[]> data(new char[capacity]);
  const std::string_view content = view();
  std::copy(content.begin(), content.end(), data.get());
  end_ = content.size();
  begin_ = 0;
  capacity_ = capacity;
  data_ = std::move(data);
}

void Buffer::Release() {
  data_.reset();
  capacity_ = begin_ = end_ = 0;
}

void Buffer::Compact() {
  if (begin_ == 0) return;
  std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
}

// ---------------------------------------------------------------------------------------------- life cycle

Connection::Connection(Loop& loop, int fd, std::string address) : loop_(loop), socket_(loop, fd) {
  request_.peer = std::move(address);
}

Connection::~Connection() {
  if (reserved_ > 0) loop_.shared().ReleaseTransfer(reserved_);
}

void Connection::Start() {
  deadline_ms_ = loop_.now_ms() + loop_.shared().config().head_timeout.count();
  if (loop_.stopping()) Close("");
  Drive();
  Settle();
}

void Connection::Drive() {
  if (driving_) return;
  driving_ = true;
  while (!closed_ && Step()) {
  }
  driving_ = false;
}

bool Connection::Step() {
  switch (state_) {
    case State::kHead: return StepHead();
    case State::kBody: return StepBody();
    case State::kSend: return StepSend();
    case State::kLinger: return StepLinger();
    case State::kHeld: return false;
  }
  return false;
}

void Connection::Close(const char* reason) {
  if (closed_) return;
  closed_ = true;
  parked_ = false;
  deadline_ms_ = 0;
  if (state_ != State::kHead && state_ != State::kLinger && status_ != 0) Report(status_, reason);
  socket_.Close();
  AbandonSink();
}

void Connection::Settle() {
  if (closed_ && pending_ == 0) loop_.Remove(this);
}

void Connection::Cut(const char* reason) {
  Close(reason);
  Settle();
}

std::function<void()> Connection::WhenSilent(int64_t silent_ms) const {
  return [loop = &loop_, self = this, id = request_.id, silent_ms] {
    loop->WithConnection(self, [id, silent_ms](Connection& connection) { connection.CutIfSilent(id, silent_ms); });
  };
}

void Connection::CutIfSilent(const std::string& request_id, int64_t silent_ms) {
  if (request_.id != request_id || state_ != State::kBody || !reading_ || loop_.now_ms() - read_ms_ < silent_ms) return;
  Cut("another request wants the upload");
}

void Connection::Expire() {
  deadline_ms_ = 0;
  if (parked_) return Wake();
  const config::Config& config = loop_.shared().config();
  const bool waits = (state_ == State::kBody && reading_) || (state_ == State::kSend && waiting_writable_);
  if (state_ == State::kBody || state_ == State::kSend) {
    if (!waits || progress_ >= config.progress_bytes_min) {
      progress_ = 0;
      deadline_ms_ = loop_.now_ms() + config.progress_timeout.count();
      return;
    }
    if (status_ == 0) status_ = 408;
    Close("too slow");
  } else if (state_ == State::kHead && !in_.empty()) {
    RefuseHead(408, "the head took too long");
    Drive();
  } else {
    Close("");
  }
  Settle();
}

void Connection::BeginStop() {
  if (state_ == State::kHead && in_.empty()) Close("");
  keep_alive_ = false;
  if (parked_) Wake();
  else Settle();
}

void Connection::Probe() {
  char byte;
  if (recv(socket_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) Cut("the client left");
}

// ------------------------------------------------------------------------------------------------- reading

void Connection::ReadInto(Buffer* buffer, size_t max) {
  if (reading_) return;
  reading_ = true;
  read_target_ = buffer;
  ++pending_;
  socket_.Read(buffer->tail(), std::min(buffer->room(), max), &Connection::OnRead, this);
}

void Connection::OnRead(void* self, ssize_t result) {
  auto& connection = *static_cast<Connection*>(self);
  --connection.pending_;
  connection.reading_ = false;
  if (!connection.closed_) {
    if (result > 0) {
      connection.read_target_->Added(static_cast<size_t>(result));
      connection.progress_ += static_cast<uint64_t>(result);
      connection.read_ms_ = connection.loop_.now_ms();
      if (connection.read_target_ == &connection.fill_) connection.TookBody(static_cast<uint64_t>(result));
    } else {
      if (connection.status_ == 0 && connection.state_ == State::kBody) connection.status_ = 400;
      connection.Close("the client left");
    }
    connection.Drive();
  }
  connection.Settle();
}

bool Connection::StepHead() {
  const config::Config& config = loop_.shared().config();
  if (!in_.empty()) {
    const std::string_view bytes = in_.view();
    const http::HeadResult result = http::ReadHead(bytes, seen_, LimitsOf(config), &request_.head);
    if (result.state == http::HeadResult::State::kDone) {
      BeginRequest(result.size);
      return true;
    }
    if (result.state == http::HeadResult::State::kBad) {
      RefuseHead(result.status, result.reason);
      return true;
    }
    if (seen_ == 0) deadline_ms_ = loop_.now_ms() + config.head_timeout.count();
    seen_ = bytes.size();
  }
  if (reading_) return false;
  if (in_.empty()) {
    in_.Clear();
    if (in_.capacity() > config.head_max) in_.Release();
  } else {
    in_.Compact();
  }
  if (in_.room() == 0 || in_.capacity() == 0) in_.Reserve(std::max(kIdleBuffer, 2 * in_.capacity()));
  ReadInto(&in_);
  return false;
}

void Connection::BeginRequest(size_t head_size) {
  seen_ = 0;
  deadline_ms_ = 0;
  request_.started_ms = loop_.now_ms();
  request_.started_us = NowMicros();
  if (request_.head.has_body()) {
    head_copy_.assign(in_.view().substr(0, head_size));
    http::ParseHead(head_copy_, 0, LimitsOf(loop_.shared().config()), &request_.head);
  }
  in_.Consume(head_size);
  const http::Head& head = request_.head;
  request_.target = http::SplitTarget(head.target);
  const std::string_view id = head.Get("x-request-id");
  if (IsRequestId(id)) {
    request_.id.assign(id);
  } else {
    loop_.shared().NewRequestId(&request_.id);
  }
  keep_alive_ = head.keep_alive && !loop_.stopping();
  body_done_ = !head.has_body();
  body_left_ = head.length;
  body_size_ = 0;
  continue_due_ = head.expect_continue && !body_done_;
  asking_ = false;
  decoder_ = http::ChunkedDecoder();
  state_ = State::kHeld;
  loop_.shared().begin(*this);
}

// Nothing after a bad head is looked at: where the next request would begin is anybody's guess.
void Connection::RefuseHead(int status, const char* reason) {
  deadline_ms_ = 0;
  loop_.shared().NewRequestId(&request_.id);
  request_.started_us = NowMicros();
  request_.head.method = http::Method::kOther;
  keep_alive_ = false;
  body_done_ = true;
  state_ = State::kHeld;
  in_.Clear();
  request_.route = nullptr;
  http::Problem problem;
  problem.status = status;
  problem.code = status == 408 ? "HTTP_TIMEOUT" : "HTTP_BAD_REQUEST";
  problem.detail = reason;
  Answer(ProblemReply(problem, request_.id));
}

void Connection::Report(int status, const char* reason) {
  Finished finished;
  finished.request = &request_;
  finished.status = status;
  finished.bytes_in = body_size_;
  finished.bytes_out = bytes_out_;
  finished.micros = NowMicros() - request_.started_us;
  finished.reason = reason;
  loop_.shared().finished(loop_, finished);
}

void Connection::FinishRequest() {
  Report(status_, "");
  const bool unread = !body_done_;
  Reset();
  if (keep_alive_ && !loop_.stopping()) {
    state_ = State::kHead;
    deadline_ms_ = loop_.now_ms() + loop_.shared().config().idle_timeout.count();
    return;
  }
  shutdown(socket_.fd(), SHUT_WR);
  if (!unread && in_.empty() && request_.head.method != http::Method::kOther) return Close("");
  state_ = State::kLinger;
  deadline_ms_ = loop_.now_ms() + kLingerMs;
}

void Connection::Reset() {
  deadline_ms_ = 0;
  status_ = 0;
  bytes_out_ = 0;
  progress_ = 0;
  request_.body = std::string();
  request_.state.reset();
  request_.route = nullptr;
  then_ = nullptr;
  work_ = nullptr;
  sink_.reset();
  sink_reply_.reset();
  // Else the socket may still write into it; the connection ends soon.
  if (!reading_ || read_target_ != &fill_) loop_.GiveBuffer(std::exchange(fill_, Buffer()));
  loop_.GiveBuffer(std::exchange(write_, Buffer()));
  if (reserved_ > 0) loop_.shared().ReleaseTransfer(reserved_);
  reserved_ = 0;
  source_.reset();
  window_ = Window();
  next_ = Window();
  if (out_.capacity() > 2 * kIdleBuffer) out_ = std::string();
}

bool Connection::StepLinger() {
  if (reading_) return false;
  in_.Clear();
  in_.Reserve(kLingerBuffer);
  ReadInto(&in_);
  return false;
}

// ---------------------------------------------------------------------------------------------------- work

bool Connection::OffloadJob(Job* job, bool forced) {
  if (!loop_.Offload(job, forced)) return false;
  ++pending_;
  return true;
}

void Connection::Do(Work work) {
  state_ = State::kHeld;
  work_ = std::move(work);
  StartWork();
}

void Connection::StartWork() {
  parked_ = false;
  deadline_ms_ = 0;
  request_.now_ms = loop_.now_ms();
  request_.stopping = loop_.stopping();
  wake_epoch_ = loop_.wake_epoch();
  job_.work = [this] {
    try {
      reply_ = work_(request_);
    } catch (const std::bad_alloc&) {
      reply_ = Reply();
      reply_.status = 503;
      reply_.close = true;
    }
  };
  job_.done = [this] { OnWorkDone(); };
  if (!OffloadJob(&job_)) Answer(ProblemReply({503, "HTTP_OVERLOADED", "too many requests wait", true}, request_.id));
}

void Connection::OnWorkDone() {
  --pending_;
  if (!closed_) {
    if (reply_.park_until_ms == 0) {
      Answer(std::exchange(reply_, Reply()));
      Drive();
    } else if (wake_epoch_ != loop_.wake_epoch() || (loop_.stopping() && !request_.stopping)) {
      StartWork();
    } else {
      parked_ = true;
      deadline_ms_ = std::max<int64_t>(reply_.park_until_ms, 1);
    }
  }
  Settle();
}

void Connection::Wake() {
  parked_ = false;
  deadline_ms_ = 0;
  if (state_ == State::kHeld) {
    StartWork();
  } else {
    StartNext();
  }
  Drive();
  Settle();
}

void Connection::AnswerHeld(Reply reply) {
  --pending_;
  if (!closed_) {
    Answer(std::move(reply));
    Drive();
  }
  Settle();
}

}  // namespace jzse::serve
