// SPDX-License-Identifier: Apache-2.0
#include "jzsed/content.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "serve/loop.h"

namespace jzse::jzsed {
namespace {

constexpr size_t kCopySize = 64 * 1024;
constexpr uint64_t kMemoryBytesPerUs = 1500;  // slower than this is no memory

class ContentSource : public serve::Source {
 public:
  ContentSource(Reader reader, std::vector<Stretch> stretches, size_t window)
      : reader_(std::move(reader)), stretches_(std::move(stretches)), window_(window) {}

  bool Next(int64_t, bool, serve::Window* window) override {
    const int64_t start_us = serve::NowMicros();
    if (!Fill(window)) return false;
    // Whoever waits for the disk has it fetch what comes next, while this window is sent.
    uint64_t size = 0;
    for (const serve::Piece& piece : window->pieces) size += piece.size_in_body();
    if (window->pieces.empty() || at_ == stretches_.size() || serve::NowMicros() - start_us < static_cast<int64_t>(size / kMemoryBytesPerUs)) return true;
    const serve::Piece& last = window->pieces.back();
    if (last.fd >= 0) {
      posix_fadvise(last.fd, static_cast<off_t>(last.offset + last.size),
                    static_cast<off_t>(std::min<uint64_t>(2 * window_, stretches_[at_].size)), POSIX_FADV_WILLNEED);
    }
    return true;
  }

  // Of a Next that failed.
  const Error& error() const { return error_; }

 private:
  bool Fill(serve::Window* window) {
    uint64_t left = window_;
    while (left > 0 && at_ < stretches_.size()) {
      Stretch& stretch = stretches_[at_];
      if (!stretch.text.empty()) window->pieces.push_back(serve::Piece::Of(std::exchange(stretch.text, "")));
      if (stretch.size == 0) {
        ++at_;
        continue;
      }
      const uint64_t wanted = std::min(left, stretch.size);
      const uint64_t given = copies_ ? Copy(stretch.offset, wanted, window) : Place(stretch.offset, wanted, window);
      if (given == 0) return false;
      if (copies_) left = 0;  // copies are held in memory: one at a time
      stretch.offset += given;
      stretch.size -= given;
      left -= std::min(left, given);
    }
    return true;
  }

  uint64_t Fail(Error error) {
    error_ = std::move(error);
    return 0;
  }

  // Bytes covered; 0: failed. Falls back to copies for good.
  uint64_t Place(uint64_t offset, uint64_t wanted, serve::Window* window) {
    std::array<jzse_extent, 16> extents;
    size_t count = 0;
    jzse_error error = JZSE_ERROR_INIT;
    const int code =
        jzse_reader_extents(reader_.get(), offset, extents.data(), std::min<size_t>(extents.size(), wanted / kCopySize + 1),
                            &count, &error);
    if (code == JZSE_UNSUPPORTED) {
      copies_ = true;
      return Copy(offset, wanted, window);
    }
    if (code != JZSE_OK) return Fail(Error(code, error.message));
    uint64_t given = 0;
    for (size_t i = 0; i < count && given < wanted; ++i) {
      serve::Piece piece;
      piece.fd = extents[i].fd;
      piece.offset = extents[i].offset;
      piece.size = std::min(extents[i].length, wanted - given);
      given += piece.size;
      window->pieces.push_back(std::move(piece));
    }
    return given;
  }

  uint64_t Copy(uint64_t offset, uint64_t wanted, serve::Window* window) {
    std::string bytes(static_cast<size_t>(std::min<uint64_t>(wanted, kCopySize)), '\0');
    const auto count = reader_.ReadAt(offset, ByteRoom(bytes.data(), bytes.size()));
    if (!count) return Fail(count.error());
    if (*count == 0) return Fail(Error(JZSE_CORRUPT, "the content is shorter than its size"));
    bytes.resize(*count);
    window->pieces.push_back(serve::Piece::Of(std::move(bytes)));
    return *count;
  }

  Reader reader_;
  std::vector<Stretch> stretches_;
  const size_t window_;
  size_t at_ = 0;
  bool copies_ = false;
  Error error_{JZSE_CORRUPT, "the content is shorter than its size"};
};

}  // namespace

Result<Content> OpenContent(Reader reader, std::vector<Stretch> stretches, size_t window) {
  auto source = std::make_unique<ContentSource>(std::move(reader), std::move(stretches), window);
  Content content;
  if (!source->Next(0, false, &content.first)) return source->error();
  content.source = std::move(source);
  return content;
}

}  // namespace jzse::jzsed
