// SPDX-License-Identifier: Apache-2.0
// The files of the web console, as they were when the program was built.
#ifndef JZSE_SERVER_CONSOLE_CONSOLE_H_
#define JZSE_SERVER_CONSOLE_CONSOLE_H_

#include <span>
#include <string_view>

namespace jzse::console {

struct Asset {
  std::string_view path;  // below server/console, such as "index.html"
  std::string_view content_type;
  std::string_view etag;
  std::string_view bytes;
};

std::span<const Asset> Assets();

}  // namespace jzse::console

#endif  // JZSE_SERVER_CONSOLE_CONSOLE_H_
