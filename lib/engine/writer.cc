// SPDX-License-Identifier: Apache-2.0
#include "engine/writer.h"

#include "absl/strings/str_cat.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

namespace {

constexpr size_t kBufferSize = 4 * base::kMiB;
constexpr size_t kDirectSize = 256 * base::kKiB;
static_assert(kDirectSize > base::kInlineSizeMax);

}  // namespace

WriterImpl::WriterImpl(StoreImpl& store, std::unique_ptr<Operation> operation)
    : store_(store), operation_(std::move(operation)),
      manifest_([this](const Hash256& hash, Bytes node) {
        return store_.chunks_->Put(operation_->ns, hash, node, 0, operation_->pins.get());
      }) {
  operation_->pins = std::make_shared<store::ChunkPins>(*store.chunks_);
}

WriterImpl::~WriterImpl() { --store_.writers_open_; }

Status WriterImpl::StoreChunk(Bytes chunk) {
  const Hash256 hash = base::Sha256(chunk);
  JZSE_RETURN_IF_ERROR(
      store_.chunks_->Put(operation_->ns, hash, chunk, operation_->policy.compression, operation_->pins.get()));
  return manifest_.Add(hash, chunk.size());
}

// Stores the whole chunks that `bytes` begins with, and takes them off; all of it if `final`.
Status WriterImpl::Cut(Bytes* bytes, bool final) {
  const model::NamespacePolicy& policy = operation_->policy;
  const store::ChunkSizes sizes{policy.chunk_min, policy.chunk_average, policy.chunk_max};
  while (!bytes->empty() && (final || bytes->size() >= sizes.max || base::Planted("cuts-depend-on-buffer"))) {
    const size_t cut = store::NextCut(*bytes, sizes);
    JZSE_RETURN_IF_ERROR(StoreChunk(bytes->substr(0, cut)));
    bytes->remove_prefix(cut);
  }
  return {};
}

Status WriterImpl::CutBuffer(bool final) {
  Bytes rest(buffer_);
  JZSE_RETURN_IF_ERROR(Cut(&rest, final));
  buffer_.erase(0, buffer_.size() - rest.size());
  return {};
}

Status WriterImpl::Write(Bytes bytes) {
  if (written_.ok()) written_ = base::CatchOutOfMemory([&] { return WriteAll(bytes); });
  return written_;
}

Status WriterImpl::WriteAll(Bytes bytes) {
  if (size_ + bytes.size() > base::kFileSizeMax) {
    return Fail(Code::kTooLarge, absl::StrCat(model::Quoted(operation_->path), ": larger than ",
                                              base::kFileSizeMax, " bytes"));
  }
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (buffer_.empty() && bytes.size() >= kDirectSize) {
      // Too much to be inline: its chunks are cut where they lie, and only what is left of them is kept.
      JZSE_RETURN_IF_ERROR(Cut(&bytes, false));
      buffer_.append(bytes);
      bytes = {};
    } else {
      const size_t piece = std::min(bytes.size(), kBufferSize - buffer_.size());
      buffer_.append(bytes.substr(0, piece));
      bytes.remove_prefix(piece);
      if (buffer_.size() < kBufferSize) continue;
      JZSE_RETURN_IF_ERROR(CutBuffer(false));
    }
    // A huge content must not pile up in memory until it is committed.
    if (store_.chunks_->pending_count() >= base::kPendingChunksMax) {
      JZSE_RETURN_IF_ERROR(store_.chunks_->Sync(*operation_->pins));
      JZSE_RETURN_IF_ERROR(store_.PublishChunks());
    }
  }
  return {};
}

StatusOr<std::unique_ptr<Operation>> WriterImpl::Finish() {
  if (!base::Planted("writer-forgets-failure")) JZSE_RETURN_IF_ERROR(written_);
  if (operation_->put.kind == model::ContentKind::kSymlink && (size_ == 0 || size_ > base::kSymlinkSizeMax)) {
    return Fail(size_ == 0 ? Code::kInvalid : Code::kTooLarge,
                absl::StrCat(model::Quoted(operation_->path), ": a symlink's target has 1 to ", base::kSymlinkSizeMax,
                             " bytes"));
  }
  if (size_ <= base::kInlineSizeMax + (base::Planted("inline-threshold-off-by-one") ? 1 : 0)) {
    operation_->pins.reset();
    operation_->owned = std::move(buffer_);
    const std::string content = operation_->owned;
    store_.SetContent(*operation_, content, true);
    return std::move(operation_);
  }
  JZSE_RETURN_IF_ERROR(CutBuffer(true));
  JZSE_ASSIGN_OR_RETURN(operation_->manifest, manifest_.Finish());
  operation_->size = size_;
  operation_->hash = base::Sha256(operation_->manifest);
  JZSE_RETURN_IF_ERROR(store_.chunks_->Sync(*operation_->pins));
  return std::move(operation_);
}

StatusOr<std::unique_ptr<Writer>> StoreImpl::OpenWriter(std::string_view ns, std::string_view path,
                                                        const PutOptions& options) {
  // The same checks as a put of nothing.
  Transaction probe;
  PutOptions checked = options;
  if (options.kind == model::ContentKind::kSymlink) checked.kind = model::ContentKind::kFile;
  JZSE_RETURN_IF_ERROR(AddPut(probe, ns, path, {}, false, checked));
  auto operation = std::move(probe.state().operations.back());
  operation->put.kind = options.kind;
  if (writers_open_.fetch_add(1) >= base::kWritersMax) {
    --writers_open_;
    return Fail(Code::kBusy, absl::StrCat("at most ", base::kWritersMax, " writers are open at once"));
  }
  return std::unique_ptr<Writer>(std::make_unique<WriterImpl>(*this, std::move(operation)));
}

}  // namespace jzse::engine
