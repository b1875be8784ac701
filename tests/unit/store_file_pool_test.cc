// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/sim_env.h"
#include "store/file_pool.h"

namespace jzse::store {
namespace {

constexpr size_t kOpenMax = 3, kFiles = 8;

struct World {
  World() {
    REQUIRE(env.CreateDir("/d").ok());
    for (size_t i = 0; i < kFiles; ++i) {
      const std::string path = Path(i);
      REQUIRE(env.Put(path, "content " + std::to_string(i)).ok());
      auto file = env.Open(path, io::OpenMode::kReadWrite);
      REQUIRE(file.ok());
      files.push_back(pool.Adopt(*std::move(file), path, io::OpenMode::kReadWrite));
    }
  }
  static std::string Path(size_t i) { return "/d/" + std::to_string(i); }
  std::string Read(size_t i) {
    char buffer[64];
    const auto count = files[i]->Read(0, sizeof buffer, buffer);
    return count.ok() ? std::string(buffer, *count) : std::string(count.status().message());
  }
  base::Status Write(size_t i, std::string_view bytes) {
    const base::Bytes part(bytes);
    return files[i]->Write(0, std::span(&part, 1));
  }

  io::SimEnv env;
  FilePool pool{env, kOpenMax};
  std::vector<std::unique_ptr<io::File>> files;
};

TEST_CASE("only so many files are open, and all can be read") {
  World world;
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < kFiles; ++i) {
      CHECK(world.Read(i) == "content " + std::to_string(i));
      CHECK(world.pool.open_count() <= kOpenMax + 1);
      CHECK(world.env.open_files() == world.pool.open_count());
    }
  }
  world.files.clear();
  CHECK(world.pool.open_count() == 0);
  CHECK(world.env.open_files() == 0);
}

TEST_CASE("a file with writes that are not synced stays open") {
  World world;
  for (size_t i = 0; i < kFiles; ++i) REQUIRE(world.Write(i, "changed " + std::to_string(i)).ok());
  for (int round = 0; round < 3; ++round)
    for (size_t i = 0; i < kFiles; ++i) CHECK(world.Read(i) == "changed " + std::to_string(i));
  CHECK(world.pool.open_count() == kFiles);
  for (size_t i = 0; i < kFiles; ++i) REQUIRE(world.files[i]->SyncData().ok());
  for (int round = 0; round < 3; ++round)
    for (size_t i = 0; i < kFiles; ++i) CHECK(world.Read(i) == "changed " + std::to_string(i));
  // Each opening makes room for itself; what was open before it is closed as others come.
  CHECK(world.pool.open_count() <= kFiles);
}

TEST_CASE("a file that cannot be opened again says so, and serves again when it can") {
  World world;
  for (size_t i = 0; i < kFiles; ++i) CHECK(world.Read(i).substr(0, 7) == "content");
  world.env.FailNth(static_cast<io::OpMask>(io::Op::kOpen), 1, base::Code::kBusy, true);
  size_t refused = 0;
  for (size_t i = 0; i < kFiles; ++i) {
    char buffer[64];
    const auto count = world.files[i]->Read(0, sizeof buffer, buffer);
    if (count.ok()) continue;
    CHECK(base::Is(count.status(), base::Code::kBusy));
    ++refused;
  }
  CHECK(refused > 0);
  world.env.ClearFaults();
  for (size_t i = 0; i < kFiles; ++i) CHECK(world.Read(i) == "content " + std::to_string(i));
}

TEST_CASE("whatever is asked of a file that cannot be opened again fails with that cause") {
  const base::Bytes part("bytes");
  char buffer[8];
  const std::function<base::Status(io::File&)> calls[] = {
      [&](io::File& file) { return file.Read(0, 8, buffer).status(); },
      [&](io::File& file) { return file.ReadCached(0, 8, buffer).status(); },
      [&](io::File& file) { return file.Write(0, std::span(&part, 1)); },
      [&](io::File& file) { return file.WriteDurable(0, std::span(&part, 1)); },
      [](io::File& file) { return file.WriteZeros(0, 4096); },
      [](io::File& file) { return file.SyncData(); },
      [](io::File& file) { return file.Size().status(); },
      [](io::File& file) { return file.Truncate(1); },
      [](io::File& file) { return file.Descriptor() < 0 ? base::Fail(base::Code::kBusy, "none") : base::Status(); },
  };
  for (const auto& call : calls) {
    World world;
    for (size_t i = 0; i < kFiles; ++i) CHECK(world.Read(i).substr(0, 7) == "content");
    world.env.FailNth(static_cast<io::OpMask>(io::Op::kOpen), 1, base::Code::kBusy, true);
    // The first ones are closed by now.
    CHECK(base::Is(call(*world.files[0]), base::Code::kBusy));
    world.files[0]->Prefetch(0, 8);  // nothing to be told of
    world.files[0]->StartWriteback(0, 8);
    world.files[0]->DropCache(0, 8);
    world.env.ClearFaults();
    CHECK(world.Read(0) == "content 0");
  }
}

}  // namespace
}  // namespace jzse::store
