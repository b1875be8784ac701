// SPDX-License-Identifier: Apache-2.0
#include "power_cut.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "device_mapper.h"
#include "ledger.h"
#include "write_log.h"

namespace {

constexpr const char* kSnapshot = "image";
constexpr size_t kBufferSize = 4 << 20;
const std::string kMount = "/mnt/image", kLedgers = "/mnt/image-ledgers", kSaid = "/mnt/image-said";

std::string ReadAll(const std::string& name) {
  std::ifstream file(name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Parts of writes, in sectors from the write's beginning.
struct Part {
  const LogEntry* write;
  uint64_t from, count;
};

// In the order in which the writes were made: a later one at the same place wins. Entries lie in the log's order.
std::vector<Part> InOrder(std::vector<Part> parts) {
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.write < b.write; });
  return parts;
}

class Disk {
 public:
  Disk(const std::string& path, int log) : log_(log), fd_(open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)) {
    if (fd_ < 0) ledger::Die("cannot open " + path);
    if (posix_memalign(&buffer_, 4096, kBufferSize) != 0) ledger::Die("no memory");
  }
  ~Disk() {
    close(fd_);
    free(buffer_);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  void Apply(const Part& part) {
    for (uint64_t done = 0; done < part.count;) {
      const uint64_t count = std::min<uint64_t>(part.count - done, kBufferSize / 512);
      const size_t size = count * 512;
      const uint64_t from = part.from + done;
      if (pread(log_, buffer_, size, static_cast<off_t>(part.write->data + from * 512)) != static_cast<ssize_t>(size) ||
          pwrite(fd_, buffer_, size, static_cast<off_t>((part.write->sector + from) * 512)) !=
              static_cast<ssize_t>(size)) {
        ledger::Die(std::string("cannot replay a write: ") + std::strerror(errno));
      }
      done += count;
    }
  }

 private:
  const int log_, fd_;
  void* buffer_ = nullptr;
};

uint64_t SectorsOf(const std::string& device) {
  const int fd = open(device.c_str(), O_RDONLY | O_CLOEXEC);
  uint64_t bytes = 0;
  if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) != 0) ledger::Die("no size of " + device);
  close(fd);
  return bytes / 512;
}

// btrfs remembers the newest copy of a file system that it saw, and refuses older ones.
void ForgetDevices() {
  const int fd = open("/dev/btrfs-control", O_RDWR | O_CLOEXEC);
  btrfs_ioctl_vol_args none = {};
  if (fd >= 0) (void)ioctl(fd, BTRFS_IOC_FORGET_DEV, &none);
  close(fd);
}

class Cutter {
 public:
  explicit Cutter(const PowerCuts& options)
      : options_(options), log_fd_(open(options.log.c_str(), O_RDONLY | O_CLOEXEC)), random_(options.seed),
        base_(options.base, log_fd_), sectors_(SectorsOf(options.base)) {
    entries_ = ReadLog(log_fd_);
    for (int i = 0; i < options.threads; ++i) {
      ledgers_.push_back(ReadAll(ledger::LedgerOf(options.ledgers, i)));
      marked_.push_back(0);
    }
    mkdir(kMount.c_str(), 0755);
    mkdir(kLedgers.c_str(), 0755);
    began_ = time(nullptr);
  }

  int Run() {
    for (size_t begin = 0; begin < entries_.size() && !Finished();) {
      size_t end = begin;
      while (end < entries_.size() && !entries_[end].Is(LogEntry::kFlush)) ++end;
      Group(begin, end);
      if (end < entries_.size()) AtFlush(entries_[end]);
      begin = end + 1;
    }
    std::printf("%" PRIu64 " images, %" PRIu64 " failed, boundary %" PRIu64 " fua %" PRIu64 " subset %" PRIu64
                " flushes %" PRIu64 " of %" PRIu64 " seconds %" PRIu64 "\n",
                images_, failed_, kinds_[0], kinds_[1], kinds_[2], flushes_, AllFlushes(), Seconds());
    std::fflush(stdout);
    return static_cast<int>(failed_);
  }

 private:
  enum Kind { kBoundary, kFua, kSubset };

  uint64_t Seconds() const { return static_cast<uint64_t>(time(nullptr) - began_); }
  bool Finished() const { return Seconds() >= options_.seconds || images_ >= options_.images || failed_ >= 5; }
  uint64_t AllFlushes() const {
    return static_cast<uint64_t>(std::count_if(entries_.begin(), entries_.end(),
                                               [](const LogEntry& e) { return e.Is(LogEntry::kFlush); }));
  }

  // The writes after one flush and before the next.
  void Group(size_t begin, size_t end) {
    std::vector<const LogEntry*> writes;
    std::vector<Part> landed;
    if (carried_) writes.push_back(carried_);
    carried_ = nullptr;
    for (size_t i = begin; i < end; ++i) {
      const LogEntry& entry = entries_[i];
      if (entry.Is(LogEntry::kDiscard)) ledger::Die("a discard in the log: mount and mkfs without it");
      if (entry.Is(LogEntry::kMark)) Mark(entry.mark);
      if (!entry.IsWrite()) continue;
      if (!entry.Is(LogEntry::kFua)) {
        writes.push_back(&entry);
        continue;
      }
      Image(landed.empty() ? kBoundary : kFua, begin, landed);  // just before this write lands
      landed.push_back({&entry, 0, entry.sectors});
    }
    Image(landed.empty() ? kBoundary : kFua, begin, landed);
    for (uint64_t i = 0; i < options_.subsets && !writes.empty(); ++i) {
      std::vector<Part> some = landed;
      for (const Part& part : Choose(writes)) some.push_back(part);
      if (some.size() > landed.size()) Image(kSubset, begin, some);
    }
    // What is durable now.
    for (const LogEntry* write : writes) landed.push_back({write, 0, write->sectors});
    if (!landed.empty()) fresh_ = true;
    for (const Part& part : InOrder(std::move(landed))) base_.Apply(part);
  }

  void AtFlush(const LogEntry& flush) {
    ++flushes_;
    if (flush.IsWrite()) carried_ = &flush;  // the flush comes before its own data
  }

  void Mark(const std::string& mark) {
    unsigned thread = 0;
    uint64_t size = 0;
    if (mark == "begin") began_marks_ = true;
    if (std::sscanf(mark.c_str(), "t:%u:%" SCNu64, &thread, &size) != 2) return;
    if (thread >= marked_.size()) ledger::Die("a mark of another load: " + mark);
    marked_[thread] = std::max(marked_[thread], size);
    fresh_ = true;
  }

  std::vector<Part> Choose(const std::vector<const LogEntry*>& writes) {
    std::vector<Part> chosen;
    const uint64_t way = random_.Below(4), one = random_.Below(writes.size());
    for (size_t i = 0; i < writes.size(); ++i) {
      const bool takes = way == 0   ? i == one       // one alone
                         : way == 1 ? i != one       // all but one
                         : way == 2 ? i <= one       // in order
                                    : random_.Below(2) == 0;
      if (takes) Tear(*writes[i], way == 2 && i < one ? 0 : random_.Below(3), &chosen);
    }
    return chosen;
  }

  // The whole write, or its beginning, or its end. XFS trusts that a block of metadata lands as a whole.
  void Tear(const LogEntry& write, uint64_t way, std::vector<Part>* parts) {
    const uint64_t unit = options_.file_system == "xfs" ? 8 : 1;
    const uint64_t units = write.sectors / unit;
    const uint64_t at = way == 0 || units < 2 ? 0 : (1 + random_.Below(units - 1)) * unit;
    if (at == 0) {
      parts->push_back({&write, 0, write.sectors});
    } else if (way == 1) {
      parts->push_back({&write, 0, at});
    } else {
      parts->push_back({&write, at, write.sectors - at});
    }
  }

  void Image(Kind kind, size_t group, const std::vector<Part>& parts) {
    if (!began_marks_ || Finished()) return;
    if (kind == kBoundary && !fresh_) return;  // the one before was the same
    if (random_.Below(256) < options_.skip) return;
    fresh_ = false;
    ++images_;
    ++kinds_[kind];
    WriteLedgers();
    Attach(parts);
    const bool right = MountAndCheck();
    Detach();
    if (!right) Failed(kind, group, parts);
    if (images_ % 50 == 0) {
      std::printf("progress: %" PRIu64 " images, flush %" PRIu64 ", %" PRIu64 " s\n", images_, flushes_, Seconds());
      std::fflush(stdout);
    }
  }

  // Acknowledged counts what is marked; begun may be what follows up to the next acknowledgement.
  void WriteLedgers() {
    for (size_t i = 0; i < ledgers_.size(); ++i) {
      const std::string& all = ledgers_[i];
      size_t end = std::min<size_t>(marked_[i], all.size());
      while (end < all.size() && all[end] != 'A') {
        const size_t newline = all.find('\n', end);
        end = newline == std::string::npos ? all.size() : newline + 1;
      }
      std::ofstream file(ledger::LedgerOf(kLedgers, static_cast<int>(i)), std::ios::trunc);
      file.write(all.data(), static_cast<std::streamsize>(end));
      if (!file.flush()) ledger::Die("no room for a ledger");
    }
  }

  void Attach(const std::vector<Part>& parts) {
    device_ = mapper_.Create(kSnapshot, sectors_, "snapshot", options_.base + " " + options_.scratch + " N 8");
    Disk image(device_, log_fd_);
    for (const Part& part : InOrder(parts)) image.Apply(part);
  }
  void Detach() { mapper_.Remove(kSnapshot); }

  bool Mount() {
    if (options_.file_system == "btrfs") ForgetDevices();
    if (mount(device_.c_str(), kMount.c_str(), options_.file_system.c_str(), MS_NOATIME, "") == 0) return true;
    std::ofstream(kSaid) << "cannot mount: " << std::strerror(errno) << "\n";
    return false;
  }
  void Unmount() {
    for (int i = 0; umount(kMount.c_str()) != 0; ++i) {
      if (i == 500) ledger::Die(std::string("cannot unmount: ") + std::strerror(errno));
      usleep(10000);
    }
  }

  bool MountAndCheck() {
    if (!Mount()) return false;
    std::fflush(stdout);
    const pid_t child = fork();
    if (child < 0) ledger::Die("cannot fork");
    if (child == 0) {
      alarm(300);
      if (!std::freopen(kSaid.c_str(), "w", stdout)) _exit(3);
      const int code = ledger::CheckStore((kMount + "/store").c_str(), kLedgers, options_.threads);
      std::fflush(stdout);
      _exit(code);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    Unmount();
    if (WIFSIGNALED(status)) std::ofstream(kSaid, std::ios::app) << "signal " << WTERMSIG(status) << "\n";
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  void Failed(Kind kind, size_t group, const std::vector<Part>& parts) {
    ++failed_;
    static const char* const kNames[] = {"boundary", "fua", "subset"};
    std::printf("FAILED image %" PRIu64 " of %s, seed %" PRIu64 ": %s after log entry %zu, %zu parts landed: %s\n",
                images_, options_.file_system.c_str(), options_.seed, kNames[kind], group, parts.size(),
                ReadAll(kSaid).c_str());
    for (const Part& part : parts) {
      std::printf("  landed: sector %" PRIu64 " + %" PRIu64 ", %" PRIu64 " sectors\n", part.write->sector, part.from,
                  part.count);
    }
    std::fflush(stdout);
    // The same image again, before anything recovered it.
    const std::string folder = options_.failures + "/" + options_.file_system + "-" + std::to_string(options_.seed) +
                               "-" + std::to_string(images_);
    WriteLedgers();
    Attach(parts);
    if (Mount()) {
      const std::string copy = "mkdir -p " + folder + " && cp -r " + kMount + "/store " + kLedgers + " " + folder;
      if (std::system(copy.c_str()) != 0) std::printf("not all of it could be kept\n");
      Unmount();
    }
    Detach();
  }

  const PowerCuts options_;
  const int log_fd_;
  ledger::Random random_;
  DeviceMapper mapper_;
  Disk base_;  // what is durable at the moment
  const uint64_t sectors_;
  std::vector<LogEntry> entries_;
  std::vector<std::string> ledgers_;
  std::vector<uint64_t> marked_;  // by thread: how much of its ledger was written before the cut
  const LogEntry* carried_ = nullptr;
  std::string device_;
  bool began_marks_ = false, fresh_ = true;
  uint64_t images_ = 0, failed_ = 0, flushes_ = 0, kinds_[3] = {0, 0, 0};
  time_t began_ = 0;
};

}  // namespace

int CutPower(const PowerCuts& options) { return Cutter(options).Run(); }
