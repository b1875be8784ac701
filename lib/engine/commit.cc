// SPDX-License-Identifier: Apache-2.0
// The commit path. Callers queue; one of them leads: it takes all that is queued, resolves it against the newest state,
// writes one group with one sync, publishes the index changes and completes everybody with one wake-up.
//
// Invariants:
//  1. A request finishes with OK only after its group is durable and visible.
//  2. Requests take effect in the order in which they were queued.
//  3. After a failed write or sync of the journal nothing is ever acknowledged again.
//  4. Lack of memory fails the requests of a batch, and leaves nobody waiting and no leader missing. When it strikes after the
//     group became durable, so that the index lacks it, writes stop as after a failed sync; the next open replays it.
#include <sched.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/request.h"
#include "engine/resolve.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

namespace {

constexpr size_t kPrefetchOperationsMax = 64;
constexpr uint32_t kPrefetchVersionsMax = 64;
constexpr int kGatherYields = 3;
constexpr int64_t kGatherMicrosMax = 500;
constexpr int kGatherPause = 256;  // batches

}  // namespace

// ------------------------------------------------------------------------------------------------ the caller's side

// Looks up, on the caller's thread, what the leader will want to know.
void StoreImpl::Prefetch(const TransactionState& t, store::Prefetched* prefetched) {
  if (t.operations.size() > kPrefetchOperationsMax) return;
  prefetched->token = index_->Token();
  const auto look_up = [&](std::string key) -> bool {
    std::string value;
    const auto found = index_->Get(key, &value);
    if (!found.ok()) return false;  // the leader will meet the error
    const bool there = *found;
    prefetched->values.emplace_back(std::move(key),
                                    there ? std::optional<std::string>(std::move(value)) : std::nullopt);
    return there;
  };
  for (const auto& operation : t.operations) {
    if (operation->kind == Operation::Kind::kNamespace) continue;
    const bool moves = operation->kind == Operation::Kind::kMove || operation->kind == Operation::Kind::kCopy;
    if (moves) look_up(store::PathKey(operation->ns, operation->path));
    const std::string& path = moves ? operation->to_path : operation->path;
    const bool there = look_up(store::PathKey(operation->ns, path));
    if (there) PrefetchVersions(*operation, prefetched);
    if (there || operation->policy.kind != model::NamespaceKind::kTree) continue;
    for (std::string_view parent = model::ParentOf(path); !parent.empty(); parent = model::ParentOf(parent))
      look_up(store::PathKey(operation->ns, parent));
    std::string below = store::PathKey(operation->ns, path + "/");
    bool live = false;
    const Status status = index_->Scan(below, nullptr, [&](Bytes, Bytes value) {
      const auto is_live = store::IsLiveValue(value);
      live = !is_live.ok() || *is_live;
      return !live;
    });
    if (status.ok() && !live) prefetched->dirs_without_children.push_back(std::move(below));
  }
}

// A change that will forget the oldest version asks twice which that is. REQUIRES: the last look-up found the path's entry.
void StoreImpl::PrefetchVersions(const Operation& operation, store::Prefetched* prefetched) {
  const auto& [key, value] = prefetched->values.back();
  const uint32_t keep = operation.policy.versions_max;
  if (keep == 0 || keep > kPrefetchVersionsMax || !value) return;
  const auto entry = store::DecodeFileEntry(key, *value);
  if (!entry.ok() || entry->versions < keep || entry->versions > kPrefetchVersionsMax) return;
  store::Prefetched::Range range{store::VersionPrefix(operation.ns, entry->id()), {}};
  const Status status = index_->Scan(range.prefix, nullptr, [&](Bytes version, Bytes of) {
    range.entries.emplace_back(version, of);
    return true;
  });
  if (status.ok()) prefetched->ranges.push_back(std::move(range));
}

Status StoreImpl::Prepare(Request& request) {
  JZSE_RETURN_IF_ERROR(CheckWritable());
  TransactionState& t = request.transaction.state();
  for (const auto& operation : t.operations)
    if (operation->pins) JZSE_RETURN_IF_ERROR(chunks_->Sync(*operation->pins));
  request.bytes = t.bytes;
  Prefetch(t, &request.prefetched);
  return {};
}

Status StoreImpl::Enqueue(Request& request, bool* lead) {
  // An index that cannot follow (its disk is full, or fails) must not make the overlay grow without bound.
  if (index_->overlay_count() >= 2 * base::kOverlayCountMax)
    return Fail(Code::kBusy, absl::StrCat(path_, ": the index cannot follow; ", index_->overlay_count(),
                                          " changes wait for it"));
  std::lock_guard lock(queue_mutex_);
  if (queue_.size() >= base::kCommitQueueCountMax)
    return Fail(Code::kBusy, absl::StrCat(queue_.size(), " commits are waiting already"));
  request.batch = forming_;
  queue_.push_back(&request);
  *lead = !leader_ && !request.done;
  if (*lead) leader_ = true;
  return {};
}

StatusOr<FileInfo> StoreImpl::Commit(Transaction t) {
  if (t.size() == 0) return FileInfo{};
  Request request(std::move(t));
  JZSE_RETURN_IF_ERROR(Prepare(request));
  bool lead = false;
  JZSE_RETURN_IF_ERROR(Enqueue(request, &lead));
  if (lead) {
    Lead(&request);
  } else {
    Wait(request);
  }
  if (!request.status.ok()) return request.status;
  return request.info;
}

void StoreImpl::Wait(Request& request) {
  while (!request.finished.load(std::memory_order_acquire)) {
    const uint32_t batch = request.batch.load(std::memory_order_acquire);
    WakeWord& word = wake_[batch % 4];
    const uint32_t seen = word.Now();
    if (request.finished.load(std::memory_order_acquire)) return;
    // Left over for a later batch, whose end another word tells: a leader moves the request before it wakes this one.
    if (request.batch.load(std::memory_order_acquire) != batch) continue;
    bool lead = false;
    {
      std::lock_guard lock(queue_mutex_);
      if (!leader_ && !queue_.empty()) lead = leader_ = true;
    }
    if (lead) {
      Lead(&request);
      continue;
    }
    word.Wait(seen);
  }
}

Status StoreImpl::CommitAsync(Transaction t, Done done) {
  auto request = std::make_unique<Request>(std::move(t));
  request->done = std::move(done);
  JZSE_RETURN_IF_ERROR(Prepare(*request));
  JZSE_RETURN_IF_ERROR(StartAsync());
  {
    std::lock_guard lock(queue_mutex_);
    if (queued_async_ >= base::kAsyncInFlightMax)
      return Fail(Code::kBusy, absl::StrCat(queued_async_, " asynchronous requests are under way"));
    ++queued_async_;
  }
  bool lead = false;
  if (const Status status = base::CatchOutOfMemory([&] { return Enqueue(*request, &lead); }); !status.ok()) {
    std::lock_guard lock(queue_mutex_);
    --queued_async_;
    return status;
  }
  request.release();  // FinishBatch completes and deletes it
  WakeAsync();
  return {};
}

// ------------------------------------------------------------------------------------------------ the leader's side

// Makes batch_ what is led next; `waited`: whether threads sleep on its word. False when the leader is done or nothing is
// queued; then leadership is free.
bool StoreImpl::TakeBatch(const Request* own, bool done, uint32_t* number, bool* waited) {
  bool waiting = false;
  {
    std::lock_guard lock(queue_mutex_);
    batch_.clear();
    *number = forming_;
    *waited = false;
    if (queue_.empty() || done) {
      leader_ = false;
      waiting = !queue_.empty();
    } else {
      ++forming_;
      size_t bytes = 0;
      while (!queue_.empty() && batch_.size() < kBatchRequestsMax &&
             (batch_.empty() || bytes + queue_.front()->bytes <= base::kGroupBytesTarget)) {
        bytes += queue_.front()->bytes;
        batch_.push_back(queue_.front());
        *waited = *waited || (queue_.front() != own && !queue_.front()->done);
        queue_.pop_front();
      }
      last_batch_ = batch_.size();
      // Who is left over may sleep on this batch's word.
      *waited = *waited || !queue_.empty();
      for (Request* left : queue_) left->batch.store(forming_, std::memory_order_release);
      return true;
    }
  }
  if (waiting && !base::Planted("lost-wake-up")) {
    wake_[*number % 4].WakeOne();
    WakeAsync();
  }
  return false;
}

// Those whom the last batch has just finished are mostly about to queue again. Where they share the processors with us, letting
// them go first makes larger batches and fewer syncs; a lone writer never comes here with less than it had. No delay: with
// nobody to yield to this takes no time, and where others take it, it is not tried for a while.
void StoreImpl::Gather() {
  for (int tries = 0; tries < kGatherYields; ++tries) {
    {
      std::lock_guard lock(queue_mutex_);
      if (queue_.size() >= last_batch_) return;
      if (gather_pause_ > 0) {
        --gather_pause_;
        return;
      }
    }
    const int64_t before = env_.MonotonicMicros();
    sched_yield();
    if (env_.MonotonicMicros() - before <= kGatherMicrosMax) continue;
    std::lock_guard lock(queue_mutex_);
    gather_pause_ = kGatherPause;
    return;
  }
}

// Leads batch after batch until the own request is finished (or, without one, until the queue is empty), and no more than
// this many.
void StoreImpl::Lead(const Request* own, size_t batches_max) {
  const auto done = [&] {
    return batches_max-- == 0 || (own != nullptr && own->finished.load(std::memory_order_acquire));
  };
  uint32_t number = 0;
  bool waited = false;
  Gather();
  for (bool more = TakeBatch(own, done(), &number, &waited); more;) {
    ProcessBatch();
    if (waited) wake_[number % 4].WakeAll();
    more = TakeBatch(own, done(), &number, &waited);
  }
}

// The async thread evaluates its condition under async_mutex_, so passing through it loses no wake-up.
void StoreImpl::WakeAsync() {
  if (!async_started_.load(std::memory_order_acquire)) return;
  { std::lock_guard lock(async_mutex_); }
  async_wake_.notify_one();
}

void StoreImpl::ProcessBatch() {
  std::lock_guard commit(commit_mutex_);
  CommitInOrder(batch_);
  CompleteBatch();
}

// In one group, or in several where they are too large for one: only a request that is too large by itself fails.
void StoreImpl::CommitInOrder(std::span<Request* const> requests) {
  store::Stage stage(*index_);
  const Status status = CommitGroup(requests, stage);
  if (base::Is(status, Code::kTooLarge) && requests.size() > 1) {
    stage.Clear();
    for (Request* request : requests) request->status = {};
    const size_t half = requests.size() / 2;
    CommitInOrder(requests.first(half));
    CommitInOrder(requests.subspan(half));
    return;
  }
  if (status.ok()) return;
  for (Request* request : requests)
    if (request->status.ok()) request->status = status;
}

Status StoreImpl::CommitGroup(std::span<Request* const> requests, store::Stage& stage) {
  // Until the group is written a failure has changed nothing. What was queued before writes stopped fails here.
  JZSE_RETURN_IF_ERROR(base::CatchOutOfMemory([&] { return Broken() ? CheckWritable() : StageGroup(requests, stage); }));
  const size_t records = journal_->group_records();
  const uint64_t bytes = journal_->group_bytes();
  if (records > 0 && base::Planted("visible-before-durable"))
    index_->Publish(store::Stage(stage).Take(), index_->applied());
  if (records > 0) {
    const Status written = base::CatchOutOfMemory([&] { return journal_->Commit(); });
    counters_.syncs = journal_->syncs();
    if (!written.ok()) return Poison("a commit failed", written);
    ++counters_.commits;
    counters_.changes += records;
    counters_.journal_bytes += bytes;
  }
  if (stage.empty()) return {};
  const Status published = base::CatchOutOfMemory([&] {
    PublishBatch(stage);
    return Status();
  });
  return published.ok() ? published : Poison("a commit could not be made visible", published);
}

Status StoreImpl::Poison(std::string_view what, const Status& status) {
  poisoned_ = true;
  (void)base::CatchOutOfMemory([&] {
    Log(0, absl::StrCat(absl::string_view(what.data(), what.size()), ", writes stop: ", status.message()));
    return Status();
  });
  return status;
}

// Builds the group; builds it again when it does not fit the segment.
Status StoreImpl::StageGroup(std::span<Request* const> requests, store::Stage& stage) {
  bool only_freeing = false;
  for (;;) {
    stage.Clear();
    journal_->Begin();
    const int64_t now_ms = env_.NowMicros() / 1000;
    Resolver resolver(
        stage, *journal_, options_.group_records_max, identity_.replica, [&] { return clock_.Next(now_ms); },
        [](Sequence sequence) -> StatusOr<store::Location> {
          return Fail(Code::kCorrupt, absl::StrCat("change ", sequence, " is not where the index says"));
        });
    for (Request* request : requests) {
      if (only_freeing && !request->frees()) continue;
      request->status = {};
      stage.Use(&request->prefetched);
      stage.Mark();
      journal_->MarkTransaction();
      for (const auto& operation : request->transaction.state().operations) {
        request->status = resolver.Run(*operation, &request->info);
        if (!request->status.ok()) break;
      }
      if (resolver.full() && requests.size() > 1) return request->status;
      if (request->status.ok()) {
        journal_->EndTransaction();
      } else {
        stage.Rollback();
        journal_->RollbackTransaction();
      }
    }
    stage.Use(nullptr);
    if (journal_->group_records() == 0 || !journal_->overflow()) return {};
    const Status rolled = journal_->Roll(journal_->group_bytes(), only_freeing);
    if (rolled.ok()) continue;
    journal_->Begin();
    if (!base::Is(rolled, Code::kNoSpace) || only_freeing) return rolled;
    // The disk is full for those who want to add; what gives space back may use the reserve.
    only_freeing = true;
    for (Request* request : requests)
      if (!request->frees()) request->status = rolled;
  }
}

store::Applied StoreImpl::AppliedNow() const {
  store::Applied applied = index_->applied();
  applied.store = identity_.store;
  applied.sequence = journal_->last();
  applied.stamp = clock_.last();
  const store::StreamPosition position = journal_->position();
  applied.commit_segment = position.segment;
  applied.commit_offset = position.offset;
  return applied;
}

// Names as they will be when the stage is published; empty where they stay as they are.
std::optional<StoreImpl::Names> StoreImpl::NamesAfter(const store::Stage& stage) const {
  if (stage.touched_namespaces().empty()) return {};
  std::shared_lock lock(names_mutex_);
  bool changed = false;
  for (const auto& [id, entry] : stage.touched_namespaces()) {
    const auto it = names_.by_id.find(id);
    const bool known = it != names_.by_id.end();
    changed = changed || known == entry.record.dropped ||
              (known && !(names_.by_name.find(it->second)->second.policy == entry.record.policy));
  }
  if (!changed) return {};
  Names names = names_;
  for (const auto& [id, entry] : stage.touched_namespaces()) {
    if (entry.record.dropped) {
      names.by_name.erase(entry.record.name);
      names.by_id.erase(id);
    } else {
      names.by_name[entry.record.name] = {id, entry.record.policy};
      names.by_id[id] = entry.record.name;
    }
  }
  return names;
}

// Publishes the stage together with the chunks that became durable. Under commit_mutex_.
void StoreImpl::PublishStage(store::Stage& stage) {
  const store::ChunkStore::Durable durable = chunks_->TakeDurable();
  for (const auto& [id, entry] : durable.chunks)
    stage.Put(store::ChunkKey(id.ns, id.hash), store::EncodeChunkEntry(entry));
  store::Applied applied = AppliedNow();
  applied.bulk_segment = durable.position.segment;
  applied.bulk_offset = durable.position.offset;
  applied.ordinal = durable.ordinal;
  index_->Publish(stage.Take(), applied);
  chunks_->Forget(durable);
}

// For chunks of a content that is still being written.
Status StoreImpl::PublishChunks() {
  std::lock_guard commit(commit_mutex_);
  JZSE_RETURN_IF_ERROR(CheckWritable());
  store::Stage stage(*index_);
  PublishStage(stage);
  Nudge();
  return {};
}

// Makes a durable group visible.
void StoreImpl::PublishBatch(store::Stage& stage) {
  std::optional<Names> names = NamesAfter(stage);
  PublishStage(stage);
  if (names) {
    std::unique_lock lock(names_mutex_);
    std::swap(names_, *names);
  }
  {
    std::lock_guard lock(feed_mutex_);
    visible_.store(journal_->last(), std::memory_order_release);
    if (!telling_feeds_.empty()) TellFeeds();
  }
  if (!base::Planted("feed-not-woken")) feed_changed_.notify_all();
  TendSegments();
  DrainIfFull();
  Nudge();
}

// Back-pressure: a reader's view must not outgrow its bound. A failing index keeps its changes in the overlay, readers stay
// right, and the next open replays the journal.
void StoreImpl::DrainIfFull() {
  if (index_->overlay_count() < base::kOverlayCountMax) return;
  if (const Status status = index_->Drain(); !status.ok())
    Log(0, absl::StrCat("the index cannot be brought up to date: ", status.message()));
}

// Allocates nothing, so everybody is told.
void StoreImpl::CompleteBatch() {
  size_t async = 0;
  for (Request* request : batch_) {
    if (request->done) {
      std::unique_ptr<Request> owned(request);
      owned->done(owned->status, owned->info);
      ++async;
    } else {
      request->finished.store(true, std::memory_order_release);
    }
  }
  if (async == 0) return;
  {
    std::lock_guard lock(queue_mutex_);
    queued_async_ -= async;
  }
  WakeAsync();
}

Status StoreImpl::RunExclusive(const std::function<Status(store::Stage&)>& body) {
  std::lock_guard commit(commit_mutex_);
  store::Stage stage(*index_);
  JZSE_RETURN_IF_ERROR(body(stage));
  if (!stage.empty()) index_->Publish(stage.Take(), index_->applied());
  DrainIfFull();
  return {};
}

}  // namespace jzse::engine
