// SPDX-License-Identifier: Apache-2.0
// The schema in words: help, manual, an example file, and what is in force.
#include <algorithm>

#include <fmt/format.h>

#include "config/schema.h"

namespace jzse::config {
namespace {

std::string_view Operand(const Setting& setting) {
  switch (setting.type) {
    case Type::kText:
      return "NAME";
    case Type::kPath:
      return "DIR";
    case Type::kAddress:
      return "ADDRESS";
    case Type::kList:
      return "NAME,...";
    case Type::kFlag:
      return "";
    case Type::kChoice:
      return "WORD";
    case Type::kCount:
      return "N";
    case Type::kSize:
      return "SIZE";
    case Type::kDuration:
      return "TIME";
  }
  return "";
}

// Lines of at most `width` columns.
std::vector<std::string> Wrap(std::string_view text, size_t width) {
  std::vector<std::string> lines{""};
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  return lines;
}

// The bounds, where they say more than the type does, and the default.
std::string Facts(const Setting& setting) {
  std::string facts = setting.type == Type::kChoice ? ExpectedText(setting) : "";
  const std::string value = ValueText(setting, Config{});
  if (!value.empty()) facts += fmt::format("{}default {}", facts.empty() ? "" : "; ", value);
  return facts;
}

std::string FlagText(const Setting& setting) {
  const std::string flag = FlagName(setting);
  if (setting.type != Type::kFlag) return fmt::format("{} {}", flag, Operand(setting));
  const bool on = ValueText(setting, Config{}) == "true";  // then only the way to switch it off is of interest
  return on ? "--no-" + flag.substr(2) : flag;
}

void AppendHelp(std::string_view flag, std::string_view about, std::string* out) {
  constexpr size_t kColumn = 34, kWidth = 100;
  std::string line = fmt::format("  {}", flag);
  for (const std::string& text : Wrap(about, kWidth - kColumn)) {
    if (line.size() + 2 > kColumn) {
      *out += line + "\n";
      line.clear();
    }
    *out += fmt::format("{:<{}}{}\n", line, kColumn, text);
    line.clear();
  }
}

// TOML wants quotes around everything but numbers and truth values.
std::string TomlValue(const Setting& setting, const Config& config) {
  const auto quoted = [](std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  };
  if (setting.type == Type::kCount || setting.type == Type::kFlag) return ValueText(setting, config);
  if (setting.type != Type::kList) return quoted(ValueText(setting, config));
  std::string all = "[";
  for (const std::string& text : config.*std::get<std::vector<std::string> Config::*>(setting.member))
    all += (all.size() == 1 ? "" : ", ") + quoted(text);
  return all + "]";
}

std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-') out += "\\-";
    else if (c == '\\') out += "\\e";
    else if (c == '\'' && out.empty()) out += "\\(aq";
    else out += c;
  }
  return out;
}

constexpr char kHelpHead[] =
    "Usage: jzsed [FLAGS] [STORE]\n"
    "Serves a store over HTTP. Without a flag: the store in the data directory, on 127.0.0.1:7380.\n"
    "\n"
    "A setting has one name everywhere: --connections-max here, JZSE_CONNECTIONS_MAX in the environment,\n"
    "connections_max in a file. Flags beat the environment, the environment beats the file.\n"
    "Sizes are like 64K or 1.5GiB (powers of 1024), times like 500ms, 30s, 5m, 12h, 7d.\n"
    "\n";

constexpr char kHelpFoot[] =
    "\n"
    "SIGHUP reads the configuration again and changes what is marked with *; what is not needs a restart.\n"
    "SIGTERM and SIGINT stop: what is under way is finished, then the store is closed. See jzsed(8).\n";

}  // namespace

std::string HelpText() {
  std::string out = kHelpHead;
  AppendHelp("-c, --config FILE",
             "Read settings from this file: TOML, JSON or YAML by its ending. Without it, from $JZSE_CONFIG; else from "
             "jzsed.toml, .json or .yaml in $CONFIGURATION_DIRECTORY.", &out);
  AppendHelp("--check-config", "Tell whether the configuration is right, and no more.", &out);
  AppendHelp("--show-config", "Show what is in force and where each value is from, and no more.", &out);
  AppendHelp("--example-config", "Print a TOML file with every setting and its default, and no more.", &out);
  AppendHelp("-h, --help", "This help.", &out);
  AppendHelp("--version", "The version.", &out);
  for (const Group& group : Groups()) {
    out += fmt::format("\n{}:\n", group.title);
    for (const Setting& setting : group.settings) {
      std::string about(setting.about);
      if (const std::string facts = Facts(setting); !facts.empty()) about += fmt::format(" ({})", facts);
      if (setting.reloadable) about += " *";
      AppendHelp(FlagText(setting), about, &out);
    }
  }
  return out + kHelpFoot;
}

std::string ManText() {
  std::string out;
  for (const Group& group : Groups()) {
    out += fmt::format(".SS {}\n", Roff(group.title));
    for (const Setting& setting : group.settings) {
      const std::string operand(Operand(setting));
      out += fmt::format(".TP\n.BR {} \" {}\"\n", Roff(setting.key),
                         operand.empty() ? "(\\fBtrue\\fP or \\fBfalse\\fP)" : "\\fI" + Roff(operand) + "\\fP");
      out += Roff(setting.about) + "\n";
      if (setting.type != Type::kFlag && setting.type != Type::kPath)
        out += fmt::format("It is {}.\n", Roff(ExpectedText(setting)));
      const std::string value = ValueText(setting, Config{});
      if (!value.empty()) out += fmt::format("Default: {}.\n", Roff(value));
      out += fmt::format("{}\n", setting.reloadable ? "SIGHUP changes it." : "Changing it needs a restart.");
      out += fmt::format("Flag {}, variable {}.\n", Roff(FlagName(setting)), EnvironmentName(setting));
    }
  }
  return out;
}

std::string ExampleText() {
  std::string out =
      "# SPDX-License-Identifier: Apache-2.0\n"
      "# Every setting of jzsed with its default; take the # away from what is to be different. Check with\n"
      "# `jzsed --config FILE --check-config`. Sizes are like \"64K\" or \"1.5GiB\" (powers of 1024), times like \"500ms\",\n"
      "# \"30s\", \"5m\", \"12h\", \"7d\". SIGHUP changes what says so; the rest needs a restart.\n";
  for (const Group& group : Groups()) {
    out += fmt::format("\n# ---- {}\n", group.title);
    for (const Setting& setting : group.settings) {
      std::string about(setting.about);
      about += fmt::format(" It is {}.{}", ExpectedText(setting), setting.reloadable ? " (SIGHUP)" : "");
      out += "\n";
      for (const std::string& line : Wrap(about, 110)) out += "# " + line + "\n";
      out += fmt::format("#{} = {}\n", setting.key, TomlValue(setting, Config{}));
    }
  }
  return out;
}

std::string ShowText(const Loaded& loaded, bool origins) {
  std::string out;
  for (size_t i = 0; i < Schema().size(); ++i) {
    const std::string line = fmt::format("{} = {}", Schema()[i].key, TomlValue(Schema()[i], loaded.config));
    out += origins ? fmt::format("{:<46}  # {}\n", line, loaded.origins[i].Text()) : line + "\n";
  }
  return out;
}

std::vector<Shown> ShowRows(const Loaded& loaded) {
  std::vector<Shown> rows;
  for (size_t i = 0; i < Schema().size(); ++i)
    rows.push_back({std::string(Schema()[i].key), ValueText(Schema()[i], loaded.config), loaded.origins[i].Text()});
  return rows;
}

}  // namespace jzse::config
