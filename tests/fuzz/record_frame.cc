// SPDX-License-Identifier: Apache-2.0
// The frame of one record and the prefix of a commit group. A frame that parses has one encoding, lies within the bytes
// there are, and its check holds at its own place only.
#include "fuzz.h"
#include "store/format.h"

namespace {

using namespace jzse;

constexpr uint64_t kOffset = base::kSegmentHeaderSize;

std::string Sealed(const store::RecordSealer& sealer, const store::RecordHeader& header, base::Bytes payload) {
  std::string record;
  const size_t position = store::BeginRecord(header, &record);
  record.append(payload);
  store::FinishRecord(sealer, kOffset, position, &record);
  return record;
}

void CheckPrefix(base::Bytes payload) {
  if (payload.size() < store::kGroupPrefixSize) return;
  char again[store::kGroupPrefixSize];
  store::StoreGroupPrefix(store::LoadGroupPrefix(payload), again);
  fuzz::Require(payload.substr(0, sizeof again) == base::Bytes(again, sizeof again), "one group prefix, two encodings");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const base::Bytes bytes = fuzz::View(data, size);
  const store::RecordSealer sealer({7, 9}, 3), other({7, 9}, 4);
  store::RecordHeader header;
  if (!store::ParseRecordHeader(bytes, bytes.size(), &header)) return 0;
  const uint32_t record_size = store::RecordSize(header.length);
  fuzz::Require(record_size <= bytes.size(), "a record that is longer than the bytes there are");
  const base::Bytes raw = bytes.substr(0, record_size);
  const base::Bytes payload = store::PayloadOf(header, raw);
  if (store::RecordValid(sealer, kOffset, header, raw))
    fuzz::Require(Sealed(sealer, header, payload) == raw, "one record, two encodings");
  if ((header.flags & store::kFlagGroupFirst) != 0) CheckPrefix(payload);

  const std::string sealed = Sealed(sealer, header, payload);
  fuzz::Require(sealed.size() == record_size, "the size of a record is not what its header says");
  fuzz::Require(sealed.compare(0, base::kRecordHeaderSize, raw, 0, base::kRecordHeaderSize) == 0, "one header, two encodings");
  fuzz::Require(store::RecordValid(sealer, kOffset, header, sealed), "a sealed record fails its check");
  fuzz::Require(!store::RecordValid(sealer, kOffset + 8, header, sealed), "a record validates at another place");
  fuzz::Require(!store::RecordValid(other, kOffset, header, sealed), "a record validates in another segment");
  return 0;
}
