// SPDX-License-Identifier: Apache-2.0
// JSON by nlohmann's event parser. It tells no places, so the bytes come through an iterator that counts lines: a key's closing
// quote is the last byte read when the key is told.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "config/file.h"

namespace jzse::config {
namespace {

using nlohmann::json;

struct Counter {
  int line = 1;
};

// An input iterator over the text; counts in a place of its own, because the parser copies iterators.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, Counter* counter) : at_(at), counter_(counter) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    if (*at_ == '\n') ++counter_->line;
    ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  Counter* counter_;
};

// Depth 0 is outside, 1 in the object, 2 in a list of it; below that everything is a problem of its key and is skipped.
class Reader : public nlohmann::json_sax<json> {
 public:
  Reader(Document* document, const Counter* counter) : document_(*document), counter_(*counter) {}

  bool null() override { return Wrong("nothing (null)"); }
  bool boolean(bool value) override { return Scalar(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return Scalar(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Scalar(std::to_string(value)); }
  bool number_float(number_float_t value, const string_t&) override { return Scalar(fmt::format("{}", value)); }
  bool string(string_t& value) override { return Scalar(std::move(value)); }
  bool binary(binary_t&) override { return Wrong("bytes"); }
  bool start_object(size_t) override {
    if (depth_ > 0) Wrong("an object; there are no sections, settings stand at the top");
    ++depth_;
    return true;
  }
  bool end_object() override { return --depth_, true; }
  bool key(string_t& name) override {
    if (depth_ != 1) return true;
    Entry& entry = document_.entries.emplace_back();
    entry.key = std::move(name);
    entry.line = counter_.line;
    return true;
  }
  bool start_array(size_t) override {
    if (depth_ == 0) return Fail("must be an object");
    if (depth_ == 1) document_.entries.back().list = true;
    else Wrong("a list in a list");
    ++depth_;
    return true;
  }
  bool end_array() override { return --depth_, true; }
  bool parse_error(size_t, const std::string&, const json::exception& error) override {
    if (!document_.error.empty()) return false;
    // "[json.exception.parse_error.101] parse error at line 2, column 5: syntax error ...": the place is told apart.
    std::string_view what = error.what();
    if (const size_t colon = what.find(": "); colon != std::string_view::npos) what.remove_prefix(colon + 2);
    document_.error = what;
    document_.error_line = counter_.line;
    return false;
  }

 private:
  bool Fail(const char* what) {
    document_.error = what;
    document_.error_line = counter_.line;
    return false;
  }
  bool Wrong(const char* what) {
    if (depth_ == 0) return Fail("must be an object");
    Entry& entry = document_.entries.back();
    if (entry.problem.empty()) entry.problem = what;
    return true;
  }
  bool Scalar(std::string text) {
    if (depth_ == 0) return Fail("must be an object");
    if (depth_ <= 2) document_.entries.back().texts.push_back(std::move(text));
    return true;
  }

  Document& document_;
  const Counter& counter_;
  int depth_ = 0;
};

}  // namespace

Document ParseJson(std::string_view text) {
  Document document;
  Counter counter;
  Reader reader(&document, &counter);
  const CountingIterator begin(text.data(), &counter), end(text.data() + text.size(), &counter);
  json::sax_parse(begin, end, &reader);
  return document;
}

}  // namespace jzse::config
