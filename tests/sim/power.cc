// SPDX-License-Identifier: Apache-2.0
// Power cuts: images of the disk at any effect, recovered, with the power failing again up to three times in a row.
#include <algorithm>
#include <map>

#include "compare.h"
#include "world.h"

namespace jzse::sim {

using base::Code;
using base::Sequence;
using base::Status;
using io::CrashMode;
using prop::Choice;
using prop::Model;
using prop::Op;

namespace {

constexpr CrashMode kModes[] = {CrashMode::kNoneKept, CrashMode::kAllKept, CrashMode::kRandom, CrashMode::kReordered};

}  // namespace

// One action in `one_in` (rarer in some worlds, which so do more in the same time) has images taken, at effects below
// `effects_max` of its own.
void World::PlanImages(base::Prng& prng, uint64_t one_in, uint64_t effects_max) {
  image_effects_.clear();
  effects_ = 0;
  if (depth_ > 0 || !prng.OneIn(one_in * setting_.images_rarer)) return;
  for (uint64_t count = 1 + prng.Below(std::max<uint64_t>(1, effects_max / 10)); count > 0; --count)
    image_effects_.push_back(1 + prng.Below(effects_max));
  std::sort(image_effects_.rbegin(), image_effects_.rend());
  image_prng_ = base::Prng(prng.Next());
}

void World::OnEffect() {
  ++effects_;
  while (!image_effects_.empty() && image_effects_.back() == effects_) {
    image_effects_.pop_back();
    images_.push_back(TakeImage({}, image_prng_));
    images_.back().candidates.clear();
    images_.back().story = "image at effect " + std::to_string(effects_);
  }
}

World::Image World::TakeImage(const Model& before, base::Prng& prng) const {
  Image image;
  const CrashMode mode = kModes[prng.Below(4)];
  image.seed = prng.Next();
  image.disk = prng.OneIn(16) ? disk_->CloneKilled() : disk_->CloneCrashed(image.seed, mode);
  image.candidates = {before};
  ++totals_.images;
  if (depth_ > 0) ++totals_.images_deep;
  return image;
}

// The images of the action that is over: what was before it and what is now are the two states they may show.
std::string World::CheckImages(const Model& before) {
  image_effects_.clear();
  std::string problem;
  std::vector<Image> images = std::move(images_);
  images_.clear();
  for (Image& image : images) {
    if (!problem.empty()) break;
    image.candidates = {before, model_};
    const std::string story = image.story;
    trace_.Mix(image.seed);
    problem = CheckImage(std::move(image));
    if (!problem.empty()) problem = story + ": " + problem;
  }
  return problem;
}

std::string World::CheckImage(Image image) const {
  base::Prng prng(image.seed);
  std::vector<Model> candidates = std::move(image.candidates);
  World world(*this, std::move(image));
  std::string problem = world.Recover(std::move(candidates), prng);
  if (problem.empty()) problem = world.Live(prng);
  const_cast<World*>(this)->trace_.Mix(world.disk_->trace_hash());
  for (const std::string& note : world.notes_)
    if (!problem.empty()) problem += "\n    then " + note;
  return problem;
}

// Opens what a power cut left, possibly with the power failing again; then one of the models must be true.
std::string World::Recover(std::vector<Model> candidates, base::Prng& prng) {
  if (depth_ > 0 && depth_ < kDepthMax && prng.OneIn(3)) {
    const uint64_t effects = prng.Below(setting_.leveldb ? 40 : 6);
    Note([&] { return "power cut " + std::to_string(effects) + " effects into the recovery"; });
    disk_->CrashAfter(effects);
    (void)Open();
    Image again = TakeImage({}, prng);
    CloseStore();
    again.candidates = std::move(candidates);
    std::string problem = CheckImage(std::move(again));
    return problem;
  }
  Sequence looked = 0;
  std::string problem = prng.OneIn(10) ? LookOnly(candidates, &looked) : "";
  if (problem.empty()) problem = Open();
  if (!problem.empty()) return problem;
  const auto stats = store_->GetStats();
  if (!stats.ok()) return "no statistics: " + std::string(stats.status().message());
  trace_.Mix(stats->sequence);
  if (looked != 0 && looked != stats->sequence)
    return "recovers to sequence " + std::to_string(stats->sequence) + ", and read-only to " + std::to_string(looked);
  for (const Model& candidate : candidates) {
    if (candidate.last != stats->sequence) continue;
    model_ = candidate;
    Remember();
    problem = CompareNow(prng.OneIn(4));
    if (problem.empty() && prng.OneIn(16)) problem = VerifyNow();
    return problem;
  }
  problem = "recovers to sequence " + std::to_string(stats->sequence) + ", should be";
  for (const Model& candidate : candidates) problem += " " + std::to_string(candidate.last);
  return problem;
}

namespace {

// What a read-only opening must leave alone: everything but the lock and the index. By path, hashes.
std::map<std::string, uint64_t> FilesOf(const io::SimEnv& disk) {
  const std::string index = std::string(crash::kStore) + "/index", lock = std::string(crash::kStore) + "/LOCK";
  std::map<std::string, uint64_t> files;
  for (const std::string& path : disk.Paths()) {
    if (path.compare(0, index.size(), index) == 0 || path == lock) continue;
    const auto content = disk.Content(path);
    files[path] = content.ok() ? base::Xxh64(*content, content->size()) : 0;
  }
  return files;
}

std::string Changed(const std::map<std::string, uint64_t>& before, const std::map<std::string, uint64_t>& after) {
  for (const auto& [path, hash] : before)
    if (const auto at = after.find(path); at == after.end() || at->second != hash)
      return path + (at == after.end() ? " was removed" : " was changed");
  for (const auto& [path, hash] : after)
    if (before.count(path) == 0) return path + " was made";
  return "";
}

}  // namespace

// Opens the store read-only: one of the models must be true, and nothing may change. `sequence`: of the newest change.
std::string World::LookOnly(const std::vector<Model>& candidates, Sequence* sequence) {
  Note([] { return "look read-only"; });
  const auto before = FilesOf(*disk_);
  engine::Options options = StoreOptions();
  options.read_only = true;
  options.create = false;
  auto opened = engine::Store::Open(*disk_, crash::kStore, options);
  ++totals_.operations;
  // A store that was still being made when the power failed is none.
  if (!opened.ok() && candidates.front().last == 1) return "";
  if (!opened.ok()) return "read-only: open: " + std::string(opened.status().message());
  const auto stats = (*opened)->GetStats();
  if (!stats.ok()) return "read-only: no statistics: " + std::string(stats.status().message());
  if (!stats->read_only) return "read-only: the statistics say that it is not";
  *sequence = stats->sequence;
  std::string problem = "is at sequence " + std::to_string(stats->sequence);
  // A store whose making was cut off may not have its first namespace yet.
  if (stats->sequence == 0 && candidates.front().last == 1) return "";
  for (const Model& candidate : candidates)
    if (candidate.last == stats->sequence) problem = Compare(**opened, candidate, {true});
  if (problem.empty() && base::CodeOf(crash::Delete(**opened, "default", "a")) != Code::kReadOnly)
    problem = "a change is not refused";
  if (problem.empty() && !(*opened)->Close().ok()) problem = "close fails";
  opened->reset();
  // What a failed sync left in the page cache goes from there, which is no change of the disk.
  if (problem.empty() && !setting_.io_faults) problem = Changed(before, FilesOf(*disk_));
  return problem.empty() ? "" : "read-only: " + problem;
}

// A recovered store goes on working, until the power fails again or it is closed.
std::string World::Live(base::Prng& prng) {
  if (store_ == nullptr) return "";
  std::string problem;
  for (uint64_t left = prng.Below(3); left > 0 && problem.empty(); --left) {
    Choice choice(prng.Next(), model_, setting_.sizes);
    problem = Operate(choice, 1 + choice.prng.Below(2));
  }
  if (!problem.empty()) return problem;
  if (depth_ < kDepthMax && prng.OneIn(4)) {
    Choice choice(prng.Next(), model_, setting_.sizes);
    return PowerCut(choice);
  }
  if (prng.OneIn(4)) {
    Choice choice(prng.Next(), model_, setting_.sizes);
    return Compact(choice);
  }
  return prng.OneIn(4) ? LoseIndex() : "";
}

// The power fails, now or in the middle of a group.
std::string World::PowerCut(Choice& choice) {
  std::string problem = CheckSnapshots();
  if (!problem.empty()) return problem;
  Model after = model_;
  if (choice.prng.OneIn(3)) {
    Note([] { return "power cut"; });
  } else {
    disk_->CrashAfter(choice.prng.Below(choice.prng.OneIn(4) ? 30 : 5));
    const uint64_t what = choice.prng.Below(8);
    Status status;
    if (what < 6) {
      const std::vector<Op> group = Group(choice, 1 + choice.prng.Below(3));
      status = prop::Commit(*store_, group).status();
      if (prop::Expect(after, group) != Code::kOk) after = model_;
    } else if (what == 6) {
      engine::CompactOptions options;
      options.full = choice.prng.OneIn(2);
      follower_.Compacted();
      (void)store_->Compact(options);
    } else {
      (void)store_->Close();
    }
    Note([] { return "power cut during that"; });
    ++totals_.operations;
    if (status.ok()) model_ = after;  // acknowledged
  }
  Image image = TakeImage(model_, choice.prng);
  if (after.last != model_.last) image.candidates.push_back(after);
  trace_.Mix(disk_->trace_hash());
  disk_->SetEffectHook({});
  disk_->CrashAfter(0);
  CloseStore();
  if (depth_ > 0) return CheckImage(std::move(image));
  disk_ = std::move(image.disk);
  disk_->SetEffectHook([this] { OnEffect(); });
  image_effects_.clear();
  return Recover(std::move(image.candidates), choice.prng);
}

}  // namespace jzse::sim
