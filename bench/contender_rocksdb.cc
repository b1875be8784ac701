// SPDX-License-Identifier: Apache-2.0
// RocksDB as a LevelDB user would run it after reading its tuning guide: no compression (the values
// are incompressible), WriteOptions::sync, its own group commit with pipelined writes, its log
// files recycled, so that a synced append changes no file size after the first ones.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "contender.h"

namespace bench {
namespace {

void Check(const rocksdb::Status& status) {
  if (!status.ok()) Die("rocksdb: " + status.ToString());
}

class RocksDb : public Contender {
 public:
  explicit RocksDb(const Options& options) {
    rocksdb::Options how;
    how.create_if_missing = options.create;
    how.compression = rocksdb::kNoCompression;
    how.enable_pipelined_write = true;
    how.recycle_log_file_num = 4;
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(how, options.dir + "/db", &db));
    db_.reset(db);
    synced_.sync = true;
  }

  void Put(const std::string& key, std::string_view value) override {
    Check(db_->Put(synced_, key, rocksdb::Slice(value.data(), value.size())));
  }

  void PutMany(const Objects& objects, uint64_t first, uint64_t count) override {
    Write(objects, first, first + count, true);
  }

  void Load(const Objects& objects, uint64_t first, uint64_t end) override {
    for (; first < end; first += kLoadBatch) {
      Write(objects, first, std::min(end, first + kLoadBatch), false);
    }
    Check(db_->Flush(rocksdb::FlushOptions()));
    Check(db_->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr));
  }

  void Get(const std::string& key, Value* value) override {
    Check(db_->Get(rocksdb::ReadOptions(), key, &value->storage));
    value->bytes = value->storage;
  }

  uint64_t Count() override { return List(); }

  uint64_t List() override {
    std::unique_ptr<rocksdb::Iterator> each(db_->NewIterator(rocksdb::ReadOptions()));
    uint64_t count = 0;
    for (each->SeekToFirst(); each->Valid(); each->Next()) ++count;
    Check(each->status());
    return count;
  }

 private:
  static constexpr uint64_t kLoadBatch = 256;

  void Write(const Objects& objects, uint64_t first, uint64_t end, bool synced) {
    rocksdb::WriteBatch batch;
    std::string value(objects.size(), '\0');
    for (uint64_t id = first; id < end; ++id) {
      objects.Fill(id, value.data());
      batch.Put(objects.Key(id), value);
    }
    Check(db_->Write(synced ? synced_ : rocksdb::WriteOptions(), &batch));
  }

  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteOptions synced_;
};

}  // namespace

bool HasRocksDb() { return true; }
std::unique_ptr<Contender> OpenRocksDb(const Options& options) {
  return std::make_unique<RocksDb>(options);
}

}  // namespace bench
