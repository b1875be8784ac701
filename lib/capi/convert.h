// SPDX-License-Identifier: Apache-2.0
// Between the structs of jzse.h and the types of engine: sizes of structs, codes, messages, options, results.
//
// Sizes of structs. A caller says with struct_size how large its struct was when it was compiled.
//   1. Smaller than the struct of the first version, or larger than kStructSizeMax: JZSE_INVALID (it was not
//      initialised).
//   2. Options of an older caller: fields it does not know are zero, the default.
//   3. Options of a newer caller: what this library does not know must be zero, otherwise JZSE_UNSUPPORTED; an
//      option is never ignored.
//   4. Results are written up to the caller's size; what this library does not know becomes zero. struct_size
//      stays as it is.
//
// Threading: functions without state.
#ifndef JZSE_CAPI_CONVERT_H_
#define JZSE_CAPI_CONVERT_H_

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "jzse/jzse.h"

namespace jzse::capi {

using base::Status;
using base::StatusOr;

inline constexpr uint32_t kStructSizeMax = 4096;

// ---- codes and messages

// Both fill `error` (which may be null) and return the code.
int Report(jzse_error* error, const Status& status) noexcept;
int ReportCode(jzse_error* error, int code, std::string_view message) noexcept;
// At most size - 1 bytes, cut between characters, control characters replaced, NUL-terminated. REQUIRES: size > 0
void CopyLine(std::string_view line, char* to, size_t size) noexcept;

// JZSE_INVALID with the parameter's name when it is null.
Status Need(const void* parameter, const char* name);
struct Named {
  const void* parameter;
  const char* name;
};
Status Need(std::initializer_list<Named> parameters);
// Bytes that a caller gives: null only with size 0.
StatusOr<base::Bytes> TakeBytes(const void* data, size_t size);

// ---- structs of any size

template <typename T>
struct FirstVersion;  // kSize: of the struct in version 0.1.0, up to its last field then
#define JZSE_FIRST_VERSION(type, last_field)                                                     \
  template <>                                                                                    \
  struct FirstVersion<type> {                                                                    \
    static constexpr uint32_t kSize = offsetof(type, last_field) + sizeof(type::last_field);     \
    static constexpr const char* kName = #type;                                                  \
  }
JZSE_FIRST_VERSION(jzse_options, log_context);
JZSE_FIRST_VERSION(jzse_stats, uses_uring);
JZSE_FIRST_VERSION(jzse_namespace_config, reserved);
JZSE_FIRST_VERSION(jzse_namespace_info, directory_count);
JZSE_FIRST_VERSION(jzse_file_info, etag);
JZSE_FIRST_VERSION(jzse_put_options, reserved);
JZSE_FIRST_VERSION(jzse_get_options, version);
JZSE_FIRST_VERSION(jzse_list_options, snapshot);
JZSE_FIRST_VERSION(jzse_change_options, if_match);
JZSE_FIRST_VERSION(jzse_feed_options, after);
JZSE_FIRST_VERSION(jzse_verify_options, rate);
JZSE_FIRST_VERSION(jzse_verify_report, repaired);
JZSE_FIRST_VERSION(jzse_compact_options, context);
JZSE_FIRST_VERSION(jzse_compact_report, tombstones_dropped);
JZSE_FIRST_VERSION(jzse_archive_options, context);
JZSE_FIRST_VERSION(jzse_archive_report, bytes);
#undef JZSE_FIRST_VERSION

Status CopyIn(const void* from, uint32_t size_min, const char* name, void* to, uint32_t size);
void CopyOut(const void* from, uint32_t size, void* to) noexcept;
Status CheckSize(const void* value, uint32_t size_min, const char* name);

// The caller's options as a struct of this version; all zero for null.
template <typename T>
StatusOr<T> Take(const T* options) {
  T taken{};
  if (options != nullptr) {
    JZSE_RETURN_IF_ERROR(
        CopyIn(options, FirstVersion<T>::kSize, FirstVersion<T>::kName, &taken, sizeof taken));
  }
  return taken;
}
// Whether a result can be written there; null is fine. Asked before anything is done.
template <typename T>
Status CheckResult(const T* result) {
  if (result == nullptr) return absl::OkStatus();
  return CheckSize(result, FirstVersion<T>::kSize, FirstVersion<T>::kName);
}
// REQUIRES: CheckResult was fine. Null is fine.
template <typename T>
void Give(const T& value, T* result) noexcept {
  if (result != nullptr) CopyOut(&value, sizeof value, result);
}

// ---- options and results

StatusOr<engine::PutOptions> TakePut(const jzse_put_options* options);
StatusOr<engine::ChangeOptions> TakeChange(const jzse_change_options* options, uint32_t flags_allowed);
StatusOr<engine::FeedOptions> TakeFeed(const jzse_feed_options* options);
StatusOr<model::NamespacePolicy> TakeConfig(const jzse_namespace_config* config);
Status CheckTimeout(int timeout_ms);

jzse_file_info FileInfoOf(const engine::FileInfo& info) noexcept;
void StoreFileInfo(const engine::FileInfo& info, jzse_file_info* out) noexcept;  // the same, in place
jzse_namespace_config ConfigOf(const model::NamespacePolicy& policy) noexcept;
jzse_namespace_info NamespaceInfoOf(const engine::NamespaceInfo& info) noexcept;
engine::Progress ProgressOf(jzse_progress_fn progress, void* context);

}  // namespace jzse::capi

#endif  // JZSE_CAPI_CONVERT_H_
