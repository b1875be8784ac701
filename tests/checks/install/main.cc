// SPDX-License-Identifier: Apache-2.0
// The same from C++: opens the store that main.c made, reads its file and adds another, with jzse.hpp as it is installed
// and a C call beside it.
#include <jzse/jzse.h>
#include <jzse/jzse.hpp>

#include <cstdio>
#include <string>

namespace {

int Fail(const char* what, const jzse::Error& error) {
  std::fprintf(stderr, "%s: %s (%s)\n", what, error.message().c_str(), error.name());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto store = jzse::Store::Open(argv[1]);
  if (!store) return Fail("open", store.error());
  const jzse::Namespace files = (*store)["default"];
  const auto first = files.Get("letters/a.txt");
  if (!first) return Fail("get", first.error());
  if (first->str().c_str() != std::string("stored from C")) return 1;
  if (auto put = files.Put("letters/b.txt", "stored from C++"); !put) return Fail("put", put.error());
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  if (jzse_stat(store->get(), "default", "letters/b.txt", nullptr, &info, nullptr) != JZSE_OK) return 1;
  std::string second;
  if (auto got = files.GetInto("letters/b.txt", second); !got) return Fail("get", got.error());
  if (second.size() != info.size || second != "stored from C++") return 1;
  std::printf("%s\n", second.c_str());
  if (auto closed = store->Close(); !closed) return Fail("close", closed.error());
  return 0;
}
