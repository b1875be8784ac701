// SPDX-License-Identifier: Apache-2.0
#include "model/policy.h"

#include <bit>

#include "absl/strings/str_cat.h"

namespace jzse::model {
namespace {

using base::Code;
using base::Fail;

constexpr uint64_t kFormat = 1;
constexpr int kCompressionMax = 19;
constexpr uint32_t kChunkLeast = 4 * base::kKiB, kChunkMost = 1 * base::kMiB;

base::Status CheckChunkSize(absl::string_view field, uint32_t size) {
  if ((std::has_single_bit(size) || base::Planted("any-chunk-size")) && size >= kChunkLeast && size <= kChunkMost) return {};
  return Fail(Code::kInvalid, absl::StrCat("policy: ", field, " ", size, " is no power of two from ", kChunkLeast,
                                           " to ", kChunkMost));
}

}  // namespace

base::Status NamespacePolicy::Check() const {
  if (kind > NamespaceKind::kKeys) return Fail(Code::kInvalid, "policy: unknown kind");
  if (conflict > ConflictStrategy::kManual) return Fail(Code::kInvalid, "policy: unknown conflict strategy");
  if (replication > Replication::kOnDemand) return Fail(Code::kInvalid, "policy: unknown replication");
  if (versions_max > base::kVersionsCountMax) {
    return Fail(Code::kInvalid,
                absl::StrCat("policy: versions_max ", versions_max, " is above ", base::kVersionsCountMax));
  }
  if (compression < 0 || compression > kCompressionMax) {
    return Fail(Code::kInvalid, absl::StrCat("policy: compression ", static_cast<int>(compression),
                                             " is not in 0..", kCompressionMax));
  }
  JZSE_RETURN_IF_ERROR(CheckChunkSize("chunk_min", chunk_min));
  JZSE_RETURN_IF_ERROR(CheckChunkSize("chunk_average", chunk_average));
  JZSE_RETURN_IF_ERROR(CheckChunkSize("chunk_max", chunk_max));
  if (chunk_min >= chunk_average || chunk_average >= chunk_max) {
    return Fail(Code::kInvalid, absl::StrCat("policy: chunk sizes ", chunk_min, ", ", chunk_average, ", ", chunk_max,
                                             " do not rise"));
  }
  return {};
}

void Encode(const NamespacePolicy& policy, base::Encoder& encoder) {
  JZSE_CHECK(policy.Check().ok());
  encoder.Varint(kFormat);
  encoder.U8(static_cast<uint8_t>(policy.kind));
  encoder.U8(static_cast<uint8_t>(policy.conflict));
  encoder.U8(static_cast<uint8_t>(policy.replication));
  encoder.Varint(policy.versions_max);
  encoder.Varint(policy.versions_age_max_s);
  encoder.Varint(policy.quota_bytes);
  encoder.Varint(policy.quota_files);
  encoder.U8(static_cast<uint8_t>(policy.compression));
  encoder.Varint(policy.chunk_min);
  encoder.Varint(policy.chunk_average);
  encoder.Varint(policy.chunk_max);
}

base::StatusOr<NamespacePolicy> DecodePolicy(base::Decoder& decoder) {
  const uint64_t format = decoder.Varint();
  if (decoder.ok() && format > kFormat) {
    decoder.Reject();
    return Fail(Code::kUnsupported, absl::StrCat("policy: format ", format, " is newer than this library"));
  }
  NamespacePolicy policy;
  policy.kind = static_cast<NamespaceKind>(decoder.U8());
  policy.conflict = static_cast<ConflictStrategy>(decoder.U8());
  policy.replication = static_cast<Replication>(decoder.U8());
  policy.versions_max = static_cast<uint32_t>(decoder.VarintMax(UINT32_MAX));
  policy.versions_age_max_s = decoder.Varint();
  policy.quota_bytes = decoder.Varint();
  policy.quota_files = decoder.Varint();
  policy.compression = static_cast<int8_t>(decoder.U8());
  policy.chunk_min = static_cast<uint32_t>(decoder.VarintMax(UINT32_MAX));
  policy.chunk_average = static_cast<uint32_t>(decoder.VarintMax(UINT32_MAX));
  policy.chunk_max = static_cast<uint32_t>(decoder.VarintMax(UINT32_MAX));
  if (decoder.ok() && format == kFormat && policy.Check().ok()) return policy;
  decoder.Reject();
  return Fail(Code::kCorrupt, "policy: damaged encoding");
}

}  // namespace jzse::model
