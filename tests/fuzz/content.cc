// SPDX-License-Identifier: Apache-2.0
// Stored content bytes: raw or zstd. The frame that claims a size gives exactly that size or an error; what is compressed
// comes back.
#include "fuzz.h"
#include "store/compress.h"
#include "store/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jzse;
  fuzz::Choices choices(fuzz::View(data, size));
  const int level = 1 + static_cast<int>(choices.Below(3));
  const size_t claimed = choices.Number(2);
  const base::Bytes stored = choices.Rest();
  std::string out;
  if (store::DecodeContent(store::InlineEncoding::kZstd, stored, claimed, &out).ok())
    fuzz::Require(out.size() == claimed, "a content of another size than was claimed");
  const bool raw = store::DecodeContent(store::InlineEncoding::kRaw, stored, claimed, &out).ok();
  fuzz::Require(raw == (stored.size() == claimed), "a raw content of another size than was claimed");

  std::string packed;
  if (!store::Compress(stored, level, &packed)) return 0;
  fuzz::Require(packed.size() <= stored.size() - stored.size() / 8, "compressed though it does not pay");
  fuzz::Require(store::DecodeContent(store::InlineEncoding::kZstd, packed, stored.size(), &out).ok() && out == stored,
                "compressed bytes do not come back");
  fuzz::Require(!store::DecodeContent(store::InlineEncoding::kZstd, packed, stored.size() + 1, &out).ok(),
                "a frame gave a size that it has not");
  return 0;
}
