// SPDX-License-Identifier: Apache-2.0
#include "io/sim_env.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/sim_file.h"
#include "io/thread.h"

namespace jzse::io {
namespace {

using base::Code;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "/" : path.substr(0, slash + 1);
}

}  // namespace

SimEnv::SimEnv(const SimOptions& options)
    : options_(options),
      prng_(options.seed),
      wall_micros_(options.wall_micros),
      trace_(options.seed),
      disk_size_(options.disk_size) {}

SimEnv::SimEnv(const SimEnv& parent, SimDisk disk, uint64_t seed)
    : options_(parent.options_),
      disk_(std::move(disk)),
      prng_(seed),
      wall_micros_(parent.wall_micros_ + 1'000'000),
      trace_(parent.trace_ ^ seed),
      disk_size_(parent.disk_size_) {
  Recharge();
}

SimEnv::~SimEnv() = default;

int64_t SimEnv::NowMicros() {
  const std::lock_guard lock(mutex_);
  return wall_micros_ += options_.micros_per_call;
}

int64_t SimEnv::MonotonicMicros() {
  const std::lock_guard lock(mutex_);
  return monotonic_micros_ += options_.micros_per_call;
}

uint64_t SimEnv::Entropy() {
  const std::lock_guard lock(mutex_);
  return prng_.Next();
}

Status SimEnv::Admit(Op op, const std::string& path) {
  wall_micros_ += options_.micros_per_call;
  monotonic_micros_ += options_.micros_per_call;
  if (power_lost_) return base::Fail(Code::kIo, absl::StrCat(path, ": the power is out"));
  if (read_only_ && Contains(kEffectOps, op)) {
    return base::Fail(Code::kReadOnly,
                      absl::StrCat("cannot ", OpName(op), " ", path, ": read-only disk"));
  }
  return Status();
}

Status SimEnv::Enter(Op op, const std::string& path) {
  JZSE_RETURN_IF_ERROR(Admit(op, path));
  const Fault fault = NextFault(op);
  if (fault.code == Code::kOk) return Status();
  return base::Fail(fault.code, absl::StrCat("cannot ", OpName(op), " ", path, ": planned fault"));
}

SimEnv::Fault SimEnv::NextFault(Op op) {
  Fault fault;
  for (Plan& plan : plans_) {
    if (!Contains(plan.ops, op) || plan.left == 0) continue;
    if (plan.left > 1) {
      --plan.left;
      continue;
    }
    if (!plan.for_ever) plan.left = 0;
    ++faults_fired_;
    if (plan.short_read) {
      fault.short_read = true;
    } else if (fault.code == Code::kOk) {
      fault.code = plan.code;
    }
  }
  std::erase_if(plans_, [](const Plan& plan) { return plan.left == 0; });
  return fault;
}

void SimEnv::CountEffect(Op op, std::string_view path, uint64_t offset, uint64_t size,
                         uint64_t data) {
  const uint64_t fields[] = {static_cast<uint64_t>(op), base::Xxh64(path, 0), offset, size, data};
  trace_ = base::Xxh64(Bytes(reinterpret_cast<const char*>(fields), sizeof fields), trace_);
  if (++effects_ >= power_limit_) power_lost_ = true;
}

void SimEnv::Release(SimFileNode& node) {
  if (node.linked || node.handles > 0) return;
  used_ -= std::min(used_, node.charged);
  node.charged = 0;
}

void SimEnv::Unlink(const std::shared_ptr<SimFileNode>& node) {
  if (node == nullptr) return;
  node->linked = false;
  Release(*node);
}

void SimEnv::Recharge() {
  used_ = 0;
  disk_.ForEachFile([&](const std::string&, SimFileNode& node) {
    node.charged = node.cached().size();
    used_ += node.charged;
  });
}

StatusOr<std::unique_ptr<File>> SimEnv::Open(const std::string& path, OpenMode mode) {
  std::unique_ptr<File> file;
  const Status status = WithHook([&]() -> Status {
    const bool create = mode == OpenMode::kCreate;
    const Op op = create ? Op::kCreate : Op::kOpen;
    JZSE_RETURN_IF_ERROR(Enter(op, path));
    if (read_only_ && mode == OpenMode::kReadWrite) {
      return base::Fail(Code::kReadOnly, absl::StrCat("cannot open ", path, ": read-only disk"));
    }
    JZSE_ASSIGN_OR_RETURN(std::shared_ptr<SimFileNode> node,
                          create ? disk_.Create(path) : disk_.Find(path));
    if (create) CountEffect(op, path, 0, 0, 0);
    file = std::make_unique<SimFile>(*this, std::move(node), path, mode != OpenMode::kRead);
    return Status();
  });
  if (!status.ok()) return status;
  return file;
}

Status SimEnv::CreateDir(const std::string& path) {
  return WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(Enter(Op::kCreateDir, path));
    JZSE_RETURN_IF_ERROR(disk_.CreateDir(path));
    CountEffect(Op::kCreateDir, path, 0, 0, 0);
    return Status();
  });
}

Status SimEnv::RemoveDir(const std::string& path) {
  return WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(Enter(Op::kRemoveDir, path));
    JZSE_RETURN_IF_ERROR(disk_.RemoveDir(path));
    CountEffect(Op::kRemoveDir, path, 0, 0, 0);
    return Status();
  });
}

StatusOr<std::vector<DirEntry>> SimEnv::ListDir(const std::string& path) {
  const std::lock_guard lock(mutex_);
  JZSE_RETURN_IF_ERROR(Enter(Op::kListDir, path));
  return disk_.ListDir(path);
}

StatusOr<bool> SimEnv::Exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  JZSE_RETURN_IF_ERROR(Enter(Op::kExists, path));
  return disk_.Exists(path);
}

Status SimEnv::Rename(const std::string& from, const std::string& to) {
  return WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(Enter(Op::kRename, from));
    JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimFileNode> replaced, disk_.Rename(from, to));
    Unlink(replaced);
    CountEffect(Op::kRename, from, 0, 0, base::Xxh64(to, 0));
    return Status();
  });
}

Status SimEnv::Remove(const std::string& path) {
  return WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(Enter(Op::kRemove, path));
    JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimFileNode> node, disk_.Remove(path));
    Unlink(node);
    CountEffect(Op::kRemove, path, 0, 0, 0);
    return Status();
  });
}

Status SimEnv::SyncDir(const std::string& path) {
  return WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(Enter(Op::kSyncDir, path));
    JZSE_RETURN_IF_ERROR(disk_.SyncDir(path));
    CountEffect(Op::kSyncDir, path, 0, 0, 0);
    return Status();
  });
}

StatusOr<uint64_t> SimEnv::FreeSpace(const std::string& path) {
  const std::lock_guard lock(mutex_);
  JZSE_RETURN_IF_ERROR(Enter(Op::kFreeSpace, path));
  JZSE_ASSIGN_OR_RETURN(const bool exists, disk_.Exists(path));
  if (!exists) {
    return base::Fail(Code::kNotFound,
                      absl::StrCat("cannot measure free space of ", path, ": not found"));
  }
  return Free();
}

StatusOr<std::unique_ptr<File>> SimEnv::Lock(const std::string& path) {
  std::unique_ptr<File> file;
  const Status status = WithHook([&]() -> Status {
    JZSE_RETURN_IF_ERROR(Enter(Op::kLock, path));
    auto node = disk_.Find(path);
    if (base::Is(node.status(), Code::kNotFound)) node = disk_.Create(path);
    JZSE_RETURN_IF_ERROR(node.status());
    SimFileNode& target = **node;
    if (target.locked) {
      std::string holder = target.cached().Read(0, target.cached().size());
      holder.erase(std::min(holder.find('\n'), holder.size()));
      return base::Fail(Code::kLocked, absl::StrCat(path, " is locked by process ", holder));
    }
    const std::string pid = absl::StrCat(options_.pid, "\n");
    const uint64_t more = pid.size() - std::min<uint64_t>(pid.size(), target.charged);
    target.Truncate(0);
    if (more <= Free()) {
      target.Write(0, pid);
      target.charged += more;
      used_ += more;
    }
    CountEffect(Op::kLock, path, 0, pid.size(), 0);
    auto locked = std::make_unique<SimFile>(*this, *node, path, true);
    locked->HoldLock();
    file = std::move(locked);
    return Status();
  });
  if (!status.ok()) return status;
  return file;
}

std::unique_ptr<Env::Thread> SimEnv::StartThread(std::function<void()> body, Priority priority) {
  return options_.threads ? StartSystemThread(std::move(body), priority) : nullptr;
}

void SimEnv::Crash(uint64_t seed, CrashMode mode) {
  const std::lock_guard lock(mutex_);
  base::Prng prng(seed);
  disk_ = disk_.AfterCrash(prng, mode);
  ++epoch_;
  power_lost_ = false;
  power_limit_ = ~uint64_t{0};
  Recharge();
}

std::unique_ptr<SimEnv> SimEnv::CloneCrashed(uint64_t seed, CrashMode mode) const {
  const std::lock_guard lock(mutex_);
  base::Prng prng(seed);
  SimDisk disk = disk_.AfterCrash(prng, mode);
  return std::unique_ptr<SimEnv>(new SimEnv(*this, std::move(disk), prng.Next()));
}

std::unique_ptr<SimEnv> SimEnv::CloneKilled() const {
  const std::lock_guard lock(mutex_);
  base::Prng prng(trace_);
  return std::unique_ptr<SimEnv>(new SimEnv(*this, disk_.Copy(), prng.Next()));
}

void SimEnv::CrashAfter(uint64_t count) {
  const std::lock_guard lock(mutex_);
  power_limit_ = effects_ + count;
  power_lost_ = count == 0;
}

bool SimEnv::power_lost() const {
  const std::lock_guard lock(mutex_);
  return power_lost_;
}

void SimEnv::SetEffectHook(std::function<void()> hook) {
  auto shared = hook ? std::make_shared<const std::function<void()>>(std::move(hook)) : nullptr;
  const std::lock_guard lock(mutex_);
  hook_ = std::move(shared);
}

uint64_t SimEnv::effects() const {
  const std::lock_guard lock(mutex_);
  return effects_;
}

uint64_t SimEnv::trace_hash() const {
  const std::lock_guard lock(mutex_);
  return trace_;
}

void SimEnv::FailNth(OpMask ops, uint64_t n, Code code, bool for_ever) {
  JZSE_CHECK(n > 0 && code != Code::kOk);
  const std::lock_guard lock(mutex_);
  plans_.push_back({ops, n, code, for_ever, false});
}

void SimEnv::ShortReadNth(uint64_t n) {
  JZSE_CHECK(n > 0);
  const std::lock_guard lock(mutex_);
  plans_.push_back({static_cast<OpMask>(Op::kRead), n, Code::kOk, false, true});
}

void SimEnv::ClearFaults() {
  const std::lock_guard lock(mutex_);
  plans_.clear();
}

uint64_t SimEnv::faults_fired() const {
  const std::lock_guard lock(mutex_);
  return faults_fired_;
}

size_t SimEnv::open_files() const {
  const std::lock_guard lock(mutex_);
  return open_files_;
}

void SimEnv::SetFreeSpace(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  disk_size_ = used_ + bytes;
}

void SimEnv::SetReadOnly(bool read_only) {
  const std::lock_guard lock(mutex_);
  read_only_ = read_only;
}

StatusOr<std::shared_ptr<SimFileNode>> SimEnv::FindRange(const std::string& path, uint64_t offset,
                                                         uint64_t size) const {
  JZSE_ASSIGN_OR_RETURN(std::shared_ptr<SimFileNode> node, disk_.Find(path));
  const uint64_t file_size = node->cached().size();
  if (offset > file_size || size > file_size - offset) {
    return base::Fail(Code::kInvalid, absl::StrCat(path, " has only ", file_size, " bytes"));
  }
  return node;
}

Status SimEnv::FlipBit(const std::string& path, uint64_t offset, int bit) {
  const std::lock_guard lock(mutex_);
  JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimFileNode> node, FindRange(path, offset, 1));
  std::string byte = node->cached().Read(offset, 1);
  byte[0] = static_cast<char>(byte[0] ^ (1 << (bit & 7)));
  node->Overwrite(offset, byte);
  return Status();
}

Status SimEnv::CorruptSector(const std::string& path, uint64_t offset, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimFileNode> node, FindRange(path, offset, 1));
  const uint64_t begin = offset / kSimSectorSize * kSimSectorSize;
  const uint64_t size = std::min(kSimSectorSize, node->cached().size() - begin);
  base::Prng prng(seed);
  node->Overwrite(begin, prng.Bytes(size));
  return Status();
}

Status SimEnv::MarkUnreadable(const std::string& path, uint64_t offset, uint64_t size) {
  const std::lock_guard lock(mutex_);
  JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimFileNode> node, FindRange(path, offset, size));
  node->MarkUnreadable(offset, size);
  return Status();
}

void SimEnv::AdvanceClock(int64_t micros) {
  const std::lock_guard lock(mutex_);
  wall_micros_ += micros;
  monotonic_micros_ += micros;
}

void SimEnv::SetWallClock(int64_t wall_micros) {
  const std::lock_guard lock(mutex_);
  wall_micros_ = wall_micros;
}

std::vector<std::string> SimEnv::Paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  disk_.ForEachFile([&](const std::string& path, SimFileNode&) { paths.push_back(path); });
  return paths;
}

StatusOr<std::string> SimEnv::Content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  JZSE_ASSIGN_OR_RETURN(const std::shared_ptr<SimFileNode> node, disk_.Find(path));
  return node->cached().Read(0, node->cached().size());
}

Status SimEnv::Put(const std::string& path, Bytes bytes) {
  const std::lock_guard lock(mutex_);
  auto node = disk_.Find(path);
  if (base::Is(node.status(), Code::kNotFound)) node = disk_.Create(path);
  JZSE_RETURN_IF_ERROR(node.status());
  (*node)->Truncate(0);
  (*node)->Write(0, bytes);
  (*node)->Sync();
  used_ += bytes.size() - std::min<uint64_t>(bytes.size(), (*node)->charged);
  (*node)->charged = std::max<uint64_t>((*node)->charged, bytes.size());
  return disk_.SyncDir(ParentOf(path));
}

}  // namespace jzse::io
