// SPDX-License-Identifier: Apache-2.0
// The commit stream's writer: builds one group at a time and makes it durable with one write.
//
// Invariants:
//  1. Commit returns OK only after the whole group is durable.
//  2. After any failed Commit, Roll or seal the journal refuses every further group: what reached the disk is unknown.
//  3. Sequences in the stream only grow.
//  4. At most one segment behind the open one waits to be sealed. Until it is, the next one's header vouches for its end.
//
// Use: Begin, Append..., then Commit or begin again. When overflow() is true the group does not fit the segment: Roll with
// the size and build it anew, since places have changed.
//
// Threads: one at a time, except for what says so.
#ifndef JZSE_STORE_JOURNAL_H_
#define JZSE_STORE_JOURNAL_H_

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "store/record.h"
#include "store/segment_factory.h"

namespace jzse::store {

// Where a stream's reader goes on: the first byte not yet taken.
struct StreamPosition {
  SegmentId segment = 0;
  uint64_t offset = 0;
};

// Collects what a footer says while a segment is written, in encoded pages.
class FooterCollector {
 public:
  void Add(const RecordHeader& header, uint32_t offset, Bytes summary);
  // Footer pages and trailer, to be written at `offset`.
  std::string Finish(const RecordSealer& sealer, uint64_t offset, Trailer* trailer);
  size_t bytes() const { return bytes_; }
  uint64_t records() const { return records_; }

 private:
  FooterPageBuilder page_;
  std::vector<std::string> pages_;
  size_t bytes_ = 0;
  uint64_t records_ = 0;
  Sequence first_ = 0, last_ = 0;
};

// Writes footer and trailer at segment.end, cuts the file there and syncs it.
Status SealSegment(Segment& segment, FooterCollector& footer);

class Journal {
 public:
  // `previous`: the last commit segment of earlier processes and its end; ids 0 if none. `continues`: its last change is
  // `last`, so the next segment's header may vouch for it.
  Journal(SegmentFactory& factory, SegmentSet& segments, Sequence last, const StreamPosition& previous,
          bool continues);

  // A segment with room for `size` more bytes. The one before is left to FinishSealing. `urgent`: may use the reserve.
  Status Roll(uint64_t size, bool urgent);
  // Seals what Roll left and brings the census up to date. Several syncs, which no group waits for unless the next Roll comes
  // first. Any thread.
  Status FinishSealing();
  bool sealing() const { return sealing_.load(std::memory_order_acquire); }  // FinishSealing has work. Any thread.
  bool open() const { return segment_ != nullptr; }

  void Begin();
  // Encodes the record in place; the payload is head + body. Returns where it will lie.
  Location Append(RecordType type, Bytes head, Bytes body);
  // Records since the Mark belong together: End says that they are complete, Rollback takes them out again.
  void MarkTransaction() { mark_ = records_.size(); }
  void EndTransaction();
  void RollbackTransaction();
  bool overflow() const;
  uint64_t group_bytes() const { return buffer_.size() - (offset_ - block_); }
  size_t group_records() const { return records_.size(); }
  // The sequence that the next Append takes.
  Sequence next() const { return last_ + 1 + records_.size(); }
  Status Commit();

  Sequence last() const { return last_; }             // durable
  StreamPosition position() const;                    // behind the last durable group
  // After a failed write, sync or seal nothing is written any more. Any thread.
  bool broken() const { return broken_.load(std::memory_order_relaxed); }
  uint64_t remaining() const { return segment_ ? capacity_ - offset_ : 0; }
  uint64_t next_segment_size() const { return next_size_; }
  // Seals the open segment (or removes it when nothing was written).
  Status Close();

  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t syncs() const { return syncs_.load(std::memory_order_relaxed); }  // any thread

 private:
  struct Pending {
    RecordHeader header;
    uint32_t offset = 0;
    size_t position = 0;        // in buffer_
    size_t summary = 0;         // bytes of the payload behind the group prefix
  };
  // A segment that is full. Without one, only the census has to be told of a new one.
  struct Full {
    SegmentRef segment;
    FooterCollector footer;
  };
  Status Broken(const Status& status);
  Status Failure() const;
  Status FinishSealingLocked();
  Status Seal(Segment& segment, FooterCollector& footer);
  void FinishGroup();
  void KeepLastBlock();
  uint64_t FooterRoom() const;

  SegmentFactory& factory_;
  SegmentSet& segments_;
  SegmentRef segment_;
  FooterCollector footer_;
  uint64_t offset_ = 0;         // end of the last durable group
  uint64_t capacity_ = 0;
  uint64_t next_size_ = base::kCommitSegmentSizeMin;
  Sequence last_ = 0;
  StreamPosition previous_;
  bool continues_ = false;
  uint64_t previous_check_ = 0;
  uint64_t block_ = 0;          // the beginning of the block that offset_ lies in
  base::BlockBuffer buffer_;    // what the next write puts at block_: durable bytes, then the group
  std::vector<Pending> records_;
  size_t mark_ = 0;             // in records_: where the transaction begins
  mutable std::mutex failure_mutex_;
  Status failure_;                   // under failure_mutex_
  std::atomic<bool> broken_{false};  // failure_ is set
  uint64_t bytes_written_ = 0;
  std::atomic<uint64_t> syncs_{0};
  std::mutex sealing_mutex_;
  std::optional<Full> full_;         // under sealing_mutex_
  std::atomic<bool> sealing_{false};  // there is a full_
};

}  // namespace jzse::store

#endif  // JZSE_STORE_JOURNAL_H_
