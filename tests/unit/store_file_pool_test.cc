// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
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

}  // namespace
}  // namespace jzse::store
