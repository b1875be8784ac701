// SPDX-License-Identifier: Apache-2.0
// The bounded pool for calls that may wait for the disk.
//
// Invariants
//   1. At most `jobs_max` jobs wait, and forced ones, which whoever forces them bounds; what is beyond is refused, never queued.
//   2. A job runs once, and is then given back to its loop once.
//   3. A worker that takes a job while more wait wakes another worker: one that waits for the disk holds nobody up.
#ifndef JZSE_SERVER_SERVE_POOL_H_
#define JZSE_SERVER_SERVE_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace jzse::serve {

class Loop;

struct Job {
  std::function<void()> work;  // on a thread of the pool; must not throw
  std::function<void()> done;  // on the loop
  Loop* loop = nullptr;
  Job* next = nullptr;
};

// Jobs in order, linked through themselves; owns none.
struct JobList {
  Job* first = nullptr;
  Job* last = nullptr;
  size_t count = 0;

  void Push(Job* job);
  Job* Pop();
};

class Pool {
 public:
  Pool(unsigned workers, size_t jobs_max);
  ~Pool();  // runs what waits
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Reserves a place for a job that Submit will bring; false: full, and not forced.
  bool Reserve(bool forced);
  // Takes the jobs over, which were all reserved.
  void Submit(JobList* jobs);
  size_t waiting() const;
  void SetMax(size_t jobs_max);

 private:
  void Run();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  JobList jobs_;
  size_t jobs_max_;
  size_t reserved_ = 0;  // places taken: jobs that wait or will be submitted
  size_t idle_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace jzse::serve

#endif  // JZSE_SERVER_SERVE_POOL_H_
