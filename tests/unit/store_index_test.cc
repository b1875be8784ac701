// SPDX-License-Identifier: Apache-2.0
// Both indexes against std::map; LevelDB's against damage, in memory over a directory that is only read, and as it
// lies on a real disk.
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "io/recording_env.h"
#include "store/leveldb_log.h"
#include "store_index_world.h"

namespace jzse::store {
namespace {

using base::Code;
using io::SimEnv;

std::unique_ptr<SimEnv> NewDisk(bool threads = true) {
  io::SimOptions options;
  options.threads = threads;
  auto env = std::make_unique<SimEnv>(options);
  REQUIRE(env->CreateDir("/store").ok());
  REQUIRE(env->SyncDir("/").ok());
  return env;
}

// The files of the index and what is in them.
State FilesOf(const SimEnv& env) {
  State files;
  for (const std::string& path : env.Paths()) files[path] = *env.Content(path);
  return files;
}

std::string PathOfManifest(const SimEnv& env) {
  for (const std::string& path : env.Paths()) {
    if (path.find("MANIFEST-") != std::string::npos && path.find(".synced") == std::string::npos) {
      return path;
    }
  }
  return "";
}

void Fill(Index& index, uint64_t from, uint64_t to) {
  for (uint64_t i = from; i <= to; ++i) REQUIRE(index.Apply(BatchOf(i)).ok());
}

// Few keys that share prefixes, the empty one, and bytes of every value.
std::string RandomKey(base::Prng& prng) {
  std::string key;
  for (uint64_t length = prng.Below(4); length > 0; --length) {
    key.push_back("\0ab\xff"[prng.Below(4)]);
  }
  return key;
}

void CheckCursor(IndexCursor& cursor, const State& state, State::const_iterator at) {
  REQUIRE(cursor.status().ok());
  REQUIRE(cursor.valid() == (at != state.end()));
  if (at == state.end()) return;
  REQUIRE(cursor.key() == at->first);
  REQUIRE(cursor.value() == at->second);
}

void CheckReads(Index& index, const IndexSnapshot* snapshot, const State& state, base::Prng& prng) {
  std::string value = "untouched";
  const std::string key = RandomKey(prng);
  const auto found = index.Get(key, snapshot, &value);
  REQUIRE(found.ok());
  REQUIRE(*found == (state.count(key) != 0));
  if (*found) REQUIRE(value == state.at(key));

  const auto cursor = index.NewCursor(snapshot, store::CursorUse::kLookUp);
  REQUIRE_FALSE(cursor->valid());
  for (int i = 0; i < 3; ++i) {
    const std::string target = RandomKey(prng);
    auto at = state.lower_bound(target);
    if (prng.OneIn(2)) {
      cursor->Seek(target);
    } else {
      cursor->SeekBefore(target);
      at = at == state.begin() ? state.end() : std::prev(at);
    }
    CheckCursor(*cursor, state, at);
    while (at != state.end() && !prng.OneIn(5)) {
      cursor->Next();
      CheckCursor(*cursor, state, ++at);
    }
  }
}

TEST_CASE("an index is an ordered map with snapshots") {
  const bool leveldb = GENERATE(true, false);
  const uint64_t seed = GENERATE(range(1, 5));
  base::Prng prng(seed);
  const std::unique_ptr<SimEnv> env = NewDisk();
  std::unique_ptr<Index> index = leveldb ? MustOpen(*env, SmallBuffers()) : NewMapIndex();
  State state;
  std::vector<std::pair<std::unique_ptr<IndexSnapshot>, State>> snapshots;
  for (int step = 0; step < 1500; ++step) {
    const uint64_t action = prng.Below(12);
    if (action < 5) {
      std::vector<IndexOp> batch(prng.Below(4));
      for (IndexOp& op : batch) {
        op.key = RandomKey(prng);
        if (!prng.OneIn(3)) op.value = std::string(prng.Below(2000), 'v') + std::to_string(step);
      }
      REQUIRE(index->Apply(batch).ok());
      ApplyTo(state, batch);
    } else if (action == 5 && snapshots.size() < 5) {
      snapshots.emplace_back(index->Snapshot(), state);
    } else if (action == 6 && !snapshots.empty()) {
      snapshots.erase(snapshots.begin() + static_cast<ptrdiff_t>(prng.Below(snapshots.size())));
    } else if (action == 7) {
      REQUIRE(index->Flush().ok());
    } else if (action == 8 && leveldb && prng.OneIn(5)) {
      snapshots.clear();
      REQUIRE(index->Flush().ok());
      index = nullptr;
      index = MustOpen(*env, SmallBuffers());
    } else if (action > 8 && !snapshots.empty()) {
      const auto& [snapshot, then] = snapshots[prng.Below(snapshots.size())];
      CheckReads(*index, snapshot.get(), then, prng);
    } else {
      CheckReads(*index, nullptr, state, prng);
    }
  }
  CHECK(Dump(*index, nullptr) == state);
}

TEST_CASE("a cursor shows the index as it was when the cursor was made") {
  const std::unique_ptr<SimEnv> env = NewDisk();
  const std::unique_ptr<Index> index = GENERATE(true, false) ? MustOpen(*env, {}) : NewMapIndex();
  REQUIRE(index->Apply({{"a", "1"}, {"b", "2"}}).ok());
  const auto cursor = index->NewCursor(nullptr, store::CursorUse::kLookUp);
  REQUIRE(index->Apply({{"a", "changed"}, {"b", std::nullopt}, {"c", "3"}}).ok());
  cursor->Seek("");
  REQUIRE(cursor->valid());
  CHECK(cursor->value() == "1");
  cursor->Next();
  CHECK(cursor->key() == "b");
  cursor->Next();
  CHECK_FALSE(cursor->valid());
  CHECK(Dump(*index, nullptr) == State{{"a", "changed"}, {"c", "3"}});
}

TEST_CASE("a directory of the index holds tables and manifests, and no log, lock or text") {
  const std::unique_ptr<SimEnv> env = NewDisk();
  const auto index = MustOpen(*env, SmallBuffers());
  Fill(*index, 1, 500);
  REQUIRE(index->Flush().ok());
  size_t tables = 0;
  for (const std::string& path : env->Paths()) {
    const std::string name = path.substr(path.rfind('/') + 1);
    tables += name.find(".ldb") != std::string::npos;
    INFO(name);
    CHECK((name == "CURRENT" || name.rfind("MANIFEST-", 0) == 0 ||
           name.find(".ldb") == name.size() - 4));
  }
  CHECK(tables > 0);
  CHECK(index->DiskBytes() > 10000);
}

TEST_CASE("a Flush with nothing to flush causes no effect") {
  const std::unique_ptr<SimEnv> env = NewDisk();
  const auto index = MustOpen(*env, {});
  REQUIRE(index->Apply(BatchOf(1)).ok());
  REQUIRE(index->Flush().ok());
  const uint64_t effects = env->effects();
  REQUIRE(index->Flush().ok());
  CHECK(env->effects() == effects);
}

TEST_CASE("an Env without threads does not stop background work") {
  const std::unique_ptr<SimEnv> env = NewDisk(false);
  const auto index = MustOpen(*env, SmallBuffers());
  Fill(*index, 1, 1000);
  REQUIRE(index->Flush().ok());
  CHECK(Dump(*index, nullptr) == StateAfter(1000));
}

TEST_CASE("read-only: changes are visible, and nothing in the directory is touched") {
  const std::unique_ptr<SimEnv> env = NewDisk();
  {
    const auto index = MustOpen(*env, SmallBuffers());
    Fill(*index, 1, 1000);
    REQUIRE(index->Flush().ok());
  }
  const State files = FilesOf(*env);
  const uint64_t effects = env->effects();
  env->SetReadOnly(true);
  IndexOptions options = SmallBuffers();
  options.read_only = true;
  {
    const auto index = MustOpen(*env, options);
    CHECK(Dump(*index, nullptr) == StateAfter(1000));
    const auto snapshot = index->Snapshot();
    Fill(*index, 1001, 2000);  // many times the buffer: tables and compactions in memory
    REQUIRE(index->Flush().ok());
    CHECK(Dump(*index, nullptr) == StateAfter(2000));
    CHECK(Dump(*index, snapshot.get()) == StateAfter(1000));
  }
  CHECK(Dump(*MustOpen(*env, options), nullptr) == StateAfter(1000));
  CHECK(FilesOf(*env) == files);
  CHECK(env->effects() == effects);
}

TEST_CASE("read-only without a directory is an empty index in memory") {
  const std::unique_ptr<SimEnv> env = NewDisk();
  const uint64_t effects = env->effects();
  IndexOptions options;
  options.read_only = true;
  const auto index = MustOpen(*env, options);
  CHECK(Dump(*index, nullptr).empty());
  REQUIRE(index->Apply(BatchOf(1)).ok());
  CHECK(Dump(*index, nullptr) == StateAfter(1));
  CHECK(index->DiskBytes() == 0);
  CHECK(env->effects() == effects);
}

// The disk of an index that was killed when a compaction had become due and not begun: two tables went below level 0,
// since nothing was in their way, and four are in it.
std::unique_ptr<SimEnv> DiskWithCompactionDue() {
  const std::unique_ptr<SimEnv> env = NewDisk();
  std::unique_ptr<SimEnv> due;
  bool begun = false;
  const auto index = MustOpen(*env, {});
  env->SetEffectHook([&] {
    size_t tables = 0;
    for (const std::string& path : env->Paths()) tables += path.find(".ldb") != std::string::npos;
    begun |= tables > 6;
    if (tables == 6 && !begun) due = env->CloneKilled();  // the last one before there are more
  });
  for (uint64_t i = 1; i <= 7; ++i) {
    REQUIRE(index->Apply(BatchOf(i)).ok());
    REQUIRE(index->Flush().ok());
  }
  env->SetEffectHook(nullptr);
  REQUIRE(due != nullptr);
  return due;
}

// How many tables are opened while the index is open and nobody reads: waits until there is one, or that long.
int TablesOpenedAtRest(SimEnv& env, bool read_only, int wait_max_ms) {
  std::atomic<int> tables = 0;
  io::RecordingEnv recording(env, [&tables](const io::Record& record) {
    tables += record.path.find(".ldb") != std::string_view::npos && record.op == io::Op::kOpen;
  });
  IndexOptions options;
  options.read_only = read_only;
  const auto index = MustOpen(recording, options);
  for (int i = 0; i < wait_max_ms && tables == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return tables;
}

TEST_CASE("read-only starts no compaction that is due: nobody would see the result") {
  const auto due = DiskWithCompactionDue();
  CHECK(TablesOpenedAtRest(*due, true, 50) == 0);
  CHECK(TablesOpenedAtRest(*due, false, 60000) > 0);  // due it was
}

// Opens and reads everything there is: whatever is damaged, what comes out is the truth or kCorrupt.
Code CheckDamaged(SimEnv& env, const State& truth) {
  const auto opened = OpenLevelDbIndex(env, kDirectory, {});
  if (!opened.ok()) {
    CHECK(base::Is(opened.status(), Code::kCorrupt));
    return base::CodeOf(opened.status());
  }
  Index& index = **opened;
  Code code = Code::kOk;
  for (const auto& [key, expected] : truth) {
    std::string value;
    const auto found = index.Get(key, nullptr, &value);
    if (found.ok()) {
      CHECK((*found && value == expected));
    } else {
      CHECK(base::Is(found.status(), Code::kCorrupt));
      code = Code::kCorrupt;
    }
  }
  const auto cursor = index.NewCursor(nullptr, store::CursorUse::kLookUp);
  auto at = truth.begin();
  for (cursor->Seek(""); cursor->valid(); cursor->Next(), ++at) {
    REQUIRE(at != truth.end());
    REQUIRE(cursor->key() == at->first);
    REQUIRE(cursor->value() == at->second);
  }
  CHECK(cursor->status().ok() == (at == truth.end()));
  if (!cursor->status().ok()) {
    CHECK(base::Is(cursor->status(), Code::kCorrupt));
    code = Code::kCorrupt;
  }
  return code;
}

constexpr int kAtRest = 640;  // changes in it

// An index at rest with a few tables, after three lives: its manifest has a fresh part and one that was appended, which ends
// with a table that replaces no other. With no compaction left to do, so that opening it again opens no table.
std::unique_ptr<SimEnv> DiskAtRest() {
  auto env = NewDisk();
  IndexOptions options = SmallBuffers();
  options.settle = true;
  for (const uint64_t from : {1, 301}) {
    const auto index = MustOpen(*env, options);
    Fill(*index, from, from + 299);
    REQUIRE(index->Flush().ok());
  }
  const auto index = MustOpen(*env, SmallBuffers());
  Fill(*index, 601, kAtRest);
  REQUIRE(index->Flush().ok());
  return env;
}

TEST_CASE("a flipped bit anywhere is found or does not matter, and never makes a wrong or missing entry") {
  const auto env = DiskAtRest();
  const State truth = StateAfter(kAtRest);
  REQUIRE(CheckDamaged(*env->CloneKilled(), truth) == Code::kOk);
  base::Prng prng(1);
  int found = 0, flips = 0;
  for (const std::string& path : env->Paths()) {
    const size_t size = env->Content(path)->size();
    const int count = path.find(".ldb") != std::string::npos ? 12 : 100;
    for (int i = 0; i < count; ++i) {
      const auto damaged = env->CloneKilled();
      const uint64_t offset = prng.Below(size);
      REQUIRE(damaged->FlipBit(path, offset, static_cast<int>(prng.Below(8))).ok());
      INFO(path << " at " << offset << " of " << size);
      found += CheckDamaged(*damaged, truth) != Code::kOk;
      ++flips;
    }
  }
  CHECK(found * 2 > flips);
}

TEST_CASE("a footer that names a block beyond its table is corruption, and no memory is asked for it") {
  const auto whole = DiskAtRest();
  const State truth = StateAfter(kAtRest);
  for (const std::string& path : whole->Paths()) {
    if (path.find(".ldb") == std::string::npos) continue;
    const std::string content = *whole->Content(path);
    for (const uint64_t size : {uint64_t{content.size()}, uint64_t{1} << 50, UINT64_MAX - 4}) {
      std::string forged = content, handles;
      base::Encoder encoder(&handles);
      for (const uint64_t number : {uint64_t{0}, size, uint64_t{0}, size}) encoder.Varint(number);
      handles.resize(40);
      forged.replace(forged.size() - 48, handles.size(), handles);
      const auto damaged = whole->CloneKilled();
      REQUIRE(damaged->Put(path, forged).ok());
      CHECK(CheckDamaged(*damaged, truth) == Code::kCorrupt);
    }
  }
}

TEST_CASE("a file that is missing or cut off is corruption, not absence") {
  const auto env = DiskAtRest();
  const State truth = StateAfter(kAtRest);
  for (const std::string& path : env->Paths()) {
    if (path.find(".synced") != std::string::npos) continue;
    INFO(path);
    const auto without = env->CloneKilled();
    REQUIRE(without->Remove(path).ok());
    CHECK(CheckDamaged(*without, truth) == Code::kCorrupt);
    const std::string content = *env->Content(path);
    for (const size_t size : {size_t{0}, content.size() / 2, content.size() - 1}) {
      const auto cut = env->CloneKilled();
      REQUIRE(cut->Put(path, base::Bytes(content).substr(0, size)).ok());
      CHECK(CheckDamaged(*cut, truth) == Code::kCorrupt);
    }
  }
}

TEST_CASE("a table that vanishes under an open index is corruption, not absence") {
  const auto env = DiskAtRest();
  const auto index = MustOpen(*env, SmallBuffers());
  for (const std::string& path : env->Paths()) {
    if (path.find(".ldb") != std::string::npos) REQUIRE(env->Remove(path).ok());
  }
  std::string value;
  CHECK(base::Is(index->Get(StateAfter(kAtRest).begin()->first, nullptr, &value).status(), Code::kCorrupt));
  const auto cursor = index->NewCursor(nullptr, store::CursorUse::kLookUp);
  cursor->Seek("");
  CHECK_FALSE(cursor->valid());
  CHECK(base::Is(cursor->status(), Code::kCorrupt));
}

TEST_CASE("a failing read is reported with its code, by Get and by a cursor") {
  const auto env = DiskAtRest();
  const auto index = MustOpen(*env, SmallBuffers());
  env->FailNth(io::Op::kRead | io::Op::kOpen, 1, Code::kIo, true);
  std::string value;
  CHECK(base::Is(index->Get("position", nullptr, &value).status(), Code::kIo));
  {
    const auto cursor = index->NewCursor(nullptr, store::CursorUse::kLookUp);
    cursor->Seek("");
    CHECK_FALSE(cursor->valid());
    CHECK(base::Is(cursor->status(), Code::kIo));
  }
  env->ClearFaults();
  CHECK(Dump(*index, nullptr) == StateAfter(kAtRest));
}

TEST_CASE("a torn end of a manifest is hidden, damage before it is not") {
  const auto env = DiskAtRest();
  const std::string path = PathOfManifest(*env), content = *env->Content(path);
  CHECK(IntactLogSize(content) == content.size());
  base::Prng prng(4);
  for (size_t size = 0; size < content.size(); size += 1 + size / 50) {
    CHECK(IntactLogSize(content.substr(0, size)) <= size);
  }
  for (const size_t noise : {size_t{1}, size_t{6}, size_t{7}, size_t{500}, size_t{40000}}) {
    CHECK(IntactLogSize(content + prng.Bytes(noise)) == content.size());
    CHECK(IntactLogSize(content + std::string(noise, '\0')) == content.size());
  }
  std::string damaged = content;
  damaged[10] ^= 1;
  CHECK(IntactLogSize(damaged) == damaged.size());  // valid records follow: LevelDB shall see it

  const auto torn = env->CloneKilled();
  REQUIRE(torn->Put(path, content + prng.Bytes(700)).ok());
  CHECK(CheckDamaged(*torn, StateAfter(kAtRest)) == Code::kOk);
}

TEST_CASE("DestroyIndex removes everything, also what is not an index or not there") {
  const auto env = DiskAtRest();
  REQUIRE(env->CreateDir("/store/index/lost").ok());
  REQUIRE(env->Put("/store/index/lost/a.ldb", "x").ok());
  REQUIRE(DestroyIndex(*env, kDirectory).ok());
  CHECK_FALSE(*env->Exists(kDirectory));
  REQUIRE(DestroyIndex(*env, kDirectory).ok());
  CHECK(Dump(*MustOpen(*env, {}), nullptr).empty());
}

TEST_CASE("DestroyIndex cut anywhere leaves an index that opens as it was, is empty, or is refused") {
  const auto env = DiskAtRest();
  const State truth = StateAfter(kAtRest);
  std::vector<std::unique_ptr<SimEnv>> images;
  uint64_t seed = 0;
  env->SetEffectHook([&] {
    for (int i = 0; i < 5; ++i) {
      images.push_back(env->CloneCrashed(++seed, io::CrashMode::kReordered));
    }
  });
  REQUIRE(DestroyIndex(*env, kDirectory).ok());
  env->SetEffectHook(nullptr);
  for (const auto& image : images) {
    const auto opened = OpenLevelDbIndex(*image, kDirectory, {});
    if (opened.ok()) {
      const State state = Dump(**opened, nullptr);
      CHECK((state == truth || state.empty()));
    } else {
      CHECK(base::Is(opened.status(), Code::kCorrupt));
    }
  }
}

TEST_CASE("on a real disk it comes back with everything that was flushed") {
  char path[] = "jzse-index-XXXXXX";
  REQUIRE(mkdtemp(path) != nullptr);
  const auto env = io::NewLinuxEnv({});
  const std::string directory = std::string(path) + "/index";
  for (const uint64_t from : {1, 501, 1001}) {
    auto opened = OpenLevelDbIndex(*env, directory, SmallBuffers());
    REQUIRE(opened.ok());
    CHECK(Dump(**opened, nullptr) == StateAfter(from - 1));
    Fill(**opened, from, from + 499);
    REQUIRE((*opened)->Flush().ok());
  }
  {
    IndexOptions options;
    options.read_only = true;
    const auto opened = OpenLevelDbIndex(*env, directory, options);
    REQUIRE(opened.ok());
    CHECK(Dump(**opened, nullptr) == StateAfter(1500));
  }
  REQUIRE(DestroyIndex(*env, directory).ok());
  CHECK(env->RemoveDir(path).ok());
}

TEST_CASE("where a directory cannot be made, opening fails with that cause") {
  const auto env = NewDisk();
  const auto below_nothing = OpenLevelDbIndex(*env, "/nowhere/index", {});
  CHECK(base::Is(below_nothing.status(), Code::kNotFound));
  env->SetReadOnly(true);
  CHECK(base::Is(OpenLevelDbIndex(*env, kDirectory, {}).status(), Code::kReadOnly));
}

}  // namespace
}  // namespace jzse::store
