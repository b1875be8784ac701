// SPDX-License-Identifier: Apache-2.0
// LevelDB's way out: its files in an IndexDirectory, its background work on a thread of ours. The one place where
// LevelDB's headers are included.
//
// What it changes, and why the index is a prefix of what was applied (read with LevelDB 1.23's db_impl.cc):
//  1. Write-ahead logs (*.log) go nowhere and read as absent. LevelDB writes memtables out as tables one by one in
//     the order in which they were filled, a batch never straddles two, and the manifest names a table only once
//     the table and its name are synced. So what a manifest names is the first n batches. Compactions drop only what
//     other tables hide; they never look at a memtable.
//  2. A manifest's Sync first makes names in the directory durable; a rename is durable on return, so that the
//     manifest that CURRENT names is there before the one before it is removed.
//  3. A power cut may leave half a record at the end of a manifest, or noise. What no intact record follows is a
//     tail that was never acknowledged, and is hidden from LevelDB (see leveldb_log.h).
//  4. A table file that is missing is corruption; LevelDB would take "not found" for an absent key.
//  5. Every block read of a table is checked against its CRC here, by the processor's instruction, which LevelDB's own
//     check does not use: LevelDB's is off. LevelDB's iterators step over what they cannot read; whoever walks over tables
//     learns from moments() when it must ask for their errors.
//  6. A layered directory starts no compaction of what it found: nobody would ever see the result. Work waits until
//     a memtable is full.
//
// Threads: as LevelDB's Env, any thread. The destructor waits for the background thread; the DB must be gone by then.
#ifndef JZSE_STORE_LEVELDB_ENV_H_
#define JZSE_STORE_LEVELDB_ENV_H_

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/env.h>
#include <leveldb/filter_policy.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/write_batch.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/base.h"
#include "io/io.h"
#include "store/index_directory.h"

namespace jzse::store {

// A leveldb::Status carries only a kind and a text; our code travels at the end of the text of an IO error.
leveldb::Status ToLevelDb(const base::Status& status);
// kCorrupt for what a rebuild mends; the code of the I/O failure otherwise.
base::Status FromLevelDb(const leveldb::Status& status);

class LevelDbEnv final : public leveldb::EnvWrapper {
 public:
  // LevelDB must be opened with the name `path`, whose files are in `directory`; both references must outlive it.
  // `defer_work`: see 6.
  LevelDbEnv(io::Env& io, std::string path, IndexDirectory& directory, bool defer_work);
  ~LevelDbEnv() override;

  // LevelDB begins a log file exactly when it turns to a new memtable. ExpectSwitch forgets and begins to watch for
  // one made by the calling thread; SwitchSeen tells. For one thread at a time.
  void ExpectSwitch();
  bool SwitchSeen();
  // Lets deferred work run; REQUIRED before the DB is deleted, because its destructor waits for it.
  void StopDeferring();
  // Waits until no background work is under way or wanted (deferred work stays). For simulations: LevelDB then does
  // nothing that depends on the timing of threads. REQUIRES: no lock of LevelDB is held.
  void Settle();

  // Grows with every table opened and every read of one that fails. An iterator that has met an error has met it, if it is
  // not a mistake of LevelDB's, in a call during which this grew.
  uint64_t moments() const { return moments_.load(std::memory_order_relaxed); }

  leveldb::Status NewSequentialFile(const std::string& path, leveldb::SequentialFile** file) override;
  leveldb::Status NewRandomAccessFile(const std::string& path,
                                      leveldb::RandomAccessFile** file) override;
  leveldb::Status NewWritableFile(const std::string& path, leveldb::WritableFile** file) override;
  leveldb::Status NewAppendableFile(const std::string& path, leveldb::WritableFile** file) override;
  bool FileExists(const std::string& path) override;
  leveldb::Status GetChildren(const std::string& path, std::vector<std::string>* names) override;
  leveldb::Status RemoveFile(const std::string& path) override;
  leveldb::Status CreateDir(const std::string& path) override;
  leveldb::Status RemoveDir(const std::string& path) override;
  leveldb::Status GetFileSize(const std::string& path, uint64_t* size) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
  leveldb::Status LockFile(const std::string& path, leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  leveldb::Status NewLogger(const std::string& path, leveldb::Logger** logger) override;
  void Schedule(void (*function)(void*), void* argument) override;
  uint64_t NowMicros() override;

 private:
  struct Work {
    void (*function)(void*);
    void* argument;
  };
  std::string Name(const std::string& path) const;
  void NoteLogFile();
  void StartWork();  // wants the lock
  void RunWork();

  io::Env& io_;
  const std::string path_;
  IndexDirectory& directory_;

  std::atomic<uint64_t> moments_{0};

  std::mutex mutex_;
  std::deque<Work> work_;  // LevelDB schedules one at a time
  bool deferring_;
  bool working_ = false;   // the thread is in its loop
  std::condition_variable idle_;
  std::unique_ptr<io::Env::Thread> thread_;
  uint64_t log_files_ = 0;
  std::thread::id expecting_;
  bool switch_seen_ = false;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_LEVELDB_ENV_H_
