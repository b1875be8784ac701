// SPDX-License-Identifier: Apache-2.0
// What the index holds: entries of files, holders, chunks, namespaces, and the applied position. The first byte chooses.
// LevelDB may hand out anything that its own checks pass; what decodes has one encoding.
#include "fuzz.h"
#include "store/record.h"
#include "store/stage.h"

namespace {

using namespace jzse;

template <typename Decoded>
void Same(base::Bytes value, const Decoded& decoded, std::string (*encode)(const typename Decoded::value_type&)) {
  if (decoded.ok()) fuzz::Require(encode(*decoded) == value, "one index entry, two encodings");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const base::Bytes value = fuzz::View(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0: {
      const auto entry = store::DecodeFileEntry(value);
      Same(value, entry, store::EncodeFileEntry);
      const auto live = store::IsLiveValue(value);
      if (entry.ok()) fuzz::Require(live.ok() && *live == entry->live(), "live, or not, by two ways of looking");
      break;
    }
    case 1: Same(value, store::DecodeHolder(value), store::EncodeHolder); break;
    case 2: Same(value, store::DecodeChunkEntry(value), store::EncodeChunkEntry); break;
    case 3: Same(value, store::DecodeNamespaceEntry(value), store::EncodeNamespaceEntry); break;
    case 4: Same(value, store::DecodeApplied(value), store::EncodeApplied); break;
  }
  return 0;
}
