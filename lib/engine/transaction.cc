// SPDX-License-Identifier: Apache-2.0
// Adding operations: names, options and contents are checked and prepared on the caller's thread.
#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"
#include "engine/writer.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

Transaction::Transaction() : state_(std::make_unique<TransactionState>()) {}
Transaction::~Transaction() = default;
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
size_t Transaction::size() const { return state_ ? state_->operations.size() : 0; }

namespace {

Status CheckAttributes(std::string_view path, const Attributes& attributes) {
  model::Content content;
  content.kind = model::ContentKind::kDirectory;  // takes all attributes, and has no bytes to check
  content.content_type = attributes.content_type;
  content.metadata = attributes.metadata;
  content.mtime_ns = attributes.mtime_ns;
  content.mode = attributes.mode;
  const Status status = model::CheckContent(content);
  return status.ok() ? status : base::Annotate(status, model::Quoted(path));
}

void SortMetadata(Attributes& attributes) {
  std::sort(attributes.metadata.begin(), attributes.metadata.end());
}

}  // namespace

StatusOr<Operation*> StoreImpl::NewOperation(Transaction& t, Operation::Kind kind, std::string_view ns,
                                             std::string_view path) {
  JZSE_RETURN_IF_ERROR(CheckWritable());
  if (t.size() >= base::kTransactionChangesMax)
    return Fail(Code::kTooLarge, absl::StrCat("a group holds at most ", base::kTransactionChangesMax, " changes"));
  JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(ns));
  auto operation = std::make_unique<Operation>();
  operation->kind = kind;
  operation->ns = name.id;
  operation->policy = name.policy;
  operation->ns_name = ns;
  JZSE_ASSIGN_OR_RETURN(operation->path, model::CanonicalName(name.policy.kind, path));
  t.state().operations.push_back(std::move(operation));
  return t.state().operations.back().get();
}

// Takes the operation back when what follows fails.
#define JZSE_OR_UNDO(t, expression)              \
  do {                                           \
    if (Status undo_status_ = (expression); !undo_status_.ok()) { \
      (t).state().operations.pop_back();         \
      return undo_status_;                       \
    }                                            \
  } while (0)

// Counts the operation added last, when it is whole; takes it back if the group is too large with it.
Status StoreImpl::Count(Transaction& t) {
  TransactionState& state = t.state();
  const size_t bytes = state.operations.back()->bytes();
  if (state.bytes + bytes <= base::kTransactionBytesMax) {
    state.bytes += bytes;
    return {};
  }
  state.operations.pop_back();
  return Fail(Code::kTooLarge, absl::StrCat("a group holds at most ", base::kTransactionBytesMax,
                                            " bytes of names, attributes and small contents; this one holds ", state.bytes));
}

void StoreImpl::SetContent(Operation& operation, Bytes data, bool copy) {
  operation.size = data.size();
  operation.hash = base::Sha256(data);
  operation.encoding = store::InlineEncoding::kRaw;
  if (operation.policy.compression > 0 && data.size() >= 64 &&
      store::Compress(data, operation.policy.compression, &operation.owned)) {
    operation.encoding = store::InlineEncoding::kZstd;
    operation.inline_bytes = operation.owned;
    return;
  }
  operation.owned.clear();
  if (copy) operation.owned.assign(data);
  operation.inline_bytes = copy ? Bytes(operation.owned) : data;
}

Status StoreImpl::AddPut(Transaction& t, std::string_view ns, std::string_view path, Bytes data, bool copy,
                         const PutOptions& options) {
  if (data.size() > base::kInlineSizeMax) {
    JZSE_ASSIGN_OR_RETURN(auto writer, OpenWriter(ns, path, options));
    JZSE_RETURN_IF_ERROR(writer->Write(data));
    return AddWriter(t, std::move(writer));
  }
  JZSE_ASSIGN_OR_RETURN(Operation* const operation, NewOperation(t, Operation::Kind::kPut, ns, path));
  operation->put = options;
  SortMetadata(operation->put.attributes);
  JZSE_OR_UNDO(t, CheckAttributes(path, operation->put.attributes));
  if (options.kind == model::ContentKind::kSymlink && (data.empty() || data.size() > base::kSymlinkSizeMax)) {
    t.state().operations.pop_back();
    return Fail(data.empty() ? Code::kInvalid : Code::kTooLarge,
                absl::StrCat(model::Quoted(path), ": a symlink's target has 1 to ", base::kSymlinkSizeMax, " bytes"));
  }
  SetContent(*operation, data, copy);
  return Count(t);
}

Status StoreImpl::AddWriter(Transaction& t, std::unique_ptr<Writer> writer) {
  auto* const impl = static_cast<WriterImpl*>(writer.get());
  JZSE_RETURN_IF_ERROR(CheckWritable());
  if (t.size() >= base::kTransactionChangesMax)
    return Fail(Code::kTooLarge, absl::StrCat("a group holds at most ", base::kTransactionChangesMax, " changes"));
  JZSE_ASSIGN_OR_RETURN(auto operation, impl->Finish());
  t.state().operations.push_back(std::move(operation));
  return Count(t);
}

Status StoreImpl::AddDelete(Transaction& t, std::string_view ns, std::string_view path,
                            const ChangeOptions& options) {
  JZSE_ASSIGN_OR_RETURN(Operation* const operation, NewOperation(t, Operation::Kind::kDelete, ns, path));
  operation->change = options;
  return Count(t);
}

Status StoreImpl::AddMove(Transaction& t, std::string_view ns, std::string_view path, std::string_view to_path,
                          const ChangeOptions& options) {
  JZSE_ASSIGN_OR_RETURN(Operation* const operation, NewOperation(t, Operation::Kind::kMove, ns, path));
  operation->change = options;
  auto to = model::CanonicalName(operation->policy.kind, to_path);
  JZSE_OR_UNDO(t, to.status());
  operation->to_path = std::move(*to);
  return Count(t);
}

Status StoreImpl::AddCopy(Transaction& t, std::string_view ns, std::string_view path, std::string_view to_ns,
                          std::string_view to_path, const ChangeOptions& options) {
  JZSE_ASSIGN_OR_RETURN(const NamespaceName from, FindNamespace(ns));
  JZSE_ASSIGN_OR_RETURN(const NamespaceName to, FindNamespace(to_ns));
  if (from.id != to.id) {
    JZSE_ASSIGN_OR_RETURN(const std::string canonical, model::CanonicalName(from.policy.kind, path));
    return CopyAcross(t, from, canonical, to, to_ns, to_path, options);
  }
  JZSE_ASSIGN_OR_RETURN(Operation* const operation, NewOperation(t, Operation::Kind::kCopy, ns, path));
  operation->change = options;
  auto name = model::CanonicalName(operation->policy.kind, to_path);
  JZSE_OR_UNDO(t, name.status());
  operation->to_path = std::move(*name);
  return Count(t);
}

// Chunks are never shared between namespaces (that would tell what others hold), so the bytes are written again.
Status StoreImpl::CopyAcross(Transaction& t, const NamespaceName& from, const std::string& path,
                             const NamespaceName& to, std::string_view to_ns, std::string_view to_path,
                             const ChangeOptions& options) {
  JZSE_ASSIGN_OR_RETURN(auto reader, OpenReader(NameOf(from.id), path, {}));  // which no directory has
  if (!options.if_match.empty() && options.if_match != "*" &&
      options.if_match != base::HexEncode(reader->info().hash.view()))
    return Fail(Code::kPrecondition, absl::StrCat(model::Quoted(path), ": is not the expected ", options.if_match));
  PutOptions put;
  put.kind = reader->info().kind;
  put.attributes = reader->attributes();
  if (options.no_replace) {
    JZSE_ASSIGN_OR_RETURN(const std::string target, model::CanonicalName(to.policy.kind, to_path));
    const auto there = Stat(to_ns, target, {});
    if (there.ok()) return Fail(Code::kExists, absl::StrCat(model::Quoted(target), ": is there already"));
  }
  JZSE_ASSIGN_OR_RETURN(auto writer, OpenWriter(to_ns, to_path, put));
  std::string buffer(base::kMiB, '\0');
  for (uint64_t offset = 0; offset < reader->info().size;) {
    JZSE_ASSIGN_OR_RETURN(const size_t count, reader->ReadAt(offset, buffer.data(), buffer.size()));
    JZSE_RETURN_IF_ERROR(writer->Write(Bytes(buffer).substr(0, count)));
    offset += count;
  }
  JZSE_RETURN_IF_ERROR(AddWriter(t, std::move(writer)));
  t.state().operations.back()->change.no_replace = options.no_replace;  // it may come to be there until the commit
  return {};
}

Status StoreImpl::AddMkdir(Transaction& t, std::string_view ns, std::string_view path, const PutOptions& options) {
  JZSE_ASSIGN_OR_RETURN(Operation* const operation, NewOperation(t, Operation::Kind::kMkdir, ns, path));
  operation->put = options;
  SortMetadata(operation->put.attributes);
  JZSE_OR_UNDO(t, CheckAttributes(path, operation->put.attributes));
  return Count(t);
}

Status StoreImpl::AddSetAttributes(Transaction& t, std::string_view ns, std::string_view path,
                                   const PutOptions& options) {
  JZSE_ASSIGN_OR_RETURN(Operation* const operation, NewOperation(t, Operation::Kind::kSetAttributes, ns, path));
  operation->put = options;
  SortMetadata(operation->put.attributes);
  JZSE_OR_UNDO(t, CheckAttributes(path, operation->put.attributes));
  return Count(t);
}

Status StoreImpl::AddRestore(Transaction& t, std::string_view ns, std::string_view path, Sequence version) {
  JZSE_ASSIGN_OR_RETURN(Operation* const operation, NewOperation(t, Operation::Kind::kRestore, ns, path));
  operation->versions = {version};
  return Count(t);
}

Status StoreImpl::AddDeleteVersion(Transaction& t, std::string_view ns, std::string_view path, Sequence version) {
  JZSE_ASSIGN_OR_RETURN(Operation* const operation,
                        NewOperation(t, Operation::Kind::kDeleteVersions, ns, path));
  operation->versions = {version};
  return Count(t);
}

}  // namespace jzse::engine
