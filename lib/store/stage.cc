// SPDX-License-Identifier: Apache-2.0
#include "store/stage.h"

#include <algorithm>
#include <utility>

#include "store/file_entry.h"

namespace jzse::store {
namespace {

// A prefetched range with a cursor's face.
class RangeCursor {
 public:
  explicit RangeCursor(const Prefetched::Range& range) : at_(range.entries.begin()), end_(range.entries.end()) {}
  bool valid() const { return at_ != end_; }
  Bytes key() const { return at_->first; }
  Bytes value() const { return at_->second; }
  void Next() { ++at_; }

 private:
  std::vector<std::pair<std::string, std::string>>::const_iterator at_, end_;
};

}  // namespace

StatusOr<bool> Stage::Get(const std::string& key, std::string* value) {
  if (const auto it = staged_.find(key); it != staged_.end()) {
    if (!it->second) return false;
    *value = *it->second;
    return true;
  }
  if (!seen_ || seen_key_ != key) {
    seen_ = false;
    JZSE_ASSIGN_OR_RETURN(seen_found_, GetBelow(key, &seen_value_));
    seen_key_ = key;
    seen_ = true;
  }
  if (seen_found_) *value = seen_value_;
  return seen_found_;
}

StatusOr<bool> Stage::GetBelow(const std::string& key, std::string* value) {
  if (prefetched_ != nullptr && live_.TokenHolds(prefetched_->token)) {
    const auto it = std::find_if(prefetched_->values.begin(), prefetched_->values.end(),
                                 [&](const auto& pair) { return pair.first == key; });
    if (it != prefetched_->values.end()) {
      auto overlaid = live_.Overlaid(key);
      // Drained away between the two steps: the look-up proves nothing any more.
      if (overlaid || live_.TokenHolds(prefetched_->token)) {
        const std::optional<std::string>& found = overlaid ? *overlaid : it->second;
        if (!found) return false;
        *value = *found;
        return true;
      }
    }
  }
  return live_.Get(key, value);
}

Status Stage::Scan(const std::string& prefix, const LiveIndex::Each& each) {
  return ScanPrefetched(prefix, each) ? Status() : live_.Scan(prefix, &staged_, each);
}

bool Stage::ScanPrefetched(const std::string& prefix, const LiveIndex::Each& each) {
  if (prefetched_ == nullptr) return false;
  const auto range = std::find_if(prefetched_->ranges.begin(), prefetched_->ranges.end(),
                                  [&](const Prefetched::Range& known) { return known.prefix == prefix; });
  if (range == prefetched_->ranges.end()) return false;
  OverlayMap above = live_.OverlaidUnder(prefix);
  // What changed since the look-up was in the overlay, unless it had been drained away by then.
  if (!base::Planted("stale-prefetch") && !live_.TokenHolds(prefetched_->token)) return false;
  CopyUnder(staged_, prefix, &above);
  RangeCursor below(*range);
  ScanUnder(below, above, prefix, each);
  return true;
}

StatusOr<bool> Stage::HasLiveUnder(const std::string& prefix) {
  bool live = false;
  Status status;
  const auto check = [&](Bytes value) {
    auto is_live = IsLiveValue(value);
    if (!is_live.ok()) status = is_live.status();
    live = is_live.ok() && *is_live;
    return status.ok() && !live;
  };
  if (prefetched_ != nullptr && live_.TokenHolds(prefetched_->token)) {
    const auto& dirs = prefetched_->dirs_without_children;
    if (std::find(dirs.begin(), dirs.end(), prefix) != dirs.end()) {
      OverlayMap above = live_.OverlaidUnder(prefix);
      CopyUnder(staged_, prefix, &above);
      for (auto it = above.begin(); it != above.end() && !live && status.ok(); ++it)
        if (it->second) check(*it->second);
      if (!status.ok()) return status;
      if (live_.TokenHolds(prefetched_->token)) return live;
      live = false;
    }
  }
  JZSE_RETURN_IF_ERROR(Scan(prefix, [&](Bytes, Bytes value) { return check(value); }));
  if (!status.ok()) return status;
  return live;
}

StatusOr<NamespaceEntry*> Stage::Namespace(NamespaceId id) {
  if (const auto it = namespaces_.find(id); it != namespaces_.end()) return &it->second;
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool found, Get(NamespaceKey(id), &value));
  if (!found) return nullptr;
  JZSE_ASSIGN_OR_RETURN(NamespaceEntry entry, DecodeNamespaceEntry(value));
  return &(namespaces_[id] = std::move(entry));
}

void Stage::PutNamespace(NamespaceEntry entry) {
  const NamespaceId id = entry.record.id;
  namespaces_[id] = std::move(entry);
}

void Stage::Set(std::string key, std::optional<std::string> value) {
  auto [it, inserted] = staged_.try_emplace(std::move(key));
  if (marked_) {
    undo_.emplace_back(it->first, inserted ? std::nullopt
                                           : std::optional<std::optional<std::string>>(std::move(it->second)));
  }
  it->second = std::move(value);
}

void Stage::Mark() {
  marked_ = true;
  undo_.clear();
  marked_namespaces_ = namespaces_;
}

void Stage::Rollback() {
  for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) {
    if (it->second) {
      staged_[it->first] = std::move(*it->second);
    } else {
      staged_.erase(it->first);
    }
  }
  undo_.clear();
  if (base::Planted("rollback-forgets-totals")) return;
  namespaces_ = marked_namespaces_;
}

OverlayMap Stage::Take() {
  marked_ = false;
  for (const auto& [id, entry] : namespaces_) Put(NamespaceKey(id), EncodeNamespaceEntry(entry));
  OverlayMap taken;
  taken.swap(staged_);
  Clear();
  return taken;
}

void Stage::Clear() {
  marked_ = false;
  staged_.clear();
  namespaces_.clear();
  marked_namespaces_.clear();
  undo_.clear();
  prefetched_ = nullptr;
  seen_ = false;
}

}  // namespace jzse::store
