// SPDX-License-Identifier: Apache-2.0
// The index in LevelDB, without LevelDB's log: leveldb_env.h says why what survives is a prefix.
//
// Threads: as in index.h. `flush_mutex_` lets one Flush run at a time; Get, Apply and cursors take no lock of ours.
// An error in LevelDB's background work is sticky: Apply and Flush fail from then on,
// reads go on, and only opening again helps.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "store/index.h"
#include "store/leveldb_env.h"

namespace jzse::store {
namespace {

using base::Code;

constexpr size_t kBatchKeepMax = 1 * base::kMiB;  // a larger batch's memory is given back
constexpr int kBloomBitsPerKey = 10;
constexpr size_t kTableSize = 8 * base::kMiB;
constexpr size_t kBlockSize = 8 * base::kKiB;  // larger ones for walks, smaller ones for look-ups
constexpr uint64_t kLargeIndex = 128 * base::kMiB;
constexpr int kMostlyAbsent = 128;
constexpr size_t kCachePerOpenTable = 128 * base::kKiB;
constexpr int kOpenTablesMin = 74, kOpenTablesMax = 256;  // 74 is the least that LevelDB accepts

leveldb::Slice SliceOf(Bytes bytes) { return {bytes.data(), bytes.size()}; }
Bytes BytesOf(const leveldb::Slice& slice) { return {slice.data(), slice.size()}; }

class LevelDbSnapshot final : public IndexSnapshot {
 public:
  explicit LevelDbSnapshot(leveldb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  ~LevelDbSnapshot() override { db_.ReleaseSnapshot(snapshot_); }
  const leveldb::Snapshot* get() const { return snapshot_; }

 private:
  leveldb::DB& db_;
  const leveldb::Snapshot* const snapshot_;
};

leveldb::ReadOptions ReadOptionsOf(const IndexSnapshot* snapshot) {
  leveldb::ReadOptions options;
  options.verify_checksums = false;  // LevelDbEnv has done it
  if (snapshot != nullptr) options.snapshot = static_cast<const LevelDbSnapshot*>(snapshot)->get();
  return options;
}

// LevelDB's iterators step over a block that they cannot read and only remember the error: a listing with a hole would be
// a wrong one. So after every step in which that may have happened, and at the end, the error is asked for. (Asking costs
// as much as the step.)
class LevelDbCursor final : public IndexCursor {
 public:
  // `settle`: work is waited for after each step, because reading may ask for a compaction.
  LevelDbCursor(leveldb::DB& db, const leveldb::ReadOptions& options, LevelDbEnv& env, bool settle)
      : env_(env), settle_(settle), moments_(env.moments()), iterator_(db.NewIterator(options)) {}

  void Seek(Bytes key) override {
    iterator_->Seek(SliceOf(key));
    Settle();
  }
  void SeekBefore(Bytes key) override {
    iterator_->Seek(SliceOf(key));
    if (iterator_->Valid()) {
      iterator_->Prev();
    } else {
      iterator_->SeekToLast();
    }
    Settle();
  }
  void Next() override {
    JZSE_CHECK(valid_);
    iterator_->Next();
    Settle();
  }
  bool valid() const override { return valid_; }
  Bytes key() const override {
    JZSE_CHECK(valid_);
    return key_;
  }
  Bytes value() const override {
    JZSE_CHECK(valid_);
    return BytesOf(iterator_->value());
  }
  Status status() const override { return FromLevelDb(iterator_->status()); }

 private:
  void Settle() {
    valid_ = iterator_->Valid();
    if (valid_) key_ = BytesOf(iterator_->key());
    if (const uint64_t moments = env_.moments(); moments != moments_) [[unlikely]] {
      valid_ = valid_ && iterator_->status().ok();
      if (valid_) moments_ = moments;
    }
    if (settle_) env_.Settle();
  }

  LevelDbEnv& env_;
  const bool settle_;
  uint64_t moments_;  // up to which there was no error; from before there was an iterator
  const std::unique_ptr<leveldb::Iterator> iterator_;
  bool valid_ = false;
  Bytes key_;
};

class LevelDbIndex final : public Index {
 public:
  LevelDbIndex(io::Env& io, const std::string& path, const IndexOptions& options)
      : io_(io),
        path_(path),
        read_only_(options.read_only),
        settle_(options.settle),
        directory_(read_only_ ? NewLayeredDirectory(io, path_) : NewDiskDirectory(io, path_)),
        cache_(leveldb::NewLRUCache(options.cache_bytes / 2)),
        filter_(leveldb::NewBloomFilterPolicy(kBloomBitsPerKey)),
        env_(io, path, *directory_, options.read_only) {
    leveldb::Logger* logger = nullptr;
    env_.NewLogger(path, &logger);
    logger_.reset(logger);
  }
  ~LevelDbIndex() override {
    env_.StopDeferring();
    db_.reset();
  }

  Status Open(const IndexOptions& options) {
    JZSE_RETURN_IF_ERROR(CheckFiles());
    leveldb::Options db_options;
    db_options.create_if_missing = true;
    db_options.paranoid_checks = false;  // they would check blocks once more, no more than that
    db_options.compression = leveldb::kNoCompression;
    db_options.env = &env_;
    db_options.info_log = logger_.get();
    db_options.write_buffer_size = options.buffer_bytes;
    db_options.block_cache = cache_.get();
    db_options.filter_policy = filter_.get();
    db_options.max_file_size = kTableSize;
    // Keys share their beginnings already, and half of a value is a hash: packing it takes more time than it gives room.
    db_options.compression = leveldb::kNoCompression;
    db_options.block_size = kBlockSize;
    // An open table keeps its index and its filter in memory, outside of the cache: the other half.
    db_options.max_open_files = static_cast<int>(std::clamp<size_t>(
        options.cache_bytes / kCachePerOpenTable, kOpenTablesMin, kOpenTablesMax));
    leveldb::DB* db = nullptr;
    const leveldb::Status status = leveldb::DB::Open(db_options, path_, &db);
    db_.reset(db);
    Settle();
    NoteSize();
    return FromLevelDb(status);
  }

  StatusOr<bool> Get(Bytes key, const IndexSnapshot* snapshot, std::string* value) override {
    if (snapshot == nullptr && large_.load(std::memory_order_relaxed) &&
        absent_.load(std::memory_order_relaxed) > kMostlyAbsent)
      return Seek(key, value);
    const leveldb::Status status = db_->Get(ReadOptionsOf(snapshot), SliceOf(key), value);
    Settle();
    if (!status.ok() && !status.IsNotFound()) return FromLevelDb(status);
    NoteFound(status.ok());
    return status.ok();
  }

  Status Apply(std::span<const IndexOpView> batch) override {
    batch_.Clear();
    for (const IndexOpView& op : batch) {
      if (op.value) {
        batch_.Put(SliceOf(op.key), SliceOf(*op.value));
      } else {
        batch_.Delete(SliceOf(op.key));
      }
    }
    const leveldb::Status status = db_->Write({}, &batch_);
    Settle();
    if (batch_.ApproximateSize() > kBatchKeepMax) batch_ = leveldb::WriteBatch();
    if (status.ok()) applied_.fetch_add(1);
    return FromLevelDb(status);
  }

  // The only public call that writes the memtable out is CompactRange. Of a range that holds nothing (no key is below
  // the empty one) it does nothing else. It has two traps: it does not tell of errors, so an empty batch asks for
  // them; and a concurrent Apply that waits inside of LevelDB may take the request to turn to a new memtable into its
  // own group, which forgets it. Then it is done again.
  Status Flush() override {
    if (read_only_) return absl::OkStatus();
    const std::lock_guard lock(flush_mutex_);
    const uint64_t applied = applied_.load();
    if (applied == flushed_) return absl::OkStatus();
    const leveldb::Slice nothing;
    leveldb::Status status;
    do {
      env_.ExpectSwitch();
      db_->CompactRange(&nothing, &nothing);
      leveldb::WriteBatch empty;
      status = db_->Write({}, &empty);
    } while (status.ok() && !env_.SwitchSeen());
    Settle();
    if (status.ok()) flushed_ = applied;
    NoteSize();
    return FromLevelDb(status);
  }

  std::unique_ptr<IndexSnapshot> Snapshot() override {
    return std::make_unique<LevelDbSnapshot>(*db_);
  }
  std::unique_ptr<IndexCursor> NewCursor(const IndexSnapshot* snapshot, CursorUse use) override {
    leveldb::ReadOptions options = ReadOptionsOf(snapshot);
    options.fill_cache = use == CursorUse::kLookUp;
    return std::make_unique<LevelDbCursor>(*db_, options, env_, settle_);
  }

  uint64_t DiskBytes() override {
    uint64_t bytes = 0;
    const auto entries = io_.ListDir(path_);
    if (!entries.ok()) return 0;
    for (const io::DirEntry& entry : *entries) bytes += entry.size;
    return bytes;
  }

 private:
  // LevelDB takes every look-up that met more than one table for a slow one, whatever its filters said, and answers with
  // 16 KiB of compaction. Writing new files into a large index is nothing but such look-ups; iterators have no such price.
  StatusOr<bool> Seek(Bytes key, std::string* value) {
    const std::unique_ptr<leveldb::Iterator> iterator(db_->NewIterator(ReadOptionsOf(nullptr)));
    iterator->Seek(SliceOf(key));
    const leveldb::Status status = iterator->status();
    const bool found = iterator->Valid() && BytesOf(iterator->key()) == key;
    if (status.ok() && found) value->assign(iterator->value().data(), iterator->value().size());
    Settle();
    if (!status.ok()) return FromLevelDb(status);
    NoteFound(found);
    return found;
  }

  // Approximate, so threads may overwrite each other's.
  void NoteFound(bool found) {
    const int absent = absent_.load(std::memory_order_relaxed);
    absent_.store(std::clamp(absent + (found ? -1 : 1), 0, 2 * kMostlyAbsent), std::memory_order_relaxed);
  }
  void NoteSize() { large_.store(DiskBytes() >= kLargeIndex, std::memory_order_relaxed); }

  // Tables without a CURRENT file are what damage leaves, never a crash: CURRENT is durable before the first table.
  // LevelDB would create an empty index in their place.
  Status CheckFiles() {
    const auto entries = directory_->List();
    if (!entries.ok()) return entries.status();
    bool has_current = false, has_table = false;
    for (const io::DirEntry& entry : *entries) {
      has_current |= entry.name == "CURRENT";
      has_table |= absl::EndsWith(entry.name, ".ldb");
    }
    if (has_table && !has_current) return base::Fail(Code::kCorrupt, "file CURRENT is missing");
    return absl::OkStatus();
  }

  void Settle() {
    if (settle_) env_.Settle();
  }

  io::Env& io_;
  const std::string path_;
  const bool read_only_, settle_;
  const std::unique_ptr<IndexDirectory> directory_;
  std::unique_ptr<leveldb::Logger> logger_;
  const std::unique_ptr<leveldb::Cache> cache_;
  const std::unique_ptr<const leveldb::FilterPolicy> filter_;
  LevelDbEnv env_;
  std::unique_ptr<leveldb::DB> db_;

  leveldb::WriteBatch batch_;          // of the one Apply that runs
  std::atomic<uint64_t> applied_ = 0;  // batches
  std::atomic<bool> large_ = false;
  std::atomic<int> absent_ = 0;        // of the last look-ups, more or less, how many more found nothing
  std::mutex flush_mutex_;
  uint64_t flushed_ = 0;               // of them durable; guarded by flush_mutex_
};

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status RemoveTree(io::Env& env, const std::string& directory) {
  JZSE_ASSIGN_OR_RETURN(const std::vector<io::DirEntry> entries, env.ListDir(directory));
  for (const io::DirEntry& entry : entries) {
    const std::string path = absl::StrCat(directory, "/", entry.name);
    const Status removed = entry.is_directory ? RemoveTree(env, path) : env.Remove(path);
    if (!removed.ok() && !base::Is(removed, Code::kNotFound)) return removed;
  }
  return env.RemoveDir(directory);
}

}  // namespace

StatusOr<std::unique_ptr<Index>> OpenLevelDbIndex(io::Env& env, const std::string& directory,
                                                  const IndexOptions& options) {
  if (!options.read_only) {
    const Status created = env.CreateDir(directory);
    if (!created.ok() && !base::Is(created, Code::kExists)) return created;
    JZSE_RETURN_IF_ERROR(env.SyncDir(ParentOf(directory)));
  }
  auto index = std::make_unique<LevelDbIndex>(env, directory, options);
  const Status opened = index->Open(options);
  if (!opened.ok()) return base::Annotate(opened, directory);
  if (options.around) return options.around(std::move(index));
  return index;
}

Status DestroyIndex(io::Env& env, const std::string& directory) {
  const Status removed = RemoveTree(env, directory);
  if (!removed.ok() && !base::Is(removed, Code::kNotFound)) return removed;
  return env.SyncDir(ParentOf(directory));
}

}  // namespace jzse::store
