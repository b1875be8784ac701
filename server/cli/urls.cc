// SPDX-License-Identifier: Apache-2.0
#include "urls.h"

#include <fmt/format.h>

#include "remote/remote.h"
#include "text.h"

namespace jzse::cli {
namespace {

Places All(std::vector<std::string>* paths) {
  Places places;
  for (std::string& path : *paths) places.addresses.push_back(&path);
  return places;
}

Places One(std::string* path) { return {{path}, {}}; }

// One URL; *base is the server of those before it, or "".
std::string Take(std::string* text, bool is_address, std::string* base) {
  std::string problem;
  const auto url = remote::ParseUrl(*text, &problem);
  if (!url) return problem;
  if (!base->empty() && *base != url->Base()) return fmt::format("{}: is another store than {}; one command works on one", *text, *base);
  *base = url->Base();
  if (is_address ? url->ns.empty() : (url->ns.empty() || !url->path.empty()))
    return fmt::format("{}: must be like http://HOST:PORT/{}", *text, is_address ? "NAMESPACE/PATH" : "NAMESPACE");
  // Nothing else could tell the name from an address without a namespace.
  if (is_address && !IsNamespaceName(url->ns)) return fmt::format("{}: '{}' is no name of a namespace", *text, url->ns);
  *text = is_address ? FormatAddress(url->ns, url->path) : url->ns;
  if (is_address && url->path.empty()) *text = url->ns + ":";
  return "";
}

}  // namespace

template <>
Places PlacesOf(PutArgs* args) {
  return args->paths.empty() ? Places{} : One(&args->paths.back());
}
template <>
Places PlacesOf(GetArgs* args) {
  return One(&args->path);
}
template <>
Places PlacesOf(CatArgs* args) {
  return All(&args->paths);
}
template <>
Places PlacesOf(LsArgs* args) {
  return All(&args->paths);
}
template <>
Places PlacesOf(TreeArgs* args) {
  return One(&args->path);
}
template <>
Places PlacesOf(StatArgs* args) {
  return All(&args->paths);
}
template <>
Places PlacesOf(DuArgs* args) {
  return All(&args->paths);
}
template <>
Places PlacesOf(RmArgs* args) {
  return All(&args->paths);
}
template <>
Places PlacesOf(CopyArgs* args) {
  return All(&args->paths);
}
template <>
Places PlacesOf(MkdirArgs* args) {
  return All(&args->paths);
}
template <>
Places PlacesOf(ImportArgs* args) {
  return One(&args->destination);
}
template <>
Places PlacesOf(ExportArgs* args) {
  return One(&args->source);
}
template <>
Places PlacesOf(VersionsArgs* args) {
  return One(&args->path);
}
template <>
Places PlacesOf(RestoreArgs* args) {
  return One(&args->path);
}
template <>
Places PlacesOf(LogArgs* args) {
  return One(&args->path);
}
template <>
Places PlacesOf(ConfigArgs* args) {
  // A setting does not begin like a URL.
  return args->words.empty() ? Places{} : Places{{}, {&args->words[0]}};
}
template <>
Places PlacesOf(NamespaceArgs* args) {
  return {{}, {&args->name}};
}

std::string TakeUrls(const Places& places, Globals* globals) {
  std::string base;
  std::vector<bool> plain;
  for (const std::string* text : places.addresses) plain.push_back(!text->empty() && !remote::IsUrl(*text));
  for (const bool is_address : {true, false}) {
    for (std::string* text : is_address ? places.addresses : places.namespaces) {
      if (!remote::IsUrl(*text)) continue;
      if (std::string problem = Take(text, is_address, &base); !problem.empty()) return problem;
    }
  }
  if (base.empty()) return "";
  if (globals->store != base) {
    for (size_t i = 0; i < places.addresses.size(); ++i) {
      if (!plain[i]) continue;
      return fmt::format("{}: is no URL, but another argument is one; one command works on one store", *places.addresses[i]);
    }
  }
  globals->store = base;
  globals->by_url = true;
  return "";
}

}  // namespace jzse::cli
