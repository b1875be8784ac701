// SPDX-License-Identifier: Apache-2.0
// The file system itself, three times.
//   file     one file an object, as a careful program writes it: a temporary file, fsync, rename,
//            fsync of the directory. A tree has its 256 directories made beforehand.
//   journal  the floor: one writer appends 4 KiB blocks with pwritev2(RWF_DSYNC) to a preallocated
//            file whose blocks were written before, so that a sync is data and one flush. It stores
//            no keys and finds nothing again. A batch is one such write of all its blocks.
//   pread    the floor of reads: one file of 4 KiB blocks, each read with one pread by its number
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "contender.h"

namespace bench {
namespace {

class Files : public Contender {
 public:
  explicit Files(const Options& options) : tree_(options.shape == Shape::kTree) {
    if (!tree_) AddDirectory(options.dir + "/files", options.create);
    for (int i = 0; tree_ && i < 256; ++i) {
      char name[3];
      std::snprintf(name, sizeof name, "%02x", i);
      AddDirectory(options.dir + "/" + name, options.create);
    }
  }

  void Put(const std::string& key, std::string_view value) override { Store(key, value, true); }

  void Load(const Objects& objects, uint64_t first, uint64_t end) override {
    std::string value(objects.size(), '\0');
    for (uint64_t id = first; id < end; ++id) {
      objects.Fill(id, value.data());
      Store(objects.Key(id), value, false);
    }
    CheckErrno(::syncfs(directories_[0].get()) == 0, "syncfs");
  }

  void Get(const std::string& key, Value* value) override {
    const Fd fd(::openat(DirectoryOf(key), NameOf(key), O_RDONLY | O_CLOEXEC));
    CheckErrno(fd.get() >= 0, "open " + key);
    struct stat about;
    CheckErrno(::fstat(fd.get(), &about) == 0, "fstat " + key);
    value->storage.resize(static_cast<size_t>(about.st_size));
    const size_t size = ReadFull(fd.get(), value->storage.data(), value->storage.size());
    value->bytes = std::string_view(value->storage.data(), size);
  }

  uint64_t Count() override {
    uint64_t count = 0;
    for (const Fd& directory : directories_) {
      DIR* each = ::fdopendir(::dup(directory.get()));
      CheckErrno(each != nullptr, "opendir");
      ::rewinddir(each);
      while (const dirent* entry = ::readdir(each)) count += entry->d_name[0] != '.';
      ::closedir(each);
    }
    return count;
  }

 private:
  void AddDirectory(const std::string& path, bool create) {
    if (create) CheckErrno(::mkdir(path.c_str(), 0755) == 0, "mkdir");
    directories_.push_back(OpenFile(path, O_RDONLY | O_DIRECTORY));
  }

  int DirectoryOf(const std::string& key) const {
    if (!tree_) return directories_[0].get();
    return directories_[std::strtoul(key.substr(0, 2).c_str(), nullptr, 16)].get();
  }
  const char* NameOf(const std::string& key) const { return key.c_str() + (tree_ ? 3 : 0); }

  void Store(const std::string& key, std::string_view value, bool durable) {
    const int directory = DirectoryOf(key);
    const std::string temporary = ".t" + std::to_string(next_temporary_.fetch_add(1));
    {
      constexpr int kFlags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
      const Fd fd(::openat(directory, temporary.c_str(), kFlags, 0644));
      CheckErrno(fd.get() >= 0, "create");
      WriteAll(fd.get(), value.data(), value.size());
      if (durable) CheckErrno(::fsync(fd.get()) == 0, "fsync");
    }
    CheckErrno(::renameat(directory, temporary.c_str(), directory, NameOf(key)) == 0, "rename");
    if (durable) CheckErrno(::fsync(directory) == 0, "fsync of the directory");
  }

  const bool tree_;
  std::vector<Fd> directories_;
  std::atomic<uint64_t> next_temporary_{0};
};

class Journal : public Contender {
 public:
  explicit Journal(const Options& options)
      : file_(OpenFile(options.dir + "/journal", O_RDWR | (options.create ? O_CREAT | O_EXCL : 0))),
        slots_(std::max<uint64_t>(1, options.journal_bytes / kBlock)),
        block_(kBlock, '\0') {
    if (options.create) WriteZeros();
  }

  // One thread only. A block is its number, from 1, and then the value as far as it fits.
  void Put(const std::string&, std::string_view value) override {
    FillBlock(block_.data(), ++count_, value.data(), value.size());
    Write(block_, count_ - 1);
  }

  void PutMany(const Objects& objects, uint64_t first, uint64_t count) override {
    if (slots_ % count != 0) Die("journal: a batch must not cross the end");
    std::string value(objects.size(), '\0');
    batch_.resize(count * kBlock);
    for (uint64_t i = 0; i < count; ++i) {
      objects.Fill(first + i, value.data());
      FillBlock(batch_.data() + i * kBlock, ++count_, value.data(), value.size());
    }
    Write(batch_, count_ - count);
  }

  uint64_t Count() override {
    uint64_t highest = 0;
    for (uint64_t slot = 0; slot < slots_; ++slot) {
      uint64_t number = 0;
      const off_t offset = static_cast<off_t>(slot * kBlock);
      const ssize_t n = ::pread(file_.get(), &number, sizeof number, offset);
      CheckErrno(n == ssize_t{sizeof number}, "pread");
      if (number != 0 && (number - 1) % slots_ != slot) Die("journal: a misplaced block");
      highest = std::max(highest, number);
    }
    return highest;
  }

  void Load(const Objects&, uint64_t, uint64_t) override { Die("the journal probe only appends"); }
  void Get(const std::string&, Value*) override { Die("the journal probe only appends"); }
  bool can_get() const override { return false; }

 private:
  static constexpr size_t kBlock = 4096;

  static void FillBlock(char* block, uint64_t number, const char* value, size_t size) {
    std::memcpy(block, &number, sizeof number);
    std::memcpy(block + sizeof number, value, std::min(size, kBlock - sizeof number));
  }

  // `first` counts blocks from 0.
  void Write(const std::string& blocks, uint64_t first) {
    const iovec piece{const_cast<char*>(blocks.data()), blocks.size()};
    const off_t offset = static_cast<off_t>(first % slots_ * kBlock);
    const ssize_t n = ::pwritev2(file_.get(), &piece, 1, offset, RWF_DSYNC);
    CheckErrno(n == static_cast<ssize_t>(blocks.size()), "pwritev2");
  }

  void WriteZeros() {
    const uint64_t size = slots_ * kBlock;
    CheckErrno(::posix_fallocate(file_.get(), 0, static_cast<off_t>(size)) == 0, "posix_fallocate");
    const std::vector<char> zeros(kMiB);
    for (uint64_t done = 0; done < size; done += zeros.size()) {
      WriteAll(file_.get(), zeros.data(), std::min<uint64_t>(zeros.size(), size - done));
    }
    CheckErrno(::fsync(file_.get()) == 0, "fsync");
  }

  const Fd file_;
  const uint64_t slots_;
  std::string block_, batch_;
  uint64_t count_ = 0;
};

class Blocks : public Contender {
 public:
  explicit Blocks(const Options& options)
      : file_(OpenFile(options.dir + "/blocks", O_RDWR | (options.create ? O_CREAT | O_EXCL : 0))) {
    CheckErrno(::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_RANDOM) == 0, "posix_fadvise");
  }

  void Load(const Objects& objects, uint64_t first, uint64_t end) override {
    std::string value(kBlock, '\0');
    if (objects.size() != kBlock) Die("pread: blocks are 4 KiB");
    for (uint64_t id = first; id < end; ++id) {
      objects.Fill(id, value.data());
      WriteAll(file_.get(), value.data(), value.size());
    }
    CheckErrno(::fsync(file_.get()) == 0, "fsync");
  }

  void Get(const std::string&, Value* value) override {
    value->storage.resize(kBlock);
    const off_t offset = static_cast<off_t>(value->id * kBlock);
    const ssize_t n = ::pread(file_.get(), value->storage.data(), kBlock, offset);
    CheckErrno(n == ssize_t{kBlock}, "pread");
    value->bytes = value->storage;
  }

  uint64_t Count() override {
    return static_cast<uint64_t>(::lseek(file_.get(), 0, SEEK_END)) / kBlock;
  }
  void Put(const std::string&, std::string_view) override { Die("the pread probe only reads"); }

 private:
  static constexpr size_t kBlock = 4096;
  const Fd file_;
};

}  // namespace

std::unique_ptr<Contender> OpenFiles(const Options& options) {
  return std::make_unique<Files>(options);
}
std::unique_ptr<Contender> OpenJournal(const Options& options) {
  return std::make_unique<Journal>(options);
}
std::unique_ptr<Contender> OpenBlocks(const Options& options) {
  return std::make_unique<Blocks>(options);
}

}  // namespace bench
