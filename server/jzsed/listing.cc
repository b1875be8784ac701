// SPDX-License-Identifier: Apache-2.0
// Pages of files and of versions.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "http/digest.h"
#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

constexpr uint64_t kLimitMax = 10000;
constexpr uint64_t kLimitDefault = 1000;

// Cursors are the last path of a page in base64, as URLs like it.
std::string CursorOf(std::string_view path) {
  std::string cursor = http::Base64Encode(path);
  for (char& c : cursor) c = c == '+' ? '-' : c == '/' ? '_' : c;
  cursor.erase(std::find(cursor.begin(), cursor.end(), '='), cursor.end());
  return cursor;
}

std::optional<std::string> PathOf(std::string cursor) {
  for (char& c : cursor) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (cursor.size() % 4 != 0) cursor.push_back('=');
  auto path = http::Base64Decode(cursor);
  if (path && path->find('\0') != std::string::npos) return std::nullopt;
  return path;
}

}  // namespace

Reply ListFiles(Service& service, Request& request) {
  QueryReader query(request);
  const auto prefix = query.Text("prefix"), delimiter = query.Text("delimiter"), cursor = query.Text("cursor");
  auto start_after = query.Text("start_after");
  const uint64_t limit = query.Number("limit", 1, kLimitMax).value_or(kLimitDefault);
  const bool deleted = query.Flag("deleted");
  if (auto problem = query.Problem(request)) return std::move(*problem);
  if (cursor) {
    start_after = PathOf(*cursor);
    if (!start_after) return BadRequest(request, "the cursor is none of ours");
  }
  ListOptions options;
  options.with_deleted = deleted ? 1 : 0;
  options.prefix = prefix ? prefix->c_str() : nullptr;
  options.delimiter = delimiter ? delimiter->c_str() : nullptr;
  options.start_after = start_after ? start_after->c_str() : nullptr;
  options.limit = limit + 1;  // one more tells whether there is another page
  auto list = service.store[request.captures[0]].List(options);
  if (!list) return Failed(request, list.error());
  Json entries = Json::array();
  std::string last;
  bool more = false;
  while (const jzse_list_entry* entry = list->Next()) {
    more = entries.size() == limit;
    if (more) break;
    last = entry->path;
    entries.push_back(EntryJson(last, entry->info));
  }
  if (list->error()) return Failed(request, *list->error());
  Json page = {{"entries", std::move(entries)}};
  if (more) page["next_cursor"] = CursorOf(last);
  return JsonReply(200, page);
}

Reply ListVersions(Service& service, Request& request) {
  QueryReader query(request);
  const auto cursor = query.Number("cursor", 1, UINT64_MAX >> 1);
  const uint64_t limit = query.Number("limit", 1, kLimitMax).value_or(kLimitDefault);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  auto list = service.store[request.captures[0]].Versions(request.captures[1]);
  if (!list) return Failed(request, list.error());
  Json versions = Json::array();
  uint64_t last = 0;
  bool more = false;
  while (const jzse_list_entry* entry = list->Next()) {
    if (cursor && entry->info.sequence >= *cursor) continue;
    more = versions.size() == limit;
    if (more) break;
    last = entry->info.sequence;
    versions.push_back(EntryJson(entry->path, entry->info));
  }
  if (list->error()) return Failed(request, *list->error());
  Json page = {{"versions", std::move(versions)}};
  if (more) page["next_cursor"] = std::to_string(last);
  return JsonReply(200, page);
}

Reply DeleteVersion(Service& service, Request& request) {
  QueryReader query(request);
  const auto version = query.Number("version", 1, UINT64_MAX >> 1);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  if (!version) return BadRequest(request, "parameter version is missing");
  const auto done = service.store[request.captures[0]].DeleteVersion(request.captures[1], *version);
  return done ? NoContent() : Failed(request, done.error());
}

}  // namespace jzse::jzsed
