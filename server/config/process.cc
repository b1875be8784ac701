// SPDX-License-Identifier: Apache-2.0
// The one file of config that touches the process: arguments, environment, files, standard output.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "config/config.h"
#include "config/file.h"

extern char** environ;  // POSIX gives it no header

namespace jzse::config {
namespace {

FileText ReadFile(const std::string& path) {
  FileText file;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not hold the start up
  if (fd < 0) {
    file.absent = errno == ENOENT;
    file.error = std::strerror(errno);
    return file;
  }
  struct stat status {};
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) file.error = "is a directory";
  std::array<char, 65536> block;
  while (file.error.empty() && file.text.size() <= kFileSizeMax) {
    const ssize_t got = read(fd, block.data(), block.size());
    if (got < 0) file.error = std::strerror(errno);
    if (got <= 0) break;
    file.text.append(block.data(), static_cast<size_t>(got));
  }
  close(fd);
  return file;
}

}  // namespace

Inputs ProcessInputs(int argc, char** argv) {
  Inputs inputs;
  for (int i = 1; i < argc; ++i) inputs.arguments.emplace_back(argv[i]);
  for (char** variable = environ; *variable != nullptr; ++variable) inputs.environment.emplace_back(*variable);
  inputs.root = geteuid() == 0;
  inputs.read = ReadFile;
  return inputs;
}

std::optional<int> Answer(const Loaded& loaded, std::string_view version) {
  const auto say = [](const std::string& text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
  };
  if (loaded.action == Action::kHelp) return say(HelpText());
  if (loaded.action == Action::kVersion) return say("jzsed " + std::string(version) + "\n");
  if (loaded.action == Action::kExample) return say(ExampleText());
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "jzsed: %s\n", error.c_str());
  if (!loaded.errors.empty()) {
    if (loaded.usage) std::fprintf(stderr, "jzsed: see jzsed --help\n");
    return 2;
  }
  if (loaded.action == Action::kRun) return std::nullopt;
  for (const std::string& warning : loaded.warnings) std::fprintf(stderr, "jzsed: warning: %s\n", warning.c_str());
  if (loaded.action == Action::kShow) return say(ShowText(loaded, true));
  return say(loaded.file.empty() ? std::string("the configuration is right (no file)\n")
                                 : loaded.file + ": the configuration is right\n");
}

}  // namespace jzse::config
