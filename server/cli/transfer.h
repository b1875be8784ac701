// SPDX-License-Identifier: Apache-2.0
// Contents on their way between the store and real files. Nothing here speaks; a Problem says what
// happened, and the caller prints it, counts it or stops. Threads: all functions from any thread,
// on handles and descriptors of its own.
#ifndef JZSE_CLI_TRANSFER_H_
#define JZSE_CLI_TRANSFER_H_

#include <cstdint>
#include <string>
#include <string_view>

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

// Everything from the descriptor's position into the writer; `size` gets the count. `progress` may
// be null.
Problem ReceiveContent(int fd, std::string_view name, jzse_writer* writer, Progress* progress,
                       uint64_t* size);
// Everything the reader holds into the descriptor.
Problem SendContent(jzse_reader* reader, int fd, std::string_view name, Progress* progress);
// The whole of a small content (a link's target).
Problem ReadTarget(jzse_reader* reader, std::string* target);

// Makes the file or link `name` in `directory`, complete and with its mode and time or not at all.
// Replaces a file or link that has the name; a link is never followed. `shown` is for messages.
struct PlaceOptions {
  bool special_bits = false;  // set-user-id, set-group-id and sticky as stored
  bool no_replace = false;
  Progress* progress = nullptr;
};
Problem PlaceFile(jzse_reader* reader, const jzse_file_info& info, int directory,
                  const std::string& name, std::string_view shown, const PlaceOptions& options);

// The permission bits that a restored file gets; 0 if none were stored.
inline uint32_t RestoredMode(uint32_t stored, bool special_bits) {
  return stored & (special_bits ? 07777 : 0777);
}

}  // namespace jzse::cli

#endif  // JZSE_CLI_TRANSFER_H_
