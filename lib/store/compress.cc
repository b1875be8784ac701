// SPDX-License-Identifier: Apache-2.0
// A context costs several microseconds to make, for zstd asks the processor what it can, and more on a virtual machine, which
// answers in the hypervisor. So a few are kept for whoever comes next. Safe to call from any thread.
#include "store/compress.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "absl/strings/str_cat.h"

namespace jzse::store {
namespace {

// Below this a frame's own header eats what can be won.
constexpr size_t kCompressSizeMin = 64;

// Has no destructor: threads may come here while the process ends.
template <typename Context, Context* (*create)(), size_t (*destroy)(Context*), size_t (*memory)(const Context*)>
class ContextPool {
 public:
  // Null without memory.
  Context* Take() {
    {
      std::lock_guard lock(mutex_);
      if (count_ > 0) return spare_[--count_];
    }
    return create();
  }
  void Give(Context* context) {
    if (memory(context) <= base::kSpareContextBytesMax) {
      std::lock_guard lock(mutex_);
      if (!closed_ && count_ < spare_.size()) {
        spare_[count_++] = context;
        return;
      }
    }
    destroy(context);
  }
  // Keeps none from now on.
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    while (count_ > 0) destroy(spare_[--count_]);
  }

 private:
  std::mutex mutex_;
  std::array<Context*, base::kSpareContextsMax> spare_{};
  size_t count_ = 0;
  bool closed_ = false;
};

constinit ContextPool<ZSTD_CCtx, ZSTD_createCCtx, ZSTD_freeCCtx, ZSTD_sizeof_CCtx> compressors;
constinit ContextPool<ZSTD_DCtx, ZSTD_createDCtx, ZSTD_freeDCtx, ZSTD_sizeof_DCtx> decompressors;

// When the process ends or the library is unloaded; a static that does it would have to be constructed at loading.
[[gnu::destructor]] void CloseContexts() {
  compressors.Close();
  decompressors.Close();
}

}  // namespace

bool Compress(base::Bytes bytes, int level, std::string* out) {
  if (bytes.size() < kCompressSizeMin) return false;
  // zstd gives up by itself when the result does not fit, which is the rule of an eighth for free.
  out->resize(bytes.size() - bytes.size() / 8);
  ZSTD_CCtx* const context = compressors.Take();
  if (context == nullptr) return false;
  const size_t size = ZSTD_compressCCtx(context, out->data(), out->size(), bytes.data(), bytes.size(),
                                        std::clamp(level, 1, 19));
  compressors.Give(context);
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
  ZSTD_DCtx* const context = decompressors.Take();
  if (context == nullptr) return base::Fail(base::Code::kNoMemory, "no memory to decompress");
  const size_t size = ZSTD_decompressDCtx(context, out, raw_size, bytes.data(), bytes.size());
  decompressors.Give(context);
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
