// SPDX-License-Identifier: Apache-2.0
// JSON bodies: nothing of the wrong kind, unknown or with a NUL inside passes as right.
#include <nlohmann/json.hpp>

#include "fuzz.h"
#include "jzsed/replies.h"

using namespace jzse;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  jzsed::Request request;
  request.body = std::string(fuzz::View(data, size));
  jzsed::BodyReader body(request);
  const std::string path = body.Text("path");
  const auto number = body.Number("version");
  const bool flag = body.Flag("recursive", true);
  jzsed::Attributes attributes;
  jzsed::ReadAttributes(&body, &attributes);
  const jzsed::Json* const operations = body.Array("operations");
  if (operations != nullptr) {
    for (const jzsed::Json& operation : *operations) {
      jzsed::BodyReader inner(operation);
      (void)inner.Text("op");
      (void)inner.Pairs("metadata");
      (void)inner.problem();
    }
  }
  if (body.problem().empty()) {
    const auto json = jzsed::Json::parse(request.body);
    fuzz::Require(json.is_object() && json["path"] == path, "another path");
    fuzz::Require(path.find('\0') == std::string::npos, "a NUL in a name");
    fuzz::Require(!number || json["version"] == *number, "another number");
    fuzz::Require(flag || json["recursive"] == false, "another flag");
    for (const auto& pair : attributes.metadata)
      fuzz::Require((pair.first + pair.second).find('\0') == std::string::npos, "a NUL in metadata");
  }
  const auto& options = attributes.Options();
  fuzz::Require(options.metadata_count == attributes.metadata.size(), "metadata is lost");
  return 0;
}
