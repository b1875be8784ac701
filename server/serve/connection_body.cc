// SPDX-License-Identifier: Apache-2.0
// Bodies of requests: framing, collecting, streaming.
#include <sys/socket.h>

#include <algorithm>
#include <new>
#include <utility>

#include "serve/connection.h"
#include "serve/server.h"

namespace jzse::serve {
namespace {

constexpr size_t kChunkedBuffer = 64 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void Connection::Collect(size_t max, Then then) {
  if (body_done_) return then(*this);
  if (request_.head.length > max)
    return Answer(Refuse(request_, 413, "HTTP_TOO_LARGE", "the body is larger than " + std::to_string(max) + " bytes"));
  body_max_ = max;
  then_ = std::move(then);
  request_.body.reserve(static_cast<size_t>(request_.head.length));
  BeginBody();
}

void Connection::Stream(std::unique_ptr<Sink> sink) {
  const config::Config& config = loop_.shared().config();
  // What fits both buffers is taken in whole and handed over once. Of anything longer one buffer is filled while the other is written.
  const bool whole = !request_.head.chunked && request_.head.length <= 2 * config.upload_buffer;
  const size_t size = whole ? static_cast<size_t>(request_.head.length) : config.upload_buffer;
  const size_t reserved = whole ? size : 2 * size;
  if (!loop_.shared().ReserveTransfer(reserved))
    return Answer(ProblemReply({503, "HTTP_OVERLOADED", "too many large uploads are under way", true}, request_.id));
  reserved_ = reserved;
  fill_ = loop_.TakeBuffer(size);
  if (!whole) write_ = loop_.TakeBuffer(size);
  sink_ = std::move(sink);
  // Whoever asks before it sends is told by the sink, which knows more than the head does.
  asking_ = continue_due_ && in_.empty();
  if (asking_) {
    StartSink([this] { sink_reply_ = sink_->Write({}); });
  }
  BeginBody();
}

void Connection::BeginBody() {
  state_ = State::kBody;
  progress_ = 0;
  read_ms_ = loop_.now_ms();
  deadline_ms_ = loop_.now_ms() + loop_.shared().config().progress_timeout.count();
  if (!asking_) SendContinue();
  Drive();
}

void Connection::SendContinue() {
  if (continue_due_ && in_.empty() && send(socket_.fd(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL) < 0) {
    // The socket was idle: there is room for 25 bytes unless the client is gone, which reading will tell.
  }
  continue_due_ = asking_ = false;
}

bool Connection::StepBody() { return sink_ != nullptr ? StepStream() : StepCollect(); }

bool Connection::TakeBody(Buffer* target, std::string* text, size_t max) {
  const auto put = [&](std::string_view bytes) {
    if (text != nullptr) {
      text->append(bytes);
    } else {
      std::copy(bytes.begin(), bytes.end(), target->tail());
      target->Added(bytes.size());
    }
    body_size_ += bytes.size();
    max -= bytes.size();
  };
  if (!request_.head.chunked) {
    const size_t count = static_cast<size_t>(std::min<uint64_t>({in_.view().size(), body_left_, max}));
    put(in_.view().substr(0, count));
    in_.Consume(count);
    body_left_ -= count;
    body_done_ = body_left_ == 0;
    return true;
  }
  while (!body_done_ && max > 0) {
    const http::ChunkedDecoder::Step step = decoder_.Next(in_.view().substr(0, max));
    if (step.state == http::ChunkedDecoder::State::kBad) return false;
    in_.Consume(step.consumed);
    put(step.data);
    body_done_ = step.state == http::ChunkedDecoder::State::kDone;
    if (step.consumed == 0) break;
  }
  return true;
}

bool Connection::StepCollect() {
  const bool known = !request_.head.chunked;
  // One byte more than allowed is enough to know.
  if (!TakeBody(nullptr, &request_.body, known ? SIZE_MAX : body_max_ + 1024 - request_.body.size())) {
    keep_alive_ = false;
    Answer(Refuse(request_, 400, "HTTP_BAD_REQUEST", "the body's chunks are malformed"));
    return true;
  }
  if (request_.body.size() > body_max_) {
    Answer(Refuse(request_, 413, "HTTP_TOO_LARGE", "the body is larger than " + std::to_string(body_max_) + " bytes"));
    return true;
  }
  if (body_done_) {
    deadline_ms_ = 0;
    state_ = State::kHeld;
    const Then then = std::move(then_);
    then(*this);
    return true;
  }
  if (reading_) return false;
  in_.Compact();
  in_.Reserve(kChunkedBuffer);
  ReadInto(&in_);
  return false;
}

bool Connection::StepStream() {
  while (true) {
    if (sink_reply_ && !sink_busy_) {
      Answer(std::move(*sink_reply_));
      return true;
    }
    if (reading_) return false;
    if (!in_.empty() && fill_.room() > 0 && !TakeBody(&fill_, nullptr, fill_.room())) {
      keep_alive_ = false;
      if (sink_busy_) {
        sink_reply_ = Refuse(request_, 400, "HTTP_BAD_REQUEST", "the body's chunks are malformed");
        return false;
      }
      Answer(Refuse(request_, 400, "HTTP_BAD_REQUEST", "the body's chunks are malformed"));
      return true;
    }
    const bool full = fill_.room() == 0 || body_done_;
    if (full && !fill_.empty()) {
      if (sink_busy_) return false;
      std::swap(fill_, write_);
      fill_.Clear();
      if (body_done_) {
        state_ = State::kHeld;
        deadline_ms_ = 0;
      }
      StartSink([this, last = body_done_] {
        sink_reply_ = sink_->Write(write_.view());
        if (!sink_reply_ && last) sink_reply_ = sink_->Finish();
      });
      if (state_ == State::kHeld) return true;
      continue;
    }
    if (body_done_) {
      if (sink_busy_) return false;
      state_ = State::kHeld;
      deadline_ms_ = 0;
      StartSink([this] { sink_reply_ = sink_->Finish(); });
      return true;
    }
    if (request_.head.chunked) {
      in_.Compact();
      in_.Reserve(kChunkedBuffer);
      if (in_.room() == 0) return false;
      ReadInto(&in_);
    } else {
      ReadInto(&fill_, static_cast<size_t>(std::min<uint64_t>(body_left_, SIZE_MAX)));  // not a byte of the next request
    }
    return false;
  }
}

void Connection::TookBody(uint64_t count) {
  body_size_ += count;
  body_left_ -= count;
  body_done_ = body_left_ == 0;
}

void Connection::StartSink(std::function<void()> work) {
  sink_busy_ = true;
  sink_job_.work = [this, work = std::move(work)] {
    try {
      work();
    } catch (const std::bad_alloc&) {
      sink_reply_ = Reply();
      sink_reply_->status = 503;
    }
  };
  sink_job_.done = [this] { OnSinkDone(); };
  OffloadJob(&sink_job_, /*forced=*/true);  // at most one for each transfer, and those are bounded
}

void Connection::OnSinkDone() {
  --pending_;
  sink_busy_ = false;
  write_.Clear();
  if (closed_) {
    AbandonSink();
  } else {
    if (asking_ && !sink_reply_) SendContinue();
    if (state_ == State::kHeld && sink_reply_) Answer(std::move(*sink_reply_));
    Drive();
  }
  Settle();
}

// The client is gone: what has arrived is still the sink's to keep or to drop.
void Connection::AbandonSink() {
  if (sink_ == nullptr || sink_busy_) return;
  if (state_ != State::kBody) return;
  state_ = State::kHeld;
  StartSink([this] {
    if (!sink_reply_ && !fill_.empty()) sink_->Write(fill_.view());
    sink_->Abandon();
  });
}

}  // namespace jzse::serve
