// SPDX-License-Identifier: Apache-2.0
// Namespaces: create, configure, list, drop.
#include <array>
#include <nlohmann/json.hpp>

#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

constexpr std::array<const char*, 2> kKinds = {"tree", "keys"};
constexpr std::array<const char*, 4> kConflicts = {"lww", "fork", "merge", "manual"};
constexpr std::array<const char*, 3> kReplications = {"eager", "lazy", "on-demand"};

template <size_t kCount>
std::string NameOf(const std::array<const char*, kCount>& names, uint32_t value) {
  return value < kCount ? names[value] : std::to_string(value);
}

template <size_t kCount>
void ReadName(BodyReader* body, const char* member, const std::array<const char*, kCount>& names, uint32_t* value) {
  const auto text = body->OptionalText(member);
  if (!text) return;
  for (uint32_t i = 0; i < kCount; ++i) {
    if (*text != names[i]) continue;
    *value = i;
    return;
  }
  body->Wrong(std::string(member) + " cannot be \"" + *text + "\"");
}

template <typename Number>
void ReadNumber(BodyReader* body, const char* member, Number* value) {
  const auto number = body->Number(member);
  if (!number) return;
  *value = static_cast<Number>(*number);
  if (*value != *number) body->Wrong(std::string(member) + " is too large");
}

void ReadConfig(BodyReader* body, jzse_namespace_config* config) {
  ReadName(body, "kind", kKinds, &config->kind);
  ReadName(body, "conflict", kConflicts, &config->conflict);
  ReadName(body, "replication", kReplications, &config->replication);
  ReadNumber(body, "versions_max", &config->versions_max);
  ReadNumber(body, "versions_age_max_s", &config->versions_age_max_s);
  ReadNumber(body, "compression", &config->compression);
  ReadNumber(body, "quota_bytes", &config->quota_bytes);
  ReadNumber(body, "quota_files", &config->quota_files);
  ReadNumber(body, "chunk_min", &config->chunk_min);
  ReadNumber(body, "chunk_average", &config->chunk_average);
  ReadNumber(body, "chunk_max", &config->chunk_max);
}

Result<Json> NamespaceJson(const Service& service, const std::string& name) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  jzse_namespace_info info = JZSE_NAMESPACE_INFO_INIT;
  jzse_error error = JZSE_ERROR_INIT;
  const int code = jzse_namespace_get(service.store.get(), name.c_str(), &config, &info, &error);
  if (code != JZSE_OK) return Error(code, error.message);
  return Json{{"name", name},
              {"kind", NameOf(kKinds, config.kind)},
              {"conflict", NameOf(kConflicts, config.conflict)},
              {"replication", NameOf(kReplications, config.replication)},
              {"versions_max", config.versions_max},
              {"versions_age_max_s", config.versions_age_max_s},
              {"compression", config.compression},
              {"quota_bytes", config.quota_bytes},
              {"quota_files", config.quota_files},
              {"chunk_min", config.chunk_min},
              {"chunk_average", config.chunk_average},
              {"chunk_max", config.chunk_max},
              {"file_count", info.file_count},
              {"logical_bytes", info.logical_bytes},
              {"version_count", info.version_count},
              {"version_bytes", info.version_bytes},
              {"tombstone_count", info.tombstone_count}};
}

Reply NamespaceReply(const Service& service, const Request& request, int status, const std::string& name) {
  const auto json = NamespaceJson(service, name);
  return json ? JsonReply(status, *json) : Failed(request, json.error());
}

}  // namespace

Reply ListNamespaces(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  const auto all = service.store.ListNamespaces();
  if (!all) return Failed(request, all.error());
  Json namespaces = Json::array();
  for (const jzse_namespace_info& info : *all) {
    if (std::string_view(info.name) == kUploadsNamespace) continue;
    auto json = NamespaceJson(service, info.name);
    if (json) namespaces.push_back(std::move(*json));  // one dropped meanwhile is left out
  }
  return JsonReply(200, {{"namespaces", std::move(namespaces)}});
}

Reply GetNamespace(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  return NamespaceReply(service, request, 200, request.captures[0]);
}

Reply CreateNamespace(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  NamespaceConfig config;
  BodyReader body(request);
  ReadConfig(&body, &config);
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  const auto created = service.store.CreateNamespace(request.captures[0], config);
  if (!created) return Failed(request, created.error());
  Reply reply = NamespaceReply(service, request, 201, request.captures[0]);
  reply.Add("Location", "/v1/namespaces/" + request.captures[0]);
  return reply;
}

Reply ConfigureNamespace(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  auto config = service.store.GetNamespaceConfig(request.captures[0]);
  if (!config) return Failed(request, config.error());
  BodyReader body(request);
  ReadConfig(&body, &*config);
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  const auto done = service.store.ConfigureNamespace(request.captures[0], *config);
  if (!done) return Failed(request, done.error());
  return NamespaceReply(service, request, 200, request.captures[0]);
}

Reply DropNamespace(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  const auto done = service.store.DropNamespace(request.captures[0]);
  return done ? NoContent() : Failed(request, done.error());
}

}  // namespace jzse::jzsed
