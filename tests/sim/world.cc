// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <algorithm>

#include "compare.h"
#include "heap.h"

namespace jzse::sim {

namespace {

// What a store may hold at most when it is closed: its limit, and as much again for what the limit does not speak of
// (queues, the open group, LevelDB's second memtable), which is far more than these small worlds need.
constexpr uint64_t kStoreMemoryMax = 2 * base::kMemoryLimitMin;

}  // namespace

using base::Code;
using base::Status;
using engine::Store;

uint64_t ActionSeed(uint64_t seed, uint64_t index) { return base::Prng(seed * 1'000'003 + index).Next(); }

Setting SettingOf(uint64_t seed) {
  base::Prng prng(seed ^ 0x73696d);
  Setting setting;
  setting.leveldb = prng.OneIn(8);
  setting.io_faults = prng.OneIn(2);
  setting.damage = prng.OneIn(4);
  setting.actions = prng.OneIn(8) ? 600 + prng.Below(600) : 50 + prng.Below(350);
  setting.sizes = prng.OneIn(200) ? prop::Sizes::kAll : prop::Sizes::kSmall;
  setting.images_rarer = prng.OneIn(2) ? 1 : 8;
  return setting;
}

World::World(const Setting& setting, uint64_t seed, Totals& totals) : setting_(setting), totals_(totals) {
  io::SimOptions options;
  options.seed = seed;
  options.threads = setting_.leveldb;  // else nobody but a waiting caller leads: see OperateTogether
  disk_ = std::make_unique<io::SimEnv>(options);
}

World::World(const World& parent, Image image)
    : setting_(parent.setting_), totals_(parent.totals_), depth_(parent.depth_ + 1), disk_(std::move(image.disk)),
      keep_notes_(parent.keep_notes_) {}

World::~World() { CloseStore(); }

void World::CloseStore() {
  snapshots_.clear();
  const int64_t before = HeapBytes();
  store_.reset();
  const int64_t held = std::max<int64_t>(0, before - HeapBytes());
  totals_.memory_peak = std::max(totals_.memory_peak, static_cast<uint64_t>(held));
}

engine::Options World::StoreOptions() {
  engine::Options options = crash::QuietOptions();
  options.memory_index = !setting_.leveldb;
  options.settled_index = setting_.leveldb;
  options.async_thread = false;
  if (keep_notes_)
    options.log = [this](int level, std::string_view line) {
      notes_.push_back("  log " + std::to_string(level) + " " + std::string(line));
    };
  return options;
}

std::string World::Open() {
  auto store = Store::Open(*disk_, crash::kStore, StoreOptions());
  ++totals_.operations;
  if (!store.ok()) return "open: " + std::string(store.status().message());
  store_ = *std::move(store);
  return "";
}

std::string World::Begin() {
  disk_->SetEffectHook([this] { OnEffect(); });
  base::Prng prng(disk_->Entropy());
  PlanImages(prng, 4, 30);
  std::string problem = Open();
  const prop::Model before = model_;
  if (problem.empty()) problem = CheckImages(before);
  const std::pair<const char*, model::NamespacePolicy> made[] = {{"keys", prop::KeysPolicy()},
                                                                 {"small", prop::SmallPolicy()}};
  for (const auto& [name, policy] : made)
    if (problem.empty())
      problem = Expect(name, model_.CreateNamespace(name, policy), store_->CreateNamespace(name, policy));
  return problem;
}

std::string World::Finish() {
  std::string problem = Reopen();
  if (problem.empty()) problem = CompareNow(true);
  if (problem.empty()) problem = VerifyNow();
  CloseStore();
  trace_.Mix(disk_->trace_hash());
  trace_.Mix(model_.last);
  return problem;
}

std::string World::Expect(const char* what, Code want, const Status& status) {
  ++totals_.operations;
  const Code code = base::CodeOf(status);
  trace_.Mix(static_cast<uint64_t>(static_cast<int64_t>(code)));
  Remember();
  if (code == want) return "";
  return std::string(what) + ": answers " + std::to_string(static_cast<int>(code)) + " (" +
         std::string(status.message()) + "), should be " + std::to_string(static_cast<int>(want));
}

std::string World::CompareNow(bool versions) {
  ++totals_.compared;
  if (totals_.memory_peak > kStoreMemoryMax)
    return "a store held " + std::to_string(totals_.memory_peak) + " bytes of memory";
  return Compare(*store_, model_, {versions});
}

std::string World::VerifyNow() {
  ++totals_.verified;
  return prop::CheckVerify(*store_, model_);
}

}  // namespace jzse::sim
