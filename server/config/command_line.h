// SPDX-License-Identifier: Apache-2.0
// The flags of jzsed, made from the schema. The only part of config that knows CLI11.
#ifndef JZSE_SERVER_CONFIG_COMMAND_LINE_H_
#define JZSE_SERVER_CONFIG_COMMAND_LINE_H_

#include "config/schema.h"

namespace jzse::config {

struct Given {
  const Setting* setting;
  std::string flag;  // as it was written, or "STORE" for the one argument that is no flag
  std::string text;
};

struct CommandLine {
  Action action = Action::kRun;
  std::string file;          // --config
  std::vector<Given> given;  // of a flag that was repeated the last, of a list all
  std::vector<std::string> errors;
};

CommandLine ParseCommandLine(const std::vector<std::string>& arguments);

}  // namespace jzse::config

#endif  // JZSE_SERVER_CONFIG_COMMAND_LINE_H_
