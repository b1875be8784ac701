// SPDX-License-Identifier: Apache-2.0
#include "store/file_pool.h"

#include <atomic>
#include <utility>

namespace jzse::store {

using base::Bytes;
using base::Status;
using base::StatusOr;

// Lock order: a pool's mutex before a file's.
class PooledFile : public io::File {
 public:
  PooledFile(FilePool& pool, std::unique_ptr<io::File> opened, std::string path, io::OpenMode mode)
      : pool_(pool), path_(std::move(path)), mode_(mode), file_(std::move(opened)) {}
  ~PooledFile() override { pool_.Forget(this); }

  StatusOr<size_t> Read(uint64_t offset, size_t size, char* buffer) override {
    JZSE_ASSIGN_OR_RETURN(const auto file, Use());
    return file->Read(offset, size, buffer);
  }
  StatusOr<size_t> ReadCached(uint64_t offset, size_t size, char* buffer) override {
    JZSE_ASSIGN_OR_RETURN(const auto file, Use());
    return file->ReadCached(offset, size, buffer);
  }
  void Prefetch(uint64_t offset, uint64_t size) override {
    if (const auto file = Use(); file.ok()) (*file)->Prefetch(offset, size);
  }
  Status Write(uint64_t offset, std::span<const Bytes> parts) override {
    JZSE_ASSIGN_OR_RETURN(const auto file, Use(1));
    return file->Write(offset, parts);
  }
  Status WriteDurable(uint64_t offset, std::span<const Bytes> parts) override {
    JZSE_ASSIGN_OR_RETURN(const auto file, Use());
    return file->WriteDurable(offset, parts);
  }
  Status WriteZeros(uint64_t offset, uint64_t size) override {
    JZSE_ASSIGN_OR_RETURN(const auto file, Use(1));
    return file->WriteZeros(offset, size);
  }
  Status SyncData() override {
    const uint64_t unsynced = unsynced_;
    JZSE_ASSIGN_OR_RETURN(const auto file, Use());
    JZSE_RETURN_IF_ERROR(file->SyncData());
    unsynced_ -= unsynced;  // writes that began meanwhile still count
    return {};
  }
  void StartWriteback(uint64_t offset, uint64_t size) override {
    if (const auto file = Use(); file.ok()) (*file)->StartWriteback(offset, size);
  }
  void DropCache(uint64_t offset, uint64_t size) override {
    if (const auto file = Use(); file.ok()) (*file)->DropCache(offset, size);
  }
  StatusOr<uint64_t> Size() override {
    JZSE_ASSIGN_OR_RETURN(const auto file, Use());
    return file->Size();
  }
  Status Truncate(uint64_t size) override {
    JZSE_ASSIGN_OR_RETURN(const auto file, Use(1));
    return file->Truncate(size);
  }
  int Descriptor() const override {
    auto* const self = const_cast<PooledFile*>(this);
    {
      std::lock_guard lock(self->mutex_);
      self->pinned_ = true;
    }
    const auto file = self->Use();
    return file.ok() ? (*file)->Descriptor() : -1;
  }

  // For the pool, under its mutex. False: must stay open, or was used since the last call.
  bool TryClose() {
    if (unsynced_ != 0 || used_.exchange(false)) return false;
    std::lock_guard lock(mutex_);
    if (pinned_) return false;
    file_.reset();
    return true;
  }

 private:
  // The file, opened if it is closed. Shared: a close waits for uses under way.
  StatusOr<std::shared_ptr<io::File>> Use(uint64_t writes = 0) {
    unsynced_ += writes;
    used_.store(true, std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex_);
      if (file_) return file_;
    }
    std::shared_ptr<io::File> file;
    {
      JZSE_ASSIGN_OR_RETURN(auto opened, pool_.env_.Open(path_, mode_));
      std::lock_guard lock(mutex_);
      if (file_) return file_;
      file = file_ = std::move(opened);
    }
    pool_.Opened(this);
    return file;
  }

  FilePool& pool_;
  const std::string path_;
  const io::OpenMode mode_;
  std::mutex mutex_;
  std::shared_ptr<io::File> file_;   // shared: see Use
  std::atomic<uint64_t> unsynced_{0};
  std::atomic<bool> used_{true};
  bool pinned_ = false;              // its descriptor was given out; under mutex_
};

std::unique_ptr<io::File> FilePool::Adopt(std::unique_ptr<io::File> opened, std::string path, io::OpenMode mode) {
  auto file = std::make_unique<PooledFile>(*this, std::move(opened), std::move(path), mode);
  Opened(file.get());
  return file;
}

size_t FilePool::open_count() const {
  std::lock_guard lock(mutex_);
  return open_.size();
}

void FilePool::Opened(PooledFile* file) {
  std::lock_guard lock(mutex_);
  open_.push_back(file);
  // Two rounds: the first takes away the second chance. If all must stay, more than open_max_ are open.
  for (size_t tries = 2 * open_.size(); open_.size() > open_max_ && tries > 0; --tries) {
    PooledFile* const candidate = open_.front();
    open_.pop_front();
    if (candidate == file || !candidate->TryClose()) open_.push_back(candidate);
  }
}

void FilePool::Forget(PooledFile* file) {
  std::lock_guard lock(mutex_);
  open_.remove(file);
}

}  // namespace jzse::store
