// SPDX-License-Identifier: Apache-2.0
// Import of an archive into a namespace.
//
// Invariants
//   1. A state is stored only after its content was received whole and its SHA-256 agreed.
//   2. States are stored in the order of the archive. Small ones wait in a batch that becomes one transaction; when that
//      is refused, its states are stored one by one, so that everything before the refused one is imported.
//   3. counts() counts what is stored, also after a failure.
//
// Threading: one thread.
#ifndef JZSE_CAPI_ARCHIVE_IMPORT_H_
#define JZSE_CAPI_ARCHIVE_IMPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "capi/archive_format.h"

namespace jzse::capi {

class ArchiveImport {
 public:
  // `progress` may be empty. The engine outlives this.
  ArchiveImport(engine::Store& engine, std::string_view ns, int fd, bool with_versions,
                engine::Progress progress);

  Status Run();
  const ArchiveCounts& counts() const { return stored_; }

 private:
  struct Item {
    ArchiveState state;
    std::string content;
  };

  Status Receive();
  Status ReceiveState(bool versions_allowed);
  Status CheckOrder(const ArchiveState& state, bool versions_allowed);
  // Passes the content on piece by piece and checks its size and hash.
  Status ReceiveContent(const ArchiveState& state, const std::function<Status(Bytes)>& each);
  Status ReceiveLarge(const ArchiveState& state);
  Status Finish();

  Status Add(engine::Transaction& transaction, const Item& item);
  Status AddDirectory(engine::Transaction& transaction, const ArchiveState& state);
  Status StoreOne(const Item& item);
  Status StoreBatch();
  Status Stored(const ArchiveState& state);

  engine::Store& engine_;
  const std::string ns_;
  const bool with_versions_;
  const engine::Progress progress_;
  ArchiveReader reader_;

  ArchiveCounts received_, stored_;
  std::string last_path_;           // of the newest state received last
  std::string older_path_;          // of older versions whose newest state is still to come, or empty
  std::vector<Item> batch_;
  size_t batch_bytes_ = 0;
};

}  // namespace jzse::capi

#endif  // JZSE_CAPI_ARCHIVE_IMPORT_H_
