// SPDX-License-Identifier: Apache-2.0
// Damaged, foreign and missing files: opening never crashes, what is served is right or an error, the rest stays readable,
// verify tells, and a damaged index is rebuilt without a word to the user.
#include <catch2/catch.hpp>
#include <algorithm>

#include "store_world.h"

namespace jzse::crash {
namespace {

using io::CrashMode;
using io::SimEnv;

std::string PathOf(const char* name) { return std::string(kStore) + "/" + name; }

std::vector<std::string> PathsWith(const SimEnv& env, std::string_view part) {
  std::vector<std::string> paths = env.Paths();
  std::erase_if(paths, [part](const std::string& path) { return path.find(part) == std::string::npos; });
  return paths;
}

const std::map<std::string, std::string>& Contents() {
  static const auto* const contents = new std::map<std::string, std::string>{
      {"small", "a few bytes"}, {"empty", ""},          {"inline", Noise(1, 30'000)}, {"more", Noise(2, 60'000)},
      {"large", Noise(3, 400'000)}, {"text", Prose(4, 5'000)}, {"roll1", Noise(5, 60'000)}, {"roll2", Noise(6, 60'000)},
      {"roll3", Noise(7, 60'000)}, {"last", "written last"}};
  return *contents;
}

// A store with several segments of each kind. Unsealed: as a power cut leaves it.
std::unique_ptr<SimEnv> Built(bool sealed) {
  auto env = std::make_unique<SimEnv>();
  auto store = OpenOn(*env);
  REQUIRE(store.ok());
  for (const auto& [path, data] : Contents()) REQUIRE(Put(**store, "default", path, data).ok());
  REQUIRE(Put(**store, "default", "small", "a few bytes").ok());
  if (sealed) REQUIRE((*store)->Close().ok());
  auto copy = env->CloneCrashed(1, CrashMode::kNoneKept);
  store->reset();
  return copy;
}

struct Outcome {
  bool opened = false;
  bool index_rebuilt = false;
  size_t right = 0, refused = 0, missing = 0;
  uint64_t reported = 0;   // records found damaged while opening
  std::string wrong;       // must stay empty
  std::string problems;    // of verify
};

// Opens and reads everything. A file may be missing only if damage was reported.
Outcome Use(SimEnv& env) {
  Outcome outcome;
  auto store = OpenOn(env);
  if (!store.ok()) {
    INFO(store.status());
    CHECK(!store.status().message().empty());
    return outcome;
  }
  outcome.opened = true;
  for (const auto& [path, data] : Contents()) {
    const auto got = Get(**store, "default", path);
    if (got.ok()) {
      ++outcome.right;
      if (*got != data) outcome.wrong = path;
    } else if (base::Is(got.status(), Code::kNotFound)) {
      ++outcome.missing;
    } else {
      ++outcome.refused;
    }
  }
  const auto stats = (*store)->GetStats();
  REQUIRE(stats.ok());
  outcome.index_rebuilt = stats->index_rebuilt;
  outcome.reported = stats->corrupt_records;
  outcome.problems = VerifyProblems(**store);
  return outcome;
}

// `provable`: something must be left that proves a loss. The newest change of all, cut off while there is no index either,
// looks like one that was never acknowledged.
void CheckHonest(const Outcome& outcome, bool provable = true) {
  CHECK(outcome.wrong == "");
  if (outcome.opened && outcome.missing > 0 && provable) CHECK(outcome.reported > 0);
  if (outcome.opened && outcome.refused > 0) CHECK(outcome.problems != "");
}

TEST_CASE("bit flips anywhere in segments never give wrong bytes, with the index and without") {
  for (const bool sealed : {true, false}) {
    const auto pristine = Built(sealed);
    base::Prng prng(sealed ? 1 : 2);
    for (const std::string& path : SegmentPaths(*pristine)) {
      const size_t size = pristine->Content(path)->size();
      for (int i = 0; i < 12; ++i) {
        // The first and the last bytes are headers and trailers; the rest is spread.
        const uint64_t offset = i < 3 ? prng.Below(400) : i < 5 ? size - 1 - prng.Below(200) : prng.Below(size);
        auto env = pristine->CloneKilled();
        REQUIRE(env->FlipBit(path, offset, static_cast<int>(prng.Below(8))).ok());
        const bool without_index = i % 2 == 0;
        if (without_index) RemoveIndex(*env);
        INFO(path << " offset " << offset << (without_index ? " without index" : " with index"));
        CheckHonest(Use(*env));
      }
    }
  }
}

TEST_CASE("a damaged content is refused, told by verify, and the others stay readable") {
  const auto env = Built(true);
  const std::string& content = Contents().at("more");
  for (const std::string& path : SegmentPaths(*env)) {
    const size_t at = env->Content(path)->find(content.substr(1000, 64));
    if (at == std::string::npos) continue;
    REQUIRE(env->FlipBit(path, at, 3).ok());
  }
  const Outcome outcome = Use(*env);
  CheckHonest(outcome);
  CHECK(outcome.opened);
  CHECK(outcome.refused == 1);
  CHECK(outcome.right == Contents().size() - 1);
  CHECK(outcome.problems.find("default:more") != std::string::npos);
}

TEST_CASE("segments cut at any length") {
  const auto pristine = Built(true);
  base::Prng prng(3);
  for (const std::string& path : SegmentPaths(*pristine)) {
    const std::string bytes = *pristine->Content(path);
    for (int i = 0; i < 8; ++i) {
      const size_t length = i == 0 ? 0 : i == 1 ? bytes.size() - 1 : i == 2 ? 100 : prng.Below(bytes.size());
      auto env = pristine->CloneKilled();
      REQUIRE(env->Put(path, bytes.substr(0, length)).ok());
      if (i % 2 == 1) RemoveIndex(*env);
      INFO(path << " cut to " << length << (i % 2 == 1 ? " without index" : ""));
      CheckHonest(Use(*env), i % 2 == 0);
    }
  }
}

TEST_CASE("a segment that is gone is told, with the index and without") {
  for (const bool sealed : {true, false}) {
    const auto pristine = Built(sealed);
    for (const std::string& path : SegmentPaths(*pristine)) {
      for (const bool with_index : {true, false}) {
        auto env = pristine->CloneKilled();
        REQUIRE(env->Remove(path).ok());
        if (!with_index) RemoveIndex(*env);
        INFO(path << (with_index ? " with index" : " without index"));
        const Outcome outcome = Use(*env);
        CHECK(outcome.wrong == "");
        CHECK(outcome.opened);
        CHECK(outcome.reported > 0);
        CHECK(outcome.problems.find(path.substr(path.rfind('/') + 1)) != std::string::npos);
      }
    }
  }
}

TEST_CASE("compaction keeps what proves that an unsealed segment has lost records") {
  SimEnv first;
  std::unique_ptr<SimEnv> env;
  {
    auto store = OpenOn(first);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "small", "a few bytes").ok());
    env = first.CloneCrashed(1, CrashMode::kNoneKept);
  }
  {  // the next process goes on in a segment of its own
    auto store = OpenOn(*env);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "text", "written after the power cut").ok());
    REQUIRE(env->CorruptSector(SegmentPaths(*env).front(), base::kSegmentHeaderSize, 7).ok());
    engine::CompactOptions options;
    options.full = true;
    REQUIRE((*store)->Compact(options).ok());
    REQUIRE(Put(**store, "default", "last", "written last").ok());
    REQUIRE((*store)->Compact(options).ok());
    REQUIRE((*store)->Close().ok());
  }
  RemoveIndex(*env);
  const Outcome outcome = Use(*env);
  CHECK(outcome.opened);
  CHECK(outcome.reported > 0);
  CheckHonest(outcome);
}

// Compacts all that it can: what is damaged stays.
void CompactAll(Store& store) {
  engine::CompactOptions options;
  options.full = true;
  REQUIRE(store.Compact(options).ok());
}

// One segment whose last sector is noise, records, footer and trailer, and behind it only what compaction wrote.
std::unique_ptr<SimEnv> WithoutEnd() {
  auto env = std::make_unique<SimEnv>();
  {
    auto store = OpenOn(*env);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "text", Contents().at("text")).ok());
    REQUIRE(Put(**store, "default", "small", "a few bytes").ok());
    REQUIRE((*store)->Close().ok());
  }
  const std::string first = SegmentPaths(*env).front();
  {
    auto store = OpenOn(*env);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "last", "an older state").ok());
    REQUIRE(Put(**store, "default", "last", "written last").ok());
    const uint64_t size = env->Content(first)->size();
    for (uint64_t at = size - 600; at < size + 511; at += 512) (void)env->CorruptSector(first, std::min(at, size - 1), at);
    CompactAll(**store);
    REQUIRE((*store)->Close().ok());
  }
  REQUIRE(SegmentPaths(*env).size() == 2);
  REQUIRE(SegmentPaths(*env).front() == first);
  return env;
}

TEST_CASE("the damaged end of a sealed segment is told though compaction took the next one and the index is lost") {
  const auto env = WithoutEnd();
  RemoveIndex(*env);
  for (int life = 0; life < 3; ++life) {  // at every opening, also once it is compacted again
    const Outcome outcome = Use(*env);
    INFO(outcome.problems);
    CHECK(outcome.opened);
    CHECK(outcome.wrong == "");
    CHECK(outcome.missing > 0);
    CHECK(outcome.reported > 0);
    CHECK(outcome.problems.find("0000000000000001.seg: its trailer is damaged") != std::string::npos);
    auto store = OpenOn(*env);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "afterwards", std::string(10, static_cast<char>('a' + life))).ok());
    CompactAll(**store);
    REQUIRE((*store)->Close().ok());
  }
}

TEST_CASE("numbers of changes that are lost with a segment's end do not come again") {
  const auto pristine = Built(true);
  const auto open_last = [](SimEnv& env) {
    auto store = OpenOn(env);
    REQUIRE(store.ok());
    return (*store)->GetStats()->sequence;
  };
  const auto last = open_last(*pristine->CloneKilled());
  for (const bool gone : {true, false}) {
    auto env = pristine->CloneKilled();
    RemoveIndex(*env);
    for (const std::string& path : SegmentPaths(*env)) {
      const std::string bytes = *env->Content(path);
      REQUIRE((gone ? env->Remove(path) : env->Put(path, bytes.substr(0, base::kSegmentHeaderSize))).ok());
    }
    CHECK(open_last(*env) >= last);
  }
}

TEST_CASE("a trailer that is damaged is told, costs nothing, and goes with the next compaction") {
  const auto pristine = Built(true);
  for (const std::string& path : SegmentPaths(*pristine)) {
    for (const bool with_index : {true, false}) {
      auto env = pristine->CloneKilled();
      REQUIRE(env->FlipBit(path, env->Content(path)->size() - 20, 3).ok());
      if (!with_index) RemoveIndex(*env);
      INFO(path << (with_index ? " with index" : " without index"));
      const Outcome outcome = Use(*env);
      CHECK(outcome.right == Contents().size());
      CHECK(outcome.reported == 1);
      CHECK(outcome.problems.find(": its trailer is damaged") != std::string::npos);
      {
        auto store = OpenOn(*env);
        REQUIRE(store.ok());
        for (const auto& [name, data] : Contents()) REQUIRE(Put(**store, "default", name, Digest(data)).ok());
        model::NamespacePolicy policy;
        policy.versions_max = 0;
        REQUIRE((*store)->ConfigureNamespace("default", policy).ok());
        CompactAll(**store);
        REQUIRE((*store)->Close().ok());
      }
      const Outcome healed = Use(*env);
      CHECK(healed.refused + healed.missing == 0);
      CHECK(healed.reported == 0);
      CHECK(healed.problems == "");
    }
  }
}

TEST_CASE("a census that is damaged, foreign or missing harms nothing, and a new one is written") {
  const auto pristine = Built(true);
  const std::string census = *pristine->Content(kCensusPath);
  const size_t segments = SegmentPaths(*pristine).size();
  CHECK(CensusOf(*pristine).size() == segments);
  for (size_t i = 0; i < census.size() + 4; ++i) {
    auto env = pristine->CloneKilled();
    std::string bytes = census;
    if (i < census.size()) bytes[i] ^= 4;
    if (i == census.size()) bytes = "";
    if (i == census.size() + 1) bytes.resize(bytes.size() / 2);
    if (i == census.size() + 2) bytes = store::EncodeCensus({1, 2}, {});
    const bool missing = i == census.size() + 3;
    REQUIRE((missing ? env->Remove(kCensusPath) : env->Put(kCensusPath, bytes)).ok());
    if (i % 2 == 0) RemoveIndex(*env);
    INFO("damage " << i);
    const Outcome outcome = Use(*env);
    CHECK(outcome.right == Contents().size());
    CHECK(outcome.reported == (missing ? 0 : 1));
    CHECK((outcome.problems.find("SEGMENTS") == std::string::npos) == missing);
    CHECK(CensusOf(*env).size() == segments);
    CHECK(*env->Content(kCensusPath) == census);
    CHECK(Use(*env).reported == 0);
  }
  auto env = pristine->CloneKilled();
  REQUIRE(env->MarkUnreadable(kCensusPath, 0, census.size()).ok());
  const Outcome outcome = Use(*env);
  CHECK(outcome.right == Contents().size());
  CHECK(outcome.reported == 1);
  CHECK(Use(*env).reported == 0);
}

TEST_CASE("an older census asks for nothing that compaction replaced") {
  const auto env = Built(true);
  const std::string older = *env->Content(kCensusPath);
  {
    auto store = OpenOn(*env);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "small", "a few bytes").ok());
    CompactAll(**store);
    REQUIRE((*store)->Close().ok());
  }
  REQUIRE(env->Put(kCensusPath, older).ok());
  RemoveIndex(*env);
  const Outcome outcome = Use(*env);
  CHECK(outcome.right == Contents().size());
  CHECK(outcome.reported == 0);
}

TEST_CASE("who takes the census away accepts what is lost") {
  const auto env = WithoutEnd();
  REQUIRE(env->Remove(SegmentPaths(*env).front()).ok());
  RemoveIndex(*env);
  CHECK(Use(*env).reported > 0);
  CHECK(Use(*env).reported > 0);
  REQUIRE(env->Remove(kCensusPath).ok());
  CHECK(Use(*env).reported == 0);
}

TEST_CASE("a disk without room for a census can still be opened, emptied and compacted") {
  for (const bool census : {true, false}) {
    const auto env = Built(true);
    if (!census) REQUIRE(env->Remove(kCensusPath).ok());
    const auto without_census = [](const std::vector<std::string>& log) {
      return std::any_of(log.begin(), log.end(),
                         [](const std::string& line) { return line.find("census of segments is not up") != std::string::npos; });
    };
    // As little room as a segment for one deletion needs: there is none for the census, and that is all that happens.
    bool deleted = false;
    for (uint64_t room = 0; !deleted && room < 64 * base::kKiB; room += 64) {
      std::vector<std::string> log;
      env->SetFreeSpace(room);
      auto store = OpenOn(*env, &log);
      if (base::Is(store.status(), Code::kNoSpace)) continue;  // the index needs a little, too
      INFO(store.status());
      REQUIRE(store.ok());
      deleted = Delete(**store, "default", "more").ok();
      if (deleted) {
        for (const auto& [path, data] : Contents())
          if (path != "more" && path != "small") CHECK(Delete(**store, "default", path).ok());
      }
      CHECK(deleted == without_census(log));
      CHECK((*store)->GetStats()->corrupt_records == 0);
    }
    CHECK(deleted);
    env->SetFreeSpace(base::kMiB);
    auto store = OpenOn(*env);
    REQUIRE(store.ok());
    CompactAll(**store);
    REQUIRE((*store)->Close().ok());
    const Outcome outcome = Use(*env);
    CHECK(outcome.right == 1);
    CHECK(outcome.wrong == "");
    CHECK(outcome.reported == 0);
    CHECK(outcome.problems == "");
    CHECK(CensusOf(*env).size() == SegmentPaths(*env).size());
  }
}

TEST_CASE("that an index is built anew is told, but not of a new store, which has none to miss") {
  const auto told = [](const std::vector<std::string>& log) {
    return std::count_if(log.begin(), log.end(),
                         [](const std::string& line) { return line.find("rebuilding") != std::string::npos; });
  };
  std::vector<std::string> log;
  io::SimEnv fresh;
  REQUIRE(OpenOn(fresh, &log).ok());
  CHECK(told(log) == 0);
  const auto env = Built(true);
  RemoveIndex(*env);
  REQUIRE(OpenOn(*env, &log).ok());
  CHECK(told(log) == 1);
}

TEST_CASE("segments swapped, and one of another store") {
  const auto env = Built(true);
  const auto paths = SegmentPaths(*env);
  REQUIRE(paths.size() >= 2);
  const std::string first = *env->Content(paths[0]), second = *env->Content(paths[1]);
  {
    auto swapped = env->CloneKilled();
    REQUIRE(swapped->Put(paths[0], second).ok());
    REQUIRE(swapped->Put(paths[1], first).ok());
    CheckHonest(Use(*swapped));
  }
  io::SimOptions options;
  options.seed = 99;  // another store id
  SimEnv foreign(options);
  {
    auto store = OpenOn(foreign);
    REQUIRE(store.ok());
    REQUIRE(Put(**store, "default", "small", "of somebody else").ok());
    REQUIRE((*store)->Close().ok());
  }
  const std::string alien = *foreign.Content(SegmentPaths(foreign).front());
  for (const bool replace : {true, false}) {
    auto mixed = env->CloneKilled();
    const std::string place = replace ? paths[0] : PathOf("segments/00000000000000ff.seg");
    REQUIRE(mixed->Put(place, alien).ok());
    RemoveIndex(*mixed);
    const Outcome outcome = Use(*mixed);
    CheckHonest(outcome);
    CHECK(outcome.opened);
    CHECK(outcome.reported > 0);
  }
}

TEST_CASE("damage to the index is mended silently") {
  const auto pristine = Built(true);
  base::Prng prng(5);
  for (const std::string& path : PathsWith(*pristine, "/index/")) {
    const std::string bytes = *pristine->Content(path);
    for (int i = 0; i < 6; ++i) {
      auto env = pristine->CloneKilled();
      if (i == 0) REQUIRE(env->Remove(path).ok());
      if (i == 1) REQUIRE(env->Put(path, "").ok());
      if (i == 2) REQUIRE(env->Put(path, bytes.substr(0, bytes.size() / 2)).ok());
      if (i == 3) REQUIRE(env->Put(path, prng.Bytes(bytes.size())).ok());
      if (i > 3 && !bytes.empty()) REQUIRE(env->FlipBit(path, prng.Below(bytes.size()), 1).ok());
      INFO(path << " damage " << i);
      const Outcome outcome = Use(*env);
      CHECK(outcome.opened);
      CHECK(outcome.wrong == "");
      CHECK(outcome.missing == 0);
      CHECK(outcome.reported == 0);
    }
  }
}

TEST_CASE("an index that never was, or is of another store") {
  const auto env = Built(true);
  RemoveIndex(*env);
  const Outcome outcome = Use(*env);
  CHECK(outcome.opened);
  CHECK(outcome.index_rebuilt);
  CHECK(outcome.right == Contents().size());
  CHECK(outcome.problems == "");
}

TEST_CASE("the identity file: damaged, empty, of a newer format, missing") {
  const auto pristine = Built(true);
  const std::string identity = *pristine->Content(PathOf("JZSE"));
  const auto open_with = [&](const std::string& bytes) {
    auto env = pristine->CloneKilled();
    REQUIRE(env->Put(PathOf("JZSE"), bytes).ok());
    return base::CodeOf(OpenOn(*env).status());
  };
  base::Prng prng(6);
  for (int i = 0; i < 40; ++i) {
    std::string bytes = identity;
    bytes[prng.Below(bytes.size())] ^= static_cast<char>(1 << prng.Below(7));
    const Code code = open_with(bytes);
    CHECK((code == Code::kCorrupt || code == Code::kUnsupported || code == Code::kInvalid));
  }
  for (size_t length = 0; length < identity.size(); length += 7) {
    const Code code = open_with(identity.substr(0, length));
    CHECK((code == Code::kCorrupt || code == Code::kInvalid));
  }
  CHECK(open_with(std::string(1 << 20, 'x')) != Code::kOk);
  std::string newer = identity;
  newer.replace(newer.find("format 1"), 8, "format 9");
  CHECK(open_with(newer) == Code::kUnsupported);
  CHECK(open_with(identity) == Code::kOk);
}

TEST_CASE("directories that are no store") {
  SimEnv env;
  engine::Options options = QuietOptions();
  options.create = false;
  CHECK(base::CodeOf(Store::Open(env, kStore, options).status()) == Code::kNotFound);
  REQUIRE(env.CreateDir(kStore).ok());
  CHECK(base::CodeOf(Store::Open(env, kStore, options).status()) == Code::kInvalid);
  REQUIRE(env.Put(PathOf("letter.txt"), "mine").ok());
  options.create = true;
  CHECK(base::CodeOf(Store::Open(env, kStore, options).status()) == Code::kInvalid);
  CHECK(*env.Content(PathOf("letter.txt")) == "mine");
}

TEST_CASE("strange files among the segments are left alone") {
  const auto env = Built(true);
  REQUIRE(env->Put(PathOf("segments/notes.txt"), "mine").ok());
  REQUIRE(env->Put(PathOf("segments/0000000000000abc.seg"), "").ok());
  REQUIRE(env->Put(PathOf("segments/0000000000000abd.seg"), Noise(1, 10'000)).ok());
  RemoveIndex(*env);
  const Outcome outcome = Use(*env);
  CHECK(outcome.opened);
  CHECK(outcome.right == Contents().size());
  CHECK(outcome.reported == 2);
  CHECK(*env->Content(PathOf("segments/notes.txt")) == "mine");
}

TEST_CASE("the segments are gone as a whole") {
  const auto env = Built(true);
  for (const std::string& path : PathsWith(*env, "/segments/")) REQUIRE(env->Remove(path).ok());
  const bool directory_too = env->RemoveDir(PathOf("segments")).ok();
  CHECK(directory_too);
  const Outcome outcome = Use(*env);
  CHECK(outcome.wrong == "");
  CHECK(outcome.right <= 1);  // nothing but what has no bytes can be served
}

TEST_CASE("sectors that cannot be read give an error for what lies there only") {
  const auto env = Built(true);
  const std::string& content = Contents().at("more");
  for (const std::string& path : SegmentPaths(*env)) {
    const size_t at = env->Content(path)->find(content.substr(1000, 64));
    if (at != std::string::npos) REQUIRE(env->MarkUnreadable(path, at, 512).ok());
  }
  auto store = OpenOn(*env);
  REQUIRE(store.ok());
  CHECK(base::CodeOf(Get(**store, "default", "more").status()) == Code::kIo);
  for (const auto& [path, data] : Contents()) {
    if (path == "more") continue;
    const auto got = Get(**store, "default", path);
    INFO(path << ": " << got.status());
    REQUIRE(got.ok());
    CHECK(*got == data);
  }
}

}  // namespace
}  // namespace jzse::crash
