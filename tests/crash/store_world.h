// SPDX-License-Identifier: Apache-2.0
// What the tests of the whole engine share: a store on a simulated disk, a workload that touches every type of record,
// and a dump of everything that a user can see, so that two moments can be compared.
//
// Threading: one thread uses a store; the index may use one of its own.
#ifndef JZSE_TESTS_CRASH_STORE_WORLD_H_
#define JZSE_TESTS_CRASH_STORE_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "io/sim_env.h"
#include "store/format.h"

namespace jzse::crash {

using base::Bytes;
using base::Code;
using base::Status;
using base::StatusOr;
using engine::Store;

inline constexpr char kStore[] = "/store";

// No background thread, no reserve: what happens is up to the calls alone.
engine::Options QuietOptions();
// Creates the store if the disk has none.
StatusOr<std::unique_ptr<Store>> OpenOn(io::Env& env, std::vector<std::string>* log = nullptr);

// Bytes that do not compress, the same for one seed; and bytes that do.
std::string Noise(uint64_t seed, size_t size);
std::string Prose(uint64_t seed, size_t size);

Status Put(Store& store, std::string_view ns, std::string_view path, Bytes data,
           const engine::PutOptions& options = {});
Status Delete(Store& store, std::string_view ns, std::string_view path, bool recursive = false);
Status Move(Store& store, std::string_view ns, std::string_view from, std::string_view to);
StatusOr<std::string> Get(Store& store, std::string_view ns, std::string_view path);

// Everything visible: namespaces with their policies, files with every byte of content, attributes and versions.
// Tombstones are left out: compaction may drop them at any moment.
using Dump = std::map<std::string, std::string>;
StatusOr<Dump> DumpOf(Store& store);
// What stands for bytes in a dump.
std::string Digest(Bytes bytes);
// The first difference, or "".
std::string Difference(const Dump& want, const Dump& have);

// One step of a workload. It may close and open the store. Every step commits at most once, so that it happens as a
// whole or not at all.
struct Step {
  std::string name;
  std::function<Status(io::Env& env, std::unique_ptr<Store>& store)> run;
};
// Step 0 creates the store. Touches every record type, rolls segments of both streams, compacts, closes and reopens.
std::vector<Step> FullWorkload();
// The same ideas in a fraction of the calls, for tests that repeat it once for each call.
std::vector<Step> ShortWorkload();

// Problems that verify reports, one per line; a failing verify is one, too.
std::string VerifyProblems(Store& store);

// Takes the index away, as if it had never been written.
void RemoveIndex(io::SimEnv& env);
// Paths of segment files, in order.
std::vector<std::string> SegmentPaths(const io::SimEnv& env);
inline constexpr char kCensusPath[] = "/store/SEGMENTS";
// What the census on the disk lists, by path; nothing if there is none, or none that holds.
std::map<std::string, store::CensusEntry> CensusOf(const io::SimEnv& env);

}  // namespace jzse::crash

#endif  // JZSE_TESTS_CRASH_STORE_WORLD_H_
