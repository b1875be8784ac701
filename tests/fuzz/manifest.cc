// SPDX-License-Identifier: Apache-2.0
// Manifests: a node has one encoding; a walk over a tree whose hashes are right and whose sizes and levels may lie ends,
// in chunks that lie one behind the other, or in an error.
#include <map>
#include <vector>

#include "fuzz.h"
#include "store/manifest.h"

namespace {

using namespace jzse;

constexpr size_t kNodesMax = 12;
constexpr int kStepsMax = 300;

void CheckNode(base::Bytes bytes) {
  const auto node = store::DecodeNode(bytes);
  if (node.ok()) fuzz::Require(store::EncodeNode(*node) == bytes, "one manifest node, two encodings");
}

struct Stored {
  base::Hash256 hash;
  uint64_t size = 0;
};

// Nodes of what was built before them; the last is the root.
std::string Build(fuzz::Choices& choices, std::map<base::Hash256, std::string>* nodes) {
  std::vector<Stored> stored;
  std::string bytes;
  for (size_t count = 1 + choices.Below(kNodesMax); count > 0; --count) {
    store::ManifestNode node;
    node.level = static_cast<uint32_t>(choices.Below(4));
    uint64_t size = 0;
    for (size_t entries = 1 + choices.Below(14); entries > 0; --entries) {
      store::ManifestEntry entry;
      entry.size = 1 + choices.Below(64);
      if (!stored.empty() && choices.Below(4) != 0) {
        const Stored& child = stored[choices.Below(stored.size())];
        entry = {child.hash, child.size};
        if (choices.Below(8) == 7) entry.size = 1 + choices.Number(3);  // a lie
      } else {
        entry.hash.bytes[0] = choices.Byte();
      }
      size += entry.size;
      node.entries.push_back(entry);
    }
    bytes = store::EncodeNode(node);
    const base::Hash256 hash = base::Sha256(bytes);
    (*nodes)[hash] = bytes;
    stored.push_back({hash, size});
  }
  return bytes;
}

void Walk(fuzz::Choices& choices, base::Bytes root, const std::map<base::Hash256, std::string>& nodes) {
  const auto load = [&nodes](const base::Hash256& hash) -> base::StatusOr<std::string> {
    const auto it = nodes.find(hash);
    if (it == nodes.end()) return base::Fail(base::Code::kCorrupt, "no such node");
    return it->second;
  };
  auto walker = store::ManifestWalker::Open(root, load);
  if (!walker.ok()) return;
  for (int seeks = 0; seeks < 4; ++seeks) {
    const uint64_t offset = choices.Number(2) % (walker->size() + 2);
    if (!walker->Seek(offset).ok()) {
      fuzz::Require(!walker->valid(), "on a chunk after a failure");
      continue;
    }
    fuzz::Require(walker->valid() == (offset < walker->size()), "on a chunk, or not, against the size");
    if (!walker->valid()) continue;
    fuzz::Require(walker->chunk_offset() <= offset && offset - walker->chunk_offset() < walker->chunk().size,
                  "the chunk does not hold the byte that was sought");
    for (int steps = 0; walker->valid() && steps < kStepsMax; ++steps) {
      const uint64_t end = walker->chunk_offset() + walker->chunk().size;
      if (!walker->Next().ok()) break;
      fuzz::Require(walker->valid() ? walker->chunk_offset() == end : end == walker->size(), "a hole between two chunks");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckNode(fuzz::View(data, size));
  fuzz::Choices choices(fuzz::View(data, size));
  std::map<base::Hash256, std::string> nodes;
  const std::string root = Build(choices, &nodes);
  CheckNode(root);
  Walk(choices, root, nodes);
  return 0;
}
