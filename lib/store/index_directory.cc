// SPDX-License-Identifier: Apache-2.0
#include "store/index_directory.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Status;
using base::StatusOr;

class DiskDirectory final : public IndexDirectory {
 public:
  DiskDirectory(io::Env& env, const std::string& path) : env_(env), path_(path) {}

  StatusOr<std::unique_ptr<io::File>> OpenForReading(const std::string& name) override {
    return env_.Open(Path(name), io::OpenMode::kRead);
  }
  StatusOr<std::unique_ptr<io::File>> Create(const std::string& name) override {
    // A leftover of an earlier life may still be open somewhere: it is unlinked, not truncated.
    const Status removed = env_.Remove(Path(name));
    if (!removed.ok() && !base::Is(removed, Code::kNotFound)) return removed;
    return env_.Open(Path(name), io::OpenMode::kCreate);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    JZSE_RETURN_IF_ERROR(env_.Rename(Path(from), Path(to)));
    return env_.SyncDir(path_);
  }
  Status Remove(const std::string& name) override { return env_.Remove(Path(name)); }
  StatusOr<bool> Exists(const std::string& name) override { return env_.Exists(Path(name)); }
  StatusOr<std::vector<io::DirEntry>> List() override { return env_.ListDir(path_); }
  Status Sync() override { return env_.SyncDir(path_); }

 private:
  std::string Path(const std::string& name) const { return absl::StrCat(path_, "/", name); }

  io::Env& env_;
  const std::string path_;
};

struct Content {
  std::mutex mutex;
  std::string bytes;
};

// Any number of handles may share a content.
class MemoryFile final : public io::File {
 public:
  explicit MemoryFile(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  StatusOr<size_t> Read(uint64_t offset, size_t size, char* buffer) override {
    const std::lock_guard lock(content_->mutex);
    const std::string& bytes = content_->bytes;
    if (offset >= bytes.size()) return size_t{0};
    const size_t count = std::min<uint64_t>(size, bytes.size() - offset);
    std::memcpy(buffer, bytes.data() + offset, count);
    return count;
  }
  Status Write(uint64_t offset, std::span<const base::Bytes> parts) override {
    const std::lock_guard lock(content_->mutex);
    for (const base::Bytes part : parts) {
      if (part.empty()) continue;
      if (content_->bytes.size() < offset + part.size()) content_->bytes.resize(offset + part.size());
      std::memcpy(content_->bytes.data() + offset, part.data(), part.size());
      offset += part.size();
    }
    return absl::OkStatus();
  }
  Status WriteDurable(uint64_t offset, std::span<const base::Bytes> parts) override {
    return Write(offset, parts);
  }
  Status SyncData() override { return absl::OkStatus(); }
  void StartWriteback(uint64_t, uint64_t) override {}
  void DropCache(uint64_t, uint64_t) override {}
  StatusOr<uint64_t> Size() override {
    const std::lock_guard lock(content_->mutex);
    return content_->bytes.size();
  }
  Status Truncate(uint64_t size) override {
    const std::lock_guard lock(content_->mutex);
    content_->bytes.resize(size);
    return absl::OkStatus();
  }
  int Descriptor() const override { return -1; }

 private:
  const std::shared_ptr<Content> content_;  // shared by all handles of one file
};

// A name is found in memory, or else, unless it was removed here, on disk.
class LayeredDirectory final : public IndexDirectory {
 public:
  LayeredDirectory(io::Env& env, const std::string& path) : disk_(env, path) {}

  StatusOr<std::unique_ptr<io::File>> OpenForReading(const std::string& name) override {
    {
      const std::lock_guard lock(mutex_);
      const auto found = files_.find(name);
      if (found != files_.end()) return std::make_unique<MemoryFile>(found->second);
      if (removed_.contains(name)) return NotFound(name);
    }
    return disk_.OpenForReading(name);
  }
  StatusOr<std::unique_ptr<io::File>> Create(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    return std::make_unique<MemoryFile>(files_[name] = std::make_shared<Content>());
  }
  // Only of files that were created here, which is all that LevelDB renames.
  Status Rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(from);
    if (found == files_.end()) return NotFound(from);
    files_[to] = std::move(found->second);
    files_.erase(found);
    removed_.insert(from);
    return absl::OkStatus();
  }
  Status Remove(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    files_.erase(name);
    removed_.insert(name);
    return absl::OkStatus();
  }
  StatusOr<bool> Exists(const std::string& name) override {
    {
      const std::lock_guard lock(mutex_);
      if (files_.contains(name)) return true;
      if (removed_.contains(name)) return false;
    }
    return disk_.Exists(name);
  }
  StatusOr<std::vector<io::DirEntry>> List() override {
    auto on_disk = disk_.List();
    if (!on_disk.ok() && !base::Is(on_disk.status(), Code::kNotFound)) return on_disk.status();
    const std::lock_guard lock(mutex_);
    std::vector<io::DirEntry> entries;
    if (on_disk.ok()) {
      for (io::DirEntry& entry : *on_disk) {
        if (!files_.contains(entry.name) && !removed_.contains(entry.name)) {
          entries.push_back(std::move(entry));
        }
      }
    }
    for (const auto& [name, content] : files_) {
      const std::lock_guard content_lock(content->mutex);
      entries.push_back({name, false, content->bytes.size()});
    }
    return entries;
  }
  Status Sync() override { return absl::OkStatus(); }

 private:
  static Status NotFound(const std::string& name) {
    return base::Fail(Code::kNotFound, absl::StrCat("index file ", name, " does not exist"));
  }

  DiskDirectory disk_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Content>> files_;  // shared with open handles
  std::set<std::string> removed_;
};

}  // namespace

std::unique_ptr<IndexDirectory> NewDiskDirectory(io::Env& env, const std::string& path) {
  return std::make_unique<DiskDirectory>(env, path);
}
std::unique_ptr<IndexDirectory> NewLayeredDirectory(io::Env& env, const std::string& path) {
  return std::make_unique<LayeredDirectory>(env, path);
}

}  // namespace jzse::store
