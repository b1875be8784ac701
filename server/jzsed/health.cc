// SPDX-License-Identifier: Apache-2.0
// What is answered without the library: health, the contract, the web console.
#include <nlohmann/json.hpp>

#include "console/console.h"
#include "http/conditional.h"
#include "jzsed/openapi.h"
#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

void SendAsset(Service& service, serve::Connection& connection, std::string_view name) {
  const Request& request = connection.request();
  const console::Asset* asset = nullptr;
  for (const console::Asset& known : console::Assets()) {
    if (known.path == name && service.config().console) asset = &known;
  }
  if (asset == nullptr) return connection.Answer(serve::Refuse(request, 404, "HTTP_NO_ROUTE", "the console has no such file"));
  Reply reply;
  reply.Add("ETag", "\"" + std::string(asset->etag) + "\"");
  reply.Add("Cache-Control", "no-cache");
  reply.fields.append(
      "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"
      "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
      "media-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'\r\n");
  const http::Conditions conditions = http::TakeConditions(request.head);
  const http::Validators validators{true, asset->etag, 0};
  if (!conditions.if_none_match.empty() &&
      http::Evaluate({"", conditions.if_none_match, {}, {}, {}}, validators, true) == http::Verdict::kNotModified) {
    reply.status = 304;
    return connection.Answer(std::move(reply));
  }
  reply.Add("Content-Type", asset->content_type);
  reply.body = std::string(asset->bytes);
  connection.Answer(std::move(reply));
}

}  // namespace

void Livez(Service&, serve::Connection& connection) { connection.Answer(JsonReply(200, {{"status", "ok"}})); }

Reply Readyz(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  if (service.stopping)
    return serve::ProblemReply({503, "HTTP_STOPPING", "the server is stopping", true}, request.id);
  const auto stats = service.store.GetStats();
  if (!stats) return Failed(request, stats.error());
  if (stats->read_only != 0 && !service.config().read_only)
    return Failed(request, JZSE_READ_ONLY, "the store refuses writes");
  return JsonReply(200, {{"status", "ready"}});
}

void OpenApi(Service&, serve::Connection& connection) {
  Reply reply;
  reply.Add("Content-Type", "application/json");
  reply.body = std::string(OpenApiText());
  connection.Answer(std::move(reply));
}

void ConsolePage(Service& service, serve::Connection& connection) { SendAsset(service, connection, "index.html"); }

void ConsoleAsset(Service& service, serve::Connection& connection) {
  SendAsset(service, connection, connection.request().captures[0]);
}

}  // namespace jzse::jzsed
