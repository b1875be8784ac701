// SPDX-License-Identifier: Apache-2.0
#include "jzse_store.h"

#include <algorithm>
#include <string_view>

namespace bench {

void CheckJzse(int code, const jzse_error& error) {
  if (code != JZSE_OK) Die(std::string(jzse_code_name(code)) + ": " + error.message);
}

JzseStore::JzseStore(const std::string& dir, Shape shape, const How& how)
    : ns_(shape == Shape::kFlat ? "objects" : "default") {
  jzse_error error = JZSE_ERROR_INIT;
  jzse_options options = JZSE_OPTIONS_INIT;
  if (how.create) options.flags = JZSE_OPEN_CREATE | JZSE_OPEN_EXCLUSIVE;
  options.memory_limit = how.memory_limit;
  CheckJzse(jzse_store_open((dir + "/store").c_str(), &options, &store_, &error), error);
  if (how.create && shape == Shape::kFlat) {
    jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
    config.kind = JZSE_NAMESPACE_KEYS;
    if (!how.versions) config.versions_max = 0;
    CheckJzse(jzse_namespace_create(store_, ns_, &config, &error), error);
  }
}

JzseStore::~JzseStore() {
  jzse_error error = JZSE_ERROR_INIT;
  CheckJzse(jzse_store_close(store_, &error), error);
}

uint64_t JzseStore::FileCount() const {
  jzse_error error = JZSE_ERROR_INIT;
  jzse_namespace_info info = JZSE_NAMESPACE_INFO_INIT;
  CheckJzse(jzse_namespace_get(store_, ns_, nullptr, &info, &error), error);
  return info.file_count;
}

jzse_stats JzseStore::Stats() const {
  jzse_error error = JZSE_ERROR_INIT;
  jzse_stats stats = JZSE_STATS_INIT;
  CheckJzse(jzse_store_stats(store_, &stats, &error), error);
  return stats;
}

uint64_t JzseStore::List(const std::string& after, uint64_t limit) const {
  jzse_error error = JZSE_ERROR_INIT;
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  options.start_after = after.empty() ? nullptr : after.c_str();
  options.limit = limit;
  jzse_list* list = nullptr;
  CheckJzse(jzse_list_open(store_, ns_, &options, &list, &error), error);
  uint64_t count = 0;
  for (const jzse_list_entry* entry;; ++count) {
    CheckJzse(jzse_list_next(list, &entry, &error), error);
    if (entry == nullptr) break;
    const jzse_file_info& info = entry->info;
    if (entry->path[0] == '\0' || info.size == 0 || info.mtime_ns == 0 || info.etag[63] == '\0') {
      Die("an incomplete entry in the listing");
    }
  }
  jzse_list_close(list);
  return count;
}

void JzseStore::Put(const Objects& objects, uint64_t id) const {
  jzse_error error = JZSE_ERROR_INIT;
  std::string value(objects.size(), '\0');
  objects.Fill(id, value.data());
  const int code = jzse_put(store_, ns_, objects.Key(id).c_str(), value.data(), value.size(),
                            nullptr, nullptr, &error);
  CheckJzse(code, error);
}

void JzseStore::CheckOne(const Objects& objects, uint64_t id, std::string* buffer) const {
  jzse_error error = JZSE_ERROR_INIT;
  buffer->resize(objects.size() + 1);
  size_t size = 0;
  const int code = jzse_get_range(store_, ns_, objects.Key(id).c_str(), nullptr, 0, buffer->data(),
                                  buffer->size(), &size, &error);
  CheckJzse(code, error);
  if (!objects.Matches(id, std::string_view(buffer->data(), size))) {
    Die("wrong content in " + objects.Key(id));
  }
}

void JzseStore::PutInGroups(const Objects& objects, uint64_t first, uint64_t end) {
  jzse_error error = JZSE_ERROR_INIT;
  std::string value(objects.size(), '\0');
  for (uint64_t id = first; id < end;) {
    jzse_group* group = nullptr;
    CheckJzse(jzse_group_begin(store_, &group, &error), error);
    for (const uint64_t stop = std::min(end, id + 1000); id < stop; ++id) {
      objects.Fill(id, value.data());
      const int code = jzse_group_put(group, ns_, objects.Key(id).c_str(), value.data(),
                                      value.size(), nullptr, &error);
      CheckJzse(code, error);
    }
    CheckJzse(jzse_group_commit(group, &error), error);
  }
}

void JzseStore::CheckSample(const Objects& objects, uint64_t count, uint64_t samples,
                            uint64_t seed) const {
  jzse_error error = JZSE_ERROR_INIT;
  for (uint64_t i = 0; i < samples; ++i) {
    const uint64_t id = Mix(seed + i) % count;
    void* data = nullptr;
    size_t size = 0;
    const int code = jzse_get(store_, ns_, objects.Key(id).c_str(), nullptr, &data, &size,
                              nullptr, &error);
    CheckJzse(code, error);
    if (!objects.Matches(id, std::string_view(static_cast<const char*>(data), size))) {
      Die("wrong content in " + objects.Key(id));
    }
    jzse_free(data);
  }
}

}  // namespace bench
