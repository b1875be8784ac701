// SPDX-License-Identifier: Apache-2.0
#include "http/target.h"

#include <algorithm>

namespace jzse::http {
namespace {

constexpr size_t kParametersMax = 64;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

bool DecodeForm(std::string_view text, std::string* decoded) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return PercentDecode(spaced, decoded);
}

}  // namespace

Target SplitTarget(std::string_view target) {
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

bool PercentDecode(std::string_view text, std::string* decoded) {
  decoded->clear();
  if (text.find('%') == std::string_view::npos) {
    decoded->assign(text);
    return text.find('\0') == std::string_view::npos;
  }
  decoded->reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return false;
      const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return false;
    decoded->push_back(c);
  }
  return true;
}

std::string PercentEncode(std::string_view text, std::string_view kept) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c) || kept.find(c) != std::string_view::npos) {
      encoded.push_back(c);
    } else {
      const auto u = static_cast<unsigned char>(c);
      encoded.append({'%', kDigits[u >> 4], kDigits[u & 15]});
    }
  }
  return encoded;
}

std::optional<Query> Query::Parse(std::string_view query) {
  Query parsed;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    Parameter parameter;
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!DecodeForm(pair.substr(0, equals), &parameter.name) || !DecodeForm(value, &parameter.value)) return std::nullopt;
    const bool repeated = std::any_of(parsed.parameters_.begin(), parsed.parameters_.end(),
                                      [&](const Parameter& other) { return other.name == parameter.name; });
    if (repeated || parsed.parameters_.size() == kParametersMax) return std::nullopt;
    parsed.parameters_.push_back(std::move(parameter));
  }
  return parsed;
}

const std::string* Query::Find(std::string_view name) {
  for (Parameter& parameter : parameters_) {
    if (parameter.name != name) continue;
    parameter.asked = true;
    return &parameter.value;
  }
  return nullptr;
}

bool Query::Number(std::string_view name, uint64_t min, uint64_t max, std::optional<uint64_t>* value) {
  const std::string* const text = Find(name);
  if (text == nullptr) return true;
  *value = ParseNumber(*text);
  return value->has_value() && **value >= min && **value <= max;
}

bool Query::Flag(std::string_view name, bool* value) {
  const std::string* const text = Find(name);
  if (text == nullptr) return true;
  *value = text->empty() || *text == "true" || *text == "1";
  return *value || *text == "false" || *text == "0";
}

const std::string* Query::Unasked() const {
  for (const Parameter& parameter : parameters_) {
    if (!parameter.asked) return &parameter.name;
  }
  return nullptr;
}

std::optional<uint64_t> ParseNumber(std::string_view digits) {
  if (digits.empty() || digits.size() > 19) return std::nullopt;
  uint64_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

}  // namespace jzse::http
