// SPDX-License-Identifier: Apache-2.0
// Small stores on the simulated disk for the targets that open one, with everything that was ever stored in them, and the
// places of their records. Built once for a process, from fixed seeds; a run works on a clone.
#ifndef JZSE_TESTS_FUZZ_HOSTILE_H_
#define JZSE_TESTS_FUZZ_HOSTILE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "../crash/store_world.h"
#include "fuzz.h"
#include "store/format.h"

namespace jzse::fuzz {

struct PlacedRecord {
  std::string file;
  base::SegmentId segment = 0;
  uint64_t offset = 0;
  store::RecordHeader header;
};

struct SampleStore {
  std::unique_ptr<io::SimEnv> env;
  store::Identity identity;
  // By "namespace:path": every content that was ever stored there, also under versions.
  std::map<std::string, std::set<std::string>> contents;
  std::vector<std::string> files;     // of the whole store
  std::vector<std::string> segments;
  std::vector<PlacedRecord> records;  // footers too
};

enum class Sample { kClosed, kKilled, kCompacted, kEmpty };
inline constexpr int kSamples = 4;
const SampleStore& SampleOf(Sample sample);

}  // namespace jzse::fuzz

#endif  // JZSE_TESTS_FUZZ_HOSTILE_H_
