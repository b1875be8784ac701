// SPDX-License-Identifier: Apache-2.0
#include "store/live_view.h"

#include <iterator>
#include <utility>

namespace jzse::store {
namespace {

// Walks the map and the cursor below it as one. An entry of the map hides that of the same key below; one without a value
// hides itself, too.
class MergedCursor final : public IndexCursor {
 public:
  MergedCursor(std::unique_ptr<IndexCursor> below, std::shared_ptr<const OverlayMap> above)
      : below_(std::move(below)), map_(std::move(above)), above_(map_->end()) {}

  void Seek(Bytes key) override {
    below_->Seek(key);
    above_ = map_->lower_bound(key);
    Settle();
  }
  void SeekBefore(Bytes key) override {
    std::string before(key);
    for (;;) {
      below_->SeekBefore(before);
      above_ = map_->lower_bound(before);
      const bool found_above = above_ != map_->begin();
      if (found_above) --above_;
      if (!below_->status().ok() || (!below_->valid() && !found_above)) {
        above_ = map_->end();
        valid_ = false;
        return;
      }
      const bool from_above = found_above && (!below_->valid() || above_->first >= below_->key());
      before = from_above ? above_->first : std::string(below_->key());
      if (!from_above || above_->second) break;
    }
    Seek(before);
  }
  void Next() override {
    JZSE_CHECK(valid_);
    Step();
    Settle();
  }
  bool valid() const override { return valid_; }
  Bytes key() const override {
    JZSE_CHECK(valid_);
    return from_above_ ? Bytes(above_->first) : below_->key();
  }
  Bytes value() const override {
    JZSE_CHECK(valid_);
    return from_above_ ? Bytes(*above_->second) : below_->value();
  }
  Status status() const override { return below_->status(); }

 private:
  // Past the key at which both stand.
  void Step() {
    if (!from_above_) return below_->Next();
    if (below_->valid() && below_->key() == above_->first) below_->Next();
    ++above_;
  }

  // To the first of the two that shows something. After an error below nothing is shown: a listing with a hole is wrong.
  void Settle() {
    for (;;) {
      const bool below = below_->valid(), above = above_ != map_->end();
      valid_ = below_->status().ok() && (below || above);
      if (!valid_) return;
      from_above_ = above && (!below || above_->first <= below_->key());
      if (!from_above_ || above_->second) return;
      Step();
    }
  }

  const std::unique_ptr<IndexCursor> below_;
  const std::shared_ptr<const OverlayMap> map_;  // shared: the view may go before its cursor
  OverlayMap::const_iterator above_;
  bool from_above_ = false;
  bool valid_ = false;
};

}  // namespace

void CopyUnder(const OverlayMap& from, const std::string& prefix, OverlayMap* to) {
  for (auto it = from.lower_bound(prefix); it != from.end() && it->first.compare(0, prefix.size(), prefix) == 0; ++it)
    to->insert_or_assign(it->first, it->second);
}

StatusOr<bool> GetIn(Index& index, const LiveView& view, Bytes key, std::string* value) {
  if (view.above != nullptr) {
    if (const auto it = view.above->find(key); it != view.above->end()) {
      if (it->second) *value = *it->second;
      return it->second.has_value();
    }
  }
  return index.Get(key, view.below.get(), value);
}

std::unique_ptr<IndexCursor> NewCursorIn(Index& index, const LiveView& view, CursorUse use) {
  auto below = index.NewCursor(view.below.get(), use);
  if (view.above == nullptr) return below;
  return std::make_unique<MergedCursor>(std::move(below), view.above);
}

}  // namespace jzse::store
