// SPDX-License-Identifier: Apache-2.0
// Stats, verify and compact as tasks, metrics.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

std::string Hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

Reply StartTask(Service& service, const Request& request, const TaskOptions& options) {
  Json json;
  if (!service.tasks.Start(options, &json))
    return serve::ProblemReply({409, "HTTP_TASK_RUNNING", "such a task is under way; see /v1/tasks", true}, request.id);
  Reply reply = JsonReply(202, json);
  reply.Add("Location", "/v1/tasks/" + json["id"].get<std::string>());
  return reply;
}

// What the store holds for uploads under way is nobody's files. Space on disk is space on disk.
void HideUploads(const Service& service, jzse_stats* stats) {
  const auto uploads = service.store.GetNamespaceInfo(kUploadsNamespace);
  if (!uploads) return;
  const auto less = [](uint64_t* from, uint64_t count) { *from -= std::min(*from, count); };  // the two were not asked at the same moment
  less(&stats->namespace_count, 1);
  less(&stats->file_count, uploads->file_count);
  less(&stats->logical_bytes, uploads->logical_bytes);
  less(&stats->version_count, uploads->version_count);
  less(&stats->version_bytes, uploads->version_bytes);
  less(&stats->tombstone_count, uploads->tombstone_count);
}

Reply NoTask(const Request& request) { return serve::Refuse(request, 404, "HTTP_NO_TASK", "there is no task of that id"); }

}  // namespace

Reply Stats(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  auto stats = service.store.GetStats();
  if (!stats) return Failed(request, stats.error());
  HideUploads(service, &*stats);
  const Metrics::Totals totals = service.metrics.Sum();
  size_t connections = 0;
  for (const auto& loop : service.server.loops()) connections += loop->connection_count();
  return JsonReply(200, {{"version", jzse_version()},
                         {"region", service.store.region()},
                         {"store_id", Hex(stats->store_id[0]) + Hex(stats->store_id[1])},
                         {"replica_id", Hex(stats->replica_id)},
                         {"sequence", stats->sequence},
                         {"read_only", stats->read_only != 0},
                         {"namespace_count", stats->namespace_count},
                         {"file_count", stats->file_count},
                         {"logical_bytes", stats->logical_bytes},
                         {"version_count", stats->version_count},
                         {"version_bytes", stats->version_bytes},
                         {"tombstone_count", stats->tombstone_count},
                         {"chunk_count", stats->chunk_count},
                         {"chunk_bytes", stats->chunk_bytes},
                         {"disk_bytes", stats->disk_bytes},
                         {"segment_count", stats->segment_count},
                         {"commits", stats->commits},
                         {"changes", stats->changes},
                         {"syncs", stats->syncs},
                         {"journal_bytes", stats->journal_bytes},
                         {"compacted_bytes", stats->compacted_bytes},
                         {"corrupt_records", stats->corrupt_records},
                         {"recovered_changes", stats->recovered_changes},
                         {"index_rebuilt", stats->index_rebuilt != 0},
                         {"uses_uring", stats->uses_uring != 0},
                         {"server",
                          {{"requests", totals.requests},
                           {"received_bytes", totals.bytes_in},
                           {"sent_bytes", totals.bytes_out},
                           {"connections", connections},
                           {"uptime_s", (serve::NowMicros() - service.started_us) / 1'000'000}}}});
}

Reply Verify(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  BodyReader body(request);
  TaskOptions options;
  options.kind = TaskKind::kVerify;
  options.repair = body.Flag("repair", false);
  options.rate = body.Number("rate").value_or(0);
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  return StartTask(service, request, options);
}

Reply Compact(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  BodyReader body(request);
  TaskOptions options;
  options.kind = TaskKind::kCompact;
  options.full = body.Flag("full", false);
  if (!body.problem().empty()) return BadRequest(request, body.problem());
  return StartTask(service, request, options);
}

Reply ListTasks(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  return JsonReply(200, {{"tasks", service.tasks.List()}});
}

Reply GetTask(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  Json json;
  return service.tasks.Get(request.captures[0], &json) ? JsonReply(200, json) : NoTask(request);
}

Reply CancelTask(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  Json json;
  return service.tasks.Cancel(request.captures[0], &json) ? JsonReply(202, json) : NoTask(request);
}

Reply MetricsText(Service& service, Request& request) {
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  Reply reply;
  reply.Add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  reply.body = service.metrics.Text(service);
  return reply;
}

}  // namespace jzse::jzsed
