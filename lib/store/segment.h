// SPDX-License-Identifier: Apache-2.0
// Segments as files: opening, reading and checking single records, and the set of all segments of a store.
//
// Invariants:
//  1. A Segment's file is removed or recycled only after its last reference is gone: a reader, lister or snapshot that
//     holds a SegmentRef may read on, whatever compaction does.
//  2. What ReadRecord returns has passed its check at exactly that place.
//
// Threads: SegmentSet and Segment may be used from any thread.
#ifndef JZSE_STORE_SEGMENT_H_
#define JZSE_STORE_SEGMENT_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "io/io.h"
#include "store/file_pool.h"
#include "store/format.h"

namespace jzse::store {

class Segment {
 public:
  Segment(std::unique_ptr<io::File> file, std::string path, const SegmentHeader& header);
  ~Segment();

  const SegmentHeader& header() const { return header_; }
  SegmentId id() const { return header_.id; }
  const std::string& path() const { return path_; }
  io::File& file() { return *file_; }
  const RecordSealer& sealer() const { return sealer_; }

  // Reads the record at exactly this place into *buffer (resized to location.size) and checks it. kCorrupt names the
  // segment and the offset. The returned payload points into *buffer.
  StatusOr<Bytes> ReadRecord(const Location& location, RecordHeader* header, std::string* buffer);
  StatusOr<Bytes> ReadRecord(const Location& location, RecordHeader* header, base::Buffer* buffer);
  // The same for bytes that were read already.
  StatusOr<Bytes> CheckRecord(const Location& location, Bytes record, RecordHeader* header) const;

  // Known once sealed, here or by an earlier process.
  std::optional<Trailer> trailer() const;
  void set_trailer(const Trailer& trailer);
  // Every footer entry in order; kNotFound when the segment is not sealed, kCorrupt when the footer is damaged.
  StatusOr<std::vector<FooterEntry>> ReadFooter();

  // What to do with the file when the last reference goes.
  void Retire(std::function<void(std::unique_ptr<io::File>, const std::string& path)> dispose);
  // Bytes of records found to be superseded since the store was opened; a hint for compaction.
  std::atomic<uint64_t> dead_bytes{0};
  // Records lie below this offset (all of them, when sealed).
  std::atomic<uint64_t> end{base::kSegmentHeaderSize};

 private:
  std::unique_ptr<io::File> file_;
  std::string path_;
  SegmentHeader header_;
  RecordSealer sealer_;
  StatusOr<Bytes> ReadInto(const Location& location, RecordHeader* header, char* buffer);

  mutable std::mutex mutex_;
  std::optional<Trailer> trailer_;
  std::function<void(std::unique_ptr<io::File>, const std::string&)> dispose_;
};

using SegmentRef = std::shared_ptr<Segment>;  // shared: readers keep files alive beyond compaction

// The segments of one moment, never changed. Shared: whoever holds it keeps the files readable.
using SegmentMap = std::shared_ptr<const std::map<SegmentId, SegmentRef>>;
SegmentRef FindIn(const SegmentMap& map, SegmentId id);  // null if there is none

class SegmentSet {
 public:
  void Add(SegmentRef segment);
  void Remove(SegmentId id);
  SegmentMap Now() const;
  SegmentRef Find(SegmentId id) const;           // null if there is none
  std::vector<SegmentRef> List() const;          // by id
  std::vector<SegmentRef> List(Stream stream) const;
  size_t count() const { return Now()->size(); }

 private:
  mutable std::shared_mutex mutex_;
  SegmentMap segments_ = std::make_shared<const std::map<SegmentId, SegmentRef>>();
};

// Opens `path` and reads its header and, if there is one, its trailer. kInvalid: it is a segment of another store.
StatusOr<SegmentRef> OpenSegment(io::Env& env, FilePool& files, const std::string& path, const StoreId& store,
                                 bool writable);

// A summary is a payload without group prefix and content bytes; this finds its length. kCorrupt if malformed.
StatusOr<size_t> SummarySize(RecordType type, Bytes payload);

// Walks all records of a segment from the beginning of the records, one by one, resynchronising after damage.
class SegmentScanner {
 public:
  // `begin` is a place where a record may start; `end` bounds the scan (size of the file, or begin of the footer).
  SegmentScanner(Segment& segment, uint64_t begin, uint64_t end);

  struct Item {
    RecordHeader header;
    Location location;
    Bytes payload;              // valid until the next call
    uint64_t skipped = 0;       // bytes passed over before this record because nothing valid began there
    base::Hash128 check;
  };
  // The next valid record, or false at the end. `tail()` then tells how many bytes were passed over last.
  StatusOr<bool> Next(Item* item);
  uint64_t position() const { return position_; }

 private:
  Status Fill(uint64_t offset, size_t size);

  Segment& segment_;
  uint64_t position_;
  uint64_t end_;
  std::string buffer_;
  uint64_t buffer_offset_ = 0;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_SEGMENT_H_
