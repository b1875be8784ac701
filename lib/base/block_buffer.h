// SPDX-License-Identifier: Apache-2.0
// Bytes that begin at the beginning of a page, as writes past the page cache want them. Grows like a string, is not filled
// with zeros, and keeps its memory when it is cut.
//
// Threads: one thread at a time.
#ifndef JZSE_BASE_BLOCK_BUFFER_H_
#define JZSE_BASE_BLOCK_BUFFER_H_

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "base/bytes.h"

namespace jzse::base {

inline constexpr size_t kBlockSize = 4096;  // of a page and of the largest common sector

class BlockBuffer {
 public:
  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  Bytes view() const { return {bytes_.get(), size_}; }

  // Room for `size` more bytes, which count from now on and have no particular value. Throws std::bad_alloc.
  char* Extend(size_t size) {
    if (size > capacity_ - size_) Grow(size_ + size);
    char* const begin = bytes_.get() + size_;
    size_ += size;
    return begin;
  }
  void Append(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(Extend(bytes.size()), bytes.data(), bytes.size());
  }
  void AppendZeros(size_t count) {
    if (count != 0) std::memset(Extend(count), 0, count);
  }
  // REQUIRES: size <= this->size()
  void Cut(size_t size) { size_ = size; }
  void Free() {
    bytes_.reset();
    size_ = capacity_ = 0;
  }

 private:
  void Grow(size_t size) {
    const size_t capacity = std::max(AlignUp(size, kBlockSize), 2 * capacity_);
    std::unique_ptr<char, Release> grown(static_cast<char*>(::operator new(capacity, std::align_val_t{kBlockSize})));
    if (size_ != 0) std::memcpy(grown.get(), bytes_.get(), size_);
    bytes_ = std::move(grown);
    capacity_ = capacity;
  }

  struct Release {
    void operator()(char* bytes) const { ::operator delete(bytes, std::align_val_t{kBlockSize}); }
  };
  std::unique_ptr<char, Release> bytes_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace jzse::base

#endif  // JZSE_BASE_BLOCK_BUFFER_H_
