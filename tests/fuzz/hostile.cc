// SPDX-License-Identifier: Apache-2.0
// See hostile.h.
#include "hostile.h"

#include "store/segment.h"

namespace jzse::fuzz {
namespace {

using crash::Noise;
using crash::Prose;
using engine::Store;

class Builder {
 public:
  explicit Builder(SampleStore& sample) : sample_(sample) { Open(); }

  void Open() {
    auto store = crash::OpenOn(*sample_.env);
    Require(store.ok(), "a sample store does not open");
    store_ = std::move(*store);
  }
  void Close() {
    Must(store_->Close());
    store_.reset();
  }
  void Kill() {
    auto killed = sample_.env->CloneKilled();
    store_.reset();
    sample_.env = std::move(killed);
  }
  void Put(const std::string& ns, const std::string& path, const std::string& data, engine::PutOptions options = {}) {
    Must(crash::Put(*store_, ns, path, data, options));
    sample_.contents[ns + ":" + path].insert(data);
  }
  void Move(const std::string& ns, const std::string& from, const std::string& to) {
    Must(crash::Move(*store_, ns, from, to));
    Inherit(ns, from, to);
  }
  void Copy(const std::string& ns, const std::string& from, const std::string& to) {
    engine::Transaction t;
    Must(store_->AddCopy(t, ns, from, ns, to, {}));
    Must(store_->Commit(std::move(t)).status());
    Inherit(ns, from, to);
  }
  void Delete(const std::string& ns, const std::string& path) { Must(crash::Delete(*store_, ns, path)); }
  void Compact() {
    engine::CompactOptions options;
    options.full = true;
    Must(store_->Compact(options).status());
  }
  void Mkdir(const std::string& path) {
    engine::Transaction t;
    engine::PutOptions options;
    options.attributes.mode = 0755;
    Must(store_->AddMkdir(t, "default", path, options));
    Must(store_->Commit(std::move(t)).status());
  }
  void DropOldest(const std::string& path) {
    const auto versions = store_->ListVersions("default", path);
    Must(versions.status());
    base::Sequence oldest = 0;
    for (;;) {
      const auto entry = (*versions)->Next();
      Must(entry.status());
      if (*entry == nullptr) break;
      oldest = (*entry)->info.sequence;
    }
    engine::Transaction t;
    Must(store_->AddDeleteVersion(t, "default", path, oldest));
    Must(store_->Commit(std::move(t)).status());
  }
  Store& store() { return *store_; }
  static void Must(const base::Status& status) {
    if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    Require(status.ok(), "a sample store cannot be built");
  }

 private:
  void Inherit(const std::string& ns, const std::string& from, const std::string& to) {
    const auto contents = sample_.contents[ns + ":" + from];
    sample_.contents[ns + ":" + to].insert(contents.begin(), contents.end());
  }
  SampleStore& sample_;
  std::unique_ptr<Store> store_;
};

void Fill(Builder& builder) {
  model::NamespacePolicy policy;
  policy.compression = 3;
  policy.versions_max = 2;
  policy.chunk_min = 4096;
  policy.chunk_average = 8192;
  policy.chunk_max = 16384;
  Builder::Must(builder.store().CreateNamespace("zip", policy));
  engine::PutOptions options;
  options.attributes.content_type = "text/plain";
  options.attributes.metadata = {{"colour", "blue"}, {"owner", "someone"}};
  options.attributes.mode = 0644;
  builder.Put("default", "a", "first");
  builder.Put("default", "a", "second", options);
  builder.Put("default", "empty", "");
  builder.Put("default", "dir/inline", Noise(1, 3000));
  builder.Put("default", "large", Noise(2, 70'000));
  builder.Put("zip", "text", Prose(3, 2000));
  builder.Put("zip", "text", Prose(4, 900));
  builder.Put("zip", "chunks", Noise(5, 30'000) + Prose(6, 60'000));
  builder.Mkdir("made");
  builder.Copy("default", "dir/inline", "copy");
  builder.Move("default", "dir/inline", "moved");
  builder.Put("default", "gone", "soon deleted");
  builder.Delete("default", "gone");
  for (int i = 0; i < 3; ++i) builder.Put("default", "often", "content " + std::to_string(i));
  builder.DropOldest("often");
  options.kind = model::ContentKind::kSymlink;
  builder.Put("default", "link", "a", options);
}

void FindRecords(SampleStore& sample) {
  sample.files = sample.env->Paths();
  sample.segments = crash::SegmentPaths(*sample.env);
  const auto identity = store::DecodeIdentity(*sample.env->Content(std::string(crash::kStore) + "/JZSE"));
  Require(identity.ok(), "a sample store has no identity");
  sample.identity = *identity;
  for (const std::string& file : sample.segments) {
    const std::string bytes = *sample.env->Content(file);
    const auto header = store::DecodeSegmentHeader(base::Bytes(bytes).substr(0, base::kSegmentHeaderSize));
    Require(header.ok(), "a sample store has a bad segment");
    const store::RecordSealer sealer(header->store, header->id);
    for (uint64_t offset = base::kSegmentHeaderSize; offset < bytes.size();) {
      PlacedRecord record{file, header->id, offset, {}};
      const base::Bytes rest = base::Bytes(bytes).substr(offset);
      const bool whole = store::ParseRecordHeader(rest, rest.size(), &record.header) &&
                         store::RecordValid(sealer, offset, record.header,
                                            rest.substr(0, store::RecordSize(record.header.length)));
      if (!whole) break;
      sample.records.push_back(record);
      offset += store::RecordSize(record.header.length);
    }
  }
}

std::unique_ptr<SampleStore> Build(Sample kind) {
  auto sample = std::make_unique<SampleStore>();
  sample->env = std::make_unique<io::SimEnv>();
  {
    Builder builder(*sample);
    if (kind != Sample::kEmpty) Fill(builder);
    if (kind == Sample::kCompacted) {
      builder.Close();
      builder.Open();
      builder.Put("default", "a", "third");
      builder.Delete("default", "large");
      builder.Compact();
      builder.Put("default", "after", "behind the compaction");
    }
    if (kind == Sample::kKilled || kind == Sample::kCompacted) {
      builder.Kill();
    } else {
      builder.Close();
    }
  }
  FindRecords(*sample);
  return sample;
}

}  // namespace

const SampleStore& SampleOf(Sample sample) {
  static const std::vector<std::unique_ptr<SampleStore>>* const samples = [] {
    auto* const built = new std::vector<std::unique_ptr<SampleStore>>;
    for (int i = 0; i < kSamples; ++i) built->push_back(Build(static_cast<Sample>(i)));
    return built;
  }();
  return *(*samples)[static_cast<size_t>(sample)];
}

}  // namespace jzse::fuzz
