// SPDX-License-Identifier: Apache-2.0
// PUT and DELETE of files, metadata, directories. Small contents go from the loop into group commit; large ones stream through the pool into a
// writer of the library; conditions that the library cannot check at commit are checked before.
#include <nlohmann/json.hpp>

#include "http/conditional.h"
#include "http/date.h"
#include "http/digest.h"
#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

using serve::Connection;

// A PUT as it was asked for, made from its head before the body is taken.
struct Put {
  std::string ns, path;
  Attributes attributes;
  http::WantedDigest digest;
  bool complex = false;              // conditions beyond what the library checks
  http::Conditions conditions;       // complex ones; views into the request
};

std::optional<Reply> TakeMetadata(const Request& request, Attributes* attributes) {
  static constexpr std::string_view kPrefix = "x-jzse-meta-";
  for (const http::Field& field : request.head.fields) {
    if (field.name.size() <= kPrefix.size() || !http::EqualsLower(field.name.substr(0, kPrefix.size()), kPrefix)) continue;
    std::string key(field.name.substr(kPrefix.size())), value;
    for (char& c : key) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    if (!http::PercentDecode(field.value, &value)) return BadRequest(request, "a bad percent-escape in " + std::string(field.name));
    attributes->metadata.emplace_back(std::move(key), std::move(value));
  }
  return std::nullopt;
}

std::optional<Reply> TakeDescription(const Request& request, Attributes* attributes) {
  const http::Head& head = request.head;
  if (const http::Field* type = head.Find("content-type")) attributes->content_type = std::string(type->value);
  if (const http::Field* mtime = head.Find("x-jzse-mtime")) {
    const auto parsed = http::ParseRfc3339(mtime->value);
    if (!parsed) return BadRequest(request, "x-jzse-mtime is no RFC 3339 time");
    attributes->mtime_ns = *parsed;
  }
  if (const http::Field* mode = head.Find("x-jzse-mode")) {
    if (!ParseMode(mode->value, &attributes->mode)) return BadRequest(request, "x-jzse-mode is no octal number");
  }
  if (const http::Field* kind = head.Find("x-jzse-kind")) {
    if (kind->value != "file" && kind->value != "symlink") return BadRequest(request, "x-jzse-kind is file or symlink");
    if (kind->value == "symlink") attributes->kind = JZSE_KIND_SYMLINK;
  }
  return TakeMetadata(request, attributes);
}

// `*` or one strong tag is what the library checks at commit.
std::optional<std::string> Plain(const std::string& value) {
  http::EntityTags tags;
  if (!http::EntityTags::Parse(value, &tags)) return std::nullopt;
  if (tags.any) return "*";
  if (tags.tags.size() == 1 && !tags.tags[0].weak) return std::string(tags.tags[0].text);
  return std::nullopt;
}

void TakePutConditions(const Request& request, Put* put) {
  put->conditions = http::TakeConditions(request.head);
  http::Conditions& conditions = put->conditions;
  conditions.if_modified_since = {};
  put->attributes.if_match = conditions.if_match.empty() ? std::nullopt : Plain(conditions.if_match);
  put->attributes.if_none_match = conditions.if_none_match.empty() ? std::nullopt : Plain(conditions.if_none_match);
  put->complex = (!conditions.if_match.empty() && !put->attributes.if_match) ||
                 (!conditions.if_none_match.empty() && !put->attributes.if_none_match) ||
                 (conditions.if_match.empty() && !conditions.if_unmodified_since.empty());
}

// What the library cannot check, against the state of now; then pins that state, so that the commit is atomic all the same.
std::optional<Reply> CheckComplex(Service& service, const Request& request, Put* put) {
  if (!put->complex) return std::nullopt;
  const auto info = service.store[put->ns].Stat(put->path);
  if (!info && info.code() != JZSE_NOT_FOUND) return Failed(request, info.error());
  http::Validators validators;
  validators.exists = info.ok();
  if (info) validators.etag = info->etag;
  if (info) validators.mtime_s = info->mtime_ns / 1'000'000'000;
  switch (http::Evaluate(put->conditions, validators, /*reading=*/false)) {
    case http::Verdict::kMalformed: return BadRequest(request, "a precondition is malformed");
    case http::Verdict::kProceed: break;
    default: return Failed(request, JZSE_PRECONDITION, "a precondition does not hold");
  }
  if (info) {
    put->attributes.if_match = info->etag;
    put->attributes.if_none_match = std::nullopt;
  } else {
    put->attributes.if_match = std::nullopt;
    put->attributes.if_none_match = "*";
  }
  return std::nullopt;
}

Reply PutReply(const Put& put, const jzse_file_info& info) {
  // A file's id is the sequence of the change that made it.
  const bool created = info.file_counter == info.sequence || put.attributes.if_none_match == "*";
  Reply reply = EntryReply(created ? 201 : 200, put.path, info);
  if (created) reply.Add("Location", FileLocation(put.ns, put.path));
  return reply;
}

Reply DigestMismatch(const Request& request) {
  return serve::Refuse(request, 400, "HTTP_DIGEST", "the content does not have the digest that was sent with it");
}

bool DigestHolds(const http::WantedDigest& wanted, std::string_view content) {
  if (wanted.kind == http::DigestKind::kNone) return true;
  http::Digester digester(wanted.kind);
  digester.Update(content);
  return digester.Finish() == wanted.value;
}

class FileSink : public serve::Sink {
 public:
  FileSink(Service& service, const Request& request, Put put)
      : service_(service), request_(request), put_(std::move(put)) {
    if (put_.digest.kind != http::DigestKind::kNone) digester_.emplace(put_.digest.kind);
  }

  std::optional<Reply> Write(std::string_view bytes) override {
    if (auto refused = Open()) return refused;
    if (digester_) digester_->Update(bytes);
    const auto written = writer_->Write(bytes);
    if (!written) return Failed(request_, written.error());
    return std::nullopt;
  }

  Reply Finish() override {
    if (auto refused = Open()) return std::move(*refused);
    if (digester_ && digester_->Finish() != put_.digest.value) return DigestMismatch(request_);
    const auto info = writer_->Commit();
    return info ? PutReply(put_, *info) : Failed(request_, info.error());
  }

  void Abandon() override { writer_.reset(); }

 private:
  std::optional<Reply> Open() {
    if (writer_) return std::nullopt;
    if (auto refused = CheckComplex(service_, request_, &put_)) return refused;
    PutOptions options;
    static_cast<jzse_put_options&>(options) = put_.attributes.Options();
    auto writer = service_.store[put_.ns].OpenWriter(put_.path, options);
    if (!writer) return Failed(request_, writer.error());
    writer_.emplace(std::move(*writer));
    return std::nullopt;
  }

  Service& service_;
  const Request& request_;
  Put put_;
  std::optional<http::Digester> digester_;
  std::optional<Writer> writer_;
};

void PutSmall(Service& service, Connection& connection, std::shared_ptr<Put> put) {
  const Request& request = connection.request();
  if (!DigestHolds(put->digest, request.body)) return connection.Answer(DigestMismatch(request));
  if (put->complex) {
    return connection.Do([&service, put](Request& whole) {
      if (auto refused = CheckComplex(service, whole, put.get())) return std::move(*refused);
      PutOptions options;
      static_cast<jzse_put_options&>(options) = put->attributes.Options();
      const auto info = service.store[put->ns].Put(put->path, whole.body, options);
      return info ? PutReply(*put, *info) : Failed(whole, info.error());
    });
  }
  service.writes[connection.loop().index()]->Submit(
      connection,
      [&](jzse_queue* queue, uint64_t tag, jzse_error* error) {
        return jzse_put_async(queue, tag, put->ns.c_str(), put->path.c_str(), request.body.data(), request.body.size(),
                              &put->attributes.Options(), error);
      },
      [put](const Request& whole, const jzse_completion& done) {
        return done.code == JZSE_OK ? PutReply(*put, done.info) : Failed(whole, done.code, done.message);
      });
}

}  // namespace

void PutFile(Service& service, Connection& connection) {
  const Request& request = connection.request();
  auto put = std::make_shared<Put>();
  put->ns = request.captures[0];
  put->path = request.captures[1];
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return connection.Answer(std::move(*problem));
  if (auto problem = TakeDescription(request, &put->attributes)) return connection.Answer(std::move(*problem));
  if (!request.head.Get("content-range").empty())
    return connection.Answer(BadRequest(request, "PUT stores whole contents; see /v1/uploads for parts"));
  for (const char* name : {"content-digest", "repr-digest"}) {
    const http::Field* const field = request.head.Find(name);
    if (field == nullptr || put->digest.kind != http::DigestKind::kNone) continue;
    const auto digest = http::ParseDigestField(field->value);
    if (!digest) return connection.Answer(BadRequest(request, std::string(name) + " is malformed"));
    put->digest = *digest;
  }
  TakePutConditions(request, put.get());
  if (!request.head.chunked && !request.head.has_length)
    return connection.Answer(serve::Refuse(request, 411, "HTTP_LENGTH", "PUT needs Content-Length or chunks"));
  if (!request.head.chunked && request.head.length <= service.config().small_put_max) {
    return connection.Collect(service.config().small_put_max,
                              [&service, put](Connection& whole) { PutSmall(service, whole, put); });
  }
  if (request.head.length > service.config().upload_size_max)
    return connection.Answer(serve::Refuse(request, 413, "HTTP_TOO_LARGE", "the content is too large"));
  connection.Stream(std::make_unique<FileSink>(service, request, std::move(*put)));
}

void DeleteFile(Service& service, Connection& connection) {
  const Request& request = connection.request();
  QueryReader query(request);
  auto change = std::make_shared<ChangeOptions>(query.Flag("recursive") ? uint32_t{JZSE_RECURSIVE} : 0u);
  if (auto problem = query.Problem(request)) return connection.Answer(std::move(*problem));
  auto if_match = std::make_shared<std::string>();
  const http::Conditions conditions = http::TakeConditions(request.head);
  if (!conditions.if_match.empty()) {
    const auto plain = Plain(conditions.if_match);
    if (!plain) return connection.Answer(BadRequest(request, "DELETE takes `*` or one strong ETag in If-Match"));
    *if_match = *plain;
    if (*if_match != "*") change->if_match = if_match->c_str();
  }
  // `*` asks for what DELETE asks for anyway: that the file is there; only the answer differs.
  const bool any = *if_match == "*";
  service.writes[connection.loop().index()]->Submit(
      connection,
      [&](jzse_queue* queue, uint64_t tag, jzse_error* error) {
        return jzse_delete_async(queue, tag, request.captures[0].c_str(), request.captures[1].c_str(), change.get(), error);
      },
      [change, if_match, any](const Request& whole, const jzse_completion& done) {
        if (done.code == JZSE_OK) return NoContent();
        return Failed(whole, any && done.code == JZSE_NOT_FOUND ? JZSE_PRECONDITION : done.code, done.message);
      });
}

Reply SetMetadata(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  BodyReader body(request);
  Attributes attributes;
  ReadAttributes(&body, &attributes);
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  const http::Conditions conditions = http::TakeConditions(request.head);
  if (!conditions.if_match.empty()) {
    attributes.if_match = Plain(conditions.if_match);
    if (!attributes.if_match) return BadRequest(request, "this takes `*` or one strong ETag in If-Match");
  }
  PutOptions options;
  static_cast<jzse_put_options&>(options) = attributes.Options();
  const auto info = service.store[request.captures[0]].SetMetadata(request.captures[1], options);
  return info ? EntryReply(200, request.captures[1], *info) : Failed(request, info.error());
}

Reply MakeDirectory(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  BodyReader body(request);
  Attributes attributes;
  ReadAttributes(&body, &attributes);
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  const std::string &ns = request.captures[0], &path = request.captures[1];
  attributes.kind = 0;
  jzse_error error = JZSE_ERROR_INIT;
  const int code = jzse_mkdir(service.store.get(), ns.c_str(), path.c_str(), &attributes.Options(), &error);
  if (code != JZSE_OK) return Failed(request, code, error.message);
  const auto info = service.store[ns].Stat(path);
  if (!info) return Failed(request, info.error());
  Reply reply = EntryReply(201, path, *info);
  reply.Add("Location", "/v1/namespaces/" + ns + "/metadata/" + http::PercentEncode(path, "/"));
  return reply;
}

}  // namespace jzse::jzsed
