// SPDX-License-Identifier: Apache-2.0
// Planted bugs: faults that a test build (-Dplanted=true) can switch on one at a time, to prove that the tests would notice
// them. Their names, what they do and which test caught each are in tests/planted/README.md.
//
// In every other build Planted is a constant that the compiler itself evaluates: no code of a bug and no name of one is left,
// which tests/checks/planted.py proves. Thread-safe.
#ifndef JZSE_BASE_PLANTED_H_
#define JZSE_BASE_PLANTED_H_

#include <string_view>

namespace jzse::base {

#ifdef JZSE_PLANTED_BUGS
// Whether the environment variable JZSE_PLANTED, read once, names this bug.
bool Planted(std::string_view bug);
#else
consteval bool Planted(std::string_view) { return false; }
#endif

}  // namespace jzse::base

#endif  // JZSE_BASE_PLANTED_H_
