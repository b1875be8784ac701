// SPDX-License-Identifier: Apache-2.0
// File records: their rules, local changes, and their bytes. The random search over bytes is in tests/prop.
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "model/model.h"

namespace jzse::model {
namespace {

using base::Code;
using Storage = Content::Storage;

Content File(std::string_view bytes) {
  Content content;
  content.kind = ContentKind::kFile;
  content.storage = Storage::kInline;
  content.size = bytes.size();
  content.hash = base::Sha256(bytes);
  return content;
}

Content Directory() {
  Content content;
  content.kind = ContentKind::kDirectory;
  return content;
}

FileRecord Simple() { return NewRecord("docs/a.txt", File(std::string(4096, 'x')), {11, 100}, Stamp::At(5)); }

// Every part that an encoding may have.
FileRecord Full() {
  FileRecord record = NewRecord("a", File("1"), {11, 1}, Stamp::At(1));
  SetContent(record, File("2"), {11, 2}, Stamp::At(2), true);
  SetPath(record, "b", {22, 4}, Stamp::At(3));
  FileRecord other = record;
  Content content = File("3");
  content.mtime_ns = -1;
  content.mode = 0644;
  content.content_type = "text/plain";
  content.metadata = {{"author", "m\u00e9"}, {"note", "two\nlines"}};
  content.storage = Storage::kReference;
  content.reference = 77;
  SetContent(record, content, {11, 9}, Stamp::At(9), true);
  content = File(std::string(100'000, 'c'));
  content.storage = Storage::kChunked;
  content.manifest = "a root node";
  content.mtime_ns = 1'700'000'000'123'456'789;
  SetContent(other, content, {33, 1}, Stamp::At(8), true);
  record = Merge(record, other);
  record.vector.Advance({44, 4});
  return record;
}

std::string Encoded(const FileRecord& record) {
  std::string out;
  base::Encoder encoder(&out);
  Encode(record, encoder);
  return out;
}

bool Decodes(const std::string& bytes, FileRecord* record) {
  base::Decoder decoder(bytes);
  return Decode(decoder, record) && decoder.done();
}

TEST_CASE("the usual record is small: 55 to 57 bytes and its path") {
  const FileRecord record = Simple();
  CHECK(Encoded(record).size() == 55 + record.path.path.size());
  FileRecord grown = NewRecord("docs/a.txt", File(std::string(4096, 'x')), {11, 1'000'000}, Stamp::At(5));
  CHECK(Encoded(grown).size() == 57 + grown.path.path.size());
}

TEST_CASE("the bytes are those of docs/format.md") {
  const FileRecord record = NewRecord("a/b", File("abc"), {0x0807060504030201, 300}, Stamp{0x1122334455667788});
  CHECK(base::HexEncode(Encoded(record)) ==
        "00" "0102030405060708" "ac02" "03" "612f62" "05" "8877665544332211" "03"
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" "00");
}

TEST_CASE("records come back exactly") {
  FileRecord edited = Simple(), moved = Simple(), deleted = Simple(), relayed = Simple();
  SetContent(edited, File("new"), {11, 101}, Stamp::At(6));
  SetPath(moved, "docs/b.txt", {22, 1}, Stamp::At(6));
  SetContent(deleted, Content(), {33, 1}, Stamp::At(6));
  relayed.vector.Advance({11, 105});
  Content link = File("target");
  link.kind = ContentKind::kSymlink;
  Content away = File(std::string(70'000, 'a'));
  away.storage = Storage::kNone;
  Content folder = Directory();
  folder.mode = 0755;
  const std::vector<FileRecord> records = {Simple(), edited, moved, deleted, relayed, Full(),
                                           NewRecord("l", link, {1, 1}, Stamp::At(1)),
                                           NewRecord("n", away, {1, 1}, Stamp::At(1)),
                                           NewRecord("e", File(""), {1, 1}, Stamp::At(1)),
                                           NewRecord("d", folder, {~0ull, ~0ull}, Stamp::At(Stamp::kMsMax))};
  for (const FileRecord& record : records) {
    FileRecord decoded;
    REQUIRE(Decodes(Encoded(record), &decoded));
    CHECK(decoded == record);
    CHECK(Encoded(decoded) == Encoded(record));
  }
}

TEST_CASE("decoding into a used record leaves nothing of it") {
  FileRecord decoded;
  REQUIRE(Decodes(Encoded(Full()), &decoded));
  REQUIRE(Decodes(Encoded(Simple()), &decoded));
  CHECK(decoded == Simple());
}

TEST_CASE("truncated records and unknown flags are refused") {
  const std::string bytes = Encoded(Full());
  FileRecord decoded;
  for (size_t size = 0; size < bytes.size(); ++size) REQUIRE_FALSE(Decodes(bytes.substr(0, size), &decoded));
  for (const int flag : {32, 64, 128}) {
    std::string unknown = bytes;
    unknown[0] = static_cast<char>(unknown[0] | flag);
    CHECK_FALSE(Decodes(unknown, &decoded));
  }
}

TEST_CASE("a part that says what its absence says is refused") {
  const std::string bytes = Encoded(NewRecord("p", File("x"), {11, 1}, Stamp::At(5)));
  const std::string head = bytes.substr(1, 11), content = bytes.substr(12);  // id and path; then the content
  REQUIRE(head.substr(9) == std::string("\x01p"));
  FileRecord decoded;
  const std::string stamp = content.substr(1, 8);
  CHECK(Decodes('\x00' + head + content, &decoded));
  CHECK_FALSE(Decodes('\x01' + head + '\x01' + content, &decoded));              // several: one
  CHECK_FALSE(Decodes('\x02' + head + '\x00' + content, &decoded));              // the path's dot: the id
  CHECK_FALSE(Decodes('\x02' + head + '\x01' + '\x01' + content, &decoded));     // the same, written out
  CHECK_FALSE(Decodes('\x04' + head + stamp + content, &decoded));               // the path's stamp: the content's
  CHECK_FALSE(Decodes('\x10' + head + content + '\x00', &decoded));              // ancestors: none
  std::string vector;
  base::Encoder(&vector).Varint(1);
  base::Encoder(&vector).U64(11);
  base::Encoder(&vector).Varint(1);
  CHECK_FALSE(Decodes('\x08' + head + content + vector, &decoded));              // the least vector
  vector.back() = 2;
  CHECK(Decodes('\x08' + head + content + vector, &decoded));
}

TEST_CASE("what breaks an invariant of records is refused") {
  struct Case {
    const char* cause;
    std::function<void(FileRecord&)> spoil;
  };
  const std::vector<Case> cases = {
      {"id", [](auto& r) { r.id = {0, 1}; }},
      {"id", [](auto& r) { r.id = {12, 1}; }},
      {"path", [](auto& r) { r.path.path.clear(); }},
      {"path", [](auto& r) { r.path.path.assign(base::kPathSizeMax + 1, 'p'); }},
      {"path", [](auto& r) { r.path.path.back() = '\n'; }},
      {"path", [](auto& r) { r.path.path.back() = '\xff'; }},
      {"path outside", [](auto& r) { r.path.dot = {11, 101}; }},
      {"stamp", [](auto& r) { r.path.stamp = Stamp::At(Stamp::kMsMax + 1); }},
      {"stamp", [](auto& r) { r.contents[0].stamp = Stamp::At(Stamp::kMsMax + 1); }},
      {"no content", [](auto& r) { r.contents.clear(); }},
      {"outside its vector", [](auto& r) { r.contents[0].dot = {11, 101}; }},
      {"outside its vector", [](auto& r) { r.contents[0].dot = {11, 0}; }},
      {"out of order", [](auto& r) { r.contents.push_back(r.contents[0]); }},
      {"concurrent", [](auto& r) { r.contents.resize(base::kSiblingsMax + 1, r.contents[0]); }},
      {"ancestor", [](auto& r) { r.contents[0].ancestors = {{11, 101}}; }},
      {"twice", [](auto& r) { r.contents[0].ancestors = {{11, 1}, {11, 1}}; }},
      {"twice", [](auto& r) { r.contents[0].ancestors = {r.contents[0].dot}; }},
      {"ancestors", [](auto& r) { r.contents[0].ancestors.resize(kAncestorsMax + 1); }},
      {"identity", [](auto& r) { r.contents[0].content.hash = {}; }},
  };
  for (const Case& each : cases) {
    FileRecord record = Simple();
    REQUIRE(CheckRecord(record).ok());
    each.spoil(record);
    const base::Status status = CheckRecord(record);
    INFO(each.cause);
    CHECK_FALSE(status.ok());
    CHECK_THAT(std::string(status.message()), Catch::Contains(each.cause));
  }
}

TEST_CASE("contents: parts that do not fit the kind, and bounds") {
  struct Case {
    Code code;
    std::function<void(Content&)> spoil;
  };
  const std::vector<Case> cases = {
      {Code::kInvalid, [](auto& c) { c.kind = ContentKind::kDirectory; }},
      {Code::kInvalid, [](auto& c) { c = Content(); c.mode = 0644; }},
      {Code::kInvalid, [](auto& c) { c = Content(); c.metadata = {{"k", "v"}}; }},
      {Code::kInvalid, [](auto& c) { c = Directory(); c.storage = Storage::kInline; }},
      {Code::kInvalid, [](auto& c) { c.storage = Storage::kChunked; }},
      {Code::kInvalid, [](auto& c) { c.manifest.assign(1, 'm'); }},
      {Code::kInvalid, [](auto& c) { c.storage = Storage::kReference; }},
      {Code::kInvalid, [](auto& c) { c.reference = 1; }},
      {Code::kInvalid, [](auto& c) { c.storage = Storage::kChunked; c.manifest.assign(1, 'm'); c.size = 0; }},
      {Code::kTooLarge, [](auto& c) { c.storage = Storage::kChunked; c.manifest.assign(kManifestRootSizeMax + 1, 'm'); }},
      {Code::kTooLarge, [](auto& c) { c.size = base::kInlineSizeMax + 1; }},
      {Code::kTooLarge, [](auto& c) { c.storage = Storage::kNone; c.size = base::kFileSizeMax + 1; }},
      {Code::kInvalid, [](auto& c) { c.kind = ContentKind::kSymlink; c.size = 0; }},
      {Code::kTooLarge, [](auto& c) { c.kind = ContentKind::kSymlink; c.size = base::kSymlinkSizeMax + 1; }},
      {Code::kInvalid, [](auto& c) { c.kind = ContentKind::kSymlink; c.storage = Storage::kChunked; c.manifest.assign(1, 'm'); }},
      {Code::kTooLarge, [](auto& c) { c.content_type.assign(base::kContentTypeSizeMax + 1, 't'); }},
      {Code::kInvalid, [](auto& c) { c.content_type = "text\r\nX: y"; }},
      {Code::kInvalid, [](auto& c) { c.metadata = {{"", "v"}}; }},
      {Code::kInvalid, [](auto& c) { c.metadata = {{"k\n", "v"}}; }},
      {Code::kInvalid, [](auto& c) { c.metadata = {{"k", std::string("\0", 1)}}; }},
      {Code::kInvalid, [](auto& c) { c.metadata = {{"k", "\xff"}}; }},
      {Code::kInvalid, [](auto& c) { c.metadata = {{"b", "1"}, {"a", "2"}}; }},
      {Code::kInvalid, [](auto& c) { c.metadata = {{"a", "1"}, {"a", "2"}}; }},
      {Code::kTooLarge, [](auto& c) { c.metadata = {{std::string(base::kMetadataKeySizeMax + 1, 'k'), "v"}}; }},
      {Code::kTooLarge, [](auto& c) { c.metadata = {{"k", std::string(base::kMetadataSizeMax, 'v')}}; }},
      {Code::kTooLarge, [](auto& c) { c.metadata.resize(base::kMetadataCountMax + 1); }},
  };
  CHECK(CheckContent(File("x")).ok());
  CHECK(CheckContent(Directory()).ok());
  CHECK(CheckContent(Content()).ok());
  for (size_t i = 0; i < cases.size(); ++i) {
    INFO("case " << i);
    Content content = File("x");
    cases[i].spoil(content);
    CHECK(base::CodeOf(CheckContent(content)) == cases[i].code);
  }
}

TEST_CASE("local changes: a new content supersedes all, a new path keeps them") {
  FileRecord record = Full();
  REQUIRE(record.contents.size() == 2);
  FileRecord moved = record;
  SetPath(moved, "c", {55, 1}, Stamp::At(20));
  CHECK(moved.contents == record.contents);
  CHECK(moved.path.path == "c");
  CHECK(moved.vector.Contains({55, 1}));
  SetContent(record, File("settled"), {55, 1}, Stamp::At(20));
  REQUIRE(record.contents.size() == 1);
  CHECK(record.contents[0].ancestors.empty());
  CHECK(record.path.path == "b");
  CHECK(CheckRecord(record).ok());
}

TEST_CASE("ancestors: the nearest first, bounded") {
  FileRecord record = NewRecord("a", File("0"), {1, 1}, Stamp::At(1));
  for (uint64_t i = 2; i <= 40; ++i) SetContent(record, File("x"), {1, i}, Stamp::At(i), true);
  const std::vector<Dot>& ancestors = record.contents[0].ancestors;
  REQUIRE(ancestors.size() == kAncestorsMax);
  CHECK(ancestors.front() == Dot{1, 39});
  CHECK(ancestors.back() == Dot{1, 40 - kAncestorsMax});
  CHECK(CheckRecord(record).ok());
}

TEST_CASE("kinds, storages and replicas beyond what there is are refused") {
  Content content = File("x");
  content.kind = static_cast<ContentKind>(200);
  CHECK(base::Is(CheckContent(content), Code::kInvalid));
  content = File("x");
  content.storage = static_cast<Storage>(200);
  CHECK(base::Is(CheckContent(content), Code::kInvalid));
  FileRecord record = Simple();
  for (uint64_t replica = 1; replica <= base::kVersionVectorReplicasMax; ++replica) record.vector.Advance({1000 + replica, 1});
  CHECK(base::Is(CheckRecord(record), Code::kTooLarge));
}

TEST_CASE("same bytes and same value") {
  Content a = File("x"), b = a;
  b.storage = Storage::kReference;
  b.reference = 5;
  CHECK(SameValue(a, b));
  b.mode = 0600;
  CHECK(SameBytes(a, b));
  CHECK_FALSE(SameValue(a, b));
  CHECK_FALSE(SameBytes(a, File("y")));
  b = a;
  b.kind = ContentKind::kSymlink;
  CHECK_FALSE(SameBytes(a, b));
}

}  // namespace
}  // namespace jzse::model
