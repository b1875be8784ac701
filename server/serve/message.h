// SPDX-License-Identifier: Apache-2.0
// What travels between the connections and whoever answers: requests, replies, and bodies that are too large for memory.
#ifndef JZSE_SERVER_SERVE_MESSAGE_H_
#define JZSE_SERVER_SERVE_MESSAGE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/head.h"
#include "http/problem.h"
#include "http/target.h"

namespace jzse::serve {

struct Request {
  http::Head head;                      // views, valid until the request is answered
  http::Target target;
  std::array<std::string, 2> captures;  // the decoded variable parts of the path, set by the router
  std::string body;                     // once collected
  std::string id;
  std::string peer;                     // its address
  const void* route = nullptr;          // the router's own
  int64_t started_ms = 0;               // on the loops' clock
  int64_t started_us = 0;
  int64_t now_ms = 0;                   // when the work was handed over
  bool stopping = false;                // the server is: do not wait
  std::shared_ptr<void> state;          // the handler's own, kept while it waits

  bool head_only() const { return head.method == http::Method::kHead; }
};

// A piece of a body: bytes of a file, or bytes in memory, of its own or lent by the source.
struct Piece {
  std::string memory;
  std::string_view lent;
  int fd = -1;
  uint64_t offset = 0;
  uint64_t size = 0;  // of the file's part

  std::string_view bytes() const { return lent.empty() ? std::string_view(memory) : lent; }
  uint64_t size_in_body() const { return fd >= 0 ? size : bytes().size(); }
  static Piece Of(std::string bytes) {
    Piece piece;
    piece.memory = std::move(bytes);
    return piece;
  }
};

struct Window {
  std::vector<Piece> pieces;  // none: the end, or nothing yet
  bool lent = false;          // some of them: the source is asked again only once they are sent
  int64_t wait_until_ms = 0;  // with no pieces: ask again then, or when woken
};

// A body that is fetched window by window, on the pool, one call at a time. Its destructor runs on any thread.
class Source {
 public:
  virtual ~Source() = default;
  // False: it failed. What was promised cannot be sent any more; the connection is cut.
  virtual bool Next(int64_t now_ms, bool stopping, Window* window) = 0;
  // The same on the loop, if that needs no waiting; otherwise nothing, and the pool calls Next.
  virtual std::optional<bool> Try(Window*) { return std::nullopt; }
};

struct Reply {
  int status = 200;
  std::string fields;                // "Name: value\r\n"..., without framing, Date and x-request-id
  std::string body;
  size_t body_gap = 0;               // so many bytes before the body are room for the head, which then needs no copy of the body
  std::unique_ptr<Source> source;    // in place of body
  Window first;                      // of the source, if it was asked already
  std::optional<uint64_t> length;    // of the body that `source` will give, or that is left out for HEAD; none with a source: endless
  bool close = false;
  int64_t park_until_ms = 0;         // not 0: no answer yet; do the work again then, or when woken

  void Add(std::string_view name, std::string_view value) {
    fields.append(name).append(": ").append(value).append("\r\n");
  }
};

// Where a large upload goes: fed on the pool, one call at a time.
class Sink {
 public:
  virtual ~Sink() = default;
  // An answer ends the upload early. The first bytes are none when the client wants to know before it sends any.
  virtual std::optional<Reply> Write(std::string_view bytes) = 0;
  virtual Reply Finish() = 0;
  // The connection broke in the middle: the last call.
  virtual void Abandon() = 0;
};

Reply ProblemReply(const http::Problem& problem, std::string_view request_id);
// Short form: no retry.
Reply Refuse(const Request& request, int status, std::string code, std::string detail);

// What a finished request was, for logs and metrics.
struct Finished {
  const Request* request = nullptr;   // null: it was no request (a bad head)
  int status = 0;
  uint64_t bytes_in = 0;              // of the body
  uint64_t bytes_out = 0;             // of the body
  int64_t micros = 0;
  const char* reason = "";            // why a head was refused, or a connection cut
};

}  // namespace jzse::serve

#endif  // JZSE_SERVER_SERVE_MESSAGE_H_
