// SPDX-License-Identifier: Apache-2.0
#include "engine_checks.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace jzse::prop {

using base::Bytes;
using engine::Store;

namespace {

std::string Name(const std::string& ns, const std::string& path) { return ns + ":" + path; }
std::string Words(const base::Status& status) { return std::string(status.message()); }

// The etag of a small content is its hash; equal large ones have equal etags, wherever and whenever they were put.
std::string CompareEtag(const std::string& data, const base::Hash256& hash) {
  if (data.size() <= base::kInlineSizeMax) return hash == base::Sha256(data) ? "" : "its etag is not its hash";
  static std::unordered_map<uint64_t, base::Hash256> known;
  if (known.size() > 10'000) known.clear();
  const auto [at, added] = known.emplace(base::Xxh64(data, data.size()), hash);
  return at->second == hash ? "" : "has another etag than the same content had before";
}

}  // namespace

// ------------------------------------------------------------------------------------------------ one state

std::string CompareInfo(const engine::FileInfo& info, const State& state) {
  if (info.sequence != state.sequence)
    return "has sequence " + std::to_string(info.sequence) + ", should have " + std::to_string(state.sequence);
  if (info.kind != state.kind) return "is of another kind";
  if (info.mode != state.mode) return "has another mode";
  const uint64_t size = state.has_content() ? state.data->size() : 0;
  if (info.size != size) return "has " + std::to_string(info.size) + " bytes, should have " + std::to_string(size);
  if (info.hash.empty() == state.has_content()) return "has an etag, or none, wrongly";
  const int64_t mtime = state.mtime_ns != 0 ? state.mtime_ns : static_cast<int64_t>(info.changed_ms) * 1'000'000;
  if (info.mtime_ns != mtime)
    return "has mtime " + std::to_string(info.mtime_ns) + ", should have " + std::to_string(mtime);
  return info.id.empty() ? "has no id" : "";
}

std::string CompareAttributes(const engine::Attributes& attributes, const State& state) {
  if (attributes.content_type != state.type) return "has another content type";
  if (attributes.mode != state.mode || attributes.mtime_ns != state.mtime_ns) return "has another mode or mtime";
  return attributes.metadata == state.metadata ? "" : "has other metadata";
}

std::string CheckAnswer(const Model& model, const Op& op, const engine::FileInfo& info) {
  if (op.kind == Op::Kind::kDelete || op.kind == Op::Kind::kDeleteVersion) return "";
  const auto space = model.spaces.find(op.to.empty() ? op.ns : op.to_ns);
  const std::string& path = op.to.empty() ? op.path : op.to;
  const File* const live = space == model.spaces.end() ? nullptr : space->second.Live(path);
  if (live == nullptr) return op.kind == Op::Kind::kMove ? "" : path + ": is not there after its change";
  std::string problem = CompareInfo(info, live->now);
  if (problem.empty() && live->now.has_content()) problem = CompareEtag(*live->now.data, info.hash);
  return problem.empty() ? "" : "the answer says that " + path + " " + problem;
}

// ------------------------------------------------------------------------------------------------ listings

namespace {

struct Expected {
  std::string path;
  const File* file = nullptr;  // null: a group
  bool certain = true;         // the deletion of a file without versions may be forgotten
};

std::vector<Expected> ExpectList(const Space& space, const engine::ListOptions& options) {
  std::map<std::string, const File*> owners;
  for (const auto& file : space.files) {
    const File*& owner = owners[file->now.path];
    if (owner != nullptr && owner->live()) continue;
    if (owner == nullptr || file->live() || file->now.sequence > owner->now.sequence) owner = file.get();
  }
  std::vector<Expected> list;
  for (const auto& [path, file] : owners) {
    if (!file->live() && !options.with_deleted) continue;
    if (path.compare(0, options.prefix.size(), options.prefix) != 0 || path <= options.start_after) continue;
    const bool certain = file->live() || !file->versions.empty();
    const size_t cut = options.delimiter.empty() ? std::string::npos : path.find(options.delimiter, options.prefix.size());
    if (cut == std::string::npos) {
      list.push_back({path, file, certain});
      continue;
    }
    const std::string group = path.substr(0, cut + 1);
    if (group == options.start_after) continue;  // told by the page before
    if (list.empty() || list.back().file != nullptr || list.back().path != group) list.push_back({group, nullptr, false});
    list.back().certain |= certain;
  }
  return list;
}

std::string ToString(const std::string& ns, const engine::ListOptions& options) {
  return "list " + ns + " prefix '" + options.prefix + "' delimiter '" + options.delimiter + "' after '" +
         options.start_after + "' limit " + std::to_string(options.limit) + (options.with_deleted ? " with deleted" : "") + ": ";
}

std::string CompareEntry(const engine::ListEntry& entry, const Expected& want) {
  if (want.file == nullptr) return entry.info.is_prefix ? "" : "should be a group";
  if (entry.info.is_prefix) return "is given as a group";
  return CompareInfo(entry.info, want.file->now);
}

// `given`: the path of the last entry, "" if there was none.
std::string CheckEntries(engine::Lister& list, const Space& space, const engine::ListOptions& options,
                         std::string* given) {
  const std::vector<Expected> want = ExpectList(space, options);
  given->clear();
  uint64_t count = 0;
  for (auto at = want.begin();; ++at) {
    const auto entry = list.Next();
    if (!entry.ok()) return Words(entry.status());
    const bool end = *entry == nullptr;
    const bool full = options.limit != 0 && count == options.limit;
    if (end && full) return "";
    while (at != want.end() && !at->certain && (end || at->path != (*entry)->path)) ++at;
    if (end) return at == want.end() ? "" : at->path + " is missing";
    if (full) return "has more than its limit";
    if (at == want.end()) return (*entry)->path + " should not be listed";
    if ((*entry)->path != at->path) return at->path + " should be listed, where " + (*entry)->path + " is";
    if (const std::string problem = CompareEntry(**entry, *at); !problem.empty()) return at->path + " " + problem;
    *given = (*entry)->path;
    ++count;
  }
}

}  // namespace

std::string CheckPage(Store& store, const std::string& ns, const Space& space, const engine::ListOptions& options) {
  const auto list = store.List(ns, options);
  if (!list.ok()) return ToString(ns, options) + Words(list.status());
  std::string last;
  const std::string problem = CheckEntries(**list, space, options, &last);
  return problem.empty() ? "" : ToString(ns, options) + problem;
}

std::string CheckPages(Store& store, const std::string& ns, const Space& space, engine::ListOptions options) {
  options.limit = std::max<uint64_t>(options.limit, 1);
  for (std::string last;; options.start_after = last) {
    const auto list = store.List(ns, options);
    if (!list.ok()) return ToString(ns, options) + Words(list.status());
    const std::string problem = CheckEntries(**list, space, options, &last);
    if (!problem.empty()) return ToString(ns, options) + problem;
    if (last.empty()) return "";
  }
}

// ------------------------------------------------------------------------------------------------ versions

namespace {

std::string CompareVersion(Store& store, const std::string& ns, const std::string& path, const State& state,
                           const engine::Snapshot* snapshot) {
  engine::GetOptions options;
  options.snapshot = snapshot;
  options.version = state.sequence;
  std::string data;
  engine::Attributes attributes;
  const auto info = store.Get(ns, path, options, &data, &attributes);
  if (!info.ok()) return Words(info.status());
  if (data != *state.data) return "has other bytes";
  std::string problem = CompareInfo(*info, state);
  if (problem.empty()) problem = CompareAttributes(attributes, state);
  return problem.empty() ? CompareEtag(data, info->hash) : problem;
}

std::string ListOfVersions(engine::Lister& list, const std::map<Sequence, const State*>& want,
                           const std::map<Sequence, bool>& gone) {
  std::set<Sequence> have;
  for (;;) {
    const auto entry = list.Next();
    if (!entry.ok()) return Words(entry.status());
    if (*entry == nullptr) break;
    const Sequence sequence = (*entry)->info.sequence;
    if (!have.empty() && sequence >= *have.begin()) return "are not listed from new to old";
    have.insert(sequence);
    if (gone.count(sequence) != 0 && (*entry)->info.kind == ContentKind::kDeleted) continue;
    const auto at = want.find(sequence);
    if (at == want.end()) return "have " + std::to_string(sequence) + ", which should not be there";
    if ((*entry)->path != at->second->path) return "have " + std::to_string(sequence) + " at another path";
    const std::string problem = CompareInfo((*entry)->info, *at->second);
    if (!problem.empty()) return "have " + std::to_string(sequence) + ", which " + problem;
  }
  for (const auto& [sequence, state] : want)
    if (have.count(sequence) == 0) return "lack " + std::to_string(sequence);
  for (const auto& [sequence, certain] : gone)
    if (certain && have.count(sequence) == 0) return "lack the deletion " + std::to_string(sequence);
  return "";
}

}  // namespace

std::string CompareVersions(Store& store, const std::string& ns, const Space& space, const std::string& path,
                            const engine::Snapshot* snapshot) {
  std::map<Sequence, const State*> want;
  std::map<Sequence, bool> gone;
  for (const File* const file : space.At(path)) {
    for (const auto& [sequence, state] : file->versions) want[sequence] = &state;
    if (file->live()) want[file->now.sequence] = &file->now;
    else gone[file->now.sequence] = !file->versions.empty();
  }
  const std::string of = Name(ns, path) + (snapshot == nullptr ? "" : " in a snapshot") + ": versions ";
  const auto list = store.ListVersions(ns, path, snapshot);
  if (!list.ok()) return want.empty() && base::Is(list.status(), Code::kNotFound) ? "" : of + Words(list.status());
  std::string problem = ListOfVersions(**list, want, gone);
  for (const auto& [sequence, state] : want)
    if (problem.empty() && state->has_content()) {
      problem = CompareVersion(store, ns, path, *state, snapshot);
      if (!problem.empty()) problem = std::to_string(sequence) + ": " + problem;
    }
  return problem.empty() ? "" : of + problem;
}

// ------------------------------------------------------------------------------------------------ moments held

base::StatusOr<Held> Hold(Store& store, const Model& model, base::Prng& prng) {
  Held held;
  held.model = model;
  JZSE_ASSIGN_OR_RETURN(held.snapshot, store.OpenSnapshot());
  JZSE_ASSIGN_OR_RETURN(held.listing, store.List("default", {}));
  for (const auto& [name, space] : model.spaces) {
    if (space.files.empty()) continue;
    const File& file = *space.files[prng.Below(space.files.size())];
    if (!file.live() || !file.now.has_content()) continue;
    JZSE_ASSIGN_OR_RETURN(auto reader, store.OpenReader(name, file.now.path, {}));
    held.readers.push_back({name + ":" + file.now.path, std::move(reader), file.now});
  }
  return held;
}

namespace {

std::string CheckReader(const Held::Open& open) {
  std::string problem = CompareInfo(open.reader->info(), open.state);
  if (problem.empty()) problem = CompareAttributes(open.reader->attributes(), open.state);
  const std::string& want = *open.state.data;
  std::string data(want.size() + 1, '\0');
  const auto count = open.reader->ReadAt(0, data.data(), data.size());
  if (problem.empty() && !count.ok()) problem = Words(count.status());
  if (problem.empty() && Bytes(data).substr(0, *count) != want) problem = "reads other bytes";
  for (uint64_t at = 0; problem.empty();) {
    const auto span = open.reader->Span(at, engine::Reader::Waits::kAll);
    if (!span.ok()) problem = Words(span.status());
    else if (span->empty() && at != want.size()) problem = "its spans end early";
    else if (*span != Bytes(want).substr(std::min(at, want.size()), span->size())) problem = "a span has other bytes";
    if (!problem.empty() || span->empty()) break;
    at += span->size();
  }
  return problem.empty() ? "" : "an open reader of " + open.name + " " + problem;
}

std::string CheckThrough(Store& store, const engine::Snapshot* snapshot, const std::string& ns, const Space& space) {
  engine::ListOptions options;
  options.snapshot = snapshot;
  options.with_deleted = snapshot->sequence() % 2 == 0;
  if (snapshot->sequence() % 3 == 0) options.delimiter = "/";
  std::string problem = CheckPage(store, ns, space, options);
  engine::GetOptions get;
  get.snapshot = snapshot;
  for (const auto& file : space.files) {
    if (!problem.empty()) return problem;
    const std::string& path = file->now.path;
    if (snapshot->sequence() % 4 == 0) problem = CompareVersions(store, ns, space, path, snapshot);
    if (!problem.empty()) return problem;
    if (!file->live() || !file->now.has_content()) {
      const auto info = store.Stat(ns, path, get);
      const File* const live = space.Live(path);
      const bool there = live != nullptr || space.HasBelow(path);
      if (info.ok() != there) problem = there ? Words(info.status()) : "is there";
      if (info.ok() && live != nullptr && problem.empty()) problem = CompareInfo(*info, live->now);
    } else {
      std::string data;
      engine::Attributes attributes;
      const auto info = store.Get(ns, path, get, &data, &attributes);
      problem = !info.ok() ? Words(info.status()) : data != *file->now.data ? "other bytes" : CompareInfo(*info, file->now);
      if (problem.empty()) problem = CompareAttributes(attributes, file->now);
    }
    if (!problem.empty()) return Name(ns, path) + ": " + problem;
  }
  return problem;
}

}  // namespace

std::string CheckHeld(Store& store, const Held& held, const Model& model) {
  std::string problem, last;
  for (const auto& [name, space] : held.model.spaces)
    if (problem.empty()) problem = CheckThrough(store, held.snapshot.get(), name, space);
  engine::ListOptions options;
  options.snapshot = held.snapshot.get();
  for (const auto& [name, space] : model.spaces)
    if (problem.empty() && held.model.spaces.count(name) == 0 && !base::Is(store.List(name, options).status(), Code::kNotFound))
      problem = "has namespace " + name + ", which is newer";
  if (problem.empty()) problem = CheckEntries(*held.listing, held.model.spaces.at("default"), {}, &last);
  for (const Held::Open& open : held.readers)
    if (problem.empty()) problem = CheckReader(open);
  return problem.empty() ? "" : "held since " + std::to_string(held.snapshot->sequence()) + ": " + problem;
}

// ------------------------------------------------------------------------------------------------ verify

std::string CheckVerify(Store& store, const Model& model) {
  std::string problems;
  engine::VerifyOptions options;
  options.problem = [&](std::string_view ns, std::string_view path, Sequence version, std::string_view problem) {
    problems += std::string(ns) + ":" + std::string(path) + "@" + std::to_string(version) + " " + std::string(problem) + "\n";
  };
  const auto report = store.Verify(options);
  if (!report.ok()) return "verify: " + Words(report.status());
  if (!problems.empty() || report->problems != 0) return "verify: " + problems;
  uint64_t files = 0, versions = 0;
  for (const auto& [name, space] : model.spaces)
    for (const auto& file : space.files) {
      files += file->live() ? 1 : 0;
      versions += file->versions.size();
    }
  if (report->files == files && report->versions == versions) return "";
  return "verify counts " + std::to_string(report->files) + " files and " + std::to_string(report->versions) +
         " versions, should be " + std::to_string(files) + " and " + std::to_string(versions);
}

}  // namespace jzse::prop
