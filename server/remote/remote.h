// SPDX-License-Identifier: Apache-2.0
// A store behind a jzsed, and the URLs that name it; README.md is the design. The door of this folder.
// Threads: IsUrl and ParseUrl are pure; see access.h for a store's.
#ifndef JZSE_REMOTE_REMOTE_H_
#define JZSE_REMOTE_REMOTE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/access.h"

namespace jzse::remote {

struct Url {
  std::string host;  // a name, or an address without brackets
  std::string port;
  std::string ns;    // "": none given
  std::string path;  // decoded; without the slash before it

  std::string Base() const;  // "http://HOST:PORT"
};

bool IsUrl(std::string_view text);
// Nothing for what is no http URL of ours; *problem says why.
std::optional<Url> ParseUrl(std::string_view text, std::string* problem);
// The text that ParseUrl reads back as this file.
std::string FormatUrl(const Url& server, std::string_view ns, std::string_view path);

struct Options {
  double wait_s = 10;                 // README.md, section 5
  std::function<bool()> interrupted;  // looked at ten times a second while something waits
  std::string state_directory;        // for section 6; "": nothing is remembered
};

// Makes no connection yet. An error only where this build cannot: JZSE_UNSUPPORTED.
int Connect(const Url& url, Options options, std::unique_ptr<access::Store>* store, jzse_error* error);

}  // namespace jzse::remote

#endif  // JZSE_REMOTE_REMOTE_H_
