// SPDX-License-Identifier: Apache-2.0
// The judge: what damage touches, what may then be missing, what must be reported. See damage_world.h.
#include <algorithm>

#include "damage_world.h"

namespace jzse::crash {
namespace {

using Kind = Piece::Kind;

std::string PathPart(const std::string& key) { return key.substr(0, key.rfind('@')); }

std::string NamespacePart(const std::string& key) { return key.substr(0, key.find(':')); }

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Where two files differ, as ranges; what one has beyond the other is a range, too.
std::vector<std::pair<uint64_t, uint64_t>> Differences(const std::string& a, const std::string& b) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; ++i) {
    if (a[i] == b[i]) continue;
    if (ranges.empty() || ranges.back().second != i) ranges.push_back({i, i});
    ranges.back().second = i + 1;
  }
  if (a.size() != b.size()) ranges.push_back({common, std::max(a.size(), b.size())});
  return ranges;
}

}  // namespace

// The whole list of damage that need not be reported:
//  - slack: bytes that belong to no record, behind the last one of an unsealed segment or between chunks;
//  - in an unsealed commit segment, the last groups without exception: nothing behind them proves that they were ever
//    acknowledged, so they look like the torn tail of a power cut (what is served is then the state before them);
//  - in an unsealed bulk segment, a chunk that no file and no version needs;
//  - the trailer of a sealed commit or bulk segment that the census does not list yet, or footer and trailer together: they
//    repeat what the records say, and a seal that a power cut interrupts looks the same. The segment is then read in full, and
//    everything in it is there.
bool DamageWorld::Silent(const SegmentMapEntry& segment, const std::vector<const Piece*>& pieces) const {
  const bool no_trailer = !segment.listed && segment.stream != store::Stream::kCold && !pieces.empty() &&
                          pieces.back()->kind == Kind::kTrailer;
  std::set<size_t> groups;
  for (const Piece* piece : pieces) {
    if (piece->kind == Kind::kSlack) continue;
    if (no_trailer && (piece->kind == Kind::kTrailer || piece->kind == Kind::kFooter)) continue;
    if (segment.sealed || piece->kind != Kind::kRecord) return false;
    if (segment.stream == store::Stream::kBulk && piece->keys.empty()) continue;
    if (piece->group == 0) return false;
    groups.insert(piece->group);
  }
  return groups.empty() || (*groups.rbegin() == segment.groups && *groups.rbegin() - *groups.begin() + 1 == groups.size());
}

DamageWorld::Touched DamageWorld::Touch(const std::string& path,
                                        const std::vector<std::pair<uint64_t, uint64_t>>& ranges,
                                        bool with_index) const {
  Touched touched;
  const SegmentMapEntry& segment = segments_.at(path);
  for (const Piece& piece : segment.pieces)
    if (std::any_of(ranges.begin(), ranges.end(),
                    [&](const auto& range) { return range.first < piece.end && piece.begin < range.second; }))
      touched.pieces.push_back(&piece);
  touched.names.insert(FileName(path));
  touched.silent_allowed = Silent(segment, touched.pieces);
  const bool header = !touched.pieces.empty() && touched.pieces.front()->kind == Kind::kHeader;
  const bool witness_gone = header || std::any_of(touched.pieces.begin(), touched.pieces.end(), [](const Piece* piece) {
                              return piece->kind == Kind::kFooter || piece->kind == Kind::kTrailer;
                            });
  touched.forgetting = !segment.sealed || (witness_gone && !with_index);
  // A segment whose header is damaged is damaged as a whole, and so is, as far as its index of contents goes, a group of
  // which nothing says any more that it was acknowledged.
  for (const Piece& piece : segment.pieces) {
    const bool in_group = std::any_of(touched.pieces.begin(), touched.pieces.end(), [&](const Piece* other) {
      return other == &piece || (piece.group != 0 && other->group == piece.group);
    });
    if (!header && !in_group) continue;
    touched.keys.insert(piece.keys.begin(), piece.keys.end());
    touched.paths.insert(piece.paths.begin(), piece.paths.end());
  }
  for (const std::string& key : touched.keys) touched.names.insert(PathPart(key));
  touched.names.insert(touched.paths.begin(), touched.paths.end());
  return touched;
}

std::string DamageWorld::Compare(const Survey& have, const Touched& touched) const {
  static const std::string kCorrupt = "!" + std::to_string(static_cast<int>(Code::kCorrupt));
  for (const auto& [key, state] : pristine_) {
    const bool may_differ =
        touched.keys.contains(key) || (touched.forgetting && touched.paths.contains(PathPart(key)));
    const auto it = have.find(key);
    if (it != have.end() && it->second == state) continue;
    const std::string is = it == have.end() ? "missing" : it->second;
    if (!may_differ) return key + " is not touched, but is " + is + " instead of " + state;
    if (is == kCorrupt) continue;
    if (!touched.forgetting) return key + " should be as it was or JZSE_CORRUPT, but is " + is;
    if (it != have.end() && !history_.contains(NamespacePart(key) + " " + is)) return key + " was never " + is;
  }
  for (const auto& [key, state] : have) {
    if (pristine_.contains(key)) continue;
    if (!touched.forgetting || !touched.paths.contains(PathPart(key))) return key + " should not be there: " + state;
    if (state != kCorrupt && !history_.contains(NamespacePart(key) + " " + state)) return key + " was never " + state;
  }
  return "";
}

Verdict DamageWorld::JudgeTouched(io::SimEnv& damaged, const Touched& touched) const {
  Verdict verdict;
  verdict.silent_allowed = touched.silent_allowed;
  std::vector<std::string> log;
  auto store = OpenOn(damaged, &log);
  if (!store.ok()) {
    verdict.problem = "cannot be opened: " + std::string(store.status().message());
    return verdict;
  }
  const auto stats = (*store)->GetStats();
  std::string report = VerifyProblems(**store);
  if (stats.ok()) verdict.index_rebuilt = stats->index_rebuilt;
  verdict.reported = !report.empty() || (stats.ok() && stats->corrupt_records > 0);
  for (const std::string& line : log)
    if (line[0] == '0') report += line + "\n";
  const bool named = std::any_of(touched.names.begin(), touched.names.end(),
                                 [&](const std::string& name) { return report.find(name) != std::string::npos; });
  const auto survey = SurveyOf(**store);
  if (!survey.ok()) {
    verdict.problem = "cannot be listed: " + std::string(survey.status().message());
    return verdict;
  }
  verdict.problem = Compare(*survey, touched);
  if (verdict.problem.empty() && !verdict.reported && !touched.silent_allowed) verdict.problem = "not reported";
  if (verdict.problem.empty() && verdict.reported && !named)
    verdict.problem = "the report names nothing that is touched: " + report;
  if (const Status closed = (*store)->Close(); verdict.problem.empty() && !closed.ok())
    verdict.problem = "cannot be closed: " + std::string(closed.message());
  return verdict;
}

Verdict DamageWorld::Judge(io::SimEnv& damaged, const std::string& path, bool with_index) const {
  const auto now = damaged.Content(path);
  return JudgeTouched(damaged, Touch(path, Differences(*disk_->Content(path), now.ok() ? *now : ""), with_index));
}

Verdict DamageWorld::JudgeRange(io::SimEnv& damaged, const std::string& path, uint64_t begin, uint64_t end,
                                bool with_index) const {
  return JudgeTouched(damaged, Touch(path, {{begin, end}}, with_index));
}

}  // namespace jzse::crash
