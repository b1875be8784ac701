// SPDX-License-Identifier: Apache-2.0
// Open readers: one version of one file, piece by piece.
//
// Invariants
//   1. What is given out passed the check of its record in this memory: what the disk or the page cache hold afterwards does not matter.
//      (Extents are the exception: they were checked, and are read again by whoever gets them.)
//   2. A chunk is what its record says it is, and the record must say the hash and the namespace that the manifest asks for.
//   3. Memory: the record of one chunk, its content once more where it is compressed, and kPlacesMax places.
//
// Threading: one thread at a time, as the door says.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/block_buffer.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;
using model::Content;
using model::ContentKind;

namespace {

constexpr size_t kPlacesMin = 4, kPlacesMax = 64;   // of chunks that are looked up at once
constexpr uint64_t kPrefetchBytes = 4 * base::kMiB;

// The one error that a second look-up mends.
bool MovedAway(const Status& status) { return base::Is(status, Code::kBusy); }

// The place of stored bytes inside a record that was read and checked.
StatusOr<Extent> PlaceIn(store::Segment& segment, const store::Location& location, const char* record, Bytes stored,
                         uint64_t skip) {
  const int fd = segment.file().Descriptor();
  if (fd < 0) return Fail(Code::kUnsupported, "there is no descriptor to give out");
  const auto within = static_cast<uint64_t>(stored.data() - record);
  return Extent{fd, location.offset + within + skip, stored.size() - skip};
}

}  // namespace

class ReaderImpl : public Reader {
 public:
  ReaderImpl(StoreImpl& store, StoreImpl::Found found) : store_(store), found_(std::move(found)) {
    info_ = InfoOf(found_.entry);
    attributes_ = AttributesOf(found_.entry);
  }

  Status Load(const GetOptions& options);
  const FileInfo& info() const override { return info_; }
  const Attributes& attributes() const override { return attributes_; }
  StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override;
  StatusOr<Bytes> Span(uint64_t offset, Waits waits) override;
  Status Extents(uint64_t offset, size_t max, std::vector<Extent>* extents) override;

 private:
  struct Place {
    uint64_t offset = 0;  // of the chunk in the content
    store::Location location;
  };

  Status Walk(uint64_t offset, Waits waits);
  StatusOr<const Place*> PlaceOf(uint64_t offset, Waits waits);
  StatusOr<store::ChunkRecord> ReadChunk(uint64_t offset, Waits waits);
  Status ReadBytes(const store::SegmentRef& segment, const Place& place, Waits waits);
  void PrefetchBehind(const Place& place);
  Status Position(uint64_t offset, Waits waits);
  Status InlineExtent(uint64_t offset, std::vector<Extent>* extents);
  Status ChunkExtent(uint64_t offset, std::vector<Extent>* extents);
  void Hold(const store::SegmentRef& segment);
  Status Annotated(const Status& status);

  StoreImpl& store_;
  StoreImpl::Found found_;
  FileInfo info_;
  Attributes attributes_;
  base::Buffer inline_;
  store::ReadView own_view_;
  const store::ReadView* view_ = nullptr;
  std::optional<store::ManifestWalker> walker_;
  bool nodes_may_wait_ = true;             // for the walker's own reads
  std::vector<Place> places_;              // of chunks that follow one another
  size_t places_next_ = kPlacesMin;        // how many to look up the next time
  uint64_t prefetched_ = 0;                // up to here in the content
  base::BlockBuffer record_;               // of the chunk that was read last
  base::BlockBuffer decoded_;
  store::SegmentRef record_segment_;
  Bytes chunk_;                            // its content, in one of the two
  uint64_t chunk_offset_ = 0;
  bool loaded_ = false;                    // chunk_ is
  std::vector<store::SegmentRef> held_;    // behind extents given out
};

Status ReaderImpl::Load(const GetOptions& options) {
  const Content& content = found_.entry.content().content;
  if (content.storage == Content::Storage::kChunked) {
    own_view_ = store_.NewView();
    view_ = &own_view_;
    // What was looked up must still be so in the view, or its chunks may be gone from it.
    if (options.snapshot != nullptr) {
      view_ = ViewOf(options);
    } else {
      const Sequence version = found_.entry.sequence;
      if (!store_.FindVersion(found_.ns, found_.path, version, view_).ok())
        return Fail(Code::kBusy, absl::StrCat(model::Quoted(found_.path), ": changed while it was opened"));
    }
    JZSE_ASSIGN_OR_RETURN(walker_, store::ManifestWalker::Open(content.manifest, [this](const Hash256& hash) -> StatusOr<std::string> {
                            if (!nodes_may_wait_) return Fail(Code::kBusy, "a node of the manifest is not in memory");
                            std::string node;
                            JZSE_RETURN_IF_ERROR(store_.chunks_->Read(found_.ns, hash, view_, &node));
                            return node;
                          }));
    if (walker_->size() != info_.size)
      return Fail(Code::kCorrupt, absl::StrCat(model::Quoted(found_.path), ": manifest and size disagree"));
    return {};
  }
  if (content.storage == Content::Storage::kNone) return {};
  return store_.ReadInline(found_, ViewOf(options), &inline_);
}

Status ReaderImpl::Annotated(const Status& status) {
  if (base::Is(status, Code::kCorrupt)) ++store_.counters_.corrupt_records;
  return base::Annotate(status, model::Quoted(found_.path));
}

// ------------------------------------------------------------------------------------------------ contents

StatusOr<size_t> ReaderImpl::ReadAt(uint64_t offset, char* buffer, size_t size) {
  if (offset >= info_.size) return size_t{0};
  size = std::min<uint64_t>(size, info_.size - offset);
  for (size_t done = 0; done < size;) {
    JZSE_ASSIGN_OR_RETURN(const Bytes span, Span(offset + done, Waits::kAll));
    const size_t piece = std::min(size - done, span.size());
    std::copy_n(span.data(), piece, buffer + done);
    done += piece;
  }
  return size;
}

StatusOr<Bytes> ReaderImpl::Span(uint64_t offset, Waits waits) {
  if (offset >= info_.size) return Bytes();
  if (!walker_) return inline_.view().substr(offset);
  JZSE_RETURN_IF_ERROR(Position(offset, waits));
  return chunk_.substr(offset - chunk_offset_);
}

// Loads the chunk that holds `offset`.
Status ReaderImpl::Position(uint64_t offset, Waits waits) {
  if (loaded_ && offset >= chunk_offset_ && offset < chunk_offset_ + chunk_.size()) return {};
  JZSE_ASSIGN_OR_RETURN(const store::ChunkRecord chunk, ReadChunk(offset, waits));
  if (chunk.encoding == store::InlineEncoding::kRaw) {
    chunk_ = chunk.bytes;
  } else {
    decoded_.Cut(0);
    char* const to = decoded_.Extend(chunk.size);
    if (const Status status = store::DecodeContent(chunk.encoding, chunk.bytes, chunk.size, to); !status.ok())
      return Annotated(status);
    chunk_ = decoded_.view();
  }
  if (chunk_.size() != walker_->chunk().size)
    return Annotated(Fail(Code::kCorrupt, "a chunk has the wrong size"));
  chunk_offset_ = walker_->chunk_offset();
  loaded_ = true;
  return {};
}

// Moves the walker to the chunk that holds `offset`.
Status ReaderImpl::Walk(uint64_t offset, Waits waits) {
  if (walker_->valid() && offset >= walker_->chunk_offset() && offset - walker_->chunk_offset() < walker_->chunk().size) return {};
  nodes_may_wait_ = waits != Waits::kNothing;
  if (walker_->valid() && walker_->chunk_offset() + walker_->chunk().size == offset) {
    JZSE_RETURN_IF_ERROR(walker_->Next());
  } else {
    if (offset != chunk_offset_ + chunk_.size()) places_next_ = kPlacesMin;
    JZSE_RETURN_IF_ERROR(walker_->Seek(offset));
  }
  if (walker_->valid()) return {};
  return Fail(Code::kCorrupt, "the manifest ends early");
}

// Where the walker's chunk lies. Those behind it are looked up at the same time, more of them each time that they were read one after the other.
StatusOr<const ReaderImpl::Place*> ReaderImpl::PlaceOf(uint64_t offset, Waits waits) {
  const auto found = std::lower_bound(places_.begin(), places_.end(), offset,
                                      [](const Place& place, uint64_t wanted) { return place.offset < wanted; });
  if (found != places_.end() && found->offset == offset) return &*found;
  if (waits == Waits::kNothing) return Fail(Code::kBusy, "the index was not asked yet");
  places_.clear();
  for (const store::ManifestEntry& entry : walker_->chunks()) {
    if (places_.size() == places_next_) break;
    const auto stored = store_.chunks_->Find(found_.ns, entry.hash, view_);
    if (!stored.ok() && places_.empty()) return stored.status();
    if (!stored.ok()) break;  // told when it is wanted
    places_.push_back({offset, stored->location});
    offset += entry.size;
  }
  places_next_ = std::min(4 * places_next_, kPlacesMax);
  return &places_.front();
}

// The record of the chunk that holds `offset`, checked. It lies in record_.
StatusOr<store::ChunkRecord> ReaderImpl::ReadChunk(uint64_t offset, Waits waits) {
  loaded_ = false;
  const auto read = [&]() -> StatusOr<store::ChunkRecord> {
    JZSE_RETURN_IF_ERROR(Walk(offset, waits));
    JZSE_ASSIGN_OR_RETURN(const Place* const place, PlaceOf(walker_->chunk_offset(), waits));
    const store::SegmentRef segment = FindIn(view_->segments, place->location.segment);
    if (!segment) return Fail(Code::kCorrupt, "a chunk is missing");
    JZSE_RETURN_IF_ERROR(ReadBytes(segment, *place, waits));
    store::RecordHeader header;
    JZSE_ASSIGN_OR_RETURN(const Bytes payload, segment->CheckRecord(place->location, record_.view(), &header));
    JZSE_ASSIGN_OR_RETURN(const store::ChunkRecord chunk, store::DecodeChunk(payload));
    if (chunk.hash != walker_->chunk().hash || chunk.ns != found_.ns) return Fail(Code::kCorrupt, "a chunk is missing");
    record_segment_ = segment;
    return chunk;
  };
  auto chunk = read();
  if (!chunk.ok()) return Annotated(chunk.status());
  return chunk;
}

// The record's bytes, unchecked.
Status ReaderImpl::ReadBytes(const store::SegmentRef& segment, const Place& place, Waits waits) {
  const store::Location& location = place.location;
  if (location.size > store::RecordSize(base::kRecordPayloadMax))
    return Fail(Code::kCorrupt, "an impossible record size");
  record_.Cut(0);
  char* const buffer = record_.Extend(location.size);
  JZSE_ASSIGN_OR_RETURN(size_t count, segment->file().ReadCached(location.offset, location.size, buffer));
  if (count < location.size) {
    if (waits != Waits::kAll) return Fail(Code::kBusy, "a chunk is not in memory");
    PrefetchBehind(place);
    JZSE_ASSIGN_OR_RETURN(count, segment->file().Read(location.offset, location.size, buffer));
  }
  record_.Cut(count);
  return {};
}

// Who waits for the disk has it fetch what comes next, wherever that lies.
void ReaderImpl::PrefetchBehind(const Place& place) {
  if (place.offset + kPrefetchBytes / 2 < prefetched_) return;
  for (const Place* next = &place; next < places_.data() + places_.size() && next->offset < place.offset + kPrefetchBytes;) {
    const Place* last = next;
    while (last + 1 < places_.data() + places_.size() && last[1].location.segment == last->location.segment &&
           last[1].location.offset == last->location.offset + last->location.size)
      ++last;
    if (const store::SegmentRef segment = FindIn(view_->segments, next->location.segment))
      segment->file().Prefetch(next->location.offset, last->location.offset + last->location.size - next->location.offset);
    prefetched_ = last->offset + 1;
    next = last + 1;
  }
}

// ------------------------------------------------------------------------------------------------ extents

Status ReaderImpl::Extents(uint64_t offset, size_t max, std::vector<Extent>* extents) {
  while (extents->size() < max && offset < info_.size) {
    JZSE_RETURN_IF_ERROR(walker_ ? ChunkExtent(offset, extents) : InlineExtent(offset, extents));
    offset += extents->back().length;
  }
  return {};
}

// A segment that many extents lie in is held once.
void ReaderImpl::Hold(const store::SegmentRef& segment) {
  if (std::find(held_.begin(), held_.end(), segment) == held_.end()) held_.push_back(segment);
}

Status ReaderImpl::InlineExtent(uint64_t offset, std::vector<Extent>* extents) {
  JZSE_ASSIGN_OR_RETURN(const store::Location location, store_.HolderOf(found_.entry, nullptr));
  const store::SegmentRef segment = store_.segments_.Find(location.segment);
  if (!segment) return Fail(Code::kBusy, "the content was just moved; open the file again");
  store::RecordHeader header;
  base::Buffer record;
  JZSE_ASSIGN_OR_RETURN(Bytes payload, segment->ReadRecord(location, &header, &record));
  if ((header.flags & store::kFlagGroupFirst) != 0) payload.remove_prefix(store::kGroupPrefixSize);
  JZSE_ASSIGN_OR_RETURN(const store::ChangeRecord change, store::DecodeChange(payload));
  if (change.encoding != store::InlineEncoding::kRaw)
    return Fail(Code::kUnsupported, absl::StrCat(model::Quoted(found_.path), ": is stored compressed"));
  JZSE_ASSIGN_OR_RETURN(const Extent extent, PlaceIn(*segment, location, record.data(), change.inline_bytes, offset));
  Hold(segment);
  extents->push_back(extent);
  return {};
}

// Reads the record anew, whatever is loaded: it was checked by this call, as the door promises.
Status ReaderImpl::ChunkExtent(uint64_t offset, std::vector<Extent>* extents) {
  JZSE_ASSIGN_OR_RETURN(const store::ChunkRecord chunk, ReadChunk(offset, Waits::kAll));
  if (chunk.encoding != store::InlineEncoding::kRaw)
    return Fail(Code::kUnsupported, absl::StrCat(model::Quoted(found_.path), ": is stored compressed"));
  if (chunk.bytes.size() != walker_->chunk().size) return Annotated(Fail(Code::kCorrupt, "a chunk has the wrong size"));
  JZSE_ASSIGN_OR_RETURN(const Place* const place, PlaceOf(walker_->chunk_offset(), Waits::kAll));
  JZSE_ASSIGN_OR_RETURN(const Extent extent, PlaceIn(*record_segment_, place->location, record_.data(), chunk.bytes,
                                                     offset - walker_->chunk_offset()));
  Hold(record_segment_);
  extents->push_back(extent);
  return {};
}

StatusOr<std::unique_ptr<Reader>> StoreImpl::OpenReader(std::string_view ns, std::string_view path,
                                                        const GetOptions& options) {
  for (int attempt = 0;; ++attempt) {
    JZSE_ASSIGN_OR_RETURN(Found found, FindFile(ns, path, options));
    if (found.entry.kind() == ContentKind::kDirectory)
      return Fail(Code::kExists, absl::StrCat(model::Quoted(found.path), ": is a directory"));
    auto reader = std::make_unique<ReaderImpl>(*this, std::move(found));
    const Status status = reader->Load(options);
    if (status.ok()) return std::unique_ptr<Reader>(std::move(reader));
    if (!MovedAway(status) || attempt >= kAttemptsMax) return status;
  }
}

}  // namespace jzse::engine
