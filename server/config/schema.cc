// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <algorithm>
#include <array>

namespace jzse::config {
namespace {

constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB, kTiB = 1024 * kGiB;
constexpr uint64_t kDayMs = 86'400'000;
constexpr bool kRestart = false, kReload = true;

constexpr std::array<std::string_view, 3> kIo{"auto", "plain", "uring"};
constexpr std::array<std::string_view, 4> kLevels{"error", "warning", "info", "debug"};
constexpr std::array<std::string_view, 2> kFormats{"logfmt", "json"};

// The rows of one group stand together.
constexpr std::array kSchema{
    // Where
    Setting{"store", Type::kPath, &Config::store, 1, 4096, kRestart,
            "Directory of the store, made if absent. Default: 'store' in the data directory, which is $STATE_DIRECTORY, else "
            "/var/lib/jzse for root, else $XDG_DATA_HOME/jzse, else ~/.local/share/jzse."},
    Setting{"address", Type::kAddress, &Config::address, 1, 64, kRestart,
            "Address to listen on. Anything but a loopback address lets others in: there is no authentication."},
    Setting{"port", Type::kCount, &Config::port, 0, 65535, kRestart,
            "Port to listen on; 0 takes any free one. Sockets that systemd hands over come instead of address and port."},
    Setting{"hosts", Type::kList, &Config::hosts, 0, 64, kReload,
            "Names, besides localhost and address literals, that a request may give as Host while listening on loopback. This is "
            "what keeps web pages from reaching the server under a name of theirs."},
    // The library
    Setting{"region", Type::kText, &Config::region, 1, 64, kRestart, "Name of the place, for a store that is made."},
    Setting{"memory_limit", Type::kSize, &Config::memory_limit, 8 * kMiB, kTiB, kRestart,
            "Memory that the store may take for caches and buffers."},
    Setting{"free_space_reserve", Type::kSize, &Config::free_space_reserve, 0, 1024 * kTiB, kRestart,
            "Space on the disk that writes leave free; 0 for none."},
    Setting{"background_rate", Type::kSize, &Config::background_rate, 64 * kKiB, kTiB, kRestart,
            "Bytes a second that background work reads and writes at most."},
    Setting{"background", Type::kFlag, &Config::background, 0, 1, kRestart,
            "Compact and expire versions in the background. Without it, POST /v1/compact does."},
    Setting{"io", Type::kChoice, &Config::io, 0, 2, kRestart, "How files are read and written.", kIo},
    Setting{"read_only", Type::kFlag, &Config::read_only, 0, 1, kRestart, "Refuse every change."},
    // Threads
    Setting{"threads", Type::kCount, &Config::threads, 0, 256, kRestart,
            "Threads that serve connections; 0: as many as processors, at most 4."},
    Setting{"workers", Type::kCount, &Config::workers, 1, 1024, kRestart, "Threads that wait for the disk."},
    Setting{"jobs_max", Type::kCount, &Config::jobs_max, 1, 1'000'000, kReload,
            "Requests that may wait for a worker; more are answered 503."},
    // Requests
    Setting{"request_line_max", Type::kSize, &Config::request_line_max, 256, 64 * kKiB, kRestart, "Longest request line."},
    Setting{"field_max", Type::kSize, &Config::field_max, 256, 64 * kKiB, kRestart, "Longest header field."},
    Setting{"head_max", Type::kSize, &Config::head_max, kKiB, kMiB, kRestart, "Largest request head."},
    Setting{"fields_max", Type::kCount, &Config::fields_max, 8, 10'000, kRestart, "Most header fields in a request."},
    Setting{"json_body_max", Type::kSize, &Config::json_body_max, kKiB, 64 * kMiB, kReload, "Largest JSON body."},
    Setting{"batch_body_max", Type::kSize, &Config::batch_body_max, kKiB, kGiB, kReload, "Largest body of a batch."},
    Setting{"upload_size_max", Type::kSize, &Config::upload_size_max, 1, 1024 * kTiB, kReload, "Largest file."},
    // Connections
    Setting{"connections_max", Type::kCount, &Config::connections_max, 1, 1'000'000, kReload,
            "Connections at a time; more are answered 503 and closed."},
    Setting{"connections_per_address_max", Type::kCount, &Config::connections_per_address_max, 1, 1'000'000, kReload,
            "Connections at a time from one address."},
    Setting{"watchers_max", Type::kCount, &Config::watchers_max, 1, 1'000'000, kReload,
            "Requests that may wait for changes (long polls and event streams)."},
    Setting{"transfer_memory", Type::kSize, &Config::transfer_memory, 4 * kMiB, kTiB, kRestart,
            "Memory for the transfers under way, at most half of it for downloads."},
    Setting{"transfer_window", Type::kSize, &Config::transfer_window, 64 * kKiB, 64 * kMiB, kRestart,
            "Part of a download without memory that is checked and sent at a time."},
    Setting{"upload_buffer", Type::kSize, &Config::upload_buffer, 64 * kKiB, 64 * kMiB, kRestart,
            "Each of the two buffers of a large upload."},
    Setting{"small_put_max", Type::kSize, &Config::small_put_max, 0, 64 * kKiB, kRestart,
            "Uploads up to this size are committed without a worker."},
    // Deadlines
    Setting{"head_timeout", Type::kDuration, &Config::head_timeout, 100, kDayMs, kReload,
            "From a request's first byte to the end of its head."},
    Setting{"idle_timeout", Type::kDuration, &Config::idle_timeout, 100, kDayMs, kReload,
            "How long a connection may stay open between requests."},
    Setting{"progress_timeout", Type::kDuration, &Config::progress_timeout, 100, kDayMs, kReload,
            "Time in which a body or an answer must move on by progress_bytes_min."},
    Setting{"progress_bytes_min", Type::kSize, &Config::progress_bytes_min, 1, kGiB, kReload,
            "What must have moved within each progress_timeout."},
    Setting{"stop_timeout", Type::kDuration, &Config::stop_timeout, 0, kDayMs, kReload,
            "How long a stop waits for requests under way before it cuts them."},
    Setting{"heartbeat", Type::kDuration, &Config::heartbeat, 1, 3600, kReload,
            "Time between the comment lines of an event stream in which nothing happens."},
    Setting{"wait_max", Type::kDuration, &Config::wait_max, 1, 3600, kReload, "Longest wait of a long poll."},
    Setting{"upload_lifetime", Type::kDuration, &Config::upload_lifetime, 1, 365 * 86'400, kReload,
            "How long an unfinished resumable upload is kept after its last part."},
    // Log and console
    Setting{"log_level", Type::kChoice, &Config::log_level, 0, 3, kReload, "What is logged: this level and graver ones.",
            kLevels},
    Setting{"log_format", Type::kChoice, &Config::log_format, 0, 1, kReload, "Form of the log, on standard error.", kFormats},
    Setting{"log_requests", Type::kFlag, &Config::log_requests, 0, 1, kReload, "One line for each request, at level info."},
    Setting{"console", Type::kFlag, &Config::console, 0, 1, kReload, "Serve the web console."},
};

struct Heading {
  std::string_view title, first;  // the first key below it
};
constexpr std::array kHeadings{Heading{"Where", "store"},
                               Heading{"The store", "region"},
                               Heading{"Threads", "threads"},
                               Heading{"Requests", "request_line_max"},
                               Heading{"Connections", "connections_max"},
                               Heading{"Deadlines", "head_timeout"},
                               Heading{"Log and console", "log_level"}};

std::vector<Group> MakeGroups() {
  std::vector<Group> groups;
  size_t begin = 0;
  for (size_t i = 0; i < kHeadings.size(); ++i) {
    size_t end = begin + 1;
    while (end < kSchema.size() && (i + 1 == kHeadings.size() || kSchema[end].key != kHeadings[i + 1].first)) ++end;
    groups.push_back({kHeadings[i].title, std::span<const Setting>(kSchema).subspan(begin, end - begin)});
    begin = end;
  }
  return groups;
}

}  // namespace

std::span<const Setting> Schema() { return kSchema; }

std::span<const Group> Groups() {
  static const std::vector<Group> groups = MakeGroups();
  return groups;
}

std::string FlagName(const Setting& setting) {
  std::string name = "--" + std::string(setting.key);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string EnvironmentName(const Setting& setting) {
  std::string name = "JZSE_";
  for (const char c : setting.key) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

const Setting* FindSetting(std::string_view key) {
  for (const Setting& setting : kSchema)
    if (setting.key == key) return &setting;
  return nullptr;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  const size_t width = b.size() + 1;
  std::vector<size_t> before(width), last(width), row(width);
  for (size_t j = 0; j < width; ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j < width; ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

std::string Nearest(std::string_view name, const std::vector<std::string>& known) {
  if (name.size() > 64) return "";
  std::string nearest;
  size_t least = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = EditDistance(name, candidate);
    if (distance < least && distance < candidate.size()) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace jzse::config
