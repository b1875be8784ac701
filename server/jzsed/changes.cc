// SPDX-License-Identifier: Apache-2.0
// The change feed: at once, as a long poll, as an event stream. Nothing is buffered for a reader: its cursor stays until it has room.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

constexpr uint64_t kLimitMax = 4096;
constexpr uint64_t kLimitDefault = 1000;
constexpr uint64_t kEventsMax = 256;      // of one window of a stream
constexpr uint64_t kGroupMax = 8192;      // changes of one page, however long an atomic group is

const char* TypeName(uint32_t type) {
  switch (type) {
    case JZSE_CHANGE_PUT: return "put";
    case JZSE_CHANGE_DELETE: return "delete";
    case JZSE_CHANGE_MOVE: return "move";
    case JZSE_CHANGE_MKDIR: return "mkdir";
    default: return "metadata";
  }
}

// All but `more`, which only what comes next can tell.
Json ChangeJson(const jzse_change& change) {
  Json json = {{"sequence", change.sequence},
               {"type", TypeName(change.type)},
               {"namespace", change.ns},
               {"path", change.path}};
  if (change.old_path != nullptr) json["old_path"] = change.old_path;
  json["more"] = false;
  json["entry"] = EntryJson(change.path, change.info);
  return json;
}

// What a reader follows, and how far it is.
struct Cursor {
  std::string ns, prefix;
  uint64_t after = 0;
  std::shared_ptr<void> token;  // keeps the watcher awake

  // Calls each(change) for up to `limit` changes, and on to the end of the last one's group. `more` of a change says that the next one
  // that is shown belongs to the same group: what is filtered out or hidden may be its end.
  template <typename Each>
  Result<void> Read(const Store& store, uint64_t limit, Each&& each) {
    FeedOptions options;
    options.ns = ns.empty() ? nullptr : ns.c_str();
    options.prefix = prefix.empty() ? nullptr : prefix.c_str();
    options.after = after;
    jzse_error error = JZSE_ERROR_INIT;
    jzse_feed* opened = nullptr;
    int code = jzse_feed_open(store.get(), &options, &opened, &error);
    if (code != JZSE_OK) return Error(code, error.message);
    Feed feed(opened);
    uint64_t count = 0;
    bool more = false;                 // the group goes on, with what may not be shown
    std::optional<Json> held;          // the last one that is shown
    while (count < limit || (more && count < kGroupMax)) {
      const auto change = feed.Next(0);
      if (!change) return change.error();
      if (*change == nullptr) break;
      const uint64_t sequence = (*change)->sequence;
      const bool joined = more && (sequence == after + 1 || Joined(store, after, sequence));
      after = sequence;
      more = (*change)->more != 0;
      if (!joined && held) each(*std::exchange(held, std::nullopt));
      if (std::string_view((*change)->ns) == kUploadsNamespace) continue;
      ++count;
      if (held) {
        (*held)["more"] = true;
        each(*held);
      }
      held = ChangeJson(**change);
    }
    if (held) each(*held);
    return {};
  }

  // Whether the changes behind `from`, whose group goes on, are all of one group up to `to`.
  static bool Joined(const Store& store, uint64_t from, uint64_t to) {
    FeedOptions options;
    options.after = from;
    jzse_feed* opened = nullptr;
    if (jzse_feed_open(store.get(), &options, &opened, nullptr) != JZSE_OK) return false;
    Feed feed(opened);
    while (true) {
      const auto change = feed.Next(0);
      if (!change || *change == nullptr || (*change)->sequence > to) return false;
      if ((*change)->sequence == to) return true;
      if ((*change)->more == 0) return false;
    }
  }
};

class EventStream : public serve::Source {
 public:
  EventStream(Service& service, std::shared_ptr<Cursor> cursor) : service_(service), cursor_(std::move(cursor)) {}

  bool Next(int64_t now_ms, bool stopping, serve::Window* window) override {
    std::string text;
    if (last_ms_ == 0) text = "retry: 1000\n: from " + std::to_string(cursor_->after) + "\n\n";
    const auto read = cursor_->Read(service_.store, kEventsMax, [&](const Json& change) {
      text += "id: " + std::to_string(change["sequence"].get<uint64_t>()) + "\nevent: " + change["type"].get<std::string>() +
              "\ndata: " + change.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
    });
    if (!read) return false;
    const int64_t beat_ms = std::chrono::milliseconds(service_.config().heartbeat).count();
    if (text.empty() && now_ms >= last_ms_ + beat_ms) text = ":\n\n";
    if (!text.empty()) {
      last_ms_ = now_ms;
      window->pieces.push_back(serve::Piece::Of(std::move(text)));
    } else if (!stopping) {
      window->wait_until_ms = last_ms_ + beat_ms;
    }
    return true;
  }

 private:
  Service& service_;
  std::shared_ptr<Cursor> cursor_;
  int64_t last_ms_ = 0;  // of the last thing sent
};

bool WantsEvents(const Request& request) {
  bool wants = false;
  http::ForEachElement(request.head.Get("accept"), [&](std::string_view type) {
    wants = wants || http::EqualsLower(type.substr(0, type.find(';')), "text/event-stream");
  });
  return wants;
}

// The query, once; a waiting request keeps what came of it.
std::optional<Reply> Begin(Service& service, Request& request, Cursor* cursor, uint64_t* limit, uint64_t* wait) {
  QueryReader query(request);
  cursor->ns = query.Text("namespace").value_or("");
  cursor->prefix = query.Text("prefix").value_or("");
  *limit = query.Number("limit", 1, kLimitMax).value_or(kLimitDefault);
  *wait = query.Number("wait", 0, static_cast<uint64_t>(service.config().wait_max.count())).value_or(0);
  auto after = query.Text("after");
  if (auto problem = query.Problem(request)) return problem;
  const std::string_view last = request.head.Get("last-event-id");
  if (!last.empty()) after = std::string(last);
  if (after && *after == "now") {
    const auto stats = service.store.GetStats();
    if (!stats) return Failed(request, stats.error());
    cursor->after = stats->sequence;
  } else if (after) {
    const auto number = http::ParseNumber(*after);
    if (!number) return BadRequest(request, "after is a sequence, or now");
    cursor->after = *number;
  }
  return std::nullopt;
}

struct Poll {
  Cursor cursor;
  uint64_t limit = 0;
  int64_t until_ms = 0;
};

}  // namespace

Reply Changes(Service& service, Request& request) {
  auto poll = std::static_pointer_cast<Poll>(request.state);
  if (poll == nullptr) {
    poll = std::make_shared<Poll>();
    uint64_t wait = 0;
    if (auto refused = Begin(service, request, &poll->cursor, &poll->limit, &wait)) return std::move(*refused);
    const bool events = WantsEvents(request) && !request.head_only();
    if (events || wait > 0) {
      poll->cursor.token = service.watcher.Enter(service.config().watchers_max);
      if (poll->cursor.token == nullptr)
        return serve::ProblemReply({503, "HTTP_OVERLOADED", "too many requests wait for changes", true}, request.id);
    }
    if (events) {
      Reply reply;
      reply.Add("Content-Type", "text/event-stream");
      reply.Add("Cache-Control", "no-store");
      reply.source = std::make_unique<EventStream>(service, std::make_shared<Cursor>(poll->cursor));
      return reply;
    }
    poll->until_ms = request.started_ms + static_cast<int64_t>(wait) * 1000;
    request.state = poll;
  }
  Json changes = Json::array();
  const auto read = poll->cursor.Read(service.store, poll->limit,
                                      [&](const Json& change) { changes.push_back(change); });
  if (!read) return Failed(request, read.error());
  if (changes.empty() && request.now_ms < poll->until_ms && !request.stopping) {
    Reply parked;
    parked.park_until_ms = poll->until_ms;
    return parked;
  }
  Reply reply = JsonReply(200, {{"changes", std::move(changes)}, {"next", poll->cursor.after}});
  reply.Add("Cache-Control", "no-store");
  return reply;
}

}  // namespace jzse::jzsed
