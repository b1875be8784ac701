// SPDX-License-Identifier: Apache-2.0
// The index: an ordered map from key to value, derived from the journal and therefore disposable.
//
// The one promise that recovery needs, and that LevelDB with its own log would not give: after a crash an Index holds
// exactly the effects of the first n batches applied, for some n that is at least the number applied before the last
// successful Flush: a *prefix*. Hence a key written in every batch (the applied position) can be trusted. The LevelDB
// implementation gets there by running LevelDB without its write-ahead log (log files go nowhere): what survives is
// what reached synced tables and the manifest, and tables are written memtable by memtable, in order. The journal is the
// log, so nothing is written twice.
//
// Threads: every method may be called from any thread, except that Apply calls must not overlap each other.
// Errors: kCorrupt for anything that a rebuild from the journal would mend; kIo, kNoSpace otherwise.
#ifndef JZSE_STORE_INDEX_H_
#define JZSE_STORE_INDEX_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/base.h"
#include "io/io.h"

namespace jzse::store {

using base::Bytes;
using base::Status;
using base::StatusOr;

struct IndexOp {
  std::string key;
  std::optional<std::string> value;  // empty: delete
};

struct IndexOpView {
  Bytes key;
  std::optional<Bytes> value;
};

class IndexSnapshot {
 public:
  virtual ~IndexSnapshot() = default;
};

// What a cursor is for: a few entries that others will want, too, or a walk that must not drive out what they want.
enum class CursorUse { kLookUp, kWalk };

// Positioned on an entry or past the end. Views are valid until the cursor moves.
class IndexCursor {
 public:
  virtual ~IndexCursor() = default;
  virtual void Seek(Bytes key) = 0;       // to the first entry with a key >= `key`
  virtual void SeekBefore(Bytes key) = 0; // to the last entry with a key < `key`
  virtual void Next() = 0;
  virtual bool valid() const = 0;         // false past the end and after an error
  virtual Bytes key() const = 0;
  virtual Bytes value() const = 0;
  virtual Status status() const = 0;
};

class Index {
 public:
  virtual ~Index() = default;             // does not flush; every snapshot and cursor must be gone

  // False: no such key. `snapshot` may be null: now.
  virtual StatusOr<bool> Get(Bytes key, const IndexSnapshot* snapshot, std::string* value) = 0;
  virtual Status Apply(std::span<const IndexOpView> batch) = 0;  // atomic, not durable
  Status Apply(const std::vector<IndexOp>& batch) {
    std::vector<IndexOpView> views;
    views.reserve(batch.size());
    for (const IndexOp& op : batch) views.push_back({op.key, op.value});
    return Apply(std::span<const IndexOpView>(views));
  }
  virtual Status Flush() = 0;             // what was applied before the call is durable after it
  virtual std::unique_ptr<IndexSnapshot> Snapshot() = 0;
  virtual std::unique_ptr<IndexCursor> NewCursor(const IndexSnapshot* snapshot, CursorUse use) = 0;
  virtual uint64_t DiskBytes() = 0;
};

// For tests: gives back what is to stand in the place of an index that was just opened.
using AroundIndex = std::function<std::unique_ptr<Index>(std::unique_ptr<Index>)>;

struct IndexOptions {
  size_t cache_bytes = 16 * base::kMiB;   // for blocks and for what open tables hold
  size_t buffer_bytes = 4 * base::kMiB;   // for what is not yet in tables (twice that at times)
  bool read_only = false;                 // changes stay in memory; nothing in the directory is touched
  bool settle = false;                    // for simulations: no work is under way when a call returns
  AroundIndex around;                     // may be empty
};

// LevelDB in `directory`, all of whose I/O goes through `env`. Creates it when absent.
StatusOr<std::unique_ptr<Index>> OpenLevelDbIndex(io::Env& env, const std::string& directory,
                                                  const IndexOptions& options);
// Removes the directory with everything in it.
Status DestroyIndex(io::Env& env, const std::string& directory);
// A sorted map in memory, gone when it is destroyed: for simulations and for comparing.
std::unique_ptr<Index> NewMapIndex();

}  // namespace jzse::store

#endif  // JZSE_STORE_INDEX_H_
