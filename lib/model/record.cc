// SPDX-License-Identifier: Apache-2.0
#include "model/record.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/path.h"

namespace jzse::model {
namespace {

using base::Code;
using base::Fail;
using base::Status;
using Storage = Content::Storage;

Status Bad(std::string_view cause) { return Fail(Code::kInvalid, cause); }

bool IsBytes(ContentKind kind) { return kind == ContentKind::kFile || kind == ContentKind::kSymlink; }

Status CheckAttributes(const Content& content) {
  if (content.content_type.size() > base::kContentTypeSizeMax) {
    return Fail(Code::kTooLarge, absl::StrCat("content type: at most ", base::kContentTypeSizeMax, " bytes"));
  }
  if (!IsPlainText(content.content_type)) return Bad("content type: no plain UTF-8");
  if (content.metadata.size() > base::kMetadataCountMax) {
    return Fail(Code::kTooLarge, absl::StrCat("metadata: at most ", base::kMetadataCountMax, " keys"));
  }
  size_t size = 0;
  const std::string* previous = nullptr;
  for (const auto& [key, value] : content.metadata) {
    if (key.empty() || !IsPlainText(key)) return Bad("metadata: a key is empty or no plain UTF-8");
    if (key.size() > base::kMetadataKeySizeMax) {
      return Fail(Code::kTooLarge, absl::StrCat("metadata: keys of at most ", base::kMetadataKeySizeMax, " bytes"));
    }
    if (!IsText(value)) {
      return Bad(absl::StrCat("metadata: the value of ", Quoted(key), " is no UTF-8 or holds a NUL"));
    }
    if (previous != nullptr && *previous >= key) {
      return Bad(absl::StrCat("metadata: key ", Quoted(key), " is there twice or out of order"));
    }
    previous = &key;
    size += key.size() + value.size();
  }
  if (size <= base::kMetadataSizeMax) return {};
  return Fail(Code::kTooLarge, absl::StrCat("metadata: at most ", base::kMetadataSizeMax, " bytes"));
}

Status CheckStorage(const Content& content) {
  if (content.manifest.empty() != (content.storage != Storage::kChunked) ||
      (content.reference == 0) != (content.storage != Storage::kReference)) {
    return Bad("content: manifest or reference do not fit the storage");
  }
  switch (content.storage) {
    case Storage::kNone: return {};
    case Storage::kInline:
    case Storage::kReference:
      if (content.size <= base::kInlineSizeMax) return {};
      return Fail(Code::kTooLarge, absl::StrCat("content: inline bytes of at most ", base::kInlineSizeMax));
    case Storage::kChunked:
      if (content.kind == ContentKind::kSymlink) return Bad("content: a chunked symlink");
      if (content.size == 0) return Bad("content: chunked, but empty");
      if (content.manifest.size() <= kManifestRootSizeMax) return {};
      return Fail(Code::kTooLarge, absl::StrCat("content: a root manifest of at most ", kManifestRootSizeMax, " bytes"));
  }
  return Bad("content: unknown storage");
}

bool ValidDot(const Dot& dot) { return dot.replica != 0 && dot.counter != 0; }

Status CheckVersion(const ContentVersion& version, const VersionVector& vector) {
  if (!ValidDot(version.dot) || !vector.Contains(version.dot)) return Bad("record: a content outside its vector");
  if (!version.stamp.valid()) return Bad("record: a content's stamp is beyond the end of time");
  if (version.ancestors.size() > kAncestorsMax) return Fail(Code::kTooLarge, "record: too many ancestors");
  for (size_t i = 0; i < version.ancestors.size(); ++i) {
    const Dot& dot = version.ancestors[i];
    const auto earlier = version.ancestors.begin() + static_cast<ptrdiff_t>(i);
    if (!ValidDot(dot) || !vector.Contains(dot)) return Bad("record: an ancestor outside its vector");
    if (dot == version.dot || std::find(version.ancestors.begin(), earlier, dot) != earlier) {
      return Bad("record: an ancestor is there twice");
    }
  }
  return CheckContent(version.content);
}

}  // namespace

Status CheckContent(const Content& content) {
  if (content.kind > ContentKind::kDirectory) return Bad("content: unknown kind");
  if (!IsBytes(content.kind)) {
    if (content.size != 0 || !content.hash.empty() || content.storage != Storage::kNone) {
      return Bad("content: bytes in a directory or tombstone");
    }
    if (content.kind == ContentKind::kDeleted &&
        (content.mode != 0 || content.mtime_ns != 0 || !content.content_type.empty() || !content.metadata.empty())) {
      return Bad("content: attributes in a tombstone");
    }
  } else if (content.hash.empty()) {
    return Bad("content: no identity");
  }
  if (content.size > base::kFileSizeMax) {
    return Fail(Code::kTooLarge, absl::StrCat("content: at most ", base::kFileSizeMax, " bytes"));
  }
  if (content.kind == ContentKind::kSymlink) {
    if (content.size == 0) return Bad("symlink: empty target");
    if (content.size > base::kSymlinkSizeMax) {
      return Fail(Code::kTooLarge, absl::StrCat("symlink: a target of at most ", base::kSymlinkSizeMax, " bytes"));
    }
  }
  JZSE_RETURN_IF_ERROR(CheckStorage(content));
  return CheckAttributes(content);
}

bool SameBytes(const Content& a, const Content& b) {
  return a.kind == b.kind && a.size == b.size && a.hash == b.hash;
}

bool SameValue(const Content& a, const Content& b) {
  return SameBytes(a, b) && a.mode == b.mode && a.mtime_ns == b.mtime_ns && a.content_type == b.content_type &&
         a.metadata == b.metadata;
}

std::strong_ordering Rank(const ContentVersion& a, const ContentVersion& b) {
  if (const auto order = a.stamp <=> b.stamp; order != 0) return order;
  if (const auto order = a.dot.replica <=> b.dot.replica; order != 0) return order;
  if (const auto order = a.content.hash <=> b.content.hash; order != 0) return order;
  return a.dot.counter <=> b.dot.counter;
}

const ContentVersion& FileRecord::winner() const {
  JZSE_CHECK(!contents.empty());
  return *std::max_element(contents.begin(), contents.end(), [](const ContentVersion& a, const ContentVersion& b) {
    if (base::Planted("delete-wins-over-edit")) return Rank(a, b) < 0;
    return a.live() != b.live() ? b.live() : Rank(a, b) < 0;
  });
}

Status CheckRecord(const FileRecord& record) {
  if (!ValidDot(record.id) || !record.vector.Contains(record.id)) return Bad("record: an id outside its vector");
  const PathRegister& path = record.path;
  if (!ValidDot(path.dot) || !record.vector.Contains(path.dot)) return Bad("record: a path outside its vector");
  if (!path.stamp.valid()) return Bad("record: the path's stamp is beyond the end of time");
  if (path.path.empty() || path.path.size() > base::kPathSizeMax || !IsPlainText(path.path)) {
    return Bad("record: a path that is no name");
  }
  if (record.contents.empty()) return Bad("record: no content");
  if (record.contents.size() > base::kSiblingsMax) return Fail(Code::kTooLarge, "record: too many concurrent contents");
  if (record.vector.size() > base::kVersionVectorReplicasMax) {
    return Fail(Code::kTooLarge, "record: too many replicas");
  }
  const ContentVersion* previous = nullptr;
  for (const ContentVersion& version : record.contents) {
    JZSE_RETURN_IF_ERROR(CheckVersion(version, record.vector));
    if (previous != nullptr && previous->dot >= version.dot) return Bad("record: contents out of order");
    previous = &version;
  }
  return {};
}

FileRecord NewRecord(std::string path, Content content, const Dot& dot, Stamp stamp) {
  FileRecord record;
  record.id = dot;
  record.path = {std::move(path), dot, stamp};
  record.contents.push_back({std::move(content), dot, stamp, {}});
  record.vector.Advance(dot);
  return record;
}

void SetContent(FileRecord& record, Content content, const Dot& dot, Stamp stamp, bool keep_ancestors) {
  JZSE_CHECK(!record.vector.Contains(dot));
  std::vector<Dot> ancestors;
  if (keep_ancestors) {
    std::vector<const ContentVersion*> parents;
    for (const ContentVersion& version : record.contents) parents.push_back(&version);
    std::sort(parents.begin(), parents.end(), [](auto a, auto b) { return Rank(*a, *b) > 0; });
    const auto add = [&ancestors](const Dot& ancestor) {
      if (ancestors.size() < kAncestorsMax &&
          std::find(ancestors.begin(), ancestors.end(), ancestor) == ancestors.end()) {
        ancestors.push_back(ancestor);
      }
    };
    for (const ContentVersion* parent : parents) add(parent->dot);
    for (const ContentVersion* parent : parents) {
      for (const Dot& ancestor : parent->ancestors) add(ancestor);
    }
  }
  record.contents.clear();
  record.contents.push_back({std::move(content), dot, stamp, std::move(ancestors)});
  record.vector.Advance(dot);
}

void SetPath(FileRecord& record, std::string path, const Dot& dot, Stamp stamp) {
  JZSE_CHECK(!record.vector.Contains(dot) && stamp > record.path.stamp);
  record.path = {std::move(path), dot, stamp};
  record.vector.Advance(dot);
}

}  // namespace jzse::model
