// SPDX-License-Identifier: Apache-2.0
#include "store/segment.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "store/record.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr size_t kScanWindow = 1 * base::kMiB;

Status Damaged(SegmentId id, uint64_t offset, std::string_view what) {
  return Fail(Code::kCorrupt, absl::StrCat("segment ", SegmentFileName(id), " at offset ", offset, ": ",
                                           absl::string_view(what.data(), what.size())));
}

// A read that ended early although the file goes on: what was not read must not be taken for what is not there.
Status CheckShort(io::File& file, uint64_t end, std::string_view path) {
  JZSE_ASSIGN_OR_RETURN(const uint64_t size, file.Size());
  if (size <= end) return {};
  return Fail(Code::kIo, absl::StrCat(absl::string_view(path.data(), path.size()), ": a read ended at ", end, " of ", size,
                                      " bytes"));
}

}  // namespace

Segment::Segment(std::unique_ptr<io::File> file, std::string path, const SegmentHeader& header)
    : file_(std::move(file)), path_(std::move(path)), header_(header), sealer_(header.store, header.id) {}

Segment::~Segment() {
  if (!dispose_) return;
  // Without memory the file stays behind; the next open recognises it as replaced.
  (void)base::CatchOutOfMemory([this]() -> Status {
    dispose_(std::move(file_), path_);
    return {};
  });
}

StatusOr<Bytes> Segment::CheckRecord(const Location& location, Bytes record, RecordHeader* header) const {
  if (record.size() < location.size || !ParseRecordHeader(record, location.size, header) ||
      RecordSize(header->length) != location.size ||
      !RecordValid(sealer_, location.offset, *header, record.substr(0, location.size)))
    return Damaged(id(), location.offset, "a record fails its check");
  return PayloadOf(*header, record);
}

namespace {

Status CheckLocation(const Location& location) {
  if (location.size <= RecordSize(base::kRecordPayloadMax)) return {};
  return Damaged(location.segment, location.offset, "an impossible record size");
}

}  // namespace

StatusOr<Bytes> Segment::ReadRecord(const Location& location, RecordHeader* header, std::string* buffer) {
  JZSE_RETURN_IF_ERROR(CheckLocation(location));
  buffer->resize(location.size);
  return ReadInto(location, header, buffer->data());
}

StatusOr<Bytes> Segment::ReadRecord(const Location& location, RecordHeader* header, base::Buffer* buffer) {
  JZSE_RETURN_IF_ERROR(CheckLocation(location));
  buffer->Reset(location.size);
  return ReadInto(location, header, buffer->data());
}

StatusOr<Bytes> Segment::ReadInto(const Location& location, RecordHeader* header, char* buffer) {
  JZSE_ASSIGN_OR_RETURN(const size_t count, file_->Read(location.offset, location.size, buffer));
  return CheckRecord(location, Bytes(buffer, count), header);
}

std::optional<Trailer> Segment::trailer() const {
  std::lock_guard lock(mutex_);
  return trailer_;
}

void Segment::set_trailer(const Trailer& trailer) {
  std::lock_guard lock(mutex_);
  trailer_ = trailer;
}

void Segment::Retire(std::function<void(std::unique_ptr<io::File>, const std::string&)> dispose) {
  std::lock_guard lock(mutex_);
  dispose_ = std::move(dispose);
}

StatusOr<std::vector<FooterEntry>> Segment::ReadFooter() {
  const auto trailer = this->trailer();
  if (!trailer) return Fail(Code::kNotFound, "segment is not sealed");
  std::vector<FooterEntry> entries;
  SegmentScanner scanner(*this, trailer->footer_begin, trailer->footer_end);
  SegmentScanner::Item item;
  while (true) {
    JZSE_ASSIGN_OR_RETURN(const bool more, scanner.Next(&item));
    if (!more) break;
    if (item.header.type != RecordType::kFooter || item.skipped != 0)
      return Damaged(id(), item.location.offset, "the footer is damaged");
    JZSE_ASSIGN_OR_RETURN(auto page, DecodeFooterPage(item.payload));
    entries.insert(entries.end(), std::make_move_iterator(page.begin()), std::make_move_iterator(page.end()));
  }
  if (entries.size() != trailer->records) return Damaged(id(), trailer->footer_begin, "the footer is damaged");
  return entries;
}

SegmentRef FindIn(const SegmentMap& map, SegmentId id) {
  const auto it = map->find(id);
  return it == map->end() ? nullptr : it->second;
}

void SegmentSet::Add(SegmentRef segment) {
  std::unique_lock lock(mutex_);
  auto next = std::make_shared<std::map<SegmentId, SegmentRef>>(*segments_);
  const SegmentId id = segment->id();
  (*next)[id] = std::move(segment);
  segments_ = std::move(next);
}

void SegmentSet::Remove(SegmentId id) {
  SegmentMap last;  // destroyed outside of the lock
  std::unique_lock lock(mutex_);
  auto next = std::make_shared<std::map<SegmentId, SegmentRef>>(*segments_);
  next->erase(id);
  last = std::exchange(segments_, std::move(next));
  lock.unlock();
}

SegmentRef SegmentSet::Find(SegmentId id) const {
  std::shared_lock lock(mutex_);
  return FindIn(segments_, id);
}

SegmentMap SegmentSet::Now() const {
  std::shared_lock lock(mutex_);
  return segments_;
}

std::vector<SegmentRef> SegmentSet::List() const {
  std::vector<SegmentRef> list;
  const SegmentMap segments = Now();  // a loop over a temporary would outlive it
  for (const auto& [id, segment] : *segments) list.push_back(segment);
  return list;
}

std::vector<SegmentRef> SegmentSet::List(Stream stream) const {
  std::vector<SegmentRef> list = List();
  std::erase_if(list, [stream](const SegmentRef& segment) { return segment->header().stream != stream; });
  return list;
}

StatusOr<SegmentRef> OpenSegment(io::Env& env, FilePool& files, const std::string& path, const StoreId& store,
                                 bool writable) {
  const io::OpenMode mode = writable ? io::OpenMode::kReadWrite : io::OpenMode::kRead;
  JZSE_ASSIGN_OR_RETURN(auto file, env.Open(path, mode));
  std::string bytes(base::kSegmentHeaderSize, '\0');
  JZSE_ASSIGN_OR_RETURN(const size_t count, file->Read(0, bytes.size(), bytes.data()));
  if (count < bytes.size()) JZSE_RETURN_IF_ERROR(CheckShort(*file, count, path));
  auto header = DecodeSegmentHeader(Bytes(bytes).substr(0, count));
  if (!header.ok()) return base::Annotate(header.status(), path);
  if (header->store != store) return Fail(Code::kInvalid, absl::StrCat(path, ": belongs to another store"));
  JZSE_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > base::kSegmentSizeMax) return Fail(Code::kCorrupt, absl::StrCat(path, ": larger than any segment"));
  auto segment = std::make_shared<Segment>(files.Adopt(std::move(file), path, mode), path, *header);
  segment->end = size;
  if (size >= base::kSegmentHeaderSize + kTrailerSize) {
    const uint64_t offset = size - kTrailerSize;
    char trailer[kTrailerSize];
    JZSE_ASSIGN_OR_RETURN(const size_t got, segment->file().Read(offset, kTrailerSize, trailer));
    if (got < kTrailerSize) JZSE_RETURN_IF_ERROR(CheckShort(segment->file(), offset + got, path));
    if (const auto decoded = DecodeTrailer(segment->sealer(), offset, Bytes(trailer, got))) {
      segment->set_trailer(*decoded);
      segment->end = decoded->footer_begin;
    }
  }
  return segment;
}

SegmentScanner::SegmentScanner(Segment& segment, uint64_t begin, uint64_t end)
    : segment_(segment), position_(begin), end_(end) {}

// Makes buffer_ hold `size` bytes from `offset` on, or as many as there are.
Status SegmentScanner::Fill(uint64_t offset, size_t size) {
  if (offset >= buffer_offset_ && offset + size <= buffer_offset_ + buffer_.size()) return {};
  const uint64_t want = std::min<uint64_t>(std::max<uint64_t>(size, kScanWindow), end_ - offset);
  buffer_.resize(want);
  buffer_offset_ = offset;
  const auto count = segment_.file().Read(offset, want, buffer_.data());
  buffer_.resize(count.ok() ? *count : 0);
  JZSE_RETURN_IF_ERROR(count.status());
  return *count < want ? CheckShort(segment_.file(), offset + *count, segment_.path()) : Status();
}

namespace {

// How many bytes of 8-byte words that are zero the view begins with.
size_t LeadingZeros(Bytes view) {
  size_t at = 0;
  for (; at + 64 <= view.size(); at += 64) {
    uint64_t any = 0;
    for (size_t i = 0; i < 64; i += 8) any |= base::LoadLe<uint64_t>(view.data() + at + i);
    if (any != 0) break;
  }
  while (at + 8 <= view.size() && base::LoadLe<uint64_t>(view.data() + at) == 0) at += 8;
  return at;
}

}  // namespace

StatusOr<bool> SegmentScanner::Next(Item* item) {
  item->skipped = 0;
  for (; position_ + base::kRecordHeaderSize + base::kRecordCheckSize <= end_;
       position_ += 8, item->skipped += 8) {
    JZSE_RETURN_IF_ERROR(Fill(position_, base::kRecordHeaderSize));
    Bytes view = Bytes(buffer_).substr(position_ - buffer_offset_);
    if (view.empty()) break;  // the file ends before the segment does
    // No record begins with a word of zeros, and most of an unsealed segment is zeros.
    if (const size_t zeros = LeadingZeros(view); zeros > 8) {
      position_ += zeros - 8;
      item->skipped += zeros - 8;
      continue;
    }
    const uint64_t left = end_ - position_ - (base::Planted("segment-end-off-by-one") ? 1 : 0);
    if (!ParseRecordHeader(view, left, &item->header)) continue;
    const uint32_t size = RecordSize(item->header.length);
    JZSE_RETURN_IF_ERROR(Fill(position_, size));
    view = Bytes(buffer_).substr(position_ - buffer_offset_);
    if (view.size() < size) continue;
    const Bytes record = view.substr(0, size);
    if (!RecordValid(segment_.sealer(), position_, item->header, record)) continue;
    item->location = {segment_.id(), static_cast<uint32_t>(position_), size};
    item->payload = PayloadOf(item->header, record);
    item->check = {base::LoadLe<uint64_t>(record.data() + size - 16),
                   base::LoadLe<uint64_t>(record.data() + size - 8)};
    position_ += size;
    return true;
  }
  return false;
}

}  // namespace jzse::store
