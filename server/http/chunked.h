// SPDX-License-Identifier: Apache-2.0
// Strict decoding of the chunked transfer coding (RFC 9112, section 7.1): sizes of 1 to 15 hex digits, CRLF everywhere, extensions and trailer fields bounded, checked and
// dropped. Bytes may arrive in pieces of any size.
//
// Threading: pure; one decoder a body.
#ifndef JZSE_SERVER_HTTP_CHUNKED_H_
#define JZSE_SERVER_HTTP_CHUNKED_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jzse::http {

class ChunkedDecoder {
 public:
  enum class State { kMore, kDone, kBad };
  struct Step {
    State state = State::kMore;
    size_t consumed = 0;     // of the bytes given; what is left belongs to the next call, or after kDone to the next request
    std::string_view data;   // content among the consumed bytes; may be empty
  };

  // Consumes up to the end of the next piece of content. kMore with nothing consumed: more bytes are needed.
  Step Next(std::string_view bytes);

 private:
  enum class Expect { kSize, kData, kDataEnd, kTrailer };
  Step TakeLine(std::string_view bytes);
  Step TakeData(std::string_view bytes);

  Expect expect_ = Expect::kSize;
  uint64_t left_ = 0;        // of the chunk
  size_t trailer_size_ = 0;
};

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_CHUNKED_H_
