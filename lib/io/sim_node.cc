// SPDX-License-Identifier: Apache-2.0
#include "io/sim_node.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"

namespace jzse::io {
namespace {

uint64_t SectorBegin(uint64_t offset) { return offset / kSimSectorSize * kSimSectorSize; }
uint64_t SectorEnd(uint64_t offset) { return base::AlignUp(offset, kSimSectorSize); }

// How much of one write survives. Whole and absent writes are what most torn states consist of, so
// they are as frequent as all the mixtures.
class Survival {
 public:
  Survival(base::Prng& prng, CrashMode mode)
      : prng_(prng), style_(mode == CrashMode::kAllKept ? 0 : prng.Below(4)) {}
  bool KeepSector() {
    if (style_ == 0) return true;
    if (style_ == 1) return false;
    return prng_.OneIn(2);
  }

 private:
  base::Prng& prng_;
  const uint64_t style_;
};

}  // namespace

void SimFileNode::PushSize(uint64_t size, uint64_t size_before) {
  Pending change;
  change.is_size = true;
  change.is_shrink = size < size_before;
  change.offset = size;
  pending_.push_back(std::move(change));
}

void SimFileNode::Write(uint64_t offset, base::Bytes bytes) {
  if (bytes.empty()) return;
  const uint64_t size_before = cached_.size();
  cached_.Write(offset, bytes);
  Pending write;
  write.offset = offset;
  write.data = std::make_shared<const std::string>(bytes);
  write.count = bytes.size();
  pending_.push_back(std::move(write));
  if (cached_.size() != size_before) PushSize(cached_.size(), size_before);
  // Drives replace a sector that they cannot read when it is written.
  std::erase_if(unreadable_, [&](const auto& range) {
    return offset <= range.first && range.first + range.second <= offset + bytes.size();
  });
}

void SimFileNode::Truncate(uint64_t size) {
  const uint64_t size_before = cached_.size();
  if (size == size_before) return;
  cached_.Resize(size);
  PushSize(size, size_before);
}

void SimFileNode::Sync() {
  if (!diverged_) {
    durable_ = cached_;
  } else {
    durable_ = DurableWithPending();
  }
  pending_.clear();
}

SimBytes SimFileNode::DurableWithPending() const {
  SimBytes bytes = durable_;
  for (const Pending& change : pending_) {
    if (change.is_size) {
      bytes.Resize(change.offset);
    } else {
      bytes.Write(change.offset, change.bytes());
    }
  }
  bytes.Resize(cached_.size());
  return bytes;
}

void SimFileNode::EvictClean() {
  if (!diverged_) return;
  cached_ = DurableWithPending();
  diverged_ = false;
}

void SimFileNode::SyncRange(uint64_t offset, uint64_t size) {
  const bool truncated = std::any_of(pending_.begin(), pending_.end(),
                                     [](const Pending& change) { return change.is_shrink; });
  if (truncated) return Sync();
  const uint64_t size_after = std::max(durable_.size(), std::min(offset + size, cached_.size()));
  const uint64_t begin = SectorBegin(offset);
  const uint64_t end = SectorEnd(offset + size);
  DropPendingWrites(begin, end);
  std::erase_if(pending_, [&](const Pending& change) {
    return change.is_size && change.offset <= size_after;
  });
  if (pending_.empty() && !diverged_) {
    durable_ = cached_;
    return;
  }
  durable_.Resize(size_after);
  const uint64_t end_in_file = std::min(end, size_after);
  if (begin < end_in_file) durable_.Write(begin, cached_.Read(begin, end_in_file - begin));
}

void SimFileNode::DropPendingWrites(uint64_t begin, uint64_t end) {
  std::vector<Pending> rest;
  for (Pending& change : pending_) {
    const uint64_t change_end = change.offset + change.count;
    if (change.is_size || change_end <= begin || change.offset >= end) {
      rest.push_back(std::move(change));
      continue;
    }
    if (change.offset < begin) {
      rest.push_back(change);
      rest.back().count = begin - change.offset;
    }
    if (change_end > end) {
      rest.push_back(change);
      const uint64_t skip = end - change.offset;
      rest.back().offset += skip;
      rest.back().begin += skip;
      rest.back().count -= skip;
    }
  }
  pending_ = std::move(rest);
}

void SimFileNode::FailSync(base::Prng& prng) {
  durable_ = AfterCrash(prng, CrashMode::kRandom);
  pending_.clear();
  if (durable_.size() != cached_.size()) PushSize(cached_.size(), durable_.size());
  diverged_ = true;
  if (prng.OneIn(2)) {  // the kernel evicts the pages, which it took for clean
    const uint64_t size = cached_.size();
    cached_ = durable_;
    cached_.Resize(size);
    diverged_ = false;
  }
}

SimBytes SimFileNode::AfterCrash(base::Prng& prng, CrashMode mode) const {
  if (pending_.empty() || mode == CrashMode::kNoneKept) return durable_;
  if (mode == CrashMode::kAllKept && !diverged_) return cached_;
  size_t sizes_kept = std::count_if(pending_.begin(), pending_.end(),
                                    [](const Pending& change) { return change.is_size; });
  if (mode != CrashMode::kAllKept) sizes_kept = prng.Below(sizes_kept + 1);

  // The changes up to the first lost truncation, and for each sector the last of them it survived.
  size_t end = 0, sizes = 0;
  absl::flat_hash_map<uint64_t, size_t> last_kept;
  for (; end < pending_.size(); ++end) {
    const Pending& change = pending_[end];
    if (change.is_size) {
      if (sizes++ >= sizes_kept && change.is_shrink) break;
      continue;
    }
    Survival survival(prng, mode);
    const uint64_t change_end = change.offset + change.count;
    for (uint64_t at = SectorBegin(change.offset); at < change_end; at += kSimSectorSize) {
      if (survival.KeepSector()) last_kept[at] = end;
    }
  }

  SimBytes bytes = durable_;
  uint64_t size = durable_.size();
  sizes = 0;
  for (size_t i = 0; i < end; ++i) {
    const Pending& change = pending_[i];
    if (change.is_size) {
      if (sizes++ >= sizes_kept) continue;
      size = change.offset;
      if (change.is_shrink) bytes.Resize(size);
      continue;
    }
    const uint64_t change_end = change.offset + change.count;
    for (uint64_t at = SectorBegin(change.offset); at < change_end; at += kSimSectorSize) {
      const auto kept = last_kept.find(at);
      if (kept == last_kept.end() || kept->second < i) continue;
      const uint64_t from = std::max(at, change.offset);
      const uint64_t to = std::min(at + kSimSectorSize, change_end);
      bytes.Write(from, change.bytes().substr(from - change.offset, to - from));
    }
  }
  bytes.Resize(size);
  return bytes;
}

SimFileNode SimFileNode::Settled(SimBytes bytes) {
  SimFileNode node;
  node.durable_ = bytes;
  node.cached_ = std::move(bytes);
  return node;
}

void SimFileNode::Overwrite(uint64_t offset, base::Bytes bytes) {
  cached_.Write(offset, bytes);
  const uint64_t durable_size = durable_.size();
  if (offset < durable_size) durable_.Write(offset, bytes.substr(0, durable_size - offset));
}

bool SimFileNode::IsReadable(uint64_t offset, uint64_t size) const {
  return std::none_of(unreadable_.begin(), unreadable_.end(), [&](const auto& range) {
    return offset < range.first + range.second && range.first < offset + size;
  });
}

}  // namespace jzse::io
