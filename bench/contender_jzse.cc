// SPDX-License-Identifier: Apache-2.0
// JzSE through jzse.h with default options: a namespace of keys for flat works, a tree for the
// others.
//   jzse        jzse_get: memory of its own for every value, as most callers will use it
//   jzse-range  jzse_get_range into a buffer that the caller reuses, the nearest to what LevelDB's
//               Get does
#include "contender.h"
#include "jzse_store.h"

namespace bench {
namespace {

class Jzse : public Contender {
 public:
  Jzse(const Options& options, bool ranged)
      : store_(options.dir, options.shape, {options.create, options.memory_limit}),
        ranged_(ranged) {}

  void Put(const std::string& key, std::string_view value) override {
    jzse_error error = JZSE_ERROR_INIT;
    const int code = jzse_put(store_.get(), store_.ns(), key.c_str(), value.data(), value.size(),
                              nullptr, nullptr, &error);
    CheckJzse(code, error);
  }

  void PutMany(const Objects& objects, uint64_t first, uint64_t count) override {
    store_.PutInGroups(objects, first, first + count);
  }

  void Load(const Objects& objects, uint64_t first, uint64_t end) override {
    store_.PutInGroups(objects, first, end);
  }

  void Get(const std::string& key, Value* value) override {
    jzse_error error = JZSE_ERROR_INIT;
    size_t size = 0;
    if (ranged_) {
      std::string& buffer = value->storage;
      buffer.resize(kRangeSize);
      const int code = jzse_get_range(store_.get(), store_.ns(), key.c_str(), nullptr, 0,
                                      buffer.data(), buffer.size(), &size, &error);
      CheckJzse(code, error);
      value->bytes = std::string_view(buffer.data(), size);
      return;
    }
    void* data = nullptr;
    const int code = jzse_get(store_.get(), store_.ns(), key.c_str(), nullptr, &data, &size,
                              nullptr, &error);
    CheckJzse(code, error);
    value->allocated = {data, jzse_free};
    value->bytes = std::string_view(static_cast<const char*>(data), size);
  }

  uint64_t Count() override { return store_.FileCount(); }
  uint64_t List() override { return store_.List("", 0); }
  uint64_t Syncs() override { return store_.Stats().syncs; }

 private:
  static constexpr size_t kRangeSize = 64 * 1024;  // no value of an object work is larger

  JzseStore store_;
  const bool ranged_;
};

}  // namespace

std::unique_ptr<Contender> OpenJzse(const Options& options, bool ranged) {
  return std::make_unique<Jzse>(options, ranged);
}

}  // namespace bench
