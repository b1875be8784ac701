// SPDX-License-Identifier: Apache-2.0
// Targets of requests: what is decoded comes back encoded; queries.
#include "fuzz.h"
#include "http/problem.h"
#include "http/target.h"

using namespace jzse;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::View(data, size);
  const http::Target target = http::SplitTarget(text);
  fuzz::Require(target.path.size() + target.query.size() <= text.size(), "more than was there");
  std::string decoded, again;
  if (http::PercentDecode(target.path, &decoded)) {
    fuzz::Require(decoded.find('\0') == std::string::npos, "a NUL in a name");
    fuzz::Require(http::PercentDecode(http::PercentEncode(decoded, "/"), &again) && again == decoded, "a name does not come back");
  }
  if (auto query = http::Query::Parse(target.query)) {
    std::optional<uint64_t> number;
    bool flag = false;
    if (query->Number("limit", 1, 100, &number) && number) fuzz::Require(*number >= 1 && *number <= 100, "beyond the bounds");
    (void)query->Flag("deleted", &flag);
    if (const std::string* prefix = query->Find("prefix")) fuzz::Require(prefix->find('\0') == std::string::npos, "a NUL in a parameter");
    (void)query->Unasked();
  }
  const std::string json = http::ProblemJson({400, "HTTP_BAD_REQUEST", std::string(text), false, 0}, "id");
  for (const char c : json) fuzz::Require(static_cast<unsigned char>(c) >= 0x20 || c == '\n', "a control character in JSON");
  return 0;
}
