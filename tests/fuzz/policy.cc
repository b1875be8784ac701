// SPDX-License-Identifier: Apache-2.0
// A namespace's policy: what decodes is valid and has one encoding.
#include "fuzz.h"
#include "model/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jzse;
  const base::Bytes bytes = fuzz::View(data, size);
  base::Decoder decoder(bytes);
  const auto policy = model::DecodePolicy(decoder);
  if (!policy.ok()) {
    fuzz::Require(!decoder.ok(), "refused, but the decoder goes on");
    return 0;
  }
  fuzz::Require(policy->Check().ok(), "an invalid policy was accepted");
  std::string again;
  base::Encoder encoder(&again);
  model::Encode(*policy, encoder);
  fuzz::Require(again == bytes.substr(0, bytes.size() - decoder.remaining()), "one policy, two encodings");
  return 0;
}
