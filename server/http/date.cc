// SPDX-License-Identifier: Apache-2.0
#include "http/date.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace jzse::http {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};  // day 0 was a Thursday
constexpr std::array<std::string_view, 7> kLongDays = {"Thursday", "Friday", "Saturday", "Sunday",
                                                       "Monday", "Tuesday", "Wednesday"};
constexpr int64_t kDaySeconds = 86400;
constexpr int64_t kBillion = 1'000'000'000;

struct Civil {
  int64_t year = 1970;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

// Days from civil and back: the well-known arithmetic over eras of 400 years, years beginning in March.
int64_t DaysOf(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

Civil CivilOf(int64_t seconds) {
  Civil civil;
  const int64_t days = FloorDivide(seconds, kDaySeconds);
  const int64_t rest = seconds - days * kDaySeconds;
  const int64_t shifted = days + 719468;
  const int64_t era = FloorDivide(shifted, 146097);
  const int64_t of_era = shifted - era * 146097;
  const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const int64_t month = (5 * of_year + 2) / 153;
  civil.day = static_cast<int>(of_year - (153 * month + 2) / 5 + 1);
  civil.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  civil.year = year + era * 400 + (civil.month <= 2 ? 1 : 0);
  civil.hour = static_cast<int>(rest / 3600);
  civil.minute = static_cast<int>(rest / 60 % 60);
  civil.second = static_cast<int>(rest % 60);
  return civil;
}

int DaysInMonth(int64_t year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

std::optional<int64_t> SecondsOf(const Civil& civil) {
  if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > DaysInMonth(civil.year, civil.month) ||
      civil.hour > 23 || civil.minute > 59 || civil.second > 60)
    return std::nullopt;
  return DaysOf(civil.year, civil.month, civil.day) * kDaySeconds + civil.hour * 3600 + civil.minute * 60 +
         civil.second;
}

// Takes pieces off the front; anything unexpected makes it fail for good.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && text_.empty(); }
  char peek() const { return text_.empty() ? '\0' : text_.front(); }
  void Literal(std::string_view literal) {
    ok_ = ok_ && text_.substr(0, literal.size()) == literal;
    if (ok_) text_.remove_prefix(literal.size());
  }
  int Digits(size_t count) {
    int number = 0;
    for (size_t i = 0; i < count && ok_; ++i) {
      ok_ = !text_.empty() && text_.front() >= '0' && text_.front() <= '9';
      if (!ok_) break;
      number = number * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    return number;
  }
  template <size_t kCount>
  int OneOf(const std::array<std::string_view, kCount>& names) {
    for (size_t i = 0; i < kCount && ok_; ++i) {
      if (text_.substr(0, names[i].size()) != names[i]) continue;
      text_.remove_prefix(names[i].size());
      return static_cast<int>(i);
    }
    ok_ = false;
    return 0;
  }
  void Time(Civil* civil) {
    civil->hour = Digits(2);
    Literal(":");
    civil->minute = Digits(2);
    Literal(":");
    civil->second = Digits(2);
  }

 private:
  std::string_view text_;
  bool ok_ = true;
};

std::optional<int64_t> ParsePreferred(std::string_view text) {
  Scanner scan(text);
  Civil civil;
  scan.OneOf(kDays);
  scan.Literal(", ");
  civil.day = scan.Digits(2);
  scan.Literal(" ");
  civil.month = scan.OneOf(kMonths) + 1;
  scan.Literal(" ");
  civil.year = scan.Digits(4);
  scan.Literal(" ");
  scan.Time(&civil);
  scan.Literal(" GMT");
  return scan.at_end() ? SecondsOf(civil) : std::nullopt;
}

std::optional<int64_t> ParseRfc850(std::string_view text) {
  Scanner scan(text);
  Civil civil;
  scan.OneOf(kLongDays);
  scan.Literal(", ");
  civil.day = scan.Digits(2);
  scan.Literal("-");
  civil.month = scan.OneOf(kMonths) + 1;
  scan.Literal("-");
  const int year = scan.Digits(2);
  civil.year = year < 70 ? 2000 + year : 1900 + year;
  scan.Literal(" ");
  scan.Time(&civil);
  scan.Literal(" GMT");
  return scan.at_end() ? SecondsOf(civil) : std::nullopt;
}

std::optional<int64_t> ParseAsctime(std::string_view text) {
  Scanner scan(text);
  Civil civil;
  scan.OneOf(kDays);
  scan.Literal(" ");
  civil.month = scan.OneOf(kMonths) + 1;
  scan.Literal(" ");
  if (scan.peek() == ' ') {
    scan.Literal(" ");
    civil.day = scan.Digits(1);
  } else {
    civil.day = scan.Digits(2);
  }
  scan.Literal(" ");
  scan.Time(&civil);
  scan.Literal(" ");
  civil.year = scan.Digits(4);
  return scan.at_end() ? SecondsOf(civil) : std::nullopt;
}

}  // namespace

std::string FormatHttpDate(int64_t seconds) {
  seconds = std::clamp<int64_t>(seconds, DaysOf(0, 1, 1) * kDaySeconds, DaysOf(10000, 1, 1) * kDaySeconds - 1);
  const Civil civil = CivilOf(seconds);
  const int64_t days = FloorDivide(seconds, kDaySeconds);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<size_t>(((days % 7) + 7) % 7)].data(), civil.day,
                kMonths[static_cast<size_t>(civil.month - 1)].data(), static_cast<int>(civil.year), civil.hour, civil.minute,
                civil.second);
  return text;
}

std::optional<int64_t> ParseHttpDate(std::string_view text) {
  if (auto seconds = ParsePreferred(text)) return seconds;
  if (auto seconds = ParseRfc850(text)) return seconds;
  return ParseAsctime(text);
}

std::string FormatRfc3339(int64_t nanoseconds, int digits) {
  const int64_t seconds = FloorDivide(nanoseconds, kBillion);
  int64_t fraction = nanoseconds - seconds * kBillion;
  const Civil civil = CivilOf(seconds);
  char text[64];
  int size = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", static_cast<int>(civil.year), civil.month,
                           civil.day, civil.hour, civil.minute, civil.second);
  if (digits > 0) {
    for (int i = digits; i < 9; ++i) fraction /= 10;
    size += std::snprintf(text + size, sizeof text - static_cast<size_t>(size), ".%0*lld", digits,
                          static_cast<long long>(fraction));
  }
  return std::string(text, static_cast<size_t>(size)) + "Z";
}

std::optional<int64_t> ParseRfc3339(std::string_view text) {
  Scanner scan(text);
  Civil civil;
  civil.year = scan.Digits(4);
  scan.Literal("-");
  civil.month = scan.Digits(2);
  scan.Literal("-");
  civil.day = scan.Digits(2);
  if (scan.peek() == 't' || scan.peek() == ' ') {
    scan.Literal(std::string_view(scan.peek() == 't' ? "t" : " "));
  } else {
    scan.Literal("T");
  }
  scan.Time(&civil);
  int64_t fraction = 0;
  if (scan.peek() == '.') {
    scan.Literal(".");
    int64_t unit = kBillion / 10;
    fraction += scan.Digits(1) * unit;
    while (scan.peek() >= '0' && scan.peek() <= '9' && unit > 1) {
      unit /= 10;
      fraction += scan.Digits(1) * unit;
    }
  }
  int64_t offset = 0;
  if (scan.peek() == '+' || scan.peek() == '-') {
    const int64_t sign = scan.peek() == '+' ? 1 : -1;
    scan.Literal(std::string_view(sign > 0 ? "+" : "-"));
    const int hours = scan.Digits(2);
    scan.Literal(":");
    const int minutes = scan.Digits(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = sign * (hours * 3600 + minutes * 60);
  } else if (scan.peek() == 'z') {
    scan.Literal("z");
  } else {
    scan.Literal("Z");
  }
  if (!scan.at_end()) return std::nullopt;
  const auto seconds = SecondsOf(civil);
  if (!seconds || *seconds - offset > INT64_MAX / kBillion - 1 || *seconds - offset < INT64_MIN / kBillion + 1)
    return std::nullopt;
  return (*seconds - offset) * kBillion + fraction;
}

}  // namespace jzse::http
