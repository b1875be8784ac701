// SPDX-License-Identifier: Apache-2.0
// Names: listing, delete, copy, move, directories; and snapshots, which listings and reads go by.
#include "capi/handles.h"

using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace engine = jzse::engine;

namespace jzse::capi {

StatusOr<engine::ListOptions> TakeList(const jzse_store* store, const jzse_list_options* options) {
  engine::ListOptions list;
  JZSE_ASSIGN_OR_RETURN(const jzse_list_options given, Take(options));
  if (given.with_deleted > 1) return Fail(Code::kInvalid, "jzse_list_options.with_deleted: 0 or 1");
  JZSE_RETURN_IF_ERROR(CheckSnapshot(store, given.snapshot));
  list.with_deleted = given.with_deleted != 0;
  if (given.prefix != nullptr) list.prefix = given.prefix;
  if (given.delimiter != nullptr) list.delimiter = given.delimiter;
  if (given.start_after != nullptr) list.start_after = given.start_after;
  list.limit = given.limit;
  if (given.snapshot != nullptr) list.snapshot = given.snapshot->engine.get();
  return list;
}

}  // namespace jzse::capi

// ---- list

int jzse_list_open(jzse_store* store, const char* ns, const jzse_list_options* options, jzse_list** list,
                   jzse_error* error) {
  if (list != nullptr) *list = nullptr;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {list, "list"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ListOptions listing, TakeList(store, options));
    JZSE_ASSIGN_OR_RETURN(auto opened, engine.List(ns, listing));
    *list = new jzse_list(store, std::move(opened));
    return absl::OkStatus();
  });
}

int jzse_list_next(jzse_list* list, const jzse_list_entry** entry, jzse_error* error) {
  if (entry != nullptr) *entry = nullptr;
  return Enter(error, [&]() -> Status {
    if (list == nullptr || entry == nullptr) return Need({{list, "list"}, {entry, "entry"}});
    JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const next, list->engine->Next());
    if (next == nullptr) return absl::OkStatus();
    list->entry.path = next->path.c_str();
    StoreFileInfo(next->info, &list->entry.info);
    *entry = &list->entry;
    return absl::OkStatus();
  });
}

void jzse_list_close(jzse_list* list) { delete list; }

// ---- delete, copy, move

int jzse_delete(jzse_store* store, const char* ns, const char* path, const jzse_change_options* options,
                jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_RECURSIVE));
    engine::Transaction transaction;
    JZSE_RETURN_IF_ERROR(engine.AddDelete(transaction, ns, path, change));
    return engine.Commit(std::move(transaction)).status();
  });
}

int jzse_copy(jzse_store* store, const char* ns, const char* path, const char* to_ns, const char* to_path,
              const jzse_change_options* options, jzse_file_info* info, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {to_ns, "to_ns"}, {to_path, "to_path"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_NO_REPLACE));
    engine::Transaction transaction;
    JZSE_RETURN_IF_ERROR(engine.AddCopy(transaction, ns, path, to_ns, to_path, change));
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found, engine.Commit(std::move(transaction)));
    Give(FileInfoOf(found), info);
    return absl::OkStatus();
  });
}

int jzse_move(jzse_store* store, const char* ns, const char* path, const char* to_path,
              const jzse_change_options* options, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {to_path, "to_path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_NO_REPLACE));
    engine::Transaction transaction;
    JZSE_RETURN_IF_ERROR(engine.AddMove(transaction, ns, path, to_path, change));
    return engine.Commit(std::move(transaction)).status();
  });
}

int jzse_mkdir(jzse_store* store, const char* ns, const char* path, const jzse_put_options* options,
               jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    engine::Transaction transaction;
    JZSE_RETURN_IF_ERROR(engine.AddMkdir(transaction, ns, path, put));
    return engine.Commit(std::move(transaction)).status();
  });
}

// ---- snapshots

int jzse_snapshot_open(jzse_store* store, jzse_snapshot** snapshot, jzse_error* error) {
  if (snapshot != nullptr) *snapshot = nullptr;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(snapshot, "snapshot"));
    JZSE_ASSIGN_OR_RETURN(auto opened, engine.OpenSnapshot());
    *snapshot = new jzse_snapshot(store, std::move(opened));
    return absl::OkStatus();
  });
}

uint64_t jzse_snapshot_sequence(const jzse_snapshot* snapshot) {
  return snapshot == nullptr ? 0 : snapshot->engine->sequence();
}

void jzse_snapshot_close(jzse_snapshot* snapshot) { delete snapshot; }
