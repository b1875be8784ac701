// SPDX-License-Identifier: Apache-2.0
#include "store/live_index.h"

#include <span>
#include <utility>
#include <vector>

namespace jzse::store {
namespace {

bool HasPrefix(Bytes key, Bytes prefix) { return key.substr(0, prefix.size()) == prefix; }

}  // namespace

std::optional<std::optional<std::string>> LiveIndex::Overlaid(Bytes key) {
  const uint64_t hash = LocationCache::HashOf(key);
  std::shared_lock lock(mutex_);
  const std::pair<const OverlayMap*, const KeyFilter*> overlays[] = {
      {&active_, &active_keys_}, {flushing_.get(), &flushing_keys_}, {recent_.get(), &recent_keys_}};
  for (const auto& [map, keys] : overlays) {
    if (!keys->MayHave(hash)) continue;
    if (const auto it = map->find(key); it != map->end()) return it->second;
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
  if (loaded_ != nullptr && !loaded_->MayHave(LocationCache::HashOf(key))) return false;
  return index_->Get(key, nullptr, value);
}

OverlayMap LiveIndex::OverlaidUnder(const std::string& prefix) {
  OverlayMap merged;
  std::shared_lock lock(mutex_);
  for (const OverlayMap* const map : {recent_.get(), flushing_.get(), &active_}) CopyUnder(*map, prefix, &merged);
  return merged;
}

Status LiveIndex::Scan(const std::string& prefix, const OverlayMap* above, const Each& each) {
  // The overlay is copied before the cursor is made: what is drained in between shows in both, never in none.
  OverlayMap merged;
  {
    std::shared_lock lock(mutex_);
    for (const OverlayMap* const map : {flushing_.get(), &active_}) CopyUnder(*map, prefix, &merged);
  }
  if (above != nullptr) CopyUnder(*above, prefix, &merged);
  const auto cursor = index_->NewCursor(nullptr, CursorUse::kLookUp);
  cursor->Seek(prefix);
  ScanUnder(*cursor, merged, prefix, each);
  return cursor->status();
}

Status LiveIndex::Load(OverlayMap&& ops) {
  if (ops.empty()) return {};
  loaded_any_ = true;
  std::vector<IndexOp> batch;
  batch.reserve(ops.size());
  for (auto& [key, value] : ops) {
    loaded_->Add(LocationCache::HashOf(key));
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
  const std::span<const uint64_t> changing(published_.data(), base::Planted("hot-place-stays") ? 0 : published_.size());
  // The places go before the change is shown, so that nobody who has seen the new state meets the old one, and none comes in
  // until it is shown. Only places of P keys are remembered, but asking for the others costs little.
  for (const uint64_t hash : changing) places_.BeginChange(hash);
  struct End {
    LocationCache& places;
    std::span<const uint64_t> hashes;
    ~End() {
      for (const uint64_t hash : hashes) places.EndChange(hash);
    }
  } end{places_, changing};
  PublishOverlay(std::move(ops), applied);
}

// Needs no memory.
void LiveIndex::MergeInto(OverlayMap* to, OverlayMap&& ops) noexcept {
  while (!ops.empty()) {
    auto result = to->insert(ops.extract(ops.begin()));
    if (!result.inserted) result.position->second = std::move(result.node.mapped());
  }
}

void LiveIndex::PublishOverlay(OverlayMap&& ops, const Applied& applied) {
  std::unique_lock lock(mutex_);
  for (const uint64_t hash : published_) active_keys_.Add(hash);
  if (active_.empty()) {
    active_ = std::move(ops);
  } else {
    MergeInto(&active_, std::move(ops));
  }
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
    auto copy = std::make_shared<OverlayMap>(*flushing_);
    std::unique_lock lock(mutex_);
    flushing_.swap(copy);
    flushing_shown_ = false;
  }
  if (more) {
    // After a failed Apply flushing_ still holds the older changes; the newer ones join it.
    std::unique_lock lock(mutex_);
    if (flushing_->empty()) {
      flushing_->swap(active_);
      flushing_keys_.swap(active_keys_);
    } else {
      MergeInto(flushing_.get(), std::move(active_));
      flushing_keys_.AddAll(active_keys_);
    }
    active_keys_.Clear();
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
  recent_keys_.swap(flushing_keys_);
  flushing_keys_.Clear();
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
