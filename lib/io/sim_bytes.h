// SPDX-License-Identifier: Apache-2.0
// The bytes of a simulated file: pages shared between copies and copied when written, so that a
// copy of a whole disk costs one pointer per file and a page of zeros costs nothing.
// Invariant: bytes of the last page beyond the size are zero.
// Thread-compatible; copies that share pages may live on different threads.
#ifndef JZSE_IO_SIM_BYTES_H_
#define JZSE_IO_SIM_BYTES_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/base.h"

namespace jzse::io {

class SimBytes {
 public:
  uint64_t size() const { return size_; }
  // REQUIRES: offset + size <= this->size()
  void Read(uint64_t offset, size_t size, char* buffer) const;
  std::string Read(uint64_t offset, size_t size) const;
  void Write(uint64_t offset, base::Bytes bytes);  // extends, with zeros in a gap
  void Resize(uint64_t size);

 private:
  static constexpr size_t kPageSize = 4096;
  using Page = std::array<char, kPageSize>;
  using Table = std::vector<std::shared_ptr<Page>>;  // shared with copies; null is all zeros

  Table& OwnTable();
  Page& OwnPage(size_t index);

  std::shared_ptr<Table> table_;  // shared with copies; null is empty
  uint64_t size_ = 0;
};

}  // namespace jzse::io

#endif  // JZSE_IO_SIM_BYTES_H_
