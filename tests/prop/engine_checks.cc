// SPDX-License-Identifier: Apache-2.0
#include "engine_checks.h"

#include <map>
#include <set>

namespace jzse::prop {

using engine::Store;

namespace {

std::string CompareVersion(Store& store, const std::string& ns, const std::string& path, const State& state) {
  engine::GetOptions options;
  options.version = state.sequence;
  std::string data;
  const auto info = store.Get(ns, path, options, &data, nullptr);
  if (!info.ok()) return ns + ":" + path + ": a version: " + std::string(info.status().message());
  return data == *state.data ? "" : ns + ":" + path + ": a version has other bytes";
}

}  // namespace

namespace {

std::string Numbers(const std::set<Sequence>& numbers) {
  std::string text;
  for (const Sequence number : numbers) text += " " + std::to_string(number);
  return text;
}

}  // namespace

std::string CompareVersions(Store& store, const std::string& ns, const Space& space, const std::string& path) {
  std::set<Sequence> want, have;
  for (const File* const file : space.At(path)) {
    for (const auto& [sequence, state] : file->versions) want.insert(sequence);
    if (file->live()) want.insert(file->now.sequence);
  }
  const auto list = store.ListVersions(ns, path);
  if (!list.ok()) return want.empty() ? "" : ns + ":" + path + ": versions: " + std::string(list.status().message());
  for (;;) {
    const auto entry = (*list)->Next();
    if (!entry.ok()) return std::string(entry.status().message());
    if (*entry == nullptr) break;
    if ((*entry)->info.kind != ContentKind::kDeleted) have.insert((*entry)->info.sequence);
  }
  if (want != have) return ns + ":" + path + ": has versions" + Numbers(have) + ", should be" + Numbers(want);
  for (const File* const file : space.At(path))
    for (const auto& [sequence, state] : file->versions)
      if (const std::string problem = CompareVersion(store, ns, path, state); !problem.empty()) return problem;
  return "";
}

std::string CheckSnapshot(Store& store, const Held& held, const std::string& ns, const Space& space) {
  std::map<std::string, const File*> want;
  for (const auto& file : space.files)
    if (file->live()) want[file->now.path] = file.get();
  engine::ListOptions options;
  options.snapshot = held.snapshot.get();
  const auto list = store.List(ns, options);
  if (!list.ok()) return std::string(list.status().message());
  for (const auto& [path, file] : want) {
    const auto entry = (*list)->Next();
    if (!entry.ok()) return std::string(entry.status().message());
    if (*entry == nullptr || (*entry)->path != path || (*entry)->info.sequence != file->now.sequence)
      return ns + ":" + path + ": is missing or another";
    if (!file->now.has_content()) continue;
    engine::GetOptions get;
    get.snapshot = held.snapshot.get();
    std::string data;
    const auto info = store.Get(ns, path, get, &data, nullptr);
    if (!info.ok()) return ns + ":" + path + ": " + std::string(info.status().message());
    if (data != *file->now.data) return ns + ":" + path + ": other bytes";
  }
  const auto rest = (*list)->Next();
  return rest.ok() && *rest == nullptr ? "" : ns + ": lists more than there was";
}

namespace {

// One who sees no file ids does what the events say to a set of paths.
void Follow(const engine::ChangeEvent& event, std::set<std::string>* paths) {
  if (event.type == engine::ChangeType::kMove) paths->erase(event.old_path);
  if (event.type == engine::ChangeType::kDelete) {
    paths->erase(event.path);
  } else {
    paths->insert(event.path);
  }
}

}  // namespace

std::string CheckFeed(Store& store, const Model& model, Sequence after) {
  engine::FeedOptions options;
  options.after = after;
  const auto feed = store.OpenFeed(options);
  if (!feed.ok()) return "feed: " + std::string(feed.status().message());
  std::map<std::string, std::map<base::FileId, engine::ChangeEvent>> newest;
  std::map<std::string, std::set<std::string>> paths;
  Sequence before = after;
  for (;;) {
    const auto event = (*feed)->Next(0);
    if (!event.ok()) return "feed: " + std::string(event.status().message());
    if (*event == nullptr) break;
    if ((*event)->sequence <= before) return "feed: goes back";
    before = (*event)->sequence;
    newest[(*event)->ns][(*event)->info.id] = **event;
    Follow(**event, &paths[(*event)->ns]);
  }
  for (const auto& [name, space] : model.spaces) {
    std::map<std::string, Sequence> want, have;
    for (const auto& file : space.files)
      if (file->live() && file->now.sequence > after) want[file->now.path] = file->now.sequence;
    for (const auto& [id, event] : newest[name])
      if (event.type != engine::ChangeType::kDelete) have[event.path] = event.sequence;
    if (after == 0)
      for (const std::string& path : paths[name])
        if (want.count(path) == 0) return "feed from the beginning: leaves " + name + ":" + path + " behind";
    if (want == have) continue;
    for (const auto& [path, sequence] : want)
      if (have[path] != sequence) return "feed after " + std::to_string(after) + ": misses " + name + ":" + path;
    for (const auto& [path, sequence] : have)
      if (want.count(path) == 0) return "feed after " + std::to_string(after) + ": still has " + name + ":" + path;
  }
  return "";
}

}  // namespace jzse::prop
