// SPDX-License-Identifier: Apache-2.0
// A store on this machine: each call is the one of jzse.h.
#include <algorithm>
#include <cstring>

#include "access/access.h"

namespace jzse::access {
namespace {

template <auto kClose>
struct Closer {
  template <class T>
  void operator()(T* handle) const {
    kClose(handle);
  }
};
template <class T, auto kClose>
using Handle = std::unique_ptr<T, Closer<kClose>>;
using RawSnapshot = Handle<jzse_snapshot, jzse_snapshot_close>;
using RawReader = Handle<jzse_reader, jzse_reader_close>;
using RawWriter = Handle<jzse_writer, jzse_writer_abort>;
using RawList = Handle<jzse_list, jzse_list_close>;
using RawGroup = Handle<jzse_group, jzse_group_abort>;
using RawFeed = Handle<jzse_feed, jzse_feed_close>;
using RawQueue = Handle<jzse_queue, jzse_queue_close>;
using RawMetadata = Handle<jzse_metadata, jzse_metadata_close>;

struct LocalSnapshot : Snapshot {
  RawSnapshot raw;
};
jzse_snapshot* RawOf(Snapshot* snapshot) {
  return snapshot == nullptr ? nullptr : static_cast<LocalSnapshot*>(snapshot)->raw.get();
}

jzse_get_options GetOptions(uint64_t version, Snapshot* snapshot = nullptr) {
  jzse_get_options options = JZSE_GET_OPTIONS_INIT;
  options.version = version;
  options.snapshot = RawOf(snapshot);
  return options;
}

class LocalReader : public Reader {
 public:
  LocalReader(RawReader raw, const jzse_file_info& info, const ReadOptions& options)
      : raw_(std::move(raw)), info_(info), at_(options.offset), left_(options.length) {}

  const jzse_file_info& info() const override { return info_; }
  int Read(void* buffer, size_t size, size_t* count, jzse_error* error) override {
    *count = 0;
    size = static_cast<size_t>(std::min<uint64_t>(size, left_));
    if (size == 0) return JZSE_OK;
    const int code = jzse_reader_read_at(raw_.get(), at_, buffer, size, count, error);
    if (code == JZSE_OK) at_ += *count, left_ -= *count;
    return code;
  }
  void Seek(uint64_t offset) override { at_ = offset; }

 private:
  const RawReader raw_;
  const jzse_file_info info_;
  uint64_t at_, left_;
};

class LocalWriter : public Writer {
 public:
  explicit LocalWriter(RawWriter raw) : raw_(std::move(raw)) {}
  int Write(const void* data, size_t size, jzse_error* error) override {
    return jzse_writer_write(raw_.get(), data, size, error);
  }
  int Commit(jzse_file_info* info, jzse_error* error) override {
    return jzse_writer_commit(raw_.release(), info, error);
  }

 private:
  RawWriter raw_;
};

class LocalList : public List {
 public:
  explicit LocalList(RawList raw) : raw_(std::move(raw)) {}
  int Next(const jzse_list_entry** entry, jzse_error* error) override {
    return jzse_list_next(raw_.get(), entry, error);
  }

 private:
  const RawList raw_;
};

class LocalGroup : public Group {
 public:
  explicit LocalGroup(RawGroup raw) : raw_(std::move(raw)) {}
  bool full() const override { return false; }  // its callers stay far below jzse.h's bound
  int Delete(const std::string& ns, const std::string& path, jzse_error* error) override {
    return jzse_group_delete(raw_.get(), ns.c_str(), path.c_str(), nullptr, error);
  }
  int Copy(const std::string& ns, const std::string& path, const std::string& to_ns, const std::string& to_path,
           uint32_t flags, jzse_error* error) override {
    const jzse_change_options options = Moment{flags, ""}.Raw();
    return jzse_group_copy(raw_.get(), ns.c_str(), path.c_str(), to_ns.c_str(), to_path.c_str(), &options, error);
  }
  int Mkdir(const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error* error) override {
    return jzse_group_mkdir(raw_.get(), ns.c_str(), path.c_str(), &options, error);
  }
  int Commit(jzse_error* error) override { return jzse_group_commit(raw_.release(), error); }

 private:
  RawGroup raw_;
};

class LocalFeed : public Feed {
 public:
  explicit LocalFeed(RawFeed raw) : raw_(std::move(raw)) {}
  int Next(int timeout_ms, const jzse_change** change, jzse_error* error) override {
    return jzse_feed_next(raw_.get(), timeout_ms, change, error);
  }

 private:
  const RawFeed raw_;
};

class LocalQueue : public Queue {
 public:
  explicit LocalQueue(RawQueue raw) : raw_(std::move(raw)) {}
  int Put(uint64_t tag, const std::string& ns, const std::string& path, const void* data, size_t size,
          const jzse_put_options& options, jzse_error* error) override {
    return jzse_put_async(raw_.get(), tag, ns.c_str(), path.c_str(), data, size, &options, error);
  }
  int Mkdir(uint64_t tag, const std::string& ns, const std::string& path, const jzse_put_options& options,
            jzse_error* error) override {
    return jzse_mkdir_async(raw_.get(), tag, ns.c_str(), path.c_str(), &options, error);
  }
  int SetMetadata(uint64_t tag, const std::string& ns, const std::string& path, const jzse_put_options& options,
                  jzse_error* error) override {
    return jzse_metadata_set_async(raw_.get(), tag, ns.c_str(), path.c_str(), &options, error);
  }
  int Reap(jzse_completion* completions, size_t max, size_t* count, jzse_error* error) override {
    return jzse_queue_reap(raw_.get(), completions, max, -1, count, error);
  }

 private:
  const RawQueue raw_;
};

int OnNamespace(void* list, const jzse_namespace_info* info) {
  static_cast<std::vector<jzse_namespace_info>*>(list)->push_back(*info);
  return 0;
}

// Opens with open(&raw) and hands the object over; made of the handle and `rest`.
template <class Object, class Raw, class Base, class Open, class... Rest>
int Make(std::unique_ptr<Base>* object, Open&& open, const Rest&... rest) {
  typename Raw::pointer handle = nullptr;
  const int code = open(&handle);
  Raw raw(handle);
  if (code == JZSE_OK) *object = std::make_unique<Object>(std::move(raw), rest...);
  return code;
}

class LocalStore : public Store {
 public:
  explicit LocalStore(jzse_store* raw) : raw_(raw) {}
  ~LocalStore() override {
    if (raw_ != nullptr) jzse_store_close(raw_, nullptr);
  }
  jzse_store* local() override { return raw_; }
  int Close(jzse_error* error) override { return jzse_store_close(std::exchange(raw_, nullptr), error); }
  int Stats(jzse_stats* stats, std::string* region, jzse_error* error) override {
    if (region != nullptr) *region = jzse_store_region(raw_);
    return jzse_store_stats(raw_, stats, error);
  }

  int GetNamespace(const std::string& ns, jzse_namespace_config* config, jzse_namespace_info* info, jzse_error* error) override {
    return jzse_namespace_get(raw_, ns.c_str(), config, info, error);
  }
  int CreateNamespace(const std::string& ns, const jzse_namespace_config& config, jzse_error* error) override {
    return jzse_namespace_create(raw_, ns.c_str(), &config, error);
  }
  int ConfigureNamespace(const std::string& ns, const jzse_namespace_config& config, jzse_error* error) override {
    return jzse_namespace_configure(raw_, ns.c_str(), &config, error);
  }
  int ListNamespaces(std::vector<jzse_namespace_info>* list, jzse_error* error) override {
    return jzse_namespace_list(raw_, OnNamespace, list, error);
  }
  int DropNamespace(const std::string& ns, jzse_error* error) override { return jzse_namespace_drop(raw_, ns.c_str(), error); }

  int Stat(const std::string& ns, const std::string& path, uint64_t version, jzse_file_info* info, jzse_error* error) override {
    const jzse_get_options options = GetOptions(version);
    return jzse_stat(raw_, ns.c_str(), path.c_str(), &options, info, error);
  }
  int GetMetadata(const std::string& ns, const std::string& path, uint64_t version, Metadata* metadata,
                  jzse_error* error) override {
    const jzse_get_options options = GetOptions(version);
    jzse_metadata* handle = nullptr;
    const int code = jzse_metadata_open(raw_, ns.c_str(), path.c_str(), &options, &handle, error);
    const RawMetadata raw(handle);
    if (code != JZSE_OK) return code;
    metadata->content_type = jzse_metadata_content_type(handle);
    for (size_t i = 0; i < jzse_metadata_count(handle); ++i) {
      const jzse_pair pair = jzse_metadata_pair(handle, i);
      metadata->pairs.emplace_back(pair.key, pair.value);
    }
    return JZSE_OK;
  }
  int OpenReader(const std::string& ns, const std::string& path, const ReadOptions& options, std::unique_ptr<Reader>* reader,
                 jzse_error* error) override {
    const jzse_get_options raw = GetOptions(options.version, options.snapshot);
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    return Make<LocalReader, RawReader>(
        reader, [&](jzse_reader** to) { return jzse_reader_open(raw_, ns.c_str(), path.c_str(), &raw, to, &info, error); }, info,
        options);
  }
  int OpenWriter(const std::string& ns, const std::string& path, const WriteOptions& options, std::unique_ptr<Writer>* writer,
                 jzse_error* error) override {
    return Make<LocalWriter, RawWriter>(
        writer, [&](jzse_writer** to) { return jzse_writer_open(raw_, ns.c_str(), path.c_str(), &options.put, to, error); });
  }
  int OpenList(const std::string& ns, const ListOptions& options, std::unique_ptr<List>* list, jzse_error* error) override {
    jzse_list_options raw = JZSE_LIST_OPTIONS_INIT;
    raw.with_deleted = options.with_deleted ? 1 : 0;
    raw.prefix = options.prefix.c_str();
    raw.delimiter = options.delimiter.c_str();
    if (!options.start_after.empty()) raw.start_after = options.start_after.c_str();
    raw.limit = options.limit;
    raw.snapshot = RawOf(options.snapshot);
    return Make<LocalList, RawList>(list, [&](jzse_list** to) { return jzse_list_open(raw_, ns.c_str(), &raw, to, error); });
  }
  int OpenSnapshot(std::unique_ptr<Snapshot>* snapshot, jzse_error* error) override {
    auto made = std::make_unique<LocalSnapshot>();
    jzse_snapshot* handle = nullptr;
    const int code = jzse_snapshot_open(raw_, &handle, error);
    made->raw.reset(handle);
    *snapshot = std::move(made);
    return code;
  }

  int Delete(const std::string& ns, const std::string& path, const Moment& moment, jzse_error* error) override {
    const jzse_change_options options = moment.Raw();
    return jzse_delete(raw_, ns.c_str(), path.c_str(), &options, error);
  }
  int Copy(const std::string& ns, const std::string& path, const std::string& to_ns, const std::string& to_path, uint32_t flags,
           jzse_error* error) override {
    const jzse_change_options options = Moment{flags, ""}.Raw();
    return jzse_copy(raw_, ns.c_str(), path.c_str(), to_ns.c_str(), to_path.c_str(), &options, nullptr, error);
  }
  int Move(const std::string& ns, const std::string& path, const std::string& to_path, uint32_t flags, jzse_error* error) override {
    const jzse_change_options options = Moment{flags, ""}.Raw();
    return jzse_move(raw_, ns.c_str(), path.c_str(), to_path.c_str(), &options, error);
  }
  int Mkdir(const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error* error) override {
    return jzse_mkdir(raw_, ns.c_str(), path.c_str(), &options, error);
  }
  int BeginGroup(std::unique_ptr<Group>* group, jzse_error* error) override {
    return Make<LocalGroup, RawGroup>(group, [&](jzse_group** to) { return jzse_group_begin(raw_, to, error); });
  }
  int OpenQueue(uint32_t capacity, std::unique_ptr<Queue>* queue, jzse_error* error) override {
    return Make<LocalQueue, RawQueue>(queue, [&](jzse_queue** to) { return jzse_queue_open(raw_, capacity, to, error); });
  }

  int OpenVersions(const std::string& ns, const std::string& path, std::unique_ptr<List>* list, jzse_error* error) override {
    return Make<LocalList, RawList>(
        list, [&](jzse_list** to) { return jzse_versions_open(raw_, ns.c_str(), path.c_str(), nullptr, to, error); });
  }
  int RestoreVersion(const std::string& ns, const std::string& path, uint64_t version, jzse_file_info* info,
                     jzse_error* error) override {
    return jzse_version_restore(raw_, ns.c_str(), path.c_str(), version, info, error);
  }
  int DeleteVersion(const std::string& ns, const std::string& path, uint64_t version, jzse_error* error) override {
    return jzse_version_delete(raw_, ns.c_str(), path.c_str(), version, error);
  }
  int OpenFeed(const std::string& ns, const std::string& prefix, uint64_t after, std::unique_ptr<Feed>* feed,
               jzse_error* error) override {
    jzse_feed_options options = JZSE_FEED_OPTIONS_INIT;
    if (!ns.empty()) options.ns = ns.c_str();
    if (!prefix.empty()) options.prefix = prefix.c_str();
    options.after = after;
    return Make<LocalFeed, RawFeed>(feed, [&](jzse_feed** to) { return jzse_feed_open(raw_, &options, to, error); });
  }

  int Verify(const jzse_verify_options& options, jzse_verify_report* report, jzse_error* error) override {
    return jzse_verify(raw_, &options, report, error);
  }
  int Compact(const jzse_compact_options& options, jzse_compact_report* report, jzse_error* error) override {
    return jzse_compact(raw_, &options, report, error);
  }

 private:
  jzse_store* raw_;
};

}  // namespace

int OpenLocal(const std::string& directory, const jzse_options& options, std::unique_ptr<Store>* store, jzse_error* error) {
  jzse_store* raw = nullptr;
  const int code = jzse_store_open(directory.c_str(), &options, &raw, error);
  if (code == JZSE_OK) *store = std::make_unique<LocalStore>(raw);
  return code;
}

int Fail(jzse_error* error, int code, const std::string& message) {
  if (error == nullptr) return code;
  error->code = code;
  const size_t size = std::min(message.size(), sizeof error->message - 1);
  std::memcpy(error->message, message.data(), size);
  error->message[size] = '\0';
  return code;
}

}  // namespace jzse::access
