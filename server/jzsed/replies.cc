// SPDX-License-Identifier: Apache-2.0
#include "jzsed/replies.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "http/date.h"

namespace jzse::jzsed {
namespace {

struct Mapped {
  int status;
  bool retry;
};

Mapped MappedOf(int code) {
  switch (code) {
    case JZSE_INVALID: return {400, false};
    case JZSE_NOT_FOUND: return {404, false};
    case JZSE_EXISTS: return {409, false};
    case JZSE_PRECONDITION: return {412, false};
    case JZSE_TOO_LARGE: return {413, false};
    case JZSE_NO_SPACE:
    case JZSE_QUOTA: return {507, false};
    case JZSE_LOCKED:
    case JZSE_CLOSED:
    case JZSE_NO_MEMORY:
    case JZSE_BUSY: return {503, true};
    case JZSE_READ_ONLY: return {503, false};
    case JZSE_UNSUPPORTED: return {501, false};
    case JZSE_TIMEOUT: return {504, true};
    default: return {500, false};
  }
}

}  // namespace

Reply Failed(const Request& request, int code, const std::string& message, long operation) {
  const Mapped mapped = MappedOf(code);
  return serve::ProblemReply({mapped.status, jzse_code_name(code), message, mapped.retry, operation}, request.id);
}

Reply BadRequest(const Request& request, std::string detail) {
  return serve::Refuse(request, 400, "HTTP_BAD_REQUEST", std::move(detail));
}

Reply JsonReply(int status, const Json& json) {
  Reply reply;
  reply.status = status;
  reply.Add("Content-Type", "application/json");
  reply.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  reply.body.push_back('\n');
  return reply;
}

Reply NoContent() {
  Reply reply;
  reply.status = 204;
  return reply;
}

std::string Quoted(const char* etag) { return std::string("\"") + etag + "\""; }

std::string FileIdOf(const jzse_file_info& info) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx-%llx", static_cast<unsigned long long>(info.file_replica),
                static_cast<unsigned long long>(info.file_counter));
  return text;
}

std::string ModeText(uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%o", mode);
  return text;
}

const char* KindName(uint32_t kind) {
  switch (kind) {
    case JZSE_KIND_FILE: return "file";
    case JZSE_KIND_SYMLINK: return "symlink";
    case JZSE_KIND_DIRECTORY: return "directory";
    case JZSE_KIND_PREFIX: return "prefix";
    default: return "deleted";
  }
}

Json EntryJson(const std::string& path, const jzse_file_info& info) {
  Json json = {{"path", path}, {"kind", KindName(info.kind)}, {"size", info.size}, {"sequence", info.sequence}};
  if (info.etag[0] != '\0') json["etag"] = info.etag;
  if (info.sequence == 0) return json;  // implied
  json["mtime"] = http::FormatRfc3339(info.mtime_ns, 9);
  json["changed"] = http::FormatRfc3339(static_cast<int64_t>(info.changed_ms) * 1'000'000, 3);
  if (info.mode != 0) json["mode"] = ModeText(info.mode);
  json["file_id"] = FileIdOf(info);
  return json;
}

Reply EntryReply(int status, const std::string& path, const jzse_file_info& info) {
  Reply reply = JsonReply(status, EntryJson(path, info));
  if (info.etag[0] != '\0') reply.Add("ETag", Quoted(info.etag));
  reply.Add("x-jzse-sequence", std::to_string(info.sequence));
  return reply;
}

std::string FileLocation(const std::string& ns, const std::string& path) {
  return "/v1/namespaces/" + ns + "/files/" + http::PercentEncode(path, "/");
}

bool ParseMode(std::string_view text, uint32_t* mode) {
  if (text.empty() || text.size() > 4) return false;
  uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return false;
    value = value * 8 + static_cast<uint32_t>(c - '0');
  }
  *mode = value;
  return true;
}

// --------------------------------------------------------------------------------------------------- query

QueryReader::QueryReader(const Request& request) : query_(http::Query::Parse(request.target.query)) {
  if (!query_) problem_ = "the query is malformed, or names a parameter twice";
}

std::optional<std::string> QueryReader::Text(std::string_view name) {
  const std::string* const text = query_ ? query_->Find(name) : nullptr;
  return text == nullptr ? std::nullopt : std::optional<std::string>(*text);
}

std::optional<uint64_t> QueryReader::Number(std::string_view name, uint64_t min, uint64_t max) {
  std::optional<uint64_t> value;
  if (query_ && !query_->Number(name, min, max, &value) && problem_.empty()) {
    problem_ = "parameter " + std::string(name) + " is no number from " + std::to_string(min) + " to " + std::to_string(max);
    return std::nullopt;
  }
  return value;
}

bool QueryReader::Flag(std::string_view name) {
  bool value = false;
  if (query_ && !query_->Flag(name, &value) && problem_.empty())
    problem_ = "parameter " + std::string(name) + " is neither true nor false";
  return value;
}

std::optional<Reply> QueryReader::Problem(const Request& request) {
  if (problem_.empty() && query_ && query_->Unasked() != nullptr)
    problem_ = "there is no parameter " + *query_->Unasked();
  if (problem_.empty()) return std::nullopt;
  return BadRequest(request, problem_);
}

// ---------------------------------------------------------------------------------------------------- body

BodyReader::BodyReader(const Request& request) : json_(std::make_unique<Json>(Json::object())) {
  if (request.body.empty()) return;
  *json_ = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (json_->is_discarded()) problem_ = "the body is no JSON";
  else if (!json_->is_object()) problem_ = "the body is no JSON object";
  if (!problem_.empty()) *json_ = Json::object();
}

BodyReader::BodyReader(const Json& object) : json_(std::make_unique<Json>(Json::object())) {
  if (object.is_object()) *json_ = object;
  else problem_ = "it is no object";
}

BodyReader::~BodyReader() = default;

const Json* BodyReader::Take(const char* name) {
  asked_.emplace_back(name);
  const auto found = json_->find(name);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

bool BodyReader::Has(const char* name) const { return json_->contains(name); }

void BodyReader::Wrong(const std::string& problem) {
  if (problem_.empty()) problem_ = problem;
}

std::string BodyReader::Text(const char* name) {
  const auto text = OptionalText(name);
  if (!text) Wrong(std::string(name) + " is missing");
  return text.value_or("");
}

std::optional<std::string> BodyReader::OptionalText(const char* name) {
  const Json* const value = Take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    Wrong(std::string(name) + " is no string");
    return std::nullopt;
  }
  std::string text = value->get<std::string>();
  if (text.find('\0') != std::string::npos && std::string_view(name) != "text") Wrong(std::string(name) + " holds a NUL");
  return text;
}

std::optional<uint64_t> BodyReader::Number(const char* name) {
  const Json* const value = Take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned()) {
    Wrong(std::string(name) + " is no whole number of 0 or more");
    return std::nullopt;
  }
  return value->get<uint64_t>();
}

bool BodyReader::Flag(const char* name, bool otherwise) {
  const Json* const value = Take(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) {
    Wrong(std::string(name) + " is neither true nor false");
    return otherwise;
  }
  return value->get<bool>();
}

const Json* BodyReader::Array(const char* name) {
  const Json* const value = Take(name);
  if (value != nullptr && value->is_array()) return value;
  Wrong(std::string(name) + " is no array");
  return nullptr;
}

std::vector<std::pair<std::string, std::string>> BodyReader::Pairs(const char* name) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const Json* const value = Take(name);
  if (value == nullptr) return pairs;
  if (!value->is_object()) Wrong(std::string(name) + " is no object");
  if (!value->is_object()) return pairs;
  for (const auto& item : value->items()) {
    if (!item.value().is_string()) Wrong(std::string(name) + "." + item.key() + " is no string");
    else pairs.emplace_back(item.key(), item.value().get<std::string>());
    const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
    if (!pairs.empty() && (has_nul(pairs.back().first) || has_nul(pairs.back().second)))
      Wrong(std::string(name) + " holds a NUL");
  }
  return pairs;
}

const std::string& BodyReader::problem() {
  if (!problem_.empty()) return problem_;
  for (const auto& item : json_->items()) {
    if (std::find(asked_.begin(), asked_.end(), item.key()) == asked_.end()) {
      problem_ = "there is no member " + item.key();
      break;
    }
  }
  return problem_;
}

// ---------------------------------------------------------------------------------------------- attributes

const jzse_put_options& Attributes::Options() {
  pairs_.clear();
  for (const auto& pair : metadata) pairs_.push_back({pair.first.c_str(), pair.second.c_str()});
  options_ = PutOptions();
  options_.kind = kind;
  options_.if_match = if_match ? if_match->c_str() : nullptr;
  options_.if_none_match = if_none_match ? if_none_match->c_str() : nullptr;
  options_.content_type = content_type ? content_type->c_str() : nullptr;
  options_.metadata = pairs_.data();
  options_.metadata_count = pairs_.size();
  options_.mtime_ns = mtime_ns;
  options_.mode = mode;
  return options_;
}

void ReadAttributes(BodyReader* body, Attributes* attributes) {
  attributes->content_type = body->OptionalText("content_type");
  attributes->metadata = body->Pairs("metadata");
  if (const auto mtime = body->OptionalText("mtime")) {
    const auto parsed = http::ParseRfc3339(*mtime);
    if (!parsed) body->Wrong("mtime is no RFC 3339 time");
    attributes->mtime_ns = parsed.value_or(0);
  }
  if (const auto mode = body->OptionalText("mode")) {
    if (!ParseMode(*mode, &attributes->mode)) body->Wrong("mode is no octal number");
  }
}

}  // namespace jzse::jzsed
