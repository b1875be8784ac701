// SPDX-License-Identifier: Apache-2.0
// Which request goes where, and what is refused before it goes anywhere.
#include "jzsed/routes.h"

#include <algorithm>

#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

using http::Method;
using serve::Connection;
using serve::Refuse;
using serve::Request;

// The busiest first.
const std::vector<Route> kRoutes = {
    {Method::kGet, "/v1/namespaces/{ns}/files/{path}", "getFile", Body::kOwn, nullptr, GetFile},
    {Method::kPut, "/v1/namespaces/{ns}/files/{path}", "putFile", Body::kOwn, nullptr, PutFile},
    {Method::kHead, "/v1/namespaces/{ns}/files/{path}", "headFile", Body::kOwn, nullptr, GetFile},
    {Method::kDelete, "/v1/namespaces/{ns}/files/{path}", "deleteFile", Body::kOwn, nullptr, DeleteFile},
    {Method::kGet, "/v1/namespaces/{ns}/files", "listFiles", Body::kNone, ListFiles, nullptr},
    {Method::kGet, "/v1/namespaces/{ns}/metadata/{path}", "getMetadata", Body::kNone, GetMetadata, nullptr},
    {Method::kPut, "/v1/namespaces/{ns}/metadata/{path}", "setMetadata", Body::kJson, SetMetadata, nullptr},
    {Method::kPut, "/v1/namespaces/{ns}/directories/{path}", "makeDirectory", Body::kJson, MakeDirectory, nullptr},
    {Method::kPost, "/v1/namespaces/{ns}/copy", "copyFile", Body::kJson, CopyFile, nullptr},
    {Method::kPost, "/v1/namespaces/{ns}/move", "moveFile", Body::kJson, MoveFile, nullptr},
    {Method::kGet, "/v1/namespaces/{ns}/versions/{path}", "listVersions", Body::kNone, ListVersions, nullptr},
    {Method::kDelete, "/v1/namespaces/{ns}/versions/{path}", "deleteVersion", Body::kNone, DeleteVersion, nullptr},
    {Method::kPost, "/v1/namespaces/{ns}/restore", "restoreVersion", Body::kJson, RestoreVersion, nullptr},
    {Method::kPost, "/v1/batch", "batch", Body::kBatch, Batch, nullptr},
    {Method::kGet, "/v1/changes", "changes", Body::kNone, Changes, nullptr},
    {Method::kOptions, "/v1/uploads", "uploadOptions", Body::kOwn, nullptr, UploadOptions},
    {Method::kPost, "/v1/uploads", "createUpload", Body::kOwn, nullptr, CreateUpload},
    {Method::kHead, "/v1/uploads/{id}", "headUpload", Body::kNone, HeadUpload, nullptr},
    {Method::kPatch, "/v1/uploads/{id}", "patchUpload", Body::kOwn, nullptr, PatchUpload},
    {Method::kDelete, "/v1/uploads/{id}", "deleteUpload", Body::kNone, DeleteUpload, nullptr},
    {Method::kGet, "/v1/namespaces", "listNamespaces", Body::kNone, ListNamespaces, nullptr},
    {Method::kGet, "/v1/namespaces/{ns}", "getNamespace", Body::kNone, GetNamespace, nullptr},
    {Method::kPut, "/v1/namespaces/{ns}", "createNamespace", Body::kJson, CreateNamespace, nullptr},
    {Method::kPatch, "/v1/namespaces/{ns}", "configureNamespace", Body::kJson, ConfigureNamespace, nullptr},
    {Method::kDelete, "/v1/namespaces/{ns}", "dropNamespace", Body::kNone, DropNamespace, nullptr},
    {Method::kGet, "/v1/stats", "stats", Body::kNone, Stats, nullptr},
    {Method::kPost, "/v1/verify", "verify", Body::kJson, Verify, nullptr},
    {Method::kPost, "/v1/compact", "compact", Body::kJson, Compact, nullptr},
    {Method::kGet, "/v1/tasks", "listTasks", Body::kNone, ListTasks, nullptr},
    {Method::kGet, "/v1/tasks/{id}", "getTask", Body::kNone, GetTask, nullptr},
    {Method::kDelete, "/v1/tasks/{id}", "cancelTask", Body::kNone, CancelTask, nullptr},
    {Method::kGet, "/livez", "livez", Body::kOwn, nullptr, Livez},
    {Method::kGet, "/readyz", "readyz", Body::kNone, Readyz, nullptr},
    {Method::kGet, "/metrics", "metrics", Body::kNone, MetricsText, nullptr},
    {Method::kGet, "/openapi.json", "openapi", Body::kOwn, nullptr, OpenApi},
    {Method::kGet, "/", "console", Body::kOwn, nullptr, ConsolePage},
    {Method::kGet, "/console/{asset}", "consoleAsset", Body::kOwn, nullptr, ConsoleAsset},
};

bool IsRest(std::string_view variable) { return variable == "{path}" || variable == "{asset}"; }

std::string_view NextSegment(std::string_view* path) {
  path->remove_prefix(1);  // the slash
  const size_t end = path->find('/');
  const std::string_view segment = path->substr(0, end);
  path->remove_prefix(end == std::string_view::npos ? path->size() : end);
  return segment;
}

// Fills the raw variable parts of the path; false: another path.
bool Matches(std::string_view pattern, std::string_view path, std::array<std::string_view, 2>* variables) {
  size_t count = 0;
  while (!pattern.empty()) {
    if (path.empty() || path.front() != '/') return false;
    const std::string_view rest = path.substr(1);
    const std::string_view wanted = NextSegment(&pattern);
    if (IsRest(wanted)) {
      (*variables)[count] = rest;
      return !rest.empty();
    }
    const std::string_view segment = NextSegment(&path);
    if (!wanted.empty() && wanted.front() == '{') {
      if (segment.empty()) return false;
      (*variables)[count++] = segment;
    } else if (segment != wanted) {
      return false;
    }
  }
  return path.empty();
}

// The route; or null, with the methods that the path would allow.
const Route* Find(const Request& request, std::array<std::string_view, 2>* variables, std::string* allowed) {
  const Route* get = nullptr;
  std::array<std::string_view, 2> found;
  for (const Route& route : kRoutes) {
    if (!Matches(route.pattern, request.target.path, &found)) continue;
    *variables = found;
    if (route.method == request.head.method) return &route;
    if (route.method == Method::kGet) get = &route;
    allowed->append(allowed->empty() ? "" : ", ").append(MethodName(route.method));
  }
  // Every GET can be asked for its head.
  if (get != nullptr && request.head.method == Method::kHead) return get;
  if (get != nullptr && allowed->find("HEAD") == std::string::npos) allowed->append(", HEAD");
  return nullptr;
}

std::string_view WithoutPort(std::string_view host) {
  if (!host.empty() && host.front() == '[') return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool IsAddress(std::string_view host) {
  if (!host.empty() && host.front() == '[') return true;
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// A browser that was led to a name of somebody else's must not talk to a server on its own machine.
bool HostIsOurs(const config::Config& config, std::string_view host) {
  const bool loopback = config.address == "::1" || config.address.rfind("127.", 0) == 0;
  const std::string_view name = WithoutPort(host);
  if (!loopback || host.empty() || IsAddress(name) || http::EqualsLower(name, "localhost")) return true;
  return std::any_of(config.hosts.begin(), config.hosts.end(), [&](const std::string& known) { return known == name; });
}

bool OriginIsOurs(const Request& request) {
  const std::string_view origin = request.head.Get("origin");
  if (origin.empty()) return true;
  const size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == request.head.host;
}

bool IsSafe(Method method) { return method == Method::kGet || method == Method::kHead || method == Method::kOptions; }

bool IsJson(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return http::EqualsLower(type, "application/json");
}

void StartWork(Service& service, Connection& connection, const Route& route) {
  connection.Do([&service, &route](Request& request) { return route.work(service, request); });
}

void TakeBody(Service& service, Connection& connection, const Route& route) {
  const Request& request = connection.request();
  if (route.body == Body::kOwn) return route.start(service, connection);
  if (route.body == Body::kNone) {
    if (request.head.has_body())
      return connection.Answer(Refuse(request, 400, "HTTP_BAD_REQUEST", "this request has no body"));
    return StartWork(service, connection, route);
  }
  if (request.head.has_body() && !IsJson(request.head.Get("content-type")))
    return connection.Answer(Refuse(request, 415, "HTTP_MEDIA_TYPE", "the body must be application/json"));
  const size_t max = route.body == Body::kBatch ? service.config().batch_body_max : service.config().json_body_max;
  connection.Collect(max, [&service, &route](Connection& whole) { StartWork(service, whole, route); });
}

}  // namespace

const std::vector<Route>& Routes() { return kRoutes; }

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kHead: return "HEAD";
    case Method::kPut: return "PUT";
    case Method::kPost: return "POST";
    case Method::kPatch: return "PATCH";
    case Method::kDelete: return "DELETE";
    case Method::kOptions: return "OPTIONS";
    case Method::kOther: break;
  }
  return "";
}

void Begin(Service& service, Connection& connection) {
  Request& request = connection.request();
  if (request.head.method == Method::kOther)
    return connection.Answer(Refuse(request, 501, "HTTP_METHOD", "an unknown method"));
  std::array<std::string_view, 2> variables;
  std::string allowed;
  const Route* const route = Find(request, &variables, &allowed);
  request.route = route;
  if (route == nullptr) {
    if (allowed.empty())
      return connection.Answer(Refuse(request, 404, "HTTP_NO_ROUTE", "there is nothing at this path; see /openapi.json"));
    serve::Reply reply = Refuse(request, 405, "HTTP_METHOD", "this path allows " + allowed);
    reply.Add("Allow", allowed);
    return connection.Answer(std::move(reply));
  }
  if (!HostIsOurs(service.config(), request.head.host))
    return connection.Answer(Refuse(request, 421, "HTTP_HOST", "this Host is not served; see hosts in the configuration"));
  if (!IsSafe(request.head.method) && !OriginIsOurs(request))
    return connection.Answer(Refuse(request, 403, "HTTP_ORIGIN", "a page of another origin may not change anything here"));
  for (size_t i = 0; i < variables.size(); ++i) {
    if (!http::PercentDecode(variables[i], &request.captures[i]))
      return connection.Answer(Refuse(request, 400, "HTTP_BAD_REQUEST", "a bad percent-escape in the path"));
  }
  if (request.captures[0] == kUploadsNamespace)
    return connection.Answer(Refuse(request, 404, "JZSE_NOT_FOUND", "this namespace is the server's own"));
  TakeBody(service, connection, *route);
}

}  // namespace jzse::jzsed
