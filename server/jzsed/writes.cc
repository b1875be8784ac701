// SPDX-License-Identifier: Apache-2.0
#include "jzsed/writes.h"

#include <array>
#include <utility>

#include "jzsed/replies.h"

namespace jzse::jzsed {

Writes::Writes(Queue queue, serve::Loop& loop) : queue_(std::move(queue)) {
  loop.Watch(queue_.descriptor(), [this] { Reap(); });
}

void Writes::Submit(serve::Connection& connection,
                    const std::function<int(jzse_queue*, uint64_t tag, jzse_error*)>& submit, Done done) {
  const uint64_t tag = ++next_tag_;
  jzse_error error = JZSE_ERROR_INIT;
  const int code = submit(queue_.get(), tag, &error);
  if (code != JZSE_OK) return connection.Answer(Failed(connection.request(), code, error.message));
  connection.Hold();
  waiting_.emplace(tag, Waiting{&connection, std::move(done)});
}

void Writes::Reap() {
  std::array<jzse_completion, 64> completions;
  size_t count = completions.size();
  while (count == completions.size()) {
    if (jzse_queue_reap(queue_.get(), completions.data(), completions.size(), 0, &count, nullptr) != JZSE_OK) return;
    for (size_t i = 0; i < count; ++i) {
      auto found = waiting_.extract(completions[i].tag);
      Waiting& waiting = found.mapped();
      serve::Connection& connection = *waiting.connection;
      connection.AnswerHeld(waiting.done(connection.request(), completions[i]));
      jzse_free(completions[i].data);
    }
  }
}

}  // namespace jzse::jzsed
