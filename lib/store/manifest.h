// SPDX-License-Identifier: Apache-2.0
// Manifests: the tree of chunk references behind a large content.
//
// A node is a list of entries, each a 32-byte SHA-256 and a size. At level 0 an entry is a data chunk; at level n it is
// a node of level n-1, addressed by the SHA-256 of its encoding, and its size is the content it covers. Nodes are stored
// as chunks of their own. The root is a node of at most kRootEntriesMax entries that travels inside the file record.
// Node boundaries are content-defined (a node ends after an entry whose hash has its first byte & 0x7f == 0, or at
// kManifestEntriesMax, or with the last entry of its level), so an insertion into a huge file changes one node a level.
// The root is the whole list of the lowest level that has at most kRootEntriesMax entries. The tree is therefore a
// function of the list of chunks alone.
//
// The identity (etag) of a chunked content is the SHA-256 of its root's encoding: equal bytes cut by equal chunk sizes
// have equal identities.
//
// Encoding of a node: u8 'N', u8 level, varint count, then per entry: 32 bytes hash, varint size.
#ifndef JZSE_STORE_MANIFEST_H_
#define JZSE_STORE_MANIFEST_H_

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/base.h"

namespace jzse::store {

inline constexpr size_t kRootEntriesMax = 12;

struct ManifestEntry {
  base::Hash256 hash;
  uint64_t size = 0;   // of the content it covers
};
struct ManifestNode {
  uint32_t level = 0;  // 0: entries are data chunks
  std::vector<ManifestEntry> entries;
};

std::string EncodeNode(const ManifestNode& node);
// Strict; bounds: level < kManifestDepthMax, 1..kManifestEntriesMax entries, sizes > 0 whose sum is at most
// kFileSizeMax. Failure: kCorrupt.
base::StatusOr<ManifestNode> DecodeNode(base::Bytes bytes);

// Builds bottom-up in memory bounded by depth x kManifestEntriesMax entries.
class ManifestBuilder {
 public:
  // Stores an encoded node as a chunk; the hash is its SHA-256.
  using StoreNode = std::function<base::Status(const base::Hash256& hash, base::Bytes node)>;
  explicit ManifestBuilder(StoreNode store_node) : store_node_(std::move(store_node)) {}

  // kTooLarge beyond kFileSizeMax. REQUIRES: size > 0
  base::Status Add(const base::Hash256& hash, uint64_t size);
  // The root's encoding; the builder is spent. REQUIRES: at least one Add
  base::StatusOr<std::string> Finish();

 private:
  struct Level {
    std::vector<ManifestEntry> entries;  // of the node that is still open
    bool divided = false;                // had more entries than a root may have
  };
  base::Status Append(size_t level, const ManifestEntry& entry);
  base::Status Divide(size_t level);
  base::Status CloseNode(size_t level);

  StoreNode store_node_;
  std::vector<Level> levels_;
  uint64_t size_ = 0;
};

// Walks the data chunks of a manifest in order, from the chunk that holds byte `offset` on. Every node is checked before
// it is believed: its hash, its level, the size it covers. Failure: kCorrupt, or what LoadNode says; the walker is then
// on no chunk and may be sought again.
class ManifestWalker {
 public:
  // Loads a node's encoding by hash.
  using LoadNode = std::function<base::StatusOr<std::string>(const base::Hash256& hash)>;
  static base::StatusOr<ManifestWalker> Open(base::Bytes root, LoadNode load_node);

  // Past the end leaves it on no chunk.
  base::Status Seek(uint64_t offset);
  bool valid() const;                    // on a chunk
  const ManifestEntry& chunk() const;    // REQUIRES: valid()
  uint64_t chunk_offset() const;         // of its first byte in the content
  // The chunk and those behind it that belong to the same node, at least one. REQUIRES: valid()
  std::span<const ManifestEntry> chunks() const;
  base::Status Next();                   // REQUIRES: valid()
  uint64_t size() const { return size_; }

 private:
  struct Frame {
    ManifestNode node;
    uint64_t start = 0;                  // offset of the node's first byte in the content
    uint64_t size = 0;                   // of the content it covers
    size_t position = 0;                 // the entry we are in
    uint64_t position_start = 0;         // offset of that entry's first byte in the content
  };
  ManifestWalker(ManifestNode root, LoadNode load_node);
  base::Status Descend(uint64_t offset);
  base::Status Push();

  LoadNode load_node_;
  std::vector<Frame> frames_;            // root first
  uint64_t size_ = 0;
  bool valid_ = false;                   // then the last frame is a leaf
};

}  // namespace jzse::store

#endif  // JZSE_STORE_MANIFEST_H_
