// SPDX-License-Identifier: Apache-2.0
// The changes of a group in the making: reads see them on top of the live index, nobody else does until they are taken
// and published. Also remembers look-ups that a caller made ahead of time, so that the leader need not repeat them.
//
// Threads: one at a time.
#ifndef JZSE_STORE_STAGE_H_
#define JZSE_STORE_STAGE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"

#include "store/live_index.h"

namespace jzse::store {

// Look-ups with the token under which they were made.
struct Prefetched {
  uint64_t token = 0;
  absl::InlinedVector<std::pair<std::string, std::optional<std::string>>, 1> values;
  std::vector<std::string> dirs_without_children;  // P prefixes ("P" ns dir "/") under which nothing lives
  // All that stands under a prefix, in order.
  struct Range {
    std::string prefix;
    std::vector<std::pair<std::string, std::string>> entries;
  };
  std::vector<Range> ranges;
};

class Stage {
 public:
  explicit Stage(LiveIndex& live) : live_(live) {}

  // Look-ups to use for what follows; null for none. Borrowed.
  void Use(const Prefetched* prefetched) { prefetched_ = prefetched; }

  StatusOr<bool> Get(const std::string& key, std::string* value);
  void Put(std::string key, std::string value) { Set(std::move(key), std::move(value)); }
  void Delete(std::string key) { Set(std::move(key), std::nullopt); }
  Status Scan(const std::string& prefix, const LiveIndex::Each& each);
  // Whether a live file or directory lies under a prefix of P keys.
  StatusOr<bool> HasLiveUnder(const std::string& prefix);

  // The namespace's entry, to be changed in place; null when there is none. Written out by Take.
  StatusOr<NamespaceEntry*> Namespace(NamespaceId id);
  void PutNamespace(NamespaceEntry entry);

  // Everything since Mark can be taken back.
  void Mark();
  void Rollback();

  // All changes; the stage is empty afterwards.
  OverlayMap Take();
  void Clear();
  bool empty() const { return staged_.empty() && namespaces_.empty(); }
  size_t size() const { return staged_.size(); }
  const std::map<NamespaceId, NamespaceEntry>& touched_namespaces() const { return namespaces_; }

 private:
  void Set(std::string key, std::optional<std::string> value);
  bool ScanPrefetched(const std::string& prefix, const LiveIndex::Each& each);
  StatusOr<bool> GetBelow(const std::string& key, std::string* value);

  LiveIndex& live_;
  const Prefetched* prefetched_ = nullptr;
  OverlayMap staged_;
  std::map<NamespaceId, NamespaceEntry> namespaces_, marked_namespaces_;
  bool marked_ = false;
  // The last answer from below: what is asked for to decide is asked for again to apply. Nobody publishes meanwhile.
  std::string seen_key_, seen_value_;
  bool seen_ = false, seen_found_ = false;
  // What stood in staged_ before: outer empty means nothing.
  std::vector<std::pair<std::string, std::optional<std::optional<std::string>>>> undo_;
};

}  // namespace jzse::store

#endif  // JZSE_STORE_STAGE_H_
