// SPDX-License-Identifier: Apache-2.0
// Sequences of calls of the C API as the input says, with struct sizes of all kinds, NULLs, flags and names that are none.
// Every call answers with a code of the list and a message if it failed; what a put acknowledged is read back; when all
// handles are closed the store closes.
// libFuzzer: -max_len=1024
#include <climits>
#include <cstring>

#include "archive_bytes.h"
#include "sim_handle.h"

namespace {

using namespace jzse;
using fuzz::Choices;
using fuzz::Require;

constexpr int kCallsMax = 48;
constexpr size_t kSlots = 2;
constexpr const char* kPaths[] = {"a", "b", "dir/x", "dir/y", "dir", "dir/sub/z", "large", "empty", "copy", "moved", "/a/", "new"};
constexpr const char* kNamespaces[] = {"default", "zip", "keys"};

int IgnoreChange(void*, const jzse_change*) { return 0; }
int IgnoreNamespace(void*, const jzse_namespace_info*) { return 0; }
int Go(void*, uint64_t, uint64_t) { return 0; }
int Stop(void*, uint64_t, uint64_t) { return 1; }
void IgnoreProblem(void*, const char*, const char*, uint64_t, const char*) {}

class Session {
 public:
  Session(Choices& choices, jzse_store* store) : c_(choices), store_(store) {}

  void Call() {
    switch (c_.Below(40)) {
      case 0: case 1: case 2: Put(); break;
      case 3: case 4: Get(); break;
      case 5: Ranges(); break;
      case 6: Code(jzse_stat(store_, Ns(), Path(), GetOptions(), Out<jzse_file_info>(), Error())); break;
      case 7: Metadata(); break;
      case 8: Code(jzse_metadata_set(store_, Ns(), Path(), PutOptions(), Out<jzse_file_info>(), Error())); break;
      case 9: Code(jzse_delete(store_, Ns(), Path(), ChangeOptions(), Error())); break;
      case 10: Code(jzse_copy(store_, Ns(), Path(), Ns(), Path(), ChangeOptions(), Out<jzse_file_info>(), Error())); break;
      case 11: Code(jzse_move(store_, Ns(), Path(), Path(), ChangeOptions(), Error())); break;
      case 12: Code(jzse_mkdir(store_, Ns(), Path(), PutOptions(), Error())); break;
      case 13: Code(jzse_version_restore(store_, Ns(), Path(), Version(), Out<jzse_file_info>(), Error())); break;
      case 14: Code(jzse_version_delete(store_, Ns(), Path(), Version(), Error())); break;
      case 15: case 16: Lists(); break;
      case 17: case 18: Writers(); break;
      case 19: case 20: Groups(); break;
      case 21: case 22: Readers(); break;
      case 23: Snapshots(); break;
      case 24: case 25: Feeds(); break;
      case 26: case 27: case 28: Queues(); break;
      case 29: case 30: Namespaces(); break;
      case 31: Code(jzse_store_stats(store_, Out<jzse_stats>(), Error())); break;
      case 32: Verify(); break;
      case 33: Compact(); break;
      case 34: Archives(); break;
      case 35: Code(jzse_put_fd(store_, Ns(), Path(), Descriptor(), PutOptions(), Out<jzse_file_info>(), Error())); break;
      case 36: Watch(); break;
      case 37: OpenElsewhere(); break;
      case 38: CloseTooEarly(); break;
      default: (void)jzse_code_name(static_cast<int>(c_.Byte()) - 128); break;
    }
    sized_.clear();
    strings_.clear();
  }

  void CloseAll() {
    for (size_t i = 0; i < kSlots; ++i) {
      jzse_watch_stop(watches_[i]);
      jzse_queue_close(queues_[i]);
      jzse_feed_close(feeds_[i]);
      jzse_reader_close(readers_[i]);
      jzse_list_close(lists_[i]);
      jzse_writer_abort(writers_[i]);
      jzse_group_abort(groups_[i]);
      jzse_snapshot_close(snapshots_[i]);
    }
  }

 private:
  // ---- parameters

  template <typename T>
  T* Sized(const T& value) {
    static constexpr size_t kSizes[] = {0, 4, sizeof(T) - 1, sizeof(T) - 8, sizeof(T) / 2, sizeof(T) + 8, sizeof(T) + 16};
    const uint8_t choice = c_.Byte();
    if (choice == 255) return nullptr;
    const size_t size = choice < 224 ? sizeof(T) : kSizes[choice % 7];
    // Of exactly that many bytes, so that a sanitizer sees who looks behind them.
    char* const room = static_cast<char*>(std::calloc(1, std::max<size_t>(size, 4)));
    sized_.emplace_back(room, &std::free);
    std::memcpy(room, &value, std::min(size, sizeof(T)));
    const auto told = static_cast<uint32_t>(size);
    std::memcpy(room, &told, sizeof told);
    if (size > sizeof(T) && (choice & 8) != 0) room[size - 1] = 1;  // an option of a newer version
    return reinterpret_cast<T*>(room);
  }
  template <typename T>
  T* Out() {
    return Sized(T{});
  }
  const char* Text(base::Bytes raw) {
    std::string text(raw);
    std::erase(text, '\0');
    return strings_.emplace_back(std::make_unique<std::string>(std::move(text)))->c_str();
  }
  const char* Name(const char* const* table, size_t count) {
    const uint8_t choice = c_.Byte();
    if (choice < 232) return table[choice % count];
    return choice >= 252 ? nullptr : choice == 251 ? Text(std::string(c_.Number(2), 'n')) : Text(c_.String(48));
  }
  const char* Ns() { return Name(kNamespaces, std::size(kNamespaces)); }
  const char* Path() { return Name(kPaths, std::size(kPaths)); }
  uint64_t Version() { return c_.Flag() ? c_.Byte() : c_.Number(8); }
  std::string Data() {
    const uint8_t kind = c_.Byte();
    if (kind < 128) return std::string(c_.String(kind));
    if (kind < 192) return crash::Prose(kind, size_t{kind} * 16);
    return crash::Noise(kind, kind < 240 ? 5000 : 80'000);
  }
  int Descriptor() {
    static fuzz::MemoryFile file;
    return c_.Byte() < 16 ? -1 : file.Holding(Data());
  }
  const jzse_put_options* PutOptions() {
    if (c_.Byte() < 128) return nullptr;
    static const jzse_pair kPairs[] = {{"k", "v"}, {"k", "w"}, {"", ""}, {"a", nullptr}, {nullptr, "x"}};
    const uint8_t bits = c_.Byte();
    jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
    options.kind = bits & 3;
    if (bits & 4) options.if_match = c_.Flag() ? "*" : Text(c_.String(70));
    if (bits & 8) options.if_none_match = c_.Flag() ? "*" : Text(c_.String(70));
    if (bits & 16) options.content_type = Text(c_.String(20));
    if (bits & 32) options.metadata = kPairs;
    if (bits & 32) options.metadata_count = c_.Below(6);
    if (bits & 64) options.mtime_ns = static_cast<int64_t>(c_.Number(8));
    if (bits & 128) options.mode = static_cast<uint32_t>(c_.Number(4));
    return Sized(options);
  }
  const jzse_change_options* ChangeOptions() {
    if (c_.Byte() < 128) return nullptr;
    jzse_change_options options = JZSE_CHANGE_OPTIONS_INIT;
    options.flags = c_.Byte() % 5;
    if (c_.Flag()) options.if_match = c_.Flag() ? "*" : Text(c_.String(70));
    return Sized(options);
  }
  const jzse_get_options* GetOptions() {
    if (c_.Byte() < 128) return nullptr;
    jzse_get_options options = JZSE_GET_OPTIONS_INIT;
    if (c_.Flag()) options.snapshot = snapshots_[Slot()];
    if (c_.Flag()) options.version = Version();
    return Sized(options);
  }
  size_t Slot() { return c_.Byte() % kSlots; }
  jzse_error* Error() {
    error_ = JZSE_ERROR_INIT;
    error_given_ = c_.Byte() < 240;
    return error_given_ ? &error_ : nullptr;
  }
  int Code(int code) {
    Require(code <= 0 && code >= JZSE_BUSY, "a code that the API has not");
    if (!error_given_) return code;
    if (code == JZSE_OK) {
      Require(error_.code == 0 && error_.message[0] == '\0', "a success with an error");
    } else {
      Require(error_.code == code, "another code in the error");
      Require(error_.message[0] != '\0' && std::strchr(error_.message, '\n') == nullptr, "a failure without one line");
    }
    return code;
  }

  // ---- calls

  void Put() {
    const char* const ns = Ns();
    const char* const path = Path();
    const std::string data = Data();
    const bool null_data = c_.Byte() == 255;
    const int code = Code(jzse_put(store_, ns, path, null_data ? nullptr : data.data(), data.size(), PutOptions(),
                                   Out<jzse_file_info>(), Error()));
    if (code != JZSE_OK || under_way_ || null_data) return;
    void* got = nullptr;
    size_t size = 0;
    Require(jzse_get(store_, ns, path, nullptr, &got, &size, nullptr, nullptr) == JZSE_OK, "what was put is not there");
    Require(base::Bytes(static_cast<const char*>(got), size) == data, "what was put is not what is read");
    jzse_free(got);
  }
  void Get() {
    void* data = nullptr;
    size_t size = 0;
    const bool whole = c_.Byte() != 255;
    const char* const ns = Ns();
    const char* const path = Path();
    if (c_.Flag()) return GetInto(ns, path);
    if (Code(jzse_get(store_, ns, path, GetOptions(), whole ? &data : nullptr, &size, Out<jzse_file_info>(), Error())) == JZSE_OK)
      Require(whole && data != nullptr, "a content without memory");
    jzse_free(data);
  }
  void GetInto(const char* ns, const char* path) {
    std::string into;
    const bool give = c_.Byte() != 255;
    const auto place = [](void* context, uint64_t size) -> void* {
      std::string& bytes = *static_cast<std::string*>(context);
      Require(bytes.empty() && size < (1u << 24), "asked twice, or for nonsense");
      bytes.resize(size);
      return bytes.data();
    };
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    if (Code(jzse_get_into(store_, ns, path, GetOptions(), give ? +place : nullptr, &into, &info, Error())) == JZSE_OK)
      Require(give && info.size == into.size(), "a content of another size");
  }
  void Ranges() {
    char buffer[64];
    size_t count = 0;
    const uint64_t offset = c_.Flag() ? c_.Byte() : c_.Number(8);
    const size_t size = c_.Below(sizeof buffer + 1);
    const char* const ns = Ns();
    if (Code(jzse_get_range(store_, ns, Path(), GetOptions(), offset, buffer, size, &count, Error())) == JZSE_OK)
      Require(count <= size, "more than the buffer holds");
  }
  void Metadata() {
    jzse_metadata* metadata = nullptr;
    const char* const ns = Ns();
    if (Code(jzse_metadata_open(store_, ns, Path(), GetOptions(), &metadata, Error())) != JZSE_OK) return;
    Require(jzse_metadata_content_type(metadata) != nullptr, "no content type at all");
    for (size_t i = 0; i <= jzse_metadata_count(metadata); ++i) (void)jzse_metadata_pair(metadata, i);
    jzse_metadata_close(metadata);
  }
  void Lists() {
    jzse_list*& list = lists_[Slot()];
    switch (c_.Below(4)) {
      case 0: {
        jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
        options.with_deleted = c_.Byte() % 3;
        if (c_.Flag()) options.prefix = c_.Flag() ? "dir" : Text(c_.String(20));
        if (c_.Flag()) options.delimiter = c_.Flag() ? "/" : Text(c_.String(4));
        if (c_.Flag()) options.start_after = Path();
        options.limit = c_.Flag() ? c_.Byte() : 0;
        if (c_.Flag()) options.snapshot = snapshots_[Slot()];
        jzse_list_close(list);
        list = nullptr;
        const char* const ns = Ns();
        Code(jzse_list_open(store_, ns, Sized(options), &list, Error()));
        break;
      }
      case 1: {
        jzse_list_close(list);
        list = nullptr;
        const char* const ns = Ns();
        const char* const path = Path();
        Code(jzse_versions_open(store_, ns, path, GetOptions(), &list, Error()));
        break;
      }
      default: {
        const jzse_list_entry* entry = nullptr;
        for (int i = 0; i < 30; ++i) {
          if (Code(jzse_list_next(list, &entry, Error())) != JZSE_OK || entry == nullptr) break;
          Require(entry->path != nullptr, "an entry without a path");
        }
      }
    }
  }
  void Writers() {
    jzse_writer*& writer = writers_[Slot()];
    const uint8_t what = c_.Byte() % 5;
    if (what == 0) {
      jzse_writer_abort(writer);
      writer = nullptr;
      const char* const ns = Ns();
      const char* const path = Path();
      Code(jzse_writer_open(store_, ns, path, PutOptions(), &writer, Error()));
    } else if (what == 4) {
      Code(jzse_writer_commit(writer, Out<jzse_file_info>(), Error()));
      writer = nullptr;
    } else {
      const std::string data = Data();
      Code(jzse_writer_write(writer, data.data(), data.size(), Error()));
    }
  }
  void Groups() {
    jzse_group*& group = groups_[Slot()];
    const char* const ns = Ns();
    const char* const path = Path();
    switch (c_.Below(10)) {
      case 0:
        jzse_group_abort(group);
        group = nullptr;
        Code(jzse_group_begin(store_, &group, Error()));
        break;
      case 1: case 2: {
        const std::string data = Data();
        Code(jzse_group_put(group, ns, path, data.data(), data.size(), PutOptions(), Error()));
        break;
      }
      case 3: {
        jzse_writer*& writer = writers_[Slot()];
        Code(jzse_group_add_writer(group, writer, Error()));
        writer = nullptr;
        break;
      }
      case 4: Code(jzse_group_delete(group, ns, path, ChangeOptions(), Error())); break;
      case 5: Code(jzse_group_move(group, ns, path, Path(), ChangeOptions(), Error())); break;
      case 6: Code(jzse_group_copy(group, ns, path, Ns(), Path(), ChangeOptions(), Error())); break;
      case 7: Code(jzse_group_mkdir(group, ns, path, PutOptions(), Error())); break;
      default:
        Code(jzse_group_commit(group, Error()));
        group = nullptr;
    }
  }
  void Readers() {
    jzse_reader*& reader = readers_[Slot()];
    char buffer[100];
    size_t count = 0;
    switch (c_.Below(6)) {
      case 0: {
        jzse_reader_close(reader);
        reader = nullptr;
        const char* const ns = Ns();
        const char* const path = Path();
        Code(jzse_reader_open(store_, ns, path, GetOptions(), &reader, Out<jzse_file_info>(), Error()));
        break;
      }
      case 1: Code(jzse_reader_read(reader, buffer, c_.Below(101), &count, Error())); break;
      case 2: Code(jzse_reader_read_at(reader, c_.Number(3), buffer, c_.Below(101), &count, Error())); break;
      case 3: {
        jzse_extent extents[3];
        Code(jzse_reader_extents(reader, c_.Number(3), extents, c_.Below(4), &count, Error()));
        Require(count <= 3, "more extents than there is room for");
        break;
      }
      case 4: {
        const void* data = nullptr;
        size_t size = 0;
        Code(jzse_reader_span(reader, c_.Number(3), static_cast<uint32_t>(c_.Below(5)), &data, &size, Error()));
        if (size > 0) Require(std::string(static_cast<const char*>(data), size).size() == size, "a span without bytes");
        break;
      }
      case 5: {
        jzse_metadata* metadata = nullptr;
        Code(jzse_reader_metadata(reader, &metadata, Error()));
        jzse_metadata_close(metadata);
        break;
      }
    }
    Require(count <= sizeof buffer, "more than the buffer holds");
  }
  void Snapshots() {
    const size_t slot = Slot();
    if (snapshots_[slot] != nullptr) {
      jzse_snapshot_close(snapshots_[slot]);
      snapshots_[slot] = nullptr;
      return;
    }
    Code(jzse_snapshot_open(store_, &snapshots_[slot], Error()));
    (void)jzse_snapshot_sequence(snapshots_[slot]);
  }
  const jzse_feed_options* FeedOptions() {
    if (c_.Flag()) return nullptr;
    jzse_feed_options options = JZSE_FEED_OPTIONS_INIT;
    if (c_.Flag()) options.ns = Ns();
    if (c_.Flag()) options.prefix = c_.Flag() ? "dir" : Text(c_.String(20));
    if (c_.Flag()) options.after = Version();
    return Sized(options);
  }
  void Feeds() {
    jzse_feed*& feed = feeds_[Slot()];
    const uint8_t what = c_.Byte() % 8;
    if (what < 2) {
      jzse_feed_close(feed);
      feed = nullptr;
      Code(jzse_feed_open(store_, FeedOptions(), &feed, Error()));
    } else if (what == 2) {
      jzse_feed_cancel(feed);
    } else if (what == 4) {
      Require((jzse_feed_fd(feed) >= 0) == (feed != nullptr), "a feed without a descriptor");
    } else {
      const jzse_change* change = nullptr;
      uint64_t last = 0;
      for (int i = 0; i < 30; ++i) {
        if (Code(jzse_feed_next(feed, what == 3 ? -2 : 0, &change, Error())) != JZSE_OK || change == nullptr) break;
        Require(change->sequence > last && change->path != nullptr, "a feed that does not rise");
        last = change->sequence;
      }
    }
  }
  void Queues() {
    jzse_queue*& queue = queues_[Slot()];
    const char* const ns = Ns();
    const char* const path = Path();
    const uint64_t tag = c_.Byte();
    switch (c_.Below(14)) {
      case 0:
        jzse_queue_close(queue);
        queue = nullptr;
        Code(jzse_queue_open(store_, static_cast<uint32_t>(c_.Byte()) % 9, &queue, Error()));
        break;
      case 1: case 2: {
        jzse_completion completions[4] = {};
        size_t count = 0;
        Code(jzse_queue_reap(queue, completions, c_.Below(5), c_.Byte() % 4 - 2 == -1 ? 0 : c_.Byte() % 2, &count, Error()));
        for (size_t i = 0; i < std::min<size_t>(count, 4); ++i) jzse_free(completions[i].data);
        Require(count <= 4, "more completions than there is room for");
        break;
      }
      case 3: {
        // Larger contents must live on until they are reaped; these are copied.
        const std::string data = Data().substr(0, 60'000);
        Submitted(jzse_put_async(queue, tag, ns, path, data.data(), data.size(), PutOptions(), Error()));
        break;
      }
      case 4: Submitted(jzse_get_async(queue, tag, ns, path, nullptr, Error())); break;
      case 5: Submitted(jzse_stat_async(queue, tag, ns, path, nullptr, Error())); break;
      case 6: Submitted(jzse_delete_async(queue, tag, ns, path, ChangeOptions(), Error())); break;
      case 7: Submitted(jzse_copy_async(queue, tag, ns, path, Ns(), Path(), ChangeOptions(), Error())); break;
      case 8: Submitted(jzse_move_async(queue, tag, ns, path, Path(), ChangeOptions(), Error())); break;
      case 9: Submitted(jzse_mkdir_async(queue, tag, ns, path, PutOptions(), Error())); break;
      case 10: Submitted(jzse_metadata_set_async(queue, tag, ns, path, PutOptions(), Error())); break;
      case 11: Submitted(jzse_version_restore_async(queue, tag, ns, path, Version(), Error())); break;
      case 12: {
        jzse_writer*& writer = writers_[Slot()];
        if (Submitted(jzse_writer_commit_async(queue, tag, writer, Error())) == JZSE_OK) writer = nullptr;
        break;
      }
      case 13: {
        jzse_group*& group = groups_[Slot()];
        if (Submitted(jzse_group_commit_async(queue, tag, group, Error())) == JZSE_OK) group = nullptr;
        break;
      }
    }
  }
  int Submitted(int code) {
    if (Code(code) == JZSE_OK) under_way_ = true;
    return code;
  }
  void Namespaces() {
    jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
    const uint8_t bits = c_.Byte();
    if (bits & 1) config.kind = c_.Byte() % 3;
    if (bits & 2) config.conflict = c_.Byte() % 5;
    if (bits & 4) config.versions_max = static_cast<uint32_t>(c_.Number(c_.Flag() ? 1 : 4));
    if (bits & 8) config.compression = c_.Byte() % 21;
    if (bits & 16) config.quota_files = c_.Byte();
    if (bits & 32) config.quota_bytes = c_.Number(3);
    if (bits & 64) config.chunk_min = 1u << (c_.Byte() % 32);
    if (bits & 128) config.versions_age_max_s = c_.Number(8);
    const char* const ns = Ns();
    switch (c_.Below(6)) {
      case 0: Code(jzse_namespace_create(store_, ns, Sized(config), Error())); break;
      case 1: Code(jzse_namespace_configure(store_, ns, Sized(config), Error())); break;
      case 2: Code(jzse_namespace_get(store_, ns, Out<jzse_namespace_config>(), Out<jzse_namespace_info>(), Error())); break;
      case 3: Code(jzse_namespace_list(store_, IgnoreNamespace, nullptr, Error())); break;
      case 4: Code(jzse_namespace_drop(store_, ns, Error())); break;
      case 5: (void)jzse_store_region(store_); break;
    }
  }
  void Verify() {
    jzse_verify_options options = JZSE_VERIFY_OPTIONS_INIT;
    options.repair = c_.Byte() % 3;
    options.progress = c_.Byte() < 224 ? Go : Stop;
    options.problem = IgnoreProblem;
    const int code = Code(jzse_verify(store_, Sized(options), Out<jzse_verify_report>(), Error()));
    Require(code != JZSE_CORRUPT, "verify finds damage that nobody did");
  }
  void Compact() {
    jzse_compact_options options = JZSE_COMPACT_OPTIONS_INIT;
    options.full = c_.Byte() % 3;
    options.progress = c_.Byte() < 224 ? Go : Stop;
    Code(jzse_compact(store_, Sized(options), Out<jzse_compact_report>(), Error()));
  }
  void Archives() {
    static fuzz::MemoryFile file;
    jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
    options.versions = c_.Byte() % 3;
    const uint8_t bits = c_.Byte();
    if (bits & 1) options.prefix = "dir";
    if (bits & 2) options.snapshot = snapshots_[Slot()];
    const char* const ns = Ns();
    const int fd = file.Holding("");
    const int code = Code(jzse_archive_export(store_, ns, fd, Sized(options), Out<jzse_archive_report>(), Error()));
    lseek(fd, 0, SEEK_SET);
    options.prefix = nullptr;
    options.snapshot = nullptr;
    const int imported = Code(jzse_archive_import(store_, Ns(), fd, Sized(options), Out<jzse_archive_report>(), Error()));
    if (code == JZSE_OK) Require(imported != JZSE_CORRUPT, "an export that is damaged");
  }
  void Watch() {
    jzse_watch*& watch = watches_[Slot()];
    if (watch != nullptr) {
      jzse_watch_stop(watch);
      watch = nullptr;
    } else {
      Code(jzse_watch_start(store_, FeedOptions(), IgnoreChange, nullptr, &watch, Error()));
    }
  }
  // Of a store that is not there: whatever the options are, nothing is made.
  void OpenElsewhere() {
    jzse_options options = JZSE_OPTIONS_INIT;
    options.flags = c_.Byte() & ~JZSE_OPEN_CREATE;
    options.io_backend = c_.Byte() % 4;
    options.background_off = c_.Byte() % 3;
    options.memory_limit = c_.Number(4);
    jzse_store* store = nullptr;
    const char* const path = c_.Byte() == 255 ? nullptr : "/nowhere/at all";
    Require(Code(jzse_store_open(path, Sized(options), &store, Error())) != JZSE_OK && store == nullptr, "opened nothing");
  }
  void CloseTooEarly() {
    const bool handles = !jzse::capi::CheckNoHandles(store_->handles).ok();
    if (handles) Require(Code(jzse_store_close(store_, Error())) == JZSE_BUSY, "closed under its handles");
  }

  Choices& c_;
  jzse_store* const store_;
  jzse_error error_ = JZSE_ERROR_INIT;
  bool error_given_ = true;
  bool under_way_ = false;  // something asynchronous may change files at any moment
  std::vector<std::unique_ptr<char, decltype(&std::free)>> sized_;
  std::vector<std::unique_ptr<std::string>> strings_;
  jzse_list* lists_[kSlots] = {};
  jzse_writer* writers_[kSlots] = {};
  jzse_group* groups_[kSlots] = {};
  jzse_reader* readers_[kSlots] = {};
  jzse_snapshot* snapshots_[kSlots] = {};
  jzse_feed* feeds_[kSlots] = {};
  jzse_queue* queues_[kSlots] = {};
  jzse_watch* watches_[kSlots] = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices(fuzz::View(data, size));
  const bool full = choices.Flag();
  const auto env = fuzz::SampleOf(full ? fuzz::Sample::kCompacted : fuzz::Sample::kEmpty).env->CloneKilled();
  jzse_store* const store = fuzz::OpenHandle(*env);
  Session session(choices, store);
  for (int calls = 0; calls < kCallsMax && !choices.empty(); ++calls) session.Call();
  session.CloseAll();
  Require(jzse_store_close(store, nullptr) == JZSE_OK, "the store does not close");
  return 0;
}
