// SPDX-License-Identifier: Apache-2.0
// What every work of the driver shares: arguments, the clock, reproducible keys and values, one
// JSON line out.
//
// Invariants
//   1. Keys and values follow from (seed, id) alone, so that another process can check what this
//      one wrote.
//   2. A failure ends the process with a message and status 1: a figure is never printed for work
//      that went wrong.
// Threads: everything here may be used by many threads at once, except that a Report belongs to
// one.
#ifndef JZSE_BENCH_SUPPORT_H_
#define JZSE_BENCH_SUPPORT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

inline constexpr uint64_t kMiB = uint64_t{1} << 20;

[[noreturn]] void Die(const std::string& message);
// Dies with the text of errno when `ok` is false.
void CheckErrno(bool ok, const std::string& what);

int64_t NowNs();
// Peak resident memory of this process in bytes (VmHWM), and its threads now.
uint64_t PeakMemory();
uint64_t ThreadCount();

// What the kernel counts of this process and its threads (/proc/self/io).
struct IoCounts {
  uint64_t read_bytes = 0;   // really fetched from storage
  // Handed to write calls. What the kernel says of bytes sent to storage (write_bytes) is no use: it
  // counts a whole folio, up to megabytes, for every page of it that becomes dirty.
  uint64_t write_bytes = 0;
  uint64_t read_calls = 0;
};
IoCounts IoNow();
// Completed reads of the disk that holds `path`, whoever asked for them; 0 if it cannot be told.
uint64_t DeviceReads(const std::string& path);

// Puts the content of all files below `dir` out of the page cache, except in folders named `keep`.
// They are synced first. Whether it worked is told by the bytes that are really read afterwards.
void Evict(const std::string& dir, const std::string& keep);
// Bytes that the files below `dir` take of the disk.
uint64_t DiskUsage(const std::string& dir);

// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  int get() const { return fd_; }

 private:
  int fd_;
};

// open(2) or die.
Fd OpenFile(const std::string& path, int flags);
void WriteAll(int fd, const char* data, size_t size);
// Reads until `size` bytes or the end of the file; the count read.
size_t ReadFull(int fd, char* data, size_t size);

// `key=value` words of the command line.
class Args {
 public:
  Args(int argc, char** argv, int first);
  std::string Text(const std::string& name) const;
  std::string Text(const std::string& name, const std::string& otherwise) const;
  uint64_t Number(const std::string& name) const;
  uint64_t Number(const std::string& name, uint64_t otherwise) const;

 private:
  std::map<std::string, std::string> values_;
};

// One JSON object on one line of stdout.
class Report {
 public:
  void Add(const char* name, double value);
  void Add(const char* name, uint64_t value);
  // Comes before every name that is added from now on.
  void SetPrefix(const std::string& prefix) { prefix_ = prefix; }
  void Print();

 private:
  void AddField(const std::string& name, const std::string& value);
  std::string prefix_;
  std::string text_;
};

// A bijection of 64 bits with well mixed output (the finaliser of SplitMix64).
inline uint64_t Mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// An incompressible stream of bytes, the same for the same seed.
class Stream {
 public:
  explicit Stream(uint64_t seed) : state_(Mix(seed)) {}
  // REQUIRES: size is a multiple of 8
  void Fill(char* data, size_t size);

 private:
  uint64_t state_;
};

// keys; a tree of 256 directories; a tree with one directory
enum class Shape { kFlat, kTree, kDirectory };
Shape ShapeOf(const std::string& name);

// Keys and values of a work. Ids are any distinct numbers; keys come in no useful order.
class Objects {
 public:
  // REQUIRES: size >= 8
  Objects(uint64_t seed, size_t size, Shape shape);
  // "3f0a..." (16 digits) or, in a tree, "3f/0a..." in one of 256 directories, or "files/3f0a...".
  std::string Key(uint64_t id) const;
  // `value` has size() bytes.
  void Fill(uint64_t id, char* value) const;
  // Every byte.
  bool Matches(uint64_t id, std::string_view value) const;
  // The size and the stamp in its first 8 bytes: cheap enough for a timed loop.
  bool LooksRight(uint64_t id, std::string_view value) const;
  size_t size() const { return size_; }

 private:
  const char* Body(uint64_t id) const;
  uint64_t seed_;
  size_t size_;
  Shape shape_;
  std::vector<char> pool_;  // values are windows of it, stamped
};

}  // namespace bench

#endif  // JZSE_BENCH_SUPPORT_H_
