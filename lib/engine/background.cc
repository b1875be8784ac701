// SPDX-License-Identifier: Apache-2.0
// Work behind the callers' backs: the index brought up to date, spare segments, checkpoints, compaction, expiry of versions.
// And the one thread that serves asynchronous requests.
//
// Both threads start when they are first needed and end in Close.
#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

namespace {

constexpr auto kCoalesce = std::chrono::milliseconds(2);
constexpr auto kIdle = std::chrono::seconds(30);
constexpr uint64_t kCompactionBytesMin = 256 * base::kMiB;
constexpr int64_t kExpiryIntervalMicros = int64_t{600} * 1'000'000;
constexpr size_t kSmallSegmentsMax = 64;
constexpr size_t kExpireBatch = 256;

}  // namespace

void StoreImpl::StartBackground() {
  background_ = env_.StartThread([this] { BackgroundLoop(); });
}

void StoreImpl::StopBackground() {
  {
    std::lock_guard lock(background_mutex_);
    background_stop_ = true;
  }
  background_wake_.notify_all();
  background_.reset();
}

void StoreImpl::Nudge() {
  if (!background_) {
    // Without a thread the leader keeps the house; under commit_mutex_, so only what does not need it.
    if (const Status status = MaintainIndex(false); !status.ok())
      Log(1, absl::StrCat("upkeep of the index failed: ", status.message()));
    return;
  }
  {
    std::lock_guard lock(background_mutex_);
    if (background_work_) return;
    background_work_ = true;
  }
  background_wake_.notify_one();
}

Status StoreImpl::MaintainIndex(bool force) {
  if (background_ || force || index_->overlay_count() >= base::kOverlayCountMax / 4)
    JZSE_RETURN_IF_ERROR(index_->Drain());
  const uint64_t journal = counters_.journal_bytes, bulk = chunks_->bytes_written();
  if (journal - journal_at_checkpoint_ >= base::kCheckpointJournalBytes ||
      bulk - bulk_at_checkpoint_ >= base::kCheckpointBulkBytes) {
    JZSE_RETURN_IF_ERROR(index_->Checkpoint());
    journal_at_checkpoint_ = journal;
    bulk_at_checkpoint_ = bulk;
  }
  return {};
}

// A store that is opened, written and closed again and again must not end in countless small segments.
Status StoreImpl::MergeSmallSegments() {
  size_t small = 0;
  for (const auto& [id, segment] : *segments_.Now())
    if (segment->trailer() && segment->end < base::kMiB) ++small;
  return small < kSmallSegmentsMax ? Status() : CompactNow(false, {}, 0).status();
}

void StoreImpl::BackgroundLoop() {
  int64_t expired_at = env_.MonotonicMicros();
  for (;;) {
    {
      std::unique_lock lock(background_mutex_);
      background_wake_.wait_for(lock, kIdle, [this] { return background_stop_ || background_work_; });
      if (background_stop_) return;
      if (background_work_) {
        // A little later there is more to do at once.
        background_wake_.wait_for(lock, kCoalesce, [this] { return background_stop_; });
        if (background_stop_) return;
      }
      background_work_ = false;
    }
    Status status;
    try {
      status = BackgroundRound(&expired_at);
    } catch (const std::bad_alloc&) {
      continue;  // there may be memory the next time
    }
    if (!status.ok() && !base::Is(status, Code::kClosed))
      Log(1, absl::StrCat("background work failed: ", status.message()));
  }
}

Status StoreImpl::BackgroundRound(int64_t* expired_at) {
  JZSE_RETURN_IF_ERROR(MaintainIndex(true));
  if (const uint64_t wanted = spare_wanted_.exchange(0); wanted != 0) {
    // Without room for a spare the next roll finds out and says so.
    if (const Status spare = factory_->Prepare(wanted); !spare.ok() && !base::Is(spare, Code::kNoSpace)) return spare;
  }
  const uint64_t written = counters_.journal_bytes + chunks_->bytes_written();
  if (written - bytes_at_compaction_ >= kCompactionBytesMin) {
    bytes_at_compaction_ = written;
    JZSE_RETURN_IF_ERROR(CompactNow(false, {}, options_.background_rate).status());
  }
  if (env_.MonotonicMicros() - *expired_at >= kExpiryIntervalMicros) {
    *expired_at = env_.MonotonicMicros();
    uint64_t expired = 0;
    JZSE_RETURN_IF_ERROR(ExpireVersions(&expired));
  }
  return {};
}

// Forgets versions older than their namespace wants, a batch of one file at a time.
Status StoreImpl::ExpireVersions(uint64_t* expired) {
  JZSE_ASSIGN_OR_RETURN(const auto namespaces, ListNamespaces());
  const uint64_t now_ms = static_cast<uint64_t>(env_.NowMicros() / 1000);
  for (const NamespaceInfo& info : namespaces) {
    const uint64_t age_ms = info.policy.versions_age_max_s * 1000;
    if (age_ms == 0 || now_ms < age_ms) continue;
    JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(info.name));
    std::map<base::FileId, std::pair<std::string, std::vector<Sequence>>> old;
    Status status;
    JZSE_RETURN_IF_ERROR(index_->Scan(store::KeyPrefix('V', name.id), nullptr, [&](Bytes, Bytes value) {
      const auto entry = store::DecodeFileEntry(value);
      if (!entry.ok()) {
        status = entry.status();
        return false;
      }
      if (entry->content().stamp.ms() < now_ms - age_ms) {
        auto& versions = old[entry->id()];
        versions.first = entry->file.path.path;
        if (versions.second.size() < kExpireBatch) versions.second.push_back(entry->sequence);
      }
      return old.size() < base::kTransactionChangesMax;
    }));
    JZSE_RETURN_IF_ERROR(status);
    for (auto& [file, versions] : old) {
      if (stopping_) return Fail(Code::kClosed, "the store is closing");
      auto operation = std::make_unique<Operation>();
      operation->kind = Operation::Kind::kDeleteVersions;
      operation->ns = name.id;
      operation->policy = name.policy;
      operation->ns_name = info.name;
      operation->path = versions.first;
      operation->file = file;
      operation->versions = versions.second;
      *expired += versions.second.size();
      Transaction t;
      t.state().operations.push_back(std::move(operation));
      JZSE_RETURN_IF_ERROR(Commit(std::move(t)).status());
    }
  }
  return {};
}

// ------------------------------------------------------------------------------------------------ async

bool StoreImpl::StartAsync() {
  std::lock_guard lock(async_mutex_);
  if (async_ || async_stop_) return true;
  async_ = env_.StartThread([this] { AsyncLoop(); });
  if (!async_) return false;
  async_started_ = true;
  return true;
}

void StoreImpl::AsyncLoop() {
  for (;;) {
    std::function<void()> job;
    bool lead = false;
    {
      std::unique_lock lock(async_mutex_);
      async_wake_.wait_for(lock, kIdle, [&] {
        std::lock_guard queue(queue_mutex_);
        lead = !leader_ && !queue_.empty();
        if (lead) leader_ = true;
        return lead || !async_jobs_.empty() || (async_stop_ && queued_async_ == 0);
      });
      if (!lead && !async_jobs_.empty()) {
        job = std::move(async_jobs_.front());
        async_jobs_.pop_front();
      } else if (!lead && async_stop_) {
        std::lock_guard queue(queue_mutex_);
        if (queued_async_ == 0) return;
      }
    }
    if (lead) Lead(nullptr);
    if (job) job();
  }
}

Status StoreImpl::GetAsync(std::string ns, std::string path, GetOptions options, bool with_data, GetDone done) {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  if (!StartAsync()) return Fail(Code::kBusy, "no thread can be started for asynchronous requests");
  {
    std::lock_guard lock(async_mutex_);
    if (async_jobs_.size() >= base::kAsyncInFlightMax)
      return Fail(Code::kBusy, absl::StrCat(async_jobs_.size(), " asynchronous reads are under way"));
    async_jobs_.push_back([this, no_memory = Fail(Code::kNoMemory, "out of memory"), ns = std::move(ns),
                           path = std::move(path), options, with_data, done = std::move(done)] {
      std::string data;
      StatusOr<FileInfo> info = no_memory;
      try {
        info = with_data ? Get(ns, path, options, &data, nullptr) : Stat(ns, path, options);
      } catch (const std::bad_alloc&) {
        // It stays as it is: nobody but `done` could be told.
      }
      done(info.status(), info.ok() ? *info : FileInfo{}, std::move(data));
    });
  }
  async_wake_.notify_one();
  return {};
}

}  // namespace jzse::engine
