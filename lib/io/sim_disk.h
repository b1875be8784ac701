// SPDX-License-Identifier: Apache-2.0
// The simulated disk's tree of directories and files, as a value that can be copied as it is or as
// a power cut leaves it. No clock, no faults, no lock: sim_env.h adds them.
//
// Invariants
//  1. A directory's changes (names set and removed) are pending, in order, until it is synced. A
//     rename within a directory is one change.
//  2. A rename across directories is two changes; the removal survives only together with the new
//     name (a file never vanishes), and syncing the old directory makes the new name durable too.
//  3. What is in a directory whose own name is lost is lost with it, durable or not.
// Paths are taken from the root "/"; a leading slash may be missing. ".." is no path here.
// Not thread-safe.
#ifndef JZSE_IO_SIM_DISK_H_
#define JZSE_IO_SIM_DISK_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "io/io.h"
#include "io/sim_node.h"

namespace jzse::io {

struct SimDirNode;

// Exactly one of the two is set. Shared, because a node may have a name in what reads see, another
// one in what is durable, and handles besides.
struct SimEntry {
  std::shared_ptr<SimFileNode> file;
  std::shared_ptr<SimDirNode> dir;
};

struct SimDirChange {
  uint64_t sequence = 0;
  std::string removed_name;  // if not empty
  std::string set_name;      // if not empty
  SimEntry entry;            // what set_name stands for
  // The change that must survive for this one to survive: of a rename across directories.
  std::weak_ptr<SimDirNode> needs_dir;
  uint64_t needs_sequence = 0;
};

struct SimDirNode {
  std::map<std::string, SimEntry> cached, durable;
  std::deque<SimDirChange> pending;
};

class SimDisk {
 public:
  SimDisk() : root_(std::make_shared<SimDirNode>()) {}

  StatusOr<std::shared_ptr<SimFileNode>> Find(const std::string& path) const;
  StatusOr<std::shared_ptr<SimFileNode>> Create(const std::string& path);
  Status CreateDir(const std::string& path);
  Status RemoveDir(const std::string& path);
  StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) const;
  StatusOr<bool> Exists(const std::string& path) const;
  // Returns the file whose name was replaced, or null.
  StatusOr<std::shared_ptr<SimFileNode>> Rename(const std::string& from, const std::string& to);
  // Returns the file whose name was removed.
  StatusOr<std::shared_ptr<SimFileNode>> Remove(const std::string& path);
  Status SyncDir(const std::string& path);

  // The disk as it is, with everything pending still pending.
  SimDisk Copy() const;
  // The disk after a power cut: a pure function of the state and of what `prng` gives.
  SimDisk AfterCrash(base::Prng& prng, CrashMode mode) const;

  // Every file that reads see, with its path, sorted by path.
  void ForEachFile(
      const std::function<void(const std::string& path, SimFileNode& node)>& visit) const;

 private:
  explicit SimDisk(std::shared_ptr<SimDirNode> root) : root_(std::move(root)) {}

  struct Place {
    std::shared_ptr<SimDirNode> dir;
    std::string name;  // empty for the root itself
    const SimEntry* Entry() const;
  };
  StatusOr<Place> Resolve(const std::string& path) const;
  StatusOr<std::shared_ptr<SimDirNode>> FindDir(const std::string& path) const;
  void Set(SimDirNode& dir, const std::string& name, SimEntry entry);

  std::shared_ptr<SimDirNode> root_;
  uint64_t sequence_ = 0;
};

}  // namespace jzse::io

#endif  // JZSE_IO_SIM_DISK_H_
