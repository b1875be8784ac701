// SPDX-License-Identifier: Apache-2.0
// Beast's reading of a head that ParseHead accepted. A request is smuggled where two readers of the same bytes disagree, so two of them read here, and what they do not
// agree on to the letter is refused.
//
// Threading: pure.
#ifndef JZSE_SERVER_HTTP_SECOND_READING_H_
#define JZSE_SERVER_HTTP_SECOND_READING_H_

#include <string_view>

#include "http/head.h"

namespace jzse::http {

// Whether Beast's parser takes all of `bytes` for one head, with the method, target, version and fields (names, values, order) that ParseHead found. `raw_target` is the
// target as it stands in the request line.
bool BeastAgrees(std::string_view bytes, const Head& head, std::string_view raw_target);

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_SECOND_READING_H_
