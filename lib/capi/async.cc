// SPDX-License-Identifier: Apache-2.0
// The async twins: each builds the transaction or request that its blocking twin would, and hands it over with a
// slot of the queue as its completion.
//
// What a submission refuses at once leaves everything with the caller: nothing was taken over, no completion comes.
#include "capi/queue.h"

using jzse::base::Bytes;
using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace engine = jzse::engine;

namespace {

engine::Done DeliverTo(jzse_queue& queue, Slot* slot) {
  return [&queue, slot](const Status& status, const engine::FileInfo& info) { queue.Deliver(slot, status, info); };
}

Status Submit(jzse_queue& queue, uint64_t tag, engine::Transaction transaction) {
  JZSE_ASSIGN_OR_RETURN(Reservation reserved, queue.Reserve(tag));
  JZSE_RETURN_IF_ERROR(
      queue.store()->engine->CommitAsync(std::move(transaction), DeliverTo(queue, reserved.get())));
  reserved.Taken();  // by Deliver, and perhaps reaped by now
  return absl::OkStatus();
}

// For handles, which must stay whole when the submission is refused: the slot comes first, and whatever fails after
// the handle was taken over arrives as the completion. `fill` takes it over.
template <typename Fill>
Status SubmitTaken(jzse_queue& queue, uint64_t tag, Fill&& fill) {
  JZSE_ASSIGN_OR_RETURN(Reservation reserved, queue.Reserve(tag));
  engine::Transaction transaction;  // needs memory, so before the handle is taken over
  Slot* const slot = reserved.get();
  reserved.Taken();
  try {
    Status submitted = fill(&transaction);
    if (submitted.ok()) {
      submitted = queue.store()->engine->CommitAsync(std::move(transaction), DeliverTo(queue, slot));
    }
    if (!submitted.ok()) queue.Deliver(slot, submitted, {});
  } catch (const std::bad_alloc&) {
    slot->code = JZSE_NO_MEMORY;
    queue.Append(slot);
  }
  return absl::OkStatus();
}

template <typename Fill>
int EnterSubmit(jzse_queue* queue, uint64_t tag, jzse_error* error, Fill&& fill) noexcept {
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need(queue, "queue"));
    engine::Transaction transaction;
    JZSE_RETURN_IF_ERROR(fill(*queue->store()->engine, transaction));
    return Submit(*queue, tag, std::move(transaction));
  });
}

int SubmitGet(jzse_queue* queue, uint64_t tag, const char* ns, const char* path, const jzse_get_options* options,
              bool with_data, jzse_error* error) noexcept {
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{queue, "queue"}, {ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::GetOptions get, TakeGet(queue->store(), options));
    JZSE_ASSIGN_OR_RETURN(Reservation reserved, queue->Reserve(tag));
    Slot* const slot = reserved.get();
    slot->is_get = with_data;
    JZSE_RETURN_IF_ERROR(queue->store()->engine->GetAsync(
        ns, path, get, with_data,
        [queue, slot](const Status& status, const engine::FileInfo& info, jzse::base::Buffer&& data) {
          slot->content = std::move(data);
          queue->Deliver(slot, status, info);
        }));
    reserved.Taken();
    return absl::OkStatus();
  });
}

}  // namespace

int jzse_put_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path, const void* data, size_t size,
                   const jzse_put_options* options, jzse_error* error) {
  return EnterSubmit(queue, tag, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const Bytes bytes, TakeBytes(data, size));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    const bool copy = size <= jzse::base::kInlineSizeMax;
    return engine.AddPut(transaction, ns, path, bytes, copy, put);
  });
}

int jzse_get_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path,
                   const jzse_get_options* options, jzse_error* error) {
  return SubmitGet(queue, tag, ns, path, options, /*with_data=*/true, error);
}

int jzse_stat_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path,
                    const jzse_get_options* options, jzse_error* error) {
  return SubmitGet(queue, tag, ns, path, options, /*with_data=*/false, error);
}

int jzse_delete_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path,
                      const jzse_change_options* options, jzse_error* error) {
  return EnterSubmit(queue, tag, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_RECURSIVE));
    return engine.AddDelete(transaction, ns, path, change);
  });
}

int jzse_copy_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path, const char* to_ns,
                    const char* to_path, const jzse_change_options* options, jzse_error* error) {
  return EnterSubmit(queue, tag, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {to_ns, "to_ns"}, {to_path, "to_path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_NO_REPLACE));
    return engine.AddCopy(transaction, ns, path, to_ns, to_path, change);
  });
}

int jzse_move_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path, const char* to_path,
                    const jzse_change_options* options, jzse_error* error) {
  return EnterSubmit(queue, tag, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {to_path, "to_path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::ChangeOptions change, TakeChange(options, JZSE_NO_REPLACE));
    return engine.AddMove(transaction, ns, path, to_path, change);
  });
}

int jzse_mkdir_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path,
                     const jzse_put_options* options, jzse_error* error) {
  return EnterSubmit(queue, tag, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    return engine.AddMkdir(transaction, ns, path, put);
  });
}

int jzse_metadata_set_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path,
                            const jzse_put_options* options, jzse_error* error) {
  return EnterSubmit(queue, tag, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    return engine.AddSetAttributes(transaction, ns, path, put);
  });
}

int jzse_version_restore_async(jzse_queue* queue, uint64_t tag, const char* ns, const char* path,
                               uint64_t version, jzse_error* error) {
  return EnterSubmit(queue, tag, error, [&](engine::Store& engine, engine::Transaction& transaction) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    return engine.AddRestore(transaction, ns, path, version);
  });
}

int jzse_writer_commit_async(jzse_queue* queue, uint64_t tag, jzse_writer* writer, jzse_error* error) {
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{queue, "queue"}, {writer, "writer"}}));
    if (writer->store != queue->store()) return Fail(Code::kInvalid, "the writer belongs to another store");
    return SubmitTaken(*queue, tag, [&](engine::Transaction* transaction) {
      const std::unique_ptr<jzse_writer> gone(writer);
      return gone->store->engine->AddWriter(*transaction, std::move(gone->engine));
    });
  });
}

int jzse_group_commit_async(jzse_queue* queue, uint64_t tag, jzse_group* group, jzse_error* error) {
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{queue, "queue"}, {group, "group"}}));
    if (group->store != queue->store()) return Fail(Code::kInvalid, "the group belongs to another store");
    return SubmitTaken(*queue, tag, [&](engine::Transaction* transaction) {
      const std::unique_ptr<jzse_group> gone(group);
      *transaction = std::move(gone->transaction);
      return absl::OkStatus();
    });
  });
}
