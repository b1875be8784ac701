// SPDX-License-Identifier: Apache-2.0
// Namespaces: names known in memory, changes as journal records like everything else.
#include <optional>

#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

namespace {

constexpr size_t kPurgeBatch = 4096;

NamespaceInfo InfoFrom(const store::NamespaceEntry& entry) {
  NamespaceInfo info;
  info.name = entry.record.name;
  info.policy = entry.record.policy;
  info.file_count = entry.totals.files;
  info.logical_bytes = entry.totals.bytes;
  info.version_count = entry.totals.versions;
  info.version_bytes = entry.totals.version_bytes;
  info.tombstone_count = entry.totals.tombstones;
  info.directory_count = entry.totals.directories;
  return info;
}

}  // namespace

StatusOr<NamespaceName> StoreImpl::FindNamespace(std::string_view name) const {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  {
    std::shared_lock lock(names_mutex_);
    if (const auto it = names_.by_name.find(name); it != names_.by_name.end()) return it->second;
  }
  JZSE_RETURN_IF_ERROR(model::CheckNamespaceName(name));
  return Fail(Code::kNotFound, absl::StrCat("namespace ", model::Quoted(name), " does not exist"));
}

StatusOr<NamespaceName> StoreImpl::FindNamespace(std::string_view name, const Snapshot* snapshot) const {
  const auto now = FindNamespace(name);
  if (snapshot == nullptr) return now;
  const auto& held = static_cast<const SnapshotImpl&>(*snapshot);
  if (now.ok() ? now->id <= held.last_namespace : !base::Is(now.status(), Code::kNotFound)) return now;
  // Dropped since, or dropped and made again.
  std::optional<NamespaceName> found;
  Status status;
  JZSE_RETURN_IF_ERROR(index_->Scan(*held.view.index, "N", [&](Bytes, Bytes value) {
    const auto entry = store::DecodeNamespaceEntry(value);
    if (!entry.ok()) status = entry.status();
    else if (!entry->record.dropped && entry->record.name == name) found = {entry->record.id, entry->record.policy};
    return status.ok() && !found;
  }));
  JZSE_RETURN_IF_ERROR(status);
  if (found) return *found;
  return Fail(Code::kNotFound, absl::StrCat("namespace ", model::Quoted(name), " did not exist when the snapshot was taken"));
}

NamespaceId StoreImpl::NewestNamespace() const {
  std::shared_lock lock(names_mutex_);
  return names_.by_id.empty() ? 0 : names_.by_id.rbegin()->first;
}

std::string StoreImpl::NameOf(NamespaceId id) const {
  std::shared_lock lock(names_mutex_);
  const auto it = names_.by_id.find(id);
  return it == names_.by_id.end() ? std::string() : it->second;
}

Status StoreImpl::LoadNamespaces() {
  Status status;
  JZSE_RETURN_IF_ERROR(index_->Scan("N", nullptr, [&](Bytes, Bytes value) {
    const auto entry = store::DecodeNamespaceEntry(value);
    if (!entry.ok()) {
      status = entry.status();
      return false;
    }
    last_namespace_ = std::max(last_namespace_, entry->record.id);
    if (!entry->record.dropped) {
      names_.by_name[entry->record.name] = {entry->record.id, entry->record.policy};
      names_.by_id[entry->record.id] = entry->record.name;
    }
    return true;
  }));
  return status;
}

// Creating, configuring and dropping are rare: they hold one lock over check and commit.
Status StoreImpl::ChangeNamespace(std::string_view name, const model::NamespacePolicy* policy, bool create,
                                  bool drop) {
  JZSE_RETURN_IF_ERROR(CheckWritable());
  JZSE_RETURN_IF_ERROR(model::CheckNamespaceName(name));
  if (policy != nullptr)
    JZSE_RETURN_IF_ERROR(base::Annotate(policy->Check(), absl::StrCat("namespace ", model::Quoted(name))));
  std::lock_guard one(namespace_mutex_);
  auto operation = std::make_unique<Operation>();
  operation->kind = Operation::Kind::kNamespace;
  operation->create = create;
  operation->record.name = name;
  operation->record.dropped = drop;
  {
    std::shared_lock lock(names_mutex_);
    const auto it = names_.by_name.find(name);
    if (create && it != names_.by_name.end())
      return Fail(Code::kExists, absl::StrCat("namespace ", model::Quoted(name), " exists"));
    if (create && names_.by_name.size() >= base::kNamespaceCountMax)
      return Fail(Code::kTooLarge, absl::StrCat("a store has at most ", base::kNamespaceCountMax, " namespaces"));
    if (!create && it == names_.by_name.end())
      return Fail(Code::kNotFound, absl::StrCat("namespace ", model::Quoted(name), " does not exist"));
    if (!create) {
      const model::NamespacePolicy& old = it->second.policy;
      operation->record.id = it->second.id;
      operation->record.policy = policy != nullptr ? *policy : old;
      const model::NamespacePolicy& next = operation->record.policy;
      const bool fixed = next.kind == old.kind && next.chunk_min == old.chunk_min &&
                         next.chunk_average == old.chunk_average && next.chunk_max == old.chunk_max;
      if (!fixed && !base::Planted("fixed-policy-changeable")) {
        return Fail(Code::kInvalid, absl::StrCat("namespace ", model::Quoted(name),
                                                 ": kind and chunk sizes are fixed at creation"));
      }
    }
  }
  if (create) {
    operation->record.id = ++last_namespace_;
    operation->record.policy = *policy;
  }
  const NamespaceId id = operation->record.id;
  Transaction t;
  t.state().operations.push_back(std::move(operation));
  JZSE_RETURN_IF_ERROR(Commit(std::move(t)).status());
  // It is dropped. What its files leave in the index goes now, or with the next open.
  for (bool done = !drop; !done;) {
    const Status purged = base::CatchOutOfMemory([&] {
      return RunExclusive([&](store::Stage& stage) -> Status {
        JZSE_ASSIGN_OR_RETURN(done, store::PurgeNamespace(id, kPurgeBatch, stage));
        return {};
      });
    });
    if (purged.ok()) continue;
    Log(1, absl::StrCat("the index still holds files of a dropped namespace: ", purged.message()));
    break;
  }
  return {};
}

Status StoreImpl::CreateNamespace(std::string_view name, const model::NamespacePolicy& policy) {
  return ChangeNamespace(name, &policy, true, false);
}
Status StoreImpl::ConfigureNamespace(std::string_view name, const model::NamespacePolicy& policy) {
  return ChangeNamespace(name, &policy, false, false);
}
Status StoreImpl::DropNamespace(std::string_view name) { return ChangeNamespace(name, nullptr, false, true); }

StatusOr<NamespaceInfo> StoreImpl::GetNamespace(std::string_view name) {
  JZSE_ASSIGN_OR_RETURN(const NamespaceName found, FindNamespace(name));
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool there, index_->Get(store::NamespaceKey(found.id), &value));
  if (!there) return Fail(Code::kNotFound, absl::StrCat("namespace ", model::Quoted(name), " does not exist"));
  JZSE_ASSIGN_OR_RETURN(const store::NamespaceEntry entry, store::DecodeNamespaceEntry(value));
  return InfoFrom(entry);
}

StatusOr<std::vector<NamespaceInfo>> StoreImpl::ListNamespaces() {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  std::vector<NamespaceInfo> list;
  Status status;
  JZSE_RETURN_IF_ERROR(index_->Scan("N", nullptr, [&](Bytes, Bytes value) {
    const auto entry = store::DecodeNamespaceEntry(value);
    if (!entry.ok()) {
      status = entry.status();
      return false;
    }
    if (!entry->record.dropped) list.push_back(InfoFrom(*entry));
    return true;
  }));
  JZSE_RETURN_IF_ERROR(status);
  std::sort(list.begin(), list.end(),
            [](const NamespaceInfo& a, const NamespaceInfo& b) { return a.name < b.name; });
  return list;
}

}  // namespace jzse::engine
