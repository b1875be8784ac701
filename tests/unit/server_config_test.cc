// SPDX-License-Identifier: Apache-2.0
// What jzsed can be told: every setting from every source, precedence, refusals with places and suggestions, reload, and
// that the manual and the example are what the schema says.
#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "config/file.h"
#include "config/schema.h"

namespace {

using namespace jzse::config;
using Strings = std::vector<std::string>;

struct World {
  std::map<std::string, std::string> files;
  Strings arguments, environment{"HOME=/home"};
  bool root = false;

  Inputs inputs() const {
    return {arguments, environment, root, [this](const std::string& path) {
              const auto found = files.find(path);
              return found == files.end() ? FileText{"", "", true} : FileText{found->second, "", false};
            }};
  }
  Loaded Load() const { return jzse::config::Load(inputs()); }
  World& File(const std::string& name, const std::string& text) {
    files[name] = text;
    arguments.push_back("--config=" + name);
    return *this;
  }
};

std::string Joined(const Strings& lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

const Origin& OriginOf(const Loaded& loaded, std::string_view key) {
  return loaded.origins[static_cast<size_t>(FindSetting(key) - Schema().data())];
}

// A value that the setting allows and that is not the default.
std::string OtherValue(const Setting& setting) {
  switch (setting.type) {
    case Type::kText:
      return "beijing";
    case Type::kPath:
      return "/srv/store";
    case Type::kAddress:
      return "::1";
    case Type::kList:
      return "one.example,two.example";
    case Type::kFlag:
      return ValueText(setting, Config{}) == "true" ? "false" : "true";
    case Type::kChoice:
      return std::string(setting.choices[ValueText(setting, Config{}) == setting.choices[0] ? 1 : 0]);
    default: {
      Config config;
      // Near the default, so that the rules between settings hold.
      for (const char* text : {"7", "9", "21", "500", "2000", "9000", "40000", "70000", "700K", "11M", "90M", "12", "61", "65s"})
        if (ParseValue(setting, text, &config).empty() && !SameValue(setting, config, Config{})) return text;
      return "?";
    }
  }
}

std::string ReadProjectFile(const char* name) {
  std::ifstream file(std::string(JZSE_PROJECT_ROOT) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("every setting is reached by flag, environment and all three files, and shown as it was given") {
  for (const Setting& setting : Schema()) {
    const std::string value = OtherValue(setting);
    CAPTURE(setting.key, value);
    Config expected;
    REQUIRE(ParseValue(setting, value, &expected) == "");
    CHECK_FALSE(SameValue(setting, expected, Config{}));
    std::vector<std::pair<World, std::string>> ways(5);
    ways[0].first.arguments = {FlagName(setting) + "=" + value};
    ways[0].second = FlagName(setting);
    ways[1].first.environment.push_back(EnvironmentName(setting) + "=" + value);
    ways[1].second = EnvironmentName(setting);
    const std::string key(setting.key);
    ways[2].first.File("/c.toml", "\n" + key + " = \"" + value + "\"\n");
    ways[2].second = "/c.toml:2";
    ways[3].first.File("/c.json", "{\n\n\"" + key + "\"\n:\n\"" + value + "\"}");
    ways[3].second = "/c.json:3";
    ways[4].first.File("/c.yaml", "# first\n" + key + ": \"" + value + "\"\n");
    ways[4].second = "/c.yaml:2";
    for (const auto& [world, origin] : ways) {
      const Loaded loaded = world.Load();
      CHECK(Joined(loaded.errors) == "");
      CHECK(SameValue(setting, loaded.config, expected));
      CHECK(OriginOf(loaded, setting.key).Text() == origin);
      // What is shown is a file that gives the same.
      const Loaded again = World().File("/again.toml", ShowText(loaded, true)).Load();
      CHECK(Joined(again.errors) == "");
      CHECK(again.config == loaded.config);
    }
  }
}

TEST_CASE("names are unique, defaults keep their bounds, and values come back from their text") {
  std::set<std::string> names;
  for (const Setting& setting : Schema()) {
    CAPTURE(setting.key);
    CHECK(names.insert(FlagName(setting)).second);
    CHECK(names.insert(EnvironmentName(setting)).second);
    CHECK(FindSetting(setting.key) == &setting);
    CHECK(setting.about.back() == '.');
    if (setting.key == "store") continue;  // empty until it is derived
    Config config;
    CHECK(ParseValue(setting, ValueText(setting, Config{}), &config) == "");
    CHECK(SameValue(setting, config, Config{}));
    CHECK(HelpText().find(setting.type == Type::kFlag ? FlagName(setting).substr(2) : FlagName(setting)) != std::string::npos);
  }
  size_t grouped = 0;
  for (const Group& group : Groups()) grouped += group.settings.size();
  CHECK(grouped == Schema().size());
}

TEST_CASE("flags beat the environment, the environment beats the file, the file beats the defaults") {
  World world;
  world.File("/c.toml", "port = 1\nworkers = 1\nthreads = 1\n");
  world.environment.insert(world.environment.end(), {"JZSE_PORT=2", "JZSE_WORKERS=2"});
  world.arguments.push_back("--port=3");
  const Loaded loaded = world.Load();
  REQUIRE(Joined(loaded.errors) == "");
  CHECK(loaded.config.port == 3);
  CHECK(loaded.config.workers == 2);
  CHECK(loaded.config.threads == 1);
  CHECK(loaded.config.jobs_max == Config{}.jobs_max);
  CHECK(OriginOf(loaded, "jobs_max").Text() == "default");
}

TEST_CASE("numbers of files need no quotes, lists are lists, and truth is true") {
  const char* const toml = "port = 80\nhead_timeout = 2.5\nhosts = ['a', 'b']\nread_only = true\nstore = '/s'\n";
  const char* const json = R"({"port":80,"head_timeout":2.5,"hosts":["a","b"],"read_only":true,"store":"/s"})";
  const char* const yaml = "port: 80\nhead_timeout: 2.5\nhosts:\n  - a\n  - b\nread_only: yes\nstore: /s\n";
  for (const auto& [name, text] : std::map<std::string, std::string>{{"/c.toml", toml}, {"/c.json", json}, {"/c.yml", yaml}}) {
    CAPTURE(name);
    const Loaded loaded = World().File(name, text).Load();
    REQUIRE(Joined(loaded.errors) == "");
    CHECK(loaded.config.port == 80);
    CHECK(loaded.config.head_timeout == milliseconds(2500));
    CHECK(loaded.config.hosts == Strings{"a", "b"});
    CHECK(loaded.config.read_only);
    CHECK(loaded.config.store == "/s");
  }
}

TEST_CASE("sizes and times have units") {
  const Setting& size = *FindSetting("memory_limit");
  const Setting& time = *FindSetting("idle_timeout");
  const Setting& whole = *FindSetting("heartbeat");
  Config config;
  const auto size_of = [&](const char* text) { return ParseValue(size, text, &config).empty() ? config.memory_limit : 0; };
  CHECK(size_of("16777216") == 16 << 20);
  CHECK(size_of("16M") == 16 << 20);
  CHECK(size_of("16MiB") == 16 << 20);
  CHECK(size_of("16 MB") == 16 << 20);
  CHECK(size_of("1.5g") == uint64_t{1536} << 20);
  for (const char* bad : {"", "M", "-1", "1.2", "16X", "16MM", "99999999999999999999", "1..5G", "7M", "2T", "1e9", "0x10", "16iM", "1.0000001G"})
    CHECK(size_of(bad) == 0);
  const auto ms_of = [&](const char* text) { return ParseValue(time, text, &config).empty() ? config.idle_timeout.count() : 0; };
  CHECK(ms_of("10") == 10'000);
  CHECK(ms_of("250ms") == 250);
  CHECK(ms_of("1.5s") == 1500);
  CHECK(ms_of("2m") == 120'000);
  CHECK(ms_of("1d") == 86'400'000);
  for (const char* bad : {"", "s", "99ms", "25h", "1y", "-5s", "5 5s", "1.5ms", "ms"}) CHECK(ms_of(bad) == 0);
  CHECK(ParseValue(whole, "1500ms", &config) == "whole seconds");
  CHECK(ParseValue(whole, "2m", &config) == "");
  CHECK(config.heartbeat == seconds(120));
}

TEST_CASE("what is refused says where it stands and what was perhaps meant") {
  struct Row {
    const char *name, *text, *expected;
  };
  const Row rows[] = {
      {"/c.toml", "port = 1\nprot = 2\n", "/c.toml:2: unknown key 'prot'; did you mean 'port'?\n"},
      {"/c.toml", "conections_max = 5\n", "/c.toml:1: unknown key 'conections_max'; did you mean 'connections_max'?\n"},
      {"/c.toml", "colour = 2\n", "/c.toml:1: unknown key 'colour'\n"},
      {"/c.toml", "port = 65536\n", "/c.toml:1: port '65536': must be a number from 0 to 65535\n"},
      {"/c.toml", "\n\nio = 'fast'\n", "/c.toml:3: io 'fast': must be auto, plain or uring\n"},
      {"/c.toml", "port = [1]\n", "/c.toml:1: port is a list: must be a number from 0 to 65535\n"},
      {"/c.toml", "port = 1979-05-27\n", "/c.toml:1: port is a date or time: must be a number from 0 to 65535\n"},
      {"/c.toml", "address = 'localhost'\n", "/c.toml:1: address 'localhost': must be an IPv4 or IPv6 address\n"},
      {"/c.toml", "head_timeout = '5 weeks'\n", "/c.toml:1: head_timeout '5 weeks': must be a time from 100ms to 1d\n"},
      {"/c.toml", "region = \"a\\u0007\"\n",
       "/c.toml:1: region 'a\\x07': must be a text of 1 to 64 characters, none of them a control character\n"},
      {"/c.json", "{\"region\": \"caf\u00e9\"}", ""},
      {"/c.toml", "hosts = ['a,b']\n", "/c.toml:1: hosts of this list: must be names without commas, spaces around them or "
                                       "control characters\n"},
      {"/c.json", "{\n\"port\": 1,\n\"prot\": 2\n}", "/c.json:3: unknown key 'prot'; did you mean 'port'?\n"},
      {"/c.json", "{\n\"port\": 1,\n\"port\": 2\n}", "/c.json:3: 'port' stands there twice\n"},
      {"/c.json", "{\"port\": null}", "/c.json:1: port is nothing (null): must be a number from 0 to 65535\n"},
      {"/c.json", "[1]", "/c.json:1: must be an object\n"},
      {"/c.yaml", "port: 1\nprot: 2\n", "/c.yaml:2: unknown key 'prot'; did you mean 'port'?\n"},
      {"/c.yaml", "port: 1\nport: 2\n", "/c.yaml:2: 'port' stands there twice\n"},
      {"/c.yaml", "- port\n", "/c.yaml:1: must be a map\n"},
      {"/c.yaml", "port: &a 1\nworkers: *a\n", "/c.yaml:2: workers is an alias: must be a number from 1 to 1024\n"},
      {"/c.yaml", "port: 1\n---\nport: 2\n", "/c.yaml: more than one document\n"},
      {"/c.ini", "port = 1\n", "/c.ini: the name must end in .toml, .json, .yaml or .yml\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name, row.text);
    CHECK(Joined(World().File(row.name, row.text).Load().errors) == row.expected);
  }
  for (const char* bad : {"/a\xff", "/\xC0\x80", "/\xED\xA0\x80", "/\xE2\x82", "/\xF4\x90\x80\x80", "/a\n", "/\x7f"}) {
    World world;
    world.arguments = {bad};
    CHECK(Joined(world.Load().errors).find("STORE '/") == 0);
  }
  World absent;
  absent.arguments = {"--config", "/none.toml"};
  CHECK(Joined(absent.Load().errors) == "/none.toml: no such file\n");
}

TEST_CASE("sections are refused at their line in all three formats") {
  for (const auto& [name, text] : std::map<std::string, std::string>{
           {"/c.toml", "\n[port]\nx = 1\n"}, {"/c.json", "{\n\"port\": {\"x\": [1, {}]}}"}, {"/c.yaml", "\nport:\n  x: [1, {a: b}]\n"}}) {
    const std::string errors = Joined(World().File(name, text).Load().errors);
    CAPTURE(errors);
    CHECK(errors.find(name + ":2: port is a") == 0);
    CHECK(errors.find("settings stand at the top") != std::string::npos);
  }
}

TEST_CASE("malformed files are refused with the parser's words and line") {
  for (const auto& [name, text] : std::map<std::string, std::string>{
           {"/c.toml", "port = 1\nport = 2\n"}, {"/d.toml", "port = 1\nworkers =\n"}, {"/c.json", "{\n\"port\": }"}, {"/c.yaml", "port: 1\n\tx: [\n"}}) {
    const std::string errors = Joined(World().File(name, text).Load().errors);
    CAPTURE(errors);
    CHECK(errors.find(name + ":2: ") == 0);
  }
  CHECK(Joined(World().File("/c.toml", "[port]\nx = 1\n[\xDB\xBB[a]]\nb = 1\n").Load().errors).find("/c.toml: not TOML") == 0);
  std::string large(kFileSizeMax + 1, ' ');
  CHECK(Joined(World().File("/c.toml", large).Load().errors) == "/c.toml: larger than 1 MiB\n");
  const std::string deep = "{\"port\":" + std::string(100'000, '[');
  CHECK_FALSE(World().File("/c.json", deep).Load().errors.empty());
  CHECK_FALSE(World().File("/c.yaml", deep).Load().errors.empty());
  CHECK_FALSE(World().File("/c.toml", "port = " + std::string(100'000, '[')).Load().errors.empty());
}

TEST_CASE("flags: positional store, switches, lists, and what is wrong with them") {
  const auto load = [](Strings arguments) {
    World world;
    world.arguments = std::move(arguments);
    return world.Load();
  };
  CHECK(load({"./mine"}).config.store == "./mine");
  CHECK(load({"--read-only", "./mine"}).config.store == "./mine");
  CHECK(load({"--read-only", "./mine"}).config.read_only);
  CHECK_FALSE(load({"--no-console"}).config.console);
  CHECK_FALSE(load({"--console=false"}).config.console);
  CHECK(load({"--port", "1", "--port", "2"}).config.port == 2);
  CHECK(load({"--hosts", "a,b", "--hosts=c"}).config.hosts == Strings{"a", "b", "c"});
  CHECK(load({"--help", "--prot"}).action == Action::kHelp);
  CHECK(load({"--check-config"}).action == Action::kCheck);
  CHECK(load({"--show-config"}).action == Action::kShow);
  CHECK(load({"--version"}).action == Action::kVersion);
  CHECK(Joined(load({"--prot", "1"}).errors) == "unknown flag '--prot'; did you mean '--port'?\n");
  CHECK(Joined(load({"--conection-max=1"}).errors) == "unknown flag '--conection-max'; did you mean '--connections-max'?\n");
  CHECK(Joined(load({"a", "b"}).errors) == "'b': one store is enough\n");
  CHECK(Joined(load({"--port", "many"}).errors) == "--port 'many': must be a number from 0 to 65535\n");
  CHECK(load({"--port"}).errors.size() == 1);
  CHECK(load({"--port", "many"}).usage);
}

TEST_CASE("a variable that only resembles a setting is a warning, one with a bad value an error") {
  World world;
  world.environment.insert(world.environment.end(), {"JZSE_PROT=1", "JZSE_FUZZ_BUDGET=3", "JZSE_WORKERS=none", "JZSE_PORT=", "PORT=3"});
  const Loaded loaded = world.Load();
  CHECK(Joined(loaded.warnings) == "JZSE_PROT: is no setting; did you mean 'JZSE_PORT'?\n");
  CHECK(Joined(loaded.errors) == "JZSE_WORKERS 'none': must be a number from 1 to 1024\n");
  CHECK_FALSE(loaded.usage);
}

TEST_CASE("where the store is when nobody says") {
  const auto store = [](Strings environment, bool root = false) {
    World world;
    world.environment = std::move(environment);
    world.root = root;
    const Loaded loaded = world.Load();
    return loaded.errors.empty() ? loaded.config.store + " " + OriginOf(loaded, "store").Text() : Joined(loaded.errors);
  };
  CHECK(store({"HOME=/h"}) == "/h/.local/share/jzse/store default, from $HOME");
  CHECK(store({"HOME=/h", "XDG_DATA_HOME=/d"}) == "/d/jzse/store default, from $XDG_DATA_HOME");
  CHECK(store({"HOME=/h", "XDG_DATA_HOME=d"}) == "/h/.local/share/jzse/store default, from $HOME");
  CHECK(store({"HOME=/h", "STATE_DIRECTORY=/var/lib/jzse:/x"}) == "/var/lib/jzse/store default, from $STATE_DIRECTORY");
  CHECK(store({"HOME=/root"}, true) == "/var/lib/jzse/store default");
  CHECK(store({}) == "store: there is no home directory to put it in; name one (--store)\n");
}

TEST_CASE("which file is read when nobody says") {
  World world;
  world.files = {{"/etc/jzse/jzsed.yaml", "port: 1"}, {"/other.toml", "port = 2"}};
  world.environment.push_back("CONFIGURATION_DIRECTORY=/etc/jzse");
  CHECK(world.Load().config.port == 1);
  CHECK(world.Load().file == "/etc/jzse/jzsed.yaml");
  world.environment.push_back("JZSE_CONFIG=/other.toml");
  CHECK(world.Load().config.port == 2);
  world.environment.pop_back();
  world.files["/etc/jzse/jzsed.toml"] = "";
  CHECK(Joined(world.Load().errors) == "/etc/jzse/jzsed.yaml: there is also /etc/jzse/jzsed.toml; keep one of them\n");
  world.files.clear();
  CHECK(world.Load().errors.empty());
  CHECK(world.Load().file.empty());
}

TEST_CASE("rules between settings: a default gives way, two values that were set do not") {
  const Loaded lowered = World().File("/c.toml", "connections_max = 10\nhead_max = '4K'\n").Load();
  REQUIRE(Joined(lowered.errors) == "");
  CHECK(lowered.config.connections_per_address_max == 10);
  CHECK(lowered.config.field_max == 4096);
  CHECK(OriginOf(lowered, "field_max").Text() == "default, from head_max");
  CHECK(Joined(World().File("/c.toml", "connections_max = 10\nconnections_per_address_max = 11\n").Load().errors) ==
        "connections_per_address_max (11) must not be more than connections_max (10), which is set by /c.toml:1\n");
}

TEST_CASE("reload changes what may change, and names what waits for a restart") {
  World world;
  world.File("/c.toml", "port = 1\nidle_timeout = '1s'\nlog_level = 'info'\n");
  world.environment.push_back("JZSE_HEARTBEAT=5");
  const Loaded running = world.Load();
  world.files["/c.toml"] = "port = 2\nidle_timeout = '2s'\nlog_level = 'debug'\nheartbeat = 9\nworkers = 3\n";
  const Loaded reloaded = Reload(running, world.inputs());
  REQUIRE(Joined(reloaded.errors) == "");
  CHECK(reloaded.config.port == 1);
  CHECK(reloaded.config.workers == 8);
  CHECK(reloaded.config.idle_timeout == milliseconds(2000));
  CHECK(reloaded.config.log_level == 3);
  CHECK(reloaded.config.heartbeat == seconds(5));  // the environment still beats the file
  CHECK(reloaded.unchanged == Strings{"port", "workers"});
  CHECK(Reload(reloaded, world.inputs()).unchanged == Strings{"port", "workers"});
  world.files["/c.toml"] = "prot = 2\n";
  CHECK_FALSE(Reload(running, world.inputs()).errors.empty());
}

TEST_CASE("edit distance and nearness") {
  CHECK(EditDistance("", "abc") == 3);
  CHECK(EditDistance("port", "prot") == 1);
  CHECK(EditDistance("kitten", "sitting") == 3);
  CHECK(Nearest("prt", {"port", "part"}) == "port");
  CHECK(Nearest("zzzz", {"port"}) == "");
  CHECK(Nearest(std::string(10'000, 'a'), {"port"}) == "");
}

TEST_CASE("the manual and the example are what the schema says") {
  // Regenerate: tests/unit/server_config_test '[.write]'
  const std::string manual = ReadProjectFile("docs/man/jzsed.8");
  CHECK(manual.find(".SH SETTINGS\n" + ManText() + ".SH") != std::string::npos);
  CHECK(ReadProjectFile("examples/jzsed.toml") == ExampleText());
  std::string all = ExampleText();  // taken out of its comments it is a file that changes nothing
  for (size_t at = all.find("\n#"); at != std::string::npos; at = all.find("\n#", at + 1))
    if (all[at + 2] != ' ' && all[at + 2] != '\n') all.erase(at + 1, 1);
  all.replace(all.find("store = \"\""), 10, "store = \"/s\"");
  const Loaded loaded = World().File("/c.toml", all).Load();
  Config expected;
  expected.store = "/s";
  CHECK(Joined(loaded.errors) == "");
  CHECK(loaded.config == expected);
}

TEST_CASE("writes the manual's settings and the example anew", "[.write]") {
  const std::string root = JZSE_PROJECT_ROOT;
  std::string manual = ReadProjectFile("docs/man/jzsed.8");
  const size_t begin = manual.find(".SH SETTINGS\n") + 13, end = manual.find(".SH", begin);
  REQUIRE(end != std::string::npos);
  manual.replace(begin, end - begin, ManText());
  std::ofstream(root + "/docs/man/jzsed.8") << manual;
  std::ofstream(root + "/examples/jzsed.toml") << ExampleText();
}
