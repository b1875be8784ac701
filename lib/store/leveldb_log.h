// SPDX-License-Identifier: Apache-2.0
// LevelDB's log format, as far as one must know it to tell a torn tail from damage (LevelDB, doc/log_format.md):
// blocks of 32 KiB; records of a masked CRC-32C (4 bytes, over type and data), a length (2), a type (1: whole, 2 first,
// 3 middle, 4 last part of a record), then the data; a block's last bytes are zeros when no header fits.
#ifndef JZSE_STORE_LEVELDB_LOG_H_
#define JZSE_STORE_LEVELDB_LOG_H_

#include "base/base.h"

namespace jzse::store {

// The length of the part of `log` that a reader should see: all of it, or, when its end is a torn tail, what comes
// before. A torn tail begins at the first invalid record, and no valid whole or first record lies behind it (as far as
// 64 KiB behind: one sync of a manifest writes less).
size_t IntactLogSize(base::Bytes log);

}  // namespace jzse::store

#endif  // JZSE_STORE_LEVELDB_LOG_H_
