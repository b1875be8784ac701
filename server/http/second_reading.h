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

// Whether Beast's parser takes all of `bytes` for one head, with the method, target, version, fields (names, values, order) and framing that ParseHead found.
bool BeastAgrees(std::string_view bytes, const Head& head);

// ParseHead, and then BeastAgrees: what the server reads heads with.
HeadResult ReadHead(std::string_view bytes, size_t seen, const HeadLimits& limits, Head* head);

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_SECOND_READING_H_
