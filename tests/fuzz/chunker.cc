// SPDX-License-Identifier: Apache-2.0
// Content-defined cuts: they cover the input, obey the bounds, and depend on nothing beyond the longest chunk.
#include "fuzz.h"
#include "store/chunker.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jzse;
  fuzz::Choices choices(fuzz::View(data, size));
  store::ChunkSizes sizes;
  sizes.average = uint32_t{256} << choices.Below(5);
  sizes.min = 64 + static_cast<uint32_t>(choices.Below(sizes.average - 63));
  sizes.max = sizes.average + static_cast<uint32_t>(choices.Below(4096));
  std::string owned;
  base::Bytes rest = choices.Rest();
  // Short inputs say little about long chunks, so a last byte repeats what is before it.
  if (!rest.empty()) {
    for (size_t times = 1 + static_cast<unsigned char>(rest.back()) % 16; times > 0; --times) owned.append(rest);
    rest = owned;
  }
  size_t covered = 0;
  while (!rest.empty()) {
    const size_t cut = store::NextCut(rest, sizes);
    fuzz::Require(cut > 0 && cut <= rest.size() && cut <= sizes.max, "a cut outside of its bounds");
    fuzz::Require(cut >= sizes.min || cut == rest.size(), "a chunk that is too short, and not the last");
    if (rest.size() > sizes.max)
      fuzz::Require(store::NextCut(rest.substr(0, sizes.max), sizes) == cut, "a cut depends on what it cannot see");
    covered += cut;
    rest.remove_prefix(cut);
  }
  fuzz::Require(covered == owned.size(), "the cuts do not cover the input");
  return 0;
}
