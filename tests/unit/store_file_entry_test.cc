// SPDX-License-Identifier: Apache-2.0
// Entries of the index: what goes in comes out, under every kind of key; and a listing shows the same as the whole entry.
#include <catch2/catch.hpp>

#include "store/file_entry.h"

namespace jzse::store {
namespace {

using model::Content;
using model::ContentKind;

constexpr char kPath[] = "some/directory/file";

Content RandomContent(base::Prng& prng) {
  Content content;
  content.kind = static_cast<ContentKind>(prng.Below(4));
  if (content.kind == ContentKind::kDeleted) return content;
  content.mode = prng.OneIn(2) ? 0 : static_cast<uint32_t>(prng.Below(01000));
  if (prng.OneIn(2)) content.mtime_ns = static_cast<int64_t>(prng.Next() >> 4) * (prng.OneIn(2) ? 1 : -1);
  if (prng.OneIn(3)) content.content_type = "text/plain";
  if (prng.OneIn(3)) content.metadata = {{"a", "1"}, {"b", ""}};
  if (content.kind == ContentKind::kDirectory) return content;
  content.hash = base::Sha256(std::to_string(prng.Next()));
  content.size = 1 + prng.Below(1000);
  content.storage = Content::Storage::kInline;
  if (content.kind == ContentKind::kSymlink) return content;
  if (prng.OneIn(3)) {
    content.storage = Content::Storage::kReference;
    content.reference = 1 + prng.Below(1000);
  } else if (prng.OneIn(3)) {
    content.storage = Content::Storage::kChunked;
    content.size = 1'000'000;
    content.manifest = "N and some entries";
  }
  return content;
}

model::FileRecord RandomRecord(base::Prng& prng) {
  const base::ReplicaId own = 7, other = 8;
  uint64_t counter = 1 + prng.Below(1000);
  model::Stamp stamp{uint64_t{1'700'000'000'000} << 16};
  model::FileRecord file = model::NewRecord(kPath, RandomContent(prng), {own, counter}, stamp);
  for (uint64_t left = prng.Below(3); left > 0; --left) {
    stamp.value += 1 + prng.Below(1 << 20);
    model::SetContent(file, RandomContent(prng), {prng.OneIn(4) ? other : own, ++counter}, stamp, prng.OneIn(4));
  }
  if (prng.OneIn(4)) {
    stamp.value += 5;
    model::SetPath(file, kPath, {own, ++counter}, stamp);
  }
  if (prng.OneIn(5)) {
    model::FileRecord sibling = file;
    model::SetContent(file, RandomContent(prng), {own, counter + 1}, {stamp.value + 1});
    model::SetContent(sibling, RandomContent(prng), {other, counter + 2}, {stamp.value + 2});
    file = model::Merge(file, sibling);
  }
  return file;
}

FileEntry RandomEntry(base::Prng& prng) {
  FileEntry entry;
  entry.sequence = 1 + prng.Below(1'000'000);
  entry.location = {1 + prng.Below(100), static_cast<uint32_t>(prng.Below(1'000'000) * 8),
                    static_cast<uint32_t>(prng.Below(1000) * 8)};
  entry.type = static_cast<ChangeType>(1 + prng.Below(5));
  entry.floor = prng.Below(3);
  entry.versions = static_cast<uint32_t>(prng.Below(3));
  entry.file = RandomRecord(prng);
  entry.since = entry.sequence - (prng.OneIn(2) ? 0 : prng.Below(entry.sequence));
  return entry;
}

}  // namespace

TEST_CASE("entries come out as they went in") {
  base::Prng prng(11);
  int whole = 0;
  for (int i = 0; i < 3000; ++i) {
    const FileEntry entry = RandomEntry(prng);
    REQUIRE(model::CheckRecord(entry.file).ok());
    for (const std::string& key : {PathKey(3, kPath), TombstoneKey(3, kPath, entry.id()), VersionKey(3, entry.id(), 9)}) {
      CAPTURE(i, key);
      const std::string value = EncodeFileEntry(key, entry);
      whole += (value.front() & 0x80) != 0 ? 1 : 0;
      const auto again = DecodeFileEntry(key, value);
      REQUIRE(again.ok());
      CHECK((again->sequence == entry.sequence && again->location == entry.location && again->type == entry.type));
      CHECK((again->floor == entry.floor && again->versions == entry.versions && again->since == entry.since));
      CHECK(again->file == entry.file);
      CHECK(EncodeFileEntry(key, *again) == value);
      const auto live = IsLiveValue(value);
      REQUIRE(live.ok());
      CHECK(*live == entry.live());
      ListedEntry listed;
      REQUIRE(DecodeListed(value, &listed));
      const model::ContentVersion& version = entry.content();
      CHECK((listed.kind == entry.kind() && listed.size == version.content.size && listed.mode == version.content.mode));
      CHECK((listed.mtime_ns == version.content.mtime_ns && listed.stamp == version.stamp && listed.id == entry.id()));
      CHECK(listed.sequence == entry.sequence);
      CHECK(listed.hash == (version.content.hash.empty() ? Bytes() : version.content.hash.view()));
      for (size_t size = 0; size < value.size(); ++size) {
        const auto cut = DecodeFileEntry(key, Bytes(value).substr(0, size));
        if (cut.ok()) REQUIRE(EncodeFileEntry(key, *cut) == Bytes(value).substr(0, size));
      }
    }
  }
  CHECK(whole > 100);
  CHECK(whole < 6000);
}

TEST_CASE("what a listing shows comes first: the usual entry of a small file is short") {
  Content content;
  content.kind = ContentKind::kFile;
  content.storage = Content::Storage::kInline;
  content.size = 4096;
  content.hash = base::Sha256("x");
  FileEntry entry{1'000'000, {20, 40 << 20, 4312}, ChangeType::kPut, 0, 0,
                  model::NewRecord(kPath, content, {1, 1'000'000}, {uint64_t{1'700'000'000'000} << 16}), 1'000'000};
  CHECK(EncodeFileEntry(PathKey(1, kPath), entry).size() <= 75);
}

TEST_CASE("an entry that is none is refused") {
  CHECK(!DecodeFileEntry("P", "").ok());
  CHECK(!DecodeFileEntry("", "x").ok());
  CHECK(!IsLiveValue("").ok());
  ListedEntry listed;
  CHECK(!DecodeListed("", &listed));
}

}  // namespace jzse::store
