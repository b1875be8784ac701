// SPDX-License-Identifier: Apache-2.0
// The door of base: the vocabulary that every other folder shares. It depends on nothing of ours.
#ifndef JZSE_BASE_BASE_H_
#define JZSE_BASE_BASE_H_

#include "base/block_buffer.h"  // IWYU pragma: export
#include "base/buffer.h"  // IWYU pragma: export
#include "base/bytes.h"   // IWYU pragma: export
#include "base/check.h"   // IWYU pragma: export
#include "base/codec.h"   // IWYU pragma: export
#include "base/hash.h"    // IWYU pragma: export
#include "base/ids.h"     // IWYU pragma: export
#include "base/limits.h"  // IWYU pragma: export
#include "base/planted.h"  // IWYU pragma: export
#include "base/prng.h"    // IWYU pragma: export
#include "base/status.h"  // IWYU pragma: export

#endif  // JZSE_BASE_BASE_H_
