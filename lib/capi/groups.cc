// SPDX-License-Identifier: Apache-2.0
// Atomic groups: a transaction that the caller fills over several calls.
#include "capi/handles.h"

using jzse::base::Bytes;
using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace engine = jzse::engine;

namespace {

// Runs `body` with the engine and the group's transaction.
template <typename Body>
int EnterGroup(jzse_group* group, jzse_error* error, Body&& body) noexcept {
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need(group, "group"));
    return body(*group->store->engine, group->transaction);
  });
}

}  // namespace

int jzse_group_begin(jzse_store* store, jzse_group** group, jzse_error* error) {
  if (group != nullptr) *group = nullptr;
  return EnterStore(store, error, [&](engine::Store&) -> Status {
    JZSE_RETURN_IF_ERROR(Need(group, "group"));
    *group = new jzse_group(store);
    return absl::OkStatus();
  });
}

int jzse_group_put(jzse_group* group, const char* ns, const char* path, const void* data, size_t size,
                   const jzse_put_options* options, jzse_error* error) {
  return EnterGroup(group, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const Bytes bytes, TakeBytes(data, size));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    return engine.AddPut(transaction, ns, path, bytes, /*copy=*/true, put);
  });
}

int jzse_group_add_writer(jzse_group* group, jzse_writer* writer, jzse_error* error) {
  const std::unique_ptr<jzse_writer> taken(writer);  // whatever is answered
  return EnterGroup(group, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need(writer, "writer"));
    if (taken->store != group->store) return Fail(Code::kInvalid, "the writer belongs to another store");
    return engine.AddWriter(transaction, std::move(taken->engine));
  });
}

int jzse_group_delete(jzse_group* group, const char* ns, const char* path, const jzse_change_options* options,
                      jzse_error* error) {
  return EnterGroup(group, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_RECURSIVE));
    return engine.AddDelete(transaction, ns, path, change);
  });
}

int jzse_group_move(jzse_group* group, const char* ns, const char* path, const char* to_path,
                    const jzse_change_options* options, jzse_error* error) {
  return EnterGroup(group, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {to_path, "to_path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_NO_REPLACE));
    return engine.AddMove(transaction, ns, path, to_path, change);
  });
}

int jzse_group_copy(jzse_group* group, const char* ns, const char* path, const char* to_ns, const char* to_path,
                    const jzse_change_options* options, jzse_error* error) {
  return EnterGroup(group, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {to_ns, "to_ns"}, {to_path, "to_path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_NO_REPLACE));
    return engine.AddCopy(transaction, ns, path, to_ns, to_path, change);
  });
}

int jzse_group_mkdir(jzse_group* group, const char* ns, const char* path, const jzse_put_options* options,
                     jzse_error* error) {
  return EnterGroup(group, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    return engine.AddMkdir(transaction, ns, path, put);
  });
}

int jzse_group_commit(jzse_group* group, jzse_error* error) {
  const std::unique_ptr<jzse_group> gone(group);
  return EnterGroup(group, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    return engine.Commit(std::move(transaction)).status();
  });
}

void jzse_group_abort(jzse_group* group) { delete group; }
