// SPDX-License-Identifier: Apache-2.0
// One moment of a LiveIndex: a snapshot of the Index and, only where the Index could not be brought up to that moment, the
// changes that it lacks.
//
// Threads: a view may be read from any thread, each cursor by one.
#ifndef JZSE_STORE_LIVE_VIEW_H_
#define JZSE_STORE_LIVE_VIEW_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "store/index.h"

namespace jzse::store {

// No value: deleted. A tree of nodes: they move from one map to another without memory, and a map stays whole when there is
// none for a new one (Abseil's B-tree breaks then).
using OverlayMap = std::map<std::string, std::optional<std::string>, std::less<>>;

struct LiveView final : IndexSnapshot {
  std::unique_ptr<IndexSnapshot> below;
  std::shared_ptr<const OverlayMap> above;  // usually null; shared with the LiveIndex, which changes it no more
};

// Calls `each` in order, until it returns false, for what `below` (a cursor's valid, key, value and Next; at the first key of the
// prefix) and `above` have under the prefix. What is above wins.
template <typename Below>
void ScanUnder(Below& below, const OverlayMap& above, Bytes prefix, const std::function<bool(Bytes, Bytes)>& each) {
  auto over = above.begin();
  for (;; below.Next()) {
    const bool valid = below.valid() && below.key().substr(0, prefix.size()) == prefix;
    while (over != above.end() && (!valid || over->first < below.key())) {
      if (over->second && !each(over->first, *over->second)) return;
      ++over;
    }
    if (!valid) return;
    if (over != above.end() && over->first == below.key()) {
      if (over->second && !each(over->first, *over->second)) return;
      ++over;
    } else if (!each(below.key(), below.value())) {
      return;
    }
  }
}

// Adds what `from` has under the prefix; it wins over what is there.
void CopyUnder(const OverlayMap& from, const std::string& prefix, OverlayMap* to);

// `view`: as LiveIndex::Snapshot gives them.
StatusOr<bool> GetIn(Index& index, const LiveView& view, Bytes key, std::string* value);
std::unique_ptr<IndexCursor> NewCursorIn(Index& index, const LiveView& view, CursorUse use);

}  // namespace jzse::store

#endif  // JZSE_STORE_LIVE_VIEW_H_
