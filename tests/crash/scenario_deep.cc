// SPDX-License-Identifier: Apache-2.0
// Scenarios on disks of their own, whose stores have what takes a history to come about: shared contents, versions about to be
// forgotten, several files deleted at one path, manifests of two levels, compactions and processes that ended half-way.
#include <catch2/catch.hpp>

#include "faulty_index.h"
#include "scenario_parts.h"
#include "store/record.h"

namespace jzse::crash {
namespace {

using engine::Transaction;

// A call of the engine, for what the C API does one by one.
int Engine(Stage& s, const std::function<Status(Store&)>& body) {
  return s.Call([&] { return capi::Enter(&s.error, [&] { return body(*s.store->engine); }); });
}

class History {
 public:
  History() : disk(std::make_unique<io::SimEnv>()) { Open(); }
  void Open() {
    auto opened = OpenOn(*disk);
    REQUIRE(opened.ok());
    store = *std::move(opened);
  }
  void Close() {
    REQUIRE(store->Close().ok());
    store.reset();
  }
  void Put(const char* path, const std::string& data, const char* ns = "few") {
    REQUIRE(crash::Put(*store, ns, path, data).ok());
  }
  void Delete(const char* path) { REQUIRE(crash::Delete(*store, "few", path).ok()); }
  void Move(const char* from, const char* to) { REQUIRE(crash::Move(*store, "few", from, to).ok()); }
  void Do(const std::function<Status(Store&, Transaction&)>& add) {
    Transaction t;
    REQUIRE(add(*store, t).ok());
    REQUIRE(store->Commit(std::move(t)).ok());
  }
  void Copy(const char* from, const char* to) {
    Do([&](Store& s, Transaction& t) { return s.AddCopy(t, "few", from, "few", to, {}); });
  }
  void SetAttributes(const char* path) {
    engine::PutOptions options;
    options.attributes.mode = 0600;
    Do([&](Store& s, Transaction& t) { return s.AddSetAttributes(t, "few", path, options); });
  }
  void Namespace(const char* name, model::NamespaceKind kind, uint32_t versions) {
    model::NamespacePolicy policy;
    policy.kind = kind;
    policy.versions_max = versions;
    policy.versions_age_max_s = 60;
    policy.chunk_min = 4096;
    policy.chunk_average = 8192;
    policy.chunk_max = 16384;
    REQUIRE(store->CreateNamespace(name, policy).ok());
  }

  std::unique_ptr<io::SimEnv> disk;
  std::unique_ptr<Store> store;
};

// The oldest version, or 0.
StatusOr<base::Sequence> Oldest(Store& store, const char* path) {
  JZSE_ASSIGN_OR_RETURN(const auto versions, store.ListVersions("few", path));
  base::Sequence oldest = 0;
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const entry, versions->Next());
    if (entry == nullptr) return oldest;
    oldest = entry->info.sequence;
  }
}

void Begin(History& h) {
  h.Put("dir/a", Noise(1, 500), "default");
  h.Namespace("few", model::NamespaceKind::kTree, 2);
  h.Namespace("keys", model::NamespaceKind::kKeys, 0);
  h.Namespace("doomed", model::NamespaceKind::kTree, 2);
  h.Put("shared", "the content that others share");
  h.SetAttributes("shared");
  h.Copy("shared", "copy");
  h.Put("often", "one");
  h.Put("wide/x/1", "1");
  h.Put("wide/x/2", "2");
  for (const char* content : {"to", "be", "replaced"}) h.Put("replaced", content);
  h.Put("target", "to be copied over");
  for (const char* content : {"m1", "m2", "m3"}) h.Put("mover", content);
  h.Put("dead", "soon", "keys");
  h.Put("replacing", "replaces it");
  h.Put("twice", "the first file here");
  h.Delete("twice");
  h.Put("going", "then a second one");
  h.Put("large", Noise(2, 300'000));
  h.Put("versioned", "v1");
  h.SetAttributes("versioned");
  for (const char* path : {"first", "second", "third"}) h.Put(path, std::string("content of ") + path, "doomed");
}

// Works with what Begin has left, so that each change looks for what is there.
void GoOn(History& h) {
  h.Put("shared", "second");
  h.Put("shared", "third");
  h.Put("often", "two");
  h.Put("often", "three");
  h.Put("often", "four");
  h.Move("going", "twice");                // the first file's tombstone steps back
  h.Move("wide/x", "wide/y");
  h.Move("mover", "moved once");
  h.Move("moved once", "moved twice");
  REQUIRE(crash::Delete(*h.store, "keys", "dead").ok());
  h.Do([&](Store& s, Transaction& t) -> Status {
    JZSE_ASSIGN_OR_RETURN(const base::Sequence oldest, Oldest(s, "often"));
    return s.AddDeleteVersion(t, "few", "often", oldest);
  });
  h.Put("versioned", "v2");
  h.Put("versioned", "v3");
  h.Copy("copy", "copy of the copy");
  h.Put("large", Noise(2, 300'000).substr(0, 250'000) + Noise(3, 50'000));
  h.Copy("large", "large copy");
  h.Delete("large copy");
  h.Do([](Store& s, Transaction& t) { return s.AddCopy(t, "doomed", "first", "doomed", "copied", {}); });
  h.Do([](Store& s, Transaction& t) { return s.AddMove(t, "doomed", "second", "moved", {}); });
}

std::unique_ptr<io::SimEnv> DeepDisk() {
  History h;
  Begin(h);
  GoOn(h);
  h.Close();
  h.disk->AdvanceClock(3'600'000'000);
  return std::move(h.disk);
}

// Killed in the middle of it: segments without an end, an index that lacks what came after Begin.
std::unique_ptr<io::SimEnv> KilledDisk() {
  History h;
  Begin(h);
  h.Close();
  h.Open();
  GoOn(h);
  h.Put("lost", Noise(4, 90'000));
  auto killed = h.disk->CloneKilled();
  // And once more, in other segments.
  History again;
  again.store.reset();
  again.disk = std::move(killed);
  again.Open();
  again.Put("later", Noise(5, 90'000));
  again.Put("often", "five");
  return again.disk->CloneKilled();
}

// More records than are loaded at a time lie between those of Begin and those of GoOn; the index is lost.
std::unique_ptr<io::SimEnv> LongDisk() {
  History h;
  Begin(h);
  h.Do([](Store& s, Transaction& t) -> Status {
    for (int i = 0; i < 4200; ++i) JZSE_RETURN_IF_ERROR(s.AddPut(t, "keys", std::to_string(i), "", true, {}));
    return {};
  });
  GoOn(h);
  REQUIRE(h.store->DropNamespace("doomed").ok());
  h.Close();
  RemoveIndex(*h.disk);
  return std::move(h.disk);
}

// Killed while a compaction had not sealed its segment yet.
std::unique_ptr<io::SimEnv> UnsealedDisk() {
  History h;
  Begin(h);
  GoOn(h);
  h.Close();
  h.Open();
  std::vector<std::unique_ptr<io::SimEnv>> moments;
  h.disk->SetEffectHook([&] { moments.push_back(h.disk->CloneKilled()); });
  engine::CompactOptions full;
  full.full = true;
  REQUIRE(h.store->Compact(full).ok());
  h.disk->SetEffectHook({});
  for (auto& moment : moments) {
    const auto tried = moment->CloneKilled();
    std::vector<std::string> log;
    const auto store = OpenOn(*tried, &log);
    for (const std::string& line : log)
      if (line.find("left by an unfinished compaction") != std::string::npos) return std::move(moment);
  }
  FAIL("at no moment of a compaction its segment has no end");
  return nullptr;
}

// A namespace that is dropped, and what is left of it because the index could not be read.
std::unique_ptr<io::SimEnv> DroppedDisk() {
  IndexFaults faults;
  History h;
  Begin(h);
  GoOn(h);
  h.Close();
  engine::Options options = QuietOptions();
  options.around_index = faults.Around();
  auto opened = Store::Open(*h.disk, kStore, options);
  REQUIRE(opened.ok());
  for (uint64_t n = 1; (*opened)->GetNamespace("doomed").ok(); ++n) {
    faults.Plan(IndexFaults::kStep, n, false, true);
    (void)(*opened)->DropNamespace("doomed");
  }
  faults.Clear();
  REQUIRE((*opened)->Close().ok());
  return std::move(h.disk);
}

// An index that does not fit what is to be replayed.
std::unique_ptr<io::SimEnv> BadIndexDisk() {
  auto disk = KilledDisk();
  const auto index = store::OpenLevelDbIndex(*disk, std::string(kStore) + "/index", {});
  REQUIRE(index.ok());
  REQUIRE((*index)->Apply({{store::PathKey(2, "often"), std::string()}}).ok());
  REQUIRE((*index)->Flush().ok());
  return disk->CloneKilled();
}

// What a verify of a large store may leave behind.
std::unique_ptr<io::SimEnv> ScratchDisk() {
  auto disk = SceneryDisk();
  REQUIRE(disk->CreateDir(std::string(kStore) + "/index.verify").ok());
  REQUIRE(disk->Put(std::string(kStore) + "/index.verify/CURRENT", "left").ok());
  return disk;
}

// One whose segment is whole, while the index still names the places in those that it replaces.
std::unique_ptr<io::SimEnv> UnswitchedDisk() {
  IndexFaults faults;
  History h;
  Begin(h);
  GoOn(h);
  h.Close();
  engine::Options options = QuietOptions();
  options.around_index = faults.Around();
  auto opened = Store::Open(*h.disk, kStore, options);
  REQUIRE(opened.ok());
  h.store = *std::move(opened);
  REQUIRE(Put(*h.store, "few", "often", "six").ok());
  // The first brings the index up to date before anything is copied.
  faults.Plan(IndexFaults::kFlush, 2, false, true);
  engine::CompactOptions full;
  full.full = true;
  CHECK_FALSE(h.store->Compact(full).ok());
  auto killed = h.disk->CloneKilled();
  h.store.reset();
  return killed;
}

// ------------------------------------------------------------------------------------------------ what is done there

Status AddEverything(Store& store, Transaction& t) {
  engine::PutOptions options;
  options.attributes.mode = 0640;
  JZSE_ASSIGN_OR_RETURN(const base::Sequence of_versioned, Oldest(store, "versioned"));
  JZSE_ASSIGN_OR_RETURN(const base::Sequence of_often, Oldest(store, "often"));
  JZSE_ASSIGN_OR_RETURN(const base::Sequence of_twice, Oldest(store, "twice"));
  JZSE_RETURN_IF_ERROR(store.AddDeleteVersion(t, "few", "versioned", of_versioned));
  JZSE_RETURN_IF_ERROR(store.AddRestore(t, "few", "often", of_often));
  JZSE_RETURN_IF_ERROR(store.AddRestore(t, "few", "twice", of_twice));
  JZSE_RETURN_IF_ERROR(store.AddPut(t, "few", "shared", "forgets the shared one", true, {}));
  JZSE_RETURN_IF_ERROR(store.AddDelete(t, "few", "copy", {}));
  JZSE_RETURN_IF_ERROR(store.AddMove(t, "few", "replacing", "replaced", {}));
  JZSE_RETURN_IF_ERROR(store.AddMove(t, "few", "twice", "elsewhere", {}));
  JZSE_RETURN_IF_ERROR(store.AddMove(t, "few", "wide", "narrow/a/b", {}));
  JZSE_RETURN_IF_ERROR(store.AddCopy(t, "few", "copy of the copy", "few", "target", {}));
  JZSE_RETURN_IF_ERROR(store.AddDelete(t, "few", "versioned", {}));
  JZSE_RETURN_IF_ERROR(store.AddMkdir(t, "few", "made/below/much", {}));
  JZSE_RETURN_IF_ERROR(store.AddSetAttributes(t, "few", "often", options));
  return store.AddPut(t, "few", "new/and/deep", "x", true, {});
}

int ChangeEverything(Stage& s) {
  return Engine(s, [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(AddEverything(store, t));
    return store.Commit(std::move(t)).status();
  });
}

// Too many operations for anybody to look up ahead what they need: all of it happens at the commit.
int ChangeEverythingInOne(Stage& s) {
  return Engine(s, [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(AddEverything(store, t));
    for (int i = 0; i < 64; ++i) JZSE_RETURN_IF_ERROR(store.AddPut(t, "keys", "same", "", true, {}));
    return store.Commit(std::move(t)).status();
  });
}

int CopyToOther(Stage& s) {
  return Engine(s, [](Store& store) -> Status {
    Transaction t;
    engine::ChangeOptions options;
    options.no_replace = true;
    JZSE_RETURN_IF_ERROR(store.AddCopy(t, "few", "large", "doomed", "large", options));
    JZSE_RETURN_IF_ERROR(store.AddCopy(t, "few", "copy", "doomed", "small", options));
    return store.Commit(std::move(t)).status();
  });
}

int DeleteNotEmpty(Stage& s) {
  return Engine(s, [](Store& store) { return crash::Delete(store, "few", "wide"); });
}

int CopyDirectory(Stage& s) {
  return Engine(s, [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddCopy(t, "few", "wide", "few", "wider", {}));
    return store.Commit(std::move(t)).status();
  });
}

int DeleteAll(Stage& s) {
  return Engine(s, [](Store& store) -> Status {
    Transaction t;
    engine::ChangeOptions options;
    options.recursive = true;
    for (const char* path : {"wide", "shared", "versioned", "large", "twice"})
      JZSE_RETURN_IF_ERROR(store.AddDelete(t, "few", path, options));
    return store.Commit(std::move(t)).status();
  });
}

int DropDoomed(Stage& s) {
  return s.Call([&] { return jzse_namespace_drop(s.store, "doomed", &s.error); });
}

int CompactAll(Stage& s) {
  jzse_compact_options options = JZSE_COMPACT_OPTIONS_INIT;
  options.full = 1;
  return s.Call([&] { return jzse_compact(s.store, &options, nullptr, &s.error); });
}

// Twice, with changes in between: the second copies from a cold segment, and drops what deletions have left.
int CompactAgain(Stage& s) {
  CompactAll(s);
  DeleteAll(s);
  return CompactAll(s);
}

// Hardly any room: first what has the least alive in it.
int CompactTight(Stage& s) {
  s.env.SetFreeSpace(450'000);
  CompactAll(s);
  s.env.SetFreeSpace(uint64_t{1} << 40);
  return s.code();
}

// The last put fills a segment, which is sealed a commit later, or by the compaction.
int CompactUnsealed(Stage& s) {
  for (uint64_t i = 0; i < 5; ++i)
    Engine(s, [&](Store& store) { return Put(store, "few", "often", Noise(i, 60'000)); });
  return CompactAll(s);
}

int DropVersionOfDeleted(Stage& s) {
  return Engine(s, [](Store& store) -> Status {
    JZSE_ASSIGN_OR_RETURN(const base::Sequence oldest, Oldest(store, "twice"));
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddDeleteVersion(t, "few", "twice", oldest));
    return store.Commit(std::move(t)).status();
  });
}

int ReadAll(Stage& s) {
  return Engine(s, [](Store& store) -> Status {
    for (const char* path : {"copy", "copy of the copy", "versioned", "large", "shared", "twice"}) {
      std::string data;
      std::vector<engine::Extent> extents;
      JZSE_RETURN_IF_ERROR(store.Get("few", path, {}, &data, nullptr).status());
      JZSE_ASSIGN_OR_RETURN(const auto reader, store.OpenReader("few", path, {}));
      std::string piece(data.size(), '\0');
      JZSE_RETURN_IF_ERROR(reader->ReadAt(data.size() / 2, piece.data(), piece.size()).status());
      if (data.compare(data.size() / 2, std::string::npos, piece, 0, data.size() - data.size() / 2) != 0)
        return base::Fail(Code::kInvalid, "two reads disagree");
      const Status placed = reader->Extents(0, 4, &extents);
      if (!base::Is(placed, Code::kUnsupported)) return placed;  // a simulated disk has no descriptors
      JZSE_RETURN_IF_ERROR(store.ReadRange("few", path, {}, 1, piece.data(), 5).status());
      JZSE_ASSIGN_OR_RETURN(const base::Sequence oldest, Oldest(store, path));
      engine::GetOptions options;
      options.version = oldest;
      JZSE_RETURN_IF_ERROR(store.Get("few", path, options, &data, nullptr).status());
    }
    return store.Stat("few", "wide", {}).status();
  });
}

int VerifyAll(Stage& s) {
  jzse_verify_options options = JZSE_VERIFY_OPTIONS_INIT;
  jzse_verify_report report = JZSE_VERIFY_REPORT_INIT;
  s.Call([&] { return jzse_verify(s.store, &options, &report, &s.error); });
  if (s.code() == JZSE_OK && report.problems != 0) s.Fail(kWrong);
  return s.code();
}

int FeedOfAll(Stage& s) {
  return Engine(s, [](Store& store) -> Status {
    JZSE_ASSIGN_OR_RETURN(const auto feed, store.OpenFeed({}));
    for (;;) {
      JZSE_ASSIGN_OR_RETURN(const engine::ChangeEvent* const event, feed->Next(0));
      if (event == nullptr) return {};
    }
  });
}

int FeedOfCompacted(Stage& s) {
  CompactAll(s);
  Engine(s, [](Store& store) { return Put(store, "few", "often", "as it is being written"); });
  return FeedOfAll(s);
}

int OpenIt(Stage& s) { return s.Open(); }

int OpenWithoutIndex(Stage& s) {
  RemoveIndex(s.env);
  return s.Open();
}

int OpenToRead(Stage& s) {
  engine::Options options = QuietOptions();
  options.create = false;
  options.read_only = true;
  s.Open(options);
  if (s.code() == JZSE_OK) s.Fail(s.Close());
  return s.code();
}

int OpenAndCompact(Stage& s) {
  s.Open();
  return CompactAll(s);
}

std::unique_ptr<io::SimEnv> EmptyDisk() { return std::make_unique<io::SimEnv>(); }

}  // namespace

const std::vector<Scenario>& DeepScenarios() {
  static const auto* const all = new std::vector<Scenario>{
      {"change everything", ChangeEverything, false, JZSE_OK, false, false, DeepDisk},
      {"change everything in one large group", ChangeEverythingInOne, false, JZSE_OK, false, false, DeepDisk},
      {"copy to another namespace unless it is there", CopyToOther, false, JZSE_OK, false, false, DeepDisk},
      {"drop a version of what was deleted", DropVersionOfDeleted, false, JZSE_OK, false, false, DeepDisk},
      {"verify what a dropped namespace has left", VerifyAll, false, JZSE_OK, false, true, DroppedDisk},
      {"delete all", DeleteAll, false, JZSE_OK, false, false, DeepDisk},
      {"drop what shares contents", DropDoomed, false, JZSE_OK, false, false, DeepDisk},
      {"compact all", CompactAll, false, JZSE_OK, true, false, DeepDisk},
      {"compact all, again", CompactAgain, false, JZSE_OK, true, false, DeepDisk},
      {"read all", ReadAll, false, JZSE_OK, false, false, DeepDisk},
      {"verify all", VerifyAll, false, JZSE_OK, false, true, DeepDisk},
      {"feed of all", FeedOfAll, false, JZSE_OK, false, false, DeepDisk},
      {"open after two kills", OpenIt, true, JZSE_OK, false, false, KilledDisk},
      {"open after two kills, without an index", OpenWithoutIndex, true, JZSE_OK, false, false, KilledDisk},
      {"open after two kills, to read", OpenToRead, true, JZSE_OK, false, false, KilledDisk},
      {"open after two kills, and compact", OpenAndCompact, true, JZSE_OK, true, false, KilledDisk},
      {"open after a compaction without an end", OpenIt, true, JZSE_OK, false, false, UnsealedDisk},
      {"open after a compaction without a switch", OpenIt, true, JZSE_OK, false, false, UnswitchedDisk},
      {"open after a compaction without a switch, without an index", OpenWithoutIndex, true, JZSE_OK, false, false,
       UnswitchedDisk},
      {"delete a directory that is not empty", DeleteNotEmpty, false, JZSE_EXISTS, false, false, DeepDisk},
      {"copy a directory", CopyDirectory, false, JZSE_EXISTS, false, false, DeepDisk},
      {"compact on a disk that is nearly full", CompactTight, false, JZSE_OK, true, false, DeepDisk},
      {"compact what waits for its seal", CompactUnsealed, false, JZSE_OK, true, false, DeepDisk},
      {"feed of what was compacted, and of what is new", FeedOfCompacted, false, JZSE_OK, true, false, DeepDisk},
      {"open with what a dropped namespace has left", OpenIt, true, JZSE_OK, false, false, DroppedDisk},
      {"open with an index that does not fit", OpenIt, true, JZSE_OK, false, false, BadIndexDisk},
      {"open with what a verify has left", OpenIt, true, JZSE_OK, false, false, ScratchDisk},
      {"create a store", OpenIt, true, JZSE_OK, false, false, EmptyDisk},
      {"open with a long history", OpenIt, true, JZSE_OK, false, false, LongDisk},
  };
  return *all;
}

}  // namespace jzse::crash
