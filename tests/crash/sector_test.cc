// SPDX-License-Identifier: Apache-2.0
// Segments cut to every length, and every sector of theirs zeroed, swapped with every other one of the file, or rolled
// back to what it held earlier; index files with flipped bits, zeroed sectors and every kind of cut. What is demanded of
// damaged segments is in damage_world.h; an index only ever costs a rebuild.
#include <catch2/catch.hpp>
#include <algorithm>

#include "damage_sweep.h"

namespace jzse::crash {
namespace {

constexpr size_t kSector = io::kSimSectorSize;

// One damaged version of one segment, with the index and without.
void JudgeBytes(Sweep& sweep, Unreported& unreported, const std::string& path, const std::string& name,
                const std::string& bytes, bool with_index) {
  auto env = World().disk().CloneKilled();
  REQUIRE(env->Put(path, bytes).ok());
  if (!with_index) RemoveIndex(*env);
  const Verdict verdict = World().Judge(*env, path, with_index);
  if (!verdict.problem.empty()) sweep.Failed(name, verdict.problem);
  if (!verdict.reported) unreported.Note(FileName(path));
}

std::string CaseName(const std::string& path, const std::string& what, bool with_index) {
  return FileName(path) + ":" + what + (with_index ? "" : ":without-index");
}

TEST_CASE("every length of every segment") {
  const DamageWorld& world = World();
  uint64_t total = 0;
  for (const auto& [path, segment] : world.segments()) total += 2 * segment.pieces.back().end;
  Sweep sweep("truncate", total, 1500);
  Unreported unreported;
  for (const auto& [path, segment] : world.segments()) {
    const std::string bytes = *world.disk().Content(path);
    for (size_t length = 0; length < bytes.size(); ++length) {
      for (const bool with_index : {true, false}) {
        const auto name = [&, &path = path] { return CaseName(path, std::to_string(length), with_index); };
        if (sweep.Take(name)) JudgeBytes(sweep, unreported, path, name(), bytes.substr(0, length), with_index);
      }
    }
  }
  CHECK(sweep.failed() == 0);
}

TEST_CASE("every sector of every segment zeroed") {
  const DamageWorld& world = World();
  uint64_t total = 0;
  for (const auto& [path, segment] : world.segments()) total += 2 * (segment.pieces.back().end / kSector + 1);
  Sweep sweep("zero", total, 1000);
  Unreported unreported;
  for (const auto& [path, segment] : world.segments()) {
    const std::string bytes = *world.disk().Content(path);
    for (size_t at = 0; at < bytes.size(); at += kSector) {
      for (const bool with_index : {true, false}) {
        const auto name = [&, &path = path] { return CaseName(path, std::to_string(at), with_index); };
        if (!sweep.Take(name)) continue;
        std::string damaged = bytes;
        std::fill_n(damaged.begin() + static_cast<ptrdiff_t>(at), std::min(kSector, bytes.size() - at), '\0');
        JudgeBytes(sweep, unreported, path, name(), damaged, with_index);
      }
    }
  }
  CHECK(sweep.failed() == 0);
}

TEST_CASE("every two sectors of a segment swapped") {
  const DamageWorld& world = World();
  uint64_t total = 0;
  for (const auto& [path, segment] : world.segments()) {
    const uint64_t sectors = segment.pieces.back().end / kSector;
    total += sectors * (sectors - 1);
  }
  Sweep sweep("swap", total, 1000);
  Unreported unreported;
  for (const auto& [path, segment] : world.segments()) {
    const std::string bytes = *world.disk().Content(path);
    const size_t sectors = bytes.size() / kSector;  // whole ones
    for (size_t a = 0; a < sectors; ++a) {
      for (size_t b = a + 1; b < sectors; ++b) {
        for (const bool with_index : {true, false}) {
          const auto name = [&, &path = path] {
            return CaseName(path, std::to_string(a) + "-" + std::to_string(b), with_index);
          };
          if (!sweep.Take(name)) continue;
          std::string damaged = bytes;
          std::swap_ranges(damaged.begin() + static_cast<ptrdiff_t>(a * kSector),
                           damaged.begin() + static_cast<ptrdiff_t>((a + 1) * kSector),
                           damaged.begin() + static_cast<ptrdiff_t>(b * kSector));
          if (damaged != bytes) JudgeBytes(sweep, unreported, path, name(), damaged, with_index);
        }
      }
    }
  }
  CHECK(sweep.failed() == 0);
}

// The sector as it was in an earlier state of this file, or in any other segment that lay there: a lost write, or a
// leftover of a recycled segment.
TEST_CASE("every sector of every segment rolled back") {
  const DamageWorld& world = World();
  uint64_t total = 0;
  for (const auto& [path, segment] : world.segments())
    total += 2 * world.older().size() * (segment.pieces.back().end / kSector + 1);
  Sweep sweep("roll-back", total, 1000);
  Unreported unreported;
  for (const auto& [path, segment] : world.segments()) {
    const std::string bytes = *world.disk().Content(path);
    std::set<std::pair<size_t, std::string>> seen;
    for (size_t i = 0; i < world.older().size(); ++i) {
      const std::string& older = world.older()[i].second;
      for (size_t at = 0; at < std::min(bytes.size(), older.size()); at += kSector) {
        const size_t count = std::min({kSector, bytes.size() - at, older.size() - at});
        std::string damaged = bytes;
        damaged.replace(at, count, older, at, count);
        const bool is_new = damaged != bytes && seen.emplace(at, older.substr(at, count)).second;
        for (const bool with_index : {true, false}) {
          const auto name = [&, &path = path] {
            return CaseName(path, std::to_string(at) + "-of-" + std::to_string(i), with_index);
          };
          if (sweep.Take(name) && is_new) JudgeBytes(sweep, unreported, path, name(), damaged, with_index);
        }
      }
    }
  }
  CHECK(sweep.failed() == 0);
}

// Everything reads as before, and verify, after the one open that rebuilt or repaired, has nothing to say.
std::string JudgeIndex(io::SimEnv& env) {
  auto store = OpenOn(env);
  if (!store.ok()) return "cannot be opened: " + std::string(store.status().message());
  const auto survey = SurveyOf(**store);
  if (!survey.ok()) return "cannot be listed: " + std::string(survey.status().message());
  std::string problem;
  for (const auto& [key, state] : World().pristine()) {
    const auto it = survey->find(key);
    if (it == survey->end()) return key + " is missing";
    if (it->second == state) continue;
    // An index that turns out to be damaged after it was opened: an error, and verify tells.
    if (it->second[0] != '!') return key + " is wrong: " + it->second;
    problem = key + " is " + it->second;
  }
  if (survey->size() != World().pristine().size()) return "there is more than there should be";
  const std::string report = VerifyProblems(**store);
  if (problem.empty() && !report.empty()) return "the records are whole, yet verify says " + report;
  return problem.empty() || !report.empty() ? "" : problem + ", and verify says nothing";
}

TEST_CASE("damage to the index: mended or reported, never wrong") {
  const DamageWorld& world = World();
  std::vector<std::string> paths = world.disk().Paths();
  std::erase_if(paths, [](const std::string& path) { return path.find("/index/") == std::string::npos; });
  REQUIRE(paths.size() >= 3);
  uint64_t total = 0;
  for (const std::string& path : paths) total += world.disk().Content(path)->size() * 9 + 1;
  Sweep sweep("index", total, 2000);
  for (const std::string& path : paths) {
    const std::string bytes = *world.disk().Content(path);
    const auto run = [&](const std::string& what, const std::function<std::string()>& damaged) {
      const auto name = [&] { return FileName(path) + ":" + what; };
      if (!sweep.Take(name)) return;
      auto env = world.disk().CloneKilled();
      REQUIRE(env->Put(path, damaged()).ok());
      const std::string problem = JudgeIndex(*env);
      if (!problem.empty()) sweep.Failed(name(), problem);
    };
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      run("bit-" + std::to_string(bit), [&] {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
        return damaged;
      });
    }
    for (size_t length = 0; length < bytes.size(); ++length)
      run("cut-" + std::to_string(length), [&] { return bytes.substr(0, length); });
    for (size_t at = 0; at < bytes.size(); at += kSector) {
      run("zero-" + std::to_string(at), [&] {
        std::string damaged = bytes;
        std::fill_n(damaged.begin() + static_cast<ptrdiff_t>(at), std::min(kSector, bytes.size() - at), '\0');
        return damaged;
      });
    }
  }
  CHECK(sweep.failed() == 0);
}

}  // namespace
}  // namespace jzse::crash
