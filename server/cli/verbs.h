// SPDX-License-Identifier: Apache-2.0
// The verbs: what the command line gives each, and its function. What they mean to a user stands in
// command_line.cc (--help) and jzse(1). All return exit codes, see context.h.
#ifndef JZSE_CLI_VERBS_H_
#define JZSE_CLI_VERBS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "context.h"

namespace jzse::cli {

// -------------------------------------------------------------------------------- contents
// (contents.cc)
struct PutArgs {
  std::vector<std::string> paths;  // sources, then the destination
  std::string if_match, if_none_match, content_type, mode;
  std::vector<std::string> meta;  // KEY=VALUE
  bool no_replace = false;
};
int RunPut(Context& context, const PutArgs& args);

struct GetArgs {
  std::string path, file;
  uint64_t version = 0;
  bool no_replace = false;
};
int RunGet(Context& context, const GetArgs& args);

struct CatArgs {
  std::vector<std::string> paths;
  uint64_t version = 0;
  std::string offset, length;
};
int RunCat(Context& context, const CatArgs& args);

// ----------------------------------------------------------------------------------- listing
// (listing.cc)
struct LsArgs {
  std::vector<std::string> paths;
  bool longer = false, human = false, recursive = false, deleted = false, directory = false;
  uint64_t limit = 0;
  std::string start_after;
};
int RunLs(Context& context, const LsArgs& args);

struct TreeArgs {
  std::string path;
  uint64_t depth = 0;
  bool directories_only = false, ascii = false;
};
int RunTree(Context& context, const TreeArgs& args);

struct StatArgs {
  std::vector<std::string> paths;
  uint64_t version = 0;
};
int RunStat(Context& context, const StatArgs& args);

struct DuArgs {
  std::vector<std::string> paths;
  uint64_t depth = 1;
  bool human = false, summary = false;
};
int RunDu(Context& context, const DuArgs& args);

// --------------------------------------------------------------------------------------- names
// (names.cc)
struct RmArgs {
  std::vector<std::string> paths;
  bool recursive = false, force = false;
  std::string if_match;
};
int RunRm(Context& context, const RmArgs& args);

struct CopyArgs {                  // of cp and mv
  std::vector<std::string> paths;  // sources, then the destination
  bool recursive = false, no_replace = false;
};
int RunCp(Context& context, const CopyArgs& args);
int RunMv(Context& context, const CopyArgs& args);

struct MkdirArgs {
  std::vector<std::string> paths;
  bool parents = false;
  std::string mode;
};
int RunMkdir(Context& context, const MkdirArgs& args);

// -------------------------------------------------------------- trees (trees_import.cc,
// trees_export.cc)
struct ImportArgs {
  std::string source, destination;
  bool archive = false;  // `source` is an archive
  bool checksum = false, remove = false, dry_run = false, one_file_system = false;
  uint32_t jobs = 0;  // 0: as many as fit the machine
};
int RunImport(Context& context, const ImportArgs& args);

struct ExportArgs {
  std::string source, destination;
  bool archive = false;  // `destination` is an archive
  bool versions = false, checksum = false, dry_run = false, special_bits = false, sync = false;
  uint32_t jobs = 0;
};
int RunExport(Context& context, const ExportArgs& args);
int ImportArchive(Context& context, const ImportArgs& args);  // archive.cc
int ExportArchive(Context& context, const ExportArgs& args);

// ----------------------------------------------------------------------------------- history
// (history.cc)
struct VersionsArgs {
  std::string path;
  uint64_t forget = 0;
};
int RunVersions(Context& context, const VersionsArgs& args);

struct RestoreArgs {
  std::string path;
  uint64_t version = 0;
};
int RunRestore(Context& context, const RestoreArgs& args);

struct LogArgs {  // of log and watch
  std::string path;
  bool from_start = false;  // watch: what is there already, too
  uint64_t after = 0, limit = 0, last = 0;
  bool after_given = false, follow = false;
};
int RunLog(Context& context, const LogArgs& args);
int RunWatch(Context& context, const LogArgs& args);

// ------------------------------------------------------------------------------------- upkeep
// (upkeep.cc)
struct InitArgs {
  std::string directory, region;
  std::vector<std::string> settings;  // KEY=VALUE for the default namespace
};
int RunInit(Context& context, const InitArgs& args);

struct VerifyArgs {
  bool repair = false;
  std::string rate;
};
int RunVerify(Context& context, const VerifyArgs& args);

struct CompactArgs {
  bool full = false;
};
int RunCompact(Context& context, const CompactArgs& args);

struct NoArgs {};
int RunRebuild(Context& context, const NoArgs& args);
int RunDoctor(Context& context, const NoArgs& args);  // doctor.cc

// --------------------------------------------------------------------------------- settings
// (settings.cc)
struct ConfigArgs {
  std::vector<std::string> words;  // [NAMESPACE] [KEY=VALUE]...
};
int RunConfig(Context& context, const ConfigArgs& args);

// What jzsed would run with here (config_show.cc; where jzsed is not built, config_show_off.cc).
struct ConfigShowArgs {
  std::string file;
  bool origin = false;
};
int RunConfigShow(Context& context, const ConfigShowArgs& args);

struct NamespaceArgs {
  std::string name;
  std::vector<std::string> settings;
  bool force = false;
};
int RunNsList(Context& context, const NoArgs& args);
int RunNsCreate(Context& context, const NamespaceArgs& args);
int RunNsSet(Context& context, const NamespaceArgs& args);
int RunNsDrop(Context& context, const NamespaceArgs& args);
// Applies KEY=VALUE words to a configuration.
int ApplySettings(Context& context, const std::vector<std::string>& words,
                  jzse_namespace_config* config);

// --------------------------------------------------------------------------------------- bench
// (bench.cc)
struct BenchArgs {
  std::string directory = ".";
  double seconds = 1;
};
int RunBench(Context& context, const BenchArgs& args);

// ----------------------------------------------------------------------------- completion
// (completion.cc)
struct PathsArgs {
  std::string word;
};
// For the shells: the addresses that the word may become, one a line; silent about every failure.
int RunPaths(Context& context, const PathsArgs& args);

}  // namespace jzse::cli

#endif  // JZSE_CLI_VERBS_H_
