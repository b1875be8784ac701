// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput; what must hold for every input is said
// with Require, which ends the process: that is a finding, under libFuzzer and in the replay (replay.cc) alike.
//
// A target keeps nothing from one input to the next but what every run builds in the same way, so one file of bytes
// replays a finding.
#ifndef JZSE_TESTS_FUZZ_FUZZ_H_
#define JZSE_TESTS_FUZZ_FUZZ_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/base.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace jzse::fuzz {

using base::Bytes;

inline Bytes View(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

// Takes decisions from the front of an input; at its end every decision is 0 and every string empty, so no input is
// malformed and a mutation in one place leaves the decisions before it as they were.
class Choices {
 public:
  explicit Choices(Bytes bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }
  uint64_t Number(size_t bytes) {
    uint64_t value = 0;
    for (; bytes > 0 && !rest_.empty(); --bytes, rest_.remove_prefix(1))
      value = value << 8 | static_cast<unsigned char>(rest_.front());
    return value;
  }
  uint8_t Byte() { return static_cast<uint8_t>(Number(1)); }
  // Below `bound`, which is at most 65536.
  size_t Below(size_t bound) { return Number(bound > 256 ? 2 : 1) % bound; }
  bool Flag() { return (Byte() & 1) != 0; }
  Bytes Take(size_t size) {
    const Bytes taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // A string whose length stands before it, of at most `size_max` bytes.
  Bytes String(size_t size_max) { return Take(Below(size_max + 1)); }
  Bytes Rest() { return Take(rest_.size()); }

 private:
  Bytes rest_;
};

}  // namespace jzse::fuzz

#endif  // JZSE_TESTS_FUZZ_FUZZ_H_
