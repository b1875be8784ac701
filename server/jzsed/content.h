// SPDX-License-Identifier: Apache-2.0
// A file's content on its way out: whole, one range, or several as multipart/byteranges.
#ifndef JZSE_SERVER_JZSED_CONTENT_H_
#define JZSE_SERVER_JZSED_CONTENT_H_

#include <jzse/jzse.hpp>

#include <memory>
#include <string>
#include <vector>

#include "serve/message.h"
#include "serve/server.h"

namespace jzse::jzsed {

// A stretch of a body: text of ours, or bytes of the content.
struct Stretch {
  std::string text;
  uint64_t offset = 0;
  uint64_t size = 0;  // of the content's part
};

// Gives the stretches out. A content comes piece by piece out of its reader's memory, where it was checked: what is sent is what was checked, and it is
// still in the processor's cache then. That memory counts in `transfer_memory`. A download for which there is none left goes from the segments instead, in windows of
// `transfer_window`, each checked before it is sent; one that is stored compressed, and so cannot, waits for its turn.
// The first window is given out at once: what is wrong with it can still be told, as an answer of its own. With `hot` it is asked for on the loop, and its
// content is in memory.
struct Content {
  std::unique_ptr<serve::Source> source;
  serve::Window first;
};
Result<Content> OpenContent(Reader reader, std::vector<Stretch> stretches, serve::Shared& shared, bool hot);

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_CONTENT_H_
