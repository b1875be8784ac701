// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

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

uint64_t PeakMemory() {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  CheckErrno(file != nullptr, "/proc/self/status");
  char line[256];
  unsigned long long kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "VmHWM: %llu kB", &kib) == 1) break;
  }
  std::fclose(file);
  if (kib == 0) Die("/proc/self/status has no VmHWM");
  return kib * 1024;
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
  char field[96];
  std::snprintf(field, sizeof field, "%s\"%s\":%.9g", text_.empty() ? "" : ",", name, value);
  text_ += field;
}

void Report::Add(const char* name, uint64_t value) {
  text_ += std::string(text_.empty() ? "\"" : ",\"") + name + "\":" + std::to_string(value);
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
  key.reserve(17);
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
