// SPDX-License-Identifier: Apache-2.0
// Listings: an ordered walk over one view of the index.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

namespace {

// The first string that no string with this prefix reaches; empty if there is none.
std::string AfterPrefix(std::string prefix) {
  while (!prefix.empty() && static_cast<uint8_t>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

class ListerImpl : public Lister {
 public:
  ListerImpl(store::ReadView view, const store::ReadView* borrowed, store::LiveIndex& index, NamespaceId ns,
             ListOptions options)
      : own_(std::move(view)), view_(borrowed != nullptr ? borrowed : &own_), options_(std::move(options)),
        key_prefix_(store::PathKey(ns, options_.prefix)), left_(options_.limit) {
    cursor_ = index.NewCursor(*view_->index, store::CursorUse::kWalk);
    std::string start = key_prefix_;
    if (!options_.start_after.empty()) {
      // After a group given as a prefix entry, everything in it is done. A name may look like one: what counts is the
      // first delimiter behind the prefix.
      const size_t behind = base::Planted("prefix-taken-for-a-group") ? 0 : options_.prefix.size();
      const bool group = !options_.delimiter.empty() && options_.start_after.size() > behind &&
                         options_.start_after.find(options_.delimiter.front(), behind) == options_.start_after.size() - 1;
      std::string after = store::PathKey(ns, options_.start_after);
      if (group || base::Planted("page-skips-names")) {
        after = AfterPrefix(after);
      } else {
        after.push_back('\0');
      }
      start = std::max(start, after);
    }
    cursor_->Seek(start);
  }

  StatusOr<const ListEntry*> Next() override {
    if (options_.limit != 0 && left_ == 0) return nullptr;
    if (step_) cursor_->Next();
    step_ = false;
    for (; cursor_->valid(); cursor_->Next()) {
      const Bytes key = cursor_->key();
      if (key.substr(0, key_prefix_.size()) != key_prefix_) break;
      if (!store::DecodeListed(cursor_->value(), &listed_))
        return Fail(Code::kCorrupt, "malformed index entry in a listing");
      if (listed_.kind == model::ContentKind::kDeleted && !options_.with_deleted) continue;
      const Bytes path = store::PathOfKey(key);
      const size_t cut = options_.delimiter.empty()
                             ? std::string_view::npos
                             : path.find(options_.delimiter.front(), options_.prefix.size());
      if (cut != std::string_view::npos) {
        entry_.path = path.substr(0, cut + 1);
        entry_.info = FileInfo{};
        entry_.info.kind = model::ContentKind::kDirectory;
        entry_.info.is_prefix = true;
        cursor_->Seek(AfterPrefix(std::string(cursor_->key().substr(0, store::kKeyPrefixSize + cut + 1))));
      } else {
        entry_.path = path;
        Tell(listed_);
        step_ = true;  // at the next call: the caller may want no more
      }
      --left_;
      return &entry_;
    }
    JZSE_RETURN_IF_ERROR(cursor_->status());
    return nullptr;
  }

 private:
  void Tell(const store::ListedEntry& listed) {
    FileInfo& info = entry_.info;
    info.kind = listed.kind;
    info.size = listed.size;
    info.changed_ms = listed.stamp.ms();
    info.mtime_ns = listed.mtime_ns != 0 ? listed.mtime_ns : static_cast<int64_t>(info.changed_ms) * 1'000'000;
    info.mode = listed.mode;
    info.sequence = listed.sequence;
    info.id = listed.id;
    info.hash = listed.hash.empty() ? Hash256() : Hash256::FromBytes(listed.hash);
    info.is_prefix = false;
  }

  const store::ReadView own_;
  const store::ReadView* const view_;
  const ListOptions options_;
  const std::string key_prefix_;
  uint64_t left_;
  std::unique_ptr<store::IndexCursor> cursor_;
  bool step_ = false;  // the cursor stands on what was told last
  store::ListedEntry listed_;
  ListEntry entry_;
};

// A list made beforehand: versions are few.
class VersionLister : public Lister {
 public:
  explicit VersionLister(std::vector<ListEntry> entries) : entries_(std::move(entries)) {}
  StatusOr<const ListEntry*> Next() override { return next_ < entries_.size() ? &entries_[next_++] : nullptr; }

 private:
  const std::vector<ListEntry> entries_;
  size_t next_ = 0;
};

}  // namespace

StatusOr<std::unique_ptr<Lister>> StoreImpl::List(std::string_view ns, const ListOptions& options) {
  JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(ns, options.snapshot));
  ListOptions canonical = options;
  JZSE_ASSIGN_OR_RETURN(canonical.prefix, model::CanonicalPrefix(name.policy.kind, options.prefix));
  JZSE_ASSIGN_OR_RETURN(canonical.start_after, model::CanonicalPrefix(name.policy.kind, options.start_after));
  if (options.delimiter.size() > 1 || (!options.delimiter.empty() && static_cast<uint8_t>(options.delimiter.front()) >= 0x80))
    return Fail(Code::kInvalid, absl::StrCat("delimiter ", model::Quoted(options.delimiter),
                                             ": must be one character of ASCII"));
  const store::ReadView* borrowed = nullptr;
  store::ReadView own;
  if (options.snapshot != nullptr) {
    borrowed = &static_cast<const SnapshotImpl*>(options.snapshot)->view;
  } else {
    own.index = index_->View();
  }
  return std::unique_ptr<Lister>(
      std::make_unique<ListerImpl>(std::move(own), borrowed, *index_, name.id, std::move(canonical)));
}

StatusOr<std::unique_ptr<Lister>> StoreImpl::ListVersions(std::string_view ns, std::string_view path,
                                                          const Snapshot* snapshot) {
  const store::ReadView* const view =
      snapshot == nullptr ? nullptr : &static_cast<const SnapshotImpl*>(snapshot)->view;
  JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(ns, snapshot));
  JZSE_ASSIGN_OR_RETURN(const std::string canonical, model::CanonicalName(name.policy.kind, path));
  std::vector<ListEntry> entries;
  std::vector<base::FileId> files;
  Status status;
  const auto add = [&](Bytes key, Bytes value, bool owner) {
    const auto entry = store::DecodeFileEntry(key, value);
    if (!entry.ok()) {
      status = entry.status();
      return false;
    }
    if (owner) files.push_back(entry->id());
    entries.push_back({entry->file.path.path, InfoOf(*entry)});
    return true;
  };
  std::string value;
  const std::string place = store::PathKey(name.id, canonical);
  JZSE_ASSIGN_OR_RETURN(const bool found, Load(place, view, &value));
  if (found) add(place, value, true);
  JZSE_RETURN_IF_ERROR(Scan(store::TombstonePrefix(name.id, canonical), view,
                            [&](Bytes key, Bytes tombstone) { return add(key, tombstone, true); }));
  for (const base::FileId& file : files)
    JZSE_RETURN_IF_ERROR(Scan(store::VersionPrefix(name.id, file), view,
                              [&](Bytes key, Bytes version) { return add(key, version, false); }));
  JZSE_RETURN_IF_ERROR(status);
  if (entries.empty()) return NotFound(canonical);
  std::sort(entries.begin(), entries.end(),
            [](const ListEntry& a, const ListEntry& b) { return a.info.sequence > b.info.sequence; });
  return std::unique_ptr<Lister>(std::make_unique<VersionLister>(std::move(entries)));
}

}  // namespace jzse::engine
