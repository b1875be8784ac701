// SPDX-License-Identifier: Apache-2.0
// Calls of the disk that fail: once or for as long as it lasts, by kind of call; reads that come short; a disk that is
// full; no descriptor left; an allocation that fails. A failure must have a code that fits, must not be visible, and leaves nothing half done for
// the next opening to find. What succeeds meanwhile counts as acknowledged.
#include <iterator>
#include <utility>

#include "compare.h"
#include "heap.h"
#include "world.h"

namespace jzse::sim {

using base::Code;
using base::Status;
using io::Op;
using io::OpMask;
using prop::Choice;
using prop::Model;

namespace {

struct FaultKind {
  const char* name;
  OpMask ops;
  Code code;
};

constexpr FaultKind kFaults[] = {
    {"write: EIO", io::kWriteOps, Code::kIo},
    {"write: ENOSPC", io::kWriteOps, Code::kNoSpace},
    {"sync: EIO", io::kSyncOps, Code::kIo},
    {"read: EIO", static_cast<OpMask>(Op::kRead), Code::kIo},
    {"open: EMFILE", Op::kOpen | Op::kCreate, Code::kBusy},
    {"create: ENOSPC", static_cast<OpMask>(Op::kCreate), Code::kNoSpace},
    {"directory: EIO", Op::kRename | Op::kRemove | Op::kSyncDir | Op::kListDir, Code::kIo},
    {"truncate or size: EIO", Op::kTruncate | Op::kSize, Code::kIo},
    {"any call: EIO", io::kAllOps, Code::kIo},
};

// What a failing disk may make of an operation; kReadOnly: writes have stopped.
bool Fits(Code code, Code planned) {
  return code == planned || code == Code::kReadOnly || code == Code::kIo || code == Code::kCorrupt ||
         code == Code::kNoSpace;
}

}  // namespace

// Returns the code that failures may carry.
Code World::PlanFault(Choice& choice) {
  // LevelDB is built without exceptions, so what fails in it is left out.
  const uint64_t what = choice.prng.Below(std::size(kFaults) + (setting_.leveldb ? 2 : 4));
  if (what < std::size(kFaults)) {
    const FaultKind& fault = kFaults[what];
    const uint64_t nth = 1 + choice.prng.Below(choice.prng.OneIn(3) ? 40 : 4);
    const bool for_ever = choice.prng.OneIn(3);
    Note([&] { return std::string("the ") + std::to_string(nth) + ". " + fault.name + (for_ever ? " from then on" : ""); });
    disk_->FailNth(fault.ops, nth, fault.code, for_ever);
    return fault.code;
  }
  if (what == std::size(kFaults)) {
    const uint64_t nth = 1 + choice.prng.Below(10);
    Note([&] { return "the " + std::to_string(nth) + ". read comes short"; });
    disk_->ShortReadNth(nth);
    return Code::kCorrupt;
  }
  if (what > std::size(kFaults) + 1) {
    failing_allocation_ = 1 + choice.prng.Below(choice.prng.OneIn(2) ? 60 : 600);
    Note([&] { return "allocation " + std::to_string(failing_allocation_) + " fails"; });
    return Code::kNoMemory;
  }
  const uint64_t space = choice.prng.Below(choice.prng.OneIn(2) ? 4'000 : 400'000);
  Note([&] { return "only " + std::to_string(space) + " bytes are free"; });
  disk_->SetFreeSpace(space);
  return Code::kNoSpace;
}

void World::MendDisk() {
  disk_->ClearFaults();
  disk_->SetFreeSpace(uint64_t{1} << 40);
}

// A call of the engine, in which the allocation fails that was planned, if one was.
template <typename Body>
Status World::WithPlannedAllocation(Body body) {
  FailAllocation(std::exchange(failing_allocation_, 0));
  const Status status = base::CatchOutOfMemory(body);
  if (FailAllocation(0)) ++totals_.faults;
  return status;
}

// Some work on a failing disk; a group that failed, and may yet be found, goes to `unknown`.
std::string World::WorkOnBadDisk(Choice& choice, Code planned, std::vector<Model>* unknown) {
  // A file that is shorter than it was is damage, which an opening works around and reports: see damage.cc.
  uint64_t what = planned == Code::kCorrupt ? 2 + choice.prng.Below(4) : choice.prng.Below(10);
  if (what == 1 && failing_allocation_ != 0) what = 3;  // tests/crash/memory_test opens and closes without memory
  if (what == 0) {
    engine::CompactOptions options;
    options.full = choice.prng.OneIn(2);
    Note([] { return "compact"; });
    follower_.Compacted();
    return ExpectFitting("compact", planned, WithPlannedAllocation([&] { return store_->Compact(options).status(); }));
  }
  if (what == 1) {
    Note([] { return "close and open"; });
    if (std::string problem = ExpectFitting("close", planned, store_->Close()); !problem.empty()) return problem;
    CloseStore();
    auto store = engine::Store::Open(*disk_, crash::kStore, StoreOptions());
    if (std::string problem = ExpectFitting("open", planned, store.status()); !problem.empty()) return problem;
    if (store.ok()) store_ = *std::move(store);
    return "";
  }
  if (what == 2) {
    const std::string ns = choice.Space(), path = choice.KnownPath(ns);
    Note([&] { return "read " + ns + ":" + path; });
    const auto space = model_.spaces.find(ns);
    const prop::File* const live = space == model_.spaces.end() ? nullptr : space->second.Live(path);
    if (live == nullptr || !live->now.has_content()) return "";
    std::string data;
    const Status status =
        WithPlannedAllocation([&] { return store_->Get(ns, path, {}, &data, nullptr).status(); });
    if (status.ok() && data != *live->now.data) return ns + ":" + path + ": wrong bytes are served";
    return ExpectFitting("read", planned, status);
  }
  const std::vector<prop::Op> group = Group(choice, 1 + choice.prng.Below(3));
  Model after = model_;
  const Code want = prop::Expect(after, group);
  const Status status = WithPlannedAllocation([&] { return prop::Commit(*store_, group).status(); });
  if (base::CodeOf(status) == want) {
    if (want == Code::kOk) model_ = std::move(after);
    return Expect("commit", want, status);
  }
  if (status.ok()) return Expect("commit", want, status);
  if (want == Code::kOk) unknown->push_back(std::move(after));
  return ExpectFitting("commit", planned, status);
}

std::string World::ExpectFitting(const char* what, Code planned, const Status& status) {
  const bool fits = status.ok() || Fits(base::CodeOf(status), planned);
  return Expect(what, fits ? base::CodeOf(status) : Code::kOk, status);
}

std::string World::FailCalls(Choice& choice) {
  std::string problem = CheckSnapshots();
  if (!problem.empty()) return problem;
  image_effects_.clear();
  const uint64_t fired = disk_->faults_fired();
  const Code planned = PlanFault(choice);
  std::vector<Model> unknown;
  for (uint64_t left = 1 + choice.prng.Below(3); left > 0; --left) {
    problem = WorkOnBadDisk(choice, planned, &unknown);
    if (!problem.empty() || store_ == nullptr || !unknown.empty()) break;
  }
  totals_.faults += disk_->faults_fired() - fired;
  MendDisk();
  failing_allocation_ = 0;
  // A failure is not visible; what was acknowledged is, and can be read.
  if (problem.empty() && store_ != nullptr) {
    ++totals_.compared;
    problem = Compare(*store_, model_, {choice.prng.OneIn(4), planned == Code::kCorrupt});
    if (!problem.empty()) problem = "after a failed call: " + problem;
  }
  if (!problem.empty()) return problem;
  return ComeBack(choice, std::move(unknown));
}

// Opens the store again after failures: closed, killed, or after a power cut.
std::string World::ComeBack(Choice& choice, std::vector<Model> candidates) {
  candidates.push_back(model_);
  const uint64_t way = choice.prng.Below(3);
  if (way == 0) {
    Note([] { return "close, mend and open"; });
    if (store_ != nullptr) (void)store_->Close();
    CloseStore();
    return Recover(std::move(candidates), choice.prng);
  }
  Note([&] { return way == 1 ? "killed" : "power cut"; });
  Image image = TakeImage(model_, choice.prng);
  if (way == 1) image.disk = disk_->CloneKilled();
  trace_.Mix(disk_->trace_hash());
  disk_->SetEffectHook({});
  disk_->CrashAfter(0);
  CloseStore();
  disk_ = std::move(image.disk);
  if (depth_ == 0) disk_->SetEffectHook([this] { OnEffect(); });
  return Recover(std::move(candidates), choice.prng);
}

}  // namespace jzse::sim
