// SPDX-License-Identifier: Apache-2.0
// Content-defined chunking: where to cut a stream so that an insertion moves few cuts.
// Source: Xia et al., FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data Deduplication, USENIX ATC
// 2016, with normalized chunking (level 2). docs/format-chunking.md gives the whole rule, because cut points can never
// change silently. Pure and thread-safe.
#ifndef JZSE_STORE_CHUNKER_H_
#define JZSE_STORE_CHUNKER_H_

#include <cstddef>

#include "base/base.h"

namespace jzse::store {

struct ChunkSizes {  // 64 <= min <= average <= max
  uint32_t min = base::kChunkSizeMin;
  uint32_t average = base::kChunkSizeAverage;  // a power of two, at least 256
  uint32_t max = base::kChunkSizeMax;
};

// The length of the first chunk of `bytes`, at most sizes.max.
// REQUIRES: !bytes.empty(), and either bytes.size() >= sizes.max or these are the last bytes of the stream
size_t NextCut(base::Bytes bytes, const ChunkSizes& sizes);

}  // namespace jzse::store

#endif  // JZSE_STORE_CHUNKER_H_
