// SPDX-License-Identifier: Apache-2.0
// Building the world and mapping its bytes. The judge is in damage_judge.cc.
#include "damage_world.h"

#include <catch2/catch.hpp>

#include "store/manifest.h"
#include "store/record.h"

namespace jzse::crash {

using engine::Transaction;
using store::RecordType;

namespace {

constexpr uint64_t kSlackKept = 1024;  // behind the last record of an unsealed segment

StatusOr<std::string> StateAt(Store& store, const std::string& ns, const std::string& path,
                              const engine::FileInfo& info, base::Sequence version) {
  engine::GetOptions options;
  options.version = version;
  engine::Attributes attributes;
  std::string data;
  const bool bytes = info.kind != model::ContentKind::kDirectory;
  JZSE_ASSIGN_OR_RETURN(const auto got, store.Get(ns, path, options, bytes ? &data : nullptr, &attributes));
  if (bytes && (got.sequence != info.sequence || data.size() != info.size))
    return base::Fail(Code::kUnsupported, "what is read is not what is listed");
  std::string state = "seq " + std::to_string(info.sequence) + " kind " + std::to_string(static_cast<int>(info.kind)) +
                      " mode " + std::to_string(info.mode) + " data " + Digest(data) + " type " +
                      attributes.content_type;
  for (const auto& [key, value] : attributes.metadata) state += " " + key + "=" + value;
  return state;
}

std::string OrCode(const StatusOr<std::string>& state) {
  return state.ok() ? *state : "!" + std::to_string(static_cast<int>(base::CodeOf(state.status())));
}

Status SurveyFile(Store& store, const std::string& ns, const engine::ListEntry& entry, Survey* survey) {
  const std::string key = ns + ":" + entry.path;
  (*survey)[key] = OrCode(StateAt(store, ns, entry.path, entry.info, 0));
  JZSE_ASSIGN_OR_RETURN(const auto versions, store.ListVersions(ns, entry.path));
  for (;;) {
    JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const version, versions->Next());
    if (version == nullptr) return {};
    if (version->info.kind == model::ContentKind::kDeleted || version->info.sequence == entry.info.sequence) continue;
    (*survey)[key + "@" + std::to_string(version->info.sequence)] =
        OrCode(StateAt(store, ns, entry.path, version->info, version->info.sequence));
  }
}

model::NamespacePolicy SmallChunks() {
  model::NamespacePolicy policy;
  policy.kind = model::NamespaceKind::kKeys;
  policy.compression = 3;
  policy.versions_max = 3;
  policy.chunk_min = 4096;
  policy.chunk_average = 8192;
  policy.chunk_max = 16384;
  return policy;
}

engine::PutOptions WithAttributes() {
  engine::PutOptions options;
  options.attributes.mode = 0640;
  options.attributes.content_type = "text/plain";
  options.attributes.metadata = {{"colour", "blue"}};
  return options;
}

}  // namespace

StatusOr<Survey> SurveyOf(Store& store) {
  Survey survey;
  JZSE_ASSIGN_OR_RETURN(const auto namespaces, store.ListNamespaces());
  for (const auto& ns : namespaces) {
    JZSE_ASSIGN_OR_RETURN(const auto list, store.List(ns.name, {}));
    for (;;) {
      JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const entry, list->Next());
      if (entry == nullptr) break;
      JZSE_RETURN_IF_ERROR(SurveyFile(store, ns.name, *entry, &survey));
    }
  }
  return survey;
}

// ------------------------------------------------------------------------------------------------ the store

void DamageWorld::Live() {
  auto opened = OpenOn(*disk_);
  REQUIRE(opened.ok());
  store_ = *std::move(opened);
}

void DamageWorld::Note() {
  auto survey = SurveyOf(*store_);
  REQUIRE(survey.ok());
  pristine_ = *std::move(survey);
  for (const auto& [key, state] : pristine_) history_.insert(key.substr(0, key.find(':')) + " " + state);
}

void DamageWorld::KeepOlder() {
  for (const std::string& path : SegmentPaths(*disk_)) older_.emplace_back(path, *disk_->Content(path));
}

void DamageWorld::Run(const std::string& name, const std::function<Status(Store&)>& act) {
  const Status status = act(*store_);
  INFO(name << ": " << status);
  REQUIRE(status.ok());
  Note();
}

DamageWorld::DamageWorld() : disk_(std::make_unique<io::SimEnv>()) {
  const auto put = [this](std::string ns, std::string path, std::string data, engine::PutOptions options = {}) {
    Run("put " + path, [=](Store& store) { return Put(store, ns, path, data, options); });
  };
  // The first life ends in cold segments.
  Live();
  put("default", "empty", "");
  put("default", "a/one", Noise(1, 900));
  put("default", "a/one", Noise(2, 800), WithAttributes());
  put("default", "gone", Noise(3, 700));
  Run("create zip", [](Store& store) { return store.CreateNamespace("zip", SmallChunks()); });
  put("zip", "large", Prose(4, 90'000));
  put("zip", "//odd", Prose(5, 3000));
  Run("copy", [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddCopy(t, "default", "a/one", "default", "copy", {}));
    return store.Commit(std::move(t)).status();
  });
  // What dies before the compaction: chunks, contents, a tombstone.
  Run("create scratch", [](Store& store) {
    model::NamespacePolicy policy = SmallChunks();
    policy.versions_max = 0;
    return store.CreateNamespace("scratch", policy);
  });
  put("scratch", "large", Prose(16, 70'000));
  put("scratch", "large", Prose(17, 300));
  put("scratch", "deleted", Noise(18, 100));
  Run("delete deleted", [](Store& store) { return Delete(store, "scratch", "deleted"); });
  Run("create temp", [](Store& store) { return store.CreateNamespace("temp", {}); });
  put("temp", "dropped", Noise(6, 600));
  Run("delete gone", [](Store& store) { return Delete(store, "default", "gone"); });
  KeepOlder();
  // Compaction takes what is wholly before the newest segment.
  REQUIRE(store_->Close().ok());
  store_.reset();
  Live();
  put("default", "after", Noise(19, 100));
  put("zip", "second", Prose(20, 66'000));
  Run("compact", [](Store& store) {
    engine::CompactOptions options;
    options.full = true;
    return store.Compact(options).status();
  });
  KeepOlder();
  // The second ends in sealed commit and bulk segments.
  put("default", "sealed", Noise(7, 1000));
  put("default", "sealed", Noise(8, 500));
  put("zip", "large", Prose(4, 45'000) + "edit" + Prose(4, 90'000).substr(45'000));
  put("zip", "often", Prose(9, 800));
  put("zip", "often", Prose(10, 900));
  Run("move", [](Store& store) { return Move(store, "default", "a", "moved"); });
  put("default", "victim", Noise(11, 400));
  Run("delete victim", [](Store& store) { return Delete(store, "default", "victim"); });
  Run("forget a version", [](Store& store) -> Status {
    JZSE_ASSIGN_OR_RETURN(const auto versions, store.ListVersions("default", "sealed"));
    base::Sequence oldest = 0;
    for (;;) {
      JZSE_ASSIGN_OR_RETURN(const engine::ListEntry* const entry, versions->Next());
      if (entry == nullptr) break;
      oldest = entry->info.sequence;
    }
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddDeleteVersion(t, "default", "sealed", oldest));
    return store.Commit(std::move(t)).status();
  });
  Run("drop temp", [](Store& store) { return store.DropNamespace("temp"); });
  KeepOlder();
  REQUIRE(store_->Close().ok());
  store_.reset();
  // The third is killed.
  Live();
  put("default", "late", Noise(12, 600));
  Run("copy late", [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddCopy(t, "default", "late", "default", "late copy", {}));
    return store.Commit(std::move(t)).status();
  });
  put("default", "moved/one", Noise(13, 300));
  put("zip", "chunked late", Prose(14, 70'000));
  KeepOlder();
  Run("delete often", [](Store& store) { return Delete(store, "zip", "often"); });
  Run("mkdir", [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddMkdir(t, "default", "empty directory", WithAttributes()));
    return store.Commit(std::move(t)).status();
  });
  KeepOlder();
  Run("the last group", [](Store& store) -> Status {
    Transaction t;
    JZSE_RETURN_IF_ERROR(store.AddPut(t, "default", "last", Noise(15, 200), true, {}));
    JZSE_RETURN_IF_ERROR(store.AddMove(t, "default", "copy", "moved copy", {}));
    JZSE_RETURN_IF_ERROR(store.AddDelete(t, "default", "sealed", {}));
    return store.Commit(std::move(t)).status();
  });
  auto killed = disk_->CloneKilled();
  store_.reset();
  disk_ = std::move(killed);
  MapSegments();
  FindDependents();
}

uint64_t DamageWorld::segment_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [path, segment] : segments_)
    for (const Piece& piece : segment.pieces)
      if (piece.kind != Piece::Kind::kSlack) bytes += piece.end - piece.begin;
  return bytes;
}

// ------------------------------------------------------------------------------------------------ the map

// What lies ahead of an unsealed segment's end is cut to a little, so that every bit of it can be flipped, too.
void DamageWorld::MapSegments() {
  for (const std::string& path : SegmentPaths(*disk_)) {
    MapSegment(path, *disk_->Content(path));
    SegmentMapEntry& segment = segments_[path];
    Piece& last = segment.pieces.back();
    if (last.kind != Piece::Kind::kSlack || last.end - last.begin <= kSlackKept) continue;
    last.end = last.begin + kSlackKept;
    REQUIRE(disk_->Put(path, disk_->Content(path)->substr(0, last.end)).ok());
  }
}

void DamageWorld::MapSegment(const std::string& path, const std::string& bytes) {
  const auto header = store::DecodeSegmentHeader(Bytes(bytes).substr(0, base::kSegmentHeaderSize));
  REQUIRE(header.ok());
  const store::RecordSealer sealer(header->store, header->id);
  SegmentMapEntry& segment = segments_[path];
  segment.stream = header->stream;
  const uint64_t trailer_at = bytes.size() - store::kTrailerSize;
  segment.sealed = store::DecodeTrailer(sealer, trailer_at, Bytes(bytes).substr(trailer_at)).has_value();
  const auto census = CensusOf(*disk_);
  if (const auto entry = census.find(path); entry != census.end()) segment.listed = entry->second.trailer.has_value();
  const uint64_t end = segment.sealed ? trailer_at : bytes.size();
  segment.pieces.push_back({Piece::Kind::kHeader, 0, base::kSegmentHeaderSize});
  uint64_t at = base::kSegmentHeaderSize;
  const auto slack_up_to = [&](uint64_t place) {
    if (segment.pieces.back().end < place)
      segment.pieces.push_back({Piece::Kind::kSlack, segment.pieces.back().end, place});
  };
  while (at + base::kRecordHeaderSize + base::kRecordCheckSize <= end) {
    store::RecordHeader record;
    const Bytes view = Bytes(bytes).substr(at, end - at);
    if (!store::ParseRecordHeader(view, end - at, &record) ||
        !store::RecordValid(sealer, at, record, view.substr(0, store::RecordSize(record.length)))) {
      at += 8;
      continue;
    }
    slack_up_to(at);
    const uint64_t record_end = at + store::RecordSize(record.length);
    const bool footer = record.type == RecordType::kFooter;
    Piece piece{footer ? Piece::Kind::kFooter : Piece::Kind::kRecord, at, record_end};
    if (!footer) {
      if (!segment.sealed && segment.stream == store::Stream::kCommit)
        piece.group = record.group_position == 0 ? ++segment.groups : segment.groups;
      const bool first = (record.flags & store::kFlagGroupFirst) != 0;
      records_.push_back({path, segment.pieces.size(), record,
                          bytes.substr(at + base::kRecordHeaderSize + (first ? store::kGroupPrefixSize : 0),
                                       record.length - (first ? store::kGroupPrefixSize : 0))});
    }
    segment.pieces.push_back(std::move(piece));
    at = record_end;
  }
  slack_up_to(end);
  if (segment.sealed) segment.pieces.push_back({Piece::Kind::kTrailer, trailer_at, bytes.size()});
}

// Which contents need which record.
void DamageWorld::FindDependents() {
  std::map<base::NamespaceId, std::string> names;
  std::map<std::pair<base::NamespaceId, base::Hash256>, std::string> chunks;  // their contents
  for (const RecordAt& record : records_) {
    if (record.header.type == RecordType::kNamespace) {
      const auto decoded = store::DecodeNamespace(record.payload);
      REQUIRE(decoded.ok());
      names[decoded->id] = decoded->name;
    } else if (record.header.type == RecordType::kChunk) {
      const auto chunk = store::DecodeChunk(record.payload);
      REQUIRE(chunk.ok());
      std::string content;
      REQUIRE(store::DecodeContent(chunk->encoding, chunk->bytes, chunk->size, &content).ok());
      chunks[{chunk->ns, chunk->hash}] = std::move(content);
    }
  }
  // Of every change: its file, and what its content needs besides its own record.
  struct File {
    std::set<std::string> paths;
    std::set<base::Sequence> sequences;
  };
  std::map<base::FileId, File> files;
  std::map<base::Sequence, std::set<base::Sequence>> shared_by;                       // holder -> who refers to it
  std::map<std::pair<base::NamespaceId, base::Hash256>, std::set<base::Sequence>> chunk_users;
  for (const RecordAt& record : records_) {
    if (record.header.type != RecordType::kChange) continue;
    const auto change = store::DecodeChange(record.payload);
    REQUIRE(change.ok());
    File& file = files[change->file.id];
    file.sequences.insert(record.header.sequence);
    file.paths.insert(names[change->ns] + ":" + change->file.path.path);
    if (!change->old_path.empty()) file.paths.insert(names[change->ns] + ":" + change->old_path);
    const model::Content& content = change->file.winner().content;
    if (content.storage == model::Content::Storage::kReference)
      shared_by[content.reference].insert(record.header.sequence);
    if (content.storage != model::Content::Storage::kChunked) continue;
    const base::NamespaceId ns = change->ns;
    const base::Sequence sequence = record.header.sequence;
    auto walker = store::ManifestWalker::Open(content.manifest, [&](const base::Hash256& hash) -> StatusOr<std::string> {
      chunk_users[{ns, hash}].insert(sequence);
      return chunks.at({ns, hash});
    });
    REQUIRE(walker.ok());
    REQUIRE(walker->Seek(0).ok());
    while (walker->valid()) {
      chunk_users[{ns, walker->chunk().hash}].insert(sequence);
      REQUIRE(walker->Next().ok());
    }
  }
  const auto sequence_of = [](const std::string& state) { return std::stoull(state.substr(4)); };
  const auto keys_of = [&](const std::set<base::Sequence>& sequences) {
    std::set<std::string> keys;
    for (const auto& [key, state] : pristine_)
      if (sequences.contains(sequence_of(state))) keys.insert(key);
    return keys;
  };
  for (const RecordAt& record : records_) {
    Piece& piece = segments_[record.segment].pieces[record.piece];
    std::set<base::Sequence> users;
    const auto add_files_of = [&](const std::set<base::Sequence>& sequences) {
      for (const auto& [id, file] : files)
        for (const base::Sequence sequence : sequences)
          if (file.sequences.contains(sequence)) piece.paths.insert(file.paths.begin(), file.paths.end());
    };
    switch (record.header.type) {
      case RecordType::kChange:
        users = shared_by[record.header.sequence];
        users.insert(record.header.sequence);
        break;
      case RecordType::kChunk: {
        const auto chunk = store::DecodeChunk(record.payload);
        users = chunk_users[{chunk->ns, chunk->hash}];
        break;
      }
      case RecordType::kVersionDrop: {
        const auto drop = store::DecodeVersionDrop(record.payload);
        REQUIRE(drop.ok());
        const File& file = files[drop->file];
        piece.paths.insert(file.paths.begin(), file.paths.end());
        break;
      }
      case RecordType::kNamespace: {
        const std::string prefix = store::DecodeNamespace(record.payload)->name + ":";
        for (const auto& [id, file] : files)
          for (const std::string& path : file.paths)
            if (path.compare(0, prefix.size(), prefix) == 0) piece.paths.insert(path);
        break;
      }
      case RecordType::kFooter: break;
    }
    piece.keys = keys_of(users);
    add_files_of(users);
  }
}

}  // namespace jzse::crash
