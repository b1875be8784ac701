// SPDX-License-Identifier: Apache-2.0
// A whole command line, words separated by newlines: parsed, or refused with the exit code of a usage error; nothing is run.
#include <CLI/CLI.hpp>
#include <vector>

#include "command_line.h"
#include "exit_codes.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jzse;
  // What it says goes to the null device; libFuzzer's and the replay's own words do not.
  static std::FILE* const real_errors = stderr;
  static std::FILE* const null_device = std::fopen("/dev/null", "w");
  std::vector<std::string> words{"jzse"};
  std::string text(fuzz::View(data, std::min<size_t>(size, 2048)));
  std::erase(text, '\0');  // no argument of a program can hold one
  for (size_t begin = 0; begin < text.size() && words.size() < 40;) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  cli::Invocation invocation;
  std::cout.setstate(std::ios::failbit);
  stderr = null_device;
  const int code = cli::ParseCommandLine(static_cast<int>(words.size()), arguments.data(), &invocation);
  stderr = real_errors;
  fuzz::Require(code == cli::kExitOk || code == cli::kExitUsage, "an exit code that a command line has not");
  if (code == cli::kExitUsage) fuzz::Require(!invocation.run, "refused, and yet ready to run");
  return 0;
}
