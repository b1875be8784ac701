// SPDX-License-Identifier: Apache-2.0
// What the engine refuses, and says of failures, where neither a scenario nor the C API comes to: calls of a store that is closed,
// everything that is bounded by a number, work in the background.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "../unit/failing_calls.h"
#include "refusal.h"
#include "store/file_entry.h"
#include "store/record.h"

namespace jzse::crash {
namespace {

TEST_CASE("a store that is closed refuses whatever is asked of it") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  REQUIRE(Put(*store, "default", "a", "1").ok());
  Transaction begun, begun_too;
  REQUIRE(store->AddPut(begun, "default", "b", "2", true, {}).ok());
  REQUIRE(store->AddPut(begun_too, "default", "c", "3", true, {}).ok());
  auto writer = store->OpenWriter("default", "w", {});
  REQUIRE(writer.ok());
  auto feed = store->OpenFeed({});
  REQUIRE(feed.ok());
  REQUIRE(store->Close().ok());
  const auto closed = [](const Status& status) { return Is(status, Code::kClosed); };
  CHECK(closed(store->Commit(std::move(begun)).status()));
  CHECK(closed(store->CommitAsync(std::move(begun_too), [](const Status&, const FileInfo&) { FAIL("never begun"); })));
  CHECK(closed(Put(*store, "default", "a", "2")));
  CHECK(closed(Get(*store, "default", "a").status()));
  CHECK(closed(store->GetAsync("default", "a", {}, true, [](const Status&, const FileInfo&, base::Buffer&&) { FAIL("never begun"); })));
  CHECK(closed(store->GetStats().status()));
  CHECK(closed(store->ListNamespaces().status()));
  CHECK(closed(store->CreateNamespace("n", {})));
  CHECK(closed(store->OpenSnapshot().status()));
  CHECK(closed(store->OpenFeed({}).status()));
  CHECK(closed((*feed)->Next(0).status()));
  CHECK(closed(store->Verify({}).status()));
  CHECK(closed(store->Compact({}).status()));
  Transaction t;
  CHECK(closed(store->AddWriter(t, *std::move(writer))));
  feed->reset();
}

TEST_CASE("without a thread of its own a store says what it cannot do") {
  io::SimOptions refusing;
  refusing.threads = false;
  SimEnv env, without(refusing);
  engine::Options options = QuietOptions();
  options.async_thread = false;
  auto store = OpenWith(env, options);
  const auto get = [&] {
    return store->GetAsync("default", "a", {}, true, [](const Status&, const FileInfo&, base::Buffer&&) { FAIL("never begun"); });
  };
  CHECK(Is(get(), Code::kUnsupported));
  store.reset();
  store = OpenWith(without, QuietOptions());
  CHECK(Is(get(), Code::kBusy));
  Transaction t;
  REQUIRE(store->AddPut(t, "default", "a", "1", true, {}).ok());
  CHECK(Is(store->CommitAsync(std::move(t), [](const Status&, const FileInfo&) { FAIL("never begun"); }), Code::kBusy));
}

TEST_CASE("names that are none are refused wherever a name is taken") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  REQUIRE(store->CreateNamespace("other", {}).ok());
  REQUIRE(Put(*store, "default", "file", Noise(1, 100'000)).ok());
  const std::string none("a\0b", 3);
  const auto invalid = [](const Status& status) { return Is(status, Code::kInvalid); };
  Transaction t;
  CHECK(invalid(store->AddCopy(t, "default", none, "other", "to", {})));
  CHECK(invalid(store->AddCopy(t, "default", "file", "other", none, {})));
  engine::ChangeOptions unless_there;
  unless_there.no_replace = true;
  CHECK(invalid(store->AddCopy(t, "default", "file", "other", none, unless_there)));
  engine::ChangeOptions another;
  another.if_match = "something else";
  CHECK(Is(store->AddCopy(t, "default", "file", "other", "to", another), Code::kPrecondition));
  engine::ListOptions listing;
  listing.start_after = none;
  CHECK(invalid(store->List("default", listing).status()));
  engine::FeedOptions feed;
  feed.ns = "default";
  feed.prefix = none;
  CHECK(invalid(store->OpenFeed(feed).status()));
  CHECK(invalid(store->ListVersions("default", none).status()));
  char buffer[1];
  CHECK(invalid(store->ReadRange("default", none, {}, 0, buffer, 1).status()));
  CHECK(Is(store->ReadRange("none", "a", {}, 0, buffer, 1).status(), Code::kNotFound));
  std::string data;
  CHECK(invalid(store->Get("default", none, {}, &data, nullptr).status()));
  CHECK(t.size() == 0);
}

TEST_CASE("a symlink that a writer makes has a target, and not more than one") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  engine::PutOptions options;
  options.kind = model::ContentKind::kSymlink;
  for (const size_t size : {size_t{0}, base::kSymlinkSizeMax + 1}) {
    auto writer = store->OpenWriter("default", "link", options);
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Write(std::string(size, 'x')).ok());
    Transaction t;
    CHECK(Is(store->AddWriter(t, *std::move(writer)), size == 0 ? Code::kInvalid : Code::kTooLarge));
  }
}

TEST_CASE("a writer that has failed stays so, and one that is given too much looks at none of it") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  auto writer = store->OpenWriter("default", "w", {});
  REQUIRE(writer.ok());
  env.FailNth(io::kWriteOps, 1, Code::kIo);
  CHECK(Is((*writer)->Write(Noise(1, 600'000)), Code::kIo));
  env.ClearFaults();
  Transaction t;
  CHECK(Is(store->AddWriter(t, *std::move(writer)), Code::kIo));
  writer = store->OpenWriter("default", "w", {});
  REQUIRE(writer.ok());
  CHECK(Is((*writer)->Write(Bytes("x", base::kFileSizeMax + 1)), Code::kTooLarge));
}

TEST_CASE("only so many writers and snapshots are open at once") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  std::vector<std::unique_ptr<engine::Writer>> writers;
  for (size_t i = 0; i < base::kWritersMax; ++i) {
    auto writer = store->OpenWriter("default", "w", {});
    REQUIRE(writer.ok());
    writers.push_back(*std::move(writer));
  }
  CHECK(Is(store->OpenWriter("default", "w", {}).status(), Code::kBusy));
  writers.pop_back();
  CHECK(store->OpenWriter("default", "w", {}).ok());
}

TEST_CASE("a group takes only so many changes, written ones too") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  auto writer = store->OpenWriter("default", "w", {});
  REQUIRE(writer.ok());
  Transaction t;
  for (size_t i = 0; i < base::kTransactionChangesMax; ++i) REQUIRE(store->AddDelete(t, "default", "a", {}).ok());
  CHECK(Is(store->AddDelete(t, "default", "a", {}), Code::kTooLarge));
  CHECK(Is(store->AddWriter(t, *std::move(writer)), Code::kTooLarge));
}

TEST_CASE("a store has only so many namespaces") {
  SimEnv env;
  { OpenWith(env, QuietOptions()); }
  {
    const auto index = store::OpenLevelDbIndex(env, std::string(kStore) + "/index", {});
    REQUIRE(index.ok());
    std::vector<store::IndexOp> batch;
    for (base::NamespaceId id = 2; id <= base::kNamespaceCountMax; ++id) {
      const store::NamespaceEntry entry{{id, false, "n" + std::to_string(id), {}}, 1, {1, 4096, 64}, {}};
      batch.push_back({store::NamespaceKey(id), store::EncodeNamespaceEntry(entry)});
    }
    REQUIRE((*index)->Apply(batch).ok());
    REQUIRE((*index)->Flush().ok());
  }
  auto store = OpenWith(env, QuietOptions());
  CHECK(Is(store->CreateNamespace("one too many", {}), Code::kInvalid));  // a name that is none
  CHECK(Is(store->CreateNamespace("one-too-many", {}), Code::kTooLarge));
}

TEST_CASE("a group without room for a single record refuses everything") {
  SimEnv env;
  {
    auto store = OpenWith(env, QuietOptions());
    for (const char* content : {"1", "2", "3"}) REQUIRE(Put(*store, "default", "a", content).ok());
  }
  engine::Options options = QuietOptions();
  options.group_records_max = 0;
  auto store = OpenWith(env, options);
  const auto versions = store->ListVersions("default", "a");
  REQUIRE(versions.ok());
  (void)(*versions)->Next();
  const auto second = (*versions)->Next();
  REQUIRE((second.ok() && *second != nullptr));
  CHECK(Is(Put(*store, "default", "a", "4"), Code::kTooLarge));
  CHECK(Is(store->CreateNamespace("n", {}), Code::kTooLarge));
  Transaction t;
  REQUIRE(store->AddDeleteVersion(t, "default", "a", (*second)->info.sequence).ok());
  CHECK(Is(store->Commit(std::move(t)).status(), Code::kTooLarge));
}

TEST_CASE("only so many asynchronous requests are under way, and only so many commits wait") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  std::mutex mutex;
  std::condition_variable wake;
  bool held = false, released = false;
  std::atomic<size_t> done{0};
  const auto read = [&](bool hold) {
    return store->GetAsync("default", "a", {}, false, [&, hold](const Status&, const FileInfo&, base::Buffer&&) {
      ++done;
      if (!hold) return;
      std::unique_lock lock(mutex);
      held = true;
      wake.notify_all();
      wake.wait(lock, [&] { return released; });
    });
  };
  REQUIRE(read(true).ok());
  {
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return held; });
  }
  // The thread that would carry them out is held up.
  size_t reads = 1;
  for (; reads <= base::kAsyncInFlightMax; ++reads) REQUIRE(read(false).ok());
  CHECK(Is(read(false), Code::kBusy));
  const auto commit = [&] {
    Transaction t;
    REQUIRE(store->AddDelete(t, "default", "a", {}).ok());
    return store->CommitAsync(std::move(t), [&](const Status&, const FileInfo&) { ++done; });
  };
  size_t commits = 0;
  Status refused;
  for (; commits < base::kAsyncInFlightMax; ++commits) REQUIRE(commit().ok());
  CHECK(Is(commit(), Code::kBusy));
  // Whoever waits by himself would lead all of them; the queue is full for him, too.
  CHECK(Is(Delete(*store, "default", "a"), Code::kBusy));
  {
    const std::lock_guard lock(mutex);
    released = true;
  }
  wake.notify_all();
  CHECK(Eventually([&] { return done == reads + commits; }));
  CHECK(Is(Delete(*store, "default", "a"), Code::kNotFound));
}

// ------------------------------------------------------------------------------------------------ an index that cannot follow

TEST_CASE("an index that takes nothing more is told in the log, and stops commits before memory is used up") {
  SimEnv env;
  IndexFaults faults;
  Log log;
  engine::Options options = QuietOptions();
  options.around_index = faults.Around();
  options.log = log.Into();
  auto store = OpenWith(env, options);
  model::NamespacePolicy keys;
  keys.kind = model::NamespaceKind::kKeys;
  REQUIRE(store->CreateNamespace("keys", keys).ok());
  faults.Plan(IndexFaults::kApply, 1, false, true);
  size_t name = 0;
  Status status;
  for (int round = 0; round < 6 && status.ok(); ++round) {
    Transaction t;
    for (size_t i = 0; i < base::kOverlayCountMax / 2; ++i)
      REQUIRE(store->AddPut(t, "keys", std::to_string(name++), "", true, {}).ok());
    status = store->Commit(std::move(t)).status();
  }
  CHECK(Is(status, Code::kBusy));
  CHECK(name > 2 * base::kOverlayCountMax);
  CHECK(log.Has("upkeep of the index failed"));
  CHECK(log.Has("the index cannot be brought up to date"));
  faults.Clear();
}

TEST_CASE("a checkpoint that fails is told in the log, with a thread in the background and without") {
  for (const bool background : {false, true}) {
    SimEnv env;
    IndexFaults faults;
    Log log;
    engine::Options options = QuietOptions();
    options.background = background;
    options.around_index = faults.Around();
    options.log = log.Into();
    auto store = OpenWith(env, options);
    faults.Plan(IndexFaults::kFlush, 1, false, true);
    const std::string data = Noise(1, base::kInlineSizeMax);
    for (uint64_t bytes = 0; bytes <= base::kCheckpointJournalBytes; bytes += 64 * data.size()) {
      Transaction t;
      for (int i = 0; i < 64; ++i) REQUIRE(store->AddPut(t, "default", "a", data, false, {}).ok());
      REQUIRE(store->Commit(std::move(t)).ok());
    }
    CHECK(Eventually([&] { return log.Has(background ? "background work failed" : "upkeep of the index failed"); }));
    faults.Clear();
  }
}

// ------------------------------------------------------------------------------------------------ a huge content

// Of more chunks than may wait for a commit.
Status WriteHuge(engine::Writer& writer) {
  base::Prng prng(1);
  std::string data = prng.Bytes(base::kMiB);
  for (int i = 0; i < 160; ++i) {
    for (size_t at = 0; at < data.size(); at += 2048) base::StoreLe<uint64_t>(data.data() + at, prng.Next());
    JZSE_RETURN_IF_ERROR(writer.Write(data));
  }
  return {};
}

TEST_CASE("a writer of a huge content hears of a sync that fails on its way, and of writes that have stopped") {
  for (const bool stopped : {false, true}) {
    SimEnv env;
    auto store = OpenWith(env, QuietOptions());
    REQUIRE(store->CreateNamespace("small", SmallChunks()).ok());
    const auto writer = store->OpenWriter("small", "huge", {}), second = store->OpenWriter("small", "again", {});
    REQUIRE((writer.ok() && second.ok()));
    std::atomic<size_t> effects{0};
    if (stopped) {
      env.FailNth(io::kSyncOps, 1, Code::kIo);
      CHECK(Is(Put(*store, "default", "a", "1"), Code::kIo));
    } else {
      // Each chunk is one write. The sync comes when so many of them wait; those of the segments' ends come before.
      env.SetEffectHook([&] {
        if (++effects == base::kPendingChunksMax) env.FailNth(static_cast<OpMask>(Op::kSyncData), 1, Code::kIo);
      });
    }
    const Status huge = WriteHuge(**writer);
    CHECK(Is(huge, stopped ? Code::kReadOnly : Code::kIo));
    CHECK(env.faults_fired() == 1);
    // What is there already is not written again, and nothing of it is made known any more either.
    CHECK(Is(WriteHuge(**second), Code::kReadOnly));
    env.SetEffectHook({});
  }
}

TEST_CASE("what fails on the way of many small writes fails the writer") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  auto writer = store->OpenWriter("default", "w", {});
  REQUIRE(writer.ok());
  env.FailNth(io::kWriteOps, 1, Code::kIo);
  Status status;
  for (int i = 0; i < 30 && status.ok(); ++i) status = (*writer)->Write(Noise(i, 200'000));
  CHECK(Is(status, Code::kIo));
}

TEST_CASE("a writer that was open when the bulk stream failed is refused") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  const auto writer = store->OpenWriter("default", "w", {});
  REQUIRE(writer.ok());
  env.FailNth(static_cast<OpMask>(Op::kSyncData), 2, Code::kIo);  // the first is the census's, which fails nothing
  const Status put = Put(*store, "default", "a", Noise(1, 100'000));
  INFO(put << " " << env.faults_fired());
  CHECK(Is(put, Code::kIo));
  CHECK(Is((*writer)->Write(Noise(2, 600'000)), Code::kReadOnly));
}

TEST_CASE("a growing bulk segment stops at the reserve") {
  SimEnv env;
  engine::Options options = QuietOptions();
  options.free_space_reserve = base::kMiB;
  auto store = OpenWith(env, options);
  REQUIRE(Put(*store, "default", "a", "1").ok());
  // Of the segments of 1, 4 and 16 MiB the last one asks again after 4 MiB, when there are 3.5 left.
  env.SetFreeSpace(12 * base::kMiB + base::kMiB / 2);
  CHECK(Is(Put(*store, "default", "large", Noise(1, 14'000'000)), Code::kNoSpace));
}

TEST_CASE("a huge content is loaded in parts, and a part that the index does not take fails the opening") {
  SimEnv env;
  {
    auto store = OpenWith(env, QuietOptions());
    REQUIRE(store->CreateNamespace("small", SmallChunks()).ok());
    auto writer = store->OpenWriter("small", "huge", {});
    REQUIRE(writer.ok());
    base::Prng prng(1);
    for (int i = 0; i < 60; ++i) REQUIRE((*writer)->Write(prng.Bytes(base::kMiB)).ok());
    Transaction t;
    REQUIRE(store->AddWriter(t, *std::move(writer)).ok());
    REQUIRE(store->Commit(std::move(t)).ok());
    REQUIRE(store->Close().ok());
  }
  // Its manifest has three levels: what compaction finds of it may fail to be read at each.
  {
    auto store = OpenWith(env, QuietOptions());
    engine::CompactOptions full;
    full.full = true;
    for (uint64_t n = 1;; n += 7) {
      env.ClearFaults();
      env.FailNth(static_cast<OpMask>(Op::kRead), n, Code::kIo);
      const uint64_t before = env.faults_fired();
      const Status status = store->Compact(full).status();
      if (env.faults_fired() == before || n > 400) break;
      CHECK((status.ok() || Is(status, Code::kIo)));
    }
    env.ClearFaults();
  }
  RemoveIndex(env);
  IndexFaults faults;
  engine::Options options = QuietOptions();
  options.around_index = faults.Around();
  faults.Plan(IndexFaults::kApply, 1, false, false);
  CHECK(Is(Store::Open(env, kStore, options).status(), Code::kIo));
  CHECK(Store::Open(env, kStore, options).ok());
}

// ------------------------------------------------------------------------------------------------ the rest

TEST_CASE("a change is refused whose namespace was dropped since it was added") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  REQUIRE(store->CreateNamespace("n", {}).ok());
  Transaction t;
  REQUIRE(store->AddPut(t, "n", "a", "1", true, {}).ok());
  REQUIRE(store->DropNamespace("n").ok());
  CHECK(Is(store->Commit(std::move(t)).status(), Code::kNotFound));
}

TEST_CASE("a directory does not move to where names below it would be too long") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  const std::string name(1000, 'n');
  REQUIRE(Put(*store, "default", "d/" + name + "/" + name + "/" + name, "1").ok());
  CHECK_FALSE(Move(*store, "default", "d", name + "/" + name).ok());
  CHECK(Get(*store, "default", "d/" + name + "/" + name + "/" + name).ok());
}

TEST_CASE("a store on a disk that is only read opens to be read") {
  SimEnv env;
  { OpenWith(env, QuietOptions()); }
  env.SetReadOnly(true);
  CHECK(Is(Store::Open(env, kStore, QuietOptions()).status(), Code::kReadOnly));
  engine::Options options = QuietOptions();
  options.create = false;
  options.read_only = true;
  CHECK(Store::Open(env, kStore, options).ok());
}

TEST_CASE("what the index has lost is damage, and no content of somebody else") {
  SimEnv env;
  base::Sequence sequence = 0;
  {
    auto store = OpenWith(env, QuietOptions());
    model::NamespacePolicy none;
    none.versions_max = 0;
    REQUIRE(store->ConfigureNamespace("default", none).ok());
    REQUIRE(Put(*store, "default", "a", "shared").ok());
    Transaction t;
    REQUIRE(store->AddCopy(t, "default", "a", "default", "b", {}).ok());
    sequence = store->Stat("default", "a", {})->sequence;
    REQUIRE(store->Commit(std::move(t)).ok());
    REQUIRE(store->Close().ok());
  }
  IndexFaults faults;
  engine::Options options = QuietOptions();
  options.around_index = faults.Around();
  faults.Hide(store::HolderKey(sequence));
  {
    auto store = OpenWith(env, options);
    CHECK(Is(Get(*store, "default", "b").status(), Code::kCorrupt));
    CHECK(Is(Put(*store, "default", "b", "new"), Code::kCorrupt));  // it would give up what is not there
    CHECK(Put(*store, "default", "a", "new").ok());
    REQUIRE(store->CreateNamespace("n", {}).ok());
  }
  faults.Hide(store::NamespaceKey(2));
  auto store = OpenWith(env, options);
  CHECK(Is(store->GetNamespace("n").status(), Code::kNotFound));
}

TEST_CASE("a span that may wait for nothing says that it would have to") {
  SimEnv env;
  auto store = OpenWith(env, QuietOptions());
  REQUIRE(Put(*store, "default", "large", Noise(1, 500'000)).ok());
  const auto reader = store->OpenReader("default", "large", {});
  REQUIRE(reader.ok());
  CHECK(Is((*reader)->Span(0, engine::Reader::Waits::kNothing).status(), Code::kBusy));
  CHECK(Is((*reader)->Span(0, engine::Reader::Waits::kIndex).status(), Code::kBusy));
  CHECK((*reader)->Span(0, engine::Reader::Waits::kAll).ok());
}

// A folder that goes away with it.
struct Folder {
  Folder() { REQUIRE(mkdtemp(name.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(name); }
  std::string name = (std::filesystem::temp_directory_path() / "jzse-refusal-XXXXXX").string();
};

TEST_CASE("a descriptor that has become another one under a reader fails the read") {
  Folder folder;
  engine::Options options = QuietOptions();
  auto store = Store::Open(folder.name + "/store", options);
  REQUIRE(store.ok());
  REQUIRE(Put(**store, "default", "large", Noise(1, 800'000)).ok());
  auto reader = (*store)->OpenReader("default", "large", {});
  REQUIRE(reader.ok());
  std::vector<engine::Extent> extents;
  REQUIRE((*reader)->Extents(0, 1, &extents).ok());
  const int unreadable = open("/dev/null", O_WRONLY | O_CLOEXEC);
  REQUIRE(dup2(unreadable, extents.front().fd) >= 0);
  close(unreadable);
  CHECK_FALSE((*reader)->Span(700'000, engine::Reader::Waits::kAll).ok());
  reader->reset();
  (void)(*store)->Close();
}

TEST_CASE("who asks for io_uring where there is none is told so") {
  Folder folder;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!tests::LetFail({SYS_io_uring_setup}, ENOSYS)) _exit(0);  // not allowed here
    engine::Options options = QuietOptions();
    options.backend = engine::Options::Backend::kUring;
    const bool refused = Is(Store::Open(folder.name + "/store", options).status(), Code::kUnsupported);
    tests::KeepCounts();
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace
}  // namespace jzse::crash
