// SPDX-License-Identifier: Apache-2.0
// The table of routes. tests/server compares it with openapi.json.
#ifndef JZSE_SERVER_JZSED_ROUTES_H_
#define JZSE_SERVER_JZSED_ROUTES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "serve/connection.h"

namespace jzse::jzsed {

struct Service;

// How a route takes the body.
enum class Body { kNone, kJson, kBatch, kOwn };

struct Route {
  http::Method method;
  std::string_view pattern;    // {name} is one segment; {path} and {asset} at the end are all that is left
  const char* operation;       // of openapi.json
  Body body;
  // On the pool, with the body collected; null for Body::kOwn.
  serve::Reply (*work)(Service&, serve::Request&);
  // On the loop, with the body still outside.
  void (*start)(Service&, serve::Connection&);
};

const std::vector<Route>& Routes();
std::string_view MethodName(http::Method method);

// ---- the handlers, by file
// files_read.cc
void GetFile(Service& service, serve::Connection& connection);
serve::Reply GetMetadata(Service& service, serve::Request& request);
// files_write.cc
void PutFile(Service& service, serve::Connection& connection);
void DeleteFile(Service& service, serve::Connection& connection);
serve::Reply SetMetadata(Service& service, serve::Request& request);
serve::Reply MakeDirectory(Service& service, serve::Request& request);
// moves.cc
serve::Reply CopyFile(Service& service, serve::Request& request);
serve::Reply MoveFile(Service& service, serve::Request& request);
serve::Reply RestoreVersion(Service& service, serve::Request& request);
serve::Reply Batch(Service& service, serve::Request& request);
// listing.cc
serve::Reply ListFiles(Service& service, serve::Request& request);
serve::Reply ListVersions(Service& service, serve::Request& request);
serve::Reply DeleteVersion(Service& service, serve::Request& request);
// namespaces.cc
serve::Reply ListNamespaces(Service& service, serve::Request& request);
serve::Reply GetNamespace(Service& service, serve::Request& request);
serve::Reply CreateNamespace(Service& service, serve::Request& request);
serve::Reply ConfigureNamespace(Service& service, serve::Request& request);
serve::Reply DropNamespace(Service& service, serve::Request& request);
// upkeep.cc
serve::Reply Stats(Service& service, serve::Request& request);
serve::Reply Verify(Service& service, serve::Request& request);
serve::Reply Compact(Service& service, serve::Request& request);
serve::Reply ListTasks(Service& service, serve::Request& request);
serve::Reply GetTask(Service& service, serve::Request& request);
serve::Reply CancelTask(Service& service, serve::Request& request);
serve::Reply MetricsText(Service& service, serve::Request& request);
// health.cc
void Livez(Service& service, serve::Connection& connection);
serve::Reply Readyz(Service& service, serve::Request& request);
void OpenApi(Service& service, serve::Connection& connection);
void ConsolePage(Service& service, serve::Connection& connection);
void ConsoleAsset(Service& service, serve::Connection& connection);
// changes.cc
serve::Reply Changes(Service& service, serve::Request& request);
// uploads.cc
void UploadOptions(Service& service, serve::Connection& connection);
void CreateUpload(Service& service, serve::Connection& connection);
serve::Reply HeadUpload(Service& service, serve::Request& request);
void PatchUpload(Service& service, serve::Connection& connection);
serve::Reply DeleteUpload(Service& service, serve::Request& request);

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_ROUTES_H_
