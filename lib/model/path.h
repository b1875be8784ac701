// SPDX-License-Identifier: Apache-2.0
// Names: the one canonicaliser at the edge. What it returns is what is stored, compared and replicated.
//
// A canonical name is valid UTF-8 in Normalization Form C (Unicode Standard Annex 15, by utf8proc), without NUL, C0, DEL
// and C1 control characters, and
//   tree: segments between single slashes, none empty, "." or ".."; no slash at either end; at most kPathSizeMax bytes,
//         kPathDepthMax segments, kPathSegmentSizeMax bytes a segment;
//   keys: any such string of 1..kKeySizeMax bytes.
// Names are not otherwise interpreted: case matters, and Unicode look-alikes are different names.
#ifndef JZSE_MODEL_PATH_H_
#define JZSE_MODEL_PATH_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"

namespace jzse::model {

enum class NamespaceKind : uint8_t { kTree = 0, kKeys = 1 };

// Failures: kInvalid for what breaks the form, kTooLarge for size and depth. The message quotes the name, escaped.
base::StatusOr<std::string> CanonicalName(NamespaceKind kind, std::string_view raw);

// The canonical form of a string that names may begin with: may be empty, may end within a segment or in a slash.
base::StatusOr<std::string> CanonicalPrefix(NamespaceKind kind, std::string_view raw);

// 1..64 characters of [a-z0-9._-], the first a letter or digit. kInvalid otherwise.
base::Status CheckNamespaceName(std::string_view name);
base::Status CheckRegionName(std::string_view name);

// True for valid UTF-8 without control characters: what every canonical name is, whatever its namespace. Does not
// check the normal form; for names that were canonicalised before they were stored.
bool IsPlainText(std::string_view text);
// True for valid UTF-8 without NUL.
bool IsText(std::string_view text);

// In double quotes, on one line, printable and of bounded length, for messages.
std::string Quoted(std::string_view raw);

// What is before the last slash, empty for a name at the root; the views point into `path`.
std::string_view ParentOf(std::string_view path);
std::string_view BaseNameOf(std::string_view path);
// Strictly below; everything is below the root "".
bool IsBelow(std::string_view path, std::string_view directory);

}  // namespace jzse::model

#endif  // JZSE_MODEL_PATH_H_
