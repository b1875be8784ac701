// SPDX-License-Identifier: Apache-2.0
// Content and metadata of files: put, writers, get, stat, readers, metadata.
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "capi/fd.h"
#include "capi/handles.h"

using jzse::base::Bytes;
using jzse::base::Code;
using jzse::base::Fail;
using jzse::base::Status;
using namespace jzse::capi;  // NOLINT: this file is the skin of that folder
namespace engine = jzse::engine;

struct jzse_metadata {
  jzse_metadata(jzse_store* s, engine::Attributes&& a)
      : count(s->handles, HandleKind::kMetadata), attributes(std::move(a)) {}
  HandleCount count;
  engine::Attributes attributes;
};

struct jzse_reader {
  jzse_reader(jzse_store* s, std::unique_ptr<engine::Reader> e)
      : store(s), count(s->handles, HandleKind::kReader), engine(std::move(e)) {}
  jzse_store* const store;
  HandleCount count;
  std::unique_ptr<engine::Reader> engine;
  uint64_t position = 0;  // of the next sequential read
};

namespace jzse::capi {

Status CheckSnapshot(const jzse_store* store, const jzse_snapshot* snapshot) {
  if (snapshot == nullptr || snapshot->store == store) return absl::OkStatus();
  return Fail(Code::kInvalid, "the snapshot belongs to another store");
}

StatusOr<engine::GetOptions> TakeGet(const jzse_store* store, const jzse_get_options* options) {
  engine::GetOptions get;
  if (options == nullptr) return get;
  JZSE_ASSIGN_OR_RETURN(const jzse_get_options given, Take(options));
  if (given.reserved != 0) return Fail(Code::kInvalid, "jzse_get_options.reserved must be 0");
  JZSE_RETURN_IF_ERROR(CheckSnapshot(store, given.snapshot));
  if (given.snapshot != nullptr) get.snapshot = given.snapshot->engine.get();
  get.version = given.version;
  return get;
}

namespace {

constexpr size_t kPieceSize = 1 * base::kMiB;

StatusOr<engine::FileInfo> CommitWriter(engine::Store& engine, std::unique_ptr<engine::Writer> writer) {
  engine::Transaction transaction;
  JZSE_RETURN_IF_ERROR(engine.AddWriter(transaction, std::move(writer)));
  return engine.Commit(std::move(transaction));
}

StatusOr<engine::FileInfo> PutBytes(engine::Store& engine, const char* ns, const char* path, Bytes bytes,
                                    const engine::PutOptions& options) {
  engine::Transaction transaction;
  JZSE_RETURN_IF_ERROR(engine.AddPut(transaction, ns, path, bytes, /*copy=*/false, options));
  return engine.Commit(std::move(transaction));
}

// What fits one piece is put at once, which is cheaper; anything larger goes through a writer.
StatusOr<engine::FileInfo> PutDescriptor(engine::Store& engine, const char* ns, const char* path, int fd,
                                         const engine::PutOptions& options) {
  const std::unique_ptr<char[]> buffer(new char[kPieceSize]);
  JZSE_ASSIGN_OR_RETURN(size_t size, ReadFull(fd, buffer.get(), kPieceSize));
  if (size < kPieceSize) return PutBytes(engine, ns, path, {buffer.get(), size}, options);
  JZSE_ASSIGN_OR_RETURN(auto writer, engine.OpenWriter(ns, path, options));
  while (size > 0) {
    JZSE_RETURN_IF_ERROR(writer->Write({buffer.get(), size}));
    JZSE_ASSIGN_OR_RETURN(size, ReadFull(fd, buffer.get(), kPieceSize));
  }
  return CommitWriter(engine, std::move(writer));
}

}  // namespace
}  // namespace jzse::capi

// ---- put

int jzse_put(jzse_store* store, const char* ns, const char* path, const void* data, size_t size,
             const jzse_put_options* options, jzse_file_info* info, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const Bytes bytes, TakeBytes(data, size));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found, PutBytes(engine, ns, path, bytes, put));
    Give(FileInfoOf(found), info);
    return absl::OkStatus();
  });
}

int jzse_put_fd(jzse_store* store, const char* ns, const char* path, int fd, const jzse_put_options* options,
                jzse_file_info* info, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found, PutDescriptor(engine, ns, path, fd, put));
    Give(FileInfoOf(found), info);
    return absl::OkStatus();
  });
}

int jzse_writer_open(jzse_store* store, const char* ns, const char* path, const jzse_put_options* options,
                     jzse_writer** writer, jzse_error* error) {
  if (writer != nullptr) *writer = nullptr;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {writer, "writer"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    JZSE_ASSIGN_OR_RETURN(auto opened, engine.OpenWriter(ns, path, put));
    *writer = new jzse_writer(store, std::move(opened));
    return absl::OkStatus();
  });
}

int jzse_writer_write(jzse_writer* writer, const void* data, size_t size, jzse_error* error) {
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need(writer, "writer"));
    JZSE_ASSIGN_OR_RETURN(const Bytes bytes, TakeBytes(data, size));
    return writer->engine->Write(bytes);
  });
}

int jzse_writer_commit(jzse_writer* writer, jzse_file_info* info, jzse_error* error) {
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need(writer, "writer"));
    const std::unique_ptr<jzse_writer> gone(writer);
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found,
                          CommitWriter(*gone->store->engine, std::move(gone->engine)));
    Give(FileInfoOf(found), info);
    return absl::OkStatus();
  });
}

void jzse_writer_abort(jzse_writer* writer) { delete writer; }

// ---- get

int jzse_get(jzse_store* store, const char* ns, const char* path, const jzse_get_options* options, void** data,
             size_t* size, jzse_file_info* info, jzse_error* error) {
  if (data != nullptr) *data = nullptr;
  if (size != nullptr) *size = 0;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {data, "data"}, {size, "size"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::GetOptions get, TakeGet(store, options));
    jzse::base::Buffer content;
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found, engine.Read(ns, path, get, &content, nullptr));
    if (info != nullptr) Give(FileInfoOf(found), info);
    *size = content.size();
    *data = content.Release();
    return absl::OkStatus();
  });
}

int jzse_get_into(jzse_store* store, const char* ns, const char* path, const jzse_get_options* options,
                  jzse_place_fn place, void* context, jzse_file_info* info, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {reinterpret_cast<const void*>(place), "place"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::GetOptions get, TakeGet(store, options));
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found, engine.ReadInto(ns, path, get, [&](uint64_t size) {
      return static_cast<char*>(place(context, size));
    }));
    Give(FileInfoOf(found), info);
    return absl::OkStatus();
  });
}

int jzse_get_range(jzse_store* store, const char* ns, const char* path, const jzse_get_options* options,
                   uint64_t offset, void* buffer, size_t size, size_t* count, jzse_error* error) {
  if (count != nullptr) *count = 0;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {buffer, "buffer"}, {count, "count"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::GetOptions get, TakeGet(store, options));
    JZSE_ASSIGN_OR_RETURN(*count, engine.ReadRange(ns, path, get, offset, static_cast<char*>(buffer), size));
    return absl::OkStatus();
  });
}

int jzse_stat(jzse_store* store, const char* ns, const char* path, const jzse_get_options* options,
              jzse_file_info* info, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {info, "info"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::GetOptions get, TakeGet(store, options));
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found, engine.Stat(ns, path, get));
    Give(FileInfoOf(found), info);
    return absl::OkStatus();
  });
}

// ---- metadata

int jzse_metadata_open(jzse_store* store, const char* ns, const char* path, const jzse_get_options* options,
                       jzse_metadata** metadata, jzse_error* error) {
  if (metadata != nullptr) *metadata = nullptr;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {metadata, "metadata"}}));
    JZSE_ASSIGN_OR_RETURN(const engine::GetOptions get, TakeGet(store, options));
    engine::Attributes attributes;
    JZSE_RETURN_IF_ERROR(engine.Read(ns, path, get, nullptr, &attributes).status());
    *metadata = new jzse_metadata(store, std::move(attributes));
    return absl::OkStatus();
  });
}

const char* jzse_metadata_content_type(const jzse_metadata* metadata) {
  return metadata == nullptr ? "" : metadata->attributes.content_type.c_str();
}

size_t jzse_metadata_count(const jzse_metadata* metadata) {
  return metadata == nullptr ? 0 : metadata->attributes.metadata.size();
}

jzse_pair jzse_metadata_pair(const jzse_metadata* metadata, size_t i) {
  if (i >= jzse_metadata_count(metadata)) return {nullptr, nullptr};
  const auto& [key, value] = metadata->attributes.metadata[i];
  return {key.c_str(), value.c_str()};
}

void jzse_metadata_close(jzse_metadata* metadata) { delete metadata; }

int jzse_metadata_set(jzse_store* store, const char* ns, const char* path, const jzse_put_options* options,
                      jzse_file_info* info, jzse_error* error) {
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::PutOptions put, TakePut(options));
    engine::Transaction transaction;
    JZSE_RETURN_IF_ERROR(engine.AddSetAttributes(transaction, ns, path, put));
    JZSE_ASSIGN_OR_RETURN(const engine::FileInfo found, engine.Commit(std::move(transaction)));
    Give(FileInfoOf(found), info);
    return absl::OkStatus();
  });
}

// ---- readers

int jzse_reader_open(jzse_store* store, const char* ns, const char* path, const jzse_get_options* options,
                     jzse_reader** reader, jzse_file_info* info, jzse_error* error) {
  if (reader != nullptr) *reader = nullptr;
  return EnterStore(store, error, [&](engine::Store& engine) -> Status {
    JZSE_RETURN_IF_ERROR(Need({{ns, "ns"}, {path, "path"}, {reader, "reader"}}));
    JZSE_RETURN_IF_ERROR(CheckResult(info));
    JZSE_ASSIGN_OR_RETURN(const engine::GetOptions get, TakeGet(store, options));
    JZSE_ASSIGN_OR_RETURN(auto opened, engine.OpenReader(ns, path, get));
    *reader = new jzse_reader(store, std::move(opened));
    Give(FileInfoOf((*reader)->engine->info()), info);
    return absl::OkStatus();
  });
}

int jzse_reader_read(jzse_reader* reader, void* buffer, size_t size, size_t* count, jzse_error* error) {
  const int code = jzse_reader_read_at(reader, reader == nullptr ? 0 : reader->position, buffer, size, count, error);
  if (code == JZSE_OK) reader->position += *count;
  return code;
}

int jzse_reader_read_at(jzse_reader* reader, uint64_t offset, void* buffer, size_t size, size_t* count,
                        jzse_error* error) {
  if (count != nullptr) *count = 0;
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{reader, "reader"}, {buffer, "buffer"}, {count, "count"}}));
    JZSE_ASSIGN_OR_RETURN(*count, reader->engine->ReadAt(offset, static_cast<char*>(buffer), size));
    return absl::OkStatus();
  });
}

namespace {

StatusOr<engine::Reader::Waits> TakeWaits(uint32_t flags) {
  using Waits = engine::Reader::Waits;
  if ((flags & ~uint32_t{JZSE_SPAN_CACHED | JZSE_SPAN_LOCATED}) != 0) return Fail(Code::kUnsupported, "unknown flags");
  if ((flags & JZSE_SPAN_LOCATED) != 0) return Waits::kNothing;
  return (flags & JZSE_SPAN_CACHED) != 0 ? Waits::kIndex : Waits::kAll;
}

}  // namespace

int jzse_reader_span(jzse_reader* reader, uint64_t offset, uint32_t flags, const void** data, size_t* size,
                     jzse_error* error) {
  if (data != nullptr) *data = nullptr;
  if (size != nullptr) *size = 0;
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{reader, "reader"}, {data, "data"}, {size, "size"}}));
    JZSE_ASSIGN_OR_RETURN(const auto waits, TakeWaits(flags));
    JZSE_ASSIGN_OR_RETURN(const Bytes span, reader->engine->Span(offset, waits));
    *data = span.data();
    *size = span.size();
    return absl::OkStatus();
  });
}

int jzse_reader_metadata(jzse_reader* reader, jzse_metadata** metadata, jzse_error* error) {
  if (metadata != nullptr) *metadata = nullptr;
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{reader, "reader"}, {metadata, "metadata"}}));
    *metadata = new jzse_metadata(reader->store, engine::Attributes(reader->engine->attributes()));
    return absl::OkStatus();
  });
}

int jzse_reader_extents(jzse_reader* reader, uint64_t offset, jzse_extent* extents, size_t max, size_t* count,
                        jzse_error* error) {
  if (count != nullptr) *count = 0;
  return Enter(error, [&]() -> Status {
    JZSE_RETURN_IF_ERROR(Need({{reader, "reader"}, {extents, "extents"}, {count, "count"}}));
    std::vector<engine::Extent> found;
    JZSE_RETURN_IF_ERROR(reader->engine->Extents(offset, max, &found));
    for (size_t i = 0; i < found.size() && i < max; ++i) {
      extents[i] = {found[i].fd, 0, found[i].offset, found[i].length};
      *count = i + 1;
    }
    return absl::OkStatus();
  });
}

void jzse_reader_close(jzse_reader* reader) { delete reader; }
