// SPDX-License-Identifier: Apache-2.0
#include "io/sim_disk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace jzse::io {
namespace {

using base::Code;

Status Refuse(Code code, std::string_view action, const std::string& path, const char* cause) {
  return base::Fail(code, absl::StrCat("cannot ", absl::string_view(action.data(), action.size()),
                                       " ", path, ": ", cause));
}

void Apply(const SimDirChange& change, std::map<std::string, SimEntry>& entries) {
  if (!change.removed_name.empty()) entries.erase(change.removed_name);
  if (!change.set_name.empty()) entries[change.set_name] = change.entry;
}

// The index of a pending change, or the count when it is not pending any more.
size_t FindChange(const SimDirNode& dir, uint64_t sequence) {
  const auto at = std::find_if(dir.pending.begin(), dir.pending.end(),
                               [&](const SimDirChange& c) { return c.sequence == sequence; });
  return static_cast<size_t>(at - dir.pending.begin());
}

// Makes the changes up to `sequence` durable, and before them those elsewhere that they need. Needs
// point backwards only: this ends, and coming back to a directory finds nothing left to do.
void SyncThrough(SimDirNode& dir, uint64_t sequence) {
  while (!dir.pending.empty() && dir.pending.front().sequence <= sequence) {
    const SimDirChange& change = dir.pending.front();
    if (const auto needed = change.needs_dir.lock()) SyncThrough(*needed, change.needs_sequence);
    Apply(change, dir.durable);
    dir.pending.pop_front();
  }
}

void VisitFiles(const SimDirNode& dir, const std::string& prefix,
                const std::function<void(const std::string&, SimFileNode&)>& visit) {
  for (const auto& [name, entry] : dir.cached) {
    const std::string path = absl::StrCat(prefix, "/", name);
    if (entry.file != nullptr) {
      visit(path, *entry.file);
    } else {
      VisitFiles(*entry.dir, path, visit);
    }
  }
}

// Copies the graph as it is.
class Copier {
 public:
  std::shared_ptr<SimDirNode> CopyDir(const std::shared_ptr<SimDirNode>& dir) {
    auto& copy = dirs_[dir.get()];
    if (copy != nullptr) return copy;
    const auto made = std::make_shared<SimDirNode>();
    copy = made;
    for (const auto& [name, entry] : dir->cached) made->cached[name] = CopyEntry(entry);
    for (const auto& [name, entry] : dir->durable) made->durable[name] = CopyEntry(entry);
    for (const SimDirChange& change : dir->pending) {
      SimDirChange changed = change;
      changed.entry = CopyEntry(change.entry);
      if (const auto needed = change.needs_dir.lock()) changed.needs_dir = CopyDir(needed);
      made->pending.push_back(std::move(changed));
    }
    return made;
  }

 private:
  SimEntry CopyEntry(const SimEntry& entry) {
    if (entry.dir != nullptr) return {nullptr, CopyDir(entry.dir)};
    if (entry.file == nullptr) return {};
    auto& copy = files_[entry.file.get()];
    if (copy == nullptr) {
      copy = std::make_shared<SimFileNode>(*entry.file);
      copy->handles = 0;
      copy->locked = false;
    }
    return {copy, nullptr};
  }

  std::map<const SimDirNode*, std::shared_ptr<SimDirNode>> dirs_;
  std::map<const SimFileNode*, std::shared_ptr<SimFileNode>> files_;
};

// Builds the tree that a power cut leaves: first the fate of every directory change, then the tree.
class CrashedCopier {
 public:
  CrashedCopier(base::Prng& prng, CrashMode mode) : prng_(prng), mode_(mode) {}

  std::shared_ptr<SimDirNode> Run(const SimDirNode& root) {
    DecideAll(root);
    while (DropUnsupported()) {
    }
    return Build(root);
  }

 private:
  void DecideAll(const SimDirNode& dir) {
    if (kept_.contains(&dir)) return;
    auto& kept = kept_[&dir];
    kept.resize(dir.pending.size());
    const size_t prefix = mode_ == CrashMode::kAllKept    ? kept.size()
                          : mode_ == CrashMode::kNoneKept ? 0
                                                          : prng_.Below(kept.size() + 1);
    for (size_t i = 0; i < kept.size(); ++i) {
      kept[i] = mode_ == CrashMode::kReordered ? prng_.OneIn(2) : i < prefix;
    }
    order_.push_back(&dir);
    for (const auto& [name, entry] : dir.durable) {
      if (entry.dir != nullptr) DecideAll(*entry.dir);
    }
    for (const SimDirChange& change : dir.pending) {
      if (change.entry.dir != nullptr) DecideAll(*change.entry.dir);
    }
  }

  // Loses the removals whose new name is lost. True if any was.
  bool DropUnsupported() {
    for (const SimDirNode* dir : order_) {
      auto& kept = kept_[dir];
      for (size_t i = 0; i < kept.size(); ++i) {
        if (!kept[i] || Supported(dir->pending[i])) continue;
        kept[i] = false;
        if (mode_ != CrashMode::kReordered) std::fill(kept.begin() + i, kept.end(), false);
        return true;
      }
    }
    return false;
  }

  bool Supported(const SimDirChange& change) const {
    const auto needed = change.needs_dir.lock();
    if (needed == nullptr) return true;
    const size_t index = FindChange(*needed, change.needs_sequence);
    if (index == needed->pending.size()) return true;  // durable
    const auto kept = kept_.find(needed.get());
    return kept != kept_.end() && kept->second[index];
  }

  std::shared_ptr<SimDirNode> Build(const SimDirNode& dir) {
    auto entries = dir.durable;
    const auto& kept = kept_[&dir];
    for (size_t i = 0; i < kept.size(); ++i) {
      if (kept[i]) Apply(dir.pending[i], entries);
    }
    auto built = std::make_shared<SimDirNode>();
    for (const auto& [name, entry] : entries) {
      SimEntry after;
      if (entry.dir != nullptr) {
        after.dir = Build(*entry.dir);
      } else {
        auto& file = files_[entry.file.get()];
        if (file == nullptr) {
          file = std::make_shared<SimFileNode>(
              SimFileNode::Settled(entry.file->AfterCrash(prng_, mode_)));
        }
        after.file = file;
      }
      built->durable[name] = after;
    }
    built->cached = built->durable;
    return built;
  }

  base::Prng& prng_;
  const CrashMode mode_;
  std::map<const SimDirNode*, std::vector<bool>> kept_;
  std::vector<const SimDirNode*> order_;
  std::map<const SimFileNode*, std::shared_ptr<SimFileNode>> files_;
};

}  // namespace

const SimEntry* SimDisk::Place::Entry() const {
  const auto found = dir->cached.find(name);
  return found == dir->cached.end() ? nullptr : &found->second;
}

StatusOr<SimDisk::Place> SimDisk::Resolve(const std::string& path) const {
  Place place{root_, ""};
  size_t at = 0;
  while (at < path.size()) {
    const size_t end = std::min(path.find('/', at), path.size());
    std::string name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    if (name == "..") return Refuse(Code::kInvalid, "use", path, "'..' in a simulated path");
    if (!place.name.empty()) {
      const SimEntry* parent = place.Entry();
      if (parent == nullptr) {
        return Refuse(Code::kNotFound, "open", path, "No such file or directory");
      }
      if (parent->dir == nullptr) return Refuse(Code::kExists, "open", path, "Not a directory");
      place.dir = parent->dir;
    }
    place.name = std::move(name);
  }
  return place;
}

StatusOr<std::shared_ptr<SimDirNode>> SimDisk::FindDir(const std::string& path) const {
  JZSE_ASSIGN_OR_RETURN(const Place place, Resolve(path));
  if (place.name.empty()) return root_;
  const SimEntry* entry = place.Entry();
  if (entry == nullptr) return Refuse(Code::kNotFound, "open", path, "No such file or directory");
  if (entry->dir == nullptr) return Refuse(Code::kExists, "open", path, "Not a directory");
  return entry->dir;
}

StatusOr<std::shared_ptr<SimFileNode>> SimDisk::Find(const std::string& path) const {
  JZSE_ASSIGN_OR_RETURN(const Place place, Resolve(path));
  if (place.name.empty()) return Refuse(Code::kExists, "open", path, "Is a directory");
  const SimEntry* entry = place.Entry();
  if (entry == nullptr) return Refuse(Code::kNotFound, "open", path, "No such file or directory");
  if (entry->file == nullptr) return Refuse(Code::kExists, "open", path, "Is a directory");
  return entry->file;
}

void SimDisk::Set(SimDirNode& dir, const std::string& name, SimEntry entry) {
  SimDirChange change;
  change.sequence = ++sequence_;
  change.set_name = name;
  change.entry = std::move(entry);
  Apply(change, dir.cached);
  dir.pending.push_back(std::move(change));
}

StatusOr<std::shared_ptr<SimFileNode>> SimDisk::Create(const std::string& path) {
  JZSE_ASSIGN_OR_RETURN(const Place place, Resolve(path));
  if (place.name.empty() || place.Entry() != nullptr) {
    return Refuse(Code::kExists, "create", path, "File exists");
  }
  auto node = std::make_shared<SimFileNode>();
  Set(*place.dir, place.name, {node, nullptr});
  return node;
}

Status SimDisk::CreateDir(const std::string& path) {
  JZSE_ASSIGN_OR_RETURN(const Place place, Resolve(path));
  if (place.name.empty() || place.Entry() != nullptr) {
    return Refuse(Code::kExists, "create directory", path, "File exists");
  }
  Set(*place.dir, place.name, {nullptr, std::make_shared<SimDirNode>()});
  return Status();
}

Status SimDisk::RemoveDir(const std::string& path) {
  JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimDirNode> dir, FindDir(path));
  if (dir == root_ || !dir->cached.empty()) {
    return Refuse(Code::kExists, "remove directory", path, "Directory not empty");
  }
  JZSE_ASSIGN_OR_RETURN(const Place place, Resolve(path));
  SimDirChange change;
  change.sequence = ++sequence_;
  change.removed_name = place.name;
  Apply(change, place.dir->cached);
  place.dir->pending.push_back(std::move(change));
  return Status();
}

StatusOr<std::vector<DirEntry>> SimDisk::ListDir(const std::string& path) const {
  JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimDirNode> dir, FindDir(path));
  std::vector<DirEntry> entries;
  for (const auto& [name, entry] : dir->cached) {
    const bool is_directory = entry.dir != nullptr;
    entries.push_back({name, is_directory, is_directory ? 0 : entry.file->cached().size()});
  }
  return entries;
}

StatusOr<bool> SimDisk::Exists(const std::string& path) const {
  const auto place = Resolve(path);
  if (place.ok()) return place->name.empty() || place->Entry() != nullptr;
  if (base::Is(place.status(), Code::kInvalid)) return place.status();
  return false;
}

StatusOr<std::shared_ptr<SimFileNode>> SimDisk::Rename(const std::string& from,
                                                       const std::string& to) {
  JZSE_ASSIGN_OR_RETURN(const Place source, Resolve(from));
  JZSE_ASSIGN_OR_RETURN(const Place target, Resolve(to));
  if (source.name.empty() || source.Entry() == nullptr) {
    return Refuse(Code::kNotFound, "rename", from, "No such file or directory");
  }
  if (target.name.empty()) return Refuse(Code::kExists, "rename", from, "the root is in the way");
  const SimEntry entry = *source.Entry();
  std::shared_ptr<SimFileNode> replaced;
  if (const SimEntry* old = target.Entry(); old != nullptr) {
    if (old->file == entry.file && old->dir == entry.dir) return replaced;
    const bool old_is_dir = old->dir != nullptr;
    if (old_is_dir != (entry.dir != nullptr) || (old_is_dir && !old->dir->cached.empty())) {
      return Refuse(Code::kExists, "rename", absl::StrCat(from, " to ", to),
                    "a directory is in the way");
    }
    replaced = old->file;
  }
  const bool within = source.dir == target.dir;
  if (!within && entry.dir != nullptr) {
    return Refuse(Code::kUnsupported, "rename", from,
                  "the simulated disk renames directories within their parent only");
  }
  SimDirChange change;
  change.sequence = ++sequence_;
  change.set_name = target.name;
  change.entry = entry;
  if (within) change.removed_name = source.name;
  Apply(change, target.dir->cached);
  target.dir->pending.push_back(change);
  if (within) return replaced;
  SimDirChange removal;
  removal.sequence = ++sequence_;
  removal.removed_name = source.name;
  removal.needs_dir = target.dir;
  removal.needs_sequence = change.sequence;
  Apply(removal, source.dir->cached);
  source.dir->pending.push_back(std::move(removal));
  return replaced;
}

StatusOr<std::shared_ptr<SimFileNode>> SimDisk::Remove(const std::string& path) {
  JZSE_ASSIGN_OR_RETURN(std::shared_ptr<SimFileNode> node, Find(path));
  JZSE_ASSIGN_OR_RETURN(const Place place, Resolve(path));
  SimDirChange change;
  change.sequence = ++sequence_;
  change.removed_name = place.name;
  Apply(change, place.dir->cached);
  place.dir->pending.push_back(std::move(change));
  return node;
}

Status SimDisk::SyncDir(const std::string& path) {
  JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimDirNode> dir, FindDir(path));
  SyncThrough(*dir, sequence_);
  return Status();
}

SimDisk SimDisk::Copy() const {
  SimDisk copy(Copier().CopyDir(root_));
  copy.sequence_ = sequence_;
  return copy;
}

SimDisk SimDisk::AfterCrash(base::Prng& prng, CrashMode mode) const {
  return SimDisk(CrashedCopier(prng, mode).Run(*root_));
}

void SimDisk::ForEachFile(
    const std::function<void(const std::string&, SimFileNode&)>& visit) const {
  VisitFiles(*root_, "", visit);
}

}  // namespace jzse::io
