// SPDX-License-Identifier: Apache-2.0
// A seeded generator for simulations, tests and benchmarks: SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014). Never used for identities; those come from Env entropy.
#ifndef JZSE_BASE_PRNG_H_
#define JZSE_BASE_PRNG_H_

#include <cstdint>
#include <string>

namespace jzse::base {

class Prng {
 public:
  explicit Prng(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound) up to a bias below bound / 2^64. REQUIRES: bound > 0
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  std::string Bytes(size_t size) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(Next() >> 56);
    return bytes;
  }

 private:
  uint64_t state_;
};

}  // namespace jzse::base

#endif  // JZSE_BASE_PRNG_H_
