// SPDX-License-Identifier: Apache-2.0
// Files of LevelDB over io::File: what is read in sequence (CURRENT, the manifest) is read whole; what is written is
// gathered into 64 KiB; tables are read at their offsets, never mapped, since an I/O error must not become a signal.
#include "store/leveldb_env.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "store/leveldb_log.h"

namespace jzse::store {
namespace {

using base::Code;

constexpr size_t kBufferSize = 64 * base::kKiB;
constexpr uint64_t kSequentialSizeMax = base::kGiB;
constexpr char kCodeMark[] = ": code ";
// Beside each manifest stands a note of how much of it was synced, itself never synced: 8 bytes length, 8 bytes
// check. It tells damage at the manifest's end, which must not be hidden, from a torn tail.
constexpr char kSyncedSuffix[] = ".synced";
constexpr size_t kSyncedSize = 16;
constexpr size_t kTableFooterSize = 48, kBlockCheckSize = 4;

bool IsLog(const std::string& name) { return absl::EndsWith(name, ".log"); }
bool IsManifest(const std::string& name) { return absl::StartsWith(name, "MANIFEST-"); }

leveldb::Slice SliceOf(base::Bytes bytes) { return {bytes.data(), bytes.size()}; }

base::StatusOr<std::string> ReadAll(io::File& file) {
  JZSE_ASSIGN_OR_RETURN(const uint64_t size, file.Size());
  if (size > kSequentialSizeMax) return base::Fail(Code::kCorrupt, "index file is too large");
  std::string bytes(size, '\0');
  JZSE_ASSIGN_OR_RETURN(const size_t count, file.Read(0, size, bytes.data()));
  bytes.resize(count);
  return bytes;
}

std::string EncodeSynced(uint64_t size) {
  std::string bytes;
  base::Encoder encoder(&bytes);
  encoder.U64(size);
  encoder.U64(base::Xxh64(bytes, kSyncedSize));
  return bytes;
}

// How much of a manifest was synced for certain; 0 when its note does not tell.
uint64_t ReadSynced(IndexDirectory& directory, const std::string& manifest) {
  auto file = directory.OpenForReading(manifest + kSyncedSuffix);
  if (!file.ok()) return 0;
  const auto bytes = ReadAll(**file);
  if (!bytes.ok() || bytes->size() != kSyncedSize) return 0;
  const uint64_t size = base::LoadLe<uint64_t>(bytes->data());
  return *bytes == EncodeSynced(size) ? size : 0;
}

class SequentialBytes final : public leveldb::SequentialFile {
 public:
  explicit SequentialBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  leveldb::Status Read(size_t n, leveldb::Slice* result, char*) override {
    const base::Bytes part = base::Bytes(bytes_).substr(offset_, n);
    offset_ += part.size();
    *result = SliceOf(part);
    return leveldb::Status::OK();
  }
  leveldb::Status Skip(uint64_t n) override {
    offset_ += std::min<uint64_t>(n, bytes_.size() - offset_);
    return leveldb::Status::OK();
  }

 private:
  const std::string bytes_;
  size_t offset_ = 0;
};

// A table. LevelDB reads its footer, which lies at the end and names blocks by their places, and whole blocks: contents,
// a byte that says how they are compressed, and the masked CRC-32C of both.
class TableFile final : public leveldb::RandomAccessFile {
 public:
  TableFile(std::unique_ptr<io::File> file, uint64_t size, std::atomic<uint64_t>& moments)
      : file_(std::move(file)), size_(size), moments_(moments) {}
  leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result,
                       char* scratch) const override {
    const auto count = file_->Read(offset, n, scratch);
    *result = leveldb::Slice(scratch, count.ok() ? *count : 0);
    leveldb::Status status = ToLevelDb(count.status());
    const bool footer = n == kTableFooterSize && offset + n == size_;
    if (status.ok() && (*count != n || !(footer ? FooterSane({scratch, n}) : BlockIntact({scratch, n})))) {
      status = leveldb::Status::Corruption("a block of a table is damaged");
    }
    if (!status.ok()) moments_.fetch_add(1, std::memory_order_relaxed);
    return status;
  }

 private:
  // It has no check of its own, and LevelDB asks for as much memory as it says, which may be more than there is. The places of
  // all other blocks stand in blocks.
  bool FooterSane(base::Bytes footer) const {
    base::Decoder decoder(footer);
    for (int handle = 0; handle < 2; ++handle) {
      const uint64_t offset = decoder.Varint(), size = decoder.Varint();
      if (!decoder.ok() || offset > size_ || size > size_ - offset) return false;
    }
    return true;
  }
  static bool BlockIntact(base::Bytes block) {
    if (block.size() < kBlockCheckSize + 1) return false;
    const size_t checked = block.size() - kBlockCheckSize;
    const uint32_t crc = base::Crc32c(block.substr(0, checked));
    const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
    return base::LoadLe<uint32_t>(block.data() + checked) == masked;
  }

  const std::unique_ptr<io::File> file_;
  const uint64_t size_;
  std::atomic<uint64_t>& moments_;
};

class NullFile final : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice&) override { return leveldb::Status::OK(); }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }
};

// `manifest` and `synced` belong to manifests only, and are null otherwise.
class BufferedFile final : public leveldb::WritableFile {
 public:
  BufferedFile(std::unique_ptr<io::File> file, IndexDirectory* manifest,
               std::unique_ptr<io::File> synced)
      : file_(std::move(file)), manifest_(manifest), synced_(std::move(synced)) {}

  leveldb::Status Append(const leveldb::Slice& data) override {
    if (buffer_.size() + data.size() > kBufferSize) {
      return WriteOut({data.data(), data.size()});
    }
    buffer_.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  // LevelDB calls it for each block of a table; nobody reads what is neither synced nor closed.
  leveldb::Status Flush() override {
    return base::Planted("trust-leveldb-sequence") ? WriteOut({}) : leveldb::Status::OK();
  }
  leveldb::Status Sync() override {
    if (manifest_ != nullptr && !base::Planted("tables-without-names")) {
      const leveldb::Status status = ToLevelDb(manifest_->Sync());
      if (!status.ok()) return status;
    }
    leveldb::Status status = WriteOut({});
    if (status.ok()) status = ToLevelDb(file_->SyncData());
    if (status.ok() && synced_ != nullptr) {
      const std::string note = EncodeSynced(offset_);
      const base::Bytes part = note;
      (void)synced_->Write(0, {&part, 1});  // only a hint: without it, or torn, it says nothing
    }
    return status;
  }
  leveldb::Status Close() override {
    const leveldb::Status status = WriteOut({});
    file_.reset();
    return status;
  }

 private:
  leveldb::Status WriteOut(base::Bytes more) {
    if (buffer_.empty() && more.empty()) return leveldb::Status::OK();
    const std::array<base::Bytes, 2> parts = {buffer_, more};
    const base::Status status = file_->Write(offset_, parts);
    if (!status.ok()) return ToLevelDb(status);
    if (manifest_ == nullptr) {
      // Or the sync at the end writes megabytes at once, and the commits of that moment wait for them.
      file_->StartWriteback(offset_, buffer_.size() + more.size());
      sched_yield();  // a table takes milliseconds of a processor: whoever waits for this one comes first now and then
    }
    offset_ += buffer_.size() + more.size();
    buffer_.clear();
    return leveldb::Status::OK();
  }

  std::unique_ptr<io::File> file_;
  IndexDirectory* const manifest_;
  const std::unique_ptr<io::File> synced_;
  std::string buffer_;
  uint64_t offset_ = 0;
};

struct NullLogger final : leveldb::Logger {
  void Logv(const char*, std::va_list) override {}
};
// The store's own lock keeps other processes out.
struct NullLock final : leveldb::FileLock {};

}  // namespace

leveldb::Status ToLevelDb(const base::Status& status) {
  if (status.ok()) return leveldb::Status::OK();
  const leveldb::Slice text(status.message().data(), status.message().size());
  switch (base::CodeOf(status)) {
    case Code::kNotFound: return leveldb::Status::NotFound(text);
    case Code::kCorrupt: return leveldb::Status::Corruption(text);
    default:
      return leveldb::Status::IOError(
          absl::StrCat(status.message(), kCodeMark, static_cast<int>(base::CodeOf(status))));
  }
}

base::Status FromLevelDb(const leveldb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  if (!status.IsIOError()) return base::Fail(Code::kCorrupt, "index: " + text);
  const size_t mark = text.rfind(kCodeMark);
  if (mark == std::string::npos) return base::Fail(Code::kIo, "index: " + text);
  const int code = std::atoi(text.c_str() + mark + sizeof kCodeMark - 1);
  return base::Fail(code < 0 ? static_cast<Code>(code) : Code::kIo, "index: " + text.substr(0, mark));
}

LevelDbEnv::LevelDbEnv(io::Env& io, std::string path, IndexDirectory& directory, bool defer_work)
    : EnvWrapper(leveldb::Env::Default()),
      io_(io),
      path_(std::move(path)),
      directory_(directory),
      deferring_(defer_work) {}

LevelDbEnv::~LevelDbEnv() { thread_.reset(); }

std::string LevelDbEnv::Name(const std::string& path) const {
  JZSE_CHECK(path.size() > path_.size() + 1 && absl::StartsWith(path, path_));
  return path.substr(path_.size() + 1);
}

leveldb::Status LevelDbEnv::NewSequentialFile(const std::string& path,
                                              leveldb::SequentialFile** file) {
  *file = nullptr;
  const std::string name = Name(path);
  if (IsLog(name) && !base::Planted("trust-leveldb-sequence")) {
    *file = new SequentialBytes({});
    return leveldb::Status::OK();
  }
  auto opened = directory_.OpenForReading(name);
  if (!opened.ok()) return ToLevelDb(opened.status());
  auto bytes = ReadAll(**opened);
  if (!bytes.ok()) return ToLevelDb(bytes.status());
  if (IsManifest(name)) {
    const size_t intact = IntactLogSize(*bytes);
    if (intact < ReadSynced(directory_, name) && !base::Planted("index-damage-hidden")) {
      return leveldb::Status::Corruption(name, "the end of what was synced is damaged");
    }
    bytes->resize(intact);
  }
  *file = new SequentialBytes(*std::move(bytes));
  return leveldb::Status::OK();
}

leveldb::Status LevelDbEnv::NewRandomAccessFile(const std::string& path,
                                                leveldb::RandomAccessFile** file) {
  *file = nullptr;
  moments_.fetch_add(1, std::memory_order_relaxed);
  auto opened = directory_.OpenForReading(Name(path));
  if (opened.ok()) {
    const auto size = (*opened)->Size();
    if (!size.ok()) return ToLevelDb(size.status());
    *file = new TableFile(*std::move(opened), *size, moments_);
    return leveldb::Status::OK();
  }
  if (base::Is(opened.status(), Code::kNotFound)) {
    return leveldb::Status::Corruption(Name(path), "is missing");
  }
  return ToLevelDb(opened.status());
}

leveldb::Status LevelDbEnv::NewWritableFile(const std::string& path, leveldb::WritableFile** file) {
  *file = nullptr;
  const std::string name = Name(path);
  if (IsLog(name)) {
    NoteLogFile();
    *file = new NullFile;
    if (!base::Planted("trust-leveldb-sequence")) return leveldb::Status::OK();
  }
  auto created = directory_.Create(name);
  if (!created.ok()) return ToLevelDb(created.status());
  std::unique_ptr<io::File> synced;
  if (IsManifest(name)) {
    auto note = directory_.Create(name + kSyncedSuffix);
    if (!note.ok()) return ToLevelDb(note.status());
    synced = *std::move(note);
  }
  *file = new BufferedFile(*std::move(created), IsManifest(name) ? &directory_ : nullptr,
                           std::move(synced));
  return leveldb::Status::OK();
}

// Would be used to go on with an old log or manifest (reuse_logs), which we never ask for.
leveldb::Status LevelDbEnv::NewAppendableFile(const std::string& path, leveldb::WritableFile** file) {
  *file = nullptr;
  return leveldb::Status::NotSupported(path);
}

// In doubt it exists: reading it will then say what is wrong, instead of an index being created in its place.
bool LevelDbEnv::FileExists(const std::string& path) {
  const auto exists = directory_.Exists(Name(path));
  return !exists.ok() || *exists;
}

leveldb::Status LevelDbEnv::GetChildren(const std::string&, std::vector<std::string>* names) {
  names->clear();
  auto entries = directory_.List();
  if (!entries.ok()) return ToLevelDb(entries.status());
  for (io::DirEntry& entry : *entries) names->push_back(std::move(entry.name));
  return leveldb::Status::OK();
}

leveldb::Status LevelDbEnv::RemoveFile(const std::string& path) {
  const std::string name = Name(path);
  if (IsManifest(name)) {
    // After a rename to CURRENT that worked but could not be made durable, LevelDB takes the new manifest for one
    // that nobody uses.
    auto current = directory_.OpenForReading("CURRENT");
    if (current.ok()) {
      const auto bytes = ReadAll(**current);
      if (!bytes.ok()) return ToLevelDb(bytes.status());
      if (*bytes == name + "\n") return leveldb::Status::IOError(name, "is in use");
    } else if (!base::Is(current.status(), Code::kNotFound)) {
      return ToLevelDb(current.status());
    }
    (void)directory_.Remove(name + kSyncedSuffix);
  }
  return ToLevelDb(directory_.Remove(name));
}

leveldb::Status LevelDbEnv::CreateDir(const std::string&) { return leveldb::Status::OK(); }
leveldb::Status LevelDbEnv::RemoveDir(const std::string&) { return leveldb::Status::OK(); }

leveldb::Status LevelDbEnv::GetFileSize(const std::string& path, uint64_t* size) {
  *size = 0;
  auto opened = directory_.OpenForReading(Name(path));
  if (!opened.ok()) return ToLevelDb(opened.status());
  const auto actual = (*opened)->Size();
  if (actual.ok()) *size = *actual;
  return ToLevelDb(actual.status());
}

leveldb::Status LevelDbEnv::RenameFile(const std::string& from, const std::string& to) {
  return ToLevelDb(directory_.Rename(Name(from), Name(to)));
}

leveldb::Status LevelDbEnv::LockFile(const std::string&, leveldb::FileLock** lock) {
  *lock = new NullLock;
  return leveldb::Status::OK();
}
// The DB's destructor comes here when its work is done, before it frees what the work used: the thread that did it may
// still be on its way out of LevelDB, and is waited for.
leveldb::Status LevelDbEnv::UnlockFile(leveldb::FileLock* lock) {
  delete lock;
  thread_.reset();  // nothing is scheduled any more
  return leveldb::Status::OK();
}

leveldb::Status LevelDbEnv::NewLogger(const std::string&, leveldb::Logger** logger) {
  *logger = new NullLogger;
  return leveldb::Status::OK();
}

uint64_t LevelDbEnv::NowMicros() { return static_cast<uint64_t>(io_.MonotonicMicros()); }

void LevelDbEnv::ExpectSwitch() {
  const std::lock_guard lock(mutex_);
  expecting_ = std::this_thread::get_id();
  switch_seen_ = false;
}

bool LevelDbEnv::SwitchSeen() {
  const std::lock_guard lock(mutex_);
  return switch_seen_;
}

// The first log comes with the opening, every later one with a new memtable, whose predecessor now wants to be
// written out.
void LevelDbEnv::NoteLogFile() {
  const std::lock_guard lock(mutex_);
  if (std::this_thread::get_id() == expecting_) switch_seen_ = true;
  if (++log_files_ == 1) return;
  deferring_ = false;
  StartWork();
}

void LevelDbEnv::StopDeferring() {
  const std::lock_guard lock(mutex_);
  deferring_ = false;
  StartWork();
}

void LevelDbEnv::Settle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return !working_; });
}

void LevelDbEnv::Schedule(void (*function)(void*), void* argument) {
  const std::lock_guard lock(mutex_);
  work_.push_back({function, argument});
  StartWork();
}

void LevelDbEnv::StartWork() {
  if (working_ || deferring_ || work_.empty()) return;
  thread_.reset();  // it has left its loop and needs the lock no more
  working_ = true;
  thread_ = io_.StartThread([this] { RunWork(); }, io::Env::Priority::kBackground);
  if (thread_ != nullptr) return;
  // No thread to be had from `io_`: LevelDB's own, since waiting for the work in its caller would never end.
  working_ = false;
  for (const Work& work : work_) target()->Schedule(work.function, work.argument);
  work_.clear();
}

// Ends when there is nothing to do, so that an idle index has no thread.
void LevelDbEnv::RunWork() {
  for (;;) {
    Work work;
    {
      const std::lock_guard lock(mutex_);
      if (work_.empty()) {
        working_ = false;
        idle_.notify_all();
        return;
      }
      work = work_.front();
      work_.pop_front();
    }
    work.function(work.argument);
  }
}

}  // namespace jzse::store
