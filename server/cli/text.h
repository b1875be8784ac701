// SPDX-License-Identifier: Apache-2.0
// Text in and out: sizes, times, modes, escaping, addresses. Pure functions; no state, any thread.
#ifndef JZSE_CLI_TEXT_H_
#define JZSE_CLI_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jzse::cli {

// What a terminal must not get to see raw: C0 and C1 controls, DEL, bidirectional overrides and
// bytes that are no UTF-8 become \n, \t, \xHH or \u{HEX}; a backslash stays as it is.
std::string EscapeName(std::string_view name);
bool IsUtf8(std::string_view text);
// True if the store would refuse the text as (part of) a name: no UTF-8, or a control character in
// it. `why` says which.
bool IsRefusedName(std::string_view name, std::string_view* why);

std::string HumanSize(uint64_t bytes);    // "512", "1.5K", "23M": for columns
std::string SizeText(uint64_t bytes);     // "1.5 MiB", "512 bytes": for sentences
std::string GroupedText(uint64_t count);  // "12,345"
std::string CountText(uint64_t count, std::string_view noun);  // "1 file", "12,345 files"
std::string DurationText(double seconds);                      // "0.4 s", "3:07", "2:15:00"
std::string LocalTime(int64_t ns);                             // "2024-05-31 17:04:59"
std::string LocalTimeShort(int64_t ns);                        // "2024-05-31 17:04"
std::string UtcTime(int64_t ns);                               // "2024-05-31T15:04:59.123456789Z"
std::string ModeText(uint32_t kind, uint32_t mode);  // "-rw-r--r--"; "?" for bits never given
std::string OctalMode(uint32_t mode);                // "0644"
const char* KindName(uint32_t kind);  // "file", "symlink", "directory", "prefix", "deleted"

// "4096", "64K", "1.5GiB" (powers of 1024).
std::optional<uint64_t> ParseSize(std::string_view text);
// "90", "90s", "15m", "12h", "30d", "4w" in seconds.
std::optional<uint64_t> ParseDuration(std::string_view text);
std::optional<uint64_t> ParseNumber(std::string_view text);
std::optional<uint32_t> ParseOctalMode(std::string_view text);

// A file argument: [NAMESPACE:]PATH.
struct Address {
  std::string ns;
  std::string path;  // without the one leading slash; a trailing slash is kept
  bool ns_given = false;
};
inline constexpr char kDefaultNamespace[] = "default";
Address ParseAddress(std::string_view text);
// The shortest text that ParseAddress reads back as this.
std::string FormatAddress(std::string_view ns, std::string_view path);
bool IsNamespaceName(std::string_view name);

std::string JoinPath(std::string_view directory, std::string_view name);
std::string_view BaseName(std::string_view path);    // of "a/b/" it is "b"
std::string_view ParentPath(std::string_view path);  // of "a/b" it is "a", of "a" it is ""

}  // namespace jzse::cli

#endif  // JZSE_CLI_TEXT_H_
