// SPDX-License-Identifier: Apache-2.0
// config show: the settings that jzsed would run with in this environment.
// Threads: the main thread.
#include <unistd.h>

#include <fmt/format.h>

#include "config/config.h"
#include "verbs.h"

namespace jzse::cli {

int RunConfigShow(Context& context, const ConfigShowArgs& args) {
  config::Inputs inputs = config::ProcessInputs(0, nullptr);
  if (!args.file.empty()) inputs.arguments.push_back("--config=" + args.file);
  const config::Loaded loaded = config::Load(inputs);
  for (const std::string& warning : loaded.warnings) context.out.Warn(warning);
  for (const std::string& error : loaded.errors) context.out.Fail(kExitUsage, error);
  if (!loaded.errors.empty()) return kExitUsage;
  if (!context.out.json()) {
    std::string text = config::ShowText(loaded, args.origin);
    text.pop_back();  // Line ends it
    context.out.Line(text);
    return kExitOk;
  }
  for (const config::Shown& row : config::ShowRows(loaded)) {
    Record record;
    record.Add("key", row.key).Add("value", row.value);
    if (args.origin) record.Add("origin", row.origin);
    context.out.Emit(record);
  }
  return kExitOk;
}

}  // namespace jzse::cli
