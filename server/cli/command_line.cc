// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "verbs.h"

namespace jzse::cli {
namespace {

constexpr char kAbout[] =
    "jzse stores files durably in a store, here or behind a jzsed, keeps their versions and gives them back.\n"
    "\n"
    "A store is a directory: --store DIR, or JZSE_STORE, or the one that the current directory "
    "lies in.\n"
    "Files in it are written [NAMESPACE:]PATH; the namespace is \"default\" if none is named, '/' "
    "or ':' is\n"
    "its root, and a slash at the end says that a directory is meant. '-' is standard input or "
    "output.\n"
    "http://HOST:PORT/NAMESPACE/PATH stands for a file of a jzsed in the same places, and "
    "--store http://HOST:PORT for all of it.";

constexpr char kFooter[] =
    "Begin with:\n"
    "  jzse init ./mystore; export JZSE_STORE=./mystore\n"
    "  jzse import ~/photos photos/; jzse ls photos/; jzse export photos/ ./out\n"
    "  echo hi | jzse put - notes/hi.txt; jzse cat notes/hi.txt; jzse versions notes/hi.txt\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 exists, 5 precondition, 6 corrupt, 7 "
    "locked,\n"
    "  8 no space or quota, 9 read-only or no permission, 10 too large, 11 unsupported, 12 I/O, 13 busy, 128+N "
    "signal N.\n"
    "'jzse VERB --help' tells about a verb, jzse(1) about everything.";

constexpr char kVerbFooter[] = "Options of every verb (--store, --json, ...): 'jzse --help'.";

constexpr char kFiles[] = "Files", kTrees[] = "Trees", kHistory[] = "History", kStore[] = "Store";

// CLI11 derives the usage line from the options; ours are written out, and stand first.
class Usages : public CLI::Formatter {
 public:
  void Set(const CLI::App* app, std::string usage) { usages_[app] = std::move(usage); }
  std::string make_description(const CLI::App*) const override { return ""; }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    const auto it = usages_.find(app);
    return fmt::format("Usage: jzse {}\n\n{}\n", it == usages_.end() ? name : it->second,
                       app->get_description());
  }

 private:
  std::map<const CLI::App*, std::string> usages_;
};

CLI::Validator Seconds(double least, double most) {
  return CLI::Validator(
      [least, most](std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool good = !text.empty() && *end == '\0' && value >= least && value <= most;
        return good ? std::string()
                    : fmt::format("'{}' is no number from {} to {}", text, least, most);
      },
      "");
}

class Builder {
 public:
  explicit Builder(Invocation* invocation)
      : invocation_(*invocation), app_(std::make_unique<CLI::App>(kAbout, "jzse")) {
    app_->formatter(usages_);
    usages_->Set(app_.get(), "[OPTIONS] VERB ...");
    usages_->column_width(28);
    app_->require_subcommand(1);
    app_->fallthrough();
    app_->set_help_flag("-h,--help", "This help");
    app_->set_version_flag("--version", std::string("jzse ") + jzse_version(),
                           "The version, and no more");
    Globals& g = invocation_.globals;
    app_->add_option("-s,--store", g.store, "The store's directory, or http://HOST:PORT of a jzsed")
        ->option_text("DIR")
        ->envname("JZSE_STORE");
    app_->add_flag("--json", g.json, "Data as JSON, one object a line");
    app_->add_flag("-q,--quiet", g.quiet, "On standard error only what went wrong");
    app_->add_flag("-v,--verbose", g.verbose, "Tell of every step");
    app_->add_flag("--no-color", g.no_color, "No colour (as NO_COLOR does)");
    app_->add_option("--wait", g.wait_s,
                     "Wait so long for a store that is open elsewhere (default 2), or for a server (10)")
        ->option_text("SECONDS")
        ->check(Seconds(0, 86400));
  }

  std::unique_ptr<CLI::App> Build() {
    AddFiles();
    AddTrees();
    AddNames();
    AddHistory();
    AddStore();
    AddNamespaces();
    AddCompletion();
    app_->footer(kFooter);  // last, because verbs inherit it
    return std::move(app_);
  }

 private:
  template <class Args>
  struct Verb {
    CLI::App* app;
    Args& args;
    CLI::Option* Paths(const char* name, std::vector<std::string>* paths, const char* help,
                       int least) {
      CLI::Option* option = app->add_option(name, *paths, help)->type_name("")->option_text(" ");
      if (least > 0) option->required()->expected(least, -1);
      return option;
    }
    CLI::Option* Word(const char* name, std::string* word, const char* help, bool required) {
      CLI::Option* option = app->add_option(name, *word, help)->type_name("");
      // CLI11 would write REQUIRED next to it; the usage line tells already.
      option->option_text(" ");
      return required ? option->required() : option;
    }
  };

  // -h is "human-readable" where sizes are listed, so help is --help everywhere below the top.
  template <class Args>
  Verb<Args> Add(CLI::App* parent, const char* group, const char* name, const char* help,
                 const char* usage, int (*run)(Context&, const Args&)) {
    CLI::App* verb = parent->add_subcommand(name, help)->group(group);
    verb->set_help_flag("--help", "This help");
    verb->footer(kVerbFooter);
    usages_->Set(verb, usage);
    const auto args = std::make_shared<Args>();
    verb->callback([this_invocation = &invocation_, args, run, verb] {
      if (!verb->get_subcommands().empty()) return;  // a verb below it, whose callback came first
      this_invocation->places = PlacesOf(args.get());
      this_invocation->run = [args, run](Context& context) { return run(context, *args); };
    });
    return {verb, *args};
  }

  void AddFiles() {
    auto put =
        Add(app_.get(), kFiles, "put", "Store files", "put [OPTIONS] FILE... [NS:]PATH", RunPut);
    put.Paths("FILE", &put.args.paths, "What to store ('-': standard input), then where", 2);
    put.app->add_option("--type", put.args.content_type, "Content type")->type_name("TYPE");
    put.app->add_option("--meta", put.args.meta, "Metadata; may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    put.app->add_option("--mode", put.args.mode, "Permission bits (default: the file's)")
        ->type_name("OCTAL");
    put.app->add_option("--if-match", put.args.if_match, "Only onto this etag ('*': onto any file)")
        ->type_name("ETAG");
    put.app
        ->add_option("--if-none-match", put.args.if_none_match,
                     "Not onto this etag ('*': onto nothing)")
        ->type_name("ETAG");
    put.app->add_flag("-n,--no-replace", put.args.no_replace, "Fail if the path is taken");

    auto get = Add(app_.get(), kFiles, "get", "Fetch a file with its mode and time",
                   "get [OPTIONS] [NS:]PATH [FILE]", RunGet);
    get.Word("PATH", &get.args.path, "The file in the store", true);
    get.Word("FILE", &get.args.file, "Where to ('-': standard output; default: its name, here)",
             false);
    get.app->add_option("--version", get.args.version, "An older version, see 'jzse versions'")
        ->type_name("N");
    get.app->add_flag("-n,--no-replace", get.args.no_replace, "Fail if FILE exists");

    auto cat = Add(app_.get(), kFiles, "cat", "Write contents to standard output",
                   "cat [OPTIONS] [NS:]PATH...", RunCat);
    cat.Paths("PATH", &cat.args.paths, "Files in the store", 1);
    cat.app->add_option("--version", cat.args.version, "An older version")->type_name("N");
    cat.app->add_option("--offset", cat.args.offset, "Begin there")->type_name("SIZE");
    cat.app->add_option("--length", cat.args.length, "No more than this")->type_name("SIZE");

    auto ls =
        Add(app_.get(), kFiles, "ls", "List a directory", "ls [OPTIONS] [[NS:]PATH...]", RunLs);
    ls.Paths("PATH", &ls.args.paths, "Directories or files (default: the root)", 0);
    ls.app->add_flag("-l", ls.args.longer, "Mode, size and time, too");
    ls.app->add_flag("-h,--human-readable", ls.args.human, "Sizes like 1.5K");
    ls.app->add_flag("-R,--recursive", ls.args.recursive, "Everything below");
    ls.app->add_flag("-d,--directory", ls.args.directory,
                     "Directories themselves, not what is in them");
    ls.app->add_flag("--deleted", ls.args.deleted, "Deleted files, too");
    ls.app->add_option("--limit", ls.args.limit, "So many entries at most")->type_name("N");
    ls.app->add_option("--after", ls.args.start_after, "Only what comes after this full path")
        ->type_name("PATH");

    auto tree = Add(app_.get(), kFiles, "tree", "Draw a directory and what is in it",
                    "tree [OPTIONS] [[NS:]PATH]", RunTree);
    tree.Word("PATH", &tree.args.path, "A directory (default: the root)", false);
    tree.app->add_option("-L,--depth", tree.args.depth, "Levels to show")->type_name("N");
    tree.app->add_flag("-d,--directories", tree.args.directories_only, "Directories only");
    tree.app->add_flag("--ascii", tree.args.ascii, "Draw with ASCII");

    auto stat = Add(app_.get(), kFiles, "stat", "Show everything known of a file",
                    "stat [OPTIONS] [NS:]PATH...", RunStat);
    stat.Paths("PATH", &stat.args.paths, "Files or directories", 1);
    stat.app->add_option("--version", stat.args.version, "An older version")->type_name("N");

    auto du = Add(app_.get(), kFiles, "du", "Sum up sizes by directory",
                  "du [OPTIONS] [[NS:]PATH...]", RunDu);
    du.Paths("PATH", &du.args.paths, "Directories (default: the root)", 0);
    du.app->add_option("-d,--depth", du.args.depth, "Levels to show (default 1)")->type_name("N");
    du.app->add_flag("-s,--summarize", du.args.summary, "Only the sum");
    du.app->add_flag("-h,--human-readable", du.args.human, "Sizes like 1.5K");
  }

  void AddNames() {
    auto rm = Add(app_.get(), kFiles, "rm", "Delete files (versions are kept)",
                  "rm [OPTIONS] [NS:]PATH...", RunRm);
    rm.Paths("PATH", &rm.args.paths, "What to delete", 1);
    rm.app->add_flag("-r,-R,--recursive", rm.args.recursive,
                     "Directories with everything below, atomically");
    rm.app->add_flag("-f,--force", rm.args.force, "What is not there is no error");
    rm.app->add_option("--if-match", rm.args.if_match, "Only if it has this etag")
        ->type_name("ETAG");

    auto cp = Add(app_.get(), kFiles, "cp", "Copy within the store (no bytes move)",
                  "cp [OPTIONS] [NS:]PATH... [NS:]PATH", RunCp);
    cp.Paths("PATH", &cp.args.paths, "What to copy, then where to", 2);
    cp.app->add_flag("-r,-R,--recursive", cp.args.recursive,
                     "Directories with everything below, atomically");
    cp.app->add_flag("-n,--no-replace", cp.args.no_replace, "Fail if the path is taken");

    auto mv = Add(app_.get(), kFiles, "mv", "Move or rename, directories too",
                  "mv [OPTIONS] [NS:]PATH... [NS:]PATH", RunMv);
    mv.Paths("PATH", &mv.args.paths, "What to move, then where to", 2);
    mv.app->add_flag("-n,--no-replace", mv.args.no_replace, "Fail if the path is taken");

    auto mkdir = Add(app_.get(), kFiles, "mkdir", "Make a directory that exists also when empty",
                     "mkdir [OPTIONS] [NS:]PATH...", RunMkdir);
    mkdir.Paths("PATH", &mkdir.args.paths, "Directories to make; parents are implied", 1);
    mkdir.app->add_flag("-p,--parents", mkdir.args.parents, "No error if it exists");
    mkdir.app->add_option("--mode", mkdir.args.mode, "Permission bits")->type_name("OCTAL");
  }

  void AddTrees() {
    auto in =
        Add(app_.get(), kTrees, "import", "Store a directory tree, or what changed in it",
            "import [OPTIONS] DIR [[NS:]PATH]\n       jzse import --archive FILE [NS:]", RunImport);
    in.Word("DIR", &in.args.source, "The tree; with --archive a file, or '-'", true);
    in.Word("PATH", &in.args.destination, "Where its contents go (default: the root)", false);
    in.app->add_flag("--archive", in.args.archive, "Read an archive that 'export --archive' wrote");
    in.app->add_flag("--delete", in.args.remove, "Delete from PATH what DIR does not have");
    in.app->add_flag("-c,--checksum", in.args.checksum,
                     "Compare contents, not just size, time and mode");
    in.app->add_flag("-n,--dry-run", in.args.dry_run, "Only tell what would be done");
    in.app->add_flag("-x,--one-file-system", in.args.one_file_system,
                     "Do not enter mounted file systems");
    in.app->add_option("-j,--jobs", in.args.jobs, "Threads")->type_name("N");

    auto ex = Add(
        app_.get(), kTrees, "export", "Write files of the store as a real directory tree",
        "export [OPTIONS] [NS:]PATH DIR\n       jzse export --archive [--versions] [NS:]PATH FILE",
        RunExport);
    ex.Word("PATH", &ex.args.source, "A directory or a file in the store ('/': all)", true);
    ex.Word("DIR", &ex.args.destination, "Where it goes; with --archive a file, or '-'", true);
    ex.app->add_flag("--archive", ex.args.archive, "Write one portable stream");
    ex.app->add_flag("--versions", ex.args.versions, "With --archive: older versions, too");
    ex.app->add_flag("-c,--checksum", ex.args.checksum,
                     "Compare contents, not just size, time and mode");
    ex.app->add_flag("-n,--dry-run", ex.args.dry_run, "Only tell what would be done");
    ex.app->add_flag("--special-bits", ex.args.special_bits,
                     "Set-user-id, set-group-id and sticky bits, too");
    ex.app->add_flag("--sync", ex.args.sync, "Wait until all of it is on disk");
    ex.app->add_option("-j,--jobs", ex.args.jobs, "Threads")->type_name("N");
  }

  void AddHistory() {
    auto versions = Add(app_.get(), kHistory, "versions", "List the versions of a file",
                        "versions [OPTIONS] [NS:]PATH", RunVersions);
    versions.Word("PATH", &versions.args.path, "The file; it may be deleted", true);
    versions.app->add_option("--forget", versions.args.forget, "Drop this older version for good")
        ->type_name("N");

    auto restore = Add(app_.get(), kHistory, "restore", "Make an older version the current one",
                       "restore [--version N] [NS:]PATH", RunRestore);
    restore.Word("PATH", &restore.args.path, "The file", true);
    restore.app
        ->add_option("--version", restore.args.version,
                     "Which (default: of a deleted file the last)")
        ->type_name("N");

    auto log = Add(app_.get(), kHistory, "log", "Show the changes, oldest first",
                   "log [OPTIONS] [[NS:]PREFIX]", RunLog);
    log.Word("PREFIX", &log.args.path, "Only paths that begin so", false);
    log.app->add_option("--after", log.args.after, "Only changes after this number")
        ->type_name("N");
    log.app->add_option("--limit", log.args.limit, "So many at most")->type_name("N");
    log.app->add_option("-n,--last", log.args.last, "Only the newest so many")->type_name("N");
    log.app->add_flag("-f,--follow", log.args.follow, "Then go on as 'watch' does");

    auto watch = Add(app_.get(), kHistory, "watch", "Show changes as they happen",
                     "watch [OPTIONS] [[NS:]PREFIX]", RunWatch);
    watch.Word("PREFIX", &watch.args.path, "Only paths that begin so", false);
    CLI::Option* after =
        watch.app->add_option("--after", watch.args.after, "Begin after this number (default: now)")
            ->type_name("N");
    watch.app->add_option("--limit", watch.args.limit, "Stop after so many")->type_name("N");
    after->each([&args = watch.args](const std::string&) { args.after_given = true; });
  }

  void AddStore() {
    auto init = Add(app_.get(), kStore, "init", "Make a new store",
                    "init [OPTIONS] [DIR] [KEY=VALUE...]", RunInit);
    init.Word("DIR", &init.args.directory, "A directory that is absent or empty", false);
    init.Paths("KEY=VALUE", &init.args.settings, "Settings of its namespace, see 'config'", 0);
    init.app->add_option("--region", init.args.region, "Name of this place (default \"local\")")
        ->type_name("NAME");

    auto verify = Add(app_.get(), kStore, "verify", "Read and check every byte", "verify [OPTIONS]",
                      RunVerify);
    verify.app->add_flag("--repair", verify.args.repair, "Rebuild the index where it disagrees");
    verify.app->add_option("--rate", verify.args.rate, "Bytes a second at most, like 64M")
        ->type_name("SIZE");

    auto compact = Add(app_.get(), kStore, "compact", "Give back the space of what is gone",
                       "compact [--full]", RunCompact);
    compact.app->add_flag("--full", compact.args.full, "Everywhere, not only where it pays");

    Add(app_.get(), kStore, "rebuild", "Rebuild the index from the journal", "rebuild", RunRebuild);
    Add(app_.get(), kStore, "doctor", "Look for trouble", "doctor", RunDoctor);

    auto config = Add(app_.get(), kStore, "config", "Show or change settings",
                      "config\n       jzse config NS [KEY=VALUE...]\n"
                      "       jzse config show [--origin] [--config FILE]",
                      RunConfig);
    config.Paths("NS", &config.args.words,
                 "A namespace (without: the store), and what to change; one that is called show is 'show:'", 0);
    auto show = Add(config.app, kStore, "show", "Show the settings that jzsed would run with here",
                    "config show [--origin] [--config FILE]", RunConfigShow);
    show.app->add_flag("--origin", show.args.origin, "Where each value is from");
    show.app->add_option("--config", show.args.file, "jzsed's configuration file")->type_name("FILE");

    auto bench = Add(app_.get(), kStore, "bench", "Measure the disk under a store of its own",
                     "bench [OPTIONS] [DIR]", RunBench);
    bench.Word("DIR", &bench.args.directory, "On which disk (default: here)", false);
    bench.app->add_option("--seconds", bench.args.seconds, "For each figure (default 1)")
        ->option_text("N")
        ->check(Seconds(0.01, 3600));
  }

  void AddNamespaces() {
    CLI::App* ns =
        app_->add_subcommand("ns", "List, create, change and drop namespaces")->group(kStore);
    ns->set_help_flag("--help", "This help");
    usages_->Set(ns, "ns VERB ...");
    ns->footer(kVerbFooter);
    ns->require_subcommand(1);
    ns->fallthrough();
    Add(ns, "Verbs", "list", "List them with their sizes", "ns list", RunNsList);
    const auto named = [&](const char* name, const char* help, const char* usage,
                           int (*run)(Context&, const NamespaceArgs&)) {
      auto verb = Add(ns, "Verbs", name, help, usage, run);
      verb.Word("NS", &verb.args.name, "The namespace", true);
      return verb;
    };
    auto create = named("create", "Make one", "ns create NS [KEY=VALUE...]", RunNsCreate);
    create.Paths("KEY=VALUE", &create.args.settings, "Settings, see 'config'", 0);
    auto set = named("set", "Change its settings", "ns set NS KEY=VALUE...", RunNsSet);
    set.Paths("KEY=VALUE", &set.args.settings, "Settings, see 'config'", 1);
    auto drop = named("drop", "Remove it with everything in it", "ns drop [--force] NS", RunNsDrop);
    drop.app->add_flag("--force", drop.args.force,
                       "Also when it holds files; there is no way back");
  }

  void AddCompletion() {
    CLI::App* app = app_.get();
    CLI::App* verb =
        app->add_subcommand("completion", "Print a completion script for a shell")->group(kStore);
    verb->set_help_flag("--help", "This help");
    verb->footer("Try it with: source <(jzse completion bash)");
    usages_->Set(verb, "completion bash|zsh|fish");
    const auto shell = std::make_shared<std::string>();
    verb->add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->option_text(" ")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    verb->callback([this_invocation = &invocation_, app, shell] {
      this_invocation->run = [script = CompletionScript(*app, *shell)](Context& context) {
        context.out.Line(script);
        return static_cast<int>(kExitOk);
      };
    });
    auto paths = Add(app, "", "__paths", "For completion scripts", "__paths WORD", RunPaths);
    paths.Word("WORD", &paths.args.word, "What was typed so far", false);
  }

  Invocation& invocation_;
  const std::shared_ptr<Usages> usages_ = std::make_shared<Usages>();
  std::unique_ptr<CLI::App> app_;
};

}  // namespace

std::unique_ptr<CLI::App> MakeCommandLine(Invocation* invocation) {
  return Builder(invocation).Build();
}

int ParseCommandLine(int argc, char** argv, Invocation* invocation) {
  const std::unique_ptr<CLI::App> app = MakeCommandLine(invocation);
  try {
    app->parse(argc, argv);
    const std::string problem = TakeUrls(invocation->places, &invocation->globals);
    if (problem.empty()) return kExitOk;
    invocation->run = nullptr;
    std::fputs(fmt::format("jzse: {}\n", EscapeName(problem)).c_str(), stderr);
    return kExitUsage;
  } catch (const CLI::Success& success) {  // --help, --version
    app->exit(success);
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    std::string verb, what = error.what();
    const CLI::App* at = app.get();
    while (!at->get_subcommands().empty()) {
      at = at->get_subcommands()[0];
      verb += " " + at->get_name();
    }
    if (!at->get_subcommands([](const CLI::App*) { return true; }).empty()) {  // the verb itself
      const std::vector<std::string> words = app->remaining(true);
      what = words.empty()        ? "a verb is missing"
             : words[0][0] == '-' ? fmt::format("'{}' is no option", words[0])
                                  : fmt::format("'{}' is no verb", words[0]);
    }
    const std::string text = fmt::format("jzse:{}{} {}\nTry 'jzse{} --help'.\n", verb,
                                         verb.empty() ? "" : ":", EscapeName(what), verb);
    std::fputs(text.c_str(), stderr);
    return kExitUsage;
  }
}

}  // namespace jzse::cli
