// SPDX-License-Identifier: Apache-2.0
// What every handler can reach: the store and what was built around it.
#ifndef JZSE_SERVER_JZSED_SERVICE_H_
#define JZSE_SERVER_JZSED_SERVICE_H_

#include <jzse/jzse.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/log.h"
#include "jzsed/metrics.h"
#include "jzsed/tasks.h"
#include "jzsed/upload_store.h"
#include "jzsed/watcher.h"
#include "jzsed/writes.h"
#include "serve/server.h"

namespace jzse::jzsed {

// The namespace that holds uploads under way. Neither routes nor the feed show it.
inline constexpr char kUploadsNamespace[] = "jzsed.uploads";

struct Service {
  Service(const config::Config& c, Store opened, serve::Server& s, config::Log& l)
      : config(c), store(std::move(opened)), server(s), log(l), metrics(s.loops().size()), tasks(store.get(), log),
        watcher(store.get(), s) {}

  const config::Config& config;
  Store store;
  serve::Server& server;
  config::Log& log;
  Metrics metrics;
  Tasks tasks;
  Watcher watcher;
  std::unique_ptr<UploadStore> uploads;         // set once the store is open
  std::vector<std::unique_ptr<Writes>> writes;  // one for each loop
  std::atomic<bool> stopping{false};
};

// Hands a request to its route; what serve::Shared::begin calls.
void Begin(Service& service, serve::Connection& connection);

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_SERVICE_H_
