// SPDX-License-Identifier: Apache-2.0
// The simulated machine: a disk in memory that keeps exactly what the contract of io.h promises,
// with power cuts, faults, a virtual clock and seeded entropy. Used from one thread, the same seed
// and the same calls give the same results, the same trace hash and the same crash images.
//
// Effects are the calls that change the disk or make changes durable. WriteDurable counts as two,
// the write and its flush, so that a power cut between them is one of the crash points. Failed
// calls count when they changed something (a write that failed half-way, a failed sync).
//
// Typical crash tests:
//   fork an image at every effect of one run:   env.SetEffectHook([&] { env.CloneCrashed(...) });
//   run once for each crash point:              env.CrashAfter(k); ...; env.CloneCrashed(...)
//
// Thread-safety: all methods may be called from any thread; one lock guards the whole disk.
// Lifetime: files, locks and threads must be destroyed before the SimEnv.
#ifndef JZSE_IO_SIM_ENV_H_
#define JZSE_IO_SIM_ENV_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/io.h"
#include "io/op.h"
#include "io/sim_disk.h"

namespace jzse::io {

struct SimOptions {
  uint64_t seed = 1;
  bool threads = true;        // false: StartThread returns null
  int pid = 1000;             // what Lock writes
  int64_t micros_per_call = 1;  // how far each call moves the clocks
  int64_t wall_micros = 1'700'000'000'000'000;
  uint64_t disk_size = uint64_t{1} << 40;
};

// What is done under this lock is the kernel's and the disk's. They need no memory of the process, so a test that lets
// allocations fail leaves those out that are made between `enter` and `leave`.
class SimMutex {
 public:
  // For all simulated disks of the process; to be set before there are any.
  static void SetBrackets(void (*enter)(), void (*leave)()) {
    enter_ = enter;
    leave_ = leave;
  }
  void lock() {
    mutex_.lock();
    if (enter_ != nullptr) enter_();
  }
  void unlock() {
    if (leave_ != nullptr) leave_();
    mutex_.unlock();
  }

 private:
  static inline void (*enter_)() = nullptr;
  static inline void (*leave_)() = nullptr;
  std::mutex mutex_;
};

class SimEnv final : public Env {
 public:
  explicit SimEnv(const SimOptions& options = {});
  ~SimEnv() override;
  SimEnv(const SimEnv&) = delete;
  SimEnv& operator=(const SimEnv&) = delete;

  int64_t NowMicros() override;
  int64_t MonotonicMicros() override;
  uint64_t Entropy() override;
  StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status CreateDir(const std::string& path) override;
  Status RemoveDir(const std::string& path) override;
  StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) override;
  StatusOr<bool> Exists(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status SyncDir(const std::string& path) override;
  StatusOr<uint64_t> FreeSpace(const std::string& path) override;
  StatusOr<std::unique_ptr<File>> Lock(const std::string& path) override;
  std::unique_ptr<Thread> StartThread(std::function<void()> body, Priority priority = Priority::kNormal) override;

  // Power cuts. Clones have power, no faults, no hook, and no open handles or locks.
  // Crash cuts the power here and restores it: every open handle and lock is dead (kIo); planned
  // faults and the hook stay.
  void Crash(uint64_t seed, CrashMode mode);
  std::unique_ptr<SimEnv> CloneCrashed(uint64_t seed, CrashMode mode) const;
  // The machine after the process was killed: everything written is still there, and still not
  // durable.
  std::unique_ptr<SimEnv> CloneKilled() const;
  // The power goes after `count` more effects: every later call fails with kIo. 0 is now.
  void CrashAfter(uint64_t count);
  bool power_lost() const;
  // Called after every effect, on the thread that caused it, without the lock.
  void SetEffectHook(std::function<void()> hook);
  uint64_t effects() const;
  uint64_t trace_hash() const;

  // Faults. The n-th (from 1) of the following calls of these kinds fails with `code`; with
  // `for_ever` all later ones do, too. Plans add up. A failing write leaves an arbitrary prefix; a
  // failing SyncData or WriteDurable drops an arbitrary part of what was not durable, for good.
  void FailNth(OpMask ops, uint64_t n, base::Code code, bool for_ever = false);
  // The n-th of the following reads returns fewer bytes than it should, as if the file ended there.
  void ShortReadNth(uint64_t n);
  void ClearFaults();
  uint64_t faults_fired() const;
  size_t open_files() const;  // handles and locks that were handed out and still live
  // Writes that make files longer fail with kNoSpace, after a prefix, when this is used up.
  void SetFreeSpace(uint64_t bytes);
  void SetReadOnly(bool read_only);  // effects fail with kReadOnly

  // The medium, past every cache. kNotFound, or kInvalid when out of range.
  Status FlipBit(const std::string& path, uint64_t offset, int bit);
  // Overwrites the sector that holds `offset` by noise.
  Status CorruptSector(const std::string& path, uint64_t offset, uint64_t seed);
  // Reads that touch the range fail with kIo until a write covers it.
  Status MarkUnreadable(const std::string& path, uint64_t offset, uint64_t size);

  void AdvanceClock(int64_t micros);        // both clocks
  void SetWallClock(int64_t wall_micros);   // may jump back

  // For tests. What reads see: every file, sorted; and one file's bytes.
  std::vector<std::string> Paths() const;
  StatusOr<std::string> Content(const std::string& path) const;
  // Creates or replaces a file, durable with its name and with all else pending in its directory,
  // which must exist. No effect and no fault.
  Status Put(const std::string& path, Bytes bytes);

 private:
  friend class SimFile;
  struct Plan {
    OpMask ops;
    uint64_t left;  // calls until it fires; 1 is the next
    base::Code code;
    bool for_ever;
    bool short_read;
  };
  // What a planned fault does to one call.
  struct Fault {
    base::Code code = base::Code::kOk;
    bool short_read = false;
  };

  // A clone with another disk. REQUIRES: the lock of `parent`.
  SimEnv(const SimEnv& parent, SimDisk disk, uint64_t seed);

  // All of these want the lock.
  Status Enter(Op op, const std::string& path);       // Admit and planned faults
  Status Admit(Op op, const std::string& path);  // clock, power, read-only disk
  Fault NextFault(Op op);
  void CountEffect(Op op, std::string_view path, uint64_t offset, uint64_t size, uint64_t data);
  void Unlink(const std::shared_ptr<SimFileNode>& node);
  void Release(SimFileNode& node);
  void Recharge();
  uint64_t Free() const { return disk_size_ > used_ ? disk_size_ - used_ : 0; }
  StatusOr<std::shared_ptr<SimFileNode>> FindRange(const std::string& path, uint64_t offset,
                                                   uint64_t size) const;

  // Runs `body`, which returns a Status, under the lock and then the hook if it had an effect.
  template <typename Body>
  Status WithHook(Body body) {
    std::shared_ptr<const std::function<void()>> hook;
    Status status;
    {
      const std::lock_guard lock(mutex_);
      const uint64_t effects_before = effects_;
      status = body();
      if (effects_ != effects_before) hook = hook_;
    }
    if (hook != nullptr) (*hook)();
    return status;
  }

  mutable SimMutex mutex_;
  const SimOptions options_;
  SimDisk disk_;
  base::Prng prng_;
  int64_t wall_micros_, monotonic_micros_ = 1'000'000;
  uint64_t epoch_ = 0;  // handles of an earlier one are dead
  uint64_t effects_ = 0, trace_ = 0;
  uint64_t power_limit_ = ~uint64_t{0};  // effects_ at which the power goes
  bool power_lost_ = false, read_only_ = false;
  uint64_t disk_size_, used_ = 0;
  std::vector<Plan> plans_;
  uint64_t faults_fired_ = 0;
  size_t open_files_ = 0;
  std::shared_ptr<const std::function<void()>> hook_;  // shared with the threads calling it
};

}  // namespace jzse::io

#endif  // JZSE_IO_SIM_ENV_H_
