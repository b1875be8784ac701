// SPDX-License-Identifier: Apache-2.0
// Uploads under way, kept in the store itself (README.md, section 7). In the namespace kUploadsNamespace, of kind `keys`:
//
//   ID/info          what the upload is for, as JSON: {"length", "target": {...}}
//   ID/part/OFFSET   a part, OFFSET in 16 hex digits; parts follow each other without a hole
//   ID/done          the end mark, as JSON: {"length"}; then there is no info and no part any more
//
// Invariants
//   1. An upload's offset is where its last part ends: what the library acknowledged, no more.
//   2. Target, end mark and removal of info and parts are one group, so the target is written exactly once.
//   3. One request at a time works on an upload (Lock).
//
// Threading: from any thread; all calls may wait for the disk.
#ifndef JZSE_SERVER_JZSED_UPLOAD_STORE_H_
#define JZSE_SERVER_JZSED_UPLOAD_STORE_H_

#include <jzse/jzse.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "jzsed/replies.h"
#include "log/log.h"

namespace jzse::jzsed {

inline constexpr uint64_t kPartMax = 8 * 1024 * 1024;

struct UploadTarget {
  std::string ns = "default", path;
  Attributes attributes;
};

struct Upload {
  struct Part {
    std::string key;
    uint64_t offset = 0, size = 0;
  };
  std::string id;
  uint64_t length = 0, offset = 0;
  bool done = false;
  int64_t expires_s = 0;
  UploadTarget target;        // unless it is done
  std::vector<Part> parts;
};

class UploadStore {
 public:
  UploadStore(Store& store, log::Log& log, std::chrono::seconds lifetime);
  ~UploadStore();  // Stop
  UploadStore(const UploadStore&) = delete;
  UploadStore& operator=(const UploadStore&) = delete;

  // Null: somebody works on it. Whoever that is is told that somebody else wants to, by its `wanted`, which must be quick.
  std::shared_ptr<void> Lock(const std::string& id, std::function<void()> wanted = {});
  // A new upload's id. Checks what can be told of the target now.
  Result<std::string> Create(uint64_t length, const UploadTarget& target);
  // NOT_FOUND also for one that has expired.
  Result<Upload> Find(const std::string& id);
  Result<Writer> OpenPart(const std::string& id, uint64_t offset);
  Result<void> DropParts(const Upload& upload, uint64_t from);
  // Writes the target of an upload whose parts are all there. `*upload` is done then.
  Result<void> Assemble(Upload* upload);
  Result<void> Drop(const std::string& id);
  void Stop();

 private:
  void Run();
  void Sweep();
  Result<void> EnsureNamespace();

  Store& store_;
  log::Log& log_;
  const std::chrono::seconds lifetime_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::function<void()>> locked_;
  bool namespace_made_ = false;
  bool stop_ = false;
  std::thread thread_;  // finishes what a killed server left complete, and drops what expired
};

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_UPLOAD_STORE_H_
