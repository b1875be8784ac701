// SPDX-License-Identifier: Apache-2.0
#include "store/chunk_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "store/compress.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr uint64_t kSpaceCheckBytes = 4 * base::kMiB;  // how often a growing segment looks at the free space
constexpr uint64_t kWritebackBytes = 2 * base::kMiB;

Status Missing(const Hash256& hash) {
  return Fail(Code::kCorrupt, absl::StrCat("chunk ", base::HexEncode(hash.view()), " is missing"));
}

}  // namespace

ChunkPins::~ChunkPins() {
  if (!chunks_.empty()) store_.Unpin(chunks_);
}

ChunkStore::ChunkStore(SegmentFactory& factory, SegmentSet& segments, LiveIndex& index, Sequence last_ordinal,
                       const StreamPosition& previous)
    : factory_(factory), segments_(segments), index_(index), previous_(previous), last_ordinal_(last_ordinal),
      durable_ordinal_(last_ordinal), taken_ordinal_(last_ordinal), durable_position_(previous) {}

// Finds the chunk and pins it, so that compaction cannot take it away in between.
StatusOr<bool> ChunkStore::Lookup(const ChunkId& id, ChunkPins* pins) {
  std::shared_lock collect(collect_mutex_);
  bool found = false;
  {
    std::lock_guard lock(mutex_);
    if (const auto it = pending_.find(id); it != pending_.end()) {
      found = true;
      if (!base::Planted("found-chunk-not-waited-for")) pins->ordinal_ = std::max(pins->ordinal_, it->second.ordinal);
    }
  }
  if (!found) {
    std::string value;
    JZSE_ASSIGN_OR_RETURN(found, index_.Get(ChunkKey(id.ns, id.hash), &value));
  }
  if (found && !base::Planted("found-chunk-not-pinned")) Pin(id, pins);
  return found;
}

void ChunkStore::Pin(const ChunkId& id, ChunkPins* pins) {
  std::lock_guard lock(pins_mutex_);
  pins->chunks_.reserve(pins->chunks_.size() + 1);  // before the count, for what throws
  if (collecting_) pinned_since_.insert(id);
  ++pinned_[id];
  pins->chunks_.push_back(id);
}

Status ChunkStore::Put(NamespaceId ns, const Hash256& hash, Bytes content, int level, ChunkPins* pins) {
  const ChunkId id{ns, hash};
  JZSE_ASSIGN_OR_RETURN(const bool found, Lookup(id, pins));
  if (found) {
    // A copy that is damaged is no copy: the content is here, so it is stored again and takes the old one's place.
    std::string stored;
    const Status whole = base::Planted("damaged-copy-counts") ? Status() : Read(ns, hash, nullptr, &stored);
    if (!base::Is(whole, Code::kCorrupt)) return whole;
  }
  ChunkRecord chunk{ns, hash, InlineEncoding::kRaw, static_cast<uint32_t>(content.size()), content};
  std::string compressed;
  if (level > 0 && Compress(content, level, &compressed)) {
    chunk.encoding = InlineEncoding::kZstd;
    chunk.bytes = compressed;
  }
  return Append(id, chunk, pins);
}

Status ChunkStore::RollLocked(uint64_t size) {
  SegmentHeader header;
  header.stream = Stream::kBulk;
  header.first_sequence = last_ordinal_ + 1;
  header.previous = segment_ ? segment_->id() : previous_.segment;
  header.previous_end = segment_ ? durable_position_.offset : previous_.offset;
  if (segment_ && durable_position_.segment != segment_->id()) header.previous_end = base::kSegmentHeaderSize;
  JZSE_RETURN_IF_ERROR(factory_.CheckSpace(std::max<uint64_t>(size, base::kMiB), false));
  JZSE_ASSIGN_OR_RETURN(SegmentRef made, factory_.Make(header, 0, false, &segments_));
  if (segment_) {
    // Seals, and thereby makes durable, everything in the old one.
    if (const Status sealed = SealLocked(*segment_); !sealed.ok()) return BrokenLocked(sealed, "seal");
  }
  segment_ = std::move(made);
  offset_ = base::kSegmentHeaderSize;
  durable_ordinal_ = last_ordinal_;
  durable_position_ = {segment_->id(), offset_};
  factory_.UpdateCensus();
  return {};
}

Status ChunkStore::BrokenLocked(const Status& status, std::string_view what) {
  broken_ = true;
  failure_ = base::OutOfMemory();  // if there is no memory for the words
  failure_ = Fail(Code::kReadOnly,
                  absl::StrCat("writes stopped after a failed ", absl::string_view(what.data(), what.size()),
                               " of the bulk stream (", status.message(), "); reopen the store"));
  return status;
}

Status ChunkStore::SealLocked(Segment& segment) {
  FooterCollector footer;
  // A footer that was begun cannot be begun again: whatever fails here must end the writing.
  return base::CatchOutOfMemory([&]() -> Status {
    for (const auto& [offset, entry] : written_) footer.Add(entry.first, offset, entry.second);
    written_.clear();
    return SealSegment(segment, footer);
  });
}

Status ChunkStore::Append(const ChunkId& id, const ChunkRecord& chunk, ChunkPins* pins) {
  std::string record;
  record.reserve(base::kRecordHeaderSize + chunk.bytes.size() + 96);
  const size_t position = BeginRecord({RecordType::kChunk, 0, 0, 0, 0}, &record);
  ChunkRecord head = chunk;
  head.bytes = {};
  EncodeChunk(head, &record);
  const size_t summary = record.size() - base::kRecordHeaderSize;
  const uint32_t size = RecordSize(summary + chunk.bytes.size());

  // All memory is taken before the write: a record that is on disk but unknown here would be one that only a rebuild finds.
  Pin(id, pins);
  std::map<uint32_t, std::pair<RecordHeader, std::string>> for_footer;
  for_footer[0].second = record.substr(base::kRecordHeaderSize, summary);
  std::map<Sequence, std::pair<ChunkId, ChunkEntry>> for_index;
  for_index[0].first = id;
  std::map<ChunkId, ChunkEntry> for_finding;
  for_finding[id] = {};

  // A roll must see no write in flight.
  {
    std::lock_guard lock(mutex_);
    JZSE_RETURN_IF_ERROR(failure_);
  }
  std::shared_lock writing(writing_mutex_);
  SegmentRef segment;
  uint64_t offset = 0;
  Sequence ordinal = 0;
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      JZSE_RETURN_IF_ERROR(failure_);
      if (segment_ && offset_ + size <= next_size_) {
        segment = segment_;
        offset = offset_;
        ordinal = ++last_ordinal_;
        offset_ += size;
        break;
      }
    }
    writing.unlock();
    {
      std::unique_lock exclusive(writing_mutex_);
      std::lock_guard lock(mutex_);
      if (!segment_ || offset_ + size > next_size_) {
        if (segment_) next_size_ = std::min(base::kBulkSegmentSizeMax, next_size_ * 4);
        JZSE_RETURN_IF_ERROR(RollLocked(size));
      }
    }
    writing.lock();
  }
  base::StoreLe<uint64_t>(record.data() + 8, ordinal);
  JZSE_RETURN_IF_ERROR(WriteAt(*segment, offset, position, chunk, &record));

  std::lock_guard lock(mutex_);
  const ChunkEntry entry{{segment->id(), static_cast<uint32_t>(offset), size}, ordinal};
  if (segment == segment_) {
    auto node = for_footer.extract(for_footer.begin());
    node.key() = entry.location.offset;
    node.mapped().first = {RecordType::kChunk, 0, 0, static_cast<uint32_t>(summary + chunk.bytes.size()), ordinal};
    written_.insert(std::move(node));
  }
  segment->end = std::max<uint64_t>(segment->end, offset + size);
  // Another thread may have stored the same chunk meanwhile; of two copies the higher ordinal counts, here as in a rebuild.
  pending_.merge(for_finding);
  ChunkEntry& newest = pending_.find(id)->second;
  if (newest.ordinal < ordinal) newest = entry;
  auto node = for_index.extract(for_index.begin());
  node.key() = ordinal;
  node.mapped().second = entry;
  pending_by_ordinal_.insert(std::move(node));
  pins->ordinal_ = std::max(pins->ordinal_, ordinal);
  return {};
}

// `record` lacks the chunk's bytes and what FinishRecord adds; it has room for both.
Status ChunkStore::WriteAt(Segment& segment, uint64_t offset, size_t position, const ChunkRecord& chunk,
                           std::string* record) {
  const uint64_t end = offset + RecordSize(record->size() - base::kRecordHeaderSize + chunk.bytes.size());
  if (offset / kSpaceCheckBytes != end / kSpaceCheckBytes)
    JZSE_RETURN_IF_ERROR(factory_.CheckSpace(kSpaceCheckBytes, false));
  record->append(chunk.bytes);
  FinishRecord(segment.sealer(), offset, position, record);
  const Bytes part(*record);
  JZSE_RETURN_IF_ERROR(segment.file().Write(offset, std::span(&part, 1)));
  bytes_written_ += record->size();
  if (offset / kWritebackBytes != end / kWritebackBytes)
    segment.file().StartWriteback(offset / kWritebackBytes * kWritebackBytes, kWritebackBytes);
  return {};
}

Status ChunkStore::Sync(const ChunkPins& pins) {
  std::lock_guard sync(sync_mutex_);
  SegmentRef segment;
  Sequence ordinal = 0;
  StreamPosition position;
  {
    std::unique_lock exclusive(writing_mutex_);
    std::lock_guard lock(mutex_);
    JZSE_RETURN_IF_ERROR(failure_);
    if (pins.ordinal_ <= durable_ordinal_) return {};
    segment = segment_;
    ordinal = last_ordinal_;
    position = {segment_->id(), segment_->end};  // not offset_: the last write may have failed
  }
  const Status status = base::Planted("change-before-its-chunks") ? Status() : segment->file().SyncData();
  std::lock_guard lock(mutex_);
  if (!status.ok() && base::Planted("failed-bulk-sync-forgotten")) return status;
  if (!status.ok()) return BrokenLocked(status, "sync");
  if (ordinal > durable_ordinal_) {
    durable_ordinal_ = ordinal;
    durable_position_ = position;
  }
  return {};
}

ChunkStore::Durable ChunkStore::TakeDurable() {
  std::lock_guard lock(mutex_);
  Durable durable;
  durable.position = durable_position_;
  durable.ordinal = base::Planted("watermark-over-unsynced-chunks") ? last_ordinal_ : durable_ordinal_;
  for (auto it = pending_by_ordinal_.upper_bound(taken_ordinal_);
       it != pending_by_ordinal_.end() && it->first <= durable_ordinal_; ++it)
    durable.chunks.push_back(it->second);
  return durable;
}

size_t ChunkStore::pending_count() const {
  std::lock_guard lock(mutex_);
  return pending_.size();
}

void ChunkStore::Forget(const Durable& published) {
  std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : published.chunks) {
    const auto it = pending_.find(id);
    if (it != pending_.end() && it->second.ordinal == entry.ordinal) pending_.erase(it);
  }
  pending_by_ordinal_.erase(pending_by_ordinal_.begin(), pending_by_ordinal_.upper_bound(published.ordinal));
  taken_ordinal_ = published.ordinal;
}

StatusOr<ChunkEntry> ChunkStore::Find(NamespaceId ns, const Hash256& hash, const ReadView* view) {
  std::string value;
  const std::string key = ChunkKey(ns, hash);
  bool found = false;
  if (view != nullptr) {
    JZSE_ASSIGN_OR_RETURN(found, index_.Get(*view->index, key, &value));
  } else {
    JZSE_ASSIGN_OR_RETURN(found, index_.Get(key, &value));
  }
  if (found) return DecodeChunkEntry(value);
  std::lock_guard lock(mutex_);
  if (const auto it = pending_.find({ns, hash}); it != pending_.end()) return it->second;
  return Missing(hash);
}

Status ChunkStore::Read(NamespaceId ns, const Hash256& hash, const ReadView* view, std::string* content) {
  std::string buffer;
  // Compaction may move the chunk between finding and reading it; then it is found at the new place.
  for (int attempt = 0;; ++attempt) {
    JZSE_ASSIGN_OR_RETURN(const ChunkEntry entry, Find(ns, hash, view));
    const SegmentRef segment =
        view != nullptr ? FindIn(view->segments, entry.location.segment) : segments_.Find(entry.location.segment);
    if (!segment) {
      if (view == nullptr && attempt < 16) continue;
      return Missing(hash);
    }
    RecordHeader header;
    JZSE_ASSIGN_OR_RETURN(const Bytes payload, segment->ReadRecord(entry.location, &header, &buffer));
    JZSE_ASSIGN_OR_RETURN(const ChunkRecord chunk, DecodeChunk(payload));
    if (chunk.hash != hash || chunk.ns != ns) return Missing(hash);
    return DecodeContent(chunk.encoding, chunk.bytes, chunk.size, content);
  }
}

Status ChunkStore::Close() {
  std::unique_lock exclusive(writing_mutex_);
  std::lock_guard lock(mutex_);
  if (!segment_ || !failure_.ok()) return {};
  const SegmentRef segment = std::exchange(segment_, nullptr);
  if (const Status sealed = SealLocked(*segment); !sealed.ok()) return BrokenLocked(sealed, "seal");
  durable_ordinal_ = last_ordinal_;
  durable_position_ = previous_ = {segment->id(), segment->end};
  return {};
}

uint64_t ChunkStore::open_segment() const {
  std::lock_guard lock(mutex_);
  return segment_ ? segment_->id() : 0;
}

void ChunkStore::Unpin(const std::vector<ChunkId>& chunks) {
  std::lock_guard lock(pins_mutex_);
  for (const ChunkId& id : chunks) {
    const auto it = pinned_.find(id);
    if (it != pinned_.end() && --it->second == 0) pinned_.erase(it);
  }
}

void ChunkStore::BeginCollect() {
  std::lock_guard lock(pins_mutex_);
  collecting_ = true;
  // A content under way may be committed, and its pins be gone, between the snapshot in which compaction looks for what
  // is alive and its decision.
  pinned_since_.clear();
  for (const auto& [id, count] : pinned_) pinned_since_.insert(id);
}

void ChunkStore::EndCollect() {
  std::lock_guard lock(pins_mutex_);
  collecting_ = false;
  pinned_since_.clear();
}

Status ChunkStore::Decide(
    const std::function<Status(const std::function<bool(const ChunkId&)>& in_use)>& body) {
  std::unique_lock collect(collect_mutex_);
  return body([this](const ChunkId& id) {
    std::lock_guard lock(pins_mutex_);
    if (base::Planted("pin-released-early")) return pinned_.contains(id);
    return pinned_.contains(id) || pinned_since_.contains(id);
  });
}

}  // namespace jzse::store
