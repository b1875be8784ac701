// SPDX-License-Identifier: Apache-2.0
// Copy, move, restore, and several operations as one atomic group.
#include <nlohmann/json.hpp>

#include "http/digest.h"
#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

constexpr size_t kOperationsMax = 10000;

// from, to, replace, if_match, and for copies to_namespace.
struct Place {
  std::string from, to, to_namespace;
  std::optional<std::string> if_match;
  ChangeOptions options;
};

void ReadPlace(BodyReader* body, const std::string& ns, bool copy, Place* place) {
  place->from = body->Text("from");
  place->to = body->Text("to");
  place->to_namespace = copy ? body->OptionalText("to_namespace").value_or(ns) : ns;
  if (place->to_namespace == kUploadsNamespace) body->Wrong("this namespace is the server's own");
  place->options.flags = body->Flag("replace", true) ? 0u : uint32_t{JZSE_NO_REPLACE};
  place->if_match = body->OptionalText("if_match");
  if (place->if_match) place->options.if_match = place->if_match->c_str();
}

// -------------------------------------------------------------------------------------------------- batch

// Adds one operation to the group. A problem of the request itself, or the library's.
class Adder {
 public:
  Adder(Group& group, const Json& operation) : group_(group), body_(operation) {}

  // JZSE_OK, or a code with message(); `code` 0 and a message: malformed.
  int Add() {
    const std::string op = body_.Text("op");
    ns_ = body_.Text("namespace");
    if (ns_ == kUploadsNamespace) body_.Wrong("this namespace is the server's own");
    if (op == "put") return Put();
    if (op == "delete") return Delete();
    if (op == "move" || op == "copy") return MoveOrCopy(op == "copy");
    if (op == "mkdir") return Mkdir();
    body_.Wrong("op is none of put, delete, move, copy, mkdir");
    return JZSE_INVALID;
  }
  // Of the request itself, or of the library.
  std::string message() { return body_.problem().empty() ? error_.message : body_.problem(); }
  bool malformed() { return !body_.problem().empty(); }

 private:
  int Put() {
    Attributes attributes;
    const std::string path = body_.Text("path");
    ReadAttributes(&body_, &attributes);
    attributes.if_match = body_.OptionalText("if_match");
    attributes.if_none_match = body_.OptionalText("if_none_match");
    const auto text = body_.OptionalText("text"), base64 = body_.OptionalText("base64");
    if (text.has_value() == base64.has_value()) body_.Wrong("a put has either text or base64");
    if (const auto kind = body_.OptionalText("kind")) {
      if (*kind != "file" && *kind != "symlink") body_.Wrong("kind is file or symlink");
      if (*kind == "symlink") attributes.kind = JZSE_KIND_SYMLINK;
    }
    const auto content = base64 ? http::Base64Decode(*base64) : text;
    if (!content) body_.Wrong("base64 is malformed");
    if (malformed()) return JZSE_INVALID;
    return jzse_group_put(group_.get(), ns_.c_str(), path.c_str(), content->data(), content->size(), &attributes.Options(),
                          &error_);
  }
  int Delete() {
    const std::string path = body_.Text("path");
    const auto if_match = body_.OptionalText("if_match");
    ChangeOptions options(body_.Flag("recursive", false) ? uint32_t{JZSE_RECURSIVE} : 0u);
    if (if_match) options.if_match = if_match->c_str();
    if (malformed()) return JZSE_INVALID;
    return jzse_group_delete(group_.get(), ns_.c_str(), path.c_str(), &options, &error_);
  }
  int MoveOrCopy(bool copy) {
    Place place;
    ReadPlace(&body_, ns_, copy, &place);
    if (malformed()) return JZSE_INVALID;
    if (!copy)
      return jzse_group_move(group_.get(), ns_.c_str(), place.from.c_str(), place.to.c_str(), &place.options, &error_);
    return jzse_group_copy(group_.get(), ns_.c_str(), place.from.c_str(), place.to_namespace.c_str(), place.to.c_str(),
                           &place.options, &error_);
  }
  int Mkdir() {
    Attributes attributes;
    const std::string path = body_.Text("path");
    ReadAttributes(&body_, &attributes);
    attributes.kind = 0;
    if (malformed()) return JZSE_INVALID;
    return jzse_group_mkdir(group_.get(), ns_.c_str(), path.c_str(), &attributes.Options(), &error_);
  }

  Group& group_;
  BodyReader body_;
  std::string ns_;
  jzse_error error_ = JZSE_ERROR_INIT;
};

}  // namespace

Reply CopyFile(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  BodyReader body(request);
  Place place;
  ReadPlace(&body, request.captures[0], /*copy=*/true, &place);
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  const auto info = service.store[request.captures[0]].Copy(place.from, service.store[place.to_namespace], place.to,
                                                            place.options);
  return info ? EntryReply(200, place.to, *info) : Failed(request, info.error());
}

Reply MoveFile(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  BodyReader body(request);
  Place place;
  ReadPlace(&body, request.captures[0], /*copy=*/false, &place);
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  const Namespace ns = service.store[request.captures[0]];
  const auto done = ns.Move(place.from, place.to, place.options);
  if (!done) return Failed(request, done.error());
  const auto info = ns.Stat(place.to);
  // Moved on by somebody else already: the move is done all the same.
  return info ? EntryReply(200, place.to, *info) : JsonReply(200, EntryJson(place.to, Initial<FileInfo>()));
}

Reply RestoreVersion(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  BodyReader body(request);
  const std::string path = body.Text("path");
  const auto version = body.Number("version");
  if (!version || *version == 0) body.Wrong("version is missing");
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  const auto info = service.store[request.captures[0]].RestoreVersion(path, *version);
  return info ? EntryReply(200, path, *info) : Failed(request, info.error());
}

Reply Batch(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  BodyReader body(request);
  const Json* const operations = body.Array("operations");
  if (operations != nullptr && (operations->empty() || operations->size() > kOperationsMax))
    body.Wrong("a batch has 1 to " + std::to_string(kOperationsMax) + " operations");
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  auto group = service.store.BeginGroup();
  if (!group) return Failed(request, group.error());
  long index = 0;
  for (const Json& operation : *operations) {
    Adder adder(*group, operation);
    const int code = adder.Add();
    if (adder.malformed())
      return serve::ProblemReply({400, "HTTP_BAD_REQUEST", adder.message(), false, index}, request.id);
    if (code != JZSE_OK) return Failed(request, code, adder.message(), index);
    ++index;
  }
  const auto done = group->Commit();
  if (!done) return Failed(request, done.error());
  return JsonReply(200, {{"committed", operations->size()}});
}

}  // namespace jzse::jzsed
