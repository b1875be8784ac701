// SPDX-License-Identifier: Apache-2.0
#include "config/command_line.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace jzse::config {
namespace {

std::vector<std::string> KnownFlags() {
  std::vector<std::string> flags{"--help", "--version", "--config", "--check-config", "--show-config", "--example-config"};
  for (const Setting& setting : Schema()) {
    flags.push_back(FlagName(setting));
    if (setting.type == Type::kFlag) flags.push_back("--no-" + FlagName(setting).substr(2));
  }
  return flags;
}

class Parser {
 public:
  Parser() : app_("", "jzsed") {
    app_.allow_extras();
    app_.set_help_flag();
    // CLI11 cuts "--flag=value" into two words; lists keep their commas for ParseValue.
    help_ = app_.add_flag("-h,--help");
    version_ = app_.add_flag("--version");
    check_ = app_.add_flag("--check-config");
    show_ = app_.add_flag("--show-config");
    example_ = app_.add_flag("--example-config");
    app_.add_option("-c,--config", line_.file)->take_last();
    for (const Setting& setting : Schema()) options_.push_back(Add(setting));
  }

  CommandLine Parse(const std::vector<std::string>& arguments) {
    std::vector<std::string> words(arguments.rbegin(), arguments.rend());  // CLI11 takes them from the back
    try {
      app_.parse(words);
    } catch (const CLI::ParseError& error) {
      line_.errors.push_back(Escaped(error.what(), 400));
      return line_;
    }
    if (help_->count() > 0) line_.action = Action::kHelp;
    else if (version_->count() > 0) line_.action = Action::kVersion;
    else if (example_->count() > 0) line_.action = Action::kExample;
    else if (check_->count() > 0) line_.action = Action::kCheck;
    else if (show_->count() > 0) line_.action = Action::kShow;
    for (size_t i = 0; i < options_.size(); ++i) Collect(Schema()[i], options_[i]);
    TakeRest(app_.remaining());
    return line_;
  }

 private:
  CLI::Option* Add(const Setting& setting) {
    const std::string flag = FlagName(setting);
    if (setting.type == Type::kFlag) return app_.add_flag(fmt::format("{},!--no-{}", flag, flag.substr(2)));
    CLI::Option* option = app_.add_option(flag)->expected(1);
    return setting.type == Type::kList ? option->take_all() : option->take_last();
  }

  void Collect(const Setting& setting, const CLI::Option* option) {
    if (option->count() == 0) return;
    const std::vector<std::string>& results = option->results();
    std::string text = results.back();
    if (setting.type == Type::kList) {
      text.clear();
      for (const std::string& result : results) text += (text.empty() ? "" : ",") + result;
    }
    line_.given.push_back({&setting, FlagName(setting), text});
  }

  // What no flag took: at most one word, the store.
  void TakeRest(const std::vector<std::string>& rest) {
    bool store = false;
    for (const std::string& word : rest) {
      if (word.starts_with("-")) {
        const std::string name = word.substr(0, word.find('='));
        const std::string nearest = Nearest(name, KnownFlags());
        line_.errors.push_back(fmt::format("unknown flag {}{}", Quoted(name),
                                           nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
        return;  // what follows may be its value
      }
      if (store) line_.errors.push_back(fmt::format("{}: one store is enough", Quoted(word)));
      else line_.given.push_back({FindSetting("store"), "STORE", word});
      store = true;
    }
  }

  CLI::App app_;
  CommandLine line_;
  CLI::Option *help_, *version_, *check_, *show_, *example_;
  std::vector<CLI::Option*> options_;
};

}  // namespace

CommandLine ParseCommandLine(const std::vector<std::string>& arguments) { return Parser().Parse(arguments); }

}  // namespace jzse::config
