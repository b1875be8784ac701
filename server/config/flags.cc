// SPDX-License-Identifier: Apache-2.0
#include "config/flags.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

#include "http/target.h"

namespace jzse::config {
namespace {

constexpr char kHelp[] =
    R"(Usage: jzsed [OPTION]...
Serves one store over HTTP.

  --store DIR           the store; created if absent [DATA/store]
  --address ADDRESS     IP address to listen on [127.0.0.1]
  --port PORT           0: any free one [7380]
  --host NAME           a further name that may stand in Host on a loopback address; may be repeated
  --threads N           event loops [as many as processors, at most 4]
  --workers N           threads for calls that may wait for the disk [8]
  --memory BYTES        the library's memory limit [128 MiB]
  --read-only           refuse every change
  --connections N       connections at once [4096]
  --address-connections N  of these from one address [1024]
  --head-timeout MS     for a request's head [10000]
  --idle-timeout MS     between requests [60000]
  --progress-timeout MS in which a body or an answer must move on [30000]
  --stop-timeout MS     for what is under way when stopping [30000]
  --log-level LEVEL     error, warning, info or debug [info]
  --no-request-log      no line for each request
  --routes              print method, path and operation of every route
  --help, --version

DATA is $STATE_DIRECTORY, else /var/lib/jzse for root, else $XDG_DATA_HOME/jzse or ~/.local/share/jzse.
)";

struct Flag {
  std::string_view name;
  bool has_value;
  std::function<bool(const std::string&)> set;
};

template <typename Number>
std::function<bool(const std::string&)> Into(Number* value, uint64_t min = 0) {
  return [value, min](const std::string& text) {
    const auto number = http::ParseNumber(text);
    if (!number || *number < min || *number > std::numeric_limits<Number>::max()) return false;
    *value = static_cast<Number>(*number);
    return true;
  };
}

std::function<bool(const std::string&)> Into(milliseconds* value) {
  return [value](const std::string& text) {
    const auto number = http::ParseNumber(text);
    if (!number || *number == 0 || *number > 86'400'000) return false;
    *value = milliseconds(*number);
    return true;
  };
}

bool SetLevel(const std::string& name, int* level) {
  const std::vector<std::string> names = {"error", "warning", "info", "debug"};
  for (size_t i = 0; i < names.size(); ++i) {
    if (name != names[i]) continue;
    *level = static_cast<int>(i);
    return true;
  }
  return false;
}

std::vector<Flag> FlagsOf(Config* config, Asked* asked) {
  const auto ask = [asked](Asked what) { return [asked, what](const std::string&) { return *asked = what, true; }; };
  const auto text = [](std::string* value) {
    return [value](const std::string& given) { return *value = given, !given.empty(); };
  };
  return {
      {"--store", true, text(&config->store)},
      {"--address", true, text(&config->address)},
      {"--port", true, Into(&config->port)},
      {"--host", true, [config](const std::string& name) { return config->hosts.push_back(name), !name.empty(); }},
      {"--threads", true, Into(&config->threads, 1)},
      {"--workers", true, Into(&config->workers, 1)},
      {"--memory", true, Into(&config->memory_limit)},
      {"--read-only", false, [config](const std::string&) { return config->read_only = true; }},
      {"--connections", true, Into(&config->connections_max, 1)},
      {"--address-connections", true, Into(&config->connections_per_address_max, 1)},
      {"--head-timeout", true, Into(&config->head_timeout)},
      {"--idle-timeout", true, Into(&config->idle_timeout)},
      {"--progress-timeout", true, Into(&config->progress_timeout)},
      {"--stop-timeout", true, Into(&config->stop_timeout)},
      {"--log-level", true, [config](const std::string& name) { return SetLevel(name, &config->log_level); }},
      {"--no-request-log", false, [config](const std::string&) { return config->log_requests = false, true; }},
      {"--routes", false, ask(Asked::kRoutes)},
      {"--help", false, ask(Asked::kHelp)},
      {"--version", false, ask(Asked::kVersion)},
  };
}

}  // namespace

bool ParseFlags(int argc, char** argv, Config* config, Asked* asked, std::string* problem) {
  *asked = Asked::kServe;
  const std::vector<Flag> flags = FlagsOf(config, asked);
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const Flag* found = nullptr;
    for (const Flag& flag : flags) found = flag.name == name ? &flag : found;
    if (found == nullptr) return *problem = "there is no option " + name + "; see jzsed --help", false;
    std::string value;
    if (found->has_value && equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (found->has_value) {
      if (++i == argc) return *problem = "option " + name + " needs a value", false;
      value = argv[i];
    } else if (equals != std::string::npos) {
      return *problem = "option " + name + " takes no value", false;
    }
    if (!found->set(value)) return *problem = "option " + name + " cannot be \"" + value + "\"", false;
  }
  return true;
}

const char* HelpText() { return kHelp; }

}  // namespace jzse::config
