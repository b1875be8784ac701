// SPDX-License-Identifier: Apache-2.0
// The oracle that runs most: whether a store shows what the model says, to the byte. Says the same as comparing
// crash::DumpOf with prop::Model::ToDump, in a fraction of the time.
#ifndef JZSE_TESTS_SIM_COMPARE_H_
#define JZSE_TESTS_SIM_COMPARE_H_

#include <string>
#include <vector>

#include "../prop/engine_checks.h"

namespace jzse::sim {

struct CompareOptions {
  bool versions = false;  // the bytes of every version, too; their number is compared in any case
  bool damage_told = false;  // the store may have met damage and counted it
};

// The first difference, or "".
std::string Compare(engine::Store& store, const prop::Model& model, const CompareOptions& options);
// What Get and Stat answer for one name.
std::string CompareRead(engine::Store& store, const prop::Model& model, const std::string& ns,
                        const std::string& path);
// A part of one file through a Reader.
std::string CompareRange(engine::Store& store, const prop::Model& model, const std::string& ns,
                         const std::string& path, base::Prng& prng);

}  // namespace jzse::sim

#endif  // JZSE_TESTS_SIM_COMPARE_H_
