// SPDX-License-Identifier: Apache-2.0
// A file's content on its way out: whole, one range, or several as multipart/byteranges.
#ifndef JZSE_SERVER_JZSED_CONTENT_H_
#define JZSE_SERVER_JZSED_CONTENT_H_

#include <jzse/jzse.hpp>

#include <memory>
#include <string>
#include <vector>

#include "serve/message.h"

namespace jzse::jzsed {

// A stretch of a body: text of ours, or bytes of the content.
struct Stretch {
  std::string text;
  uint64_t offset = 0;
  uint64_t size = 0;  // of the content's part
};

// Gives the stretches out in windows of at most `window` bytes. Contents come as extents of the segments, checked by the library, or where those cannot be had
// (compressed) as copies of at most 64 KiB.
// The first window is given out at once: what is wrong with it can still be told, as an answer of its own.
struct Content {
  std::unique_ptr<serve::Source> source;
  serve::Window first;
};
Result<Content> OpenContent(Reader reader, std::vector<Stretch> stretches, size_t window);

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_CONTENT_H_
