// SPDX-License-Identifier: Apache-2.0
// Large contents: one file stored and read back against `cp` and `cat`, and far more bytes than
// memory.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "jzse_store.h"
#include "works.h"

extern char** environ;

namespace bench {
namespace {

constexpr size_t kPiece = kMiB;
constexpr char kName[] = "big";

double SecondsSince(int64_t start_ns) { return static_cast<double>(NowNs() - start_ns) / 1e9; }

// Fills a buffer and gives back how much; less than asked only at the end.
using ReadPiece = std::function<size_t(char* data, size_t size)>;

ReadPiece FromFile(const Fd& fd) {
  return [&fd](char* data, size_t size) { return ReadFull(fd.get(), data, size); };
}

// Reads to the end; the bytes read.
uint64_t Drain(const ReadPiece& read) {
  std::vector<char> buffer(kPiece);
  uint64_t total = 0;
  for (size_t n; (n = read(buffer.data(), buffer.size())) > 0;) total += n;
  return total;
}

void CheckSame(const ReadPiece& got, const ReadPiece& wanted) {
  std::vector<char> a(kPiece), b(kPiece);
  for (;;) {
    const size_t n = got(a.data(), a.size());
    const size_t m = wanted(b.data(), b.size());
    if (n != m || std::memcmp(a.data(), b.data(), n) != 0) Die("wrong content was read");
    if (n == 0) return;
  }
}

class JzseReader {
 public:
  explicit JzseReader(const JzseStore& store, const char* name = kName) {
    jzse_error error = JZSE_ERROR_INIT;
    const int code = jzse_reader_open(store.get(), store.ns(), name, nullptr, &reader_, nullptr,
                                      &error);
    CheckJzse(code, error);
  }
  ~JzseReader() { jzse_reader_close(reader_); }
  JzseReader(const JzseReader&) = delete;
  JzseReader& operator=(const JzseReader&) = delete;

  // jzse_reader_read may give less than asked before the end; a piece may not.
  size_t Read(char* data, size_t size) {
    jzse_error error = JZSE_ERROR_INIT;
    size_t done = 0;
    for (size_t n = 1; done < size && n > 0; done += n) {
      CheckJzse(jzse_reader_read(reader_, data + done, size - done, &n, &error), error);
    }
    return done;
  }
  ReadPiece AsPieces() {
    return [this](char* data, size_t size) { return Read(data, size); };
  }

 private:
  jzse_reader* reader_ = nullptr;
};

// `cp` itself, then what it leaves out: fsync of the copy and of its directory.
void CopyDurably(const std::string& source, const std::string& dir) {
  const std::string target = dir + "/" + kName;
  const char* words[] = {"cp", source.c_str(), target.c_str(), nullptr};
  pid_t child = 0;
  errno = ::posix_spawnp(&child, "cp", nullptr, nullptr, const_cast<char**>(words), environ);
  CheckErrno(errno == 0, "cp");
  int status = 0;
  CheckErrno(::waitpid(child, &status, 0) == child, "waitpid");
  if (status != 0) Die("cp failed");
  CheckErrno(::fsync(OpenFile(target, O_RDONLY).get()) == 0, "fsync");
  CheckErrno(::fsync(OpenFile(dir, O_RDONLY | O_DIRECTORY).get()) == 0, "fsync of the directory");
}

// Is it the JzSE store, or the plain file of the peer `plain`?
bool IsJzse(const Args& args, const char* plain) {
  const std::string contender = args.Text("contender");
  if (contender != "jzse" && contender != plain) Die("no such contender: " + contender);
  return contender == "jzse";
}

void AddStreamFigures(uint64_t bytes, double seconds, Report* report) {
  report->Add("value", static_cast<double>(bytes) / static_cast<double>(kMiB) / seconds);
  report->Add("seconds", seconds);
  report->Add("verified", bytes);
}

}  // namespace

void RunSource(const Args& args) {
  Stream stream(args.Number("seed"));
  const uint64_t size = args.Number("bytes") / 8 * 8;
  const Fd file = OpenFile(args.Text("path"), O_WRONLY | O_CREAT | O_EXCL);
  std::vector<char> piece(kPiece);
  for (uint64_t done = 0; done < size; done += piece.size()) {
    piece.resize(std::min<uint64_t>(kPiece, size - done));
    stream.Fill(piece.data(), piece.size());
    WriteAll(file.get(), piece.data(), piece.size());
  }
  CheckErrno(::fsync(file.get()) == 0, "fsync");
  Report report;
  report.Add("value", size);
  report.Print();
}

// The clock runs from the open of the warm source to the acknowledgement; the store is open
// already, and new unless `reuse`. What was stored is compared with the source afterwards. new_bytes
// is what a store that had something before appended: chunks and journal.
void RunStreamPut(const Args& args) {
  const std::string dir = args.Text("dir");
  const std::string path = args.Text("source");
  const uint64_t size = Drain(FromFile(OpenFile(path, O_RDONLY)));
  const Fd wanted = OpenFile(path, O_RDONLY);
  double seconds = 0;
  uint64_t new_bytes = 0;
  if (!IsJzse(args, "cp")) {
    const int64_t start = NowNs();
    CopyDurably(path, dir);
    seconds = SecondsSince(start);
    CheckSame(FromFile(OpenFile(dir + "/" + kName, O_RDONLY)), FromFile(wanted));
  } else {
    const std::string name = args.Text("name", kName);
    JzseStore store(dir, Shape::kFlat, {args.Number("reuse", 0) == 0, 0});
    jzse_error error = JZSE_ERROR_INIT;
    const int64_t start = NowNs();
    const Fd source = OpenFile(path, O_RDONLY);
    const int code = jzse_put_fd(store.get(), store.ns(), name.c_str(), source.get(), nullptr,
                                 nullptr, &error);
    CheckJzse(code, error);
    seconds = SecondsSince(start);
    new_bytes = store.Stats().journal_bytes;
    CheckSame(JzseReader(store, name.c_str()).AsPieces(), FromFile(wanted));
  }
  Report report;
  AddStreamFigures(size, seconds, &report);
  report.Add("new_bytes", new_bytes);
  report.Add("new_kb", static_cast<double>(new_bytes) / 1e3);
  report.Add("new_percent", 100 * static_cast<double>(new_bytes) / static_cast<double>(size));
  report.Print();
}

namespace {

// O_DIRECT, past the page cache: what the disk itself gives one reader with 1 MiB at a time.
uint64_t DrainDirect(const std::string& path) {
  const Fd fd = OpenFile(path, O_RDONLY | O_DIRECT);
  const std::unique_ptr<void, void (*)(void*)> buffer(std::aligned_alloc(4096, kPiece), std::free);
  uint64_t total = 0;
  for (ssize_t n; (n = ::read(fd.get(), buffer.get(), kPiece)) != 0; total += n) {
    CheckErrno(n > 0, "read");
  }
  return total;
}

}  // namespace

// Reads what RunStreamPut left in `dir`, once to compare and warm, once on the clock into a buffer
// of 1 MiB. With cold=1 everything is evicted between the two and must really be fetched. The peer
// raw reads the plain file with O_DIRECT.
void RunStreamGet(const Args& args) {
  const std::string dir = args.Text("dir");
  const bool raw = args.Text("contender") == "raw";
  const bool cold = args.Number("cold", 0) != 0;
  const Fd wanted = OpenFile(args.Text("source"), O_RDONLY);
  uint64_t size = 0;
  double seconds = 0;
  IoCounts before;
  if (raw || !IsJzse(args, "cat")) {
    const std::string path = dir + "/" + kName;
    CheckSame(FromFile(OpenFile(path, O_RDONLY)), FromFile(wanted));
    if (cold || raw) Evict(dir, "");
    before = IoNow();
    const int64_t start = NowNs();
    size = raw ? DrainDirect(path) : Drain(FromFile(OpenFile(path, O_RDONLY)));
    seconds = SecondsSince(start);
  } else {
    {
      JzseStore store(dir, Shape::kFlat, {});
      CheckSame(JzseReader(store).AsPieces(), FromFile(wanted));
    }
    JzseStore store(dir, Shape::kFlat, {});
    if (cold) Evict(dir, "");
    before = IoNow();
    const int64_t start = NowNs();
    size = Drain(JzseReader(store).AsPieces());
    seconds = SecondsSince(start);
  }
  const uint64_t fetched = IoNow().read_bytes - before.read_bytes;
  if ((cold || raw) && fetched < size / 100 * 99) {
    Die("not cold: " + std::to_string(fetched) + " bytes really read");
  }
  Report report;
  AddStreamFigures(size, seconds, &report);
  report.Add("read_bytes", fetched);
  report.Print();
}

uint64_t PutAndCompare(const JzseStore& store, const char* name, uint64_t bytes, uint64_t seed) {
  const uint64_t size = bytes / kPiece * kPiece;
  jzse_error error = JZSE_ERROR_INIT;
  jzse_writer* writer = nullptr;
  std::vector<char> piece(kPiece);
  CheckJzse(jzse_writer_open(store.get(), store.ns(), name, nullptr, &writer, &error), error);
  Stream stream(seed);
  for (uint64_t done = 0; done < size; done += kPiece) {
    stream.Fill(piece.data(), kPiece);
    CheckJzse(jzse_writer_write(writer, piece.data(), kPiece, &error), error);
  }
  CheckJzse(jzse_writer_commit(writer, nullptr, &error), error);
  Stream again(seed);
  uint64_t left = size;
  CheckSame(JzseReader(store, name).AsPieces(), [&](char* data, size_t capacity) {
    const size_t n = std::min<uint64_t>(left, capacity);
    again.Fill(data, n);
    left -= n;
    return n;
  });
  return size;
}

// Content comes from a generator, so that no source file takes disk or page cache; its cost is
// within the rate.
void RunBigPut(const Args& args) {
  const uint64_t size = args.Number("bytes") / kPiece * kPiece;
  const uint64_t before = PeakMemory();
  double seconds = 0;
  {
    JzseStore store(args.Text("dir"), Shape::kFlat, {true, args.Number("memory_limit")});
    jzse_error error = JZSE_ERROR_INIT;
    jzse_writer* writer = nullptr;
    Stream stream(args.Number("seed"));
    std::vector<char> piece(kPiece);
    const int64_t start = NowNs();
    int code = jzse_writer_open(store.get(), store.ns(), kName, nullptr, &writer, &error);
    CheckJzse(code, error);
    for (uint64_t done = 0; done < size; done += kPiece) {
      stream.Fill(piece.data(), kPiece);
      code = jzse_writer_write(writer, piece.data(), kPiece, &error);
      CheckJzse(code, error);
    }
    code = jzse_writer_commit(writer, nullptr, &error);
    CheckJzse(code, error);
    seconds = SecondsSince(start);
  }
  Report report;
  report.Add("value", static_cast<double>(PeakMemory()) / static_cast<double>(kMiB));
  report.Add("process_mib", static_cast<double>(before) / static_cast<double>(kMiB));
  report.Add("rate_mib_s", static_cast<double>(size) / static_cast<double>(kMiB) / seconds);
  report.Print();
}

// Every byte is compared with the generator run again, which is stronger than a hash and costs
// less.
void RunBigGet(const Args& args) {
  const uint64_t size = args.Number("bytes") / kPiece * kPiece;
  const uint64_t before = PeakMemory();
  double seconds = 0;
  {
    JzseStore store(args.Text("dir"), Shape::kFlat, {false, args.Number("memory_limit")});
    Stream stream(args.Number("seed"));
    uint64_t left = size;
    const ReadPiece wanted = [&](char* data, size_t capacity) {
      const size_t n = std::min<uint64_t>(left, capacity);
      stream.Fill(data, n);
      left -= n;
      return n;
    };
    const int64_t start = NowNs();
    CheckSame(JzseReader(store).AsPieces(), wanted);
    seconds = SecondsSince(start);
  }
  Report report;
  report.Add("value", static_cast<double>(PeakMemory()) / static_cast<double>(kMiB));
  report.Add("process_mib", static_cast<double>(before) / static_cast<double>(kMiB));
  report.Add("rate_mib_s", static_cast<double>(size) / static_cast<double>(kMiB) / seconds);
  report.Add("verified", size);
  report.Print();
}

}  // namespace bench
