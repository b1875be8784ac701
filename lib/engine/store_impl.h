// SPDX-License-Identifier: Apache-2.0
// The store, opened: what the parts of the engine share. Each part has its own .cc file: open (life), transaction (what is
// asked), resolve (what it means), commit (making it durable), writer, read, list, feed, upkeep, background.
//
// Lock order: commit_mutex_ before everything of store/; queue_mutex_, names_mutex_, feed_mutex_ and background_mutex_ are
// leaves, held for a few instructions and never together.
#ifndef JZSE_ENGINE_STORE_IMPL_H_
#define JZSE_ENGINE_STORE_IMPL_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/wake_word.h"
#include "io/io.h"
#include "store/store.h"

namespace jzse::engine {

using base::NamespaceId;
using store::FileEntry;

struct Request;
class FeedImpl;

inline constexpr char kScratchIndex[] = "/index.verify";  // below the store, while a large one is verified
inline constexpr int kAttemptsMax = 32;  // of a read whose record compaction moves away meanwhile

struct NamespaceName {
  NamespaceId id = 0;
  model::NamespacePolicy policy;
};

class SnapshotImpl : public Snapshot {
 public:
  SnapshotImpl(store::ReadView view, Sequence sequence, NamespaceId last_namespace, std::atomic<size_t>& open)
      : view(std::move(view)), last_namespace(last_namespace), sequence_(sequence), open_(open) {}
  ~SnapshotImpl() override { --open_; }
  Sequence sequence() const override { return sequence_; }

  store::ReadView view;
  const NamespaceId last_namespace;  // newer ones were not there

 private:
  const Sequence sequence_;
  std::atomic<size_t>& open_;
};

// What the options want to be read from; null: the newest state.
inline const store::ReadView* ViewOf(const GetOptions& options) {
  return options.snapshot == nullptr ? nullptr : &static_cast<const SnapshotImpl*>(options.snapshot)->view;
}

class StoreImpl : public Store {
 public:
  StoreImpl(std::unique_ptr<io::Env> owned, io::Env& env, std::string path, const Options& options);
  ~StoreImpl() override;
  Status Start();  // once, before anything else

  Status Close() override;
  StatusOr<Stats> GetStats() override;
  const std::string& region() const override { return identity_.region; }

  Status CreateNamespace(std::string_view name, const model::NamespacePolicy& policy) override;
  Status ConfigureNamespace(std::string_view name, const model::NamespacePolicy& policy) override;
  StatusOr<NamespaceInfo> GetNamespace(std::string_view name) override;
  StatusOr<std::vector<NamespaceInfo>> ListNamespaces() override;
  Status DropNamespace(std::string_view name) override;

  Status AddPut(Transaction& t, std::string_view ns, std::string_view path, Bytes data, bool copy,
                const PutOptions& options) override;
  Status AddWriter(Transaction& t, std::unique_ptr<Writer> writer) override;
  Status AddDelete(Transaction& t, std::string_view ns, std::string_view path, const ChangeOptions& options) override;
  Status AddMove(Transaction& t, std::string_view ns, std::string_view path, std::string_view to_path,
                 const ChangeOptions& options) override;
  Status AddCopy(Transaction& t, std::string_view ns, std::string_view path, std::string_view to_ns,
                 std::string_view to_path, const ChangeOptions& options) override;
  Status AddMkdir(Transaction& t, std::string_view ns, std::string_view path, const PutOptions& options) override;
  Status AddSetAttributes(Transaction& t, std::string_view ns, std::string_view path,
                          const PutOptions& options) override;
  Status AddRestore(Transaction& t, std::string_view ns, std::string_view path, Sequence version) override;
  Status AddDeleteVersion(Transaction& t, std::string_view ns, std::string_view path, Sequence version) override;

  StatusOr<FileInfo> Commit(Transaction t) override;
  Status CommitAsync(Transaction t, Done done) override;
  Status GetAsync(std::string ns, std::string path, GetOptions options, bool with_data, GetDone done) override;

  StatusOr<std::unique_ptr<Writer>> OpenWriter(std::string_view ns, std::string_view path,
                                               const PutOptions& options) override;
  StatusOr<FileInfo> Stat(std::string_view ns, std::string_view path, const GetOptions& options) override;
  StatusOr<FileInfo> Read(std::string_view ns, std::string_view path, const GetOptions& options, base::Buffer* data,
                          Attributes* attributes) override;
  StatusOr<FileInfo> ReadInto(std::string_view ns, std::string_view path, const GetOptions& options,
                              const Place& place) override;
  StatusOr<size_t> ReadRange(std::string_view ns, std::string_view path, const GetOptions& options, uint64_t offset,
                             char* buffer, size_t size) override;
  StatusOr<std::unique_ptr<Reader>> OpenReader(std::string_view ns, std::string_view path,
                                               const GetOptions& options) override;
  StatusOr<std::unique_ptr<Lister>> List(std::string_view ns, const ListOptions& options) override;
  StatusOr<std::unique_ptr<Lister>> ListVersions(std::string_view ns, std::string_view path,
                                                 const Snapshot* snapshot) override;
  StatusOr<std::unique_ptr<Snapshot>> OpenSnapshot() override;
  StatusOr<std::unique_ptr<Feed>> OpenFeed(const FeedOptions& options) override;
  StatusOr<VerifyReport> Verify(const VerifyOptions& options) override;
  StatusOr<CompactReport> Compact(const CompactOptions& options) override;

 private:
  struct Names {
    std::map<std::string, NamespaceName, std::less<>> by_name;
    std::map<NamespaceId, std::string> by_id;
  };

  friend class Resolver;
  friend class WriterImpl;
  friend class ReaderImpl;
  friend class FeedImpl;
  friend class Verifier;
  friend class Expiry;

  // open.cc
  Status LoadIdentity();
  Status CreateStore();
  Status OpenData();
  Status LoadNamespaces();
  Status CheckOpen() const;
  Status CheckWritable() const;
  bool Broken() const;  // writes have stopped after a failed one
  void Log(int level, const std::string& line) const;
  StatusOr<uint64_t> DiskBytes();

  // names
  StatusOr<NamespaceName> FindNamespace(std::string_view name) const;
  // As the snapshot sees it, if one is given: it may have been dropped since.
  StatusOr<NamespaceName> FindNamespace(std::string_view name, const Snapshot* snapshot) const;
  NamespaceId NewestNamespace() const;  // of those that are there; 0: there is none
  std::string NameOf(NamespaceId id) const;   // "" when unknown
  Status ChangeNamespace(std::string_view name, const model::NamespacePolicy* policy, bool create, bool drop);

  // transaction.cc
  StatusOr<Operation*> NewOperation(Transaction& t, Operation::Kind kind, std::string_view ns, std::string_view path);
  Status Count(Transaction& t);
  void SetContent(Operation& operation, Bytes data, bool copy);
  Status CopyAcross(Transaction& t, const NamespaceName& from, const std::string& path, const NamespaceName& to,
                    std::string_view to_ns, std::string_view to_path, const ChangeOptions& options);

  // commit.cc
  Status Prepare(Request& request);
  void Prefetch(const TransactionState& t, store::Prefetched* prefetched);
  void PrefetchVersions(const Operation& operation, store::Prefetched* prefetched);
  Status Enqueue(Request& request, bool* lead);
  void Wait(Request& request);
  void Lead(const Request* own, size_t batches_max = SIZE_MAX);
  bool TakeBatch(const Request* own, bool done, uint32_t* number, bool* waited);
  void WakeAsync();
  void Gather();
  void ProcessBatch();
  void CommitInOrder(std::span<Request* const> requests);
  Status CommitGroup(std::span<Request* const> requests, store::Stage& stage);
  Status StageGroup(std::span<Request* const> requests, store::Stage& stage);
  void PublishBatch(store::Stage& stage);
  void CompleteBatch();
  Status Poison(std::string_view what, const Status& status);
  void DrainIfFull();
  void PublishStage(store::Stage& stage);
  Status PublishChunks();
  Status RunExclusive(const std::function<Status(store::Stage&)>& body);
  std::optional<Names> NamesAfter(const store::Stage& stage) const;
  store::Applied AppliedNow() const;

  // read.cc
  struct Found {
    NamespaceId ns = 0;
    std::string path;
    FileEntry entry;
  };
  StatusOr<Found> FindFile(std::string_view ns, std::string_view path, const GetOptions& options);
  StatusOr<FileEntry> FindVersion(NamespaceId ns, const std::string& path, Sequence version,
                                  const store::ReadView* view);
  StatusOr<bool> Load(const std::string& key, const store::ReadView* view, std::string* value);
  using Each = std::function<bool(Bytes key, Bytes value)>;  // false ends a scan
  Status Scan(const std::string& prefix, const store::ReadView* view, const Each& each);
  StatusOr<bool> HasLiveUnder(const std::string& prefix, const store::ReadView* view);
  bool ReadHot(NamespaceId ns, const std::string& key, base::Buffer* data, FileInfo* info, Attributes* attributes,
               store::LocationCache::Ticket* ticket);
  StatusOr<FileInfo> ReadOrOpen(std::string_view ns, std::string_view path, const GetOptions& options,
                                base::Buffer* data, Attributes* attributes, std::unique_ptr<Reader>* reader);
  // Entry's inline content; retries over compaction by looking `key` up again.
  Status ReadInline(const Found& found, const store::ReadView* view, base::Buffer* data);
  StatusOr<store::Location> HolderOf(const FileEntry& entry, const store::ReadView* view);
  store::ReadView NewView();

  void TellFeeds();  // feed.cc; REQUIRES: feed_mutex_

  // background.cc
  void StartBackground();
  void StopBackground();
  void BackgroundLoop();
  void SegmentsLoop();
  Status PrepareSpare();
  Status FinishSealing();
  void TendSegments();
  Status WorkInBackground(int64_t* expired_at);
  void Nudge();
  Status MaintainIndex(bool force);
  Status MergeSmallSegments();
  Status ExpireVersions(uint64_t* expired);
  StatusOr<CompactReport> CompactNow(bool full, const Progress& progress, uint64_t rate);

  // The async thread, started on first use: leads commits that nobody waits for, and carries out reads.
  Status StartAsync();
  void AsyncLoop();

  std::unique_ptr<io::Env> owned_env_;
  io::Env& env_;
  const std::string path_;
  const Options options_;
  std::unique_ptr<io::File> lock_;
  store::Identity identity_;
  std::unique_ptr<store::SegmentFactory> factory_;
  store::SegmentSet segments_;
  std::unique_ptr<store::Census> census_;
  std::unique_ptr<store::LiveIndex> index_;
  std::unique_ptr<store::ChunkStore> chunks_;
  std::unique_ptr<store::Journal> journal_;      // under commit_mutex_
  model::HybridClock clock_;                     // under commit_mutex_
  std::atomic<bool> closed_{true};
  std::atomic<bool> poisoned_{false};
  std::atomic<size_t> snapshots_open_{0}, writers_open_{0};

  mutable std::shared_mutex names_mutex_;
  Names names_;
  std::mutex namespace_mutex_;                   // over check and commit of a namespace change
  NamespaceId last_namespace_ = 0;               // under namespace_mutex_

  std::mutex commit_mutex_;                      // one leader, or one exclusive piece of upkeep
  std::mutex queue_mutex_;
  std::deque<Request*> queue_;
  bool leader_ = false;
  std::vector<Request*> batch_;                  // the leader's; never grows beyond what Start reserves
  uint32_t forming_ = 0;                         // number of the batch that new requests join
  WakeWord wake_[4];                             // one per batch in turn
  size_t queued_async_ = 0;
  size_t last_batch_ = 0;                        // how many requests the batch before had
  int gather_pause_ = 0;                         // batches until Gather tries again

  std::mutex feed_mutex_;
  std::condition_variable feed_changed_;
  std::vector<FeedImpl*> telling_feeds_;         // whose hosts want to be told, under feed_mutex_
  std::atomic<Sequence> visible_{0};             // last published change

  std::mutex compact_mutex_;
  std::mutex background_mutex_;
  std::condition_variable background_wake_;
  bool background_stop_ = false;
  bool background_work_ = false;
  std::unique_ptr<io::Env::Thread> background_;
  std::condition_variable segments_wake_;
  std::unique_ptr<io::Env::Thread> segments_thread_;  // readies and seals commit segments; null: background_ does
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> journal_at_checkpoint_{0}, bulk_at_checkpoint_{0}, bytes_at_compaction_{0};
  std::atomic<uint64_t> spare_wanted_{0};        // its size; set under background_mutex_
  bool seal_due_ = false;                        // without the thread: since the last group; under commit_mutex_
  store::SegmentId spare_asked_in_ = 0;                 // the segment for whose successor it was asked; under commit_mutex_

  std::mutex async_mutex_;
  std::condition_variable async_wake_;
  std::deque<std::function<void()>> async_jobs_;
  std::atomic<bool> async_started_{false};
  bool async_stop_ = false;
  std::unique_ptr<io::Env::Thread> async_;

  struct Counters {
    std::atomic<uint64_t> commits{0}, changes{0}, compacted_bytes{0}, corrupt_records{0};
    std::atomic<uint64_t> journal_bytes{0}, syncs{0};
  } counters_;
  uint64_t recovered_ = 0;
  bool rebuilt_ = false;
  std::vector<std::string> damage_;              // that recovery met; verify repeats it, for a rebuilt index hides it
};

FileInfo InfoOf(const FileEntry& entry);
FileInfo InfoOf(Sequence sequence, const model::FileRecord& file);
Attributes AttributesOf(const FileEntry& entry);
std::string EtagOf(const FileEntry& entry);
Status NotFound(std::string_view path);
Status CheckPreconditions(std::string_view path, const FileEntry* current, const std::string& if_match,
                          const std::string& if_none_match);

}  // namespace jzse::engine

#endif  // JZSE_ENGINE_STORE_IMPL_H_
