// SPDX-License-Identifier: Apache-2.0
#include "io/sim_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace jzse::io {

using base::Code;

SimFile::SimFile(SimEnv& env, std::shared_ptr<SimFileNode> node, std::string path, bool writable)
    : env_(env),
      node_(std::move(node)),
      path_(std::move(path)),
      epoch_(env.epoch_),
      writable_(writable) {
  ++node_->handles;
  ++env_.open_files_;
}

SimFile::~SimFile() {
  const std::lock_guard lock(env_.mutex_);
  --env_.open_files_;
  if (epoch_ != env_.epoch_) return;  // the node went with the power
  --node_->handles;
  if (holds_lock_) node_->locked = false;
  env_.Release(*node_);
}

Status SimFile::CheckAlive(Op op) {
  if (epoch_ != env_.epoch_) {
    return base::Fail(Code::kIo, absl::StrCat(path_, ": opened before the power cut"));
  }
  if (!writable_ && Contains(kWriteOps | Op::kTruncate, op)) {
    return base::Fail(Code::kIo, absl::StrCat("cannot write ", path_, ": opened for reading"));
  }
  return env_.Admit(op, path_);
}

StatusOr<size_t> SimFile::Read(uint64_t offset, size_t size, char* buffer) {
  const std::lock_guard lock(env_.mutex_);
  JZSE_RETURN_IF_ERROR(CheckAlive(Op::kRead));
  const SimEnv::Fault fault = env_.NextFault(Op::kRead);
  if (fault.code != Code::kOk) {
    return base::Fail(fault.code, absl::StrCat("cannot read ", path_, ": planned fault"));
  }
  const uint64_t file_size = node_->cached().size();
  if (offset >= file_size) return size_t{0};
  size_t count = std::min<uint64_t>(size, file_size - offset);
  if (!node_->IsReadable(offset, count)) {
    return base::Fail(Code::kIo, absl::StrCat("cannot read ", path_, ": unreadable sector"));
  }
  if (fault.short_read && count > 0) count = env_.prng_.Below(count);
  node_->cached().Read(offset, count, buffer);
  return count;
}

void SimFile::Store(Op op, uint64_t offset, Bytes bytes) {
  if (bytes.empty()) return;
  node_->Write(offset, bytes);
  const uint64_t end = offset + bytes.size();
  if (end > node_->charged) {
    env_.used_ += end - node_->charged;
    node_->charged = end;
  }
  env_.CountEffect(op, path_, offset, bytes.size(), base::Xxh64(bytes, 0));
}

Status SimFile::WriteLocked(Op op, uint64_t offset, const std::string& bytes) {
  JZSE_RETURN_IF_ERROR(CheckAlive(op));
  size_t stored = bytes.size();
  Status failure;
  const SimEnv::Fault fault = env_.NextFault(op);
  const uint64_t end = offset + bytes.size();
  if (fault.code != Code::kOk) {
    // Of a durable write it is as likely that only its flush failed.
    const bool whole = op == Op::kWriteDurable && env_.prng_.OneIn(2);
    if (!whole) stored = env_.prng_.Below(bytes.size() + 1);
    failure = base::Fail(fault.code, absl::StrCat("cannot write ", path_, ": planned fault"));
  }
  const uint64_t room = node_->charged + env_.Free();
  if (end > node_->charged && end > room) {
    stored = std::min<uint64_t>(stored, room > offset ? room - offset : 0);
    if (failure.ok()) {
      failure = base::Fail(Code::kNoSpace,
                           absl::StrCat("cannot write ", path_, ": No space left on device"));
    }
  }
  Store(op, offset, Bytes(bytes).substr(0, stored));
  if (!failure.ok() && op == Op::kWriteDurable) {
    node_->FailSync(env_.prng_);
    env_.CountEffect(Op::kSyncData, path_, offset, 0, 0);
  }
  return failure;
}

namespace {

std::string Join(std::span<const Bytes> parts) {
  size_t size = 0;
  for (const Bytes part : parts) size += part.size();
  std::string bytes;
  bytes.reserve(size);
  for (const Bytes part : parts) bytes.append(part);
  return bytes;
}

}  // namespace

Status SimFile::Write(uint64_t offset, std::span<const Bytes> parts) {
  const std::string bytes = Join(parts);
  return env_.WithHook([&] { return WriteLocked(Op::kWrite, offset, bytes); });
}

Status SimFile::WriteDurable(uint64_t offset, std::span<const Bytes> parts) {
  const std::string bytes = Join(parts);
  JZSE_RETURN_IF_ERROR(
      env_.WithHook([&] { return WriteLocked(Op::kWriteDurable, offset, bytes); }));
  if (bytes.empty()) return Status();
  return env_.WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(CheckAlive(Op::kSyncData));
    node_->SyncRange(offset, bytes.size());
    env_.CountEffect(Op::kSyncData, path_, offset, bytes.size(), 0);
    return Status();
  });
}

Status SimFile::SyncData() {
  return env_.WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(CheckAlive(Op::kSyncData));
    const SimEnv::Fault fault = env_.NextFault(Op::kSyncData);
    const bool failed = fault.code != Code::kOk;
    if (failed) {
      node_->FailSync(env_.prng_);
    } else {
      node_->Sync();
    }
    env_.CountEffect(Op::kSyncData, path_, 0, 0, failed ? 1 : 0);
    if (!failed) return Status();
    return base::Fail(fault.code, absl::StrCat("cannot sync ", path_, ": planned fault"));
  });
}

// Always of the whole file: what matters is what a failed sync has left in the cache.
void SimFile::DropCache(uint64_t, uint64_t) {
  const std::lock_guard lock(env_.mutex_);
  if (epoch_ == env_.epoch_) node_->EvictClean();
}

StatusOr<uint64_t> SimFile::Size() {
  const std::lock_guard lock(env_.mutex_);
  JZSE_RETURN_IF_ERROR(CheckAlive(Op::kSize));
  const SimEnv::Fault fault = env_.NextFault(Op::kSize);
  if (fault.code != Code::kOk) {
    return base::Fail(fault.code, absl::StrCat("cannot examine ", path_, ": planned fault"));
  }
  return node_->cached().size();
}

Status SimFile::Truncate(uint64_t size) {
  return env_.WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(CheckAlive(Op::kTruncate));
    const SimEnv::Fault fault = env_.NextFault(Op::kTruncate);
    if (fault.code != Code::kOk) {
      return base::Fail(fault.code, absl::StrCat("cannot truncate ", path_, ": planned fault"));
    }
    node_->Truncate(size);
    if (size < node_->charged) {
      env_.used_ -= node_->charged - size;
      node_->charged = size;
    }
    env_.CountEffect(Op::kTruncate, path_, size, 0, 0);
    return Status();
  });
}

}  // namespace jzse::io
