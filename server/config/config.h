// SPDX-License-Identifier: Apache-2.0
// What jzsed can be told: one struct with its defaults, one schema of it (schema.h), and the way from a command line, an
// environment and a file to that struct.
//
// A setting has one name everywhere, that of its member: `connections_max` in a file, JZSE_CONNECTIONS_MAX in the environment,
// --connections-max on the command line. Flags beat the environment, the environment beats the file, the file beats the defaults.
// A file is TOML, JSON or YAML by its ending, and flat: settings have no sections. What is unknown is refused, with the
// nearest name that is known and, in a file, its line. An environment variable JZSE_* that only resembles a setting is a
// warning: other programs have such names, too.
//
// Invariants
//   1. Load and Reload are pure: they see what is in Inputs and nothing else.
//   2. A Config that Load gives out without errors keeps every bound of the schema and the rules between settings.
//   3. All errors are told at once, not the first alone; each is one line that begins with where it comes from.
// Threading: values; no state.
#ifndef JZSE_SERVER_CONFIG_CONFIG_H_
#define JZSE_SERVER_CONFIG_CONFIG_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jzse::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Config {
  // Where
  std::string store;                // directory; Load fills an empty one in: the data directory's store
  std::string address = "127.0.0.1";  // IPv4 or IPv6 literal
  uint16_t port = 7380;             // 0: any free one
  std::vector<std::string> hosts;   // further names that may stand in Host on a loopback address

  // The library
  std::string region = "local";     // of a new store
  uint64_t memory_limit = uint64_t{128} << 20;
  uint64_t free_space_reserve = uint64_t{16} << 20;
  uint64_t background_rate = uint64_t{64} << 20;  // bytes a second
  bool background = true;
  uint32_t io = 0;                  // JZSE_IO_*
  bool read_only = false;

  // Threads
  unsigned threads = 0;             // loops; 0: as many as processors, at most 4
  unsigned workers = 8;             // threads of the pool
  size_t jobs_max = 4096;           // waiting for the pool; beyond: 503

  // Requests
  size_t request_line_max = 8 * 1024;
  size_t field_max = 8 * 1024;
  size_t head_max = 32 * 1024;
  size_t fields_max = 100;
  size_t json_body_max = 1024 * 1024;
  size_t batch_body_max = 16 * 1024 * 1024;
  uint64_t upload_size_max = uint64_t{1} << 46;

  // Connections
  size_t connections_max = 4096;
  size_t connections_per_address_max = 1024;
  size_t watchers_max = 1024;                 // long polls and event streams
  size_t transfer_memory = 64 * 1024 * 1024;  // buffers of large uploads, and for at most half of it of large downloads
  size_t transfer_window = 4 * 1024 * 1024;   // of a download that goes without such a buffer
  size_t upload_buffer = 512 * 1024;          // two of each large upload
  size_t small_put_max = 64 * 1024;           // goes into group commit from the loop

  // Deadlines
  milliseconds head_timeout{10'000};
  milliseconds idle_timeout{60'000};
  milliseconds progress_timeout{30'000};      // of a body or an answer
  uint64_t progress_bytes_min = 4 * 1024 * 30;  // within each progress_timeout
  milliseconds stop_timeout{30'000};
  seconds heartbeat{15};                      // of event streams
  seconds wait_max{60};                       // of long polls
  seconds upload_lifetime{24 * 3600};

  // Log and console
  int log_level = 2;                // JZSE_LOG_*, and log::Level
  uint32_t log_format = 0;          // log::Format
  bool log_requests = true;         // one line for each request, at level info
  bool console = true;              // serve the web console

  bool operator==(const Config&) const = default;
};

struct Origin {
  enum class Kind { kDefault, kFile, kEnvironment, kFlag };
  Kind kind = Kind::kDefault;
  std::string name;  // of the file, variable or flag; of a default what it depends on, mostly ""
  int line = 0;      // in the file; 0 where the parser does not know

  std::string Text() const;  // "default", "jzsed.toml:12", "JZSE_PORT", "--port"
};

struct FileText {
  std::string text;
  std::string error;  // what the system said; "" for success
  bool absent = false;
};

struct Inputs {
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // NAME=VALUE
  bool root = false;                     // decides the default data directory
  std::function<FileText(const std::string& path)> read;
};

enum class Action { kRun, kHelp, kVersion, kCheck, kShow, kExample };

struct Loaded {
  Action action = Action::kRun;
  Config config;
  std::vector<Origin> origins;  // one for each setting, in the schema's order
  std::string file;             // the file that was read; "" if none
  std::vector<std::string> errors, warnings;
  std::vector<std::string> unchanged;  // Reload: settings whose new value waits for a restart
  bool usage = false;                  // an error in the flags is among the errors
};

Loaded Load(const Inputs& inputs);
// What SIGHUP does: loads again and keeps `running`'s value of every setting that only a restart can change, naming those that
// differ in `unchanged`. With errors the result is to be thrown away: nothing changes.
Loaded Reload(const Loaded& running, const Inputs& inputs);

// "KEY = VALUE" for each setting, in a form that a TOML file takes back; with `origins` where it is from, as a comment.
std::string ShowText(const Loaded& loaded, bool origins);
// The same as data: one row for each setting, in the schema's order.
struct Shown {
  std::string key, value, origin;
};
std::vector<Shown> ShowRows(const Loaded& loaded);
std::string HelpText();     // of jzsed --help
std::string ManText();      // the settings as a section of jzsed(8)
std::string ExampleText();  // a TOML file with every setting in it, commented out

// The process as Inputs: its arguments, its environment, its files (at most 1 MiB each).
Inputs ProcessInputs(int argc, char** argv);
// For main(): says what the user asked to be told, or what is wrong, and gives the exit code to leave with; nullopt when
// there is a server to run. Warnings are left to the caller's log.
std::optional<int> Answer(const Loaded& loaded, std::string_view version);

}  // namespace jzse::config

#endif  // JZSE_SERVER_CONFIG_CONFIG_H_
