// SPDX-License-Identifier: Apache-2.0
// The door of engine: one store, opened. It carries out what the pure folders decide, and is what the C API wraps
// call by call; the meaning of every operation, with its errors, is written in jzse.h and not repeated here.
//
// Threading: every method of Store may be called from any thread. Reader, Writer, Lister and Feed belong to one
// thread at a time. All of them borrow the Store and must be gone before it.
//
// How writes travel: every change, whatever call it comes from, is an Operation in a Transaction. A Transaction is
// prepared on the caller's thread (names, hashes, chunks, look-ups), then one leader at a time takes all that is
// queued, checks it against the newest state, writes one group, syncs once and completes all of it.
#ifndef JZSE_ENGINE_ENGINE_H_
#define JZSE_ENGINE_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.h"
#include "model/model.h"

namespace jzse::io {
class Env;
}
namespace jzse::store {
class Index;
}

namespace jzse::engine {

using base::Bytes;
using base::Hash256;
using base::Sequence;
using base::Status;
using base::StatusOr;

using LogFn = std::function<void(int level, std::string_view line)>;  // levels as in jzse.h

struct Options {
  bool create = false;
  bool exclusive = false;
  bool read_only = false;
  bool rebuild_index = false;
  std::string region = "local";
  uint64_t memory_limit = base::kMemoryLimitDefault;
  uint64_t free_space_reserve = base::kFreeSpaceReserveDefault;
  uint64_t background_rate = 64 * base::kMiB;  // bytes a second
  bool background = true;                      // false: no threads of its own; work happens in Compact and Close
  bool async_thread = true;                    // false, for simulations: what nobody waits for waits for the next commit
  enum class Backend { kAuto, kPlain, kUring } backend = Backend::kAuto;
  LogFn log;                                   // may be empty
  // For simulations: an index in memory, rebuilt at every open; or LevelDB that has nothing under way in the
  // background when a call returns, so that one seed always gives the same run.
  bool memory_index = false;
  bool settled_index = false;
  size_t group_records_max = base::kGroupRecordsMax;  // less in tests only
  std::function<std::unique_ptr<store::Index>(std::unique_ptr<store::Index>)> around_index;  // in tests only; may be empty
};

struct FileInfo {
  model::ContentKind kind = model::ContentKind::kDeleted;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  uint32_t mode = 0;
  uint64_t changed_ms = 0;
  Sequence sequence = 0;         // 0: an implied directory
  base::FileId id;
  Hash256 hash;                  // the etag; empty for directories and tombstones
  bool is_prefix = false;        // in listings with a delimiter
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

struct Attributes {
  std::string content_type;
  Metadata metadata;
  int64_t mtime_ns = 0;
  uint32_t mode = 0;
};

struct PutOptions {
  model::ContentKind kind = model::ContentKind::kFile;  // or kSymlink
  std::string if_match;          // "" none, "*", or an etag in hex
  std::string if_none_match;
  Attributes attributes;
};

struct ChangeOptions {
  bool recursive = false;
  bool no_replace = false;
  std::string if_match;
};

class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual Sequence sequence() const = 0;
};

struct GetOptions {
  const Snapshot* snapshot = nullptr;
  Sequence version = 0;
};

using Place = std::function<char*(uint64_t size)>;

struct NamespaceInfo {
  std::string name;
  model::NamespacePolicy policy;
  uint64_t file_count = 0, logical_bytes = 0, version_count = 0, version_bytes = 0, tombstone_count = 0,
           directory_count = 0;
};

struct Stats {
  bool read_only = false;
  base::StoreId store_id;
  base::ReplicaId replica_id = 0;
  Sequence sequence = 0;
  uint64_t namespace_count = 0, file_count = 0, logical_bytes = 0, version_count = 0, version_bytes = 0,
           tombstone_count = 0, chunk_count = 0, chunk_bytes = 0, disk_bytes = 0, segment_count = 0, commits = 0,
           changes = 0, syncs = 0, journal_bytes = 0, compacted_bytes = 0, corrupt_records = 0,
           recovered_changes = 0;
  bool index_rebuilt = false, uses_uring = false;
};

struct Extent {
  int fd = -1;
  uint64_t offset = 0, length = 0;
};

// One version of one file, held open.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual const FileInfo& info() const = 0;
  virtual const Attributes& attributes() const = 0;
  // Up to `size` bytes from `offset`; fewer only at the end.
  virtual StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) = 0;
  // The bytes from `offset` to the end of the stored piece they are in; empty at the end of the content. Valid until the
  // next call. kBusy where more would have to be waited for than `waits` allows.
  enum class Waits { kAll, kIndex, kNothing };  // for the content and the index; for the index alone; not even for that
  virtual StatusOr<Bytes> Span(uint64_t offset, Waits waits) = 0;
  virtual Status Extents(uint64_t offset, size_t max, std::vector<Extent>* extents) = 0;
};

struct ListEntry {
  std::string path;
  FileInfo info;
};
struct ListOptions {
  bool with_deleted = false;
  std::string prefix, delimiter, start_after;
  uint64_t limit = 0;
  const Snapshot* snapshot = nullptr;
};
class Lister {
 public:
  virtual ~Lister() = default;
  virtual StatusOr<const ListEntry*> Next() = 0;  // null at the end; valid until the next call
};

enum class ChangeType : uint32_t { kPut = 1, kDelete = 2, kMove = 3, kMkdir = 4, kMetadata = 5 };
struct ChangeEvent {
  Sequence sequence = 0;
  ChangeType type = ChangeType::kPut;
  bool more = false;
  std::string ns, path, old_path;
  FileInfo info;
};
struct FeedOptions {
  std::string ns, prefix;  // empty: all
  Sequence after = 0;
};
class Feed {
 public:
  virtual ~Feed() = default;
  // timeout_ms -1: for ever, 0: poll. Null when the time is over; kClosed after Cancel.
  virtual StatusOr<const ChangeEvent*> Next(int timeout_ms) = 0;
  virtual void Cancel() = 0;  // any thread
  // From now on tells whether Next may have something (or was cancelled), at once and whenever that changes: true from
  // any thread, false from within Next. `tell` runs under a lock: it must be quick, not throw and not call the store.
  virtual void TellWaiting(std::function<void(bool waiting)> tell) = 0;
};

// Content on its way in: any size, bounded memory. Destroying it without Commit or Add abandons the content.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Status Write(Bytes bytes) = 0;
};

struct TransactionState;  // private to the engine

// Operations that commit together. Movable.
class Transaction {
 public:
  Transaction();
  ~Transaction();
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;

  TransactionState& state() { return *state_; }
  size_t size() const;

 private:
  std::unique_ptr<TransactionState> state_;
};

using Done = std::function<void(const Status& status, const FileInfo& info)>;
using GetDone = std::function<void(const Status& status, const FileInfo& info, base::Buffer&& data)>;
using Progress = std::function<bool(uint64_t done, uint64_t total)>;  // false cancels
using Problem = std::function<void(std::string_view ns, std::string_view path, Sequence version,
                                   std::string_view problem)>;

struct VerifyOptions {
  bool repair = false;
  Progress progress;
  Problem problem;
  uint64_t rate = 0;
};
struct VerifyReport {
  uint64_t segments = 0, records = 0, bytes = 0, files = 0, versions = 0, chunks = 0, problems = 0, repaired = 0;
};
struct CompactOptions {
  bool full = false;
  Progress progress;
};
struct CompactReport {
  uint64_t segments = 0, bytes_before = 0, bytes_after = 0, versions_expired = 0, chunks_dropped = 0,
           tombstones_dropped = 0;
};

class Store {
 public:
  // On the real disk, or on an Env of the caller's that outlives the store.
  static StatusOr<std::unique_ptr<Store>> Open(const std::string& path, const Options& options);
  static StatusOr<std::unique_ptr<Store>> Open(io::Env& env, const std::string& path, const Options& options);
  virtual ~Store() = default;             // closes if Close was not called, ignoring errors
  virtual Status Close() = 0;             // afterwards every call answers kClosed

  virtual StatusOr<Stats> GetStats() = 0;
  virtual const std::string& region() const = 0;

  virtual Status CreateNamespace(std::string_view name, const model::NamespacePolicy& policy) = 0;
  virtual Status ConfigureNamespace(std::string_view name, const model::NamespacePolicy& policy) = 0;
  virtual StatusOr<NamespaceInfo> GetNamespace(std::string_view name) = 0;
  virtual StatusOr<std::vector<NamespaceInfo>> ListNamespaces() = 0;
  virtual Status DropNamespace(std::string_view name) = 0;

  // Adds an operation; names and options are checked now, state at commit. `data` is copied only if `copy`;
  // otherwise it must live until the commit is done.
  virtual Status AddPut(Transaction& t, std::string_view ns, std::string_view path, Bytes data, bool copy,
                        const PutOptions& options) = 0;
  virtual Status AddWriter(Transaction& t, std::unique_ptr<Writer> writer) = 0;
  virtual Status AddDelete(Transaction& t, std::string_view ns, std::string_view path,
                           const ChangeOptions& options) = 0;
  virtual Status AddMove(Transaction& t, std::string_view ns, std::string_view path, std::string_view to_path,
                         const ChangeOptions& options) = 0;
  virtual Status AddCopy(Transaction& t, std::string_view ns, std::string_view path, std::string_view to_ns,
                         std::string_view to_path, const ChangeOptions& options) = 0;
  virtual Status AddMkdir(Transaction& t, std::string_view ns, std::string_view path,
                          const PutOptions& options) = 0;
  virtual Status AddSetAttributes(Transaction& t, std::string_view ns, std::string_view path,
                                  const PutOptions& options) = 0;
  virtual Status AddRestore(Transaction& t, std::string_view ns, std::string_view path, Sequence version) = 0;
  virtual Status AddDeleteVersion(Transaction& t, std::string_view ns, std::string_view path,
                                  Sequence version) = 0;

  // The info is that of the last operation's file. An empty transaction is fine.
  virtual StatusOr<FileInfo> Commit(Transaction t) = 0;
  // `done` runs on a thread of the engine (or of another committer), must not block and not call the store.
  // kBusy when too much is under way; then `done` is never called.
  virtual Status CommitAsync(Transaction t, Done done) = 0;
  virtual Status GetAsync(std::string ns, std::string path, GetOptions options, bool with_data, GetDone done) = 0;

  virtual StatusOr<std::unique_ptr<Writer>> OpenWriter(std::string_view ns, std::string_view path,
                                                       const PutOptions& options) = 0;

  virtual StatusOr<FileInfo> Stat(std::string_view ns, std::string_view path, const GetOptions& options) = 0;
  // The whole content at once; the fast path of small files. `attributes` may be null, and `data` too: then only the
  // attributes are wanted, which an explicit directory also has.
  virtual StatusOr<FileInfo> Read(std::string_view ns, std::string_view path, const GetOptions& options,
                                  base::Buffer* data, Attributes* attributes) = 0;
  // The same to where `place` says, which is asked once, when the size is known; null gives up (kClosed).
  virtual StatusOr<FileInfo> ReadInto(std::string_view ns, std::string_view path, const GetOptions& options,
                                      const Place& place) = 0;
  // The same into a string.
  StatusOr<FileInfo> Get(std::string_view ns, std::string_view path, const GetOptions& options, std::string* data,
                         Attributes* attributes);
  // Up to `size` bytes from `offset`; fewer only at the end. For many ranges of one large file OpenReader is cheaper.
  virtual StatusOr<size_t> ReadRange(std::string_view ns, std::string_view path, const GetOptions& options,
                                     uint64_t offset, char* buffer, size_t size) = 0;
  virtual StatusOr<std::unique_ptr<Reader>> OpenReader(std::string_view ns, std::string_view path,
                                                       const GetOptions& options) = 0;
  virtual StatusOr<std::unique_ptr<Lister>> List(std::string_view ns, const ListOptions& options) = 0;
  virtual StatusOr<std::unique_ptr<Lister>> ListVersions(std::string_view ns, std::string_view path,
                                                         const Snapshot* snapshot = nullptr) = 0;
  virtual StatusOr<std::unique_ptr<Snapshot>> OpenSnapshot() = 0;
  virtual StatusOr<std::unique_ptr<Feed>> OpenFeed(const FeedOptions& options) = 0;

  virtual StatusOr<VerifyReport> Verify(const VerifyOptions& options) = 0;
  virtual StatusOr<CompactReport> Compact(const CompactOptions& options) = 0;
};

}  // namespace jzse::engine

#endif  // JZSE_ENGINE_ENGINE_H_
