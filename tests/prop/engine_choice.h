// SPDX-License-Identifier: Apache-2.0
// Random operations that make sense against a model's state, and how they are given to a store.
//
// Not thread-safe.
#ifndef JZSE_TESTS_PROP_ENGINE_CHOICE_H_
#define JZSE_TESTS_PROP_ENGINE_CHOICE_H_

#include <memory>
#include <string>
#include <vector>

#include "engine_model.h"

namespace jzse::prop {

// How large contents are: everything up to a megabyte, or mostly a few bytes, so that millions of operations are cheap.
enum class Sizes { kAll, kSmall };

// What an action does, made from its seed and the model's state.
class Choice {
 public:
  Choice(uint64_t seed, const Model& model, Sizes sizes = Sizes::kAll) : prng(seed), model_(model), sizes_(sizes) {}

  std::string Space();
  // Names beside the slash in byte order, names that Unicode spells in two ways; among keys also names that are no paths.
  std::string Path(const std::string& ns);
  std::shared_ptr<const std::string> Data();
  // The etag of what is at the path, of something else, or "*".
  std::string Tag(const std::string& ns, const std::string& path);
  Sequence Version(const std::string& ns, const std::string& path);
  // A path that has a history, usually.
  std::string KnownPath(const std::string& ns);
  Op Operation();
  // A page of a listing: anything that the options allow.
  engine::ListOptions Page(const std::string& ns, const std::string& path);
  // Of a namespace that is there already, never fewer versions: the model does not know when compaction trims them
  // (tests/capi/retention_test.c does).
  model::NamespacePolicy Policy(model::NamespaceKind kind, const std::string& name);

  base::Prng prng;

 private:
  std::string AllData(uint64_t seed);
  std::string SmallData(uint64_t seed);

  const Model& model_;
  const Sizes sizes_;
};

// The namespaces besides "default" that Choice speaks of; it may create "temporary", too.
model::NamespacePolicy KeysPolicy();
model::NamespacePolicy SmallPolicy();

base::Status Add(engine::Store& store, engine::Transaction& t, const Op& op);
base::StatusOr<engine::FileInfo> Commit(engine::Store& store, const std::vector<Op>& group);
// What the engine must answer; the model follows if that is kOk. `seen` is what the engine showed when the operations were
// added, null: what the model is now.
Code Expect(Model& model, const std::vector<Op>& group, const Model* seen = nullptr);

}  // namespace jzse::prop

#endif  // JZSE_TESTS_PROP_ENGINE_CHOICE_H_
