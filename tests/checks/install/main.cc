// SPDX-License-Identifier: Apache-2.0
// The same from C++: opens the store that main.c made, reads its file and adds another. jzse.hpp must be installed
// and usable beside the C calls.
#include <jzse/jzse.h>
#include <jzse/jzse.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace {

struct Close {
  void operator()(jzse_store* store) const { jzse_store_close(store, nullptr); }
};

bool Read(jzse_store* store, const char* path, std::string* content) {
  void* data = nullptr;
  size_t size = 0;
  if (jzse_get(store, "default", path, nullptr, &data, &size, nullptr, nullptr) != JZSE_OK) return false;
  content->assign(static_cast<const char*>(data), size);
  jzse_free(data);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  jzse_store* opened = nullptr;
  jzse_error error = JZSE_ERROR_INIT;
  if (jzse_store_open(argv[1], nullptr, &opened, &error) != JZSE_OK) {
    std::fprintf(stderr, "open: %s\n", error.message);
    return 1;
  }
  const std::unique_ptr<jzse_store, Close> store(opened);
  std::string first, second;
  const std::string text = "stored from C++";
  if (!Read(store.get(), "letters/a.txt", &first) || first.c_str() != std::string("stored from C")) return 1;
  if (jzse_put(store.get(), "default", "letters/b.txt", text.data(), text.size(), nullptr, nullptr, &error)) return 1;
  if (!Read(store.get(), "letters/b.txt", &second) || second != text) return 1;
  std::printf("%s\n", second.c_str());
  return 0;
}
