// SPDX-License-Identifier: Apache-2.0
// Payloads of the journal's records: change, namespace, version drop, chunk. The first byte chooses. What decodes has one
// encoding, and its summary (what footers hold) tells the same.
#include "fuzz.h"
#include "store/record.h"
#include "store/segment.h"

namespace {

using namespace jzse;
using store::RecordType;

void CheckChange(base::Bytes payload) {
  const auto change = store::DecodeChange(payload);
  const auto summary = store::SummarySize(RecordType::kChange, payload);
  if (!change.ok()) return;
  std::string again;
  store::EncodeChange(*change, &again);
  fuzz::Require(again == payload, "one change record, two encodings");
  fuzz::Require(model::CheckRecord(change->file).ok(), "an invalid file record was accepted");
  fuzz::Require(summary.ok() && *summary + change->inline_bytes.size() == payload.size(), "a summary of the wrong size");
  const auto told = store::DecodeChange(payload.substr(0, *summary));
  fuzz::Require(told.ok() && told->file == change->file && told->floor == change->floor && told->since == change->since,
                "a summary that tells something else");
  std::string content;
  if (store::DecodeContent(change->encoding, change->inline_bytes, change->inline_size, &content).ok())
    fuzz::Require(content.size() <= base::kInlineSizeMax, "an inline content above the bound");
}

void CheckNamespace(base::Bytes payload) {
  const auto record = store::DecodeNamespace(payload);
  if (!record.ok()) return;
  std::string again;
  store::EncodeNamespace(*record, &again);
  fuzz::Require(again == payload, "one namespace record, two encodings");
  fuzz::Require(record->policy.Check().ok(), "an invalid policy was accepted");
}

void CheckVersionDrop(base::Bytes payload) {
  const auto record = store::DecodeVersionDrop(payload);
  if (!record.ok()) return;
  std::string again;
  store::EncodeVersionDrop(*record, &again);
  fuzz::Require(again == payload, "one version drop record, two encodings");
  for (const auto& range : record->versions) fuzz::Require(range.since <= range.version, "a range that runs backwards");
}

void CheckChunk(base::Bytes payload) {
  const auto chunk = store::DecodeChunk(payload);
  if (!chunk.ok()) return;
  std::string again;
  store::EncodeChunk(*chunk, &again);
  fuzz::Require(again == payload, "one chunk record, two encodings");
  const auto summary = store::SummarySize(RecordType::kChunk, payload);
  fuzz::Require(summary.ok() && store::DecodeChunk(payload.substr(0, *summary)).ok(), "a summary that does not decode");
  std::string content;
  if (store::DecodeContent(chunk->encoding, chunk->bytes, chunk->size, &content).ok())
    fuzz::Require(content.size() == chunk->size, "a chunk of another size than it says");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const base::Bytes payload = fuzz::View(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: CheckChange(payload); break;
    case 1: CheckNamespace(payload); break;
    case 2: CheckVersionDrop(payload); break;
    case 3: CheckChunk(payload); break;
  }
  return 0;
}
