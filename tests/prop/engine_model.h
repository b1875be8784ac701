// SPDX-License-Identifier: Apache-2.0
// The engine as somebody would write it who only cares about being right: maps in memory, copied (cheaply: copies share
// what neither changes) for every group. What jzse.h says an operation does is written down here a second time.
//
// Values; not thread-safe.
#ifndef JZSE_TESTS_PROP_ENGINE_MODEL_H_
#define JZSE_TESTS_PROP_ENGINE_MODEL_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../crash/store_world.h"

namespace jzse::prop {

using base::Code;
using base::Sequence;
using model::ContentKind;

struct State {
  Sequence sequence = 0;
  ContentKind kind = ContentKind::kDeleted;
  std::string path;
  std::shared_ptr<const std::string> data;  // shared by all copies of the model
  uint32_t mode = 0;
  std::string type;
  int64_t mtime_ns = 0;
  engine::Metadata metadata;    // in order of keys
  Sequence group_last = 0;      // the last change of the group that made it

  bool has_content() const { return kind == ContentKind::kFile || kind == ContentKind::kSymlink; }
  uint64_t logical_size() const { return kind == ContentKind::kFile ? data->size() : 0; }
};

struct File {
  State now;
  Sequence floor = 0;
  std::map<Sequence, State> versions;
  bool live() const { return now.kind != ContentKind::kDeleted; }
};

struct Op {
  enum class Kind { kPut, kDelete, kMove, kCopy, kMkdir, kSetAttributes, kRestore, kDeleteVersion };
  Kind kind = Kind::kPut;
  std::string ns, path, to_ns, to;
  ContentKind content = ContentKind::kFile;
  std::shared_ptr<const std::string> data;
  uint32_t mode = 0;
  std::string type, if_match, if_none_match;
  int64_t mtime_ns = 0;
  engine::Metadata metadata;
  bool recursive = false, no_replace = false;
  Sequence version = 0;

  std::string ToString() const;
};

// The etag of an inline content.
std::string TagOf(const std::string& data);

class Space {
 public:
  explicit Space(const model::NamespacePolicy& policy) : policy(policy) {}

  const File* Live(const std::string& path) const;
  const File* Owner(const std::string& path) const;   // the live file there, or the file deleted there last
  bool HasBelow(const std::string& path) const;
  std::vector<const File*> Below(const std::string& path) const;  // live, in order of path
  std::vector<const File*> At(const std::string& path) const;
  // The file to be changed: no other copy of the model sees it. Pointers to what it was stay valid only if there are
  // such copies.
  File& Own(const File* file);

  model::NamespacePolicy policy;
  uint64_t incarnation = 0;                       // differs between two of the same name
  std::vector<std::shared_ptr<File>> files;       // shared by copies of the model until one changes them: see Own
};

class Model {
 public:
  Model();

  // The code the engine must answer. After a failure nothing has changed.
  Code Apply(const std::vector<Op>& group);
  Code CreateNamespace(const std::string& name, const model::NamespacePolicy& policy);
  Code ConfigureNamespace(const std::string& name, const model::NamespacePolicy& policy);
  Code DropNamespace(const std::string& name);
  // What compaction does to versions that are too many since their namespace's policy was lowered; how many went.
  uint64_t Expire();

  crash::Dump ToDump() const;

  Sequence last = 1;  // the namespace "default"
  std::map<std::string, Space> spaces;

 private:
  Code ApplyOne(const Op& op);
  Code Put(Space& ns, const Op& op);
  Code Delete(Space& ns, const Op& op);
  Code Move(Space& ns, const Op& op);
  Code Copy(Space& from, Space& to, const Op& op);
  Code Mkdir(Space& ns, const Op& op);
  Code SetAttributes(Space& ns, const Op& op);
  Code Restore(Space& ns, const Op& op);
  Code DeleteVersion(Space& ns, const Op& op);
  Code CheckPlace(Space& ns, const std::string& path, const File* owner);
  Code CheckParents(Space& ns, const std::string& path);
  Code SetContent(Space& ns, const std::string& path, State state, bool check_quota = true);
  void DeleteOne(Space& ns, const File* file);
  void MarkGroup(Sequence before);
};

}  // namespace jzse::prop

#endif  // JZSE_TESTS_PROP_ENGINE_MODEL_H_
