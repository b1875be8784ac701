// SPDX-License-Identifier: Apache-2.0
// One `export`: what its lister, its workers and its last pass share.
//
// The main thread lists the store (one snapshot, so that the tree is of one moment) and queues
// entries; each worker makes one file, link or directory. Directories are made with mode 0700 and
// get their own mode and time last, when nothing is written into them any more. Invariants
//   1. Nothing is written outside of the target: every path is checked, every component below the
//   target is
//      opened without following links, and files appear by rename.
//   2. One entry's problem is reported and counted and the rest goes on.
// Threads: all members of ExportRun from any thread, except where they say so.
#ifndef JZSE_CLI_EXPORT_RUN_H_
#define JZSE_CLI_EXPORT_RUN_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "progress.h"
#include "transfer.h"
#include "verbs.h"
#include "work_queue.h"

namespace jzse::cli {

struct ExportItem {
  std::string path;   // in the store
  std::string below;  // the target
  jzse_file_info info = JZSE_FILE_INFO_INIT;
};

struct ExportRun {
  ExportRun(Context& context, const ExportArgs& args, const std::string& ns, int root,
            access::Snapshot* snapshot, Progress* progress)
      : context(context), args(args), ns(ns), root(root), snapshot(snapshot), progress(*progress) {}

  std::string Shown(std::string_view below) const { return JoinPath(args.destination, below); }
  void Report(
      const Problem& problem);  // says and counts it; an interrupt or a full disk ends the run
  bool Stopped() const { return stopped_.load(std::memory_order_relaxed); }
  void Act(const char* action, std::string_view below);
  void Created(std::string_view below);
  int fatal_exit() const { return fatal_exit_; }  // once the workers are done
  std::vector<std::string> TakeCreated() { return std::move(created_); }  // likewise

  Context& context;
  const ExportArgs& args;
  const std::string ns;
  const int root;  // the target directory; -1 in a dry run without one
  access::Snapshot* const snapshot;
  Progress& progress;
  WorkQueue<ExportItem> queue{1024};
  std::atomic<uint64_t> written{0}, written_bytes{0}, unchanged{0}, directories{0}, errors{0};

 private:
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  int fatal_exit_ = kExitOk;
  std::vector<std::string> created_;  // directories made on the way
};

// Works the queue off; the body of a worker's thread.
void ExportWorker(ExportRun* run);
// Problem of something at or above `below`, in words that tell a link from the rest.
Problem WayProblem(const ExportRun& run, std::string_view below, int error_number);

}  // namespace jzse::cli

#endif  // JZSE_CLI_EXPORT_RUN_H_
