// SPDX-License-Identifier: Apache-2.0
// What a store shows besides its dump, compared with a model: listings, versions, snapshots, open readers, feeds. Every
// check returns the first problem, or "".
#ifndef JZSE_TESTS_PROP_ENGINE_CHECKS_H_
#define JZSE_TESTS_PROP_ENGINE_CHECKS_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine_model.h"

namespace jzse::prop {

// A moment that somebody holds: a snapshot, a listing and some readers, and what the model was then.
struct Held {
  struct Open {
    std::string name;
    std::unique_ptr<engine::Reader> reader;
    State state;
  };
  std::unique_ptr<engine::Snapshot> snapshot;
  std::unique_ptr<engine::Lister> listing;  // of "default"
  std::vector<Open> readers;
  Model model;
};
base::StatusOr<Held> Hold(engine::Store& store, const Model& model, base::Prng& prng);
// `model`: what is now. What a namespace held goes with it when it is dropped.
std::string CheckHeld(engine::Store& store, const Held& held, const Model& model);

// What a state says of itself, wherever it is told.
std::string CompareInfo(const engine::FileInfo& info, const State& state);
std::string CompareAttributes(const engine::Attributes& attributes, const State& state);
// What the answer to a group says of the file of its last operation.
std::string CheckAnswer(const Model& model, const Op& op, const engine::FileInfo& info);

// A page of a listing, entry by entry.
std::string CheckPage(engine::Store& store, const std::string& ns, const Space& space,
                      const engine::ListOptions& options);
// All pages, each after the last entry of the one before.
std::string CheckPages(engine::Store& store, const std::string& ns, const Space& space, engine::ListOptions options);
// The versions of all files, live or deleted, at a path, with their bytes.
std::string CompareVersions(engine::Store& store, const std::string& ns, const Space& space, const std::string& path,
                            const engine::Snapshot* snapshot = nullptr);

// A follower that knows everything up to `after` learns every later state, in order, group by group.
std::string CheckFeed(engine::Store& store, const Model& model, Sequence after);
// With a namespace and a prefix it hears what the whole feed says of them, no more and no less.
std::string CheckFilteredFeed(engine::Store& store, const Model& model, const engine::FeedOptions& options);

// One who keeps a copy of what there is, by path, from the feed alone, over openings and power cuts.
class Follower {
 public:
  // Compaction may forget deletions and moves: until the next look its copy may have what is gone.
  void Compacted() { compacted_ = true; }
  std::string Follow(engine::Store& store, const Model& model);

 private:
  struct Known {
    Sequence sequence = 0;
    base::FileId id;
  };
  struct Copy {
    uint64_t incarnation = 0;
    std::map<std::string, Known> files;
  };
  std::string Take(const engine::ChangeEvent& event);

  std::map<std::string, Copy> copies_;
  Sequence after_ = 0;
  bool compacted_ = false;
};

// Verify finds nothing, and counts what there is.
std::string CheckVerify(engine::Store& store, const Model& model);

}  // namespace jzse::prop

#endif  // JZSE_TESTS_PROP_ENGINE_CHECKS_H_
