// SPDX-License-Identifier: Apache-2.0
// Bytes that a C caller may be given: from malloc, not filled with zeros first, at most once handed over.
//
// Threads: one thread at a time.
#ifndef JZSE_BASE_BUFFER_H_
#define JZSE_BASE_BUFFER_H_

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "base/bytes.h"

namespace jzse::base {

class Buffer {
 public:
  // Room for `size` bytes of no particular value; what was there before is gone. Throws std::bad_alloc.
  void Reset(size_t size) {
    bytes_.reset(static_cast<char*>(std::malloc(size == 0 ? 1 : size)));
    if (bytes_ == nullptr) throw std::bad_alloc();
    size_ = size;
  }
  // Only these bytes stay, at the front. REQUIRES: they lie within the buffer
  void Keep(size_t begin, size_t size) {
    std::memmove(bytes_.get(), bytes_.get() + begin, size);
    size_ = size;
  }
  // Never null; the caller frees it with std::free. The buffer is empty afterwards.
  char* Release() {
    if (bytes_ == nullptr) Reset(0);
    size_ = 0;
    return bytes_.release();
  }

  char* data() { return bytes_.get(); }
  size_t size() const { return size_; }
  Bytes view() const { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> bytes_;
  size_t size_ = 0;
};

}  // namespace jzse::base

#endif  // JZSE_BASE_BUFFER_H_
