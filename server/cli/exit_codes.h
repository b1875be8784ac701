// SPDX-License-Identifier: Apache-2.0
// The exit codes of the command: one per class of failure, documented in jzse(1) and frozen.
#ifndef JZSE_CLI_EXIT_CODES_H_
#define JZSE_CLI_EXIT_CODES_H_

#include "jzse/jzse.h"

namespace jzse::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,  // anything without a class of its own; some items of many failed
  kExitUsage = 2,    // the command line, or a name or value in it, breaks its rules
  kExitNotFound = 3,
  kExitExists = 4,
  kExitPrecondition = 5,
  kExitCorrupt = 6,
  kExitLocked = 7,
  kExitNoSpace = 8,  // the disk is full, or a quota is reached
  kExitReadOnly = 9,   // or no permission
  kExitTooLarge = 10,
  kExitUnsupported = 11,
  kExitIo = 12,
  kExitBusy = 13,         // busy or timed out: trying again may help
  kExitSignalBase = 128,  // 128 + the signal that ended the work early
};

inline int ExitCodeOf(int api_code) {
  switch (api_code) {
    case JZSE_OK:
      return kExitOk;
    case JZSE_INVALID:
      return kExitUsage;
    case JZSE_NOT_FOUND:
      return kExitNotFound;
    case JZSE_EXISTS:
      return kExitExists;
    case JZSE_PRECONDITION:
      return kExitPrecondition;
    case JZSE_TOO_LARGE:
      return kExitTooLarge;
    case JZSE_NO_SPACE:
    case JZSE_QUOTA:
      return kExitNoSpace;
    case JZSE_CORRUPT:
      return kExitCorrupt;
    case JZSE_IO:
      return kExitIo;
    case JZSE_LOCKED:
      return kExitLocked;
    case JZSE_READ_ONLY:
      return kExitReadOnly;
    case JZSE_UNSUPPORTED:
      return kExitUnsupported;
    case JZSE_TIMEOUT:
    case JZSE_BUSY:
      return kExitBusy;
    default:
      return kExitFailure;
  }
}

}  // namespace jzse::cli

#endif  // JZSE_CLI_EXIT_CODES_H_
