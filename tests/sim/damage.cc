// SPDX-License-Identifier: Apache-2.0
// A medium that is not what it was: bits flipped, sectors of noise, sectors as they were some time ago (a write that the
// disk confirmed and never made), sectors with what belongs elsewhere (a write that went astray), sectors that cannot be
// read, a file cut short or gone. Done to a copy of the disk, which is then opened.
//
// What must hold, whatever is damaged:
//  - nothing crashes; a refusal has a code;
//  - what is served for a name is a content that this namespace once had, and, if the store says that nothing is
//    damaged, the whole state is one that was acknowledged at some moment: the present one, or, where the end of the
//    journal itself went back, an earlier one;
//  - what cannot be read is told by verify;
//  - what is acknowledged while the damage stays is kept, or its loss is told.
// An opening in which a read comes short, on a disk that is whole, is judged likewise, and so is the opening after it.
#include <algorithm>
#include <map>

#include "compare.h"
#include "world.h"

namespace jzse::sim {

using base::Code;
using io::SimEnv;
using prop::Choice;
using prop::Model;

namespace {

constexpr uint64_t kStaleCommits = 24;  // how old what a sector goes back to is, at most

// Copies whole sectors of `from` at one place over those at another.
std::string CopySectors(SimEnv& disk, const std::string& path, const std::string& from, uint64_t source, uint64_t target,
                        uint64_t count) {
  const auto content = disk.Content(path);
  if (!content.ok()) return "";
  std::string changed = *content;
  for (uint64_t i = 0; i < count * io::kSimSectorSize; ++i)
    if (source + i < from.size() && target + i < changed.size()) changed[target + i] = from[source + i];
  (void)disk.Put(path, changed);
  return path;
}

}  // namespace

// Keeps every acknowledged state, since the end of the journal may go back to any of them, and now and then the disk.
void World::Remember() {
  if (!setting_.damage || depth_ > 0) return;
  if (history_.empty() || history_.back().last != model_.last) history_.push_back(model_);
  if (older_ != nullptr && model_.last < older_at_ + kStaleCommits) return;
  older_ = disk_->CloneKilled();
  older_at_ = model_.last;
}

void World::RememberContent(const prop::Op& op) {
  if (setting_.damage && op.data != nullptr) ever_.insert(base::Xxh64(*op.data, 0));
}

// What several pieces of damage did to the witnesses.
struct World::Hurt {
  std::map<std::string, store::CensusEntry> listed;  // on the disk as it was
  bool census = false;    // it was hit, and may be an older one now
  bool end = false;       // a segment's end or file went for which only the census vouches
  bool unproven = false;  // one for which nothing may vouch

  bool provable() const { return !unproven && !(census && end); }
};

// One piece of damage; tells where. Nothing may vouch for the end of a segment that was never sealed, or that the census does
// not list yet.
std::string World::Damage(SimEnv& disk, base::Prng& prng, Hurt* hurt) {
  std::vector<std::string> paths = disk.Paths();
  std::erase_if(paths, [](const std::string& path) { return path.find("/LOCK") != std::string::npos; });
  const auto segments = crash::SegmentPaths(disk);
  std::string path = paths[prng.Below(paths.size())];
  if (!segments.empty() && !prng.OneIn(4)) path = segments[prng.Below(segments.size())];
  const bool segment = std::find(segments.begin(), segments.end(), path) != segments.end();
  const std::string content = *disk.Content(path);
  std::string story;
  if ((segment || path == crash::kCensusPath) && prng.OneIn(8)) {
    (void)disk.Remove(path);
    story = path + " is gone";
  } else if (!content.empty()) {
    story = DamageFile(disk, prng, paths, path, content);
  }
  hurt->census |= path == crash::kCensusPath;
  if (!segment) return story;
  const auto trailer_of = [](const std::string& bytes) {
    return bytes.size() > store::kTrailerSize ? bytes.substr(bytes.size() - store::kTrailerSize) : "";
  };
  const auto after = disk.Content(path);
  const bool sealed = trailer_of(content).compare(0, 8, "JZSEFOOT") == 0;
  const bool ends_as_before =
      after.ok() && after->size() == content.size() && trailer_of(*after) == trailer_of(content);
  const auto listed = hurt->listed.find(path);
  if (listed != hurt->listed.end() && (listed->second.trailer || !after.ok())) {
    hurt->end |= !ends_as_before;
  } else {
    hurt->unproven |= !sealed || !ends_as_before;
  }
  return story;
}

std::string World::DamageFile(SimEnv& disk, base::Prng& prng, const std::vector<std::string>& paths,
                              const std::string& path, const std::string& content) {
  // Where something is: most of an unsealed segment is zeros.
  size_t used = content.find_last_not_of('\0') + 1;
  if (used == 0) used = content.size();
  const uint64_t offset = prng.OneIn(4) ? used - 1 - prng.Below(std::min<uint64_t>(used, 600)) : prng.Below(used);
  const uint64_t sector = offset / io::kSimSectorSize * io::kSimSectorSize;
  switch (prng.Below(7)) {
    case 0:
    case 1:
      (void)disk.FlipBit(path, offset, static_cast<int>(prng.Below(8)));
      return "a bit of " + path + " at " + std::to_string(offset);
    case 2:
      (void)disk.CorruptSector(path, offset, prng.Next());
      return "noise in " + path + " at " + std::to_string(sector);
    case 3: {
      const auto old = older_ != nullptr ? older_->Content(path) : content;
      if (!old.ok()) return "";
      CopySectors(disk, path, *old, sector, sector, 1 + prng.Below(4));
      return "stale sectors of " + path + " at " + std::to_string(sector);
    }
    case 4: {
      const std::string other = paths[prng.Below(paths.size())];
      const std::string from = *disk.Content(other);
      const uint64_t source = from.empty() ? 0 : prng.Below(from.size()) / io::kSimSectorSize * io::kSimSectorSize;
      CopySectors(disk, path, from, source, sector, 1);
      return "a sector of " + other + " at " + std::to_string(source) + " went to " + path + " at " +
             std::to_string(sector);
    }
    case 5:
      (void)disk.MarkUnreadable(path, sector, std::min<uint64_t>(io::kSimSectorSize, content.size() - sector));
      return "an unreadable sector of " + path + " at " + std::to_string(sector);
    default:
      (void)disk.Put(path, content.substr(0, offset));
      return path + " cut to " + std::to_string(offset);
  }
}

std::string World::CheckDamaged(Choice& choice) {
  Remember();
  std::unique_ptr<SimEnv> disk = choice.prng.OneIn(2) ? disk_->CloneKilled()
                                                      : disk_->CloneCrashed(choice.prng.Next(), io::CrashMode::kNoneKept);
  ++totals_.damaged;
  std::string story;
  if (choice.prng.OneIn(6)) {
    const std::string problem = CheckShortOpening(*disk, choice.prng);
    trace_.Mix(disk->trace_hash());
    return problem;
  }
  Hurt hurt;
  hurt.listed = crash::CensusOf(*disk);
  for (uint64_t left = choice.prng.OneIn(3) ? 1 + choice.prng.Below(4) : 1; left > 0; --left)
    story += (story.empty() ? "" : ", ") + Damage(*disk, choice.prng, &hurt);
  Note([&] { return "damage: " + story; });
  const std::string problem = OpenDamaged(*disk, hurt.provable(), &choice.prng);
  trace_.Mix(disk->trace_hash());
  return problem.empty() ? "" : "damaged by " + story + ": " + problem;
}

std::string World::CheckShortOpening(SimEnv& disk, base::Prng& prng) {
  const uint64_t nth = 1 + prng.Below(60);
  Note([&] { return "the " + std::to_string(nth) + ". read of an opening comes short"; });
  disk.ShortReadNth(nth);
  std::string problem = OpenDamaged(disk, false, nullptr);
  if (!problem.empty()) return "an opening whose read " + std::to_string(nth) + " comes short: " + problem;
  problem = OpenDamaged(disk, true, nullptr);
  return problem.empty() ? "" : "the opening after one whose read " + std::to_string(nth) + " came short: " + problem;
}

// `live`: the store may be used on, with what follows from it.
std::string World::OpenDamaged(SimEnv& disk, bool provable, base::Prng* live) {
  auto opened = engine::Store::Open(disk, crash::kStore, StoreOptions());
  disk.ClearFaults();
  ++totals_.operations;
  if (!opened.ok()) return opened.status().message().empty() ? "is refused without a word" : "";
  engine::Store& store = **opened;
  bool refused = false;
  for (const auto& [name, space] : model_.spaces)
    if (std::string problem = CheckServed(store, name, space, &refused); !problem.empty()) return problem;
  const std::string problems = crash::VerifyProblems(store);
  ++totals_.verified;
  const auto stats = store.GetStats();
  const bool told = !problems.empty() || !stats.ok() || stats->corrupt_records != 0;
  if (told) return live != nullptr && live->OneIn(2) ? LiveDamaged(disk, *std::move(opened), *live) : "";
  if (refused) return "something cannot be read, and verify says that all is well";
  if (!provable) return "";
  std::string first;
  for (auto state = history_.rbegin(); state != history_.rend(); ++state) {
    const std::string difference = Compare(store, *state, {true, true});
    if (difference.empty()) return "";
    if (first.empty()) first = difference;
  }
  return "no damage is told, and the state is none that was ever acknowledged: " + first;
}

std::string World::LiveDamaged(SimEnv& disk, std::unique_ptr<engine::Store> store, base::Prng& prng) {
  std::map<std::string, std::string> kept;
  for (uint64_t left = 1 + prng.Below(4); left > 0; --left) {
    const std::string path = "after damage " + std::to_string(left);
    const std::string data = crash::Noise(prng.Below(100), prng.OneIn(4) ? 70'000 + prng.Below(50'000) : prng.Below(3'000));
    if (crash::Put(*store, "default", path, data).ok()) kept[path] = data;
  }
  engine::CompactOptions options;
  options.full = prng.OneIn(2);
  if (prng.OneIn(2)) (void)store->Compact(options);
  const auto check = [&]() -> std::string {
    for (const auto& [path, data] : kept) {
      const auto have = crash::Get(*store, "default", path);
      ++totals_.operations;
      if (have.ok() && *have != data) return path + ": wrong bytes are served";
      if (have.ok()) continue;
      const auto stats = store->GetStats();
      if (stats.ok() && stats->corrupt_records == 0 && crash::VerifyProblems(*store).empty())
        return path + ": was acknowledged, is " + std::string(have.status().message()) + ", and no damage is told";
    }
    return "";
  };
  std::string problem = check();
  if (!problem.empty()) return "used on: " + problem;
  (void)store->Close();
  store.reset();
  if (prng.OneIn(2)) crash::RemoveIndex(disk);
  auto again = engine::Store::Open(disk, crash::kStore, StoreOptions());
  if (!again.ok()) return again.status().message().empty() ? "used on and closed: is refused without a word" : "";
  store = *std::move(again);
  problem = check();
  return problem.empty() ? "" : "used on, closed and opened: " + problem;
}

// Every name that is or was: a refusal, or bytes that were once put there.
std::string World::CheckServed(engine::Store& store, const std::string& ns, const prop::Space& space, bool* refused) {
  for (const auto& file : space.files) {
    std::string data;
    const auto info = store.Get(ns, file->now.path, {}, &data, nullptr);
    if (!info.ok()) {
      *refused |= base::Is(info.status(), Code::kCorrupt) || base::Is(info.status(), Code::kIo);
      continue;
    }
    if (!ever_.contains(base::Xxh64(data, 0)))
      return ns + ":" + file->now.path + ": bytes are served that never were put";
  }
  return "";
}

}  // namespace jzse::sim
