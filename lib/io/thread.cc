// SPDX-License-Identifier: Apache-2.0
// pthread_create instead of std::thread, which would report a refusal by an exception.
#include "io/thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace jzse::io {
namespace {

class SystemThread final : public Env::Thread {
 public:
  explicit SystemThread(std::function<void()> body) : body_(std::move(body)) {}
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
    static_cast<SystemThread*>(self)->body_();
    return nullptr;
  }

  std::function<void()> body_;
  pthread_t thread_{};
  bool started_ = false;
};

}  // namespace

std::unique_ptr<Env::Thread> StartSystemThread(std::function<void()> body) {
  auto thread = std::make_unique<SystemThread>(std::move(body));
  if (!thread->Start()) return nullptr;
  return thread;
}

}  // namespace jzse::io
