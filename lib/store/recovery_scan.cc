// SPDX-License-Identifier: Apache-2.0
// Reading one segment under the validity rule of docs/format.md.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "store/recovery.h"

namespace jzse::store {
namespace {

struct Group {
  std::vector<size_t> members;      // indices into the entries, by place
  bool has_first = false;
  GroupPrefix prefix;
};

void Report(std::vector<std::string>* damage, const Segment& segment, std::string_view what) {
  if (damage != nullptr)
    damage->push_back(absl::StrCat(SegmentFileName(segment.id()), ": ", absl::string_view(what.data(), what.size())));
}

bool Complete(const Group& group, const std::vector<FooterEntry>& entries) {
  if (!group.has_first || group.members.size() != group.prefix.records) return false;
  uint64_t offset = entries[group.members.front()].offset;
  const uint64_t end = offset + group.prefix.bytes;
  for (size_t i = 0; i < group.members.size(); ++i) {
    const FooterEntry& entry = entries[group.members[i]];
    if (entry.header.group_position != i || entry.offset != offset) return false;
    offset += RecordSize(entry.header.length);
  }
  return offset == end;
}

// Keeps the entries of complete groups and, of groups known to have been durable, whatever is left.
SegmentEntries Accept(Segment& segment, std::vector<FooterEntry> entries, std::map<Sequence, Group> groups,
                      uint64_t from, Sequence expected, Sequence durable, std::vector<std::string>* damage) {
  for (const auto& [first, group] : groups)
    if (group.has_first) durable = std::max(durable, group.prefix.durable);
  SegmentEntries accepted;
  accepted.end = from;
  const bool whole = from == base::kSegmentHeaderSize;
  if (expected == 0 && whole) expected = segment.header().first_sequence;
  for (const auto& [first, group] : groups) {
    const bool complete = Complete(group, entries);
    if (!complete && base::Planted("truncate-at-first-bad-record")) return accepted;
    if (!complete && first > durable && !base::Planted("torn-group-accepted")) break;  // the torn tail: never acknowledged
    if (!complete || (expected != 0 && first != expected))
      Report(damage, segment, absl::StrCat("damaged records near change ", complete ? expected : first));
    for (const size_t member : group.members) {
      FooterEntry& entry = entries[member];
      expected = entry.header.sequence + 1;
      accepted.end = std::max<uint64_t>(accepted.end, entry.offset + RecordSize(entry.header.length));
      accepted.entries.push_back(std::move(entry));
    }
    if (!complete && group.has_first) expected = first + group.prefix.records;
  }
  if (expected != 0 && expected <= durable)
    Report(damage, segment, absl::StrCat("changes ", expected, " to ", durable, " are damaged"));
  return accepted;
}

StatusOr<SegmentEntries> ScanEntries(Segment& segment, uint64_t from, Sequence expected, Sequence durable,
                                     std::vector<std::string>* damage) {
  const auto trailer = segment.trailer();
  JZSE_ASSIGN_OR_RETURN(const uint64_t size, segment.file().Size());
  SegmentScanner scanner(segment, from, trailer ? trailer->footer_begin : size);
  const bool commit = segment.header().stream == Stream::kCommit;
  std::vector<FooterEntry> entries;
  std::map<Sequence, Group> groups;
  SegmentEntries all;
  all.end = from;
  SegmentScanner::Item item;
  while (true) {
    JZSE_ASSIGN_OR_RETURN(const bool more, scanner.Next(&item));
    if (!more) break;
    if (item.header.type == RecordType::kFooter) continue;  // of a seal that was not finished
    const bool first = (item.header.flags & kFlagGroupFirst) != 0;
    const Bytes payload = first ? item.payload.substr(kGroupPrefixSize) : item.payload;
    const auto summary = SummarySize(item.header.type, payload);
    if (!summary.ok()) {
      Report(damage, segment, absl::StrCat("malformed record at offset ", item.location.offset));
      continue;
    }
    // Without a trailer a gap may be a write that never finished: nobody relied on it.
    if (item.skipped != 0 && trailer)
      Report(damage, segment, absl::StrCat(item.skipped, " damaged bytes before offset ", item.location.offset));
    if (commit) {
      Group& group = groups[item.header.sequence - item.header.group_position];
      group.members.push_back(entries.size());
      if (first) {
        group.has_first = true;
        group.prefix = LoadGroupPrefix(item.payload);
      }
    }
    entries.push_back({item.header, item.location.offset, std::string(payload.substr(0, *summary))});
    all.end = scanner.position();
  }
  if (commit) return Accept(segment, std::move(entries), std::move(groups), from, expected, durable, damage);
  all.entries = std::move(entries);
  return all;
}

}  // namespace

StatusOr<SegmentEntries> ReadEntries(Segment& segment, uint64_t from, Sequence durable,
                                     std::vector<std::string>* damage, Sequence expected) {
  if (const auto trailer = segment.trailer()) {
    auto footer = segment.ReadFooter();
    if (footer.ok()) {
      SegmentEntries result{std::move(*footer), trailer->footer_begin};
      std::erase_if(result.entries, [from](const FooterEntry& entry) { return entry.offset < from; });
      return result;
    }
    if (!base::Is(footer.status(), base::Code::kCorrupt)) return footer.status();
    Report(damage, segment, "its footer is damaged; read in full");
    durable = std::max(durable, trailer->last);
  }
  return ScanEntries(segment, from, expected, durable, damage);
}

}  // namespace jzse::store
