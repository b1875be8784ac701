// SPDX-License-Identifier: Apache-2.0
// What is on disk for what was stored, and how much was written to get there.
#include <algorithm>

#include "jzse_store.h"
#include "objects.h"
#include "works.h"

namespace bench {
namespace {

// An object's second content: another id's value under the same key.
constexpr uint64_t kRewritten = uint64_t{1} << 50;

// Overwrites `changed` of `count` objects, spread evenly, in groups of 1,000.
void Overwrite(const JzseStore& store, const Objects& objects, uint64_t count, uint64_t changed) {
  jzse_error error = JZSE_ERROR_INIT;
  std::string value(objects.size(), '\0');
  for (uint64_t i = 0; i < changed;) {
    jzse_group* group = nullptr;
    CheckJzse(jzse_group_begin(store.get(), &group, &error), error);
    for (const uint64_t stop = std::min(changed, i + 1000); i < stop; ++i) {
      const uint64_t id = i * count / changed;
      objects.Fill(id | kRewritten, value.data());
      CheckJzse(jzse_group_put(group, store.ns(), objects.Key(id).c_str(), value.data(),
                               value.size(), nullptr, &error),
                error);
    }
    CheckJzse(jzse_group_commit(group, &error), error);
  }
}

uint64_t CheckAll(const JzseStore& store, const Objects& objects, uint64_t count,
                  uint64_t changed) {
  jzse_error error = JZSE_ERROR_INIT;
  std::string buffer(objects.size() + 1, '\0');
  std::vector<bool> rewritten(count);
  for (uint64_t i = 0; i < changed; ++i) rewritten[i * count / changed] = true;
  for (uint64_t id = 0; id < count; ++id) {
    size_t size = 0;
    const int code = jzse_get_range(store.get(), store.ns(), objects.Key(id).c_str(), nullptr, 0,
                                    buffer.data(), buffer.size(), &size, &error);
    CheckJzse(code, error);
    const std::string_view found(buffer.data(), size);
    if (!objects.Matches(rewritten[id] ? id | kRewritten : id, found)) Die("wrong content");
  }
  return count;
}

}  // namespace

// Stores `count` objects in a namespace without versions, overwrites `changed` of them, lets
// compaction do what pays, closes. value: bytes on disk by bytes of the live objects; write_factor:
// bytes sent to the disk, compaction, index and preparation of segments included, by bytes put.
void RunSpace(const Args& args) {
  const Objects objects = ObjectsOf(args);
  const uint64_t count = args.Number("count");
  const uint64_t changed = args.Number("changed");
  const std::string dir = args.Text("dir");
  const uint64_t before = IoNow().write_bytes;
  {
    JzseStore store(dir, Shape::kFlat, {true, 0, false});
    store.PutInGroups(objects, 0, count);
    if (changed > 0) {
      Overwrite(store, objects, count, changed);
      jzse_error error = JZSE_ERROR_INIT;
      CheckJzse(jzse_compact(store.get(), nullptr, nullptr, &error), error);
    }
  }
  const uint64_t written = IoNow().write_bytes - before;
  const uint64_t disk = DiskUsage(dir);
  const double size = static_cast<double>(objects.size());
  uint64_t verified = 0;
  {
    JzseStore store(dir, Shape::kFlat, {});
    verified = CheckAll(store, objects, count, changed);
  }
  Report report;
  report.Add("value", static_cast<double>(disk) / (static_cast<double>(count) * size));
  report.Add("write_factor",
             static_cast<double>(written) / (static_cast<double>(count + changed) * size));
  report.Add("disk_bytes", disk);
  report.Add("written_bytes", written);
  report.Add("verified", verified);
  report.Print();
}

}  // namespace bench
