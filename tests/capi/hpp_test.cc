// SPDX-License-Identifier: Apache-2.0
// jzse.hpp: every class once, as a host would write it; what the calls mean is tested in C.
#include <jzse/jzse.hpp>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>

namespace {

class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jzse-hpp-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

template <typename T>
T Must(jzse::Result<T> result) {
  if (!result) FAIL(result.error().name() << ": " << result.error().message());
  return std::move(result).value();
}
void Must(jzse::Result<void> result) {
  if (!result) FAIL(result.error().name() << ": " << result.error().message());
}

jzse::Store Open(const Directory& directory) {
  return Must(jzse::Store::Open(directory / "store", JZSE_OPEN_CREATE));
}

std::string Names(jzse::List list) {
  std::string names;
  for (const jzse_list_entry& entry : list) names += std::string(entry.path) + " ";
  REQUIRE(!list.error());
  return names;
}

}  // namespace

TEST_CASE("files") {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  CHECK(store.region() == "local");
  CHECK(Must(files.Put("a", "hello")).size == 5);
  CHECK(Must(files.Get("a")).view() == "hello");
  CHECK(Must(files.Get("a")).str() == "hello");
  CHECK(Must(files.Put("empty", {})).size == 0);
  CHECK(Must(files.Get("empty")).size() == 0);
  char buffer[8];
  CHECK(Must(files.GetRange("a", 1, buffer, 3)) == 3);
  CHECK(std::string_view(buffer, 3) == "ell");
  CHECK(Must(files.Stat("a")).kind == JZSE_KIND_FILE);

  jzse::Writer writer = Must(files.OpenWriter("w"));
  Must(writer.Write("one "));
  Must(writer.Write("two"));
  CHECK(Must(writer.Commit()).size == 7);
  { const jzse::Writer abandoned = Must(files.OpenWriter("never")); }
  CHECK(files.Stat("never").code() == JZSE_NOT_FOUND);

  jzse::Reader reader = Must(files.OpenReader("w"));
  CHECK(Must(reader.Read(buffer, 4)) == 4);
  CHECK(Must(reader.Read(buffer, 8)) == 3);
  CHECK(Must(reader.ReadAt(4, buffer, 8)) == 3);
  CHECK(std::string_view(buffer, 3) == "two");
  CHECK(Must(reader.Extents(0, 4)).size() == 1);

  jzse::PutOptions options;
  const jzse_pair pair = {"key", "value"};
  options.content_type = "text/plain";
  options.metadata = &pair;
  options.metadata_count = 1;
  Must(files.SetMetadata("a", options));
  const jzse::Metadata metadata = Must(files.GetMetadata("a"));
  CHECK(metadata.content_type == "text/plain");
  REQUIRE(metadata.pairs.size() == 1);
  CHECK(metadata.pairs[0] == std::make_pair(std::string("key"), std::string("value")));

  CHECK(Must(files.Copy("a", files, "b")).size == 5);
  Must(files.Move("b", "c"));
  Must(files.MakeDirectory("d/e"));
  CHECK(Names(Must(files.List({}))) == "a c d/e empty w ");
  Must(files.Delete("d", JZSE_RECURSIVE));
  jzse::ListOptions prefix;
  prefix.prefix = "c";
  CHECK(Names(Must(files.List(prefix))) == "c ");
}

TEST_CASE("errors") {
  Directory directory;
  const auto missing = jzse::Store::Open(directory / "none");
  REQUIRE(!missing);
  CHECK(missing.code() == JZSE_NOT_FOUND);
  CHECK(missing.error().name() == std::string("JZSE_NOT_FOUND"));
  CHECK(missing.error().message().find("none") != std::string::npos);
  jzse::Store store = Open(directory);
  CHECK(store["default"].Get("a").code() == JZSE_NOT_FOUND);
  CHECK(store["default"].Put(std::string("a\0b", 3), "x").code() == JZSE_INVALID);  // not silently "a"
  CHECK(store[std::string("default\0x", 9)].Put("a", "x").code() != JZSE_OK);
  const jzse::Snapshot snapshot = Must(store.OpenSnapshot());
  CHECK(store.Close().code() == JZSE_BUSY);
  CHECK(store["default"].Get("a").code() == JZSE_NOT_FOUND);  // still open
}

TEST_CASE("versions, groups and snapshots") {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  const uint64_t first = Must(files.Put("a", "one")).sequence;
  const uint64_t second = Must(files.Put("a", "two")).sequence;
  {
    const jzse::Snapshot snapshot = Must(store.OpenSnapshot());
    CHECK(snapshot.sequence() >= second);
    Must(files.Put("a", "three"));
    jzse::GetOptions then;
    then.snapshot = snapshot.get();
    CHECK(Must(files.Get("a", then)).view() == "two");
  }
  CHECK(Names(Must(files.Versions("a"))) == "a a a ");
  CHECK(Must(files.RestoreVersion("a", first)).sequence > second);
  CHECK(Must(files.Get("a")).view() == "one");
  Must(files.DeleteVersion("a", second));
  CHECK(Names(Must(files.Versions("a"))) == "a a a ");

  jzse::Group group = Must(store.BeginGroup());
  Must(group.Put("default", "g", "1"));
  Must(group.Copy("default", "g", "default", "h"));
  Must(group.Move("default", "h", "i"));
  Must(group.MakeDirectory("default", "d"));
  Must(group.Delete("default", "a"));
  jzse::Writer writer = Must(files.OpenWriter("w"));
  Must(writer.Write("written"));
  Must(group.Add(std::move(writer)));
  CHECK(files.Stat("g").code() == JZSE_NOT_FOUND);
  Must(group.Commit());
  CHECK(Names(Must(files.List({}))) == "d g i w ");
  { const jzse::Group aborted = Must(store.BeginGroup()); }
  Must(store.Close());
}

TEST_CASE("feeds, watches and queues") {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  {
    jzse::Feed feed = Must(store.OpenFeed());
    CHECK(Must(feed.Next(0)) == nullptr);
    Must(files.Put("a", "1"));
    const jzse_change* change = Must(feed.Next(-1));
    REQUIRE(change != nullptr);
    CHECK(change->path == std::string("a"));
    feed.Cancel();
    CHECK(feed.Next(-1).code() == JZSE_CLOSED);
  }
  {
    std::mutex mutex;
    std::condition_variable seen;
    std::string path;
    const jzse::Watch watch = Must(store.StartWatch({}, [&](const jzse_change& change) {
      std::lock_guard<std::mutex> lock(mutex);
      path = change.path;
      seen.notify_one();
      return true;
    }));
    std::unique_lock<std::mutex> lock(mutex);
    seen.wait(lock, [&] { return path == "a"; });
  }
  {
    jzse::Queue queue = Must(store.OpenQueue(8));
    CHECK(queue.descriptor() >= 0);
    Must(queue.Put(1, "default", "q", "queued"));
    CHECK(Must(queue.Reap(8, -1))[0].code == JZSE_OK);
    Must(queue.Get(2, "default", "q"));
    std::vector<jzse::Completion> done = Must(queue.Reap(8, -1));
    REQUIRE(done.size() == 1);
    CHECK(done[0].tag == 2);
    CHECK(done[0].content.view() == "queued");
    CHECK(done[0].info.size == 6);
    Must(queue.Stat(3, "default", "q"));
    Must(queue.Delete(4, "default", "none"));
    jzse::Group group = Must(store.BeginGroup());
    Must(group.Put("default", "r", "x"));
    Must(queue.Commit(5, group));
    jzse::Writer writer = Must(files.OpenWriter("s"));
    Must(queue.Commit(6, writer));
    size_t reaped = 0;
    while (reaped < 4) {
      for (const jzse::Completion& one : Must(queue.Reap(8, -1))) {
        ++reaped;
        CHECK(one.code == (one.tag == 4 ? JZSE_NOT_FOUND : JZSE_OK));
        CHECK(one.message.empty() == (one.tag != 4));
      }
    }
    CHECK(Must(queue.Reap(8, 0)).empty());
  }
  CHECK(Names(Must(files.List({}))) == "a q r s ");
  Must(store.Close());
}

TEST_CASE("namespaces and upkeep") {
  Directory directory;
  jzse::Store store = Open(directory);
  jzse::NamespaceConfig config;
  config.versions_max = 2;
  const jzse::Namespace photos = Must(store.CreateNamespace("photos", config));
  Must(photos.Put("a", "x"));
  CHECK(Must(store.GetNamespaceConfig("photos")).versions_max == 2);
  config.versions_max = 3;
  Must(store.ConfigureNamespace("photos", config));
  CHECK(Must(store.GetNamespaceInfo("photos")).file_count == 1);
  CHECK(Must(store.ListNamespaces()).size() == 2);
  CHECK(Must(store.GetStats()).file_count == 1);
  CHECK(Must(store.Verify()).problems == 0);
  Must(store.Compact());

  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  CHECK(Must(photos.Export(fileno(file))).files == 1);
  std::rewind(file);
  CHECK(Must(store["default"].Import(fileno(file))).files == 1);
  std::rewind(file);
  CHECK(Must(photos.PutDescriptor("archive", fileno(file))).size > 32);
  std::fclose(file);
  CHECK(Must(store["default"].Get("a")).view() == "x");
  Must(store.DropNamespace("photos"));
  Must(store.Close());
}
