// SPDX-License-Identifier: Apache-2.0
// What a world does: see world.h.
#include "compare.h"
#include "world.h"

namespace jzse::sim {

using base::Code;
using base::Status;
using prop::Choice;
using prop::Op;

std::string World::Act(uint64_t seed) {
  Choice choice(seed, model_, setting_.sizes);
  const uint64_t kind = choice.prng.Below(1000);
  const prop::Model before = model_;
  std::string problem;
  base::Prng images(seed ^ 0x696d61676573);
  if (setting_.io_faults && images.OneIn(15)) {
    problem = FailCalls(choice);
  } else if (setting_.damage && images.OneIn(30)) {
    problem = CheckDamaged(choice);
  } else if (kind < 430) {
    PlanImages(images, 12, 3);
    problem = Operate(choice, 1);
  } else if (kind < 490) {
    PlanImages(images, 8, 3);
    problem = Operate(choice, 2 + choice.prng.Below(5));
  } else if (kind < 515) {
    PlanImages(images, 8, 3);
    problem = setting_.leveldb ? Operate(choice, 2) : OperateTogether(choice);
  } else if (kind < 525) {
    PlanImages(images, 3, 12);
    problem = WriteThrough(choice);
  } else if (kind < 930) {
    problem = Read(choice);
  } else if (kind < 942) {
    PlanImages(images, 6, 3);
    problem = ChangeNamespace(choice);
  } else if (kind < 947) {
    problem = TakeSnapshot(choice);
  } else if (kind < 952) {
    problem = CheckSnapshots();
  } else if (kind < 962) {
    PlanImages(images, 1, 40);
    problem = Compact(choice);
  } else if (kind < 964) {
    Note([] { return "verify"; });
    problem = VerifyNow();
  } else if (kind < 970) {
    problem = ReadFeed(choice);
  } else if (kind < 980) {
    PlanImages(images, 1, 30);
    problem = Reopen();
  } else if (kind < 985) {
    problem = JumpClock(choice);
  } else if (kind < 997) {
    problem = PowerCut(choice);
  } else {
    PlanImages(images, 1, 30);
    problem = LoseIndex();
  }
  if (problem.empty()) problem = CheckImages(before);
  trace_.Mix(model_.last);
  return problem;
}

// ------------------------------------------------------------------------------------------------ changes

std::vector<Op> World::Group(Choice& choice, uint64_t count) {
  std::vector<Op> group;
  for (uint64_t i = 0; i < count; ++i) {
    group.push_back(choice.Operation());
    RememberContent(group.back());
  }
  Note([&] {
    std::string line;
    for (const Op& op : group) line += (line.empty() ? "" : "; ") + op.ToString();
    return line;
  });
  totals_.operations += count - 1;
  return group;
}

std::string World::Operate(Choice& choice, uint64_t count) {
  const std::vector<Op> group = Group(choice, count);
  const Code want = prop::Expect(model_, group);
  const auto info = prop::Commit(*store_, group);
  std::string problem = Expect("commit", want, info.status());
  if (problem.empty() && want == Code::kOk) problem = prop::CheckAnswer(model_, group.back(), *info);
  if (!problem.empty() || want != Code::kOk || !choice.prng.OneIn(4)) return problem;
  const Op& last = group.back();
  return last.to.empty() ? CompareRead(*store_, model_, last.ns, last.path)
                         : CompareRead(*store_, model_, last.to_ns, last.to);
}

// Several transactions in one commit group: those that nobody waits for stay queued until somebody leads.
std::string World::OperateTogether(Choice& choice) {
  struct Answer {
    bool done = false;
    Status status;
  };
  const uint64_t count = 1 + choice.prng.Below(5);
  std::vector<std::vector<Op>> groups;
  std::vector<Code> want;
  std::vector<std::shared_ptr<Answer>> answers;  // shared with callbacks, which may come late
  std::string problem;
  const prop::Model seen = model_;
  for (uint64_t i = 0; i < count && problem.empty(); ++i) {
    groups.push_back(Group(choice, 1 + choice.prng.Below(2)));
    engine::Transaction t;
    Status added;
    for (const Op& op : groups.back())
      if (added.ok()) added = prop::Add(*store_, t, op);
    answers.push_back(std::make_shared<Answer>());
    if (added.ok()) {
      added = store_->CommitAsync(std::move(t), [answer = answers.back()](const Status& status,
                                                                          const engine::FileInfo&) {
        *answer = {true, status};
      });
    }
    if (!added.ok()) *answers.back() = {true, added};
    want.push_back(prop::Expect(model_, groups.back(), &seen));
  }
  // The leader, who waits. Its operation must get as far as the queue, so it names a namespace that is always there.
  Op leading;
  leading.ns = "default";
  leading.path = choice.Path(leading.ns);
  leading.data = choice.Data();
  RememberContent(leading);
  Note([&] { return "leading " + leading.ToString(); });
  const Code led = prop::Expect(model_, {leading});
  problem = Expect("commit of the leader", led, prop::Commit(*store_, {leading}).status());
  for (uint64_t i = 0; i < want.size() && problem.empty(); ++i) {
    if (!answers[i]->done) return "an asynchronous commit was left behind";
    problem = Expect("asynchronous commit", want[i], answers[i]->status);
  }
  return problem;
}

// A large content, written in pieces.
std::string World::WriteThrough(Choice& choice) {
  Op op;
  op.ns = choice.Space();
  op.path = choice.Path(op.ns);
  op.data = std::make_shared<const std::string>(
      crash::Noise(choice.prng.Below(4), choice.prng.Below(3) * 50'000 + choice.prng.Below(60'000)));
  RememberContent(op);
  Note([&] { return "write " + op.ToString(); });
  const bool abandon = choice.prng.OneIn(8);
  auto writer = store_->OpenWriter(op.ns, op.path, {});
  if (!writer.ok()) return Expect("writer", prop::Expect(model_, {op}), writer.status());
  for (size_t at = 0; at < op.data->size();) {
    const size_t size = std::min<size_t>(op.data->size() - at, 1 + choice.prng.Below(70'000));
    if (const Status written = (*writer)->Write(base::Bytes(*op.data).substr(at, size)); !written.ok())
      return "write: " + std::string(written.message());
    at += size;
  }
  if (abandon) return "";
  engine::Transaction t;
  Status status = store_->AddWriter(t, *std::move(writer));
  if (status.ok()) status = store_->Commit(std::move(t)).status();
  const Code want = prop::Expect(model_, {op});
  const std::string problem = Expect("commit of a writer", want, status);
  return problem.empty() ? CompareRead(*store_, model_, op.ns, op.path) : problem;
}

std::string World::ChangeNamespace(Choice& choice) {
  static constexpr const char* kNames[] = {"temporary", "temporary", "small", "keys"};
  const std::string name = kNames[choice.prng.Below(4)];
  const auto at = model_.spaces.find(name);
  const bool known = at != model_.spaces.end();
  const auto kind = known ? at->second.policy.kind
                          : choice.prng.OneIn(2) ? model::NamespaceKind::kTree : model::NamespaceKind::kKeys;
  const model::NamespacePolicy policy = choice.Policy(kind, name);
  const uint64_t what = choice.prng.Below(3);
  if (what == 0 || !known) {
    Note([&] { return "create namespace " + name; });
    return Expect("create", model_.CreateNamespace(name, policy), store_->CreateNamespace(name, policy));
  }
  if (what == 1 && name == "temporary") {
    Note([&] { return "drop namespace " + name; });
    return Expect("drop", model_.DropNamespace(name), store_->DropNamespace(name));
  }
  Note([&] { return "configure namespace " + name; });
  const bool lowered = policy.versions_max < at->second.policy.versions_max;
  const std::string problem =
      Expect("configure", model_.ConfigureNamespace(name, policy), store_->ConfigureNamespace(name, policy));
  if (!problem.empty() || !lowered) return problem;
  // Too many versions now, which the next compaction forgets, one commit for each file: an image in between would show
  // neither what was before nor what is now. So it comes at once, without images.
  images_.clear();
  image_effects_.clear();
  return Compact(choice);
}

// ------------------------------------------------------------------------------------------------ reads

std::string World::Read(Choice& choice) {
  const std::string ns = choice.Space();
  const std::string path = choice.prng.OneIn(3) ? choice.Path(ns) : choice.KnownPath(ns);
  const uint64_t kind = choice.prng.Below(100);
  ++totals_.operations;
  Note([&] { return "read " + ns + ":" + path; });
  if (kind < 75) return CompareRead(*store_, model_, ns, path);
  if (kind < 88) return CompareRange(*store_, model_, ns, path, choice.prng);
  const auto space = model_.spaces.find(ns);
  if (space == model_.spaces.end()) return CompareRead(*store_, model_, ns, path);
  if (kind < 93) {
    const engine::ListOptions page = choice.Page(ns, path);
    return choice.prng.OneIn(4) ? prop::CheckPages(*store_, ns, space->second, page)
                                : prop::CheckPage(*store_, ns, space->second, page);
  }
  return prop::CompareVersions(*store_, ns, space->second, path);
}

std::string World::ReadFeed(Choice& choice) {
  Note([] { return "feed"; });
  std::string problem = prop::CheckFeed(*store_, model_, choice.prng.OneIn(3) ? 0 : choice.prng.Below(model_.last + 1));
  if (problem.empty() && depth_ == 0) problem = follower_.Follow(*store_, model_);
  engine::FeedOptions options;
  options.ns = choice.prng.OneIn(3) ? "" : choice.Space();
  if (!problem.empty() || (!options.ns.empty() && model_.spaces.count(options.ns) == 0)) return problem;
  options.prefix = choice.prng.OneIn(4) ? "" : choice.KnownPath(options.ns.empty() ? "default" : options.ns);
  options.after = choice.prng.OneIn(2) ? 0 : choice.prng.Below(model_.last + 1);
  return prop::CheckFilteredFeed(*store_, model_, options);
}

std::string World::TakeSnapshot(Choice& choice) {
  if (snapshots_.size() >= 3) return CheckSnapshots();
  Note([] { return "snapshot"; });
  auto held = prop::Hold(*store_, model_, choice.prng);
  const std::string problem = Expect("snapshot", Code::kOk, held.status());
  if (!problem.empty()) return problem;
  if (held->snapshot->sequence() != model_.last) return "the snapshot is of another moment";
  snapshots_.push_back(*std::move(held));
  return "";
}

// And lets them go.
std::string World::CheckSnapshots() {
  Note([] { return "check snapshots"; });
  std::string problem;
  for (const prop::Held& held : snapshots_) {
    if (!problem.empty()) break;
    totals_.operations += held.model.spaces.size();
    problem = prop::CheckHeld(*store_, held, model_);
  }
  snapshots_.clear();
  return problem;
}

// ------------------------------------------------------------------------------------------------ upheavals

std::string World::Compact(Choice& choice) {
  engine::CompactOptions options;
  options.full = choice.prng.OneIn(2);
  Note([&] { return options.full ? "compact fully" : "compact"; });
  const auto report = store_->Compact(options);
  std::string problem = Expect("compact", Code::kOk, report.status());
  follower_.Compacted();
  const uint64_t expired = model_.Expire();
  if (problem.empty() && report->versions_expired != expired) problem = "compact counts other versions as expired";
  return problem.empty() ? CompareNow(true) : problem;
}

std::string World::Reopen() {
  std::string problem = CheckSnapshots();
  Note([] { return "close and open"; });
  if (problem.empty()) problem = Expect("close", Code::kOk, store_->Close());
  CloseStore();
  if (problem.empty()) problem = Open();
  return problem.empty() ? CompareNow(false) : problem;
}

std::string World::LoseIndex() {
  std::string problem = CheckSnapshots();
  Note([] { return "lose the index"; });
  if (problem.empty()) problem = Expect("close", Code::kOk, store_->Close());
  CloseStore();
  crash::RemoveIndex(*disk_);
  if (problem.empty()) problem = Open();
  return problem.empty() ? CompareNow(true) : problem;
}

std::string World::JumpClock(Choice& choice) {
  const int64_t span = static_cast<int64_t>(1'000) << choice.prng.Below(34);
  const int64_t jump = static_cast<int64_t>(choice.prng.Below(static_cast<uint64_t>(2 * span))) - span;
  Note([&] { return "the clock jumps by " + std::to_string(jump) + " us"; });
  disk_->SetWallClock(std::max<int64_t>(1'000'000, disk_->NowMicros() + jump));
  return "";
}

}  // namespace jzse::sim
