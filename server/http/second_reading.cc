// SPDX-License-Identifier: Apache-2.0
#include "http/second_reading.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <array>
#include <cstdint>
#include <memory_resource>

namespace jzse::http {
namespace {

namespace beast = boost::beast;

// Beast keeps each field in a piece of memory of its own: they come from the stack and go together.
constexpr size_t kScratch = 4096;
using Allocator = std::pmr::polymorphic_allocator<char>;
using Parser = beast::http::request_parser<beast::http::buffer_body, Allocator>;

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

bool SameFields(const beast::http::basic_fields<Allocator>& theirs, const Head& head) {
  size_t i = 0;
  for (const auto& field : theirs) {
    if (i == head.fields.size() || View(field.name_string()) != head.fields[i].name ||
        View(field.value()) != head.fields[i].value)
      return false;
    ++i;
  }
  return i == head.fields.size();
}

}  // namespace

bool BeastAgrees(std::string_view bytes, const Head& head) {
  std::array<std::byte, kScratch> scratch;
  std::pmr::monotonic_buffer_resource memory(scratch.data(), scratch.size());
  Parser parser(std::piecewise_construct, std::make_tuple(), std::make_tuple(Allocator(&memory)));
  parser.header_limit(UINT32_MAX);  // ParseHead has its own
  parser.body_limit(boost::none);
  boost::system::error_code error;
  const size_t taken = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if ((error && error != beast::http::error::need_buffer) || taken != bytes.size() || !parser.is_header_done()) return false;
  const auto& theirs = parser.get();
  if (View(theirs.method_string()) != head.method_text || View(theirs.target()) != head.raw_target ||
      theirs.version() != 10u + static_cast<unsigned>(head.minor) || parser.chunked() != head.chunked)
    return false;
  const auto length = parser.content_length();
  if (length.has_value() != head.has_length || (length && *length != head.length)) return false;
  return SameFields(theirs, head);
}

HeadResult ReadHead(std::string_view bytes, size_t seen, const HeadLimits& limits, Head* head) {
  const HeadResult result = ParseHead(bytes, seen, limits, head);
  if (result.state != HeadResult::State::kDone || BeastAgrees(bytes.substr(0, result.size), *head)) return result;
  return {HeadResult::State::kBad, 0, 400, "the head can be read in more than one way"};
}

}  // namespace jzse::http
