// SPDX-License-Identifier: Apache-2.0
// What jzsed can be told, with the defaults. Every bound of the server is here; nothing else in server/ has a number of its own that a
// user would want to change.
//
// Threading: filled before the first thread starts, constant afterwards.
#ifndef JZSE_SERVER_CONFIG_CONFIG_H_
#define JZSE_SERVER_CONFIG_CONFIG_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace jzse::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Config {
  // Where
  std::string store;                    // directory; empty: DATA/store, created if absent (server/jzsed/README.md, section 9)
  std::string address = "127.0.0.1";    // IPv4 or IPv6 literal
  uint16_t port = 7380;                 // 0: any free one, which the first line on stdout tells
  std::vector<std::string> hosts;       // further names that may stand in Host on a loopback address

  // Threads
  unsigned threads = 0;                 // loops; 0: as many as processors, at most 4
  unsigned workers = 8;                 // threads of the pool
  size_t jobs_max = 4096;               // waiting for the pool; beyond: 503

  // The library
  uint64_t memory_limit = 0;            // 0: the library's default
  bool read_only = false;

  // Requests
  size_t request_line_max = 8 * 1024;
  size_t field_max = 8 * 1024;
  size_t head_max = 32 * 1024;
  size_t fields_max = 100;
  size_t json_body_max = 1024 * 1024;
  size_t batch_body_max = 16 * 1024 * 1024;
  uint64_t upload_size_max = uint64_t{1} << 46;

  // Connections
  size_t connections_max = 4096;
  size_t connections_per_address_max = 1024;
  size_t watchers_max = 1024;                      // long polls and event streams
  size_t transfer_memory = 64 * 1024 * 1024;       // buffers of large uploads and of downloads that are read into memory
  size_t transfer_window = 1024 * 1024;            // of a download
  size_t upload_buffer = 512 * 1024;               // two of each large upload
  size_t small_put_max = 64 * 1024;                // goes into group commit from the loop

  // Deadlines
  milliseconds head_timeout{10'000};
  milliseconds idle_timeout{60'000};
  milliseconds progress_timeout{30'000};           // of a body or an answer
  uint64_t progress_bytes_min = 4 * 1024 * 30;     // within each progress_timeout
  milliseconds stop_timeout{30'000};
  seconds heartbeat{15};                           // of event streams
  seconds wait_max{60};                            // of long polls
  seconds upload_lifetime{24 * 3600};

  // Log
  int log_level = 2;                               // JZSE_LOG_*
  bool log_requests = true;                        // one line for each request, at level info
};

}  // namespace jzse::config

#endif  // JZSE_SERVER_CONFIG_CONFIG_H_
