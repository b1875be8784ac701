// SPDX-License-Identifier: Apache-2.0
// The header of a segment, as it is and with the right check; what is accepted has one encoding, so nothing that a newer
// version may mean is passed over.
#include "fuzz.h"
#include "store/format.h"

namespace {

using namespace jzse;

void Decode(const std::string& bytes) {
  const auto header = store::DecodeSegmentHeader(bytes);
  if (!header.ok()) return;
  fuzz::Require(header->replaces.size() <= store::kReplacesMax, "more replaced segments than a header may name");
  fuzz::Require(store::EncodeSegmentHeader(*header) == bytes, "one segment header, two encodings");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(fuzz::View(data, size));
  Decode(bytes);
  // The usual header is zeros behind a few fields: what an input lacks is that.
  bytes.resize(base::kSegmentHeaderSize - base::kRecordCheckSize);
  const base::Hash128 check = base::Xxh128(bytes, 0);
  base::Encoder encoder(&bytes);
  encoder.U64(check.low);
  encoder.U64(check.high);
  Decode(bytes);
  return 0;
}
