// SPDX-License-Identifier: Apache-2.0
// The texts of resumable uploads: metadata and checksums.
#include "fuzz.h"
#include "http/digest.h"
#include "jzsed/tus.h"

using namespace jzse;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::View(data, size);
  jzsed::UploadTarget target;
  const std::string problem = jzsed::ReadUploadMetadata(text, &target);
  if (problem.empty()) {
    fuzz::Require(!target.path.empty(), "an upload without a target");
    fuzz::Require((target.ns + target.path).find('\0') == std::string::npos, "a NUL in a name");
    fuzz::Require(target.attributes.mode <= 07777, "more than permission bits");
  }
  if (const auto checksum = http::ParseUploadChecksum(text)) fuzz::Require(checksum->value.size() == 32, "a checksum of the wrong size");
  return 0;
}
