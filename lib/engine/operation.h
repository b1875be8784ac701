// SPDX-License-Identifier: Apache-2.0
// What a caller asks for, checked and prepared as far as it can be without the newest state.
//
// Threads: values; one thread at a time.
#ifndef JZSE_ENGINE_OPERATION_H_
#define JZSE_ENGINE_OPERATION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"

#include "engine/engine.h"
#include "store/store.h"

namespace jzse::engine {

struct Operation {
  enum class Kind {
    kPut, kDelete, kMove, kCopy, kMkdir, kSetAttributes, kRestore, kDeleteVersions, kNamespace
  };
  Kind kind = Kind::kPut;
  base::NamespaceId ns = 0;
  model::NamespacePolicy policy;     // of ns, as known when it was added
  std::string ns_name;
  std::string path, to_path;         // canonical
  PutOptions put;
  ChangeOptions change;
  std::vector<Sequence> versions;    // restore: one; delete versions
  base::FileId file;                 // delete versions: of this file only, if not empty

  // Content of a put.
  uint64_t size = 0;
  Hash256 hash;
  store::InlineEncoding encoding = store::InlineEncoding::kNone;
  std::string owned;                 // the stored inline bytes, if copied or compressed
  Bytes inline_bytes;                // as stored; in `owned` or the caller's
  std::string manifest;
  std::shared_ptr<store::ChunkPins> pins;  // shared: an operation may be built again from the same content

  store::NamespaceRecord record;     // kNamespace
  bool create = false;

  // What it takes in memory until it is committed, about.
  size_t bytes() const {
    size_t sum = 512 + inline_bytes.size() + path.size() + to_path.size() + put.attributes.content_type.size();
    for (const auto& [key, value] : put.attributes.metadata) sum += 64 + key.size() + value.size();
    return sum;
  }
  // Whether it only gives space back, or makes that possible.
  bool frees() const {
    return kind == Kind::kDelete || kind == Kind::kDeleteVersions || (kind == Kind::kNamespace && !create);
  }
};

struct TransactionState {
  absl::InlinedVector<std::unique_ptr<Operation>, 1> operations;
  size_t bytes = 0;                  // of the operations, as far as they were counted
};

}  // namespace jzse::engine

#endif  // JZSE_ENGINE_OPERATION_H_
