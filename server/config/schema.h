// SPDX-License-Identifier: Apache-2.0
// The schema of Config: one row for each setting. Flags, environment names, keys of files, help, manual and errors are
// derived from it; a default is what a fresh Config holds, and stands nowhere else.
#ifndef JZSE_SERVER_CONFIG_SCHEMA_H_
#define JZSE_SERVER_CONFIG_SCHEMA_H_

#include <span>
#include <variant>

#include "config/config.h"

namespace jzse::config {

enum class Type {
  kText,      // no control characters; `least` and `most` bound its length
  kPath,      // text that names a file
  kAddress,   // an IPv4 or IPv6 literal
  kList,      // texts; between commas where there is only one line
  kFlag,      // true or false
  kChoice,    // one of `choices`, stored as its index
  kCount,     // a number
  kSize,      // bytes: 64K, 1.5GiB; powers of 1024
  kDuration,  // 500ms, 30s, 5m, 12h, 7d; without a unit, seconds
};

using Member = std::variant<std::string Config::*, std::vector<std::string> Config::*, bool Config::*, uint16_t Config::*,
                            int Config::*, unsigned Config::*, uint64_t Config::*, milliseconds Config::*,
                            seconds Config::*>;

struct Setting {
  std::string_view key;
  Type type;
  Member member;
  uint64_t least, most;  // in the member's own unit
  bool reloadable;       // SIGHUP changes it
  std::string_view about;
  std::span<const std::string_view> choices = {};
};

struct Group {
  std::string_view title;
  std::span<const Setting> settings;
};

std::span<const Setting> Schema();
std::span<const Group> Groups();  // the schema again, in the same order, under headings

std::string FlagName(const Setting& setting);         // "--connections-max"
std::string EnvironmentName(const Setting& setting);  // "JZSE_CONNECTIONS_MAX"
std::string ExpectedText(const Setting& setting);     // "a size from 4KiB to 1GiB"
// What a user may write for the value, and Parse reads back: "64MiB", "30s", "true".
std::string ValueText(const Setting& setting, const Config& config);
bool SameValue(const Setting& setting, const Config& one, const Config& other);
void CopyValue(const Setting& setting, const Config& from, Config* to);

// Sets the member from text (flags, environment, and scalars of files alike). "" or what is wrong, which names neither
// the setting nor where it came from.
std::string ParseValue(const Setting& setting, std::string_view text, Config* config);
// The same from a list of texts; only for kList.
std::string ParseList(const Setting& setting, std::vector<std::string> texts, Config* config);

const Setting* FindSetting(std::string_view key);
// The known name nearest to `name`, if it is near enough to be what was meant; else "".
std::string Nearest(std::string_view name, const std::vector<std::string>& known);
size_t EditDistance(std::string_view a, std::string_view b);  // insert, delete, replace, swap neighbours
// For messages: what is no printable ASCII as \xHH, and what is longer than `size_max` cut.
std::string Escaped(std::string_view text, size_t size_max);
std::string Quoted(std::string_view text);

}  // namespace jzse::config

#endif  // JZSE_SERVER_CONFIG_SCHEMA_H_
