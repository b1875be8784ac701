// SPDX-License-Identifier: Apache-2.0
// What a user may type: verbs, options, help. The only part, with completion.cc, that knows CLI11.
#ifndef JZSE_CLI_COMMAND_LINE_H_
#define JZSE_CLI_COMMAND_LINE_H_

#include <functional>
#include <memory>

#include "context.h"
#include "urls.h"

namespace CLI {
class App;
}

namespace jzse::cli {

struct Invocation {
  Globals globals;
  Places places;                     // of the chosen verb; what they point to lives as long as `run`
  std::function<int(Context&)> run;  // the chosen verb with its arguments
};

// The whole command line; parsing it fills *invocation. Throws nothing but what CLI11 throws while
// parsing.
std::unique_ptr<CLI::App> MakeCommandLine(Invocation* invocation);
// Parses. kExitOk with invocation->run set, or an exit code after having said what is wrong; help
// and version end with kExitOk and no run.
int ParseCommandLine(int argc, char** argv, Invocation* invocation);

// The completion script for "bash", "zsh" or "fish".
std::string CompletionScript(const CLI::App& app, const std::string& shell);

}  // namespace jzse::cli

#endif  // JZSE_CLI_COMMAND_LINE_H_
