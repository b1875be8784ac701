// SPDX-License-Identifier: Apache-2.0
// Manifests against a flat list of chunks, and hostile nodes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "store/manifest.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Hash256;

struct Nodes {
  std::map<Hash256, std::string> stored;
  int loads = 0;

  ManifestBuilder::StoreNode Store() {
    return [this](const Hash256& hash, base::Bytes node) {
      REQUIRE(hash == base::Sha256(node));
      REQUIRE(node.size() <= base::kManifestNodeSizeMax);
      stored[hash] = std::string(node);
      return absl::OkStatus();
    };
  }
  ManifestWalker::LoadNode Load() {
    return [this](const Hash256& hash) -> base::StatusOr<std::string> {
      ++loads;
      const auto found = stored.find(hash);
      if (found == stored.end()) return base::Fail(Code::kNotFound, "no such node");
      return found->second;
    };
  }
};

ManifestEntry RandomEntry(base::Prng& prng, uint64_t size_max = 256 * base::kKiB) {
  ManifestEntry entry;
  for (unsigned char& byte : entry.hash.bytes) byte = static_cast<unsigned char>(prng.Next() >> 56);
  entry.size = 1 + prng.Below(size_max);
  return entry;
}

std::vector<ManifestEntry> RandomChunks(uint64_t seed, size_t count) {
  base::Prng prng(seed);
  std::vector<ManifestEntry> chunks(count);
  for (ManifestEntry& chunk : chunks) chunk = RandomEntry(prng);
  return chunks;
}

std::string Build(const std::vector<ManifestEntry>& chunks, Nodes& nodes) {
  ManifestBuilder builder(nodes.Store());
  for (const ManifestEntry& chunk : chunks) REQUIRE(builder.Add(chunk.hash, chunk.size).ok());
  const auto root = builder.Finish();
  REQUIRE(root.ok());
  return *root;
}

ManifestWalker MustOpen(base::Bytes root, Nodes& nodes) {
  auto walker = ManifestWalker::Open(root, nodes.Load());
  REQUIRE(walker.ok());
  return *std::move(walker);
}

void CheckAt(const ManifestWalker& walker, const ManifestEntry& chunk, uint64_t start) {
  REQUIRE(walker.valid());
  REQUIRE(walker.chunk().hash == chunk.hash);
  REQUIRE(walker.chunk().size == chunk.size);
  REQUIRE(walker.chunk_offset() == start);
}

uint32_t LevelOf(base::Bytes root) { return DecodeNode(root)->level; }

TEST_CASE("a walk visits every chunk, and a seek to either end of each finds it") {
  const size_t count = GENERATE(as<size_t>{}, 1, 2, 12, 13, 14, 127, 128, 512, 513, 3000, 100000);
  const std::vector<ManifestEntry> chunks = RandomChunks(count, count);
  Nodes nodes;
  const std::string root = Build(chunks, nodes);
  CHECK(DecodeNode(root)->entries.size() <= kRootEntriesMax);
  CHECK((LevelOf(root) == 0) == (count <= kRootEntriesMax));
  if (count == 100000) CHECK(LevelOf(root) >= 2);

  ManifestWalker walker = MustOpen(root, nodes);
  uint64_t total = 0;
  for (const ManifestEntry& chunk : chunks) total += chunk.size;
  CHECK(walker.size() == total);
  CHECK_FALSE(walker.valid());

  REQUIRE(walker.Seek(0).ok());
  uint64_t start = 0;
  for (const ManifestEntry& chunk : chunks) {
    CheckAt(walker, chunk, start);
    start += chunk.size;
    REQUIRE(walker.Next().ok());
  }
  CHECK_FALSE(walker.valid());
  CHECK(static_cast<size_t>(nodes.loads) == nodes.stored.size());  // each node once

  start = 0;
  ManifestWalker seeker = MustOpen(root, nodes);
  for (const ManifestEntry& chunk : chunks) {
    REQUIRE(seeker.Seek(start).ok());
    CheckAt(seeker, chunk, start);
    start += chunk.size;
    REQUIRE(seeker.Seek(start - 1).ok());
    CheckAt(seeker, chunk, start - chunk.size);
  }
  for (const uint64_t offset : {total, total + 1, ~uint64_t{0}}) {
    REQUIRE(seeker.Seek(offset).ok());
    CHECK_FALSE(seeker.valid());
  }
  REQUIRE(seeker.Seek(0).ok());
  CheckAt(seeker, chunks[0], 0);
}

TEST_CASE("a node that holds one chunk only is kept, wherever the list ends") {
  for (size_t count = 2; count <= 700; ++count) {
    std::vector<ManifestEntry> chunks = RandomChunks(count, count);
    chunks[count - 2].hash.bytes[0] = 0x80;  // the natural end of a node, before the last chunk
    Nodes nodes;
    const std::string root = Build(chunks, nodes);
    ManifestWalker walker = MustOpen(root, nodes);
    REQUIRE(walker.Seek(0).ok());
    uint64_t start = 0;
    for (const ManifestEntry& chunk : chunks) {
      CheckAt(walker, chunk, start);
      start += chunk.size;
      REQUIRE(walker.Next().ok());
    }
    REQUIRE_FALSE(walker.valid());
    REQUIRE(walker.size() == start);
  }
}

TEST_CASE("seeks in random order, mixed with steps, agree with a flat list") {
  const std::vector<ManifestEntry> chunks = RandomChunks(77, 20000);
  std::vector<uint64_t> starts = {0};
  for (const ManifestEntry& chunk : chunks) starts.push_back(starts.back() + chunk.size);
  Nodes nodes;
  ManifestWalker walker = MustOpen(Build(chunks, nodes), nodes);
  base::Prng prng(78);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t offset = prng.Below(starts.back());
    size_t at = std::upper_bound(starts.begin(), starts.end(), offset) - starts.begin() - 1;
    REQUIRE(walker.Seek(offset).ok());
    CheckAt(walker, chunks[at], starts[at]);
    for (uint64_t steps = prng.Below(4); steps > 0 && walker.valid(); --steps) {
      REQUIRE(walker.Next().ok());
      if (++at == chunks.size()) {
        REQUIRE_FALSE(walker.valid());
      } else {
        CheckAt(walker, chunks[at], starts[at]);
      }
    }
  }
}

TEST_CASE("a node ends where its rule says, the root is the lowest level that is short enough") {
  Nodes nodes;
  const std::string root = Build(RandomChunks(5, 50000), nodes);
  std::map<Hash256, bool> last_of_parent;  // node -> is the last entry of the level, which may end anywhere
  std::vector<Hash256> level;
  ManifestNode top = *DecodeNode(root);
  REQUIRE(top.level > 0);
  std::vector<ManifestEntry> entries = top.entries;
  for (uint32_t depth = top.level; depth > 0; --depth) {
    std::vector<ManifestEntry> below;
    for (size_t i = 0; i < entries.size(); ++i) {
      const ManifestNode node = *DecodeNode(nodes.stored.at(entries[i].hash));
      REQUIRE(node.level == depth - 1);
      for (size_t j = 0; j + 1 < node.entries.size(); ++j) {
        REQUIRE((node.entries[j].hash.bytes[0] & 0x7f) != 0);
      }
      if (i + 1 < entries.size()) {
        REQUIRE(((node.entries.back().hash.bytes[0] & 0x7f) == 0 ||
                 node.entries.size() == base::kManifestEntriesMax));
      }
      below.insert(below.end(), node.entries.begin(), node.entries.end());
    }
    REQUIRE(below.size() > kRootEntriesMax);
    entries = std::move(below);
  }
  CHECK(entries.size() == 50000);
}

TEST_CASE("a list without natural ends is divided at the bound, one of nothing else entry by entry") {
  std::vector<ManifestEntry> chunks = RandomChunks(6, 2000);
  Nodes nodes;
  SECTION("never") {
    for (ManifestEntry& chunk : chunks) chunk.hash.bytes[0] |= 1;
    const ManifestNode root = *DecodeNode(Build(chunks, nodes));
    REQUIRE(root.level == 1);
    REQUIRE(root.entries.size() == 4);
    CHECK(DecodeNode(nodes.stored.at(root.entries[0].hash))->entries.size() == 512);
    CHECK(DecodeNode(nodes.stored.at(root.entries[3].hash))->entries.size() == 2000 - 3 * 512);
  }
  SECTION("always") {
    for (ManifestEntry& chunk : chunks) chunk.hash.bytes[0] &= 0x80;
    ManifestWalker walker = MustOpen(Build(chunks, nodes), nodes);
    REQUIRE(walker.Seek(0).ok());
    for (const ManifestEntry& chunk : chunks) {
      REQUIRE(walker.chunk().hash == chunk.hash);
      REQUIRE(walker.Next().ok());
    }
  }
}

TEST_CASE("an insertion changes few nodes") {
  std::vector<ManifestEntry> chunks = RandomChunks(8, 100000);
  Nodes before, after;
  const std::string old_root = Build(chunks, before);
  base::Prng prng(9);
  const size_t place = GENERATE(as<size_t>{}, 0, 5, 50000, 99990);
  chunks.insert(chunks.begin() + static_cast<ptrdiff_t>(place), RandomEntry(prng));
  CHECK(Build(chunks, after) != old_root);
  size_t fresh = 0;
  for (const auto& [hash, node] : after.stored) fresh += before.stored.count(hash) == 0;
  CHECK(fresh * 100 <= after.stored.size() * 5);
  CHECK(fresh <= 2 * base::kManifestDepthMax);
}

TEST_CASE("equal lists have equal roots; a failing store or too large a content stops the builder") {
  Nodes one, two;
  CHECK(Build(RandomChunks(4, 5000), one) == Build(RandomChunks(4, 5000), two));

  int left = 3;
  ManifestBuilder failing([&left](const Hash256&, base::Bytes) {
    return --left == 0 ? base::Fail(Code::kNoSpace, "full") : absl::OkStatus();
  });
  base::Status status;
  for (const ManifestEntry& chunk : RandomChunks(4, 5000)) {
    status = failing.Add(chunk.hash, chunk.size);
    if (!status.ok()) break;
  }
  CHECK(base::Is(status, Code::kNoSpace));

  ManifestBuilder large(one.Store());
  CHECK(large.Add(Hash256{}, base::kFileSizeMax - 1).ok());
  CHECK(base::Is(large.Add(Hash256{}, 2), Code::kTooLarge));
  CHECK(large.Add(Hash256{}, 1).ok());
  CHECK(large.Finish().ok());
}

TEST_CASE("every node has one encoding, and nothing else decodes") {
  base::Prng prng(21);
  for (const size_t count : {size_t{1}, size_t{7}, size_t{512}}) {
    ManifestNode node{static_cast<uint32_t>(prng.Below(8)), {}};
    for (size_t i = 0; i < count; ++i) node.entries.push_back(RandomEntry(prng));
    const std::string bytes = EncodeNode(node);
    const auto decoded = DecodeNode(bytes);
    REQUIRE(decoded.ok());
    CHECK(EncodeNode(*decoded) == bytes);
    CHECK(base::Is(DecodeNode(bytes + "x").status(), Code::kCorrupt));
    for (size_t size = 0; size < bytes.size(); size += 1 + size / 8) {
      CHECK(base::Is(DecodeNode(base::Bytes(bytes).substr(0, size)).status(), Code::kCorrupt));
    }
    for (int i = 0; i < 2000; ++i) {  // what decodes must encode to the same bytes
      std::string damaged = bytes;
      damaged[prng.Below(std::min<size_t>(damaged.size(), 80))] = static_cast<char>(prng.Next());
      const auto result = DecodeNode(damaged);
      if (result.ok()) {
        CHECK(EncodeNode(*result) == damaged);
      } else {
        CHECK(base::Is(result.status(), Code::kCorrupt));
      }
    }
  }
}

std::string RawNode(uint8_t magic, uint8_t level, uint64_t count,
                    const std::vector<uint64_t>& sizes) {
  std::string bytes;
  base::Encoder encoder(&bytes);
  encoder.U8(magic);
  encoder.U8(level);
  encoder.Varint(count);
  for (const uint64_t size : sizes) {
    encoder.Raw(std::string(32, 'h'));
    encoder.Varint(size);
  }
  return bytes;
}

TEST_CASE("a node beyond a bound is refused") {
  const auto code = [](const std::string& bytes) { return base::CodeOf(DecodeNode(bytes).status()); };
  CHECK(code(RawNode('N', 0, 1, {5})) == Code::kOk);
  CHECK(code(RawNode('N', 7, 1, {base::kFileSizeMax})) == Code::kOk);
  CHECK(code(RawNode('N', 0, 512, std::vector<uint64_t>(512, 1))) == Code::kOk);
  CHECK(code(RawNode('M', 0, 1, {5})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 8, 1, {5})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, 0, {})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, 513, std::vector<uint64_t>(513, 1))) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, uint64_t{1} << 60, {5})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, 2, {5})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, 1, {5, 6})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, 2, {5, 0})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, 1, {base::kFileSizeMax + 1})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, 2, {base::kFileSizeMax, 1})) == Code::kCorrupt);
  CHECK(code(RawNode('N', 0, 2, {~uint64_t{0}, 2})) == Code::kCorrupt);  // a sum that would wrap
}

// A root above one child, with the child's bytes under whatever hash it really has.
std::string RootOver(const std::string& child, uint32_t root_level, uint64_t size, Nodes& nodes) {
  const Hash256 hash = base::Sha256(child);
  nodes.stored[hash] = child;
  return EncodeNode({root_level, {{hash, size}}});
}

TEST_CASE("a walker believes no node that does not fit its parent") {
  Nodes nodes;
  const std::string leaf = RawNode('N', 0, 2, {5, 6});
  const auto seek = [&nodes](const std::string& root) {
    auto walker = ManifestWalker::Open(root, nodes.Load());
    if (!walker.ok()) return base::CodeOf(walker.status());
    const base::Status status = walker->Seek(0);
    CHECK(walker->valid() == status.ok());
    return base::CodeOf(status);
  };
  CHECK(seek(RootOver(leaf, 1, 11, nodes)) == Code::kOk);
  CHECK(seek(RootOver(leaf, 1, 10, nodes)) == Code::kCorrupt);
  CHECK(seek(RootOver(leaf, 1, 12, nodes)) == Code::kCorrupt);
  CHECK(seek(RootOver(leaf, 2, 11, nodes)) == Code::kCorrupt);
  CHECK(seek(RootOver(RawNode('N', 1, 2, {5, 6}), 1, 11, nodes)) == Code::kCorrupt);
  CHECK(seek(RootOver("noise", 1, 11, nodes)) == Code::kCorrupt);
  CHECK(seek(EncodeNode({1, {{Hash256{}, 11}}})) == Code::kNotFound);
  CHECK(seek(RawNode('N', 0, 13, std::vector<uint64_t>(13, 1))) == Code::kCorrupt);
  CHECK(seek("") == Code::kCorrupt);

  const std::string root = RootOver(leaf, 1, 11, nodes);
  nodes.stored[base::Sha256(leaf)] = RawNode('N', 0, 2, {6, 5});  // fits, but is not what was named
  CHECK(seek(root) == Code::kCorrupt);
}

TEST_CASE("after a failed load a walker is on no chunk and works again when the node is back") {
  const std::vector<ManifestEntry> chunks = RandomChunks(31, 3000);
  Nodes nodes;
  ManifestWalker walker = MustOpen(Build(chunks, nodes), nodes);
  const auto all = nodes.stored;
  REQUIRE(walker.Seek(0).ok());
  nodes.stored.clear();
  base::Status status;
  size_t steps = 0;
  while (status.ok()) {
    REQUIRE(++steps < chunks.size());
    status = walker.Next();
  }
  CHECK(base::Is(status, Code::kNotFound));
  CHECK_FALSE(walker.valid());
  CHECK(base::Is(walker.Seek(walker.size() - 1), Code::kNotFound));
  CHECK_FALSE(walker.valid());
  nodes.stored = all;
  REQUIRE(walker.Seek(walker.size() - 1).ok());
  CHECK(walker.chunk().hash == chunks.back().hash);
}

}  // namespace
}  // namespace jzse::store
