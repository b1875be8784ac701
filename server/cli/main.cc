// SPDX-License-Identifier: Apache-2.0
// jzse: a store from a shell. One process, one verb, then out.
#include <sys/resource.h>

#include <clocale>
#include <cstdlib>

#include "command_line.h"
#include "context.h"
#include "interrupt.h"
#include "output.h"

namespace {

// A store with many segments and a wide import want more than the usual 1024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace jzse::cli;
  std::setlocale(LC_CTYPE, "");
  Invocation invocation;
  const int parsed = ParseCommandLine(argc, argv, &invocation);
  if (parsed != kExitOk || !invocation.run) return parsed;
  InstallSignalHandlers();
  RaiseDescriptorLimit();
  const Globals& globals = invocation.globals;
  Output out({globals.json, globals.quiet, globals.verbose, globals.no_color});
  Context context(globals, &out);
  const int code = context.Close(invocation.run(context));
  if (!out.Finish() && code == kExitOk) return kExitFailure;
  return code;
}
