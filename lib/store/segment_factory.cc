// SPDX-License-Identifier: Apache-2.0
#include "store/segment_factory.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

}  // namespace

SegmentFactory::SegmentFactory(io::Env& env, std::string directory, const StoreId& store,
                               base::ReplicaId replica, uint64_t free_space_reserve)
    : env_(env), files_(env, base::kOpenSegmentsMax), directory_(std::move(directory)), store_(store), replica_(replica), reserve_(free_space_reserve) {}

Status SegmentFactory::CheckSpace(uint64_t size, bool urgent) {
  if (urgent || reserve_ == UINT64_MAX || base::Planted("reserve-ignored")) return {};
  JZSE_ASSIGN_OR_RETURN(uint64_t free, env_.FreeSpace(directory_));
  if (free >= reserve_ && free - reserve_ >= size) return {};
  // Before anybody is refused, what was only kept ready is given up.
  if (DropSpares()) {
    JZSE_ASSIGN_OR_RETURN(free, env_.FreeSpace(directory_));
    if (free >= reserve_ && free - reserve_ >= size) return {};
  }
  return Fail(Code::kNoSpace, absl::StrCat(directory_, ": ", free, " bytes are free, ", size,
                                           " are needed above the reserve of ", reserve_));
}

Status SegmentFactory::RemoveSpares(const std::vector<io::DirEntry>& spares) {
  for (const io::DirEntry& entry : spares)
    JZSE_RETURN_IF_ERROR(env_.Remove(absl::StrCat(directory_, "/", entry.name)));
  return {};
}

StatusOr<SegmentFactory::Spare> SegmentFactory::NewSpare(uint64_t size) {
  Spare spare{absl::StrCat(directory_, "/", std::string(kSparePrefix), next_spare_++), size};
  JZSE_ASSIGN_OR_RETURN(auto file, env_.Open(spare.path, io::OpenMode::kCreate));
  Status status = file->WriteZeros(0, size);
  if (status.ok() && size > 0) status = file->SyncData();
  if (status.ok()) return spare;
  file.reset();
  (void)env_.Remove(spare.path);  // the failure to report is the first one
  return status;
}

StatusOr<SegmentFactory::Spare> SegmentFactory::TakeSpare(uint64_t size) {
  std::optional<Spare> spare;
  {
    std::lock_guard lock(mutex_);
    const auto it = std::find_if(spares_.begin(), spares_.end(),
                                 [size](const Spare& spare) { return spare.size >= size; });
    if (it != spares_.end()) {
      spare = *it;
      spares_.erase(it);
    }
  }
  if (!spare) return NewSpare(size);
  // Or a power cut could leave the header of its next life under the name of its last one.
  if (spare->recycled && !base::Planted("recycled-name-not-synced")) JZSE_RETURN_IF_ERROR(env_.SyncDir(directory_));
  return *spare;
}

StatusOr<SegmentRef> SegmentFactory::Make(SegmentHeader header, uint64_t size, bool urgent, SegmentSet* segments) {
  size = base::AlignUp(size, 4096);
  JZSE_RETURN_IF_ERROR(CheckSpace(size, urgent));
  header.store = store_;
  header.replica = replica_;
  header.created_micros = static_cast<uint64_t>(env_.NowMicros());
  JZSE_ASSIGN_OR_RETURN(const Spare spare, size == 0 ? NewSpare(0) : TakeSpare(size));
  header.id = next_id_++;
  const std::string path = absl::StrCat(directory_, "/", SegmentFileName(header.id));
  JZSE_ASSIGN_OR_RETURN(auto file, env_.Open(spare.path, io::OpenMode::kReadWrite));
  const std::string bytes = EncodeSegmentHeader(header);
  const Bytes part(bytes);
  JZSE_RETURN_IF_ERROR(file->WriteDurable(0, std::span(&part, 1)));
  JZSE_RETURN_IF_ERROR(env_.Rename(spare.path, path));
  SegmentRef made;
  const Status known = base::CatchOutOfMemory([&]() -> Status {
    if (!base::Planted("skip-directory-sync")) JZSE_RETURN_IF_ERROR(env_.SyncDir(directory_));
    made = std::make_shared<Segment>(files_.Adopt(std::move(file), path, io::OpenMode::kReadWrite), path, header);
    if (segments != nullptr) segments->Add(made);
    return {};
  });
  if (known.ok()) return made;
  made.reset();
  file.reset();
  Abandon(path);
  return known;
}

bool SegmentFactory::DropSpares() {
  std::lock_guard lock(mutex_);
  if (spares_.empty()) return false;
  // A file that cannot be removed now is removed by the next open.
  for (const Spare& spare : spares_) (void)env_.Remove(spare.path);
  spares_.clear();
  return true;
}

bool SegmentFactory::Prepared(uint64_t size) const {
  std::lock_guard lock(mutex_);
  return std::any_of(spares_.begin(), spares_.end(), [size](const Spare& spare) { return spare.size >= size; });
}

Status SegmentFactory::Prepare(uint64_t size) {
  size = base::AlignUp(size, 4096);
  if (Prepared(size)) return {};
  JZSE_RETURN_IF_ERROR(CheckSpace(size, false));
  JZSE_ASSIGN_OR_RETURN(Spare spare, NewSpare(size));
  std::lock_guard lock(mutex_);
  spares_.push_back(std::move(spare));
  return {};
}

void SegmentFactory::Recycle(std::unique_ptr<io::File> file, const std::string& path) {
  const auto size = file->Size();
  file.reset();
  std::unique_lock lock(mutex_);
  if (size.ok() && *size >= base::kCommitSegmentSizeMin && *size <= base::kCommitSegmentSizeMax &&
      spares_.size() < base::kRecycledSegmentsMax) {
    const std::string name = absl::StrCat(directory_, "/", std::string(kSparePrefix), next_spare_++);
    if (env_.Rename(path, name).ok()) {
      spares_.push_back({name, *size, true});
      return;
    }
  }
  lock.unlock();
  // Best effort: what stays behind is recognised as replaced at the next open.
  (void)env_.Remove(path);
}

void SegmentFactory::Abandon(const std::string& path) {
  if (env_.Remove(path).ok()) return;
  std::lock_guard lock(mutex_);
  abandoned_.push_back(path);
}

Status SegmentFactory::DropAbandoned() {
  std::lock_guard lock(mutex_);
  for (; !abandoned_.empty(); abandoned_.pop_back()) {
    const Status removed = env_.Remove(abandoned_.back());
    if (!removed.ok() && !base::Is(removed, Code::kNotFound)) return removed;
  }
  return {};
}

}  // namespace jzse::store
