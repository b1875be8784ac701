// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <sys/stat.h>

#include <cmath>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "jzse/jzse.h"

namespace jzse::cli {
namespace {

// Decodes one code point at `text[i]`. Returns its length in bytes, 0 if it is malformed, overlong,
// a surrogate or beyond U+10FFFF.
size_t DecodeUtf8(std::string_view text, size_t i, uint32_t* out) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char b = byte(i);
  if (b < 0x80) {
    *out = b;
    return 1;
  }
  const size_t n = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
  if (b < 0xc2 || b > 0xf4 || i + n > text.size()) return 0;
  uint32_t c = b & (0x7fu >> n);
  for (size_t k = 1; k < n; ++k) {
    if ((byte(i + k) & 0xc0) != 0x80) return 0;
    c = c << 6 | (byte(i + k) & 0x3fu);
  }
  static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (c < kLeast[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return 0;
  *out = c;
  return n;
}

bool IsControl(uint32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f); }

// Marks and overrides of writing direction can make a line read as something else.
bool IsDeceptive(uint32_t c) {
  return c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

std::tm LocalBroken(int64_t ns, int64_t* rest) {
  int64_t seconds = ns / 1'000'000'000;
  *rest = ns % 1'000'000'000;
  if (*rest < 0) {
    *rest += 1'000'000'000;
    --seconds;
  }
  const time_t t = static_cast<time_t>(seconds);
  std::tm tm{};
  localtime_r(&t, &tm);
  return tm;
}

std::string Strftime(const char* format, const std::tm& tm) {
  char buffer[64];
  return {buffer, std::strftime(buffer, sizeof buffer, format, &tm)};
}

}  // namespace

std::string EscapeName(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size();) {
    uint32_t c = 0;
    const size_t n = DecodeUtf8(name, i, &c);
    if (n == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(name[i++]));
      continue;
    }
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x80 && IsControl(c)) {
      out += fmt::format("\\x{:02x}", c);
    } else if (IsControl(c) || IsDeceptive(c)) {
      out += fmt::format("\\u{{{:x}}}", c);
    } else {
      out += name.substr(i, n);
    }
    i += n;
  }
  return out;
}

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    uint32_t c = 0;
    const size_t n = DecodeUtf8(text, i, &c);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

bool IsRefusedName(std::string_view name, std::string_view* why) {
  for (size_t i = 0; i < name.size();) {
    uint32_t c = 0;
    const size_t n = DecodeUtf8(name, i, &c);
    if (n == 0 || IsControl(c)) {
      *why = n == 0 ? "the name is not UTF-8" : "the name contains a control character";
      return true;
    }
    i += n;
  }
  return false;
}

std::string HumanSize(uint64_t bytes) {
  static constexpr char kUnits[] = " KMGTPE";
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1023.5 && unit < 6) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return std::to_string(bytes);
  return value < 9.95 ? fmt::format("{:.1f}{}", value, kUnits[unit])
                      : fmt::format("{:.0f}{}", value, kUnits[unit]);
}

std::string SizeText(uint64_t bytes) {
  if (bytes < 1024) return CountText(bytes, "byte");
  static constexpr char kUnits[] = " KMGTPE";
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1023.95 && unit < 6) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}iB", value, kUnits[unit]);
}

std::string GroupedText(uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

std::string CountText(uint64_t count, std::string_view noun) {
  if (count == 1) return fmt::format("1 {}", noun);
  if (noun.size() > 1 && noun.back() == 'y' && noun[noun.size() - 2] != 'e') {
    return fmt::format("{} {}ies", GroupedText(count), noun.substr(0, noun.size() - 1));
  }
  return fmt::format("{} {}s", GroupedText(count), noun);
}

std::string DurationText(double seconds) {
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto s = static_cast<uint64_t>(std::llround(seconds));
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string LocalTime(int64_t ns) {
  int64_t rest = 0;
  return Strftime("%Y-%m-%d %H:%M:%S", LocalBroken(ns, &rest));
}

std::string LocalTimeShort(int64_t ns) {
  int64_t rest = 0;
  return Strftime("%Y-%m-%d %H:%M", LocalBroken(ns, &rest));
}

std::string UtcTime(int64_t ns) {
  int64_t rest = 0;
  LocalBroken(ns, &rest);
  // Rounded down, without leaving the range of int64_t on the way.
  const time_t t = static_cast<time_t>(ns / 1'000'000'000 - (ns % 1'000'000'000 < 0 ? 1 : 0));
  std::tm tm{};
  gmtime_r(&t, &tm);
  return fmt::format("{}.{:09}Z", Strftime("%Y-%m-%dT%H:%M:%S", tm), rest);
}

std::string ModeText(uint32_t kind, uint32_t mode) {
  std::string text = kind == JZSE_KIND_DIRECTORY || kind == JZSE_KIND_PREFIX ? "d"
                     : kind == JZSE_KIND_SYMLINK                             ? "l"
                     : kind == JZSE_KIND_DELETED                             ? "x"
                                                                             : "-";
  if (mode == 0) return text + "?????????";
  static constexpr char kBits[] = "rwxrwxrwx";
  for (int i = 0; i < 9; ++i) text += (mode >> (8 - i) & 1) != 0 ? kBits[i] : '-';
  if ((mode & S_ISUID) != 0) text[3] = (mode & S_IXUSR) != 0 ? 's' : 'S';
  if ((mode & S_ISGID) != 0) text[6] = (mode & S_IXGRP) != 0 ? 's' : 'S';
  if ((mode & S_ISVTX) != 0) text[9] = (mode & S_IXOTH) != 0 ? 't' : 'T';
  return text;
}

std::string OctalMode(uint32_t mode) { return fmt::format("{:04o}", mode); }

const char* KindName(uint32_t kind) {
  switch (kind) {
    case JZSE_KIND_FILE:
      return "file";
    case JZSE_KIND_SYMLINK:
      return "symlink";
    case JZSE_KIND_DIRECTORY:
      return "directory";
    case JZSE_KIND_PREFIX:
      return "prefix";
    case JZSE_KIND_DELETED:
      return "deleted";
    default:
      return "unknown";
  }
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t n = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(n, uint64_t{10}, &n) ||
        __builtin_add_overflow(n, static_cast<uint64_t>(c - '0'), &n)) {
      return std::nullopt;
    }
  }
  return n;
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  static constexpr std::string_view kUnits = "KMGTPE";
  for (const std::string_view suffix : {"iB", "B", "b"}) {
    if (text.size() > suffix.size() && text.substr(text.size() - suffix.size()) == suffix) {
      text.remove_suffix(suffix.size());
      break;
    }
  }
  if (text.empty()) return std::nullopt;
  uint64_t unit = 1;
  const char last = static_cast<char>(text.back() & ~0x20);  // upper case
  if (const size_t i = kUnits.find(last); i != std::string_view::npos) {
    unit <<= 10 * (i + 1);
    text.remove_suffix(1);
  }
  const size_t dot = text.find('.');
  const auto whole = ParseNumber(text.substr(0, dot));
  uint64_t bytes = 0;
  if (!whole || __builtin_mul_overflow(*whole, unit, &bytes)) return std::nullopt;
  if (dot == std::string_view::npos) return bytes;
  const std::string_view digits = text.substr(dot + 1);
  const auto fraction = ParseNumber(digits);
  if (!fraction || unit == 1 || digits.size() > 6) return std::nullopt;
  const double part =
      static_cast<double>(*fraction) / std::pow(10.0, static_cast<double>(digits.size()));
  const auto extra = static_cast<uint64_t>(part * static_cast<double>(unit));
  return __builtin_add_overflow(bytes, extra, &bytes) ? std::nullopt : std::optional(bytes);
}

std::optional<uint64_t> ParseDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t unit = 1;
  switch (text.back()) {
    case 's':
      unit = 1;
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = 86400;
      break;
    case 'w':
      unit = 7 * 86400;
      break;
    default:
      unit = 0;
      break;
  }
  if (unit != 0) text.remove_suffix(1);
  const auto n = ParseNumber(text);
  uint64_t seconds = 0;
  if (!n || __builtin_mul_overflow(*n, unit == 0 ? 1 : unit, &seconds)) return std::nullopt;
  return seconds;
}

std::optional<uint32_t> ParseOctalMode(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  uint32_t mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    mode = mode << 3 | static_cast<uint32_t>(c - '0');
  }
  return mode <= 07777 ? std::optional(mode) : std::nullopt;
}

bool IsNamespaceName(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 64 || !plain(name[0])) return false;
  for (const char c : name) {
    if (!plain(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

Address ParseAddress(std::string_view text) {
  Address address;
  address.ns = kDefaultNamespace;
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && (colon == 0 || IsNamespaceName(text.substr(0, colon)))) {
    if (colon != 0) address.ns = text.substr(0, colon);
    address.ns_given = colon != 0;
    text.remove_prefix(colon + 1);
  }
  if (!text.empty() && text[0] == '/') text.remove_prefix(1);
  address.path = text;
  return address;
}

std::string FormatAddress(std::string_view ns, std::string_view path) {
  std::string text;
  if (ns != kDefaultNamespace) text = fmt::format("{}:", ns);
  if (!path.empty() && path[0] == '/') text += '/';
  text += path;
  // The path alone could be read as something else.
  const Address back = ParseAddress(text);
  if (back.ns != ns || back.path != path || text == "-") text.insert(0, 1, ':');
  return text;
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  std::string path(directory);
  if (path.back() != '/') path += '/';
  return path += name;
}

std::string_view BaseName(std::string_view path) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view ParentPath(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace jzse::cli
