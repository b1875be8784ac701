// SPDX-License-Identifier: Apache-2.0
// Values as text, both ways. What ValueText writes ParseValue reads back as the same value.
#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "config/schema.h"

namespace jzse::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t size;
};
constexpr std::array<Unit, 7> kDurations{{{"w", 604'800'000},
                                          {"d", 86'400'000},
                                          {"h", 3'600'000},
                                          {"m", 60'000},
                                          {"ms", 1},
                                          {"s", 1000},
                                          {"", 1000}}};
constexpr std::string_view kPrefixes = "KMGTPE";

std::optional<uint64_t> Number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t n = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(n, uint64_t{10}, &n) || __builtin_add_overflow(n, static_cast<uint64_t>(c - '0'), &n))
      return std::nullopt;
  }
  return n;
}

// "1.5" of a unit, in whole numbers: up to six decimals, what is left over is dropped.
std::optional<uint64_t> Scaled(std::string_view text, uint64_t unit) {
  const size_t dot = text.find('.');
  const auto whole = Number(text.substr(0, dot));
  uint64_t value = 0;
  if (!whole || __builtin_mul_overflow(*whole, unit, &value)) return std::nullopt;
  if (dot == std::string_view::npos) return value;
  const std::string_view decimals = text.substr(dot + 1);
  const auto fraction = Number(decimals);
  if (!fraction || decimals.size() > 6) return std::nullopt;
  uint64_t scale = 1;
  for (size_t i = 0; i < decimals.size(); ++i) scale *= 10;
  const uint64_t part = unit / scale * *fraction + unit % scale * *fraction / scale;  // less than unit: no overflow
  if (unit == 1 && *fraction != 0) return std::nullopt;
  return __builtin_add_overflow(value, part, &value) ? std::nullopt : std::optional(value);
}

std::optional<uint64_t> Size(std::string_view text) {
  for (const std::string_view suffix : {"iB", "B", "b"}) {
    if (text.size() > suffix.size() && text.ends_with(suffix)) {
      text.remove_suffix(suffix.size());
      break;
    }
  }
  if (text.empty()) return std::nullopt;
  uint64_t unit = 1;
  if (const size_t i = kPrefixes.find(static_cast<char>(text.back() & ~0x20)); i != std::string_view::npos) {
    unit <<= 10 * (i + 1);
    text.remove_suffix(1);
  }
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return Scaled(text, unit);
}

std::optional<uint64_t> Milliseconds(std::string_view text) {
  for (const Unit& unit : kDurations) {
    if (!text.ends_with(unit.name)) continue;
    if (unit.name == "s" && text.ends_with("ms")) continue;
    std::string_view digits = text.substr(0, text.size() - unit.name.size());
    while (!digits.empty() && digits.back() == ' ') digits.remove_suffix(1);
    return Scaled(digits, unit.size);
  }
  return std::nullopt;
}

std::optional<bool> Flag(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on", "1"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "no", "off", "0"})
    if (text == no) return false;
  return std::nullopt;
}

// UTF-8 without control characters: what a TOML file can hold, so that what is in force can be written down.
bool Printable(std::string_view text) {
  size_t following = 0;
  unsigned least = 0, point = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (following > 0) {
      point = point << 6 | (byte & 0x3Fu);
      if ((byte & 0xC0) != 0x80) return false;
      if (--following == 0 && (point < least || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))) return false;
    } else if (byte >= 0x80) {
      following = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
      if (byte < 0xC2 || byte > 0xF4) return false;
      least = following == 3 ? 0x10000 : following == 2 ? 0x800 : 0x80;
      point = byte & (0x3Fu >> following);
    } else if (byte < 0x20 || byte == 0x7f) {
      return false;
    }
  }
  return following == 0;
}

bool IsAddress(const std::string& text) {
  in6_addr any{};
  return inet_pton(AF_INET, text.c_str(), &any) == 1 || inet_pton(AF_INET6, text.c_str(), &any) == 1;
}

std::string SizeName(uint64_t bytes) {
  size_t prefix = 0;
  while (prefix < kPrefixes.size() && bytes != 0 && bytes % 1024 == 0) bytes /= 1024, ++prefix;
  return prefix == 0 ? fmt::format("{}", bytes) : fmt::format("{}{}iB", bytes, kPrefixes[prefix - 1]);
}

std::string DurationName(uint64_t ms) {
  for (const Unit& unit : {kDurations[1], kDurations[2], kDurations[3], kDurations[5]})
    if (ms != 0 && ms % unit.size == 0) return fmt::format("{}{}", ms / unit.size, unit.name);
  return ms == 0 ? "0s" : fmt::format("{}ms", ms);
}

// The member as a number, durations in milliseconds; for every type but texts and lists.
uint64_t Get(const Setting& setting, const Config& config) {
  return std::visit(
      [&](auto member) -> uint64_t {
        using Value = std::decay_t<decltype(config.*member)>;
        if constexpr (std::is_integral_v<Value>) {
          return static_cast<uint64_t>(config.*member);
        } else if constexpr (std::is_same_v<Value, milliseconds> || std::is_same_v<Value, seconds>) {
          return static_cast<uint64_t>(milliseconds(config.*member).count());
        } else {
          return 0;
        }
      },
      setting.member);
}

void Set(const Setting& setting, uint64_t value, Config* config) {
  std::visit(
      [&](auto member) {
        using Value = std::decay_t<decltype(config->*member)>;
        if constexpr (std::is_integral_v<Value>) {
          config->*member = static_cast<Value>(value);
        } else if constexpr (std::is_same_v<Value, milliseconds>) {
          config->*member = milliseconds(value);
        } else if constexpr (std::is_same_v<Value, seconds>) {
          config->*member = seconds(value / 1000);
        }
      },
      setting.member);
}

bool InSeconds(const Setting& setting) { return std::holds_alternative<seconds Config::*>(setting.member); }
uint64_t Bound(const Setting& setting, uint64_t bound) { return InSeconds(setting) ? bound * 1000 : bound; }

std::string NumberName(const Setting& setting, uint64_t value) {
  if (setting.type == Type::kSize) return SizeName(value);
  if (setting.type == Type::kDuration) return DurationName(value);
  return fmt::format("{}", value);
}

std::string SetNumber(const Setting& setting, std::optional<uint64_t> value, Config* config) {
  if (!value || *value < Bound(setting, setting.least) || *value > Bound(setting, setting.most)) return ExpectedText(setting);
  if (InSeconds(setting) && *value % 1000 != 0) return "whole seconds";
  Set(setting, *value, config);
  return "";
}

std::string SetText(const Setting& setting, std::string_view text, Config* config) {
  if (text.size() < setting.least || text.size() > setting.most || !Printable(text)) return ExpectedText(setting);
  if (setting.type == Type::kAddress && !IsAddress(std::string(text))) return ExpectedText(setting);
  config->*std::get<std::string Config::*>(setting.member) = text;
  return "";
}

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    parts.emplace_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

}  // namespace

std::string ExpectedText(const Setting& setting) {
  const auto range = [&](std::string_view noun) {
    return fmt::format("{} from {} to {}", noun, NumberName(setting, Bound(setting, setting.least)),
                       NumberName(setting, Bound(setting, setting.most)));
  };
  switch (setting.type) {
    case Type::kText:
      return fmt::format("a text of 1 to {} characters, none of them a control character", setting.most);
    case Type::kPath:
      return "a path in UTF-8";
    case Type::kAddress:
      return "an IPv4 or IPv6 address";
    case Type::kList:
      return fmt::format("a list of at most {} names", setting.most);
    case Type::kFlag:
      return "true or false";
    case Type::kChoice: {
      std::string all;
      for (size_t i = 0; i < setting.choices.size(); ++i)
        all += fmt::format("{}{}", i == 0 ? "" : i + 1 == setting.choices.size() ? " or " : ", ", setting.choices[i]);
      return all;
    }
    case Type::kCount:
      return range("a number");
    case Type::kSize:
      return range("a size");
    case Type::kDuration:
      return range("a time");
  }
  return "";
}

std::string ValueText(const Setting& setting, const Config& config) {
  switch (setting.type) {
    case Type::kText:
    case Type::kPath:
    case Type::kAddress:
      return config.*std::get<std::string Config::*>(setting.member);
    case Type::kList: {
      std::string all;
      for (const std::string& text : config.*std::get<std::vector<std::string> Config::*>(setting.member))
        all += (all.empty() ? "" : ",") + text;
      return all;
    }
    case Type::kFlag:
      return Get(setting, config) != 0 ? "true" : "false";
    case Type::kChoice:
      return std::string(setting.choices[std::min<size_t>(Get(setting, config), setting.choices.size() - 1)]);
    default:
      return NumberName(setting, Get(setting, config));
  }
}

bool SameValue(const Setting& setting, const Config& one, const Config& other) {
  return std::visit([&](auto member) { return one.*member == other.*member; }, setting.member);
}

void CopyValue(const Setting& setting, const Config& from, Config* to) {
  std::visit([&](auto member) { to->*member = from.*member; }, setting.member);
}

std::string ParseList(const Setting& setting, std::vector<std::string> texts, Config* config) {
  if (texts.size() > setting.most) return ExpectedText(setting);
  for (const std::string& text : texts) {
    if (text.empty() || text.size() > 253 || !Printable(text) || text.find(',') != std::string::npos)
      return "names without commas, spaces around them or control characters";
    if (text.front() == ' ' || text.back() == ' ') return "names without commas, spaces around them or control characters";
  }
  config->*std::get<std::vector<std::string> Config::*>(setting.member) = std::move(texts);
  return "";
}

std::string ParseValue(const Setting& setting, std::string_view text, Config* config) {
  switch (setting.type) {
    case Type::kText:
    case Type::kPath:
    case Type::kAddress:
      return SetText(setting, text, config);
    case Type::kList:
      return ParseList(setting, Split(text), config);
    case Type::kFlag:
      return SetNumber(setting, Flag(text), config);
    case Type::kChoice: {
      const auto found = std::find(setting.choices.begin(), setting.choices.end(), text);
      if (found == setting.choices.end()) return ExpectedText(setting);
      Set(setting, static_cast<uint64_t>(found - setting.choices.begin()), config);
      return "";
    }
    case Type::kCount:
      return SetNumber(setting, Number(text), config);
    case Type::kSize:
      return SetNumber(setting, Size(text), config);
    case Type::kDuration:
      return SetNumber(setting, Milliseconds(text), config);
  }
  return "";
}

std::string Escaped(std::string_view text, size_t size_max) {
  std::string shown;
  for (const char c : text.substr(0, size_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) shown += fmt::format("\\x{:02x}", byte);
    else shown += c;
  }
  return shown + (text.size() > size_max ? "..." : "");
}

std::string Quoted(std::string_view text) { return "'" + Escaped(text, 60) + "'"; }

}  // namespace jzse::config
