// SPDX-License-Identifier: Apache-2.0
#include "serve/pool.h"

#include "serve/loop.h"

namespace jzse::serve {

void JobList::Push(Job* job) {
  job->next = nullptr;
  (first == nullptr ? first : last->next) = job;
  last = job;
  ++count;
}

Job* JobList::Pop() {
  Job* const job = first;
  if (job == nullptr) return nullptr;
  first = job->next;
  if (first == nullptr) last = nullptr;
  --count;
  return job;
}

Pool::Pool(unsigned workers, size_t jobs_max) : jobs_max_(jobs_max) {
  for (unsigned i = 0; i < workers; ++i) threads_.emplace_back([this] { Run(); });
}

Pool::~Pool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Pool::Reserve(bool forced) {
  std::lock_guard lock(mutex_);
  if (reserved_ >= jobs_max_ && !forced) return false;
  ++reserved_;
  return true;
}

void Pool::Submit(JobList* jobs) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    while (Job* job = jobs->Pop()) jobs_.Push(job);
    wake = idle_ > 0;
  }
  if (wake) wake_.notify_one();
}

void Pool::SetMax(size_t jobs_max) {
  std::lock_guard lock(mutex_);
  jobs_max_ = jobs_max;
}

size_t Pool::waiting() const {
  std::lock_guard lock(mutex_);
  return reserved_;
}

void Pool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stop_ || jobs_.first != nullptr; });
    --idle_;
    Job* const job = jobs_.Pop();
    if (job == nullptr) return;  // stopping, and nothing is left
    --reserved_;
    const bool wake = jobs_.first != nullptr && idle_ > 0;
    lock.unlock();
    if (wake) wake_.notify_one();
    job->work();
    job->loop->GiveBack(job);
    lock.lock();
  }
}

}  // namespace jzse::serve
