// SPDX-License-Identifier: Apache-2.0
// Part of builds with -Dplanted=true only, which nobody can install: so this may look into the environment.
#include "base/planted.h"

#include <cstdlib>

namespace jzse::base {

bool Planted(std::string_view bug) {
  static const char* const chosen = std::getenv("JZSE_PLANTED");
  return chosen != nullptr && bug == chosen;
}

}  // namespace jzse::base
