// SPDX-License-Identifier: Apache-2.0
#include "capi/convert.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace jzse::capi {

using base::Code;
using base::Fail;

static_assert(static_cast<int>(Code::kInvalid) == JZSE_INVALID);
static_assert(static_cast<int>(Code::kNoMemory) == JZSE_NO_MEMORY);
static_assert(static_cast<int>(Code::kBusy) == JZSE_BUSY);
static_assert(static_cast<int>(engine::ChangeType::kPut) == JZSE_CHANGE_PUT);
static_assert(static_cast<int>(engine::ChangeType::kMetadata) == JZSE_CHANGE_METADATA);

// ---- codes and messages

namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

void CopyLine(std::string_view line, char* to, size_t size) noexcept {
  size_t length = std::min(line.size(), size - 1);
  if (length < line.size()) {
    while (length > 0 && IsContinuation(line[length])) --length;
  }
  for (size_t i = 0; i < length; ++i) {
    const unsigned char c = static_cast<unsigned char>(line[i]);
    to[i] = c < 0x20 || c == 0x7f ? '?' : line[i];
  }
  to[length] = '\0';
}

int ReportCode(jzse_error* error, int code, std::string_view message) noexcept {
  constexpr size_t kHead = offsetof(jzse_error, message);
  if (error == nullptr || error->struct_size <= kHead || error->struct_size > kStructSizeMax) return code;
  error->code = code;
  CopyLine(message, error->message, std::min(error->struct_size - kHead, sizeof error->message));
  return code;
}

int Report(jzse_error* error, const Status& status) noexcept {
  const absl::string_view message = status.message().empty() ? "out of memory" : status.message();
  return ReportCode(error, static_cast<int>(base::CodeOf(status)), {message.data(), message.size()});
}

Status Need(const void* parameter, const char* name) {
  if (parameter != nullptr) return absl::OkStatus();
  return Fail(Code::kInvalid, absl::StrCat("parameter ", name, " is NULL"));
}

Status Need(std::initializer_list<Named> parameters) {
  for (const Named& named : parameters) JZSE_RETURN_IF_ERROR(Need(named.parameter, named.name));
  return absl::OkStatus();
}

StatusOr<base::Bytes> TakeBytes(const void* data, size_t size) {
  if (data == nullptr && size > 0) {
    return Fail(Code::kInvalid, absl::StrCat("parameter data is NULL, but its size is ", size));
  }
  if (size == 0) return base::Bytes("", 0);
  return base::Bytes(static_cast<const char*>(data), size);
}

// ---- structs of any size

namespace {

uint32_t SizeOf(const void* value) {
  uint32_t size;
  std::memcpy(&size, value, sizeof size);
  return size;
}

}  // namespace

Status CheckSize(const void* value, uint32_t size_min, const char* name) {
  const uint32_t size = SizeOf(value);
  if (size >= size_min && size <= kStructSizeMax) return absl::OkStatus();
  return Fail(Code::kInvalid, absl::StrCat(name, ".struct_size is ", size, ", expected ", size_min,
                                           " or more: begin from its _INIT macro"));
}

Status CopyIn(const void* from, uint32_t size_min, const char* name, void* to, uint32_t size) {
  JZSE_RETURN_IF_ERROR(CheckSize(from, size_min, name));
  const uint32_t given = SizeOf(from);
  std::memcpy(to, from, std::min(given, size));
  std::memcpy(to, &size, sizeof size);
  const char* const bytes = static_cast<const char*>(from);
  for (uint32_t i = size; i < given; ++i) {
    if (bytes[i] == 0 || base::Planted("unknown-field-accepted")) continue;
    return Fail(Code::kUnsupported, absl::StrCat(name, " sets a field at byte ", i,
                                                 " that libjzse " , jzse_version(), " does not know"));
  }
  return absl::OkStatus();
}

void CopyOut(const void* from, uint32_t size, void* to) noexcept {
  const uint32_t given = SizeOf(to);
  const uint32_t common = std::min(given, size);
  constexpr uint32_t kHead = sizeof(uint32_t);
  std::memcpy(static_cast<char*>(to) + kHead, static_cast<const char*>(from) + kHead, common - kHead);
  if (!base::Planted("unknown-result-not-zeroed")) std::memset(static_cast<char*>(to) + common, 0, given - common);
}

// ---- options

namespace {

Status Unknown(const char* what, uint64_t value) {
  return Fail(Code::kInvalid, absl::StrCat(what, ": ", value, " has no meaning"));
}

void TakeString(const char* from, std::string* to) {
  if (from != nullptr) *to = from;
}

// For each frozen number of the C API, in order from 0, its value inside.
template <typename T, size_t N>
StatusOr<T> Pick(const T (&values)[N], uint32_t number, const char* what) {
  if (number >= N) return Unknown(what, number);
  return values[number];
}
template <typename T, size_t N>
uint32_t NumberOf(const T (&values)[N], T value) {
  return static_cast<uint32_t>(std::find(values, values + N, value) - values);
}

constexpr model::NamespaceKind kKinds[] = {model::NamespaceKind::kTree, model::NamespaceKind::kKeys};
constexpr model::ConflictStrategy kConflicts[] = {
    model::ConflictStrategy::kLww, model::ConflictStrategy::kFork, model::ConflictStrategy::kMerge,
    model::ConflictStrategy::kManual};
constexpr model::Replication kReplications[] = {
    model::Replication::kEager, model::Replication::kLazy, model::Replication::kOnDemand};

constexpr uint32_t kModeMax = 07777;

Status TakeMetadata(const jzse_put_options& options, engine::Metadata* metadata) {
  if (options.metadata_count == 0) return absl::OkStatus();
  if (options.metadata_count > base::kMetadataCountMax) {
    return Fail(Code::kTooLarge, absl::StrCat("metadata has ", options.metadata_count, " pairs, at most ",
                                              base::kMetadataCountMax, " are allowed"));
  }
  JZSE_RETURN_IF_ERROR(Need(options.metadata, "jzse_put_options.metadata"));
  for (size_t i = 0; i < options.metadata_count; ++i) {
    const jzse_pair& pair = options.metadata[i];
    JZSE_RETURN_IF_ERROR(Need({{pair.key, "jzse_pair.key"}, {pair.value, "jzse_pair.value"}}));
    metadata->emplace_back(pair.key, pair.value);
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<engine::PutOptions> TakePut(const jzse_put_options* options) {
  engine::PutOptions put;
  if (options == nullptr) return put;
  JZSE_ASSIGN_OR_RETURN(const jzse_put_options given, Take(options));
  if (given.reserved != 0) return Unknown("jzse_put_options.reserved", given.reserved);
  if (given.kind == JZSE_KIND_SYMLINK) {
    put.kind = model::ContentKind::kSymlink;
  } else if (given.kind != 0 && given.kind != JZSE_KIND_FILE) {
    return Unknown("jzse_put_options.kind", given.kind);
  }
  if (given.mode > kModeMax) return Unknown("jzse_put_options.mode", given.mode);
  TakeString(given.if_match, &put.if_match);
  TakeString(given.if_none_match, &put.if_none_match);
  TakeString(given.content_type, &put.attributes.content_type);
  JZSE_RETURN_IF_ERROR(TakeMetadata(given, &put.attributes.metadata));
  put.attributes.mtime_ns = given.mtime_ns;
  put.attributes.mode = given.mode;
  return put;
}

StatusOr<engine::ChangeOptions> TakeChange(const jzse_change_options* options, uint32_t flags_allowed) {
  engine::ChangeOptions change;
  if (options == nullptr) return change;
  JZSE_ASSIGN_OR_RETURN(const jzse_change_options given, Take(options));
  if ((given.flags & ~flags_allowed) != 0) {
    return Unknown("jzse_change_options.flags for this call", given.flags & ~flags_allowed);
  }
  change.recursive = (given.flags & JZSE_RECURSIVE) != 0;
  change.no_replace = (given.flags & JZSE_NO_REPLACE) != 0;
  TakeString(given.if_match, &change.if_match);
  return change;
}

StatusOr<engine::FeedOptions> TakeFeed(const jzse_feed_options* options) {
  engine::FeedOptions feed;
  JZSE_ASSIGN_OR_RETURN(const jzse_feed_options given, Take(options));
  if (given.reserved != 0) return Unknown("jzse_feed_options.reserved", given.reserved);
  TakeString(given.ns, &feed.ns);
  TakeString(given.prefix, &feed.prefix);
  feed.after = given.after;
  return feed;
}

Status CheckTimeout(int timeout_ms) {
  if (timeout_ms >= -1) return absl::OkStatus();
  return Fail(Code::kInvalid, absl::StrCat("timeout_ms is ", timeout_ms, ", expected -1 or more"));
}

StatusOr<model::NamespacePolicy> TakeConfig(const jzse_namespace_config* config) {
  constexpr jzse_namespace_config kDefault = JZSE_NAMESPACE_CONFIG_INIT;
  if (config == nullptr) config = &kDefault;
  JZSE_ASSIGN_OR_RETURN(const jzse_namespace_config given, Take(config));
  if (given.reserved != 0) return Unknown("jzse_namespace_config.reserved", given.reserved);
  model::NamespacePolicy policy;
  JZSE_ASSIGN_OR_RETURN(policy.kind, Pick(kKinds, given.kind, "jzse_namespace_config.kind"));
  JZSE_ASSIGN_OR_RETURN(policy.conflict, Pick(kConflicts, given.conflict, "jzse_namespace_config.conflict"));
  JZSE_ASSIGN_OR_RETURN(policy.replication,
                        Pick(kReplications, given.replication, "jzse_namespace_config.replication"));
  if (given.compression > 19) return Unknown("jzse_namespace_config.compression", given.compression);
  policy.versions_max = given.versions_max;
  policy.compression = static_cast<int8_t>(given.compression);
  policy.versions_age_max_s = given.versions_age_max_s;
  policy.quota_bytes = given.quota_bytes;
  policy.quota_files = given.quota_files;
  policy.chunk_min = given.chunk_min;
  policy.chunk_average = given.chunk_average;
  policy.chunk_max = given.chunk_max;
  return policy;
}

// ---- results

namespace {

uint32_t KindOf(const engine::FileInfo& info) {
  if (info.is_prefix) return JZSE_KIND_PREFIX;
  switch (info.kind) {
    case model::ContentKind::kDeleted: return JZSE_KIND_DELETED;
    case model::ContentKind::kFile: return JZSE_KIND_FILE;
    case model::ContentKind::kSymlink: return JZSE_KIND_SYMLINK;
    case model::ContentKind::kDirectory: return JZSE_KIND_DIRECTORY;
  }
  return JZSE_KIND_DELETED;
}

// Sixteen bytes at a time, since listings give out millions of these.
using Block = uint8_t __attribute__((vector_size(16)));

Block DigitsOf(Block nibbles) { return nibbles + '0' + ((nibbles > 9) & (Block{} + ('a' - '0' - 10))); }

void HexOf(const base::Hash256& hash, char* to) {
  for (size_t i = 0; i < 2; ++i, to += 2 * sizeof(Block)) {
    Block bytes;
    std::memcpy(&bytes, hash.bytes.data() + i * sizeof bytes, sizeof bytes);
    const Block high = bytes >> 4, low = bytes & 15;
    const Block digits[2] = {
        DigitsOf(__builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)),
        DigitsOf(__builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))};
    std::memcpy(to, digits, sizeof digits);
  }
}

}  // namespace

void StoreFileInfo(const engine::FileInfo& info, jzse_file_info* out) noexcept {
  out->struct_size = sizeof *out;
  out->kind = KindOf(info);
  out->size = info.size;
  out->mtime_ns = info.mtime_ns;
  out->mode = info.mode;
  out->reserved = 0;
  out->changed_ms = info.changed_ms;
  out->sequence = info.sequence;
  out->file_replica = info.id.replica;
  out->file_counter = info.id.counter;
  constexpr size_t kDigits = 64;
  if (info.hash.empty()) {
    std::memset(out->etag, 0, kDigits);
  } else {
    HexOf(info.hash, out->etag);
  }
  std::memset(out->etag + kDigits, 0, sizeof out->etag - kDigits);
}

jzse_file_info FileInfoOf(const engine::FileInfo& info) noexcept {
  jzse_file_info out;
  StoreFileInfo(info, &out);
  return out;
}

jzse_namespace_config ConfigOf(const model::NamespacePolicy& policy) noexcept {
  jzse_namespace_config out{};
  out.struct_size = sizeof out;
  out.kind = NumberOf(kKinds, policy.kind);
  out.conflict = NumberOf(kConflicts, policy.conflict);
  out.replication = NumberOf(kReplications, policy.replication);
  out.versions_max = policy.versions_max;
  out.compression = static_cast<uint32_t>(policy.compression);
  out.versions_age_max_s = policy.versions_age_max_s;
  out.quota_bytes = policy.quota_bytes;
  out.quota_files = policy.quota_files;
  out.chunk_min = policy.chunk_min;
  out.chunk_average = policy.chunk_average;
  out.chunk_max = policy.chunk_max;
  return out;
}

jzse_namespace_info NamespaceInfoOf(const engine::NamespaceInfo& info) noexcept {
  jzse_namespace_info out{};
  out.struct_size = sizeof out;
  CopyLine(info.name, out.name, sizeof out.name);
  out.file_count = info.file_count;
  out.logical_bytes = info.logical_bytes;
  out.version_count = info.version_count;
  out.version_bytes = info.version_bytes;
  out.tombstone_count = info.tombstone_count;
  out.directory_count = info.directory_count;
  return out;
}

engine::Progress ProgressOf(jzse_progress_fn progress, void* context) {
  if (progress == nullptr) return {};
  return [progress, context](uint64_t done, uint64_t total) { return progress(context, done, total) == 0; };
}

}  // namespace jzse::capi
