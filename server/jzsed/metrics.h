// SPDX-License-Identifier: Apache-2.0
// Counters of what the server did, in Prometheus' text format. Labels are bounded: operations of the table of routes, classes of status.
//
// Threading: Count on the loop of that index; the rest from any thread.
#ifndef JZSE_SERVER_JZSED_METRICS_H_
#define JZSE_SERVER_JZSED_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "serve/message.h"

namespace jzse::jzsed {

struct Service;

class Metrics {
 public:
  explicit Metrics(size_t loops);

  // `route`: place in the table of routes, or its size for requests that found none.
  void Count(size_t loop, size_t route, const serve::Finished& finished);
  std::string Text(Service& service) const;
  struct Totals {
    uint64_t requests = 0, bytes_in = 0, bytes_out = 0;
  };
  Totals Sum() const;

 private:
  static constexpr size_t kRoutesMax = 64;
  static constexpr size_t kBuckets = 14;
  // One for each loop, so that loops share no cache line.
  struct alignas(64) Counters {
    std::array<std::array<std::atomic<uint64_t>, 5>, kRoutesMax> answers{};     // by class of status
    std::array<std::array<std::atomic<uint64_t>, kBuckets + 1>, kRoutesMax> seconds{};
    std::array<std::atomic<uint64_t>, kRoutesMax> micros{};
    std::atomic<uint64_t> bytes_in{0}, bytes_out{0}, aborted{0};
  };
  std::vector<std::unique_ptr<Counters>> loops_;
};

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_METRICS_H_
