// SPDX-License-Identifier: Apache-2.0
// jzsed: opens a store, serves it, stops when asked to.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "config/flags.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

constexpr uint32_t kQueueCapacity = 16384;

std::string DefaultData() {
  const char* const state = std::getenv("STATE_DIRECTORY");
  if (state != nullptr && state[0] != '\0') return std::string(state).substr(0, std::string(state).find(':'));
  if (geteuid() == 0) return "/var/lib/jzse";
  const char* const data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && data[0] == '/') return std::string(data) + "/jzse";
  const char* const home = std::getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.local/share/jzse";
}

// The directory and those above it.
bool MakeDirectories(const std::string& path) {
  for (size_t at = path.find('/', 1); ; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return false;
    if (at == std::string::npos) return true;
  }
}

void LogStore(void* context, int level, const char* line) {
  static_cast<config::Log*>(context)->Write(static_cast<config::LogLevel>(level), "store", config::LogFields().Add("message", line));
}

Result<Store> OpenStore(const config::Config& config, config::Log& log) {
  Options options(config.read_only ? JZSE_OPEN_READ_ONLY : JZSE_OPEN_CREATE);
  options.memory_limit = config.memory_limit;
  options.log = LogStore;
  options.log_context = &log;
  return Store::Open(config.store, options);
}

void Finished(Service& service, serve::Loop& loop, const serve::Finished& finished) {
  const auto* const route = static_cast<const Route*>(finished.request->route);
  const size_t index = route == nullptr ? Routes().size() : static_cast<size_t>(route - Routes().data());
  service.metrics.Count(loop.index(), index, finished);
  if (!service.config.log_requests || !service.log.Wants(config::LogLevel::kInfo)) return;
  const serve::Request& request = *finished.request;
  config::LogFields fields;
  fields.Add("request_id", request.id).Add("peer", request.peer);
  if (request.head.method != http::Method::kOther) fields.Add("method", request.head.method_text).Add("target", request.head.target);
  fields.Add("operation", route == nullptr ? "none" : route->operation);
  fields.Add("status", static_cast<uint64_t>(finished.status)).Add("bytes_in", finished.bytes_in);
  fields.Add("bytes_out", finished.bytes_out).Seconds("seconds", finished.micros);
  if (finished.reason[0] != '\0') fields.Add("reason", finished.reason);
  service.log.Write(config::LogLevel::kInfo, "request", fields);
}

int Complain(const std::string& problem) {
  std::fprintf(stderr, "jzsed: %s\n", problem.c_str());
  return 1;
}

void PrintRoutes() {
  for (const Route& route : Routes())
    std::printf("%s %s %s\n", std::string(MethodName(route.method)).c_str(), std::string(route.pattern).c_str(), route.operation);
}

std::string UrlOf(const config::Config& config, uint16_t port) {
  const bool six = config.address.find(':') != std::string::npos;
  return "http://" + (six ? "[" + config.address + "]" : config.address) + ":" + std::to_string(port) + "/";
}

// Waits for SIGTERM or SIGINT, then stops what was started.
void ServeUntilStopped(Service& service, serve::Server& server, const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  service.log.Write(config::LogLevel::kInfo, "stopping", config::LogFields().Add("signal", strsignal(signal)));
  service.stopping = true;
  server.Stop([&signals] {
    const timespec now{0, 0};
    return sigtimedwait(&signals, nullptr, &now) > 0;
  });
  service.watcher.Stop();
  service.tasks.Stop();
  service.uploads.reset();
  service.writes.clear();
}

int Serve(config::Config config, const sigset_t& signals) {
  if (config.store.empty()) {
    config.store = DefaultData() + "/store";
    if (!MakeDirectories(config.store)) return Complain(config.store + ": " + std::strerror(errno));
  }
  config::Log log(STDERR_FILENO, static_cast<config::LogLevel>(config.log_level));
  auto store = OpenStore(config, log);
  if (!store) return Complain(store.error().message());
  serve::Server server(config);
  std::string problem;
  const int fd = server.Bind(&problem);
  if (fd < 0) return Complain(problem);
  Service service(config, std::move(*store), server, log);
  service.uploads = std::make_unique<UploadStore>(service.store, log, config.upload_lifetime);
  for (const auto& loop : server.loops()) {
    auto queue = service.store.OpenQueue(kQueueCapacity);
    if (!queue) return Complain(queue.error().message());
    service.writes.push_back(std::make_unique<Writes>(std::move(*queue), *loop));
  }
  server.shared().begin = [&service](serve::Connection& connection) { Begin(service, connection); };
  server.shared().finished = [&service](serve::Loop& loop, const serve::Finished& finished) { Finished(service, loop, finished); };
  server.Listen(fd);
  server.Start();
  std::printf("jzsed: serving %s on %s\n", config.store.c_str(), UrlOf(config, server.port()).c_str());
  std::fflush(stdout);
  log.Write(config::LogLevel::kInfo, "serving", config::LogFields().Add("store", config.store).Add("url", UrlOf(config, server.port())));
  ServeUntilStopped(service, server, signals);
  const auto closed = service.store.Close();
  if (!closed) return Complain(closed.error().message());
  log.Write(config::LogLevel::kInfo, "stopped");
  return 0;
}

int Main(int argc, char** argv) {
  config::Config config;
  config::Asked asked;
  std::string problem;
  if (!config::ParseFlags(argc, argv, &config, &asked, &problem)) {
    Complain(problem);
    return 2;
  }
  if (asked == config::Asked::kHelp) return std::fputs(config::HelpText(), stdout) < 0;
  if (asked == config::Asked::kVersion) return std::printf("jzsed %s\n", jzse_version()) < 0;
  if (asked == config::Asked::kRoutes) return PrintRoutes(), 0;
  // Threads inherit the mask, so that only ServeUntilStopped sees the signals.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return Serve(std::move(config), signals);
}

}  // namespace
}  // namespace jzse::jzsed

int main(int argc, char** argv) { return jzse::jzsed::Main(argc, argv); }
