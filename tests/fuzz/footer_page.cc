// SPDX-License-Identifier: Apache-2.0
// A footer page, by which recovery believes a sealed segment without reading it; what is accepted has one encoding.
#include "fuzz.h"
#include "store/format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jzse;
  const base::Bytes bytes = fuzz::View(data, size);
  const auto entries = store::DecodeFooterPage(bytes);
  if (!entries.ok()) return 0;
  store::FooterPageBuilder builder;
  for (const store::FooterEntry& entry : *entries) {
    fuzz::Require(entry.offset % base::kRecordAlignment == 0, "a record at an impossible offset");
    builder.Add(entry);
  }
  fuzz::Require(builder.Take() == bytes, "one footer page, two encodings");
  return 0;
}
