// SPDX-License-Identifier: Apache-2.0
#include "capi/archive_import.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace jzse::capi {
namespace {

using base::Code;
using base::Fail;
using model::ContentKind;

constexpr size_t kBatchCountMax = 256;
constexpr size_t kBatchBytesMax = 1 * base::kMiB;

engine::PutOptions OptionsOf(const ArchiveState& state) {
  engine::PutOptions options;
  options.kind = state.kind == ContentKind::kSymlink ? ContentKind::kSymlink : ContentKind::kFile;
  options.attributes = state.attributes;
  return options;
}

bool IsHistory(const ArchiveState& state) { return state.older || state.kind == ContentKind::kDeleted; }

}  // namespace

ArchiveImport::ArchiveImport(engine::Store& engine, std::string_view ns, int fd, bool with_versions,
                             engine::Progress progress)
    : engine_(engine), ns_(ns), with_versions_(with_versions), progress_(std::move(progress)), reader_(fd) {}

Status ArchiveImport::Run() {
  JZSE_RETURN_IF_ERROR(engine_.GetNamespace(ns_).status());
  const Status received = Receive();
  const Status stored = StoreBatch();
  return received.ok() ? stored : received;
}

// ---- receiving

Status ArchiveImport::Receive() {
  JZSE_ASSIGN_OR_RETURN(const bool versions_allowed, reader_.Begin());
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const ArchiveReader::Type type, reader_.Next());
    if (type == ArchiveReader::Type::kEnd) return Finish();
    if (type != ArchiveReader::Type::kState) return reader_.Damaged("a record is out of its place");
    JZSE_RETURN_IF_ERROR(ReceiveState(versions_allowed));
  }
}

Status ArchiveImport::ReceiveState(bool versions_allowed) {
  Item item;
  JZSE_ASSIGN_OR_RETURN(item.state, reader_.State());
  JZSE_RETURN_IF_ERROR(CheckOrder(item.state, versions_allowed));
  const ArchiveState& state = item.state;
  const bool wanted = with_versions_ || !IsHistory(state);
  if (wanted && state.size > kBatchBytesMax) {
    JZSE_RETURN_IF_ERROR(StoreBatch());
    return ReceiveLarge(state);
  }
  if (state.has_content()) {
    JZSE_RETURN_IF_ERROR(ReceiveContent(state, [&](Bytes piece) {
      if (wanted) item.content.append(piece);
      return absl::OkStatus();
    }));
  }
  if (!wanted) return absl::OkStatus();
  if (batch_.size() == kBatchCountMax || batch_bytes_ + item.content.size() > kBatchBytesMax) {
    JZSE_RETURN_IF_ERROR(StoreBatch());
  }
  batch_bytes_ += item.content.size();
  batch_.push_back(std::move(item));
  return absl::OkStatus();
}

Status ArchiveImport::CheckOrder(const ArchiveState& state, bool versions_allowed) {
  if (IsHistory(state) && !versions_allowed) return reader_.Damaged("the archive says it has no older versions");
  if (state.path <= last_path_) return reader_.Damaged("a path is out of order");
  if (!older_path_.empty() && state.path != older_path_) {
    return reader_.Damaged("older versions are not followed by the newest state");
  }
  if (state.kind == ContentKind::kDeleted && older_path_.empty()) {
    return reader_.Damaged("a deleted file has no older version");
  }
  if (state.older) {
    older_path_ = state.path;
    ++received_.older;
  } else {
    last_path_ = state.path;
    older_path_.clear();
    ++received_.newest;
  }
  received_.bytes += state.size;
  return absl::OkStatus();
}

Status ArchiveImport::ReceiveContent(const ArchiveState& state, const std::function<Status(Bytes)>& each) {
  base::Sha256Stream hash;
  uint64_t left = state.size;
  while (left > 0) {
    JZSE_ASSIGN_OR_RETURN(const ArchiveReader::Type type, reader_.Next());
    const Bytes piece = reader_.payload();
    if (type != ArchiveReader::Type::kPiece || piece.empty() || piece.size() > left) {
      return reader_.Damaged("the pieces of a content do not add up to its size");
    }
    hash.Update(piece);
    JZSE_RETURN_IF_ERROR(each(piece));
    left -= piece.size();
  }
  JZSE_ASSIGN_OR_RETURN(const ArchiveReader::Type type, reader_.Next());
  if (type != ArchiveReader::Type::kEndContent) {
    return reader_.Damaged("the pieces of a content do not add up to its size");
  }
  JZSE_ASSIGN_OR_RETURN(const base::Hash256 expected, reader_.EndContent());
  return hash.Finish() == expected ? absl::OkStatus() : reader_.Damaged("a content does not have its SHA-256");
}

Status ArchiveImport::ReceiveLarge(const ArchiveState& state) {
  JZSE_ASSIGN_OR_RETURN(auto writer, engine_.OpenWriter(ns_, state.path, OptionsOf(state)));
  JZSE_RETURN_IF_ERROR(ReceiveContent(state, [&writer](Bytes piece) { return writer->Write(piece); }));
  engine::Transaction transaction;
  JZSE_RETURN_IF_ERROR(engine_.AddWriter(transaction, std::move(writer)));
  JZSE_RETURN_IF_ERROR(engine_.Commit(std::move(transaction)).status());
  return Stored(state);
}

Status ArchiveImport::Finish() {
  if (!older_path_.empty()) return reader_.Damaged("older versions are not followed by the newest state");
  JZSE_ASSIGN_OR_RETURN(const ArchiveCounts claimed, reader_.End());
  if (claimed != received_) return reader_.Damaged("the end record counts other states");
  return reader_.AtEnd();
}

// ---- storing

Status ArchiveImport::Add(engine::Transaction& transaction, const Item& item) {
  const ArchiveState& state = item.state;
  if (state.kind == ContentKind::kDirectory) return AddDirectory(transaction, state);
  if (state.kind == ContentKind::kDeleted) return engine_.AddDelete(transaction, ns_, state.path, {});
  return engine_.AddPut(transaction, ns_, state.path, item.content, /*copy=*/false, OptionsOf(state));
}

Status ArchiveImport::AddDirectory(engine::Transaction& transaction, const ArchiveState& state) {
  const auto found = engine_.Stat(ns_, state.path, {});
  if (found.ok() && found->kind == ContentKind::kDirectory && found->sequence != 0) {
    return engine_.AddSetAttributes(transaction, ns_, state.path, OptionsOf(state));
  }
  return engine_.AddMkdir(transaction, ns_, state.path, OptionsOf(state));
}

Status ArchiveImport::StoreOne(const Item& item) {
  engine::Transaction transaction;
  JZSE_RETURN_IF_ERROR(Add(transaction, item));
  JZSE_RETURN_IF_ERROR(engine_.Commit(std::move(transaction)).status());
  return Stored(item.state);
}

Status ArchiveImport::StoreBatch() {
  const std::vector<Item> batch = std::exchange(batch_, {});
  batch_bytes_ = 0;
  if (batch.empty()) return absl::OkStatus();
  engine::Transaction together;
  Status status;
  for (size_t i = 0; i < batch.size() && status.ok(); ++i) status = Add(together, batch[i]);
  if (status.ok()) status = engine_.Commit(std::move(together)).status();
  if (!status.ok()) {
    for (const Item& item : batch) JZSE_RETURN_IF_ERROR(StoreOne(item));
    return absl::OkStatus();
  }
  for (const Item& item : batch) JZSE_RETURN_IF_ERROR(Stored(item.state));
  return absl::OkStatus();
}

Status ArchiveImport::Stored(const ArchiveState& state) {
  ++(state.older ? stored_.older : stored_.newest);
  stored_.bytes += state.size;
  if (!progress_ || progress_(stored_.newest, 0)) return absl::OkStatus();
  return Fail(Code::kClosed, absl::StrCat("import into ", ns_, " was cancelled"));
}

}  // namespace jzse::capi
