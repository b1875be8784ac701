// SPDX-License-Identifier: Apache-2.0
// Verify: every record read, every content found whole, the index compared with what the journal says. And compaction on
// call.
#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;
using model::Content;

namespace {

// Spends bytes at a rate by sleeping, in steps short enough to stop soon.
class Pacer {
 public:
  Pacer(io::Env& env, uint64_t rate, const std::atomic<bool>& stop) : env_(env), rate_(rate), stop_(stop) {
    begin_ = env_.MonotonicMicros();
  }
  bool Spend(uint64_t bytes) {
    done_ += bytes;
    while (rate_ != 0 && !stop_) {
      const int64_t due = begin_ + static_cast<int64_t>(static_cast<double>(done_) * 1e6 / static_cast<double>(rate_));
      const int64_t ahead = due - env_.MonotonicMicros();
      if (ahead <= 1000) break;
      std::this_thread::sleep_for(std::chrono::microseconds(std::min<int64_t>(ahead, 20'000)));
    }
    return !stop_;
  }
  uint64_t done() const { return done_; }

 private:
  io::Env& env_;
  const uint64_t rate_;
  const std::atomic<bool>& stop_;
  int64_t begin_ = 0;
  uint64_t done_ = 0;
};

}  // namespace

constexpr uint64_t kScratchEntriesInMemory = 100'000;

class Verifier {
 public:
  Verifier(StoreImpl& store, const VerifyOptions& options)
      : store_(store), options_(options), pacer_(store.env_, options.rate, store.stopping_) {}

  StatusOr<VerifyReport> Run() {
    std::lock_guard one(store_.compact_mutex_);  // segments must not be switched meanwhile
    {
      std::lock_guard commit(store_.commit_mutex_);
      view_ = store_.NewView();
      position_ = store_.index_->applied();
      for (const auto& [id, segment] : *view_.segments) {
        total_ += segment->end;
        ends_[id] = segment->end;
      }
    }
    for (const std::string& line : store_.damage_) Found("", "", 0, line);
    for (const auto& [id, segment] : *view_.segments) JZSE_RETURN_IF_ERROR(CheckSegment(*segment));
    JZSE_RETURN_IF_ERROR(CheckFiles());
    JZSE_RETURN_IF_ERROR(CompareIndex());
    return report_;
  }

 private:
  void Found(std::string_view ns, std::string_view path, Sequence version, std::string_view problem) {
    ++report_.problems;
    if (options_.problem) options_.problem(ns, path, version, problem);
    store_.Log(0, absl::StrCat("verify: ", absl::string_view(path.data(), path.size()), ": ",
                               absl::string_view(problem.data(), problem.size())));
  }

  Status Progress(uint64_t bytes) {
    report_.bytes += bytes;
    if (!pacer_.Spend(bytes)) return Fail(Code::kClosed, "the store is closing");
    if (options_.progress && !options_.progress(report_.bytes, total_))
      return Fail(Code::kClosed, "verify was cancelled");
    return {};
  }

  Status CheckSegment(store::Segment& segment) {
    if (base::Planted("verify-skips-bulk") && segment.header().stream == store::Stream::kBulk) return {};
    ++report_.segments;
    const std::string name = store::SegmentFileName(segment.id());
    const auto trailer = segment.trailer();
    const uint64_t end = ends_[segment.id()];
    std::vector<uint64_t> listed;
    if (trailer) {
      const auto footer = segment.ReadFooter();
      if (!footer.ok() && !base::Is(footer.status(), Code::kCorrupt)) return footer.status();
      if (!footer.ok()) Found("", name, 0, std::string(footer.status().message()));
      if (footer.ok())
        for (const store::FooterEntry& entry : *footer) listed.push_back(entry.offset);
    }
    store::SegmentScanner scanner(segment, base::kSegmentHeaderSize, end);
    store::SegmentScanner::Item item;
    uint64_t records = 0, last_end = base::kSegmentHeaderSize;
    for (;;) {
      JZSE_ASSIGN_OR_RETURN(const bool more, scanner.Next(&item));
      if (!more) break;
      ++records;
      if (item.location.offset != last_end) Damage(segment, name, last_end, item.location.offset, listed);
      last_end = item.location.offset + item.location.size;
      if (const Status content = CheckContent(item); !content.ok()) {
        damaged_[segment.id()].push_back({item.location.offset, last_end});
        damage_found_ = true;
        Found("", name, item.header.sequence, std::string(content.message()));
      }
      JZSE_RETURN_IF_ERROR(Progress(item.location.size));
    }
    if (last_end < end) Damage(segment, name, last_end, end, listed);
    report_.records += records;
    return {};
  }

  // Among the commits every gap is damage; in a bulk segment it may be a write that failed or never ended, unless the
  // footer lists a record there.
  void Damage(store::Segment& segment, const std::string& name, uint64_t begin, uint64_t end,
              const std::vector<uint64_t>& listed) {
    damaged_[segment.id()].push_back({begin, end});
    const auto record = std::lower_bound(listed.begin(), listed.end(), begin);
    if ((record != listed.end() && *record < end) || segment.header().stream == store::Stream::kCommit) {
      damage_found_ = true;
      Found("", name, 0, absl::StrCat("bytes ", begin, " to ", end, " are damaged"));
    }
  }

  // The content's own hash, beyond the record's check.
  Status CheckContent(const store::SegmentScanner::Item& item) {
    Bytes payload = item.payload;
    if ((item.header.flags & store::kFlagGroupFirst) != 0) payload.remove_prefix(store::kGroupPrefixSize);
    std::string content;
    if (item.header.type == store::RecordType::kChunk) {
      JZSE_ASSIGN_OR_RETURN(const store::ChunkRecord chunk, store::DecodeChunk(payload));
      JZSE_RETURN_IF_ERROR(store::DecodeContent(chunk.encoding, chunk.bytes, chunk.size, &content));
      return base::Sha256(content) == chunk.hash ? Status() : Fail(Code::kCorrupt, "a chunk does not match its hash");
    }
    if (item.header.type != store::RecordType::kChange) return {};
    JZSE_ASSIGN_OR_RETURN(const store::ChangeRecord change, store::DecodeChange(payload));
    if (change.encoding == store::InlineEncoding::kNone) return {};
    JZSE_RETURN_IF_ERROR(store::DecodeContent(change.encoding, change.inline_bytes, change.inline_size, &content));
    const base::Hash256 hash = base::Sha256(content);
    for (const auto& version : change.file.contents)
      if (version.content.storage == Content::Storage::kInline && version.content.hash == hash) return {};
    return Fail(Code::kCorrupt, "a content does not match its hash");
  }

  bool Whole(const store::Location& location) const {
    const auto end = ends_.find(location.segment);
    if (end == ends_.end() || location.offset + location.size > end->second) return false;
    const auto it = damaged_.find(location.segment);
    if (it == damaged_.end()) return true;
    return std::none_of(it->second.begin(), it->second.end(), [&](const auto& range) {
      return range.first < location.offset + location.size && location.offset < range.second;
    });
  }

  Status CheckFiles() {
    const auto cursor = store_.index_->NewCursor(*view_.index, store::CursorUse::kWalk);
    for (const char letter : {'P', 'T', 'V'}) {
      for (cursor->Seek(Bytes(&letter, 1)); cursor->valid() && cursor->key().front() == letter; cursor->Next()) {
        const auto entry = store::DecodeFileEntry(cursor->key(), cursor->value());
        if (!entry.ok()) {
          Found("", "index", 0, std::string(entry.status().message()));
          continue;
        }
        const NamespaceId ns = base::LoadBe32(cursor->key().data() + 1);
        JZSE_RETURN_IF_ERROR(CheckFile(ns, *entry));
        if (letter == 'V') {
          ++report_.versions;
        } else if (entry->live()) {
          ++report_.files;
        }
      }
      JZSE_RETURN_IF_ERROR(cursor->status());
    }
    return {};
  }

  Status CheckFile(NamespaceId ns, const FileEntry& entry) {
    const Content& content = entry.content().content;
    Status status;
    if (!Whole(entry.location)) status = Fail(Code::kCorrupt, "its record is damaged");
    if (status.ok() && content.storage == Content::Storage::kReference) {
      const auto holder = store_.HolderOf(entry, &view_);
      status = holder.status();
      if (base::Is(status, Code::kBusy) || (holder.ok() && !Whole(*holder)))
        status = Fail(Code::kCorrupt, "the record with its content is damaged");
    }
    if (status.ok() && content.storage == Content::Storage::kChunked) status = CheckChunks(ns, entry);
    if (!base::Is(status, Code::kCorrupt)) return status;  // what could not be read is no damage yet
    damage_found_ = true;  // a segment may be missing as a whole
    Found(store_.NameOf(ns), entry.file.path.path, entry.sequence, std::string(status.message()));
    return {};
  }

  Status CheckChunks(NamespaceId ns, const FileEntry& entry) {
    const auto load = [&](const Hash256& hash) -> StatusOr<std::string> {
      std::string node;
      JZSE_RETURN_IF_ERROR(CheckChunk(ns, hash));
      JZSE_RETURN_IF_ERROR(store_.chunks_->Read(ns, hash, &view_, &node));
      return node;
    };
    JZSE_ASSIGN_OR_RETURN(auto walker, store::ManifestWalker::Open(entry.content().content.manifest, load));
    JZSE_RETURN_IF_ERROR(walker.Seek(0));
    while (walker.valid()) {
      JZSE_RETURN_IF_ERROR(CheckChunk(ns, walker.chunk().hash));
      JZSE_RETURN_IF_ERROR(walker.Next());
    }
    return {};
  }

  Status CheckChunk(NamespaceId ns, const Hash256& hash) {
    ++report_.chunks;
    JZSE_ASSIGN_OR_RETURN(const store::ChunkEntry entry, store_.chunks_->Find(ns, hash, &view_));
    return Whole(entry.location)
               ? Status()
               : Fail(Code::kCorrupt, absl::StrCat("chunk ", base::HexEncode(hash.view()), " is damaged"));
  }

  struct Scratch {
    std::unique_ptr<store::Index> index;
    bool on_disk = false;
  };
  // Where to build what is compared: in memory while it is small, for memory is bounded whatever the store's size.
  StatusOr<Scratch> ScratchIndex() {
    JZSE_ASSIGN_OR_RETURN(const auto namespaces, store_.ListNamespaces());
    uint64_t entries = report_.chunks;
    for (const NamespaceInfo& ns : namespaces) entries += ns.file_count + ns.version_count + ns.tombstone_count;
    if (entries <= kScratchEntriesInMemory || store_.options_.read_only) {
      auto in_memory = store::NewMapIndex();
      if (store_.options_.around_index) in_memory = store_.options_.around_index(std::move(in_memory));
      return Scratch{std::move(in_memory)};
    }
    store::IndexOptions options;
    options.cache_bytes = store_.options_.memory_limit / 16;
    options.buffer_bytes = store_.options_.memory_limit / 16;
    JZSE_RETURN_IF_ERROR(store::DestroyIndex(store_.env_, store_.path_ + kScratchIndex));
    JZSE_ASSIGN_OR_RETURN(auto index, store::OpenLevelDbIndex(store_.env_, store_.path_ + kScratchIndex, options));
    return Scratch{std::move(index), true};
  }

  // What the journal alone would give, key by key.
  Status CompareIndex() {
    if (damage_found_) return {};  // a rebuild would lack what is damaged; that was told above
    JZSE_ASSIGN_OR_RETURN(auto scratch, ScratchIndex());
    struct Remove {
      explicit Remove(StoreImpl& s) : store(s) {}
      StoreImpl& store;
      ~Remove() { (void)store::DestroyIndex(store.env_, store.path_ + kScratchIndex); }  // or the next open does it
    };
    std::optional<Remove> remove;  // after the index that is in it
    if (scratch.on_disk) remove.emplace(store_);
    store::LiveIndex rebuilt(std::move(scratch.index), store::Applied{});
    store::Recovered recovered;
    store::RebuildLimits limits{true, position_.sequence, position_.ordinal};
    JZSE_RETURN_IF_ERROR(
        store::RebuildIndex(store_.segments_, rebuilt, store_.identity_, limits, &recovered, nullptr));
    JZSE_RETURN_IF_ERROR(store::PurgeDropped(rebuilt));
    const auto have = store_.index_->NewCursor(*view_.index, store::CursorUse::kWalk);
    const auto want = rebuilt.index().NewCursor(nullptr, store::CursorUse::kWalk);
    std::vector<store::IndexOp> repairs;
    have->Seek("");
    want->Seek("");
    while (have->valid() || want->valid()) {
      // One that has ended because of a failure would make all that follows in the other one a difference.
      if (!have->valid()) JZSE_RETURN_IF_ERROR(have->status());
      if (!want->valid()) JZSE_RETURN_IF_ERROR(want->status());
      const int order = !have->valid() ? 1 : !want->valid() ? -1 : have->key().compare(want->key());
      const Bytes key = order <= 0 ? have->key() : want->key();
      if (key != store::AppliedKey() && (order != 0 || have->value() != want->value())) {
        Found("", "index", 0,
              absl::StrCat("key ", base::HexEncode(key.substr(0, 80)),
                           order < 0   ? " is not in the journal"
                           : order > 0 ? " is missing"
                                       : " differs from the journal"));
        repairs.push_back({std::string(key), order < 0 ? std::nullopt : std::optional<std::string>(want->value())});
      }
      if (order <= 0) have->Next();
      if (order >= 0) want->Next();
    }
    JZSE_RETURN_IF_ERROR(have->status());
    JZSE_RETURN_IF_ERROR(want->status());
    if (!options_.repair || repairs.empty()) return {};
    return Repair(repairs);
  }

  // Only while nothing has changed since the comparison; otherwise the next verify tries again.
  Status Repair(const std::vector<store::IndexOp>& repairs) {
    return store_.RunExclusive([&](store::Stage& stage) -> Status {
      if (store_.index_->applied().sequence != position_.sequence) return {};
      for (const store::IndexOp& op : repairs) {
        if (op.value) {
          stage.Put(op.key, *op.value);
        } else {
          stage.Delete(op.key);
        }
        ++report_.repaired;
      }
      return {};
    });
  }

  StoreImpl& store_;
  const VerifyOptions& options_;
  Pacer pacer_;
  store::ReadView view_;
  store::Applied position_;
  std::map<base::SegmentId, uint64_t> ends_;
  std::map<base::SegmentId, std::vector<std::pair<uint64_t, uint64_t>>> damaged_;
  bool damage_found_ = false;  // beyond writes that never ended
  uint64_t total_ = 0;
  VerifyReport report_;
};

StatusOr<VerifyReport> StoreImpl::Verify(const VerifyOptions& options) {
  JZSE_RETURN_IF_ERROR(CheckOpen());
  return Verifier(*this, options).Run();
}

StatusOr<CompactReport> StoreImpl::CompactNow(bool full, const Progress& progress, uint64_t rate) {
  std::lock_guard one(compact_mutex_);
  Pacer pacer(env_, rate, stopping_);
  uint64_t total = 0;
  const store::SegmentMap segments = segments_.Now();  // a loop over a temporary would outlive it
  for (const auto& [id, segment] : *segments) total += segment->end;
  store::CompactionContext context{
      *factory_, segments_, *index_, *chunks_, *census_,
      [this] { return FinishSealing(); },
      [this](const std::function<Status(store::Stage&)>& body) { return RunExclusive(body); },
      [&](uint64_t bytes) { return pacer.Spend(bytes) && (!progress || progress(pacer.done(), total)); },
      [](const FileEntry&) { return true; },  // no other region is registered that could still need a tombstone
      [this](const Status& status) { (void)Poison("compaction left the disk in doubt", status); }};
  store::CompactionTotals totals;
  const Status status = store::Compact(context, full, &totals);
  CompactReport report;
  report.segments = totals.segments;
  report.bytes_before = totals.bytes_before;
  report.bytes_after = totals.bytes_after;
  report.chunks_dropped = totals.chunks_dropped;
  report.tombstones_dropped = totals.tombstones_dropped;
  if (totals.bytes_before > totals.bytes_after)
    counters_.compacted_bytes += totals.bytes_before - totals.bytes_after;
  if (!status.ok()) return status;
  return report;
}

StatusOr<CompactReport> StoreImpl::Compact(const CompactOptions& options) {
  JZSE_RETURN_IF_ERROR(CheckWritable());
  uint64_t expired = 0;
  JZSE_RETURN_IF_ERROR(ExpireVersions(&expired));
  if (options.full) {
    // What was written so far becomes sealed, so that it can take part.
    std::lock_guard commit(commit_mutex_);
    JZSE_RETURN_IF_ERROR(journal_->Close());
    JZSE_RETURN_IF_ERROR(chunks_->Close());
    // Chunks that no commit took along, too: compaction must know that nobody uses them.
    store::Stage stage(*index_);
    PublishStage(stage);
  }
  JZSE_ASSIGN_OR_RETURN(CompactReport report, CompactNow(options.full, options.progress, 0));
  report.versions_expired = expired;
  factory_->DropSpares();  // asked for on call: the space is wanted back
  return report;
}

}  // namespace jzse::engine
