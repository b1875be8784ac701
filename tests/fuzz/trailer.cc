// SPDX-License-Identifier: Apache-2.0
// A segment's trailer, as it is and with the right check; what is accepted has one encoding and sane bounds.
#include "fuzz.h"
#include "store/format.h"

namespace {

using namespace jzse;

void Decode(const store::RecordSealer& sealer, uint64_t offset, const std::string& bytes) {
  const auto trailer = store::DecodeTrailer(sealer, offset, bytes);
  if (!trailer) return;
  fuzz::Require(trailer->footer_end == offset && trailer->footer_begin <= offset, "a footer outside of its segment");
  fuzz::Require(trailer->footer_begin >= base::kSegmentHeaderSize, "a footer within the header");
  fuzz::Require(store::EncodeTrailer(sealer, *trailer) == bytes, "one trailer, two encodings");
  fuzz::Require(!store::DecodeTrailer(sealer, offset + 8, bytes), "a trailer validates at another place");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(fuzz::View(data, size));
  const store::RecordSealer sealer({7, 9}, 3);
  bytes.resize(store::kTrailerSize);
  const auto offset = base::LoadLe<uint64_t>(bytes.data() + 16);  // where it says that it lies
  Decode(sealer, offset, bytes);
  bytes.resize(store::kTrailerSize - base::kRecordCheckSize);
  const base::Hash128 check = sealer.CheckAt(offset, bytes);
  base::Encoder encoder(&bytes);
  encoder.U64(check.low);
  encoder.U64(check.high);
  Decode(sealer, offset, bytes);
  return 0;
}
