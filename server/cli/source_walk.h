// SPDX-License-Identifier: Apache-2.0
// A walk through a real directory tree, depth first, names of a directory in byte order. Symbolic
// links are shown, never followed. Threads: a walk runs on its caller's thread.
#ifndef JZSE_CLI_SOURCE_WALK_H_
#define JZSE_CLI_SOURCE_WALK_H_

#include <sys/stat.h>

#include <functional>
#include <string>

#include "transfer.h"

namespace jzse::cli {

struct WalkEvents {
  // A directory before what is in it; "" is the root. False: leave it out.
  std::function<bool(const std::string& path, const struct stat& st)> directory;
  std::function<void(const std::string& path, const struct stat& st)> other;
  std::function<void(const Problem& problem)> problem;
  std::function<bool()> stop;
};
// `root` is borrowed; `shown` names it in messages.
void WalkTree(int root, const std::string& shown, bool one_file_system, const WalkEvents& events);

}  // namespace jzse::cli

#endif  // JZSE_CLI_SOURCE_WALK_H_
