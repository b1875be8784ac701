// SPDX-License-Identifier: Apache-2.0
// Answers: head and small bodies in one send, large ones window by window, from memory that the source lends or by sendfile.
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "http/status.h"
#include "serve/connection.h"
#include "serve/server.h"

namespace jzse::serve {
namespace {

constexpr uint64_t kTurnBytes = 1024 * 1024;  // of one answer, before the loop looks at the others

}  // namespace

void Connection::Answer(Reply reply) {
  const config::Config& config = loop_.shared().config();
  if (reply.close || !body_done_) keep_alive_ = false;
  endless_ = reply.source != nullptr && !reply.length;
  if (endless_) keep_alive_ = false;
  status_ = reply.status;
  const size_t body_size = reply.body.size() - reply.body_gap;
  if (reply.source == nullptr && !reply.length) reply.length = body_size;
  BuildHead(reply);
  source_done_ = true;
  const bool with_body = !request_.head_only() && http::HasBody(reply.status);
  PlaceHead(with_body ? &reply : nullptr);
  if (with_body) {
    source_ = std::move(reply.source);
    source_done_ = source_ == nullptr;
    source_left_ = source_ != nullptr ? reply.length.value_or(0) : 0;
    TakeWindow(std::move(reply.first));
    bytes_out_ = body_size + source_left_;
  }
  next_ready_ = next_failed_ = false;
  state_ = State::kSend;
  progress_ = 0;
  deadline_ms_ = loop_.now_ms() + config.progress_timeout.count();
  Drive();
}

void Connection::BuildHead(const Reply& reply) {
  std::string& out = head_out_;
  out.clear();
  out.append("HTTP/1.1 ");
  out.append(std::to_string(reply.status)).append(" ").append(http::ReasonOf(reply.status));
  out.append("\r\nDate: ").append(loop_.date()).append("\r\n").append(reply.fields);
  out.append("x-request-id: ").append(request_.id);
  if (http::HasBody(reply.status) && reply.length) {
    out.append("\r\nContent-Length: ").append(std::to_string(*reply.length));
  }
  if (!keep_alive_) {
    out.append("\r\nConnection: close");
  } else if (request_.head.minor == 0) {
    out.append("\r\nConnection: keep-alive");
  }
  out.append("\r\n\r\n");
}

void Connection::TakeWindow(Window window) {
  window_ = std::move(window);
  piece_ = 0;
  piece_sent_ = 0;
  if (endless_) return;
  uint64_t size = 0;
  for (const Piece& piece : window_.pieces) size += piece.size_in_body();
  if (size >= source_left_) source_done_ = true;
}

// Head and body one after the other in out_.
void Connection::PlaceHead(Reply* reply) {
  out_sent_ = 0;
  if (reply != nullptr && reply->body_gap >= head_out_.size()) {
    out_sent_ = reply->body_gap - head_out_.size();
    head_out_.copy(reply->body.data() + out_sent_, head_out_.size());
    out_.swap(reply->body);
    return;
  }
  out_.assign(head_out_);
  if (reply != nullptr) out_.append(reply->body, reply->body_gap);
}

bool Connection::StepSend() {
  while (true) {
    if (waiting_writable_) return false;
    if (out_sent_ < out_.size()) {
      if (!SendOut()) return false;
      continue;
    }
    if (piece_ < window_.pieces.size()) {
      // The window after this one is checked while this one is sent, unless this one is in the source's hands.
      if (!window_.lent && !source_done_ && !next_busy_ && !next_ready_ && !endless_) StartNext();
      if (turn_ >= kTurnBytes) return Yield();
      if (!SendPiece(&window_.pieces[piece_])) return false;
      continue;
    }
    if (source_done_) break;
    if (next_busy_ || parked_) return false;
    if (!next_ready_ && !TryNext()) {
      StartNext();
      return false;
    }
    next_ready_ = false;
    if (next_failed_) {
      Close("the content could not be read");
      return false;
    }
    TakeWindow(std::exchange(next_, Window()));
    if (!window_.pieces.empty()) continue;
    if (window_.wait_until_ms > 0) {
      if (wake_epoch_ != loop_.wake_epoch()) continue;
      parked_ = true;
      deadline_ms_ = window_.wait_until_ms;
      return false;
    }
    source_done_ = true;
  }
  if (source_left_ > 0) {
    Close("the content is shorter than promised");
    return false;
  }
  FinishRequest();
  return true;
}

bool Connection::SendOut() {
  const bool more = (!source_done_ || !window_.pieces.empty()) && !endless_;
  const ssize_t sent = send(socket_.fd(), out_.data() + out_sent_, out_.size() - out_sent_,
                            MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  if (sent < 0) return Blocked();
  out_sent_ += static_cast<size_t>(sent);
  progress_ += static_cast<uint64_t>(sent);
  return true;
}

bool Connection::SendPiece(Piece* piece) {
  ssize_t sent = 0;
  const uint64_t size = piece->size_in_body();
  if (piece->fd >= 0) {
    off_t offset = static_cast<off_t>(piece->offset + piece_sent_);
    sent = sendfile(socket_.fd(), piece->fd, &offset, static_cast<size_t>(size - piece_sent_));
    if (sent == 0) {
      Close("the content could not be read");
      return false;
    }
  } else {
    // Pieces end anywhere: what is less than a segment goes with the next one.
    const bool more = !endless_ && size - piece_sent_ < source_left_;
    sent = send(socket_.fd(), piece->bytes().data() + piece_sent_, static_cast<size_t>(size - piece_sent_),
                MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  }
  if (sent < 0) return Blocked();
  const auto count = static_cast<uint64_t>(sent);
  piece_sent_ += count;
  progress_ += count;
  turn_ += count;
  if (endless_) bytes_out_ += count;
  if (!endless_ && count > source_left_) {
    Close("the content is longer than promised");
    return false;
  }
  if (!endless_) source_left_ -= count;
  if (piece_sent_ == size) {
    ++piece_;
    piece_sent_ = 0;
  }
  return true;
}

bool Connection::Blocked() {
  if (errno == EINTR) return true;
  if (errno != EAGAIN && errno != EWOULDBLOCK) {
    Close("the client left");
    return false;
  }
  waiting_writable_ = true;
  ++pending_;
  socket_.WaitWritable(&Connection::OnWritable, this);
  return false;
}

bool Connection::Yield() {
  waiting_writable_ = true;
  ++pending_;
  socket_.Yield(&Connection::OnWritable, this);
  return false;
}

void Connection::OnWritable(void* self, ssize_t result) {
  auto& connection = *static_cast<Connection*>(self);
  --connection.pending_;
  connection.waiting_writable_ = false;
  connection.turn_ = 0;
  if (!connection.closed_) {
    if (result < 0) connection.Close("the client left");
    connection.Drive();
  }
  connection.Settle();
}

// False: the pool must be asked.
bool Connection::TryNext() {
  try {
    const std::optional<bool> result = source_->Try(&next_);
    if (!result) return false;
    next_failed_ = !*result;
  } catch (const std::bad_alloc&) {
    next_failed_ = true;
  }
  return next_ready_ = true;
}

void Connection::StartNext() {
  parked_ = false;
  next_busy_ = true;
  if (endless_ || deadline_ms_ == 0) deadline_ms_ = loop_.now_ms() + loop_.shared().config().progress_timeout.count();
  wake_epoch_ = loop_.wake_epoch();
  next_job_.work = [this, now = loop_.now_ms(), stopping = loop_.stopping()] {
    try {
      next_failed_ = !source_->Next(now, stopping, &next_);
    } catch (const std::bad_alloc&) {
      next_failed_ = true;
    }
  };
  next_job_.done = [this] { OnNextDone(); };
  OffloadJob(&next_job_, /*forced=*/true);  // one for each answer under way
}

void Connection::OnNextDone() {
  --pending_;
  next_busy_ = false;
  next_ready_ = true;
  if (!closed_) Drive();
  Settle();
}

}  // namespace jzse::serve
