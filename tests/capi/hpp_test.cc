// SPDX-License-Identifier: Apache-2.0
// jzse.hpp: every class and every method, as a host would write it; what the calls mean is tested in C. Compiled as C++17
// and as C++20, with and without exceptions and RTTI, so there is no test framework: a failed check ends the program.
#include <jzse/jzse.hpp>

#include <poll.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#if __cplusplus >= 202002L
#include <iterator>
#include <ranges>
#include <span>
#endif

namespace {

#define CHECK(condition) \
  do { if (!(condition)) Fail(__LINE__, #condition); } while (0)

[[noreturn]] void Fail(int line, const char* what) {
  std::printf("hpp_test.cc:%d: failed: %s\n0 passed, 1 failed\n", line, what);
  std::exit(1);
}

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
T MustAt(int line, jzse::Result<T> result) {
  if (!result) Fail(line, (std::string(result.error().name()) + ": " + result.error().message()).c_str());
  return std::move(result).value();
}
void MustAt(int line, jzse::Result<void> result) {
  if (!result) Fail(line, (std::string(result.error().name()) + ": " + result.error().message()).c_str());
}
#define Must(...) MustAt(__LINE__, __VA_ARGS__)

jzse::Store Open(const Directory& directory) {
  return Must(jzse::Store::Open(directory / "store", JZSE_OPEN_CREATE));
}

std::string Names(jzse::List list) {
  std::string names;
  for (const jzse_list_entry& entry : list) names += std::string(entry.path) + " ";
  CHECK(!list.error());
  return names;
}

bool Readable(int fd, int timeout_ms) {
  pollfd entry = {fd, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

void Files() {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  CHECK(store.region() == "local");
  CHECK(files.name() == "default");
  CHECK(jzse::LibraryVersion() == std::string(jzse_version()));
  CHECK(Must(files.Put("a", "hello")).size == 5);
  CHECK(Must(files.Get("a")).view() == "hello");
  CHECK(Must(files.Get("a")).str() == "hello");
  CHECK(Must(files.Put(std::string("empty"), {})).size == 0);
  CHECK(Must(files.Get(std::string_view("emptyX", 5))).size() == 0);
  char buffer[8];
  CHECK(Must(files.GetRange("a", 1, {buffer, 3})) == 3);
  CHECK(std::string_view(buffer, 3) == "ell");
  CHECK(Must(files.Stat("a")).kind == JZSE_KIND_FILE);

  jzse::Writer writer = Must(files.OpenWriter("w"));
  Must(writer.Write("one "));
  Must(writer.Write(std::string_view("two")));
  CHECK(Must(writer.Commit()).size == 7);
  { const jzse::Writer abandoned = Must(files.OpenWriter("never")); }
  CHECK(files.Stat("never").code() == JZSE_NOT_FOUND);

  jzse::PutOptions options;
  const std::array<jzse_pair, 1> pairs = {{{"key", "value"}}};
  options.content_type = "text/plain";
  options.SetPairs(pairs);
  Must(files.SetMetadata("a", options));
  const jzse::Metadata metadata = Must(files.GetMetadata("a"));
  CHECK(metadata.content_type == "text/plain");
  CHECK(metadata.pairs.size() == 1);
  CHECK(metadata.pairs[0] == std::make_pair(std::string("key"), std::string("value")));

  CHECK(Must(files.Copy("a", files, "b")).size == 5);
  Must(files.Move("b", "c"));
  Must(files.MakeDirectory("d/e"));
  CHECK(Names(Must(files.List())) == "a c d/e empty w ");
  CHECK(Names(Must(files.List({"", "/"}))) == "a c d/ empty w ");
  CHECK(files.Delete("d").code() == JZSE_EXISTS);
  Must(files.Delete("d", JZSE_RECURSIVE));
  CHECK(Names(Must(files.List("c"))) == "c ");
}

void BytesOfEveryShape() {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  const std::vector<uint32_t> words = {1, 2, 3};
  CHECK(Must(files.Put("words", words)).size == 12);
  std::array<uint32_t, 3> back = {};
  CHECK(Must(files.GetRange("words", 0, back)) == 12);
  CHECK(back[2] == 3);
  const unsigned char raw[] = {0, 1, 2};
  CHECK(Must(files.Put("raw", {raw, sizeof raw})).size == 3);

  std::string text;
  CHECK(Must(files.GetInto("raw", text)).size == 3);
  CHECK(text == std::string("\0\1\2", 3));
  std::vector<unsigned char> bytes(99);
  CHECK(Must(files.GetInto("raw", bytes)).size == 3);
  CHECK(bytes.size() == 3 && bytes[2] == 2);
  uint64_t asked = 0;
  const auto nowhere = [&asked](uint64_t size) -> void* {
    asked = size;
    return nullptr;
  };
  CHECK(files.GetInto("raw", nowhere).code() == JZSE_CLOSED);
  CHECK(asked == 3);
#if __cplusplus >= 202002L
  const jzse::Blob blob = Must(files.Get("raw"));
  CHECK(blob.bytes().size() == 3 && blob.bytes()[1] == std::byte{1});
  CHECK(Must(files.Put("span", blob.bytes())).size == 3);
  CHECK(Must(files.Put("part", std::span(words).subspan(1))).size == 8);
  CHECK(Must(files.GetRange("part", 0, std::span(back).first(1))) == 4);
  CHECK(back[0] == 2);
  static_assert(std::ranges::input_range<jzse::List>);
  static_assert(std::ranges::input_range<jzse::Feed::Changes>);
#endif
}

void Readers() {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  std::string large;
  for (uint32_t i = 0, state = 1; i < (3u << 20); ++i, state = state * 1664525 + 1013904223)
    large.push_back(static_cast<char>(state >> 24));
  Must(files.Put("large", large));
  jzse::Reader reader = Must(files.OpenReader("large"));
  CHECK(reader.info().size == large.size());
  char buffer[10];
  CHECK(Must(reader.Read(buffer)) == 10);
  CHECK(Must(reader.ReadAt(large.size() - 3, buffer)) == 3);
  CHECK(Must(reader.Span(large.size() - 3)) == std::string_view(large).substr(large.size() - 3));
  CHECK(Must(reader.Span(large.size())).empty());
  CHECK(Must(reader.GetMetadata()).pairs.empty());
  CHECK(std::string_view(buffer, 3) == large.substr(large.size() - 3));

  std::vector<char> room(100'000);
  std::string rest = large.substr(0, 10);
  jzse::Reader::Pieces pieces = reader.InPieces(room);
  for (const std::string_view piece : pieces) rest += piece;
  CHECK(!pieces.error());
  CHECK(rest == large);

  std::string from_disk;
  jzse::Reader::ExtentRange extents = reader.AllExtents();
  size_t count = 0;
  for (const jzse_extent& extent : extents) {
    std::string piece(static_cast<size_t>(extent.length), '\0');
    CHECK(pread(extent.fd, piece.data(), piece.size(), static_cast<off_t>(extent.offset)) ==
          static_cast<ssize_t>(piece.size()));
    from_disk += piece;
    ++count;
  }
  CHECK(!extents.error());
  CHECK(from_disk == large);
  CHECK(count > 16);  // more than one batch
  CHECK(Must(reader.Extents(0, 4)).size() == 4);
  CHECK(Must(reader.Extents(large.size(), 4)).empty());
}

void Errors() {
  Directory directory;
  const auto missing = jzse::Store::Open(directory / "none");
  CHECK(!missing);
  CHECK(missing.code() == JZSE_NOT_FOUND);
  CHECK(missing.error().name() == std::string("JZSE_NOT_FOUND"));
  CHECK(missing.error().message().find("none") != std::string::npos);
  jzse::Store store = Open(directory);
  CHECK(store["default"].Get("a").code() == JZSE_NOT_FOUND);
  CHECK(store["default"].Put(std::string("a\0b", 3), "x").code() == JZSE_INVALID);       // not silently "a"
  CHECK(store["default"].Put(std::string_view("a\0b", 3), "x").code() == JZSE_INVALID);
  CHECK(store[std::string("default\0x", 9)].Put("a", "x").code() != JZSE_OK);
  const jzse::Snapshot snapshot = Must(store.OpenSnapshot());
  const auto busy = store.Close();
  CHECK(busy.code() == JZSE_BUSY);
  CHECK(busy.error().message().find("1 snapshot") != std::string::npos);
  CHECK(store["default"].Get("a").code() == JZSE_NOT_FOUND);  // still open
}

void VersionsGroupsAndSnapshots() {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  const uint64_t first = Must(files.Put("a", "one")).sequence;
  const uint64_t second = Must(files.Put("a", "two")).sequence;
  {
    const jzse::Snapshot snapshot = Must(store.OpenSnapshot());
    CHECK(snapshot.sequence() >= second);
    Must(files.Put("a", "three"));
    CHECK(Must(files.Get("a", snapshot)).view() == "two");
    CHECK(Must(files.Get("a", first)).view() == "one");
    CHECK(Names(Must(files.Versions("a", snapshot))) == "a a ");
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
  CHECK(Names(Must(files.List())) == "d g i w ");
  { const jzse::Group aborted = Must(store.BeginGroup()); }
  Must(store.Close());
}

void FeedsAndWatches() {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  uint64_t seen = 0;
  {
    jzse::Feed feed = Must(store.OpenFeed());
    CHECK(Must(feed.Next(0)) == nullptr);
    CHECK(!Readable(feed.descriptor(), 0));
    Must(files.Put("a", "1"));
    const jzse_change* change = Must(feed.Next(-1));
    CHECK(change != nullptr);
    CHECK(change->path == std::string("a"));
    seen = change->sequence;
    Must(files.Put("b", "1"));
    Must(files.Put("c", "1"));
    CHECK(Readable(feed.descriptor(), -1));
    std::string paths;
    jzse::Feed::Changes pending = feed.Pending();
    for (const jzse_change& one : pending) paths += one.path;
    CHECK(paths == "bc" && !pending.error());
    CHECK(!Readable(feed.descriptor(), 0));
    feed.Cancel();
    CHECK(feed.Next(-1).code() == JZSE_CLOSED);
    jzse::Feed::Changes cancelled = feed.Pending(-1);
    CHECK(cancelled.begin() == cancelled.end());
    CHECK(cancelled.error() && cancelled.error()->code() == JZSE_CLOSED);
  }
  {
    jzse::Feed resumed = Must(store.OpenFeed(seen));
    CHECK(Must(resumed.Next(0))->path == std::string("b"));
  }
  {
    std::mutex mutex;
    std::condition_variable woken;
    std::string path;
    const jzse::Watch watch = Must(store.StartWatch({}, [&](const jzse_change& change) {
      std::lock_guard<std::mutex> lock(mutex);
      path = change.path;
      woken.notify_one();
      return true;
    }));
    std::unique_lock<std::mutex> lock(mutex);
    woken.wait(lock, [&] { return path == "c"; });
  }
}

void Queues() {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  jzse::Queue queue = Must(store.OpenQueue(8));
  CHECK(queue.descriptor() >= 0);
  Must(queue.Put(1, "default", "q", "queued"));
  CHECK(Must(queue.Reap(8, -1))[0].ok());
  Must(queue.Get(2, "default", "q"));
  std::vector<jzse::Completion> done = Must(queue.Reap(8, -1));
  CHECK(done.size() == 1);
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
  CHECK(Names(Must(files.List())) == "q r s ");
}

void Callables() {
  Directory directory;
  jzse::Store store = Open(directory);
  const jzse::Namespace files = store["default"];
  const uint64_t first = Must(files.Put("f", "1")).sequence;
  jzse::Async loop = Must(store.OpenAsync(4));
  const auto run = [&loop] {  // until nothing is under way
    while (loop.under_way() > 0) {
      CHECK(Readable(loop.descriptor(), -1));
      Must(loop.Dispatch());
    }
  };
  std::string story;
  const auto tell = [&story](const char* word) {
    return [&story, word](jzse::Completion& done) { story += std::string(word) + (done.ok() ? " " : "! "); };
  };
  // One callable submits the next request.
  Must(loop.Put(
      [&](jzse::Completion& put) {
        CHECK(put.ok() && put.info.size == 3);
        Must(loop.Get([&](jzse::Completion& got) { story += got.content.str() + " "; }, "default", "a"));
      },
      "default", "a", "abc"));
  run();
  CHECK(story == "abc ");
  story.clear();
  Must(loop.Copy(tell("copy"), "default", "a", "default", "b"));
  run();
  Must(loop.Move(tell("move"), "default", "b", "c"));
  run();
  Must(loop.MakeDirectory(tell("mkdir"), "default", "d"));
  Must(loop.Stat(tell("stat"), "default", "none"));
  run();
  jzse::PutOptions options;
  options.content_type = "text/plain";
  Must(loop.SetMetadata(tell("metadata"), "default", "a", options));
  Must(files.Put("f", "2"));
  run();
  Must(loop.RestoreVersion(tell("restore"), "default", "f", first));
  Must(loop.Delete(tell("delete"), "default", "c"));
  run();
  jzse::Group group = Must(store.BeginGroup());
  Must(group.Put("default", "g", "x"));
  Must(loop.Commit(tell("group"), group));
  jzse::Writer writer = Must(files.OpenWriter("w"));
  Must(loop.Commit(tell("writer"), writer));
  run();
  for (const char* word : {"copy ", "move ", "mkdir ", "stat! ", "metadata ", "restore ", "delete ", "group ", "writer "})
    CHECK(story.find(word) != std::string::npos);
  CHECK(Names(Must(files.List())) == "a d f g w ");
  CHECK(Must(files.Get("f")).view() == "1");

  // Full, and refused at once: neither leaves anything under way, and the handle stays with the caller.
  for (int i = 0; i < 4; ++i) Must(loop.Stat(nullptr, "default", "a"));
  jzse::Group kept = Must(store.BeginGroup());
  CHECK(loop.Commit(nullptr, kept).code() == JZSE_BUSY);
  CHECK(kept.get() != nullptr);
  run();
  CHECK(loop.Put(nullptr, "default", "", "x").code() == JZSE_INVALID);
  CHECK(loop.under_way() == 0);
  { jzse::Async dropped = Must(store.OpenAsync(1));
    Must(dropped.Stat([](jzse::Completion&) { Fail(__LINE__, "called after its loop"); }, "default", "a")); }
}

void NamespacesAndUpkeep() {
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
  CHECK(file != nullptr);
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

}  // namespace

int main() {
  Files();
  BytesOfEveryShape();
  Readers();
  Errors();
  VersionsGroupsAndSnapshots();
  FeedsAndWatches();
  Queues();
  Callables();
  NamespacesAndUpkeep();
  std::printf("9 passed, 0 failed\n");
  return 0;
}
