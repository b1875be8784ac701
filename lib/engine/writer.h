// SPDX-License-Identifier: Apache-2.0
// Content on its way in: kept inline while it is small, cut into chunks and stored as it comes once it is not.
//
// Threads: one at a time.
#ifndef JZSE_ENGINE_WRITER_H_
#define JZSE_ENGINE_WRITER_H_

#include <memory>
#include <string>

#include "engine/operation.h"
#include "engine/store_impl.h"

namespace jzse::engine {

class WriterImpl : public Writer {
 public:
  WriterImpl(StoreImpl& store, std::unique_ptr<Operation> operation);

  ~WriterImpl() override;

  // After a failure the content has a hole, so every later call fails in the same way.
  Status Write(Bytes bytes) override;
  // The operation that puts the content in place. Once.
  StatusOr<std::unique_ptr<Operation>> Finish();

 private:
  Status WriteAll(Bytes bytes);
  Status Cut(Bytes* bytes, bool final);
  Status CutBuffer(bool final);
  Status StoreChunk(Bytes chunk);

  StoreImpl& store_;
  std::unique_ptr<Operation> operation_;
  std::string buffer_;
  uint64_t size_ = 0;
  Status written_;  // or the first failure
  store::ManifestBuilder manifest_;
};

}  // namespace jzse::engine

#endif  // JZSE_ENGINE_WRITER_H_
