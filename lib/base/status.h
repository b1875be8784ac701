// SPDX-License-Identifier: Apache-2.0
// Failures. Internally they are absl::Status values whose code of the C API travels as a payload; `Fail` is the
// only way this library makes one, so every failure has exactly one frozen code and a one-line message that
// names the object and the cause.
#ifndef JZSE_BASE_STATUS_H_
#define JZSE_BASE_STATUS_H_

#include <new>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace jzse::base {

using absl::Status;
using absl::StatusOr;

// The numbers are those of jzse.h and frozen.
enum class Code : int {
  kOk = 0,
  kInvalid = -1,       // an argument, name or option outside its rules
  kNotFound = -2,
  kExists = -3,        // already there; or a file where a directory is needed, and the reverse
  kPrecondition = -4,  // if-match / if-none-match did not hold
  kTooLarge = -5,      // beyond a bound of limits.h
  kNoSpace = -6,       // the disk is full or the free-space reserve is reached
  kQuota = -7,         // the namespace's quota is reached
  kCorrupt = -8,       // stored bytes fail their check
  kIo = -9,            // the operating system reported an error
  kLocked = -10,       // the store is open elsewhere
  kReadOnly = -11,     // opened read-only, a read-only disk, or poisoned by a failed sync
  kUnsupported = -12,  // newer format, unknown feature
  kClosed = -13,       // the handle or store is closing, or the operation was cancelled
  kTimeout = -14,
  kNoMemory = -15,
  kBusy = -16,         // a bounded resource is used up now; trying later may help
};

Status Fail(Code code, std::string_view message);
// Puts "context: " before the message; an OK status passes through.
Status Annotate(const Status& status, std::string_view context);
Code CodeOf(const Status& status);
// kNoMemory with an empty message: made without memory.
inline Status OutOfMemory() { return Status(absl::StatusCode::kResourceExhausted, ""); }
// What `body` answers, or OutOfMemory when the memory for it is lacking: for places that must go on, or clean up, then.
template <typename Body>
Status CatchOutOfMemory(Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}
inline bool Is(const Status& status, Code code) { return CodeOf(status) == code; }

}  // namespace jzse::base

#define JZSE_CONCAT_INNER_(a, b) a##b
#define JZSE_CONCAT_(a, b) JZSE_CONCAT_INNER_(a, b)
#define JZSE_RETURN_IF_ERROR(expression)                          \
  do {                                                            \
    if (::absl::Status jzse_status_ = (expression); !jzse_status_.ok()) \
      return jzse_status_;                                        \
  } while (0)
#define JZSE_ASSIGN_OR_RETURN(lhs, expression) \
  JZSE_ASSIGN_OR_RETURN_(JZSE_CONCAT_(jzse_or_, __LINE__), lhs, expression)
#define JZSE_ASSIGN_OR_RETURN_(tmp, lhs, expression) \
  auto tmp = (expression);                           \
  if (!tmp.ok()) return tmp.status();                \
  lhs = std::move(*tmp)

#endif  // JZSE_BASE_STATUS_H_
