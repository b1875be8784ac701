// SPDX-License-Identifier: Apache-2.0
#include "io/sim_bytes.h"

#include <algorithm>
#include <cstring>

namespace jzse::io {
namespace {

bool AllZero(const char* bytes, size_t size) {
  return size == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0);
}

}  // namespace

SimBytes::Table& SimBytes::OwnTable() {
  if (table_ == nullptr) {
    table_ = std::make_shared<Table>();
  } else if (table_.use_count() != 1) {
    table_ = std::make_shared<Table>(*table_);
  }
  return *table_;
}

SimBytes::Page& SimBytes::OwnPage(size_t index) {
  std::shared_ptr<Page>& page = OwnTable()[index];
  if (page == nullptr) {
    page = std::make_shared<Page>();
    page->fill(0);
  } else if (page.use_count() != 1) {
    page = std::make_shared<Page>(*page);
  }
  return *page;
}

void SimBytes::Read(uint64_t offset, size_t size, char* buffer) const {
  JZSE_CHECK(offset <= size_ && size <= size_ - offset);
  while (size > 0) {
    const size_t in_page = offset % kPageSize;
    const size_t step = std::min(size, kPageSize - in_page);
    const Page* page = (*table_)[offset / kPageSize].get();
    if (page == nullptr) {
      std::memset(buffer, 0, step);
    } else {
      std::memcpy(buffer, page->data() + in_page, step);
    }
    offset += step;
    buffer += step;
    size -= step;
  }
}

std::string SimBytes::Read(uint64_t offset, size_t size) const {
  std::string bytes(size, '\0');
  Read(offset, size, bytes.data());
  return bytes;
}

void SimBytes::Write(uint64_t offset, base::Bytes bytes) {
  if (bytes.empty()) return;
  if (offset + bytes.size() > size_) Resize(offset + bytes.size());
  const char* from = bytes.data();
  size_t size = bytes.size();
  while (size > 0) {
    const size_t in_page = offset % kPageSize;
    const size_t step = std::min(size, kPageSize - in_page);
    const size_t index = offset / kPageSize;
    if ((*table_)[index] != nullptr || !AllZero(from, step)) {
      std::memcpy(OwnPage(index).data() + in_page, from, step);
    }
    offset += step;
    from += step;
    size -= step;
  }
}

void SimBytes::Resize(uint64_t size) {
  if (size == size_) return;
  OwnTable().resize(base::AlignUp(size, kPageSize) / kPageSize);
  const size_t in_page = size % kPageSize;
  if (size < size_ && in_page != 0 && table_->back() != nullptr) {
    Page& page = OwnPage(table_->size() - 1);
    std::memset(page.data() + in_page, 0, kPageSize - in_page);
  }
  size_ = size;
}

}  // namespace jzse::io
