// SPDX-License-Identifier: Apache-2.0
// Threads of the operating system, for every Env that grants them. Signals belong to the host:
// they are blocked in our threads, so that its handlers run on its own threads only.
#ifndef JZSE_IO_THREAD_H_
#define JZSE_IO_THREAD_H_

#include "io/io.h"

namespace jzse::io {

// Null when the operating system refuses.
std::unique_ptr<Env::Thread> StartSystemThread(std::function<void()> body, Env::Priority priority);

}  // namespace jzse::io

#endif  // JZSE_IO_THREAD_H_
