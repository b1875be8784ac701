// SPDX-License-Identifier: Apache-2.0
// Work behind the callers' backs: the index brought up to date, spare segments, checkpoints, compaction, expiry of versions.
// And the one thread that serves asynchronous requests.
//
// Both threads start when they are first needed and end in Close.
#include <algorithm>
#include <chrono>
#include <utility>

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

}  // namespace

void StoreImpl::StartBackground() {
  background_ = env_.StartThread([this] { BackgroundLoop(); }, io::Env::Priority::kBackground);
  if (background_) segments_thread_ = env_.StartThread([this] { SegmentsLoop(); }, io::Env::Priority::kBackground);
}

void StoreImpl::StopBackground() {
  {
    std::lock_guard lock(background_mutex_);
    background_stop_ = true;
  }
  background_wake_.notify_all();
  segments_wake_.notify_all();
  background_.reset();
  segments_thread_.reset();
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
  const store::SegmentMap segments = segments_.Now();  // a loop over a temporary would outlive it
  for (const auto& [id, segment] : *segments)
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
    const Status status = base::CatchOutOfMemory([&] { return WorkInBackground(&expired_at); });
    if (!status.ok() && !base::Is(status, Code::kClosed))
      Log(1, absl::StrCat("background work failed: ", status.message()));
  }
}

// A writer that comes to the end of its segment before the next one is there makes it itself, and everybody waits: tens of
// milliseconds of zeros. Sealing the last one is several syncs. So both have a thread of their own, which no slow index holds up.
void StoreImpl::SegmentsLoop() {
  for (;;) {
    {
      std::unique_lock lock(background_mutex_);
      segments_wake_.wait(lock, [this] { return background_stop_ || spare_wanted_ != 0 || journal_->sealing(); });
      if (background_stop_) return;
    }
    (void)FinishSealing();
    const Status status = base::CatchOutOfMemory([&] { return PrepareSpare(); });
    if (!status.ok()) Log(1, absl::StrCat("no spare segment: ", status.message()));
  }
}

Status StoreImpl::FinishSealing() {
  const Status sealed = journal_->FinishSealing();
  return sealed.ok() ? sealed : Poison("a segment could not be sealed", sealed);
}

Status StoreImpl::PrepareSpare() {
  const uint64_t wanted = spare_wanted_.exchange(0);
  if (wanted == 0) return {};
  // Without room for a spare the next roll finds out and says so.
  const Status status = factory_->Prepare(wanted);
  return base::Is(status, Code::kNoSpace) ? Status() : status;
}

// What has to be done to the commit segments before and behind the open one. Under commit_mutex_.
void StoreImpl::TendSegments() {
  const store::SegmentId segment = journal_->position().segment;
  const bool ask = spare_asked_in_ != segment && journal_->remaining() < journal_->next_segment_size() / 2;
  if (!ask && !journal_->sealing()) return;
  {
    std::lock_guard lock(background_mutex_);
    if (ask) spare_wanted_ = journal_->next_segment_size();
  }
  if (ask) spare_asked_in_ = segment;
  if (background_) {
    segments_wake_.notify_one();
  } else if (std::exchange(seal_due_, journal_->sealing())) {
    (void)FinishSealing();  // a group later, as with a thread: what must hold in between is simulated, too
    seal_due_ = false;
  }
}

Status StoreImpl::WorkInBackground(int64_t* expired_at) {
  JZSE_RETURN_IF_ERROR(MaintainIndex(true));
  if (!segments_thread_) {
    JZSE_RETURN_IF_ERROR(FinishSealing());
    JZSE_RETURN_IF_ERROR(PrepareSpare());
  }
  const uint64_t written = counters_.journal_bytes + chunks_->bytes_written();
  if (written - bytes_at_compaction_ >= kCompactionBytesMin) {
    bytes_at_compaction_ = written;
    JZSE_RETURN_IF_ERROR(CompactNow(false, {}, options_.background_rate).status());
  }
  if (env_.MonotonicMicros() - *expired_at < kExpiryIntervalMicros) return {};
  *expired_at = env_.MonotonicMicros();
  uint64_t expired = 0;
  return ExpireVersions(&expired);
}

// ------------------------------------------------------------------------------------------------ async

Status StoreImpl::StartAsync() {
  std::lock_guard lock(async_mutex_);
  if (async_stop_) return Fail(Code::kClosed, "the store is closing");
  if (async_) return {};
  if (!options_.async_thread) return {};  // whoever commits next leads these, too, or Close
  async_ = env_.StartThread([this] { AsyncLoop(); });
  if (!async_) return Fail(Code::kBusy, "the system refuses the thread for asynchronous requests");
  async_started_ = true;
  return {};
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
      if (!async_jobs_.empty()) {
        job = std::move(async_jobs_.front());
        async_jobs_.pop_front();
      } else if (!lead && async_stop_) {
        std::lock_guard queue(queue_mutex_);
        if (queued_async_ == 0) return;
      }
    }
    // In turn, so that neither waits for the end of the other.
    if (lead) Lead(nullptr, 1);
    if (job) job();
  }
}

Status StoreImpl::GetAsync(std::string ns, std::string path, GetOptions options, bool with_data, GetDone done) {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  if (!options_.async_thread) return Fail(Code::kUnsupported, "asynchronous reads need a thread");
  JZSE_RETURN_IF_ERROR(StartAsync());
  {
    std::lock_guard lock(async_mutex_);
    if (async_jobs_.size() >= base::kAsyncInFlightMax)
      return Fail(Code::kBusy, absl::StrCat(async_jobs_.size(), " asynchronous reads are under way"));
    async_jobs_.push_back([this, ns = std::move(ns), path = std::move(path), options, with_data, done = std::move(done)] {
      base::Buffer data;
      FileInfo info;
      const Status status = base::CatchOutOfMemory([&]() -> Status {
        JZSE_ASSIGN_OR_RETURN(info, with_data ? Read(ns, path, options, &data, nullptr) : Stat(ns, path, options));
        return {};
      });
      done(status, info, std::move(data));
    });
  }
  async_wake_.notify_one();
  return {};
}

}  // namespace jzse::engine
