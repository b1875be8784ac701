// SPDX-License-Identifier: Apache-2.0
#include "store_world.h"

#include <memory>

namespace jzse::crash {

using engine::PutOptions;
using engine::Transaction;

engine::Options QuietOptions() {
  engine::Options options;
  options.create = true;
  options.background = false;
  options.memory_limit = base::kMemoryLimitMin;
  options.free_space_reserve = UINT64_MAX;
  return options;
}

StatusOr<std::unique_ptr<Store>> OpenOn(io::Env& env, std::vector<std::string>* log) {
  engine::Options options = QuietOptions();
  if (log != nullptr) {
    options.log = [log](int level, std::string_view line) {
      log->push_back(std::to_string(level) + " " + std::string(line));
    };
  }
  return Store::Open(env, kStore, options);
}

std::string Noise(uint64_t seed, size_t size) { return base::Prng(seed * 7919 + 1).Bytes(size); }

std::string Prose(uint64_t seed, size_t size) {
  static constexpr std::string_view kWords[] = {"store ", "region ", "version ", "change ", "chunk ", "journal "};
  base::Prng prng(seed);
  std::string text;
  while (text.size() < size) text += kWords[prng.Below(std::size(kWords))];
  text.resize(size);
  return text;
}

Status Put(Store& store, std::string_view ns, std::string_view path, Bytes data, const PutOptions& options) {
  Transaction t;
  JZSE_RETURN_IF_ERROR(store.AddPut(t, ns, path, data, false, options));
  return store.Commit(std::move(t)).status();
}

Status Delete(Store& store, std::string_view ns, std::string_view path, bool recursive) {
  Transaction t;
  engine::ChangeOptions options;
  options.recursive = recursive;
  JZSE_RETURN_IF_ERROR(store.AddDelete(t, ns, path, options));
  return store.Commit(std::move(t)).status();
}

Status Move(Store& store, std::string_view ns, std::string_view from, std::string_view to) {
  Transaction t;
  JZSE_RETURN_IF_ERROR(store.AddMove(t, ns, from, to, {}));
  return store.Commit(std::move(t)).status();
}

StatusOr<std::string> Get(Store& store, std::string_view ns, std::string_view path) {
  std::string data;
  JZSE_RETURN_IF_ERROR(store.Get(ns, path, {}, &data, nullptr).status());
  return data;
}

// ------------------------------------------------------------------------------------------------ dump

std::string Digest(Bytes bytes) { return std::to_string(bytes.size()) + ":" + std::to_string(base::Xxh64(bytes, 1)); }

namespace {

// One state of one file, with its bytes.
StatusOr<std::string> StateOf(Store& store, const std::string& ns, const std::string& path,
                              const engine::FileInfo& info, base::Sequence version) {
  std::string line = "seq " + std::to_string(info.sequence) + " kind " +
                     std::to_string(static_cast<int>(info.kind)) + " mode " + std::to_string(info.mode);
  engine::GetOptions options;
  options.version = version;
  engine::Attributes attributes;
  if (info.kind == model::ContentKind::kDirectory) {
    JZSE_RETURN_IF_ERROR(store.Get(ns, path, options, nullptr, &attributes).status());
  } else {
    std::string data;
    JZSE_ASSIGN_OR_RETURN(const auto got, store.Get(ns, path, options, &data, &attributes));
    if (got.sequence != info.sequence || data.size() != info.size)
      return base::Fail(Code::kCorrupt, path + ": what is read is not what is listed");
    if (data.size() <= base::kInlineSizeMax && base::Sha256(data) != info.hash)
      return base::Fail(Code::kCorrupt, path + ": wrong bytes were served");
    line += " data " + Digest(data);
  }
  line += " type " + attributes.content_type;
  for (const auto& [key, value] : attributes.metadata) line += " " + key + "=" + value;
  return line;
}

Status DumpFile(Store& store, const std::string& ns, const engine::ListEntry& entry, Dump* dump) {
  JZSE_ASSIGN_OR_RETURN(const std::string state, StateOf(store, ns, entry.path, entry.info, 0));
  (*dump)[ns + ":" + entry.path] = state;
  JZSE_ASSIGN_OR_RETURN(const auto versions, store.ListVersions(ns, entry.path));
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const version, versions->Next());
    if (version == nullptr) return {};
    if (version->info.kind == model::ContentKind::kDeleted || version->info.sequence == entry.info.sequence) continue;
    JZSE_ASSIGN_OR_RETURN(const std::string old,
                          StateOf(store, ns, entry.path, version->info, version->info.sequence));
    (*dump)[ns + ":" + entry.path + "@" + std::to_string(version->info.sequence)] = version->path + " " + old;
  }
}

}  // namespace

StatusOr<Dump> DumpOf(Store& store) {
  Dump dump;
  JZSE_ASSIGN_OR_RETURN(const auto namespaces, store.ListNamespaces());
  for (const auto& ns : namespaces) {
    std::string line;
    base::Encoder encoder(&line);
    model::Encode(ns.policy, encoder);
    dump["#" + ns.name] = base::HexEncode(line) + " files " + std::to_string(ns.file_count) + " bytes " +
                          std::to_string(ns.logical_bytes) + " versions " + std::to_string(ns.version_count) + "/" +
                          std::to_string(ns.version_bytes);
    JZSE_ASSIGN_OR_RETURN(const auto list, store.List(ns.name, {}));
    for (;;) {
      JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const entry, list->Next());
      if (entry == nullptr) break;
      JZSE_RETURN_IF_ERROR(DumpFile(store, ns.name, *entry, &dump));
    }
  }
  return dump;
}

std::string Difference(const Dump& want, const Dump& have) {
  for (const auto& [key, value] : want) {
    const auto it = have.find(key);
    if (it == have.end()) return key + ": missing, should be " + value;
    if (it->second != value) return key + ": is " + it->second + ", should be " + value;
  }
  for (const auto& [key, value] : have)
    if (want.count(key) == 0) return key + ": should not be there: " + value;
  return "";
}

std::string VerifyProblems(Store& store) {
  std::string problems;
  engine::VerifyOptions options;
  options.problem = [&](std::string_view ns, std::string_view path, base::Sequence version, std::string_view problem) {
    problems += std::string(ns) + ":" + std::string(path) + "@" + std::to_string(version) + " " +
                std::string(problem) + "\n";
  };
  const auto report = store.Verify(options);
  if (!report.ok()) return "verify: " + std::string(report.status().message()) + "\n" + problems;
  if (report->problems != 0 && problems.empty()) return "verify found problems and named none\n";
  return problems;
}

void RemoveIndex(io::SimEnv& env) {
  const std::string index = std::string(kStore) + "/index";
  for (const std::string& path : env.Paths())
    if (path.compare(0, index.size() + 1, index + "/") == 0) (void)env.Remove(path);
  (void)env.RemoveDir(index);
  (void)env.SyncDir(kStore);
}

std::vector<std::string> SegmentPaths(const io::SimEnv& env) {
  std::vector<std::string> paths;
  for (const std::string& path : env.Paths())
    if (path.size() > 4 && path.compare(path.size() - 4, 4, ".seg") == 0) paths.push_back(path);
  return paths;
}

std::map<std::string, store::CensusEntry> CensusOf(const io::SimEnv& env) {
  std::map<std::string, store::CensusEntry> listed;
  const auto text = env.Content(std::string(kStore) + "/JZSE"), census = env.Content(kCensusPath);
  if (!text.ok() || !census.ok()) return listed;
  const auto identity = store::DecodeIdentity(*text);
  if (!identity.ok()) return listed;
  const auto entries = store::DecodeCensus(*census, identity->store);
  if (entries.ok())
    for (const store::CensusEntry& entry : *entries)
      listed[std::string(kStore) + "/segments/" + store::SegmentFileName(entry.id)] = entry;
  return listed;
}

}  // namespace jzse::crash
