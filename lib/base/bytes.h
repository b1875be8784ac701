// SPDX-License-Identifier: Apache-2.0
// Views of bytes. `Bytes` is borrowed and never stored; owned bytes are std::string, which LevelDB, absl and the
// codec all share without a copy.
#ifndef JZSE_BASE_BYTES_H_
#define JZSE_BASE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jzse::base {

using Bytes = std::string_view;

inline uint64_t AlignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

std::string HexEncode(Bytes bytes);
// Accepts lower and upper case; false when the length is odd or a character is no hex digit.
bool HexDecode(std::string_view hex, std::string* bytes);

}  // namespace jzse::base

#endif  // JZSE_BASE_BYTES_H_
