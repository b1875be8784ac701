// SPDX-License-Identifier: Apache-2.0
// The door of io: Env, the only way out of the library to clock, entropy, files and threads.
//
// Four faces: the Linux one with plain system calls, the Linux one with io_uring for batches, the
// simulated disk (sim_env.h) and a recording one that wraps another Env and logs every call
// (recording_env.h).
//
// Durability contract, which the simulated disk takes literally:
//  - bytes written by Write are durable only after a successful SyncData of the same file that
//    began after the Write returned, or at once if written by WriteDurable;
//  - a file's size is durable after SyncData of it; its directory entry (create, rename, remove) is
//    durable only after SyncDir of the directory (of both, for a rename across directories);
//  - after a failed SyncData or WriteDurable nothing may be assumed of the bytes not yet durable,
//    and a later successful SyncData proves nothing about them.
//
// Thread-safety: every method of Env and File may be called from any thread at the same time.
// Lifetime: an Env outlives the files, locks and threads that it handed out.
// Errors: kNotFound; kExists (already there, a directory that is not empty, or a file where a
// directory is needed and the reverse); kNoSpace (also a quota of the operating system); kReadOnly
// (EROFS, EACCES, EPERM); kBusy (no descriptor left); kIo (the rest). Messages name the path and
// the cause.
#ifndef JZSE_IO_IO_H_
#define JZSE_IO_IO_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace jzse::io {

using base::Bytes;
using base::Status;
using base::StatusOr;

class File {
 public:
  virtual ~File() = default;

  // Reads up to `size` bytes at `offset` into `buffer`; fewer only at the end of the file. EINTR
  // and short reads are handled inside. Returns the count.
  virtual StatusOr<size_t> Read(uint64_t offset, size_t size, char* buffer) = 0;
  // Like Read, but never waits for the disk: fewer bytes where the rest is not in memory, or where nobody can tell. Here:
  // none of them.
  virtual StatusOr<size_t> ReadCached(uint64_t offset, size_t size, char* buffer);
  // Asks for the range to be in memory soon; a hint without any promise.
  virtual void Prefetch(uint64_t offset, uint64_t size);
  // Writes all of the parts, one after the other, at `offset`; extends the file if needed.
  virtual Status Write(uint64_t offset, std::span<const Bytes> parts) = 0;
  // The same, durable on return (data and whatever metadata a read needs): pwritev2(RWF_DSYNC) or
  // write + sync. Promises nothing about bytes of earlier Writes outside of its range. A single part that begins and ends
  // at multiples of base::kBlockSize, in the file and in memory, may go past the page cache: cheaper for the processor, but
  // the first read of it comes from the disk.
  virtual Status WriteDurable(uint64_t offset, std::span<const Bytes> parts) = 0;
  // Zeros as blocks that are really written, never a hole, and without keeping them in the page cache where that can be
  // helped. Otherwise like Write.
  virtual Status WriteZeros(uint64_t offset, uint64_t size);
  // fdatasync. Not retried inside.
  virtual Status SyncData() = 0;
  // Asks for the range to be written back soon; a hint without any promise.
  virtual void StartWriteback(uint64_t offset, uint64_t size) = 0;
  // Tells that the range will not be read again soon, or should be read from the medium when it is; a hint. It is the
  // way to see what a failed sync really left: the pages count as clean then, and go.
  virtual void DropCache(uint64_t offset, uint64_t size) = 0;
  virtual StatusOr<uint64_t> Size() = 0;
  virtual Status Truncate(uint64_t size) = 0;
  // For extents: a descriptor for read-only use by others, or -1 where there is none (simulation).
  // Valid as long as this File.
  virtual int Descriptor() const = 0;
};

struct ReadOp {
  File* file = nullptr;
  uint64_t offset = 0;
  size_t size = 0;
  char* buffer = nullptr;
  Status status;     // out
  size_t count = 0;  // out: bytes read
};

// kCreate opens for reading and writing, and fails with kExists when the name is taken.
enum class OpenMode { kRead, kReadWrite, kCreate };

struct DirEntry {
  std::string name;
  bool is_directory = false;
  uint64_t size = 0;
};

class Env {
 public:
  virtual ~Env() = default;

  // Wall clock in microseconds since 1970 (may jump) and monotonic clock in microseconds.
  virtual int64_t NowMicros() = 0;
  virtual int64_t MonotonicMicros() = 0;
  virtual uint64_t Entropy() = 0;  // 64 random bits, cryptographic quality

  virtual StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual Status CreateDir(const std::string& path) = 0;
  virtual Status RemoveDir(const std::string& path) = 0;                         // must be empty
  virtual StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) = 0;  // sorted by name
  virtual StatusOr<bool> Exists(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual Status Remove(const std::string& path) = 0;
  virtual Status SyncDir(const std::string& path) = 0;
  virtual StatusOr<uint64_t> FreeSpace(const std::string& path) = 0;  // for unprivileged users

  // Takes the exclusive lock of a lock file (created if absent), writes our pid into it and holds
  // the lock until the returned handle is destroyed. kLocked, naming the holder's pid, when another
  // handle of this or of another process holds it. Works on a full disk, then without the pid.
  virtual StatusOr<std::unique_ptr<File>> Lock(const std::string& path) = 0;

  // Carries all reads out, in any order or at once, and returns when the last is done; results are
  // in the ops. The default does them one after the other.
  virtual void ReadBatch(std::span<ReadOp> ops);

  // Runs `body` on a new thread with all signals blocked; destroying the handle joins it. Null when
  // the operating system has no thread left, or when a simulated Env is told to have none.
  // kBackground: nobody waits for it, so it yields the processor to those who are waited for (a hint).
  enum class Priority { kNormal, kBackground };
  class Thread {
   public:
    virtual ~Thread() = default;  // joins
  };
  virtual std::unique_ptr<Thread> StartThread(std::function<void()> body,
                                              Priority priority = Priority::kNormal) = 0;
};

struct LinuxEnvOptions {
  bool uring = true;  // use io_uring for batches where the kernel allows; otherwise plain calls
};
// The process's disk. Owned by the caller.
std::unique_ptr<Env> NewLinuxEnv(const LinuxEnvOptions& options);
// Whether `env` made by NewLinuxEnv really uses io_uring.
bool UsesUring(const Env& env);

// Reads a whole small file; kTooLarge beyond `size_max`.
StatusOr<std::string> ReadWholeFile(Env& env, const std::string& path, size_t size_max);
// Replaces `directory`/`name` atomically and durably: temporary file, sync, rename, directory sync.
// After a failure the file is either the old or the new one. One caller at a time for a name.
Status ReplaceFile(Env& env, const std::string& directory, const std::string& name, Bytes bytes);

}  // namespace jzse::io

#endif  // JZSE_IO_IO_H_
