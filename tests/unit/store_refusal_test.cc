// SPDX-License-Identifier: Apache-2.0
// What the parts of store/ refuse, and failures of the disk that they pass on, where no call of the engine comes to.
#include <catch2/catch.hpp>
#include <functional>

#include "io/sim_env.h"
#include "io_world.h"
#include "store/index_directory.h"
#include "store/journal.h"
#include "store/leveldb_env.h"
#include "store/manifest.h"
#include "store/recovery.h"
#include "store/stage.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Is;
using io::Op;
using io::OpMask;

constexpr StoreId kStoreId{1, 2};

struct World {
  explicit World(uint64_t reserve = UINT64_MAX) : factory(env, "/s", kStoreId, 9, reserve) {
    REQUIRE(env.CreateDir("/s").ok());
  }
  void Fail(OpMask ops, uint64_t n = 1, bool for_ever = false) { env.FailNth(ops, n, Code::kIo, for_ever); }

  io::SimEnv env;
  SegmentFactory factory;
  SegmentSet segments;
};

// ------------------------------------------------------------------------------------------------ segments

TEST_CASE("a place that no record can have is refused before any memory is taken for it") {
  World world;
  const auto made = world.factory.Make({}, 0, false, nullptr);
  REQUIRE(made.ok());
  const Location location{1, base::kSegmentHeaderSize, RecordSize(base::kRecordPayloadMax) + 8};
  RecordHeader header;
  std::string text;
  base::Buffer buffer;
  CHECK(Is((*made)->ReadRecord(location, &header, &text).status(), Code::kCorrupt));
  CHECK(Is((*made)->ReadRecord(location, &header, &buffer).status(), Code::kCorrupt));
  CHECK(Is((*made)->ReadFooter().status(), Code::kNotFound));  // it has none yet
}

TEST_CASE("a file larger than any segment is none") {
  io::World world(io::Face::kPlain);
  SegmentFactory factory(world.env(), world.root(), kStoreId, 9, UINT64_MAX);
  const auto made = factory.Make({}, 0, false, nullptr);
  REQUIRE(made.ok());
  REQUIRE((*made)->file().Truncate(base::kSegmentSizeMax + 1).ok());  // a hole
  FilePool pool(world.env(), 8);
  CHECK(Is(OpenSegment(world.env(), pool, (*made)->path(), kStoreId, false).status(), Code::kCorrupt));
}

TEST_CASE("a read that ends early, of a file whose size cannot be told then, is the disk's failure") {
  World world;
  const auto made = world.factory.Make({}, 0, false, nullptr);
  REQUIRE(made.ok());
  REQUIRE((*made)->file().Truncate(3 * base::kSegmentHeaderSize).ok());
  world.env.ShortReadNth(1);
  world.Fail(static_cast<OpMask>(Op::kSize));
  SegmentScanner scanner(**made, base::kSegmentHeaderSize, 3 * base::kSegmentHeaderSize);
  SegmentScanner::Item item;
  CHECK(Is(scanner.Next(&item).status(), Code::kIo));
}

TEST_CASE("the rest of a record that is larger than one read may fail to come") {
  World world;
  const auto made = world.factory.Make({}, 0, false, nullptr);
  REQUIRE(made.ok());
  std::string bytes;
  const size_t position = BeginRecord({RecordType::kChunk, 0, 0, 0, 1}, &bytes);
  bytes.append(base::kMiB + base::kMiB / 2, 'c');
  FinishRecord((*made)->sealer(), base::kSegmentHeaderSize, position, &bytes);
  const Bytes part(bytes);
  REQUIRE((*made)->file().Write(base::kSegmentHeaderSize, std::span(&part, 1)).ok());
  SegmentScanner scanner(**made, base::kSegmentHeaderSize, base::kSegmentHeaderSize + bytes.size());
  SegmentScanner::Item item;
  world.Fail(static_cast<OpMask>(Op::kRead), 2);
  CHECK(Is(scanner.Next(&item).status(), Code::kIo));
  CHECK(*scanner.Next(&item));
}

TEST_CASE("a footer with something else in it is damaged") {
  World world;
  auto made = world.factory.Make({}, 0, false, nullptr);
  REQUIRE(made.ok());
  Segment& segment = **made;
  std::string bytes;
  const size_t position = BeginRecord({RecordType::kNamespace, 0, 0, 0, 1}, &bytes);
  bytes.append("where a page of the footer should be");
  FinishRecord(segment.sealer(), base::kSegmentHeaderSize, position, &bytes);
  const Bytes part(bytes);
  REQUIRE(segment.file().Write(base::kSegmentHeaderSize, std::span(&part, 1)).ok());
  segment.set_trailer({base::kSegmentHeaderSize, base::kSegmentHeaderSize + bytes.size(), 1, 1, 1});
  CHECK(Is(segment.ReadFooter().status(), Code::kCorrupt));
}

TEST_CASE("a change with more bytes than are kept inline is malformed") {
  ChangeRecord change;
  change.ns = 1;
  change.type = ChangeType::kPut;
  model::Content content;
  content.kind = model::ContentKind::kFile;
  content.storage = model::Content::Storage::kInline;
  content.size = 1;
  content.hash = base::Sha256("x");
  change.file = model::NewRecord("path", content, {9, 1}, model::Stamp::At(1));
  const std::string data(base::kInlineSizeMax + 1, 'x');
  change.encoding = InlineEncoding::kRaw;
  change.inline_size = 1;
  change.inline_bytes = data;
  std::string bytes;
  EncodeChange(change, &bytes);
  CHECK(Is(DecodeChange(bytes).status(), Code::kCorrupt));
}

// ------------------------------------------------------------------------------------------------ making them

TEST_CASE("free space that cannot be measured refuses what would need it, before and after spares are given up") {
  World world(base::kMiB);
  world.Fail(static_cast<OpMask>(Op::kFreeSpace));
  CHECK(Is(world.factory.CheckSpace(1, false), Code::kIo));
  REQUIRE(world.factory.Prepare(4096).ok());
  world.env.SetFreeSpace(base::kMiB / 2);
  world.Fail(static_cast<OpMask>(Op::kFreeSpace), 2);
  CHECK(Is(world.factory.CheckSpace(1, false), Code::kIo));
  CHECK(Is(world.factory.CheckSpace(1, false), Code::kNoSpace));
}

TEST_CASE("a recycled file whose new name cannot be made durable makes no segment") {
  World world;
  SegmentHeader header;
  auto made = world.factory.Make(header, base::kCommitSegmentSizeMin, false, nullptr);
  REQUIRE(made.ok());
  auto file = world.env.Open((*made)->path(), io::OpenMode::kReadWrite);
  REQUIRE(file.ok());
  world.factory.Recycle(*std::move(file), (*made)->path());
  REQUIRE(world.factory.Prepared(base::kCommitSegmentSizeMin));
  world.Fail(static_cast<OpMask>(Op::kSyncDir));
  CHECK(Is(world.factory.Make(header, base::kCommitSegmentSizeMin, false, &world.segments).status(), Code::kIo));
  CHECK(world.segments.count() == 0);
}

TEST_CASE("what was begun and could not be taken away is tried again, and says why it cannot") {
  World world;
  auto made = world.factory.Make({}, 0, false, nullptr);
  REQUIRE(made.ok());
  world.Fail(static_cast<OpMask>(Op::kRemove), 1, true);
  world.factory.Abandon((*made)->path());
  CHECK(Is(world.factory.DropAbandoned(), Code::kIo));
  world.env.ClearFaults();
  CHECK(world.factory.DropAbandoned().ok());
  CHECK_FALSE(*world.env.Exists((*made)->path()));
}

// ------------------------------------------------------------------------------------------------ the journal

std::string NamespaceBytes(NamespaceId id) {
  std::string head;
  EncodeNamespace({id, false, "n" + std::to_string(id), {}}, &head);
  return head;
}

// A journal with one group behind it.
struct Writing : World {
  Writing() {
    journal.Begin();
    REQUIRE(journal.Roll(100, false).ok());
    Add(1);
    REQUIRE(journal.Commit().ok());
  }
  void Add(NamespaceId id) {
    journal.Begin();
    (void)journal.Append(RecordType::kNamespace, NamespaceBytes(id), {});
    journal.EndTransaction();
  }
  Journal journal{factory, segments, 0, {}, false};
};

TEST_CASE("after a failed write a journal takes no group, no roll and no seal, and closes") {
  Writing world;
  world.Add(2);
  REQUIRE(world.journal.Roll(100, false).ok());  // the full one waits to be sealed
  world.Add(2);
  world.Fail(io::kWriteOps);
  CHECK(Is(world.journal.Commit(), Code::kIo));
  CHECK(Is(world.journal.FinishSealing(), Code::kReadOnly));
  world.Add(3);
  CHECK(Is(world.journal.Commit(), Code::kReadOnly));
  CHECK(Is(world.journal.Roll(100, false), Code::kReadOnly));
  CHECK(world.journal.Close().ok());
}

TEST_CASE("a seal that fails ends the writing, at the next roll and at the close") {
  for (const bool rolls : {true, false}) {
    Writing world;
    world.Add(2);
    REQUIRE(world.journal.Roll(100, false).ok());
    world.Fail(static_cast<OpMask>(Op::kTruncate));
    CHECK(Is(rolls ? world.journal.Roll(100, false) : world.journal.Close(), Code::kIo));
    CHECK(world.journal.broken());
  }
}

TEST_CASE("a group larger than a segment is refused") {
  Writing world;
  world.journal.Begin();
  CHECK(Is(world.journal.Roll(base::kSegmentSizeMax, false), Code::kTooLarge));
}

TEST_CASE("each of the writes of a large footer may fail") {
  for (uint64_t n = 1; n < 4; ++n) {
    World world;
    auto made = world.factory.Make({}, 0, false, nullptr);
    REQUIRE(made.ok());
    FooterCollector footer;
    for (uint32_t i = 0; i < 40; ++i)
      footer.Add({RecordType::kChange, 0, 0, 100, i + 1}, base::kSegmentHeaderSize + i * 136, std::string(4096, 's'));
    (*made)->end = base::kSegmentHeaderSize + 40 * 136;
    world.Fail(io::kWriteOps, n);
    CHECK(Is(SealSegment(**made, footer), Code::kIo));
  }
}

// ------------------------------------------------------------------------------------------------ the index

TEST_CASE("a directory over one that is only read knows what was removed, and renames what was made in it") {
  io::SimEnv env;
  REQUIRE(env.CreateDir("/i").ok());
  REQUIRE(env.Put("/i/table", "bytes").ok());
  const auto directory = NewLayeredDirectory(env, "/i");
  REQUIRE(directory->Remove("table").ok());
  CHECK(Is(directory->OpenForReading("table").status(), Code::kNotFound));
  CHECK_FALSE(*directory->Exists("table"));
  CHECK(Is(directory->Rename("nothing", "something"), Code::kNotFound));
  CHECK(*env.Content("/i/table") == "bytes");
}

TEST_CASE("failures come back from LevelDB with their codes, and its own as failures of the disk") {
  CHECK(Is(FromLevelDb(leveldb::Status::IOError("made up by itself")), Code::kIo));
  CHECK(Is(FromLevelDb(ToLevelDb(base::Fail(Code::kNoSpace, "full"))), Code::kNoSpace));
  CHECK(Is(FromLevelDb(ToLevelDb(base::Fail(Code::kNotFound, "gone"))), Code::kCorrupt));
}

TEST_CASE("LevelDB is told what asking for the size of a file meets") {
  io::SimEnv env;
  REQUIRE(env.CreateDir("/i").ok());
  REQUIRE(env.Put("/i/file", "bytes").ok());
  const auto directory = NewDiskDirectory(env, "/i");
  LevelDbEnv level(env, "/i", *directory, false);
  uint64_t size = 0;
  CHECK(level.GetFileSize("/i/file", &size).ok());
  CHECK(size == 5);
  CHECK(level.GetFileSize("/i/none", &size).IsNotFound());
}

TEST_CASE("a file of the index beyond any size, and damage met by the look-ups of a large index, are corruption") {
  io::World world(io::Face::kPlain);
  const std::string directory = world.Path("index");
  const auto open = [&] { return OpenLevelDbIndex(world.env(), directory, {}); };
  {
    const auto index = open();
    REQUIRE(index.ok());
    std::vector<IndexOp> batch;
    for (int i = 1000; i < 3000; ++i) batch.push_back({"k" + std::to_string(i), std::string(50, 'v')});
    REQUIRE((*index)->Apply(batch).ok());
    REQUIRE((*index)->Flush().ok());
  }
  const auto large = io::CreateFile(world.env(), directory + "/large", "x");
  REQUIRE(large->Truncate(200 * base::kMiB).ok());  // a hole; LevelDB leaves files alone that are not its own
  const auto listing = world.env().ListDir(directory);
  REQUIRE(listing.ok());
  for (const io::DirEntry& entry : *listing) {
    if (entry.name.find(".ldb") == std::string::npos) continue;
    const auto table = world.env().Open(directory + "/" + entry.name, io::OpenMode::kReadWrite);
    REQUIRE(table.ok());
    REQUIRE(io::WriteAt(**table, 100, "damage").ok());
  }
  {
    const auto index = open();
    REQUIRE(index.ok());
    std::string value;
    for (int i = 0; i < 200; ++i) CHECK_FALSE(*(*index)->Get("z" + std::to_string(i), nullptr, &value));
    CHECK(Is((*index)->Get("k1000", nullptr, &value).status(), Code::kCorrupt));
  }
  const auto current = world.env().Open(directory + "/CURRENT", io::OpenMode::kReadWrite);
  REQUIRE(current.ok());
  REQUIRE((*current)->Truncate(base::kGiB + 1).ok());
  CHECK(Is(open().status(), Code::kCorrupt));
}

TEST_CASE("a damaged entry among the children that were looked up ahead is told") {
  LiveIndex live(NewMapIndex(), Applied{});
  Prefetched ahead;
  ahead.token = live.Token();
  ahead.dirs_without_children.push_back(PathKey(1, "d/"));
  OverlayMap ops;
  ops[PathKey(1, "d/a")] = "";
  live.Publish(std::move(ops), Applied{});
  Stage stage(live);
  stage.Use(&ahead);
  CHECK(Is(stage.HasLiveUnder(PathKey(1, "d/")).status(), Code::kCorrupt));
  stage.Use(nullptr);
  CHECK(Is(stage.HasLiveUnder(PathKey(1, "d/")).status(), Code::kCorrupt));
}

TEST_CASE("a manifest node that is too large is refused unread") {
  CHECK(Is(DecodeNode(std::string(base::kManifestNodeSizeMax + 1, 'N')).status(), Code::kCorrupt));
}

}  // namespace
}  // namespace jzse::store
