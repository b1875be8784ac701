// SPDX-License-Identifier: Apache-2.0
// What a caller asks for, checked and prepared as far as it can be without the newest state.
//
// Threads: values; one thread at a time.
#ifndef JZSE_ENGINE_OPERATION_H_
#define JZSE_ENGINE_OPERATION_H_

#include <memory>
#include <string>
#include <vector>

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

  // Whether it only gives space back, or makes that possible.
  bool frees() const {
    return kind == Kind::kDelete || kind == Kind::kDeleteVersions || (kind == Kind::kNamespace && !create);
  }
};

struct TransactionState {
  std::vector<std::unique_ptr<Operation>> operations;
  size_t bytes() const {
    size_t sum = 0;
    for (const auto& operation : operations) sum += 512 + operation->inline_bytes.size();
    return sum;
  }
};

}  // namespace jzse::engine

#endif  // JZSE_ENGINE_OPERATION_H_
