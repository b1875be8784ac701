// SPDX-License-Identifier: Apache-2.0
// The commands of the driver. Each takes its arguments, does one measurement of one contender in
// this process, checks what was stored or read, and prints one JSON object. bench/works.py knows
// what to call with what.
#ifndef JZSE_BENCH_WORKS_H_
#define JZSE_BENCH_WORKS_H_

#include "support.h"

namespace bench {

// objects.cc
void RunPut(const Args& args);     // operations a second of durable puts
void RunLoad(const Args& args);    // fills a contender for RunGet
void RunGet(const Args& args);     // operations a second of gets
void RunProbe(const Args& args);   // raw synced writes a second: how the disk is just now

// queue.cc
void RunPutAsync(const Args& args);  // operations a second of durable puts, many under way

// streams.cc
void RunSource(const Args& args);     // writes a file of random bytes
void RunStreamPut(const Args& args);  // seconds to store it durably
void RunStreamGet(const Args& args);  // seconds to read it back
void RunBigPut(const Args& args);     // peak memory of storing much
void RunBigGet(const Args& args);     // peak memory of reading it

// opening.cc
void RunFill(const Args& args);  // many small files, then a clean end or waiting to be killed
void RunOpen(const Args& args);  // seconds to open that

}  // namespace bench

#endif  // JZSE_BENCH_WORKS_H_
