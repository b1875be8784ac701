// SPDX-License-Identifier: Apache-2.0
#include "engine_choice.h"

namespace jzse::prop {

using crash::Noise;
using crash::Prose;
using engine::Store;

std::string Choice::Space() {
  static constexpr const char* kNames[] = {"default", "default", "keys", "small", "temporary"};
  return kNames[prng.Below(std::size(kNames))];
}

std::string Choice::Path(const std::string& ns) {
  static constexpr const char* kRare[] = {"a-", "a0", "b!", "a\u00e9", "\u00e9"};
  static constexpr const char* kKeys[] = {"/", "//", "a/", "a//", "a//b", "a/b/", "/a", ".", "a/.."};
  const auto at = model_.spaces.find(ns);
  if (at != model_.spaces.end() && at->second.policy.kind == model::NamespaceKind::kKeys && prng.OneIn(5))
    return kKeys[prng.Below(std::size(kKeys))];
  std::string path;
  for (uint64_t depth = 1 + prng.Below(3); depth > 0; --depth) {
    if (!path.empty()) path += '/';
    if (prng.OneIn(16)) path += kRare[prng.Below(std::size(kRare))];
    else path += static_cast<char>('a' + prng.Below(3));
  }
  return path;
}

std::string Choice::AllData(uint64_t seed) {
  const uint64_t kind = prng.Below(20);
  if (kind < 10) return Noise(seed, prng.Below(200));
  if (kind < 13) return Prose(seed, prng.Below(20'000));
  if (kind < 15) return Noise(seed, prng.Below(base::kInlineSizeMax));
  if (kind < 17) return Noise(seed, base::kInlineSizeMax - 1 + prng.Below(3));
  if (kind < 18) return Prose(seed, 65'537 + prng.Below(300'000));
  return Noise(seed, 65'537 + prng.Below(prng.OneIn(4) ? 1'000'000 : 200'000));
}

std::string Choice::SmallData(uint64_t seed) {
  const uint64_t kind = prng.Below(200);
  if (kind < 175) return Noise(seed, prng.Below(120));
  if (kind < 190) return Prose(seed, prng.Below(3'000));
  if (kind < 196) return Noise(seed, prng.Below(20'000));
  if (kind < 197) return Noise(seed, base::kInlineSizeMax - 1 + prng.Below(3));
  return Noise(seed, 65'537 + prng.Below(60'000));
}

std::shared_ptr<const std::string> Choice::Data() {
  const uint64_t seed = prng.Below(8);
  std::string data = sizes_ == Sizes::kAll ? AllData(seed) : SmallData(seed);
  if (prng.OneIn(3) && !data.empty()) data[prng.Below(data.size())] ^= 1;  // mostly chunks known already
  return std::make_shared<const std::string>(std::move(data));
}

std::string Choice::Tag(const std::string& ns, const std::string& path) {
  if (prng.OneIn(3)) return "*";
  std::string tag(64, '0');
  const auto at = model_.spaces.find(ns);
  if (at == model_.spaces.end() || prng.OneIn(3)) return tag;
  for (const File* const file : at->second.At(path))
    if (file->now.has_content() && file->now.data->size() <= base::kInlineSizeMax)
      tag = TagOf(*file->now.data);
  return tag;
}

Sequence Choice::Version(const std::string& ns, const std::string& path) {
  std::vector<Sequence> known;
  const auto at = model_.spaces.find(ns);
  if (at == model_.spaces.end() || prng.OneIn(20)) return 1 + prng.Below(model_.last);
  for (const File* const file : at->second.At(path)) {
    for (const auto& [sequence, state] : file->versions) known.push_back(sequence);
    if (file->live() && prng.OneIn(4)) known.push_back(file->now.sequence);
  }
  return known.empty() ? 1 + prng.Below(model_.last) : known[prng.Below(known.size())];
}

std::string Choice::KnownPath(const std::string& ns) {
  const auto at = model_.spaces.find(ns);
  if (at == model_.spaces.end() || at->second.files.empty() || prng.OneIn(5)) return Path(ns);
  return at->second.files[prng.Below(at->second.files.size())]->now.path;
}

Op Choice::Operation() {
  static constexpr Op::Kind kKinds[] = {
      Op::Kind::kPut,  Op::Kind::kPut,           Op::Kind::kPut,     Op::Kind::kPut,  Op::Kind::kDelete,
      Op::Kind::kMove, Op::Kind::kMove,          Op::Kind::kCopy,    Op::Kind::kCopy, Op::Kind::kMkdir,
      Op::Kind::kSetAttributes, Op::Kind::kRestore, Op::Kind::kDeleteVersion};
  Op op;
  op.kind = kKinds[prng.Below(std::size(kKinds))];
  op.ns = Space();
  op.path = prng.OneIn(2) ? Path(op.ns) : KnownPath(op.ns);
  if (op.kind == Op::Kind::kPut) {
    op.data = Data();
    if (prng.OneIn(10) && !op.data->empty() && op.data->size() <= base::kSymlinkSizeMax)
      op.content = ContentKind::kSymlink;
  }
  const bool attributes = op.kind == Op::Kind::kPut || op.kind == Op::Kind::kMkdir || op.kind == Op::Kind::kSetAttributes;
  if (attributes && prng.OneIn(3)) {
    op.mode = static_cast<uint32_t>(prng.Below(512));
    op.type = prng.OneIn(2) ? "text/plain" : "";
    static constexpr int64_t kTimes[] = {0, 1, -1, -6'213'559'680'000'000'000, 1'700'000'000'123'456'789, INT64_MAX, INT64_MIN};
    op.mtime_ns = kTimes[prng.Below(std::size(kTimes))];
    if (prng.OneIn(2)) op.metadata = {{"a", ""}, {"b", "\u00e9 = b"}};
  }
  op.recursive = op.kind == Op::Kind::kDelete && prng.OneIn(3);
  if (op.kind == Op::Kind::kMove || op.kind == Op::Kind::kCopy) {
    op.to_ns = op.kind == Op::Kind::kCopy && prng.OneIn(3) ? Space() : op.ns;
    op.to = prng.OneIn(2) ? Path(op.to_ns) : KnownPath(op.to_ns);
    op.no_replace = prng.OneIn(4);
  }
  if (op.kind == Op::Kind::kRestore || op.kind == Op::Kind::kDeleteVersion) op.version = Version(op.ns, op.path);
  if (op.version == 0 && prng.OneIn(8)) op.if_match = Tag(op.ns, op.path);
  if ((op.kind == Op::Kind::kPut || op.kind == Op::Kind::kSetAttributes) && prng.OneIn(8))
    op.if_none_match = Tag(op.ns, op.path);
  return op;
}

engine::ListOptions Choice::Page(const std::string& ns, const std::string& path) {
  static constexpr const char* kPrefixes[] = {"", "", "a", "a/", "b/a", "\u00e9"};
  static constexpr const char* kDelimiters[] = {"", "", "/", "/", "/", "a", "-"};
  engine::ListOptions options;
  options.prefix = kPrefixes[prng.Below(std::size(kPrefixes))];
  if (prng.OneIn(3)) options.prefix = path.substr(0, path.find('/') == std::string::npos ? 1 : path.find('/') + 1);
  if (!options.prefix.empty() && static_cast<unsigned char>(options.prefix.back()) >= 0x80) options.prefix = "\u00e9";
  options.delimiter = kDelimiters[prng.Below(std::size(kDelimiters))];
  if (prng.OneIn(2)) options.start_after = path;
  // The end of a page is often the name of a group.
  if (const size_t slash = options.start_after.rfind('/'); slash != std::string::npos && slash > 0 && prng.OneIn(2))
    options.start_after.resize(slash + 1);
  if (prng.OneIn(4)) options.start_after = options.prefix;
  options.limit = prng.Below(5);
  options.with_deleted = prng.OneIn(3);
  return options;
}

model::NamespacePolicy Choice::Policy(model::NamespaceKind kind, const std::string& name) {
  static constexpr uint32_t kVersions[] = {0, 1, 2, 16};
  model::NamespacePolicy policy;
  policy.kind = kind;
  policy.versions_max = kVersions[prng.Below(4)];
  if (const auto known = model_.spaces.find(name); known != model_.spaces.end() && !prng.OneIn(3))
    policy.versions_max = std::max(policy.versions_max, known->second.policy.versions_max);
  policy.compression = prng.OneIn(2) ? 3 : 0;
  if (prng.OneIn(3)) policy.quota_bytes = 100'000 + prng.Below(400'000);
  if (prng.OneIn(3)) policy.quota_files = 5 + prng.Below(20);
  return policy;
}

model::NamespacePolicy KeysPolicy() {
  model::NamespacePolicy policy;
  policy.kind = model::NamespaceKind::kKeys;
  policy.versions_max = 2;
  policy.compression = 3;
  return policy;
}

model::NamespacePolicy SmallPolicy() {
  model::NamespacePolicy policy;
  policy.versions_max = 0;
  policy.quota_bytes = 300'000;
  policy.quota_files = 12;
  return policy;
}

namespace {

// As some keyboards spell it: the engine must find the same name.
std::string Spelled(std::string path) {
  for (size_t at = 0; (at = path.find("\u00e9", at)) != std::string::npos; at += 3) path.replace(at, 2, "e\u0301");
  return path;
}

}  // namespace

base::Status Add(Store& store, engine::Transaction& t, const Op& op) {
  const std::string path = Spelled(op.path), to = Spelled(op.to);
  engine::PutOptions put;
  put.kind = op.content;
  put.if_match = op.if_match;
  put.if_none_match = op.if_none_match;
  put.attributes.mode = op.mode;
  put.attributes.content_type = op.type;
  put.attributes.mtime_ns = op.mtime_ns;
  put.attributes.metadata.assign(op.metadata.rbegin(), op.metadata.rend());
  engine::ChangeOptions change{op.recursive, op.no_replace, op.if_match};
  switch (op.kind) {
    case Op::Kind::kPut: return store.AddPut(t, op.ns, path, *op.data, false, put);
    case Op::Kind::kDelete: return store.AddDelete(t, op.ns, path, change);
    case Op::Kind::kMove: return store.AddMove(t, op.ns, path, to, change);
    case Op::Kind::kCopy: return store.AddCopy(t, op.ns, path, op.to_ns, to, change);
    case Op::Kind::kMkdir: return store.AddMkdir(t, op.ns, path, put);
    case Op::Kind::kSetAttributes: return store.AddSetAttributes(t, op.ns, path, put);
    case Op::Kind::kRestore: return store.AddRestore(t, op.ns, path, op.version);
    case Op::Kind::kDeleteVersion: return store.AddDeleteVersion(t, op.ns, path, op.version);
  }
  return {};
}

base::StatusOr<engine::FileInfo> Commit(Store& store, const std::vector<Op>& group) {
  engine::Transaction t;
  for (const Op& op : group) JZSE_RETURN_IF_ERROR(Add(store, t, op));
  return store.Commit(std::move(t));
}

namespace {

// Between two namespaces the source is read when the operation is added, which makes it a put of what was there then.
Code Read(const Model& seen, Op* op) {
  const Space& from = seen.spaces.at(op->ns);
  const File* const source = from.Live(op->path);
  if (source == nullptr) return from.HasBelow(op->path) ? Code::kExists : Code::kNotFound;
  if (!source->now.has_content()) return Code::kExists;
  if (!op->if_match.empty() && op->if_match != "*" && op->if_match != TagOf(*source->now.data)) return Code::kPrecondition;
  const Space& to = seen.spaces.at(op->to_ns);
  if (op->no_replace && (to.Live(op->to) != nullptr || to.HasBelow(op->to))) return Code::kExists;
  op->kind = Op::Kind::kPut;
  op->ns = std::exchange(op->to_ns, "");
  op->path = std::exchange(op->to, "");
  op->if_match.clear();
  op->content = source->now.kind;
  op->data = source->now.data;
  op->mode = source->now.mode;
  op->type = source->now.type;
  op->mtime_ns = source->now.mtime_ns;
  op->metadata = source->now.metadata;
  return Code::kOk;
}

}  // namespace

// What is found when an operation is added comes before what is wrong with those ahead of it.
Code Expect(Model& model, const std::vector<Op>& group, const Model* seen) {
  if (seen == nullptr) seen = &model;
  std::vector<Op> read = group;
  for (Op& op : read) {
    if (model.spaces.count(op.ns) == 0 || (!op.to.empty() && model.spaces.count(op.to_ns) == 0))
      return Code::kNotFound;
    if (op.kind != Op::Kind::kCopy || op.ns == op.to_ns) continue;
    if (const Code code = Read(*seen, &op); code != Code::kOk) return code;
  }
  return model.Apply(read);
}

}  // namespace jzse::prop
