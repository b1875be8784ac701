// SPDX-License-Identifier: Apache-2.0
// Version vectors: one encoding, and the algebra of two that came from outside.
#include "fuzz.h"
#include "model/version_vector.h"

namespace {

using namespace jzse;

bool Take(base::Bytes bytes, base::Decoder& decoder, model::VersionVector* vector) {
  const size_t begin = bytes.size() - decoder.remaining();
  if (!vector->Decode(decoder)) {
    fuzz::Require(!decoder.ok(), "refused, but the decoder goes on");
    return false;
  }
  std::string again;
  base::Encoder encoder(&again);
  vector->Encode(encoder);
  fuzz::Require(again == bytes.substr(begin, bytes.size() - decoder.remaining() - begin), "one vector, two encodings");
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using model::Causality;
  const base::Bytes bytes = fuzz::View(data, size);
  base::Decoder decoder(bytes);
  model::VersionVector a, b;
  if (!Take(bytes, decoder, &a) || !Take(bytes, decoder, &b)) return 0;
  model::VersionVector ab = a, ba = b;
  ab.Merge(b);
  ba.Merge(a);
  fuzz::Require(ab == ba, "merging vectors is not commutative");
  const Causality order = a.Compare(b), back = b.Compare(a);
  fuzz::Require((order == Causality::kEqual) == (a == b), "equal is not equal");
  fuzz::Require((order == Causality::kBefore) == (back == Causality::kAfter), "before is not the reverse of after");
  fuzz::Require((ab == b) == (order == Causality::kBefore || order == Causality::kEqual), "before is not containment");
  return 0;
}
