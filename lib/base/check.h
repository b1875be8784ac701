// SPDX-License-Identifier: Apache-2.0
// Invariant checks. A failed check is a bug in this library: it aborts, in release builds too, and is never
// reachable from bytes that come from a caller, a disk or a wire (those are Status failures).
#ifndef JZSE_BASE_CHECK_H_
#define JZSE_BASE_CHECK_H_

namespace jzse::base {
[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);
}  // namespace jzse::base

#define JZSE_CHECK(expression) \
  (__builtin_expect(!!(expression), 1) ? (void)0 \
                                       : ::jzse::base::CheckFailed(#expression, __FILE__, __LINE__))

#endif  // JZSE_BASE_CHECK_H_
