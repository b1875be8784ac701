// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace jzse::base {
namespace {

constexpr char kCodePayload[] = "jzse/code";

absl::StatusCode AbslCode(Code code) {
  switch (code) {
    case Code::kOk: return absl::StatusCode::kOk;
    case Code::kInvalid: return absl::StatusCode::kInvalidArgument;
    case Code::kNotFound: return absl::StatusCode::kNotFound;
    case Code::kExists: return absl::StatusCode::kAlreadyExists;
    case Code::kPrecondition: return absl::StatusCode::kFailedPrecondition;
    case Code::kTooLarge: return absl::StatusCode::kOutOfRange;
    case Code::kNoSpace:
    case Code::kQuota:
    case Code::kNoMemory: return absl::StatusCode::kResourceExhausted;
    case Code::kCorrupt: return absl::StatusCode::kDataLoss;
    case Code::kIo: return absl::StatusCode::kInternal;
    case Code::kReadOnly: return absl::StatusCode::kPermissionDenied;
    case Code::kUnsupported: return absl::StatusCode::kUnimplemented;
    case Code::kClosed: return absl::StatusCode::kCancelled;
    case Code::kTimeout: return absl::StatusCode::kDeadlineExceeded;
    case Code::kLocked:
    case Code::kBusy: return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kUnknown;
}

}  // namespace

void CheckFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "jzse: internal check failed: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

Status Fail(Code code, std::string_view message) {
  JZSE_CHECK(code != Code::kOk);
  Status status(AbslCode(code), absl::string_view(message.data(), message.size()));
  status.SetPayload(kCodePayload, absl::Cord(absl::StrCat(static_cast<int>(code))));
  return status;
}

Status Annotate(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  return Fail(CodeOf(status), absl::StrCat(absl::string_view(context.data(), context.size()), ": ",
                                           status.message()));
}

Code CodeOf(const Status& status) {
  if (status.ok()) return Code::kOk;
  const auto payload = status.GetPayload(kCodePayload);
  if (!payload) return status.code() == absl::StatusCode::kResourceExhausted ? Code::kNoMemory : Code::kIo;
  return static_cast<Code>(std::atoi(std::string(*payload).c_str()));
}

}  // namespace jzse::base
