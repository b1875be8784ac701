// SPDX-License-Identifier: Apache-2.0
// What every Env shares: zeros and batches as a loop, whole-file reading and atomic replacement.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/io.h"

namespace jzse::io {

Status File::WriteZeros(uint64_t offset, uint64_t size) {
  const std::string zeros(std::min<uint64_t>(size, base::kMiB), '\0');
  for (const uint64_t end = offset + size; offset < end;) {
    const Bytes part = Bytes(zeros).substr(0, std::min<uint64_t>(zeros.size(), end - offset));
    JZSE_RETURN_IF_ERROR(Write(offset, std::span(&part, 1)));
    offset += part.size();
  }
  return Status();
}

StatusOr<size_t> File::ReadCached(uint64_t, size_t, char*) { return size_t{0}; }

void File::Prefetch(uint64_t, uint64_t) {}

void Env::ReadBatch(std::span<ReadOp> ops) {
  for (ReadOp& op : ops) {
    auto count = op.file->Read(op.offset, op.size, op.buffer);
    op.status = count.status();
    op.count = count.ok() ? *count : 0;
  }
}

StatusOr<std::string> ReadWholeFile(Env& env, const std::string& path, size_t size_max) {
  JZSE_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, env.Open(path, OpenMode::kRead));
  JZSE_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > size_max) {
    return base::Fail(base::Code::kTooLarge,
                      absl::StrCat(path, " has ", size, " bytes, more than ", size_max));
  }
  std::string bytes(size, '\0');
  JZSE_ASSIGN_OR_RETURN(const size_t count, file->Read(0, bytes.size(), bytes.data()));
  // What was not read must not be taken for what is not there.
  if (count < size)
    return base::Fail(base::Code::kIo, absl::StrCat(path, ": a read ended at ", count, " of ", size, " bytes"));
  return bytes;
}

namespace {

Status WriteNewFile(Env& env, const std::string& path, Bytes bytes) {
  auto file = env.Open(path, OpenMode::kCreate);
  if (base::Is(file.status(), base::Code::kExists)) {  // left over by a crash
    JZSE_RETURN_IF_ERROR(env.Remove(path));
    file = env.Open(path, OpenMode::kCreate);
  }
  JZSE_RETURN_IF_ERROR(file.status());
  const Bytes parts[] = {bytes};
  JZSE_RETURN_IF_ERROR((*file)->Write(0, parts));
  return base::Planted("renamed-before-synced") ? Status() : (*file)->SyncData();
}

}  // namespace

Status ReplaceFile(Env& env, const std::string& directory, const std::string& name, Bytes bytes) {
  const std::string temporary = absl::StrCat(directory, "/", name, ".new");
  Status status = WriteNewFile(env, temporary, bytes);
  if (status.ok()) status = env.Rename(temporary, absl::StrCat(directory, "/", name));
  if (!status.ok()) {
    env.Remove(temporary).IgnoreError();  // the first failure is the one to report
    return status;
  }
  return env.SyncDir(directory);
}

}  // namespace jzse::io
