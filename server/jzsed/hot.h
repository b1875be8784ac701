// SPDX-License-Identifier: Apache-2.0
// What a loop knows of files that were read a moment ago, so that reading them again needs no hand-over to the pool: what the disk gave a moment ago is still in memory.
//
// Invariants
//   1. Nothing about a file is answered from here but what its version's sequence fixes for ever: the store is asked first, always.
//   2. A file is hot only once a read of it through the pool has had time to end, and for ten seconds after its last read. Then a read waits for the disk only if the
//      kernel dropped the page meanwhile.
//   3. The size is fixed; of files that meet in one set, the one that was read longest ago makes room.
//
// Threading: the loop's.
#ifndef JZSE_SERVER_JZSED_HOT_H_
#define JZSE_SERVER_JZSED_HOT_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jzse::jzsed {

class HotFiles {
 public:
  // The fields that describe a version, ready to be sent.
  struct Version {
    uint64_t sequence = 0;
    std::string fields, content_type;
  };

  struct Read {
    uint64_t key : 63 = 0;
    uint64_t large : 1 = 0;              // the file was, so its content is read piece by piece; whoever reads it says so
    uint32_t first_ms = 0, last_ms = 0;  // on a clock that wraps; only differences count
  };

  HotFiles();
  // Notes a read. What it knows of the file, until the next call, if that was hot before it; else null.
  Read* Touch(std::string_view ns, std::string_view path, int64_t now_ms);
  const Version* Find(uint64_t sequence) const;
  void Keep(Version version);

 private:
  static constexpr size_t kWays = 4;
  struct alignas(64) Set {
    std::array<Read, kWays> reads;
  };
  std::vector<Set> sets_;
  std::vector<Version> versions_;
};

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_HOT_H_
