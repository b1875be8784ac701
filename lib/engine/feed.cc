// SPDX-License-Identifier: Apache-2.0
// The change feed: the journal, read in order of sequence. Commit segments are read as they lie; what compaction copied
// to cold segments is merged in by sequence. Only what was published is shown.
#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

class FeedImpl : public Feed {
 public:
  FeedImpl(StoreImpl& store, FeedOptions options, NamespaceId ns)
      : store_(store), options_(std::move(options)), ns_(ns), after_(options_.after) {}
  ~FeedImpl() override {
    if (!tell_) return;
    std::lock_guard lock(store_.feed_mutex_);
    auto& feeds = store_.telling_feeds_;
    feeds.erase(std::find(feeds.begin(), feeds.end(), this));
  }

  StatusOr<const ChangeEvent*> Next(int timeout_ms) override {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(std::max(timeout_ms, 0));
    for (;;) {
      if (cancelled_) return Fail(Code::kClosed, "the feed was cancelled");
      JZSE_RETURN_IF_ERROR(store_.CheckOpen());
      bool end = false;
      if (events_.empty() || (goes_on_ && events_.size() == 1)) JZSE_RETURN_IF_ERROR(Fill(&end));
      if (end) Settle();
      if (!events_.empty() && !(goes_on_ && events_.size() == 1)) {
        event_ = std::move(events_.front());
        events_.pop_front();
        return &event_;
      }
      // What is there is looked through in pieces, for all of it may be what nobody asked for. A poll looks through all.
      if (!end && (timeout_ms <= 0 || std::chrono::steady_clock::now() < deadline)) continue;
      if (!end) return nullptr;
      std::unique_lock lock(store_.feed_mutex_);
      const auto ready = [this] { return store_.closed_ || Waiting(); };
      if (timeout_ms < 0) {
        store_.feed_changed_.wait(lock, ready);
      } else if (!end || timeout_ms == 0 || !store_.feed_changed_.wait_until(lock, deadline, ready)) {
        Tell(Waiting());
        return nullptr;
      }
    }
  }

  void Cancel() override {
    {
      std::lock_guard lock(store_.feed_mutex_);
      cancelled_ = true;
      Tell(true);
    }
    store_.feed_changed_.notify_all();
  }

  void TellWaiting(std::function<void(bool)> tell) override {
    std::lock_guard lock(store_.feed_mutex_);
    store_.telling_feeds_.push_back(this);
    tell_ = std::move(tell);
    Tell(!events_.empty() || Waiting());
  }

  // What publishing calls. REQUIRES: feed_mutex_
  void Tell(bool waiting) {
    if (!tell_ || waiting == told_) return;
    told_ = waiting;
    tell_(waiting);
  }

 private:
  struct Item {
    store::SegmentRef segment;
    store::FooterEntry entry;
  };

  // Whether something was published since the last run, whatever this feed makes of it.
  bool Waiting() const { return cancelled_ || store_.visible_.load(std::memory_order_acquire) > after_; }

  // Reads the next run of changes after after_ into events_: none of them may be wanted. `end`: there are no more.
  Status Fill(bool* end) {
    const Sequence visible = store_.visible_.load(std::memory_order_acquire);
    *end = after_ >= visible;
    if (*end) return {};
    std::map<Sequence, Item> items;
    Sequence horizon = visible;   // everything up to here is in `items`
    const store::SegmentMap segments = store_.segments_.Now();
    JZSE_RETURN_IF_ERROR(Collect(*segments, visible, &horizon, &items));
    for (auto& [sequence, item] : items) {
      if (sequence > horizon) break;
      JZSE_RETURN_IF_ERROR(AddEvent(item));
    }
    after_ = horizon;
    return {};
  }

  // From each segment the entries in (after_, visible]; stops at the first commit segment that has some, so that one
  // call reads about one segment.
  Status Collect(const std::map<base::SegmentId, store::SegmentRef>& segments, Sequence visible, Sequence* horizon,
                 std::map<Sequence, Item>* items) {
    bool have_commits = false;
    for (const auto& [id, segment] : segments) {
      if (segment->header().stream != store::Stream::kCommit) continue;
      const auto trailer = segment->trailer();
      if (trailer && (trailer->records == 0 || trailer->last <= after_)) continue;
      if (have_commits) {
        // The next one begins here; what is before it was read.
        *horizon = std::min(*horizon, segment->header().first_sequence - 1);
        break;
      }
      JZSE_RETURN_IF_ERROR(Take(segment, visible, items, horizon));
      have_commits = !items->empty();
    }
    for (const auto& [id, segment] : segments) {
      if (segment->header().stream != store::Stream::kCold) continue;
      const auto trailer = segment->trailer();
      if (!trailer || trailer->records == 0 || trailer->last <= after_ || trailer->first > *horizon) continue;
      if (base::Planted("feed-misses-compacted")) continue;
      Sequence whole = *horizon;
      JZSE_RETURN_IF_ERROR(Take(segment, *horizon, items, &whole));
    }
    return {};
  }

  Status Take(const store::SegmentRef& segment, Sequence until, std::map<Sequence, Item>* items,
              Sequence* horizon) {
    uint64_t from = base::kSegmentHeaderSize;
    const bool sealed = segment->trailer().has_value();  // it may become so meanwhile
    if (!sealed && segment->id() == open_segment_) from = open_offset_;
    JZSE_ASSIGN_OR_RETURN(store::SegmentEntries found,
                          sealed ? store::ReadEntries(*segment, from, 0, nullptr) : ReadOpen(*segment, from));
    // A segment that is read piece by piece tells how far this piece goes.
    if (!sealed && found.entries.size() >= base::kFeedBatchMax)
      *horizon = std::min(*horizon, found.entries.back().header.sequence);
    for (store::FooterEntry& entry : found.entries) {
      if (entry.header.type == store::RecordType::kFooter || entry.header.type == store::RecordType::kChunk) continue;
      if (entry.header.sequence <= after_ || entry.header.sequence > until) continue;
      const Sequence sequence = entry.header.sequence;
      (*items)[sequence] = {segment, std::move(entry)};
    }
    return {};
  }

  // The segment that is being written (or was left unsealed): up to what is durable.
  StatusOr<store::SegmentEntries> ReadOpen(store::Segment& segment, uint64_t from) {
    store::SegmentEntries found;
    const uint64_t end = segment.end;
    store::SegmentScanner scanner(segment, from, end);
    store::SegmentScanner::Item item;
    while (found.entries.size() < base::kFeedBatchMax) {
      JZSE_ASSIGN_OR_RETURN(const bool more, scanner.Next(&item));
      if (!more) break;
      if (item.header.sequence <= after_) {
        open_segment_ = segment.id();
        open_offset_ = scanner.position();
        continue;
      }
      const bool first = (item.header.flags & store::kFlagGroupFirst) != 0;
      const Bytes payload = first ? item.payload.substr(store::kGroupPrefixSize) : item.payload;
      const auto summary = store::SummarySize(item.header.type, payload);
      if (!summary.ok()) continue;
      found.entries.push_back({item.header, item.location.offset, std::string(payload.substr(0, *summary))});
    }
    return found;
  }

  // The last event is the last one of its transaction that this feed tells.
  void Settle() {
    if (!std::exchange(goes_on_, false) || events_.empty()) return;
    events_.back().more = false;
  }

  Status AddEvent(const Item& item) {
    const size_t before = events_.size();
    JZSE_RETURN_IF_ERROR(AddChange(item));
    const bool more = (item.entry.header.flags & store::kFlagTransactionMore) != 0;
    if (events_.size() > before) goes_on_ = more;
    if (!more) Settle();
    return {};
  }

  // Adds what is to be told of a record, which may be nothing.
  Status AddChange(const Item& item) {
    if (item.entry.header.type != store::RecordType::kChange) return {};
    JZSE_ASSIGN_OR_RETURN(const store::ChangeRecord change, store::DecodeChange(item.entry.summary));
    if (ns_ != 0 && change.ns != ns_) return {};
    const std::string name = store_.NameOf(change.ns);
    if (name.empty()) return {};  // of a namespace dropped since
    const std::string& path = change.file.path.path;
    if (path.compare(0, options_.prefix.size(), options_.prefix) != 0 &&
        (change.old_path.empty() || change.old_path.compare(0, options_.prefix.size(), options_.prefix) != 0))
      return {};
    ChangeEvent event;
    event.sequence = item.entry.header.sequence;
    event.type = static_cast<ChangeType>(change.type);
    event.more = (item.entry.header.flags & store::kFlagTransactionMore) != 0;
    event.ns = name;
    event.path = path;
    event.old_path = change.old_path;
    event.info = InfoOf(event.sequence, change.file);
    events_.push_back(std::move(event));
    return {};
  }

  StoreImpl& store_;
  const FeedOptions options_;
  const NamespaceId ns_;
  Sequence after_;
  std::atomic<bool> cancelled_{false};
  base::SegmentId open_segment_ = 0;
  uint64_t open_offset_ = 0;
  std::deque<ChangeEvent> events_;
  bool goes_on_ = false;  // the transaction of the last of them may have another one
  ChangeEvent event_;
  std::function<void(bool)> tell_;  // set once; called, like told_, under feed_mutex_
  bool told_ = false;
};

void StoreImpl::TellFeeds() {
  for (FeedImpl* const feed : telling_feeds_) feed->Tell(true);
}

StatusOr<std::unique_ptr<Feed>> StoreImpl::OpenFeed(const FeedOptions& options) {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  NamespaceId ns = 0;
  FeedOptions canonical = options;
  if (!options.ns.empty()) {
    JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(options.ns));
    ns = name.id;
    JZSE_ASSIGN_OR_RETURN(canonical.prefix, model::CanonicalPrefix(name.policy.kind, options.prefix));
  } else {
    // Of any namespace: what is too long for a key can only begin a path.
    const auto kind = options.prefix.size() <= base::kKeySizeMax ? model::NamespaceKind::kKeys : model::NamespaceKind::kTree;
    JZSE_ASSIGN_OR_RETURN(canonical.prefix, model::CanonicalPrefix(kind, options.prefix));
  }
  return std::unique_ptr<Feed>(std::make_unique<FeedImpl>(*this, std::move(canonical), ns));
}

}  // namespace jzse::engine
