// SPDX-License-Identifier: Apache-2.0
// A worker of `import`; see import_run.h.
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "import_run.h"
#include "interrupt.h"
#include "posix.h"

namespace jzse::cli {
namespace {

constexpr size_t kSmallFile = 64 * 1024;
constexpr uint32_t kInFlightMax = 128;
constexpr size_t kInFlightBytesMax = 4 * 1024 * 1024;

enum class Difference { kNone, kAttributes, kContent };

class Worker {
 public:
  explicit Worker(ImportRun* run) : run_(*run), source_(run->root), target_(run->to) {}

  void Run() {
    if (!run_.args.dry_run) {
      Error error;
      const int opened = run_.context.store()->OpenQueue(kInFlightMax, &queue_, &error.raw);
      if (opened != JZSE_OK) return run_.Stop(ApiProblem(error.raw));
    }
    ImportItem item;
    while (Next(&item)) Handle(std::move(item));
    while (!in_flight_.empty() && Reap()) {
    }
  }

 private:
  struct Request {
    ImportItem item;
    std::string path;
    std::vector<char> data;  // must live until the completion
    bool attributes_only = false;
  };

  // Reaps rather than waits for work, so that nothing acknowledged is left lying.
  bool Next(ImportItem* item) {
    for (;;) {
      if (run_.Stopped() || Interrupted()) {
        run_.queue.Abandon();  // the walker may be waiting for room in it
        return false;
      }
      if (run_.queue.TryPop(item)) return true;
      if (in_flight_.empty()) return run_.queue.Pop(item);
      if (!Reap()) return false;
    }
  }

  void Handle(ImportItem item) {
    target_.path = run_.PathOf(item);
    jzse_file_info stored = JZSE_FILE_INFO_INIT;
    Error error;
    const int code = run_.context.Stat(target_, &stored, &error.raw);
    if (code != JZSE_OK && code != JZSE_NOT_FOUND) return run_.Report(ApiProblem(error.raw));
    Difference difference = Difference::kContent;
    if (code == JZSE_OK) {
      if (!SameKind(item, stored)) return;
      if (const Problem problem = Compare(item, stored, &difference)) return run_.Report(problem);
      run_.Remember(item, stored);
    }
    if (difference == Difference::kNone) {
      run_.unchanged += item.kind == JZSE_KIND_DIRECTORY ? 0 : 1;
      Progressed(item);
      return;
    }
    if (run_.args.dry_run) return Done(item, target_.path, difference == Difference::kAttributes);
    if (difference == Difference::kAttributes) return SetAttributes(std::move(item));
    if (item.kind == JZSE_KIND_DIRECTORY) return Submit(std::move(item), {}, 0);
    if (item.kind == JZSE_KIND_SYMLINK) return PutLink(std::move(item));
    PutFile(std::move(item));
  }

  // A directory in the store gives way to a file only when `--delete` allows it. (What is in the
  // way of a directory was removed by the walker.)
  bool SameKind(const ImportItem& item, const jzse_file_info& stored) {
    if (stored.kind != JZSE_KIND_DIRECTORY || item.kind == JZSE_KIND_DIRECTORY) return true;
    if (!run_.args.remove) {
      run_.Report(
          {kExitExists, JZSE_EXISTS,
           fmt::format("{}: is a directory in the store (--delete replaces it)", target_.Text())});
      return false;
    }
    run_.Act("delete", target_.path);
    if (run_.args.dry_run) return true;
    Error error;
    const int code = run_.context.store()->Delete(target_.ns, target_.path, {JZSE_RECURSIVE, ""}, &error.raw);
    if (code == JZSE_OK) ++run_.deleted;
    if (code != JZSE_OK) run_.Report(ApiProblem(error.raw));
    return code == JZSE_OK;
  }

  Problem Compare(const ImportItem& item, const jzse_file_info& stored, Difference* difference) {
    const bool same_attributes = stored.mtime_ns == item.mtime_ns &&
                                 (stored.mode == item.mode || item.kind == JZSE_KIND_SYMLINK);
    if (item.kind != stored.kind || (item.kind == JZSE_KIND_DIRECTORY && stored.sequence == 0)) {
      *difference = Difference::kContent;
      return {};
    }
    bool same_content = true;
    if (item.kind != JZSE_KIND_DIRECTORY) {
      same_content = item.size == stored.size;
      if (same_content && (run_.args.checksum || item.kind == JZSE_KIND_SYMLINK)) {
        if (Problem problem = SameContent(item, &same_content)) return problem;
      } else {
        same_content = same_content && stored.mtime_ns == item.mtime_ns;
      }
    }
    *difference = !same_content     ? Difference::kContent
                  : same_attributes ? Difference::kNone
                                    : Difference::kAttributes;
    return {};
  }

  Problem SameContent(const ImportItem& item, bool* same) {
    std::unique_ptr<access::Reader> reader;
    Error error;
    const int opened = run_.context.store()->OpenReader(target_.ns, target_.path, {}, &reader, &error.raw);
    if (opened != JZSE_OK) return ApiProblem(error.raw);
    if (item.kind == JZSE_KIND_SYMLINK) {
      std::string here, there;
      if (Problem problem = ReadSourceLink(item, &here)) return problem;
      *same = !ReadTarget(reader.get(), &there) && here == there;
      return {};
    }
    Fd fd;
    struct stat st {};
    if (Problem problem = OpenSource(item, &fd, &st)) return problem;
    std::vector<char> ours(256 * 1024), stored(ours.size());
    for (;;) {
      const ssize_t n = ReadFull(fd.get(), ours.data(), ours.size());
      if (n < 0) return SystemProblem(run_.Shown(item.path), errno);
      size_t have = 0, count = 0;
      do {
        if (reader->Read(stored.data() + have, stored.size() - have, &count, &error.raw) != JZSE_OK) {
          *same = false;  // damaged: the good copy is here
          return {};
        }
        have += count;
      } while (count > 0 && have < stored.size());
      *same = have == static_cast<size_t>(n) && std::memcmp(ours.data(), stored.data(), have) == 0;
      if (!*same || n == 0) return {};
    }
  }

  Problem OpenSource(const ImportItem& item, Fd* fd, struct stat* st) {
    const int directory = source_.Directory(ParentPath(item.path));
    const std::string name(BaseName(item.path));
    // O_NONBLOCK: should it have become a pipe meanwhile, the open must not wait for a writer.
    if (directory >= 0) {
      fd->reset(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    }
    if (!*fd || fstat(fd->get(), st) != 0) return SystemProblem(run_.Shown(item.path), errno);
    if (!S_ISREG(st->st_mode)) {
      return {kExitFailure, JZSE_OK,
              run_.Shown(item.path) + ": became something else while it was imported"};
    }
    return {};
  }

  Problem ReadSourceLink(const ImportItem& item, std::string* target) {
    const int directory = source_.Directory(ParentPath(item.path));
    if (directory < 0 || !ReadLink(directory, std::string(BaseName(item.path)).c_str(), target)) {
      return SystemProblem(run_.Shown(item.path), errno);
    }
    return {};
  }

  static jzse_put_options OptionsFor(const ImportItem& item) {
    jzse_put_options options = JZSE_PUT_OPTIONS_INIT;
    options.kind = item.kind == JZSE_KIND_SYMLINK ? JZSE_KIND_SYMLINK : JZSE_KIND_FILE;
    options.mode = item.mode;
    options.mtime_ns = item.mtime_ns;
    return options;
  }

  void PutLink(ImportItem item) {
    std::string target;
    if (const Problem problem = ReadSourceLink(item, &target)) return run_.Report(problem);
    Submit(std::move(item), {target.begin(), target.end()}, target.size());
  }

  void PutFile(ImportItem item) {
    Fd fd;
    struct stat before {};
    if (const Problem problem = OpenSource(item, &fd, &before)) return run_.Report(problem);
    item.mode = before.st_mode & 07777;
    item.mtime_ns = MtimeNs(before) != 0 ? MtimeNs(before) : 1;
    if (before.st_size > static_cast<off_t>(kSmallFile))
      return PutLarge(std::move(item), fd.get(), before);
    // One byte more than it had: a file that grows is seen to.
    std::vector<char> data(static_cast<size_t>(before.st_size) + 1);
    const ssize_t n = ReadFull(fd.get(), data.data(), data.size());
    if (n < 0) return run_.Report(SystemProblem(run_.Shown(item.path), errno));
    data.resize(static_cast<size_t>(n));
    WarnIfChanged(item, fd.get(), before, static_cast<uint64_t>(n));
    const size_t size = data.size();
    item.size = size;
    Submit(std::move(item), std::move(data), size);
  }

  void PutLarge(ImportItem item, int fd, const struct stat& before) {
    access::WriteOptions options;
    options.put = OptionsFor(item);
    options.size = static_cast<uint64_t>(before.st_size);
    options.source = SourceKey(before);
    std::unique_ptr<access::Writer> writer;
    Error error;
    const int opened = run_.context.store()->OpenWriter(target_.ns, target_.path, options, &writer, &error.raw);
    if (opened != JZSE_OK) return run_.Report(ApiProblem(error.raw));
    uint64_t size = 0;
    const std::string shown = run_.Shown(item.path);
    if (const Problem problem = ReceiveContent(fd, shown, writer.get(), &run_.progress, &size)) {
      return run_.Report(problem);
    }
    WarnIfChanged(item, fd, before, size);
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    if (writer->Commit(&info, &error.raw) != JZSE_OK) {
      return run_.Report(ApiProblem(error.raw));
    }
    item.size = size;
    run_.Remember(item, info);
    run_.progress.Add(0, 1);
    Done(item, target_.path, false);
  }

  // What was read is stored under the time before: the next import sees the difference and reads it
  // again.
  void WarnIfChanged(const ImportItem& item, int fd, const struct stat& before, uint64_t size) {
    struct stat after {};
    if (fstat(fd, &after) != 0) return;
    if (MtimeNs(after) == MtimeNs(before) && static_cast<uint64_t>(after.st_size) == size) return;
    run_.context.out.Warn(run_.Shown(item.path) +
                          ": changed while it was read; import again to get the rest");
  }

  // Mode and time change, content type and metadata stay.
  void SetAttributes(ImportItem item) {
    jzse_put_options options = OptionsFor(item);
    options.kind = 0;
    access::Metadata metadata;
    Error error;
    if (run_.context.store()->GetMetadata(target_.ns, target_.path, 0, &metadata, &error.raw) != JZSE_OK)
      return run_.Report(ApiProblem(error.raw));
    std::vector<jzse_pair> pairs;
    for (const auto& pair : metadata.pairs) pairs.push_back({pair.first.c_str(), pair.second.c_str()});
    if (!metadata.content_type.empty()) options.content_type = metadata.content_type.c_str();
    options.metadata = pairs.data();
    options.metadata_count = pairs.size();
    Request request{std::move(item), target_.path, {}, true};
    Enqueue(std::move(request), 0, [&](uint64_t tag, const Request& sent, jzse_error* e) {
      return queue_->SetMetadata(tag, target_.ns, sent.path, options, e);
    });
  }

  void Submit(ImportItem item, std::vector<char> data, size_t size) {
    const jzse_put_options options = OptionsFor(item);
    Request request{std::move(item), target_.path, std::move(data), false};
    Enqueue(std::move(request), size, [&](uint64_t tag, const Request& sent, jzse_error* e) {
      if (sent.item.kind == JZSE_KIND_DIRECTORY) {
        return queue_->Mkdir(tag, target_.ns, sent.path, options, e);
      }
      return queue_->Put(tag, target_.ns, sent.path, sent.data.data(), size, options, e);
    });
  }

  template <class Send>
  void Enqueue(Request request, size_t size, Send&& send) {
    while (!in_flight_.empty() &&
           (in_flight_.size() >= kInFlightMax || in_flight_bytes_ + size > kInFlightBytesMax)) {
      if (!Reap()) return;
    }
    const uint64_t tag = ++last_tag_;
    const auto it = in_flight_.emplace(tag, std::move(request)).first;
    in_flight_bytes_ += size;
    for (;;) {
      Error error;
      const int code = send(tag, it->second, &error.raw);
      if (code == JZSE_OK) return;
      // Others may fill a bound that all share; ours drain it again.
      if (code == JZSE_BUSY && in_flight_.size() > 1 && Reap()) continue;
      in_flight_bytes_ -= size;
      in_flight_.erase(it);
      return run_.Report(ApiProblem(error.raw));
    }
  }

  bool Reap() {
    jzse_completion completions[32];
    size_t count = 0;
    Error error;
    if (queue_->Reap(completions, 32, &count, &error.raw) != JZSE_OK) {
      run_.Stop(ApiProblem(error.raw));
      return false;
    }
    for (size_t i = 0; i < count; ++i) Complete(completions[i]);
    return true;
  }

  void Complete(const jzse_completion& completion) {
    const auto it = in_flight_.find(completion.tag);
    if (it == in_flight_.end()) return;
    const Request request = std::move(it->second);
    in_flight_.erase(it);
    in_flight_bytes_ -= request.data.size();
    if (completion.code == JZSE_OK) {
      run_.Remember(request.item, completion.info);
      Progressed(request.item);
      return Done(request.item, request.path, request.attributes_only);
    }
    jzse_error error = JZSE_ERROR_INIT;
    error.code = completion.code;
    std::strncpy(error.message, completion.message, sizeof error.message - 1);
    run_.Report(ApiProblem(error));
  }

  void Progressed(const ImportItem& item) {
    run_.progress.Add(item.kind == JZSE_KIND_FILE ? item.size : 0,
                      item.kind == JZSE_KIND_DIRECTORY ? 0 : 1);
  }

  void Done(const ImportItem& item, const std::string& path, bool attributes_only) {
    if (item.kind == JZSE_KIND_DIRECTORY) {
      ++run_.directories;
      run_.Act(attributes_only ? "update" : "mkdir", path);
    } else if (attributes_only) {
      ++run_.updated;
      run_.Act("update", path);
    } else {
      ++run_.stored;
      run_.stored_bytes += item.size;
      run_.Act("put", path);
    }
  }

  ImportRun& run_;
  Beneath source_;
  Target target_;                                    // path: of the item in hand
  std::unordered_map<uint64_t, Request> in_flight_;  // before the queue: it is closed first
  size_t in_flight_bytes_ = 0;
  uint64_t last_tag_ = 0;
  std::unique_ptr<access::Queue> queue_;
};

}  // namespace

void ImportWorker(ImportRun* run) { Worker(run).Run(); }

}  // namespace jzse::cli
