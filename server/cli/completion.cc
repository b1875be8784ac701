// SPDX-License-Identifier: Apache-2.0
// Completion scripts, made from the command line's own description so that they never lag behind
// it. Paths in the store are asked from the program itself (the hidden verb __paths).
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "command_line.h"
#include "text.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

struct OptionWord {
  std::string word, help;
  bool takes_value = false;
};
struct VerbWord {
  std::string name, help;  // "ns create" for a verb of a verb
  std::vector<OptionWord> options;
};

std::vector<OptionWord> OptionsOf(const CLI::App& app) {
  std::vector<OptionWord> words;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    const bool takes_value = option->get_items_expected_max() > 0;
    for (const std::string& name : option->get_snames()) {
      words.push_back({"-" + name, option->get_description(), takes_value});
    }
    for (const std::string& name : option->get_lnames()) {
      words.push_back({"--" + name, option->get_description(), takes_value});
    }
  }
  return words;
}

std::vector<VerbWord> VerbsOf(const CLI::App& app, const std::string& prefix = "") {
  std::vector<VerbWord> verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_group().empty()) continue;  // hidden
    verbs.push_back({prefix + verb->get_name(), verb->get_description(), OptionsOf(*verb)});
    for (VerbWord& inner : VerbsOf(*verb, verb->get_name() + " "))
      verbs.push_back(std::move(inner));
  }
  return verbs;
}

// Verbs whose arguments are names of real files, of the store, or of both.
std::string_view WantsOf(std::string_view verb) {
  for (const std::string_view both : {"put", "get", "import", "export"}) {
    if (verb == both) return "both";
  }
  for (const std::string_view store : {"cat", "ls", "tree", "stat", "du", "rm", "cp", "mv", "mkdir",
                                       "versions", "restore", "log", "watch"}) {
    if (verb == store) return "store";
  }
  return verb == "init" || verb == "bench" ? "files" : "none";
}

std::string Joined(const std::vector<OptionWord>& options) {
  std::string text;
  for (const OptionWord& option : options) text += (text.empty() ? "" : " ") + option.word;
  return text;
}

std::string Quoted(std::string text) {
  for (size_t i = 0; (i = text.find('\'', i)) != std::string::npos; i += 4)
    text.replace(i, 1, "'\\''");
  return "'" + text + "'";
}

std::string Bash(const CLI::App& app, const std::vector<VerbWord>& verbs) {
  std::string names, cases, inner;
  for (const VerbWord& verb : verbs) {
    const size_t space = verb.name.find(' ');
    if (space == std::string::npos) {
      names += (names.empty() ? "" : " ") + verb.name;
    } else {
      inner += (inner.empty() ? "" : " ") + verb.name.substr(space + 1);
    }
    cases += fmt::format("    {}) options=\"{}\" wants={} ;;\n", Quoted(verb.name),
                         Joined(verb.options), WantsOf(verb.name));
  }
  return fmt::format(R"(# bash completion for jzse; made by 'jzse completion bash'
_jzse() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} verb="" word options="" wants=none i global="{0}"
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case $word in
      -s|--store|--wait) ((i++)) ;;
      -*) ;;
      *) if [[ -z $verb ]]; then verb=$word; elif [[ $verb == ns ]]; then verb="ns $word"; fi ;;
    esac
  done
  case ${{COMP_WORDS[COMP_CWORD-1]}} in
    -s|--store) COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames; return ;;
  esac
  case $verb in
    '') COMPREPLY=($(compgen -W "{1} $global" -- "$cur")); return ;;
    ns) COMPREPLY=($(compgen -W "{2} $global" -- "$cur")); return ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")); return ;;
{3}  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options $global" -- "$cur"))
    return
  fi
  compopt -o filenames
  if [[ $wants == store || $wants == both ]]; then
    mapfile -t COMPREPLY < <(jzse --quiet --wait 0 __paths "$cur" 2>/dev/null)
    [[ ${{#COMPREPLY[@]}} == 1 && ${{COMPREPLY[0]}} == */ ]] && compopt -o nospace
  fi
  if [[ $wants == files || $wants == both ]]; then
    local IFS=$'\n'
    COMPREPLY+=($(compgen -f -- "$cur"))
  fi
}}
complete -F _jzse jzse)",
                     Joined(OptionsOf(app)), names, inner, cases);
}

// zsh gives the text between brackets and colons a meaning.
std::string ZshHelp(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':') out += '\\';
    out += c;
  }
  return out;
}

std::string ZshOptions(const std::vector<OptionWord>& options) {
  std::string text;
  for (const OptionWord& option : options) {
    const std::string value = !option.takes_value ? ""
                              : option.word == "--store" || option.word == "-s"
                                  ? ":directory:_files -/"
                                  : ": :";
    text += " " + Quoted(fmt::format("{}[{}]{}", option.word, ZshHelp(option.help), value));
  }
  return text;
}

std::string Zsh(const CLI::App& app, const std::vector<VerbWord>& verbs) {
  std::string names, inner, cases;
  for (const VerbWord& verb : verbs) {
    const size_t space = verb.name.find(' ');
    const std::string word = Quoted(verb.name.substr(space == std::string::npos ? 0 : space + 1) +
                                    ":" + ZshHelp(verb.help));
    (space == std::string::npos ? names : inner) += "    " + word + "\n";
    const std::string_view wants = WantsOf(verb.name);
    const std::string rest = verb.name == "completion" ? " '*:shell:(bash zsh fish)'"
                             : wants == "none"         ? ""
                                                       : fmt::format(" '*:path:_jzse_{}'", wants);
    if (verb.name == "ns") continue;
    cases += fmt::format("    {}) _arguments -s{}{} ;;\n", Quoted(verb.name),
                         ZshOptions(verb.options), rest);
  }
  return fmt::format(R"(#compdef jzse
# zsh completion for jzse; made by 'jzse completion zsh'
_jzse_store() {{
  local -a found
  found=("${{(@f)$(jzse --quiet --wait 0 __paths "${{(Q)PREFIX}}" 2>/dev/null)}}")
  compadd -Q -S '' -- "${{(@q)found}}"
}}
_jzse_files() {{ _files }}
_jzse_both() {{ _jzse_store; _files }}
_jzse() {{
  local curcontext="$curcontext" state line verb
  local -a verbs inner
  verbs=(
{0}  )
  inner=(
{1}  )
  _arguments -C{2} '1: :->verb' '*:: :->rest'
  case $state in
    verb) _describe verb verbs; return ;;
  esac
  verb=$words[1]
  if [[ $verb == ns ]]; then
    if ((CURRENT == 2)); then _describe verb inner; return; fi
    verb="ns $words[2]"
  fi
  case $verb in
{3}  esac
}}
_jzse "$@")",
                     names, inner, ZshOptions(OptionsOf(app)), cases);
}

std::string FishOption(const OptionWord& option) {
  const bool longer = option.word.compare(0, 2, "--") == 0;
  return fmt::format(" -{} {}{} -d {}", longer ? "l" : "s", option.word.substr(longer ? 2 : 1),
                     option.takes_value ? " -r" : "", Quoted(option.help));
}

std::string Fish(const CLI::App& app, const std::vector<VerbWord>& verbs) {
  std::string text =
      "# fish completion for jzse; made by 'jzse completion fish'\n"
      "function __jzse_paths; jzse --quiet --wait 0 __paths (commandline -ct) 2>/dev/null; end\n"
      "complete -c jzse -f\n";
  for (const OptionWord& option : OptionsOf(app))
    text += "complete -c jzse" + FishOption(option) + "\n";
  for (const VerbWord& verb : verbs) {
    const size_t space = verb.name.find(' ');
    const std::string name = verb.name.substr(space == std::string::npos ? 0 : space + 1);
    const std::string where =
        space == std::string::npos ? "__fish_use_subcommand" : "__fish_seen_subcommand_from ns";
    text +=
        fmt::format("complete -c jzse -n {} -a {} -d {}\n", Quoted(where), name, Quoted(verb.help));
    const std::string seen = Quoted("__fish_seen_subcommand_from " + name);
    for (const OptionWord& option : verb.options) {
      text += fmt::format("complete -c jzse -n {}{}\n", seen, FishOption(option));
    }
    const std::string_view wants = WantsOf(verb.name);
    if (wants == "store" || wants == "both")
      text += fmt::format("complete -c jzse -n {} -a '(__jzse_paths)'\n", seen);
    if (wants == "files" || wants == "both")
      text += fmt::format("complete -c jzse -n {} -F\n", seen);
  }
  return text + "complete -c jzse -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'";
}

}  // namespace

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  const std::vector<VerbWord> verbs = VerbsOf(app);
  if (shell == "zsh") return Zsh(app, verbs);
  if (shell == "fish") return Fish(app, verbs);
  return Bash(app, verbs);
}

int RunPaths(Context& context, const PathsArgs& args) {
  Error error;
  if (!context.globals.store.empty() || !FindStoreAbove(".").empty()) {
    if (context.Locate() != kExitOk) return kExitOk;
  }
  if (context.path().empty() || context.TryOpen(Context::Access::kRead, &error.raw) != JZSE_OK)
    return kExitOk;
  const Address address = ParseAddress(args.word);
  const std::string lead = args.word.substr(0, args.word.size() - address.path.size());
  access::ListOptions options;
  options.prefix = address.path;
  options.delimiter = "/";
  options.limit = 1000;
  ListEntries(
      context.store(), address.ns, options,
      [&](const jzse_list_entry& entry) {
        std::string word = lead + entry.path;
        if (entry.info.kind == JZSE_KIND_DIRECTORY && word.back() != '/') word += '/';
        context.out.Line(word);
        return true;
      },
      &error.raw);
  return kExitOk;
}

}  // namespace jzse::cli
