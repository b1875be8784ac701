// SPDX-License-Identifier: Apache-2.0
// The half of engine_checks.h that looks at the change feed.
#include <set>

#include "engine_checks.h"

namespace jzse::prop {

using engine::ChangeEvent;
using engine::ChangeType;
using engine::Store;

namespace {

base::StatusOr<std::vector<ChangeEvent>> EventsOf(Store& store, const engine::FeedOptions& options) {
  JZSE_ASSIGN_OR_RETURN(const auto feed, store.OpenFeed(options));
  std::vector<ChangeEvent> events;
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const ChangeEvent* const event, feed->Next(0));
    if (event == nullptr) return events;
    events.push_back(*event);
  }
}

// One who sees no file ids does what the events say to a set of paths.
void Apply(const ChangeEvent& event, std::set<std::string>* paths) {
  if (event.type == ChangeType::kMove) paths->erase(event.old_path);
  if (event.type == ChangeType::kDelete) {
    paths->erase(event.path);
  } else {
    paths->insert(event.path);
  }
}

std::string Of(const ChangeEvent& event) {
  return "feed: change " + std::to_string(event.sequence) + " of " + event.ns + ":" + event.path;
}

// The states that the model still knows, by their sequences.
std::map<Sequence, const State*> StatesOf(const Model& model, Sequence after) {
  std::map<Sequence, const State*> states;
  for (const auto& [name, space] : model.spaces)
    for (const auto& file : space.files) {
      if (file->now.sequence > after) states[file->now.sequence] = &file->now;
      for (auto at = file->versions.upper_bound(after); at != file->versions.end(); ++at) states[at->first] = &at->second;
    }
  return states;
}

// What an event says of itself; `next`: the sequence of the event behind it, 0 if there is none.
std::string CheckEvent(const std::map<Sequence, const State*>& states, const ChangeEvent& event, Sequence next) {
  if ((event.type == ChangeType::kMove) == event.old_path.empty()) return Of(event) + " comes from the wrong place";
  if ((event.type == ChangeType::kDelete) != (event.info.kind == ContentKind::kDeleted))
    return Of(event) + " does not agree with its state";
  const auto at = states.find(event.sequence);
  if (at == states.end()) return "";
  const State& state = *at->second;
  if (event.path != state.path) return Of(event) + " should be of " + state.path;
  if (const std::string problem = CompareInfo(event.info, state); !problem.empty()) return Of(event) + " " + problem;
  const bool more = next != 0 && next <= state.group_last;
  return event.more == more ? "" : Of(event) + (more ? " hides that its group goes on" : " says that its group goes on");
}

}  // namespace

std::string CheckFeed(Store& store, const Model& model, Sequence after) {
  engine::FeedOptions options;
  options.after = after;
  const auto events = EventsOf(store, options);
  if (!events.ok()) return "feed: " + std::string(events.status().message());
  const auto states = StatesOf(model, after);
  std::map<std::string, std::map<base::FileId, const ChangeEvent*>> newest;
  std::map<std::string, std::set<std::string>> paths;
  Sequence before = after;
  for (size_t i = 0; i < events->size(); ++i) {
    const ChangeEvent& event = (*events)[i];
    if (event.sequence <= before) return "feed: goes back";
    before = event.sequence;
    newest[event.ns][event.info.id] = &event;
    Apply(event, &paths[event.ns]);
    const Sequence next = i + 1 < events->size() ? (*events)[i + 1].sequence : 0;
    if (const std::string problem = CheckEvent(states, event, next); !problem.empty()) return problem;
  }
  for (const auto& [name, space] : model.spaces) {
    std::map<std::string, Sequence> want, have;
    for (const auto& file : space.files)
      if (file->live() && file->now.sequence > after) want[file->now.path] = file->now.sequence;
    for (const auto& [id, event] : newest[name])
      if (event->type != ChangeType::kDelete) have[event->path] = event->sequence;
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

std::string CheckFilteredFeed(Store& store, const Model& model, const engine::FeedOptions& options) {
  engine::FeedOptions all;
  all.after = options.after;
  const auto events = EventsOf(store, all), filtered = EventsOf(store, options);
  if (!events.ok() || !filtered.ok()) return "feed: " + std::string((events.ok() ? filtered : events).status().message());
  const auto begins = [&](const std::string& path) {
    return !path.empty() && path.compare(0, options.prefix.size(), options.prefix) == 0;
  };
  const auto states = StatesOf(model, options.after);
  auto at = filtered->begin();
  for (const ChangeEvent& event : *events) {
    if (!options.ns.empty() && event.ns != options.ns) continue;
    if (!begins(event.path) && !begins(event.old_path)) continue;
    if (at == filtered->end() || at->sequence != event.sequence)
      return Of(event) + " is missing under namespace '" + options.ns + "' and prefix '" + options.prefix + "'";
    if (at->ns != event.ns || at->path != event.path || at->old_path != event.old_path || at->type != event.type)
      return Of(event) + " is another one under a filter";
    const ChangeEvent& told = *at++;
    const Sequence next = at == filtered->end() ? 0 : at->sequence;
    if (const std::string problem = CheckEvent(states, told, next); !problem.empty()) return "filtered " + problem;
  }
  return at == filtered->end() ? "" : Of(*at) + " should not pass the filter";
}

// ------------------------------------------------------------------------------------------------ the follower

std::string Follower::Take(const ChangeEvent& event) {
  auto& files = copies_[event.ns].files;
  if (event.type == ChangeType::kMove) {
    const auto from = files.find(event.old_path);
    const bool known = from != files.end() && from->second.id == event.info.id;
    if (!known && !compacted_) return Of(event) + " moves what was not at " + event.old_path;
    if (from != files.end()) files.erase(from);
  }
  if (event.type == ChangeType::kDelete) {
    if (files.erase(event.path) == 0 && !compacted_) return Of(event) + " deletes what was not there";
  } else {
    files[event.path] = {event.sequence, event.info.id};
  }
  after_ = event.sequence;
  return "";
}

std::string Follower::Follow(Store& store, const Model& model) {
  for (auto copy = copies_.begin(); copy != copies_.end();)
    copy = model.spaces.count(copy->first) == 0 ? copies_.erase(copy) : std::next(copy);
  for (const auto& [name, space] : model.spaces)
    if (Copy& copy = copies_[name]; copy.incarnation != space.incarnation) copy = {space.incarnation, {}};
  engine::FeedOptions options;
  options.after = after_;
  const auto events = EventsOf(store, options);
  if (!events.ok()) return "follower: " + std::string(events.status().message());
  for (const ChangeEvent& event : *events)
    if (const std::string problem = Take(event); !problem.empty()) return "follower: " + problem;
  for (const auto& [name, space] : model.spaces) {
    auto& files = copies_[name].files;
    std::set<std::string> live;
    for (const auto& file : space.files) {
      if (!file->live()) continue;
      live.insert(file->now.path);
      const auto at = files.find(file->now.path);
      if (at == files.end() || at->second.sequence != file->now.sequence)
        return "follower: lacks the newest of " + name + ":" + file->now.path;
    }
    if (files.size() != live.size() && !compacted_) return "follower: has what is gone of " + name;
    for (auto at = files.begin(); at != files.end();) at = live.count(at->first) == 0 ? files.erase(at) : std::next(at);
  }
  compacted_ = false;
  return "";
}

}  // namespace jzse::prop
