// SPDX-License-Identifier: Apache-2.0
// What the sweeps over damage share: the world, built once, and the counting of what nobody reported.
#ifndef JZSE_TESTS_CRASH_DAMAGE_SWEEP_H_
#define JZSE_TESTS_CRASH_DAMAGE_SWEEP_H_

#include <map>
#include <string>

#include "budget.h"
#include "damage_world.h"

namespace jzse::crash {

inline const DamageWorld& World() {
  static const auto* const world = new DamageWorld();
  return *world;
}

inline std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

inline const char* NameOf(Piece::Kind kind) {
  switch (kind) {
    case Piece::Kind::kHeader: return "header";
    case Piece::Kind::kRecord: return "record";
    case Piece::Kind::kFooter: return "footer";
    case Piece::Kind::kTrailer: return "trailer";
    case Piece::Kind::kSlack: return "slack";
  }
  return "";
}

// Damage that was not reported, by where it was. The judge has decided that it need not be; this is for the eye.
class Unreported {
 public:
  void Note(const std::string& where) { ++counts_[where]; }
  ~Unreported() {
    for (const auto& [where, count] : counts_) std::printf("  %lu not reported: %s\n", count, where.c_str());
  }

 private:
  std::map<std::string, uint64_t> counts_;
};

}  // namespace jzse::crash

#endif  // JZSE_TESTS_CRASH_DAMAGE_SWEEP_H_
