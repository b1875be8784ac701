// SPDX-License-Identifier: Apache-2.0
#include "store/journal.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr size_t kFooterPageSize = 256 * base::kKiB;
constexpr size_t kFooterFrameSize = 64;              // of a page: header, padding, check
constexpr size_t kFooterEntrySizeMax = 40;           // of an entry, without its summary
constexpr size_t kFooterBytesMax = 8 * base::kMiB;   // a segment of tiny records closes early
constexpr size_t kLargeFooter = 128 * base::kKiB;    // worth a way of its own to the disk

}  // namespace

void FooterCollector::Add(const RecordHeader& header, uint32_t offset, Bytes summary) {
  page_.Add(header, offset, summary);
  ++records_;
  first_ = first_ == 0 ? header.sequence : std::min(first_, header.sequence);
  last_ = std::max(last_, header.sequence);
  if (page_.size() >= kFooterPageSize) {
    bytes_ += page_.size();
    pages_.push_back(page_.Take());
  }
}

std::string FooterCollector::Finish(const RecordSealer& sealer, uint64_t offset, Trailer* trailer) {
  if (page_.size() > 0) pages_.push_back(page_.Take());
  std::string out;
  for (const std::string& page : pages_) {
    const uint64_t at = offset + out.size();
    const size_t position = BeginRecord({RecordType::kFooter, 0, 0, 0, 0}, &out);
    out.append(page);
    FinishRecord(sealer, at, position, &out);
  }
  *trailer = {offset, offset + out.size(), records_, first_, last_};
  out.append(EncodeTrailer(sealer, *trailer));
  return out;
}

namespace {

// Makes the bytes durable. Whole blocks of many go past the page cache: nobody reads them soon, and whoever commits waits.
Status WritePages(io::File& file, uint64_t offset, Bytes bytes) {
  const size_t head = base::AlignUp(offset, base::kBlockSize) - offset;
  if (bytes.size() >= kLargeFooter) {
    base::BlockBuffer blocks;
    blocks.Append(bytes.substr(head, (bytes.size() - head) / base::kBlockSize * base::kBlockSize));
    const Bytes middle = blocks.view();
    JZSE_RETURN_IF_ERROR(file.WriteDurable(offset + head, std::span(&middle, 1)));
    const Bytes tail = bytes.substr(head + middle.size());
    JZSE_RETURN_IF_ERROR(file.Write(offset + head + middle.size(), std::span(&tail, 1)));
    bytes = bytes.substr(0, head);
  }
  JZSE_RETURN_IF_ERROR(file.Write(offset, std::span(&bytes, 1)));
  return base::Planted("trailer-before-footer") ? Status() : file.SyncData();
}

}  // namespace

Status SealSegment(Segment& segment, FooterCollector& footer) {
  Trailer trailer;
  const uint64_t offset = segment.end;
  const std::string bytes = footer.Finish(segment.sealer(), offset, &trailer);
  // The trailer vouches for all before it, so that is durable first.
  const Bytes pages = Bytes(bytes).substr(0, bytes.size() - kTrailerSize);
  const Bytes end = Bytes(bytes).substr(pages.size());
  JZSE_RETURN_IF_ERROR(WritePages(segment.file(), offset, pages));
  JZSE_RETURN_IF_ERROR(segment.file().Write(offset + pages.size(), std::span(&end, 1)));
  // Before the cut: a file that ends where a trailer must be, without one, is damaged for certain.
  JZSE_RETURN_IF_ERROR(segment.file().SyncData());
  JZSE_RETURN_IF_ERROR(segment.file().Truncate(offset + bytes.size()));
  JZSE_RETURN_IF_ERROR(segment.file().SyncData());
  segment.set_trailer(trailer);
  return {};
}

Journal::Journal(SegmentFactory& factory, SegmentSet& segments, Sequence last, const StreamPosition& previous,
                 bool continues)
    : factory_(factory), segments_(segments), last_(last), previous_(previous), continues_(continues) {}

Status Journal::Broken(const Status& status) {
  std::lock_guard lock(failure_mutex_);
  broken_ = true;
  failure_ = base::OutOfMemory();  // if there is no memory for the words
  failure_ = Fail(Code::kReadOnly, absl::StrCat("writes stopped after a failed write or sync of the journal (",
                                                status.message(), "); reopen the store"));
  return status;
}

Status Journal::Failure() const {
  if (!broken()) return {};
  std::lock_guard lock(failure_mutex_);
  return failure_;
}

// A footer that was begun cannot be begun again: whatever fails here must end the writing.
Status Journal::Seal(Segment& segment, FooterCollector& footer) {
  const Status sealed = base::CatchOutOfMemory([&] { return SealSegment(segment, footer); });
  if (!sealed.ok()) return Broken(sealed);
  ++syncs_;
  return {};
}

Status Journal::FinishSealing() {
  std::lock_guard lock(sealing_mutex_);
  return FinishSealingLocked();
}

Status Journal::FinishSealingLocked() {
  if (!full_) return {};
  Full full = std::move(*full_);
  full_.reset();
  sealing_.store(false, std::memory_order_release);
  JZSE_RETURN_IF_ERROR(Failure());
  if (full.segment) JZSE_RETURN_IF_ERROR(Seal(*full.segment, full.footer));
  factory_.UpdateCensus();
  return {};
}

Status Journal::Roll(uint64_t size, bool urgent) {
  JZSE_RETURN_IF_ERROR(Failure());
  std::lock_guard sealing(sealing_mutex_);
  JZSE_RETURN_IF_ERROR(FinishSealingLocked());
  // With room for its footer, so that sealing needs no more space.
  const uint64_t needed = base::kSegmentHeaderSize + size + FooterRoom();
  uint64_t wanted = std::max(next_size_, base::AlignUp(needed, base::kMiB / 4));
  if (wanted > base::kSegmentSizeMax) {
    return Fail(Code::kTooLarge, absl::StrCat("a group of ", size, " bytes is more than a segment can hold"));
  }
  SegmentHeader header;
  header.stream = Stream::kCommit;
  header.first_sequence = last_ + 1;
  if (segment_ || continues_) {
    header.previous = segment_ ? segment_->id() : previous_.segment;
    header.previous_end = segment_ ? offset_ : previous_.offset;
  }
  // The new one first: when there is no room for it, the old one is still open and nothing has changed.
  auto made = factory_.Make(header, wanted, urgent, &segments_);
  if (!made.ok() && urgent && base::Is(made.status(), Code::kNoSpace)) {
    wanted = base::AlignUp(needed, 4096);
    made = factory_.Make(header, wanted, urgent, &segments_);
  }
  if (!made.ok()) return made.status();
  full_.emplace(Full{std::move(segment_), std::exchange(footer_, FooterCollector())});
  sealing_.store(true, std::memory_order_release);
  segment_ = std::move(*made);
  offset_ = base::kSegmentHeaderSize;
  capacity_ = wanted;
  previous_check_ = 0;
  next_size_ = std::clamp(wanted * 2, next_size_, base::kCommitSegmentSizeMax);
  block_ = offset_;  // the header takes whole blocks
  buffer_.Cut(0);
  records_.clear();
  return {};
}

void Journal::Begin() {
  buffer_.Cut(offset_ - block_);
  records_.clear();
  mark_ = 0;
}

Location Journal::Append(RecordType type, Bytes head, Bytes body) {
  const bool first = records_.empty();
  RecordHeader header;
  header.type = type;
  header.flags = first ? kFlagGroupFirst : 0;
  header.group_position = static_cast<uint32_t>(records_.size());
  header.sequence = next();
  const size_t position = buffer_.size();
  const uint64_t offset = block_ + position;
  header.length = static_cast<uint32_t>((first ? kGroupPrefixSize : 0) + head.size() + body.size());
  JZSE_CHECK(header.length <= base::kRecordPayloadMax);
  // Header, prefix and check come last, when flags and places are known.
  buffer_.Extend(base::kRecordHeaderSize + (first ? kGroupPrefixSize : 0));
  buffer_.Append(head);
  buffer_.Append(body);
  buffer_.AppendZeros(position + RecordSize(header.length) - buffer_.size());
  records_.push_back({header, static_cast<uint32_t>(offset), position, head.size()});
  return {segment_ ? segment_->id() : 0, static_cast<uint32_t>(offset), RecordSize(header.length)};
}

void Journal::EndTransaction() {
  if (base::Planted("transaction-falls-apart")) mark_ = records_.size();
  for (size_t i = mark_; i + 1 < records_.size(); ++i) records_[i].header.flags |= kFlagTransactionMore;
  mark_ = records_.size();
}

void Journal::RollbackTransaction() {
  if (records_.size() == mark_ || base::Planted("half-transaction-kept")) return;
  buffer_.Cut(records_[mark_].position);
  records_.resize(mark_);
}

bool Journal::overflow() const {
  return !segment_ || offset_ + group_bytes() + footer_.bytes() + FooterRoom() > capacity_ ||
         footer_.bytes() > kFooterBytesMax;
}

// What the group in the making adds to the footer, pages and trailer included.
uint64_t Journal::FooterRoom() const {
  uint64_t bytes = 2 * kFooterFrameSize + kTrailerSize;
  for (const Pending& record : records_) bytes += record.summary + kFooterEntrySizeMax;
  return bytes;
}

// Completes every record of the group: header, prefix of the first one, check.
void Journal::FinishGroup() {
  const Sequence durable = base::Planted("group-vouches-for-itself") ? next() - 1 : last_;
  const GroupPrefix prefix{static_cast<uint32_t>(group_bytes()), static_cast<uint32_t>(records_.size()), durable,
                           previous_check_};
  StoreGroupPrefix(prefix, buffer_.data() + records_.front().position + base::kRecordHeaderSize);
  for (const Pending& record : records_) {
    char* const begin = buffer_.data() + record.position;
    StoreRecordHeader(record.header, begin);
    const size_t body = RecordSize(record.header.length) - base::kRecordCheckSize;
    const base::Hash128 check = segment_->sealer().CheckAt(record.offset, Bytes(begin, body));
    base::StoreLe(begin + body, check.low);
    base::StoreLe(begin + body + 8, check.high);
  }
}

Status Journal::Commit() {
  JZSE_RETURN_IF_ERROR(Failure());
  JZSE_CHECK(!records_.empty() && !overflow());
  FinishGroup();
  const uint64_t bytes = group_bytes();
  // Whole blocks, so that the system need not read any before it writes: what is durable of the first one is written again
  // as it is, what lies behind the group in the last one holds nothing.
  buffer_.AppendZeros(base::AlignUp(buffer_.size(), base::kBlockSize) - buffer_.size());
  const Bytes part = buffer_.view();
  JZSE_CHECK(block_ + part.size() <= capacity_);
  Status status = base::Planted("acknowledge-before-sync") ? segment_->file().Write(block_, std::span(&part, 1))
                                                           : segment_->file().WriteDurable(block_, std::span(&part, 1));
  if (base::Planted("retry-failed-sync") && !status.ok())
    status = segment_->file().WriteDurable(block_, std::span(&part, 1));
  if (!status.ok()) return Broken(status);
  ++syncs_;
  bytes_written_ += bytes;
  for (const Pending& record : records_) {
    const size_t prefix = (record.header.flags & kFlagGroupFirst) != 0 ? kGroupPrefixSize : 0;
    footer_.Add(record.header, record.offset,
                part.substr(record.position + base::kRecordHeaderSize + prefix, record.summary));
  }
  offset_ += bytes;
  previous_check_ = base::LoadLe<uint64_t>(part.data() + (offset_ - block_) - base::kRecordCheckSize);
  segment_->end = offset_;
  last_ += records_.size();
  KeepLastBlock();
  Begin();
  return {};
}

// What is durable of the block that the next group begins in stays, at the front.
void Journal::KeepLastBlock() {
  const uint64_t block = offset_ / base::kBlockSize * base::kBlockSize;
  const size_t kept = offset_ - block;
  std::memmove(buffer_.data(), buffer_.data() + (block - block_), kept);
  buffer_.Cut(kept);
  block_ = block;
}

StreamPosition Journal::position() const {
  return segment_ ? StreamPosition{segment_->id(), offset_} : previous_;
}

Status Journal::Close() {
  if (broken()) return {};
  JZSE_RETURN_IF_ERROR(FinishSealing());
  if (!segment_) return {};
  const SegmentRef segment = std::exchange(segment_, nullptr);
  previous_ = {segment->id(), offset_};
  continues_ = true;
  JZSE_RETURN_IF_ERROR(Seal(*segment, footer_));
  factory_.UpdateCensus();
  return {};
}

}  // namespace jzse::store
