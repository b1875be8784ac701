// SPDX-License-Identifier: Apache-2.0
// One world: a simulated disk, the real engine on it, and the model that says what the engine must show. Everything that
// happens follows from the seed.
//
// A world goes through a list of actions, each made from a seed of its own and the model's state, so that a failing list
// stays runnable when actions are taken out of it. During actions images of the disk are taken as a power cut would leave
// it; each becomes a world of its own (deeper by one), which recovers, possibly fails again, and is compared.
//
// Every method that can find a problem returns it, or "".
//
// Threads: one; LevelDB's own has nothing to do when a call returns (engine::Options::settled_index).
#ifndef JZSE_TESTS_SIM_WORLD_H_
#define JZSE_TESTS_SIM_WORLD_H_

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "../prop/engine_checks.h"
#include "../prop/engine_choice.h"
#include "totals.h"

namespace jzse::sim {

// What kind of life a seed gets.
struct Setting {
  bool leveldb = false;    // the real index; else one in memory, rebuilt at every open
  bool io_faults = false;  // calls that fail, disks that fill up, allocations that fail (not under LevelDB: it cannot)
  bool damage = false;     // images of the disk are damaged, too
  prop::Sizes sizes = prop::Sizes::kSmall;
  uint64_t images_rarer = 1;  // by this factor fewer images of the disk
  uint64_t actions = 0;
};
Setting SettingOf(uint64_t seed);
uint64_t ActionSeed(uint64_t seed, uint64_t index);

inline constexpr int kDepthMax = 3;  // power cuts in a row: in work, in the recovery from that, in the recovery from this

class World {
 public:
  World(const Setting& setting, uint64_t seed, Totals& totals);
  ~World();

  // Opens an empty disk and makes the namespaces.
  std::string Begin();
  std::string Act(uint64_t seed);
  std::string Finish();

  uint64_t trace_hash() const { return trace_.hash(); }
  // What was done, one line an action; only if asked for before Begin.
  void KeepNotes() { keep_notes_ = true; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  // What a power cut left of a world, where one of the models is true.
  struct Image {
    std::unique_ptr<io::SimEnv> disk;
    std::vector<prop::Model> candidates;
    uint64_t seed = 0;
    std::string story;
  };
  World(const World& parent, Image image);

  template <typename Text>
  void Note(Text text) {
    if (keep_notes_) notes_.push_back(text());
  }

  // world.cc
  engine::Options StoreOptions();
  std::string Open();
  std::string Expect(const char* what, base::Code want, const base::Status& status);
  std::string CompareNow(bool versions);
  std::string VerifyNow();
  std::string DropSnapshots();
  void CloseStore();

  // actions.cc
  std::string Operate(prop::Choice& choice, uint64_t count);
  std::string OperateTogether(prop::Choice& choice);
  std::string WriteThrough(prop::Choice& choice);
  std::string Read(prop::Choice& choice);
  std::string ChangeNamespace(prop::Choice& choice);
  std::string Compact(prop::Choice& choice);
  std::string Reopen();
  std::string LoseIndex();
  std::string TakeSnapshot(prop::Choice& choice);
  std::string ReadFeed(prop::Choice& choice);
  std::string CheckSnapshots();
  std::string JumpClock(prop::Choice& choice);
  std::vector<prop::Op> Group(prop::Choice& choice, uint64_t count);

  // power.cc
  void PlanImages(base::Prng& prng, uint64_t one_in, uint64_t effects_max);
  void OnEffect();
  std::string CheckImages(const prop::Model& before);
  std::string PowerCut(prop::Choice& choice);
  Image TakeImage(const prop::Model& before, base::Prng& prng) const;
  std::string CheckImage(Image image) const;
  std::string Recover(std::vector<prop::Model> candidates, base::Prng& prng);
  std::string LookOnly(const std::vector<prop::Model>& candidates, base::Sequence* sequence);
  std::string Live(base::Prng& prng);

  // faults.cc
  base::Code PlanFault(prop::Choice& choice);
  template <typename Body>
  base::Status WithPlannedAllocation(Body body);
  void MendDisk();
  std::string ExpectFitting(const char* what, base::Code planned, const base::Status& status);
  std::string WorkOnBadDisk(prop::Choice& choice, base::Code planned, std::vector<prop::Model>* unknown);
  std::string FailCalls(prop::Choice& choice);
  std::string ComeBack(prop::Choice& choice, std::vector<prop::Model> candidates);

  // damage.cc
  void Remember();
  void RememberContent(const prop::Op& op);
  std::string DamageFile(io::SimEnv& disk, base::Prng& prng, const std::vector<std::string>& paths,
                         const std::string& path, const std::string& content);
  struct Hurt;
  std::string Damage(io::SimEnv& disk, base::Prng& prng, Hurt* hurt);
  std::string CheckDamaged(prop::Choice& choice);
  std::string CheckShortOpening(io::SimEnv& disk, base::Prng& prng);
  std::string OpenDamaged(io::SimEnv& disk, bool provable, base::Prng* live);
  std::string LiveDamaged(io::SimEnv& disk, std::unique_ptr<engine::Store> store, base::Prng& prng);
  std::string CheckServed(engine::Store& store, const std::string& ns, const prop::Space& space, bool* refused);

  const Setting setting_;
  Totals& totals_;
  Trace trace_;
  int depth_ = 0;
  std::unique_ptr<io::SimEnv> disk_;
  std::unique_ptr<engine::Store> store_;
  std::vector<prop::Held> snapshots_;  // before the store they borrow goes
  prop::Model model_;
  prop::Follower follower_;
  bool keep_notes_ = false;
  std::vector<std::string> notes_;
  uint64_t failing_allocation_ = 0;  // of the next call of the engine on a bad disk: the n-th fails

  // Effects of the action under way at which images are taken, last one first.
  std::vector<uint64_t> image_effects_;
  uint64_t effects_ = 0;
  base::Prng image_prng_{0};
  std::vector<Image> images_;

  // Only where the medium is damaged: every acknowledged state, all contents that ever were, and an older disk.
  std::deque<prop::Model> history_;
  std::set<uint64_t> ever_;
  std::unique_ptr<io::SimEnv> older_;
  base::Sequence older_at_ = 0;
};

}  // namespace jzse::sim

#endif  // JZSE_TESTS_SIM_WORLD_H_
