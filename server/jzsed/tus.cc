// SPDX-License-Identifier: Apache-2.0
#include "jzsed/tus.h"

#include "http/date.h"
#include "http/digest.h"
#include "http/head.h"

namespace jzse::jzsed {

std::string ReadUploadMetadata(std::string_view text, UploadTarget* target) {
  std::string problem;
  http::ForEachElement(text, [&](std::string_view pair) {
    const size_t space = pair.find(' ');
    const std::string_view key = pair.substr(0, space);
    const auto value = http::Base64Decode(space == std::string_view::npos ? std::string_view() : pair.substr(space + 1));
    if (!value || value->find('\0') != std::string::npos) {
      problem = "Upload-Metadata: the value of " + std::string(key) + " is malformed";
      return;
    }
    Attributes& attributes = target->attributes;
    if (key == "namespace") target->ns = *value;
    else if (key == "path" || (key == "filename" && target->path.empty())) target->path = *value;
    else if (key == "content_type" || key == "filetype") attributes.content_type = *value;
    else if (key == "if_match") attributes.if_match = *value;
    else if (key == "if_none_match") attributes.if_none_match = *value;
    else if (key == "mode" && !ParseMode(*value, &attributes.mode)) problem = "Upload-Metadata: mode is no octal number";
    else if (key == "mtime") {
      const auto mtime = http::ParseRfc3339(*value);
      if (!mtime) problem = "Upload-Metadata: mtime is no RFC 3339 time";
      attributes.mtime_ns = mtime.value_or(0);
    } else if (key.substr(0, 5) == "meta-") {
      attributes.metadata.emplace_back(std::string(key.substr(5)), *value);
    }
  });
  if (problem.empty() && target->path.empty()) problem = "Upload-Metadata has neither path nor filename";
  return problem;
}

}  // namespace jzse::jzsed
