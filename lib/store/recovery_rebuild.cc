// SPDX-License-Identifier: Apache-2.0
// Building the index from nothing: chunks first, then a merge of all changes by sequence.
#include <algorithm>
#include <map>
#include <set>

#include "store/recovery_session.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

constexpr size_t kFilterBytesMax = 8 * base::kMiB;
constexpr uint64_t kUnsealedRecordSize = 128;  // what a record takes at least, more or less

// One segment's changes, loaded when the merge reaches its first sequence.
struct Source {
  SegmentRef segment;
  Sequence first = 0;
  Sequence durable = 0;
  SegmentEntries found;
  size_t next = 0;
  bool loaded = false;
};

// What a rebuild must know before it begins.
struct Survey {
  std::set<Sequence> wanted;                   // changes whose content others share
  std::map<Sequence, Location> places;         // of these, as they are met
  std::set<Sequence> missing;                  // of these
  // The newest state of each namespace: compaction drops the older ones, and changes before it count, too.
  struct Name {
    Sequence sequence = 0;
    NamespaceRecord record;
    Location location;
  };
  std::map<NamespaceId, Name> namespaces;
};

void NoteForRebuild(const Segment& segment, const FooterEntry& entry, MovedFiles* moved, Survey* survey) {
  if (entry.header.type == RecordType::kNamespace) {
    auto record = DecodeNamespace(entry.summary);
    if (!record.ok()) return;
    Survey::Name& name = survey->namespaces[record->id];
    if (name.sequence < entry.header.sequence)
      name = {entry.header.sequence, std::move(*record),
              {segment.id(), entry.offset, RecordSize(entry.header.length)}};
  }
  if (entry.header.type != RecordType::kChange || IsPlainChange(entry.summary)) return;
  const auto change = DecodeChange(entry.summary);
  if (!change.ok()) return;
  if (change->file.path.dot != change->file.id && !base::Planted("rebuild-forgets-moves")) moved->files.insert({change->ns, change->file.id});
  for (const auto& content : change->file.contents)
    if (content.content.storage == model::Content::Storage::kReference)
      survey->wanted.insert(content.content.reference);
}

StatusOr<std::vector<Source>> SurveySources(const SegmentSet& segments, const RebuildLimits& limits,
                                            MovedFiles* moved, Survey* survey,
                                            std::vector<std::string>* damage) {
  std::vector<Source> sources;
  const auto commits = segments.List(Stream::kCommit);
  for (const SegmentRef& segment : segments.List()) {
    if (segment->header().stream == Stream::kBulk) continue;
    Source source{segment};
    const auto at = std::find(commits.begin(), commits.end(), segment);
    if (at != commits.end()) source.durable = DurableBefore(commits, static_cast<size_t>(at - commits.begin()));
    JZSE_ASSIGN_OR_RETURN(const SegmentEntries found,
                          ReadEntries(*segment, base::kSegmentHeaderSize, source.durable, damage));
    if (!limits.live) segment->end = std::max<uint64_t>(found.end, base::kSegmentHeaderSize);
    source.first = UINT64_MAX;
    for (const FooterEntry& entry : found.entries) {
      if (entry.header.sequence > limits.sequence) continue;
      NoteForRebuild(*segment, entry, moved, survey);
      if (entry.header.type != RecordType::kChunk) source.first = std::min(source.first, entry.header.sequence);
    }
    if (source.first != UINT64_MAX) sources.push_back(std::move(source));
  }
  std::sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.first < b.first; });
  return sources;
}

Status LoadSource(Source& source, Sequence until) {
  JZSE_ASSIGN_OR_RETURN(source.found,
                        ReadEntries(*source.segment, base::kSegmentHeaderSize, source.durable, nullptr));
  auto& entries = source.found.entries;
  std::erase_if(entries, [until](const FooterEntry& entry) {
    return entry.header.type == RecordType::kChunk || entry.header.sequence > until;
  });
  std::stable_sort(entries.begin(), entries.end(), [](const FooterEntry& a, const FooterEntry& b) {
    return a.header.sequence < b.header.sequence;
  });
  source.loaded = true;
  return {};
}

bool Decodes(const FooterEntry& entry) {
  switch (entry.header.type) {
    case RecordType::kChange: return DecodeChange(entry.summary).ok();
    case RecordType::kNamespace: return DecodeNamespace(entry.summary).ok();
    case RecordType::kVersionDrop: return DecodeVersionDrop(entry.summary).ok();
    case RecordType::kChunk: return DecodeChunk(entry.summary).ok();
    case RecordType::kFooter: return true;
  }
  return false;
}

// A record that is malformed is damage. What else is damaged is the index itself, which then must not pass for one.
Status ApplyOrReport(const FooterEntry& entry, const Location& location, Applier& applier, Recovered* recovered,
                     std::vector<std::string>* damage) {
  const Status status = ApplyRecord(entry, location, applier, recovered);
  if (!base::Is(status, Code::kCorrupt) || damage == nullptr || Decodes(entry)) return status;
  damage->push_back(std::string(status.message()));
  return {};
}

Status RebuildChunks(const SegmentSet& segments, LiveIndex& index, const RebuildLimits& limits, Recovered* recovered,
                     std::vector<std::string>* damage) {
  Stage stage(index);
  Applier applier(stage, [](Sequence) { return Fail(Code::kCorrupt, "a chunk refers to nothing"); });
  for (const SegmentRef& segment : segments.List()) {
    if (segment->header().stream == Stream::kCommit) continue;
    JZSE_ASSIGN_OR_RETURN(const SegmentEntries found,
                          ReadEntries(*segment, base::kSegmentHeaderSize, 0, damage));
    if (!limits.live) segment->end = std::max<uint64_t>(found.end, base::kSegmentHeaderSize);
    for (const FooterEntry& entry : found.entries) {
      if (entry.header.type != RecordType::kChunk || entry.header.sequence > limits.ordinal) continue;
      const Location location{segment->id(), entry.offset, RecordSize(entry.header.length)};
      JZSE_RETURN_IF_ERROR(ApplyOrReport(entry, location, applier, recovered, damage));
      if (stage.size() >= kRecoveryBatchRecords) JZSE_RETURN_IF_ERROR(index.Load(stage.Take()));
    }
    if (segment->header().stream == Stream::kBulk && !limits.live) {
      if (!segment->trailer()) JZSE_RETURN_IF_ERROR(segment->file().SyncData());
      recovered->bulk = {segment->id(), segment->end};
    }
  }
  return index.Load(stage.Take());
}

Status Rebuild(const SegmentSet& segments, LiveIndex& index, const RebuildLimits& limits, Recovered* recovered,
               std::vector<std::string>* damage) {
  JZSE_RETURN_IF_ERROR(RebuildChunks(segments, index, limits, recovered, damage));
  MovedFiles moved;
  Survey survey;
  JZSE_ASSIGN_OR_RETURN(std::vector<Source> sources, SurveySources(segments, limits, &moved, &survey, damage));
  for (const SegmentRef& segment : segments.List(Stream::kCommit)) {
    if (limits.live) break;
    if (!segment->trailer()) JZSE_RETURN_IF_ERROR(segment->file().SyncData());
    recovered->commit = {segment->id(), segment->end};
  }
  Stage stage(index);
  Applier applier(
      stage,
      [&](Sequence sequence) -> StatusOr<Location> {
        if (const auto it = survey.places.find(sequence); it != survey.places.end()) return it->second;
        // Compacted away, because the state that refers to it is superseded by one that is yet to come.
        survey.missing.insert(sequence);
        return Location{};
      },
      &moved);
  for (const auto& [id, name] : survey.namespaces)
    JZSE_RETURN_IF_ERROR(applier.Namespace(name.record, name.sequence, name.location));
  // A merge by sequence over all segments whose range has been reached.
  size_t active_begin = 0, active_end = 0;
  for (;;) {
    Source* lowest = nullptr;
    for (size_t i = active_begin; i < active_end; ++i) {
      Source& source = sources[i];
      if (source.next == source.found.entries.size()) continue;
      if (lowest == nullptr || source.found.entries[source.next].header.sequence <
                                   lowest->found.entries[lowest->next].header.sequence)
        lowest = &source;
    }
    if (active_end < sources.size() &&
        (lowest == nullptr || sources[active_end].first < lowest->found.entries[lowest->next].header.sequence)) {
      JZSE_RETURN_IF_ERROR(LoadSource(sources[active_end++], limits.sequence));
      continue;
    }
    if (lowest == nullptr) break;
    const FooterEntry& entry = lowest->found.entries[lowest->next++];
    const Location location{lowest->segment->id(), entry.offset, RecordSize(entry.header.length)};
    if (survey.wanted.contains(entry.header.sequence)) survey.places[entry.header.sequence] = location;
    JZSE_RETURN_IF_ERROR(ApplyOrReport(entry, location, applier, recovered, damage));
    if (stage.size() >= kRecoveryBatchRecords) JZSE_RETURN_IF_ERROR(index.Load(stage.Take()));
    while (active_begin < active_end && sources[active_begin].next == sources[active_begin].found.entries.size()) {
      sources[active_begin].found = {};
      sources[active_begin].next = 0;
      ++active_begin;
    }
  }
  JZSE_RETURN_IF_ERROR(index.Load(stage.Take()));
  return ReportMissing(survey.missing, index, damage);
}

// A filter of ten bits a record, within reason.
size_t FilterBytes(const SegmentSet& segments) {
  uint64_t records = 0;
  for (const SegmentRef& segment : segments.List())
    records += segment->trailer() ? segment->trailer()->records : segment->end / kUnsealedRecordSize;
  return std::clamp<uint64_t>(records * 10 / 8, base::kKiB, kFilterBytesMax);
}

}  // namespace

Status RebuildIndex(const SegmentSet& segments, LiveIndex& index, const Identity& identity,
                    const RebuildLimits& limits, Recovered* recovered, std::vector<std::string>* damage) {
  index.BeginLoad(FilterBytes(segments));
  JZSE_RETURN_IF_ERROR(Rebuild(segments, index, limits, recovered, damage));
  return index.EndLoad(PositionOf(*recovered, identity));
}

}  // namespace jzse::store
