// SPDX-License-Identifier: Apache-2.0
// The laws of Merge over random histories: replicas edit, move and delete one file and exchange states in any order, any
// number of times. A dumb model remembers for each state the set of changes that made it, as a bit mask; from that alone
// follow its contents, its path and its vector. Broken variants of Merge must be found by the same search.
#include <catch2/catch.hpp>
#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "budget.h"
#include "model/model.h"

namespace jzse::model {
namespace {

using MergeFn = FileRecord (*)(const FileRecord&, const FileRecord&);
using Mask = uint64_t;  // a set of changes

constexpr size_t kReplicasMax = 5, kChangesMax = 64;
constexpr std::array<base::ReplicaId, kReplicasMax> kReplicaIds = {7, 3, 0xffffffffffffffff, 1, 0x8000000000000000};

struct Change {
  Dot dot;
  Stamp stamp;
  bool is_content;
  Mask seen;  // by its author before it
  std::string path;
};

struct State {
  FileRecord record;
  Mask changes = 0;
};

struct Replica {
  State state;
  HybridClock clock;
  uint64_t counter = 0;
  int64_t skew_ms = 0;
};

Content SomeContent(uint64_t number, base::Prng& prng) {
  Content content;
  if (prng.OneIn(5)) return content;  // a delete
  content.kind = prng.OneIn(8) ? ContentKind::kSymlink : ContentKind::kFile;
  content.storage = Content::Storage::kInline;
  content.size = 1 + number;
  content.hash.bytes[0] = static_cast<unsigned char>(1 + prng.Below(3));  // few, so that equal bytes happen
  content.hash.bytes[31] = static_cast<unsigned char>(prng.OneIn(2) ? 1 : number);
  return content;
}

class World {
 public:
  World(uint64_t seed, MergeFn merge) : prng_(seed), merge_(merge) {
    replicas_.resize(2 + prng_.Below(kReplicasMax - 1));
    disciplined_ = !prng_.OneIn(4);
    keep_ancestors_ = prng_.OneIn(2);
    for (Replica& replica : replicas_) replica.skew_ms = static_cast<int64_t>(prng_.Below(4));
    Create();
  }

  std::string Run() {
    const size_t steps = 3 + prng_.Below(prng_.OneIn(4) ? 40 : 10);
    for (size_t i = 0; i < steps; ++i) {
      if (prng_.OneIn(3)) ++now_ms_;
      Replica& replica = replicas_[prng_.Below(replicas_.size())];
      if (prng_.OneIn(2) && changes_.size() < kChangesMax) {
        Edit(replica);
      } else {
        Receive(replica, sent_[prng_.Below(sent_.size())]);
      }
      if (std::string problem = Check(replica.state); !problem.empty()) return problem;
      if (!prng_.OneIn(3)) sent_.push_back(replica.state);
    }
    if (std::string problem = CheckLaws(); !problem.empty()) return problem;
    return CheckConvergence();
  }

 private:
  void Create() {
    Content content = SomeContent(0, prng_);
    if (content.kind == ContentKind::kDeleted) content.kind = ContentKind::kDirectory;
    Replica& author = replicas_[0];
    const Dot dot = NextDot(author);
    const Stamp stamp = NextStamp(author, true);
    author.state = {NewRecord("a", content, dot, stamp), 1};
    changes_.push_back({dot, stamp, true, 0, "a"});
    sent_.push_back(author.state);
    for (Replica& replica : replicas_) {
      replica.state = author.state;
      Observe(replica, author.state);
    }
  }

  Dot NextDot(Replica& replica) {
    replica.counter += 1 + prng_.Below(3);  // other files take counters too
    return {kReplicaIds[static_cast<size_t>(&replica - replicas_.data())], replica.counter};
  }
  // Undisciplined worlds have clocks that ignore what was seen, except that a move is above the path it replaces: nothing
  // else may depend on good stamps.
  Stamp NextStamp(Replica& replica, bool is_content) {
    if (!disciplined_) return {is_content ? prng_.Below(4) : replica.state.record.path.stamp.value + 1 + prng_.Below(2)};
    return replica.clock.Next(now_ms_ + replica.skew_ms);
  }

  void Edit(Replica& replica) {
    State& state = replica.state;
    const bool is_content = !prng_.OneIn(3);
    const Dot dot = NextDot(replica);
    const Stamp stamp = NextStamp(replica, is_content);
    const std::string path(1, static_cast<char>('a' + prng_.Below(4)));
    if (is_content) {
      SetContent(state.record, SomeContent(changes_.size(), prng_), dot, stamp, keep_ancestors_);
    } else {
      SetPath(state.record, path, dot, stamp);
    }
    changes_.push_back({dot, stamp, is_content, state.changes, path});
    state.changes |= Mask{1} << (changes_.size() - 1);
  }

  void Receive(Replica& replica, const State& sent) {
    replica.state.record = merge_(replica.state.record, sent.record);
    replica.state.changes |= sent.changes;
    Observe(replica, sent);
  }

  void Observe(Replica& replica, const State& sent) {
    Stamp highest = sent.record.path.stamp;
    for (const ContentVersion& version : sent.record.contents) highest = std::max(highest, version.stamp);
    if (!replica.clock.Observe(highest, now_ms_, 1000).ok()) disciplined_ = false;
  }

  // What the set of changes implies, against the record.
  std::string Check(const State& state) const {
    VersionVector vector;
    std::vector<Dot> contents;
    const Change* path = nullptr;
    Mask replaced = 0, moved = 0;
    for (size_t i = 0; i < changes_.size(); ++i) {
      if ((state.changes >> i & 1) == 0) continue;
      vector.Advance(changes_[i].dot);
      (changes_[i].is_content ? replaced : moved) |= changes_[i].seen;
    }
    for (size_t i = 0; i < changes_.size(); ++i) {
      if ((state.changes >> i & 1) == 0) continue;
      const Change& change = changes_[i];
      if (change.is_content && (replaced >> i & 1) == 0) contents.push_back(change.dot);
      if (change.is_content && i != 0) continue;
      if (path == nullptr || std::tie(path->stamp, path->dot) < std::tie(change.stamp, change.dot)) path = &change;
    }
    std::sort(contents.begin(), contents.end());
    const FileRecord& record = state.record;
    if (record.vector != vector) return "the vector is not that of the changes seen";
    if (record.path.dot != path->dot || record.path.path != path->path) return "the path is not the highest seen";
    if ((moved >> (path - changes_.data()) & 1)) return "a later move was undone";
    const bool same = std::equal(contents.begin(), contents.end(), record.contents.begin(), record.contents.end(),
                                 [](const Dot& dot, const ContentVersion& version) { return version.dot == dot; });
    if (!same) return "the siblings are not the contents that nobody replaced";
    if (!CheckRecord(record).ok()) return "invalid record: " + std::string(CheckRecord(record).message());
    return CheckWinner(record);
  }

  static std::string CheckWinner(const FileRecord& record) {
    const ContentVersion* best = &record.contents[0];
    for (const ContentVersion& version : record.contents) {
      const auto key = [](const ContentVersion& v) {
        return std::tuple(v.content.kind != ContentKind::kDeleted, v.stamp, v.dot.replica, v.content.hash, v.dot);
      };
      if (key(version) > key(*best)) best = &version;
    }
    return record.winner() == *best ? "" : "the winner is not the highest live content";
  }

  std::string CheckLaws() {
    for (int i = 0; i < 4; ++i) {
      const FileRecord& a = Some(), &b = Some(), &c = Some();
      const FileRecord ab = merge_(a, b);
      if (merge_(a, a) != a) return "not idempotent";
      if (ab != merge_(b, a)) return "not commutative";
      if (merge_(ab, c) != merge_(a, merge_(b, c))) return "not associative";
      if (merge_(ab, a) != ab || merge_(ab, b) != ab) return "not an upper bound";
      if (!CheckMergeable(a, b).ok()) return "honest records taken for forged";
    }
    return "";
  }
  const FileRecord& Some() { return sent_[prng_.Below(sent_.size())].record; }

  // Everyone sends a last time; all arrive everywhere, in another order for each, some twice.
  std::string CheckConvergence() {
    std::vector<State> last;
    for (const Replica& replica : replicas_) last.push_back(replica.state);
    std::string first_bytes;
    for (Replica& replica : replicas_) {
      for (size_t i = last.size(); i > 1; --i) std::swap(last[i - 1], last[prng_.Below(i)]);
      for (const State& state : last) Receive(replica, state);
      for (int i = 0; i < 2; ++i) Receive(replica, sent_[prng_.Below(sent_.size())]);
      if (std::string problem = Check(replica.state); !problem.empty()) return problem;
      std::string bytes;
      base::Encoder encoder(&bytes);
      Encode(replica.state.record, encoder);
      if (&replica == replicas_.data()) first_bytes = bytes;
      if (bytes != first_bytes) return "replicas differ after exchanging everything";
      base::Decoder decoder(bytes);
      FileRecord decoded;
      if (!Decode(decoder, &decoded) || !decoder.done() || decoded != replica.state.record) {
        return "the record does not survive its encoding";
      }
    }
    return "";
  }

  base::Prng prng_;
  const MergeFn merge_;
  std::vector<Replica> replicas_;
  std::vector<Change> changes_;
  std::vector<State> sent_;
  int64_t now_ms_ = 1;
  bool disciplined_ = true, keep_ancestors_ = false;
};

std::string SearchHistories(uint64_t count, MergeFn merge) {
  return prop::Search(count, [merge](uint64_t seed) { return World(seed, merge).Run(); });
}

TEST_CASE("merge laws, convergence and no lost content over random histories") {
  CHECK(SearchHistories(150'000, Merge) == "");
}

// Broken variants, each a mistake that one could make. None may survive a small search.

FileRecord IgnoresVectors(const FileRecord& a, const FileRecord& b) {
  FileRecord merged = Merge(a, b);
  for (const FileRecord* side : {&a, &b}) {
    for (const ContentVersion& version : side->contents) {
      const auto at = std::lower_bound(merged.contents.begin(), merged.contents.end(), version.dot,
                                       [](const ContentVersion& v, const Dot& dot) { return v.dot < dot; });
      if (at == merged.contents.end() || at->dot != version.dot) merged.contents.insert(at, version);
    }
  }
  return merged;
}

FileRecord LastWriterWinsContents(const FileRecord& a, const FileRecord& b) {
  FileRecord merged = Merge(a, b);
  const ContentVersion winner = merged.winner();
  merged.contents = {winner};
  return merged;
}

FileRecord KeepsOwnVector(const FileRecord& a, const FileRecord& b) {
  FileRecord merged = Merge(a, b);
  merged.vector = a.vector;
  for (const ContentVersion& version : merged.contents) merged.vector.Advance(version.dot);
  merged.vector.Advance(merged.path.dot);
  return merged;
}

FileRecord KeepsOwnPath(const FileRecord& a, const FileRecord& b) {
  FileRecord merged = Merge(a, b);
  merged.path = a.path;
  return merged;
}

FileRecord PathIgnoresReplica(const FileRecord& a, const FileRecord& b) {
  FileRecord merged = Merge(a, b);
  merged.path = a.path.stamp < b.path.stamp ? b.path : a.path;
  return merged;
}

// Takes a whole side where one vector contains the other, and merges only the rest: right. With the comparison the
// wrong way round, it brings old states back.
FileRecord TakesTheOlder(const FileRecord& a, const FileRecord& b) {
  switch (a.vector.Compare(b.vector)) {
    case Causality::kBefore: return a;
    case Causality::kAfter: return b;
    default: return Merge(a, b);
  }
}

FileRecord DeletesWin(const FileRecord& a, const FileRecord& b) {
  FileRecord merged = Merge(a, b);
  for (const ContentVersion& version : merged.contents) {
    if (version.live()) continue;
    const ContentVersion kept = version;
    merged.contents = {kept};
    break;
  }
  return merged;
}

FileRecord DropsEqualBytes(const FileRecord& a, const FileRecord& b) {
  FileRecord merged = Merge(a, b);
  const auto end = std::unique(merged.contents.begin(), merged.contents.end(),
                               [](const auto& x, const auto& y) { return SameBytes(x.content, y.content); });
  merged.contents.erase(end, merged.contents.end());
  return merged;
}

TEST_CASE("the search finds planted faults") {
  struct Variant {
    const char* name;
    MergeFn merge;
  };
  const Variant variants[] = {{"ignores vectors", IgnoresVectors},
                              {"last writer wins contents", LastWriterWinsContents},
                              {"keeps its own vector", KeepsOwnVector},
                              {"keeps its own path", KeepsOwnPath},
                              {"path ignores the replica", PathIgnoresReplica},
                              {"takes the older", TakesTheOlder},
                              {"deletes win", DeletesWin},
                              {"drops equal bytes", DropsEqualBytes}};
  for (const Variant& variant : variants) {
    INFO(variant.name);
    std::string problem;
    for (uint64_t seed = 1; seed <= 2000 && problem.empty(); ++seed) problem = World(seed, variant.merge).Run();
    CHECK(problem != "");
  }
}

}  // namespace
}  // namespace jzse::model
