// SPDX-License-Identifier: Apache-2.0
// zstd (RFC 8878) for contents and chunks, used only where it makes them smaller by at least an eighth.
#ifndef JZSE_STORE_COMPRESS_H_
#define JZSE_STORE_COMPRESS_H_

#include <string>

#include "base/base.h"

namespace jzse::store {

// False when it does not pay; then *out is unspecified. level 1..19.
bool Compress(base::Bytes bytes, int level, std::string* out);
// Exactly `raw_size` bytes must come out; kCorrupt otherwise. raw_size <= kRecordPayloadMax.
base::Status Decompress(base::Bytes bytes, size_t raw_size, char* out);

}  // namespace jzse::store

#endif  // JZSE_STORE_COMPRESS_H_
