// SPDX-License-Identifier: Apache-2.0
// The build without liburing: all batches are plain reads.
#include "io/linux_uring.h"

namespace jzse::io {

std::unique_ptr<UringReader> NewUringReader() { return nullptr; }

}  // namespace jzse::io
