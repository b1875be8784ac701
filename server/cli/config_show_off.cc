// SPDX-License-Identifier: Apache-2.0
// config show where jzsed is not built.
#include "verbs.h"

namespace jzse::cli {

int RunConfigShow(Context& context, const ConfigShowArgs&) {
  return context.out.Fail(kExitUnsupported, "config show: this jzse was built without jzsed");
}

}  // namespace jzse::cli
