// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "model/model.h"

namespace jzse::model {
namespace {

std::string Encoded(const NamespacePolicy& policy) {
  std::string out;
  base::Encoder encoder(&out);
  Encode(policy, encoder);
  return out;
}

base::StatusOr<NamespacePolicy> Decoded(const std::string& bytes) {
  base::Decoder decoder(bytes);
  auto policy = DecodePolicy(decoder);
  if (policy.ok() && !decoder.done()) return base::Fail(base::Code::kCorrupt, "bytes are left");
  return policy;
}

TEST_CASE("the defaults are valid, and policies come back exactly") {
  CHECK(NamespacePolicy().Check().ok());
  NamespacePolicy policy;
  policy.kind = NamespaceKind::kKeys;
  policy.conflict = ConflictStrategy::kManual;
  policy.replication = Replication::kOnDemand;
  policy.versions_max = base::kVersionsCountMax;
  policy.versions_age_max_s = ~0ull;
  policy.quota_bytes = 1ull << 50;
  policy.quota_files = 3;
  policy.compression = 19;
  policy.chunk_min = 4096;
  policy.chunk_average = 8192;
  policy.chunk_max = 1 << 20;
  for (const NamespacePolicy& each : {NamespacePolicy(), policy}) {
    const auto decoded = Decoded(Encoded(each));
    REQUIRE(decoded.ok());
    CHECK(*decoded == each);
  }
}

TEST_CASE("what is outside the rules is invalid, and the message names it") {
  struct Case {
    const char* field;
    std::function<void(NamespacePolicy&)> spoil;
  };
  const std::vector<Case> cases = {
      {"kind", [](auto& p) { p.kind = static_cast<NamespaceKind>(2); }},
      {"conflict", [](auto& p) { p.conflict = static_cast<ConflictStrategy>(4); }},
      {"replication", [](auto& p) { p.replication = static_cast<Replication>(3); }},
      {"versions_max", [](auto& p) { p.versions_max = base::kVersionsCountMax + 1; }},
      {"compression", [](auto& p) { p.compression = 20; }},
      {"compression", [](auto& p) { p.compression = -1; }},
      {"chunk_min", [](auto& p) { p.chunk_min = 2048; }},
      {"chunk_min", [](auto& p) { p.chunk_min = 0; }},
      {"chunk_average", [](auto& p) { p.chunk_average = 65537; }},
      {"chunk_max", [](auto& p) { p.chunk_max = 2 << 20; }},
      {"chunk sizes", [](auto& p) { p.chunk_average = p.chunk_min; }},
      {"chunk sizes", [](auto& p) { p.chunk_max = p.chunk_average; }},
  };
  for (const Case& each : cases) {
    NamespacePolicy policy;
    each.spoil(policy);
    const base::Status status = policy.Check();
    CHECK(base::CodeOf(status) == base::Code::kInvalid);
    CHECK_THAT(std::string(status.message()), Catch::Contains(each.field));
  }
}

TEST_CASE("damaged, truncated and newer encodings are refused") {
  const std::string bytes = Encoded(NamespacePolicy());
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK(base::CodeOf(Decoded(bytes.substr(0, size)).status()) == base::Code::kCorrupt);
  }
  CHECK(base::CodeOf(Decoded('\x02' + bytes.substr(1)).status()) == base::Code::kUnsupported);
  CHECK(base::CodeOf(Decoded('\x00' + bytes.substr(1)).status()) == base::Code::kCorrupt);
  for (const size_t field : {1, 2, 3}) {
    std::string unknown = bytes;
    unknown[field] = 9;
    CHECK(base::CodeOf(Decoded(unknown).status()) == base::Code::kCorrupt);
  }
}

}  // namespace
}  // namespace jzse::model
