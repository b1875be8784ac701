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
#include "jzsed/hot.h"
#include "jzsed/metrics.h"
#include "jzsed/tasks.h"
#include "jzsed/upload_store.h"
#include "jzsed/watcher.h"
#include "jzsed/writes.h"
#include "log/log.h"
#include "serve/server.h"

namespace jzse::jzsed {

// The namespace that holds uploads under way. Neither routes nor the feed show it.
inline constexpr char kUploadsNamespace[] = "jzsed.uploads";

struct Service {
  Service(Store opened, serve::Server& s, log::Log& l)
      : store(std::move(opened)), server(s), log(l), metrics(s.loops().size()), tasks(store.get(), log),
        watcher(store.get(), s) {}

  const config::Config& config() const { return server.shared().config(); }

  Store store;
  serve::Server& server;
  log::Log& log;
  Metrics metrics;
  Tasks tasks;
  Watcher watcher;
  std::unique_ptr<UploadStore> uploads;         // set once the store is open
  std::vector<std::unique_ptr<Writes>> writes;  // one for each loop
  std::vector<std::unique_ptr<HotFiles>> hot;   // likewise
  std::atomic<bool> stopping{false};
  int64_t started_us = serve::NowMicros();
};

// Hands a request to its route; what serve::Shared::begin calls.
void Begin(Service& service, serve::Connection& connection);

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_SERVICE_H_
