// SPDX-License-Identifier: Apache-2.0
// Request heads and chunked bodies: pieces read as the whole does; what is accepted keeps the rules of head.h, and is served only if Beast reads the same out of it.
#include <algorithm>
#include <string>

#include "fuzz.h"
#include "http/chunked.h"
#include "http/head.h"
#include "http/second_reading.h"

namespace {

using namespace jzse;
using State = http::HeadResult::State;

void CheckAccepted(std::string_view bytes, const http::Head& head) {
  size_t hosts = 0, lengths = 0, codings = 0;
  for (const http::Field& field : head.fields) {
    hosts += http::EqualsLower(field.name, "host") ? 1 : 0;
    lengths += http::EqualsLower(field.name, "content-length") ? 1 : 0;
    codings += http::EqualsLower(field.name, "transfer-encoding") ? 1 : 0;
    fuzz::Require(http::IsToken(field.name), "a name that is no token");
    fuzz::Require(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos, "a control character in a value");
  }
  fuzz::Require(hosts == 1 || (head.minor == 0 && hosts == 0), "not one Host");
  fuzz::Require(lengths + codings <= 1, "two framings");
  fuzz::Require(head.chunked == (codings == 1) && head.has_length == (lengths == 1), "a framing that the fields do not say");
  fuzz::Require(!head.target.empty() && (head.target.front() == '/' || head.target == "*"), "a target that is no path");
  // Beast refuses a few that we do not (options in Connection that are no tokens): then the server does, too.
  http::Head again;
  const http::HeadResult read = http::ReadHead(bytes, 0, {}, &again);
  fuzz::Require((read.state == State::kDone) == http::BeastAgrees(bytes, head), "served without Beast's consent");
  fuzz::Require(read.state != State::kDone || read.size == bytes.size(), "Beast's head ends elsewhere");
}

void CheckHead(std::string_view bytes, size_t step) {
  http::Head whole;
  const http::HeadResult expected = http::ParseHead(bytes, 0, {}, &whole);
  if (expected.state == State::kDone) CheckAccepted(bytes.substr(0, expected.size), whole);
  http::Head head;
  http::HeadResult result;
  size_t seen = 0;
  for (size_t size = std::min(step, bytes.size());; size = std::min(size + step, bytes.size())) {
    result = http::ParseHead(bytes.substr(0, size), seen, {}, &head);
    seen = size;
    if (result.state != State::kIncomplete || size == bytes.size()) break;
  }
  fuzz::Require((result.state == State::kDone) == (expected.state == State::kDone), "pieces are another head");
  fuzz::Require(result.size == expected.size, "pieces end elsewhere");
}

std::string Decode(std::string_view bytes, size_t step) {
  http::ChunkedDecoder decoder;
  std::string content, held;
  for (size_t at = 0; at < bytes.size();) {
    const size_t count = std::min(step, bytes.size() - at);
    held.append(bytes.substr(at, count));
    at += count;
    size_t consumed = 1;
    while (consumed > 0) {
      const auto result = decoder.Next(held);
      if (result.state == http::ChunkedDecoder::State::kBad) return "bad";
      content.append(result.data);
      consumed = result.consumed;
      held.erase(0, consumed);
      if (result.state == http::ChunkedDecoder::State::kDone)
        return "done " + content + "|" + std::to_string(bytes.size() - at + held.size());
    }
  }
  return "more";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::View(data, size);
  for (const size_t step : {1, 2, 3, 17}) CheckHead(text, step);
  const std::string whole = Decode(text, text.size() + 1);
  for (const size_t step : {1, 2, 3, 17}) {
    const std::string pieces = Decode(text, step);
    fuzz::Require(pieces == whole || (whole == "more" && pieces == "bad") || (whole == "bad" && pieces == "more"),
                  "chunks in pieces are another body");
    fuzz::Require((pieces.substr(0, 4) == "done") == (whole.substr(0, 4) == "done"), "pieces end where the whole does not");
  }
  return 0;
}
