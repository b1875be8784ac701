// SPDX-License-Identifier: Apache-2.0
// Batches of reads carried by io_uring. Private to io; linux_uring.cc or, in a build without
// liburing, linux_uring_off.cc implements it.
#ifndef JZSE_IO_LINUX_URING_H_
#define JZSE_IO_LINUX_URING_H_

#include "io/io.h"

namespace jzse::io {

// Thread-safe.
class UringReader {
 public:
  virtual ~UringReader() = default;
  // Whether kernel and container allow it; sets the ring up at the first call.
  virtual bool Available() = 0;
  // Carries out the whole batch with the results of plain reads, or returns false and has touched
  // nothing: not available, or busy with the batch of another thread.
  virtual bool Read(std::span<ReadOp> ops) = 0;
};

// Null in a build without liburing.
std::unique_ptr<UringReader> NewUringReader();

}  // namespace jzse::io

#endif  // JZSE_IO_LINUX_URING_H_
