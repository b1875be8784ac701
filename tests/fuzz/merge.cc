// SPDX-License-Identifier: Apache-2.0
// Merging two states of one file as peers send them: total, commutative, idempotent, valid; settling the result is total.
#include "fuzz.h"
#include "model/model.h"

namespace {

using namespace jzse;
using model::FileRecord;

bool TakeRecord(base::Decoder& decoder, FileRecord* record) { return model::Decode(decoder, record); }

void CheckResolve(const FileRecord& record, const FileRecord& other) {
  for (const auto strategy : {model::ConflictStrategy::kLww, model::ConflictStrategy::kFork,
                              model::ConflictStrategy::kMerge, model::ConflictStrategy::kManual}) {
    model::ResolveContext context;
    context.strategy = strategy;
    const model::Resolution resolution = model::Resolve(record, context);
    fuzz::Require(resolution.winner == record.winner(), "the winner depends on who looks");
    fuzz::Require(resolution.losers.size() < record.contents.size(), "more losers than siblings");
    if (record.id == other.id || record.path.path != other.path.path) continue;
    const FileRecord* const claimants[] = {&record, &other};
    const FileRecord* const turned[] = {&other, &record};
    const auto settled = model::ResolveClaims(claimants, context), again = model::ResolveClaims(turned, context);
    fuzz::Require(settled.owner == again.owner && settled.hidden == again.hidden, "claims depend on their order");
  }
}

// Without what each store knows for itself: where it has the bytes.
FileRecord Shared(FileRecord record) {
  for (auto& version : record.contents) {
    version.content.storage = model::Content::Storage::kNone;
    version.content.manifest.clear();
    version.content.reference = 0;
  }
  return record;
}

void CheckMerge(const FileRecord& a, const FileRecord& b) {
  const FileRecord merged = model::Merge(a, b);
  fuzz::Require(Shared(merged) == Shared(model::Merge(b, a)), "merging is not commutative");
  fuzz::Require(model::Merge(a, a) == a, "merging is not idempotent");
  if (!model::CheckMergeable(a, b).ok()) return;
  fuzz::Require(model::CheckRecord(merged).ok(), "an invalid record came out");
  fuzz::Require(model::Merge(merged, a) == merged && model::Merge(merged, b) == merged, "merging again changes the result");
  CheckResolve(merged, b);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  base::Decoder decoder(fuzz::View(data, size));
  FileRecord a, b;
  if (!TakeRecord(decoder, &a) || !TakeRecord(decoder, &b)) return 0;
  CheckResolve(a, b);
  if (a.id != b.id) {  // two files are no case for Merge; make them one where that is valid
    b.id = a.id;
    b.vector.Advance(a.id);
    if (!model::CheckRecord(b).ok()) return 0;
  }
  CheckMerge(a, b);
  return 0;
}
