// SPDX-License-Identifier: Apache-2.0
#include "jzsed/metrics.h"

#include <algorithm>
#include <cstdio>

#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

constexpr std::array<double, 14> kBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                            0.025,  0.05,    0.1,    0.25,  1,      5,     30};
constexpr std::array<const char*, 5> kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};

void Add(std::atomic<uint64_t>& counter, uint64_t count = 1) { counter.fetch_add(count, std::memory_order_relaxed); }
uint64_t Read(const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); }

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

class Text {
 public:
  void Family(const char* name, const char* type, const char* help) {
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ");
    text_.append(type).append("\n");
    name_ = name;
  }
  void Sample(const std::string& labels, const std::string& value, const char* suffix = "") {
    text_.append(name_).append(suffix);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(value).append("\n");
  }
  void Single(const char* name, const char* type, const char* help, uint64_t value) {
    Family(name, type, help);
    Sample("", std::to_string(value));
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  const char* name_ = "";
};

const char* OperationName(size_t route) { return route < Routes().size() ? Routes()[route].operation : "none"; }

void StoreText(const jzse_stats& stats, Text* text) {
  const struct {
    const char *name, *type, *help;
    uint64_t value;
  } kRows[] = {
      {"jzse_sequence", "gauge", "Sequence of the newest change.", stats.sequence},
      {"jzse_namespaces", "gauge", "Namespaces.", stats.namespace_count},
      {"jzse_files", "gauge", "Live files, symlinks and explicit directories.", stats.file_count},
      {"jzse_logical_bytes", "gauge", "Bytes of live files.", stats.logical_bytes},
      {"jzse_versions", "gauge", "Retained older versions.", stats.version_count},
      {"jzse_version_bytes", "gauge", "Bytes of retained older versions.", stats.version_bytes},
      {"jzse_tombstones", "gauge", "Tombstones.", stats.tombstone_count},
      {"jzse_chunks", "gauge", "Distinct chunks.", stats.chunk_count},
      {"jzse_chunk_bytes", "gauge", "Bytes of distinct chunks as stored.", stats.chunk_bytes},
      {"jzse_disk_bytes", "gauge", "Bytes of segments and index on disk.", stats.disk_bytes},
      {"jzse_segments", "gauge", "Segments.", stats.segment_count},
      {"jzse_read_only", "gauge", "1 when writes are refused, for whatever reason.", stats.read_only},
      {"jzse_commits_total", "counter", "Groups committed.", stats.commits},
      {"jzse_changes_total", "counter", "Changes committed.", stats.changes},
      {"jzse_syncs_total", "counter", "Waits for the disk on the commit path.", stats.syncs},
      {"jzse_journal_bytes_total", "counter", "Bytes appended to the journal.", stats.journal_bytes},
      {"jzse_compacted_bytes_total", "counter", "Bytes that compaction freed.", stats.compacted_bytes},
      {"jzse_corrupt_records_total", "counter", "Records found damaged.", stats.corrupt_records},
  };
  for (const auto& row : kRows) text->Single(row.name, row.type, row.help, row.value);
}

}  // namespace

Metrics::Metrics(size_t loops) {
  for (size_t i = 0; i < loops; ++i) loops_.push_back(std::make_unique<Counters>());
}

void Metrics::Count(size_t loop, size_t route, const serve::Finished& finished) {
  static_assert(kBounds.size() == kBuckets);
  Counters& counters = *loops_[loop];
  const size_t at = std::min(route, kRoutesMax - 1);
  const auto status_class = static_cast<size_t>(std::clamp(finished.status / 100 - 1, 0, 4));
  Add(counters.answers[at][status_class]);
  const double seconds = static_cast<double>(finished.micros) / 1e6;
  const size_t bucket = static_cast<size_t>(std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin());
  Add(counters.seconds[at][bucket]);
  Add(counters.micros[at], static_cast<uint64_t>(std::max<int64_t>(finished.micros, 0)));
  Add(counters.bytes_in, finished.bytes_in);
  Add(counters.bytes_out, finished.bytes_out);
  if (finished.reason[0] != '\0') Add(counters.aborted);
}

Metrics::Totals Metrics::Sum() const {
  Totals totals;
  for (const auto& counters : loops_) {
    for (const auto& route : counters->answers) {
      for (const auto& count : route) totals.requests += Read(count);
    }
    totals.bytes_in += Read(counters->bytes_in);
    totals.bytes_out += Read(counters->bytes_out);
  }
  return totals;
}

std::string Metrics::Text(Service& service) const {
  jzsed::Text text;
  const auto sum = [&](auto&& pick) {
    uint64_t total = 0;
    for (const auto& counters : loops_) total += Read(pick(*counters));
    return total;
  };
  const size_t routes = Routes().size() + 1;
  text.Family("jzsed_requests_total", "counter", "Requests answered, by operation and class of status.");
  for (size_t r = 0; r < routes; ++r) {
    for (size_t c = 1; c < kClasses.size(); ++c) {
      const uint64_t count = sum([&](const Counters& counters) -> auto& { return counters.answers[r][c]; });
      if (count > 0)
        text.Sample(std::string("operation=\"") + OperationName(r) + "\",status=\"" + kClasses[c] + "\"", std::to_string(count));
    }
  }
  text.Family("jzsed_request_duration_seconds", "histogram", "From the end of the head to the end of the answer.");
  for (size_t r = 0; r < routes; ++r) {
    const std::string label = std::string("operation=\"") + OperationName(r) + "\"";
    uint64_t total = 0;
    std::array<uint64_t, kBuckets + 1> counts{};
    for (size_t b = 0; b <= kBuckets; ++b) {
      counts[b] = sum([&](const Counters& counters) -> auto& { return counters.seconds[r][b]; });
      total += counts[b];
    }
    if (total == 0) continue;
    uint64_t running = 0;
    for (size_t b = 0; b <= kBuckets; ++b) {
      running += counts[b];
      text.Sample(label + ",le=\"" + (b < kBuckets ? Number(kBounds[b]) : "+Inf") + "\"", std::to_string(running), "_bucket");
    }
    const uint64_t micros = sum([&](const Counters& counters) -> auto& { return counters.micros[r]; });
    text.Sample(label, Number(static_cast<double>(micros) / 1e6), "_sum");
    text.Sample(label, std::to_string(total), "_count");
  }
  text.Single("jzsed_received_bytes_total", "counter", "Bytes of request bodies.",
              sum([](const Counters& counters) -> auto& { return counters.bytes_in; }));
  text.Single("jzsed_sent_bytes_total", "counter", "Bytes of answers' bodies.",
              sum([](const Counters& counters) -> auto& { return counters.bytes_out; }));
  text.Single("jzsed_aborted_requests_total", "counter", "Requests whose connection broke or was cut.",
              sum([](const Counters& counters) -> auto& { return counters.aborted; }));
  serve::Shared& shared = service.server.shared();
  size_t connections = 0;
  for (const auto& loop : service.server.loops()) connections += loop->connection_count();
  text.Single("jzsed_connections", "gauge", "Open connections.", connections);
  text.Single("jzsed_accepted_connections_total", "counter", "Connections accepted.", shared.accepted.load());
  text.Single("jzsed_refused_connections_total", "counter", "Connections refused beyond a cap.", shared.refused.load());
  text.Single("jzsed_pool_jobs", "gauge", "Jobs that wait for the pool.", shared.pool.waiting());
  text.Single("jzsed_transfer_buffer_bytes", "gauge", "Memory held by large transfers under way.", shared.transfer_bytes.load());
  text.Single("jzsed_watchers", "gauge", "Requests that wait for changes.", service.watcher.count());
  if (const auto stats = service.store.GetStats()) StoreText(*stats, &text);
  return text.Take();
}

}  // namespace jzse::jzsed
