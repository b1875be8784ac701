// SPDX-License-Identifier: Apache-2.0
// Durable puts from one thread that keeps `threads` of them under way with the asynchronous calls.
// The rate is measured as objects.h says, with the puts under way in the place of threads: after
// the end nothing more is submitted, and what is under way is waited for and counted.
#include <algorithm>
#include <limits>
#include <vector>

#include "jzse_store.h"
#include "objects.h"
#include "works.h"

namespace bench {
namespace {

class Submitter {
 public:
  Submitter(const JzseStore& store, const Objects& objects, uint64_t depth)
      : store_(store), objects_(objects), depth_(depth), completions_(depth) {
    jzse_error error = JZSE_ERROR_INIT;
    const int code = jzse_queue_open(store.get(), static_cast<uint32_t>(depth), &queue_, &error);
    CheckJzse(code, error);
  }
  ~Submitter() { jzse_queue_close(queue_); }
  Submitter(const Submitter&) = delete;
  Submitter& operator=(const Submitter&) = delete;

  // Submits until `depth` puts are under way. A put's tag is the index of its start time.
  void Fill() {
    jzse_error error = JZSE_ERROR_INIT;
    std::string value(objects_.size(), '\0');
    for (; started_ns_.size() - done_ < depth_; started_ns_.push_back(NowNs())) {
      const uint64_t tag = started_ns_.size();
      const std::string key = objects_.Key(IdOf(0, tag));
      objects_.Fill(IdOf(0, tag), value.data());
      const int code = jzse_put_async(queue_, tag, store_.ns(), key.c_str(), value.data(),
                                      value.size(), nullptr, &error);
      CheckJzse(code, error);
    }
  }

  // Waits for at least one and calls `each` with the time it took.
  template <typename Each>
  void Reap(const Each& each) {
    jzse_error error = JZSE_ERROR_INIT;
    size_t count = 0;
    CheckJzse(jzse_queue_reap(queue_, completions_.data(), completions_.size(), -1, &count, &error),
              error);
    const int64_t now = NowNs();
    for (size_t i = 0; i < count; ++i) {
      const jzse_completion& completion = completions_[i];
      if (completion.code != JZSE_OK) Die(std::string("put: ") + completion.message);
      each(now - started_ns_[completion.tag], now);
    }
    done_ += count;
  }

  uint64_t done() const { return done_; }
  bool idle() const { return done_ == started_ns_.size(); }

 private:
  const JzseStore& store_;
  const Objects& objects_;
  const uint64_t depth_;
  std::vector<jzse_completion> completions_;
  jzse_queue* queue_ = nullptr;
  std::vector<int64_t> started_ns_;
  uint64_t done_ = 0;
};

}  // namespace

void RunPutAsync(const Args& args) {
  const Objects objects = ObjectsOf(args);
  const Timing timing = TimingOf(args);
  Report report;
  std::vector<uint64_t> done;
  uint64_t threads = 0;
  {
    JzseStore store(args.Text("dir"), ShapeOf(args.Text("shape", "flat")), {true, 0});
    Submitter submitter(store, objects, args.Number("threads"));
    std::vector<uint32_t> latencies_ns;
    const int64_t warm_end = NowNs() + timing.warm_ns;
    int64_t last_end = 0;
    const auto count = [&](int64_t took_ns, int64_t now) {
      last_end = now;
      if (now < warm_end) return;
      const int64_t most = std::numeric_limits<uint32_t>::max();
      latencies_ns.push_back(static_cast<uint32_t>(std::min(took_ns, most)));
    };
    while (last_end < warm_end + timing.measured_ns) {
      submitter.Fill();
      submitter.Reap(count);
    }
    while (!submitter.idle()) submitter.Reap(count);
    threads = ThreadCount();
    AddRate(std::move(latencies_ns), last_end - warm_end, &report);
    done.push_back(submitter.done());
  }
  report.Add("process_threads", threads);
  report.Add("verified", VerifyPuts(args, objects, done));
  report.Print();
}

}  // namespace bench
