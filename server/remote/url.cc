// SPDX-License-Identifier: Apache-2.0
// URLs of stores, namespaces and files. Pure, and free of what a build may lack.
#include <algorithm>

#include "remote/remote.h"

namespace jzse::remote {
namespace {

bool BeginsWith(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char l, char c) {
           return l == (c >= 'A' && c <= 'Z' ? c | 0x20 : c);
         });
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool Decode(std::string_view text, std::string* decoded) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded->push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1, low = high < 0 ? -1 : HexDigit(text[i + 2]);
    if (low < 0 || high * 16 + low == 0) return false;
    decoded->push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return true;
}

bool IsPort(std::string_view port) {
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return false;
  const int number = std::stoi(std::string(port));
  return number >= 1 && number <= 65535;
}

// HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT.
bool SplitAuthority(std::string_view authority, Url* url) {
  url->port = "80";
  std::string_view host = authority, port;
  if (!authority.empty() && authority[0] == '[') {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
  } else {
    const size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
    const auto good = [](char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' || c == '-' || c == '_'; };
    if (!std::all_of(host.begin(), host.end(), good)) return false;
  }
  if (!port.empty() && (port[0] != ':' || !IsPort(port.substr(1)))) return false;
  if (!port.empty()) url->port = std::string(port.substr(1));
  url->host = std::string(host);
  return !host.empty();
}

std::string Encode(std::string_view text, std::string_view kept) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || kept.find(c) != std::string_view::npos;
    if (plain) {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      encoded.push_back(kHex[static_cast<unsigned char>(c) & 15]);
    }
  }
  return encoded;
}

}  // namespace

std::string Url::Base() const {
  return "http://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

bool IsUrl(std::string_view text) { return BeginsWith(text, "http://") || BeginsWith(text, "https://"); }

std::optional<Url> ParseUrl(std::string_view text, std::string* problem) {
  const auto refuse = [&](const char* why) {
    *problem = std::string(text) + ": " + why;
    return std::nullopt;
  };
  if (BeginsWith(text, "https://")) return refuse("jzsed does not speak TLS; name the near end of a tunnel to it, with http://");
  if (!BeginsWith(text, "http://")) return refuse("is no URL");
  std::string_view rest = text.substr(7);
  const size_t slash = rest.find('/');
  const std::string_view authority = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  if (authority.find('@') != std::string_view::npos) return refuse("a user name is of no use to jzsed");
  if (text.find_first_of("?#") != std::string_view::npos) return refuse("'?' and '#' in a name are written %3F and %23");
  Url url;
  if (!SplitAuthority(authority, &url)) return refuse("is no URL like http://host:port/namespace/path");
  const size_t end = rest.find('/');
  const std::string_view path = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  if (!Decode(rest.substr(0, end), &url.ns) || !Decode(path, &url.path)) return refuse("a bad percent-escape");
  if (url.ns.empty() && end != std::string_view::npos) return refuse("the namespace is missing: http://host:port/namespace/path");
  return url;
}

std::string FormatUrl(const Url& server, std::string_view ns, std::string_view path) {
  return server.Base() + "/" + Encode(ns, "-._~") + "/" + Encode(path, "-._~/");
}

}  // namespace jzse::remote
