// SPDX-License-Identifier: Apache-2.0
// Dates: HTTP's (RFC 9110, section 5.6.7) and RFC 3339. UTC, proleptic Gregorian, no clock and no locale.
//
// Threading: pure.
#ifndef JZSE_SERVER_HTTP_DATE_H_
#define JZSE_SERVER_HTTP_DATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jzse::http {

std::string FormatHttpDate(int64_t seconds);  // "Sun, 06 Nov 1994 08:49:37 GMT"; years 0 to 9999, else the nearest
// The preferred form and the two obsolete ones.
std::optional<int64_t> ParseHttpDate(std::string_view text);

// With `digits` digits of fraction (0, 3 or 9): "2026-01-31T08:49:37.000000001Z".
std::string FormatRfc3339(int64_t nanoseconds, int digits);
// Any offset, up to 9 digits of fraction; nothing beyond what int64 nanoseconds hold.
std::optional<int64_t> ParseRfc3339(std::string_view text);

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_DATE_H_
