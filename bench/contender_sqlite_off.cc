// SPDX-License-Identifier: Apache-2.0
// In the place of contender_sqlite.cc where SQLite was not found.
#include "contender.h"

namespace bench {

bool HasSqlite() { return false; }
std::unique_ptr<Contender> OpenSqlite(const Options&, bool) { Die("built without SQLite"); }

}  // namespace bench
