// SPDX-License-Identifier: Apache-2.0
#include "jzsed/hot.h"

#include <functional>
#include <utility>

namespace jzse::jzsed {
namespace {

constexpr size_t kReads = 1 << 15;      // 768 KiB for each loop
constexpr size_t kVersions = 1 << 12;
constexpr size_t kFieldsMax = 2048;     // versions with more are not kept
constexpr int64_t kSettleMs = 100;
constexpr int64_t kHotMs = 10'000;

}  // namespace

HotFiles::HotFiles() : reads_(kReads), versions_(kVersions) {}

bool HotFiles::Touch(std::string_view ns, std::string_view path, int64_t now_ms) {
  const std::hash<std::string_view> hash;
  const uint64_t key = (hash(ns) * 0x9e3779b97f4a7c15u) ^ hash(path);
  Read& read = reads_[key % kReads];
  if (read.key != key || now_ms > read.last_ms + kHotMs) {
    read = {key, now_ms, now_ms};
    return false;
  }
  read.last_ms = now_ms;
  return now_ms >= read.first_ms + kSettleMs;
}

const HotFiles::Version* HotFiles::Find(uint64_t sequence) const {
  const Version& version = versions_[sequence % kVersions];
  return version.sequence == sequence ? &version : nullptr;
}

void HotFiles::Keep(Version version) {
  if (version.fields.size() > kFieldsMax) return;
  versions_[version.sequence % kVersions] = std::move(version);
}

}  // namespace jzse::jzsed
