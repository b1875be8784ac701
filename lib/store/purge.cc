// SPDX-License-Identifier: Apache-2.0
#include "store/purge.h"

#include "store/file_entry.h"

namespace jzse::store {
namespace {

constexpr size_t kBatchEntries = 4096;

}  // namespace

StatusOr<bool> PurgeNamespace(NamespaceId ns, size_t count, Stage& stage) {
  std::vector<std::string> keys;
  std::vector<Sequence> references;
  Status status;
  for (const char letter : {'P', 'T', 'V', 'C'}) {
    if (letter == 'T' && base::Planted("dropped-namespace-leaves-tombstones")) continue;
    JZSE_RETURN_IF_ERROR(stage.Scan(KeyPrefix(letter, ns), [&](Bytes key, Bytes value) {
      if (letter != 'C') {
        const auto entry = DecodeFileEntry(key, value);
        if (!entry.ok()) {
          status = entry.status();
          return false;
        }
        if (entry->content().content.storage == model::Content::Storage::kReference)
          references.push_back(entry->content().content.reference);
      }
      keys.emplace_back(key);
      return keys.size() < count;
    }));
    JZSE_RETURN_IF_ERROR(status);
    if (keys.size() >= count) break;
  }
  for (const std::string& key : keys) stage.Delete(key);
  for (const Sequence reference : references) {
    std::string value;
    JZSE_ASSIGN_OR_RETURN(const bool found, stage.Get(HolderKey(reference), &value));
    if (!found) continue;
    JZSE_ASSIGN_OR_RETURN(HolderEntry holder, DecodeHolder(value));
    if (--holder.references == 0) {
      stage.Delete(HolderKey(reference));
    } else {
      stage.Put(HolderKey(reference), EncodeHolder(holder));
    }
  }
  return keys.size() < count;
}

Status PurgeDropped(LiveIndex& index) {
  std::vector<NamespaceId> dropped;
  JZSE_RETURN_IF_ERROR(index.Scan("N", nullptr, [&](Bytes, Bytes value) {
    const auto entry = DecodeNamespaceEntry(value);
    if (entry.ok() && entry->record.dropped) dropped.push_back(entry->record.id);
    return true;
  }));
  for (const NamespaceId ns : dropped) {
    for (bool done = false; !done;) {
      Stage stage(index);
      JZSE_ASSIGN_OR_RETURN(done, PurgeNamespace(ns, kBatchEntries, stage));
      if (stage.empty()) break;
      index.Publish(stage.Take(), index.applied());
      JZSE_RETURN_IF_ERROR(index.Drain());
    }
  }
  return {};
}

}  // namespace jzse::store
