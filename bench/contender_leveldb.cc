// SPDX-License-Identifier: Apache-2.0
// LevelDB as its users run it: default options, except that compression is off (the values are
// incompressible, so that only saves it work). A put is one Put with WriteOptions::sync, from the
// thread that asks; LevelDB gathers the puts of several threads into one log write and one
// fdatasync by itself.
#include <leveldb/db.h>
#include <leveldb/write_batch.h>

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

  void Load(const Objects& objects, uint64_t count) override {
    std::string value(objects.size(), '\0');
    for (uint64_t id = 0; id < count;) {
      leveldb::WriteBatch batch;
      for (uint64_t end = id + 256; id < count && id < end; ++id) {
        objects.Fill(id, value.data());
        batch.Put(objects.Key(id), value);
      }
      leveldb::WriteOptions last;
      last.sync = id == count;
      Check(db_->Write(last, &batch));
    }
    db_->CompactRange(nullptr, nullptr);  // reads find it at its best: one sorted level
  }

  void Get(const std::string& key, Value* value) override {
    Check(db_->Get(leveldb::ReadOptions(), key, &value->storage));
    value->bytes = value->storage;
  }

  uint64_t Count() override {
    std::unique_ptr<leveldb::Iterator> each(db_->NewIterator(leveldb::ReadOptions()));
    uint64_t count = 0;
    for (each->SeekToFirst(); each->Valid(); each->Next()) ++count;
    Check(each->status());
    return count;
  }

 private:
  std::unique_ptr<leveldb::DB> db_;
  leveldb::WriteOptions synced_;
};

}  // namespace

std::unique_ptr<Contender> OpenLevelDb(const Options& options) {
  return std::make_unique<LevelDb>(options);
}

}  // namespace bench
