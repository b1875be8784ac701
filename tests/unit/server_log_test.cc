// SPDX-License-Identifier: Apache-2.0
// The server's log: forms, escapes, levels, and a reader that does not read.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <sstream>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "log/log.h"

namespace {

using namespace jzse::log;

constexpr int64_t kTime = 1'717'167'899'123'456'789;  // 2024-05-31T15:04:59.123Z

std::string Line(Format format, std::string_view value) {
  const Field field("v", value);
  return FormatLine(format, kTime, Level::kInfo, "e", std::span(&field, 1));
}

class Pipe {
 public:
  Pipe() { REQUIRE(pipe2(ends_.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    CloseWriter();
    close(ends_[0]);
  }
  int writer() const { return ends_[1]; }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  std::string ReadAll() {
    CloseWriter();
    std::string all;
    std::array<char, 65536> block;
    for (ssize_t got; (got = read(ends_[0], block.data(), block.size())) > 0;) all.append(block.data(), static_cast<size_t>(got));
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("one event in both forms") {
  const Field fields[] = {{"id", "4f1c"}, {"target", "/v1/a b"}, {"status", 200}, {"size", uint64_t{1} << 63}, {"left", -5},
                          {"ms", 0.412345678}, {"ok", true}, {"nan", std::nan("")}, {"none", ""}};
  CHECK(FormatLine(Format::kLogfmt, kTime, Level::kWarning, "request", fields) ==
        "time=2024-05-31T15:04:59.123Z level=warning event=request id=4f1c target=\"/v1/a b\" status=200 "
        "size=9223372036854775808 left=-5 ms=0.412346 ok=true nan=null none=\"\"\n");
  CHECK(FormatLine(Format::kJson, kTime, Level::kError, "request", fields) ==
        "{\"time\":\"2024-05-31T15:04:59.123Z\",\"level\":\"error\",\"event\":\"request\",\"id\":\"4f1c\",\"target\":\"/v1/a b\","
        "\"status\":200,\"size\":9223372036854775808,\"left\":-5,\"ms\":0.412346,\"ok\":true,\"nan\":null,\"none\":\"\"}\n");
  CHECK(FormatLine(Format::kLogfmt, -1, Level::kDebug, "e", {}).starts_with("time=1969-12-31T23:59:59.999Z level=debug"));
}

TEST_CASE("what clients send forges no line, no field and no terminal") {
  const char* const hostile[] = {"a\nlevel=error event=forged", "a\" status=200 x=\"", "\x1b[2J", "a=b", "\\", "\xC2\x9B" "31m",
                                 "\xE2\x80\xAE" "gpj.exe", "\xE2\x80\xA8", "\xff\xfe", "\xC0\x80", "\xED\xA0\x80", "\r\n\r\n",
                                 "\x7f", "\xE2\x82", "\xF4\x90\x80\x80"};
  for (const std::string_view text : hostile) {
    const std::string logfmt = Line(Format::kLogfmt, text), json = Line(Format::kJson, text);
    CAPTURE(logfmt, json);
    for (const std::string& line : {logfmt, json}) {
      CHECK(line.find('\n') == line.size() - 1);
      for (const char c : line.substr(0, line.size() - 1)) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
      CHECK(line.find("\xE2\x80\xAE") == std::string::npos);
      CHECK(line.find("\xC2\x9B") == std::string::npos);
      CHECK(line.find("\xE2\x80\xA8") == std::string::npos);
    }
    CHECK(logfmt.find(" v=\"") != std::string::npos);
    size_t quotes = 0;
    for (size_t i = 0; i < logfmt.size(); ++i) {
      if (logfmt[i] == '\\') ++i;
      else if (logfmt[i] == '"') ++quotes;
    }
    CHECK(quotes == 2);
    CHECK(nlohmann::json::accept(json));
  }
  CHECK(nlohmann::json::parse(Line(Format::kJson, "a\tb\"c\\d\x01\xE2\x80\xAE\xC2\x85\xE4\xB8\xAD"))["v"] ==
        "a\tb\"c\\d\x01\xE2\x80\xAE\xC2\x85\xE4\xB8\xAD");
  CHECK(nlohmann::json::parse(Line(Format::kJson, "x\xffy"))["v"] == "x\xEF\xBF\xBDy");
}

TEST_CASE("a long value is cut between characters") {
  const std::string line = Line(Format::kJson, std::string(kValueMax - 1, 'a') + "\xE4\xB8\xAD" "bbb");
  CHECK(nlohmann::json::parse(line)["v"] == std::string(kValueMax - 1, 'a') + "...");
}

TEST_CASE("levels and forms can be changed while it runs, and every line arrives whole and in order") {
  Pipe pipe;
  {
    Log log({pipe.writer(), Level::kInfo, Format::kLogfmt, kBufferMax, [] { return kTime; }});
    CHECK_FALSE(log.Enabled(Level::kDebug));
    log.Write(Level::kDebug, "unseen", {});
    log.Write(Level::kInfo, "one", {{"n", 1}});
    log.SetLevel(Level::kDebug);
    log.SetFormat(Format::kJson);
    log.Write(Level::kDebug, "two", {{"n", 2}});
    log.SetLevel(Level::kError);
    log.Write(Level::kWarning, "unseen", {});
  }
  CHECK(pipe.ReadAll() ==
        "time=2024-05-31T15:04:59.123Z level=info event=one n=1\n"
        "{\"time\":\"2024-05-31T15:04:59.123Z\",\"level\":\"debug\",\"event\":\"two\",\"n\":2}\n");
}

TEST_CASE("threads that log at once share no line") {
  constexpr int kThreads = 4, kEach = 2000;
  Pipe pipe;
  std::string all;
  std::thread reader;
  {
    Log log({pipe.writer(), Level::kInfo, Format::kLogfmt, size_t{64} << 20, [] { return kTime; }});
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&log, t] {
        for (int i = 0; i < kEach; ++i) log.Write(Level::kInfo, "e", {{"t", t}, {"i", i}});
      });
    reader = std::thread([&] {
      std::array<char, 65536> block;
      size_t lines = 0;
      while (lines < size_t{kThreads} * kEach) {
        const ssize_t got = read(pipe.writer() - 1, block.data(), block.size());
        if (got <= 0) break;
        for (ssize_t i = 0; i < got; ++i) lines += block[static_cast<size_t>(i)] == '\n' ? 1 : 0;
        all.append(block.data(), static_cast<size_t>(got));
      }
    });
    for (std::thread& thread : threads) thread.join();
    log.Flush();
    CHECK(log.dropped() == 0);
  }
  reader.join();
  std::array<int, kThreads> next{};
  for (const std::string& line : Lines(all)) {
    int t = -1, i = -1;
    REQUIRE(std::sscanf(line.c_str(), "time=2024-05-31T15:04:59.123Z level=info event=e t=%d i=%d", &t, &i) == 2);
    CHECK(i == next[static_cast<size_t>(t)]++);
  }
  for (const int count : next) CHECK(count == kEach);
}

TEST_CASE("a reader that does not read costs lines, not the caller, and is told so") {
  Pipe pipe;
  uint64_t dropped = 0;
  std::string all;
  std::thread reader;
  {
    Log log({pipe.writer(), Level::kInfo, Format::kLogfmt, 4096, [] { return kTime; }});
    const std::string value(200, 'x');
    for (int i = 0; i < 2000; ++i) log.Write(Level::kInfo, "e", {{"v", value}});  // beyond what pipe and buffer take
    dropped = log.dropped();
    CHECK(dropped > 0);
    reader = std::thread([&] {
      std::array<char, 65536> block;
      for (ssize_t got; (got = read(pipe.writer() - 1, block.data(), block.size())) > 0;) {
        all.append(block.data(), static_cast<size_t>(got));
        if (all.find("event=end") != std::string::npos) break;
      }
    });
    log.Flush();
    log.Write(Level::kInfo, "end", {});
  }
  reader.join();
  uint64_t seen = 0, told = 0;
  for (const std::string& line : Lines(all)) {
    unsigned long long count = 0;
    if (line.find("event=e ") != std::string::npos) ++seen;
    else if (std::sscanf(line.c_str(), "time=2024-05-31T15:04:59.123Z level=warning event=dropped count=%llu", &count) == 1) told += count;
  }
  CHECK(seen + dropped == 2000);
  CHECK(told == dropped);
}

TEST_CASE("a closed descriptor ends nothing") {
  Log log({-1, Level::kInfo, Format::kLogfmt, kBufferMax, {}});
  log.Write(Level::kInfo, "e", {});
  log.Flush();
}
