// SPDX-License-Identifier: Apache-2.0
#include "http/problem.h"

#include <cstdint>

#include "http/status.h"

namespace jzse::http {
namespace {

// Bytes of the well-formed UTF-8 sequence at the front; 0 if there is none.
size_t SequenceSize(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) || (first == 0xf0 && byte(1) < 0x90) ||
      (first == 0xf4 && byte(1) > 0x8f))
    return 0;
  return size;
}

// "JZSE_NOT_FOUND" -> "jzse-not-found"
std::string Slug(std::string_view code) {
  std::string slug(code);
  for (char& c : slug) c = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return slug;
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* json) {
  static constexpr char kDigits[] = "0123456789abcdef";
  json->push_back('"');
  while (!text.empty()) {
    const size_t size = SequenceSize(text);
    const char c = text.front();
    if (size == 0) {
      json->append("\xef\xbf\xbd");
    } else if (c == '"' || c == '\\') {
      json->append({'\\', c});
    } else if (size == 1 && static_cast<uint8_t>(c) < 0x20) {
      json->append({'\\', 'u', '0', '0', kDigits[c >> 4], kDigits[c & 15]});
    } else {
      json->append(text.substr(0, size));
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  json->push_back('"');
}

std::string ProblemJson(const Problem& problem, std::string_view request_id) {
  std::string json = "{\"type\":";
  AppendJsonString("urn:jzse:problem:" + Slug(problem.code), &json);
  json += ",\"title\":";
  AppendJsonString(ReasonOf(problem.status), &json);
  json += ",\"status\":" + std::to_string(problem.status) + ",\"detail\":";
  AppendJsonString(problem.detail, &json);
  json += ",\"code\":";
  AppendJsonString(problem.code, &json);
  json += ",\"request_id\":";
  AppendJsonString(request_id, &json);
  json += problem.retry ? ",\"retry\":true" : ",\"retry\":false";
  if (problem.operation >= 0) json += ",\"operation\":" + std::to_string(problem.operation);
  return json + "}\n";
}

}  // namespace jzse::http
