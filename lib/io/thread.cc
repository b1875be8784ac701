// SPDX-License-Identifier: Apache-2.0
// pthread_create instead of std::thread, which would report a refusal by an exception.
#include "io/thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace jzse::io {
namespace {

constexpr int kBackgroundNiceness = 5;
constexpr uint64_t kBackgroundSliceNanos = 100'000;

// struct sched_attr of the kernel, as of Linux 4; glibc has it not.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = 0;  // SCHED_OTHER
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0, deadline = 0, period = 0;
};

// Makes the calling thread less urgent, as far as the system allows. Niceness is each thread's own on Linux; more of it and a
// busy machine would starve the thread. With a short slice (Linux 6.12) whoever wakes up need not wait for the next tick.
void StepBack() {
  SchedulingAttributes attributes;
  attributes.nice = std::min(getpriority(PRIO_PROCESS, 0) + kBackgroundNiceness, 19);
  attributes.runtime = kBackgroundSliceNanos;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

class SystemThread final : public Env::Thread {
 public:
  SystemThread(std::function<void()> body, Env::Priority priority)
      : body_(std::move(body)), priority_(priority) {}
  ~SystemThread() override {
    if (started_) pthread_join(thread_, nullptr);
  }

  bool Start() {
    // A new thread inherits the mask of its creator, so there is no moment without it.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started_ = pthread_create(&thread_, nullptr, &SystemThread::Run, this) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started_;
  }

 private:
  static void* Run(void* self) {
    auto* const thread = static_cast<SystemThread*>(self);
    if (thread->priority_ == Env::Priority::kBackground) StepBack();
    thread->body_();
    return nullptr;
  }

  std::function<void()> body_;
  const Env::Priority priority_;
  pthread_t thread_{};
  bool started_ = false;
};

}  // namespace

std::unique_ptr<Env::Thread> StartSystemThread(std::function<void()> body, Env::Priority priority) {
  auto thread = std::make_unique<SystemThread>(std::move(body), priority);
  if (!thread->Start()) return nullptr;
  return thread;
}

}  // namespace jzse::io
