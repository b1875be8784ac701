// SPDX-License-Identifier: Apache-2.0
// Changes that go from a loop straight into group commit: one completion queue of the library for each loop.
//
// Threading: the loop's.
#ifndef JZSE_SERVER_JZSED_WRITES_H_
#define JZSE_SERVER_JZSED_WRITES_H_

#include <jzse/jzse.hpp>

#include <functional>
#include <unordered_map>

#include "serve/connection.h"

namespace jzse::jzsed {

class Writes {
 public:
  using Done = std::function<serve::Reply(const serve::Request&, const jzse_completion&)>;

  // The loop must not run yet.
  Writes(Queue queue, serve::Loop& loop);

  // Submits with the tag given to `submit`, which answers a JZSE_* code; the connection is answered by what `done` makes of
  // the completion, or of the code if the submission is refused.
  void Submit(serve::Connection& connection, const std::function<int(jzse_queue*, uint64_t tag, jzse_error*)>& submit,
              Done done);

 private:
  struct Waiting {
    serve::Connection* connection;
    Done done;
  };
  void Reap();

  Queue queue_;
  uint64_t next_tag_ = 0;
  std::unordered_map<uint64_t, Waiting> waiting_;
};

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_WRITES_H_
