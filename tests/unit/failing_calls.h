// SPDX-License-Identifier: Apache-2.0
// System calls that fail when told to, for children of a test.
#ifndef JZSE_TESTS_UNIT_FAILING_CALLS_H_
#define JZSE_TESTS_UNIT_FAILING_CALLS_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

// Of clang's coverage, where that is measured.
extern "C" {
int __llvm_profile_write_file() __attribute__((weak));
const char* __llvm_profile_get_filename() __attribute__((weak));
void __llvm_profile_set_filename(const char* name) __attribute__((weak));
}

namespace jzse::tests {

// For a child that ends by _exit, which would take what it counted with it. A file of its own: merging takes calls that fail here.
inline void KeepCounts() {
  if (__llvm_profile_write_file == nullptr) return;
  const std::string name = std::string(__llvm_profile_get_filename()) + "." + std::to_string(getpid()) + ".profraw";
  __llvm_profile_set_filename(name.c_str());
  __llvm_profile_write_file();
}

// From now on these system calls of this process fail with `error`. False: not allowed here.
inline bool LetFail(std::initializer_list<long> calls, int error) {
  std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long call : calls) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace jzse::tests

#endif  // JZSE_TESTS_UNIT_FAILING_CALLS_H_
