// SPDX-License-Identifier: Apache-2.0
#include "remote/entries.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "http/date.h"

namespace jzse::remote {
namespace {

constexpr std::string_view kKinds[] = {"tree", "keys"};
constexpr std::string_view kConflicts[] = {"lww", "fork", "merge", "manual"};
constexpr std::string_view kReplications[] = {"eager", "lazy", "on-demand"};

template <size_t kCount>
std::string NameOf(const std::string_view (&names)[kCount], uint32_t value) {
  return value < kCount ? std::string(names[value]) : std::to_string(value);
}
template <size_t kCount>
uint32_t ValueOf(const std::string_view (&names)[kCount], const std::string& name) {
  for (uint32_t i = 0; i < kCount; ++i) {
    if (names[i] == name) return i;
  }
  return static_cast<uint32_t>(std::strtoul(name.c_str(), nullptr, 10));
}

uint32_t Number32(const Json& json, const char* name) { return static_cast<uint32_t>(NumberOf(json, name)); }

bool KindOf(std::string_view name, uint32_t* kind) {
  const std::pair<std::string_view, uint32_t> kinds[] = {{"file", JZSE_KIND_FILE},
                                                         {"symlink", JZSE_KIND_SYMLINK},
                                                         {"directory", JZSE_KIND_DIRECTORY},
                                                         {"prefix", JZSE_KIND_PREFIX},
                                                         {"deleted", JZSE_KIND_DELETED}};
  for (const auto& known : kinds) {
    if (known.first != name) continue;
    *kind = known.second;
    return true;
  }
  return false;
}

void ReadFileId(const std::string& text, jzse_file_info* info) {
  const size_t dash = text.find('-');
  if (dash == std::string::npos) return;
  info->file_replica = std::strtoull(text.c_str(), nullptr, 16);
  info->file_counter = std::strtoull(text.c_str() + dash + 1, nullptr, 16);
}

void ReadTag(const std::string& etag, jzse_file_info* info) {
  std::memset(info->etag, 0, sizeof info->etag);
  if (etag.size() < sizeof info->etag) std::memcpy(info->etag, etag.data(), etag.size());
}

void ReadId(const std::string& hex, uint64_t* high, uint64_t* low) {
  if (hex.size() != 32) return;
  *high = std::strtoull(hex.substr(0, 16).c_str(), nullptr, 16);
  *low = std::strtoull(hex.c_str() + 16, nullptr, 16);
}

std::string Octal(uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%o", mode);
  return text;
}

}  // namespace

bool ReadEntry(const Json& json, std::string* path, jzse_file_info* info) {
  *info = JZSE_FILE_INFO_INIT;
  if (!json.is_object() || !KindOf(TextOf(json, "kind"), &info->kind)) return false;
  if (path != nullptr) *path = TextOf(json, "path");
  info->size = NumberOf(json, "size");
  info->sequence = NumberOf(json, "sequence");
  ReadTag(TextOf(json, "etag"), info);
  info->mtime_ns = http::ParseRfc3339(TextOf(json, "mtime")).value_or(0);
  info->changed_ms = static_cast<uint64_t>(http::ParseRfc3339(TextOf(json, "changed")).value_or(0) / 1'000'000);
  info->mode = static_cast<uint32_t>(std::strtoul(TextOf(json, "mode").c_str(), nullptr, 8));
  ReadFileId(TextOf(json, "file_id"), info);
  return true;
}

bool ReadFields(const AnswerHead& head, uint64_t size, jzse_file_info* info) {
  *info = JZSE_FILE_INFO_INIT;
  const std::string& etag = head.Get("etag");
  if (!KindOf(head.Get("x-jzse-kind"), &info->kind) || etag.size() < 2) return false;
  info->size = size;
  info->sequence = std::strtoull(head.Get("x-jzse-sequence").c_str(), nullptr, 10);
  ReadTag(etag.substr(1, etag.size() - 2), info);
  info->mtime_ns = http::ParseRfc3339(head.Get("x-jzse-mtime")).value_or(0);
  info->changed_ms = static_cast<uint64_t>(http::ParseRfc3339(head.Get("x-jzse-changed")).value_or(0) / 1'000'000);
  info->mode = static_cast<uint32_t>(std::strtoul(head.Get("x-jzse-mode").c_str(), nullptr, 8));
  ReadFileId(head.Get("x-jzse-file"), info);
  return info->sequence != 0;
}

bool ReadNamespace(const Json& json, jzse_namespace_config* config, jzse_namespace_info* info) {
  if (!json.is_object() || TextOf(json, "name").empty()) return false;
  if (config != nullptr) {
    *config = JZSE_NAMESPACE_CONFIG_INIT;
    config->kind = ValueOf(kKinds, TextOf(json, "kind"));
    config->conflict = ValueOf(kConflicts, TextOf(json, "conflict"));
    config->replication = ValueOf(kReplications, TextOf(json, "replication"));
    config->versions_max = Number32(json, "versions_max");
    config->compression = Number32(json, "compression");
    config->versions_age_max_s = NumberOf(json, "versions_age_max_s");
    config->quota_bytes = NumberOf(json, "quota_bytes");
    config->quota_files = NumberOf(json, "quota_files");
    config->chunk_min = Number32(json, "chunk_min");
    config->chunk_average = Number32(json, "chunk_average");
    config->chunk_max = Number32(json, "chunk_max");
  }
  if (info != nullptr) {
    *info = JZSE_NAMESPACE_INFO_INIT;
    std::snprintf(info->name, sizeof info->name, "%s", TextOf(json, "name").c_str());
    info->file_count = NumberOf(json, "file_count");
    info->logical_bytes = NumberOf(json, "logical_bytes");
    info->version_count = NumberOf(json, "version_count");
    info->version_bytes = NumberOf(json, "version_bytes");
    info->tombstone_count = NumberOf(json, "tombstone_count");
  }
  return true;
}

Json ConfigJson(const jzse_namespace_config& config) {
  return {{"kind", NameOf(kKinds, config.kind)},
          {"conflict", NameOf(kConflicts, config.conflict)},
          {"replication", NameOf(kReplications, config.replication)},
          {"versions_max", config.versions_max},
          {"versions_age_max_s", config.versions_age_max_s},
          {"compression", config.compression},
          {"quota_bytes", config.quota_bytes},
          {"quota_files", config.quota_files},
          {"chunk_min", config.chunk_min},
          {"chunk_average", config.chunk_average},
          {"chunk_max", config.chunk_max}};
}

bool ReadStats(const Json& json, jzse_stats* stats, std::string* region) {
  *stats = JZSE_STATS_INIT;
  if (!json.is_object() || !json.contains("store_id")) return false;
  if (region != nullptr) *region = TextOf(json, "region");
  uint64_t none = 0;
  ReadId(TextOf(json, "store_id"), &stats->store_id[0], &stats->store_id[1]);
  ReadId("0000000000000000" + TextOf(json, "replica_id"), &none, &stats->replica_id);
  stats->read_only = Number32(json, "read_only");
  const std::pair<const char*, uint64_t*> numbers[] = {
      {"sequence", &stats->sequence},
      {"namespace_count", &stats->namespace_count},
      {"file_count", &stats->file_count},
      {"logical_bytes", &stats->logical_bytes},
      {"version_count", &stats->version_count},
      {"version_bytes", &stats->version_bytes},
      {"tombstone_count", &stats->tombstone_count},
      {"chunk_count", &stats->chunk_count},
      {"chunk_bytes", &stats->chunk_bytes},
      {"disk_bytes", &stats->disk_bytes},
      {"segment_count", &stats->segment_count},
      {"corrupt_records", &stats->corrupt_records},
      {"uses_uring", &stats->uses_uring},
  };
  for (const auto& number : numbers) *number.second = NumberOf(json, number.first);
  return true;
}

bool ReadReport(const Json& json, jzse_verify_report* report) {
  if (!json.is_object()) return false;
  report->segments = NumberOf(json, "segments");
  report->records = NumberOf(json, "records");
  report->bytes = NumberOf(json, "bytes");
  report->files = NumberOf(json, "files");
  report->versions = NumberOf(json, "versions");
  report->chunks = NumberOf(json, "chunks");
  report->problems = NumberOf(json, "problems");
  report->repaired = NumberOf(json, "repaired");
  return true;
}

bool ReadReport(const Json& json, jzse_compact_report* report) {
  if (!json.is_object()) return false;
  report->segments = NumberOf(json, "segments");
  report->bytes_before = NumberOf(json, "bytes_before");
  report->bytes_after = NumberOf(json, "bytes_after");
  report->versions_expired = NumberOf(json, "versions_expired");
  report->chunks_dropped = NumberOf(json, "chunks_dropped");
  report->tombstones_dropped = NumberOf(json, "tombstones_dropped");
  return true;
}

uint32_t ChangeType(std::string_view name) {
  if (name == "put") return JZSE_CHANGE_PUT;
  if (name == "delete") return JZSE_CHANGE_DELETE;
  if (name == "move") return JZSE_CHANGE_MOVE;
  if (name == "mkdir") return JZSE_CHANGE_MKDIR;
  return name == "metadata" ? JZSE_CHANGE_METADATA : 0;
}

Json AttributesJson(const jzse_put_options& options) {
  Json json = Json::object();
  if (options.content_type != nullptr) json["content_type"] = options.content_type;
  if (options.metadata_count != 0) {
    Json& metadata = json["metadata"] = Json::object();
    for (size_t i = 0; i < options.metadata_count; ++i) metadata[options.metadata[i].key] = options.metadata[i].value;
  }
  if (options.mtime_ns != 0) json["mtime"] = http::FormatRfc3339(options.mtime_ns, 9);
  if (options.mode != 0) json["mode"] = Octal(options.mode);
  return json;
}

std::string TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

uint64_t NumberOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return 0;
  if (found->is_boolean()) return found->get<bool>() ? 1 : 0;
  return found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

bool IsUtf8(std::string_view text) {
  // The serialiser's own judgement is the one that counts.
  try {
    Json(std::string(text)).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

}  // namespace jzse::remote
