// SPDX-License-Identifier: Apache-2.0
// The life of a store: creating, opening, closing, and what it says of itself.
#include "absl/strings/str_cat.h"
#include "engine/request.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

namespace {

constexpr size_t kIdentitySizeMax = 4096;
constexpr char kIdentityName[] = "JZSE";
constexpr char kDefaultNamespace[] = "default";

io::LinuxEnvOptions EnvOptions(const Options& options) {
  return {options.backend != Options::Backend::kPlain};
}

std::string ParentDirectory(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

store::IndexOptions IndexOptionsFor(const Options& options) {
  store::IndexOptions index;
  index.cache_bytes = options.memory_limit / 4;
  index.buffer_bytes = std::clamp<uint64_t>(options.memory_limit / 16, base::kMiB, 8 * base::kMiB);
  index.read_only = options.read_only;
  index.settle = options.settled_index;
  index.around = options.around_index;
  return index;
}

}  // namespace

StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path, const Options& options) {
  auto env = io::NewLinuxEnv(EnvOptions(options));
  if (options.backend == Options::Backend::kUring && !io::UsesUring(*env))
    return Fail(Code::kUnsupported, "io_uring is not available here");
  io::Env& borrowed = *env;
  auto store = std::make_unique<StoreImpl>(std::move(env), borrowed, path, options);
  JZSE_RETURN_IF_ERROR(store->Start());
  return std::unique_ptr<Store>(std::move(store));
}

StatusOr<std::unique_ptr<Store>> Store::Open(io::Env& env, const std::string& path, const Options& options) {
  auto store = std::make_unique<StoreImpl>(nullptr, env, path, options);
  JZSE_RETURN_IF_ERROR(store->Start());
  return std::unique_ptr<Store>(std::move(store));
}

StoreImpl::StoreImpl(std::unique_ptr<io::Env> owned, io::Env& env, std::string path, const Options& options)
    : owned_env_(std::move(owned)), env_(env), path_(std::move(path)), options_(options) {}

StoreImpl::~StoreImpl() { (void)Close(); }

void StoreImpl::Log(int level, const std::string& line) const {
  if (options_.log) options_.log(level, line);
}

Status StoreImpl::CheckOpen() const {
  return closed_.load(std::memory_order_relaxed) ? Fail(Code::kClosed, "the store is closed") : Status();
}

Status StoreImpl::CheckWritable() const {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  if (options_.read_only) return Fail(Code::kReadOnly, absl::StrCat(path_, ": the store was opened read-only"));
  if (Broken())
    return Fail(Code::kReadOnly, absl::StrCat(path_, ": writes stopped after a failed sync; reopen the store"));
  return {};
}

bool StoreImpl::Broken() const {
  return poisoned_.load(std::memory_order_relaxed) || (chunks_ && chunks_->broken()) || (journal_ && journal_->broken());
}

Status StoreImpl::CreateStore() {
  JZSE_RETURN_IF_ERROR(model::CheckRegionName(options_.region));
  JZSE_ASSIGN_OR_RETURN(const bool there, env_.Exists(path_));
  if (!there) JZSE_RETURN_IF_ERROR(env_.CreateDir(path_));
  JZSE_ASSIGN_OR_RETURN(const auto listing, env_.ListDir(path_));
  for (const io::DirEntry& entry : listing) {
    // What an interrupted creation leaves behind; the identity comes last.
    if (entry.name == "LOCK" || entry.name == "segments" || entry.name == "index" ||
        entry.name.compare(0, 8, store::kCensusName) == 0 || entry.name.compare(0, 4, kIdentityName) == 0)
      continue;
    return Fail(Code::kInvalid, absl::StrCat(path_, ": not empty and no store; refusing to create one in it"));
  }
  JZSE_ASSIGN_OR_RETURN(lock_, env_.Lock(path_ + "/LOCK"));
  const std::string segments = path_ + "/segments";
  JZSE_ASSIGN_OR_RETURN(const bool have_segments, env_.Exists(segments));
  if (!have_segments) JZSE_RETURN_IF_ERROR(env_.CreateDir(segments));
  JZSE_RETURN_IF_ERROR(env_.SyncDir(path_));
  // Our own name, too. A parent that may not be read (only written and searched) cannot be synced.
  if (const Status parent = env_.SyncDir(ParentDirectory(path_)); !parent.ok() && !base::Is(parent, Code::kReadOnly))
    return parent;
  identity_.store = {env_.Entropy(), env_.Entropy()};
  do {
    identity_.replica = env_.Entropy();
  } while (identity_.replica == 0);
  identity_.region = options_.region;
  return io::ReplaceFile(env_, path_, kIdentityName, store::EncodeIdentity(identity_));
}

Status StoreImpl::LoadIdentity() {
  const std::string file = absl::StrCat(path_, "/", kIdentityName);
  auto there = env_.Exists(path_);
  if (!there.ok()) return there.status();
  if (!*there && !options_.create) return Fail(Code::kNotFound, absl::StrCat(path_, ": no such directory"));
  bool store = false;
  if (*there) {
    JZSE_ASSIGN_OR_RETURN(store, env_.Exists(file));
  }
  if (!store) {
    if (!options_.create || options_.read_only) return Fail(Code::kInvalid, absl::StrCat(path_, ": is no JzSE store"));
    return CreateStore();
  }
  if (options_.exclusive) return Fail(Code::kExists, absl::StrCat(path_, ": a store is there already"));
  JZSE_ASSIGN_OR_RETURN(const std::string text, io::ReadWholeFile(env_, file, kIdentitySizeMax));
  auto identity = store::DecodeIdentity(text);
  if (!identity.ok()) return base::Annotate(identity.status(), path_);
  identity_ = std::move(*identity);
  auto lock = env_.Lock(path_ + "/LOCK");
  if (lock.ok()) {
    lock_ = std::move(*lock);
    // A creation that was killed may have left the identity's name visible and not durable.
    return options_.read_only ? Status() : env_.SyncDir(path_);
  }
  // On a read-only disk nobody can write, so nobody needs to be kept out.
  if (options_.read_only && base::Is(lock.status(), Code::kReadOnly)) return {};
  if (base::Is(lock.status(), Code::kReadOnly))
    return Fail(Code::kReadOnly, absl::StrCat(path_, ": may not be changed, its disk is read-only or this user has no permission (",
                                              lock.status().message(), "); it may still be opened read-only"));
  return lock.status();
}

Status StoreImpl::OpenData() {
  factory_ = std::make_unique<store::SegmentFactory>(env_, path_ + "/segments", identity_.store, identity_.replica,
                                                     options_.free_space_reserve);
  store::RecoveryOptions recovery;
  recovery.read_only = options_.read_only;
  recovery.rebuild_index = options_.rebuild_index;
  recovery.map_index = options_.memory_index;
  recovery.index = IndexOptionsFor(options_);
  recovery.cache_bytes = options_.memory_limit / 8;
  if (options_.log) recovery.log = [this](int level, const std::string& line) { Log(level, line); };
  census_ = std::make_unique<store::Census>(env_, path_, identity_.store, segments_, recovery.log);
  JZSE_ASSIGN_OR_RETURN(store::Recovered recovered,
                        store::Recover(env_, path_, identity_, recovery, *factory_, segments_, *census_));
  index_ = std::move(recovered.index);
  recovered_ = recovered.replayed;
  rebuilt_ = recovered.rebuilt;
  damage_ = std::move(recovered.damage);
  counters_.corrupt_records = damage_.size();
  if (recovered.stamp.valid()) clock_.Restore(recovered.stamp);
  chunks_ = std::make_unique<store::ChunkStore>(*factory_, segments_, *index_, recovered.ordinal, recovered.bulk);
  journal_ = std::make_unique<store::Journal>(*factory_, segments_, recovered.sequence, recovered.commit,
                                              recovered.commit_continues);
  visible_ = recovered.sequence;
  return {};
}

Status StoreImpl::Start() {
  batch_.reserve(kBatchRequestsMax);
  if (options_.memory_limit < base::kMemoryLimitMin)
    return Fail(Code::kInvalid, absl::StrCat("memory_limit is below ", base::kMemoryLimitMin, " bytes"));
  JZSE_RETURN_IF_ERROR(LoadIdentity());
  JZSE_RETURN_IF_ERROR(OpenData());
  JZSE_RETURN_IF_ERROR(LoadNamespaces());
  closed_ = false;
  if (!options_.read_only && last_namespace_ == 0)
    JZSE_RETURN_IF_ERROR(CreateNamespace(kDefaultNamespace, model::NamespacePolicy{}));
  if (!options_.read_only) {
    JZSE_ASSIGN_OR_RETURN(const bool leftover, env_.Exists(path_ + kScratchIndex));
    if (leftover) JZSE_RETURN_IF_ERROR(store::DestroyIndex(env_, path_ + kScratchIndex));
  }
  if (options_.background && !options_.read_only) StartBackground();
  return {};
}

Status StoreImpl::Close() {
  if (closed_.exchange(true)) return {};
  if (background_ && !Broken() && index_) {
    // On a full disk it has to wait.
    if (const Status status = MergeSmallSegments(); !status.ok())
      Log(base::Is(status, Code::kNoSpace) ? 3 : 1, absl::StrCat("merging small segments failed: ", status.message()));
  }
  stopping_ = true;
  {
    // What was queued before is still carried out.
    std::unique_lock lock(async_mutex_);
    async_stop_ = true;
  }
  async_wake_.notify_all();
  async_.reset();
  bool left = false;
  {
    std::lock_guard lock(queue_mutex_);
    left = !leader_ && !queue_.empty();
    leader_ = leader_ || left;
  }
  if (left) Lead(nullptr);
  StopBackground();
  { std::lock_guard lock(feed_mutex_); }
  feed_changed_.notify_all();
  std::lock_guard commit(commit_mutex_);
  if (!journal_) return {};
  Status status;
  const auto keep_first = [&status](const Status& next) {
    if (status.ok()) status = next;
  };
  if (!options_.read_only && !Broken()) {
    keep_first(chunks_->Close());
    keep_first(journal_->Close());
    census_->Update();
    if (status.ok()) {
      store::Stage stage(*index_);
      PublishStage(stage);
      keep_first(index_->Checkpoint());
    }
    factory_->DropSpares();  // the next open would not use them
  }
  journal_.reset();
  chunks_.reset();
  index_.reset();
  lock_.reset();
  return status;
}

StatusOr<uint64_t> StoreImpl::DiskBytes() {
  uint64_t bytes = index_->index().DiskBytes();
  JZSE_ASSIGN_OR_RETURN(const auto listing, env_.ListDir(path_ + "/segments"));
  for (const io::DirEntry& entry : listing) bytes += entry.size;
  return bytes;
}

StatusOr<Stats> StoreImpl::GetStats() {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  Stats stats;
  stats.read_only = options_.read_only || Broken();
  stats.store_id = identity_.store;
  stats.replica_id = identity_.replica;
  stats.sequence = visible_;
  JZSE_ASSIGN_OR_RETURN(const auto namespaces, ListNamespaces());
  stats.namespace_count = namespaces.size();
  for (const NamespaceInfo& ns : namespaces) {
    stats.file_count += ns.file_count;
    stats.logical_bytes += ns.logical_bytes;
    stats.version_count += ns.version_count;
    stats.version_bytes += ns.version_bytes;
    stats.tombstone_count += ns.tombstone_count;
  }
  Status status;
  JZSE_RETURN_IF_ERROR(index_->Scan("C", nullptr, [&](Bytes, Bytes value) {
    const auto chunk = store::DecodeChunkEntry(value);
    if (!chunk.ok()) status = chunk.status();
    ++stats.chunk_count;
    if (chunk.ok()) stats.chunk_bytes += chunk->location.size;
    return status.ok();
  }));
  JZSE_RETURN_IF_ERROR(status);
  JZSE_ASSIGN_OR_RETURN(stats.disk_bytes, DiskBytes());
  stats.segment_count = segments_.count();
  stats.commits = counters_.commits;
  stats.changes = counters_.changes;
  stats.syncs = counters_.syncs;
  stats.journal_bytes = counters_.journal_bytes + chunks_->bytes_written();
  stats.compacted_bytes = counters_.compacted_bytes;
  stats.corrupt_records = counters_.corrupt_records;
  stats.recovered_changes = recovered_;
  stats.index_rebuilt = rebuilt_;
  stats.uses_uring = io::UsesUring(env_);
  return stats;
}

}  // namespace jzse::engine
