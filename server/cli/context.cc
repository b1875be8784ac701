// SPDX-License-Identifier: Apache-2.0
#include "context.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "interrupt.h"
#include "remote/remote.h"

namespace jzse::cli {
namespace {

void LogLine(void* context, int level, const char* line) {
  auto* out = static_cast<Output*>(context);
  if (level <= JZSE_LOG_WARNING) {
    out->Warn(line);
  } else if (out->verbose()) {
    out->Note(line);
  }
}

bool IsStore(const std::string& directory) {
  struct stat st {};
  return stat((directory + "/JZSE").c_str(), &st) == 0 && S_ISREG(st.st_mode);
}

// Where notes of unfinished uploads lie (remote/README.md, section 6); "" for nowhere.
std::string StateDirectory() {
  const auto env = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string state = env("XDG_STATE_HOME"), home = env("HOME");
  if (!state.empty() && state[0] == '/') return state + "/jzse";
  return home.empty() || home[0] != '/' ? "" : home + "/.local/state/jzse";
}

}  // namespace

Target Target::Child(std::string_view name) const {
  Target child = *this;
  child.path = tree ? JoinPath(path, name) : path + std::string(name);
  child.as_directory = false;
  return child;
}

std::string FindStoreAbove(const std::string& start) {
  std::error_code ec;
  for (auto dir = std::filesystem::absolute(start, ec); !ec; dir = dir.parent_path()) {
    if (IsStore(dir.string())) return dir.string();
    if (dir == dir.parent_path()) break;
  }
  return {};
}

int Context::Locate() {
  path_ = globals.store;
  remote_ = remote::IsUrl(path_);
  if (remote_) {
    std::string problem;
    const auto url = remote::ParseUrl(path_, &problem);
    if (url && !url->ns.empty()) problem = path_ + ": the store is http://HOST:PORT; namespaces and paths belong to the verb";
    if (!problem.empty()) return out.Fail(kExitUsage, problem);
    path_ = url->Base();
    return kExitOk;
  }
  if (path_.empty()) path_ = FindStoreAbove(".");
  if (!path_.empty()) return kExitOk;
  return out.Fail(kExitUsage,
                  "no store: name one with --store DIR or JZSE_STORE, or work inside of one "
                  "('jzse init DIR' makes one)");
}

int Context::TryOpen(Access access, jzse_error* error) {
  if (remote_) {
    std::string unused;
    remote::Options options;
    if (globals.wait_s >= 0) options.wait_s = globals.wait_s;
    options.interrupted = Interrupted;
    options.state_directory = StateDirectory();
    return remote::Connect(*remote::ParseUrl(path_, &unused), options, &store_, error);
  }
  jzse_options options = JZSE_OPTIONS_INIT;
  if (access == Access::kRead) {
    options.flags = JZSE_OPEN_READ_ONLY;
    options.background_off = 1;
  }
  if (access == Access::kRebuild) options.flags = JZSE_OPEN_REBUILD_INDEX;
  options.log = LogLine;
  options.log_context = &out;
  return access::OpenLocal(path_, options, &store_, error);
}

int Context::OpenHere(Access access, const char* verb) {
  if (const int code = Locate(); code != kExitOk) return code;
  if (remote_) {
    return out.Fail(kExitUnsupported, fmt::format("{}: is done where the store is, not over HTTP ({})", verb, path_));
  }
  return Open(access);
}

int Context::Open(Access access) {
  if (const int code = Locate(); code != kExitOk) return code;
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(globals.wait_s >= 0 ? globals.wait_s : 2);
  for (auto pause = std::chrono::milliseconds(5);;
       pause = std::min(2 * pause, decltype(pause)(20))) {  // many who wait must each get their turn
    Error error;
    const int code = TryOpen(access, &error.raw);
    if (code == JZSE_OK) return kExitOk;
    if (code != JZSE_LOCKED || Clock::now() >= end) return out.Fail(error.raw);
    if (Interrupted()) return InterruptExitCode();
    std::this_thread::sleep_for(pause);
  }
}

int Context::Close(int code) {
  // What ended because of a signal says so, whatever the call that noticed it made of it.
  if (remote_ && code != kExitOk && Interrupted()) code = InterruptExitCode();
  if (store_ == nullptr) return code;
  Error error;
  const int closed = store_->Close(&error.raw);
  store_.reset();
  if (closed == JZSE_OK) return code;
  const int failed = out.Fail(error.raw);
  return code == kExitOk ? failed : code;
}

uint32_t Context::JobCount(uint32_t asked) const {
  if (asked != 0) return std::min(asked, 64u);
  return remote_ ? 8 : std::clamp(std::thread::hardware_concurrency(), 2u, 8u);
}

int Context::Resolve(std::string_view text, Target* target) {
  const Address address = ParseAddress(text);
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  Error error;
  if (store_->GetNamespace(address.ns, &config, nullptr, &error.raw) != JZSE_OK) {
    const bool hint = !globals.by_url && address.ns_given && error.raw.code == JZSE_NOT_FOUND;
    return out.Fail(error.raw,
                    hint ? fmt::format("for a path with a colon write ':{}'", text) : "");
  }
  target->ns = address.ns;
  target->path = address.path;
  target->tree = config.kind == JZSE_NAMESPACE_TREE;
  target->as_directory = target->path.empty() || target->path.back() == '/';
  if (target->tree && !target->path.empty() && target->path.back() == '/') target->path.pop_back();
  return kExitOk;
}

int Context::Stat(const Target& target, jzse_file_info* info, jzse_error* error) const {
  *info = JZSE_FILE_INFO_INIT;
  if (target.root()) {  // no name of its own
    info->kind = JZSE_KIND_DIRECTORY;
    return JZSE_OK;
  }
  return store_->Stat(target.ns, target.path, 0, info, error);
}

}  // namespace jzse::cli
