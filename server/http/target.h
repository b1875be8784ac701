// SPDX-License-Identifier: Apache-2.0
// Targets of requests: path and query, percent-decoded once.
//
// Threading: pure.
#ifndef JZSE_SERVER_HTTP_TARGET_H_
#define JZSE_SERVER_HTTP_TARGET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jzse::http {

struct Target {
  std::string_view path;   // raw, begins with '/'
  std::string_view query;  // raw, without '?'
};
Target SplitTarget(std::string_view target);

// False for a bad escape, and for NUL, which no name here can hold.
bool PercentDecode(std::string_view text, std::string* decoded);
// Escapes everything but unreserved characters and those in `kept`.
std::string PercentEncode(std::string_view text, std::string_view kept = "");

// Parameters of a query, decoded ('+' is a space). Asking takes note, so that what nobody asked for can be refused.
class Query {
 public:
  // Nothing for a bad escape or a repeated name.
  static std::optional<Query> Parse(std::string_view query);

  const std::string* Find(std::string_view name);
  // False: there, but no decimal number of that range.
  bool Number(std::string_view name, uint64_t min, uint64_t max, std::optional<uint64_t>* value);
  // True for `true`, `1` and the empty value, false for `false` and `0`; anything else is malformed.
  bool Flag(std::string_view name, bool* value);
  // The first parameter that nobody asked for, or null.
  const std::string* Unasked() const;

 private:
  struct Parameter {
    std::string name, value;
    bool asked = false;
  };
  std::vector<Parameter> parameters_;
};

std::optional<uint64_t> ParseNumber(std::string_view digits);

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_TARGET_H_
