// SPDX-License-Identifier: Apache-2.0
// The file JZSE: the first bytes of a store that are believed. Also with the right check, so that the lines themselves
// are reached; what is accepted has one encoding.
#include "fuzz.h"
#include "model/model.h"
#include "store/format.h"

namespace {

using namespace jzse;

void Decode(const std::string& bytes) {
  const auto identity = store::DecodeIdentity(bytes);
  if (!identity.ok()) return;
  fuzz::Require(identity->replica != 0, "a replica id of 0 was accepted");
  fuzz::Require(model::CheckRegionName(identity->region).ok(), "a region name that is none was accepted");
  fuzz::Require(store::EncodeIdentity(*identity) == bytes, "one identity, two encodings");
}

std::string Hex(uint64_t value) {
  std::string big_endian;
  base::Encoder(&big_endian).Be64(value);
  return base::HexEncode(big_endian);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(fuzz::View(data, size));
  Decode(bytes);
  if (const size_t check = bytes.rfind("\ncheck "); check != std::string::npos) bytes.resize(check + 1);
  const base::Hash128 check = base::Xxh128(bytes, 0);
  Decode(bytes + "check " + Hex(check.high) + Hex(check.low) + "\n");
  return 0;
}
