// SPDX-License-Identifier: Apache-2.0
// What only the real machine has: other processes, descriptors, limits of the operating system.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "failing_calls.h"
#include "io_world.h"

namespace jzse::io {
namespace {

using base::Code;
using base::Is;
using Catch::Contains;

// Runs `body` in a child process; its result is the child's exit code.
int RunInChild(const std::function<int()>& body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(body());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a lock held by another process names it, and dies with it") {
  World world(Face::kPlain);
  int pipe_fds[2];
  REQUIRE(pipe(pipe_fds) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto lock = world.env().Lock(world.Path("LOCK"));
    const char answer = lock.ok() ? 'y' : 'n';
    if (write(pipe_fds[1], &answer, 1) != 1) _exit(1);
    while (true) pause();
  }
  char answer = '?';
  REQUIRE(read(pipe_fds[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  const auto refused = world.env().Lock(world.Path("LOCK"));
  CHECK(Is(refused.status(), Code::kLocked));
  CHECK_THAT(std::string(refused.status().message()),
             Contains("process " + std::to_string(child)));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(world.env().Lock(world.Path("LOCK")).ok());
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

TEST_CASE("a lock whose holder has not written its pid yet names nobody who let go before") {
  World world(Face::kPlain);
  const std::string path = world.Path("LOCK");
  const pid_t gone = fork();
  REQUIRE(gone >= 0);
  if (gone == 0) _exit(0);
  REQUIRE(waitpid(gone, nullptr, 0) == gone);
  // As a process leaves it that was killed, and as the next one has it between its lock and its pid.
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  REQUIRE(fd >= 0);
  const std::string stale = std::to_string(gone) + "\n";
  REQUIRE(pwrite(fd, stale.data(), stale.size(), 0) == static_cast<ssize_t>(stale.size()));
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  REQUIRE(fcntl(fd, F_OFD_SETLK, &lock) == 0);
  const auto refused = world.env().Lock(path);
  CHECK(Is(refused.status(), Code::kLocked));
  CHECK_THAT(std::string(refused.status().message()), Contains("another process"));
  CHECK_THAT(std::string(refused.status().message()), !Contains(std::to_string(gone)));
  close(fd);
}

TEST_CASE("who lets a lock go takes its pid out") {
  World world(Face::kPlain);
  const std::string path = world.Path("LOCK");
  { REQUIRE(world.env().Lock(path).ok()); }
  const auto file = world.env().Open(path, OpenMode::kRead);
  REQUIRE(file.ok());
  CHECK(*(*file)->Size() == 0);
}

TEST_CASE("a second environment of the same process is refused, too") {
  World world(Face::kPlain);
  const auto other = NewLinuxEnv({});
  const auto lock = world.env().Lock(world.Path("LOCK"));
  REQUIRE(lock.ok());
  // Closing an unrelated handle of the file would drop a classic record lock.
  REQUIRE(other->Open(world.Path("LOCK"), OpenMode::kRead).ok());
  CHECK(Is(other->Lock(world.Path("LOCK")).status(), Code::kLocked));
}

TEST_CASE("descriptors are not inherited by programs that the host starts") {
  World world(Face::kPlain);
  const auto file = CreateFile(world.env(), world.Path("a"));
  CHECK((fcntl(file->Descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
  const auto lock = world.env().Lock(world.Path("LOCK"));
  REQUIRE(lock.ok());
  CHECK((fcntl((*lock)->Descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a pipe in the place of a file is refused instead of waited for") {
  World world(Face::kPlain);
  REQUIRE(mkfifo(world.Path("pipe").c_str(), 0600) == 0);
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
    const auto file = world.env().Open(world.Path("pipe"), mode);
    CHECK(Is(file.status(), Code::kExists));
    CHECK_THAT(std::string(file.status().message()), Contains("not a regular file"));
  }
}

TEST_CASE("a write that the system cuts short goes on, and fails with the cause") {
  World world(Face::kPlain);
  const bool durable = GENERATE(false, true);
  const auto file = CreateFile(world.env(), world.Path("a"));
  const int result = RunInChild([&] {
    // Writes crossing the limit are short; only the one that begins at the limit is an error.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {5000, 5000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const std::string part(3000, 'p');
    const Bytes parts[] = {part, part};
    const Status status = durable ? file->WriteDurable(0, parts) : file->Write(0, parts);
    if (!Is(status, Code::kIo)) return 2;
    if (status.message().find("File too large") == absl::string_view::npos) return 3;
    return 0;
  });
  CHECK(result == 0);
  CHECK(ReadAt(*file, 0, 9000) == std::string(5000, 'p'));
}

TEST_CASE("zeros take real blocks, no hole") {
  World world(Face::kPlain);
  const auto file = CreateFile(world.env(), world.Path("zeros"));
  REQUIRE(file->WriteZeros(0, base::kMiB).ok());
  REQUIRE(file->SyncData().ok());
  struct stat info;
  REQUIRE(stat(world.Path("zeros").c_str(), &info) == 0);
  CHECK(info.st_blocks * 512 >= static_cast<blkcnt_t>(base::kMiB));
}

TEST_CASE("a file keeps no second descriptor once it is cut to its size") {
  World world(Face::kPlain);
  const auto open_count = [] {
    const auto list = NewLinuxEnv({})->ListDir("/proc/self/fd");
    REQUIRE(list.ok());
    return list->size();
  };
  const auto file = CreateFile(world.env(), world.Path("a"));
  const size_t before = open_count();
  REQUIRE(file->WriteZeros(0, base::kMiB).ok());
  CHECK(open_count() == before);
  base::BlockBuffer block;
  block.AppendZeros(base::kBlockSize);
  REQUIRE(WriteDurableAt(*file, 0, block.view()).ok());
  CHECK(open_count() <= before + 1);
  REQUIRE(file->Truncate(base::kBlockSize).ok());
  CHECK(open_count() == before);
}

TEST_CASE("no descriptor left is busy, not an I/O error") {
  World world(Face::kPlain);
  CreateFile(world.env(), world.Path("a"));
  const int result = RunInChild([&] {
    const rlimit limit = {3, 3};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    return Is(world.env().Open(world.Path("a"), OpenMode::kRead).status(), Code::kBusy) ? 0 : 2;
  });
  CHECK(result == 0);
}

TEST_CASE("what an unprivileged user may not write is read-only") {
  World world(Face::kPlain);
  CreateFile(world.env(), world.Path("a"), "x");
  REQUIRE(chmod(world.Path("a").c_str(), 0444) == 0);
  REQUIRE(chmod(world.root().c_str(), 0555) == 0);
  const int result = RunInChild([&] {
    if (geteuid() == 0 && setuid(65534) != 0) return 1;
    Env& env = world.env();
    if (!Is(env.Open(world.Path("a"), OpenMode::kReadWrite).status(), Code::kReadOnly)) return 2;
    if (!Is(env.Open(world.Path("b"), OpenMode::kCreate).status(), Code::kReadOnly)) return 3;
    if (!Is(env.CreateDir(world.Path("d")), Code::kReadOnly)) return 4;
    if (!Is(env.Lock(world.Path("LOCK")).status(), Code::kReadOnly)) return 5;
    if (!Is(env.Remove(world.Path("a")), Code::kReadOnly)) return 6;
    return 0;
  });
  chmod(world.root().c_str(), 0755);
  CHECK(result == 0);
}

TEST_CASE("whichever system call fails, the failure has a code and names the path") {
  World world(Face::kPlain);
  const auto file = CreateFile(world.env(), world.Path("file"), std::string(8192, 'x'));
  alignas(base::kBlockSize) static char block[base::kBlockSize];
  const Bytes part(block, sizeof block), few("few");
  char buffer[8];
  constexpr int kNotAllowed = 77;
  struct Case {
    std::initializer_list<long> calls;
    int error;
    std::function<Status()> act;
    std::string path;
    std::initializer_list<long> refused = {};  // which then fail as if they were not there
  };
  const std::string path = world.Path("file"), lock = world.Path("LOCK");
  const Case cases[] = {
      {{SYS_newfstatat, SYS_fstat}, EIO, [&] { return world.env().Open(path, OpenMode::kRead).status(); }, path},
      {{SYS_newfstatat, SYS_fstat}, EIO, [&] { return file->Size().status(); }, path},
      {{SYS_newfstatat, SYS_stat}, EIO, [&] { return world.env().Exists(path).status(); }, path},
      {{SYS_newfstatat, SYS_fstat}, EIO, [&] { return world.env().ListDir(world.root()).status(); }, world.root()},
      {{SYS_getdents64}, EIO, [&] { return world.env().ListDir(world.root()).status(); }, world.root()},
      {{SYS_fsync}, EIO, [&] { return world.env().SyncDir(world.root()); }, world.root()},
      {{SYS_fcntl}, EIO, [&] { return world.env().Lock(lock).status(); }, lock},
      {{SYS_pwritev}, EIO, [&] { return world.env().Lock(lock).status(); }, lock},
      {{SYS_ftruncate}, EIO, [&] { return world.env().Lock(lock).status(); }, lock},
      {{SYS_preadv2}, EIO, [&] { return file->ReadCached(0, 8, buffer).status(); }, path},
      {{SYS_pread64}, EIO, [&] { return file->Read(0, 8, buffer).status(); }, path},
      {{SYS_pwritev}, EIO, [&] { return file->Write(0, std::span(&few, 1)); }, path},
      {{SYS_pwritev2}, EIO, [&] { return file->WriteDurable(0, std::span(&part, 1)); }, path},
      {{SYS_pwritev2}, EIO, [&] { return file->WriteDurable(1, std::span(&few, 1)); }, path},
      {{SYS_pwritev}, EIO, [&] { return file->WriteDurable(1, std::span(&few, 1)); }, path, {SYS_pwritev2}},
      {{SYS_fdatasync}, EIO, [&] { return file->WriteDurable(1, std::span(&few, 1)); }, path, {SYS_pwritev2}},
      {{SYS_pwritev}, EIO, [&] { return file->WriteZeros(0, 8192); }, path},
      {{SYS_fdatasync}, EIO, [&] { return file->SyncData(); }, path},
      {{SYS_ftruncate}, EIO, [&] { return file->Truncate(1); }, path},
  };
  size_t number = 0;
  for (const Case& c : cases) {
    INFO("case " << number++);
    const int result = RunInChild([&] {
      if (!tests::LetFail(c.calls, c.error) || (c.refused.size() > 0 && !tests::LetFail(c.refused, EOPNOTSUPP))) return kNotAllowed;
      const Status status = c.act();
      tests::KeepCounts();
      return Is(status, Code::kIo) && status.message().find(c.path) != std::string_view::npos ? 0 : 1;
    });
    if (result == kNotAllowed) {
      WARN("system calls cannot be made to fail here");
      return;
    }
    CHECK(result == 0);
  }
}

TEST_CASE("plain calls are honoured when asked for") {
  CHECK_FALSE(UsesUring(*NewLinuxEnv({.uring = false})));
}

TEST_CASE("batches of several threads at once are all right, whoever gets the ring") {
  World world(Face::kUring);
  base::Prng prng(3);
  const std::string bytes = prng.Bytes(1 << 20);
  const auto file = CreateFile(world.env(), world.Path("a"), bytes);
  std::atomic<int> wrong{0};
  {
    std::vector<std::unique_ptr<Env::Thread>> threads;
    for (uint64_t t = 0; t < 4; ++t) {
      threads.push_back(world.env().StartThread([&, t] {
        base::Prng own(t);
        for (int round = 0; round < 50; ++round) {
          std::vector<std::string> buffers(100, std::string(3000, '?'));
          std::vector<ReadOp> ops(buffers.size());
          for (size_t i = 0; i < ops.size(); ++i) {
            ops[i] = {file.get(), own.Below(bytes.size()), 3000, buffers[i].data(), {}, 0};
          }
          world.env().ReadBatch(ops);
          for (size_t i = 0; i < ops.size(); ++i) {
            const std::string expected = bytes.substr(ops[i].offset, 3000);
            if (!ops[i].status.ok() || buffers[i].substr(0, ops[i].count) != expected) ++wrong;
          }
        }
      }));
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a batch reports the failure of one read and does the others") {
  World world(GENERATE(Face::kPlain, Face::kUring));
  const auto file = CreateFile(world.env(), world.Path("a"), "good");
  char good[4], bad[4];
  const uint64_t beyond_any_file = uint64_t{1} << 63;
  ReadOp ops[2] = {{file.get(), beyond_any_file, 4, bad, {}, 0}, {file.get(), 0, 4, good, {}, 0}};
  world.env().ReadBatch(ops);
  CHECK(Is(ops[0].status, Code::kIo));
  CHECK(ops[0].count == 0);
  CHECK_THAT(std::string(ops[0].status.message()), Contains(world.Path("a")));
  REQUIRE(ops[1].status.ok());
  CHECK(std::string(good, 4) == "good");
}

}  // namespace
}  // namespace jzse::io
