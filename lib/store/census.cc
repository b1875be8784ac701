// SPDX-License-Identifier: Apache-2.0
#include "store/census.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace jzse::store {

using base::Code;
using base::Fail;

Census::Census(io::Env& env, std::string directory, const StoreId& store, const SegmentSet& segments,
               std::function<void(int level, const std::string& line)> log)
    : env_(env), directory_(std::move(directory)), path_(absl::StrCat(directory_, "/", kCensusName)), store_(store),
      segments_(segments), log_(std::move(log)) {}

void Census::Warn(std::string_view what, const Status& status) const {
  if (!log_) return;
  (void)base::CatchOutOfMemory([&]() -> Status {  // who warns must not fail
    log_(1, absl::StrCat("the census of segments ", absl::string_view(what.data(), what.size()), ": ", status.message()));
    return {};
  });
}

StatusOr<std::optional<std::vector<CensusEntry>>> Census::Read() {
  auto bytes = io::ReadWholeFile(env_, path_, kCensusBytesMax);
  // Twice, since what comes of it is told as damage.
  if (base::Is(bytes.status(), Code::kIo)) bytes = io::ReadWholeFile(env_, path_, kCensusBytesMax);
  if (base::Is(bytes.status(), Code::kNotFound)) return std::optional<std::vector<CensusEntry>>();
  if (base::Is(bytes.status(), Code::kTooLarge) || base::Is(bytes.status(), Code::kIo))
    return Fail(Code::kCorrupt, absl::StrCat(path_, ": ", bytes.status().message()));
  if (!bytes.ok()) return bytes.status();
  auto entries = DecodeCensus(*bytes, store_);
  if (!entries.ok()) return base::Annotate(entries.status(), path_);
  std::lock_guard lock(mutex_);
  written_ = std::move(*bytes);
  return std::optional(std::move(*entries));
}

Status Census::WriteLocked() {
  std::vector<CensusEntry> entries = lost_;
  for (const SegmentRef& segment : segments_.List())
    entries.push_back({segment->id(), segment->header().stream, segment->trailer()});
  std::sort(entries.begin(), entries.end());
  if (entries.size() > kCensusEntriesMax)
    return Fail(Code::kTooLarge, absl::StrCat(entries.size(), " segments are more than a census can hold"));
  if (base::Planted("census-without-ends"))
    for (CensusEntry& entry : entries) entry.trailer.reset();
  std::string bytes = EncodeCensus(store_, entries);
  if (bytes == written_) return {};
  written_.clear();
  // Of the segments that were there when the store was opened. Once, since a second success would prove nothing.
  if (!names_) names_ = env_.SyncDir(directory_ + "/segments");
  JZSE_RETURN_IF_ERROR(*names_);
  JZSE_RETURN_IF_ERROR(io::ReplaceFile(env_, directory_, kCensusName, bytes));
  written_ = std::move(bytes);
  return {};
}

Status Census::WithdrawLocked() {
  const Status removed = env_.Remove(path_);
  if (!removed.ok() && !base::Is(removed, Code::kNotFound)) return removed;
  return env_.SyncDir(directory_);
}

void Census::Update() {
  std::lock_guard lock(mutex_);
  const Status written = base::CatchOutOfMemory([this] { return WriteLocked(); });
  // What is on the disk is true all the same, if not complete.
  if (!written.ok()) Warn("is not up to date", written);
}

Status Census::Release() {
  std::lock_guard lock(mutex_);
  const Status written = base::CatchOutOfMemory([this] { return WriteLocked(); });
  if (written.ok()) return {};
  Warn("is removed, since it could not be written", written);
  return base::CatchOutOfMemory([this] { return WithdrawLocked(); });
}

}  // namespace jzse::store
