// SPDX-License-Identifier: Apache-2.0
// Contents on their way between the store and real files. Nothing here speaks; a Problem says what
// happened, and the caller prints it, counts it or stops. Threads: all functions from any thread,
// on handles and descriptors of its own.
#ifndef JZSE_CLI_TRANSFER_H_
#define JZSE_CLI_TRANSFER_H_

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "access/access.h"
#include "exit_codes.h"
#include "jzse/jzse.h"
#include "progress.h"

namespace jzse::cli {

struct Problem {
  int exit_code = kExitOk;
  int api_code = JZSE_OK;  // if the store said it
  std::string text;

  explicit operator bool() const { return exit_code != kExitOk; }
};
Problem ApiProblem(const jzse_error& error);
Problem SystemProblem(std::string_view object, int error_number);
Problem InterruptProblem();

// Names a regular file in the state that it is in (WriteOptions::source).
std::string SourceKey(const struct stat& st);
// The same of a content, for PlaceOptions::part_key.
std::string PartKey(std::string_view server, std::string_view ns, std::string_view path, const jzse_file_info& info);

// Everything from the descriptor's position into the writer; `size` gets the count. `progress` may
// be null.
Problem ReceiveContent(int fd, std::string_view name, access::Writer* writer, Progress* progress,
                       uint64_t* size);
// Everything the reader holds into the descriptor.
Problem SendContent(access::Reader* reader, int fd, std::string_view name, Progress* progress);
// The whole of a small content (a link's target).
Problem ReadTarget(access::Reader* reader, std::string* target);

// Makes the file or link `name` in `directory`, complete and with its mode and time or not at all.
// Replaces a file or link that has the name; a link is never followed. `shown` is for messages.
struct PlaceOptions {
  bool special_bits = false;  // set-user-id, set-group-id and sticky as stored
  bool no_replace = false;
  Progress* progress = nullptr;
  // Names the content and where it comes from: a large file that could not be completed is kept beside its place, and gone on
  // with when the same is fetched again. "": never.
  std::string part_key;
};
Problem PlaceFile(access::Reader* reader, const jzse_file_info& info, int directory,
                  const std::string& name, std::string_view shown, const PlaceOptions& options);

// The permission bits that a restored file gets; 0 if none were stored.
inline uint32_t RestoredMode(uint32_t stored, bool special_bits) {
  return stored & (special_bits ? 07777 : 0777);
}

}  // namespace jzse::cli

#endif  // JZSE_CLI_TRANSFER_H_
