// SPDX-License-Identifier: Apache-2.0
// jzsed: opens a store, serves it, listens to signals: SIGTERM and SIGINT stop, SIGHUP reads the configuration again.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>

#include "config/config.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"
#include "systemd/notify.h"

namespace jzse::jzsed {
namespace {

constexpr uint32_t kQueueCapacity = 16384;

int Complain(const std::string& problem) {
  std::fprintf(stderr, "jzsed: %s\n", problem.c_str());
  return 1;
}

// The directory and those above it.
bool MakeDirectories(const std::string& path) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    if (mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST) return false;
    if (at == std::string::npos) return true;
  }
}

void LogStore(void* context, int level, const char* line) {
  static_cast<log::Log*>(context)->Write(static_cast<log::Level>(level), "store", {{"message", line}});
}

Result<Store> OpenStore(const config::Config& config, log::Log& log) {
  if (!config.read_only && !MakeDirectories(config.store)) return Error(JZSE_IO, config.store + ": " + std::strerror(errno));
  Options options(config.read_only ? JZSE_OPEN_READ_ONLY : JZSE_OPEN_CREATE);
  options.region = config.region.c_str();
  options.memory_limit = config.memory_limit;
  options.free_space_reserve = config.free_space_reserve == 0 ? UINT64_MAX : config.free_space_reserve;
  options.background_rate = config.background_rate;
  options.background_off = config.background ? 0 : 1;
  options.io_backend = config.io;
  options.log = LogStore;
  options.log_context = &log;
  return Store::Open(config.store, options);
}

void Finished(Service& service, serve::Loop& loop, const serve::Finished& finished) {
  const serve::Request& request = *finished.request;
  const auto* const route = static_cast<const Route*>(request.route);
  const size_t index = route == nullptr ? Routes().size() : static_cast<size_t>(route - Routes().data());
  service.metrics.Count(loop.index(), index, finished);
  if (!service.config().log_requests || !service.log.Enabled(log::Level::kInfo)) return;
  const bool known = request.head.method != http::Method::kOther;  // of a refused head nothing is told that it claims
  service.log.Write(log::Level::kInfo, "request",
                    {{"id", request.id},
                     {"peer", request.peer},
                     {"method", known ? request.head.method_text : ""},
                     {"target", known ? request.head.target : ""},
                     {"operation", route == nullptr ? "none" : route->operation},
                     {"status", finished.status},
                     {"bytes_in", finished.bytes_in},
                     {"bytes_out", finished.bytes_out},
                     {"ms", static_cast<double>(finished.micros) / 1000},
                     {"reason", finished.reason}});
}

std::string UrlOf(const config::Config& config, uint16_t port) {
  const bool six = config.address.find(':') != std::string::npos;
  return "http://" + (six ? "[" + config.address + "]" : config.address) + ":" + std::to_string(port) + "/";
}

// What the process was started with, and what has become of it.
struct Process {
  config::Inputs inputs;
  std::deque<config::Loaded> loaded;  // the last one holds; those before may still be in use
  sigset_t signals{};
  systemd::Notifier notifier;
};

void TellOf(const config::Loaded& loaded, log::Log& log) {
  for (const std::string& error : loaded.errors) log.Write(log::Level::kError, "configuration", {{"problem", error}});
  for (const std::string& warning : loaded.warnings) log.Write(log::Level::kWarning, "configuration", {{"problem", warning}});
  for (const std::string& key : loaded.unchanged)
    log.Write(log::Level::kWarning, "configuration", {{"setting", key}, {"problem", "changes with the next start"}});
}

void Reload(Process& process, Service& service) {
  process.notifier.Reloading();
  config::Loaded loaded = config::Reload(process.loaded.back(), process.inputs);
  TellOf(loaded, service.log);
  if (loaded.errors.empty()) {
    process.loaded.push_back(std::move(loaded));
    const config::Config& config = process.loaded.back().config;
    service.server.shared().Replace(config);
    service.log.SetLevel(static_cast<log::Level>(config.log_level));
    service.log.SetFormat(static_cast<log::Format>(config.log_format));
    service.log.Write(log::Level::kInfo, "reloaded", {{"file", process.loaded.back().file}});
  }
  process.notifier.Ready("serving");
}

int WaitForStop(Process& process, Service& service) {
  int signal = 0;
  while (sigwait(&process.signals, &signal) == 0 && signal == SIGHUP) Reload(process, service);
  return signal;
}

// What is under way is finished; then everything that was started ends, the store last.
int Stop(Process& process, Service& service, int signal) {
  process.notifier.Stopping("finishing what is under way");
  service.log.Write(log::Level::kInfo, "stopping", {{"signal", strsignal(signal)}});
  service.stopping = true;
  service.server.Stop([&process] {
    const timespec now{0, 0};
    return sigtimedwait(&process.signals, nullptr, &now) > 0;
  });
  service.watcher.Stop();
  service.tasks.Stop();
  service.uploads.reset();
  service.writes.clear();
  const auto closed = service.store.Close();
  service.log.Write(closed ? log::Level::kInfo : log::Level::kError, "stopped",
                    {{"error", closed ? "" : closed.error().message()}});
  return closed ? 0 : 1;
}

// False with a message: there is nothing to listen on.
bool Listen(const Process& process, serve::Server& server, std::string* problem) {
  const systemd::ListenSockets given = systemd::TakeListenSockets(process.inputs.environment, getpid());
  if (!given.error.empty()) return *problem = given.error, false;
  for (const systemd::ListenSocket& socket : given.sockets) server.Listen(socket.fd);
  if (!given.sockets.empty()) return true;
  const int fd = server.Bind(problem);
  if (fd >= 0) server.Listen(fd);
  return fd >= 0;
}

// The first loop says that it lives: a loop that hangs is a server that hangs.
void KeepWatchdog(Process& process, serve::Server& server) {
  const auto interval = process.notifier.watchdog_interval();
  if (!interval) return;
  server.shared().tick = [&process, next = int64_t{0}, every = interval->count()]() mutable {
    const int64_t now = serve::NowMicros();
    if (now < next) return;
    next = now + every;
    process.notifier.Watchdog();
  };
}

int Serve(Process& process) {
  const config::Config& config = process.loaded.back().config;
  log::Log::Options options;
  options.level = static_cast<log::Level>(config.log_level);
  options.format = static_cast<log::Format>(config.log_format);
  log::Log log(options);
  TellOf(process.loaded.back(), log);
  auto store = OpenStore(config, log);
  if (!store) return Complain(store.error().message());
  serve::Server server(config);
  std::string problem;
  if (!Listen(process, server, &problem)) return Complain(problem);
  Service service(std::move(*store), server, log);
  service.uploads = std::make_unique<UploadStore>(service.store, log, config.upload_lifetime);
  for (const auto& loop : server.loops()) {
    auto queue = service.store.OpenQueue(kQueueCapacity);
    if (!queue) return Complain(queue.error().message());
    service.hot.push_back(std::make_unique<HotFiles>());
    service.writes.push_back(std::make_unique<Writes>(std::move(*queue), *loop));
  }
  server.shared().begin = [&service](serve::Connection& connection) { Begin(service, connection); };
  server.shared().finished = [&service](serve::Loop& loop, const serve::Finished& finished) { Finished(service, loop, finished); };
  KeepWatchdog(process, server);
  server.Start();
  const std::string url = UrlOf(config, server.port());
  std::printf("jzsed: serving %s on %s\n", config.store.c_str(), url.c_str());
  std::fflush(stdout);
  log.Write(log::Level::kInfo, "serving", {{"store", config.store}, {"url", url}});
  process.notifier.Ready("serving " + config.store + " on " + url);
  return Stop(process, service, WaitForStop(process, service));
}

int Main(int argc, char** argv) {
  config::Inputs inputs = config::ProcessInputs(argc, argv);
  config::Loaded loaded = config::Load(inputs);
  if (const auto code = config::Answer(loaded, jzse_version())) return *code;
  systemd::Environment environment = inputs.environment;
  Process process{std::move(inputs), {}, {}, systemd::Notifier(environment, getpid())};
  process.loaded.push_back(std::move(loaded));
  // Threads inherit the mask, so that only WaitForStop sees these.
  sigemptyset(&process.signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&process.signals, number);
  pthread_sigmask(SIG_BLOCK, &process.signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return Serve(process);
}

}  // namespace
}  // namespace jzse::jzsed

int main(int argc, char** argv) { return jzse::jzsed::Main(argc, argv); }
