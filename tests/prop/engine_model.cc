// SPDX-License-Identifier: Apache-2.0
#include "engine_model.h"

#include <algorithm>
#include <cstdlib>

namespace jzse::prop {

std::string TagOf(const std::string& data) { return base::HexEncode(base::Sha256(data).view()); }

namespace {

bool IsBelow(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
         path[directory.size()] == '/';
}

bool Matches(const File* current, const std::string& tag) {
  if (current == nullptr) return false;
  if (tag == "*") return true;
  return current->now.has_content() && tag == TagOf(*current->now.data);
}

Code CheckPreconditions(const File* current, const Op& op) {
  if (!op.if_match.empty() && !Matches(current, op.if_match)) return Code::kPrecondition;
  if (!op.if_none_match.empty() && Matches(current, op.if_none_match)) return Code::kPrecondition;
  return Code::kOk;
}

// The same of what is there: `current`, or an implied directory if it is null.
Code CheckThere(const File* current, const Op& op) {
  if (current == nullptr) return op.if_match.empty() || op.if_match == "*" ? Code::kOk : Code::kPrecondition;
  return CheckPreconditions(current, op);
}

std::string Describe(const State& state) {
  std::string line = "seq " + std::to_string(state.sequence) + " kind " +
                     std::to_string(static_cast<int>(state.kind)) + " mode " + std::to_string(state.mode);
  if (state.has_content()) line += " data " + crash::Digest(*state.data);
  line += " type " + state.type;
  for (const auto& [key, value] : state.metadata) line += " " + key + "=" + value;
  return line;
}

}  // namespace

#define JZSE_MODEL_TRY(expression) \
  if (const Code try_code = (expression); try_code != Code::kOk) return try_code

std::string Op::ToString() const {
  static constexpr const char* kNames[] = {"put", "delete", "move", "copy", "mkdir", "attributes", "restore", "drop"};
  std::string line = std::string(kNames[static_cast<int>(kind)]) + " " + ns + ":" + path;
  if (!to.empty()) line += " -> " + to_ns + ":" + to;
  if (kind == Kind::kPut) line += " " + std::to_string(data->size()) + " bytes";
  if (version != 0) line += " version " + std::to_string(version);
  if (!if_match.empty()) line += " if-match " + if_match.substr(0, 6);
  if (!if_none_match.empty()) line += " if-none-match " + if_none_match.substr(0, 6);
  return line + (recursive ? " recursive" : "") + (no_replace ? " no-replace" : "");
}

// ------------------------------------------------------------------------------------------------ look-ups

const File* Space::Live(const std::string& path) const {
  for (const auto& file : files)
    if (file->live() && file->now.path == path) return file.get();
  return nullptr;
}

const File* Space::Owner(const std::string& path) const {
  const File* newest = Live(path);
  if (newest != nullptr) return newest;
  for (const auto& file : files)
    if (file->now.path == path && (newest == nullptr || file->now.sequence > newest->now.sequence))
      newest = file.get();
  return newest;
}

bool Space::HasBelow(const std::string& path) const {
  if (policy.kind != model::NamespaceKind::kTree) return false;
  return std::any_of(files.begin(), files.end(),
                     [&](const auto& file) { return file->live() && IsBelow(file->now.path, path); });
}

File& Space::Own(const File* file) {
  for (auto& own : files) {
    if (own.get() != file) continue;
    if (own.use_count() > 1) own = std::make_shared<File>(*own);
    return *own;
  }
  std::abort();
}

std::vector<const File*> Space::Below(const std::string& path) const {
  std::vector<const File*> below;
  if (policy.kind != model::NamespaceKind::kTree) return below;
  for (const auto& file : files)
    if (file->live() && IsBelow(file->now.path, path)) below.push_back(file.get());
  std::sort(below.begin(), below.end(), [](const File* a, const File* b) { return a->now.path < b->now.path; });
  return below;
}

std::vector<const File*> Space::At(const std::string& path) const {
  std::vector<const File*> at;
  for (const auto& file : files)
    if (file->now.path == path) at.push_back(file.get());
  return at;
}

Model::Model() { spaces.emplace("default", model::NamespacePolicy{}); }

Code Model::CheckParents(Space& ns, const std::string& path) {
  if (ns.policy.kind != model::NamespaceKind::kTree) return Code::kOk;
  for (size_t cut = path.rfind('/'); cut != std::string::npos && cut != 0; cut = path.rfind('/', cut - 1)) {
    const File* const parent = ns.Live(path.substr(0, cut));
    if (parent != nullptr && parent->now.kind != ContentKind::kDirectory) return Code::kExists;
  }
  return Code::kOk;
}

Code Model::CheckPlace(Space& ns, const std::string& path, const File* owner) {
  if (owner != nullptr && owner->live())
    return owner->now.kind == ContentKind::kDirectory ? Code::kExists : Code::kOk;
  JZSE_MODEL_TRY(CheckParents(ns, path));
  return ns.HasBelow(path) ? Code::kExists : Code::kOk;
}

// ------------------------------------------------------------------------------------------------ changes

namespace {

// The state becomes a version, and what is more than the namespace keeps is forgotten.
void Retire(const model::NamespacePolicy& policy, File& file, Sequence sequence) {
  const size_t keep = policy.versions_max;
  if (file.now.has_content() && file.now.sequence >= file.floor) file.versions[file.now.sequence] = file.now;
  if (keep == 0) {
    file.floor = sequence;
  } else if (file.versions.size() > keep) {
    file.floor = std::prev(file.versions.end(), static_cast<std::ptrdiff_t>(keep))->first;
  }
  file.versions.erase(file.versions.begin(), file.versions.lower_bound(file.floor));
}

}  // namespace

Code Model::SetContent(Space& ns, const std::string& path, State state, bool check_quota) {
  const File* const owner = ns.Owner(path);
  uint64_t bytes = 0, count = 0;
  for (const auto& file : ns.files) {
    if (!file->live()) continue;
    bytes += file->now.logical_size();
    ++count;
  }
  const bool live = owner != nullptr && owner->live();
  const uint64_t before = live ? owner->now.logical_size() : 0;
  const uint64_t size = state.logical_size();
  if (check_quota && ns.policy.quota_bytes != 0 && size > before && bytes - before + size > ns.policy.quota_bytes)
    return Code::kQuota;
  if (check_quota && ns.policy.quota_files != 0 && !live && count + 1 > ns.policy.quota_files) return Code::kQuota;
  state.sequence = ++last;
  state.path = path;
  if (owner == nullptr) {
    ns.files.push_back(std::make_shared<File>());
    File& made = *ns.files.back();
    if (ns.policy.versions_max == 0) made.floor = state.sequence;
    made.now = std::move(state);
    return Code::kOk;
  }
  File& file = ns.Own(owner);
  Retire(ns.policy, file, state.sequence);
  file.now = std::move(state);
  return Code::kOk;
}

void Model::DeleteOne(Space& ns, const File* gone_file) {
  File& file = ns.Own(gone_file);
  Retire(ns.policy, file, ++last);
  State gone;
  gone.sequence = last;
  gone.path = file.now.path;
  file.now = gone;
}

Code Model::Apply(const std::vector<Op>& group) {
  const Sequence first = last;
  if (group.size() == 1) {  // changes nothing when it fails
    const Code code = ApplyOne(group.front());
    MarkGroup(first);
    return code;
  }
  const Model before = *this;
  for (const Op& op : group) {
    const Code code = ApplyOne(op);
    if (code == Code::kOk) continue;
    *this = before;
    return code;
  }
  MarkGroup(first);
  return Code::kOk;
}

// Every state that the changes after `before` made knows where its group ends.
void Model::MarkGroup(Sequence before) {
  if (last == before) return;
  for (auto& [name, space] : spaces)
    for (auto& file : space.files) {
      if (file->now.sequence <= before) continue;
      File& own = space.Own(file.get());
      own.now.group_last = last;
      for (auto version = own.versions.upper_bound(before); version != own.versions.end(); ++version)
        version->second.group_last = own.now.group_last;
    }
}

Code Model::ApplyOne(const Op& op) {
  const auto at = spaces.find(op.ns);
  if (at == spaces.end()) return Code::kNotFound;
  Space& ns = at->second;
  switch (op.kind) {
    case Op::Kind::kPut: return Put(ns, op);
    case Op::Kind::kDelete: return Delete(ns, op);
    case Op::Kind::kMove: return Move(ns, op);
    case Op::Kind::kMkdir: return Mkdir(ns, op);
    case Op::Kind::kSetAttributes: return SetAttributes(ns, op);
    case Op::Kind::kRestore: return Restore(ns, op);
    case Op::Kind::kDeleteVersion: return DeleteVersion(ns, op);
    case Op::Kind::kCopy: break;
  }
  const auto to = spaces.find(op.to_ns);
  return to == spaces.end() ? Code::kNotFound : Copy(ns, to->second, op);
}

Code Model::Put(Space& ns, const Op& op) {
  JZSE_MODEL_TRY(CheckPreconditions(ns.Live(op.path), op));
  if (op.no_replace && ns.Live(op.path) != nullptr) return Code::kExists;
  JZSE_MODEL_TRY(CheckPlace(ns, op.path, ns.Owner(op.path)));
  return SetContent(ns, op.path, {0, op.content, "", op.data, op.mode, op.type, op.mtime_ns, op.metadata});
}

Code Model::Delete(Space& ns, const Op& op) {
  const File* const live = ns.Live(op.path);
  if (live != nullptr || ns.HasBelow(op.path)) JZSE_MODEL_TRY(CheckThere(live, op));
  if (live != nullptr && live->now.kind != ContentKind::kDirectory) {
    DeleteOne(ns, live);
    return Code::kOk;
  }
  const auto below = ns.Below(op.path);
  if (!op.recursive && !below.empty()) return Code::kExists;
  if (live == nullptr && below.empty()) return Code::kNotFound;
  for (const File* const file : below) DeleteOne(ns, file);
  if (live != nullptr) DeleteOne(ns, live);
  return Code::kOk;
}

Code Model::Move(Space& ns, const Op& op) {
  const File* const live = ns.Live(op.path);
  const bool is_file = live != nullptr && live->now.kind != ContentKind::kDirectory;
  if (live != nullptr || ns.HasBelow(op.path)) JZSE_MODEL_TRY(CheckThere(live, op));
  const auto below = is_file ? std::vector<const File*>() : ns.Below(op.path);
  if (live == nullptr && below.empty()) return Code::kNotFound;
  if (op.path == op.to) return Code::kOk;
  if (ns.policy.kind == model::NamespaceKind::kTree && IsBelow(op.to, op.path)) return Code::kInvalid;
  JZSE_MODEL_TRY(CheckPlace(ns, op.to, ns.Owner(op.to)));
  if (const File* const target = ns.Live(op.to); target != nullptr) {
    if (op.no_replace || !is_file) return Code::kExists;
    DeleteOne(ns, target);
  }
  const auto move_one = [&](const File* moved) {
    File& file = ns.Own(moved);
    file.now.sequence = ++last;
    file.now.path = op.to + file.now.path.substr(op.path.size());
  };
  if (live != nullptr) move_one(live);
  for (const File* const file : below) move_one(file);
  return Code::kOk;
}

Code Model::Copy(Space& from, Space& to, const Op& op) {
  const File* const source = from.Live(op.path);
  if (source == nullptr) return from.HasBelow(op.path) ? Code::kExists : Code::kNotFound;
  if (source->now.kind == ContentKind::kDirectory) return Code::kExists;
  JZSE_MODEL_TRY(CheckPreconditions(source, op));
  const bool there = to.Live(op.to) != nullptr || (&from != &to && to.HasBelow(op.to));
  if (op.no_replace && there) return Code::kExists;
  JZSE_MODEL_TRY(CheckPlace(to, op.to, to.Owner(op.to)));
  return SetContent(to, op.to, State(source->now));
}

Code Model::Mkdir(Space& ns, const Op& op) {
  if (ns.policy.kind != model::NamespaceKind::kTree) return Code::kInvalid;
  if (ns.Live(op.path) != nullptr) return Code::kExists;
  if (!op.if_match.empty()) return Code::kPrecondition;
  JZSE_MODEL_TRY(CheckParents(ns, op.path));
  return SetContent(ns, op.path, {0, ContentKind::kDirectory, "", nullptr, op.mode, op.type, op.mtime_ns, op.metadata});
}

Code Model::SetAttributes(Space& ns, const Op& op) {
  const File* const live = ns.Live(op.path);
  if (live == nullptr) return Code::kNotFound;
  JZSE_MODEL_TRY(CheckPreconditions(live, op));
  State& now = ns.Own(live).now;
  now.sequence = ++last;
  now.mode = op.mode;
  now.type = op.type;
  now.mtime_ns = op.mtime_ns;
  now.metadata = op.metadata;
  return Code::kOk;
}

Code Model::Restore(Space& ns, const Op& op) {
  const File* const owner = ns.Owner(op.path);
  if (owner != nullptr && owner->live() && owner->now.sequence == op.version) return Code::kOk;
  for (const File* const file : ns.At(op.path)) {
    const auto version = file->versions.find(op.version);
    if (version == file->versions.end()) continue;
    JZSE_MODEL_TRY(CheckPlace(ns, op.path, owner));
    return SetContent(ns, op.path, State(version->second));
  }
  return Code::kNotFound;
}

Code Model::DeleteVersion(Space& ns, const Op& op) {
  const File* const owner = ns.Owner(op.path);
  if (owner != nullptr && owner->live() && owner->now.sequence == op.version) return Code::kInvalid;
  for (const auto& file : ns.files) {
    if (file->now.path != op.path || file->versions.count(op.version) == 0) continue;
    ns.Own(file.get()).versions.erase(op.version);
    ++last;
    return Code::kOk;
  }
  return Code::kNotFound;
}

Code Model::CreateNamespace(const std::string& name, const model::NamespacePolicy& policy) {
  if (spaces.count(name) != 0) return Code::kExists;
  spaces.emplace(name, policy).first->second.incarnation = ++last;
  return Code::kOk;
}

Code Model::ConfigureNamespace(const std::string& name, const model::NamespacePolicy& policy) {
  const auto at = spaces.find(name);
  if (at == spaces.end()) return Code::kNotFound;
  if (at->second.policy.kind != policy.kind) return Code::kInvalid;
  at->second.policy = policy;
  ++last;
  return Code::kOk;
}

// One change for each file that has too many.
uint64_t Model::Expire() {
  uint64_t expired = 0;
  for (auto& [name, space] : spaces) {
    for (size_t i = 0; i < space.files.size(); ++i) {
      if (space.files[i]->versions.size() <= space.policy.versions_max) continue;
      auto& versions = space.Own(space.files[i].get()).versions;
      expired += versions.size() - space.policy.versions_max;
      versions.erase(versions.begin(), std::prev(versions.end(), static_cast<std::ptrdiff_t>(space.policy.versions_max)));
      ++last;
    }
  }
  return expired;
}

Code Model::DropNamespace(const std::string& name) {
  if (spaces.erase(name) == 0) return Code::kNotFound;
  ++last;
  return Code::kOk;
}

// The same text as crash::DumpOf.
crash::Dump Model::ToDump() const {
  crash::Dump dump;
  for (const auto& [name, space] : spaces) {
    uint64_t files = 0, bytes = 0, versions = 0, version_bytes = 0;
    for (const auto& file : space.files) {
      files += file->live() ? 1 : 0;
      bytes += file->live() ? file->now.logical_size() : 0;
      versions += file->versions.size();
      for (const auto& [sequence, state] : file->versions) version_bytes += state.logical_size();
      if (!file->live()) continue;
      dump[name + ":" + file->now.path] = Describe(file->now);
      for (const File* const claimant : space.At(file->now.path))
        for (const auto& [sequence, state] : claimant->versions)
          dump[name + ":" + file->now.path + "@" + std::to_string(sequence)] = state.path + " " + Describe(state);
    }
    std::string policy;
    base::Encoder encoder(&policy);
    model::Encode(space.policy, encoder);
    dump["#" + name] = base::HexEncode(policy) + " files " + std::to_string(files) + " bytes " +
                       std::to_string(bytes) + " versions " + std::to_string(versions) + "/" +
                       std::to_string(version_bytes);
  }
  return dump;
}

}  // namespace jzse::prop
