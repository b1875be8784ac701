// SPDX-License-Identifier: Apache-2.0
#include "config/file.h"

namespace jzse::config {

FileFormat FormatOf(std::string_view path) {
  if (path.ends_with(".toml")) return FileFormat::kToml;
  if (path.ends_with(".json")) return FileFormat::kJson;
  if (path.ends_with(".yaml") || path.ends_with(".yml")) return FileFormat::kYaml;
  return FileFormat::kUnknown;
}

Document ParseDocument(FileFormat format, std::string_view text) {
  Document document;
  if (text.size() > kFileSizeMax) {
    document.error = "larger than 1 MiB";
    return document;
  }
  switch (format) {
    case FileFormat::kToml:
      return ParseToml(text);
    case FileFormat::kJson:
      return ParseJson(text);
    case FileFormat::kYaml:
      return ParseYaml(text);
    case FileFormat::kUnknown:
      document.error = "the name must end in .toml, .json, .yaml or .yml";
  }
  return document;
}

}  // namespace jzse::config
