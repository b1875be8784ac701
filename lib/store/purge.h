// SPDX-License-Identifier: Apache-2.0
// What a dropped namespace leaves in the index, and taking it out.
//
// Threads: one at a time per index.
#ifndef JZSE_STORE_PURGE_H_
#define JZSE_STORE_PURGE_H_

#include "store/stage.h"

namespace jzse::store {

// Removes what a dropped namespace has left in the index, `count` entries at most; true when nothing is left.
StatusOr<bool> PurgeNamespace(NamespaceId ns, size_t count, Stage& stage);
// Removes what all dropped namespaces have left, batch by batch, at the position where the index is.
Status PurgeDropped(LiveIndex& index);

}  // namespace jzse::store

#endif  // JZSE_STORE_PURGE_H_
