// SPDX-License-Identifier: Apache-2.0
// What every verb gets: the global options, the output, and the store once it asked for it.
//
// Verbs return exit codes. Whoever finds the failure says it (Output::Fail) and returns its code;
// callers pass a code other than kExitOk on without another word. Threads: Open, Close and Resolve
// belong to the main thread; store() may be used by all.
#ifndef JZSE_CLI_CONTEXT_H_
#define JZSE_CLI_CONTEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "access/access.h"
#include "api.h"
#include "exit_codes.h"
#include "output.h"
#include "text.h"

namespace jzse::cli {

struct Globals {
  std::string store;  // --store, or else JZSE_STORE, or the server that a URL names; "" to look for one upwards from here
  bool by_url = false;  // arguments were URLs
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
  double wait_s = -1;  // for a store that is open elsewhere, or a server; -1: 2 or 10
};

// A file argument after its namespace has been looked up.
struct Target {
  std::string ns;
  std::string path;  // "" is the namespace's root; no trailing slash in trees
  bool tree = true;
  bool as_directory = false;  // written with a trailing slash, or the root

  bool root() const { return path.empty(); }
  std::string Text() const { return root() ? ns + ":" : FormatAddress(ns, path); }
  // The prefix of everything below it. In a `keys` namespace any text is a prefix.
  std::string Prefix() const { return tree && !root() ? path + "/" : path; }
  // Of the file `name` when the target is a directory.
  Target Child(std::string_view name) const;
};

class Context {
 public:
  Context(const Globals& globals, Output* output) : globals(globals), out(*output) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  enum class Access { kRead, kWrite, kRebuild };
  // Finds and opens the store, waiting a little for one that is open elsewhere.
  int Open(Access access);
  // One attempt without a word: for those who look at the error themselves. A JZSE_* code.
  int TryOpen(Access access, jzse_error* error);
  // Finds the store's directory, or knows its server; sets path() and remote().
  int Locate();
  // Open for what only exists where the store is: refused for a server.
  int OpenHere(Access access, const char* verb);
  // Says what went wrong on the way; `code` is what the verb has to return otherwise.
  int Close(int code);

  int Resolve(std::string_view text, Target* target);
  // JZSE_OK with the info, JZSE_NOT_FOUND, or another code with *error filled.
  int Stat(const Target& target, jzse_file_info* info, jzse_error* error) const;

  access::Store* store() const { return store_.get(); }
  const std::string& path() const { return path_; }  // or the server's URL
  bool remote() const { return remote_; }
  // Workers of import and export.
  uint32_t JobCount(uint32_t asked) const;

  const Globals globals;
  Output& out;

 private:
  std::unique_ptr<access::Store> store_;
  std::string path_;
  bool remote_ = false;
};

// The store that `start` lies in: the nearest directory upwards which is one; "" if none is.
std::string FindStoreAbove(const std::string& start);

}  // namespace jzse::cli

#endif  // JZSE_CLI_CONTEXT_H_
