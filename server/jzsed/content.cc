// SPDX-License-Identifier: Apache-2.0
#include "jzsed/content.h"

#include <algorithm>
#include <array>
#include <utility>

#include "serve/loop.h"

namespace jzse::jzsed {
namespace {

constexpr size_t kSpanMemory = 512 * 1024;  // what a reader of the default chunk sizes holds
constexpr uint64_t kExtentMin = 64 * 1024;
constexpr int64_t kTurnMs = 50;             // between two looks whether there is memory

class ContentSource : public serve::Source {
 public:
  ContentSource(Reader reader, std::vector<Stretch> stretches, serve::Shared& shared, bool hot)
      : reader_(std::move(reader)), stretches_(std::move(stretches)), shared_(shared), hot_(hot) {}
  ~ContentSource() override { shared_.ReleaseTransfer(reserved_); }

  bool Next(int64_t now_ms, bool, serve::Window* window) override {
    if (HasMemory()) return Lend(0, window);
    if (!compressed_ && !Place(window)) return false;
    if (window->pieces.empty() && at_ < stretches_.size()) window->wait_until_ms = now_ms + kTurnMs;
    return true;
  }

  // What a loop may do: no wait for the disk. The index of a file that was read a moment ago is in memory, too.
  std::optional<bool> Try(serve::Window* window) override {
    if (!HasMemory()) return std::nullopt;
    const bool done = Lend(hot_ ? JZSE_SPAN_CACHED : JZSE_SPAN_LOCATED, window);
    if (!done && error_.code() == JZSE_BUSY) return std::nullopt;
    return done;
  }

  // Of a Next that failed.
  const Error& error() const { return error_; }

 private:
  bool HasMemory() {
    if (reserved_ == 0 && shared_.ReserveDownload(kSpanMemory)) reserved_ = kSpanMemory;
    return reserved_ != 0;
  }

  bool Fail(Error error) {
    error_ = std::move(error);
    return false;
  }

  // The next stretch with something left in it; null at the end. Its text goes into the window.
  Stretch* Advance(serve::Window* window) {
    for (; at_ < stretches_.size(); ++at_) {
      Stretch& stretch = stretches_[at_];
      if (!stretch.text.empty()) window->pieces.push_back(serve::Piece::Of(std::exchange(stretch.text, "")));
      if (stretch.size > 0) return &stretch;
    }
    return nullptr;
  }

  void Take(Stretch* stretch, uint64_t size) {
    stretch->offset += size;
    stretch->size -= size;
  }

  // One piece in the reader's memory, which the next call overwrites.
  bool Lend(uint32_t flags, serve::Window* window) {
    if (at_ == stretches_.size()) return true;
    const Stretch& next = *std::find_if(stretches_.begin() + static_cast<ptrdiff_t>(at_), stretches_.end() - 1,
                                        [](const Stretch& stretch) { return stretch.size > 0; });
    Result<std::string_view> span = std::string_view();
    if (next.size > 0) {
      span = reader_.Span(next.offset, flags);
      if (!span) return Fail(span.error());
      if (span->empty()) return Fail(Error(JZSE_CORRUPT, "the content is shorter than its size"));
    }
    Stretch* const stretch = Advance(window);
    if (stretch == nullptr) return true;
    serve::Piece piece;
    piece.lent = span->substr(0, static_cast<size_t>(stretch->size));
    if (2 * span->size() > reserved_) {
      shared_.AddTransfer(2 * span->size() - reserved_);  // a namespace with large chunks
      reserved_ = 2 * span->size();
    }
    Take(stretch, piece.lent.size());
    window->lent = true;
    window->pieces.push_back(std::move(piece));
    return true;
  }

  // Pieces of segments, until the window is full.
  bool Place(serve::Window* window) {
    uint64_t left = shared_.config().transfer_window;
    while (Stretch* const stretch = Advance(window)) {
      if (left == 0 || compressed_) break;
      const uint64_t wanted = std::min(left, stretch->size);
      std::array<jzse_extent, 16> extents;
      size_t count = 0;
      jzse_error error = JZSE_ERROR_INIT;
      const int code = jzse_reader_extents(reader_.get(), stretch->offset, extents.data(),
                                           std::min<size_t>(extents.size(), wanted / kExtentMin + 1), &count, &error);
      compressed_ = code == JZSE_UNSUPPORTED;
      if (compressed_) break;
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
      if (given == 0) return Fail(Error(JZSE_CORRUPT, "the content is shorter than its size"));
      Take(stretch, given);
      left -= given;
    }
    return true;
  }

  Reader reader_;
  std::vector<Stretch> stretches_;
  serve::Shared& shared_;
  const bool hot_;
  size_t at_ = 0;
  size_t reserved_ = 0;      // of the memory for transfers
  bool compressed_ = false;  // as far as is known
  Error error_{JZSE_CORRUPT, "the content is shorter than its size"};
};

}  // namespace

Result<Content> OpenContent(Reader reader, std::vector<Stretch> stretches, serve::Shared& shared, bool hot) {
  auto source = std::make_unique<ContentSource>(std::move(reader), std::move(stretches), shared, hot);
  Content content;
  const bool done = hot ? source->Try(&content.first).value_or(true) : source->Next(0, false, &content.first);
  if (!done) return source->error();
  content.source = std::move(source);
  return content;
}

}  // namespace jzse::jzsed
