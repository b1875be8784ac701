// SPDX-License-Identifier: Apache-2.0
// URLs among the arguments of a verb (remote/README.md, section 2).
// Threads: pure.
#ifndef JZSE_CLI_URLS_H_
#define JZSE_CLI_URLS_H_

#include <string>
#include <vector>

#include "verbs.h"

namespace jzse::cli {

// The arguments of a verb that name something in a store.
struct Places {
  std::vector<std::string*> addresses;   // [NS:]PATH
  std::vector<std::string*> namespaces;  // NS
};

template <class Args>
Places PlacesOf(Args*) {
  return {};
}
template <>
Places PlacesOf(PutArgs* args);
template <>
Places PlacesOf(GetArgs* args);
template <>
Places PlacesOf(CatArgs* args);
template <>
Places PlacesOf(LsArgs* args);
template <>
Places PlacesOf(TreeArgs* args);
template <>
Places PlacesOf(StatArgs* args);
template <>
Places PlacesOf(DuArgs* args);
template <>
Places PlacesOf(RmArgs* args);
template <>
Places PlacesOf(CopyArgs* args);
template <>
Places PlacesOf(MkdirArgs* args);
template <>
Places PlacesOf(ImportArgs* args);
template <>
Places PlacesOf(ExportArgs* args);
template <>
Places PlacesOf(VersionsArgs* args);
template <>
Places PlacesOf(RestoreArgs* args);
template <>
Places PlacesOf(LogArgs* args);
template <>
Places PlacesOf(ConfigArgs* args);
template <>
Places PlacesOf(NamespaceArgs* args);

// Turns the URLs in `places` into what a verb reads, and makes the store the server that they name. What is wrong with them, or "".
std::string TakeUrls(const Places& places, Globals* globals);

}  // namespace jzse::cli

#endif  // JZSE_CLI_URLS_H_
