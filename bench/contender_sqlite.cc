// SPDX-License-Identifier: Apache-2.0
// SQLite in WAL mode with synchronous=FULL: each put is one transaction, durable when it commits.
// One connection a thread. SQLite lets one connection write at a time:
//   sqlite       the threads take turns at a mutex before they begin, so none ever sleeps in a busy
//                handler: the fastest way without gathering puts into common transactions
//   sqlite-busy  they find each other by SQLite's own busy handler, which sleeps 1 to 100 ms
#include <sqlite3.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "contender.h"

namespace bench {
namespace {

void Check(sqlite3* db, int code) {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
    Die(std::string("sqlite: ") + (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code)));
  }
}

// A connection and its prepared statements. One thread at a time.
class Connection {
 public:
  Connection(const std::string& path, bool create) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    Check(nullptr, sqlite3_open_v2(path.c_str(), &db_, flags, nullptr));
    Check(db_, sqlite3_busy_timeout(db_, 60'000));
    Run("PRAGMA journal_mode=WAL");
    Run("PRAGMA synchronous=FULL");
    if (create) Run("CREATE TABLE objects(key TEXT PRIMARY KEY, value BLOB NOT NULL)");
    put_ = Prepare("INSERT INTO objects(key, value) VALUES(?, ?)");
    get_ = Prepare("SELECT value FROM objects WHERE key = ?");
  }
  ~Connection() {
    sqlite3_finalize(put_);
    sqlite3_finalize(get_);
    Check(db_, sqlite3_close(db_));
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Run(const char* text) { Check(db_, sqlite3_exec(db_, text, nullptr, nullptr, nullptr)); }

  void Put(const std::string& key, std::string_view value) {
    Check(db_, sqlite3_bind_text(put_, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC));
    const int size = static_cast<int>(value.size());
    Check(db_, sqlite3_bind_blob(put_, 2, value.data(), size, SQLITE_STATIC));
    Check(db_, sqlite3_step(put_));
    Check(db_, sqlite3_reset(put_));
  }

  void Get(const std::string& key, Value* value) {
    Check(db_, sqlite3_bind_text(get_, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC));
    if (sqlite3_step(get_) != SQLITE_ROW) Die("sqlite: no " + key);
    value->storage.assign(static_cast<const char*>(sqlite3_column_blob(get_, 0)),
                          static_cast<size_t>(sqlite3_column_bytes(get_, 0)));
    Check(db_, sqlite3_reset(get_));
    value->bytes = value->storage;
  }

  uint64_t Count() {
    sqlite3_stmt* count = Prepare("SELECT count(*) FROM objects");
    Check(db_, sqlite3_step(count));
    const int64_t found = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    return static_cast<uint64_t>(found);
  }

 private:
  sqlite3_stmt* Prepare(const char* text) {
    sqlite3_stmt* statement = nullptr;
    Check(db_, sqlite3_prepare_v2(db_, text, -1, &statement, nullptr));
    return statement;
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* put_ = nullptr;
  sqlite3_stmt* get_ = nullptr;
};

class Sqlite : public Contender {
 public:
  Sqlite(const Options& options, bool busy)
      : path_(options.dir + "/objects.sqlite"), busy_(busy), first_(path_, options.create) {}

  void Put(const std::string& key, std::string_view value) override {
    Connection& mine = Mine();
    std::unique_lock<std::mutex> turn(turn_, std::defer_lock);
    if (!busy_) turn.lock();
    mine.Put(key, value);
  }

  void PutMany(const Objects& objects, uint64_t first, uint64_t count) override {
    std::string value(objects.size(), '\0');
    first_.Run("BEGIN IMMEDIATE");
    for (uint64_t id = first; id < first + count; ++id) {
      objects.Fill(id, value.data());
      first_.Put(objects.Key(id), value);
    }
    first_.Run("COMMIT");
  }

  void Load(const Objects& objects, uint64_t first, uint64_t end) override {
    for (; first < end; first += 1000) {
      PutMany(objects, first, std::min<uint64_t>(end - first, 1000));
    }
    first_.Run("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  void Get(const std::string& key, Value* value) override { Mine().Get(key, value); }
  uint64_t Count() override { return first_.Count(); }

 private:
  // The connection of the calling thread, opened at its first call: during the warm-up.
  Connection& Mine() {
    thread_local Connection* mine = nullptr;
    thread_local uint64_t owner = 0;
    if (owner != id_) {
      const std::lock_guard<std::mutex> lock(turn_);
      mine = all_.emplace_back(std::make_unique<Connection>(path_, false)).get();
      owner = id_;
    }
    return *mine;
  }

  static inline std::atomic<uint64_t> next_id_{1};
  const uint64_t id_ = next_id_.fetch_add(1);
  const std::string path_;
  const bool busy_;
  std::mutex turn_;
  Connection first_;
  std::vector<std::unique_ptr<Connection>> all_;
};

}  // namespace

bool HasSqlite() { return true; }
std::unique_ptr<Contender> OpenSqlite(const Options& options, bool busy) {
  return std::make_unique<Sqlite>(options, busy);
}

}  // namespace bench
