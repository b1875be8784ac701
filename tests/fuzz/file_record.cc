// SPDX-License-Identifier: Apache-2.0
// The file record, which journals, indexes and peers hold: what decodes is valid and has one encoding, whatever follows.
#include "fuzz.h"
#include "model/model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jzse;
  const base::Bytes bytes = fuzz::View(data, size);
  base::Decoder decoder(bytes);
  model::FileRecord record;
  if (!model::Decode(decoder, &record)) {
    fuzz::Require(!decoder.ok(), "refused, but the decoder goes on");
    return 0;
  }
  fuzz::Require(model::CheckRecord(record).ok(), "an invalid record was accepted");
  std::string again;
  base::Encoder encoder(&again);
  model::Encode(record, encoder);
  fuzz::Require(again == bytes.substr(0, bytes.size() - decoder.remaining()), "one record, two encodings");
  fuzz::Require(record.deleted() == !record.winner().live(), "a winner that is not the state of the file");
  return 0;
}
