// SPDX-License-Identifier: Apache-2.0
// Makes segment files. A commit segment is written over blocks that were written before (zeros, or a recycled segment),
// because then a sync is data and one cache flush without file-system metadata.
//
// Invariants:
//  1. A segment has its final name only after its header is durable, and Make returns only after the name is.
//  2. Ids only grow, also over reopening.
//  3. Writing never takes the disk below the free-space reserve, except for changes that free space.
//
// Threads: all methods from any thread. Outlives its segments.
#ifndef JZSE_STORE_SEGMENT_FACTORY_H_
#define JZSE_STORE_SEGMENT_FACTORY_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/io.h"
#include "store/census.h"
#include "store/file_pool.h"
#include "store/segment.h"

namespace jzse::store {

class SegmentFactory {
 public:
  // `directory` is the store's segments/.
  SegmentFactory(io::Env& env, std::string directory, const StoreId& store, base::ReplicaId replica,
                 uint64_t free_space_reserve);

  void UseIdsFrom(SegmentId next) { next_id_ = next; }
  // Outlives the factory's use.
  void UseCensus(Census* census) { census_ = census; }
  // After a segment was made or sealed; any thread.
  void UpdateCensus() {
    if (census_ != nullptr) census_->Update();
  }
  // Of an earlier process. They are not used again: after a power cut one of them may be a second name of a segment.
  Status RemoveSpares(const std::vector<io::DirEntry>& spares);

  // Fills in id, store, replica and time. `size`: bytes that will be written over prepared blocks (0: a growing file).
  // `urgent`: may use the free-space reserve. `segments`, unless null, knows it when Make returns; whatever fails, also for
  // lack of memory, leaves neither a segment nor a file.
  StatusOr<SegmentRef> Make(SegmentHeader header, uint64_t size, bool urgent, SegmentSet* segments);
  // Makes sure that a spare of at least `size` is there, so that the next Make need not wait for zeros.
  Status Prepare(uint64_t size);
  bool Prepared(uint64_t size) const;
  // Gives the space of spares back. False: there were none.
  bool DropSpares();
  // A dead segment's file: kept as a spare or removed.
  void Recycle(std::unique_ptr<io::File> file, const std::string& path);

  // A segment that was begun and is not wanted: removed now, or by DropAbandoned if that fails. Until then it must be
  // taken for a leftover, so what it would have replaced must stay.
  void Abandon(const std::string& path);
  Status DropAbandoned();

  // kNoSpace when writing `size` more bytes would reach into the reserve, even without spares.
  Status CheckSpace(uint64_t size, bool urgent);
  const std::string& directory() const { return directory_; }
  io::Env& env() { return env_; }
  FilePool& files() { return files_; }

 private:
  struct Spare {
    std::string path;
    uint64_t size = 0;
    bool recycled = false;  // it was a segment until its last rename, which may not be durable
  };
  StatusOr<Spare> NewSpare(uint64_t size);
  StatusOr<Spare> TakeSpare(uint64_t size);

  io::Env& env_;
  FilePool files_;
  Census* census_ = nullptr;
  const std::string directory_;
  const StoreId store_;
  const base::ReplicaId replica_;
  const uint64_t reserve_;
  std::atomic<SegmentId> next_id_{1};
  std::atomic<uint64_t> next_spare_{1};
  mutable std::mutex mutex_;
  std::vector<Spare> spares_;
  std::vector<std::string> abandoned_;
};

inline constexpr std::string_view kSparePrefix = "spare-";

}  // namespace jzse::store

#endif  // JZSE_STORE_SEGMENT_FACTORY_H_
