// SPDX-License-Identifier: Apache-2.0
// Each call works on its own: the contexts of the one-shot functions live as long as the call, so there is nothing
// to share, to lock or to bound. Safe to call from any thread.
#include "store/compress.h"

#include <zstd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace jzse::store {
namespace {

// Below this a frame's own header eats what can be won.
constexpr size_t kCompressSizeMin = 64;

}  // namespace

bool Compress(base::Bytes bytes, int level, std::string* out) {
  if (bytes.size() < kCompressSizeMin) return false;
  // zstd gives up by itself when the result does not fit, which is the rule of an eighth for free.
  out->resize(bytes.size() - bytes.size() / 8);
  const size_t size = ZSTD_compress(out->data(), out->size(), bytes.data(), bytes.size(),
                                    std::clamp(level, 1, 19));
  if (ZSTD_isError(size)) return false;
  out->resize(size);
  return true;
}

base::Status Decompress(base::Bytes bytes, size_t raw_size, char* out) {
  if (raw_size > base::kRecordPayloadMax) {
    return base::Fail(base::Code::kCorrupt,
                      absl::StrCat("compressed bytes claim ", raw_size, " bytes, more than allowed"));
  }
  // One frame and nothing behind it: a second one or a skippable one is not ours.
  const size_t frame_size = ZSTD_findFrameCompressedSize(bytes.data(), bytes.size());
  if (ZSTD_isError(frame_size) || frame_size != bytes.size() ||
      base::LoadLe<uint32_t>(bytes.data()) != ZSTD_MAGICNUMBER) {
    return base::Fail(base::Code::kCorrupt, "compressed bytes are not one zstd frame");
  }
  const size_t size = ZSTD_decompress(out, raw_size, bytes.data(), bytes.size());
  if (ZSTD_isError(size)) {
    return base::Fail(base::Code::kCorrupt,
                      absl::StrCat("compressed bytes do not decode: ", ZSTD_getErrorName(size)));
  }
  if (size != raw_size) {
    return base::Fail(base::Code::kCorrupt,
                      absl::StrCat("compressed bytes decode to ", size, " bytes, not ", raw_size));
  }
  return absl::OkStatus();
}

}  // namespace jzse::store
