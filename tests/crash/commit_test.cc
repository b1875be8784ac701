// SPDX-License-Identifier: Apache-2.0
// The commit path at its bounds: groups that are too large, alone or together; reads among writes that never end; a feed
// that passes over what nobody asked for.
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "io/recording_env.h"
#include "store_world.h"

namespace jzse::crash {
namespace {

using engine::Transaction;
using io::SimEnv;

constexpr size_t kRecordsMax = 100;

std::unique_ptr<Store> OpenSmallGroups(SimEnv& env) {
  engine::Options options = QuietOptions();
  options.async_thread = false;  // what is asked for asynchronously waits for the next commit, and goes with it
  options.group_records_max = kRecordsMax;
  auto store = Store::Open(env, kStore, options);
  REQUIRE(store.ok());
  return *std::move(store);
}

void Fill(Store& store, const std::string& directory, int count) {
  for (int i = 0; i < count; ++i) REQUIRE(Put(store, "default", directory + "/" + std::to_string(i), "x").ok());
}

uint64_t CountIn(Store& store, const std::string& prefix) {
  engine::ListOptions options;
  options.prefix = prefix;
  auto lister = store.List("default", options);
  REQUIRE(lister.ok());
  uint64_t count = 0;
  for (;; ++count) {
    const auto entry = (*lister)->Next();
    REQUIRE(entry.ok());
    if (*entry == nullptr) return count;
  }
}

// A request that waits for the next commit.
void Queue(Store& store, Transaction t, std::vector<Status>* results) {
  const size_t slot = results->size();
  results->push_back(base::Fail(Code::kTimeout, "never completed"));
  REQUIRE(store.CommitAsync(std::move(t), [results, slot](const Status& status, const engine::FileInfo&) {
    (*results)[slot] = status;
  }).ok());
}
Transaction MoveOf(Store& store, const std::string& from, const std::string& to) {
  Transaction t;
  REQUIRE(store.AddMove(t, "default", from, to, {}).ok());
  return t;
}
Transaction PutOf(Store& store, const std::string& path, const std::string& data) {
  Transaction t;
  REQUIRE(store.AddPut(t, "default", path, data, true, {}).ok());
  return t;
}

TEST_CASE("a group of more bytes than it may hold is refused where the change is added, and what was added stays good") {
  SimEnv env;
  auto opened = OpenOn(env);
  REQUIRE(opened.ok());
  Store& store = **opened;
  const std::string data = Noise(1, base::kInlineSizeMax);
  Transaction t;
  size_t added = 0;
  Status status;
  for (; added < 2 * base::kTransactionBytesMax / data.size(); ++added) {
    status = store.AddPut(t, "default", "f" + std::to_string(added), data, false, {});
    if (!status.ok()) break;
  }
  CHECK(base::Is(status, Code::kTooLarge));
  CHECK(status.message().find(std::to_string(base::kTransactionBytesMax)) != std::string::npos);
  CHECK(added > base::kTransactionBytesMax / data.size() - 100);
  CHECK(added <= base::kTransactionBytesMax / data.size());
  CHECK(t.size() == added);
  // Attributes count, too.
  Transaction other;
  engine::PutOptions options;
  options.attributes.metadata = {{"k", std::string(16'000, 'm')}};
  for (added = 0; added < 2 * base::kTransactionBytesMax / 16'000; ++added) {
    status = store.AddMkdir(other, "default", "d" + std::to_string(added), options);
    if (!status.ok()) break;
  }
  CHECK(base::Is(status, Code::kTooLarge));
}

TEST_CASE("requests too large for one group together are carried out one after the other, in order") {
  SimEnv env;
  const auto store = OpenSmallGroups(env);
  Fill(*store, "a", 60);
  Fill(*store, "b", 60);
  std::vector<Status> results;
  Queue(*store, PutOf(*store, "first", "1"), &results);
  Queue(*store, MoveOf(*store, "a", "c"), &results);
  Queue(*store, PutOf(*store, "c/0", "after the first move"), &results);
  Queue(*store, MoveOf(*store, "b", "a"), &results);
  Queue(*store, PutOf(*store, "first", "2"), &results);
  REQUIRE(Put(*store, "default", "last", "3").ok());
  for (const Status& result : results) {
    INFO(result);
    CHECK(result.ok());
  }
  CHECK(*Get(*store, "default", "first") == "2");
  CHECK(*Get(*store, "default", "c/0") == "after the first move");
  CHECK(CountIn(*store, "a/") == 60);
  CHECK(CountIn(*store, "b/") == 0);
  CHECK(CountIn(*store, "c/") == 60);
  CHECK(VerifyProblems(*store) == "");
}

TEST_CASE("one request that is too large by itself fails alone") {
  SimEnv env;
  auto store = OpenSmallGroups(env);
  Fill(*store, "big", kRecordsMax + 1);
  Fill(*store, "small", 10);
  const auto before = DumpOf(*store);
  std::vector<Status> results;
  Queue(*store, PutOf(*store, "one", "1"), &results);
  Queue(*store, MoveOf(*store, "big", "huge"), &results);
  Queue(*store, MoveOf(*store, "small", "moved"), &results);
  REQUIRE(Put(*store, "default", "two", "2").ok());
  CHECK(results[0].ok());
  CHECK(base::Is(results[1], Code::kTooLarge));
  CHECK(results[1].message().find("100 records") != std::string::npos);
  CHECK(results[2].ok());
  CHECK(CountIn(*store, "big/") == kRecordsMax + 1);
  CHECK(CountIn(*store, "huge/") == 0);
  CHECK(CountIn(*store, "moved/") == 10);
  CHECK(base::Is(store->Commit(MoveOf(*store, "big", "huge")).status(), Code::kTooLarge));
  CHECK(Delete(*store, "default", "big/0").ok());
  CHECK(store->Commit(MoveOf(*store, "big", "huge")).ok());
  CHECK(VerifyProblems(*store) == "");
  const auto last = DumpOf(*store);
  store.reset();
  store = OpenSmallGroups(env);
  CHECK(Difference(*last, *DumpOf(*store)) == "");
}

TEST_CASE("what was queued before writes stopped is refused") {
  SimEnv env;
  const auto store = OpenSmallGroups(env);
  std::vector<Status> results;
  Fill(*store, "a", 60);
  Fill(*store, "b", 60);
  Queue(*store, MoveOf(*store, "a", "c"), &results);
  Queue(*store, MoveOf(*store, "b", "d"), &results);
  env.FailNth(io::kSyncOps, 1, Code::kIo);
  CHECK_FALSE(Put(*store, "default", "x", "1").ok());
  CHECK(base::Is(results[0], Code::kIo));
  CHECK(base::Is(results[1], Code::kReadOnly));
  CHECK(CountIn(*store, "a/") == 60);
  CHECK(CountIn(*store, "b/") == 60);
}

TEST_CASE("an asynchronous read does not wait for the end of asynchronous writes that go on and on") {
  SimEnv env;
  engine::Options options = QuietOptions();
  auto opened = Store::Open(env, kStore, options);
  REQUIRE(opened.ok());
  Store& store = **opened;
  REQUIRE(Put(store, "default", "read", "me").ok());
  constexpr int kWritesMax = 50'000, kInFlight = 32;
  std::mutex mutex;
  std::condition_variable changed;
  int in_flight = 0, written = 0;
  bool read = false;
  std::string data;
  // Whoever writes also asks, so that there are writes before and behind the read whichever thread has its turn.
  for (; written < kWritesMax; ++written) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return in_flight < kInFlight; });
      if (read) break;
      ++in_flight;
    }
    if (written == 200) {
      REQUIRE(store.GetAsync("default", "read", {}, true,
                             [&](const Status& status, const engine::FileInfo&, base::Buffer&& bytes) {
                               std::lock_guard lock(mutex);
                               read = true;
                               if (status.ok()) data = bytes.view();
                               changed.notify_all();
                             }).ok());
    }
    Transaction t;
    REQUIRE(store.AddPut(t, "default", "w" + std::to_string(written % 50), "x", true, {}).ok());
    REQUIRE(store.CommitAsync(std::move(t), [&](const Status&, const engine::FileInfo&) {
      std::lock_guard lock(mutex);
      --in_flight;
      changed.notify_all();
    }).ok());
  }
  CHECK(written < kWritesMax);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return read; });
    CHECK(data == "me");
  }
  CHECK(store.Close().ok());
  CHECK(in_flight == 0);
}

TEST_CASE("a feed that passes over much looks at a cancel, at the time and at the end of the store") {
  SimEnv env;
  auto opened = OpenOn(env);
  REQUIRE(opened.ok());
  Store& store = **opened;
  // Several segments of what nobody asks for: each is one piece.
  for (int i = 0; i < 40; ++i) REQUIRE(Put(store, "default", "a/" + std::to_string(i), Noise(1, 60'000)).ok());
  REQUIRE(Put(store, "default", "b", "wanted").ok());
  REQUIRE(SegmentPaths(env).size() >= 3);
  engine::FeedOptions options;
  options.ns = "default";
  options.prefix = "b";
  auto feed = store.OpenFeed(options);
  REQUIRE(feed.ok());
  // A poll looks through all that is there.
  auto event = (*feed)->Next(0);
  REQUIRE(event.ok());
  REQUIRE(*event != nullptr);
  CHECK((*event)->path == "b");
  event = (*feed)->Next(0);
  REQUIRE(event.ok());
  CHECK(*event == nullptr);
  // A wait that is over goes on where it ended.
  feed = store.OpenFeed(options);
  int waits = 0;
  for (const engine::ChangeEvent* found = nullptr; found == nullptr; ++waits) {
    REQUIRE(waits < 100'000);
    event = (*feed)->Next(1);
    REQUIRE(event.ok());
    found = *event;
  }
  CHECK((*feed)->Next(0).ok());
}

TEST_CASE("a cancel ends a poll that is looking through many segments") {
  SimEnv env;
  { REQUIRE(OpenOn(env).ok()); }
  engine::Feed* watched = nullptr;
  int reads = 0;
  io::RecordingEnv recording(env, [&](const io::Record& record) {
    if (watched != nullptr && record.op == io::Op::kRead && ++reads == 1) watched->Cancel();
  });
  auto opened = OpenOn(recording);
  REQUIRE(opened.ok());
  Store& store = **opened;
  for (int i = 0; i < 40; ++i) REQUIRE(Put(store, "default", "a/" + std::to_string(i), Noise(1, 60'000)).ok());
  REQUIRE(Put(store, "default", "b", "wanted").ok());
  engine::FeedOptions options;
  options.ns = "default";
  options.prefix = "b";
  auto feed = store.OpenFeed(options);
  REQUIRE(feed.ok());
  watched = feed->get();
  CHECK(base::Is((*feed)->Next(0).status(), Code::kClosed));
  CHECK(reads < 20);
  watched = nullptr;
}

}  // namespace
}  // namespace jzse::crash
