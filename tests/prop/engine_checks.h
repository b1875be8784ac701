// SPDX-License-Identifier: Apache-2.0
// What a store shows besides its dump, compared with a model: versions, snapshots, feeds. Every check returns the first
// problem, or "".
#ifndef JZSE_TESTS_PROP_ENGINE_CHECKS_H_
#define JZSE_TESTS_PROP_ENGINE_CHECKS_H_

#include <memory>
#include <string>

#include "engine_model.h"

namespace jzse::prop {

// A snapshot and what the model was then.
struct Held {
  std::unique_ptr<engine::Snapshot> snapshot;
  Model model;
};

// The versions of all files, live or deleted, at a path, with their bytes.
std::string CompareVersions(engine::Store& store, const std::string& ns, const Space& space, const std::string& path);
std::string CheckSnapshot(engine::Store& store, const Held& held, const std::string& ns, const Space& space);
// A follower that knows everything up to `after` learns every later state, in order.
std::string CheckFeed(engine::Store& store, const Model& model, Sequence after);

}  // namespace jzse::prop

#endif  // JZSE_TESTS_PROP_ENGINE_CHECKS_H_
