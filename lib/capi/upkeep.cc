// SPDX-License-Identifier: Apache-2.0
// Verification and compaction on call.
#include "capi/handles.h"

using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace engine = jzse::engine;

namespace jzse::capi {
namespace {

engine::Problem ProblemOf(jzse_problem_fn problem, void* context) {
  if (problem == nullptr) return {};
  return [problem, context](std::string_view ns, std::string_view path, base::Sequence version,
                            std::string_view what) {
    problem(context, std::string(ns).c_str(), std::string(path).c_str(), version, std::string(what).c_str());
  };
}

jzse_verify_report ReportOf(const engine::VerifyReport& from) {
  jzse_verify_report to{};
  to.struct_size = sizeof to;
  to.segments = from.segments;
  to.records = from.records;
  to.bytes = from.bytes;
  to.files = from.files;
  to.versions = from.versions;
  to.chunks = from.chunks;
  to.problems = from.problems;
  to.repaired = from.repaired;
  return to;
}

jzse_compact_report ReportOf(const engine::CompactReport& from) {
  jzse_compact_report to{};
  to.struct_size = sizeof to;
  to.segments = from.segments;
  to.bytes_before = from.bytes_before;
  to.bytes_after = from.bytes_after;
  to.versions_expired = from.versions_expired;
  to.chunks_dropped = from.chunks_dropped;
  to.tombstones_dropped = from.tombstones_dropped;
  return to;
}

}  // namespace
}  // namespace jzse::capi

int jzse_verify(jzse_store* store, const jzse_verify_options* options, jzse_verify_report* report,
                jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(CheckResult(report));
    JZSE_ASSIGN_OR_RETURN(const jzse_verify_options given, Take(options));
    if (given.repair > 1) return Fail(Code::kInvalid, "jzse_verify_options.repair: 0 or 1");
    engine::VerifyOptions verify;
    verify.repair = given.repair != 0;
    verify.progress = ProgressOf(given.progress, given.context);
    verify.problem = ProblemOf(given.problem, given.context);
    verify.rate = given.rate;
    JZSE_ASSIGN_OR_RETURN(const engine::VerifyReport found, engine.Verify(verify));
    Give(ReportOf(found), report);
    if (found.problems <= found.repaired) return absl::OkStatus();
    return Fail(Code::kCorrupt, "the store has " + std::to_string(found.problems) + " problems, of which " +
                                    std::to_string(found.repaired) + " were repaired");
  });
}

int jzse_compact(jzse_store* store, const jzse_compact_options* options, jzse_compact_report* report,
                 jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(CheckResult(report));
    JZSE_ASSIGN_OR_RETURN(const jzse_compact_options given, Take(options));
    if (given.full > 1) return Fail(Code::kInvalid, "jzse_compact_options.full: 0 or 1");
    engine::CompactOptions compact;
    compact.full = given.full != 0;
    compact.progress = ProgressOf(given.progress, given.context);
    JZSE_ASSIGN_OR_RETURN(const engine::CompactReport found, engine.Compact(compact));
    Give(ReportOf(found), report);
    return absl::OkStatus();
  });
}
