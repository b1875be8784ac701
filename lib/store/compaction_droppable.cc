// SPDX-License-Identifier: Apache-2.0
// Which of the records that are only needed for older states may go: those of which nothing older is left.
#include <algorithm>
#include <optional>

#include "store/compaction_parts.h"
#include "store/recovery.h"

namespace jzse::store {
namespace {

using base::Code;
using base::Fail;

uint64_t Fingerprint(const FileKey& file) {
  const auto& [ns, id] = file;
  return (id.replica * 0x9e3779b97f4a7c15u + id.counter) * 0xbf58476d1ce4e5b9u ^ (uint64_t{ns} << 32);
}

}  // namespace

StatusOr<FileKey> FileOf(const FooterEntry& entry) {
  if (entry.header.type == RecordType::kVersionDrop) {
    JZSE_ASSIGN_OR_RETURN(const VersionDropRecord record, DecodeVersionDrop(entry.summary));
    return FileKey{record.ns, record.file};
  }
  JZSE_ASSIGN_OR_RETURN(const ChangeRecord change, DecodeChange(entry.summary));
  return FileKey{change.ns, change.file.id};
}

void StatesElsewhere::Want(const FileKey& file) {
  if (wanted_.size() == base::kCompactionFilesMax) return;
  wanted_.push_back(Fingerprint(file));
}

Status StatesElsewhere::Find(const CompactionContext& c) {
  if (wanted_.empty()) return {};
  std::sort(wanted_.begin(), wanted_.end());
  wanted_.erase(std::unique(wanted_.begin(), wanted_.end()), wanted_.end());
  for (const SegmentRef& segment : c.segments.List()) {
    if (segment->header().stream == Stream::kBulk) continue;
    const auto trailer = segment->trailer();
    if (trailer && trailer->records == 0) continue;
    std::vector<std::string> damage;
    // One that is not sealed is being written, or was left by a process that died.
    const auto found = trailer ? ReadEntries(*segment, base::kSegmentHeaderSize, 0, &damage)
                               : StatusOr<SegmentEntries>(SegmentEntries{});
    if (!found.ok() && !base::Is(found.status(), Code::kCorrupt)) return found.status();
    const size_t before = states_.size();
    bool known = trailer && found.ok() && damage.empty();
    for (size_t i = 0; known && i < found->entries.size(); ++i) {
      const FooterEntry& entry = found->entries[i];
      if (entry.header.type != RecordType::kChange) continue;
      const auto file = FileOf(entry);
      known = file.ok();
      if (!known || !std::binary_search(wanted_.begin(), wanted_.end(), Fingerprint(*file))) continue;
      known = states_.size() < base::kCompactionStatesMax;
      states_.push_back({Fingerprint(*file), entry.header.sequence, segment->id()});
    }
    if (!known) {
      states_.resize(before);
      const bool commit = segment->header().stream == Stream::kCommit;
      unknown_.push_back({segment->id(), trailer ? trailer->first : commit ? segment->header().first_sequence : 1,
                          trailer ? trailer->last : UINT64_MAX});
    }
    if (!c.pace(found.ok() ? found->entries.size() * 64 : 0)) return Fail(Code::kClosed, "compaction stopped");
  }
  std::sort(states_.begin(), states_.end());
  return {};
}

bool StatesElsewhere::MayExist(const FileKey& file, Sequence low, Sequence high, const std::set<SegmentId>& inputs) const {
  if (base::Planted("other-segments-forgotten")) return false;
  const uint64_t fingerprint = Fingerprint(file);
  if (!std::binary_search(wanted_.begin(), wanted_.end(), fingerprint)) return true;  // there were too many
  for (const Unknown& segment : unknown_)
    if (!inputs.contains(segment.id) && segment.first <= high && segment.last >= low) return true;
  auto state = std::lower_bound(states_.begin(), states_.end(), State{fingerprint, low, 0});
  for (; state != states_.end() && state->file == fingerprint && state->sequence <= high; ++state)
    if (!inputs.contains(state->segment)) return true;
  return false;
}

namespace {

// The states of files that stay although newer ones superseded them.
using OlderStates = std::map<FileKey, std::set<Sequence>>;

// Of the files that records in `inputs` are needed for.
StatusOr<OlderStates> OlderStatesOf(const std::vector<CompactionInput>& inputs) {
  OlderStates older;
  for (const CompactionInput& input : inputs)
    for (const size_t i : input.conditional) {
      JZSE_ASSIGN_OR_RETURN(const FileKey file, FileOf(input.entries[i]));
      older[file];
    }
  if (older.empty()) return older;
  for (const CompactionInput& input : inputs)
    for (const size_t i : input.older) {
      JZSE_ASSIGN_OR_RETURN(const FileKey file, FileOf(input.entries[i]));
      if (const auto it = older.find(file); it != older.end()) it->second.insert(input.entries[i].header.sequence);
    }
  return older;
}

// Whether a record that is needed for others may go, given that what is dead in the inputs goes with it.
StatusOr<bool> Droppable(const FooterEntry& entry, const std::set<SegmentId>& inputs, const OlderStates& older,
                         const StatesElsewhere& elsewhere) {
  if (base::Planted("tombstone-dropped-early")) return true;
  JZSE_ASSIGN_OR_RETURN(const FileKey file, FileOf(entry));
  const auto stays = [&](Sequence low, Sequence high) {
    const auto it = older.find(file);
    if (it != older.end()) {
      const auto state = it->second.lower_bound(low);
      if (state != it->second.end() && *state <= high) return true;
    }
    return elsewhere.MayExist(file, low, high, inputs);
  };
  // The file's first change is not known to be the one its id names (it may come from elsewhere): all older ones count.
  if (entry.header.type == RecordType::kChange) return !stays(1, entry.header.sequence - 1);
  JZSE_ASSIGN_OR_RETURN(const VersionDropRecord record, DecodeVersionDrop(entry.summary));
  return std::none_of(record.versions.begin(), record.versions.end(),
                      [&](const auto& range) { return stays(range.since, range.version); });
}

}  // namespace

Status Reconsider(const StatesElsewhere& elsewhere, std::vector<CompactionInput>& inputs) {
  std::set<SegmentId> ids;
  // In order of sequence, because one that stays makes those after it stay.
  std::multimap<Sequence, std::pair<CompactionInput*, size_t>> conditional;
  for (CompactionInput& input : inputs) {
    ids.insert(input.segment->id());
    for (const size_t i : input.conditional) conditional.insert({input.entries[i].header.sequence, {&input, i}});
  }
  JZSE_ASSIGN_OR_RETURN(OlderStates older, OlderStatesOf(inputs));
  for (const auto& [sequence, place] : conditional) {
    auto& [input, i] = place;
    const FooterEntry& entry = input->entries[i];
    JZSE_ASSIGN_OR_RETURN(const bool droppable, Droppable(entry, ids, older, elsewhere));
    std::optional<ChangeRecord> change;
    if (entry.header.type == RecordType::kChange) {
      JZSE_ASSIGN_OR_RETURN(change, DecodeChange(entry.summary));
    }
    if (droppable) {
      input->alive[i] = false;
      input->alive_bytes -= RecordSize(entry.header.length);
      if (change && change->type == ChangeType::kDelete) ++input->tombstones;
    } else if (change) {
      older[{change->ns, change->file.id}].insert(sequence);
    }
  }
  return {};
}

}  // namespace jzse::store
