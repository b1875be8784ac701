// SPDX-License-Identifier: Apache-2.0
// openapi.json, as it was when the program was built.
#ifndef JZSE_SERVER_JZSED_OPENAPI_H_
#define JZSE_SERVER_JZSED_OPENAPI_H_

#include <string_view>

namespace jzse::jzsed {

std::string_view OpenApiText();

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_OPENAPI_H_
