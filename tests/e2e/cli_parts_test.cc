// SPDX-License-Identifier: Apache-2.0
// The parts of the command that need no store: texts, addresses, the way below a directory, the work queue,
// the progress line.
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "jzse/jzse.h"
#include "output.h"
#include "posix.h"
#include "progress.h"
#include "remote/remote.h"
#include "text.h"
#include "urls.h"
#include "work_queue.h"

using namespace jzse::cli;

TEST_CASE("addresses are read") {
  struct Row {
    const char *text, *ns, *path;
  };
  for (const Row& row : {Row{"a/b", "default", "a/b"}, {"/a", "default", "a"}, {"//a", "default", "/a"},
                         {"", "default", ""}, {"/", "default", ""}, {":", "default", ""},
                         {"web:", "web", ""}, {"web:/a/", "web", "a/"}, {":web:a", "default", "web:a"},
                         {"Web:a", "default", "Web:a"}, {"a/b:c", "default", "a/b:c"}, {"-x:a", "default", "-x:a"},
                         {"a:b:c", "a", "b:c"}}) {
    INFO(row.text);
    const Address address = ParseAddress(row.text);
    CHECK(address.ns == row.ns);
    CHECK(address.path == row.path);
  }
}

TEST_CASE("a printed address is read back as the same") {
  for (const char* ns : {"default", "web"}) {
    for (const char* path : {"a", "/a", "//", "a:b", "12:30", "Web:x", ":", "-", "a/", "default:x"}) {
      INFO(ns << " " << path);
      const Address back = ParseAddress(FormatAddress(ns, path));
      CHECK(back.ns == ns);
      CHECK(back.path == path);
    }
  }
  CHECK(FormatAddress("default", "a/b") == "a/b");
  CHECK(FormatAddress("default", "12:30") == ":12:30");
  CHECK(FormatAddress("default", "-") == ":-");
}

TEST_CASE("what a terminal must not see is escaped") {
  CHECK(EscapeName("plain \\ caf\u00e9 \U0001f600") == "plain \\ caf\u00e9 \U0001f600");
  CHECK(EscapeName("a\x1b[31m\n\t\x7f") == "a\\x1b[31m\\n\\t\\x7f");
  CHECK(EscapeName("\xc2\x9b") == "\\u{9b}");                // C1: a control sequence in one character
  CHECK(EscapeName("a\u202eb\u2066") == "a\\u{202e}b\\u{2066}");
  CHECK(EscapeName("\xff\xc3(\xed\xa0\x80") == "\\xff\\xc3(\\xed\\xa0\\x80");
  CHECK(EscapeName(std::string(1, '\0')) == "\\x00");
}

TEST_CASE("UTF-8 is told from what is not") {
  for (const char* good : {"", "a", "\u00e9", "\u65e5", "\U0010ffff"}) CHECK(IsUtf8(good));
  for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xe2\x82",
                          "\xed\xa0\x80", "\xfe"}) {
    CHECK_FALSE(IsUtf8(bad));
  }
  std::string_view why;
  CHECK_FALSE(IsRefusedName("good name", &why));
  CHECK(IsRefusedName("new\nline", &why));
  CHECK(why == "the name contains a control character");
  CHECK(IsRefusedName("\xe9", &why));
  CHECK(why == "the name is not UTF-8");
}

TEST_CASE("sizes, times and modes") {
  CHECK(HumanSize(0) == "0");
  CHECK(HumanSize(1023) == "1023");
  CHECK(HumanSize(1536) == "1.5K");
  CHECK(HumanSize(1024 * 1024 - 1) == "1.0M");
  CHECK(HumanSize(UINT64_MAX) == "16E");
  CHECK(SizeText(1) == "1 byte");
  CHECK(SizeText(1536) == "1.5 KiB");
  CHECK(CountText(1234567, "file") == "1,234,567 files");
  CHECK(CountText(2, "directory") == "2 directories");
  CHECK(DurationText(0.04) == "0.0 s");
  CHECK(DurationText(59.99) == "1:00");
  CHECK(DurationText(3725) == "1:02:05");
  CHECK(UtcTime(0) == "1970-01-01T00:00:00.000000000Z");
  CHECK(UtcTime(INT64_MIN) == "1677-09-21T00:12:43.145224192Z");
  CHECK(UtcTime(INT64_MAX) == "2262-04-11T23:47:16.854775807Z");
  CHECK(UtcTime(-1) == "1969-12-31T23:59:59.999999999Z");
  CHECK(UtcTime(1'600'000'000'123'456'789) == "2020-09-13T12:26:40.123456789Z");
  CHECK(ModeText(JZSE_KIND_FILE, 0644) == "-rw-r--r--");
  CHECK(ModeText(JZSE_KIND_DIRECTORY, 01777) == "drwxrwxrwt");
  CHECK(ModeText(JZSE_KIND_FILE, 04711) == "-rws--x--x");
  CHECK(ModeText(JZSE_KIND_FILE, 0) == "-?????????");
}

TEST_CASE("numbers are read strictly") {
  CHECK(ParseSize("0") == 0u);
  CHECK(ParseSize("4096") == 4096u);
  CHECK(ParseSize("64K") == 65536u);
  CHECK(ParseSize("64k") == 65536u);
  CHECK(ParseSize("1.5GiB") == 1536u << 20);
  CHECK(ParseSize("16E") == std::nullopt);
  CHECK(ParseSize("15E") == uint64_t{15} << 60);
  for (const char* bad : {"", "K", "-1", "1.5", "1,5K", "1 K", "x", "1KK", "18446744073709551616", ".5K", "1.K"}) {
    INFO(bad);
    CHECK_FALSE(ParseSize(bad));
  }
  CHECK(ParseDuration("90") == 90u);
  CHECK(ParseDuration("30d") == 30u * 86400);
  CHECK(ParseDuration("2w") == 14u * 86400);
  for (const char* bad : {"", "d", "1y", "-1d", "1.5h", "18446744073709551615w"}) CHECK_FALSE(ParseDuration(bad));
  CHECK(ParseOctalMode("644") == 0644u);
  for (const char* bad : {"", "8", "17777", "0x1", "-1", "644 "}) CHECK_FALSE(ParseOctalMode(bad));
}

TEST_CASE("JSON keeps the order and escapes") {
  Record record;
  record.Add("z", 1).Add("a", "quote\" \n").Add("big", UINT64_MAX).Add("yes", true).Add("p", Pairs{{"k", "v"}});
  CHECK(record.ToJson() ==
        R"({"z":1,"a":"quote\" \n","big":18446744073709551615,"yes":true,"p":{"k":"v"}})");
  Record bad;
  CHECK(bad.Add("name", "\xff").ToJson() == "{\"name\":\"\uFFFD\"}");
}

namespace {

struct Directory {
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "jzse-parts-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
    fd = Fd(open(name.c_str(), O_RDONLY | O_DIRECTORY));
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
  Fd fd;
};

}  // namespace

TEST_CASE("a printed URL is read back as the same") {
  std::string every;
  for (int c = 1; c < 256; ++c) every.push_back(static_cast<char>(c));
  for (const char* base : {"http://h:7380", "http://[::1]:1", "http://127.0.0.1:80"}) {
    std::string problem;
    const auto server = jzse::remote::ParseUrl(base, &problem);
    REQUIRE(server);
    CHECK(server->Base() == base);
    for (const std::string& path : {std::string("a/b"), std::string(), std::string("/x//"), std::string("%2F"), std::string("../a"), every}) {
      const auto back = jzse::remote::ParseUrl(FormatUrl(*server, "web", path), &problem);
      REQUIRE(back);
      CHECK(back->Base() == base);
      CHECK(back->ns == "web");
      CHECK(back->path == path);
    }
  }
}

TEST_CASE("URLs become the server and addresses in it") {
  std::string a = "http://h:1/default/x%3Ay", b = "HTTP://h:1/web//z", c = "http://h:1/web";
  Globals globals;
  globals.store = "elsewhere";
  CHECK(TakeUrls({{&a, &b, &c}, {}}, &globals) == "");
  CHECK(globals.store == "http://h:1");
  CHECK(a == ":x:y");  // without the colon, x would be a namespace
  CHECK(ParseAddress(b).path == "/z");
  CHECK(c == "web:");
  std::string plain = "x", other = "http://h:2/default/x";
  CHECK(TakeUrls({{&plain, &other}, {}}, &globals) != "");
  other = "http://h:1/default/x";
  CHECK(TakeUrls({{&plain, &other}, {}}, &globals) == "");
}

TEST_CASE("an unfinished file is gone on with, by one at a time") {
  const Directory parts;
  const std::string directory = parts.path;
  uint64_t have = 1;
  {
    NewFile first(parts.fd.get());
    REQUIRE(first.Continue("key", 10, &have));
    CHECK(have == 0);
    CHECK(WriteAll(first.fd(), "abcdef", 6) == 0);
    NewFile second(parts.fd.get());  // finds it in use
    REQUIRE(second.Continue("key", 10, &have));
    CHECK(have == 0);
    second.Keep();  // is none that is found again, and goes
    first.Keep();
  }
  CHECK(std::distance(std::filesystem::directory_iterator(directory), {}) == 1);
  {
    NewFile again(parts.fd.get());
    REQUIRE(again.Continue("key", 10, &have));
    CHECK(have == 6);
    CHECK(WriteAll(again.fd(), "gh", 2) == 0);
    REQUIRE(again.Finish("whole"));
  }
  std::ifstream in(directory + "/whole");
  std::string text;
  std::getline(in, text);
  CHECK(text == "abcdefgh");
  {
    NewFile longer(parts.fd.get());
    REQUIRE(longer.Continue("key", 10, &have));
    CHECK(WriteAll(longer.fd(), "more than ten bytes", 19) == 0);
    longer.Keep();
    NewFile again(parts.fd.get());
    REQUIRE(again.Continue("key", 10, &have));
    CHECK(have == 0);
  }
}

TEST_CASE("below a directory no path leads out of it") {
  const Directory root, outside;
  std::filesystem::create_directories(root.path / "a/b");
  std::filesystem::create_symlink(outside.path, root.path / "a/link");
  std::ofstream(root.path / "a/file").put('x');
  Beneath beneath(root.fd.get());
  CHECK(beneath.Directory("") >= 0);
  CHECK(beneath.Directory("a/b") >= 0);
  CHECK(beneath.Directory("a") >= 0);
  const auto error = [&](const char* path) {
    const int fd = beneath.MakeDirectory(path, [](std::string_view) { FAIL("made something"); });
    return fd >= 0 ? 0 : errno;
  };
  CHECK(error("a/link") == ELOOP);
  CHECK(error("a/link/x") == ELOOP);
  CHECK(error("a/file") == ENOTDIR);
  CHECK(error("a/file/x") == ENOTDIR);
  for (const char* path : {"..", "../x", "a/../..", ".", "a//b", "/etc", "a/", "a/b/.."}) {
    INFO(path);
    CHECK(error(path) == EINVAL);
  }
  CHECK(std::filesystem::is_empty(outside.path));
  // A failed walk leaves nothing behind that a later one could take for its start.
  CHECK(beneath.Directory("a/b") >= 0);
  CHECK(error("a/b/..") == EINVAL);
  CHECK(beneath.Directory("x") < 0);
}

TEST_CASE("directories are made on the way, each told once") {
  const Directory root;
  Beneath beneath(root.fd.get());
  std::vector<std::string> made;
  const auto note = [&](std::string_view path) { made.emplace_back(path); };
  CHECK(beneath.MakeDirectory("a/b", note) >= 0);
  CHECK(beneath.MakeDirectory("a/b/c", note) >= 0);
  CHECK(beneath.MakeDirectory("a/d", note) >= 0);
  CHECK(made == std::vector<std::string>{"a", "a/b", "a/b/c", "a/d"});
  CHECK(std::filesystem::is_directory(root.path / "a/b/c"));
}

TEST_CASE("an unfinished file leaves nothing") {
  const Directory root;
  {
    NewFile file(root.fd.get());
    REQUIRE(file.Create());
    REQUIRE(WriteAll(file.fd(), "abc", 3) == 0);
    CHECK_FALSE(std::filesystem::is_empty(root.path));
  }
  CHECK(std::filesystem::is_empty(root.path));
  NewFile file(root.fd.get());
  REQUIRE(file.Create());
  REQUIRE(file.Finish("name"));
  CHECK(std::filesystem::exists(root.path / "name"));
}

TEST_CASE("a work queue gives out what it took, and ends") {
  WorkQueue<int> queue(4);
  std::vector<int> got;
  std::thread taker([&] {
    for (int item = 0; queue.Pop(&item);) got.push_back(item);
  });
  for (int i = 0; i < 1000; ++i) REQUIRE(queue.Push(i));
  queue.Close();
  taker.join();
  CHECK(got.size() == 1000);
  CHECK(std::is_sorted(got.begin(), got.end()));
  CHECK_FALSE(queue.Push(1));

  WorkQueue<int> abandoned(1);
  REQUIRE(abandoned.Push(1));
  std::thread pusher([&] { CHECK_FALSE(abandoned.Push(2)); });
  abandoned.Abandon();
  pusher.join();
  int item = 0;
  CHECK_FALSE(abandoned.Pop(&item));
}

TEST_CASE("the progress line fits and tells") {
  ProgressState state;
  state.bytes = 512 << 20, state.bytes_total = 1024 << 20, state.items = 10, state.seconds = 4;
  const std::string line = ProgressLine("import", state, 100, false);
  CHECK_THAT(line, Catch::StartsWith("import [") && Catch::Contains(" 50%") &&
                       Catch::Contains("512M of 1.0G") && Catch::Contains("128.0 MiB/s") &&
                       Catch::Contains("10 files") && Catch::Contains("ETA 4.0 s"));
  for (const size_t width : {10u, 20u, 40u, 60u, 80u, 200u}) {
    CHECK(ProgressLine("import", state, width, false).size() < width);
  }
  ProgressState unknown;
  unknown.items = 3, unknown.seconds = 1;
  CHECK(ProgressLine("export", unknown, 80, true) == "export  3 files  3/s");
}
