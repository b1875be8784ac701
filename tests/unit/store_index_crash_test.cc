// SPDX-License-Identifier: Apache-2.0
// The promise of the index: after a power cut at any effect it holds exactly the first n batches, and n is at least
// what the last Flush covered. LevelDB works on a thread of its own, so a seed fixes the faults but not their moments.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "store_index_world.h"

namespace jzse::store {
namespace {

using base::Code;
using io::CrashMode;
using io::SimEnv;

std::unique_ptr<SimEnv> NewDisk(uint64_t seed) {
  io::SimOptions options;
  options.seed = seed;
  auto env = std::make_unique<SimEnv>(options);
  REQUIRE(env->CreateDir("/store").ok());
  REQUIRE(env->SyncDir("/").ok());
  return env;
}

struct Image {
  std::unique_ptr<SimEnv> env;
  uint64_t flushed;  // covered by a Flush before the cut
  uint64_t applied_max = 0;
};

// Takes images of the disk after effects, at random but at most `count_max`.
class Photographer {
 public:
  Photographer(SimEnv& env, uint64_t seed, uint64_t one_in, size_t count_max)
      : env_(env), prng_(seed), one_in_(one_in), count_max_(count_max) {
    env_.SetEffectHook([this] { Shoot(); });
  }
  ~Photographer() { env_.SetEffectHook(nullptr); }

  std::atomic<uint64_t> flushed = 0, applying = 0;
  std::vector<Image> images;  // read when the index is closed

 private:
  void Shoot() {
    const std::lock_guard lock(mutex_);
    if (images.size() == count_max_ || !prng_.OneIn(one_in_)) return;
    constexpr CrashMode kModes[] = {CrashMode::kRandom, CrashMode::kReordered, CrashMode::kNoneKept,
                                    CrashMode::kAllKept};
    Image image;
    image.flushed = flushed;  // before the picture: what it shows can only be more
    const uint64_t kind = prng_.Below(5);
    image.env = kind == 4 ? env_.CloneKilled() : env_.CloneCrashed(prng_.Next(), kModes[kind]);
    image.applied_max = applying;  // after it: what it shows can only be less
    images.push_back(std::move(image));
  }

  SimEnv& env_;
  std::mutex mutex_;
  base::Prng prng_;
  const uint64_t one_in_;
  const size_t count_max_;
};

// Applies batches from the index's position on, with a Flush now and then.
void Work(SimEnv& env, Photographer& photographer, base::Prng& prng, uint64_t batches) {
  const auto index = MustOpen(env, SmallBuffers());
  const uint64_t from = PositionOf(*index);
  for (uint64_t i = from + 1; i <= from + batches; ++i) {
    photographer.applying = i;
    REQUIRE(index->Apply(BatchOf(i)).ok());
    if (prng.OneIn(150)) {
      REQUIRE(index->Flush().ok());
      photographer.flushed = i;
    }
  }
}

void CheckImage(Image& image) {
  const auto index = MustOpen(*image.env, SmallBuffers());
  const uint64_t n = PositionOf(*index);
  CHECK(n >= image.flushed);
  CHECK(n <= image.applied_max);
  REQUIRE(Dump(*index, nullptr) == StateAfter(n));
}

TEST_CASE("after a power cut at any effect the index is a prefix, life after life") {
  const uint64_t seed = GENERATE(range(1, 6));
  base::Prng prng(seed);
  std::unique_ptr<SimEnv> env = NewDisk(seed);
  uint64_t flushed = 0;
  for (int life = 0; life < 4; ++life) {
    std::vector<Image> images;
    {
      Photographer photographer(*env, prng.Next(), 3, 60);
      photographer.flushed = flushed;
      photographer.applying = ~uint64_t{0};
      Work(*env, photographer, prng, 1200);
      images = std::move(photographer.images);
    }
    REQUIRE(images.size() > 20);
    for (Image& image : images) CheckImage(image);
    // The next life begins where one of the images ended, opened and checked once already.
    Image& next = images[prng.Below(images.size())];
    flushed = next.flushed;
    env = std::move(next.env);
  }
}

TEST_CASE("creation can be cut anywhere") {
  const uint64_t seed = GENERATE(range(100, 104));
  const std::unique_ptr<SimEnv> env = NewDisk(seed);
  std::vector<Image> images;
  {
    Photographer photographer(*env, seed, 1, 1000);
    photographer.applying = 1;
    const auto index = MustOpen(*env, SmallBuffers());
    REQUIRE(index->Apply(BatchOf(1)).ok());
    REQUIRE(index->Flush().ok());
    images = std::move(photographer.images);
  }
  for (Image& image : images) CheckImage(image);
  Image last{env->CloneCrashed(1, CrashMode::kNoneKept), 1, 1};
  CheckImage(last);
}

TEST_CASE("opening can be cut anywhere, and loses nothing") {
  const std::unique_ptr<SimEnv> env = NewDisk(7);
  {
    const auto index = MustOpen(*env, SmallBuffers());
    for (uint64_t i = 1; i <= 200; ++i) REQUIRE(index->Apply(BatchOf(i)).ok());
    REQUIRE(index->Flush().ok());
  }
  std::vector<Image> images;
  uint64_t seed = 0;
  env->SetEffectHook([&] {  // only this thread causes effects: there is nothing to compact
    for (int i = 0; i < 12; ++i) {
      images.push_back({env->CloneCrashed(++seed, CrashMode::kReordered), 200, 200});
    }
  });
  for (int i = 0; i < 3; ++i) MustOpen(*env, SmallBuffers());
  env->SetEffectHook(nullptr);
  CHECK(images.size() > 100);
  for (Image& image : images) CheckImage(image);
}

TEST_CASE("Flush keeps its promise while batches are applied and read at the same time") {
  const std::unique_ptr<SimEnv> env = NewDisk(5);
  // A disk so slow that Apply often has to wait inside of LevelDB, where a request to turn to a new memtable can get
  // lost.
  env->SetEffectHook([] { std::this_thread::sleep_for(std::chrono::microseconds(200)); });
  std::atomic<uint64_t> applied = 0;
  std::atomic<bool> done = false;
  const auto index = MustOpen(*env, SmallBuffers());
  bool failed = false;
  std::thread writer([&] {
    for (uint64_t i = 1; i <= 3000 && !failed; ++i) {
      failed = !index->Apply(BatchOf(i)).ok();
      applied = i;
    }
    done = true;
  });
  std::atomic<int> wrong_reads = 0;
  std::thread reader([&] {
    std::string value;
    uint64_t last = 0;
    while (!done) {
      const uint64_t at_least = applied;
      const auto found = index->Get("position", nullptr, &value);
      const uint64_t position = found.ok() && *found ? std::stoull(value) : 0;
      if (!found.ok() || position < at_least || position < last) ++wrong_reads;
      last = position;
    }
  });
  std::vector<Image> images;
  std::vector<Code> flushes;
  while (!done) {
    Image image;
    image.flushed = applied;
    flushes.push_back(base::CodeOf(index->Flush()));
    image.env = env->CloneCrashed(images.size(), CrashMode::kNoneKept);
    image.applied_max = applied + 1;
    images.push_back(std::move(image));
  }
  writer.join();
  reader.join();
  env->SetEffectHook(nullptr);
  CHECK_FALSE(failed);
  CHECK(wrong_reads == 0);
  CHECK(std::count(flushes.begin(), flushes.end(), Code::kOk) ==
        static_cast<ptrdiff_t>(flushes.size()));
  const size_t step = 1 + images.size() / 40;
  for (size_t i = 0; i < images.size(); i += step) CheckImage(images[i]);
}

TEST_CASE("a write or sync that fails is reported with its code, and what was durable stays a prefix") {
  const uint64_t seed = GENERATE(range(1, 25));
  base::Prng prng(seed);
  const std::unique_ptr<SimEnv> env = NewDisk(seed);
  const bool sync = prng.OneIn(2);
  const Code code = sync ? Code::kIo : prng.OneIn(2) ? Code::kNoSpace : Code::kIo;
  uint64_t flushed = 0, applied = 0;
  base::Status failure;
  {
    const auto index = MustOpen(*env, SmallBuffers());
    env->FailNth(sync ? io::kSyncOps | io::Op::kSyncDir : io::kWriteOps | io::Op::kCreate,
                 1 + prng.Below(30), code, true);
    while (failure.ok()) {
      REQUIRE(applied < 5000);
      failure = index->Apply(BatchOf(applied + 1));
      if (failure.ok()) ++applied;
      if (failure.ok() && prng.OneIn(40)) {
        failure = index->Flush();
        if (failure.ok()) flushed = applied;
      }
    }
    INFO(failure);
    CHECK(base::CodeOf(failure) == code);
    // It stays failed, but what was applied is still readable.
    CHECK(base::CodeOf(index->Apply(BatchOf(applied + 1))) == code);
    CHECK_FALSE(index->Flush().ok());
    CHECK(Dump(*index, nullptr) == StateAfter(applied));
    CHECK(env->faults_fired() > 0);
  }
  Image image{env->CloneCrashed(seed, CrashMode::kReordered), flushed, applied};
  CheckImage(image);
  env->ClearFaults();
  Image killed{env->CloneKilled(), flushed, applied};
  CheckImage(killed);
}

TEST_CASE("opening on a failing disk fails with its code, and works again later") {
  const std::unique_ptr<SimEnv> env = NewDisk(3);
  {
    const auto index = MustOpen(*env, SmallBuffers());
    for (uint64_t i = 1; i <= 300; ++i) REQUIRE(index->Apply(BatchOf(i)).ok());
    REQUIRE(index->Flush().ok());
  }
  for (uint64_t n = 1;; ++n) {
    const uint64_t fired = env->faults_fired();
    env->FailNth(io::kAllOps, n, Code::kNoSpace);
    {
      const auto opened = OpenLevelDbIndex(*env, kDirectory, SmallBuffers());
      const bool fault_was_reached = env->faults_fired() > fired;
      env->ClearFaults();
      INFO("call " << n << ": " << opened.status());
      // Some failures do not matter: a leftover that could not be removed, for one.
      if (!opened.ok()) CHECK(base::Is(opened.status(), Code::kNoSpace));
      if (opened.ok()) CHECK(Dump(**opened, nullptr) == StateAfter(300));
      if (!fault_was_reached) break;
    }
    REQUIRE(n < 10000);
  }
  CHECK(Dump(*MustOpen(*env, SmallBuffers()), nullptr) == StateAfter(300));
}

}  // namespace
}  // namespace jzse::store
