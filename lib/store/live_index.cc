// SPDX-License-Identifier: Apache-2.0
#include "store/live_index.h"

#include <utility>
#include <vector>

namespace jzse::store {
namespace {

bool HasPrefix(Bytes key, Bytes prefix) { return key.substr(0, prefix.size()) == prefix; }

// Later maps win.
void CopyRange(const OverlayMap& from, const std::string& prefix, OverlayMap* to) {
  for (auto it = from.lower_bound(prefix); it != from.end() && HasPrefix(it->first, prefix); ++it)
    PutInto(to, it->first, it->second);
}

}  // namespace

std::optional<std::optional<std::string>> LiveIndex::Overlaid(Bytes key) {
  const uint64_t hash = LocationCache::HashOf(key);
  std::shared_lock lock(mutex_);
  const std::pair<const OverlayMap*, const Hashes*> overlays[] = {
      {&active_, &active_hashes_}, {flushing_.get(), &flushing_hashes_}, {recent_.get(), &recent_hashes_}};
  for (const auto& [map, hashes] : overlays) {
    if (!hashes->contains(hash)) continue;
    if (const auto it = map->find(absl::string_view(key.data(), key.size())); it != map->end()) return it->second;
  }
  return std::nullopt;
}

StatusOr<bool> LiveIndex::Get(Bytes key, std::string* value) {
  if (overlay_count_.load(std::memory_order_acquire) != 0) {
    if (auto overlaid = Overlaid(key)) {
      if (!*overlaid) return false;
      *value = std::move(**overlaid);
      return true;
    }
  }
  if (loaded_ != nullptr && !loaded_->MayHave(key)) return false;
  return index_->Get(key, nullptr, value);
}

void LiveIndex::OverlaidRange(
    const std::string& prefix,
    const std::function<bool(const std::string&, const std::optional<std::string>&)>& each) {
  OverlayMap merged;
  {
    std::shared_lock lock(mutex_);
    for (const OverlayMap* const map : {recent_.get(), flushing_.get(), &active_}) CopyRange(*map, prefix, &merged);
  }
  for (const auto& [key, value] : merged)
    if (!each(key, value)) return;
}

Status LiveIndex::Scan(const std::string& prefix, const OverlayMap* above, const Each& each) {
  // The overlay is copied before the cursor is made: what is drained in between shows in both, never in none.
  OverlayMap merged;
  {
    std::shared_lock lock(mutex_);
    for (const OverlayMap* const map : {flushing_.get(), &active_}) CopyRange(*map, prefix, &merged);
  }
  if (above != nullptr) CopyRange(*above, prefix, &merged);
  const auto cursor = index_->NewCursor(nullptr, CursorUse::kLookUp);
  auto over = merged.begin();
  for (cursor->Seek(prefix);; cursor->Next()) {
    const bool valid = cursor->valid() && HasPrefix(cursor->key(), prefix);
    while (over != merged.end() && (!valid || over->first < cursor->key())) {
      if (over->second && !each(over->first, *over->second)) return {};
      ++over;
    }
    if (!valid) return cursor->status();
    if (over != merged.end() && over->first == cursor->key()) {
      if (over->second && !each(over->first, *over->second)) return {};
      ++over;
    } else if (!each(cursor->key(), cursor->value())) {
      return {};
    }
  }
}

Status LiveIndex::Load(OverlayMap&& ops) {
  if (ops.empty()) return {};
  loaded_any_ = true;
  std::vector<IndexOp> batch;
  batch.reserve(ops.size());
  for (auto& [key, value] : ops) {
    loaded_->Add(key);
    batch.push_back({key, std::move(value)});
  }
  return index_->Apply(batch);
}

Status LiveIndex::EndLoad(const Applied& applied) {
  loaded_.reset();
  if (loaded_any_) JZSE_RETURN_IF_ERROR(index_->Apply({{AppliedKey(), EncodeApplied(applied)}}));
  std::unique_lock lock(mutex_);
  applied_ = applied;
  if (loaded_any_) drained_ = applied;
  return {};
}

void LiveIndex::Publish(OverlayMap&& ops, const Applied& applied) {
  published_.clear();
  for (const auto& [key, value] : ops) published_.push_back(LocationCache::HashOf(key));
  PublishOverlay(std::move(ops), applied);
  if (base::Planted("hot-place-stays")) return;
  // Afterwards: a reader that looked up before cannot insert any more, one that looks up now finds the new state. Only
  // places of P keys are remembered, but asking for the others costs little.
  for (const uint64_t hash : published_) places_.Erase(hash);
}

// All or, when memory is lacking, nothing. What was there before goes to `ops`.
void LiveIndex::MergeInto(OverlayMap* to, OverlayMap& ops) {
  std::vector<bool> inserted;
  inserted.reserve(ops.size());
  auto next = ops.begin();
  try {
    for (; next != ops.end(); ++next) {
      std::string key = next->first;  // made before: see PutInto
      const auto [at, fresh] = to->try_emplace(std::move(key));
      std::swap(at->second, next->second);
      inserted.push_back(fresh);
    }
  } catch (...) {
    if (base::Planted("half-group-published")) throw;
    auto done = ops.begin();
    for (const bool fresh : inserted) {
      const auto at = to->find(done->first);
      if (fresh) {
        to->erase(at);
      } else {
        std::swap(at->second, done->second);
      }
      ++done;
    }
    throw;
  }
}

void LiveIndex::PublishOverlay(OverlayMap&& ops, const Applied& applied) {
  std::unique_lock lock(mutex_);
  active_hashes_.reserve(active_hashes_.size() + published_.size());
  if (active_.empty()) {
    active_ = std::move(ops);
  } else {
    MergeInto(&active_, ops);
  }
  active_hashes_.insert(published_.begin(), published_.end());
  applied_ = applied;
  overlay_count_.store(active_.size() + flushing_->size(), std::memory_order_release);
}

Applied LiveIndex::applied() const {
  std::shared_lock lock(mutex_);
  return applied_;
}

Applied LiveIndex::drained() const {
  std::shared_lock lock(mutex_);
  return drained_;
}

Status LiveIndex::Drain() {
  std::lock_guard drain(drain_mutex_);
  return DrainLocked();
}

Status LiveIndex::DrainLocked() {
  auto next = std::make_shared<OverlayMap>();
  bool more = false;
  {
    std::shared_lock lock(mutex_);
    more = !active_.empty();
  }
  if (more && flushing_shown_) {
    auto copy = std::make_shared<OverlayMap>();
    for (const auto& [key, value] : *flushing_) PutInto(copy.get(), key, value);
    std::unique_lock lock(mutex_);
    flushing_.swap(copy);
    flushing_shown_ = false;
  }
  if (more) {
    // After a failed Apply flushing_ still holds the older changes; the newer ones join it.
    std::unique_lock lock(mutex_);
    if (flushing_->empty()) {
      flushing_->swap(active_);
      flushing_hashes_.swap(active_hashes_);
    } else {
      flushing_hashes_.reserve(flushing_hashes_.size() + active_hashes_.size());
      MergeInto(flushing_.get(), active_);
      flushing_hashes_.insert(active_hashes_.begin(), active_hashes_.end());
      active_.clear();
    }
    active_hashes_.clear();
    taken_ = applied_;
  }
  if (flushing_->empty()) return {};
  // One that failed has mostly failed for good; asking is cheaper than offering it everything again.
  if (failing_) JZSE_RETURN_IF_ERROR(index_->Apply(std::span<const IndexOpView>()));
  std::vector<IndexOpView> batch;  // flushing_ is changed only under drain_mutex_, so reading it needs no lock
  batch.reserve(flushing_->size() + 1);
  const std::string applied_key = AppliedKey(), applied_value = EncodeApplied(taken_);
  if (base::Planted("watermark-before-flush")) {
    const IndexOpView applied{applied_key, applied_value};
    JZSE_RETURN_IF_ERROR(index_->Apply(std::span(&applied, 1)));
    JZSE_RETURN_IF_ERROR(index_->Flush());
  }
  for (const auto& [key, value] : *flushing_)
    if (value || !base::Planted("drain-forgets-deletions")) batch.push_back({key, value});
  batch.push_back({applied_key, applied_value});
  failing_ = true;
  JZSE_RETURN_IF_ERROR(index_->Apply(batch));
  failing_ = false;
  std::unique_lock lock(mutex_);
  recent_.swap(flushing_);
  flushing_.swap(next);
  recent_hashes_.swap(flushing_hashes_);
  flushing_hashes_.clear();
  flushing_shown_ = false;
  drained_ = taken_;
  generation_.fetch_add(1, std::memory_order_acq_rel);
  overlay_count_.store(active_.size(), std::memory_order_release);
  lock.unlock();
  return {};
}

Status LiveIndex::Checkpoint() {
  JZSE_RETURN_IF_ERROR(Drain());
  return index_->Flush();
}

std::unique_ptr<LiveView> LiveIndex::View() {
  auto view = std::make_unique<LiveView>();
  std::lock_guard drain(drain_mutex_);
  const Status drained = DrainLocked();
  view->below = index_->Snapshot();
  if (!drained.ok()) {
    view->above = flushing_;
    flushing_shown_ = true;
  }
  return view;
}

Status LiveIndex::Scan(const LiveView& view, const std::string& prefix, const Each& each) {
  const auto cursor = NewCursor(view, CursorUse::kLookUp);
  for (cursor->Seek(prefix); cursor->valid() && HasPrefix(cursor->key(), prefix); cursor->Next())
    if (!each(cursor->key(), cursor->value())) return {};
  return cursor->status();
}

}  // namespace jzse::store
