// SPDX-License-Identifier: Apache-2.0
#include "io/recording_env.h"

#include <utility>

namespace jzse::io {
namespace {

class RecordingFile final : public File {
 public:
  RecordingFile(std::unique_ptr<File> file, std::string path,
                const RecordingEnv::Callback& callback)
      : file_(std::move(file)), path_(std::move(path)), callback_(callback) {}

  StatusOr<size_t> Read(uint64_t offset, size_t size, char* buffer) override {
    auto result = file_->Read(offset, size, buffer);
    Tell(Op::kRead, offset, size, result.ok());
    return result;
  }
  Status Write(uint64_t offset, std::span<const Bytes> parts) override {
    const Status status = file_->Write(offset, parts);
    Tell(Op::kWrite, offset, SizeOf(parts), status.ok());
    return status;
  }
  Status WriteDurable(uint64_t offset, std::span<const Bytes> parts) override {
    const Status status = file_->WriteDurable(offset, parts);
    Tell(Op::kWriteDurable, offset, SizeOf(parts), status.ok());
    return status;
  }
  Status WriteZeros(uint64_t offset, uint64_t size) override {
    const Status status = file_->WriteZeros(offset, size);
    Tell(Op::kWrite, offset, size, status.ok());
    return status;
  }
  Status SyncData() override {
    const Status status = file_->SyncData();
    Tell(Op::kSyncData, 0, 0, status.ok());
    return status;
  }
  void StartWriteback(uint64_t offset, uint64_t size) override {
    file_->StartWriteback(offset, size);
  }
  void DropCache(uint64_t offset, uint64_t size) override { file_->DropCache(offset, size); }
  StatusOr<uint64_t> Size() override {
    auto result = file_->Size();
    Tell(Op::kSize, 0, 0, result.ok());
    return result;
  }
  Status Truncate(uint64_t size) override {
    const Status status = file_->Truncate(size);
    Tell(Op::kTruncate, size, 0, status.ok());
    return status;
  }
  int Descriptor() const override { return file_->Descriptor(); }

  File& wrapped() { return *file_; }
  void Tell(Op op, uint64_t offset, uint64_t size, bool ok) const {
    callback_({op, path_, {}, offset, size, ok});
  }

 private:
  static uint64_t SizeOf(std::span<const Bytes> parts) {
    uint64_t size = 0;
    for (const Bytes part : parts) size += part.size();
    return size;
  }

  const std::unique_ptr<File> file_;
  const std::string path_;
  const RecordingEnv::Callback& callback_;
};

}  // namespace

StatusOr<std::unique_ptr<File>> RecordingEnv::Open(const std::string& path, OpenMode mode) {
  auto file = env_.Open(path, mode);
  const Op op = mode == OpenMode::kCreate ? Op::kCreate : Op::kOpen;
  callback_({op, path, {}, 0, 0, file.ok()});
  if (!file.ok()) return file;
  return std::make_unique<RecordingFile>(std::move(*file), path, callback_);
}

Status RecordingEnv::CreateDir(const std::string& path) {
  const Status status = env_.CreateDir(path);
  callback_({Op::kCreateDir, path, {}, 0, 0, status.ok()});
  return status;
}

Status RecordingEnv::RemoveDir(const std::string& path) {
  const Status status = env_.RemoveDir(path);
  callback_({Op::kRemoveDir, path, {}, 0, 0, status.ok()});
  return status;
}

StatusOr<std::vector<DirEntry>> RecordingEnv::ListDir(const std::string& path) {
  auto result = env_.ListDir(path);
  callback_({Op::kListDir, path, {}, 0, 0, result.ok()});
  return result;
}

StatusOr<bool> RecordingEnv::Exists(const std::string& path) {
  auto result = env_.Exists(path);
  callback_({Op::kExists, path, {}, 0, 0, result.ok()});
  return result;
}

Status RecordingEnv::Rename(const std::string& from, const std::string& to) {
  const Status status = env_.Rename(from, to);
  callback_({Op::kRename, from, to, 0, 0, status.ok()});
  return status;
}

Status RecordingEnv::Remove(const std::string& path) {
  const Status status = env_.Remove(path);
  callback_({Op::kRemove, path, {}, 0, 0, status.ok()});
  return status;
}

Status RecordingEnv::SyncDir(const std::string& path) {
  const Status status = env_.SyncDir(path);
  callback_({Op::kSyncDir, path, {}, 0, 0, status.ok()});
  return status;
}

StatusOr<uint64_t> RecordingEnv::FreeSpace(const std::string& path) {
  auto result = env_.FreeSpace(path);
  callback_({Op::kFreeSpace, path, {}, 0, 0, result.ok()});
  return result;
}

StatusOr<std::unique_ptr<File>> RecordingEnv::Lock(const std::string& path) {
  auto file = env_.Lock(path);
  callback_({Op::kLock, path, {}, 0, 0, file.ok()});
  if (!file.ok()) return file;
  return std::make_unique<RecordingFile>(std::move(*file), path, callback_);
}

void RecordingEnv::ReadBatch(std::span<ReadOp> ops) {
  std::vector<ReadOp> inner(ops.begin(), ops.end());
  for (ReadOp& op : inner) op.file = &static_cast<RecordingFile*>(op.file)->wrapped();
  env_.ReadBatch(inner);
  for (size_t i = 0; i < ops.size(); ++i) {
    ops[i].status = inner[i].status;
    ops[i].count = inner[i].count;
    static_cast<RecordingFile*>(ops[i].file)
        ->Tell(Op::kRead, ops[i].offset, ops[i].size, ops[i].status.ok());
  }
}

}  // namespace jzse::io
