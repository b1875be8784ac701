// SPDX-License-Identifier: Apache-2.0
// One `import`: what its walker, its workers and its last pass share.
//
// The walker (the main thread) finds files and queues them; each worker compares one with what is
// stored and puts it if it differs. Small files travel through a completion queue of the worker's
// own, so that many of them share one wait for the disk; large ones through a writer. Invariants
//   1. One file's problem is reported and counted and the rest goes on; a problem of the whole
//   store (no
//      space, read-only, I/O) ends the run.
//   2. A file whose change was not acknowledged is not counted as imported.
// Threads: all members of ImportRun from any thread, except where they say so.
#ifndef JZSE_CLI_IMPORT_RUN_H_
#define JZSE_CLI_IMPORT_RUN_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "progress.h"
#include "transfer.h"
#include "verbs.h"
#include "work_queue.h"

namespace jzse::cli {

struct ImportItem {
  std::string path;  // below the source
  uint32_t kind = JZSE_KIND_FILE;
  uint32_t mode = 0;  // permission bits
  uint64_t size = 0;
  int64_t mtime_ns = 0;
};

struct ImportRun {
  ImportRun(Context& context, const ImportArgs& args, const Target& to, int root,
            Progress* progress)
      : context(context), args(args), to(to), root(root), progress(*progress) {}

  // In the store.
  std::string PathOf(const ImportItem& item) const {
    return item.path.empty() ? to.path : to.Child(item.path).path;
  }
  std::string Shown(const std::string& path) const { return JoinPath(args.source, path); }

  void Report(
      const Problem& problem);  // says and counts it; ends the run if the whole store is concerned
  void Stop(const Problem& problem);  // says it and ends the run
  bool Stopped() const { return stopped_.load(std::memory_order_relaxed); }
  // Tells of an action under --verbose or --dry-run.
  void Act(const char* action, const std::string& path);
  // Remembers which file a name became. Two names that are the same for the store (one after
  // Unicode normalisation) are a problem, and the last pass must not take one for gone.
  void Remember(const ImportItem& item, const jzse_file_info& info);
  bool Remembers(const jzse_file_info& info);
  int fatal_exit() const { return fatal_exit_; }  // once the workers are done

  Context& context;
  const ImportArgs& args;
  const Target to;
  const int root;  // the source directory
  Progress& progress;
  WorkQueue<ImportItem> queue{1024};
  std::atomic<uint64_t> stored{0}, stored_bytes{0}, updated{0}, unchanged{0}, directories{0},
      deleted{0};
  std::atomic<uint64_t> skipped{0}, errors{0};

 private:
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  int fatal_exit_ = kExitOk;
  std::map<std::pair<uint64_t, uint64_t>, std::string> files_;  // only of names beyond ASCII
};

// Works the queue off; the body of a worker's thread.
void ImportWorker(ImportRun* run);

}  // namespace jzse::cli

#endif  // JZSE_CLI_IMPORT_RUN_H_
