// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: every file that is named, or in a folder that is named, then seeded mutations of
// them. So the ordinary suites, with any compiler, keep what fuzzing found and look around it.
//   fuzz_TARGET [-m MUTATIONS] FILE|FOLDER...
//   JZSE_FUZZ_BUDGET  a factor on the number of mutations (0: the files only)
// A finding ends the process; before that the input is written to finding-TARGET and the line that replays it printed.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include "fuzz.h"

// Of the sanitizers, where they are linked in: they end the process without a signal.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using jzse::base::Prng;

constexpr size_t kSizeMax = 1 << 16;
constexpr size_t kRunning = SIZE_MAX;

// For the handler, which may do little: where the input is, and the command line to print.
const char* current_data = nullptr;
size_t current_size = kRunning;
char finding_name[256], finding_line[1024];

void WriteFinding() {
  if (current_size == kRunning) return;
  const int fd = open(finding_name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  ssize_t written = fd < 0 ? 0 : write(fd, current_data, current_size);
  written = write(STDERR_FILENO, finding_line, std::strlen(finding_line));
  (void)written;
  current_size = kRunning;
}

void OnSignal(int signal_number) {
  WriteFinding();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void CatchFindings(const char* program) {
  const char* const slash = std::strrchr(program, '/');
  std::snprintf(finding_name, sizeof finding_name, "finding-%s", slash == nullptr ? program : slash + 1);
  std::snprintf(finding_line, sizeof finding_line, "replay: %s -m 0 %s\n", program, finding_name);
  const bool sanitized = __sanitizer_set_death_callback != nullptr;
  if (sanitized) __sanitizer_set_death_callback(WriteFinding);
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    if (!sanitized || number == SIGABRT) signal(number, OnSignal);
}

void Run(const std::string& input) {
  // In memory of exactly its size, so that a sanitizer sees a read behind it.
  std::vector<uint8_t> bytes(input.begin(), input.end());
  bytes.shrink_to_fit();
  current_data = reinterpret_cast<const char*>(bytes.data());
  current_size = bytes.size();
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  current_size = kRunning;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

// By name, so that the mutations are the same everywhere.
void Collect(const std::string& path, std::map<std::string, std::string>* inputs) {
  DIR* const folder = opendir(path.c_str());
  if (folder == nullptr) {
    (*inputs)[path] = ReadFile(path);
    return;
  }
  while (const dirent* const entry = readdir(folder))
    if (entry->d_name[0] != '.') Collect(path + "/" + entry->d_name, inputs);
  closedir(folder);
}

void MutateOnce(Prng& prng, const std::string& other, std::string* bytes) {
  static constexpr uint64_t kNumbers[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, UINT64_MAX};
  const size_t at = prng.Below(bytes->size() + 1);
  const size_t some = 1 + prng.Below(prng.OneIn(4) ? 64 : 4);
  switch (prng.Below(7)) {
    case 0: if (at < bytes->size()) (*bytes)[at] = static_cast<char>((*bytes)[at] ^ (1 << prng.Below(8))); break;
    case 1: if (at < bytes->size()) (*bytes)[at] = static_cast<char>(prng.Next()); break;
    case 2: bytes->erase(at, some); break;
    case 3: bytes->insert(at, prng.Bytes(some)); break;
    case 4: bytes->insert(at, bytes->substr(prng.Below(bytes->size() + 1), some)); break;
    case 5: {
      const uint64_t number = kNumbers[prng.Below(std::size(kNumbers))];
      const size_t size = std::min<size_t>(size_t{1} << prng.Below(4), bytes->size() - at);
      std::memcpy(bytes->data() + at, &number, size);
      break;
    }
    case 6: bytes->replace(at, std::string::npos, other.substr(prng.Below(other.size() + 1))); break;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CatchFindings(argv[0]);
  std::map<std::string, std::string> inputs;
  double mutations = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "-m") == 0 && i + 1 < argc) {
      mutations = std::strtod(argv[++i], nullptr);
    } else {
      Collect(argv[i], &inputs);
    }
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "usage: %s [-m MUTATIONS] FILE|FOLDER...\n", argv[0]);
    return 2;
  }
  Run("");
  for (const auto& [path, input] : inputs) Run(input);

  const char* const budget = std::getenv("JZSE_FUZZ_BUDGET");
  const auto count = static_cast<uint64_t>(mutations * (budget == nullptr ? 1 : std::strtod(budget, nullptr)));
  std::vector<const std::string*> seeds;
  for (const auto& [path, input] : inputs) seeds.push_back(&input);
  for (uint64_t i = 0; i < count; ++i) {
    Prng prng(i + 1);
    std::string input = *seeds[prng.Below(seeds.size())];
    const std::string& other = *seeds[prng.Below(seeds.size())];
    for (size_t times = 1 + prng.Below(4); times > 0; --times) MutateOnce(prng, other, &input);
    if (input.size() > kSizeMax) input.resize(kSizeMax);
    Run(input);
  }
  std::printf("%zu inputs and %llu mutations of them\n", inputs.size(), static_cast<unsigned long long>(count));
  return 0;
}
