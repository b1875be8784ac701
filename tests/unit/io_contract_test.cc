// SPDX-License-Identifier: Apache-2.0
// The contract of io.h, the same test cases for each face of Env.
#include <signal.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "io_world.h"

namespace jzse::io {
namespace {

using base::Code;
using base::Is;
using Catch::Contains;

Face AnyFace() { return GENERATE(Face::kPlain, Face::kUring, Face::kSim, Face::kRecording); }

std::string Message(const Status& status) { return std::string(status.message()); }

TEST_CASE("bytes written are read back, gaps are zeros, reads end at the end") {
  World world(AnyFace());
  const auto file = CreateFile(world.env(), world.Path("a"), "hello");
  CHECK(*file->Size() == 5);
  REQUIRE(WriteAt(*file, 10, "world").ok());
  CHECK(ReadAt(*file, 0, 100) == std::string("hello\0\0\0\0\0world", 15));
  CHECK(ReadAt(*file, 3, 4) == std::string("lo\0\0", 4));
  CHECK(ReadAt(*file, 15, 10).empty());
  CHECK(ReadAt(*file, 1000, 10).empty());
  REQUIRE(WriteDurableAt(*file, 3, "LO").ok());
  CHECK(ReadAt(*file, 0, 5) == "helLO");
  REQUIRE(file->SyncData().ok());
  file->StartWriteback(0, 15);
  file->DropCache(0, 15);
  CHECK(ReadAt(*file, 0, 5) == "helLO");
  const auto again = world.env().Open(world.Path("a"), OpenMode::kRead);
  REQUIRE(again.ok());
  CHECK(ReadAt(**again, 10, 5) == "world");
}

TEST_CASE("writes of thousands of parts, some empty, arrive in order") {
  World world(AnyFace());
  const bool durable = GENERATE(false, true);
  base::Prng prng(7);
  std::vector<std::string> owned;
  for (int i = 0; i < 3000; ++i) owned.push_back(prng.Bytes(prng.Below(40)));
  std::string expected = "start";
  std::vector<Bytes> parts;
  for (const std::string& part : owned) {
    parts.push_back(part);
    expected += part;
  }
  const auto file = CreateFile(world.env(), world.Path("parts"), "start");
  REQUIRE((durable ? file->WriteDurable(5, parts) : file->Write(5, parts)).ok());
  CHECK(ReadAt(*file, 0, expected.size() + 1) == expected);
  CHECK(*file->Size() == expected.size());

  const std::vector<Bytes> nothing(3);
  REQUIRE((durable ? file->WriteDurable(1 << 20, nothing) : file->Write(1 << 20, {})).ok());
  CHECK(*file->Size() == expected.size());
}

TEST_CASE("zeros are written where they belong, also where something else was") {
  World world(AnyFace());
  const auto file = CreateFile(world.env(), world.Path("zeros"), std::string(5000, 'x'));
  REQUIRE(file->WriteZeros(4096, 3 * base::kMiB).ok());
  REQUIRE(file->SyncData().ok());
  CHECK(*file->Size() == 4096 + 3 * base::kMiB);
  CHECK(ReadAt(*file, 4000, 200) == std::string(96, 'x') + std::string(104, '\0'));
  REQUIRE(file->WriteZeros(1, 2).ok());
  CHECK(ReadAt(*file, 0, 4) == std::string("x\0\0x", 4));
  REQUIRE(file->WriteZeros(0, 0).ok());
  CHECK(ReadAt(*file, 2 * base::kMiB, base::kMiB) == std::string(base::kMiB, '\0'));
}

// Past the page cache or not: reads through it must see the newest bytes, whichever way they came.
TEST_CASE("durable writes of whole blocks and others, mixed, are read back as the last of them left the bytes") {
  World world(AnyFace());
  const auto file = CreateFile(world.env(), world.Path("mixed"));
  REQUIRE(file->WriteZeros(0, 64 * base::kBlockSize).ok());
  std::string expected(64 * base::kBlockSize, '\0');
  base::Prng prng(5);
  for (int i = 0; i < 200; ++i) {
    base::BlockBuffer block;
    const bool whole = prng.OneIn(2);
    const size_t size = whole ? (1 + prng.Below(8)) * base::kBlockSize : 1 + prng.Below(9000);
    const uint64_t offset = whole ? prng.Below(56) * base::kBlockSize : prng.Below(200'000);
    block.Append(prng.Bytes(size));
    if (prng.OneIn(3)) CHECK(ReadAt(*file, offset, size) == expected.substr(offset, size));
    REQUIRE((prng.OneIn(4) ? WriteAt(*file, offset, block.view()) : WriteDurableAt(*file, offset, block.view())).ok());
    expected.replace(offset, size, block.view());
    REQUIRE(ReadAt(*file, offset, size) == expected.substr(offset, size));
  }
  CHECK(ReadAt(*file, 0, expected.size()) == expected);
  REQUIRE(file->Truncate(5000).ok());
  base::BlockBuffer block;
  block.AppendZeros(base::kBlockSize);
  REQUIRE(WriteDurableAt(*file, 0, block.view()).ok());
  CHECK(ReadAt(*file, 0, 6000) == std::string(base::kBlockSize, '\0') + expected.substr(4096, 904));
}

TEST_CASE("opening refuses what the mode does not allow, and names the path") {
  World world(AnyFace());
  Env& env = world.env();
  const auto missing = env.Open(world.Path("missing"), OpenMode::kReadWrite);
  CHECK(Is(missing.status(), Code::kNotFound));
  CHECK_THAT(Message(missing.status()), Contains(world.Path("missing")));
  CHECK(Is(env.Open(world.Path("no/file"), OpenMode::kCreate).status(), Code::kNotFound));

  const auto file = CreateFile(env, world.Path("a"), "x");
  CHECK(Is(env.Open(world.Path("a"), OpenMode::kCreate).status(), Code::kExists));
  CHECK(Is(env.Open(world.Path("a/b"), OpenMode::kRead).status(), Code::kExists));
  CHECK(Is(env.Open(world.root(), OpenMode::kRead).status(), Code::kExists));
  CHECK(Is(env.Open(world.root(), OpenMode::kReadWrite).status(), Code::kExists));

  const auto reader = env.Open(world.Path("a"), OpenMode::kRead);
  REQUIRE(reader.ok());
  CHECK(Is(WriteAt(**reader, 0, "y"), Code::kIo));
  CHECK(ReadAt(**reader, 0, 9) == "x");
}

TEST_CASE("truncation cuts and extends with zeros") {
  World world(AnyFace());
  const auto file = CreateFile(world.env(), world.Path("a"), std::string(10'000, 'a'));
  REQUIRE(file->Truncate(5000).ok());
  CHECK(*file->Size() == 5000);
  REQUIRE(file->Truncate(6000).ok());
  CHECK(ReadAt(*file, 4990, 2000) == std::string(10, 'a') + std::string(1000, '\0'));
  REQUIRE(file->Truncate(0).ok());
  CHECK(*file->Size() == 0);
  REQUIRE(WriteAt(*file, 1, "b").ok());
  CHECK(ReadAt(*file, 0, 9) == std::string("\0b", 2));
}

TEST_CASE("directories are made, listed in order and removed when empty") {
  World world(AnyFace());
  Env& env = world.env();
  REQUIRE(env.CreateDir(world.Path("d")).ok());
  CHECK(Is(env.CreateDir(world.Path("d")), Code::kExists));
  CHECK(Is(env.CreateDir(world.Path("x/y")), Code::kNotFound));
  CHECK(env.ListDir(world.Path("d"))->empty());
  CreateFile(env, world.Path("d/zz"), "123");
  CreateFile(env, world.Path("d/B"));
  REQUIRE(env.CreateDir(world.Path("d/m")).ok());
  const auto entries = env.ListDir(world.Path("d"));
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 3);
  CHECK((*entries)[0].name == "B");
  CHECK((*entries)[0].size == 0);
  CHECK((*entries)[1].name == "m");
  CHECK((*entries)[1].is_directory);
  CHECK((*entries)[2].name == "zz");
  CHECK((*entries)[2].size == 3);
  CHECK_FALSE((*entries)[2].is_directory);

  CHECK(Is(env.RemoveDir(world.Path("d")), Code::kExists));
  CHECK(Is(env.RemoveDir(world.Path("d/zz")), Code::kExists));
  CHECK(Is(env.Remove(world.Path("d/m")), Code::kExists));
  CHECK(Is(env.ListDir(world.Path("d/zz")).status(), Code::kExists));
  CHECK(Is(env.ListDir(world.Path("q")).status(), Code::kNotFound));
  CHECK(Is(env.RemoveDir(world.Path("q")), Code::kNotFound));
  CHECK(*env.Exists(world.Path("d/m")));
  REQUIRE(env.RemoveDir(world.Path("d/m")).ok());
  CHECK_FALSE(*env.Exists(world.Path("d/m")));
  CHECK_FALSE(*env.Exists(world.Path("d/zz/below")));
  CHECK(env.SyncDir(world.Path("d")).ok());
  CHECK(Is(env.SyncDir(world.Path("q")), Code::kNotFound));
}

TEST_CASE("rename replaces atomically and open handles keep their file") {
  World world(AnyFace());
  Env& env = world.env();
  const auto old_file = CreateFile(env, world.Path("to"), "old");
  const auto new_file = CreateFile(env, world.Path("from"), "new");
  REQUIRE(env.Rename(world.Path("from"), world.Path("to")).ok());
  CHECK_FALSE(*env.Exists(world.Path("from")));
  CHECK(*ReadWholeFile(env, world.Path("to"), 100) == "new");
  CHECK(ReadAt(*old_file, 0, 9) == "old");
  REQUIRE(WriteAt(*new_file, 3, "er").ok());
  CHECK(*ReadWholeFile(env, world.Path("to"), 100) == "newer");
  CHECK(env.Rename(world.Path("to"), world.Path("to")).ok());

  REQUIRE(env.CreateDir(world.Path("d")).ok());
  REQUIRE(env.Rename(world.Path("to"), world.Path("d/moved")).ok());
  CHECK(*ReadWholeFile(env, world.Path("d/moved"), 100) == "newer");
  CHECK_FALSE(*env.Exists(world.Path("to")));

  const Status missing = env.Rename(world.Path("missing"), world.Path("x"));
  CHECK(Is(missing, Code::kNotFound));
  CHECK_THAT(Message(missing), Contains("missing"));
  CreateFile(env, world.Path("f"), "f");
  CHECK(Is(env.Rename(world.Path("f"), world.Path("d")), Code::kExists));
  CHECK(Is(env.Rename(world.Path("d"), world.Path("f")), Code::kExists));
  REQUIRE(env.CreateDir(world.Path("e")).ok());
  CHECK(Is(env.Rename(world.Path("e"), world.Path("d")), Code::kExists));
  REQUIRE(env.Rename(world.Path("d"), world.Path("e")).ok());
  CHECK(*ReadWholeFile(env, world.Path("e/moved"), 100) == "newer");
}

TEST_CASE("a removed file lives on in its handles") {
  World world(AnyFace());
  const auto file = CreateFile(world.env(), world.Path("a"), "still here");
  REQUIRE(world.env().Remove(world.Path("a")).ok());
  CHECK(Is(world.env().Remove(world.Path("a")), Code::kNotFound));
  CHECK(ReadAt(*file, 0, 100) == "still here");
  CreateFile(world.env(), world.Path("a"), "another");
  CHECK(ReadAt(*file, 0, 100) == "still here");
}

TEST_CASE("a lock excludes a second handle, names the holder and ends with its handle") {
  World world(AnyFace());
  Env& env = world.env();
  auto lock = env.Lock(world.Path("LOCK"));
  REQUIRE(lock.ok());
  const std::string content = *ReadWholeFile(env, world.Path("LOCK"), 100);
  const std::string pid = content.substr(0, content.find('\n'));
  CHECK(std::stoi(pid) > 0);
  for (int i = 0; i < 2; ++i) {
    const auto second = env.Lock(world.Path("LOCK"));
    CHECK(Is(second.status(), Code::kLocked));
    CHECK_THAT(Message(second.status()), Contains(world.Path("LOCK")) && Contains(pid));
  }
  CHECK(env.Lock(world.Path("OTHER")).ok());
  lock->reset();
  CHECK(env.Lock(world.Path("LOCK")).ok());
  CHECK(env.Lock(world.Path("LOCK")).ok());
  CHECK(Is(env.Lock(world.Path("no/LOCK")).status(), Code::kNotFound));
}

TEST_CASE("a batch reads what single reads read") {
  World world(AnyFace());
  const size_t op_count = GENERATE(0, 1, 2, 63, 64, 65, 300);
  base::Prng prng(op_count);
  const auto a = CreateFile(world.env(), world.Path("a"), prng.Bytes(100'000));
  const auto b = CreateFile(world.env(), world.Path("b"), prng.Bytes(777));
  std::vector<std::string> buffers(op_count);
  std::vector<ReadOp> ops(op_count);
  for (size_t i = 0; i < op_count; ++i) {
    buffers[i].assign(prng.Below(10) == 0 ? 0 : prng.Below(9000), '?');
    ops[i].file = prng.OneIn(2) ? a.get() : b.get();
    ops[i].offset = prng.Below(ops[i].file == a.get() ? 110'000 : 1000);
    ops[i].size = buffers[i].size();
    ops[i].buffer = buffers[i].data();
    ops[i].count = 12345;  // an out field: what is in it must not matter
    ops[i].status = base::Fail(Code::kIo, "left over");
  }
  world.env().ReadBatch(ops);
  for (size_t i = 0; i < op_count; ++i) {
    REQUIRE(ops[i].status.ok());
    const std::string expected = ReadAt(*ops[i].file, ops[i].offset, ops[i].size);
    REQUIRE(ops[i].count == expected.size());
    REQUIRE(buffers[i].substr(0, ops[i].count) == expected);
  }
}

TEST_CASE("threads run, are joined and see no signals") {
  World world(AnyFace());
  std::atomic<int> done{0};
  std::atomic<bool> blocked{true};
  {
    std::vector<std::unique_ptr<Env::Thread>> threads;
    for (int i = 0; i < 4; ++i) {
      threads.push_back(world.env().StartThread([&] {
        sigset_t mask;
        pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        for (const int signal : {SIGINT, SIGTERM, SIGALRM, SIGUSR1, SIGCHLD, SIGPIPE}) {
          if (sigismember(&mask, signal) != 1) blocked = false;
        }
        ++done;
      }));
      REQUIRE(threads.back() != nullptr);
    }
  }
  CHECK(done == 4);
  CHECK(blocked);
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  CHECK(sigismember(&mask, SIGTERM) == 0);
}

TEST_CASE("threads write to disjoint parts of one file") {
  World world(AnyFace());
  const auto file = CreateFile(world.env(), world.Path("a"));
  std::atomic<int> failures{0};
  {
    std::vector<std::unique_ptr<Env::Thread>> threads;
    for (int t = 0; t < 4; ++t) {
      threads.push_back(world.env().StartThread([&, t] {
        const std::string block(1000, static_cast<char>('a' + t));
        for (int i = 0; i < 50; ++i) {
          const uint64_t offset = static_cast<uint64_t>(i * 4 + t) * 1000;
          if (!WriteAt(*file, offset, block).ok()) ++failures;
        }
      }));
    }
  }
  CHECK(failures == 0);
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += std::string(1000, static_cast<char>('a' + i % 4));
  CHECK(ReadAt(*file, 0, 300'000) == expected);
}

TEST_CASE("whole files are read up to a bound") {
  World world(AnyFace());
  CreateFile(world.env(), world.Path("a"), "12345");
  CHECK(*ReadWholeFile(world.env(), world.Path("a"), 5) == "12345");
  const auto large = ReadWholeFile(world.env(), world.Path("a"), 4);
  CHECK(Is(large.status(), Code::kTooLarge));
  CHECK_THAT(Message(large.status()), Contains(world.Path("a")));
  CHECK(Is(ReadWholeFile(world.env(), world.Path("b"), 4).status(), Code::kNotFound));
}

TEST_CASE("a replaced file is the new one, and nothing else is left behind") {
  World world(AnyFace());
  Env& env = world.env();
  REQUIRE(ReplaceFile(env, world.root(), "JZSE", "one").ok());
  CHECK(*ReadWholeFile(env, world.Path("JZSE"), 100) == "one");
  CreateFile(env, world.Path("JZSE.new"), "half of an attempt that a crash ended");
  REQUIRE(ReplaceFile(env, world.root(), "JZSE", "two").ok());
  CHECK(*ReadWholeFile(env, world.Path("JZSE"), 100) == "two");
  CHECK(env.ListDir(world.root())->size() == 1);
  CHECK(Is(ReplaceFile(env, world.Path("missing"), "JZSE", "x"), Code::kNotFound));
}

TEST_CASE("clocks, entropy and free space answer") {
  World world(AnyFace());
  Env& env = world.env();
  CHECK(env.NowMicros() > 1'500'000'000'000'000);
  const int64_t before = env.MonotonicMicros();
  CHECK(env.MonotonicMicros() >= before);
  CHECK(env.Entropy() != env.Entropy());
  const auto free = env.FreeSpace(world.root());
  REQUIRE(free.ok());
  CHECK(*free > 0);
  CHECK(Is(env.FreeSpace(world.Path("missing")).status(), Code::kNotFound));
}

}  // namespace
}  // namespace jzse::io
