// SPDX-License-Identifier: Apache-2.0
// Retention after the fact: versions that have been superseded for longer than their namespace keeps them, or that are
// more than it keeps since its policy was lowered, are forgotten. (Each change forgets what is too many by itself.)
//
// Invariants:
//  1. A version's age counts from when it was superseded, which is not before the next content of its file was last
//     changed; until then it was the only good copy.
//  2. A version is forgotten under the path where its file is at that moment; if the file moves away before the commit,
//     the next round finds it again.
#include <algorithm>
#include <map>
#include <set>

#include "engine/store_impl.h"

namespace jzse::engine {

namespace {

constexpr size_t kFilesPerRound = 1024;
constexpr size_t kVersionsPerFile = 256;

struct Version {
  Sequence sequence = 0;
  uint64_t changed_ms = 0;
};
// One file's versions, the oldest first.
struct History {
  std::string path;          // of the newest of them
  std::vector<Version> versions;
};

}  // namespace

class Expiry {
 public:
  Expiry(StoreImpl& store, const NamespaceInfo& info, NamespaceId ns, uint64_t now_ms)
      : store_(store), info_(info), ns_(ns), now_ms_(now_ms) {}

  Status Run(uint64_t* expired) {
    for (std::string from; ;) {
      std::map<base::FileId, History> histories;
      JZSE_RETURN_IF_ERROR(Collect(&from, &histories));
      if (histories.empty()) return {};
      JZSE_RETURN_IF_ERROR(ForgetOf(histories, expired));
      if (from.empty()) return {};
    }
  }

 private:
  // The histories of the next files from the key `from` on; sets it to where to go on, "" at the end.
  Status Collect(std::string* from, std::map<base::FileId, History>* histories) {
    const std::string prefix = store::KeyPrefix('V', ns_);
    const auto view = store_.index_->View();
    const auto cursor = store_.index_->NewCursor(*view, store::CursorUse::kWalk);
    for (cursor->Seek(from->empty() ? prefix : *from);
         cursor->valid() && cursor->key().substr(0, prefix.size()) == prefix; cursor->Next()) {
      JZSE_ASSIGN_OR_RETURN(const FileEntry entry, store::DecodeFileEntry(cursor->key(), cursor->value()));
      if (histories->size() >= kFilesPerRound && !histories->contains(entry.id())) {
        from->assign(cursor->key());
        return {};
      }
      History& history = (*histories)[entry.id()];
      history.path = entry.file.path.path;
      history.versions.push_back({entry.sequence, entry.content().stamp.ms()});
    }
    from->clear();
    return cursor->status();
  }

  Status ForgetOf(const std::map<base::FileId, History>& histories, uint64_t* expired) {
    std::map<base::FileId, History> moved;
    for (const auto& [file, history] : histories) {
      if (store_.stopping_) return base::Fail(base::Code::kClosed, "the store is closing");
      JZSE_ASSIGN_OR_RETURN(const auto current, FileAt(history.path, file));
      if (current) {
        JZSE_RETURN_IF_ERROR(Forget(file, history, *current, expired));
      } else if (AnyDue(history)) {
        moved[file] = history;
      }
    }
    return moved.empty() ? Status() : ForgetMoved(moved, expired);
  }

  // The file's current state if it is at this path.
  StatusOr<std::optional<FileEntry>> FileAt(const std::string& path, const base::FileId& file) {
    for (const std::string& key : {store::PathKey(ns_, path), store::TombstoneKey(ns_, path, file)}) {
      std::string value;
      JZSE_ASSIGN_OR_RETURN(const bool found, store_.index_->Get(key, &value));
      if (!found) continue;
      JZSE_ASSIGN_OR_RETURN(FileEntry entry, store::DecodeFileEntry(key, value));
      if (entry.id() == file) return std::optional<FileEntry>(std::move(entry));
    }
    return std::optional<FileEntry>();
  }

  // Files that are not where their versions were: one walk over all names finds them.
  Status ForgetMoved(const std::map<base::FileId, History>& moved, uint64_t* expired) {
    std::vector<FileEntry> found;
    Status status;
    for (const char letter : {'P', 'T'}) {
      JZSE_RETURN_IF_ERROR(store_.index_->Scan(store::KeyPrefix(letter, ns_), nullptr, [&](Bytes key, Bytes value) {
        auto entry = store::DecodeFileEntry(key, value);
        if (!entry.ok()) {
          status = entry.status();
        } else if (moved.contains(entry->id())) {
          found.push_back(std::move(*entry));
        }
        return status.ok() && found.size() < moved.size();
      }));
      JZSE_RETURN_IF_ERROR(status);
    }
    for (const FileEntry& entry : found)
      JZSE_RETURN_IF_ERROR(Forget(entry.id(), moved.at(entry.id()), entry, expired));
    return {};
  }

  bool Old(uint64_t superseded_ms) const {
    const uint64_t age_ms = info_.policy.versions_age_max_s * 1000;
    return age_ms != 0 && now_ms_ >= age_ms && superseded_ms < now_ms_ - age_ms;
  }
  // Whether any may be due, whatever the current state says.
  bool AnyDue(const History& history) const {
    return history.versions.size() > info_.policy.versions_max || Old(history.versions.front().changed_ms);
  }

  Status Forget(const base::FileId& file, const History& history, const FileEntry& current, uint64_t* expired) {
    const auto& versions = history.versions;
    const size_t keep = info_.policy.versions_max;
    size_t due = versions.size() > keep ? versions.size() - keep : 0;
    while (due < versions.size()) {
      const bool last = due + 1 == versions.size();
      const uint64_t superseded_ms = last ? current.content().stamp.ms() : versions[due + 1].changed_ms;
      if (!Old(base::Planted("age-counts-from-writing") ? versions[due].changed_ms : superseded_ms)) break;
      ++due;
    }
    for (size_t begin = 0; begin < due; begin += kVersionsPerFile) {
      auto operation = std::make_unique<Operation>();
      operation->kind = Operation::Kind::kDeleteVersions;
      operation->ns = ns_;
      operation->policy = info_.policy;
      operation->ns_name = info_.name;
      operation->path = current.file.path.path;
      operation->file = file;
      for (size_t i = begin; i < std::min(due, begin + kVersionsPerFile); ++i)
        operation->versions.push_back(versions[i].sequence);
      *expired += operation->versions.size();
      Transaction t;
      t.state().operations.push_back(std::move(operation));
      JZSE_RETURN_IF_ERROR(store_.Commit(std::move(t)).status());
    }
    return {};
  }

  StoreImpl& store_;
  const NamespaceInfo& info_;
  const NamespaceId ns_;
  const uint64_t now_ms_;
};

Status StoreImpl::ExpireVersions(uint64_t* expired) {
  JZSE_ASSIGN_OR_RETURN(const auto namespaces, ListNamespaces());
  const uint64_t now_ms = static_cast<uint64_t>(env_.NowMicros() / 1000);
  for (const NamespaceInfo& info : namespaces) {
    if (info.version_count == 0) continue;
    JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(info.name));
    JZSE_RETURN_IF_ERROR(Expiry(*this, info, name.id, now_ms).Run(expired));
  }
  return {};
}

}  // namespace jzse::engine
