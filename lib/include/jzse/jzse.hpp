// SPDX-License-Identifier: Apache-2.0
// jzse.hpp - jzse.h for C++17 and later: handles that close themselves, results instead of codes, ranges instead of
// cursors, callables instead of tags. Header-only over jzse.h, which is the manual: what a call does, and when it fails,
// stands there; every function of it is reachable from here.
//
//   auto store = jzse::Store::Open("photos", JZSE_OPEN_CREATE);
//   if (!store) return Complain(store.error().message());
//   jzse::Namespace files = (*store)["default"];
//   if (auto put = files.Put("2026/sea.jpg", bytes); !put) return Complain(put.error().message());
//   auto list = files.List();
//   for (const jzse_list_entry& entry : *list) std::puts(entry.path);
//   if (list->error()) return Complain(list->error()->message());
//
// Nothing here throws, or needs exceptions or RTTI, except that std::string, std::vector and std::function do without
// memory what they always do. Options and reports are the structs of jzse.h, initialised. Moved-from objects may only be
// destroyed or assigned to. Handles must be gone before their Store is: a Store destroyed earlier stays open for good.
// Threads: as in jzse.h; what is added here (Async, the ranges) belongs to one thread at a time. Result, Error, ByteView,
// ByteRoom, Blob and the options stand in values.hpp.
#ifndef JZSE_JZSE_HPP_
#define JZSE_JZSE_HPP_

#include <jzse/jzse.h>
#include <jzse/values.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace jzse {
inline namespace v0 {

// "0.1.0", of the library that was found at run time; JZSE_VERSION_* say what this was compiled with.
inline const char* LibraryVersion() { return jzse_version(); }

// ---- readers and writers

struct Metadata {
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> pairs;

  static Metadata Take(jzse_metadata* opened) {  // and closes it
    const detail::Handle<jzse_metadata, jzse_metadata_close> handle(opened);
    Metadata metadata;
    metadata.content_type = jzse_metadata_content_type(opened);
    for (size_t i = 0; i < jzse_metadata_count(opened); ++i) {
      const jzse_pair pair = jzse_metadata_pair(opened, i);
      metadata.pairs.emplace_back(pair.key, pair.value);
    }
    return metadata;
  }
};

class Reader {
 public:
  Reader(jzse_reader* reader, const FileInfo& info) : handle_(reader), info_(info) {}
  const FileInfo& info() const { return info_; }  // of the version that is read
  jzse_reader* get() const { return handle_.get(); }

  // As many of the next bytes as there is room for; 0 at the end.
  Result<size_t> Read(ByteRoom room) {
    return detail::Fill(size_t{0}, jzse_reader_read, get(), room.data(), room.size());
  }
  Result<size_t> ReadAt(uint64_t offset, ByteRoom room) {
    return detail::Fill(size_t{0}, jzse_reader_read_at, get(), offset, room.data(), room.size());
  }
  // Without a copy: the bytes from `offset` to the end of their stored piece, valid until the next call; empty at the end.
  Result<std::string_view> Span(uint64_t offset, uint32_t flags = 0) {
    const void* data = nullptr;
    auto size = detail::Fill(size_t{0}, [&](size_t* found, jzse_error* error) {
      return jzse_reader_span(get(), offset, flags, &data, found, error);
    });
    if (!size) return size.error();
    return std::string_view(static_cast<const char*>(data), *size);
  }
  // Of the version that is read.
  Result<Metadata> GetMetadata() const {
    jzse_metadata* opened = nullptr;
    auto done = detail::Run(jzse_reader_metadata, get(), &opened);
    if (!done) return done.error();
    return Metadata::Take(opened);
  }
  // `for (std::string_view piece : reader.InPieces(room))`: the rest of the content, piece by piece in the caller's room.
  class Pieces : public detail::Range<Pieces, std::string_view> {
   public:
    Pieces(jzse_reader* reader, ByteRoom room) : reader_(reader), room_(room) {}
    const std::string_view* Next() {
      auto count = detail::Fill(size_t{0}, jzse_reader_read, reader_, room_.data(), room_.size());
      if (!count) error_ = count.error();
      if (!count || *count == 0) return nullptr;
      piece_ = {static_cast<const char*>(room_.data()), *count};
      return &piece_;
    }

   private:
    jzse_reader* reader_;
    ByteRoom room_;
    std::string_view piece_;
  };
  Pieces InPieces(ByteRoom room) { return Pieces(get(), room); }

  Result<std::vector<jzse_extent>> Extents(uint64_t offset, size_t max) {
    std::vector<jzse_extent> extents(max);
    auto count = detail::Fill(size_t{0}, [&](size_t* found, jzse_error* error) {
      return jzse_reader_extents(get(), offset, extents.data(), max, found, error);
    });
    if (!count) return count.error();
    extents.resize(*count);
    return extents;
  }
  // `for (const jzse_extent& extent : reader.AllExtents())`: from `offset` to the end, however many there are.
  class ExtentRange : public detail::Range<ExtentRange, jzse_extent> {
   public:
    ExtentRange(jzse_reader* reader, uint64_t offset) : reader_(reader), offset_(offset) {}
    const jzse_extent* Next() {
      if (next_ == count_) {
        next_ = count_ = 0;
        auto more = detail::Run(jzse_reader_extents, reader_, offset_, batch_, kBatch, &count_);
        if (!more) error_ = more.error();
        if (!more || count_ == 0) return nullptr;
      }
      offset_ += batch_[next_].length;
      return &batch_[next_++];
    }

   private:
    static constexpr size_t kBatch = 16;
    jzse_reader* reader_;
    uint64_t offset_;
    jzse_extent batch_[kBatch] = {};
    size_t next_ = 0, count_ = 0;
  };
  ExtentRange AllExtents(uint64_t offset = 0) { return ExtentRange(get(), offset); }

 private:
  detail::Handle<jzse_reader, jzse_reader_close> handle_;
  FileInfo info_;
};

// Abandons the content unless it is committed.
class Writer {
 public:
  explicit Writer(jzse_writer* writer) : handle_(writer) {}
  Result<void> Write(ByteView bytes) { return detail::Run(jzse_writer_write, get(), bytes.data(), bytes.size()); }
  Result<FileInfo> Commit() { return detail::Fill(Initial<FileInfo>(), jzse_writer_commit, handle_.release()); }
  jzse_writer* get() const { return handle_.get(); }
  jzse_writer* release() { return handle_.release(); }

 private:
  detail::Handle<jzse_writer, jzse_writer_abort> handle_;
};

// ---- listings

// Of files or versions: `for (const jzse_list_entry& entry : list)`, and then list.error(): one that failed ends early.
class List : public detail::Range<List, jzse_list_entry> {
 public:
  explicit List(jzse_list* list) : handle_(list) {}
  const jzse_list_entry* Next() {
    const jzse_list_entry* entry = nullptr;
    auto done = detail::Run(jzse_list_next, get(), &entry);
    if (!done) error_ = done.error();
    return entry;
  }
  jzse_list* get() const { return handle_.get(); }

 private:
  detail::Handle<jzse_list, jzse_list_close> handle_;
};

// ---- a namespace, as a view of a store

class Namespace {
 public:
  Namespace(jzse_store* store, std::string name) : store_(store), name_(std::move(name)) {}
  const std::string& name() const { return name_; }

  Result<FileInfo> Put(detail::Text path, ByteView bytes, const PutOptions& options = {}) const {
    return Info(jzse_put, store_, ns(), path.c_str(), bytes.data(), bytes.size(), &options);
  }
  Result<FileInfo> PutDescriptor(detail::Text path, int fd, const PutOptions& options = {}) const {
    return Info(jzse_put_fd, store_, ns(), path.c_str(), fd, &options);
  }
  Result<Writer> OpenWriter(detail::Text path, const PutOptions& options = {}) const {
    return detail::Open<Writer, jzse_writer>(jzse_writer_open, store_, ns(), path.c_str(), &options);
  }

  Result<Blob> Get(detail::Text path, const GetOptions& options = {}, FileInfo* info = nullptr) const {
    void* data = nullptr;
    size_t size = 0;
    auto done = detail::Run(jzse_get, store_, ns(), path.c_str(), &options, &data, &size, info);
    if (!done) return done.error();
    return Blob(data, size);
  }
  // `place(size)` gives the memory that the content goes to, or null; or: a container of bytes that is resized.
  template <typename Place>
  Result<FileInfo> GetInto(detail::Text path, Place&& place, const GetOptions& options = {}) const {
    const auto ask = [](void* context, uint64_t size) -> void* {
      auto& to = *static_cast<std::remove_reference_t<Place>*>(context);
      if constexpr (std::is_invocable_v<Place&, uint64_t>) {
        return to(size);
      } else {
        static_assert(sizeof(*to.data()) == 1, "a container of bytes");
        if (size > to.max_size()) return nullptr;
        to.resize(static_cast<size_t>(size));
        return to.data();
      }
    };
    using Ask = void* (*)(void*, uint64_t);
    void* const context = const_cast<void*>(static_cast<const void*>(std::addressof(place)));
    return detail::Fill(Initial<FileInfo>(), [&](FileInfo* info, jzse_error* error) {
      return jzse_get_into(store_, ns(), path.c_str(), &options, static_cast<Ask>(ask), context, info, error);
    });
  }
  Result<size_t> GetRange(detail::Text path, uint64_t offset, ByteRoom room, const GetOptions& options = {}) const {
    size_t count = 0;
    auto done = detail::Run(jzse_get_range, store_, ns(), path.c_str(), &options, offset, room.data(), room.size(),
                            &count);
    if (!done) return done.error();
    return count;
  }
  Result<Reader> OpenReader(detail::Text path, const GetOptions& options = {}) const {
    jzse_reader* reader = nullptr;
    FileInfo info = Initial<FileInfo>();
    auto done = detail::Run(jzse_reader_open, store_, ns(), path.c_str(), &options, &reader, &info);
    if (!done) return done.error();
    return Reader(reader, info);
  }
  Result<FileInfo> Stat(detail::Text path, const GetOptions& options = {}) const {
    return Info(jzse_stat, store_, ns(), path.c_str(), &options);
  }
  Result<Metadata> GetMetadata(detail::Text path, const GetOptions& options = {}) const {
    jzse_metadata* opened = nullptr;
    auto done = detail::Run(jzse_metadata_open, store_, ns(), path.c_str(), &options, &opened);
    if (!done) return done.error();
    return Metadata::Take(opened);
  }
  Result<FileInfo> SetMetadata(detail::Text path, const PutOptions& options) const {
    return Info(jzse_metadata_set, store_, ns(), path.c_str(), &options);
  }

  Result<v0::List> List(const ListOptions& options = {}) const {
    return detail::Open<v0::List, jzse_list>(jzse_list_open, store_, ns(), &options);
  }
  Result<v0::List> Versions(detail::Text path, const GetOptions& options = {}) const {
    return detail::Open<v0::List, jzse_list>(jzse_versions_open, store_, ns(), path.c_str(), &options);
  }
  Result<FileInfo> RestoreVersion(detail::Text path, uint64_t version) const {
    return Info(jzse_version_restore, store_, ns(), path.c_str(), version);
  }
  Result<void> DeleteVersion(detail::Text path, uint64_t version) const {
    return detail::Run(jzse_version_delete, store_, ns(), path.c_str(), version);
  }

  Result<void> Delete(detail::Text path, const ChangeOptions& options = {}) const {
    return detail::Run(jzse_delete, store_, ns(), path.c_str(), &options);
  }
  Result<FileInfo> Copy(detail::Text path, const Namespace& to, detail::Text to_path,
                        const ChangeOptions& options = {}) const {
    return Info(jzse_copy, store_, ns(), path.c_str(), to.ns(), to_path.c_str(), &options);
  }
  Result<void> Move(detail::Text path, detail::Text to_path, const ChangeOptions& options = {}) const {
    return detail::Run(jzse_move, store_, ns(), path.c_str(), to_path.c_str(), &options);
  }
  Result<void> MakeDirectory(detail::Text path, const PutOptions& options = {}) const {
    return detail::Run(jzse_mkdir, store_, ns(), path.c_str(), &options);
  }

  Result<jzse_archive_report> Export(int fd, const ArchiveOptions& options = {}) const {
    return detail::Fill(Initial<jzse_archive_report>(), jzse_archive_export, store_, ns(), fd, &options);
  }
  Result<jzse_archive_report> Import(int fd, const ArchiveOptions& options = {}) const {
    return detail::Fill(Initial<jzse_archive_report>(), jzse_archive_import, store_, ns(), fd, &options);
  }

 private:
  const char* ns() const { return detail::Text(name_).c_str(); }
  template <typename Call, typename... Arguments>
  static Result<FileInfo> Info(Call call, Arguments... arguments) {
    return detail::Fill(Initial<FileInfo>(), call, arguments...);
  }
  jzse_store* store_;
  std::string name_;
};

// ---- groups, snapshots, feeds

// Changes that happen together or not at all; aborted unless committed.
class Group {
 public:
  explicit Group(jzse_group* group) : handle_(group) {}
  Result<void> Put(detail::Text ns, detail::Text path, ByteView bytes, const PutOptions& options = {}) {
    return detail::Run(jzse_group_put, get(), ns.c_str(), path.c_str(), bytes.data(), bytes.size(), &options);
  }
  Result<void> Add(Writer writer) { return detail::Run(jzse_group_add_writer, get(), writer.release()); }
  Result<void> Delete(detail::Text ns, detail::Text path, const ChangeOptions& options = {}) {
    return detail::Run(jzse_group_delete, get(), ns.c_str(), path.c_str(), &options);
  }
  Result<void> Move(detail::Text ns, detail::Text path, detail::Text to_path, const ChangeOptions& options = {}) {
    return detail::Run(jzse_group_move, get(), ns.c_str(), path.c_str(), to_path.c_str(), &options);
  }
  Result<void> Copy(detail::Text ns, detail::Text path, detail::Text to_ns, detail::Text to_path,
                    const ChangeOptions& options = {}) {
    return detail::Run(jzse_group_copy, get(), ns.c_str(), path.c_str(), to_ns.c_str(), to_path.c_str(), &options);
  }
  Result<void> MakeDirectory(detail::Text ns, detail::Text path, const PutOptions& options = {}) {
    return detail::Run(jzse_group_mkdir, get(), ns.c_str(), path.c_str(), &options);
  }
  Result<void> Commit() { return detail::Run(jzse_group_commit, handle_.release()); }
  jzse_group* get() const { return handle_.get(); }
  jzse_group* release() { return handle_.release(); }

 private:
  detail::Handle<jzse_group, jzse_group_abort> handle_;
};

// Its moment is read through GetOptions(snapshot), and the snapshot fields of ListOptions and ArchiveOptions.
class Snapshot {
 public:
  explicit Snapshot(jzse_snapshot* snapshot) : handle_(snapshot) {}
  uint64_t sequence() const { return jzse_snapshot_sequence(get()); }
  jzse_snapshot* get() const { return handle_.get(); }

 private:
  detail::Handle<jzse_snapshot, jzse_snapshot_close> handle_;
};
inline GetOptions::GetOptions(const Snapshot& of_snapshot) : GetOptions() { snapshot = of_snapshot.get(); }

class Feed {
 public:
  explicit Feed(jzse_feed* feed) : handle_(feed) {}
  // The next change, valid until the next call; null when the time is over. -1 waits for ever, 0 polls.
  Result<const jzse_change*> Next(int timeout_ms) {
    using Change = const jzse_change*;
    return detail::Fill(Change{nullptr}, jzse_feed_next, get(), timeout_ms);
  }
  // `for (const jzse_change& change : feed.Pending())`: those that are there; or on and on, until none came for
  // timeout_ms or the feed was cancelled, which is an error here as everywhere.
  class Changes : public detail::Range<Changes, jzse_change> {
   public:
    Changes(jzse_feed* feed, int timeout_ms) : feed_(feed), timeout_ms_(timeout_ms) {}
    const jzse_change* Next() {
      const jzse_change* change = nullptr;
      auto done = detail::Run(jzse_feed_next, feed_, timeout_ms_, &change);
      if (!done) error_ = done.error();
      return change;
    }

   private:
    jzse_feed* feed_;
    int timeout_ms_;
  };
  Changes Pending(int timeout_ms = 0) { return Changes(get(), timeout_ms); }
  int descriptor() { return jzse_feed_fd(get()); }  // to poll, instead of a thread that waits in Next
  void Cancel() { jzse_feed_cancel(get()); }        // from any thread
  jzse_feed* get() const { return handle_.get(); }

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
  Completion() = default;
  explicit Completion(const jzse_completion& from)
      : tag(from.tag), code(from.code), message(from.message), info(from.info), content(from.data, from.size) {}
  bool ok() const { return code == JZSE_OK; }

  uint64_t tag = 0;
  int code = JZSE_OK;
  std::string message;
  FileInfo info = Initial<FileInfo>();
  Blob content;  // of a get
};

namespace detail {

// The asynchronous calls. Contents of more than 64 KiB are borrowed until the completion. Ticket is what tells the
// completion: a tag, or what to do with it.
template <typename Self, typename Ticket>
class Requests {
 public:
  Result<void> Put(Ticket ticket, Text ns, Text path, ByteView bytes, const PutOptions& options = {}) {
    return Submit(ticket, jzse_put_async, ns.c_str(), path.c_str(), bytes.data(), bytes.size(), &options);
  }
  Result<void> Get(Ticket ticket, Text ns, Text path, const GetOptions& options = {}) {
    return Submit(ticket, jzse_get_async, ns.c_str(), path.c_str(), &options);
  }
  Result<void> Stat(Ticket ticket, Text ns, Text path, const GetOptions& options = {}) {
    return Submit(ticket, jzse_stat_async, ns.c_str(), path.c_str(), &options);
  }
  Result<void> SetMetadata(Ticket ticket, Text ns, Text path, const PutOptions& options) {
    return Submit(ticket, jzse_metadata_set_async, ns.c_str(), path.c_str(), &options);
  }
  Result<void> RestoreVersion(Ticket ticket, Text ns, Text path, uint64_t version) {
    return Submit(ticket, jzse_version_restore_async, ns.c_str(), path.c_str(), version);
  }
  Result<void> Delete(Ticket ticket, Text ns, Text path, const ChangeOptions& options = {}) {
    return Submit(ticket, jzse_delete_async, ns.c_str(), path.c_str(), &options);
  }
  Result<void> Copy(Ticket ticket, Text ns, Text path, Text to_ns, Text to_path, const ChangeOptions& options = {}) {
    return Submit(ticket, jzse_copy_async, ns.c_str(), path.c_str(), to_ns.c_str(), to_path.c_str(), &options);
  }
  Result<void> Move(Ticket ticket, Text ns, Text path, Text to_path, const ChangeOptions& options = {}) {
    return Submit(ticket, jzse_move_async, ns.c_str(), path.c_str(), to_path.c_str(), &options);
  }
  Result<void> MakeDirectory(Ticket ticket, Text ns, Text path, const PutOptions& options = {}) {
    return Submit(ticket, jzse_mkdir_async, ns.c_str(), path.c_str(), &options);
  }
  // These take the writer or group over; when the submission is refused it is still the caller's.
  Result<void> Commit(Ticket ticket, Writer& writer) {
    auto done = Submit(ticket, jzse_writer_commit_async, writer.get());
    if (done) writer.release();
    return done;
  }
  Result<void> Commit(Ticket ticket, Group& group) {
    auto done = Submit(ticket, jzse_group_commit_async, group.get());
    if (done) group.release();
    return done;
  }

 private:
  template <typename... Arguments>
  Result<void> Submit(Ticket& ticket, Arguments... arguments) {
    return static_cast<Self*>(this)->SubmitAs(std::move(ticket), arguments...);
  }
};

inline Result<std::vector<Completion>> Reap(jzse_queue* queue, size_t max, int timeout_ms) {
  std::vector<jzse_completion> reaped(max);
  size_t count = 0;
  auto done = Run(jzse_queue_reap, queue, reaped.data(), max, timeout_ms, &count);
  if (!done) return done.error();
  reaped.resize(count);
  return std::vector<Completion>(reaped.begin(), reaped.end());
}

}  // namespace detail

// With tags of the caller's. Thread-safe, like jzse_queue.
class Queue : public detail::Requests<Queue, uint64_t> {
 public:
  explicit Queue(jzse_queue* queue) : handle_(queue) {}
  int descriptor() const { return jzse_queue_fd(get()); }
  // Up to `max` completions, waiting for the first; empty when the time is over.
  Result<std::vector<Completion>> Reap(size_t max, int timeout_ms) { return detail::Reap(get(), max, timeout_ms); }
  jzse_queue* get() const { return handle_.get(); }

 private:
  friend class detail::Requests<Queue, uint64_t>;
  template <typename Call, typename... Arguments>
  Result<void> SubmitAs(uint64_t tag, Call call, Arguments... arguments) {
    return detail::Run(call, get(), tag, arguments...);
  }
  detail::Handle<jzse_queue, jzse_queue_close> handle_;
};

// With a callable for each request, for hosts with an event loop: poll descriptor(), and Dispatch when it is readable.
// Callables run inside Dispatch and nowhere else; they may submit, but not destroy this. Destroying it waits for what is
// under way and drops the callables uncalled.
class Async : public detail::Requests<Async, std::function<void(Completion&)>> {
 public:
  using Done = std::function<void(Completion&)>;
  Async(jzse_queue* queue, uint32_t capacity) : done_(capacity), handle_(queue) {
    for (uint32_t i = capacity; i > 0; --i) free_.push_back(i - 1);
  }
  int descriptor() const { return jzse_queue_fd(handle_.get()); }
  size_t under_way() const { return done_.size() - free_.size(); }
  // Calls the callables of up to `max` completions, waiting up to timeout_ms for the first; how many there were.
  Result<size_t> Dispatch(int timeout_ms = 0, size_t max = 64) {
    auto reaped = detail::Reap(handle_.get(), max, timeout_ms);
    if (!reaped) return reaped.error();
    for (Completion& completion : *reaped) {
      if (const Done done = Take(static_cast<size_t>(completion.tag))) done(completion);
    }
    return reaped->size();
  }

 private:
  friend class detail::Requests<Async, Done>;
  template <typename Call, typename... Arguments>
  Result<void> SubmitAs(Done done, Call call, Arguments... arguments) {
    if (free_.empty()) return Error(JZSE_BUSY, "as many requests as the queue holds are under way");
    const size_t slot = free_.back();
    free_.pop_back();
    done_[slot] = std::move(done);
    auto submitted = detail::Run(call, handle_.get(), uint64_t{slot}, arguments...);
    if (!submitted) Take(slot);
    return submitted;
  }
  Done Take(size_t slot) {
    Done done = std::move(done_[slot]);
    done_[slot] = nullptr;
    free_.push_back(slot);
    return done;
  }
  std::vector<Done> done_;  // by slot, which is the tag
  std::vector<size_t> free_;
  detail::Handle<jzse_queue, jzse_queue_close> handle_;
};

// ---- the store

class Store {
 public:
  explicit Store(jzse_store* store) : handle_(store) {}

  static Result<Store> Open(detail::Text path, const Options& options = {}) {
    return detail::Open<Store, jzse_store>(jzse_store_open, path.c_str(), &options);
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
  std::string region() const { return jzse_store_region(get()); }

  Namespace operator[](std::string name) const { return Namespace(get(), std::move(name)); }
  Result<Namespace> CreateNamespace(const std::string& name, const NamespaceConfig& config = {}) {
    auto done = detail::Run(jzse_namespace_create, get(), detail::Text(name).c_str(), &config);
    if (!done) return done.error();
    return Namespace(get(), name);
  }
  Result<void> ConfigureNamespace(detail::Text name, const NamespaceConfig& config) {
    return detail::Run(jzse_namespace_configure, get(), name.c_str(), &config);
  }
  Result<NamespaceConfig> GetNamespaceConfig(detail::Text name) const {
    return detail::Fill(NamespaceConfig(), [&](NamespaceConfig* config, jzse_error* error) {
      return jzse_namespace_get(get(), name.c_str(), config, nullptr, error);
    });
  }
  Result<jzse_namespace_info> GetNamespaceInfo(detail::Text name) const {
    return detail::Fill(Initial<jzse_namespace_info>(), jzse_namespace_get, get(), name.c_str(), nullptr);
  }
  Result<std::vector<jzse_namespace_info>> ListNamespaces() const {
    std::vector<jzse_namespace_info> all;
    const auto add = [](void* context, const jzse_namespace_info* info) {
      static_cast<std::vector<jzse_namespace_info>*>(context)->push_back(*info);
      return 0;
    };
    auto done = detail::Run(jzse_namespace_list, get(), add, &all);
    if (!done) return done.error();
    return all;
  }
  Result<void> DropNamespace(detail::Text name) { return detail::Run(jzse_namespace_drop, get(), name.c_str()); }

  Result<Stats> GetStats() const { return detail::Fill(Initial<Stats>(), jzse_store_stats, get()); }
  Result<Group> BeginGroup() { return detail::Open<Group, jzse_group>(jzse_group_begin, get()); }
  Result<Snapshot> OpenSnapshot() { return detail::Open<Snapshot, jzse_snapshot>(jzse_snapshot_open, get()); }
  Result<Feed> OpenFeed(const FeedOptions& options = {}) {
    return detail::Open<Feed, jzse_feed>(jzse_feed_open, get(), &options);
  }
  Result<Watch> StartWatch(const FeedOptions& options, Watch::Each each) {
    auto kept = std::make_unique<Watch::Each>(std::move(each));
    jzse_watch* watch = nullptr;
    auto done = detail::Run(jzse_watch_start, get(), &options, &Watch::Call, kept.get(), &watch);
    if (!done) return done.error();
    return Watch(std::move(kept), watch);
  }
  Result<Queue> OpenQueue(uint32_t capacity) {
    return detail::Open<Queue, jzse_queue>(jzse_queue_open, get(), capacity);
  }
  Result<Async> OpenAsync(uint32_t capacity) {
    jzse_queue* queue = nullptr;
    auto done = detail::Run(jzse_queue_open, get(), capacity, &queue);
    if (!done) return done.error();
    return Async(queue, capacity);
  }

  // A store with problems is a success here: report.problems and report.repaired tell.
  Result<jzse_verify_report> Verify(const VerifyOptions& options = {}) {
    detail::Failure failure;
    jzse_verify_report report = Initial<jzse_verify_report>();
    const int code = jzse_verify(get(), &options, &report, failure.out());
    if (code == JZSE_OK || (code == JZSE_CORRUPT && report.problems > 0)) return report;
    return failure.Make(code);
  }
  Result<jzse_compact_report> Compact(const CompactOptions& options = {}) {
    return detail::Fill(Initial<jzse_compact_report>(), jzse_compact, get(), &options);
  }

 private:
  detail::Handle<jzse_store, detail::CloseStore> handle_;
};

}  // namespace v0
}  // namespace jzse

#endif  // JZSE_JZSE_HPP_
