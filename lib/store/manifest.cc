// SPDX-License-Identifier: Apache-2.0
// Invariants of the builder:
//  1. A level that has had at most kRootEntriesMax entries keeps them all, since it may yet be the root; the entry after
//     that divides it: its entries become nodes from then on.
//  2. A level above exists only when the one below is divided.
// Invariants of the walker: frames_[0] is the root; frames_[i + 1] is the child at frames_[i].position; every frame was
// checked against the entry that names it. Hence memory is bounded by depth x kManifestEntriesMax entries.
// Not thread-safe; no state is shared.
#include "store/manifest.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace jzse::store {
namespace {

constexpr uint8_t kNodeMagic = 'N';
constexpr size_t kHashSize = 32;

bool EndsNode(const ManifestEntry& entry) { return (entry.hash.bytes[0] & 0x7f) == 0; }

uint64_t SizeOf(const std::vector<ManifestEntry>& entries) {
  uint64_t size = 0;
  for (const ManifestEntry& entry : entries) size += entry.size;
  return size;
}

base::Status Corrupt(std::string_view cause) {
  return base::Fail(base::Code::kCorrupt,
                    absl::StrCat("manifest node: ", absl::string_view(cause.data(), cause.size())));
}

}  // namespace

std::string EncodeNode(const ManifestNode& node) {
  JZSE_CHECK(node.level < base::kManifestDepthMax);
  JZSE_CHECK(!node.entries.empty() && node.entries.size() <= base::kManifestEntriesMax);
  std::string bytes;
  bytes.reserve(4 + node.entries.size() * (kHashSize + 4));
  base::Encoder encoder(&bytes);
  encoder.U8(kNodeMagic);
  encoder.U8(static_cast<uint8_t>(node.level));
  encoder.Varint(node.entries.size());
  for (const ManifestEntry& entry : node.entries) {
    encoder.Raw(entry.hash.view());
    encoder.Varint(entry.size);
  }
  return bytes;
}

base::StatusOr<ManifestNode> DecodeNode(base::Bytes bytes) {
  if (bytes.size() > base::kManifestNodeSizeMax) return Corrupt("too large");
  base::Decoder decoder(bytes);
  if (decoder.U8() != kNodeMagic) return Corrupt("wrong first byte");
  ManifestNode node;
  node.level = decoder.U8();
  const uint64_t count = decoder.VarintMax(base::kManifestEntriesMax);
  if (!decoder.ok() || node.level >= base::kManifestDepthMax || count == 0) {
    return Corrupt("level or number of entries out of bounds");
  }
  node.entries.reserve(count);
  uint64_t total = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const base::Bytes hash = decoder.Raw(kHashSize);
    const uint64_t size = decoder.VarintMax(base::kFileSizeMax - total);
    if (!decoder.ok() || size == 0) return Corrupt("entry out of bounds");
    node.entries.push_back({base::Hash256::FromBytes(hash), size});
    total += size;
  }
  if (!decoder.done()) return Corrupt("bytes after the last entry");
  return node;
}

base::Status ManifestBuilder::Add(const base::Hash256& hash, uint64_t size) {
  JZSE_CHECK(size > 0);
  if (size > base::kFileSizeMax - size_) {
    return base::Fail(base::Code::kTooLarge, "content is larger than a file may be");
  }
  size_ += size;
  return Append(0, {hash, size});
}

base::Status ManifestBuilder::Append(size_t level, const ManifestEntry& entry) {
  if (level == levels_.size()) levels_.emplace_back();
  Level& target = levels_[level];
  target.entries.push_back(entry);
  if (!target.divided) {
    return target.entries.size() > kRootEntriesMax ? Divide(level) : absl::OkStatus();
  }
  if (!EndsNode(entry) && target.entries.size() < base::kManifestEntriesMax) return absl::OkStatus();
  return CloseNode(level);
}

// The level cannot be the root any more: its entries go where they would have gone if that had been known.
base::Status ManifestBuilder::Divide(size_t level) {
  if (level + 1 == base::kManifestDepthMax) {
    return base::Fail(base::Code::kTooLarge, "manifest is deeper than allowed");
  }
  levels_[level].divided = true;
  const std::vector<ManifestEntry> entries = std::exchange(levels_[level].entries, {});
  for (const ManifestEntry& entry : entries) JZSE_RETURN_IF_ERROR(Append(level, entry));
  return absl::OkStatus();
}

base::Status ManifestBuilder::CloseNode(size_t level) {
  const ManifestNode node{static_cast<uint32_t>(level),
                          std::exchange(levels_[level].entries, {})};
  const std::string bytes = EncodeNode(node);
  const base::Hash256 hash = base::Sha256(bytes);
  JZSE_RETURN_IF_ERROR(store_node_(hash, bytes));
  return Append(level + 1, {hash, SizeOf(node.entries)});
}

base::StatusOr<std::string> ManifestBuilder::Finish() {
  JZSE_CHECK(!levels_.empty());
  size_t level = 0;
  while (levels_[level].divided) {
    if (levels_[level].entries.size() > (base::Planted("last-manifest-node-lost") ? 1 : 0))
      JZSE_RETURN_IF_ERROR(CloseNode(level));
    ++level;
  }
  return EncodeNode({static_cast<uint32_t>(level), levels_[level].entries});
}

ManifestWalker::ManifestWalker(ManifestNode root, LoadNode load_node)
    : load_node_(std::move(load_node)), size_(SizeOf(root.entries)) {
  frames_.push_back({std::move(root), 0, size_, 0, 0});
}

base::StatusOr<ManifestWalker> ManifestWalker::Open(base::Bytes root, LoadNode load_node) {
  JZSE_ASSIGN_OR_RETURN(ManifestNode node, DecodeNode(root));
  if (node.entries.size() > kRootEntriesMax) return Corrupt("root has too many entries");
  return ManifestWalker(std::move(node), std::move(load_node));
}

base::Status ManifestWalker::Seek(uint64_t offset) {
  valid_ = false;
  if (offset >= size_) return absl::OkStatus();
  // Neighbouring offsets share most of their path; only what does not cover the new one is loaded again.
  while (offset < frames_.back().start || offset - frames_.back().start >= frames_.back().size) {
    frames_.pop_back();
  }
  return Descend(offset);
}

// From the last frame, which covers the offset, down to the chunk that holds it.
base::Status ManifestWalker::Descend(uint64_t offset) {
  for (;;) {
    Frame& frame = frames_.back();
    frame.position = 0;
    frame.position_start = frame.start;
    while (offset - frame.position_start >= frame.node.entries[frame.position].size) {
      frame.position_start += frame.node.entries[frame.position++].size;
    }
    if (frame.node.level == 0) break;
    JZSE_RETURN_IF_ERROR(Push());
  }
  valid_ = true;
  return absl::OkStatus();
}

// Loads the child that the last frame is positioned on.
base::Status ManifestWalker::Push() {
  const Frame& parent = frames_.back();
  const ManifestEntry& entry = parent.node.entries[parent.position];
  JZSE_ASSIGN_OR_RETURN(const std::string bytes, load_node_(entry.hash));
  if (!base::Planted("manifest-node-unchecked") && base::Sha256(bytes) != entry.hash)
    return Corrupt("bytes do not match their hash");
  JZSE_ASSIGN_OR_RETURN(ManifestNode node, DecodeNode(bytes));
  if (node.level + 1 != parent.node.level) return Corrupt("wrong level");
  if (SizeOf(node.entries) != entry.size) return Corrupt("does not cover what its parent says");
  const uint64_t start = parent.position_start, size = entry.size;  // push_back moves the parent
  frames_.push_back({std::move(node), start, size, 0, start});
  return absl::OkStatus();
}

bool ManifestWalker::valid() const { return valid_; }

const ManifestEntry& ManifestWalker::chunk() const {
  JZSE_CHECK(valid_);
  return frames_.back().node.entries[frames_.back().position];
}

std::span<const ManifestEntry> ManifestWalker::chunks() const {
  JZSE_CHECK(valid_);
  return std::span(frames_.back().node.entries).subspan(frames_.back().position);
}

uint64_t ManifestWalker::chunk_offset() const {
  JZSE_CHECK(valid_);
  return frames_.back().position_start;
}

base::Status ManifestWalker::Next() {
  JZSE_CHECK(valid_);
  Frame& leaf = frames_.back();
  leaf.position_start += leaf.node.entries[leaf.position++].size;
  if (leaf.position < leaf.node.entries.size()) return absl::OkStatus();
  return Seek(leaf.position_start);
}

}  // namespace jzse::store
