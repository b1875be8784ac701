// SPDX-License-Identifier: Apache-2.0
// What the index holds: entries of files, holders, chunks, namespaces, and the applied position. The first byte chooses.
// LevelDB may hand out anything that its own checks pass; what decodes has one encoding.
#include "fuzz.h"
#include "store/file_entry.h"
#include "store/stage.h"

namespace {

using namespace jzse;

template <typename Decoded>
void Same(base::Bytes value, const Decoded& decoded, std::string (*encode)(const typename Decoded::value_type&)) {
  if (decoded.ok()) fuzz::Require(encode(*decoded) == value, "one index entry, two encodings");
}

// The path is told by the key, so one that is given to every value does.
constexpr char kPath[] = "a/b";

void SameFile(base::Bytes value, const std::string& key) {
  const auto entry = store::DecodeFileEntry(key, value);
  if (!entry.ok()) return;
  fuzz::Require(store::EncodeFileEntry(key, *entry) == value, "one entry of a file, two encodings");
  const auto live = store::IsLiveValue(value);
  fuzz::Require(live.ok() && *live == entry->live(), "live, or not, by two ways of looking");
  const model::ContentVersion& version = entry->content();
  store::ListedEntry listed;
  fuzz::Require(store::DecodeListed(value, &listed), "a whole entry that a listing cannot show");
  const bool same = listed.kind == version.content.kind && listed.size == version.content.size &&
                    listed.mtime_ns == version.content.mtime_ns && listed.mode == version.content.mode &&
                    listed.stamp == version.stamp && listed.sequence == entry->sequence && listed.id == entry->id() &&
                    (listed.hash.empty() ? version.content.hash.empty() : listed.hash == version.content.hash.view());
  fuzz::Require(same, "a listing shows something else than the file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const base::Bytes value = fuzz::View(data + 1, size - 1);
  switch (data[0] % 7) {
    case 0: SameFile(value, store::PathKey(1, kPath)); break;
    case 5: SameFile(value, store::TombstoneKey(1, kPath, {7, 9})); break;
    case 6: SameFile(value, store::VersionKey(1, {7, 9}, 3)); break;
    case 1: Same(value, store::DecodeHolder(value), store::EncodeHolder); break;
    case 2: Same(value, store::DecodeChunkEntry(value), store::EncodeChunkEntry); break;
    case 3: Same(value, store::DecodeNamespaceEntry(value), store::EncodeNamespaceEntry); break;
    case 4: Same(value, store::DecodeApplied(value), store::EncodeApplied); break;
  }
  return 0;
}
