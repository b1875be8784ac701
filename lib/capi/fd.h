// SPDX-License-Identifier: Apache-2.0
// Reading and writing descriptors that the host gives us, whatever they are: files, pipes, sockets, blocking or not.
// Not part of io: what is behind them is no state of the store.
//
// Threading: functions without state. A descriptor belongs to the call for as long as it lasts.
#ifndef JZSE_CAPI_FD_H_
#define JZSE_CAPI_FD_H_

#include "base/base.h"

namespace jzse::capi {

using base::Status;
using base::StatusOr;

// Reads until `size` bytes are there or the end is reached, and says how many there are.
StatusOr<size_t> ReadFull(int fd, char* buffer, size_t size);
// Reads what is there, at least one byte; 0 at the end.
StatusOr<size_t> ReadSome(int fd, char* buffer, size_t size);
// Writes everything. A pipe without a reader raises SIGPIPE, as write(2) does, unless the host ignores it.
Status WriteFull(int fd, base::Bytes bytes);

}  // namespace jzse::capi

#endif  // JZSE_CAPI_FD_H_
