// SPDX-License-Identifier: Apache-2.0
// A store of about 64 KiB that holds every type of record in every kind of segment, a map that says of each of its bytes
// what it is and which contents need it, and a judge that says whether a damaged copy behaves as it should.
//
// What the judge demands of any damage to segments:
//  1. The store opens.
//  2. What the damage does not touch reads as before, with every attribute and version.
//  3. What it touches reads as before or is JZSE_CORRUPT. It may be missing, or be an older state, only where the record was
//     the last witness: in a segment without a footer, or with the footer (or the header) damaged and no index besides.
//  4. Nothing is served that was not stored by exactly the change whose sequence it bears.
//  5. One open and one verify report the damage and name a segment or file that it touches, except in bytes that are
//     provably meaningless or unprovably lost; `Silent` below is the whole list.
//
// Threading: one thread; a DamageWorld is not changed after it is built, so clones of its disk may be judged in any order.
#ifndef JZSE_TESTS_CRASH_DAMAGE_WORLD_H_
#define JZSE_TESTS_CRASH_DAMAGE_WORLD_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "store/format.h"
#include "store_world.h"

namespace jzse::crash {

// Every file and version: "namespace:path" or "namespace:path@sequence" -> its state with a digest of its bytes, or
// "!<code>" when it cannot be read.
using Survey = std::map<std::string, std::string>;
StatusOr<Survey> SurveyOf(Store& store);

struct Piece {
  enum class Kind { kHeader, kRecord, kFooter, kTrailer, kSlack } kind = Kind::kSlack;
  uint64_t begin = 0, end = 0;
  size_t group = 0;               // of a record in an unsealed commit segment, counted from 1 in order of place
  std::set<std::string> keys;     // of the survey, that need this piece
  std::set<std::string> paths;    // "namespace:path" of every file whose history it tells
};

struct SegmentMapEntry {
  store::Stream stream = store::Stream::kCommit;
  bool sealed = false;
  bool listed = false;            // as sealed, by the census
  size_t groups = 0;              // of an unsealed commit segment
  std::vector<Piece> pieces;      // in order of place, without gaps
};

struct Verdict {
  std::string problem;            // empty: as it should be; else what is wrong
  bool reported = false;          // by this open or by one verify
  bool silent_allowed = false;
  bool index_rebuilt = false;
};

class DamageWorld {
 public:
  DamageWorld();  // FAILs the test if it cannot be built

  io::SimEnv& disk() const { return *disk_; }
  const std::map<std::string, SegmentMapEntry>& segments() const { return segments_; }
  const Survey& pristine() const { return pristine_; }
  // Whole segment files of earlier moments, which recycling or a lost write may bring back in part.
  const std::vector<std::pair<std::string, std::string>>& older() const { return older_; }
  uint64_t segment_bytes() const;  // without slack

  // Judges a disk whose segments differ from disk() in `path` only. Opens it once and verifies it once.
  Verdict Judge(io::SimEnv& damaged, const std::string& path, bool with_index) const;
  // The same for damage that is certainly within [begin, end).
  Verdict JudgeRange(io::SimEnv& damaged, const std::string& path, uint64_t begin, uint64_t end, bool with_index) const;

 private:
  struct Touched {
    std::vector<const Piece*> pieces;
    std::set<std::string> keys, paths, names;  // names: what a report may be about
    bool forgetting = false;
    bool silent_allowed = false;
  };
  void Run(const std::string& name, const std::function<Status(Store&)>& act);
  void Live();   // opens
  void Note();   // what can be seen now becomes history
  void KeepOlder();
  void MapSegments();
  void MapSegment(const std::string& path, const std::string& bytes);
  void FindDependents();
  Touched Touch(const std::string& path, const std::vector<std::pair<uint64_t, uint64_t>>& ranges,
                bool with_index) const;
  bool Silent(const SegmentMapEntry& segment, const std::vector<const Piece*>& pieces) const;
  Verdict JudgeTouched(io::SimEnv& damaged, const Touched& touched) const;
  std::string Compare(const Survey& have, const Touched& touched) const;

  struct RecordAt {
    std::string segment;
    size_t piece = 0;
    store::RecordHeader header;
    std::string payload;  // without group prefix
  };

  std::unique_ptr<io::SimEnv> disk_;
  std::unique_ptr<Store> store_;
  std::map<std::string, SegmentMapEntry> segments_;
  std::vector<RecordAt> records_;
  Survey pristine_;
  std::set<std::string> history_;  // namespace and state (which has the sequence), of all moments
  std::vector<std::pair<std::string, std::string>> older_;
};

}  // namespace jzse::crash

#endif  // JZSE_TESTS_CRASH_DAMAGE_WORLD_H_
