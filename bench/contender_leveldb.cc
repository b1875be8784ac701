// SPDX-License-Identifier: Apache-2.0
// LevelDB as its users run it: default options, except that compression is off (the values are
// incompressible, so that only saves it work). A put is one Put with WriteOptions::sync, from the
// thread that asks; LevelDB gathers the puts of several threads into one log write and one
// fdatasync by itself.
#include <leveldb/db.h>
#include <leveldb/write_batch.h>

#include <algorithm>

#include "contender.h"

namespace bench {
namespace {

void Check(const leveldb::Status& status) {
  if (!status.ok()) Die("leveldb: " + status.ToString());
}

class LevelDb : public Contender {
 public:
  explicit LevelDb(const Options& options) {
    leveldb::Options how;
    how.create_if_missing = options.create;
    how.compression = leveldb::kNoCompression;
    leveldb::DB* db = nullptr;
    Check(leveldb::DB::Open(how, options.dir + "/db", &db));
    db_.reset(db);
    synced_.sync = true;
  }

  void Put(const std::string& key, std::string_view value) override {
    Check(db_->Put(synced_, key, leveldb::Slice(value.data(), value.size())));
  }

  void PutMany(const Objects& objects, uint64_t first, uint64_t count) override {
    Write(objects, first, first + count, synced_);
  }

  void Load(const Objects& objects, uint64_t first, uint64_t end) override {
    for (; first < end; first += kLoadBatch) {
      leveldb::WriteOptions how;
      how.sync = first + kLoadBatch >= end;
      Write(objects, first, std::min(end, first + kLoadBatch), how);
    }
    db_->CompactRange(nullptr, nullptr);  // reads find it at its best: one sorted level
  }

  void Get(const std::string& key, Value* value) override {
    Check(db_->Get(leveldb::ReadOptions(), key, &value->storage));
    value->bytes = value->storage;
  }

  uint64_t Count() override { return List(); }

  uint64_t List() override {
    std::unique_ptr<leveldb::Iterator> each(db_->NewIterator(leveldb::ReadOptions()));
    uint64_t count = 0;
    for (each->SeekToFirst(); each->Valid(); each->Next()) ++count;
    Check(each->status());
    return count;
  }

 private:
  static constexpr uint64_t kLoadBatch = 256;

  void Write(const Objects& objects, uint64_t first, uint64_t end,
             const leveldb::WriteOptions& how) {
    leveldb::WriteBatch batch;
    std::string value(objects.size(), '\0');
    for (uint64_t id = first; id < end; ++id) {
      objects.Fill(id, value.data());
      batch.Put(objects.Key(id), value);
    }
    Check(db_->Write(how, &batch));
  }

  std::unique_ptr<leveldb::DB> db_;
  leveldb::WriteOptions synced_;
};

}  // namespace

std::unique_ptr<Contender> OpenLevelDb(const Options& options) {
  return std::make_unique<LevelDb>(options);
}

}  // namespace bench
