// SPDX-License-Identifier: Apache-2.0
#include "model/path.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace jzse::model {
namespace {

using base::Code;
using base::Fail;
using base::Status;

constexpr size_t kQuotedSizeMax = 96;
// Normalisation shrinks UTF-8 to no less than a third; a longer raw name cannot become short enough, or is not worth
// the work of finding out.
constexpr size_t kRawFactorMax = 4;

bool IsControl(int32_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }

// The code point at the front and its size; size 0 if the front is not valid UTF-8.
std::pair<int32_t, size_t> FrontCodePoint(std::string_view text) {
  utf8proc_int32_t code = -1;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size(), 4)), &code);
  if (size <= 0) return {-1, 0};
  return {code, static_cast<size_t>(size)};
}

bool IsPlainAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

Status Refuse(Code code, std::string_view raw, absl::string_view cause) {
  return Fail(code, absl::StrCat("name ", Quoted(raw), ": ", cause));
}

Status CheckText(std::string_view raw) {
  for (size_t at = 0; at < raw.size();) {
    const auto [code, size] = FrontCodePoint(raw.substr(at));
    if (size == 0) return Refuse(Code::kInvalid, raw, absl::StrCat("no valid UTF-8 at byte ", at));
    if (IsControl(code)) {
      return Refuse(Code::kInvalid, raw,
                    absl::StrCat("control character 0x", absl::Hex(code, absl::kZeroPad2), " at byte ", at));
    }
    at += size;
  }
  return {};
}

base::StatusOr<std::string> Normalized(std::string_view raw) {
  if (IsPlainAscii(raw)) return std::string(raw);
  JZSE_RETURN_IF_ERROR(CheckText(raw));
  if (base::Planted("nfc-not-applied")) return std::string(raw);
  utf8proc_uint8_t* composed = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(raw.data()), static_cast<utf8proc_ssize_t>(raw.size()),
                   &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return Fail(Code::kNoMemory, "cannot normalise a name: out of memory");
  std::string name(reinterpret_cast<const char*>(composed), static_cast<size_t>(size));
  std::free(composed);
  return name;
}

// `complete`: the last segment is a whole one, not the beginning of a name.
Status CheckSegments(std::string_view name, bool complete) {
  size_t depth = 0;
  for (size_t begin = 0;;) {
    const size_t slash = name.find('/', begin);
    const bool last = slash == std::string_view::npos;
    const std::string_view segment = name.substr(begin, last ? slash : slash - begin);
    if (++depth > base::kPathDepthMax) {
      return Refuse(Code::kTooLarge, name, absl::StrCat("more than ", base::kPathDepthMax, " segments"));
    }
    if (segment.size() > base::kPathSegmentSizeMax) {
      return Refuse(Code::kTooLarge, name, absl::StrCat("a segment of more than ", base::kPathSegmentSizeMax, " bytes"));
    }
    if (!last || complete) {
      if (segment.empty()) {
        const char* cause = begin == 0 ? "begins with a slash" : last ? "ends with a slash" : "has an empty segment";
        return Refuse(Code::kInvalid, name, cause);
      }
      if (segment == "." || segment == "..") {
        return Refuse(Code::kInvalid, name, "has a segment \".\" or \"..\"");
      }
    }
    if (last) return {};
    begin = slash + 1;
  }
}

base::StatusOr<std::string> Canonical(NamespaceKind kind, std::string_view raw, bool complete) {
  const size_t size_max = kind == NamespaceKind::kTree ? base::kPathSizeMax : base::kKeySizeMax;
  if (raw.size() > size_max * kRawFactorMax) {
    return Refuse(Code::kTooLarge, raw, absl::StrCat(raw.size(), " bytes, at most ", size_max));
  }
  JZSE_ASSIGN_OR_RETURN(std::string name, Normalized(raw));
  if (name.empty() && complete) return Fail(Code::kInvalid, "the empty string is no name");
  if (name.size() > size_max) {
    return Refuse(Code::kTooLarge, raw, absl::StrCat(name.size(), " bytes, at most ", size_max));
  }
  if (kind == NamespaceKind::kTree) JZSE_RETURN_IF_ERROR(CheckSegments(name, complete));
  return name;
}

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

Status CheckLabel(absl::string_view what, std::string_view name, size_t size_max) {
  const bool fits = !name.empty() && name.size() <= size_max && IsLowerOrDigit(name.front()) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return IsLowerOrDigit(c) || c == '.' || c == '_' || c == '-';
                    });
  if (fits) return {};
  return Fail(Code::kInvalid, absl::StrCat(what, " name ", Quoted(name), ": must be 1 to ", size_max,
                                           " characters of a-z 0-9 . _ - and begin with a letter or digit"));
}

}  // namespace

base::StatusOr<std::string> CanonicalName(NamespaceKind kind, std::string_view raw) {
  return Canonical(kind, raw, true);
}

base::StatusOr<std::string> CanonicalPrefix(NamespaceKind kind, std::string_view raw) {
  return Canonical(kind, raw, false);
}

Status CheckNamespaceName(std::string_view name) {
  return CheckLabel("namespace", name, base::kNamespaceNameSizeMax);
}

Status CheckRegionName(std::string_view name) { return CheckLabel("region", name, base::kRegionNameSizeMax); }

bool IsPlainText(std::string_view text) { return IsPlainAscii(text) || CheckText(text).ok(); }

bool IsText(std::string_view text) {
  while (!text.empty()) {
    const auto [code, size] = FrontCodePoint(text);
    if (size == 0 || code == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string Quoted(std::string_view raw) {
  std::string quoted = "\"";
  for (size_t at = 0; at < raw.size();) {
    if (quoted.size() >= kQuotedSizeMax) return quoted + "...\"";
    const auto [code, size] = FrontCodePoint(raw.substr(at));
    if (size == 0 || IsControl(code)) {
      absl::StrAppend(&quoted, "\\x", absl::Hex(static_cast<uint8_t>(raw[at]), absl::kZeroPad2));
      ++at;
      continue;
    }
    if (code == '"' || code == '\\') quoted.push_back('\\');
    quoted.append(raw.substr(at, size));
    at += size;
  }
  return quoted + "\"";
}

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view BaseNameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool IsBelow(std::string_view path, std::string_view directory) {
  if (directory.empty()) return !path.empty();
  return path.size() > directory.size() + 1 && path[directory.size()] == '/' &&
         path.substr(0, directory.size()) == directory;
}

}  // namespace jzse::model
