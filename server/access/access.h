// SPDX-License-Identifier: Apache-2.0
// What the command needs of a store, wherever it is: the calls of jzse.h that its verbs make, with the same codes, structs and
// meanings. Two implementations: OpenLocal (local.cc) over the C API, remote/remote.h over HTTP.
//
// Ownership: what Open* gives is the caller's, must go before its store, and gives up (aborts) what was not committed when it is
// destroyed. Strings and entries that Next shows are valid until the next call on the same object.
// Threads: a Store may be used from any thread; everything else belongs to one thread at a time.
// Errors: JZSE_OK or a JZSE_* code with *error filled; `error` may be null.
#ifndef JZSE_ACCESS_ACCESS_H_
#define JZSE_ACCESS_ACCESS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jzse/jzse.h"

namespace jzse::access {

// One moment of the store. A remote one is none: it sees what is there when it looks (remote/README.md, section 4).
class Snapshot {
 public:
  virtual ~Snapshot() = default;
};

struct ListOptions {
  std::string prefix, delimiter, start_after;
  bool with_deleted = false;
  uint64_t limit = 0;  // 0: all
  Snapshot* snapshot = nullptr;
};

struct ReadOptions {
  uint64_t version = 0;  // 0: the current one
  Snapshot* snapshot = nullptr;
  uint64_t offset = 0, length = UINT64_MAX;  // what will be read
  // What is known of the file is wanted before its content, and Seek may follow: no content is asked for before the first Read.
  bool info_first = false;
};

struct WriteOptions {
  jzse_put_options put = JZSE_PUT_OPTIONS_INIT;  // borrowed until Commit
  std::optional<uint64_t> size;                  // if it is known
  // Names the source in the state in which it is read. An upload that was cut goes on when the same source goes to the same place again.
  std::string source;
};

class Reader {
 public:
  virtual ~Reader() = default;
  // Of the version that is read, whatever happens to the path.
  virtual const jzse_file_info& info() const = 0;
  // The next up to `size` bytes of what was asked for; *count is 0 at its end.
  virtual int Read(void* buffer, size_t size, size_t* count, jzse_error* error) = 0;
  // Goes on at that offset of the content.
  virtual void Seek(uint64_t offset) = 0;
};

class Writer {
 public:
  virtual ~Writer() = default;
  // So many bytes of the content are there from a time before: what is written follows them.
  virtual uint64_t present() const { return 0; }
  virtual int Write(const void* data, size_t size, jzse_error* error) = 0;
  virtual int Commit(jzse_file_info* info, jzse_error* error) = 0;
};

class List {
 public:
  virtual ~List() = default;
  virtual int Next(const jzse_list_entry** entry, jzse_error* error) = 0;  // null at the end
};

class Group {
 public:
  virtual ~Group() = default;
  virtual bool full() const = 0;  // takes no more
  virtual int Delete(const std::string& ns, const std::string& path, jzse_error* error) = 0;
  virtual int Copy(const std::string& ns, const std::string& path, const std::string& to_ns, const std::string& to_path,
                   uint32_t flags, jzse_error* error) = 0;
  virtual int Mkdir(const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error* error) = 0;
  virtual int Commit(jzse_error* error) = 0;
};

class Feed {
 public:
  virtual ~Feed() = default;
  virtual int Next(int timeout_ms, const jzse_change** change, jzse_error* error) = 0;  // null when the time is over
};

// Changes whose outcome is reaped later. A remote queue may do them at once, on the caller's thread.
class Queue {
 public:
  virtual ~Queue() = default;
  virtual int Put(uint64_t tag, const std::string& ns, const std::string& path, const void* data, size_t size,
                  const jzse_put_options& options, jzse_error* error) = 0;
  virtual int Mkdir(uint64_t tag, const std::string& ns, const std::string& path, const jzse_put_options& options,
                    jzse_error* error) = 0;
  virtual int SetMetadata(uint64_t tag, const std::string& ns, const std::string& path, const jzse_put_options& options,
                          jzse_error* error) = 0;
  // Waits for the first.
  virtual int Reap(jzse_completion* completions, size_t max, size_t* count, jzse_error* error) = 0;
};

struct Metadata {
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> pairs;
};

struct Moment {  // what a change is conditional on
  uint32_t flags = 0;
  std::string if_match;  // "": nothing

  jzse_change_options Raw() const {
    jzse_change_options raw = JZSE_CHANGE_OPTIONS_INIT;
    raw.flags = flags;
    if (!if_match.empty()) raw.if_match = if_match.c_str();
    return raw;
  }
};

class Store {
 public:
  virtual ~Store() = default;
  virtual int Close(jzse_error* error) = 0;
  virtual int Stats(jzse_stats* stats, std::string* region, jzse_error* error) = 0;

  virtual int GetNamespace(const std::string& ns, jzse_namespace_config* config, jzse_namespace_info* info, jzse_error* error) = 0;
  virtual int CreateNamespace(const std::string& ns, const jzse_namespace_config& config, jzse_error* error) = 0;
  virtual int ConfigureNamespace(const std::string& ns, const jzse_namespace_config& config, jzse_error* error) = 0;
  virtual int ListNamespaces(std::vector<jzse_namespace_info>* list, jzse_error* error) = 0;
  virtual int DropNamespace(const std::string& ns, jzse_error* error) = 0;

  virtual int Stat(const std::string& ns, const std::string& path, uint64_t version, jzse_file_info* info, jzse_error* error) = 0;
  virtual int GetMetadata(const std::string& ns, const std::string& path, uint64_t version, Metadata* metadata,
                          jzse_error* error) = 0;
  virtual int OpenReader(const std::string& ns, const std::string& path, const ReadOptions& options,
                         std::unique_ptr<Reader>* reader, jzse_error* error) = 0;
  virtual int OpenWriter(const std::string& ns, const std::string& path, const WriteOptions& options,
                         std::unique_ptr<Writer>* writer, jzse_error* error) = 0;
  virtual int OpenList(const std::string& ns, const ListOptions& options, std::unique_ptr<List>* list, jzse_error* error) = 0;
  virtual int OpenSnapshot(std::unique_ptr<Snapshot>* snapshot, jzse_error* error) = 0;

  virtual int Delete(const std::string& ns, const std::string& path, const Moment& moment, jzse_error* error) = 0;
  virtual int Copy(const std::string& ns, const std::string& path, const std::string& to_ns, const std::string& to_path,
                   uint32_t flags, jzse_error* error) = 0;
  virtual int Move(const std::string& ns, const std::string& path, const std::string& to_path, uint32_t flags,
                   jzse_error* error) = 0;
  virtual int Mkdir(const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error* error) = 0;
  virtual int BeginGroup(std::unique_ptr<Group>* group, jzse_error* error) = 0;
  virtual int OpenQueue(uint32_t capacity, std::unique_ptr<Queue>* queue, jzse_error* error) = 0;

  virtual int OpenVersions(const std::string& ns, const std::string& path, std::unique_ptr<List>* list, jzse_error* error) = 0;
  virtual int RestoreVersion(const std::string& ns, const std::string& path, uint64_t version, jzse_file_info* info,
                             jzse_error* error) = 0;
  virtual int DeleteVersion(const std::string& ns, const std::string& path, uint64_t version, jzse_error* error) = 0;
  virtual int OpenFeed(const std::string& ns, const std::string& prefix, uint64_t after, std::unique_ptr<Feed>* feed,
                       jzse_error* error) = 0;

  virtual int Verify(const jzse_verify_options& options, jzse_verify_report* report, jzse_error* error) = 0;
  virtual int Compact(const jzse_compact_options& options, jzse_compact_report* report, jzse_error* error) = 0;

  // For calls that exist only here, on this machine; null if it is elsewhere.
  virtual jzse_store* local() { return nullptr; }
};

int OpenLocal(const std::string& directory, const jzse_options& options, std::unique_ptr<Store>* store, jzse_error* error);

// Fills *error (which may be null) and gives the code back.
int Fail(jzse_error* error, int code, const std::string& message);

}  // namespace jzse::access

#endif  // JZSE_ACCESS_ACCESS_H_
