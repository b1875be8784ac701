// SPDX-License-Identifier: Apache-2.0
// init, verify, compact, rebuild: the store as a whole.
// Threads: the main thread; the callbacks come from threads of the library.
#include <fmt/format.h>

#include "interrupt.h"
#include "progress.h"
#include "remote/remote.h"
#include "text.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

struct VerifyWatch {
  Context* context;
  Progress* progress;
};

int OnVerifyProgress(void* watch, uint64_t done, uint64_t total) {
  return OnProgressBytes(static_cast<VerifyWatch*>(watch)->progress, done, total);
}

void OnProblem(void* watch, const char* ns, const char* path, uint64_t version,
               const char* problem) {
  Output& out = static_cast<VerifyWatch*>(watch)->context->out;
  if (out.json()) {
    Record record;
    record.Add("problem", problem).Add("namespace", ns).Add("path", path);
    if (version != 0) record.Add("version", version);
    return out.Emit(record);
  }
  const std::string name = ns[0] == '\0' ? std::string(path) : FormatAddress(ns, path);
  const std::string at = version == 0 ? "" : fmt::format(", version {}", version);
  out.Line(fmt::format("{}: {}{}: {}", out.Paint(Color::kError, "damaged"), out.Name(name), at,
                       out.Name(problem)));
}

int FailOrInterrupted(Context& context, const jzse_error& error) {
  if (Interrupted()) return context.out.Fail(InterruptExitCode(), "interrupted");
  return context.out.Fail(error);
}

}  // namespace

int RunInit(Context& context, const InitArgs& args) {
  std::string directory = args.directory.empty() ? context.globals.store : args.directory;
  if (remote::IsUrl(directory))
    return context.out.Fail(kExitUnsupported, fmt::format("init: is done where the store is, not over HTTP ({})", directory));
  if (directory.empty())
    return context.out.Fail(kExitUsage, "init: name the directory to make the store in");
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  if (const int code = ApplySettings(context, args.settings, &config); code != kExitOk) return code;
  jzse_options options = JZSE_OPTIONS_INIT;
  options.flags = JZSE_OPEN_CREATE | JZSE_OPEN_EXCLUSIVE;
  if (!args.region.empty()) options.region = args.region.c_str();
  jzse_store* store = nullptr;
  Error error;
  if (jzse_store_open(directory.c_str(), &options, &store, &error.raw) != JZSE_OK) {
    return context.out.Fail(error.raw);
  }
  int code = JZSE_OK;
  if (!args.settings.empty())
    code = jzse_namespace_configure(store, kDefaultNamespace, &config, &error.raw);
  const std::string region = jzse_store_region(store);
  jzse_stats stats = JZSE_STATS_INIT;
  if (code == JZSE_OK) code = jzse_store_stats(store, &stats, &error.raw);
  const int closed = jzse_store_close(store, code == JZSE_OK ? &error.raw : nullptr);
  if (code != JZSE_OK || closed != JZSE_OK) return context.out.Fail(error.raw);
  if (context.out.json()) {
    Record record;
    record.Add("store", directory).Add("region", region);
    context.out.Emit(record.Add(
        "store_id", fmt::format("{:016x}{:016x}", stats.store_id[0], stats.store_id[1])));
  } else {
    context.out.Note(fmt::format("{}: a new store, region {}", directory, region));
  }
  return kExitOk;
}

int RunVerify(Context& context, const VerifyArgs& args) {
  jzse_verify_options options = JZSE_VERIFY_OPTIONS_INIT;
  if (!args.rate.empty()) {
    const auto rate = ParseSize(args.rate);
    if (!rate)
      return context.out.Fail(kExitUsage,
                              fmt::format("--rate '{}': not a size like 64M", args.rate));
    options.rate = *rate;
  }
  const auto access = args.repair ? Context::Access::kWrite : Context::Access::kRead;
  if (const int code = context.Open(access); code != kExitOk) return code;
  Progress progress(&context.out, "verify");
  VerifyWatch watch{&context, &progress};
  options.repair = args.repair ? 1 : 0;
  options.progress = OnVerifyProgress;
  options.problem = OnProblem;
  options.context = &watch;
  jzse_verify_report report = JZSE_VERIFY_REPORT_INIT;
  Error error;
  const int code = context.store()->Verify(options, &report, &error.raw);
  progress.Stop();
  if (code != JZSE_OK && code != JZSE_CORRUPT) return FailOrInterrupted(context, error.raw);
  if (context.out.json()) {
    Record record;
    record.Add("ok", code == JZSE_OK)
        .Add("segments", report.segments)
        .Add("records", report.records);
    record.Add("bytes", report.bytes).Add("files", report.files).Add("versions", report.versions);
    record.Add("chunks", report.chunks)
        .Add("problems", report.problems)
        .Add("repaired", report.repaired);
    context.out.Emit(record.Add("seconds", progress.seconds()));
  } else {
    context.out.Note(
        fmt::format("checked {} in {}: {}, {}, {}; {} ({})", SizeText(report.bytes),
                    CountText(report.segments, "segment"), CountText(report.files, "file"),
                    CountText(report.versions, "older version"), CountText(report.chunks, "chunk"),
                    report.problems == 0 ? "all good" : CountText(report.problems, "problem"),
                    DurationText(progress.seconds())));
    if (report.repaired != 0) context.out.Note(fmt::format("{} repaired", report.repaired));
  }
  return code == JZSE_OK ? kExitOk : context.out.Fail(error.raw);
}

int RunCompact(Context& context, const CompactArgs& args) {
  if (const int code = context.Open(Context::Access::kWrite); code != kExitOk) return code;
  Progress progress(&context.out, "compact");
  jzse_compact_options options = JZSE_COMPACT_OPTIONS_INIT;
  options.full = args.full ? 1 : 0;
  options.progress = OnProgressBytes;
  options.context = &progress;
  jzse_compact_report report = JZSE_COMPACT_REPORT_INIT;
  Error error;
  const int code = context.store()->Compact(options, &report, &error.raw);
  progress.Stop();
  if (code != JZSE_OK) return FailOrInterrupted(context, error.raw);
  if (context.out.json()) {
    Record record;
    record.Add("segments", report.segments).Add("bytes_before", report.bytes_before);
    record.Add("bytes_after", report.bytes_after).Add("versions_expired", report.versions_expired);
    record.Add("chunks_dropped", report.chunks_dropped)
        .Add("tombstones_dropped", report.tombstones_dropped);
    context.out.Emit(record.Add("seconds", progress.seconds()));
  } else {
    context.out.Note(fmt::format(
        "{} rewritten: {} became {}; {} expired, {} dropped", CountText(report.segments, "segment"),
        SizeText(report.bytes_before), SizeText(report.bytes_after),
        CountText(report.versions_expired, "version"), CountText(report.chunks_dropped, "chunk")));
  }
  return kExitOk;
}

int RunRebuild(Context& context, const NoArgs&) {
  const Progress progress(&context.out, "rebuild");
  if (const int code = context.OpenHere(Context::Access::kRebuild, "rebuild"); code != kExitOk) return code;
  jzse_stats stats = JZSE_STATS_INIT;
  Error error;
  if (context.store()->Stats(&stats, nullptr, &error.raw) != JZSE_OK)
    return context.out.Fail(error.raw);
  if (context.out.json()) {
    Record record;
    record.Add("files", stats.file_count).Add("versions", stats.version_count);
    record.Add("segments", stats.segment_count).Add("corrupt_records", stats.corrupt_records);
    context.out.Emit(record.Add("seconds", progress.seconds()));
  } else {
    context.out.Note(fmt::format(
        "index rebuilt from {}: {}, {} (in {})", CountText(stats.segment_count, "segment"),
        CountText(stats.file_count, "file"), CountText(stats.version_count, "older version"),
        DurationText(progress.seconds())));
  }
  if (stats.corrupt_records == 0) return kExitOk;
  return context.out.Fail(
      kExitCorrupt,
      fmt::format("{}: {} on the way; 'jzse verify' tells what they touch", context.path(),
                  CountText(stats.corrupt_records, "damaged record")));
}

}  // namespace jzse::cli
