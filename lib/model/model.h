// SPDX-License-Identifier: Apache-2.0
// The door of model: what a file means. Pure: every function is a function of its arguments; no clock, file, thread,
// random source or hash table. Types hold no locks; const access from several threads is fine.
#ifndef JZSE_MODEL_MODEL_H_
#define JZSE_MODEL_MODEL_H_

#include "model/merge.h"           // IWYU pragma: export
#include "model/merge_text.h"      // IWYU pragma: export
#include "model/path.h"            // IWYU pragma: export
#include "model/policy.h"          // IWYU pragma: export
#include "model/record.h"          // IWYU pragma: export
#include "model/stamp.h"           // IWYU pragma: export
#include "model/version_vector.h"  // IWYU pragma: export

#endif  // JZSE_MODEL_MODEL_H_
