// SPDX-License-Identifier: Apache-2.0
// A configuration file in each of the three grammars, and as environment and flags: whatever it says, loading ends in a
// Config that keeps its bounds or in errors of one printable line each, and what is in force can be written down as a file that
// gives the same.
#include "config/file.h"
#include "config/schema.h"
#include "fuzz.h"

namespace {

using namespace jzse;

void CheckLines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    fuzz::Require(!line.empty(), "an error without a word");
    fuzz::Require(line.size() < 4096, "an error longer than a screen");
    for (const char c : line) fuzz::Require(c >= 0x20 && c < 0x7f, "an error with what a terminal must not see");
  }
}

config::Loaded Load(const std::string& name, const std::string& text, std::vector<std::string> arguments,
                    std::vector<std::string> environment) {
  arguments.push_back("--config=" + name);
  environment.emplace_back("HOME=/h");
  return config::Load({arguments, environment, false, [&](const std::string&) { return config::FileText{text, "", false}; }});
}

void CheckLoaded(const config::Loaded& loaded) {
  CheckLines(loaded.errors);
  if (!loaded.errors.empty() || loaded.action != config::Action::kRun) return;
  for (const config::Setting& setting : config::Schema()) {
    config::Config copy;
    const std::string text = config::ValueText(setting, loaded.config);
    fuzz::Require(config::ParseValue(setting, text, &copy).empty(), "a value out of its bounds was taken");
    fuzz::Require(config::SameValue(setting, copy, loaded.config), "a value does not come back from its text");
  }
  const config::Loaded again = Load("/again.toml", config::ShowText(loaded, true), {}, {});
  fuzz::Require(again.errors.empty() && again.config == loaded.config, "what is in force does not come back as a file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 65536) return 0;
  const std::string text(fuzz::View(data + 1, size - 1));
  switch (data[0] % 5) {
    case 0:
      CheckLoaded(Load("/c.toml", text, {}, {}));
      break;
    case 1:
      CheckLoaded(Load("/c.json", text, {}, {}));
      break;
    case 2:
      CheckLoaded(Load("/c.yaml", text, {}, {}));
      break;
    case 3: {
      const config::Setting& setting = config::Schema()[size % config::Schema().size()];
      CheckLoaded(Load("/c.toml", "", {}, {config::EnvironmentName(setting) + "=" + text}));
      break;
    }
    default:
      CheckLoaded(Load("/c.toml", "", {text}, {}));
  }
  return 0;
}
