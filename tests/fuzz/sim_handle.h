// SPDX-License-Identifier: Apache-2.0
// A handle of the C API over a store on the simulated disk, so that a run of many calls touches no real disk and is the
// same every time. What the skin does on open is left out; everything else is the real thing, closing included.
#ifndef JZSE_TESTS_FUZZ_SIM_HANDLE_H_
#define JZSE_TESTS_FUZZ_SIM_HANDLE_H_

#include <memory>

#include "capi/handles.h"
#include "hostile.h"

namespace jzse::fuzz {

// jzse_store_close takes it back, before `env` goes.
inline jzse_store* OpenHandle(io::Env& env) {
  auto handle = std::make_unique<jzse_store>(nullptr, nullptr);
  auto opened = crash::OpenOn(env);
  Require(opened.ok(), "a sample store does not open");
  handle->engine = std::move(*opened);
  return handle.release();
}

}  // namespace jzse::fuzz

#endif  // JZSE_TESTS_FUZZ_SIM_HANDLE_H_
