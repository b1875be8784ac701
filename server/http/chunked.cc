// SPDX-License-Identifier: Apache-2.0
#include "http/chunked.h"

#include <algorithm>

#include "http/head.h"

namespace jzse::http {
namespace {

constexpr size_t kLineMax = 512;          // a size with its extensions, or a trailer field
constexpr size_t kTrailerMax = 8 * 1024;
constexpr size_t kDigitsMax = 15;

ChunkedDecoder::Step Bad() { return {ChunkedDecoder::State::kBad, 0, {}}; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u == '\t' || (u >= 0x20 && u != 0x7f);
  });
}

bool ParseSize(std::string_view line, uint64_t* size) {
  size_t digits = 0;
  *size = 0;
  while (digits < line.size() && HexDigit(line[digits]) >= 0) {
    if (digits == kDigitsMax) return false;
    *size = *size * 16 + static_cast<uint64_t>(HexDigit(line[digits]));
    ++digits;
  }
  if (digits == 0) return false;
  const std::string_view extension = line.substr(digits);
  return extension.empty() || (extension.front() == ';' && IsPrintable(extension));
}

bool IsTrailerField(std::string_view line) {
  const size_t colon = line.find(':');
  return colon != std::string_view::npos && IsToken(line.substr(0, colon)) && IsPrintable(line.substr(colon + 1));
}

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::Next(std::string_view bytes) {
  return expect_ == Expect::kData || expect_ == Expect::kDataEnd ? TakeData(bytes) : TakeLine(bytes);
}

ChunkedDecoder::Step ChunkedDecoder::TakeData(std::string_view bytes) {
  if (expect_ == Expect::kData) {
    const size_t count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
    left_ -= count;
    if (left_ == 0) expect_ = Expect::kDataEnd;
    return {State::kMore, count, bytes.substr(0, count)};
  }
  if (bytes.size() < 2) return !bytes.empty() && bytes[0] != '\r' ? Bad() : Step();
  if (bytes[0] != '\r' || bytes[1] != '\n') return Bad();
  expect_ = Expect::kSize;
  return {State::kMore, 2, {}};
}

ChunkedDecoder::Step ChunkedDecoder::TakeLine(std::string_view bytes) {
  const size_t end = bytes.find_first_of("\r\n");
  if (end == std::string_view::npos) return bytes.size() > kLineMax || !IsPrintable(bytes) ? Bad() : Step();
  if (end > kLineMax || bytes[end] == '\n') return Bad();
  if (end + 1 == bytes.size()) return {};
  if (bytes[end + 1] != '\n') return Bad();
  const std::string_view line = bytes.substr(0, end);
  const size_t consumed = end + 2;
  if (expect_ == Expect::kSize) {
    if (!ParseSize(line, &left_)) return Bad();
    expect_ = left_ == 0 ? Expect::kTrailer : Expect::kData;
    return {State::kMore, consumed, {}};
  }
  if (line.empty()) return {State::kDone, consumed, {}};
  trailer_size_ += consumed;
  if (trailer_size_ > kTrailerMax || !IsTrailerField(line)) return Bad();
  return {State::kMore, consumed, {}};
}

}  // namespace jzse::http
