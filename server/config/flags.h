// SPDX-License-Identifier: Apache-2.0
// The command line of jzsed.
#ifndef JZSE_SERVER_CONFIG_FLAGS_H_
#define JZSE_SERVER_CONFIG_FLAGS_H_

#include <string>

#include "config/config.h"

namespace jzse::config {

enum class Asked { kServe, kHelp, kVersion, kRoutes };

// False with a message.
bool ParseFlags(int argc, char** argv, Config* config, Asked* asked, std::string* problem);
const char* HelpText();

}  // namespace jzse::config

#endif  // JZSE_SERVER_CONFIG_FLAGS_H_
