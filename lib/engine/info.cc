// SPDX-License-Identifier: Apache-2.0
// What the index says of a file, in the words of the API.
#include "absl/strings/str_cat.h"
#include "engine/store_impl.h"

namespace jzse::engine {

using base::Code;
using base::Fail;

FileInfo InfoOf(const FileEntry& entry) { return InfoOf(entry.sequence, entry.file); }

FileInfo InfoOf(Sequence sequence, const model::FileRecord& file) {
  const model::ContentVersion& version = file.winner();
  FileInfo info;
  info.kind = version.content.kind;
  info.size = version.content.size;
  info.changed_ms = version.stamp.ms();
  info.mtime_ns =
      version.content.mtime_ns != 0 ? version.content.mtime_ns : static_cast<int64_t>(info.changed_ms) * 1'000'000;
  info.mode = version.content.mode;
  info.sequence = sequence;
  info.id = file.id;
  info.hash = version.content.hash;
  return info;
}

Attributes AttributesOf(const FileEntry& entry) {
  const model::Content& content = entry.content().content;
  return {content.content_type, content.metadata, content.mtime_ns, content.mode};
}

std::string EtagOf(const FileEntry& entry) {
  const Hash256& hash = entry.content().content.hash;
  return hash.empty() ? std::string() : base::HexEncode(hash.view());
}

Status NotFound(std::string_view path) {
  return Fail(Code::kNotFound, absl::StrCat(model::Quoted(path), ": no such file"));
}

Status CheckPreconditions(std::string_view path, const FileEntry* current, const std::string& if_match,
                          const std::string& if_none_match) {
  const auto matches = [&](const std::string& tag) {
    return current != nullptr && (tag == "*" || tag == EtagOf(*current));
  };
  if (!if_match.empty() && !matches(if_match)) {
    return Fail(Code::kPrecondition,
                absl::StrCat(model::Quoted(path), current == nullptr ? ": does not exist, if-match wants "
                                                                     : ": is not the expected ",
                             if_match == "*" ? "a file" : if_match));
  }
  if (!if_none_match.empty() && !base::Planted("if-none-match-ignored") && matches(if_none_match))
    return Fail(Code::kPrecondition, absl::StrCat(model::Quoted(path), ": exists, if-none-match forbids it"));
  return {};
}

}  // namespace jzse::engine
