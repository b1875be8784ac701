// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace bench {

void Die(const std::string& message) {
  std::fprintf(stderr, "jzse-bench-driver: %s\n", message.c_str());
  std::fflush(nullptr);
  ::_exit(1);  // no destructors: other threads may be inside a contender
}

void CheckErrno(bool ok, const std::string& what) {
  if (!ok) Die(what + ": " + std::strerror(errno));
}

int64_t NowNs() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

namespace {

// The number after `name` in a file of lines "name: number"; 0 if it is not there.
uint64_t NumberIn(const char* path, const char* name) {
  std::FILE* file = std::fopen(path, "r");
  CheckErrno(file != nullptr, path);
  const size_t length = std::strlen(name);
  char line[256];
  uint64_t value = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, name, length) != 0 || line[length] != ':') continue;
    value = std::strtoull(line + length + 1, nullptr, 10);
    break;
  }
  std::fclose(file);
  return value;
}

}  // namespace

uint64_t PeakMemory() {
  const uint64_t kib = NumberIn("/proc/self/status", "VmHWM");
  if (kib == 0) Die("/proc/self/status has no VmHWM");
  return kib * 1024;
}

uint64_t ThreadCount() { return NumberIn("/proc/self/status", "Threads"); }

IoCounts IoNow() {
  const char* path = "/proc/self/io";
  return {NumberIn(path, "read_bytes"), NumberIn(path, "wchar"), NumberIn(path, "syscr")};
}

uint64_t DeviceReads(const std::string& path) {
  struct stat about;
  CheckErrno(::stat(path.c_str(), &about) == 0, path);
  const std::string name = "/sys/dev/block/" + std::to_string(major(about.st_dev)) + ":" +
                           std::to_string(minor(about.st_dev)) + "/stat";
  std::FILE* file = std::fopen(name.c_str(), "r");
  if (file == nullptr) return 0;
  unsigned long long reads = 0;
  const int found = std::fscanf(file, "%llu", &reads);
  std::fclose(file);
  return found == 1 ? reads : 0;
}

void Evict(const std::string& dir, const std::string& keep) {
  namespace fs = std::filesystem;
  for (auto each = fs::recursive_directory_iterator(dir); each != fs::end(each); ++each) {
    if (each->is_directory() && each->path().filename() == keep) each.disable_recursion_pending();
    if (!each->is_regular_file()) continue;
    const Fd fd = OpenFile(each->path(), O_RDONLY);
    CheckErrno(::fdatasync(fd.get()) == 0, "fdatasync");
    CheckErrno(::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED) == 0, "posix_fadvise");
  }
}

uint64_t DiskUsage(const std::string& dir) {
  uint64_t blocks = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(dir)) {
    struct stat about;
    CheckErrno(::lstat(each.path().c_str(), &about) == 0, each.path());
    blocks += static_cast<uint64_t>(about.st_blocks);
  }
  return blocks * 512;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Fd OpenFile(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  CheckErrno(fd >= 0, path);
  return Fd(fd);
}

void WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    CheckErrno(n > 0, "write");
    data += n;
    size -= static_cast<size_t>(n);
  }
}

size_t ReadFull(int fd, char* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd, data + done, size - done);
    CheckErrno(n >= 0, "read");
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

Args::Args(int argc, char** argv, int first) {
  for (int i = first; i < argc; ++i) {
    const char* equals = std::strchr(argv[i], '=');
    if (equals == nullptr) Die(std::string("not name=value: ") + argv[i]);
    values_[std::string(argv[i], static_cast<size_t>(equals - argv[i]))] = equals + 1;
  }
}

std::string Args::Text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) Die("missing argument " + name + "=");
  return found->second;
}

std::string Args::Text(const std::string& name, const std::string& otherwise) const {
  return values_.count(name) != 0 ? Text(name) : otherwise;
}

uint64_t Args::Number(const std::string& name) const {
  const std::string text = Text(name);
  char* end = nullptr;
  errno = 0;
  const uint64_t value = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0) Die("not a number: " + name + "=" + text);
  return value;
}

uint64_t Args::Number(const std::string& name, uint64_t otherwise) const {
  return values_.count(name) != 0 ? Number(name) : otherwise;
}

void Report::Add(const char* name, double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  AddField(name, text);
}

void Report::Add(const char* name, uint64_t value) { AddField(name, std::to_string(value)); }

void Report::AddField(const std::string& name, const std::string& value) {
  text_ += (text_.empty() ? "\"" : ",\"") + prefix_ + name + "\":" + value;
}

void Report::Print() {
  std::printf("{%s}\n", text_.c_str());
  std::fflush(stdout);
}

void Stream::Fill(char* data, size_t size) {
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t word = Mix(state_++);
    std::memcpy(data + i, &word, 8);
  }
}

Shape ShapeOf(const std::string& name) {
  if (name == "flat") return Shape::kFlat;
  if (name == "tree") return Shape::kTree;
  if (name == "directory") return Shape::kDirectory;
  Die("no such shape: " + name);
}

Objects::Objects(uint64_t seed, size_t size, Shape shape)
    : seed_(Mix(seed)), size_(size), shape_(shape), pool_(kMiB + (size + 7) / 8 * 8) {
  if (size < 8) Die("values must have at least 8 bytes");
  Stream(seed).Fill(pool_.data(), pool_.size());
}

std::string Objects::Key(uint64_t id) const {
  static constexpr char kDigits[] = "0123456789abcdef";
  const uint64_t mixed = Mix(id ^ seed_);
  std::string key;
  key.reserve(22);
  if (shape_ == Shape::kDirectory) key = "files/";
  for (int shift = 60; shift >= 0; shift -= 4) {
    key.push_back(kDigits[(mixed >> shift) & 15]);
    if (shift == 56 && shape_ == Shape::kTree) key.push_back('/');
  }
  return key;
}

const char* Objects::Body(uint64_t id) const { return pool_.data() + Mix(id + 1) % kMiB; }

void Objects::Fill(uint64_t id, char* value) const {
  const uint64_t stamp = Mix(id ^ seed_);
  std::memcpy(value, Body(id), size_);
  std::memcpy(value, &stamp, sizeof stamp);
}

bool Objects::LooksRight(uint64_t id, std::string_view value) const {
  const uint64_t stamp = Mix(id ^ seed_);
  return value.size() == size_ && std::memcmp(value.data(), &stamp, sizeof stamp) == 0;
}

bool Objects::Matches(uint64_t id, std::string_view value) const {
  return LooksRight(id, value) && std::memcmp(value.data() + 8, Body(id) + 8, size_ - 8) == 0;
}

}  // namespace bench
