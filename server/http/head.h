// SPDX-License-Identifier: Apache-2.0
// The one reader of request heads (RFC 9112), stricter than the RFC demands of a recipient. Its verdict frames the body, so nothing is guessed or
// mended: what is not exactly right is refused, and the connection with it.
//
// Invariants of an accepted head
//   1. Exactly one Host in HTTP/1.1, at most one in HTTP/1.0; a well-formed one.
//   2. At most one Content-Length, digits only, below 2^63; or one Transfer-Encoding, exactly `chunked`, in HTTP/1.1 only; never both.
//   3. Lines end with CRLF; no bare CR or LF, no NUL, no other control character but TAB in values; no obs-fold; no space before a colon.
//   4. The target is in origin form, or in absolute form with the authority of Host, or `*` for OPTIONS.
//   5. GET, HEAD and DELETE have no body.
//
// Threading: pure.
#ifndef JZSE_SERVER_HTTP_HEAD_H_
#define JZSE_SERVER_HTTP_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace jzse::http {

enum class Method { kGet, kHead, kPut, kPost, kPatch, kDelete, kOptions, kOther };

struct Field {
  std::string_view name;   // as sent; compare without case
  std::string_view value;  // without the white space around it
};

struct HeadLimits {
  size_t line = 8 * 1024;
  size_t field = 8 * 1024;
  size_t head = 32 * 1024;
  size_t fields = 100;
};

// Views into the bytes that were parsed.
struct Head {
  Method method = Method::kOther;
  std::string_view method_text;
  std::string_view target;  // origin form (without scheme and authority), or "*"
  std::string_view raw_target;  // as it stands in the request line
  std::string_view host;    // "" in HTTP/1.0 without one
  std::vector<Field> fields;
  int minor = 1;            // HTTP/1.minor
  bool chunked = false;
  bool has_length = false;
  uint64_t length = 0;      // Content-Length
  bool keep_alive = true;
  bool expect_continue = false;

  // The only field of that name (lower case); null if there is none or more than one is `repeated`.
  const Field* Find(std::string_view lower_name, bool* repeated = nullptr) const;
  // Its value, or "".
  std::string_view Get(std::string_view lower_name) const;
  bool has_body() const { return chunked || length > 0; }
};

struct HeadResult {
  enum class State { kIncomplete, kBad, kDone };
  State state = State::kIncomplete;
  size_t size = 0;           // of the head with its empty line, when done
  int status = 400;          // when bad
  const char* reason = "";   // when bad: one line, static
};

// Reads the head at the beginning of `bytes`. `seen` bytes of it were looked at by an earlier call that found it incomplete.
HeadResult ParseHead(std::string_view bytes, size_t seen, const HeadLimits& limits, Head* head);

// ASCII, without case. `lower` must be in lower case.
bool EqualsLower(std::string_view text, std::string_view lower);
bool IsToken(std::string_view text);
// Calls each(element) for the elements of a comma-separated list, trimmed, without empty ones.
template <typename Each>
void ForEachElement(std::string_view list, Each&& each) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view element = list.substr(0, comma);
    while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) element.remove_prefix(1);
    while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) element.remove_suffix(1);
    if (!element.empty()) each(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_HEAD_H_
