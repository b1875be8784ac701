// SPDX-License-Identifier: Apache-2.0
// A census of segments, as it is and with the right check; what is accepted has one encoding, ids that rise and ends within
// bounds.
#include <utility>

#include "fuzz.h"
#include "store/format.h"

namespace {

using namespace jzse;

constexpr base::StoreId kStore{7, 9};

void Decode(const std::string& bytes) {
  const auto entries = store::DecodeCensus(bytes, kStore);
  if (!entries.ok()) return;
  base::SegmentId before = 0;
  for (const store::CensusEntry& entry : *entries) {
    fuzz::Require(entry.id > std::exchange(before, entry.id), "ids that do not rise");
    if (!entry.trailer) continue;
    fuzz::Require(entry.trailer->footer_begin >= base::kSegmentHeaderSize, "a footer within the header");
    fuzz::Require(entry.trailer->footer_begin <= entry.trailer->footer_end, "a footer that ends before it begins");
    fuzz::Require(entry.trailer->footer_end <= base::kSegmentSizeMax, "a footer outside of any segment");
  }
  fuzz::Require(store::EncodeCensus(kStore, *entries) == bytes, "one census, two encodings");
  fuzz::Require(!store::DecodeCensus(bytes, {9, 7}).ok(), "it counts in another store, too");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(fuzz::View(data, size));
  Decode(bytes);
  // The input as entries only, with the frame around it that it needs.
  std::string framed = store::EncodeCensus(kStore, {});
  framed.resize(framed.size() - base::kRecordCheckSize);
  framed += bytes;
  const base::Hash128 check = base::Xxh128(framed, 0);
  base::Encoder encoder(&framed);
  encoder.U64(check.low);
  encoder.U64(check.high);
  Decode(framed);
  return 0;
}
