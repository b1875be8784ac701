// SPDX-License-Identifier: Apache-2.0
// Precedence: flags, environment, file, defaults; and the rules between settings.
#include <algorithm>

#include <fmt/format.h>

#include "config/command_line.h"
#include "config/file.h"
#include "config/schema.h"

namespace jzse::config {
namespace {

constexpr std::string_view kFileVariable = "JZSE_CONFIG";

std::vector<std::string> Keys() {
  std::vector<std::string> keys;
  for (const Setting& setting : Schema()) keys.emplace_back(setting.key);
  return keys;
}

std::string Suggestion(const std::string& nearest) {
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", Quoted(nearest));
}

class Loader {
 public:
  explicit Loader(const Inputs& inputs) : inputs_(inputs) { loaded_.origins.resize(Schema().size()); }

  Loaded Load() {
    const CommandLine line = ParseCommandLine(inputs_.arguments);
    loaded_.action = line.action;
    loaded_.errors = line.errors;
    loaded_.usage = !line.errors.empty();
    if (line.action == Action::kHelp || line.action == Action::kVersion || line.action == Action::kExample) return loaded_;
    TakeFile(line.file);
    TakeEnvironment();
    TakeFlags(line);
    FillStore();
    if (loaded_.errors.empty()) CheckRules();
    return std::move(loaded_);
  }

 private:
  std::optional<std::string> Variable(std::string_view name) const {
    for (const std::string& variable : inputs_.environment)
      if (variable.size() > name.size() && variable.starts_with(name) && variable[name.size()] == '=')
        return variable.substr(name.size() + 1);
    return std::nullopt;
  }

  // A directory that the caller's surroundings name; an empty or relative one counts as none (XDG says so).
  std::string Directory(std::string_view name) const {
    std::string value = Variable(name).value_or("");
    value = value.substr(0, value.find(':'));  // systemd lists several so; the first is ours
    return value.starts_with('/') ? value : "";
  }

  void Took(const Setting& setting, Origin origin) {
    loaded_.origins[static_cast<size_t>(&setting - Schema().data())] = std::move(origin);
  }

  void Refuse(const Origin& origin, const Setting& setting, std::string_view given, const std::string& expected) {
    loaded_.errors.push_back(origin.kind == Origin::Kind::kFile
                                 ? fmt::format("{}: {} {}: must be {}", origin.Text(), setting.key, given, expected)
                                 : fmt::format("{} {}: must be {}", origin.Text(), given, expected));
    if (origin.kind == Origin::Kind::kFlag) loaded_.usage = true;
  }

  void TakeFile(const std::string& flag) {
    std::string path = flag.empty() ? Variable(kFileVariable).value_or("") : flag;
    if (!path.empty()) return TakeNamed(path);
    const std::string directory = Directory("CONFIGURATION_DIRECTORY");
    if (directory.empty()) return;
    std::string found;
    for (const char* name : {"/jzsed.toml", "/jzsed.json", "/jzsed.yaml"}) {
      const FileText file = inputs_.read(directory + name);
      if (file.absent) continue;
      if (!found.empty())
        loaded_.errors.push_back(fmt::format("{}: there is also {}; keep one of them", directory + name, found));
      found = directory + name;
    }
    if (!found.empty()) TakeNamed(found);
  }

  void TakeNamed(const std::string& path) {
    loaded_.file = path;
    const FileFormat format = FormatOf(path);
    const FileText file = format == FileFormat::kUnknown ? FileText{} : inputs_.read(path);
    if (file.absent || !file.error.empty()) {
      loaded_.errors.push_back(fmt::format("{}: {}", path, file.error.empty() ? "no such file" : file.error));
      return;
    }
    const Document document = ParseDocument(format, file.text);
    if (!document.error.empty()) {
      const Origin place{Origin::Kind::kFile, path, document.error_line};
      loaded_.errors.push_back(fmt::format("{}: {}", place.Text(), Escaped(document.error, 400)));
      return;
    }
    std::vector<std::string_view> seen;
    for (const Entry& entry : document.entries) {
      if (std::find(seen.begin(), seen.end(), entry.key) == seen.end()) {
        TakeEntry(path, entry);
      } else {
        const Origin place{Origin::Kind::kFile, path, entry.line};
        loaded_.errors.push_back(fmt::format("{}: {} stands there twice", place.Text(), Quoted(entry.key)));
      }
      seen.push_back(entry.key);
    }
  }

  void TakeEntry(const std::string& path, const Entry& entry) {
    const Origin origin{Origin::Kind::kFile, path, entry.line};
    const Setting* setting = FindSetting(entry.key);
    if (setting == nullptr) {
      loaded_.errors.push_back(fmt::format("{}: unknown key {}{}", origin.Text(), Quoted(entry.key),
                                           Suggestion(Nearest(entry.key, Keys()))));
      return;
    }
    if (!entry.problem.empty()) return Refuse(origin, *setting, "is " + entry.problem, ExpectedText(*setting));
    if (entry.list != (setting->type == Type::kList) && entry.list)
      return Refuse(origin, *setting, "is a list", ExpectedText(*setting));
    const std::string text = entry.texts.empty() ? "" : entry.texts[0];
    const std::string wrong = entry.list ? ParseList(*setting, entry.texts, &loaded_.config)
                                         : ParseValue(*setting, text, &loaded_.config);
    if (!wrong.empty()) return Refuse(origin, *setting, entry.list ? "of this list" : Quoted(text), wrong);
    Took(*setting, origin);
  }

  void TakeEnvironment() {
    std::vector<std::string> known{std::string(kFileVariable)};
    for (const Setting& setting : Schema()) known.push_back(EnvironmentName(setting));
    for (const std::string& variable : inputs_.environment) {
      const std::string name = variable.substr(0, variable.find('='));
      if (!name.starts_with("JZSE_") || name == kFileVariable) continue;
      if (variable.size() <= name.size() + 1) continue;  // an empty variable counts as none
      const auto found = std::find(known.begin(), known.end(), name);
      if (found == known.end()) {
        const std::string nearest = Nearest(name, known);
        if (!nearest.empty() && EditDistance(name, nearest) <= 2)
          loaded_.warnings.push_back(fmt::format("{}: is no setting{}", name, Suggestion(nearest)));
        continue;
      }
      const Setting& setting = Schema()[static_cast<size_t>(found - known.begin()) - 1];
      Take({Origin::Kind::kEnvironment, name, 0}, setting, variable.substr(name.size() + 1));
    }
  }

  void TakeFlags(const CommandLine& line) {
    for (const Given& given : line.given) Take({Origin::Kind::kFlag, given.flag, 0}, *given.setting, given.text);
  }

  void Take(Origin origin, const Setting& setting, const std::string& text) {
    const std::string wrong = ParseValue(setting, text, &loaded_.config);
    if (!wrong.empty()) return Refuse(origin, setting, Quoted(text), wrong);
    Took(setting, std::move(origin));
  }

  void FillStore() {
    std::string& store = loaded_.config.store;
    if (!store.empty()) return;
    const auto derive = [&](const std::string& directory, const char* from) {
      store = directory + "/store";
      Took(*FindSetting("store"), {Origin::Kind::kDefault, from, 0});
    };
    const std::string state = Directory("STATE_DIRECTORY"), data = Directory("XDG_DATA_HOME"), home = Directory("HOME");
    if (!state.empty()) return derive(state, "$STATE_DIRECTORY");
    if (inputs_.root) return derive("/var/lib/jzse", "");
    if (!data.empty()) return derive(data + "/jzse", "$XDG_DATA_HOME");
    if (!home.empty()) return derive(home + "/.local/share/jzse", "$HOME");
    loaded_.errors.emplace_back("store: there is no home directory to put it in; name one (--store)");
  }

  void CheckRules() {
    const Config& c = loaded_.config;
    AtMost("request_line_max", "head_max", c.request_line_max, c.head_max);
    AtMost("field_max", "head_max", c.field_max, c.head_max);
    AtMost("connections_per_address_max", "connections_max", c.connections_per_address_max, c.connections_max);
    AtMost("transfer_window", "transfer_memory", c.transfer_window, c.transfer_memory);
    AtMost("twice the upload_buffer", "transfer_memory", 2 * c.upload_buffer, c.transfer_memory);
  }

  // A default gives way to what was set: who lowers head_max alone means it.
  void AtMost(const char* low, const char* high, uint64_t low_value, uint64_t high_value) {
    if (low_value <= high_value) return;
    const Setting* setting = FindSetting(low);
    const Config defaults;
    if (setting != nullptr && SameValue(*setting, loaded_.config, defaults)) {
      loaded_.config.*std::get<uint64_t Config::*>(setting->member) = high_value;
      Took(*setting, {Origin::Kind::kDefault, high, 0});
      return;
    }
    loaded_.errors.push_back(fmt::format("{} ({}) must not be more than {} ({}), which is set by {}", low, low_value, high,
                                         high_value, OriginOf(high).Text()));
  }

  const Origin& OriginOf(std::string_view key) const {
    return loaded_.origins[static_cast<size_t>(FindSetting(key) - Schema().data())];
  }

  const Inputs& inputs_;
  Loaded loaded_;
};

}  // namespace

std::string Origin::Text() const {
  if (kind == Kind::kDefault) return name.empty() ? "default" : "default, from " + name;
  return line == 0 ? name : fmt::format("{}:{}", name, line);
}

Loaded Load(const Inputs& inputs) { return Loader(inputs).Load(); }

Loaded Reload(const Loaded& running, const Inputs& inputs) {
  Loaded loaded = Load(inputs);
  for (size_t i = 0; i < Schema().size(); ++i) {
    const Setting& setting = Schema()[i];
    if (setting.reloadable || SameValue(setting, running.config, loaded.config)) continue;
    loaded.unchanged.emplace_back(setting.key);
    CopyValue(setting, running.config, &loaded.config);
    loaded.origins[i] = running.origins[i];
  }
  return loaded;
}

}  // namespace jzse::config
