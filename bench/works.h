// SPDX-License-Identifier: Apache-2.0
// The commands of the driver. Each takes its arguments, does one measurement of one contender in
// this process, checks what was stored or read, and prints one JSON object. bench/works.py knows
// what to call with what.
#ifndef JZSE_BENCH_WORKS_H_
#define JZSE_BENCH_WORKS_H_

#include "support.h"

namespace bench {

// objects.cc
void RunPut(const Args& args);       // operations a second of durable puts
void RunPutBatch(const Args& args);  // durable batches a second
void RunLoad(const Args& args);      // fills a contender for RunGet and RunList
void RunGet(const Args& args);       // operations a second of gets from the page cache
void RunGetCold(const Args& args);   // of gets from the disk
void RunList(const Args& args);      // names a second of a walk over all
void RunProbe(const Args& args);     // raw synced writes a second: how the disk is just now

// queue.cc
void RunPutAsync(const Args& args);  // operations a second of durable puts, many under way

// streams.cc
void RunSource(const Args& args);     // writes a file of random bytes
void RunStreamPut(const Args& args);  // how fast it is stored durably
void RunStreamGet(const Args& args);  // how fast it is read back
void RunBigPut(const Args& args);     // peak memory of storing much
void RunBigGet(const Args& args);     // peak memory of reading it

// opening.cc
void RunFill(const Args& args);    // many small files, then a clean end or waiting to be killed
void RunOpen(const Args& args);    // how long that takes to open
void RunPages(const Args& args);   // how long a page of a listing of it takes
void RunGrowth(const Args& args);  // open, get and put at one size
void RunMemory(const Args& args);  // peak memory of using it

// space.cc
void RunSpace(const Args& args);  // bytes on disk and bytes written, by bytes stored

// counts.cc
void RunCount(const Args& args);  // syncs, bytes, allocations an operation; no clock

// Of streams.cc: stores `bytes` of a generator under `name` and compares them; how many.
uint64_t PutAndCompare(const class JzseStore& store, const char* name, uint64_t bytes,
                       uint64_t seed);

}  // namespace bench

#endif  // JZSE_BENCH_WORKS_H_
