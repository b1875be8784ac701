// SPDX-License-Identifier: Apache-2.0
// Disk images as a power cut may leave them, from a recorded load, each mounted by the real kernel and checked.
//
// The model. A write is durable once a flush that was issued after the write's end has completed, or if it has FUA, at
// its end. Of the writes since the last completed flush any subset may have landed, a write of many blocks in part. So for
// every flush of the log:
//   boundary  everything up to it, nothing behind it;
//   fua       that, and the FUA writes behind it one after the other;
//   subset    that, and a random choice of the other writes up to the next flush, all FUA writes between included: they
//             may have caused the others.
// What must be there: every change whose acknowledgement is marked in the log before the cut.
#ifndef JZSE_TESTS_KERNEL_POWER_CUT_H_
#define JZSE_TESTS_KERNEL_POWER_CUT_H_

#include <cstdint>
#include <string>

struct PowerCuts {
  std::string log, base, scratch;  // block devices: the log, the disk as it was when it began, room for changes
  std::string file_system;
  std::string ledgers;             // as the load left them
  std::string failures;            // folder that gets what a failed image held
  int threads = 0;
  uint64_t seed = 0;
  uint64_t subsets = 2;            // for each flush
  uint64_t skip = 0;               // of 256: images left out at random, to get on faster
  uint64_t seconds = 0, images = 0;  // stop then
};

// Prints a line per failed image and a last line "<n> images, <m> failed, ..."; the number of failed ones.
int CutPower(const PowerCuts& options);

#endif  // JZSE_TESTS_KERNEL_POWER_CUT_H_
