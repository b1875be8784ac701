// SPDX-License-Identifier: Apache-2.0
#include "compare.h"

#include <algorithm>
#include <set>

namespace jzse::sim {

using base::Code;
using engine::Store;
using model::ContentKind;
using prop::CompareAttributes;
using prop::CompareInfo;
using prop::File;
using prop::Model;
using prop::Space;

namespace {

std::string Name(const std::string& ns, const std::string& path) { return ns + ":" + path; }

std::vector<const File*> LiveByPath(const Space& space) {
  std::vector<const File*> live;
  for (const auto& file : space.files)
    if (file->live()) live.push_back(file.get());
  std::sort(live.begin(), live.end(), [](const File* a, const File* b) { return a->now.path < b->now.path; });
  return live;
}

std::string CompareContent(Store& store, const std::string& ns, const prop::State& state) {
  std::string data;
  engine::Attributes attributes;
  const auto info = store.Get(ns, state.path, {}, &data, &attributes);
  if (!info.ok()) return "cannot be read: " + std::string(info.status().message());
  if (const std::string problem = CompareInfo(*info, state); !problem.empty()) return problem;
  if (data != *state.data) return "wrong bytes are served";
  if (const std::string problem = CompareAttributes(attributes, state); !problem.empty()) return problem;
  if (data.size() <= base::kInlineSizeMax && info->hash != base::Sha256(data)) return "its etag is not its hash";
  return "";
}

// Totals as the model has them.
std::string CompareTotals(const engine::NamespaceInfo& info, const Space& space) {
  uint64_t files = 0, bytes = 0, versions = 0, version_bytes = 0, directories = 0, gone = 0, gone_at_least = 0;
  for (const auto& file : space.files) {
    directories += file->now.kind == ContentKind::kDirectory ? 1 : 0;
    gone += file->live() ? 0 : 1;
    gone_at_least += file->live() || file->versions.empty() ? 0 : 1;  // compaction may have forgotten the others
    files += file->live() ? 1 : 0;
    bytes += file->live() ? file->now.logical_size() : 0;
    versions += file->versions.size();
    for (const auto& [sequence, state] : file->versions) version_bytes += state.logical_size();
  }
  if (!(info.policy == space.policy)) return "has another policy";
  if (info.file_count != files || info.logical_bytes != bytes)
    return "counts " + std::to_string(info.file_count) + " files with " + std::to_string(info.logical_bytes) +
           " bytes, should be " + std::to_string(files) + " with " + std::to_string(bytes);
  if (info.version_count != versions || info.version_bytes != version_bytes)
    return "counts " + std::to_string(info.version_count) + " versions with " + std::to_string(info.version_bytes) +
           " bytes, should be " + std::to_string(versions) + " with " + std::to_string(version_bytes);
  if (info.directory_count != directories) return "counts " + std::to_string(info.directory_count) + " directories";
  if (info.tombstone_count > gone || info.tombstone_count < gone_at_least)
    return "counts " + std::to_string(info.tombstone_count) + " deleted files, should be at most " + std::to_string(gone);
  return "";
}

// The store's totals are the sums of its namespaces'.
std::string CompareSums(const engine::Stats& stats, const std::vector<engine::NamespaceInfo>& namespaces) {
  engine::NamespaceInfo sum;
  for (const engine::NamespaceInfo& info : namespaces) {
    sum.file_count += info.file_count;
    sum.logical_bytes += info.logical_bytes;
    sum.version_count += info.version_count;
    sum.version_bytes += info.version_bytes;
    sum.tombstone_count += info.tombstone_count;
  }
  const bool same = stats.namespace_count == namespaces.size() && stats.file_count == sum.file_count &&
                    stats.logical_bytes == sum.logical_bytes && stats.version_count == sum.version_count &&
                    stats.version_bytes == sum.version_bytes && stats.tombstone_count == sum.tombstone_count;
  return same ? "" : "the statistics are not the sums of the namespaces";
}

std::string CompareDirectory(Store& store, const std::string& ns, const prop::State& state) {
  engine::Attributes attributes;
  const auto info = store.Get(ns, state.path, {}, nullptr, &attributes);
  if (!info.ok()) return "cannot be read: " + std::string(info.status().message());
  const std::string problem = CompareInfo(*info, state);
  return problem.empty() ? CompareAttributes(attributes, state) : problem;
}

std::string CompareList(Store& store, const std::string& ns, const Space& space) {
  const auto list = store.List(ns, {});
  if (!list.ok()) return ns + ": cannot be listed: " + std::string(list.status().message());
  for (const File* const file : LiveByPath(space)) {
    const auto entry = (*list)->Next();
    if (!entry.ok()) return Name(ns, file->now.path) + ": listing fails: " + std::string(entry.status().message());
    if (*entry == nullptr) return Name(ns, file->now.path) + ": is missing in the listing";
    if ((*entry)->path != file->now.path)
      return Name(ns, file->now.path) + ": should be listed, where " + (*entry)->path + " is";
    std::string problem = CompareInfo((*entry)->info, file->now);
    if (problem.empty() && file->now.has_content()) problem = CompareContent(store, ns, file->now);
    if (problem.empty() && !file->now.has_content()) problem = CompareDirectory(store, ns, file->now);
    if (!problem.empty()) return Name(ns, file->now.path) + ": " + problem;
  }
  const auto rest = (*list)->Next();
  if (!rest.ok()) return ns + ": listing fails at the end: " + std::string(rest.status().message());
  return *rest == nullptr ? "" : Name(ns, (*rest)->path) + ": should not be listed";
}

std::string CompareSpace(Store& store, const std::string& ns, const Space& space, const CompareOptions& options) {
  std::string problem = CompareList(store, ns, space);
  if (!problem.empty() || !options.versions) return problem;
  std::set<std::string> paths;
  for (const auto& file : space.files) paths.insert(file->now.path);
  for (const std::string& path : paths)
    if (problem = prop::CompareVersions(store, ns, space, path); !problem.empty()) return problem;
  return "";
}

}  // namespace

std::string Compare(Store& store, const Model& model, const CompareOptions& options) {
  const auto stats = store.GetStats();
  if (!stats.ok()) return "no statistics: " + std::string(stats.status().message());
  if (stats->corrupt_records != 0 && !options.damage_told) return "damage is reported where there is none";
  if (stats->sequence != model.last)
    return "the sequence is " + std::to_string(stats->sequence) + ", should be " + std::to_string(model.last);
  const auto namespaces = store.ListNamespaces();
  if (!namespaces.ok()) return "namespaces: " + std::string(namespaces.status().message());
  if (namespaces->size() != model.spaces.size())
    return "has " + std::to_string(namespaces->size()) + " namespaces, should have " +
           std::to_string(model.spaces.size());
  if (const std::string problem = CompareSums(*stats, *namespaces); !problem.empty()) return problem;
  for (const engine::NamespaceInfo& info : *namespaces) {
    const auto space = model.spaces.find(info.name);
    if (space == model.spaces.end()) return "namespace " + info.name + " should not be there";
    std::string problem = CompareTotals(info, space->second);
    if (!problem.empty()) return "namespace " + info.name + " " + problem;
    problem = CompareSpace(store, info.name, space->second, options);
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string CompareRead(Store& store, const Model& model, const std::string& ns, const std::string& path) {
  const auto space = model.spaces.find(ns);
  const File* const live = space == model.spaces.end() ? nullptr : space->second.Live(path);
  if (live != nullptr && live->now.has_content()) {
    const std::string problem = CompareContent(store, ns, live->now);
    return problem.empty() ? "" : Name(ns, path) + ": " + problem;
  }
  const auto info = store.Stat(ns, path, {});
  if (live != nullptr) {
    const std::string problem = info.ok() ? CompareInfo(*info, live->now) : std::string(info.status().message());
    return problem.empty() ? "" : Name(ns, path) + ": " + problem;
  }
  std::string data;
  if (store.Get(ns, path, {}, &data, nullptr).ok()) return Name(ns, path) + ": is read, and should not be there";
  if (space != model.spaces.end() && space->second.HasBelow(path)) {
    const bool implied = info.ok() && info->kind == ContentKind::kDirectory && info->sequence == 0;
    return implied ? "" : Name(ns, path) + ": is no implied directory";
  }
  return base::Is(info.status(), Code::kNotFound) ? "" : Name(ns, path) + ": should not be found";
}

std::string CompareRange(Store& store, const Model& model, const std::string& ns, const std::string& path,
                         base::Prng& prng) {
  const auto space = model.spaces.find(ns);
  const File* const live = space == model.spaces.end() ? nullptr : space->second.Live(path);
  if (live == nullptr || !live->now.has_content()) return CompareRead(store, model, ns, path);
  const auto reader = store.OpenReader(ns, path, {});
  if (!reader.ok()) return Name(ns, path) + ": cannot be opened: " + std::string(reader.status().message());
  const std::string& want = *live->now.data;
  for (int i = 0; i < 2; ++i) {
    const uint64_t offset = prng.Below(want.size() + 2);
    const size_t asked = 1 + prng.Below(prng.OneIn(4) ? want.size() + 1 : 300);
    std::string part(asked, '\0');
    const bool at_once = prng.OneIn(2);
    const auto count = at_once ? store.ReadRange(ns, path, {}, offset, part.data(), part.size())
                               : (*reader)->ReadAt(offset, part.data(), part.size());
    if (!count.ok()) return Name(ns, path) + ": a part cannot be read: " + std::string(count.status().message());
    part.resize(*count);
    if (part != want.substr(std::min<uint64_t>(offset, want.size()), asked))
      return Name(ns, path) + ": a part has wrong bytes";
    const auto span = (*reader)->Span(offset, engine::Reader::Waits::kAll);
    if (!span.ok()) return Name(ns, path) + ": a span cannot be read: " + std::string(span.status().message());
    if (span->empty() != (offset >= want.size()) || (!span->empty() && *span != base::Bytes(want).substr(offset, span->size())))
      return Name(ns, path) + ": a span has wrong bytes";
  }
  return "";
}

}  // namespace jzse::sim
