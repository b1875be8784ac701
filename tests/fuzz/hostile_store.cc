// SPDX-License-Identifier: Apache-2.0
// A whole hostile store: a small one whose files were changed byte by byte, or whose records, headers, trailers and census were
// changed and sealed again, is opened, listed, read, verified, written to, compacted and opened again. It never crashes; bytes
// that nobody stored are never served, as long as checks were not forged.
// libFuzzer: -max_len=256
#include "hostile.h"
#include "io/sim_env.h"

namespace {

using namespace jzse;
using fuzz::Choices;
using fuzz::Require;
using fuzz::SampleStore;

constexpr size_t kMutationsMax = 8;
constexpr int kEntriesMax = 200;

// The files of one clone, changed in memory and put back at the end.
class Vandal {
 public:
  Vandal(const SampleStore& sample, io::SimEnv& env) : sample_(sample), env_(env) {}
  bool forged() const { return forged_; }

  void Mutate(Choices& choices) {
    switch (choices.Below(7)) {
      case 0: case 1: Patch(choices); break;
      case 2: case 3: Reseal(choices); break;
      case 4: Header(choices); break;
      case 5: Trailer(choices); break;
      case 6: Files(choices); break;
    }
  }
  void Apply() {
    for (const auto& [path, bytes] : changed_) (void)env_.Put(path, bytes);
  }

 private:
  std::string* Load(const std::string& path) {
    const auto it = changed_.find(path);
    if (it != changed_.end()) return &it->second;
    auto content = env_.Content(path);
    return content.ok() ? &(changed_[path] = std::move(*content)) : nullptr;
  }
  static void Overwrite(Choices& choices, size_t begin, size_t end, std::string* bytes) {
    if (begin >= end || end > bytes->size()) return;
    const size_t at = begin + choices.Number(3) % (end - begin);
    const base::Bytes patch = choices.String(std::min<size_t>(16, end - at));
    if (patch.empty()) (*bytes)[at] = static_cast<char>((*bytes)[at] ^ 1);
    bytes->replace(at, patch.size(), patch);
  }

  // Bytes anywhere, with no regard for checks; near the records, since most of a segment is zeros.
  void Patch(Choices& choices) {
    if (choices.Flag() && !sample_.records.empty()) {
      const auto& record = sample_.records[choices.Below(sample_.records.size())];
      std::string* const bytes = Load(record.file);
      if (bytes != nullptr) Overwrite(choices, record.offset, record.offset + store::RecordSize(record.header.length), bytes);
      return;
    }
    std::string* const bytes = Load(sample_.files[choices.Below(sample_.files.size())]);
    if (bytes != nullptr) Overwrite(choices, 0, bytes->size(), bytes);
  }

  // A record's frame or payload, with the right check afterwards.
  void Reseal(Choices& choices) {
    if (sample_.records.empty()) return;
    const auto& record = sample_.records[choices.Below(sample_.records.size())];
    std::string* const bytes = Load(record.file);
    const size_t size = store::RecordSize(record.header.length);
    if (bytes == nullptr || record.offset + size > bytes->size()) return;
    const size_t payload = record.offset + base::kRecordHeaderSize;
    if (choices.Below(3) == 0) {
      Overwrite(choices, record.offset, payload, bytes);
    } else {
      Overwrite(choices, payload, payload + record.header.length, bytes);
    }
    const store::RecordSealer sealer(sample_.identity.store, record.segment);
    Seal(sealer.CheckAt(record.offset, base::Bytes(*bytes).substr(record.offset, size - 16)), record.offset + size - 16, bytes);
  }

  void Header(Choices& choices) {
    std::string* const bytes = Load(sample_.segments[choices.Below(sample_.segments.size())]);
    if (bytes == nullptr || bytes->size() < base::kSegmentHeaderSize) return;
    Overwrite(choices, 8, choices.Flag() ? 80 : 400, bytes);
    const size_t body = base::kSegmentHeaderSize - base::kRecordCheckSize;
    Seal(base::Xxh128(base::Bytes(*bytes).substr(0, body), 0), body, bytes);
  }

  void Trailer(Choices& choices) {
    const size_t which = choices.Below(sample_.segments.size() + 1);
    if (which == sample_.segments.size()) return Census(choices);
    std::string* const bytes = Load(sample_.segments[which]);
    if (bytes == nullptr || bytes->size() < base::kSegmentHeaderSize + store::kTrailerSize) return;
    const uint64_t id = base::LoadLe<uint64_t>(bytes->data() + 32);
    const size_t begin = bytes->size() - store::kTrailerSize;
    Overwrite(choices, begin + 8, begin + 48, bytes);
    const store::RecordSealer sealer(sample_.identity.store, id);
    Seal(sealer.CheckAt(begin, base::Bytes(*bytes).substr(begin, 48)), begin + 48, bytes);
  }

  // The other copy of the trailers.
  void Census(Choices& choices) {
    std::string* const bytes = Load(crash::kCensusPath);
    if (bytes == nullptr || bytes->size() < 24 + base::kRecordCheckSize) return;
    const size_t body = bytes->size() - base::kRecordCheckSize;
    Overwrite(choices, 24, body, bytes);
    Seal(base::Xxh128(base::Bytes(*bytes).substr(0, body), 0), body, bytes);
  }

  void Files(Choices& choices) {
    const std::string& path = sample_.files[choices.Below(sample_.files.size())];
    std::string* const bytes = Load(path);
    if (bytes == nullptr) return;
    switch (choices.Below(4)) {
      case 0: bytes->resize(choices.Number(3) % (bytes->size() + 1)); break;
      case 1: bytes->append(choices.Rest().substr(0, 64)); break;
      case 2: {
        const std::string other = sample_.files[choices.Below(sample_.files.size())];
        if (const std::string* const from = Load(other)) changed_[path] = *from;
        break;
      }
      case 3:
        changed_.erase(path);
        (void)env_.Remove(path);
        break;
    }
  }

  void Seal(const base::Hash128& check, size_t at, std::string* bytes) {
    base::StoreLe(bytes->data() + at, check.low);
    base::StoreLe(bytes->data() + at + 8, check.high);
    forged_ = true;
  }

  const SampleStore& sample_;
  io::SimEnv& env_;
  std::map<std::string, std::string> changed_;
  bool forged_ = false;
};

class Visitor {
 public:
  Visitor(const SampleStore& sample, bool forged) : sample_(sample), forged_(forged) {}

  void Visit(engine::Store& store) {
    (void)store.GetStats();
    for (const auto& [key, contents] : sample_.contents) {
      const size_t colon = key.find(':');
      Read(store, key.substr(0, colon), key.substr(colon + 1), 0);
    }
    const auto namespaces = store.ListNamespaces();
    for (size_t i = 0; namespaces.ok() && i < std::min<size_t>(namespaces->size(), 8); ++i) List(store, (*namespaces)[i].name);
    Feed(store);
  }

 private:
  void Read(engine::Store& store, const std::string& ns, const std::string& path, base::Sequence version) {
    engine::GetOptions options;
    options.version = version;
    std::string data;
    engine::Attributes attributes;
    const auto info = Get(store, ns, path, options, &data, &attributes);
    if (info.ok()) Check(ns, path, data, info->size);
    const auto reader = store.OpenReader(ns, path, options);
    if (!reader.ok()) return;
    char buffer[512];
    const uint64_t offset = (*reader)->info().size / 2;
    const auto count = (*reader)->ReadAt(offset, buffer, sizeof buffer);
    if (!count.ok()) return;
    Require(*count <= sizeof buffer, "more was read than fits");
    if (!forged_ && info.ok() && info->sequence == (*reader)->info().sequence)
      Require(data.substr(std::min<size_t>(offset, data.size()), *count) == std::string(buffer, *count),
              "two ways of reading differ");
  }

  // A forged size may be more than there is memory for; the C API's skin turns that into an answer, too.
  static base::StatusOr<engine::FileInfo> Get(engine::Store& store, const std::string& ns, const std::string& path,
                                              const engine::GetOptions& options, std::string* data,
                                              engine::Attributes* attributes) {
    try {
      return store.Get(ns, path, options, data, attributes);
    } catch (const std::bad_alloc&) {
      return base::Fail(base::Code::kNoMemory, "out of memory");
    }
  }

  void Check(const std::string& ns, const std::string& path, const std::string& data, uint64_t size) {
    if (forged_) return;  // whoever can forge checks can say what he likes; it must only not end the process
    Require(data.size() == size, "a content of another size than its file says");
    const auto known = sample_.contents.find(ns + ":" + path);
    Require(known != sample_.contents.end() ? known->second.contains(data) : path == "new", "bytes that nobody stored there");
  }

  void List(engine::Store& store, const std::string& ns) {
    engine::ListOptions options;
    options.with_deleted = true;
    const auto list = store.List(ns, options);
    if (!list.ok()) return;
    for (int i = 0; i < kEntriesMax; ++i) {
      const auto entry = (*list)->Next();
      if (!entry.ok() || *entry == nullptr) return;
      const std::string path = (*entry)->path;
      Read(store, ns, path, 0);
      Versions(store, ns, path);
    }
  }

  void Versions(engine::Store& store, const std::string& ns, const std::string& path) {
    const auto versions = store.ListVersions(ns, path);
    if (!versions.ok()) return;
    for (int i = 0; i < kEntriesMax; ++i) {
      const auto entry = (*versions)->Next();
      if (!entry.ok() || *entry == nullptr) return;
      Read(store, ns, path, (*entry)->info.sequence);
    }
  }

  void Feed(engine::Store& store) {
    const auto feed = store.OpenFeed({});
    if (!feed.ok()) return;
    base::Sequence last = 0;
    for (int i = 0; i < kEntriesMax; ++i) {
      const auto change = (*feed)->Next(0);
      if (!change.ok() || *change == nullptr) return;
      Require((*change)->sequence > last, "a feed that does not rise");
      last = (*change)->sequence;
    }
  }

  const SampleStore& sample_;
  const bool forged_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices(fuzz::View(data, size));
  const uint8_t flags = choices.Byte();
  const SampleStore& sample = fuzz::SampleOf(static_cast<fuzz::Sample>(flags & 3));
  const auto env = sample.env->CloneKilled();
  Vandal vandal(sample, *env);
  for (size_t i = 0; i < kMutationsMax && !choices.empty(); ++i) vandal.Mutate(choices);
  vandal.Apply();
  engine::Options options = crash::QuietOptions();
  // No index is there: one in memory is built from the segments, in a fraction of the time that LevelDB takes.
  options.memory_index = (flags & 4) != 0;
  options.create = (flags & 64) != 0;
  options.read_only = (flags & 128) != 0 && !options.create;
  options.rebuild_index = (flags & 8) != 0 && !options.read_only;
  Visitor visitor(sample, vandal.forged());
  bool written = false;
  for (int opening = 0; opening < 2; ++opening) {
    const auto store = engine::Store::Open(*env, crash::kStore, options);
    if (!store.ok()) {
      Require(!store.status().message().empty(), "a store that does not open, and does not say why");
      return 0;
    }
    if (written && !vandal.forged()) {
      const auto again = crash::Get(**store, "default", "new");
      Require(again.ok() && *again == "acknowledged", "an acknowledged write is lost");
    }
    visitor.Visit(**store);
    engine::VerifyOptions verify;
    verify.repair = (flags & 16) != 0;
    (void)(*store)->Verify(verify);
    if (!written && crash::Put(**store, "default", "new", "acknowledged").ok()) {
      const auto got = crash::Get(**store, "default", "new");
      Require(got.ok() && *got == "acknowledged", "an acknowledged write is not visible");
      written = true;
    }
    engine::CompactOptions compact;
    compact.full = true;
    if ((flags & 32) != 0) (void)(*store)->Compact(compact);
    (void)(*store)->Close();
  }
  return 0;
}
