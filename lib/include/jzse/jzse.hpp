// SPDX-License-Identifier: Apache-2.0
// jzse.hpp - jzse.h for C++17 and later: handles that close themselves, results instead of codes, ranges instead of
// cursors. Header-only over jzse.h, which is the manual: what a call does, and when it fails, stands there.
//
//   auto store = jzse::Store::Open("photos", JZSE_OPEN_CREATE);
//   if (!store) return Complain(store.error().message());
//   jzse::Namespace files = (*store)["default"];
//   if (auto put = files.Put("2026/sea.jpg", bytes); !put) return Complain(put.error().message());
//   auto list = files.List({});
//   for (const jzse_list_entry& entry : *list) std::puts(entry.path);
//
// Nothing here throws, except what std::string and std::vector throw without memory. Options and reports are the
// structs of jzse.h, initialised. Moved-from objects may only be destroyed or assigned to. Handles must be gone before
// their Store closes. Threads: as in jzse.h.
#ifndef JZSE_JZSE_HPP_
#define JZSE_JZSE_HPP_

#include <jzse/jzse.h>

#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jzse {
inline namespace v0 {

// ---- results

class Error {
 public:
  Error() = default;
  Error(int code, std::string message) : code_(code), message_(std::move(message)) {}
  int code() const { return code_; }                                // JZSE_*
  const char* name() const { return jzse_code_name(code_); }
  const std::string& message() const { return message_; }

 private:
  int code_ = JZSE_OK;
  std::string message_;
};

// A value or an error. Asking a failed result for its value ends the program: it is a bug of the caller.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }
  int code() const { return ok() ? JZSE_OK : std::get_if<1>(&state_)->code(); }
  const Error& error() const {
    if (ok()) std::abort();
    return *std::get_if<1>(&state_);
  }

  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Result*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->Checked(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->Checked(); }

 private:
  T& Checked() {
    if (!ok()) std::abort();
    return *std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return ok(); }
  bool ok() const { return !error_.has_value(); }
  int code() const { return ok() ? JZSE_OK : error_->code(); }
  const Error& error() const {
    if (ok()) std::abort();
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

// ---- options and reports: the structs of jzse.h with their initial values

template <typename T>
T Initial() {
  T value = T();
  value.struct_size = sizeof(T);
  return value;
}

struct Options : jzse_options {
  Options() : jzse_options(Initial<jzse_options>()) {}
  Options(uint32_t open_flags) : Options() { flags = open_flags; }
};
struct PutOptions : jzse_put_options {
  PutOptions() : jzse_put_options(Initial<jzse_put_options>()) {}
};
struct GetOptions : jzse_get_options {
  GetOptions() : jzse_get_options(Initial<jzse_get_options>()) {}
};
struct ListOptions : jzse_list_options {
  ListOptions() : jzse_list_options(Initial<jzse_list_options>()) {}
};
struct ChangeOptions : jzse_change_options {
  ChangeOptions() : jzse_change_options(Initial<jzse_change_options>()) {}
  ChangeOptions(uint32_t change_flags) : ChangeOptions() { flags = change_flags; }
};
struct FeedOptions : jzse_feed_options {
  FeedOptions() : jzse_feed_options(Initial<jzse_feed_options>()) {}
};
struct VerifyOptions : jzse_verify_options {
  VerifyOptions() : jzse_verify_options(Initial<jzse_verify_options>()) {}
};
struct CompactOptions : jzse_compact_options {
  CompactOptions() : jzse_compact_options(Initial<jzse_compact_options>()) {}
};
struct ArchiveOptions : jzse_archive_options {
  ArchiveOptions() : jzse_archive_options(Initial<jzse_archive_options>()) {}
};
struct NamespaceConfig : jzse_namespace_config {
  NamespaceConfig() : jzse_namespace_config(Defaults()) {}

 private:
  static jzse_namespace_config Defaults() {
    jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
    return config;
  }
};

using FileInfo = jzse_file_info;
using Stats = jzse_stats;

// ---- inside

namespace detail {

// A C string of the caller's. One with a NUL inside would be cut silently; it becomes a name that is refused.
class Text {
 public:
  Text(const char* text) : text_(text) {}
  Text(const std::string& text) : text_(text.find('\0') == std::string::npos ? text.c_str() : "\x01") {}
  const char* c_str() const { return text_; }

 private:
  const char* text_;
};

template <typename T, void (*kClose)(T*)>
struct Closer {
  void operator()(T* handle) const { kClose(handle); }
};
template <typename T, void (*kClose)(T*)>
using Handle = std::unique_ptr<T, Closer<T, kClose>>;

inline void CloseStore(jzse_store* store) { jzse_store_close(store, nullptr); }

class Failure {
 public:
  jzse_error* out() { return &error_; }
  Error Make(int code) const { return Error(code, error_.message); }

 private:
  jzse_error error_ = Initial<jzse_error>();
};

// Calls `call(error)`; its code becomes a result.
template <typename Call>
Result<void> Run(Call&& call) {
  Failure failure;
  const int code = call(failure.out());
  if (code == JZSE_OK) return {};
  return failure.Make(code);
}
// Calls `call(&value, error)` with a value to fill, which is the result.
template <typename T, typename Call>
Result<T> Fill(T value, Call&& call) {
  Failure failure;
  const int code = call(&value, failure.out());
  if (code == JZSE_OK) return value;
  return failure.Make(code);
}
// Calls `call(&handle, error)`; Owner is built from the handle.
template <typename Owner, typename T, typename Call>
Result<Owner> Open(Call&& call) {
  Failure failure;
  T* handle = nullptr;
  const int code = call(&handle, failure.out());
  if (code == JZSE_OK) return Owner(handle);
  return failure.Make(code);
}

}  // namespace detail

// ---- contents

// Memory that the library allocated.
class Blob {
 public:
  Blob() = default;
  Blob(void* data, size_t size) : data_(data), size_(size) {}
  const char* data() const { return static_cast<const char*>(data_.get()); }
  size_t size() const { return size_; }
  std::string_view view() const { return {data(), size_}; }
  std::string str() const { return std::string(view()); }

 private:
  std::unique_ptr<void, detail::Closer<void, jzse_free>> data_;
  size_t size_ = 0;
};

class Reader {
 public:
  explicit Reader(jzse_reader* reader) : handle_(reader) {}
  // The next up to `size` bytes; 0 at the end.
  Result<size_t> Read(void* buffer, size_t size) {
    return detail::Fill(size_t{0}, [&](size_t* count, jzse_error* error) {
      return jzse_reader_read(handle_.get(), buffer, size, count, error);
    });
  }
  Result<size_t> ReadAt(uint64_t offset, void* buffer, size_t size) {
    return detail::Fill(size_t{0}, [&](size_t* count, jzse_error* error) {
      return jzse_reader_read_at(handle_.get(), offset, buffer, size, count, error);
    });
  }
  Result<std::vector<jzse_extent>> Extents(uint64_t offset, size_t max) {
    std::vector<jzse_extent> extents(max);
    size_t count = 0;
    auto done = detail::Run([&](jzse_error* error) {
      return jzse_reader_extents(handle_.get(), offset, extents.data(), max, &count, error);
    });
    if (!done) return done.error();
    extents.resize(count);
    return extents;
  }
  jzse_reader* get() const { return handle_.get(); }

 private:
  detail::Handle<jzse_reader, jzse_reader_close> handle_;
};

// Abandons the content unless it is committed.
class Writer {
 public:
  explicit Writer(jzse_writer* writer) : handle_(writer) {}
  Result<void> Write(std::string_view bytes) {
    return detail::Run([&](jzse_error* error) {
      return jzse_writer_write(handle_.get(), bytes.data(), bytes.size(), error);
    });
  }
  Result<FileInfo> Commit() {
    return detail::Fill(Initial<FileInfo>(), [&](FileInfo* info, jzse_error* error) {
      return jzse_writer_commit(handle_.release(), info, error);
    });
  }
  jzse_writer* get() const { return handle_.get(); }
  jzse_writer* release() { return handle_.release(); }

 private:
  detail::Handle<jzse_writer, jzse_writer_abort> handle_;
};

struct Metadata {
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> pairs;
};

// ---- listings

// A listing, once through: `for (const jzse_list_entry& entry : list)`, and then list.error(): a listing that failed
// ends early.
class List {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = jzse_list_entry;
    using difference_type = std::ptrdiff_t;
    using pointer = const jzse_list_entry*;
    using reference = const jzse_list_entry&;

    Iterator() = default;
    explicit Iterator(List* list) : list_(list) { ++*this; }
    reference operator*() const { return *entry_; }
    pointer operator->() const { return entry_; }
    Iterator& operator++() {
      entry_ = list_->Next();
      return *this;
    }
    bool operator==(const Iterator& other) const { return entry_ == other.entry_; }
    bool operator!=(const Iterator& other) const { return entry_ != other.entry_; }

   private:
    List* list_ = nullptr;
    const jzse_list_entry* entry_ = nullptr;
  };

  explicit List(jzse_list* list) : handle_(list) {}
  Iterator begin() { return Iterator(this); }
  Iterator end() { return Iterator(); }
  // The next entry, valid until the next call; null at the end or after a failure.
  const jzse_list_entry* Next() {
    const jzse_list_entry* entry = nullptr;
    detail::Failure failure;
    const int code = jzse_list_next(handle_.get(), &entry, failure.out());
    if (code != JZSE_OK) error_ = failure.Make(code);
    return entry;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  detail::Handle<jzse_list, jzse_list_close> handle_;
  std::optional<Error> error_;
};

// ---- a namespace, as a view of a store

class Namespace {
 public:
  Namespace(jzse_store* store, std::string name) : store_(store), name_(std::move(name)) {}
  const std::string& name() const { return name_; }

  Result<FileInfo> Put(detail::Text path, std::string_view bytes, const PutOptions& options = {}) const {
    return Info([&](FileInfo* info, jzse_error* error) {
      return jzse_put(store_, ns(), path.c_str(), bytes.data(), bytes.size(), &options, info, error);
    });
  }
  Result<FileInfo> PutDescriptor(detail::Text path, int fd, const PutOptions& options = {}) const {
    return Info([&](FileInfo* info, jzse_error* error) {
      return jzse_put_fd(store_, ns(), path.c_str(), fd, &options, info, error);
    });
  }
  Result<Writer> OpenWriter(detail::Text path, const PutOptions& options = {}) const {
    return detail::Open<Writer, jzse_writer>([&](jzse_writer** writer, jzse_error* error) {
      return jzse_writer_open(store_, ns(), path.c_str(), &options, writer, error);
    });
  }

  Result<Blob> Get(detail::Text path, const GetOptions& options = {}, FileInfo* info = nullptr) const {
    void* data = nullptr;
    size_t size = 0;
    auto done = detail::Run([&](jzse_error* error) {
      return jzse_get(store_, ns(), path.c_str(), &options, &data, &size, info, error);
    });
    if (!done) return done.error();
    return Blob(data, size);
  }
  Result<size_t> GetRange(detail::Text path, uint64_t offset, void* buffer, size_t size,
                          const GetOptions& options = {}) const {
    return detail::Fill(size_t{0}, [&](size_t* count, jzse_error* error) {
      return jzse_get_range(store_, ns(), path.c_str(), &options, offset, buffer, size, count, error);
    });
  }
  Result<Reader> OpenReader(detail::Text path, const GetOptions& options = {}, FileInfo* info = nullptr) const {
    return detail::Open<Reader, jzse_reader>([&](jzse_reader** reader, jzse_error* error) {
      return jzse_reader_open(store_, ns(), path.c_str(), &options, reader, info, error);
    });
  }
  Result<FileInfo> Stat(detail::Text path, const GetOptions& options = {}) const {
    return Info([&](FileInfo* info, jzse_error* error) {
      return jzse_stat(store_, ns(), path.c_str(), &options, info, error);
    });
  }
  Result<Metadata> GetMetadata(detail::Text path, const GetOptions& options = {}) const {
    jzse_metadata* opened = nullptr;
    auto done = detail::Run([&](jzse_error* error) {
      return jzse_metadata_open(store_, ns(), path.c_str(), &options, &opened, error);
    });
    if (!done) return done.error();
    const detail::Handle<jzse_metadata, jzse_metadata_close> handle(opened);
    Metadata metadata;
    metadata.content_type = jzse_metadata_content_type(opened);
    for (size_t i = 0; i < jzse_metadata_count(opened); ++i) {
      const jzse_pair pair = jzse_metadata_pair(opened, i);
      metadata.pairs.emplace_back(pair.key, pair.value);
    }
    return metadata;
  }
  Result<FileInfo> SetMetadata(detail::Text path, const PutOptions& options) const {
    return Info([&](FileInfo* info, jzse_error* error) {
      return jzse_metadata_set(store_, ns(), path.c_str(), &options, info, error);
    });
  }

  Result<v0::List> List(const ListOptions& options) const {
    return detail::Open<v0::List, jzse_list>([&](jzse_list** list, jzse_error* error) {
      return jzse_list_open(store_, ns(), &options, list, error);
    });
  }
  Result<v0::List> Versions(detail::Text path, const GetOptions& options = {}) const {
    return detail::Open<v0::List, jzse_list>([&](jzse_list** list, jzse_error* error) {
      return jzse_versions_open(store_, ns(), path.c_str(), &options, list, error);
    });
  }
  Result<FileInfo> RestoreVersion(detail::Text path, uint64_t version) const {
    return Info([&](FileInfo* info, jzse_error* error) {
      return jzse_version_restore(store_, ns(), path.c_str(), version, info, error);
    });
  }
  Result<void> DeleteVersion(detail::Text path, uint64_t version) const {
    return detail::Run([&](jzse_error* error) {
      return jzse_version_delete(store_, ns(), path.c_str(), version, error);
    });
  }

  Result<void> Delete(detail::Text path, const ChangeOptions& options = {}) const {
    return detail::Run(
        [&](jzse_error* error) { return jzse_delete(store_, ns(), path.c_str(), &options, error); });
  }
  Result<FileInfo> Copy(detail::Text path, const Namespace& to, detail::Text to_path,
                        const ChangeOptions& options = {}) const {
    return Info([&](FileInfo* info, jzse_error* error) {
      return jzse_copy(store_, ns(), path.c_str(), to.ns(), to_path.c_str(), &options, info, error);
    });
  }
  Result<void> Move(detail::Text path, detail::Text to_path, const ChangeOptions& options = {}) const {
    return detail::Run([&](jzse_error* error) {
      return jzse_move(store_, ns(), path.c_str(), to_path.c_str(), &options, error);
    });
  }
  Result<void> MakeDirectory(detail::Text path, const PutOptions& options = {}) const {
    return detail::Run([&](jzse_error* error) { return jzse_mkdir(store_, ns(), path.c_str(), &options, error); });
  }

  Result<jzse_archive_report> Export(int fd, const ArchiveOptions& options = {}) const {
    return detail::Fill(Initial<jzse_archive_report>(), [&](jzse_archive_report* report, jzse_error* error) {
      return jzse_archive_export(store_, ns(), fd, &options, report, error);
    });
  }
  Result<jzse_archive_report> Import(int fd, const ArchiveOptions& options = {}) const {
    return detail::Fill(Initial<jzse_archive_report>(), [&](jzse_archive_report* report, jzse_error* error) {
      return jzse_archive_import(store_, ns(), fd, &options, report, error);
    });
  }

 private:
  const char* ns() const { return detail::Text(name_).c_str(); }
  template <typename Call>
  static Result<FileInfo> Info(Call&& call) {
    return detail::Fill(Initial<FileInfo>(), call);
  }
  jzse_store* store_;
  std::string name_;
};

// ---- groups, snapshots, feeds

// Changes that happen together or not at all; aborted unless committed.
class Group {
 public:
  explicit Group(jzse_group* group) : handle_(group) {}
  Result<void> Put(detail::Text ns, detail::Text path, std::string_view bytes, const PutOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_group_put(handle_.get(), ns.c_str(), path.c_str(), bytes.data(), bytes.size(), &options, error);
    });
  }
  Result<void> Add(Writer writer) {
    return detail::Run(
        [&](jzse_error* error) { return jzse_group_add_writer(handle_.get(), writer.release(), error); });
  }
  Result<void> Delete(detail::Text ns, detail::Text path, const ChangeOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_group_delete(handle_.get(), ns.c_str(), path.c_str(), &options, error);
    });
  }
  Result<void> Move(detail::Text ns, detail::Text path, detail::Text to_path, const ChangeOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_group_move(handle_.get(), ns.c_str(), path.c_str(), to_path.c_str(), &options, error);
    });
  }
  Result<void> Copy(detail::Text ns, detail::Text path, detail::Text to_ns, detail::Text to_path,
                    const ChangeOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_group_copy(handle_.get(), ns.c_str(), path.c_str(), to_ns.c_str(), to_path.c_str(), &options,
                             error);
    });
  }
  Result<void> MakeDirectory(detail::Text ns, detail::Text path, const PutOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_group_mkdir(handle_.get(), ns.c_str(), path.c_str(), &options, error);
    });
  }
  Result<void> Commit() {
    return detail::Run([&](jzse_error* error) { return jzse_group_commit(handle_.release(), error); });
  }
  jzse_group* get() const { return handle_.get(); }
  jzse_group* release() { return handle_.release(); }

 private:
  detail::Handle<jzse_group, jzse_group_abort> handle_;
};

class Snapshot {
 public:
  explicit Snapshot(jzse_snapshot* snapshot) : handle_(snapshot) {}
  uint64_t sequence() const { return jzse_snapshot_sequence(handle_.get()); }
  jzse_snapshot* get() const { return handle_.get(); }  // for GetOptions, ListOptions and ArchiveOptions

 private:
  detail::Handle<jzse_snapshot, jzse_snapshot_close> handle_;
};

class Feed {
 public:
  explicit Feed(jzse_feed* feed) : handle_(feed) {}
  // The next change, valid until the next call; null when the time is over. -1 waits for ever, 0 polls.
  Result<const jzse_change*> Next(int timeout_ms) {
    using Change = const jzse_change*;
    return detail::Fill(Change{nullptr}, [&](Change* change, jzse_error* error) {
      return jzse_feed_next(handle_.get(), timeout_ms, change, error);
    });
  }
  void Cancel() { jzse_feed_cancel(handle_.get()); }  // from any thread

 private:
  detail::Handle<jzse_feed, jzse_feed_close> handle_;
};

// Calls a function for every change, on a thread of the library, until it answers false or this is destroyed.
class Watch {
 public:
  using Each = std::function<bool(const jzse_change&)>;
  Watch(std::unique_ptr<Each> each, jzse_watch* watch) : each_(std::move(each)), handle_(watch) {}
  static int Call(void* context, const jzse_change* change) {
    return (*static_cast<Each*>(context))(*change) ? 0 : 1;
  }

 private:
  std::unique_ptr<Each> each_;  // outlives the thread, which the handle's closing ends
  detail::Handle<jzse_watch, jzse_watch_stop> handle_;
};

// ---- async

struct Completion {
  uint64_t tag = 0;
  int code = JZSE_OK;
  std::string message;
  FileInfo info = Initial<FileInfo>();
  Blob content;  // of a get
};

class Queue {
 public:
  explicit Queue(jzse_queue* queue) : handle_(queue) {}
  int descriptor() const { return jzse_queue_fd(handle_.get()); }
  jzse_queue* get() const { return handle_.get(); }  // for the jzse_*_async calls without a method here

  Result<void> Put(uint64_t tag, detail::Text ns, detail::Text path, std::string_view bytes,
                   const PutOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_put_async(handle_.get(), tag, ns.c_str(), path.c_str(), bytes.data(), bytes.size(), &options,
                            error);
    });
  }
  Result<void> Get(uint64_t tag, detail::Text ns, detail::Text path, const GetOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_get_async(handle_.get(), tag, ns.c_str(), path.c_str(), &options, error);
    });
  }
  Result<void> Stat(uint64_t tag, detail::Text ns, detail::Text path, const GetOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_stat_async(handle_.get(), tag, ns.c_str(), path.c_str(), &options, error);
    });
  }
  Result<void> Delete(uint64_t tag, detail::Text ns, detail::Text path, const ChangeOptions& options = {}) {
    return detail::Run([&](jzse_error* error) {
      return jzse_delete_async(handle_.get(), tag, ns.c_str(), path.c_str(), &options, error);
    });
  }
  // Take the writer or group over; when the submission is refused it is still the caller's.
  Result<void> Commit(uint64_t tag, Writer& writer) {
    auto done = detail::Run([&](jzse_error* error) {
      return jzse_writer_commit_async(handle_.get(), tag, writer.get(), error);
    });
    if (done) writer.release();
    return done;
  }
  Result<void> Commit(uint64_t tag, Group& group) {
    auto done = detail::Run([&](jzse_error* error) {
      return jzse_group_commit_async(handle_.get(), tag, group.get(), error);
    });
    if (done) group.release();
    return done;
  }
  // Up to `max` completions, waiting for the first; empty when the time is over.
  Result<std::vector<Completion>> Reap(size_t max, int timeout_ms) {
    std::vector<jzse_completion> reaped(max);
    size_t count = 0;
    auto done = detail::Run([&](jzse_error* error) {
      return jzse_queue_reap(handle_.get(), reaped.data(), max, timeout_ms, &count, error);
    });
    if (!done) return done.error();
    std::vector<Completion> completions(count);
    for (size_t i = 0; i < count; ++i) completions[i].content = Blob(reaped[i].data, reaped[i].size);
    for (size_t i = 0; i < count; ++i) {
      completions[i].tag = reaped[i].tag;
      completions[i].code = reaped[i].code;
      completions[i].message = reaped[i].message;
      completions[i].info = reaped[i].info;
    }
    return completions;
  }

 private:
  detail::Handle<jzse_queue, jzse_queue_close> handle_;
};

// ---- the store

class Store {
 public:
  explicit Store(jzse_store* store) : handle_(store) {}

  static Result<Store> Open(detail::Text path, const Options& options = {}) {
    return detail::Open<Store, jzse_store>([&](jzse_store** store, jzse_error* error) {
      return jzse_store_open(path.c_str(), &options, store, error);
    });
  }
  // Destroying a Store closes it too, without telling what happened. After JZSE_BUSY it is still open.
  Result<void> Close() {
    return detail::Run([&](jzse_error* error) {
      jzse_store* const store = handle_.release();
      const int code = jzse_store_close(store, error);
      if (code == JZSE_BUSY) handle_.reset(store);
      return code;
    });
  }
  jzse_store* get() const { return handle_.get(); }
  std::string region() const { return jzse_store_region(handle_.get()); }

  Namespace operator[](std::string name) const { return Namespace(handle_.get(), std::move(name)); }
  Result<Namespace> CreateNamespace(const std::string& name, const NamespaceConfig& config = {}) {
    auto done = detail::Run([&](jzse_error* error) {
      return jzse_namespace_create(handle_.get(), detail::Text(name).c_str(), &config, error);
    });
    if (!done) return done.error();
    return Namespace(handle_.get(), name);
  }
  Result<void> ConfigureNamespace(detail::Text name, const NamespaceConfig& config) {
    return detail::Run([&](jzse_error* error) {
      return jzse_namespace_configure(handle_.get(), name.c_str(), &config, error);
    });
  }
  Result<NamespaceConfig> GetNamespaceConfig(detail::Text name) const {
    return detail::Fill(NamespaceConfig(), [&](NamespaceConfig* config, jzse_error* error) {
      return jzse_namespace_get(handle_.get(), name.c_str(), config, nullptr, error);
    });
  }
  Result<jzse_namespace_info> GetNamespaceInfo(detail::Text name) const {
    return detail::Fill(Initial<jzse_namespace_info>(), [&](jzse_namespace_info* info, jzse_error* error) {
      return jzse_namespace_get(handle_.get(), name.c_str(), nullptr, info, error);
    });
  }
  Result<std::vector<jzse_namespace_info>> ListNamespaces() const {
    std::vector<jzse_namespace_info> all;
    const auto add = [](void* context, const jzse_namespace_info* info) {
      static_cast<std::vector<jzse_namespace_info>*>(context)->push_back(*info);
      return 0;
    };
    auto done = detail::Run([&](jzse_error* error) { return jzse_namespace_list(handle_.get(), add, &all, error); });
    if (!done) return done.error();
    return all;
  }
  Result<void> DropNamespace(detail::Text name) {
    return detail::Run([&](jzse_error* error) { return jzse_namespace_drop(handle_.get(), name.c_str(), error); });
  }

  Result<Stats> GetStats() const {
    return detail::Fill(Initial<Stats>(), [&](Stats* stats, jzse_error* error) {
      return jzse_store_stats(handle_.get(), stats, error);
    });
  }
  Result<Group> BeginGroup() {
    return detail::Open<Group, jzse_group>(
        [&](jzse_group** group, jzse_error* error) { return jzse_group_begin(handle_.get(), group, error); });
  }
  Result<Snapshot> OpenSnapshot() {
    return detail::Open<Snapshot, jzse_snapshot>([&](jzse_snapshot** snapshot, jzse_error* error) {
      return jzse_snapshot_open(handle_.get(), snapshot, error);
    });
  }
  Result<Feed> OpenFeed(const FeedOptions& options = {}) {
    return detail::Open<Feed, jzse_feed>([&](jzse_feed** feed, jzse_error* error) {
      return jzse_feed_open(handle_.get(), &options, feed, error);
    });
  }
  Result<Watch> StartWatch(const FeedOptions& options, Watch::Each each) {
    auto kept = std::make_unique<Watch::Each>(std::move(each));
    jzse_watch* watch = nullptr;
    auto done = detail::Run([&](jzse_error* error) {
      return jzse_watch_start(handle_.get(), &options, &Watch::Call, kept.get(), &watch, error);
    });
    if (!done) return done.error();
    return Watch(std::move(kept), watch);
  }
  Result<Queue> OpenQueue(uint32_t capacity) {
    return detail::Open<Queue, jzse_queue>([&](jzse_queue** queue, jzse_error* error) {
      return jzse_queue_open(handle_.get(), capacity, queue, error);
    });
  }

  // A store with problems is a success here: report.problems and report.repaired tell.
  Result<jzse_verify_report> Verify(const VerifyOptions& options = {}) {
    detail::Failure failure;
    jzse_verify_report report = Initial<jzse_verify_report>();
    const int code = jzse_verify(handle_.get(), &options, &report, failure.out());
    if (code == JZSE_OK || (code == JZSE_CORRUPT && report.problems > 0)) return report;
    return failure.Make(code);
  }
  Result<jzse_compact_report> Compact(const CompactOptions& options = {}) {
    return detail::Fill(Initial<jzse_compact_report>(), [&](jzse_compact_report* report, jzse_error* error) {
      return jzse_compact(handle_.get(), &options, report, error);
    });
  }

 private:
  detail::Handle<jzse_store, detail::CloseStore> handle_;
};

}  // namespace v0
}  // namespace jzse

#endif  // JZSE_JZSE_HPP_
