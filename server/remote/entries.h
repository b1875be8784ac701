// SPDX-License-Identifier: Apache-2.0
// What jzsed says of files, namespaces and changes, as the structs of jzse.h; and what it is told, as JSON and fields.
// Threads: pure.
#ifndef JZSE_REMOTE_ENTRIES_H_
#define JZSE_REMOTE_ENTRIES_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "remote/wire.h"
#include "jzse/jzse.h"

namespace jzse::remote {

using Json = nlohmann::json;

// False where it is none of ours. `path` may be null.
bool ReadEntry(const Json& json, std::string* path, jzse_file_info* info);
bool ReadNamespace(const Json& json, jzse_namespace_config* config, jzse_namespace_info* info);
bool ReadStats(const Json& json, jzse_stats* stats, std::string* region);
bool ReadReport(const Json& json, jzse_verify_report* report);
bool ReadReport(const Json& json, jzse_compact_report* report);
// Of an answer to GET; without changed_ms.
bool ReadFields(const AnswerHead& head, uint64_t size, jzse_file_info* info);
uint32_t ChangeType(std::string_view name);

Json ConfigJson(const jzse_namespace_config& config);
// content_type, metadata, mtime, mode.
Json AttributesJson(const jzse_put_options& options);

// "" or 0 where there is no such member of that kind. `json` must be an object.
std::string TextOf(const Json& json, const char* name);
uint64_t NumberOf(const Json& json, const char* name);

bool IsUtf8(std::string_view text);

}  // namespace jzse::remote

#endif  // JZSE_REMOTE_ENTRIES_H_
