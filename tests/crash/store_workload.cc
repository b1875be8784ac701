// SPDX-License-Identifier: Apache-2.0
// The workloads: see store_world.h.
#include "store_world.h"

namespace jzse::crash {
namespace {

using engine::PutOptions;
using engine::Transaction;

using Act = std::function<Status(Store&)>;

class Script {
 public:
  void Do(std::string name, Act act) {
    steps.push_back({std::move(name), [act = std::move(act)](io::Env&, std::unique_ptr<Store>& store) {
                       return act(*store);
                     }});
  }
  void Reopen() {
    steps.push_back({"close and open", [](io::Env& env, std::unique_ptr<Store>& store) -> Status {
                       JZSE_RETURN_IF_ERROR(store->Close());
                       store.reset();
                       JZSE_ASSIGN_OR_RETURN(store, OpenOn(env));
                       return {};
                     }});
  }
  void Open() {
    steps.push_back({"open", [](io::Env& env, std::unique_ptr<Store>& store) -> Status {
                       JZSE_ASSIGN_OR_RETURN(store, OpenOn(env));
                       return {};
                     }});
  }
  void Compact(bool full) {
    Do(full ? "compact fully" : "compact", [full](Store& store) {
      engine::CompactOptions options;
      options.full = full;
      return store.Compact(options).status();
    });
  }
  void Put(std::string ns, std::string path, std::string data) {
    Do("put " + path, [=](Store& store) { return crash::Put(store, ns, path, data); });
  }
  void Delete(std::string ns, std::string path, bool recursive = false) {
    Do("delete " + path, [=](Store& store) { return crash::Delete(store, ns, path, recursive); });
  }
  void Move(std::string ns, std::string from, std::string to) {
    Do("move " + from, [=](Store& store) { return crash::Move(store, ns, from, to); });
  }
  void Copy(std::string ns, std::string from, std::string to) {
    Do("copy " + from, [=](Store& store) -> Status {
      Transaction t;
      JZSE_RETURN_IF_ERROR(store.AddCopy(t, ns, from, ns, to, {}));
      return store.Commit(std::move(t)).status();
    });
  }

  std::vector<Step> steps;
};

PutOptions WithAttributes(uint32_t mode) {
  PutOptions options;
  options.attributes.mode = mode;
  options.attributes.content_type = "text/plain";
  options.attributes.metadata = {{"owner", "alice"}, {"colour", "blue"}};
  return options;
}

// The sequence of the oldest version of a file.
StatusOr<base::Sequence> OldestVersion(Store& store, std::string_view ns, std::string_view path) {
  JZSE_ASSIGN_OR_RETURN(const auto versions, store.ListVersions(ns, path));
  base::Sequence oldest = 0;
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const entry, versions->Next());
    if (entry == nullptr) return oldest;
    oldest = entry->info.sequence;
  }
}

model::NamespacePolicy CompressedKeys() {
  model::NamespacePolicy policy;
  policy.kind = model::NamespaceKind::kKeys;
  policy.compression = 3;
  policy.versions_max = 2;
  return policy;
}

void AddGroup(Script& script) {
  script.Do("group", [](Store& store) -> Status {
    Transaction t;
    const std::string chunked = Noise(20, 90'000);
    JZSE_RETURN_IF_ERROR(store.AddPut(t, "default", "group/one", "first", true, {}));
    JZSE_RETURN_IF_ERROR(store.AddCopy(t, "default", "group/one", "default", "group/two", {}));
    JZSE_RETURN_IF_ERROR(store.AddPut(t, "default", "group/one", "second", true, WithAttributes(0600)));
    JZSE_RETURN_IF_ERROR(store.AddPut(t, "default", "group/large", chunked, true, {}));
    JZSE_RETURN_IF_ERROR(store.AddMove(t, "default", "group/two", "group/moved", {}));
    return store.Commit(std::move(t)).status();
  });
}

void AddVersions(Script& script) {
  script.Do("restore a version", [](Store& store) -> Status {
    JZSE_ASSIGN_OR_RETURN(const base::Sequence version, OldestVersion(store, "default", "b"));
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddRestore(t, "default", "b", version));
    return store.Commit(std::move(t)).status();
  });
  script.Do("delete a version", [](Store& store) -> Status {
    JZSE_ASSIGN_OR_RETURN(const base::Sequence version, OldestVersion(store, "default", "b"));
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddDeleteVersion(t, "default", "b", version));
    return store.Commit(std::move(t)).status();
  });
}

void AddNamespaces(Script& script) {
  script.Do("create a namespace", [](Store& store) { return store.CreateNamespace("zip", CompressedKeys()); });
  script.Put("zip", "//odd key", Prose(3, 9'000));
  script.Put("zip", "large", Prose(4, 200'000));
  for (int i = 0; i < 4; ++i) script.Put("zip", "often", Prose(i, 700));
  script.Do("configure a namespace", [](Store& store) {
    model::NamespacePolicy policy = CompressedKeys();
    policy.versions_max = 1;
    policy.quota_files = 100;
    return store.ConfigureNamespace("zip", policy);
  });
  script.Put("zip", "often", Prose(9, 800));
}

}  // namespace

std::vector<Step> FullWorkload() {
  Script script;
  script.Open();
  script.Put("default", "a/empty", "");
  script.Put("default", "b", "one");
  script.Put("default", "b", "two");
  script.Put("default", "a/inline", Noise(1, base::kInlineSizeMax));
  script.Put("default", "a/large", Noise(2, 300'000));
  script.Put("default", "a/large", Noise(2, 150'000) + "edit" + Noise(2, 300'000).substr(150'000));
  script.Do("mkdir", [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddMkdir(t, "default", "empty directory", WithAttributes(0755)));
    return store.Commit(std::move(t)).status();
  });
  script.Do("set attributes", [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddSetAttributes(t, "default", "a/inline", WithAttributes(0644)));
    return store.Commit(std::move(t)).status();
  });
  script.Copy("default", "a/inline", "copy");
  script.Move("default", "b", "c/b");
  script.Put("default", "b", "another");
  AddNamespaces(script);
  AddGroup(script);
  script.Move("default", "a", "moved/a");
  script.Copy("default", "moved/a/large", "copy of large");
  script.Put("default", "b", "again");
  AddVersions(script);
  for (int i = 0; i < 5; ++i) script.Put("default", "roll" + std::to_string(i % 2), Noise(30 + i, 60'000));
  script.Compact(false);
  script.Delete("default", "moved/a/inline");
  script.Delete("default", "group", true);
  script.Reopen();
  script.Put("default", "roll0", "small now");
  script.Move("default", "roll1", "copy");
  script.Compact(true);
  script.Put("default", "after", Noise(40, 1000));
  script.Do("drop a namespace", [](Store& store) { return store.DropNamespace("zip"); });
  script.Reopen();
  script.Delete("default", "moved", true);
  script.Put("default", "b", Noise(41, 70'000));
  script.Compact(true);
  script.Reopen();
  return std::move(script.steps);
}

std::vector<Step> ShortWorkload() {
  Script script;
  script.Open();
  script.Put("default", "b", "one");
  script.Put("default", "b", "two");
  script.Put("default", "a/large", Noise(2, 100'000));
  script.Copy("default", "b", "c");
  for (int i = 0; i < 5; ++i) script.Put("default", "roll", Noise(30 + i, 60'000));
  AddGroup(script);
  script.Delete("default", "roll");
  script.Do("create a namespace", [](Store& store) { return store.CreateNamespace("zip", CompressedKeys()); });
  script.Put("zip", "key", Prose(3, 9'000));
  script.Reopen();
  script.Do("drop a namespace", [](Store& store) { return store.DropNamespace("zip"); });
  script.Compact(true);
  script.Put("default", "b", "three");
  script.Reopen();
  return std::move(script.steps);
}

}  // namespace jzse::crash
