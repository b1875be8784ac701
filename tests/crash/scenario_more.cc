// SPDX-License-Identifier: Apache-2.0
// The scenarios that read, and those of namespaces, upkeep, archives, queues and opening.
#include <unistd.h>

#include <cstring>

#include "scenario_parts.h"

namespace jzse::crash {
namespace {

int Got(Stage& s, const char* ns, const char* path, const std::string& want) {
  void* data = nullptr;
  size_t size = 0;
  s.Call([&] { return jzse_get(s.store, ns, path, nullptr, &data, &size, nullptr, &s.error); });
  if (s.code() == JZSE_OK && (size != want.size() || std::memcmp(data, want.data(), size) != 0)) s.Fail(kWrong);
  jzse_free(data);
  return s.code();
}

int GetSmall(Stage& s) { return Got(s, "default", "small", "three"); }
int GetLarge(Stage& s) { return Got(s, "default", "large", Noise(4, 200'000)); }
int GetCompressed(Stage& s) { return Got(s, "zip", "text", Prose(7, 9000)); }

int GetMissing(Stage& s) {
  void* data = nullptr;
  size_t size = 0;
  return s.Call([&] { return jzse_get(s.store, "default", "dir/none", nullptr, &data, &size, nullptr, &s.error); });
}

// Room that the host has already: what fails then is the library's.
int GetInto(Stage& s) {
  static char room[1 << 18];
  const auto place = [](void*, uint64_t size) -> void* { return size <= sizeof room ? room : nullptr; };
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  for (const auto& [path, want] : {std::pair<const char*, std::string>("small", "three"), {"large", Noise(4, 200'000)}}) {
    s.Call([&, path = path] {
      return jzse_get_into(s.store, "default", path, nullptr, place, nullptr, &info, &s.error);
    });
    if (s.code() == JZSE_OK && (info.size != want.size() || std::memcmp(room, want.data(), want.size()) != 0))
      s.Fail(kWrong);
  }
  return s.code();
}

int GetRange(Stage& s) {
  std::string buffer(70'000, '\0');
  size_t count = 0;
  s.Call([&] {
    return jzse_get_range(s.store, "default", "large", nullptr, 99'000, buffer.data(), buffer.size(), &count, &s.error);
  });
  if (s.code() == JZSE_OK && buffer != Noise(4, 200'000).substr(99'000, 70'000)) s.Fail(kWrong);
  return s.code();
}

int StatFile(Stage& s) {
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  s.Call([&] { return jzse_stat(s.store, "default", "dir", nullptr, &info, &s.error); });
  return s.Call([&] { return jzse_stat(s.store, "default", "other", nullptr, &info, &s.error); });
}

int ReaderOf(Stage& s) {
  jzse_reader* reader = nullptr;
  s.Call([&] { return jzse_reader_open(s.store, "default", "large", nullptr, &reader, nullptr, &s.error); });
  std::string all, buffer(30'000, '\0');
  for (size_t count = 1; s.code() == JZSE_OK && count > 0;) {
    s.Call([&] { return jzse_reader_read(reader, buffer.data(), buffer.size(), &count, &s.error); });
    if (s.code() == JZSE_OK) all.append(buffer, 0, count);
  }
  size_t count = 0;
  s.Call([&] { return jzse_reader_read_at(reader, 150'000, buffer.data(), 100, &count, &s.error); });
  if (s.code() == JZSE_OK && (all != Noise(4, 200'000) || all.compare(150'000, 100, buffer, 0, 100) != 0))
    s.Fail(kWrong);
  const void* data = nullptr;
  s.Call([&] { return jzse_reader_span(reader, 150'000, 0, &data, &count, &s.error); });
  if (s.code() == JZSE_OK && Noise(4, 200'000).compare(150'000, count, static_cast<const char*>(data), count) != 0)
    s.Fail(kWrong);
  s.Release([&] { jzse_reader_close(reader); });
  return s.code();
}

int MetadataOf(Stage& s) {
  jzse_metadata* metadata = nullptr;
  s.Call([&] { return jzse_metadata_open(s.store, "default", "other", nullptr, &metadata, &s.error); });
  s.Release([&] { jzse_metadata_close(metadata); });
  return s.code();
}

// All pages of `limit` entries; how many entries there were.
size_t ListPages(Stage& s, const char* delimiter, uint64_t limit, uint32_t with_deleted) {
  std::string after;
  size_t entries = 0;
  for (size_t page = 1; page > 0;) {
    jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
    options.delimiter = delimiter;
    options.limit = limit;
    options.start_after = after.c_str();
    options.with_deleted = with_deleted;
    jzse_list* list = nullptr;
    s.Call([&] { return jzse_list_open(s.store, "default", &options, &list, &s.error); });
    page = 0;
    for (const jzse_list_entry* entry = nullptr;;) {
      if (s.Call([&] { return jzse_list_next(list, &entry, &s.error); }) != JZSE_OK || entry == nullptr) break;
      after = entry->path;
      ++page;
    }
    entries += page;
    s.Release([&] { jzse_list_close(list); });
    if (s.code() != JZSE_OK) break;
  }
  return entries;
}

int ListFlat(Stage& s) {
  if (ListPages(s, nullptr, 2, 1) != 6 && s.code() == JZSE_OK) s.Fail(kWrong);
  return s.code();
}
int ListDelimited(Stage& s) {
  if (ListPages(s, "/", 0, 0) == 0 && s.code() == JZSE_OK) s.Fail(kWrong);
  return s.code();
}

int ReadVersions(Stage& s) {
  jzse_list* list = nullptr;
  s.Call([&] { return jzse_versions_open(s.store, "default", "small", nullptr, &list, &s.error); });
  std::vector<uint64_t> versions;
  for (const jzse_list_entry* entry = nullptr;;) {
    if (s.Call([&] { return jzse_list_next(list, &entry, &s.error); }) != JZSE_OK || entry == nullptr) break;
    versions.push_back(entry->info.sequence);
  }
  s.Release([&] { jzse_list_close(list); });
  for (const uint64_t version : versions) {
    jzse_get_options options = JZSE_GET_OPTIONS_INIT;
    options.version = version;
    void* data = nullptr;
    size_t size = 0;
    s.Call([&] { return jzse_get(s.store, "default", "small", &options, &data, &size, nullptr, &s.error); });
    jzse_free(data);
  }
  if (s.code() == JZSE_OK && versions.size() != 3) s.Fail(kWrong);
  return s.code();
}

int SnapshotRead(Stage& s) {
  jzse_snapshot* snapshot = nullptr;
  s.Call([&] { return jzse_snapshot_open(s.store, &snapshot, &s.error); });
  s.Call([&] { return jzse_put(s.store, "default", "small", "new", 3, nullptr, nullptr, &s.error); });
  jzse_get_options options = JZSE_GET_OPTIONS_INIT;
  options.snapshot = snapshot;
  void* data = nullptr;
  size_t size = 0;
  s.Call([&] { return jzse_get(s.store, "default", "small", &options, &data, &size, nullptr, &s.error); });
  if (s.code() == JZSE_OK && (size != 5 || std::memcmp(data, "three", 5) != 0)) s.Fail(kWrong);
  jzse_free(data);
  s.Release([&] { jzse_snapshot_close(snapshot); });
  return s.code();
}

int FeedAll(Stage& s) {
  jzse_feed* feed = nullptr;
  s.Call([&] { return jzse_feed_open(s.store, nullptr, &feed, &s.error); });
  uint64_t last = 0;
  for (const jzse_change* change = nullptr;;) {
    if (s.Call([&] { return jzse_feed_next(feed, 0, &change, &s.error); }) != JZSE_OK || change == nullptr) break;
    if (change->sequence <= last) s.Fail(kWrong);
    last = change->sequence;
  }
  s.Release([&] { jzse_feed_close(feed); });
  return s.code();
}

int FeedPolled(Stage& s) {
  jzse_feed* feed = nullptr;
  const jzse_change* change = nullptr;
  s.Call([&] { return jzse_feed_open(s.store, nullptr, &feed, &s.error); });
  int fd = -1;  // what it stays without memory; the feed itself goes on
  s.Release([&] { fd = jzse_feed_fd(feed); });
  s.Call([&] { return jzse_put(s.store, "default", "small", "new", 3, nullptr, nullptr, &s.error); });
  s.Call([&] { return jzse_feed_next(feed, 0, &change, &s.error); });
  s.Release([&] { jzse_feed_close(feed); });
  return s.code();
}

int Statistics(Stage& s) {
  jzse_stats stats = JZSE_STATS_INIT;
  return s.Call([&] { return jzse_store_stats(s.store, &stats, &s.error); });
}

// ------------------------------------------------------------------------------------------------ namespaces

int CreateNamespace(Stage& s) {
  return s.Call([&] { return jzse_namespace_create(s.store, "fresh", nullptr, &s.error); });
}
int ConfigureNamespace(Stage& s) {
  jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
  s.Call([&] { return jzse_namespace_get(s.store, "zip", &config, nullptr, &s.error); });
  config.versions_max = 1;
  return s.Call([&] { return jzse_namespace_configure(s.store, "zip", &config, &s.error); });
}
int DropNamespace(Stage& s) {
  return s.Call([&] { return jzse_namespace_drop(s.store, "zip", &s.error); });
}
int ListNamespaces(Stage& s) {
  size_t count = 0;
  const auto each = [](void* context, const jzse_namespace_info*) {
    ++*static_cast<size_t*>(context);
    return 0;
  };
  s.Call([&] { return jzse_namespace_list(s.store, each, &count, &s.error); });
  if (s.code() == JZSE_OK && count != 3) s.Fail(kWrong);
  return s.code();
}

// ------------------------------------------------------------------------------------------------ upkeep

int Compacting(Stage& s, uint32_t full) {
  jzse_compact_options options = JZSE_COMPACT_OPTIONS_INIT;
  options.full = full;
  s.Call([&] { return jzse_put(s.store, "tight", "only", "x", 1, nullptr, nullptr, &s.error); });
  return s.Call([&] { return jzse_compact(s.store, &options, nullptr, &s.error); });
}
int Compact(Stage& s) { return Compacting(s, 0); }  // also expires versions: an hour has gone by
int CompactFully(Stage& s) { return Compacting(s, 1); }

// The second one finds what the first, if it failed late, left sealed beside its originals.
int CompactTwice(Stage& s) {
  Compacting(s, 1);
  const int first = s.code();
  s.Clear();
  Compacting(s, 1);
  if (first != JZSE_OK) s.Fail(first);
  return s.code();
}

// Chunks that no commit names yet must survive the sealing of their segment, also when it fails.
int CompactUnderWriter(Stage& s) {
  const std::string data = Noise(40, 150'000);
  jzse_writer* writer = nullptr;
  s.Call([&] { return jzse_writer_open(s.store, "default", "under way", nullptr, &writer, &s.error); });
  s.Call([&] { return jzse_writer_write(writer, data.data(), data.size(), &s.error); });
  const int compacted = s.code() == JZSE_OK ? Compacting(s, 1) : s.code();
  s.Clear();
  if (writer != nullptr) s.Call([&] { return jzse_writer_commit(writer, nullptr, &s.error); });
  if (compacted != JZSE_OK) s.Fail(compacted);
  return s.code();
}

int Verifying(Stage& s, uint32_t repair) {
  jzse_verify_options options = JZSE_VERIFY_OPTIONS_INIT;
  options.repair = repair;
  jzse_verify_report report = JZSE_VERIFY_REPORT_INIT;
  s.Call([&] { return jzse_verify(s.store, &options, &report, &s.error); });
  if (s.code() == JZSE_OK && (report.problems != 0 || report.files == 0)) s.Fail(kWrong);
  return s.code();
}
int Verify(Stage& s) { return Verifying(s, 0); }
int Repair(Stage& s) { return Verifying(s, 1); }

int Export(Stage& s) {
  const int fd = DescriptorOf("");
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  options.versions = 1;
  s.Call([&] { return jzse_archive_export(s.store, "default", fd, &options, nullptr, &s.error); });
  close(fd);
  return s.code();
}

// An archive of the scenery's "default", made once.
const std::string& Archive() {
  static const auto* const archive = [] {
    const auto disk = SceneryDisk();
    Stage s(*disk);
    s.Open();
    const int fd = DescriptorOf("");
    s.Call([&] { return jzse_archive_export(s.store, "default", fd, nullptr, nullptr, &s.error); });
    auto* const bytes = new std::string(static_cast<size_t>(lseek(fd, 0, SEEK_END)), '\0');
    if (pread(fd, bytes->data(), bytes->size(), 0) != static_cast<ssize_t>(bytes->size())) bytes->clear();
    close(fd);
    return bytes;
  }();
  return *archive;
}

int Importing(Stage& s, const std::string& archive) {
  const int fd = DescriptorOf(archive);
  s.Call([&] { return jzse_archive_import(s.store, "zip", fd, nullptr, nullptr, &s.error); });
  close(fd);
  return s.code();
}
int Import(Stage& s) { return Importing(s, Archive()); }
int ImportHalf(Stage& s) { return Importing(s, Archive().substr(0, Archive().size() / 2)); }

// ------------------------------------------------------------------------------------------------ queues

// Reaps until nothing is outstanding; the first failure counts.
void Reap(Stage& s, jzse_queue* queue, size_t outstanding) {
  int first = JZSE_OK;
  while (outstanding > 0) {
    jzse_completion done[4];
    size_t count = 0;
    s.Release([&] { (void)jzse_queue_reap(queue, done, 4, 10'000, &count, nullptr); });
    if (count == 0) break;  // ten seconds: it never comes
    outstanding -= count;
    for (size_t i = 0; i < count; ++i) {
      if (first == JZSE_OK) first = done[i].code;
      jzse_free(done[i].data);
    }
  }
  if (outstanding > 0) first = kWrong;
  if (s.code() == JZSE_OK) s.Fail(first);
}

int Queue(Stage& s) {
  jzse_queue* queue = nullptr;
  s.Call([&] { return jzse_queue_open(s.store, 16, &queue, &s.error); });
  size_t submitted = 0;
  const auto submit = [&](auto f) {
    if (s.code() == JZSE_OK && s.Call(f) == JZSE_OK) ++submitted;
  };
  submit([&] { return jzse_put_async(queue, 1, "default", "async", "bytes", 5, nullptr, &s.error); });
  submit([&] { return jzse_get_async(queue, 2, "default", "large", nullptr, &s.error); });
  submit([&] { return jzse_delete_async(queue, 3, "default", "other", nullptr, &s.error); });
  submit([&] { return jzse_stat_async(queue, 4, "default", "small", nullptr, &s.error); });
  submit([&] { return jzse_copy_async(queue, 5, "default", "small", "default", "copied", nullptr, &s.error); });
  if (queue != nullptr) Reap(s, queue, submitted);
  s.Release([&] { jzse_queue_close(queue); });
  return s.code();
}

int QueueGroup(Stage& s) {
  jzse_queue* queue = nullptr;
  jzse_group* group = nullptr;
  s.Call([&] { return jzse_queue_open(s.store, 2, &queue, &s.error); });
  s.Call([&] { return jzse_group_begin(s.store, &group, &s.error); });
  s.Call([&] { return jzse_group_put(group, "default", "a", "1", 1, nullptr, &s.error); });
  s.Call([&] { return jzse_group_delete(group, "default", "small", nullptr, &s.error); });
  if (s.Call([&] { return jzse_group_commit_async(queue, 1, group, &s.error); }) == JZSE_OK) {
    Reap(s, queue, 1);
  } else {
    s.Release([&] { jzse_group_abort(group); });
  }
  s.Release([&] { jzse_queue_close(queue); });
  return s.code();
}

// ------------------------------------------------------------------------------------------------ opening

int OpenClose(Stage& s) {
  s.Open();
  if (s.code() == JZSE_OK) s.Fail(s.Close());
  return s.code();
}

int Reopen(Stage& s) {
  s.Open();
  s.Call([&] { return jzse_put(s.store, "default", "small", "four", 4, nullptr, nullptr, &s.error); });
  if (s.code() == JZSE_OK) s.Fail(s.Close());
  s.Open();
  s.Call([&] { return jzse_put(s.store, "default", "small", "five", 4, nullptr, nullptr, &s.error); });
  return s.code();
}

int Rebuild(Stage& s) {
  engine::Options options = QuietOptions();
  options.rebuild_index = true;
  return s.Open(options);
}

int OpenReadOnly(Stage& s) {
  engine::Options options = QuietOptions();
  options.create = false;
  options.read_only = true;
  s.Open(options);
  Got(s, "default", "other", Noise(5, 3000));
  if (s.code() == JZSE_OK) s.Fail(s.Close());
  return s.code();
}

int OpenAfterKill(Stage& s) {
  RemoveIndex(s.env);
  s.Open();
  return Got(s, "default", "small", "three");
}

int OpenExclusively(Stage& s) {
  engine::Options options = QuietOptions();
  options.exclusive = true;
  return s.Open(options);
}

}  // namespace

std::vector<Scenario> ReadingScenarios() {
  return {
      {"get", GetSmall},
      {"get chunks", GetLarge},
      {"get compressed", GetCompressed},
      {"get what is not there", GetMissing, false, JZSE_NOT_FOUND},
      {"get into memory of the host", GetInto},
      {"get a range", GetRange},
      {"stat", StatFile},
      {"reader", ReaderOf},
      {"metadata", MetadataOf},
      {"list in pages", ListFlat},
      {"list with a delimiter", ListDelimited},
      {"read versions", ReadVersions},
      {"read from a snapshot", SnapshotRead, false, JZSE_OK, true},
      {"feed", FeedAll},
      {"feed that is polled", FeedPolled, false, JZSE_OK, true},
      {"statistics", Statistics},
  };
}

std::vector<Scenario> UpkeepScenarios() {
  return {
      {"create a namespace", CreateNamespace},
      {"configure a namespace", ConfigureNamespace},
      {"drop a namespace", DropNamespace},
      {"list namespaces", ListNamespaces},
      {"compact", Compact, false, JZSE_OK, true},
      {"compact fully", CompactFully, false, JZSE_OK, true},
      {"compact fully, twice", CompactTwice, false, JZSE_OK, true},
      {"compact fully under a writer", CompactUnderWriter, false, JZSE_OK, true},
      {"verify", Verify, false, JZSE_OK, false, true},
      {"repair", Repair, false, JZSE_OK, false, true},
      {"export", Export},
      {"import", Import, false, JZSE_OK, true},
      {"import a cut archive", ImportHalf, false, JZSE_CORRUPT, true},
      {"queue", Queue, false, JZSE_OK, true},
      {"queue a group", QueueGroup},
      {"open and close", OpenClose, true},
      {"open, put, close, open, put", Reopen, true, JZSE_OK, true},
      {"rebuild the index", Rebuild, true},
      {"open read-only", OpenReadOnly, true},
      {"open without an index", OpenAfterKill, true},
      {"open what must be new", OpenExclusively, true, JZSE_EXISTS},
  };
}

}  // namespace jzse::crash
