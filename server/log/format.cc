// SPDX-License-Identifier: Apache-2.0
// Lines from events. Pure.
#include <array>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "log/log.h"

namespace jzse::log {
namespace {

constexpr std::array<std::string_view, 4> kLevels{"error", "warning", "info", "debug"};
constexpr char kReplacement[] = "\xEF\xBF\xBD";

// The length of the UTF-8 sequence that `text` begins with; 0 if it begins with none.
size_t SequenceLength(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const unsigned lead = at(0);
  const size_t length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  for (size_t i = 1; i < length; ++i)
    if ((at(i) & 0xC0) != 0x80) return 0;
  if ((lead == 0xE0 && at(1) < 0xA0) || (lead == 0xED && at(1) > 0x9F) || (lead == 0xF0 && at(1) < 0x90) ||
      (lead == 0xF4 && at(1) > 0x8F))
    return 0;
  return length;
}

// C1 controls and what reorders or separates lines on a terminal or in a viewer.
bool IsUnsafe(std::string_view sequence) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 2) return at(0) == 0xC2 && at(1) < 0xA0;
  if (sequence.size() != 3 || at(0) != 0xE2) return false;
  const unsigned low = (at(1) & 0x3Fu) << 6 | (at(2) & 0x3Fu);  // U+2000 + low
  return (low >= 0x00E && low <= 0x00F) || (low >= 0x028 && low <= 0x02E) || (low >= 0x066 && low <= 0x069);
}

// As many bytes as a value may have, without half a character at the end.
std::string_view Cut(std::string_view text) {
  if (text.size() <= kValueMax) return text;
  size_t end = kValueMax;
  while (end > kValueMax - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

void AppendHex(std::string_view bytes, std::string* out) {
  for (const char c : bytes) fmt::format_to(std::back_inserter(*out), "\\x{:02x}", static_cast<unsigned char>(c));
}

void AppendEscaped(Format format, std::string_view text, std::string* out) {
  const std::string_view shown = Cut(text);
  for (size_t i = 0; i < shown.size();) {
    const auto byte = static_cast<unsigned char>(shown[i]);
    const size_t length = SequenceLength(shown.substr(i));
    const std::string_view sequence = shown.substr(i, length == 0 ? 1 : length);
    if (byte == '"' || byte == '\\') *out += '\\', *out += shown[i];
    else if (byte == '\n') *out += "\\n";
    else if (byte == '\r') *out += "\\r";
    else if (byte == '\t') *out += "\\t";
    else if (length == 0) format == Format::kJson ? void(*out += kReplacement) : AppendHex(sequence, out);
    else if ((byte < 0x20 || byte == 0x7f) && format == Format::kJson) fmt::format_to(std::back_inserter(*out), "\\u{:04x}", byte);
    else if (byte < 0x20 || byte == 0x7f) AppendHex(sequence, out);
    else if (length > 1 && IsUnsafe(sequence)) {
      if (format == Format::kLogfmt) AppendHex(sequence, out);
      else if (length == 2) fmt::format_to(std::back_inserter(*out), "\\u{:04x}", static_cast<unsigned char>(sequence[1]));
      else fmt::format_to(std::back_inserter(*out), "\\u{:04x}",
                          0x2000u | (static_cast<unsigned>(sequence[1]) & 0x3Fu) << 6 | (static_cast<unsigned>(sequence[2]) & 0x3Fu));
    } else *out += sequence;
    i += sequence.size();
  }
  if (shown.size() < text.size()) *out += "...";
}

bool IsPlainWord(std::string_view text) {
  if (text.empty() || text.size() > kValueMax) return false;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~:/?#[]@!$&()*+,;%{}|^").find(c) != std::string_view::npos;
    if (!plain) return false;
  }
  return true;
}

void AppendText(Format format, std::string_view text, std::string* out) {
  if (format == Format::kLogfmt && IsPlainWord(text)) {
    *out += text;
    return;
  }
  *out += '"';
  AppendEscaped(format, text, out);
  *out += '"';
}

void AppendValue(Format format, const Field::Value& value, std::string* out) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return AppendText(format, *text, out);
  if (const auto* flag = std::get_if<bool>(&value)) {
    *out += *flag ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isfinite(*real)) fmt::format_to(std::back_inserter(*out), "{:.6g}", *real);
    else *out += "null";
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    fmt::format_to(std::back_inserter(*out), "{}", *number);
  } else {
    fmt::format_to(std::back_inserter(*out), "{}", std::get<uint64_t>(value));
  }
}

void AppendTime(int64_t ns, std::string* out) {
  int64_t ms = ns / 1'000'000;
  if (ns < 0 && ns % 1'000'000 != 0) --ms;
  int64_t second = ms / 1000;
  if (ms % 1000 < 0) --second;
  const time_t seconds = second;
  tm parts{};
  gmtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(*out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ms - second * 1000);
}

}  // namespace

std::string FormatLine(Format format, int64_t ns, Level level, std::string_view event, std::span<const Field> fields) {
  const bool json = format == Format::kJson;
  std::string line = json ? "{\"time\":\"" : "time=";
  line.reserve(256);
  AppendTime(ns, &line);
  line += json ? "\",\"level\":\"" : " level=";
  line += kLevels[static_cast<size_t>(level) & 3];
  line += json ? "\",\"event\":" : " event=";
  AppendText(format, event, &line);
  for (const Field& field : fields) {
    line += json ? ",\"" : " ";
    line += field.name;
    line += json ? "\":" : "=";
    AppendValue(format, field.value, &line);
  }
  line += json ? "}\n" : "\n";
  return line;
}

}  // namespace jzse::log
