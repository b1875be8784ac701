// SPDX-License-Identifier: Apache-2.0
// In the place of contender_rocksdb.cc where RocksDB was not found.
#include "contender.h"

namespace bench {

bool HasRocksDb() { return false; }
std::unique_ptr<Contender> OpenRocksDb(const Options&) { Die("built without RocksDB"); }

}  // namespace bench
