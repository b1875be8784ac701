// SPDX-License-Identifier: Apache-2.0
// Status codes and their phrases.
//
// Threading: pure.
#ifndef JZSE_SERVER_HTTP_STATUS_H_
#define JZSE_SERVER_HTTP_STATUS_H_

#include <string_view>

namespace jzse::http {

std::string_view ReasonOf(int status);  // "Not Found"; "Unknown" for one that is not used here
// Whether an answer of that status has a body at all.
inline bool HasBody(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_STATUS_H_
