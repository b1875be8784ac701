// SPDX-License-Identifier: Apache-2.0
#include "jzsed/hot.h"

#include <functional>
#include <utility>

namespace jzse::jzsed {
namespace {

constexpr size_t kSets = 1 << 13;       // of four files: 512 KiB for each loop
constexpr size_t kVersions = 1 << 12;
constexpr size_t kFieldsMax = 2048;     // versions with more are not kept
constexpr uint32_t kSettleMs = 100;
constexpr uint32_t kHotMs = 10'000;

}  // namespace

HotFiles::HotFiles() : sets_(kSets), versions_(kVersions) {}

HotFiles::Read* HotFiles::Touch(std::string_view ns, std::string_view path, int64_t now_ms) {
  const std::hash<std::string_view> hash;
  const uint64_t key = ((hash(ns) * 0x9e3779b97f4a7c15u) ^ hash(path)) >> 1;
  const auto now = static_cast<uint32_t>(now_ms);
  auto& reads = sets_[key % kSets].reads;
  Read* oldest = &reads[0];
  for (Read& read : reads) {
    if (read.key == key && now - read.last_ms <= kHotMs) {
      read.last_ms = now;
      return now - read.first_ms >= kSettleMs ? &read : nullptr;
    }
    if (read.key == key || (oldest->key != key && now - read.last_ms > now - oldest->last_ms)) oldest = &read;
  }
  *oldest = {key, 0, now, now};
  return nullptr;
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
