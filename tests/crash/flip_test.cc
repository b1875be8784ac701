// SPDX-License-Identifier: Apache-2.0
// Every bit of a store: flipped, then opened, verified once and read in full. What is demanded is in damage_world.h.
#include <catch2/catch.hpp>

#include "damage_sweep.h"

namespace jzse::crash {
namespace {

TEST_CASE("the world of the damage tests has every kind of segment and reads as it should") {
  const DamageWorld& world = World();
  auto env = world.disk().CloneKilled();
  auto store = OpenOn(*env);
  REQUIRE(store.ok());
  CHECK(VerifyProblems(**store) == "");
  CHECK(*SurveyOf(**store) == world.pristine());
  std::set<std::pair<store::Stream, bool>> kinds;
  for (const auto& [path, segment] : world.segments()) kinds.insert({segment.stream, segment.sealed});
  CHECK(kinds == std::set<std::pair<store::Stream, bool>>{{store::Stream::kCommit, true}, {store::Stream::kCommit, false},
                                                          {store::Stream::kBulk, true}, {store::Stream::kBulk, false},
                                                          {store::Stream::kCold, true}});
  CHECK(world.segment_bytes() > 56 * base::kKiB);
  CHECK(world.segment_bytes() < 96 * base::kKiB);
  std::printf("segments of %lu bytes without slack:", world.segment_bytes());
  for (const auto& [path, segment] : world.segments()) {
    std::map<std::string, uint64_t> bytes;
    for (const Piece& piece : segment.pieces) bytes[NameOf(piece.kind)] += piece.end - piece.begin;
    std::printf("\n  %s stream %d %s:", FileName(path).c_str(), static_cast<int>(segment.stream),
                segment.sealed ? "sealed" : "not sealed");
    for (const auto& [kind, count] : bytes) std::printf(" %s %lu", kind.c_str(), count);
  }
  std::printf("\n");
}

void FlipAll(bool with_index) {
  const DamageWorld& world = World();
  uint64_t bits = 0;
  for (const auto& [path, segment] : world.segments()) bits += segment.pieces.back().end * 8;
  Sweep sweep(with_index ? "flip" : "flip-without-index", bits, 2500);
  Unreported unreported;
  for (const auto& [path, segment] : world.segments()) {
    for (const Piece& piece : segment.pieces) {
      for (uint64_t bit = piece.begin * 8; bit < piece.end * 8; ++bit) {
        const auto name = [&, &path = path] { return FileName(path) + ":" + std::to_string(bit); };
        if (!sweep.Take(name)) continue;
        auto env = world.disk().CloneKilled();
        REQUIRE(env->FlipBit(path, bit / 8, static_cast<int>(bit % 8)).ok());
        if (!with_index) RemoveIndex(*env);
        const Verdict verdict = world.JudgeRange(*env, path, bit / 8, bit / 8 + 1, with_index);
        if (!verdict.problem.empty())
          sweep.Failed(name(), std::string(NameOf(piece.kind)) + " at byte " + std::to_string(bit / 8) + ": " +
                                   verdict.problem);
        if (!verdict.reported)
          unreported.Note(FileName(path) + " " + NameOf(piece.kind) + " " + std::to_string(piece.begin));
      }
    }
  }
  CHECK(sweep.failed() == 0);
}

TEST_CASE("every bit of every segment") { FlipAll(true); }
TEST_CASE("every bit of every segment, and no index") { FlipAll(false); }

TEST_CASE("every bit of the identity is refused with a name") {
  const std::string path = std::string(kStore) + "/JZSE";
  const DamageWorld& world = World();
  const uint64_t bits = world.disk().Content(path)->size() * 8;
  Sweep sweep("identity", bits, static_cast<double>(bits));
  for (uint64_t bit = 0; bit < bits; ++bit) {
    const auto name = [&] { return std::to_string(bit); };
    if (!sweep.Take(name)) continue;
    auto env = world.disk().CloneKilled();
    REQUIRE(env->FlipBit(path, bit / 8, static_cast<int>(bit % 8)).ok());
    const auto store = OpenOn(*env);
    const Code code = base::CodeOf(store.status());
    if (code != Code::kCorrupt && code != Code::kUnsupported && code != Code::kInvalid)
      sweep.Failed(name(), "opening says " + std::to_string(static_cast<int>(code)));
    else if (store.status().message().find(kStore) == std::string::npos)
      sweep.Failed(name(), "unnamed: " + std::string(store.status().message()));
  }
  CHECK(sweep.failed() == 0);
}

}  // namespace
}  // namespace jzse::crash
