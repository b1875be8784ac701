// SPDX-License-Identifier: Apache-2.0
// One face of Env with a directory of its own that goes away with it.
#ifndef JZSE_TESTS_UNIT_IO_WORLD_H_
#define JZSE_TESTS_UNIT_IO_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "io/io.h"

namespace jzse::io {

enum class Face { kPlain, kUring, kSim, kRecording };

class World {
 public:
  explicit World(Face face);
  ~World();
  World(const World&) = delete;

  Env& env() { return *env_; }
  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  const std::string& root() const { return root_; }
  bool simulated() const { return face_ == Face::kSim || face_ == Face::kRecording; }

 private:
  const Face face_;
  std::unique_ptr<Env> inner_;  // under the recording one
  std::unique_ptr<Env> env_;
  std::string root_;
};

Status WriteAt(File& file, uint64_t offset, Bytes bytes);
Status WriteDurableAt(File& file, uint64_t offset, Bytes bytes);
std::string ReadAt(File& file, uint64_t offset, size_t size);  // fails the test on an error
// The file's new handle. Fails the test on an error.
std::unique_ptr<File> CreateFile(Env& env, const std::string& path, Bytes bytes = {});

}  // namespace jzse::io

#endif  // JZSE_TESTS_UNIT_IO_WORLD_H_
