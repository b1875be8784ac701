// SPDX-License-Identifier: Apache-2.0
#include "io_world.h"

#include <stdlib.h>

#include <catch2/catch.hpp>

#include "io/recording_env.h"
#include "io/sim_env.h"

namespace jzse::io {
namespace {

void RemoveTree(Env& env, const std::string& path) {
  const auto entries = env.ListDir(path);
  if (!entries.ok()) return;
  for (const DirEntry& entry : *entries) {
    const std::string child = path + "/" + entry.name;
    if (entry.is_directory) {
      RemoveTree(env, child);
    } else {
      env.Remove(child).IgnoreError();
    }
  }
  env.RemoveDir(path).IgnoreError();
}

}  // namespace

World::World(Face face) : face_(face) {
  if (simulated()) {
    env_ = std::make_unique<SimEnv>();
    root_ = "/world";
    REQUIRE(env_->CreateDir(root_).ok());
  } else {
    env_ = NewLinuxEnv({.uring = face == Face::kUring});
    const char* parent = getenv("TMPDIR");
    root_ = std::string(parent == nullptr ? "/tmp" : parent) + "/jzse-io-XXXXXX";
    REQUIRE(mkdtemp(root_.data()) != nullptr);
  }
  if (face == Face::kRecording) {
    inner_ = std::move(env_);
    env_ = std::make_unique<RecordingEnv>(*inner_, [](const Record&) {});
  }
}

World::~World() { RemoveTree(*env_, root_); }

Status WriteAt(File& file, uint64_t offset, Bytes bytes) {
  const Bytes parts[] = {bytes};
  return file.Write(offset, parts);
}

Status WriteDurableAt(File& file, uint64_t offset, Bytes bytes) {
  const Bytes parts[] = {bytes};
  return file.WriteDurable(offset, parts);
}

std::string ReadAt(File& file, uint64_t offset, size_t size) {
  std::string bytes(size, '?');
  const auto count = file.Read(offset, size, bytes.data());
  REQUIRE(count.ok());
  REQUIRE(*count <= size);
  bytes.resize(*count);
  return bytes;
}

std::unique_ptr<File> CreateFile(Env& env, const std::string& path, Bytes bytes) {
  auto file = env.Open(path, OpenMode::kCreate);
  REQUIRE(file.ok());
  REQUIRE(WriteAt(**file, 0, bytes).ok());
  return std::move(*file);
}

}  // namespace jzse::io
