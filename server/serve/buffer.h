// SPDX-License-Identifier: Apache-2.0
// Memory for bytes on their way.
#ifndef JZSE_SERVER_SERVE_BUFFER_H_
#define JZSE_SERVER_SERVE_BUFFER_H_

#include <cstddef>
#include <memory>
#include <string_view>

namespace jzse::serve {

// Bytes with a capacity that does not grow by itself, and never zeroed.
class Buffer {
 public:
  void Reserve(size_t capacity);  // keeps the content
  void Release();
  char* tail() { return data_.get() + end_; }
  size_t room() const { return capacity_ - end_; }
  void Added(size_t count) { end_ += count; }
  void Consume(size_t count) { begin_ += count; }
  void Clear() { begin_ = end_ = 0; }
  void Compact();                 // moves the content to the front
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace jzse::serve

#endif  // JZSE_SERVER_SERVE_BUFFER_H_
