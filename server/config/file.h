// SPDX-License-Identifier: Apache-2.0
// A configuration file as a flat list of keys with what they were given, whichever of the three grammars it is in.
#ifndef JZSE_SERVER_CONFIG_FILE_H_
#define JZSE_SERVER_CONFIG_FILE_H_

#include <string>
#include <string_view>
#include <vector>

namespace jzse::config {

struct Entry {
  std::string key;
  int line = 0;                    // of the key; 0: not known
  bool list = false;
  std::vector<std::string> texts;  // one, or for a list any number: scalars as their text
  std::string problem;             // what stands there instead of a scalar or a list of scalars; "" if all is well
};

struct Document {
  std::vector<Entry> entries;  // keys may repeat: TOML refuses that itself, for the others it is the reader's duty
  std::string error;           // the whole is not well-formed; "" otherwise
  int error_line = 0;
};

enum class FileFormat { kToml, kJson, kYaml, kUnknown };
FileFormat FormatOf(std::string_view path);  // by the ending: .toml, .json, .yaml or .yml

Document ParseDocument(FileFormat format, std::string_view text);
Document ParseToml(std::string_view text);
Document ParseJson(std::string_view text);
Document ParseYaml(std::string_view text);

inline constexpr size_t kFileSizeMax = 1 << 20;

}  // namespace jzse::config

#endif  // JZSE_SERVER_CONFIG_FILE_H_
