// SPDX-License-Identifier: Apache-2.0
#include "http/head.h"

#include <array>
#include <cstring>

namespace jzse::http {
namespace {

enum : uint8_t { kToken = 1, kValue = 2, kTarget = 4, kHost = 8, kDigit = 16 };

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0x21; c <= 0x7e; ++c) classes[c] = kValue | kTarget;
  for (int c = 0x80; c <= 0xff; ++c) classes[c] = kValue;
  classes[' '] = kValue;
  classes['\t'] = kValue;
  classes['#'] = kValue;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) classes[static_cast<uint8_t>(c)] |= kToken;
  for (const char c : std::string_view("!$%&'()*+,-.;=_~")) classes[static_cast<uint8_t>(c)] |= kHost;
  for (int c = 0; c < 26; ++c) {
    classes['a' + c] |= kToken | kHost;
    classes['A' + c] |= kToken | kHost;
  }
  for (int c = '0'; c <= '9'; ++c) classes[c] |= kToken | kHost | kDigit;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool All(std::string_view text, uint8_t wanted) {
  for (const char c : text) {
    if ((kClasses[static_cast<uint8_t>(c)] & wanted) == 0) return false;
  }
  return true;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

HeadResult Bad(int status, const char* reason) { return {HeadResult::State::kBad, 0, status, reason}; }

// Null, or why the line ends in `bytes` from `from` on are wrong.
const char* BadLineEnd(std::string_view bytes, size_t from) {
  for (size_t at = from; at < bytes.size(); ++at) {
    if (bytes[at] != '\r' && bytes[at] != '\n') continue;
    if (bytes[at] == '\n') return "a line feed without carriage return";
    if (at + 1 == bytes.size()) return nullptr;  // the rest will tell
    if (bytes[++at] != '\n') return "a carriage return without line feed";
  }
  return nullptr;
}

HeadResult Incomplete(std::string_view bytes, size_t seen, const HeadLimits& limits) {
  const size_t from = seen > 0 ? seen - 1 : 0;
  const bool after_return = from > 0 && bytes[from] == '\n' && bytes[from - 1] == '\r';
  if (const char* reason = BadLineEnd(bytes, after_return ? from + 1 : from)) return Bad(400, reason);
  const size_t line = bytes.find("\r\n");
  if (line == 0) return Bad(400, "an empty line before the request");
  if (line == std::string_view::npos && bytes.size() > limits.line) return Bad(414, "the request line is too long");
  if (bytes.size() >= limits.head) return Bad(431, "the head is too large");
  return {};
}

Method MethodOf(std::string_view text) {
  switch (text.size()) {
    case 3: return text == "GET" ? Method::kGet : text == "PUT" ? Method::kPut : Method::kOther;
    case 4: return text == "HEAD" ? Method::kHead : text == "POST" ? Method::kPost : Method::kOther;
    case 5: return text == "PATCH" ? Method::kPatch : Method::kOther;
    case 6: return text == "DELETE" ? Method::kDelete : Method::kOther;
    case 7: return text == "OPTIONS" ? Method::kOptions : Method::kOther;
    default: return Method::kOther;
  }
}

bool IsHost(std::string_view host) {
  std::string_view port;
  if (!host.empty() && host.front() == '[') {
    const size_t end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    for (const char c : host.substr(1, end - 1)) {
      const char l = Lower(c);
      if (!((l >= '0' && l <= '9') || (l >= 'a' && l <= 'f') || l == ':' || l == '.')) return false;
    }
    port = host.substr(end + 1);
    if (!port.empty() && port.front() != ':') return false;
  } else {
    const size_t colon = host.find(':');
    if (!All(host.substr(0, colon), kHost) || host.substr(0, colon).empty()) return false;
    port = colon == std::string_view::npos ? std::string_view() : host.substr(colon);
  }
  if (port.empty()) return true;
  return port.size() >= 2 && port.size() <= 6 && All(port.substr(1), kDigit);
}

// METHOD SP TARGET SP HTTP/1.x
HeadResult ParseLine(std::string_view line, Head* head, std::string_view* authority) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Bad(400, "the request line has not three parts");
  head->method_text = line.substr(0, first);
  if (head->method_text.empty() || head->method_text.size() > 32 || !All(head->method_text, kToken))
    return Bad(400, "the method is no token");
  const std::string_view version = line.substr(last + 1);
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || !All(version.substr(5, 1), kDigit) ||
      version[6] != '.' || !All(version.substr(7), kDigit))
    return Bad(400, "no HTTP version at the end of the request line");
  if (version[5] != '1' || version[7] > '1') return Bad(505, "this version is not spoken here");
  head->minor = version[7] - '0';
  head->method = MethodOf(head->method_text);
  head->target = line.substr(first + 1, last - first - 1);
  head->raw_target = head->target;
  if (head->target.empty() || !All(head->target, kTarget)) return Bad(400, "the target has a forbidden character");
  if (head->target.front() == '/') return {};
  if (head->target == "*" && head->method == Method::kOptions) return {};
  if (head->target.size() > 7 && EqualsLower(head->target.substr(0, 7), "http://")) {
    const std::string_view rest = head->target.substr(7);
    const size_t slash = rest.find('/');
    *authority = rest.substr(0, slash);
    head->target = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
    if (!authority->empty()) return {};
  }
  return Bad(400, "the target is no path");
}

bool EqualsFolded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

const char* ParseField(std::string_view line, Field* field) {
  if (line.front() == ' ' || line.front() == '\t') return "a folded field";
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "a field without colon";
  field->name = line.substr(0, colon);
  if (field->name.empty() || !All(field->name, kToken)) return "a field's name is no token";
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (!All(value, kValue)) return "a control character in a field";
  field->value = value;
  return nullptr;
}

// What the fields that frame the message say. Each may be there once.
class Framing {
 public:
  explicit Framing(Head* head) : head_(*head) {}

  HeadResult Take(const Field& field) {
    const std::string_view name = field.name;
    switch (name.size()) {
      case 4: return EqualsLower(name, "host") ? Host(field.value) : HeadResult();
      case 6: return EqualsLower(name, "expect") ? Expect(field.value) : HeadResult();
      case 10: return EqualsLower(name, "connection") ? Connection(field.value) : HeadResult();
      case 14: return EqualsLower(name, "content-length") ? Length(field.value) : HeadResult();
      case 17: return EqualsLower(name, "transfer-encoding") ? Encoding(field.value) : HeadResult();
      default: return {};
    }
  }

  HeadResult Finish(std::string_view authority) {
    if (!has_host_ && head_.minor > 0) return Bad(400, "no Host");
    if (!authority.empty() && !EqualsFolded(authority, head_.host)) return Bad(400, "target and Host disagree");
    if (head_.chunked && head_.has_length) return Bad(400, "both Content-Length and Transfer-Encoding");
    if (head_.has_body() && (head_.method == Method::kGet || head_.method == Method::kHead ||
                             head_.method == Method::kDelete))
      return Bad(400, "a body where there can be none");
    head_.keep_alive = !close_ && (head_.minor > 0 || keep_alive_);
    if (head_.minor == 0) head_.expect_continue = false;
    return {};
  }

 private:
  HeadResult Host(std::string_view value) {
    if (has_host_) return Bad(400, "more than one Host");
    has_host_ = true;
    if (!IsHost(value)) return Bad(400, "Host is malformed");
    head_.host = value;
    return {};
  }
  HeadResult Expect(std::string_view value) {
    if (!EqualsLower(value, "100-continue")) return Bad(417, "an unknown expectation");
    head_.expect_continue = true;
    return {};
  }
  HeadResult Connection(std::string_view value) {
    ForEachElement(value, [&](std::string_view option) {
      close_ = close_ || EqualsLower(option, "close");
      keep_alive_ = keep_alive_ || EqualsLower(option, "keep-alive");
    });
    return {};
  }
  HeadResult Length(std::string_view value) {
    if (head_.has_length) return Bad(400, "more than one Content-Length");
    if (value.empty() || value.size() > 18 || !All(value, kDigit)) return Bad(400, "Content-Length is no number");
    head_.has_length = true;
    for (const char c : value) head_.length = head_.length * 10 + static_cast<uint64_t>(c - '0');
    return {};
  }
  HeadResult Encoding(std::string_view value) {
    if (has_encoding_) return Bad(400, "more than one Transfer-Encoding");
    has_encoding_ = true;
    if (head_.minor == 0) return Bad(400, "Transfer-Encoding in HTTP/1.0");
    if (!EqualsLower(value, "chunked")) return Bad(501, "a transfer coding that is not exactly chunked");
    head_.chunked = true;
    return {};
  }

  Head& head_;
  bool has_host_ = false;
  bool has_encoding_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
};

HeadResult ParseFields(std::string_view lines, const HeadLimits& limits, Head* head, std::string_view authority) {
  Framing framing(head);
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (line.size() > limits.field) return Bad(431, "a field is too long");
    if (head->fields.size() == limits.fields) return Bad(431, "too many fields");
    Field field;
    if (const char* reason = ParseField(line, &field)) return Bad(400, reason);
    head->fields.push_back(field);
    const HeadResult framed = framing.Take(field);
    if (framed.state == HeadResult::State::kBad) return framed;
  }
  return framing.Finish(authority);
}

void Clear(Head* head) {
  std::vector<Field> fields = std::move(head->fields);
  fields.clear();
  *head = Head();
  head->fields = std::move(fields);  // its memory is used again
}

}  // namespace

HeadResult ParseHead(std::string_view bytes, size_t seen, const HeadLimits& limits, Head* head) {
  Clear(head);
  const size_t end = bytes.find("\r\n\r\n", seen > 3 ? seen - 3 : 0);
  if (end == std::string_view::npos) return Incomplete(bytes, seen, limits);
  const std::string_view text = bytes.substr(0, end + 2);  // every line with its end
  if (const char* reason = BadLineEnd(text, 0)) return Bad(400, reason);
  const size_t line = text.find("\r\n");
  if (line == 0) return Bad(400, "an empty line before the request");
  if (line > limits.line) return Bad(414, "the request line is too long");
  if (text.size() + 2 > limits.head) return Bad(431, "the head is too large");
  std::string_view authority;
  HeadResult result = ParseLine(text.substr(0, line), head, &authority);
  if (result.state == HeadResult::State::kBad) return result;
  result = ParseFields(text.substr(line + 2), limits, head, authority);
  if (result.state == HeadResult::State::kBad) return result;
  return {HeadResult::State::kDone, end + 4, 0, ""};
}

const Field* Head::Find(std::string_view lower_name, bool* repeated) const {
  const Field* found = nullptr;
  if (repeated != nullptr) *repeated = false;
  for (const Field& field : fields) {
    if (field.name.size() != lower_name.size() || !EqualsLower(field.name, lower_name)) continue;
    if (found != nullptr) {
      if (repeated != nullptr) *repeated = true;
      return nullptr;
    }
    found = &field;
  }
  return found;
}

std::string_view Head::Get(std::string_view lower_name) const {
  const Field* const field = Find(lower_name);
  return field == nullptr ? std::string_view() : field->value;
}

bool EqualsLower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (Lower(text[i]) != lower[i]) return false;
  }
  return true;
}

bool IsToken(std::string_view text) { return !text.empty() && All(text, kToken); }

}  // namespace jzse::http
