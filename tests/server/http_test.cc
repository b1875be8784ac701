// SPDX-License-Identifier: Apache-2.0
// The pure functions of server/http.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "http/chunked.h"
#include "http/conditional.h"
#include "http/date.h"
#include "http/digest.h"
#include "http/head.h"
#include "http/problem.h"
#include "http/range.h"
#include "http/second_reading.h"
#include "http/target.h"

using namespace jzse::http;
using State = HeadResult::State;

namespace {

HeadResult Parse(const std::string& text, Head* head, HeadLimits limits = {}) { return ParseHead(text, 0, limits, head); }

std::vector<std::pair<uint64_t, uint64_t>> Ranges(const std::string& value, uint64_t size) {
  std::vector<std::pair<uint64_t, uint64_t>> pairs;
  for (const ByteRange& range : ParseRange(value, size).ranges) pairs.emplace_back(range.first, range.last);
  return pairs;
}

// Everything through the decoder in pieces of `step` bytes; "BAD" if it is refused, what is left behind '|'.
std::string Decode(const std::string& bytes, size_t step) {
  ChunkedDecoder decoder;
  std::string content, held;
  for (size_t at = 0; at < bytes.size();) {
    const size_t count = std::min(step, bytes.size() - at);
    held += bytes.substr(at, count);
    at += count;
    while (true) {
      const auto result = decoder.Next(held);
      if (result.state == ChunkedDecoder::State::kBad) return "BAD";
      content += result.data;
      const size_t consumed = result.consumed;
      held.erase(0, consumed);
      if (result.state == ChunkedDecoder::State::kDone) return content + "|" + held + bytes.substr(at);
      if (consumed == 0) break;
    }
  }
  return content + "...";
}

}  // namespace

TEST_CASE("a head is read") {
  Head head;
  const std::string text =
      "PUT /a/b?c=d HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 5\r\nX-Y:\t z \r\nExpect: 100-Continue\r\nConnection: Close\r\n\r\nrest";
  const HeadResult result = Parse(text, &head);
  REQUIRE(result.state == State::kDone);
  CHECK(text.substr(result.size) == "rest");
  CHECK(head.method == Method::kPut);
  CHECK(head.target == "/a/b?c=d");
  CHECK(head.host == "[::1]:80");
  CHECK(head.length == 5);
  CHECK(head.has_body());
  CHECK(head.Get("x-y") == "z");
  CHECK(head.expect_continue);
  CHECK_FALSE(head.keep_alive);
  CHECK(BeastAgrees(std::string_view(text).substr(0, result.size), head));
}

TEST_CASE("a head that comes in pieces is read as one that comes at once") {
  const std::vector<std::string> texts = {
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(9000, 'x') + "\r\n\r\n",
      "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"};
  for (const std::string& text : texts) {
    Head whole;
    const HeadResult expected = Parse(text, &whole);
    for (const size_t step : {1, 2, 3, 7}) {
      Head head;
      HeadResult result;
      size_t seen = 0;
      for (size_t size = step; result.state == State::kIncomplete; size = std::min(size + step, text.size())) {
        result = ParseHead(std::string_view(text).substr(0, size), seen, {}, &head);
        seen = size;
        if (size == text.size()) break;
      }
      INFO(text.substr(0, 60) << " in steps of " << step);
      CHECK(result.state == expected.state);
      CHECK(result.status == expected.status);
    }
  }
}

TEST_CASE("what Beast reads differently is refused") {
  Head head;
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  REQUIRE(Parse(text, &head).state == State::kDone);
  CHECK(BeastAgrees(text, head));
  Head other = head;
  other.fields[1].value = "z";
  CHECK_FALSE(BeastAgrees(text, other));
  other = head;
  other.fields.pop_back();
  CHECK_FALSE(BeastAgrees(text, other));
  other = head;
  other.raw_target = "/x";
  CHECK_FALSE(BeastAgrees(text, other));
  CHECK_FALSE(BeastAgrees("GET / HTTP/1.1\r\nHost: a\r\n", head));
}

TEST_CASE("ranges") {
  using Pairs = std::vector<std::pair<uint64_t, uint64_t>>;
  CHECK(Ranges("bytes=0-0", 10) == Pairs{{0, 0}});
  CHECK(Ranges("bytes=2-", 10) == Pairs{{2, 9}});
  CHECK(Ranges("bytes=-3", 10) == Pairs{{7, 9}});
  CHECK(Ranges("bytes=-30", 10) == Pairs{{0, 9}});
  CHECK(Ranges("BYTES=1-2, 4-99", 10) == Pairs{{1, 2}, {4, 9}});
  CHECK(Ranges("bytes=12-,1-1", 10) == Pairs{{1, 1}});
  CHECK(ParseRange("bytes=10-", 10).verdict == RangeSet::Verdict::kUnsatisfiable);
  CHECK(ParseRange("bytes=-0", 10).verdict == RangeSet::Verdict::kUnsatisfiable);
  CHECK(ParseRange("bytes=0-", 0).verdict == RangeSet::Verdict::kUnsatisfiable);
  CHECK(Ranges("bytes=9223372036854775807-", UINT64_MAX >> 1) == Pairs{});
  for (const char* text : {"", "bytes", "bytes=", "bytes=,", "bytes=a-", "bytes=1", "bytes=2-1", "bytes=1-2-3", "items=0-1",
                           "bytes=99999999999999999999-", "bytes=0-1,0-1,0-1,0-1", "bytes=-"})
    CHECK(ParseRange(text, 10).verdict == RangeSet::Verdict::kWhole);
}

TEST_CASE("dates") {
  CHECK(FormatHttpDate(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(FormatHttpDate(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(ParseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777);
  CHECK(ParseHttpDate("Sun Nov  6 08:49:37 1994") == 784111777);
  for (int64_t t = -62167219200; t < 253402300800; t += 86400 * 37 + 12345) {
    REQUIRE(ParseHttpDate(FormatHttpDate(t)) == t);
    if (t > -9'000'000'000 && t < 9'000'000'000)
      REQUIRE(ParseRfc3339(FormatRfc3339(t * 1'000'000'000 + 5, 9)) == t * 1'000'000'000 + 5);
  }
  CHECK(FormatRfc3339(-1, 9) == "1969-12-31T23:59:59.999999999Z");
  CHECK(FormatRfc3339(1'500'000'000, 3) == "1970-01-01T00:00:01.500Z");
  CHECK(ParseRfc3339("1970-01-01T01:00:00.25+01:00") == 250'000'000);
  for (const char* bad : {"", "1970-01-01", "1970-13-01T00:00:00Z", "1970-02-30T00:00:00Z", "1970-01-01T00:00:00", "1970-01-01T24:00:00Z",
                          "1970-01-01T00:00:00.Z", "9999-01-01T00:00:00Z", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00Zx"})
    CHECK_FALSE(ParseRfc3339(bad));
  for (const char* bad : {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"})
    CHECK_FALSE(ParseHttpDate(bad));
}

TEST_CASE("entity tags") {
  const auto parse = [](std::string_view text) {
    EntityTags tags;
    return EntityTags::Parse(text, &tags) ? static_cast<int>(tags.tags.size()) + (tags.any ? 100 : 0) : -1;
  };
  CHECK(parse("*") == 100);
  CHECK(parse("\"a\"") == 1);
  CHECK(parse("W/\"a\", \"b\" ,,\"c,d\"") == 3);
  CHECK(parse("\"\"") == 1);
  for (const char* bad : {"", ",", "a", "\"a", "\"a\" \"b\"", "w/\"a\"", "*, \"a\"", "\"a\x01\"", "\"a\"x"}) CHECK(parse(bad) == -1);
}

TEST_CASE("base64 and digests") {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) CHECK(Base64Decode(Base64Encode(text)) == text);
  CHECK(Base64Encode("foob") == "Zm9vYg==");
  for (const char* bad : {"Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zm9v Zm9v", "Zm-_", "====", "Zg==Zg=="}) CHECK_FALSE(Base64Decode(bad));
  Digester digester(DigestKind::kSha256);
  digester.Update("ab");
  digester.Update("c");
  const std::string abc = digester.Finish();
  CHECK(Base64Encode(abc) == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  const auto wanted = ParseDigestField("md5=:AAAA:, sha-256=:" + Base64Encode(abc) + ":");
  REQUIRE(wanted);
  CHECK(wanted->kind == DigestKind::kSha256);
  CHECK(wanted->value == abc);
  CHECK(ParseDigestField("unixsum=:AAAA:")->kind == DigestKind::kNone);
  for (const char* bad : {"", "sha-256", "sha-256=AAAA", "sha-256=:AAAA:", "sha-256=:A:", "=:AAAA:"}) CHECK_FALSE(ParseDigestField(bad));
}

TEST_CASE("percent coding and queries") {
  std::string text;
  CHECK(PercentDecode("a%2Fb%c3%A4", &text));
  CHECK(text == "a/b\xc3\xa4");
  for (const char* bad : {"%", "%1", "%g0", "%00", "a%"}) CHECK_FALSE(PercentDecode(bad, &text));
  CHECK(PercentEncode("a/b \xc3\xa4", "/") == "a/b%20%C3%A4");
  auto query = Query::Parse("a=1&b=x+y&c");
  REQUIRE(query);
  std::optional<uint64_t> number;
  CHECK(query->Number("a", 0, 5, &number));
  CHECK(number == 1);
  CHECK_FALSE(query->Number("b", 0, 5, &number));
  CHECK(*query->Find("b") == "x y");
  CHECK(*query->Unasked() == "c");
  CHECK_FALSE(Query::Parse("a=1&a=2"));
  CHECK_FALSE(Query::Parse("a=%zz"));
}

TEST_CASE("chunks, however they are cut") {
  for (const size_t step : {1, 2, 3, 5, 100}) {
    CHECK(Decode("3\r\nabc\r\n0\r\n\r\nnext", step) == "abc|next");
    CHECK(Decode("003;x=\"y\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n", step) == "abc0123456789|");
    CHECK(Decode("0\r\n\r\n", step) == "|");
    CHECK(Decode("3\r\nab", step) == "ab...");
    for (const char* bad : {"g\r\n", "\r\n", "3 \r\nabc", "3\nabc\r\n", "3\r\nabcd\r\n", "1234567890123456\r\n", "3;\x01\r\nabc\r\n",
                            "0\r\nx\r\n\r\n", "0\r\n y: z\r\n\r\n", "3\r\nabc\n0\r\n\r\n"})
      CHECK(Decode(bad, step) == "BAD");
  }
}

TEST_CASE("problems are JSON whatever is in them") {
  std::string json;
  AppendJsonString("a\"\\\n\x01\xff\xc3\xa4\xed\xa0\x80", &json);
  CHECK(json == "\"a\\\"\\\\\\u000a\\u0001\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(ProblemJson({404, "JZSE_NOT_FOUND", "x", false, 3}, "id") ==
        "{\"type\":\"urn:jzse:problem:jzse-not-found\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"x\","
        "\"code\":\"JZSE_NOT_FOUND\",\"request_id\":\"id\",\"retry\":false,\"operation\":3}\n");
}
