// SPDX-License-Identifier: Apache-2.0
// config, ns: the store's and its namespaces' settings.
// Threads: the main thread.
#include <array>
#include <functional>

#include <fmt/format.h>

#include "text.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

using Config = jzse_namespace_config;
using Names = std::vector<std::string_view>;

const Names kKinds{"tree", "keys"};
const Names kConflicts{"lww", "fork", "merge", "manual"};
const Names kReplications{"eager", "lazy", "on-demand"};

bool SetName(const Names& names, std::string_view text, uint32_t* value) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) *value = static_cast<uint32_t>(i);
    if (names[i] == text) return true;
  }
  return false;
}

std::string GetName(const Names& names, uint32_t value) {
  return value < names.size() ? std::string(names[value]) : fmt::format("unknown ({})", value);
}

bool Set32(std::optional<uint64_t> parsed, uint32_t* value) {
  if (!parsed || *parsed > UINT32_MAX) return false;
  *value = static_cast<uint32_t>(*parsed);
  return true;
}

bool Set64(std::optional<uint64_t> parsed, uint64_t* value) {
  if (parsed) *value = *parsed;
  return parsed.has_value();
}

struct Setting {
  std::string_view key, expected;
  bool (*set)(Config*, std::string_view);
  std::string (*get)(const Config&);
};

const std::array<Setting, 11> kSettings{{
    {"kind", "tree or keys",
     [](Config* c, std::string_view t) { return SetName(kKinds, t, &c->kind); },
     [](const Config& c) { return GetName(kKinds, c.kind); }},
    {"conflict", "lww, fork, merge or manual",
     [](Config* c, std::string_view t) { return SetName(kConflicts, t, &c->conflict); },
     [](const Config& c) { return GetName(kConflicts, c.conflict); }},
    {"replication", "eager, lazy or on-demand",
     [](Config* c, std::string_view t) { return SetName(kReplications, t, &c->replication); },
     [](const Config& c) { return GetName(kReplications, c.replication); }},
    {"versions", "a count; 0 keeps none",
     [](Config* c, std::string_view t) { return Set32(ParseNumber(t), &c->versions_max); },
     [](const Config& c) { return std::to_string(c.versions_max); }},
    {"versions_age", "a time like 30d; 0 is no limit",
     [](Config* c, std::string_view t) { return Set64(ParseDuration(t), &c->versions_age_max_s); },
     [](const Config& c) { return std::to_string(c.versions_age_max_s); }},
    {"compression", "a zstd level from 1 to 19; 0 is off",
     [](Config* c, std::string_view t) { return Set32(ParseNumber(t), &c->compression); },
     [](const Config& c) { return std::to_string(c.compression); }},
    {"quota_bytes", "a size like 10G; 0 is no limit",
     [](Config* c, std::string_view t) { return Set64(ParseSize(t), &c->quota_bytes); },
     [](const Config& c) { return std::to_string(c.quota_bytes); }},
    {"quota_files", "a count; 0 is no limit",
     [](Config* c, std::string_view t) { return Set64(ParseNumber(t), &c->quota_files); },
     [](const Config& c) { return std::to_string(c.quota_files); }},
    {"chunk_min", "a power of two like 16K",
     [](Config* c, std::string_view t) { return Set32(ParseSize(t), &c->chunk_min); },
     [](const Config& c) { return std::to_string(c.chunk_min); }},
    {"chunk_average", "a power of two like 64K",
     [](Config* c, std::string_view t) { return Set32(ParseSize(t), &c->chunk_average); },
     [](const Config& c) { return std::to_string(c.chunk_average); }},
    {"chunk_max", "a power of two like 256K",
     [](Config* c, std::string_view t) { return Set32(ParseSize(t), &c->chunk_max); },
     [](const Config& c) { return std::to_string(c.chunk_max); }},
}};

bool IsNumber(std::string_view text) { return ParseNumber(text).has_value(); }

void ShowConfig(Context& context, const std::string& ns, const Config& config) {
  Record record;
  record.Add("namespace", ns);
  for (const Setting& setting : kSettings) {
    const std::string value = setting.get(config);
    if (!context.out.json()) {
      context.out.Line(fmt::format("{}={}", setting.key, value));
    } else if (IsNumber(value)) {
      record.Add(setting.key, *ParseNumber(value));
    } else {
      record.Add(setting.key, value);
    }
  }
  if (context.out.json()) context.out.Emit(record);
}

int ShowStore(Context& context) {
  jzse_stats stats = JZSE_STATS_INIT;
  Error error;
  std::string region;
  if (context.store()->Stats(&stats, &region, &error.raw) != JZSE_OK)
    return context.out.Fail(error.raw);
  Record record;
  record.Add("store", context.path()).Add("region", region);
  record.Add("store_id", fmt::format("{:016x}{:016x}", stats.store_id[0], stats.store_id[1]));
  record.Add("replica_id", fmt::format("{:016x}", stats.replica_id))
      .Add("sequence", stats.sequence);
  record.Add("namespaces", stats.namespace_count).Add("files", stats.file_count);
  record.Add("bytes", stats.logical_bytes).Add("versions", stats.version_count);
  record.Add("version_bytes", stats.version_bytes).Add("tombstones", stats.tombstone_count);
  record.Add("chunks", stats.chunk_count).Add("chunk_bytes", stats.chunk_bytes);
  record.Add("segments", stats.segment_count).Add("disk_bytes", stats.disk_bytes);
  record.Add("io", stats.uses_uring != 0 ? "io_uring" : "plain");
  if (context.out.json()) {
    context.out.Emit(record);
    return kExitOk;
  }
  for (const Field& field : record.fields()) {
    if (const auto* text = std::get_if<std::string>(&field.value)) {
      context.out.Line(fmt::format("{}={}", field.name, context.out.Name(*text)));
    } else {
      context.out.Line(fmt::format("{}={}", field.name, std::get<uint64_t>(field.value)));
    }
  }
  return kExitOk;
}

int Configure(Context& context, const std::string& ns, const std::vector<std::string>& settings) {
  Config config = JZSE_NAMESPACE_CONFIG_INIT;
  Error error;
  if (context.store()->GetNamespace(ns, &config, nullptr, &error.raw) != JZSE_OK) {
    return context.out.Fail(error.raw);
  }
  if (!settings.empty()) {
    if (const int code = ApplySettings(context, settings, &config); code != kExitOk) return code;
    if (context.store()->ConfigureNamespace(ns, config, &error.raw) != JZSE_OK) {
      return context.out.Fail(error.raw);
    }
    if (context.out.quiet()) return kExitOk;
  }
  ShowConfig(context, ns, config);
  return kExitOk;
}

}  // namespace

int ApplySettings(Context& context, const std::vector<std::string>& words, Config* config) {
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    const std::string_view key = std::string_view(word).substr(0, equals);
    const Setting* found = nullptr;
    std::string known;
    for (const Setting& setting : kSettings) {
      if (setting.key == key) found = &setting;
      known += (known.empty() ? "" : ", ") + std::string(setting.key);
    }
    if (equals == std::string::npos || found == nullptr) {
      return context.out.Fail(
          kExitUsage,
          fmt::format("'{}': not a setting; KEY=VALUE with KEY one of {}", word, known));
    }
    const std::string_view value = std::string_view(word).substr(equals + 1);
    if (!found->set(config, value)) {
      return context.out.Fail(kExitUsage,
                              fmt::format("{} '{}': must be {}", key, value, found->expected));
    }
  }
  return kExitOk;
}

int RunConfig(Context& context, const ConfigArgs& args) {
  std::string ns = kDefaultNamespace;
  std::vector<std::string> settings = args.words;
  const bool named = !settings.empty() && settings[0].find('=') == std::string::npos;
  if (named) {
    ns = settings[0];
    if (ns.size() > 1 && ns.back() == ':') ns.pop_back();
    settings.erase(settings.begin());
  }
  const auto access = settings.empty() ? Context::Access::kRead : Context::Access::kWrite;
  if (const int code = context.Open(access); code != kExitOk) return code;
  return args.words.empty() ? ShowStore(context) : Configure(context, ns, settings);
}

int RunNsSet(Context& context, const NamespaceArgs& args) {
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  return Configure(context, args.name, args.settings);
}

int RunNsCreate(Context& context, const NamespaceArgs& args) {
  Config config = JZSE_NAMESPACE_CONFIG_INIT;
  if (const int code = ApplySettings(context, args.settings, &config); code != kExitOk) return code;
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  Error error;
  if (context.store()->CreateNamespace(args.name, config, &error.raw) != JZSE_OK) {
    return context.out.Fail(error.raw);
  }
  if (context.out.json()) ShowConfig(context, args.name, config);
  return kExitOk;
}

int RunNsList(Context& context, const NoArgs&) {
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  std::vector<jzse_namespace_info> list;
  Error error;
  if (context.store()->ListNamespaces(&list, &error.raw) != JZSE_OK) {
    return context.out.Fail(error.raw);
  }
  for (const jzse_namespace_info& info : list) {
    if (context.out.json()) {
      Record record;
      record.Add("namespace", info.name)
          .Add("files", info.file_count)
          .Add("bytes", info.logical_bytes);
      record.Add("versions", info.version_count).Add("version_bytes", info.version_bytes);
      context.out.Emit(record.Add("tombstones", info.tombstone_count));
    } else {
      context.out.Line(fmt::format("{:<24}  {:>18}  {:>12}  {:>20}", info.name,
                                   CountText(info.file_count, "file"), SizeText(info.logical_bytes),
                                   CountText(info.version_count, "older version")));
    }
  }
  return kExitOk;
}

int RunNsDrop(Context& context, const NamespaceArgs& args) {
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  jzse_namespace_info info = JZSE_NAMESPACE_INFO_INIT;
  Error error;
  if (context.store()->GetNamespace(args.name, nullptr, &info, &error.raw) != JZSE_OK) {
    return context.out.Fail(error.raw);
  }
  if (!args.force && info.file_count + info.version_count != 0) {
    return context.out.Fail(
        kExitExists, fmt::format("namespace {}: holds {} and {}; --force drops them for good",
                                 args.name, CountText(info.file_count, "file"),
                                 CountText(info.version_count, "older version")));
  }
  const int code = context.store()->DropNamespace(args.name, &error.raw);
  if (code != JZSE_OK) return context.out.Fail(error.raw);
  if (context.out.json()) context.out.Emit(Record().Add("action", "ns drop").Add("namespace", args.name));
  return kExitOk;
}

}  // namespace jzse::cli
