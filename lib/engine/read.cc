// SPDX-License-Identifier: Apache-2.0
// Reading files: one look-up, one positioned read, checked. No lock is shared with writers. Open readers are in reader.cc.
//
// Compaction may move a record between look-up and read; the segment is then gone from the set and the look-up is
// repeated. A read under a view (snapshot, open reader) cannot meet this: the view holds the segments.
#include <algorithm>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;
using model::Content;
using model::ContentKind;

namespace {

// The one error that a second look-up mends.
bool MovedAway(const Status& status) { return base::Is(status, Code::kBusy); }

}  // namespace

StatusOr<bool> StoreImpl::Load(const std::string& key, const store::ReadView* view, std::string* value) {
  if (base::Planted("snapshot-sees-later")) view = nullptr;
  return view != nullptr ? index_->Get(*view->index, key, value) : index_->Get(key, value);
}

Status StoreImpl::Scan(const std::string& prefix, const store::ReadView* view, const Each& each) {
  return view != nullptr ? index_->Scan(*view->index, prefix, each) : index_->Scan(prefix, nullptr, each);
}

StatusOr<bool> StoreImpl::HasLiveUnder(const std::string& prefix, const store::ReadView* view) {
  bool live = false;
  Status status;
  const auto each = [&](Bytes, Bytes value) {
    const auto is_live = store::IsLiveValue(value);
    if (!is_live.ok()) status = is_live.status();
    live = is_live.ok() && *is_live;
    return status.ok() && !live;
  };
  JZSE_RETURN_IF_ERROR(Scan(prefix, view, each));
  JZSE_RETURN_IF_ERROR(status);
  return live;
}

// A version by its sequence: the current state, an older one, or one of a deleted file that had the path.
StatusOr<FileEntry> StoreImpl::FindVersion(NamespaceId ns, const std::string& path, Sequence version,
                                           const store::ReadView* view) {
  std::string value;
  std::vector<base::FileId> files;
  const std::string key = store::PathKey(ns, path);
  JZSE_ASSIGN_OR_RETURN(const bool found, Load(key, view, &value));
  if (found) {
    JZSE_ASSIGN_OR_RETURN(FileEntry entry, store::DecodeFileEntry(key, value));
    if (entry.sequence == version && entry.live()) return entry;
    files.push_back(entry.id());
  }
  const std::string prefix = store::TombstonePrefix(ns, path);
  Status damaged;
  const auto each = [&](Bytes claimant, Bytes tombstone) {
    const auto entry = store::DecodeFileEntry(claimant, tombstone);
    if (entry.ok()) files.push_back(entry->id());
    if (!entry.ok()) damaged = entry.status();
    return true;
  };
  JZSE_RETURN_IF_ERROR(Scan(prefix, view, each));
  for (const base::FileId& file : files) {
    const std::string older = store::VersionKey(ns, file, version);
    JZSE_ASSIGN_OR_RETURN(const bool there, Load(older, view, &value));
    if (there) return store::DecodeFileEntry(older, value);
  }
  JZSE_RETURN_IF_ERROR(damaged);
  return Fail(Code::kNotFound, absl::StrCat(model::Quoted(path), ": has no version ", version));
}

StatusOr<StoreImpl::Found> StoreImpl::FindFile(std::string_view ns, std::string_view path,
                                               const GetOptions& options) {
  JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(ns, options.snapshot));
  Found found;
  found.ns = name.id;
  JZSE_ASSIGN_OR_RETURN(found.path, model::CanonicalName(name.policy.kind, path));
  const store::ReadView* const view = ViewOf(options);
  if (options.version != 0) {
    JZSE_ASSIGN_OR_RETURN(found.entry, FindVersion(found.ns, found.path, options.version, view));
    return found;
  }
  std::string value;
  const std::string key = store::PathKey(found.ns, found.path);
  JZSE_ASSIGN_OR_RETURN(const bool there, Load(key, view, &value));
  if (there) {
    JZSE_ASSIGN_OR_RETURN(found.entry, store::DecodeFileEntry(key, value));
    if (found.entry.live()) return found;
  }
  if (name.policy.kind == model::NamespaceKind::kTree) {
    // An implied directory.
    JZSE_ASSIGN_OR_RETURN(const bool below, HasLiveUnder(store::PathKey(found.ns, found.path + "/"), view));
    if (below) {
      found.entry = {};
      Content directory;
      directory.kind = ContentKind::kDirectory;
      found.entry.file.contents.push_back({directory, {}, {}, {}});
      found.entry.file.path.path = found.path;
      return found;
    }
  }
  return NotFound(found.path);
}

StatusOr<FileInfo> StoreImpl::Stat(std::string_view ns, std::string_view path, const GetOptions& options) {
  JZSE_ASSIGN_OR_RETURN(const Found found, FindFile(ns, path, options));
  return InfoOf(found.entry);
}

// The record that holds the entry's inline bytes.
StatusOr<store::Location> StoreImpl::HolderOf(const FileEntry& entry, const store::ReadView* view) {
  const Content& content = entry.content().content;
  if (content.storage != Content::Storage::kReference) return entry.location;
  std::string value;
  JZSE_ASSIGN_OR_RETURN(const bool found, Load(store::HolderKey(content.reference), view, &value));
  if (!found) return Fail(Code::kBusy, "the holder of the content is gone");  // the entry is out of date
  JZSE_ASSIGN_OR_RETURN(const store::HolderEntry holder, store::DecodeHolder(value));
  return holder.location;
}

namespace {

// Leaves the inline content in the buffer that its record was read into.
Status TakeInline(const store::ChangeRecord& change, base::Buffer* data) {
  if (change.encoding == store::InlineEncoding::kNone) return Fail(Code::kCorrupt, "the record holds no content");
  if (change.encoding == store::InlineEncoding::kRaw) {
    data->Keep(static_cast<size_t>(change.inline_bytes.data() - data->data()), change.inline_size);
    return {};
  }
  base::Buffer content;
  content.Reset(change.inline_size);
  JZSE_RETURN_IF_ERROR(store::DecodeContent(change.encoding, change.inline_bytes, change.inline_size, content.data()));
  *data = std::move(content);
  return {};
}

}  // namespace

Status StoreImpl::ReadInline(const Found& found, const store::ReadView* view, base::Buffer* data) {
  JZSE_ASSIGN_OR_RETURN(const store::Location location, HolderOf(found.entry, view));
  const store::SegmentRef segment =
      view != nullptr ? FindIn(view->segments, location.segment) : segments_.Find(location.segment);
  if (!segment) return Fail(Code::kBusy, absl::StrCat("segment ", location.segment, " is gone"));
  store::RecordHeader header;
  auto payload = segment->ReadRecord(location, &header, data);
  if (!payload.ok()) {
    if (base::Is(payload.status(), Code::kCorrupt)) ++counters_.corrupt_records;
    return base::Annotate(payload.status(), model::Quoted(found.path));
  }
  if ((header.flags & store::kFlagGroupFirst) != 0) payload->remove_prefix(store::kGroupPrefixSize);
  JZSE_ASSIGN_OR_RETURN(const store::ChangeRecord change, store::DecodeChange(*payload));
  if (change.inline_size != found.entry.content().content.size)
    return Fail(Code::kCorrupt, absl::StrCat(model::Quoted(found.path), ": the content's size does not match"));
  return TakeInline(change, data);
}

// The current content by its remembered place. False: not remembered, or out of date; then the index tells.
bool StoreImpl::ReadHot(NamespaceId ns, const std::string& key, base::Buffer* data, FileInfo* info,
                        Attributes* attributes, store::LocationCache::Ticket* ticket) {
  const auto location = index_->places().Find(key, ticket);
  if (!location) return false;
  const store::SegmentRef segment = segments_.Find(location->segment);
  if (!segment) return false;
  store::RecordHeader header;
  auto payload = segment->ReadRecord(*location, &header, data);
  if (!payload.ok()) return false;
  if ((header.flags & store::kFlagGroupFirst) != 0) payload->remove_prefix(store::kGroupPrefixSize);
  auto change = store::DecodeChange(*payload);
  if (!change.ok() || change->ns != ns || change->file.path.path != store::PathOfKey(key)) return false;
  const Content& content = change->file.winner().content;
  if (content.storage != Content::Storage::kInline || content.size != change->inline_size ||
      !TakeInline(*change, data).ok())
    return false;
  const FileEntry entry{header.sequence, *location, change->type, change->floor, 0, std::move(change->file)};
  if (info != nullptr) *info = InfoOf(entry);
  if (attributes != nullptr) *attributes = AttributesOf(entry);
  return true;
}

// Large contents go where they are wanted at once; small ones lie in the buffer that their record was read into.
StatusOr<FileInfo> StoreImpl::ReadInto(std::string_view ns, std::string_view path, const GetOptions& options,
                                       const Place& place) {
  const auto ask = [&](uint64_t size) -> StatusOr<char*> {
    char* const to = place(size);
    if (to == nullptr && size > 0)
      return Fail(Code::kClosed, absl::StrCat(model::Quoted(path), ": no memory was given for ", size, " bytes"));
    return to;
  };
  base::Buffer data;
  std::unique_ptr<Reader> reader;
  JZSE_ASSIGN_OR_RETURN(const FileInfo info, ReadOrOpen(ns, path, options, &data, nullptr, &reader));
  JZSE_ASSIGN_OR_RETURN(char* const to, ask(reader ? info.size : data.size()));
  if (!reader) {
    std::copy_n(data.view().data(), data.size(), to);
    return info;
  }
  JZSE_ASSIGN_OR_RETURN(const size_t count, reader->ReadAt(0, to, info.size));
  if (count != info.size)
    return Fail(Code::kCorrupt, absl::StrCat(model::Quoted(path), ": the content is cut short"));
  return info;
}

StatusOr<FileInfo> StoreImpl::Read(std::string_view ns, std::string_view path, const GetOptions& options,
                                   base::Buffer* data, Attributes* attributes) {
  std::unique_ptr<Reader> reader;
  JZSE_ASSIGN_OR_RETURN(const FileInfo info, ReadOrOpen(ns, path, options, data, attributes, &reader));
  if (!reader) return info;
  if (info.size > std::string().max_size())
    return Fail(Code::kNoMemory, absl::StrCat(model::Quoted(path), ": too large for memory"));
  data->Reset(info.size);
  JZSE_ASSIGN_OR_RETURN(const size_t count, reader->ReadAt(0, data->data(), data->size()));
  if (count != data->size())
    return Fail(Code::kCorrupt, absl::StrCat(model::Quoted(path), ": the content is cut short"));
  if (attributes != nullptr) *attributes = reader->attributes();
  return info;
}

// The content of a small file, or a reader of a large one.
StatusOr<FileInfo> StoreImpl::ReadOrOpen(std::string_view ns, std::string_view path, const GetOptions& options,
                                         base::Buffer* data, Attributes* attributes,
                                         std::unique_ptr<Reader>* reader) {
  const bool current = data != nullptr && options.snapshot == nullptr && options.version == 0;
  store::LocationCache::Ticket ticket;
  if (current) {
    JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(ns));
    JZSE_ASSIGN_OR_RETURN(const std::string canonical, model::CanonicalName(name.policy.kind, path));
    FileInfo info;
    if (ReadHot(name.id, store::PathKey(name.id, canonical), data, &info, attributes, &ticket)) return info;
  }
  for (int attempt = 0;; ++attempt) {
    JZSE_ASSIGN_OR_RETURN(const Found found, FindFile(ns, path, options));
    const Content& content = found.entry.content().content;
    if (data == nullptr) {
      if (attributes != nullptr) *attributes = AttributesOf(found.entry);
      return InfoOf(found.entry);
    }
    if (content.kind == ContentKind::kDirectory)
      return Fail(Code::kExists, absl::StrCat(model::Quoted(found.path), ": is a directory"));
    if (content.storage == Content::Storage::kChunked) {
      JZSE_ASSIGN_OR_RETURN(*reader, OpenReader(ns, path, options));
      return (*reader)->info();
    }
    const Status status = ReadInline(found, ViewOf(options), data);
    if (MovedAway(status)) {
      if (attempt < kAttemptsMax) continue;
      return Fail(Code::kCorrupt, absl::StrCat(model::Quoted(found.path), ": ", status.message()));
    }
    JZSE_RETURN_IF_ERROR(status);
    if (current && content.storage == Content::Storage::kInline) index_->places().Insert(ticket, found.entry.location);
    if (attributes != nullptr) *attributes = AttributesOf(found.entry);
    return InfoOf(found.entry);
  }
}

StatusOr<FileInfo> Store::Get(std::string_view ns, std::string_view path, const GetOptions& options,
                              std::string* data, Attributes* attributes) {
  base::Buffer buffer;
  JZSE_ASSIGN_OR_RETURN(FileInfo info, Read(ns, path, options, data == nullptr ? nullptr : &buffer, attributes));
  if (data != nullptr) data->assign(buffer.view());
  return info;
}

StatusOr<size_t> StoreImpl::ReadRange(std::string_view ns, std::string_view path, const GetOptions& options,
                                      uint64_t offset, char* buffer, size_t size) {
  if (options.snapshot == nullptr && options.version == 0) {
    JZSE_ASSIGN_OR_RETURN(const NamespaceName name, FindNamespace(ns));
    JZSE_ASSIGN_OR_RETURN(const std::string canonical, model::CanonicalName(name.policy.kind, path));
    store::LocationCache::Ticket ticket;
    base::Buffer data;
    if (ReadHot(name.id, store::PathKey(name.id, canonical), &data, nullptr, nullptr, &ticket)) {
      if (offset >= data.size()) return size_t{0};
      const Bytes piece = data.view().substr(base::Planted("range-from-the-start") ? 0 : offset, size);
      std::copy_n(piece.data(), piece.size(), buffer);
      return piece.size();
    }
    JZSE_ASSIGN_OR_RETURN(const Found found, FindFile(ns, path, options));
    if (found.entry.content().content.storage == Content::Storage::kInline)
      index_->places().Insert(ticket, found.entry.location);
  }
  JZSE_ASSIGN_OR_RETURN(const auto reader, OpenReader(ns, path, options));
  return reader->ReadAt(offset, buffer, size);
}

// ------------------------------------------------------------------------------------------------ views

store::ReadView StoreImpl::NewView() {
  // Segments first: a segment that compaction adds afterwards is not needed by an older index view, and one that it
  // removes in between is still held here. A view whose index names a newer segment than held is taken again.
  for (int attempt = 0;; ++attempt) {
    store::ReadView view;
    const store::SegmentMap before = segments_.Now();
    view.index = index_->View();
    view.segments = segments_.Now();
    if (before == view.segments || attempt >= kAttemptsMax) {
      if (before != view.segments) {
        // The set changes faster than it can be read: take both generations.
        auto both = std::make_shared<std::map<base::SegmentId, store::SegmentRef>>(*before);
        both->insert(view.segments->begin(), view.segments->end());
        view.segments = std::move(both);
      }
      return view;
    }
  }
}

StatusOr<std::unique_ptr<Snapshot>> StoreImpl::OpenSnapshot() {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  if (snapshots_open_.fetch_add(1) >= base::kSnapshotsMax) {
    --snapshots_open_;
    return Fail(Code::kBusy, absl::StrCat("at most ", base::kSnapshotsMax, " snapshots are open at once"));
  }
  absl::Cleanup refused = [this] { --snapshots_open_; };
  // The moment lies between two commits.
  std::unique_lock commit(commit_mutex_);
  const Sequence sequence = visible_;
  auto view = NewView();
  const NamespaceId last_namespace = NewestNamespace();
  commit.unlock();
  auto snapshot = std::make_unique<SnapshotImpl>(std::move(view), sequence, last_namespace, snapshots_open_);
  std::move(refused).Cancel();
  return snapshot;
}

}  // namespace jzse::engine
