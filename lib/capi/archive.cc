// SPDX-License-Identifier: Apache-2.0
// Archives: export of a namespace, by a snapshot, and the doors of both directions.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "capi/archive_format.h"
#include "capi/archive_import.h"
#include "capi/handles.h"

using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace base = jzse::base;
namespace engine = jzse::engine;

namespace jzse::capi {
namespace {

using model::ContentKind;

class ArchiveExport {
 public:
  ArchiveExport(engine::Store& engine, const char* ns, int fd, bool with_versions, engine::Progress progress)
      : engine_(engine), ns_(ns), with_versions_(with_versions), progress_(std::move(progress)), writer_(fd) {}

  Status Run(const engine::Snapshot* snapshot, const char* prefix);
  const ArchiveCounts& counts() const { return counts_; }

 private:
  Status Newest(const engine::ListEntry& entry);
  Status Older(const engine::ListEntry& entry, bool* any);
  Status File(const std::string& path, bool older, engine::Reader& reader);
  Status Content(engine::Reader& reader);
  Status Written(const ArchiveState& state);

  engine::Store& engine_;
  const std::string ns_;
  const bool with_versions_;
  const engine::Progress progress_;
  ArchiveWriter writer_;
  engine::GetOptions newest_;
  uint64_t total_ = 0;
  ArchiveCounts counts_;
};

Status ArchiveExport::Run(const engine::Snapshot* snapshot, const char* prefix) {
  engine::ListOptions listing;
  listing.with_deleted = with_versions_;
  listing.snapshot = newest_.snapshot = snapshot;
  if (prefix != nullptr) listing.prefix = prefix;
  JZSE_ASSIGN_OR_RETURN(const engine::NamespaceInfo info, engine_.GetNamespace(ns_));
  if (listing.prefix.empty()) total_ = info.file_count;
  JZSE_ASSIGN_OR_RETURN(const auto lister, engine_.List(ns_, listing));
  JZSE_RETURN_IF_ERROR(writer_.Begin(with_versions_));
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const entry, lister->Next());
    if (entry == nullptr) break;
    bool any_older = false;
    if (with_versions_) JZSE_RETURN_IF_ERROR(Older(*entry, &any_older));
    if (entry->info.kind == ContentKind::kDeleted && !any_older) continue;  // nothing of it is left
    JZSE_RETURN_IF_ERROR(Newest(*entry));
  }
  return writer_.End(counts_);
}

Status ArchiveExport::Newest(const engine::ListEntry& entry) {
  ArchiveState state;
  state.kind = entry.info.kind;
  state.path = entry.path;
  if (state.has_content()) {
    JZSE_ASSIGN_OR_RETURN(const auto reader, engine_.OpenReader(ns_, entry.path, newest_));
    return File(entry.path, /*older=*/false, *reader);
  }
  if (state.kind == ContentKind::kDirectory) {
    JZSE_RETURN_IF_ERROR(engine_.Read(ns_, entry.path, newest_, nullptr, &state.attributes).status());
    state.attributes.mtime_ns = entry.info.mtime_ns;
  }
  JZSE_RETURN_IF_ERROR(writer_.State(state));
  return Written(state);
}

// As the snapshot sees them, without one as they are now; those dropped meanwhile are left out.
Status ArchiveExport::Older(const engine::ListEntry& entry, bool* any) {
  JZSE_ASSIGN_OR_RETURN(const auto lister, engine_.ListVersions(ns_, entry.path, newest_.snapshot));
  std::vector<base::Sequence> older;
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const version, lister->Next());
    if (version == nullptr) break;
    const ContentKind kind = version->info.kind;
    if (version->info.sequence < entry.info.sequence &&
        (kind == ContentKind::kFile || kind == ContentKind::kSymlink)) {
      older.push_back(version->info.sequence);
    }
  }
  if (base::Planted("archive-history-reversed")) std::reverse(older.begin(), older.end());
  for (auto sequence = older.rbegin(); sequence != older.rend(); ++sequence) {
    engine::GetOptions get = newest_;
    get.version = *sequence;
    const auto reader = engine_.OpenReader(ns_, entry.path, get);
    if (base::Is(reader.status(), Code::kNotFound)) continue;
    JZSE_RETURN_IF_ERROR(reader.status());
    JZSE_RETURN_IF_ERROR(File(entry.path, /*older=*/true, **reader));
    *any = true;
  }
  return absl::OkStatus();
}

Status ArchiveExport::File(const std::string& path, bool older, engine::Reader& reader) {
  ArchiveState state;
  state.kind = reader.info().kind;
  state.older = older;
  state.path = path;
  state.size = reader.info().size;
  state.attributes = reader.attributes();
  state.attributes.mtime_ns = reader.info().mtime_ns;  // also when it is that of the change
  JZSE_RETURN_IF_ERROR(writer_.State(state));
  JZSE_RETURN_IF_ERROR(Content(reader));
  return Written(state);
}

Status ArchiveExport::Content(engine::Reader& reader) {
  const uint64_t size = reader.info().size;
  std::string piece(std::min<uint64_t>(size, kArchivePieceMax), '\0');
  base::Sha256Stream hash;
  for (uint64_t offset = 0; offset < size;) {
    JZSE_ASSIGN_OR_RETURN(const size_t count, reader.ReadAt(offset, piece.data(), piece.size()));
    if (count == 0) return Fail(Code::kCorrupt, absl::StrCat(ns_, ": a content ends early, at ", offset));
    hash.Update({piece.data(), count});
    JZSE_RETURN_IF_ERROR(writer_.Piece({piece.data(), count}));
    offset += count;
  }
  return writer_.EndContent(hash.Finish());
}

Status ArchiveExport::Written(const ArchiveState& state) {
  ++(state.older ? counts_.older : counts_.newest);
  counts_.bytes += state.size;
  if (!progress_ || progress_(counts_.newest, std::max(total_, counts_.newest))) return absl::OkStatus();
  return Fail(Code::kClosed, absl::StrCat("export of ", ns_, " was cancelled"));
}

void GiveReport(const ArchiveCounts& counts, jzse_archive_report* report) {
  jzse_archive_report filled = JZSE_ARCHIVE_REPORT_INIT;
  filled.files = counts.newest;
  filled.versions = counts.older;
  filled.bytes = counts.bytes;
  Give(filled, report);
}

StatusOr<jzse_archive_options> TakeArchive(const jzse_store* store, const jzse_archive_options* options) {
  JZSE_ASSIGN_OR_RETURN(const jzse_archive_options given, Take(options));
  if (given.versions > 1) return Fail(Code::kInvalid, "jzse_archive_options.versions: 0 or 1");
  JZSE_RETURN_IF_ERROR(CheckSnapshot(store, given.snapshot));
  return given;
}

}  // namespace
}  // namespace jzse::capi

int jzse_archive_export(jzse_store* store, const char* ns, int fd, const jzse_archive_options* options,
                        jzse_archive_report* report, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(ns, "ns"));
    JZSE_RETURN_IF_ERROR(CheckResult(report));
    JZSE_ASSIGN_OR_RETURN(const jzse_archive_options given, TakeArchive(store, options));
    std::unique_ptr<engine::Snapshot> own;
    if (given.snapshot == nullptr) {
      JZSE_ASSIGN_OR_RETURN(own, engine.OpenSnapshot());
    }
    ArchiveExport archive(engine, ns, fd, given.versions != 0, ProgressOf(given.progress, given.context));
    const Status status =
        archive.Run(given.snapshot == nullptr ? own.get() : given.snapshot->engine.get(), given.prefix);
    GiveReport(archive.counts(), report);
    return status;
  });
}

int jzse_archive_import(jzse_store* store, const char* ns, int fd, const jzse_archive_options* options,
                        jzse_archive_report* report, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need(ns, "ns"));
    JZSE_RETURN_IF_ERROR(CheckResult(report));
    JZSE_ASSIGN_OR_RETURN(const jzse_archive_options given, TakeArchive(store, options));
    if (given.prefix != nullptr || given.snapshot != nullptr) {
      return Fail(Code::kInvalid, "jzse_archive_options: prefix and snapshot are for exports");
    }
    ArchiveImport archive(engine, ns, fd, given.versions != 0, ProgressOf(given.progress, given.context));
    const Status status = archive.Run();
    GiveReport(archive.counts(), report);
    return status;
  });
}
