// SPDX-License-Identifier: Apache-2.0
// The door of store: durable state. Journal and bulk segments, the index over them, recovery, compaction.
#ifndef JZSE_STORE_STORE_H_
#define JZSE_STORE_STORE_H_

#include "store/apply.h"            // IWYU pragma: export
#include "store/census.h"           // IWYU pragma: export
#include "store/chunk_store.h"      // IWYU pragma: export
#include "store/chunker.h"          // IWYU pragma: export
#include "store/compaction.h"       // IWYU pragma: export
#include "store/compress.h"         // IWYU pragma: export
#include "store/file_entry.h"       // IWYU pragma: export
#include "store/journal.h"          // IWYU pragma: export
#include "store/manifest.h"         // IWYU pragma: export
#include "store/purge.h"            // IWYU pragma: export
#include "store/recovery.h"         // IWYU pragma: export
#include "store/segment_factory.h"  // IWYU pragma: export
#include "store/stage.h"            // IWYU pragma: export

#endif  // JZSE_STORE_STORE_H_
