// SPDX-License-Identifier: Apache-2.0
// The index as a sorted map in memory.
//
// Invariant: a map that a snapshot or a cursor holds never changes; Apply copies it first. Handles are let go under
// the lock, so that a use count of one, seen under the lock, means that nobody else reads the map any more.
// Threads: as in index.h.
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "store/index.h"

namespace jzse::store {
namespace {

using Map = std::map<std::string, std::string, std::less<>>;

// The current map. Shared: by the index, snapshots and cursors.
struct Shared {
  std::mutex mutex;
  std::shared_ptr<Map> map = std::make_shared<Map>();  // shared with handles, see the invariant
};

// Holds one state of the map for a handle's life.
class Handle {
 public:
  Handle(Shared& shared, std::shared_ptr<Map> map) : shared_(shared), map_(std::move(map)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    const std::lock_guard lock(shared_.mutex);
    map_.reset();
  }
  const Map& operator*() const { return *map_; }
  const std::shared_ptr<Map>& get() const { return map_; }

 private:
  Shared& shared_;
  std::shared_ptr<Map> map_;
};

struct MapSnapshot final : IndexSnapshot {
  MapSnapshot(Shared& shared, std::shared_ptr<Map> map) : handle(shared, std::move(map)) {}
  Handle handle;
};

const MapSnapshot& Of(const IndexSnapshot& snapshot) {
  return static_cast<const MapSnapshot&>(snapshot);
}

class MapCursor final : public IndexCursor {
 public:
  MapCursor(Shared& shared, std::shared_ptr<Map> map)
      : handle_(shared, std::move(map)), position_((*handle_).end()) {}

  void Seek(Bytes key) override { position_ = (*handle_).lower_bound(key); }
  void SeekBefore(Bytes key) override {
    position_ = (*handle_).lower_bound(key);
    position_ = position_ == (*handle_).begin() ? (*handle_).end() : std::prev(position_);
  }
  void Next() override {
    JZSE_CHECK(valid());
    ++position_;
  }
  bool valid() const override { return position_ != (*handle_).end(); }
  Bytes key() const override {
    JZSE_CHECK(valid());
    return position_->first;
  }
  Bytes value() const override {
    JZSE_CHECK(valid());
    return position_->second;
  }
  Status status() const override { return absl::OkStatus(); }

 private:
  Handle handle_;
  Map::const_iterator position_;
};

class MapIndex final : public Index {
 public:
  StatusOr<bool> Get(Bytes key, const IndexSnapshot* snapshot, std::string* value) override {
    if (snapshot != nullptr) return Find(*Of(*snapshot).handle, key, value);
    const std::lock_guard lock(shared_.mutex);
    return Find(*shared_.map, key, value);
  }

  Status Apply(std::span<const IndexOpView> batch) override {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.map.use_count() > 1) shared_.map = std::make_shared<Map>(*shared_.map);
    for (const IndexOpView& op : batch) {
      if (op.value) {
        shared_.map->insert_or_assign(std::string(op.key), std::string(*op.value));
      } else if (const auto at = shared_.map->find(op.key); at != shared_.map->end()) {
        shared_.map->erase(at);
      }
    }
    return absl::OkStatus();
  }

  Status Flush() override { return absl::OkStatus(); }

  std::unique_ptr<IndexSnapshot> Snapshot() override {
    return std::make_unique<MapSnapshot>(shared_, Current());
  }
  std::unique_ptr<IndexCursor> NewCursor(const IndexSnapshot* snapshot, CursorUse) override {
    return std::make_unique<MapCursor>(shared_,
                                       snapshot != nullptr ? Of(*snapshot).handle.get() : Current());
  }
  uint64_t DiskBytes() override { return 0; }

 private:
  static bool Find(const Map& map, Bytes key, std::string* value) {
    const auto found = map.find(key);
    if (found == map.end()) return false;
    *value = found->second;
    return true;
  }
  std::shared_ptr<Map> Current() {
    const std::lock_guard lock(shared_.mutex);
    return shared_.map;
  }

  Shared shared_;
};

}  // namespace

std::unique_ptr<Index> NewMapIndex() { return std::make_unique<MapIndex>(); }

}  // namespace jzse::store
