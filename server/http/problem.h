// SPDX-License-Identifier: Apache-2.0
// Problem documents (RFC 9457) and the JSON strings in them.
//
// Threading: pure.
#ifndef JZSE_SERVER_HTTP_PROBLEM_H_
#define JZSE_SERVER_HTTP_PROBLEM_H_

#include <string>
#include <string_view>

namespace jzse::http {

// Appends `text` as a JSON string with its quotes; what is no UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string* json);

struct Problem {
  int status = 500;
  std::string code;        // JZSE_... or HTTP_...
  std::string detail;      // one line
  bool retry = false;      // the same request may succeed later
  long operation = -1;     // of a batch
};

std::string ProblemJson(const Problem& problem, std::string_view request_id);

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_PROBLEM_H_
